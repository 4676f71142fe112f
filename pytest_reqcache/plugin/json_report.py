"""The whole run's report for machines; ``docs/report.schema.json`` says what is in it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..drift import LEVELS
from .records import COUNTS
from .unused import Unused

if TYPE_CHECKING:
    from .state import Run

FORMAT: Final = 1


def report(run: Run, started: datetime, ended: datetime, exit_status: int) -> dict[str, Any]:
    """The report of a run that has ended: plain values."""
    totals, options, drift = run.totals, run.options, _drift(run)
    return {
        "format": FORMAT,
        "started": _time(started),
        "ended": _time(ended),
        "duration": round((ended - started).total_seconds(), 3),
        "exit_status": exit_status,
        "mode": "disabled" if options.disabled else "offline" if options.offline else "online",
        "options": list(options.shown),
        "counts": {
            **{name: getattr(totals, name) for name in COUNTS},
            **{level: sum(item["level"] == level for item in drift) for level in LEVELS},
        },
        "tests": _tests(run),
        "misses": [
            {"test": nodeid, "request": request, "reason": reason}
            for nodeid, record in run.results.recorded()
            for request, reason in record.misses
        ],
        "stale": [
            {"test": nodeid, "request": request, "age": round(age, 3)}
            for nodeid, record in run.results.recorded()
            for request, age in record.stale
        ],
        "drift": drift,
        "unused": {"mode": options.unused, **asdict(Unused() if run.unused is None else run.unused)},
        "not_stored": totals.not_stored,
        "not_stored_first": totals.not_stored_first,
        "dropped_for": totals.dropped_for,
        "kept": totals.kept,
        "polled": totals.polled,
        "passed_with_misses": totals.passed_with_misses,
        "skipped_with_misses": totals.skipped_with_misses,
        "live_in_fixtures": totals.live_in_fixtures,
        "refused": totals.refused,
        "errors": totals.errors,
    }


def write(path: Path, content: dict[str, Any]) -> None:
    """Put the report at its place in one step, and make the folders that lead there.

    A link is followed, and what is no regular file, as ``/dev/stdout``, is written to.

    Raises:
        OSError: it cannot be written; what stood there is as it was.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _tests(run: Run) -> list[dict[str, Any]]:
    """The tests that used the cache."""
    return [
        {
            "test": nodeid,
            "outcome": result.outcome,
            "duration": round(result.duration, 6),
            "cassette": result.record.cassette,
            "counts": result.record.counts,
        }
        for (nodeid, _), result in run.results.tests.items()
        if result.record is not None
    ]


def _drift(run: Run) -> list[dict[str, Any]]:
    return [
        {"test": nodeid, "cassette": record.cassette, **asdict(drifted)}
        for nodeid, record, drifted in run.results.drift()
    ]


def _time(time: datetime) -> str:
    return time.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
