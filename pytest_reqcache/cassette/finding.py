"""Which files below a folder are cassettes, or were left behind by one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from .bodies import is_own_name

_LONGEST_HEAD = 4096
_BLANK = rb"(?:[ \t]*(?:#[^\n]*)?\r?\n)*"
_HEAD = re.compile(
    rb"(?:\xef\xbb\xbf)?" + _BLANK + rb"version:[ \t]*['\"]?[0-9]+['\"]?[ \t]*(?:#[^\n]*)?\r?\n"
)


def is_cassette(path: Path) -> bool:
    """Whether a file begins as our cassettes do: with the key ``version``, below comments."""
    try:
        with path.open("rb") as file:
            return _HEAD.match(file.read(_LONGEST_HEAD)) is not None
    except OSError:
        return False


def cassettes_in(folder: Path) -> Iterator[Path]:
    """The cassettes below a folder, in order; no link is followed."""
    for path in _walk(folder, lambda _: True):
        for entry in sorted(path.iterdir()):
            if entry.suffix in (".yaml", ".yml") and entry.is_file() and is_cassette(entry):
                yield entry


def left_body_folders_in(folder: Path) -> Iterator[Path]:
    """The folders of body files whose cassette is gone."""
    for path in _walk(folder, lambda _: True):
        is_ours = path.suffix == ".bodies" and all(map(is_own_name, os.listdir(path)))
        if is_ours and not any(path.with_suffix(suffix).exists() for suffix in (".yaml", ".yml")):
            yield path


def folders_named(name: str, base: Path, is_entered: Callable[[Path], bool]) -> Iterator[Path]:
    """The folders of that name below ``base``; no link is followed, and no folder entered that
    ``is_entered`` refuses, nor any virtual environment."""
    for path in _walk(base, lambda path: is_entered(path) and not _is_environment(path)):
        if path.name == name:
            yield path


def _walk(base: Path, is_entered: Callable[[Path], bool]) -> Iterator[Path]:
    for path, below, _ in os.walk(base):
        yield Path(path)
        below[:] = sorted(name for name in below if is_entered(Path(path, name)))


def _is_environment(path: Path) -> bool:
    return (path / "pyvenv.cfg").exists() or (path / "conda-meta").exists()
