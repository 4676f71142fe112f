"""From the start of a test that uses the cache to the commit of what it recorded."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import requests

from .. import patching
from ..adapters import Gate
from ..cassette import CassetteError
from ..engine import Engine
from ..exchange import Forward
from ..flow import Commit, Flow, RunMemory, open_flow
from ..guard import Guard
from ..journal import Journal, Miss
from ..models import Interaction, RecordedRequest
from ..names import check_name, spelling, where_they_differ
from ..redaction import Redactor, SecretFoundError, masked_url
from ..settings import (
    CONFIG_SETTINGS,
    MARKER_SETTINGS,
    TEST_SETTINGS,
    Settings,
    SettingsView,
    merge,
    parse_settings,
)
from ..spared import Spared
from ..transport import Transport
from .explaining import command_anew, command_for, explanation
from .marking import cassette_name, config_layer, merged, refuses_requests, settings_of
from .naming import cassette_path, named_cassette, told_nodeid
from .records import COUNTS, Drifted, Record, shown_path
from .reporting import polled
from .state import Run, Totals

if TYPE_CHECKING:
    from ..drift import Drift


class Explained(NamedTuple):
    """What a miss is told with, and the test that was under way; in the set-up of a wider fixture none."""

    nodeid: str
    text: str


@dataclass(slots=True)
class Running:
    """One test that uses the cache: its engine, and what its reports have said so far.

    ``set_aside`` are the engines that are put back with the test's own, where that is not in place;
    ``before`` is what earlier attempts counted whose end no report has told; ``leaks`` says that there is a
    secret in what it recorded, ``in_body`` that its function is under way.
    """

    nodeid: str
    engine: Engine
    flow: Flow
    patched: bool
    set_aside: dict[object, Engine] = field(default_factory=dict)
    reports: list[pytest.TestReport] = field(default_factory=list)
    sections: list[Explained] = field(default_factory=list)
    before: Totals = field(default_factory=Totals)
    leaks: bool = False
    in_body: bool = False


@dataclass(slots=True)
class Wider:
    """A cassette that fixtures of wider scope use.

    ``told`` says how many of its sections a test has been told, ``recorded`` counts what was committed,
    ``settled`` what was recorded when that was last decided.
    """

    engine: Engine
    flow: Flow
    sections: list[Explained]
    drifts: list[tuple[Interaction, Drift]] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    told: int = 0
    recorded: int = 0
    settled: int = 0

    def commit(self) -> None:
        """Commit what is staged.

        Raises:
            SecretFoundError, CassetteError, OSError: it cannot be; it is still staged.
        """
        commit = self.flow.commit()
        self.kept += _outcomes(self, written=True)
        self.drifts += commit.drifts
        self.recorded += self.engine.journal.recorded - self.settled - commit.outrun
        self.settled = self.engine.journal.recorded

    def rollback(self) -> None:
        """Drop what is staged."""
        self.flow.rollback()
        self.kept += _outcomes(self, written=False)
        self.settled = self.engine.journal.recorded


def start(item: pytest.Item, run: Run, config: object, *, patches: bool) -> Running:
    """The engine of a test, on its cassette; with ``patches`` every session goes through it.

    Raises:
        TypeError, ValueError: what ``reqcache_config`` returned is not accepted.
    """
    before = _given_up(run.running.pop(item.nodeid, None))
    layer = config_layer(config)
    settings = settings_of(item, layer, run.options)
    name = cassette_name(item)
    path = cassette_path(item, name, run.options.cassette_dir)

    def refuses() -> bool:
        return refuses_requests(item, layer)

    shared = name is not None or spelling(path) in run.named
    engine, flow, explanations = _engine(
        path, settings, run, lambda: told_nodeid(item), refuses, shared=shared
    )
    running = Running(item.nodeid, engine, flow, patches, sections=explanations, before=before)
    run.running[item.nodeid] = running
    running.set_aside = {item.nodeid: engine}
    resume(run, running)
    return running


def _given_up(running: Running | None) -> Totals:
    """What was counted by an attempt that has failed and of whose tear-down there was no report: the plugin
    that tries again has done it by itself."""
    if running is None:
        return Totals()
    running.flow.rollback()
    totals = counted(running)
    totals.recorded = 0
    totals.add(running.before.as_dict())
    return totals


def _engine(
    path: Path,
    settings: Settings,
    run: Run,
    nodeid: Callable[[], str],
    refuses: Callable[[], bool],
    *,
    shared: bool,
    fixture: str = "",
) -> tuple[Engine, Flow, list[Explained]]:
    """An engine on a cassette, its flow, and the list that the explanations of its misses go to.

    ``nodeid`` gives the test that records it, empty for the whole run, and ``refuses`` whether that asks by
    itself to make no request; the cassette may be ``shared`` by several tests; ``fixture`` names it where it
    is for fixtures of wider scope.
    """
    if run.memory is None:
        run.memory = RunMemory()
    view = SettingsView(settings, {}, CONFIG_SETTINGS - {"key_fn"})
    redactor = Redactor(run.memory.registry, path, lambda: view.current.redact.rules, fixture)

    def anew() -> str:
        return command_anew(run, nodeid())

    flow = open_flow(path, redactor, run.memory, view, anew, shared=shared)
    spared = Spared(path, redactor, run.memory.live, anew)
    if fixture:
        run.memory.live.wide.append(spared)
    explanations: list[Explained] = []

    def explained(miss: Miss, request: RecordedRequest) -> str:
        command = command_for(run, nodeid(), miss, request, view.current, refuses=refuses())
        text = explanation(run, miss, request, flow, view, command)
        shown = flow.shown(redactor.clean_text(text))
        explanations.append(Explained(_test_under_way(run), shown))
        return shown

    journal = Journal()
    transport = Transport(flow, lambda: view.current, journal, explained, spared)
    engine = Engine(transport, view, mocks_first=True)
    engine.off = int(run.options.disabled)
    return engine, flow, explanations


def _test_under_way(run: Run) -> str:
    """Its node id, whether it uses the cache by itself or not."""
    return "" if run.fixture_folders else os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]


def wider_engine(run: Run, name: str, given: dict[str, object]) -> Engine:
    """The engine of a cassette for fixtures of wider scope: one for each file, with the settings that were
    given first.

    Raises:
        TypeError, ValueError: the name or a setting is not accepted.
        RuntimeError: no such fixture is set up or torn down just now.
    """
    if not run.fixture_folders:
        raise RuntimeError(
            f"cached_session_factory: {name!r} was asked for in a test or a fixture of its own, where "
            "cached_session and the marker are; this is for the set-up of fixtures of wider scope"
        )
    path = named_cassette(run.fixture_folders[-1], check_name(name), run.options.cassette_dir)
    layer = parse_settings(given, MARKER_SETTINGS, where="cached_session_factory: ", checked=True)
    if path not in run.wider:
        if other := next((used for used in run.wider if spelling(used) == spelling(path)), None):
            here, there = where_they_differ(path, other)
            raise ValueError(f"{here!r} is spelt {there!r} elsewhere: one spelling is accepted")
        settings = merged(run.options, layer)

        def refuses() -> bool:
            return bool(layer.get("only_if_cached"))

        engine = _engine(path, settings, run, lambda: "", refuses, shared=True, fixture=path.stem)
        run.wider[path] = Wider(*engine)
    return run.wider[path].engine


def keep_wider(run: Run) -> None:
    """Commit what fixtures of wider scope have recorded; what cannot be is dropped, and reported."""
    run.outside.add({"errors": _commit_wider(run)})


def settle_wider(run: Run, *, good: bool) -> None:
    """Commit what fixtures of wider scope recorded, or drop it; fail for what cannot be committed."""
    errors = _commit_wider(run) if good else []
    for wider in run.wider.values():
        wider.rollback()  # what is left
    if errors:
        pytest.fail("\n".join(errors), pytrace=False)


def _commit_wider(run: Run) -> list[str]:
    """Commit what is staged for wider cassettes, and drop what cannot be; what went wrong."""
    errors = []
    for wider in run.wider.values():
        try:
            wider.commit()
        except Exception as failed:  # whatever it is, the other cassettes are committed
            wider.rollback()
            errors.append(_told(failed))
    return errors


def end_wider(run: Run) -> None:
    """The last fixture that used them is gone: commit, and count."""
    with ExitStack() as ending:  # all of it is done, whatever of it fails
        ending.callback(_settle_and_count, run)
        for wider in run.wider.values():
            ending.callback(wider.engine.transport.end)


def _settle_and_count(run: Run) -> None:
    try:
        settle_wider(run, good=True)
    finally:
        for path, wider in run.wider.items():
            totals = counted(wider)
            totals.recorded = wider.recorded
            totals.kept += wider.kept
            run.outside.add(totals.as_dict())
            run.outside_records.append(record_of(run, path, wider, totals, wider.drifts))
        run.wider.clear()


def counted(of: Running | Wider) -> Totals:
    """What a journal says, as plain values."""
    journal, shown = of.engine.journal, of.flow.shown
    return Totals(
        replayed=journal.replayed,
        recorded=journal.recorded,
        revalidated=journal.revalidated,
        stale=journal.stale,
        missed=journal.missed,
        requests=journal.requests,
        oldest_stale=journal.oldest_stale.total_seconds(),
        not_refreshed=len(journal.kept),
        not_stored=dict(journal.not_stored),
        not_stored_first={why: shown(what) for why, what in journal.not_stored_first.items()},
        kept=list(map(shown, journal.kept)),
        polled=list(map(shown, polled(journal))),
    )


def _outcomes(of: Running | Wider, *, written: bool) -> list[str]:
    """What has become of recordings that errors were to replace."""
    outcome = "is replaced" if written else "is kept, as nothing was written"
    return [f"{of.flow.shown(what)}: the recording {outcome}" for what in of.engine.journal.take_worse()]


def record_of(
    run: Run,
    path: Path,
    of: Running | Wider,
    totals: Totals,
    drifts: Iterable[tuple[Interaction, Drift]],
) -> Record:
    """What a test, or fixtures of wider scope, did with a cassette."""
    journal = of.engine.journal
    return Record(
        cassette=shown_path(path, run.root),
        counts={name: getattr(totals, name) for name in COUNTS},
        misses=[(f"{miss.method} {miss.url}", miss.explain()) for miss in journal.misses],
        stale=[(of.flow.shown(what), age.total_seconds()) for what, age in journal.stale_answers],
        drift=[
            Drifted(
                new.request.method,
                new.request.url,
                new.answer,
                drift.level,
                [asdict(difference) for difference in drift.differences],
                drift.omitted,
            )
            for new, drift in drifts
        ],
        asked_for=sorted(of.flow.asked_for) if run.options.judges_unused else [],
        sought=sorted(of.flow.sought) if run.options.judges_unused else [],
    )


def suspend(run: Run) -> Running | None:
    """Set the cassette of the test under way aside; returns what to :func:`resume`."""
    running, run.current = run.current, None
    if running is not None and running.patched:
        running.set_aside = patching.take_off(running.nodeid)
    return running


def resume(run: Run, running: Running | None) -> None:
    run.current = running
    if running is not None and running.patched:
        patching.put_on(running.set_aside)


def stop(run: Run, running: Running) -> None:
    """The test has made its last request: wait for what runs behind it, and let go of the sessions."""
    try:
        running.engine.transport.end()
    finally:
        suspend(run)
        # What fixtures of wider scope have left to be done when this test has ended comes now.
        patching.set_watch(watch_for(run, f"teardown after {running.nodeid}"))


def check(running: Running) -> None:
    """The test's body is done: fail it if what it recorded holds a secret."""
    found = look_for_secrets(running)
    if found is not None:
        pytest.fail(str(found), pytrace=False)


def look_for_secrets(running: Running) -> SecretFoundError | None:
    """The secret that would be written if the test were good."""
    try:
        running.flow.check()
    except SecretFoundError as found:
        running.leaks = True
        return found
    return None


def watch_for(run: Run, who: str) -> Gate | None:
    """What counts the requests of fixtures of wider scope; offline none is made, disabled none would be
    recorded."""
    if run.options.offline or run.options.disabled:
        return None

    ini = _of_ini(run)

    def watch(
        request: requests.PreparedRequest, forward: Forward, arguments: dict[str, Any], connection: Any
    ) -> requests.Response:
        url = request.url or ""
        if not ini.passes_through(url):
            what = f"{who}: {request.method} {masked_url(url, ini.redact.rules)}"
            run.outside.add({"live_in_fixtures": {what: 1}})
        return forward(request)

    return watch


def finish(run: Run, running: Running) -> tuple[Totals, Record | None]:
    """The test's outcome is known: commit what it recorded, or drop it; gives what it counted, and what it
    did where that is to be told."""
    del run.running[running.nodeid]
    patching.set_watch(None)
    good = _is_good(running.reports)
    commit, error = _committed(run, running, good=good)
    totals = counted(running)
    totals.not_stored_first = {
        why: f"{what} of {running.nodeid}" for why, what in totals.not_stored_first.items()
    }
    totals.recorded = totals.recorded - commit.outrun if good else commit.recorded
    is_tried_again = any(str(report.outcome) == "rerun" for report in running.reports)
    if not is_tried_again:
        totals.kept += _outcomes(running, written=good and not error)
    if good and not running.flow.is_shared:  # there what others have recorded is of no one flow
        totals.kept += [f"{running.nodeid}: {told}" for told in running.flow.half_anew]
    if commit.removed:
        what, them = ("recordings", "them") if commit.removed > 1 else ("recording", "it")
        told = f"{commit.removed} older {what} removed: it asks for {them} no more"
        totals.kept.append(f"{running.nodeid}: {told}")
    if not is_tried_again:
        totals.dropped = commit.dropped
        totals.dropped_for = _dropped_for(running, commit)
        _note_misses(totals, running)
    if error:
        totals.recorded = 0
        totals.errors = [f"{running.nodeid}: {error}"]
    totals.add(running.before.as_dict())
    if not (commit.drifts or run.options.follows_tests):
        return totals, None
    return totals, record_of(run, running.flow.cassette.path, running, totals, commit.drifts)


def _dropped_for(running: Running, commit: Commit) -> dict[str, int]:
    """Why nothing of it was written, or not all, by the names of :data:`~.reporting.DROPPED_FOR`."""
    if not commit.dropped:
        return {}
    reports = running.reports
    if any(report.failed for report in reports):
        if running.leaks:
            return {"leaking": commit.dropped}
        counts = {"failed": commit.dropped - commit.refused, "refused": commit.refused}
        return {why: count for why, count in counts.items() if count}
    skipped_itself = any(report.skipped and not hasattr(report, "wasxfail") for report in reports)
    return {"skipped" if skipped_itself else "not run": commit.dropped}


def _note_misses(totals: Totals, running: Running) -> None:
    """A test that missed, and tells nobody by failing."""
    reports = running.reports
    if not totals.missed or any(report.failed for report in reports):
        return
    if not _is_complete(reports):
        totals.skipped_with_misses.append(running.nodeid)
    elif _was_run(reports):
        totals.passed_with_misses.append(running.nodeid)


def _was_run(reports: list[pytest.TestReport]) -> bool:
    return any(report.when == "call" for report in reports)


def _committed(run: Run, running: Running, *, good: bool) -> tuple[Commit, str]:
    """What was committed, and what went wrong: by now the test cannot fail any more."""
    keep = run.options.keep_failed and any(report.failed for report in running.reports)
    try:
        if good or keep:
            is_complete = good and _is_complete(running.reports)
            return running.flow.commit(additions_only=not good, is_complete=is_complete), ""
    except SecretFoundError as found:
        running.flow.rollback()
        return Commit(), str(found)
    except Exception as failed:  # whatever it is, the run goes on with the next test
        running.flow.rollback()
        return Commit(), f"not recorded: {_told(failed)}"
    return running.flow.rollback(), ""


def _told(error: Exception) -> str:
    """What went wrong with a commit; of an error that nobody expects also what it is, and where from."""
    if isinstance(error, (SecretFoundError, CassetteError, OSError)):
        return str(error)
    last = extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({last.filename}:{last.lineno})"


def abandon(run: Run) -> None:
    """The run ends with tests under way: drop what they recorded."""
    for running in run.running.values():
        running.flow.rollback()
    run.running.clear()


def _is_good(reports: list[pytest.TestReport]) -> bool:
    """Whether a test's reports say that it passed, or failed as expected.

    A failed subtest is a failed report of the test's call phase beside the test's own.
    """
    for report in reports:
        if report.skipped and hasattr(report, "context"):
            continue  # a subtest that was skipped: the test itself went on
        expected_failure = hasattr(report, "wasxfail")
        if report.outcome != "passed" and not (report.skipped and expected_failure):
            return False
    return _was_run(reports)


def _is_complete(reports: list[pytest.TestReport]) -> bool:
    """Whether a test that is good ran from its beginning to its end, with nothing in it skipped."""
    return all(report.outcome == "passed" for report in reports)


def make_guard(run: Run) -> Guard:
    """The offline guard of a run: it knows which test is under way."""
    ini = _of_ini(run)

    def is_open(url: str) -> bool | None:
        if run.current is None:
            return True if ini.passes_through(url) else None
        passes = run.current.engine.view.current.passes_through(url)
        return passes if run.current.patched else passes or None  # without the marker loopback is left alone

    return Guard(is_open, run.options.offline, ini.redact.rules)


def _of_ini(run: Run) -> Settings:
    """What holds where no test is under way."""
    return merge(TEST_SETTINGS, run.options.ini)
