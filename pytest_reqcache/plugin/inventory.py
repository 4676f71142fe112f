"""What was collected, and why it is not the whole suite: for judging what no test has used."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence, Set
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from .marking import cassette_name
from .naming import cassette_path
from .places import narrower_paths
from .records import shown_path


@dataclass(frozen=True, slots=True)
class Collected:
    """One test: its cassette, whether it will use it as far as can be told beforehand, and whether
    fixtures of wider scope make cached sessions for it."""

    cassette: str
    uses: bool
    has_factory: bool


@dataclass(slots=True)
class Inventory:
    """What one process has collected. Paths are from the rootdir."""

    tests: dict[str, Collected] = field(default_factory=dict)
    modules: list[str] = field(default_factory=list)
    skipped_modules: list[str] = field(default_factory=list)
    failed: int = 0
    deselected: int = 0
    removed: int = 0  # taken away by a plugin that did not say so

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, values: dict[str, Any]) -> Inventory:
        """The inventory that another process has made."""
        tests = {nodeid: Collected(**each) for nodeid, each in values["tests"].items()}
        return cls(**{**values, "tests": tests})


class Collecting:
    """Takes the inventory while pytest collects: in xdist's workers, as its controller does not."""

    def __init__(
        self, inventory: Inventory, root: Path, cassette_dir: Path | None, own_fixtures: frozenset[str]
    ) -> None:
        self._inventory = inventory
        self._root = root
        self._cassette_dir = cassette_dir
        self._own_fixtures = own_fixtures
        self._collected = 0

    def pytest_itemcollected(self) -> None:
        self._collected += 1

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        report = yield
        if report.failed:
            self._inventory.failed += 1
        elif isinstance(collector, pytest.Module):
            modules = self._inventory.skipped_modules if report.skipped else self._inventory.modules
            modules.append(shown_path(collector.path, self._root))
        return report

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self._inventory.deselected += len(items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        left = len(session.items) + self._inventory.deselected
        self._inventory.removed = max(0, self._collected - left)
        for item in session.items:
            names = getattr(item, "fixturenames", ())
            if isinstance(item, pytest.Function):
                path = cassette_path(item, cassette_name(item), self._cassette_dir)
                self._inventory.tests[item.nodeid] = Collected(
                    shown_path(path, self._root),
                    not self._own_fixtures.isdisjoint(names),
                    "cached_session_factory" in names,
                )


def why_not_whole(
    session: pytest.Session, inventories: Sequence[Inventory], ran: Set[str], *, crashed: bool
) -> Iterator[str]:
    """Why a run is not one of the whole suite, in words; nothing where it is. ``ran`` are the node ids of
    the tests that have a result; ``crashed`` says that one of xdist's workers did."""
    config = session.config
    for flag in ("--collect-only", "--setup-plan", "--setup-only"):
        if config.getoption(flag, False):
            yield f"no test was run ({flag})"
            return
    if config.getoption("lf", False):
        yield "only what failed last was asked for (--lf)"
    if narrower := narrower_paths(config):
        is_here = config.args_source is pytest.Config.ArgsSource.INVOCATION_DIR
        how = "from the rootdir" if is_here else "without paths"
        yield f"only {', '.join(narrower)} was asked for; run pytest {how}, or name them in testpaths"
    if any(str(arg).startswith("--ignore") for arg in config.invocation_params.args):
        yield "--ignore was given"
    if crashed:
        yield "a worker crashed"
    if not inventories:
        yield "nothing was collected"
        return
    if deselected := max(inventory.deselected for inventory in inventories):
        yield f"{deselected} test{'s' if deselected > 1 else ''} deselected"
    removed = max(inventory.removed for inventory in inventories)
    if removed and session.exitstatus != pytest.ExitCode.USAGE_ERROR:  # that is a wrong marker
        yield f"{removed} test{'s' if removed > 1 else ''} taken out by a plugin"
    if failed := max(inventory.failed for inventory in inventories):
        yield f"{failed} module{'s' if failed > 1 else ''} could not be collected"
    if missing := len({nodeid for inventory in inventories for nodeid in inventory.tests} - ran):
        yield f"{missing} test{'s were' if missing > 1 else ' was'} not run"
    ended = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
    if session.exitstatus not in ended:
        yield "the run did not come to its end"
