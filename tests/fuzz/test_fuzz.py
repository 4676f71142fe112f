"""A moment of every fuzz target; ``python -m tests.fuzz --seconds 600`` takes longer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .__main__ import run
from .targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_bad_input_is_refused_with_the_documented_error(name: str) -> None:
    tried, _, failed = run(TARGETS[name], seconds=0.7, seed=20260601)
    assert failed == []
    assert tried > 0


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=15)
@given(data=st.binary(max_size=300))
def test_any_bytes_are_refused_with_the_documented_error(name: str, data: bytes) -> None:
    TARGETS[name].attempt(data)
