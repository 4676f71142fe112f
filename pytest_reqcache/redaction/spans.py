"""Values inside a text, and where they stand: so that one is replaced and every other byte remains.

What is read here need not be well-formed: a body that was cut off or is no JSON at all gives fewer
values, never an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import unquote_plus

_PLAIN_NAME = re.compile(r"[A-Za-z_][\w-]*")
_LABELS = ("name", "key")
# A string that is cut off reaches to the end of the text, and so would every later one.
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|(?P<cut_off>\\?\Z))|[{}\[\]:,]|[^\s"{}\[\]:,]+', re.DOTALL)
_BARE_TOKEN = re.compile(r'[{}\[\]:,]|[^\s"{}\[\]:,]+')

#: Of a path, so many steps are known: nobody writes JSON that is nested deeper, and attackers do.
LONGEST_PATH: Final = 100


@dataclass(slots=True)
class _Container:
    name: str | None  # of the container itself
    path: tuple[str | int, ...]
    start: int
    is_object: bool
    member: str | None = None  # the name of the value that comes next
    after_name: bool = False
    index: int = 0
    label: str | None = None  # what a member called "name" says that the object is
    held: tuple[str, int, int] | None = None  # a member called "value", and where, till that is said

    @property
    def step(self) -> str | int:
        return (self.member or "") if self.is_object else self.index

    def released(self) -> Iterator[JsonValue]:
        """What was held, with the best name that there is for it."""
        if self.held is not None:
            own, start, end = self.held
            yield JsonValue(self.label or self.name or own, start, end, self.path, own, own)
            self.held = None


class JsonValue(NamedTuple):
    """A value of a JSON text: ``text[start:end]``, a string with its quotes.

    ``name`` is the object's name for it, or for the array it stands in; None at the top. What stands for
    the value of something has that thing's name: ``{"name": "password", "value": ...}``, in any order,
    and ``{"password": {"value": ...}}``; ``own`` is then what it is called itself.
    """

    name: str | None
    start: int
    end: int
    parent: tuple[str | int, ...] = ()
    step: str | int | None = None
    own: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Whatever it is called."""
        return tuple(name for name in (self.name, self.own) if name is not None)

    @property
    def path(self) -> tuple[str | int, ...]:
        """The names and indices that lead to it, at most ``LONGEST_PATH``."""
        return _below(self.parent, self.step)


def json_values(text: str) -> Iterator[JsonValue]:
    """Every value, a container after what is in it."""
    open_: list[_Container] = []
    inner: _Container | None = None
    for token in _tokens(text):
        start, end = token.span()
        first = text[start]
        if first == ":":
            if inner is not None:
                inner.after_name = True
        elif first == ",":
            if inner is not None:
                inner.after_name = False
                inner.index += 1
        elif first in "{[":
            name, path = (None, ()) if inner is None else (inner.member, _below(inner.path, inner.step))
            inner = _Container(name, path, start, first == "{", None if first == "{" else name)
            open_.append(inner)
        elif first in "}]":
            if inner is not None:
                closed = open_.pop()
                inner = open_[-1] if open_ else None
                yield from closed.released()
                yield JsonValue(closed.name, closed.start, end, closed.path)
        elif inner is None:
            yield JsonValue(None, start, end)
        elif inner.is_object and not inner.after_name:
            inner.member = json_string(text[start:end])
        else:
            name = inner.member
            means = "" if name is None else name.lower()
            if means in _LABELS:
                inner.label = json_string(text[start:end])
            elif name is not None and means == "value" and inner.is_object and inner.label is None:
                yield from inner.released()
                inner.held = name, start, end
                continue
            elif means == "value":
                yield JsonValue(inner.label or inner.name or name, start, end, inner.path, inner.step, name)
                continue
            yield JsonValue(name, start, end, inner.path, inner.step)
    for container in open_:
        yield from container.released()


def json_names(text: str) -> Iterator[tuple[int, int]]:
    """Where the names of objects' members stand, with their quotes."""
    last: re.Match[str] | None = None
    for token in _tokens(text):
        if token[0] == ":" and last is not None and last[0][:1] == '"':
            yield last.span()
        last = token


def _tokens(text: str) -> Iterator[re.Match[str]]:
    for token in _TOKEN.finditer(text):
        if token["cut_off"] is not None:
            yield from _BARE_TOKEN.finditer(text, token.start())
            return
        yield token


def _below(path: tuple[str | int, ...], step: str | int | None) -> tuple[str | int, ...]:
    return path if step is None or len(path) == LONGEST_PATH else (*path, step)


def json_path(path: tuple[str | int, ...]) -> str:
    """A path as people write it: ``$.users[0].name``, odd names in brackets and quotes."""
    steps = (
        f"[{step}]" if isinstance(step, int) else f".{step}" if _PLAIN_NAME.fullmatch(step) else f"[{step!r}]"
        for step in path
    )
    return "$" + "".join(steps)


def json_string(token: str) -> str:
    """What a JSON string stands for; of a token that is none, the token itself."""
    if token[:1] != '"':
        return token
    if "\\" not in token:
        return token[1:-1]
    try:
        return str(json.loads(token, strict=False))
    except ValueError:
        return token[1:-1]


def with_spans(text: str, spans: Iterable[tuple[int, int, str]]) -> str:
    """The text with each span replaced; of spans within one another the outermost counts."""
    parts: list[str] = []
    position = 0
    for start, end, new in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start >= position:
            parts += (text[position:start], new)
            position = end
    return "".join((*parts, text[position:])) if parts else text


def rewrite_pairs(text: str, change: Callable[[str, str], str | None]) -> str:
    """A query or form with values changed: ``change(name, raw value)`` gives the new one, None for none.

    The name is decoded, the value is as it stands in the text.
    """
    parts: list[str] | None = None
    pairs = text.split("&")
    for index, pair in enumerate(pairs):
        raw_name, equals, value = pair.partition("=")
        if not equals:
            continue
        new = change(decoded(raw_name), value)
        if new is not None and new != value:
            parts = pairs.copy() if parts is None else parts
            parts[index] = f"{raw_name}={new}"
    return text if parts is None else "&".join(parts)


def decoded(text: str) -> str:
    """A name or value of a query or form without its escapes."""
    return unquote_plus(text) if "%" in text or "+" in text else text


def split_url(url: str) -> tuple[str, str, str, str]:
    """``(everything up to "//", userinfo, host and path, query and fragment)``; joined they are the URL.

    Userinfo comes without its ``@``; the last part begins with ``?`` or ``#``, or is empty.
    """
    before, slashes, rest = url.partition("//")
    if not slashes:
        before, rest = "", url
    end = min((found for found in (rest.find("?"), rest.find("#")) if found >= 0), default=len(rest))
    path, tail = rest[:end], rest[end:]
    authority = path.partition("/")[0] if slashes else ""
    user, at, _ = authority.rpartition("@")
    return before + slashes, user, path[len(user) + len(at) :], tail
