"""Reading a body, wherever it is: in memory, or in a file of its own."""

from __future__ import annotations

import io
from typing import BinaryIO

from .models import Body, BodyFile


def size_of(body: Body) -> int:
    """Its size in bytes."""
    return body.size if isinstance(body, BodyFile) else len(body)


def read_body(body: Body) -> bytes:
    """The whole body in memory."""
    return body.path.read_bytes() if isinstance(body, BodyFile) else body


def open_body(body: Body) -> BinaryIO:
    """The body as a readable binary file, to be closed by the caller."""
    return body.path.open("rb") if isinstance(body, BodyFile) else io.BytesIO(body)


def part_of(body: Body, first: int, end: int) -> bytes:
    """The bytes from ``first`` to before ``end``."""
    if isinstance(body, bytes):
        return body[first:end]
    with open_body(body) as stream:
        stream.seek(first)
        return stream.read(end - first)
