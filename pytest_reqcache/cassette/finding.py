"""Which files below a folder are cassettes, or were left behind by one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from ..body import open_file, read_file
from .bodies import SUFFIXES, is_left_behind, is_own_name

_LONGEST_HEAD = 4096
_BLANK = rb"(?:[ \t]*(?:#[^\r\n]*)?\r?\n)*"
_HEAD = re.compile(
    rb"(?:\xef\xbb\xbf)?" + _BLANK + rb"version:[ \t]*['\"]?[0-9]+['\"]?[ \t]*(?:#[^\n]*)?\r?\n"
)


def is_cassette(path: Path) -> bool:
    """Whether a file begins as our cassettes do: with the key ``version``, below comments."""
    try:
        with open_file(path) as file:
            return _HEAD.match(file.read(_LONGEST_HEAD)) is not None
    except OSError:
        return False


def cassettes_in(folder: Path) -> Iterator[Path]:
    """The cassettes below a folder, in order; no link is followed."""
    for path, _, files in _walk(folder):
        for file in (path / name for name in files if name.endswith(SUFFIXES)):
            if not file.is_symlink() and is_cassette(file):
                yield file


def left_body_folders_in(folder: Path) -> Iterator[Path]:
    """The folders of body files whose cassette is gone: not those whose cassette was renamed without them."""
    for path, folders, files in _walk(folder):
        is_ours = path.suffix == ".bodies" and not folders and all(map(is_own_name, files))
        if is_ours and is_left_behind(path):
            if not any(_lacks(cassette, path) for cassette in sorted(path.parent.iterdir())):
                yield path


def _lacks(cassette: Path, bodies: Path) -> bool:
    """Whether a cassette without a folder of body files names that one."""
    is_without = cassette.suffix in SUFFIXES and not cassette.with_suffix(".bodies").exists()
    return is_without and is_cassette(cassette) and f"{bodies.name}/".encode() in read_file(cassette)


def folders_named(name: str, base: Path, is_entered: Callable[[Path], bool]) -> Iterator[Path]:
    """The folders of that name below ``base``; no link is followed, and no folder entered that
    ``is_entered`` refuses, nor any virtual environment."""
    for path, folders, _ in _walk(base):
        if path.name == name:
            yield path
        folders[:] = [
            below for below in folders if is_entered(path / below) and not _is_environment(path / below)
        ]


def _walk(base: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Each folder with the folders and files in it, sorted; removed from the list, one is not entered."""
    for path, folders, files in os.walk(base):
        folders.sort()
        yield Path(path), folders, sorted(files)


def _is_environment(path: Path) -> bool:
    return any(os.path.exists(path / sign) for sign in ("pyvenv.cfg", "conda-meta"))  # False: not to be read
