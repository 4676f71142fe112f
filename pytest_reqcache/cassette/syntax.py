"""What is wrong with a text that is no YAML, said for people who have edited it. No I/O.

A parser says where it gave up, and what it wanted there. What people have to correct is often another
line: the one where a quote was opened, or the one above, which lacks a colon.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import yaml

_CONFLICT = re.compile(r"^(?:<{7}|\|{7}|={7}|>{7})(?= |\r?$)", re.MULTILINE)
_LINE_BREAK = re.compile("\r?\n")  # YAML knows others, editors do not
_DASH = re.compile(r"-[ ]+(?=\S)")
_KEY = re.compile(r"[\s#]*[^\s#].*?:(?:\s|$)")


class _At(NamedTuple):
    """A place in a text, counted from 0."""

    line: int
    column: int


class Explained(NamedTuple):
    """The place in the file, counted from 1 (``column`` None where it is not known), and the problem."""

    line: int
    column: int | None
    problem: str


def explained(error: yaml.YAMLError, text: str, first_line: int = 1) -> Explained:
    """What an error of PyYAML means in a text whose first line is line ``first_line`` of its file."""
    at, problem = _conflict(text) or _diagnosis(error, text, first_line)
    return Explained(at.line + first_line, at.column + 1, problem)


def _conflict(text: str) -> tuple[_At, str] | None:
    found = _CONFLICT.search(text)
    if found is None:
        return None
    return _at(text, found.start()), (
        "a merge conflict that is not resolved; take the whole file of one side (git checkout --ours, or "
        "--theirs), and record online what it lacks"
    )


def _diagnosis(error: yaml.YAMLError, text: str, first_line: int) -> tuple[_At, str]:
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    mark = getattr(error, "problem_mark", None)
    if mark is None:  # a character that YAML does not take
        at = _at(text, max(getattr(error, "position", 0), 0))
        return at, f"{problem}; write it as an escape in double quotes"
    lines = [*_LINE_BREAK.split(text), ""]
    at = _at(text, mark.index)
    opened = getattr(error, "context_mark", None)
    begun = at if opened is None else _at(text, opened.index)
    context = getattr(error, "context", None) or ""
    if "quoted scalar" in context and ("end of stream" in problem or "document separator" in problem):
        return begun, "a quote is opened here and never closed; close it"
    if context.endswith("flow node"):  # nothing follows it, or what cannot stand in it
        begun = _at(text, max(text.rfind("[", 0, mark.index), text.rfind("{", 0, mark.index), 0))
    if context.endswith(("flow sequence", "flow mapping", "flow node")):
        return (
            begun,
            "a bracket is opened here and not closed where it should be; close it, or quote the value",
        )
    if "cannot start any token" in problem or "alphabetic or numeric" in problem:
        return _odd_beginning(at, begun, lines)
    if "mapping values are not allowed" in problem:
        return _unexpected_colon(at, lines, first_line)
    if "could not find expected ':'" in problem:
        return begun, (
            "a line without ': '; write 'key: value', or indent it deeper than the key above whose text it is"
        )
    quote = _runaway_quote(at, lines)
    if quote is not None:
        said = f"a quote is opened here and closed only in line {at.line + first_line}"
        return quote, f"{said}; close it where the value ends"
    if "did not find expected" in problem or "expected <block end>" in problem:
        return at, _odd_indent(at, lines, first_line)
    return at, f"{problem}; correct the line or restore it"


def _at(text: str, index: int) -> _At:
    """The place of a character."""
    return _At(text.count("\n", 0, index), index - text.rfind("\n", 0, index) - 1)


def _runaway_quote(at: _At, lines: list[str]) -> _At | None:
    """Where the quoted text began that ends right before a place, if that is further up."""
    quote = lines[at.line][: at.column].rstrip()[-1:]
    if quote not in ("'", '"'):
        return None
    opening = re.compile(rf"[ ]*(?:- )?[^\s#'\"].*?:[ ]+({quote})[^{quote}]*")
    for number in range(at.line - 1, -1, -1):
        found = opening.fullmatch(lines[number].rstrip("\r"))
        if found is not None:
            return _At(number, found.start(1))
    return None


def _odd_beginning(at: _At, begun: _At, lines: list[str]) -> tuple[_At, str]:
    line = lines[at.line]
    if "\t" in line[: at.column + 1]:
        return _At(at.line, line.index("\t")), "a tab; indent with spaces alone"
    if line[at.column : at.column + 1] not in "@`%":
        at = begun  # of '*' or '&' the place behind it is told
    first = lines[at.line][at.column : at.column + 1]
    return at, f"a value cannot begin with {first!r}; put it in quotes"


def _unexpected_colon(at: _At, lines: list[str], first_line: int) -> tuple[_At, str]:
    line = lines[at.line]
    key = _KEY.match(line)
    if key is not None and key.end() <= at.column:
        return at, "a second ': ' in the line; put the value in quotes"
    above = at.line - 1
    while above >= 0 and (not lines[above].strip() or lines[above].lstrip().startswith("#")):
        above -= 1
    indent = len(line) - len(line.lstrip())
    if above < 0:
        return at, "a ': ' where none is expected; put the value in quotes"
    if _KEY.match(lines[above]) is None:
        place = _At(above, len(lines[above]) - len(lines[above].lstrip(" -")))
        return place, "a key without ': ' behind it; write 'key: value', or 'key:' above what is indented"
    return _At(at.line, indent), (
        f"this is indented deeper than line {above + first_line}, which has a value already; "
        "indent both as their neighbours are"
    )


def _odd_indent(at: _At, lines: list[str], first_line: int) -> str:
    """Nothing can begin there: the places on both sides where something begins above it."""
    left = right = None
    for number in range(at.line - 1, -1, -1):
        columns = _columns(lines[number])
        deeper = [column for column in columns if column > at.column]
        if deeper and (right is None or min(deeper) < right.column):
            right = _At(number, min(deeper))
        shallower = [column for column in columns if column < at.column]
        if shallower:
            left = _At(number, max(shallower))
            break
    places = [
        f"in column {place.column + 1} as line {place.line + first_line} does"
        for place in (left, right)
        if place is not None
    ]
    return f"nothing can begin in this column; begin it {', or '.join(places) or 'in the first one'}"


def _columns(line: str) -> list[int]:
    """Where something begins in a line: its first character, and what stands behind a dash."""
    stripped = line.lstrip(" ")
    if not stripped.strip() or stripped.startswith("#"):
        return []
    indent, dash = len(line) - len(stripped), _DASH.match(stripped)
    return [indent] if dash is None else [indent, indent + dash.end()]
