"""A moment of every fuzz target; ``python -m tests.fuzz --seconds 600`` takes longer."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .__main__ import main, run
from .targets import TARGETS, Target


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


def test_failing_input_is_printed_with_the_command_that_tries_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(data: bytes) -> None:
        if b"'" in data:
            raise KeyError(data)

    monkeypatch.setitem(TARGETS, "made up", Target(fails))
    assert main(["made up", "--seconds", "5"]) == 1
    printed = capsys.readouterr().out
    assert "5 failed" in printed
    command = next(line for line in printed.splitlines() if line.startswith("again: python -m tests.fuzz "))
    assert main(shlex.split(command)[4:]) == 1
    assert "1 inputs" in capsys.readouterr().out
    assert main(["made up", "--input", "b'harmless'"]) == 0
