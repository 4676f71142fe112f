"""JSON bodies as people read them, and back to the very bytes that were received. No I/O.

A body is kept as JSON only where ``json`` and one of a few known *styles* (the whitespace, whether
non-ASCII characters are escaped, whether a newline ends it) reproduce it. What they do not
reproduce, such as repeated names, ``1.10`` or ``1E2``, is for the caller to keep as text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

#: The style that is meant where none is named.
COMPACT = "compact"

_WHITESPACE: dict[str, tuple[tuple[str, str], int | None]] = {
    "compact": ((",", ":"), None),
    "spaced": ((", ", ": "), None),
    "indent-2": ((",", ": "), 2),
    "indent-4": ((",", ": "), 4),
}
_ASCII, _NEWLINE = "-ascii", "-newline"

#: Every style by name; ``-ascii`` escapes what is not ASCII, ``-newline`` ends with a newline.
STYLES: tuple[str, ...] = tuple(
    name + escapes + newline for newline in ("", _NEWLINE) for escapes in ("", _ASCII) for name in _WHITESPACE
)

_ENCODERS = {
    name + (_ASCII if escapes else ""): json.JSONEncoder(
        ensure_ascii=escapes, separators=separators, indent=indent
    )
    for name, (separators, indent) in _WHITESPACE.items()
    for escapes in (False, True)
}
_one_line = json.JSONEncoder(ensure_ascii=False).encode

_LINE_LENGTH = 80


def to_pretty(body: bytes) -> tuple[str, str] | None:
    """The readable text of a JSON body, and the style that restores it.

    None where the exact bytes could not be restored from the text.
    """
    try:
        text = body.decode()
        tree = json.loads(text)
        style = next((style for style in _candidates(text) if from_tree(tree, style) == body), None)
        if style is None:
            return None
        pretty = _pretty(tree, "", "") + "\n"
        if from_pretty(pretty, style) != body:
            return None
    except (ValueError, RecursionError):
        return None
    return pretty, style


def from_pretty(text: str, style: str = COMPACT) -> bytes:
    """The body for a text that people may have edited; ValueError where it is not JSON."""
    return from_tree(json.loads(text), style)


def from_tree(tree: Any, style: str) -> bytes:
    text = _ENCODERS[style.removesuffix(_NEWLINE)].encode(tree)
    return (text + "\n" if style.endswith(_NEWLINE) else text).encode()


def _candidates(text: str) -> Iterator[str]:
    newline = _NEWLINE if text.endswith("\n") else ""
    names = ("indent-2", "indent-4") if "\n" in text.rstrip("\n") else ("compact", "spaced")
    for name in (*names, *_WHITESPACE):
        yield name + newline
        if "\\u" in text:
            yield name + _ASCII + newline


def _pretty(tree: Any, indent: str, before: str) -> str:
    """The text of a value behind ``before``: what holds nothing nested stays on one line if it fits."""
    if not isinstance(tree, (dict, list)) or not tree:
        return before + _one_line(tree)
    values = tree.values() if isinstance(tree, dict) else tree
    if not any(isinstance(value, (dict, list)) and value for value in values):
        flat = before + _one_line(tree)
        if len(indent) + len(flat) <= _LINE_LENGTH:
            return flat
    inner = indent + "  "
    if isinstance(tree, dict):
        parts = [inner + _pretty(value, inner, f"{_one_line(name)}: ") for name, value in tree.items()]
        opening, closing = "{}"
    else:
        parts = [inner + _pretty(value, inner, "") for value in tree]
        opening, closing = "[]"
    return before + opening + "\n" + ",\n".join(parts) + "\n" + indent + closing
