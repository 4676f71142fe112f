from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import time_machine
from hypothesis import Phase, settings

from clocks import Clock
from origin import Origin
from pytest_reqcache import CachedSession, install_cache, uninstall_cache

# A usual run tries the same examples each time, so that what passes here passes elsewhere;
# `--hypothesis-profile=thorough` is a long run that looks for new ones.
_PHASES = [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink]
for _name, _examples in (("usual", 40), ("thorough", 2000)):
    settings.register_profile(
        _name,
        max_examples=_examples,
        deadline=None,
        derandomize=_name == "usual",
        print_blob=True,
        phases=_PHASES,
    )
settings.load_profile("usual")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=100, help="how many recorders tests/faults kills, in all")
    parser.addoption("--kill-seed", type=int, default=0, help="which moments it chooses for that")


@pytest.fixture
def origin() -> Iterator[Origin]:
    """A real server on loopback; its log is the judge of what was requested."""
    server = Origin()
    yield server
    server.stop()


@pytest.fixture
def clock() -> Iterator[Clock]:
    """The time, at 2026-06-01 12:00 UTC, standing still; ``clock.move(seconds)`` moves it."""
    start = datetime(2026, 6, 1, 12, 0, tzinfo=timezone.utc)
    with time_machine.travel(start, tick=False) as traveller:
        yield Clock(traveller)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Callable[..., CachedSession]]:
    """Makes cached sessions, on ``tmp_path / "cache.yaml"`` unless told otherwise; closes them."""
    opened: list[CachedSession] = []

    def make(cache_name: Any = None, **settings: Any) -> CachedSession:
        made = CachedSession(cache_name or tmp_path / "cache.yaml", **settings)
        opened.append(made)
        return made

    yield make
    for made in opened:
        made.close()


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Installs a cache on ``tmp_path / "installed.yaml"``, unless told otherwise; takes it away again."""

    def go(cache_name: Any = None, **settings: Any) -> None:
        install_cache(cache_name or tmp_path / "installed.yaml", **settings)

    yield go
    uninstall_cache()
