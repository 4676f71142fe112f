"""The quick way to find the items of a cassette: by the lines that we begin and end them with.

Nothing is parsed. Each item has to begin with the three lines ``- request:``, ``method`` and ``url``
and to end with ``created_at``; ``\\n-`` can stand nowhere else in what we write, for all of it but the
first line of an item is indented. Whatever looks otherwise, a hand edit mostly, is ``Unsure``: then
the whole file goes the general way (``general.py``), which parses it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import BinaryIO

from . import reading
from .layout import Layout, Places, Stamp, Torn
from .nodes import NodeError, read_item
from .torn import begins_torn_step, is_torn_head, is_torn_item
from .writing import HEADER

#: Gives the locators of URLs.
Locate = Callable[[Sequence[str]], Iterable[Hashable]]

_BLOCK = 128 * 1024
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
_BEHIND_DASH = (
    rb" request:\n    method: [!-~]+\n    url: (?:([A-Za-z][!-~]*(?<!:))|[^\n]+)\n(?=    [a-z#]|  [r#])"
)
_ITEM = re.compile(rb"-" + _BEHIND_DASH)
_CREATED_AT = b"  created_at: "
_CREATED_AT_LINE = b"\n" + _CREATED_AT
_CLOSING = re.compile(
    rb"\n  created_at: (?:[^\n]*\n|[^\n]*Z\Z)(?P<comments>(?:[ ]+#[^\n]*\n)*)"
    rb"(?![ ]+#[^\n]*\n)" + _LAST_GAP.pattern + rb"\Z"  # all of them: none is given back to the gap
)
# Every line that begins with a dash: of an item that we wrote, below the end of another, or of anything else.
_NEXT_ITEM = re.compile(
    rb"\n-(?:(?:"
    rb"(?<=" + _CREATED_AT_LINE + rb"[0-9T:.-]{23}Z\n-)|(?<=" + _CREATED_AT_LINE + rb"[0-9T:-]{19}Z\n-)"
    rb")" + _BEHIND_DASH + rb")?"
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
    layout = Layout(stamp, head_end=found.end())
    _add_items(layout, file, found.end(), stamp.size, locate)
    return layout


def scan_further(layout: Layout, file: BinaryIO, stamp: Stamp, locate: Locate) -> None:
    """Bring a layout up to date with a file that has only grown. Raises Unsure."""
    layout.torn = None
    _add_items(layout, file, layout.end, stamp.size, locate)
    layout.stamp = stamp


def _add_items(layout: Layout, file: BinaryIO, at: int, end: int, locate: Locate) -> None:
    for start, block in _blocks(file, at, end):
        items = _regular_items(start, block)
        if items is None:
            items, torn = _irregular_items(start, block, end)
            if torn is not None:
                is_step = begins_torn_step(block[torn - start :])
                layout.torn = Torn(torn, _line_at(file, torn), is_step)
        if items.urls:
            layout.add(items, locate(items.urls))
            layout.last = hash(block[items.starts[-1] - start : items.ends[-1] - start])
        if layout.torn is not None:
            return


def _blocks(file: BinaryIO, at: int, end: int) -> Iterator[tuple[int, bytes]]:
    """The text cut before lines that begin with ``-``, many items in a block: offsets and blocks."""
    size = _BLOCK
    while at < end:
        block = _read(file, at, min(size, end - at))
        if not block or b"\r" in block:
            raise Unsure
        if at + len(block) < end:
            block = block[: block.rfind(b"\n-") + 1]
        if block:
            yield at, block
            at, size = at + len(block), _BLOCK
        elif size < LARGEST_ITEM:
            size *= 2
        else:
            raise Unsure


def _regular_items(start: int, block: bytes) -> Places | None:
    """The items of a block in which there is nothing but items as we write them; None for any other."""
    first = _ITEM.match(block)
    if first is None or not _ends_with_item(block):
        return None
    found = [first, *_NEXT_ITEM.finditer(block, first.end())]
    urls = [item[1] for item in found]
    # One more is of an item without its dash, or with an indented one.
    if None in urls or block.count(_CREATED_AT_LINE) != len(urls):
        return None
    starts = [start + item.start() + 1 for item in found]
    starts[0] = start
    ends = [*starts[1:], start + len(block)]
    return Places(starts, ends, b"\n".join(urls).decode("ascii").split("\n"))


def _irregular_items(start: int, block: bytes, file_end: int) -> tuple[Places, int | None]:
    """The items of any block, and where something torn begins."""
    items = Places()
    for at, piece in _pieces(start, block):
        is_last = at + len(piece) == file_end
        if piece[:1] != b"-":  # the comments before the first item, and what is behind the last one
            if (_LAST_GAP if is_last else _GAP_PATTERN).fullmatch(piece) is None:
                raise Unsure
            continue
        if piece.count(_CREATED_AT_LINE) > 1:  # an item without its dash, or with an indented one
            raise Unsure
        own = _own_length(piece)
        found = _ITEM.match(piece)
        if own is None or found is None:
            if begins_torn_step(piece) or (is_last and is_torn_item(piece)):
                return items, at
            raise Unsure
        url = found[1].decode("ascii") if found[1] is not None else _parsed_url(piece[: found.end()])
        items.add(at, at + own, url)
    return items, None


def _pieces(start: int, block: bytes) -> Iterator[tuple[int, bytes]]:
    """A block cut before each line that begins with ``-``: offsets and pieces."""
    begin = 0
    while (line_end := block.find(b"\n-", begin)) >= 0:
        yield start + begin, block[begin : line_end + 1]
        begin = line_end + 1
    yield start + begin, block[begin:]


def _own_length(piece: bytes) -> int | None:
    """How much of a piece is the item; the rest is comments before the next one. None: no item's end."""
    if _ends_with_item(piece):
        return len(piece)
    closing = _CLOSING.search(piece)
    return None if closing is None else closing.end("comments")


def _ends_with_item(text: bytes) -> bool:
    return text.endswith(b"\n") and text.startswith(_CREATED_AT, text.rfind(b"\n", 0, -1) + 1)


def _line_at(file: BinaryIO, offset: int) -> int:
    """The line that begins at an offset, counted from 1."""
    blocks = range(0, offset, _BLOCK)
    return 1 + sum(_read(file, at, min(_BLOCK, offset - at)).count(b"\n") for at in blocks)


def _parsed_url(beginning: bytes) -> str:
    try:
        node = read_item(beginning.decode(), 1)
        return reading.request_url(node)
    except (NodeError, UnicodeDecodeError):
        raise Unsure from None


def _read(file: BinaryIO, at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)
