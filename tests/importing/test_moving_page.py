"""The page on moving in knows every name of the releases that are installed."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
import pytest_recording.hooks
import pytest_recording.plugin
import vcr
import vcr.unittest
from vcr.cassette import Cassette
from vcr.record_mode import RecordMode

PAGE = Path(__file__).parents[2] / "docs" / "moving.md"

# What is read from ``kwargs`` alone, and so stands in no signature.
FURTHER_OPTIONS = {"additional_matchers", "allow_playback_repeats", "persister", "path"}
# Of a VCR object: what is set by an option of that name, and what is no user's business.
INNER = {"ensure_suffix", "get_merged_config", "is_test_method", "use_cassette"}
INNER_OF_CASSETTE = {"load", "use", "use_arg_getter"}


def named() -> set[str]:
    """Every name in code style in a table."""
    rows = "\n".join(line for line in PAGE.read_text().splitlines() if line.startswith("|"))
    return {name for code in re.findall(r"`([^`]+)`", rows) for name in re.findall(r"[\w-]+", code)}


def public(owner: object) -> set[str]:
    return {name for name in vars(owner) if not name.startswith("_")}


def plugin_names() -> set[str]:
    source = inspect.getsource(pytest_recording.plugin)
    fixtures = {
        name
        for name, value in vars(pytest_recording.plugin).items()
        if type(value).__name__ == "FixtureFunctionDefinition"
    }
    markers = set(re.findall(r'"markers", "(\w+):', source))
    flags = set(re.findall(r'addoption\(\s*"([\w-]+)"', source))
    assert len(fixtures) > 5
    assert len(markers) > 2
    assert len(flags) > 2
    return {*fixtures, *markers, *flags, *pytest_recording.plugin.RECORD_MODES}


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(
            {*inspect.signature(vcr.VCR.__init__).parameters, *FURTHER_OPTIONS} - {"self"}, id="options"
        ),
        pytest.param(public(vcr.VCR) - INNER, id="methods"),
        pytest.param(public(Cassette) - INNER_OF_CASSETTE, id="cassette"),
        pytest.param({mode.name for mode in RecordMode}, id="record modes"),
        pytest.param(
            {name for name in public(vcr.unittest) if name.startswith("VCR")} - {"VCR"}, id="unittest"
        ),
        pytest.param(set(vcr.VCR().matchers), id="matchers"),
        pytest.param(plugin_names(), id="pytest-recording"),
        pytest.param({n for n in public(pytest_recording.hooks) if n.startswith("pytest_")}, id="hooks"),
    ],
)
def test_every_name_is_mapped_to_ours(names: set[str]) -> None:
    assert names
    assert names - named() == set()
