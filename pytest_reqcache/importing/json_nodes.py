"""JSON text as the same nodes as YAML, with their lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import yaml
from yaml.events import (
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from ..cassette.nodes import TOO_DEEP, Node, NodeError, NodeReader

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]]|[^\s{}\[\]:,"]+')
_STARTS: Final = {"{": MappingStartEvent, "[": SequenceStartEvent}
_ENDS: Final = {"}": MappingEndEvent, "]": SequenceEndEvent}


def read_json(text: str) -> Node:
    """The node that a JSON text stands for; NaN and Infinity are taken. Raises NodeError."""
    try:
        json.loads(text, parse_int=str)  # Python makes no number of very many digits
    except json.JSONDecodeError as error:
        raise NodeError(
            error.lineno, f"not valid JSON: {error.msg}; correct the line or restore it"
        ) from None
    except RecursionError:
        raise NodeError(1, TOO_DEEP) from None
    reader = NodeReader(text, events=_events(text))
    return reader.node(reader.event())


def _events(text: str) -> Iterator[Any]:
    """The events that PyYAML would make of a text that is valid JSON."""
    line = line_start = counted = 0
    for found in _TOKEN.finditer(text):
        token, index = found[0], found.start()
        line += text.count("\n", counted, index)
        line_start = max(line_start, text.rfind("\n", counted, index) + 1)
        counted = index
        start = _mark(index, line, index - line_start)
        end = _mark(found.end(), line, found.end() - line_start)
        if token in _STARTS:
            yield _STARTS[token](None, None, True, start, end)
        elif token in _ENDS:
            yield _ENDS[token](start, end)
        elif token[0] == '"':
            yield ScalarEvent(None, None, (False, True), json.loads(token), start, end, '"')
        else:
            yield ScalarEvent(None, None, (True, False), token, start, end)


def _mark(index: int, line: int, column: int) -> yaml.Mark:
    return yaml.Mark("", index, line, column, None, 0)
