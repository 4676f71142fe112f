"""The quick way to find the items of a cassette: by the lines that we begin and end them with.

Nothing is parsed. Each item has to begin with the three lines ``- request:``, ``method`` and ``url``
and to end with ``created_at``; ``\\n-`` can stand nowhere else in what we write, for all of it but the
first line of an item is indented. Whatever looks otherwise, a hand edit mostly, is ``Unsure``: then
the whole file goes the general way (``general.py``), which parses it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator
from typing import BinaryIO

from . import reading
from .layout import Layout, Stamp, Torn
from .nodes import NodeError, read_item
from .storing import UNFINISHED
from .torn import is_torn_head, is_torn_item
from .writing import HEADER

Locate = Callable[[str], Hashable]

_CHUNK = 256 * 1024
_LONGEST_HEAD = 64 * 1024
#: A list item of this size is no recording of ours, and too large to parse.
LARGEST_ITEM = 32 * 1024 * 1024

_GAP = rb"(?:[ ]*(?:#[^\n]*)?\n)*"
_LINE_END = rb"[ ]*(?:[ ]#[^\n]*)?\n"
_HEAD = re.compile(_GAP + rb"version: 1" + _LINE_END + _GAP + rb"interactions:" + _LINE_END + _GAP)
_GAP_PATTERN = re.compile(_GAP)
_LAST_GAP = re.compile(_GAP + rb"[ ]*(?:#[^\n]*)?")

# A URL that begins with a letter and holds nothing but visible ASCII is a plain scalar, and means
# itself, unless it ends with a colon; others are rare enough to be parsed. The next line must not
# continue it.
_ITEM = re.compile(
    rb"- request:\n    method: [!-~]+\n    url: (?:([A-Za-z][!-~]*(?<!:))|[^\n]+)\n(?=    [a-z#]|  [r#])"
)
_CREATED_AT = b"  created_at: "
_CREATED_AT_LINE = b"\n" + _CREATED_AT
_CLOSING = re.compile(
    rb"\n  created_at: (?:[^\n]*\n|[^\n]*Z\Z)(?P<comments>(?:[ ]+#[^\n]*\n)*)"
    rb"(?![ ]+#[^\n]*\n)" + _LAST_GAP.pattern + rb"\Z"  # all of them: none is given back to the gap
)


class Unsure(Exception):
    """The file does not look like what we write; parse it to know."""


def scan(file: BinaryIO, stamp: Stamp, locate: Locate) -> Layout:
    """The layout of a file. Raises Unsure."""
    head = _read(file, 0, min(stamp.size, _LONGEST_HEAD))
    if is_torn_head(head):
        torn = Torn(0, 1) if head else None
        return Layout(stamp, head_end=0, torn=torn, block_form=(HEADER, b""))
    found = _HEAD.match(head)
    if found is None or b"\r" in found[0]:
        raise Unsure
    lines = found[0].count(b"\n")
    layout = Layout(stamp, head_end=found.end(), next_line=lines + 1)
    _add_items(layout, file, found.end(), stamp.size, locate)
    return layout


def scan_further(layout: Layout, file: BinaryIO, stamp: Stamp, locate: Locate) -> None:
    """Bring a layout up to date with a file that has only grown. Raises Unsure."""
    layout.torn = None
    _add_items(layout, file, layout.end, stamp.size, locate)
    layout.stamp = stamp


def _add_items(layout: Layout, file: BinaryIO, at: int, end: int, locate: Locate) -> None:
    line = layout.next_line
    for start, piece in _pieces(file, at, end):
        if piece[:1] != b"-":  # the comments before the first item, and what is behind the last one
            gap = (_LAST_GAP if start + len(piece) == end else _GAP_PATTERN).fullmatch(piece)
            if gap is None:
                raise Unsure
            line += piece.count(b"\n")
            continue
        if piece.count(_CREATED_AT_LINE) > 1:  # an item without its dash, or with an indented one
            raise Unsure
        own = _own_length(piece)
        found = _ITEM.match(piece)
        if own is None or found is None:
            if piece.startswith(UNFINISHED):
                layout.torn = Torn(start, line, is_step=True)
                return
            if start + len(piece) == end and is_torn_item(piece):
                layout.torn = Torn(start, line)
                return
            raise Unsure
        url = found[1].decode("ascii") if found[1] is not None else _parsed_url(piece[: found.end()])
        text = piece if own == len(piece) else piece[:own]
        layout.add(start, text, line, locate(url))
        layout.next_line = line + text.count(b"\n")
        line = layout.next_line if text is piece else line + piece.count(b"\n")


def _pieces(file: BinaryIO, at: int, end: int) -> Iterator[tuple[int, bytes]]:
    """The text cut before each line that begins with ``-``: offsets and pieces."""
    text, base = b"", at
    while at < end:
        chunk = _read(file, at, min(max(_CHUNK, len(text)), end - at))
        if not chunk or b"\r" in chunk:
            raise Unsure
        at += len(chunk)
        start, look_from = 0, max(len(text) - 1, 0)
        text += chunk
        while (line_end := text.find(b"\n-", look_from)) >= 0:
            yield base + start, text[start : line_end + 1]
            start = look_from = line_end + 1
        text, base = text[start:], base + start
        if len(text) > LARGEST_ITEM:
            raise Unsure
    if text:
        yield base, text


def _own_length(piece: bytes) -> int | None:
    """How much of a piece is the item; the rest is comments before the next one. None: no item's end."""
    last_line = piece.rfind(b"\n", 0, -1) + 1
    if piece.endswith(b"\n") and piece.startswith(_CREATED_AT, last_line):
        return len(piece)
    closing = _CLOSING.search(piece)
    return None if closing is None else closing.end("comments")


def _parsed_url(beginning: bytes) -> str:
    try:
        node = read_item(beginning.decode(), 1)
        return reading.request_url(node)
    except (NodeError, UnicodeDecodeError):
        raise Unsure from None


def _read(file: BinaryIO, at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)
