"""Killed at any moment, a recorder loses nothing of what it had recorded but what it was recording."""

from __future__ import annotations

import itertools
import math
import os
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from .killing import Attack, Nursery
from .victims import CONFTEST, MODULE, PROGRAMS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL"),
]


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def places(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """One folder after the other, each with what a program needs."""

    def make(number: int) -> Path:
        place = tmp_path / str(number)
        place.mkdir()
        if request.node.callspec.params["program"] == "suite":
            (place / "conftest.py").write_text(textwrap.dedent(CONFTEST))
            (place / "test_it.py").write_text(textwrap.dedent(MODULE))
            (place / "pytest.ini").write_text("[pytest]\n")
        return place

    return map(make, itertools.count())


SHARES = {"record": 0.25, "refresh": 0.25, "splice": 0.15, "commit": 0.25, "suite": 0.1}


@pytest.mark.parametrize("program", PROGRAMS)
def test_nothing_that_was_recorded_is_lost(program, nursery, places, request, record_property):
    kills = math.ceil(SHARES[program] * request.config.getoption("kills"))
    attack = Attack(nursery, program, seed=request.config.getoption("kill_seed"))
    attack.go(places, kills)
    sys.stdout.write(f"{program}: {attack.tally}\n")
    record_property("kills", str(attack.tally))
