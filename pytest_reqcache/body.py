"""Reading a body, wherever it is: in memory, or in a file of its own.

Tests replace ``open`` and the methods of ``Path``, and make requests meanwhile: files are read without them.
"""

from __future__ import annotations

import io
import os
from io import BufferedReader, BufferedWriter, FileIO
from pathlib import Path
from typing import BinaryIO

from .models import Body, BodyFile

_AT_ONCE = 256 * 1024


def size_of(body: Body) -> int:
    """Its size in bytes."""
    return body.size if isinstance(body, BodyFile) else len(body)


def read_body(body: Body) -> bytes:
    """The whole body in memory."""
    return read_file(body.path) if isinstance(body, BodyFile) else body


def open_body(body: Body) -> BinaryIO:
    """The body as a readable binary file, to be closed by the caller."""
    return open_file(body.path) if isinstance(body, BodyFile) else io.BytesIO(body)


def open_file(path: Path) -> BinaryIO:
    """A file to be read, and closed by the caller."""
    return BufferedReader(FileIO(path))


def new_file(path: Path) -> BinaryIO:
    """A file to be written, and closed by the caller; what was there is gone."""
    return BufferedWriter(FileIO(path, "w"))


def read_file(path: Path) -> bytes:
    """All that is in a file."""
    with FileIO(path) as file:
        return file.readall()


def is_there(body: Body) -> bool:
    """Whether it can be read: who has replaced an interaction has removed the file of its body."""
    if isinstance(body, BodyFile):
        try:
            os.stat(body.path)
        except FileNotFoundError:
            return False
    return True


def is_same(one: Body, other: Body) -> bool:
    """Whether two bodies have the same bytes. One whose file is gone is like no other."""
    if isinstance(one, bytes) and isinstance(other, bytes):
        return one == other
    if size_of(one) != size_of(other):
        return False
    if one == other:
        return is_there(one)
    try:
        with open_body(one) as first, open_body(other) as second:
            while piece := first.read(_AT_ONCE):
                if piece != second.read(_AT_ONCE):
                    return False
            return not second.read(1)
    except FileNotFoundError:
        return False


def part_of(body: Body, first: int, end: int) -> bytes:
    """The bytes from ``first`` to before ``end``."""
    if isinstance(body, bytes):
        return body[first:end]
    with open_body(body) as stream:
        stream.seek(first)
        return stream.read(end - first)
