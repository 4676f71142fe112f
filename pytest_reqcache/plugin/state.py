"""What the plugin holds for one pytest run."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .options import RunOptions

if TYPE_CHECKING:
    from ..flow import RunMemory
    from ..guard import Guard
    from .elsewhere import Elsewhere
    from .inventory import Inventory
    from .records import Record, Results
    from .running import Running, Wider
    from .unused import Unused


class Totals:
    """What the summary says: plain values, so that they travel between xdist's processes.

    No dataclass: every pytest run would wait until it is made.
    """

    def __init__(self, **given: Any) -> None:
        self.replayed = 0
        self.recorded = 0
        self.revalidated = 0
        self.stale = 0
        self.missed = 0
        self.requests = 0
        self.not_refreshed = 0
        self.oldest_stale = 0.0
        self.not_stored: dict[str, int] = {}
        self.not_stored_first: dict[str, str] = {}
        self.kept: list[str] = []
        self.dropped = 0
        self.dropped_for: dict[str, int] = {}
        self.polled: list[str] = []
        self.live_in_fixtures: dict[str, int] = {}
        self.passed_with_misses: list[str] = []
        self.skipped_with_misses: list[str] = []
        self.errors: list[str] = []
        self.refused: dict[str, int] = {}
        if unknown := given.keys() - vars(self).keys():
            raise TypeError(f"no such count: {', '.join(sorted(unknown))}")
        vars(self).update(given)

    def add(self, other: dict[str, Any]) -> None:
        """Add what another process counted, or one test."""
        for name, value in other.items():
            mine = getattr(self, name)
            if name == "oldest_stale":
                self.oldest_stale = max(mine, value)
            elif name == "not_stored_first":
                self.not_stored_first = {**value, **mine}
            elif isinstance(mine, list):
                mine.extend(value)
            elif isinstance(mine, dict):
                for key, count in value.items():
                    mine[key] = mine.get(key, 0) + count
            else:
                setattr(self, name, mine + value)

    def as_dict(self) -> dict[str, Any]:
        return dict(vars(self))

    @property
    def used(self) -> bool:
        return any(vars(self).values())


class Run:
    """One pytest run. ``in_use`` says whether any collected test uses the cache; ``outside`` is what was
    counted outside of tests, ``outside_records`` what was done there; ``results`` are of the process that
    reports, as are ``inventories`` (of each process that collected) and ``crashed``. ``wrong_markers`` says
    what is wrong with those that were collected. ``items`` are all that were, deselected or not."""

    def __init__(self, options: RunOptions, config: pytest.Config) -> None:
        self.options = options
        self.config = config
        self.root = config.rootpath
        self.in_use = False
        self.totals = Totals()
        self.outside = Totals()
        self.outside_records: list[Record] = []
        self.inventories: list[Inventory] = []
        self.crashed = False
        self.wrong_markers: list[str] = []
        self.unused: Unused | None = None
        self.started = datetime.now(timezone.utc)
        self.running: dict[str, Running] = {}
        self.current: Running | None = None
        self.guard: Guard | None = None
        self.memory: RunMemory | None = None
        self.wider: dict[Path, Wider] = {}
        self.fixture_folders: list[Path] = []
        self.refused_of: dict[tuple[str, str], list[str]] = {}  # by where a fixture is defined, and its name
        self.items: list[pytest.Item] = []
        self.named: dict[str, tuple[Path, str]] = {}  # cassettes that markers name, by their spelling
        self.elsewhere: Elsewhere | None = None
        self._results: Results | None = None
        self._pid = os.getpid()

    @property
    def is_forked(self) -> bool:
        """Whether this is a process that a plugin has forked for a test."""
        return os.getpid() != self._pid

    @property
    def results(self) -> Results:
        """What single tests did; made when there is something to be told."""
        if self._results is None:
            from .records import Results

            self._results = Results()
        return self._results

    @property
    def has_results(self) -> bool:
        return self._results is not None


RUN: pytest.StashKey[Run] = pytest.StashKey()
#: The name of the section that a failing test's report gets.
SECTION = "reqcache"
