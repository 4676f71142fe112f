"""What pytest prints about the cache: the sections of failing tests, the summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .naming import with_bodies
from .state import Run, Totals

if TYPE_CHECKING:
    from ..journal import Journal
    from .records import Results
    from .running import Running
    from .unused import UnusedCassette

_REFUSED = "401, 403 and 407 are kept where the test passes"
_LEAKING = "a secret would have been written"
#: Why recordings are dropped, in the order in which it is told.
DROPPED_FOR = {
    "failed": "failed tests dropped: {}",
    "refused": f"failed tests dropped: {_REFUSED}",
    "leaking": f"failed tests dropped: {_LEAKING}",
    "skipped": "tests that skipped themselves dropped",
    "not run": "tests that were set up and not run dropped",
}
_OFTEN = 20  # answers from one recording, after which a test is told about polling
_UNUSED = 50  # unused recordings, and the like: they are to be removed
_CHANGED = 20  # recordings whose changes are told
_CHANGES = 8  # what is told of one of them
_REQUEST_WIDTH = 60  # characters
_LISTED = 10  # tests, requests or answers that the summary names before it counts the rest


def failure_section(run: Run, running: Running | None, nodeid: str, fixtures: Collection[str]) -> list[str]:
    """What a failing test, or subtest, is told: what its wider fixtures and itself missed, where it polled,
    what it would have recorded, what its wider fixtures were refused when they were set up last.
    ``fixtures`` are the names of those that it has."""
    lines = []
    for wider in run.wider.values():
        # What nobody has been told yet may be of a fixture that the test has asked for by itself.
        new = wider.sections[0 if "cached_session_factory" in fixtures else wider.told :]
        lines += [text for test, text in new if test in ("", nodeid)]
        wider.told = len(wider.sections)
    if running is not None:
        lines += [text for _, text in running.sections]
        lines += [*running.flow.half_anew, *running.flow.half_replayed]
        lines += map(running.flow.shown, polled(running.engine.journal))
        lines += () if running.in_body else _dropped(run, running)  # a subtest: the test goes on
    for (base, name), refused in run.refused_of.items():
        if name in fixtures and nodeid.startswith(base):
            lines += refused
    return lines


def _dropped(run: Run, running: Running) -> Iterator[str]:
    """What a failing test would have recorded, and why it is not."""
    if running.leaks:
        yield f"{_new(running.flow.waiting)} dropped: {_LEAKING}"
        return
    refused = running.flow.refused
    new = running.flow.waiting - refused
    if new and not run.options.keep_failed:
        them = "them" if new > 1 else "it"
        yield f"{_new(new)} dropped: --reqcache-keep-failed keeps {them}"
    if refused:
        yield f"{_new(refused)} dropped: {_REFUSED}"


def _new(count: int) -> str:
    return f"{count} new recording{'s' if count > 1 else ''}"


_COLOURS = (("not cached: ", "1"), ("- ", "31"), ("+ ", "32"))


def coloured(section: str) -> str:
    """A section with what was missed in bold, and its diff in red and green."""

    def line_in_colour(line: str) -> str:
        for start, code in _COLOURS:
            if line.lstrip().startswith(start):
                return f"\x1b[{code}m{line}\x1b[0m"
        return line

    return "\n".join(map(line_in_colour, section.splitlines()))


def summary(totals: Totals, *, in_ci: bool, keeps_failed: bool = False) -> Iterator[str]:
    """The lines of the summary; none where the cache was not used.

    ``keeps_failed`` says whether ``--reqcache-keep-failed`` was given.
    """
    if not totals.used:
        return
    yield counts(totals)
    for why, count in sorted(totals.not_stored.items()):
        what, first = ("answers", "the first to ") if count > 1 else ("answer", "")
        yield f"{count} {what} not stored: {why}: {first}{totals.not_stored_first[why]}"
    yield from _listed("recordings and refreshes", _times(Counter(totals.kept)))
    kept = "a failed test replaces none" if keeps_failed else "--reqcache-keep-failed keeps new ones"
    for name, text in DROPPED_FOR.items():
        if count := totals.dropped_for.get(name, 0):
            yield f"{_recordings(count)} of {text.format(kept)}"
    yield from troubles(totals)
    yield from totals.polled[:_LISTED]
    if (more := len(totals.polled) - _LISTED) > 0:
        yield f"and {more} more request{'s' if more > 1 else ''} answered as often from one recording each"
    yield from _listed(
        "requested by fixtures of wider scope, and not recorded (cached_session_factory records it)",
        _times(totals.live_in_fixtures),
    )
    yield from _listed(
        "refused outside of tests that use the cache (cached_session_factory records those of fixtures)",
        list(totals.refused),
    )
    if in_ci and totals.recorded:
        yield "recorded in CI and lost: commit these cassettes, and run CI with --reqcache-offline"


def _times(counts: Mapping[str, int]) -> list[str]:
    return [f"{what} ({count} times)" if count > 1 else what for what, count in counts.items()]


def _recordings(count: int) -> str:
    return f"{count} recording{'s' if count > 1 else ''}"


def changes(results: Results) -> Iterator[str]:
    """What a refresh has changed, the worst first: of each recording class, test, request, and what."""
    from ..drift import LEVELS
    from ..shapes import Difference

    rows: list[tuple[str, str, str, list[str]]] = []
    plain = 0
    for nodeid, _, drifted in results.drift():
        told = [str(Difference(**change)) for change in drifted.changes]
        if not told:
            plain += 1
            continue
        more = len(told) - _CHANGES + drifted.omitted
        shown = [*told[:_CHANGES], *([f"and {more} more"] if more > 0 else [])]
        request = _cut(f"{drifted.method} {_path(drifted.url)}", _REQUEST_WIDTH)
        rows.append((drifted.level, nodeid or "fixtures", request, shown))
    rows.sort(key=lambda row: (LEVELS.index(row[0]), row[1]))
    widths = [max((len(row[column]) for row in rows[:_CHANGED]), default=0) for column in (1, 2)]
    for level, nodeid, request, told in rows[:_CHANGED]:
        yield f"  {level:8}  {nodeid:{widths[0]}}  {request:{widths[1]}}  {told[0]}"
        yield from (f"  {'':8}  {'':{widths[0]}}  {'':{widths[1]}}  {text}" for text in told[1:])
    if len(rows) > _CHANGED:
        yield f"  and {len(rows) - _CHANGED} more interactions: --reqcache-report writes them all"
    if plain:
        yield f"  values    {plain} interaction{'s' if plain > 1 else ''}"


def _path(url: str) -> str:
    """A URL without its scheme and host."""
    parts = urlsplit(url)
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."


def unused(run: Run, *, quiet: bool) -> Iterator[str]:
    """What no test has used, or why that was not judged; a ``quiet`` run is told only if it may fail."""
    found, mode = run.unused, run.options.unused
    if found is None or (quiet and mode != "fail"):
        return
    if found.why_not:
        yield f"unused recordings were not judged: {found.why_not}"
        return
    yield from _listed(
        "recordings that no test asked for",
        [f"{item.cassette}:{item.line}: {item.method} {item.url}" for item in found.interactions],
        most=_UNUSED,
    )
    yield from _listed(
        "cassettes that no test owns", [_orphan(each, run.root) for each in found.cassettes], most=_UNUSED
    )
    yield from _listed("body files of no cassette", list(found.body_folders), most=_UNUSED)
    if found.not_judged and not quiet:
        count = len(found.not_judged)
        yield (
            f"{count} cassette{'s were' if count > 1 else ' was'} not judged: the tests were skipped, or did "
            "not run to their end as they should"
        )


def _orphan(cassette: UnusedCassette, root: Path) -> str:
    """An unowned cassette, and the name that it may have now; its body files are to be renamed with it."""
    count = cassette.interactions
    told = "unreadable" if count is None else f"{count} interaction{'' if count == 1 else 's'}"
    new = cassette.perhaps_renamed_to
    if new is None:
        return f"{cassette.cassette} ({told})"
    old_folder, _, old_name = cassette.cassette.rpartition("/")
    new_folder, _, new_name = new.rpartition("/")
    names = f"{old_name} -> {new_name}" if old_folder == new_folder else f"{cassette.cassette} -> {new}"
    beside = with_bodies(root / cassette.cassette)
    return f"{cassette.cassette} ({told}); perhaps renamed: {names.replace('.yaml', '')}{beside}"


def troubles(totals: Totals) -> Iterator[str]:
    """What even a quiet run is told: what fails it, and tests that passed without their answers."""
    yield from _listed("errors", totals.errors)
    yield from _listed("passed although they missed", totals.passed_with_misses)
    yield from _listed("skipped or failed as expected, and missed", totals.skipped_with_misses)


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
        for what, count in journal.often(_OFTEN)
    ]


def _listed(title: str, entries: list[str], most: int = _LISTED) -> Iterator[str]:
    if not entries:
        return
    yield f"{title}:"
    yield from (f"  {entry}" for entry in entries[:most])
    if len(entries) > most:
        yield f"  and {len(entries) - most} more"
