"""Cassettes as people write them: the text of given interactions, with habits of hand."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

from pytest_reqcache.expiration import Special
from pytest_reqcache.models import Interaction

#: What a hand may do. Without any of them the text is as we write it.
HABITS = (
    *("comments", "comments behind", "blank lines", "key order", "version last", "no last newline"),
    *("list indented", "other indentation", "dash alone", "wide dash"),
    *("flow mapping", "flow item", "flow list", "flow document", "flow on several lines"),
    *("anchors", "quoted keys", "quoted values", "CRLF", "BOM", "document start", "document end"),
)
_COMMENTS = ("#", "# c: '\"[", "# - request:", "# created_at: 2026-11-23", "#- a", "# &a *a")
_PLAIN = re.compile(r"[A-Za-z0-9][\w/.?=+-]*(?::[\w/.?=+-]+)*(?: [\w.]+)*", re.ASCII)
_BLOCK = re.compile(r"[^ \t\n][^\t]*[^ \t\n]\n?")


class Plain(str):
    """A value that may not be quoted."""


class Line(NamedTuple):
    """A line; whether it belongs to a text that goes on from the line above, and begins an item."""

    text: str
    in_text: bool = False
    begins_item: bool = False


class Hand:
    """Writes cassettes; what is left to chance ``random`` decides."""

    def __init__(self, habits: frozenset[str], random: Random) -> None:
        self.habits = habits
        self.random = random
        self._anchored: list[Any] = []

    def cassette(self, items: Sequence[Interaction]) -> tuple[bytes, list[int]]:
        """The text of a cassette, and the line of each item."""
        lines = [*self._with_gaps([*self._document([tree(item) for item in items])])]
        starts = [number for number, line in enumerate(lines, 1) if line.begins_item]
        # A text in a block would lose its own last line end, too.
        has_last_newline = lines[-1].in_text or "no last newline" not in self.habits
        text = "\n".join(line.text for line in lines) + "\n" * has_last_newline
        text = "\ufeff" * ("BOM" in self.habits) + text
        return text.replace("\n", "\r\n" if "CRLF" in self.habits else "\n").encode(), starts

    def _does(self, habit: str, often: float = 0.3) -> bool:
        return habit in self.habits and self.random.random() < often

    def _document(self, items: Sequence[Any]) -> Iterator[Line]:
        yield Line("# Recorded by hand")
        if "document start" in self.habits:
            yield from self.random.choice([[Line("---")], [Line("%YAML 1.1"), Line("---")]])
        if "flow document" in self.habits:
            yield Line("{version: 1, interactions: [")
            yield from self._flow_items(items, "]}")
        else:
            version = Line(f"{self._key('version')}: 1")
            if "version last" not in self.habits:
                yield version
            yield from self._list(items)
            if "version last" in self.habits:
                yield version
        if "document end" in self.habits:
            yield Line("...")

    def _list(self, items: Sequence[Any]) -> Iterator[Line]:
        key = self._key("interactions")
        if "flow list" in self.habits or not items:
            yield Line(f"{key}: [")
            yield from self._flow_items(items, "]")
            return
        yield Line(f"{key}:")
        indent = self.random.choice((1, 2, 4)) if "list indented" in self.habits else 0
        for item in items:
            yield from self._block_item(item, indent)

    def _flow_items(self, items: Sequence[Any], end: str) -> Iterator[Line]:
        for item in items:
            first, *rest = f"{self._flow(item, 2)},".split("\n")
            yield Line(f"  {first}", begins_item=True)
            yield from map(Line, rest)
        yield Line(f"  {end}")

    def _block_item(self, item: Any, indent: int) -> Iterator[Line]:
        pad = " " * indent
        if self._does("flow item"):
            first, *rest = self._flow(item, indent + 2).split("\n")
            yield Line(f"{pad}- {first}", begins_item=True)
            yield from map(Line, rest)
            return
        width = 2 + self.random.choice((1, 3)) * self._does("wide dash")
        first_line, *others = self._block(item, indent + width)
        if self._does("dash alone"):
            yield Line(f"{pad}-", begins_item=True)
            yield first_line
        else:
            yield Line(f"{pad}-{first_line.text[indent + 1 :]}", begins_item=True)
        yield from others

    def _block(self, node: Any, indent: int) -> Iterator[Line]:
        """The lines of a mapping or a list, so far indented."""
        pad = " " * indent
        if isinstance(node, dict):
            for key, value in self._ordered(node):
                yield from self._value(f"{pad}{self._key(key)}:", value, indent)
        else:
            for entry in node:
                if isinstance(entry, dict):
                    first_line, *others = self._block(entry, indent + 2)
                    yield Line(f"{pad}-{first_line.text[indent + 1 :]}")
                    yield from others
                else:
                    yield from self._value(f"{pad}-", entry, indent)

    def _value(self, before: str, node: Any, indent: int) -> Iterator[Line]:
        mark, is_alias = self._mark(node)
        deeper = indent + (self.random.choice((1, 3, 4)) if self._does("other indentation") else 2)
        if is_alias:
            yield Line(f"{before} {mark}")
        elif isinstance(node, str):
            if "\n" in node and _BLOCK.fullmatch(node) and not self._does("quoted values"):
                chomp = "" if node.endswith("\n") else "-"
                yield Line(f"{before} {mark}|{chomp}")
                for line in node.removesuffix("\n").split("\n"):
                    yield Line(" " * deeper * bool(line) + line, in_text=True)
            else:
                yield Line(f"{before} {mark}{self._scalar(node)}")
        elif self._does("flow mapping"):
            yield from map(Line, f"{before} {mark}{self._flow_content(node, deeper)}".split("\n"))
        else:
            yield Line(f"{before} {mark}".rstrip())
            yield from self._block(node, deeper)

    def _flow(self, node: Any, indent: int) -> str:
        mark, is_alias = self._mark(node)
        return f"{mark} " if is_alias else mark + self._flow_content(node, indent)

    def _flow_content(self, node: Any, indent: int) -> str:
        if isinstance(node, str):
            return self._scalar(node)
        comma = ", "
        if self._does("flow on several lines"):
            comma = f", {self.random.choice(('', '# c, ]'))}\n{' ' * indent}"
        if isinstance(node, dict):
            pairs = (f"{self._key(key)}: {self._flow(value, indent)}" for key, value in self._ordered(node))
            return f"{{{comma.join(pairs)}}}"
        return f"[{comma.join(self._flow(entry, indent) for entry in node)}]"

    def _ordered(self, mapping: dict[str, Any]) -> list[tuple[str, Any]]:
        pairs = list(mapping.items())
        if "url" in mapping or "response" in mapping or "status" in mapping:
            if self._does("key order"):
                self.random.shuffle(pairs)
        return pairs

    def _mark(self, node: Any) -> tuple[str, bool]:
        """An anchor to stand before a value, or the alias that stands for it."""
        if isinstance(node, Plain) or "anchors" not in self.habits:
            return "", False
        if node in self._anchored and self._does("anchors", 0.8):
            return f"*a{self._anchored.index(node)}", True
        if node not in self._anchored and self._does("anchors"):
            # What is in it may be anchored, too, and comes later: it is numbered now.
            self._anchored.append(node)
            return f"&a{len(self._anchored) - 1} ", False
        return "", False

    def _key(self, name: str) -> str:
        if self._does("quoted keys") or not _PLAIN.fullmatch(name):
            return self._quoted(name)
        return name

    def _scalar(self, value: str) -> str:
        if isinstance(value, Plain):
            return value
        if self._does("quoted values") or not _PLAIN.fullmatch(value):
            return self._quoted(value)
        return value

    def _quoted(self, value: str) -> str:
        if value.isprintable() and self.random.random() < 0.5:
            return "'" + value.replace("'", "''") + "'"
        # It is a break of lines, and those are folded where a space is next to it.
        quoted = json.dumps(value, ensure_ascii=False)
        return quoted.replace(" \u2028", " \\u2028").replace("\u2028 ", "\\u2028 ")

    def _with_gaps(self, lines: Sequence[Line]) -> Iterator[Line]:
        """The lines with comments behind and between them, and blank ones."""
        for number, line in enumerate(lines):
            text_above = number > 0 and lines[number - 1].in_text
            if not line.in_text and not line.text.startswith(("---", "%")):
                if self._does("comments"):
                    indent = 0 if text_above else self.random.choice((0, 2, 4, 8))
                    yield Line(" " * indent + self.random.choice(_COMMENTS))
                if self._does("blank lines"):
                    yield from [Line("")] * self.random.choice((1, 2))
            can_hold_one = not line.in_text and not line.text.startswith("%")
            if can_hold_one and self._does("comments behind"):
                line = line._replace(text=f"{line.text} {self.random.choice(_COMMENTS)}")
            yield line
        if self._does("comments", 0.6):
            yield Line(self.random.choice(_COMMENTS))


def tree(item: Interaction) -> dict[str, Any]:
    """What a cassette says of an interaction, as mappings, lists and texts."""
    request, response = item.request, item.response
    status = f"{response.status} {response.reason}".rstrip()
    found: dict[str, Any] = {
        "request": {
            "method": request.method,
            "url": request.url,
            **_headers(request.headers),
            **_body(request.body),
        },
        "response": {"status": status, **_headers(response.headers), **_body(response.body or None)},
    }
    if item.answer > 1:
        found["answer"] = str(item.answer)
    if item.expires is not None:
        found["expires"] = "never" if item.expires is Special.NEVER else item.expires.isoformat()
    if item.keep:
        found["keep"] = Plain("true")
    return found | {"created_at": item.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")}


def _headers(headers: Any) -> dict[str, Any]:
    pairs = [*headers]
    if not pairs:
        return {}
    if len(dict(pairs)) < len(pairs):
        return {"headers": [{name: value} for name, value in pairs]}
    return {"headers": dict(pairs)}


def _body(body: Any) -> dict[str, str]:
    if body is None:
        return {}
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}
