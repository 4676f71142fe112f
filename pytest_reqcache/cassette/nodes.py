"""YAML text as a tree of nodes that know their places, made from PyYAML's parser events.

Safe by its narrowness: it makes nothing but texts, lists and mappings. Whoever uses a node decides
what its text means, so ``on`` or ``1.0`` in a header stays what was written.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from . import syntax

# The stubs know little of events, hence Any for them and what makes them.
_LOADER: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader

_DEEPEST = 32
#: What is wrong with a text that goes deeper.
TOO_DEEP = f"values nested more than {_DEEPEST} deep; a cassette needs no such depth"
_MOST_ALIASED = 100_000
#: A text counts as so many values as it has of these pieces: a large one is not to be repeated often, either.
_PIECE = 128
# Lines end there for YAML, and for nearly no editor.
_ODD_BREAK = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
SAFE_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "map", "seq", "int", "bool", "timestamp")
)


class Positions:
    """Where the events of a text stand in its file, whose line ``first_line`` the text begins with."""

    __slots__ = ("_first_line", "_line_starts")

    def __init__(self, text: str, first_line: int) -> None:
        self._first_line = first_line
        self._line_starts = _line_starts(text)

    def of(self, event: Any) -> tuple[int, int]:
        """The line and the column (from 1) of an event, as an editor counts them."""
        mark, starts = event.start_mark, self._line_starts
        if starts is None:
            return mark.line + self._first_line, mark.column + 1
        line = bisect(starts, mark.index) - 1
        return line + self._first_line, mark.index - starts[line] + 1


class Node:
    """A value, the event that it was made of, and that at which it stands: its key's, if it has one.

    What else is to be known of it, and mostly is not, is taken from these when somebody asks.
    """

    __slots__ = ("_at", "_event", "_places", "value")

    def __init__(
        self, value: str | list[Node] | dict[str, Node], event: Any, at: Any, places: Positions
    ) -> None:
        self.value = value
        self._event = event
        self._at = at
        self._places = places

    def standing_at(self, at: Any) -> Node:
        """The same, where another event stands."""
        return Node(self.value, self._event, at, self._places)

    @property
    def line(self) -> int:
        """The line (from 1) at which it, or its key, stands."""
        return self._places.of(self._at)[0]

    @property
    def plain(self) -> bool:
        """Whether it is an unquoted text."""
        return type(self._event) is ScalarEvent and not self._event.style

    @property
    def is_block(self) -> bool:
        """Whether it is a text in a block of its own, every line of which counts."""
        return type(self._event) is ScalarEvent and self._event.style == "|"

    @property
    def tag(self) -> str | None:
        """What stands before it."""
        tag: str | None = self._event.tag
        return tag

    @property
    def kind(self) -> str:
        if isinstance(self.value, dict):
            return "a mapping"
        return "a list" if isinstance(self.value, list) else "a text"

    def error(self, problem: str) -> NodeError:
        """What is wrong with it, and what to do."""
        line, column = self._places.of(self._at)
        return NodeError(line, problem, column)


class NodeError(Exception):
    """The text is no YAML, or none that we read: the place (from 1), what is wrong and what to do."""

    def __init__(self, line: int, problem: str, column: int | None = None) -> None:
        super().__init__(line, problem, column)
        self.line = line
        self.problem = problem
        self.column = column


def decoded(text: bytes, first_line: int = 1) -> str:
    """The text of a cassette, or of a part whose first line is line ``first_line`` of its file. Raises
    NodeError."""
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        line = first_line + text.count(b"\n", 0, error.start)
        byte = text[error.start]
        raise NodeError(line, f"the byte 0x{byte:02x} is no UTF-8; save the file as UTF-8") from None


class UnknownAliasError(NodeError):
    """An alias whose anchor is not in the text; it may be in the rest of the file."""


class NodeReader:
    """Reads nodes from a text whose first line is line ``first_line`` of its file.

    ``tags`` are those that may stand in it; whoever allows one gives it a meaning. ``events`` are the
    text's where it is no YAML. What its methods raise, ``as_node_error`` turns into NodeError.
    """

    def __init__(
        self,
        text: str,
        first_line: int = 1,
        tags: Container[str] = SAFE_TAGS,
        events: Iterator[Any] | None = None,
    ) -> None:
        self.event: Callable[[], Any] = _LOADER(text).get_event if events is None else events.__next__
        self.aliases = 0
        self.places = Positions(text, first_line)
        self._tags = tags
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._count = 0
        self._repeated = 0
        self._last: Any = None  # the last scalar or alias, or the end of the last flow collection

    @property
    def end(self) -> int:
        """The index in the text behind the last scalar, alias or flow collection."""
        return 0 if self._last is None else int(self._last.end_mark.index)

    def error(self, at: Any, problem: str, kind: type[NodeError] = NodeError) -> NodeError:
        """What is wrong with an event, and what to do."""
        line, column = self.places.of(at)
        return kind(line, problem, column)

    def node(self, event: Any, key: Any = None, depth: int = 0) -> Node:
        """The node that begins with an event; ``key`` is its key's event."""
        at = event if key is None else key
        kind, before = type(event), self._count
        self._count = before + 1
        if kind is AliasEvent:
            return self._aliased(event, at)
        if event.tag is not None and event.tag != "!" and event.tag not in self._tags:
            problem = f"the tag {event.tag!r} is not safe to read; remove it and write plain values"
            raise self.error(at, problem)
        value: str | list[Node] | dict[str, Node]
        if kind is ScalarEvent:
            value = event.value
            self._last = event
            self._count += len(value) // _PIECE
        elif depth > _DEEPEST:
            raise self.error(at, TOO_DEEP)
        elif kind is MappingStartEvent:
            value = self._mapping(depth)
        else:
            value = self._sequence(depth)
        node = Node(value, event, at, self.places)
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, self._count - before)
        return node

    def key(self, event: Any, taken: Mapping[str, Node]) -> str:
        """The mapping key at an event; an error where it is none or stands there twice."""
        if type(event) is not ScalarEvent:
            raise self.error(event, "a key that is no text; write a name, a colon and the value")
        name: str = event.value
        if name == "<<" and not event.style:
            raise self.error(event, "merge keys ('<<') are not supported; write the values out")
        if name in taken:
            raise self.error(
                event, f"the key {name!r} is here twice, first in line {taken[name].line}; remove one of them"
            )
        return name

    def _mapping(self, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        next_event, places = self.event, self.places
        while type(event := next_event()) is not MappingEndEvent:
            name, value = self.key(event, found), next_event()
            if type(value) is ScalarEvent and value.tag is None and value.anchor is None:  # as nearly all are
                found[name], self._last = Node(value.value, value, event, places), value
                self._count += 1 + len(value.value) // _PIECE
            else:
                found[name] = self.node(value, event, depth + 1)
        self._close(event)
        return found

    def _sequence(self, depth: int) -> list[Node]:
        found = []
        while type(event := self.event()) is not SequenceEndEvent:
            found.append(self.node(event, None, depth + 1))
        self._close(event)
        return found

    def _close(self, event: Any) -> None:
        # A block collection's end is marked where the next token starts; a flow collection has a bracket.
        if event.end_mark.index > event.start_mark.index:
            self._last = event

    def _aliased(self, event: Any, at: Any) -> Node:
        self._last = event
        self.aliases += 1
        if event.anchor not in self._anchors:
            raise self.error(
                event,
                f"*{event.anchor} names no anchor that is complete above it; write the value out, "
                "in quotes if it begins with '*'",
                UnknownAliasError,
            )
        node, size = self._anchors[event.anchor]
        self._count += size
        self._repeated += size
        if self._repeated > _MOST_ALIASED:
            raise self.error(event, f"aliases (*{event.anchor}) repeat too much; write the values out")
        return node.standing_at(at)


def _line_starts(text: str) -> list[int] | None:
    """Where its lines begin; None if YAML counts them as everybody does."""
    if (text.isascii() and "\r" not in text) or _ODD_BREAK.search(text) is None:
        return None
    return [0, *(found.end() for found in re.finditer("\n", text))]


def as_node_error(error: yaml.YAMLError, text: str, first_line: int = 1) -> NodeError:
    """What PyYAML says of a text whose first line is line ``first_line`` of its file."""
    line, column, problem = syntax.explained(error, text, first_line)
    return NodeError(line, f"not valid YAML: {problem}", column)


def read_item(text: str, first_line: int) -> Node:
    """The node of one list item, given its text alone: ``- ...`` or, from a flow list, its value alone."""
    try:
        return _read_item(NodeReader(text, first_line), first_line)
    except yaml.YAMLError as error:
        raise as_node_error(error, text, first_line) from None


def _read_item(reader: NodeReader, first_line: int) -> Node:
    reader.event()  # start of the stream
    reader.event()  # start of the document
    event = reader.event()
    if type(event) is SequenceStartEvent:
        node = reader.node(reader.event())
        event = reader.event()
        if type(event) is not SequenceEndEvent:
            raise reader.error(event, "one interaction expected here, found another")
    elif isinstance(event, (MappingStartEvent, ScalarEvent, AliasEvent)):
        node = reader.node(event)
    else:
        raise NodeError(first_line, "an interaction expected here, found nothing")
    reader.event()  # end of the document
    if type(event := reader.event()) is not StreamEndEvent:
        raise reader.error(event, "the text goes on behind the end of its document")
    return node
