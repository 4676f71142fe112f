"""The pytest plugin: its hooks and fixtures, which call what does the work.

`requests` and `yaml` are imported before the first test of a run in which some test uses the cache, or
for an offline run, whose guard stands before the first conftest is imported; ``running`` is what imports
them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from . import options
from .folders import FolderOfCassettes, holds_cassettes_alone
from .options import MARKER, MARKER_HELP
from .state import RUN, SECTION, Run

if TYPE_CHECKING:
    from pathlib import Path

    from ..session import CachedSession
    from .given import Reqcache
    from .running import Running
    from .wider import CachedSessionFactory

_FIXTURE = "_reqcache_test"
_TEST_FIXTURES = frozenset({_FIXTURE, "reqcache", "cached_session"})
_OWN_FIXTURES = _TEST_FIXTURES | {"cached_session_factory"}
_REPORT_KEY = "reqcache"
_RECORD_KEY = "reqcache_record"
_FIXTURES_KEY = "reqcache_fixtures"


# --- the run


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, parser: pytest.Parser) -> None:
    """An offline run is offline from here on: conftest files are still to be imported."""
    _set_outer_aside(early_config)
    options.note_known(early_config, parser)
    if options.offline_source(early_config):
        run = early_config.stash[RUN] = Run(options.RunOptions(early_config), early_config)
        _stand_guard(run, early_config)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER_HELP)
    _set_outer_aside(config)
    given = options.RunOptions(config)
    run = config.stash.setdefault(RUN, Run(given, config))
    run.options = given  # the first reading, for the guard, came before all flags were known
    config.pluginmanager.register(_Outcomes(config, run), "reqcache-outcomes")
    if run.options.judges_unused:
        from .inventory import Collecting, Inventory

        inventory = Inventory()
        run.inventories.append(inventory)
        collecting = Collecting(inventory, run.root, run.options.cassette_dir, _TEST_FIXTURES)
        config.pluginmanager.register(collecting, "reqcache-inventory")
    if run.options.offline:
        _stand_guard(run, config)


def pytest_unconfigure(config: pytest.Config) -> None:
    run = config.stash.get(RUN, None)
    if run is None or "pytest_reqcache.patching" not in sys.modules:
        return
    from .. import patching
    from .running import abandon

    abandon(run)
    patching.end_tests()


def _set_outer_aside(config: pytest.Config) -> None:
    """Of a run within a test of another run: that test's cassette is not for what is requested here."""
    if "pytest_reqcache.patching" in sys.modules:
        from .. import patching

        config.add_cleanup(patching.set_aside())


def _stand_guard(run: Run, config: pytest.Config) -> None:
    if run.guard is None:
        from .. import patching
        from .running import make_guard

        run.guard = make_guard(run)
        config.add_cleanup(patching.set_aside())
        patching.set_guard(run.guard)


# --- the tests


@pytest.hookimpl(tryfirst=True)
def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Cassettes are no tests: not for who collects YAML files, and nobody is asked about each of them."""
    if holds_cassettes_alone(path) and not _is_asked_for(path, parent):
        return FolderOfCassettes.from_parent(parent, path=path)
    return None


def _is_asked_for(path: Path, parent: pytest.Collector) -> bool:
    """Whether a folder of cassettes, or one that it is in, was named."""
    return parent.session.isinitpath(path, with_parents=True) or holds_cassettes_alone(parent.path)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Check the markers, and have marked tests set up their cassette."""
    run = config.stash[RUN]
    autouse = run.options.autouse
    for item in items:
        marked = item.get_closest_marker(MARKER) is not None
        if marked:
            from .marking import check_marks, other_spelling

            wrong = check_marks(item) or other_spelling(item, run.options.cassette_dir, run.named)
            if wrong:
                run.wrong_markers.append(wrong)
        names = getattr(item, "fixturenames", None)
        is_test = isinstance(item, pytest.Function)  # a doctest is none: what it shows is the real thing
        if is_test and names is not None and (marked or autouse):
            # Before all others, where the test asks for it by itself, too: what they request is the test's.
            names = [_FIXTURE, *(name for name in names if name != _FIXTURE)]
            item.fixturenames = names  # type: ignore[attr-defined]
        if names is not None and not _OWN_FIXTURES.isdisjoint(names):
            _use(run, config)
    if run.wrong_markers:
        items.clear()  # what finishes the collection is told of it all the same
        raise pytest.UsageError(*run.wrong_markers)


def _use(run: Run, config: pytest.Config) -> None:
    """Some test of the run uses the cache."""
    if not run.in_use:
        run.in_use = True
        from .around import Around, Shortening

        outcomes: Any = config.pluginmanager.get_plugin("reqcache-outcomes")
        config.pluginmanager.register(Around(run, outcomes.add), "reqcache-around")
        config.pluginmanager.register(Shortening(), "reqcache-shortening")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Methods of sessions are replaced before the first test, whether that uses the cache or not:
    requests-mock leaves those that it finds on the sessions that it sees."""
    if session.config.stash[RUN].in_use and not session.config.option.collectonly:
        from .. import patching

        patching.ensure_trampolines()


@pytest.fixture(name=_FIXTURE)
def _test(request: pytest.FixtureRequest) -> Iterator[Running]:
    """The cassette of the test under way; with the marker every session goes through it."""
    from .running import start, stop

    run = request.config.stash[RUN]
    _use(run, request.config)  # no collected item shows that a test asks for a fixture by itself
    item: pytest.Item = request.node
    marked = item.get_closest_marker(MARKER) is not None or run.options.autouse
    config = request.getfixturevalue("reqcache_config")
    try:
        running = start(item, run, config, patches=marked)
    except (TypeError, ValueError) as error:
        raise pytest.fail.Exception(f"{item.nodeid}: {error}", pytrace=False) from None
    yield running
    stop(run, running)


@pytest.fixture(scope="session")
def reqcache_config() -> dict[str, Any]:
    """Settings for the tests that use the cache. Override it, at any scope, to set them in code."""
    return {}


@pytest.fixture
def reqcache(_reqcache_test: Running) -> Reqcache:
    """The test's cassette, its settings, and the counts of what was replayed, recorded, missed ..."""
    from .given import Reqcache

    return Reqcache(_reqcache_test.engine)


@pytest.fixture
def cached_session(_reqcache_test: Running) -> Iterator[CachedSession]:
    """A `requests` session on the test's cassette. Nothing is patched for it."""
    from ..session import session_on

    with session_on(_reqcache_test.engine) as session:
        yield session


@pytest.fixture(scope="session")
def cached_session_factory(request: pytest.FixtureRequest) -> Iterator[CachedSessionFactory]:
    """Cached sessions for fixtures of wider scope: ``cached_session_factory("login")`` has the cassette
    ``cassettes/login.yaml`` beside the file of the fixture that asks for it."""
    from .running import end_wider
    from .wider import CachedSessionFactory

    run = request.config.stash[RUN]
    _use(run, request.config)
    yield CachedSessionFactory(run)
    end_wider(run)


class _Outcomes:
    """Collects the reports of each test, and has it committed when the last one is there."""

    def __init__(self, config: pytest.Config, run: Run) -> None:
        self._config = config
        self._run = run
        self._follows_all = run.options.follows_tests

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Before any is deselected: they have cassettes all the same."""
        self._run.items = list(items)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # Most tests have nothing of this, and should pay nothing for it.
        if self._run.running:
            self.add(report)
        counted = getattr(report, _REPORT_KEY, None)
        if counted is not None:
            self._run.totals.add(counted)
        done = getattr(report, _RECORD_KEY, None)
        if done is not None or self._follows_all:
            from .records import Record

            self._run.results.add(report, None if done is None else Record.of(done))
            self._run.results.outside += map(Record.of, getattr(report, _FIXTURES_KEY, ()))
        if report.sections and self._in_colour():
            from . import reporting

            report.sections[:] = [
                (name, reporting.coloured(text)) if name == SECTION else (name, text)
                for name, text in report.sections
            ]

    def add(self, report: pytest.TestReport) -> None:
        """Take note of a report of a test that runs in this process."""
        running = self._run.running.get(report.nodeid)
        if running is not None:
            running.reports.append(report)
            if report.when == "teardown":
                self._finish(running, report)

    def _finish(self, running: Running, last: pytest.TestReport) -> None:
        """What the test counted travels with its last report: from xdist's workers too, even if they crash
        later. From a process forked for the test, which ends now, its fixtures' records do, too."""
        from .running import finish

        totals, record = finish(self._run, running)
        setattr(last, _REPORT_KEY, totals.as_dict())
        if record is not None:
            setattr(last, _RECORD_KEY, record.as_dict())
            if self._run.is_forked:
                records = [record.as_dict() for record in self._run.outside_records]
                setattr(last, _FIXTURES_KEY, records)

    def _in_colour(self) -> bool:
        """Whether this is the process that prints, on a terminal with colours."""
        terminal: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        return terminal is not None and terminal.hasmarkup


# --- the report


@pytest.hookimpl(trylast=True)  # fixtures may still be torn down in this hook
def pytest_sessionfinish(session: pytest.Session) -> None:
    """What was counted outside of tests is handed on; in the process that reports the run is closed."""
    run = session.config.stash[RUN]
    if run.guard is not None:
        run.outside.add({"refused": run.guard.refused})
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_REPORT_KEY] = {
            "totals": run.outside.as_dict(),
            "records": [record.as_dict() for record in run.outside_records],
            "inventories": [inventory.as_dict() for inventory in run.inventories],
            "wrong_markers": run.wrong_markers,
        }
    else:
        run.totals.add(run.outside.as_dict())
        if run.outside_records:
            run.results.outside += run.outside_records
        if run.options.follows_tests or run.totals.errors:
            from .closing import close

            close(run, session)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """One of xdist's workers has ended: what it did outside of tests; those came with their reports.

    Raises:
        pytest.UsageError: it has found wrong markers, as each worker does.
    """
    run = node.config.stash[RUN]
    told = getattr(node, "workeroutput", {}).get(_REPORT_KEY)
    if told is None:
        run.crashed = True
        return
    if told["wrong_markers"]:
        raise pytest.UsageError(*told["wrong_markers"])
    run.totals.add(told["totals"])
    if told["records"] or told["inventories"]:
        from .inventory import Inventory
        from .records import Record

        run.results.outside += map(Record.of, told["records"])
        run.inventories += map(Inventory.of, told["inventories"])


def pytest_report_header(config: pytest.Config) -> str:
    return config.stash[RUN].options.header


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    run = config.stash[RUN]
    if not (run.totals.used or run.has_results or run.unused):
        return
    from . import reporting

    quiet = config.get_verbosity() < 0 or bool(config.getoption("no_summary", False))
    if quiet:
        lines = [*reporting.troubles(run.totals), *reporting.unused(run, quiet=True)]
        changes = []
    else:
        in_ci = bool(os.environ.get("CI")) and not run.options.refreshes
        summary = reporting.summary(run.totals, in_ci=in_ci, keeps_failed=run.options.keep_failed)
        lines = [*summary, *reporting.unused(run, quiet=False)]
        changes = list(reporting.changes(run.results)) if run.has_results else []
    for title, content in (("reqcache: what changed", changes), ("reqcache", lines)):
        if content:
            terminalreporter.write_sep("=", title)
            for line in content:
                terminalreporter.write_line(line, red=line.startswith("  breaking"))
