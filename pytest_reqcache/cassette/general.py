"""The general way to find the items of a cassette: by parsing the whole of it.

For files that people have edited in ways that the scan does not know: other indentation, flow
style, anchors, quoted keys, CRLF, a BOM, ``---``. Every item still keeps its own text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, BinaryIO

import yaml
from yaml.events import (
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from . import reading
from .layout import Layout, Places, Stamp, Torn
from .nodes import Node, NodeError, NodeReader, as_node_error, decoded
from .rewriting import own_lines_of_comments
from .scan import Locate
from .storing import UNFINISHED
from .torn import begins_torn_step, is_torn_item
from .writing import HEADER, VERSION

_LARGEST_FILE = 256 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_LAST_LINE_GAP = re.compile(r"[ \t]*(?:#[^\n]*)?\r?\n?")
_SQLITE = b"SQLite format 3\x00"
_ITEM_LINE = re.compile(rb"^-", re.MULTILINE)
_CREATED_AT = re.compile(rb"\n  created_at: (?:[^\n]*\n|[^\n]*Z\Z)(?:[ ]*(?:#[^\n]*)?(?:\n|\Z))*\Z")


def lay_out(file: BinaryIO, stamp: Stamp, locate: Locate) -> Layout:
    """The layout of a file. Raises NodeError."""
    if stamp.size > _LARGEST_FILE:
        size, most = f"{stamp.size:,}", f"{_LARGEST_FILE:,}"
        raise NodeError(1, f"{size} bytes of hand-edited YAML; at most {most} are read: split the cassette")
    file.seek(0)
    data = file.read(stamp.size)
    bom = _BOM if data.startswith(_BOM) else b""
    whole, torn = _without_torn_end(data[len(bom) :])
    text = _decoded(whole)
    try:
        document = _Document(text)
    except yaml.YAMLError as error:
        raise as_node_error(error, text) from None
    if not document.has_list:
        raise NodeError(1, "no list of interactions; write 'interactions:' and the items below it")
    if torn is not None:
        torn = torn._replace(offset=torn.offset + len(bom))
    layout = Layout(stamp, head_end=0, torn=torn, scanned=False)
    document.fill(layout, len(bom), locate)
    return layout


def item_texts(file: BinaryIO, stamp: Stamp) -> Iterator[tuple[bytes, int]]:
    """What looks like the items of a file that cannot be parsed, each with the line where it begins."""
    if stamp.size > _LARGEST_FILE:
        return
    file.seek(0)
    data = file.read(stamp.size)
    starts = [found.start() for found in _ITEM_LINE.finditer(data)]
    line, counted = 1, 0
    for start, end in pairwise([*starts, len(data)]):
        line, counted = line + data.count(b"\n", counted, start), start
        yield data[start:end], line


@dataclass(slots=True)
class _Item:
    start: int
    end: int
    line: int
    node: Node
    has_aliases: bool


class _Document:
    """The places of the list and its items in a text, as indices of characters."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.items: list[_Item] = []
        self.has_list = False
        self.is_flow = False
        self.in_flow = False
        self.is_bare = False
        #: How far the list's items are indented; of one that is in no block form, its key.
        self.column = 0
        self.list_start = self.list_end = 0
        self._reader = NodeReader(text)
        self._read_document()

    def _read_document(self) -> None:
        reader = self._reader
        reader.event()  # start of the stream
        event: Any = reader.event()
        if type(event) is StreamEndEvent:  # nothing but comments
            self.has_list = self.is_flow = True
            self.list_start = self.list_end = len(self.text)
            self.is_bare = True
            return
        event = reader.event()
        if type(event) is not MappingStartEvent:
            raise reader.error(
                event, "a cassette is a mapping with 'version' and 'interactions'; this is something else"
            )
        self.in_flow = bool(event.flow_style)
        self._read_top(reader.event())
        if (
            type(reader.event()) is not DocumentEndEvent
            or type(event := reader.event()) is not StreamEndEvent
        ):
            raise reader.error(event, "a second document; a cassette is one: remove the '---'")

    def _read_top(self, event: Any) -> None:
        reader = self._reader
        seen: dict[str, Node] = {}
        while type(event) is not MappingEndEvent:
            name = reader.key(event, seen)
            seen[name] = Node("", event, event, reader.places)
            value = reader.event()
            if name == "version":
                _check_version(reader.node(value, event))
            elif name == "interactions":
                self.column = event.start_mark.column
                self._read_list(value)
            else:
                raise reading.unknown_key(name, seen[name], "a cassette")
            event = reader.event()
        if "version" not in seen:
            raise NodeError(1, f"no version; a cassette says 'version: {VERSION}' above its interactions")

    def _read_list(self, start: Any) -> None:
        self.has_list = True
        mark = start.start_mark
        self.list_start = mark.index
        if not isinstance(start, SequenceStartEvent):
            self._read_no_list(start)
            return
        self.is_flow = bool(start.flow_style)
        if not self.is_flow:
            self.column = mark.column
        end = self._read_items()
        self.list_end = end.end_mark.index if self.is_flow else self._reader.end

    def _read_items(self) -> Any:
        event = self._reader.event()
        while type(event) is not SequenceEndEvent:
            self._read_list_item(event)
            event = self._reader.event()
        return event

    def _read_no_list(self, event: Any) -> None:
        """``interactions:`` with nothing behind it is an empty list."""
        node = self._reader.node(event)
        if not (node.plain and node.value in ("", "~", "null", "Null", "NULL")):
            raise node.error(f"interactions is {node.kind}; write a list, one '- request:' each")
        self.is_flow, self.list_end = True, event.end_mark.index

    def _read_list_item(self, event: Any) -> None:
        reader = self._reader
        before, aliases = reader.end, reader.aliases
        node = reader.node(event)
        start, end = event.start_mark.index, reader.end
        if not self.is_flow:
            before = self.items[-1].end if self.items else self.list_start - self.column
            dash = re.compile(rf"^ {{{self.column}}}-", re.MULTILINE).search(self.text, before)
            start = dash.start() if dash is not None else start
            if end > 0 and self.text[end - 1] != "\n":
                end = _end(_LAST_LINE_GAP, self.text, end)
            end = _end(_own_comments(self.column), self.text, end)
        # The anchors of earlier items are not to be had when the item is read alone.
        self.items.append(_Item(start, end, 0, node, reader.aliases > aliases))

    def fill(self, layout: Layout, offset: int, locate: Locate) -> None:
        """Note in a layout what was found, in bytes from ``offset`` on."""
        text = self.text
        layout.column = 0 if self.in_flow else self.column
        layout.newline = b"\r\n" if "\r\n" in text else b"\n"
        index, line = 0, 1

        def advance(to: int) -> None:
            nonlocal index, offset, line
            passed = text[index:to]
            index, offset, line = to, offset + len(passed.encode()), line + passed.count("\n")

        head = self.items[0].start if self.items else self.list_start if self.is_flow else self.list_end
        advance(head)
        layout.head_end = offset
        places = Places()
        for item in self.items:
            advance(item.start)
            start = offset
            layout.lines.append(line)
            advance(item.end)
            if item.has_aliases:
                layout.nodes[len(places.urls)] = item.node
            places.add(start, offset, reading.url(item.node))
        layout.add(places, locate(places.urls))
        if self.is_flow:
            layout.block_form = self._block_form(layout.newline)
            layout.appendable = False
        else:
            layout.appendable = self.column == 0 and _is_gap(text[self.items[-1].end :] if self.items else "")

    def _block_form(self, newline: bytes) -> tuple[bytes, bytes]:
        """What goes before and behind the items of a flow list once they are in block form."""
        if self.is_bare:
            missing = newline if self.text and not self.text.endswith("\n") else b""
            return self.text.encode() + missing + HEADER.replace(b"\n", newline), b""
        first, last = (self.items[0].start, self.items[-1].end) if self.items else (self.list_end,) * 2
        if self.in_flow:
            head = self._comments(0, first, 0, newline)
            return head + HEADER.replace(b"\n", newline), self._comments(last, len(self.text), 0, newline)
        before = self.text[: self.list_start].rstrip(" \t")
        behind = self.text[self.list_end :]
        rest = _LAST_LINE_GAP.match(behind)
        line = rest[0] if rest is not None else ""
        line_end = "" if line.endswith("\n") else newline.decode()
        above = self._comments(self.list_start, first, self.column, newline)
        below = self._comments(last, self.list_end, self.column, newline)
        return (before + line + line_end).encode() + above, below + behind[len(line) :].encode()

    def _comments(self, start: int, end: int, column: int, newline: bytes) -> bytes:
        """The comments of a part of the text that holds no values."""
        return own_lines_of_comments(b"\n" + self.text[start:end].encode(), column, newline)


def _check_version(node: Node) -> None:
    if node.plain and isinstance(node.value, str) and node.value == str(VERSION):
        return
    given = node.value if isinstance(node.value, str) else node.kind
    if re.fullmatch("[0-9]{1,9}", given) is not None and int(given) > VERSION:
        raise node.error(
            f"version {given} was written by a newer pytest-reqcache, this one reads version {VERSION}; "
            "upgrade it, or record anew"
        )
    raise node.error(f"version is {given!r}; write 'version: {VERSION}', which this pytest-reqcache reads")


def _own_comments(column: int) -> re.Pattern[str]:
    """Comments that are indented as an item's keys are belong to it."""
    return re.compile(rf"(?:[ ]{{{column + 1},}}#[^\n]*(?:\n|\Z))*")


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    return start if found is None else found.end()


def _is_gap(text: str) -> bool:
    return all(not line.strip() or line.lstrip().startswith("#") for line in text.splitlines())


def _decoded(text: bytes) -> str:
    if text.startswith(_SQLITE):
        problem = (
            "this is a database of SQLite, as requests-cache makes them; give another path: it stays as it is"
        )
        raise NodeError(1, problem)
    return decoded(text)


def _without_torn_end(data: bytes) -> tuple[bytes, Torn | None]:
    lines = (data.find(b"\n" + UNFINISHED) + 1, data.rfind(b"\n") + 1)  # a mark, or what is left of one
    step = next((start for start in lines if start and begins_torn_step(data[start:])), None)
    if step is not None:
        return data[:step], Torn(step, data.count(b"\n", 0, step) + 1, is_step=True)
    start = max((found.start() for found in _ITEM_LINE.finditer(data)), default=None)
    if start is None:
        return data, None
    tail = data[start:].replace(b"\r\n", b"\n").removesuffix(b"\r")
    if _CREATED_AT.search(tail) is not None or not is_torn_item(tail):
        return data, None
    return data[:start], Torn(start, data.count(b"\n", 0, start) + 1)
