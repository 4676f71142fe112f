"""What pytest prints about the cache: the header line, the sections of failing tests, the summary."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from .state import Run, Running, Totals

if TYPE_CHECKING:
    from ..journal import Journal

_OFTEN = 20  # answers from one recording, after which a test is told about polling
_LISTED = 10  # tests, requests or answers that the summary names before it counts the rest


def header(run: Run) -> str:
    """The line about this run in the report's header."""
    if run.options.disabled:
        return "reqcache: disabled"
    state = f"offline ({run.options.offline})" if run.options.offline else "online"
    return ", ".join([f"reqcache: {state}", *run.options.shown])


def failure_section(run: Run, running: Running | None) -> str:
    """What a failing test is told: what its wider fixtures and itself missed, where it polled, what it
    would have recorded."""
    lines = [text for wider in run.wider.values() for text in wider.sections]
    if running is None:
        return "\n".join(lines)
    lines += [*running.sections, *polled(running.engine.journal)]
    new = running.flow.waiting
    if new and not run.options.keep_failed:
        plural = "s" if new > 1 else ""
        lines.append(
            f"{new} new recording{plural} dropped: --reqcache-keep-failed keeps {'them' if new > 1 else 'it'}"
        )
    return "\n".join(lines)


_COLOURS = (("not cached: ", "1"), ("- ", "31"), ("+ ", "32"))


def coloured(section: str) -> str:
    """A section with what was missed in bold, and its diff in red and green."""

    def line_in_colour(line: str) -> str:
        for start, code in _COLOURS:
            if line.lstrip().startswith(start):
                return f"\x1b[{code}m{line}\x1b[0m"
        return line

    return "\n".join(map(line_in_colour, section.splitlines()))


def summary(totals: Totals, *, in_ci: bool) -> Iterator[str]:
    """The lines of the summary; none where the cache was not used."""
    if not totals.used:
        return
    yield counts(totals)
    for why, count in sorted(totals.not_stored.items()):
        yield f"{count} answer{'s' if count > 1 else ''} not stored: {why}"
    yield from _listed("recordings and refreshes", totals.kept)
    if totals.dropped:
        dropped = f"{totals.dropped} recording{'s' if totals.dropped > 1 else ''}"
        yield f"{dropped} of failed tests dropped: --reqcache-keep-failed keeps new ones"
    yield from troubles(totals)
    yield from totals.polled[:_LISTED]
    yield from _listed(
        "requested by fixtures of wider scope, and not recorded (cached_session_factory records it)",
        [f"{what} ({count} times)" if count > 1 else what for what, count in totals.live_in_fixtures.items()],
    )
    yield from _listed("refused outside of tests that use the cache", list(totals.refused))
    if in_ci and totals.recorded:
        yield "recorded in CI and lost: commit these cassettes, and run CI with --reqcache-offline"


def troubles(totals: Totals) -> Iterator[str]:
    """What even a quiet run is told: what fails it, and tests that passed without their answers."""
    yield from _listed("errors", totals.errors)
    yield from _listed("passed although they missed", totals.passed_with_misses)


def counts(totals: Totals) -> str:
    """``412 replayed, 3 stale (oldest 61 days), 0 requests made``"""
    parts = []
    for name in ("replayed", "recorded", "revalidated"):
        if count := getattr(totals, name):
            parts.append(f"{count} {name}")
    if totals.stale:
        from ..journal import in_words

        parts.append(f"{totals.stale} stale (oldest {in_words(timedelta(seconds=totals.oldest_stale))})")
    if totals.missed:
        parts.append(f"{totals.missed} missed")
    parts.append(f"{totals.requests} request{'' if totals.requests == 1 else 's'} made")
    return ", ".join(parts)


def polled(journal: Journal) -> list[str]:
    """A hint for each request that one recording answered very often."""
    return [
        f'{what} was answered {count} times from one recording; if the code polls, use repeats="sequence"'
        for what, count in journal.replays.items()
        if count >= _OFTEN
    ]


def _listed(title: str, entries: list[str]) -> Iterator[str]:
    if not entries:
        return
    yield f"{title}:"
    yield from (f"  {entry}" for entry in entries[:_LISTED])
    if len(entries) > _LISTED:
        yield f"  and {len(entries) - _LISTED} more"
