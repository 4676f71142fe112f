"""JSON bodies as people read them, and back to the very text that was received. No I/O.

Only the white space between the tokens is changed, and a *style* names the one to put back: so numbers
such as ``1.10`` or ``1E400``, names that stand twice and escapes such as ``\\/`` stay as they were
spelled. Where a text's escapes are those of ``json.dumps``, the characters are shown that they stand for
(``-ascii``). JSON with white space that no style makes is for the caller to keep as text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from itertools import product

#: The style that is meant where none is named.
COMPACT = "compact"

# What stands between the tokens of one line, or what a line of a container is indented by.
_ONE_LINE = {"compact": (",", ":"), "spaced": (", ", ": ")}
_INDENTED = {"indent-2": "  ", "indent-4": "    ", "indent-tab": "\t"}
_ASCII, _NEWLINE = "-ascii", "-newline"

#: Every style by name; ``-ascii`` escapes what is not ASCII, ``-newline`` ends with a newline.
STYLES: tuple[str, ...] = tuple(
    name + escapes + newline
    for newline, escapes, name in product(("", _NEWLINE), ("", _ASCII), (*_ONE_LINE, *_INDENTED))
)

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[][{},:]|[^][{},:"\s]+', re.DOTALL)
# As `json` reads it, but numbers are left as they are spelled, however large.
_check = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str).decode
_shown = json.JSONEncoder(ensure_ascii=False).encode
_escaped = json.JSONEncoder().encode
# What is better seen as an escape, or cannot be seen at all.
_UNSEEN = re.compile("[\x7f-\xa0\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufffe\uffff]")

_LINE_LENGTH = 80
_DEEPEST = 100  # `json` goes as deep as the stack allows, which may be less when the text is read


def to_pretty(text: str) -> tuple[str, str] | None:
    """The readable text of JSON, and the style that restores it; None where it is none, or where the
    white space is that of no style."""
    try:
        _check(text)
    except (ValueError, RecursionError):
        return None
    tokens = _TOKEN.findall(text)
    style = None if _is_deep(tokens) else _style_of(text, tokens)
    if style is None:
        return None
    readable = [_unescaped(token) for token in tokens] if "\\u" in text else tokens
    if readable != tokens and [_as_ascii(token) for token in readable] == tokens:
        tokens, style = readable, style.replace(_NEWLINE, "") + _ASCII + _NEWLINE * style.endswith(_NEWLINE)
    return _pretty(tokens) + "\n", style


def from_pretty(text: str, style: str = COMPACT) -> str:
    """The JSON for a text that people may have edited; ValueError where it is none."""
    _check(text)
    if style == COMPACT and '\\"' not in text and not _may_be_deep(text):
        return _compacted(text)
    tokens = _TOKEN.findall(text)
    if _is_deep(tokens):
        raise ValueError(f"a json body nested more than {_DEEPEST} deep; write it as text")
    layout = style.removesuffix(_NEWLINE)
    if layout.endswith(_ASCII):
        tokens = [_as_ascii(token) for token in tokens]
    return _laid_out(tokens, layout.removesuffix(_ASCII)) + "\n" * style.endswith(_NEWLINE)


def _compacted(text: str) -> str:
    """JSON without the white space between its tokens, where every quote begins or ends a string."""
    parts = text.split('"')
    parts[::2] = ["".join(part.split()) for part in parts[::2]]
    return '"'.join(parts)


def _may_be_deep(text: str | list[str]) -> bool:
    """Whether a text, or its tokens, may be nested too deep."""
    return text.count("{") + text.count("[") > _DEEPEST


def _is_deep(tokens: list[str]) -> bool:
    """Whether they are nested too deep to be indented: of that many lines each would be longer still."""
    if not _may_be_deep(tokens):
        return False
    depth = 0
    for token in tokens:
        if token in ("{", "["):
            depth += 1
            if depth > _DEEPEST:
                return True
        elif token in ("}", "]"):
            depth -= 1
    return False


def _style_of(text: str, tokens: list[str]) -> str | None:
    newline = _NEWLINE if text.endswith("\n") else ""
    plain = text.removesuffix("\n")
    names: Iterable[str] = _INDENTED if "\n" in plain else _ONE_LINE
    return next((name + newline for name in names if _laid_out(tokens, name) == plain), None)


def _unescaped(token: str) -> str:
    """A string with the characters that its escapes stand for; as it is where they could not be seen."""
    if "\\u" not in token:
        return token
    value = json.loads(token)
    return token if _UNSEEN.search(value) else _shown(value)


def _as_ascii(token: str) -> str:
    return token if token.isascii() else _escaped(json.loads(token))


def _laid_out(tokens: list[str], layout: str) -> str:
    if layout == COMPACT:
        return "".join(tokens)
    if layout in _ONE_LINE:
        comma, colon = _ONE_LINE[layout]
        between = {",": comma, ":": colon}
        return "".join([between.get(token, token) for token in tokens])
    unit, depth, parts = _INDENTED[layout], 0, [""]
    for token in tokens:
        if token in ("}", "]"):
            depth -= 1
            if parts[-1] in ("{", "["):  # it is empty
                parts[-1] += token
                continue
            parts.append("\n" + unit * depth)
        elif parts[-1] in ("{", "["):
            parts.append("\n" + unit * depth)
        parts.append(": " if token == ":" else token)
        if token == ",":
            parts.append("\n" + unit * depth)
        elif token in ("{", "["):
            depth += 1
    return "".join(parts)


class _Container:
    """An object or a list whose end has not come: what stands before it, and its members so far."""

    __slots__ = ("before", "brackets", "members", "nests")

    def __init__(self, before: str, brackets: str) -> None:
        self.before, self.brackets = before, brackets
        self.members: list[str] = []
        self.nests = False

    def text(self, indent: str) -> str:
        """What holds nothing nested stays on one line if it fits."""
        opening, closing = self.before + self.brackets[0], self.brackets[1]
        flat = opening + ", ".join(self.members) + closing if not self.nests else ""
        if not self.members or (flat and len(indent) + len(flat) <= _LINE_LENGTH):
            return flat
        lines = f",\n{indent}  ".join(self.members)
        return f"{opening}\n{indent}  {lines}\n{indent}{closing}"


def _pretty(tokens: list[str]) -> str:
    """The tokens one below the other."""
    stack, before = [_Container("", "[]")], ""
    for token in tokens:
        if token == ":":
            before = f"{stack[-1].members.pop()}: "
        elif token in ("{", "["):
            stack.append(_Container(before, "{}" if token == "{" else "[]"))
            before = ""
        elif token in ("}", "]"):
            done = stack.pop()
            stack[-1].members.append(done.text("  " * (len(stack) - 1)))
            stack[-1].nests |= bool(done.members)
        elif token != ",":
            stack[-1].members.append(before + token)
            before = ""
    return stack[0].members[0]
