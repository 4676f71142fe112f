"""The shape of JSON: which types stand at which path, and how two shapes differ. No I/O, and no values.

The elements of an array share one place, ``[*]``: its shape is the union of theirs. Where nothing is
known of a place on one side, below an empty array or a null, nothing is said of it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Level = Literal["breaking", "additive", "values"]

_NULL: Final = "null"
_NAME = re.compile(r"[^\W\d]\w*")
_LONGEST_NAME: Final = 60
_DEEPEST: Final = 100


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was.

    ``kind``: ``status``, ``header``, ``body``; or of JSON ``added``, ``removed``, ``retyped``, ``null``
    (null where there was none), ``sometimes`` (a member that every object had, and now only some have).
    ``where`` is a JSON path, or the name of a field. ``before`` and ``after`` are types, sizes, or
    harmless values; empty where there is none, or where it must not be shown.
    """

    level: Level
    kind: str
    where: str
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        if self.kind == "added":
            return f"+ {self.where}"
        if self.kind == "removed":
            return f"- {self.where}"
        if not self.before and not self.after:
            return f"{self.where} changed"
        return f"{self.where}: {self.before} -> {self.after}"


@dataclass(slots=True)
class Shape:
    """What stands at one place: how often each type does, and what stands below it."""

    types: Counter[str] = field(default_factory=Counter)
    members: dict[str, Shape] = field(default_factory=dict)
    element: Shape | None = None

    @property
    def name(self) -> str:
        """The types in words: ``string or null``."""
        known = sorted(name for name in self.types if name != _NULL)
        return " or ".join([*known, _NULL] if _NULL in self.types else known)

    def has_always(self, member: str) -> bool:
        """Whether every object that was seen at this place has it."""
        return self.members[member].seen == self.types["object"]

    @property
    def seen(self) -> int:
        return sum(self.types.values())


def shape_of(body: bytes) -> Shape | None:
    """The shape of a JSON text; None where it is none, or nested too deep to say."""
    try:
        value = json.loads(body, parse_int=_any_number, parse_float=_any_number)
        shape = Shape()
        _learn(shape, value)
    except (ValueError, RecursionError):
        return None
    return shape


def _any_number(digits: str) -> int:
    return 0


def _learn(shape: Shape, value: Any, depth: int = 0) -> None:
    if depth > _DEEPEST:
        raise RecursionError
    shape.types[_type(value)] += 1
    if isinstance(value, dict):
        for name, member in value.items():
            _learn(shape.members.setdefault(name, Shape()), member, depth + 1)
    elif isinstance(value, list) and value:
        if shape.element is None:
            shape.element = Shape()
        for element in value:
            _learn(shape.element, element, depth + 1)


def _type(value: Any) -> str:
    if value is None:
        return _NULL
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, dict) else "array" if isinstance(value, list) else "number"


def differences(old: Shape, new: Shape, path: str = "$") -> Iterator[Difference]:
    """How the new shape differs from the old one, from the outside to the inside, in the old one's order."""
    yield from _types(old, new, path)
    if old.types["object"] and new.types["object"]:
        yield from _members(old, new, path)
    if old.element is not None and new.element is not None:
        yield from differences(old.element, new.element, f"{path}[*]")


def _types(old: Shape, new: Shape, path: str) -> Iterator[Difference]:
    known = old.types.keys() - {_NULL}
    if new.types.keys() - {_NULL} - known:
        level: Level = "breaking" if known else "additive"
        yield Difference(level, "retyped", path, old.name, new.name)
    elif _NULL in new.types and _NULL not in old.types:
        yield Difference("breaking", "null", path, old.name, new.name)


def _members(old: Shape, new: Shape, path: str) -> Iterator[Difference]:
    for name, was in old.members.items():
        where = _below(path, name)
        if name not in new.members:
            yield Difference("breaking", "removed", where, was.name)
            continue
        if old.has_always(name) and not new.has_always(name):
            yield Difference("breaking", "sometimes", where, "always", "sometimes")
        yield from differences(was, new.members[name], where)
    for name, is_now in new.members.items():
        if name not in old.members:
            yield Difference("additive", "added", _below(path, name), "", is_now.name)


def _below(path: str, name: str) -> str:
    """The path of a member; a name that is no word stands in brackets, as JSON."""
    if len(name) > _LONGEST_NAME:
        name = f"{name[: _LONGEST_NAME - 3]}..."
    return f"{path}.{name}" if _NAME.fullmatch(name) else f"{path}[{json.dumps(name)}]"
