"""The end of a run, in the process that reports it: unused recordings, the report for machines, the
exit status."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path

import pytest

from . import json_report
from .inventory import why_not_whole
from .places import places
from .state import Run
from .unused import Unused, judge


def close(run: Run, session: pytest.Session) -> None:
    """Judge, report, and fail a run that has not failed yet where there is a reason to."""
    if run.options.judges_unused:
        run.unused = _judged(run, session)
    if run.totals.errors or (run.unused and run.options.unused == "fail"):
        _fail(session)
    if run.options.report is not None and not session.config.option.collectonly:
        _write_report(run, run.options.report, session)


def _judged(run: Run, session: pytest.Session) -> Unused:
    if run.options.disabled:
        return Unused("the cache was disabled (--reqcache-disable)")
    config, inventories = session.config, [each for each in run.inventories if each.modules]
    ran = {nodeid for nodeid, _ in run.results.tests}
    reasons = list(why_not_whole(session, inventories, ran, crashed=run.crashed))
    if reasons:
        return Unused("; ".join(reasons))
    root = Path(os.path.realpath(run.root))
    found = places(inventories, root, run.options.cassette_dir, config)
    return judge(inventories, run.results, found, root, run.options.ini)


def _write_report(run: Run, path: Path, session: pytest.Session) -> None:
    content = json_report.report(run, run.started, datetime.now(timezone.utc), int(session.exitstatus))
    try:
        json_report.write(path, content)
    except OSError as error:
        run.totals.errors.append(f"the report was not written: {path}: {error.strerror or error}")
        _fail(session)


def _fail(session: pytest.Session) -> None:
    if session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
