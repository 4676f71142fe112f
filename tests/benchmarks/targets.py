"""What the project has set itself, and whether it is met."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from .figures import Results
from .peers import SUBJECTS

MB = 1_000_000


class Outcome(Enum):
    MET = "met"
    WITHIN_NOISE = "within noise (A/A)"
    MISSED = "missed"
    NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target, what was measured, and what to make of it. ``noise`` is the A/A deviation of its row."""

    target: str
    measured: float | None
    limit: float
    unit: str = ""
    noise: float = 0.0

    @property
    def outcome(self) -> Outcome:
        if self.measured is None:
            return Outcome.NOT_MEASURED
        if self.measured <= self.limit:
            return Outcome.MET
        within = self.measured <= self.limit * (1 + self.noise)
        return Outcome.WITHIN_NOISE if within else Outcome.MISSED

    @property
    def is_missed(self) -> bool:
        return self.outcome is Outcome.MISSED

    @property
    def shown(self) -> str:
        """What was measured, with its unit."""
        return "-" if self.measured is None else f"{self.measured:.3g}{self.unit}"

    def __str__(self) -> str:
        return f"{self.outcome.value:20} {self.shown:>9} <= {self.limit:g}{self.unit:6} {self.target}"


def check(results: Results) -> list[Verdict]:
    """Every target, in the order of the page."""
    return [*_ours(results), *_ahead_of_recorders(results), *_ahead_of_caches(results)]


def sizes_of(results: Results, prefix: str) -> list[int]:
    """The sizes that rows of that name were measured with, smallest first."""
    found = (row.removeprefix(f"{prefix}.") for row in results.rows if row.startswith(f"{prefix}."))
    return sorted(int(size) for size in found if size.isdigit())


def _ours(results: Results) -> Iterator[Verdict]:
    for what in ("first", "repeated"):
        sizes = sizes_of(results, f"replay.{what}")
        ratios = {size: results.ratio(f"replay.{what}.{size}", "ours", "floor") for size in sizes}
        known = [ratio for ratio in ratios.values() if ratio is not None]
        for size, ratio in ratios.items():
            noise = results.noise(f"replay.{what}.{size}")
            yield Verdict(
                f"replay, {what} use, {size:,} interactions: times the floor", ratio, 1.3, noise=noise
            )
        if len(known) > 1:
            noise = max(results.noise(f"replay.{what}.{size}") for size in sizes)
            grown = known[-1] / known[0]
            title = f"replay, {what} use: at {sizes[-1]:,} as at {sizes[0]:,}"
            yield Verdict(title, grown, 1.05, noise=noise)
    for size in sizes_of(results, "yaml"):
        if size >= 1000:
            row = f"replay.open.{size}"
            opened, floor = results.typical(row, "session"), results.typical(row, "floor")
            loaded = results.typical(f"yaml.{size}", "session")
            share = None if opened is None or floor is None or loaded is None else (opened - floor) / loaded
            title = f"opening {size:,}, beyond the floor: of what PyYAML's C loader takes"
            noise = results.noise(row)
            yield Verdict(title, None if share is None else share * 100, 2, " %", noise)
    for size in sizes_of(results, "recording.request"):
        for name, who in (("ours", "in a test"), ("session", "CachedSession")):
            row = f"recording.request.{size}"
            title = f"recording, {who}: times the live request"
            yield Verdict(title, results.ratio(row, name, "live"), 1.4, noise=results.noise(row))
    for size in sizes_of(results, "flat.end"):
        for name, who in (("ours", "in a test"), ("session", "CachedSession")):
            row = f"flat.end.{size}"
            grown = results.ratio(row, name, name, f"flat.start.{size}")
            title = f"recording, {who}: the last 100 of {size:,} as the first"
            yield Verdict(
                title, grown, 1.05, noise=max(results.noise(row), results.noise(f"flat.start.{size}"))
            )
    noise = results.noise("suite.run")
    title = "500 tests with 3 replayed requests each: times the floor"
    yield Verdict(title, results.ratio("suite.run", "ours", "floor"), 1.3, noise=noise)
    idle = results.ratio("idle.run", "ours", "floor")
    title = "500 tests with no HTTP: times the suite without the plugin"
    yield Verdict(title, idle, 1.01, noise=results.noise("idle.run"))
    imported = results.typical("imports.plugin", "ours")
    title = "importing the plugin, over `import pytest`"
    yield Verdict(title, None if imported is None else imported * 1000, 2, " ms")
    for row, limit, title in (
        ("memory.many", 10, "memory, replaying a cassette of 50 MB"),
        ("memory.recorded", 5, "memory, recording a streamed body"),
        ("memory.replayed", 5, "memory, replaying it"),
    ):
        for name, who in (("ours", "in a test"), ("session", "CachedSession")):
            used = results.typical(row, name)
            yield Verdict(f"{title}, {who}", None if used is None else used / MB, limit, " MB")
    lost = results.values("processes.lost", "ours")
    yield Verdict("8 processes on one cassette: interactions lost", max(lost) if lost else None, 0)


def _ahead_of_recorders(results: Results) -> Iterator[Verdict]:
    recorders = [subject.name for subject in SUBJECTS if subject.kind == "recorder"]
    for row, title in compared_rows(results):
        yield from _ahead(results, row, title, "recorder", recorders)


def _ahead_of_caches(results: Results) -> Iterator[Verdict]:
    caches = [subject.name for subject in SUBJECTS if subject.kind == "cache"]
    for row, title in compared_rows(results):
        if row.startswith(("replay.first", "replay.repeated")):
            yield from _ahead(results, row, title, "cache", caches)


def compared_rows(results: Results) -> list[tuple[str, str]]:
    """The rows in which ours is compared with the peers."""
    found = []
    for row in results.rows:
        what, _, rest = row.partition(".")
        if what in ("yaml", "imports") or "ours" not in results.rows[row]:
            continue
        found.append((row, f"{what}, {rest.replace('.', ', ')}"))
    return found


def _ahead(results: Results, row: str, title: str, kind: str, names: list[str]) -> Iterator[Verdict]:
    """Ours beside the best of a kind."""
    mine = results.typical(row, "ours")
    theirs = {name: value for name in names if (value := results.typical(row, name)) is not None}
    if mine is None or not theirs:
        return
    best = min(theirs, key=lambda name: theirs[name])
    ratio = results.ratio(row, "ours", best)
    if ratio is not None:
        yield Verdict(f"{title}: times the best {kind}, {best}", ratio, 1.0, noise=results.noise(row))
