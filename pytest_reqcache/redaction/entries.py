"""What users add to redaction: the entries of the ``redact`` setting, and the rules that they make."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from .rules import DEFAULT_RULES, JsonPath, Pattern, Rules, StandIn, fold
from .spans import LONGEST_PATH

_ACCEPTED: Final = (
    "accepted are a name (X-Session), a regular expression (re:acct-[0-9]+), a JSON path ($.user.email), "
    "and !name for what is no secret"
)
_NAME: Final = re.compile(r"[^\s=&?#:;,\"'!]+")
# Unreserved in a URL (RFC 3986 section 2.3), and nothing that JSON, a form or a header would escape.
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]+")
#: What is accepted there.
MADE_UP: Final = (
    "a text of letters, digits and '.', '_', '~', '-', which stand for themselves everywhere, is accepted"
)
_STEP: Final = re.compile(
    r"\.(?P<name>[^.\[\]\s]+)"
    r"|\[(?:(?P<index>[0-9]{1,18})|(?P<any>\*)|(?P<quote>['\"])(?P<quoted>.+?)(?P=quote))\]"
)


@dataclass(frozen=True)
class Redactions:
    """The entries of the setting, each with what stands in the place of what it finds.

    True is the usual placeholder, False says that it is no secret; a function is given the secret.
    """

    entries: Mapping[str, bool | StandIn] = field(default_factory=dict)

    def __or__(self, closer: Redactions) -> Redactions:
        """Both: entries add up, and where both have the same, that of ``closer`` holds."""
        if not self.entries or not closer.entries:
            return self if self.entries else closer
        return Redactions({**self.entries, **closer.entries})

    @cached_property
    def rules(self) -> Rules:
        """The rules with these entries.

        Raises:
            ValueError: an entry is not accepted.
        """
        if not self.entries:
            return DEFAULT_RULES
        found = {entry: how for entry, how in self.entries.items() if how is not False}
        names = [entry for entry in found if not entry.startswith(("re:", "$"))]
        return Rules(
            names=frozenset(names),
            off=frozenset(entry for entry, how in self.entries.items() if how is False),
            patterns=tuple(_pattern(entry, how) for entry, how in found.items() if entry.startswith("re:")),
            paths=tuple(_path(entry, how) for entry, how in found.items() if entry.startswith("$")),
            stand_ins={fold(name): how for name in names if (how := _stand_in(found[name])) is not None},
        )


def parse_redactions(value: object, where: str) -> Redactions:
    """The ``redact`` setting: a list of entries, or a mapping of entries to what stands in their place.

    Raises:
        TypeError, ValueError: an entry is not accepted.
    """
    if value is None or isinstance(value, Redactions):
        return value or Redactions()
    if isinstance(value, Mapping):
        pairs = list(value.items())
    elif isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        pairs = [(entry, True) for entry in value]
    else:
        raise TypeError(f"{where}={value!r}: a list of entries, or a mapping, is accepted; {_ACCEPTED}")
    return _checked([_parsed(entry, how, where) for entry, how in pairs], where)


def parse_redaction_lines(lines: Iterable[str], where: str) -> Redactions:
    """The setting in an ini file: an entry a line, or ``ENTRY = TEXT`` (split at the last `` = ``).

    Raises:
        ValueError: a line is not accepted.
    """
    pairs = []
    for line in lines:
        entry, equals, text = line.rpartition(" = ")
        pairs.append(
            _parsed(entry.strip(), text.strip(), where) if equals else _parsed(line.strip(), True, where)
        )
    return _checked(pairs, where)


def _parsed(entry: object, how: object, where: str) -> tuple[str, bool | StandIn]:
    if not isinstance(entry, str) or not entry:
        raise TypeError(f"{where}: {entry!r} is no entry; {_ACCEPTED}")
    if entry.startswith("!"):
        entry, how = entry[1:].strip(), False
    if not entry.startswith(("re:", "$")) and _NAME.fullmatch(entry) is None:
        raise ValueError(f"{where}: {entry!r} is no entry; {_ACCEPTED}")
    if isinstance(how, str):
        if not stands_everywhere(how):
            raise ValueError(f"{where}: {entry!r}: {how!r} cannot stand in a secret's place; {MADE_UP}")
        return entry, _Constant(how)
    if isinstance(how, bool) or callable(how):
        return entry, how
    raise TypeError(
        f"{where}: {entry!r}: {how!r} is a {type(how).__name__}: a text, function, True or False is accepted"
    )


def _checked(pairs: list[tuple[str, bool | StandIn]], where: str) -> Redactions:
    redactions = Redactions(dict(pairs))
    try:
        redactions.rules  # noqa: B018  patterns and paths are looked at now, not in the middle of a test
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    return redactions


@dataclass(frozen=True, slots=True)
class _Constant:
    """Stands in the place of every secret that an entry finds."""

    text: str

    def __call__(self, secret: str) -> str:
        return self.text


def stands_everywhere(text: str) -> bool:
    """Whether a text can stand in the place of a secret, wherever that is."""
    return _UNRESERVED.fullmatch(text) is not None


def _stand_in(how: bool | StandIn) -> StandIn | None:
    return None if isinstance(how, bool) else how


def _pattern(entry: str, how: bool | StandIn) -> Pattern:
    try:
        regex = re.compile(entry.removeprefix("re:"))
    except (re.error, OverflowError, RecursionError, FutureWarning) as error:
        raise ValueError(f"{entry!r} is no regular expression: {error}") from None
    if regex.match(""):
        raise ValueError(
            f"{entry!r} matches the empty text, and so everywhere; let it match the secret alone"
        )
    return Pattern(regex, next(iter(regex.groupindex), "secret"), _stand_in(how))


def _path(entry: str, how: bool | StandIn) -> JsonPath:
    steps: list[str | int | None] = []
    position = 1
    while position < len(entry):
        step = _STEP.match(entry, position)
        if step is None:
            raise ValueError(
                f"{entry!r} is no JSON path at {entry[position:]!r}: .name, ['name'], [0], [*] are accepted"
            )
        steps.append(_step(step))
        position = step.end()
    if len(steps) > LONGEST_PATH:
        raise ValueError(
            f"{entry[:40]!r}... is a JSON path of {len(steps)} steps; at most {LONGEST_PATH} are accepted"
        )
    name = next((step for step in reversed(steps) if isinstance(step, str)), "json")
    return JsonPath(tuple(steps), name.lower(), _stand_in(how))


def _step(step: re.Match[str]) -> str | int | None:
    if step["index"]:
        return int(step["index"])
    if step["any"] or step["name"] == "*":
        return None
    return step["name"] or step["quoted"]
