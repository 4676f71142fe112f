"""Folders of cassettes, in which pytest need not look for tests.

Each folder of every run is looked at: this imports nothing of the package.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from io import FileIO

import pytest

_SUFFIXES = (".yaml", ".yml")
# What may lie beside cassettes and is no test either: what was cut off of one, and what editors leave.
_BESIDE = (".torn", "~")
_LONGEST_HEAD = 4096
_BLANK = rb"(?:[ \t]*(?:#[^\r\n]*)?\r?\n)*"
_HEAD = _BLANK + rb"version:[ \t]*1[ \t]*\r?\n" + _BLANK + rb"interactions:"  # compiled where one is read


class FolderOfCassettes(pytest.Directory):
    """A folder without tests."""

    def collect(self) -> Iterable[pytest.Item]:
        return ()


def holds_cassettes_alone(folder: str | os.PathLike[str]) -> bool:
    """Whether there are cassettes as we write them in a folder, and in those below it, and nothing else but
    what belongs to them, and hidden files."""
    try:
        with os.scandir(folder) as entries:
            found = [entry for entry in entries if not entry.name.startswith(".")]
        below = [entry for entry in found if entry.is_dir()]
        files = [entry for entry in found if entry.is_file() and not entry.name.endswith(_BESIDE)]
    except OSError:  # it may not be read
        return False
    if any(entry.is_symlink() for entry in below):  # anything may be there
        return False
    if not all(entry.name.endswith(_SUFFIXES) for entry in files):
        return False
    below = [entry for entry in below if not entry.name.endswith(".bodies")]
    if not (files or below):
        return False
    return all(map(_begins_as_cassette, files)) and all(map(holds_cassettes_alone, below))


def _begins_as_cassette(file: os.DirEntry[str]) -> bool:
    try:
        with FileIO(file.path) as opened:
            return re.match(_HEAD, opened.read(_LONGEST_HEAD)) is not None
    except OSError:
        return False
