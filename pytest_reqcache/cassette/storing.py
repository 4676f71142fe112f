"""Writing files so that they are whole, or as they were."""

from __future__ import annotations

import os
from collections.abc import Iterable
from glob import escape
from pathlib import Path


def append(path: Path, data: bytes, end: int) -> None:
    """Write to the end of a file of ``end`` bytes, which is made if that is 0; on failure it is as before."""
    flags, is_new = os.O_WRONLY | os.O_APPEND | _BINARY, False
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        if end:
            raise
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, is_new = os.open(path, flags | os.O_CREAT, 0o666), True
    try:
        if os.fstat(descriptor).st_size != end:
            raise OSError("a program that does not lock it has just changed it")
        try:
            _write_all(descriptor, data)
        except BaseException:
            os.ftruncate(descriptor, end)
            if is_new:
                path.unlink()
            raise
    finally:
        os.close(descriptor)


def replace(path: Path, pieces: Iterable[bytes]) -> None:
    """Put a new file in the place of one, in one step; its mode bits are kept. Only under the lock."""
    for left_by_the_killed in path.parent.glob(f".{escape(path.name)}.*.tmp"):
        left_by_the_killed.unlink(missing_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with unfinished.open("wb") as out:
            for piece in pieces:
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
        os.chmod(unfinished, os.stat(path).st_mode & 0o7777)
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def set_aside(path: Path, offset: int) -> Path:
    """Move what a file holds from ``offset`` on to the end of ``NAME.torn``; returns its path."""
    aside = path.with_name(path.name + ".torn")
    with path.open("r+b") as file:
        file.seek(offset)
        tail = file.read()
        with aside.open("ab") as out:
            out.write(tail if tail.endswith(b"\n") else tail + b"\n")
            out.flush()
            os.fsync(out.fileno())
        file.truncate(offset)
    return aside


_BINARY: int = getattr(os, "O_BINARY", 0)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
