"""What each test did, as plain values: they travel with its report, from xdist's workers too.

:class:`Record` is made where a test has run; :class:`Results` is the whole run, where it is reported.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

COUNTS = ("replayed", "recorded", "revalidated", "stale", "missed", "requests", "not_refreshed", "dropped")


@dataclass(frozen=True, slots=True)
class Drifted:
    """One recording that was replaced by another answer; ``changes`` are those of a ``drift.Drift``."""

    method: str
    url: str
    answer: int
    level: str
    changes: list[dict[str, Any]]
    omitted: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """What one test, or the fixtures of wider scope, did with one cassette.

    ``misses`` are requests and reasons, ``stale`` requests and ages in seconds; ``asked_for`` names what
    is in the cassette and was asked for, ``sought`` what was not there, where somebody wants to know.
    """

    cassette: str
    counts: dict[str, int] = field(default_factory=dict)
    misses: list[tuple[str, str]] = field(default_factory=list)
    stale: list[tuple[str, float]] = field(default_factory=list)
    drift: list[Drifted] = field(default_factory=list)
    asked_for: list[str] = field(default_factory=list)
    sought: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, values: dict[str, Any]) -> Record:
        """The record that another process made."""
        return cls(**{**values, "drift": [Drifted(**each) for each in values["drift"]]})


@dataclass(slots=True)
class Result:
    """One test: its outcome as pytest counts it, and in seconds how long its phases took.

    ``complete`` says that it ran from its beginning to its end, and as it should: then it has asked for
    all that it ever asks for.
    """

    outcome: str = "passed"
    duration: float = 0.0
    complete: bool = False
    record: Record | None = None

    def add(self, report: Any) -> None:
        """Add what a report of one phase says. A rerun begins anew."""
        if report.when == "setup" or (report.when == "call" and self.outcome == "rerun"):
            self.outcome, self.complete = "passed", True
        self.duration += getattr(report, "duration", 0.0)
        if report.outcome != "passed":
            self.complete = False
        outcome = _outcome(report)
        if _GRAVITY.index(outcome) > _GRAVITY.index(self.outcome):
            self.outcome = outcome


_GRAVITY = ("passed", "xpassed", "xfailed", "skipped", "rerun", "error", "failed")


def _outcome(report: Any) -> str:
    """What one report makes of its test."""
    if report.outcome == "failed":
        return "error" if report.when in ("setup", "teardown") else "failed"
    if report.outcome == "skipped" and hasattr(report, "context"):
        return "passed"  # a subtest was skipped: the test itself went on
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.outcome == "skipped" else "xpassed"
    if report.outcome in ("passed", "skipped"):
        return str(report.outcome)
    return "rerun"  # whatever the plugin that tries again calls it


@dataclass(slots=True)
class Results:
    """What the whole run did: its tests by node id and, with xdist, worker; ``outside`` of tests, fixtures
    of wider scope."""

    tests: dict[tuple[str, str], Result] = field(default_factory=dict)
    outside: list[Record] = field(default_factory=list)

    def add(self, report: Any, record: Record | None) -> None:
        name = (report.nodeid, getattr(report, "worker_id", ""))
        result = self.tests.setdefault(name, Result())
        result.add(report)
        if record is not None:
            result.record = record

    def recorded(self) -> Iterator[tuple[str, Record]]:
        """Each record with the node id of its test, which is empty outside of tests."""
        for (nodeid, _), result in self.tests.items():
            if result.record is not None:
                yield nodeid, result.record
        for record in self.outside:
            yield "", record

    def drift(self) -> Iterator[tuple[str, Record, Drifted]]:
        """Each recording that was replaced, with its test and its cassette. What several workers have
        refreshed, because their tests share it, is there once."""
        told: set[tuple[str, str]] = set()
        for nodeid, record in self.recorded():
            names = [(record.cassette, str(drifted)) for drifted in record.drift]
            for name, drifted in zip(names, record.drift, strict=True):
                if name not in told:
                    yield nodeid, record, drifted
            told.update(names)


def shown_path(path: Path, root: Path) -> str:
    """A path as it is told: from the rootdir, where it is below it; with slashes."""
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return Path(os.path.abspath(path)).as_posix()
