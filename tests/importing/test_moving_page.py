"""The page on moving in knows every name of the releases that are installed."""

from __future__ import annotations

import inspect
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
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
    """Markers, flags, modes, fixtures and hooks, from the text: its import wants to be before vcrpy's."""
    spec = find_spec("pytest_recording")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent
    plugin, hooks = ((folder / name).read_text() for name in ("plugin.py", "hooks.py"))
    modes = re.search(r"^RECORD_MODES = \((.*)\)$", plugin, re.MULTILINE)
    assert modes is not None
    found = [
        re.findall(r'"markers", "(\w+):', plugin),
        re.findall(r'addoption\(\s*"([\w-]+)"', plugin),
        re.findall(r'"(\w+)"', modes[1]),
        re.findall(r"^@pytest\.fixture.*\ndef (\w+)", plugin, re.MULTILINE),
        re.findall(r"^def (\w+)", hooks, re.MULTILINE),
    ]
    assert all(found)
    return {name for names in found for name in names}


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
    ],
)
def test_every_name_is_mapped_to_ours(names: set[str]) -> None:
    assert names
    assert names - named() == set()
