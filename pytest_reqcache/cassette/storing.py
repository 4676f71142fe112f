"""Writing files so that they are whole, or as they were."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from io import FileIO
from pathlib import Path
from time import sleep

from ..body import new_file

#: How a step of several items begins once it is written, and how while it is: so nobody writes by hand, and
#: what makes the one of the other is a byte, which is written or not.
FINISHED, UNFINISHED = b"- request:", b"-~request:"


def append(path: Path, data: bytes, end: int, *, is_step: bool) -> os.stat_result:
    """Write to the end of a file of ``end`` bytes, which is made if that is 0; on failure it is as before.
    Returns what the file is now.

    With ``is_step`` the items in ``data`` are there all at once: what a killed process leaves is torn.
    """
    first = data.index(FINISHED) if is_step else None
    if first is not None:
        data = data[:first] + UNFINISHED + data[first + len(FINISHED) :]
    flags, is_new = os.O_WRONLY | os.O_APPEND | _BINARY, False
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        if end:
            raise
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, is_new = os.open(path, flags | os.O_CREAT, 0o666), True
    is_ours = False
    try:
        if os.fstat(descriptor).st_size != end:
            raise OSError("a program that does not lock it has just changed it")
        try:
            _write_all(descriptor, data)
            if first is not None:
                _finish(path, end + first)
            return os.fstat(descriptor)
        except BaseException:
            is_ours = is_new
            os.ftruncate(descriptor, end)
            raise
    finally:
        os.close(descriptor)
        if is_ours:
            path.unlink()  # now that it is closed: Windows removes no open file


def replace(path: Path, pieces: Iterable[bytes], check: Callable[[], None]) -> None:
    """Put a new file in the place of one, in one step; its mode bits are kept. Only under the lock.

    ``check`` is asked at the last moment, and raises where the file is not the one that was read. The caller
    has closed that by then.
    """
    os.close(os.open(path, os.O_WRONLY))  # what may not be written may not be replaced either
    # Named by a hash: the name of the file may be as long as names may be.
    name = hashlib.blake2b(os.fsencode(path.name), digest_size=8).hexdigest()
    clear_away(path.parent, f".{name}.*.tmp")
    unfinished = path.with_name(f".{name}.{os.getpid()}.tmp")
    try:
        with new_file(unfinished) as out:
            for piece in pieces:
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
        os.chmod(unfinished, os.stat(path).st_mode & 0o7777)
        check()
        _put_in_place(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _put_in_place(unfinished: Path, path: Path) -> None:
    """Windows replaces no file that somebody has open, as readers have for a moment."""
    for pause in _PAUSES:
        try:
            os.replace(unfinished, path)
            return
        except PermissionError:
            sleep(pause)
    os.replace(unfinished, path)


def clear_away(folder: Path, pattern: str) -> None:
    """Remove what killed processes left in a folder. Only under the lock."""
    for left_by_the_killed in folder.glob(pattern):
        left_by_the_killed.unlink(missing_ok=True)


def set_aside(path: Path, offset: int) -> None:
    """Move what a file holds from ``offset`` on to the end of ``NAME.torn``."""
    aside = path.with_name(path.name + ".torn")
    with path.open("r+b") as file:
        file.seek(offset)
        tail = file.read()
        with aside.open("ab") as out:
            out.write(tail if tail.endswith(b"\n") else tail + b"\n")
            out.flush()
            os.fsync(out.fileno())
        file.truncate(offset)


_BINARY: int = getattr(os, "O_BINARY", 0)
#: In seconds, between attempts to replace a file: about one in all.
_PAUSES = (0.001, 0.004, 0.02, *[0.1] * 10) if os.name == "nt" else ()


def _finish(path: Path, at: int) -> None:
    """Make an item of what begins an unfinished step: the one byte that differs is written."""
    [place] = [place for place, byte in enumerate(UNFINISHED) if FINISHED[place] != byte]
    with FileIO(path, "r+") as file:  # a file that is open for appending is written at its end
        file.seek(at + place)
        if file.read(1) != UNFINISHED[place : place + 1]:
            raise OSError("a program that does not lock it has just changed it")
        file.seek(at + place)
        file.write(FINISHED[place : place + 1])


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
