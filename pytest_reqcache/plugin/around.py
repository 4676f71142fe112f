"""Hooks around what a run does that uses the cache; in any other they would only cost."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pytest

from .state import SECTION, Run

if TYPE_CHECKING:
    from .running import Running

_OURS = __name__.partition(".")[0]


class Around:
    """Registered by the first test that uses the cache: when it is collected, or when it asks for one of our
    fixtures by itself."""

    def __init__(self, run: Run, add_report: Callable[[pytest.TestReport], None]) -> None:
        self._run = run
        self._add_report = add_report

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, Any, Any]:
        """What a fixture of wider scope requests is not the test's: its cassette is set aside meanwhile."""
        if fixturedef.scope == "function":
            return (yield)
        from .wider import set_up

        with set_up(self._run, fixturedef, request):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """A test that would record a secret fails, and not its tear-down."""
        running = self._run.running.get(item.nodeid)
        if running is None:
            return (yield)
        from .running import check

        running.in_body = True
        try:
            yield
        finally:
            running.in_body = False
        check(running)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        running = self._run.running.get(item.nodeid)
        guard = self._run.guard
        refused = [] if guard is None else guard.take_untold()
        if report.failed or _has_failed_within(report, running):
            from . import reporting
            from .running import look_for_secrets

            if running is not None:
                with suppress(Exception):  # what a user's function may raise fails a test that would be good
                    look_for_secrets(running)
            fixtures = getattr(item, "fixturenames", ())
            told = reporting.failure_section(self._run, running, item.nodeid, fixtures)
            if text := "\n".join([*told, *refused]):
                report.sections.append((SECTION, text))
        if self._run.is_forked:  # the report is logged in the process that has forked
            self._add_report(report)
        return report


def _has_failed_within(report: pytest.TestReport, running: Running | None) -> bool:
    """Whether it is a test's own report, and one of its subtests has failed: then pytest fails it later."""
    if running is None or running.in_body or report.when != "call":
        return False
    return any(earlier.failed for earlier in running.reports)


class Shortening:
    """Beside it, and after what finds the error of a ``unittest.TestCase``."""

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        if call.excinfo is not None and not item.config.getoption("fulltrace", False):
            _shorten(call.excinfo)


def _shorten(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Of an error of ours show what the test did: the way through `requests` and us is always the same."""
    if str(type(excinfo.value).__module__).partition(".")[0] != _OURS:
        return
    import requests

    passed = tuple(
        f"{folder}{os.sep}" for folder in (Path(requests.__file__).parent, Path(__file__).parents[1])
    )
    shown = None
    for entry in reversed(list(_entries(excinfo.tb))):
        if not entry.tb_frame.f_code.co_filename.startswith(passed):
            shown = TracebackType(shown, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    if shown is not None:
        excinfo.traceback = type(excinfo.traceback)(shown)


def _entries(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next
