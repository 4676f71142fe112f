"""YAML text as a tree of nodes that know their lines, made from PyYAML's parser events.

Safe by its narrowness: it makes nothing but texts, lists and mappings. Whoever uses a node decides
what its text means, so ``on`` or ``1.0`` in a header stays what was written.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any, NamedTuple

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

# The stubs know little of events, hence Any for them and what makes them.
_LOADER: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader

_DEEPEST = 32
_MOST_ALIASED = 100_000
SAFE_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "map", "seq", "int", "bool", "timestamp")
)


class Node(NamedTuple):
    """A value, the line (from 1) at which it, or its key, stands, whether it is an unquoted scalar, and
    the tag written before it."""

    value: str | list[Node] | dict[str, Node]
    line: int
    plain: bool = False
    tag: str | None = None

    @property
    def kind(self) -> str:
        if isinstance(self.value, dict):
            return "a mapping"
        return "a list" if isinstance(self.value, list) else "a text"


class NodeError(Exception):
    """The text is no YAML, or none that we read: the line (from 1), what is wrong and what to do."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(line, problem)
        self.line = line
        self.problem = problem


class NodeReader:
    """Reads nodes from a text whose first line is line ``first_line`` of its file.

    ``tags`` are those that may stand in it; whoever allows one gives it a meaning. What its methods
    raise, ``as_node_error`` turns into NodeError.
    """

    def __init__(self, text: str, first_line: int = 1, tags: Container[str] = SAFE_TAGS) -> None:
        self.event: Callable[[], Any] = _LOADER(text).get_event
        self.aliases = 0
        #: The index in the text behind the last scalar, alias or flow collection.
        self.end = 0
        self._first_line = first_line
        self._tags = tags
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._count = 0
        self._repeated = 0

    def line(self, event: Any) -> int:
        return int(event.start_mark.line) + self._first_line

    def node(self, event: Any, line: int | None = None, depth: int = 0) -> Node:
        """The node that begins with an event; ``line`` is its key's."""
        if line is None:
            line = event.start_mark.line + self._first_line
        kind, before = type(event), self._count
        self._count = before + 1
        if kind is AliasEvent:
            return self._aliased(event, line)
        if event.tag is not None:
            self._check_tag(event.tag, line)
        if kind is ScalarEvent:
            self.end = event.end_mark.index
            node = Node(event.value, line, not event.style, event.tag)
        elif depth > _DEEPEST:
            raise NodeError(line, f"values nested more than {_DEEPEST} deep; a cassette needs no such depth")
        elif kind is MappingStartEvent:
            node = Node(self._mapping(depth), line, False, event.tag)
        else:
            node = Node(self._sequence(depth), line, False, event.tag)
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, self._count - before)
        return node

    def key(self, event: Any, taken: Mapping[str, Any]) -> tuple[str, int]:
        """The mapping key at an event, and its line; an error where it is none or stands there twice."""
        line = event.start_mark.line + self._first_line
        if type(event) is not ScalarEvent:
            raise NodeError(line, "a key that is no text; write a name, a colon and the value")
        name = event.value
        if name == "<<" and not event.style:
            raise NodeError(line, "merge keys ('<<') are not supported; write the values out")
        if name in taken:
            raise NodeError(line, f"the key {name!r} is here twice; remove one of them")
        return name, line

    def _mapping(self, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        next_event = self.event
        while type(event := next_event()) is not MappingEndEvent:
            name, line = self.key(event, found)
            found[name] = self.node(next_event(), line, depth + 1)
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
            self.end = event.end_mark.index

    def _aliased(self, event: Any, line: int) -> Node:
        self.end = event.end_mark.index
        self.aliases += 1
        if event.anchor not in self._anchors:
            raise NodeError(
                line, f"*{event.anchor} names no anchor that is complete above it; write the value out"
            )
        node, size = self._anchors[event.anchor]
        self._count += size
        self._repeated += size
        if self._repeated > _MOST_ALIASED:
            raise NodeError(line, f"aliases (*{event.anchor}) repeat too much; write the values out")
        return node._replace(line=line)

    def _check_tag(self, tag: str, line: int) -> None:
        if tag != "!" and tag not in self._tags:
            raise NodeError(line, f"the tag {tag!r} is not safe to read; remove it and write plain values")


def as_node_error(error: yaml.YAMLError, text: str, first_line: int = 1) -> NodeError:
    """What PyYAML says of a text whose first line is line ``first_line`` of its file."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    position = max(getattr(error, "position", 0), 0)
    line = text.count("\n", 0, position) if mark is None else int(mark.line)
    return NodeError(line + first_line, f"not valid YAML: {problem}; correct the line or restore it")


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
            raise NodeError(reader.line(event), "one interaction expected here, found another")
    elif isinstance(event, (MappingStartEvent, ScalarEvent, AliasEvent)):
        node = reader.node(event)
    else:
        raise NodeError(first_line, "an interaction expected here, found nothing")
    reader.event()  # end of the document
    if type(event := reader.event()) is not StreamEndEvent:
        raise NodeError(reader.line(event), "the text goes on behind the end of its document")
    return node
