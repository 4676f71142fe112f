"""JSON text as the same nodes as YAML, with their lines."""

from __future__ import annotations

import json
import re
from typing import Any

from ..cassette.nodes import Node, NodeError

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]]|[^\s{}\[\]:,"]+')
_DEEPEST = 32


def read_json(text: str) -> Node:
    """The node that a JSON text stands for; NaN and Infinity are taken. Raises NodeError."""
    try:
        json.loads(text, parse_int=str)  # Python makes no number of very many digits
    except json.JSONDecodeError as error:
        raise NodeError(
            error.lineno, f"not valid JSON: {error.msg}; correct the line or restore it"
        ) from None
    except RecursionError:
        raise _too_deep(1) from None
    return _Reader(text).value(0)


class _Reader:
    """Goes through a text that is valid JSON, token by token."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _TOKEN.finditer(text)
        self._line = 1
        self._counted = 0

    def value(self, depth: int) -> Node:
        return self._value(next(self._tokens), depth)

    def _value(self, token: re.Match[str], depth: int, line: int | None = None) -> Node:
        line = self._line_of(token) if line is None else line
        if depth > _DEEPEST:
            raise _too_deep(line)
        if token[0] == "{":
            return Node(self._members(depth), line)
        if token[0] == "[":
            return Node(self._elements(depth), line)
        if token[0][0] == '"':
            return Node(_string(token[0]), line)
        return Node(token[0], line, plain=True)

    def _members(self, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        while (token := next(self._tokens))[0] != "}":
            name, line = _string(token[0]), self._line_of(token)
            if name in found:
                raise NodeError(line, f"the key {name!r} is here twice; remove one of them")
            found[name] = self._value(next(self._tokens), depth + 1, line)
        return found

    def _elements(self, depth: int) -> list[Node]:
        found = []
        while (token := next(self._tokens))[0] != "]":
            found.append(self._value(token, depth + 1))
        return found

    def _line_of(self, token: re.Match[str]) -> int:
        self._line += self._text.count("\n", self._counted, token.start())
        self._counted = token.start()
        return self._line


def _string(token: str) -> str:
    value: Any = json.loads(token)
    return str(value)


def _too_deep(line: int) -> NodeError:
    return NodeError(line, f"values nested more than {_DEEPEST} deep; a cassette needs no such depth")
