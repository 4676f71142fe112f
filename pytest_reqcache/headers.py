"""HTTP header fields: an ordered multi-map, and parsing. No I/O, and nothing here raises on bad input.

Facts about fields that the code below relies on:

- Lines of one name mean the same as one line, joined with commas (RFC 9110 section 5.3); empty
  members of a list count for nothing (5.6.1.2).
- In a quoted-string a backslash quotes the next character (5.6.4); in an entity tag it is a
  character like any other (8.8.3).
- Digits are ASCII: ``str.isdigit`` and ``int`` accept more, and ``int`` refuses 4301 digits.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import format_datetime
from functools import lru_cache
from typing import Final, Literal, NamedTuple

#: What an overlarge number of seconds counts as (RFC 9111 section 1.2.2).
MAX_DELTA_SECONDS: Final = 2**31

#: Fields of one connection, besides those that ``Connection`` names (RFC 9110 section 7.6.1).
HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"}
)
#: Fields of the proxy in use, never stored (RFC 9111 section 3.1).
PROXY_SPECIFIC: Final = frozenset(
    {"proxy-authenticate", "proxy-authentication-info", "proxy-authorization"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Headers:
    """Header fields in the order received, repeated ones included; names compare without case."""

    items: tuple[tuple[str, str], ...] = ()
    #: The value of each field, or those of its lines where it has several, by name in lower case.
    _lines: dict[str, str | list[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        lines: dict[str, str | list[str]] = {}
        for name, value in self.items:
            lowered = name.lower()
            if lowered in lines:
                lines[lowered] = [*_values(lines[lowered]), value]
            else:
                lines[lowered] = value
        object.__setattr__(self, "_lines", lines)

    @classmethod
    def of(cls, items: Iterable[tuple[str, str]]) -> Headers:
        return cls(tuple([(_exact(name), _exact(value)) for name, value in items]))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __contains__(self, name: object) -> bool:
        return str(name).lower() in self._lines

    def has_any(self, names: Collection[str]) -> bool:
        """Whether there is a field of one of these names, which are in lower case."""
        return not self._lines.keys().isdisjoint(names)

    def get_all(self, name: str) -> Sequence[str]:
        """The values of every line of that name, in order."""
        return _values(self._lines.get(name.lower(), ()))

    def get(self, name: str) -> str | None:
        """The field's lines combined with ``", "`` (RFC 9110 section 5.2); None where there is none."""
        value = self._lines.get(name.lower())
        return ", ".join(value) if isinstance(value, list) else value

    def combined(self) -> Sequence[tuple[str, str]]:
        """Each field once, in the place and spelling of its first line, its lines combined as by ``get``."""
        if len(self._lines) == len(self.items):
            return self.items
        names: dict[str, str] = {}
        for name, _ in self.items:
            names.setdefault(name.lower(), name)
        return [(name, ", ".join(_values(self._lines[lowered]))) for lowered, name in names.items()]

    def without(self, *names: str) -> Headers:
        unwanted = {name.lower() for name in names}
        return Headers(tuple(item for item in self.items if item[0].lower() not in unwanted))

    def replaced(self, name: str, value: str) -> Headers:
        """With one line of that name: in the place of the first that stood there, else last."""
        lowered, items, placed = name.lower(), [], False
        for own, old in self.items:
            if own.lower() != lowered:
                items.append((own, old))
            elif not placed:
                items.append((own, value))
                placed = True
        if not placed:
            items.append((name, value))
        return Headers(tuple(items))


def _values(lines: str | Sequence[str]) -> Sequence[str]:
    """What stands for a field in :attr:`Headers._lines`, as a list."""
    return [lines] if isinstance(lines, str) else lines


# --- Lists and numbers: RFC 9110 section 5.6, RFC 9111 section 1.2.2

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_DIGITS = re.compile(r"[0-9]+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_MEMBER = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*")*', re.DOTALL)


def is_token(text: str) -> bool:
    """Whether it can be the name of a method or of a field (RFC 9110 section 5.6.2)."""
    return _TOKEN.fullmatch(text) is not None


def _exact(text: object) -> str:
    """Of a subclass of ``str`` the text itself, as it is sent, whatever the subclass shows itself as."""
    return str.__str__(text) if isinstance(text, str) else str(text)


def _list_members(lines: Iterable[str]) -> list[str]:
    """The members of a list of tokens, empty ones left out (RFC 9110 section 5.6.1.2)."""
    members = (member.strip(" \t") for line in lines for member in line.split(","))
    return [member for member in members if member]


def _quoted_members(line: str) -> Iterator[str]:
    """The members of a line with quoted-strings; a quote that is never closed quotes nothing."""
    start = 0
    while start <= len(line):
        member = _MEMBER.match(line, start)
        assert member is not None  # it matches the empty string
        end = member.end()
        if line[end : end + 1] == '"':
            yield from line[start:].split(",")
            return
        yield line[start:end]
        start = end + 1


def list_members(lines: Iterable[str]) -> list[str]:
    """The members of a list of anything, a comma within quotes being none; empty ones left out."""
    members = (member.strip(" \t") for line in lines for member in _quoted_members(line))
    return [member for member in members if member]


def _unquoted(argument: str) -> str:
    """What a quoted-string stands for (RFC 9110 section 5.6.4); anything else as it is."""
    quoted = _QUOTED.fullmatch(argument)
    return re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL) if quoted else argument


def _integer(digits: str, limit: int) -> int | None:
    """1*DIGIT, no greater than ``limit``; None for anything else."""
    if not _DIGITS.fullmatch(digits):
        return None
    significant = digits.lstrip("0")
    return limit if len(significant) > len(str(limit)) else min(int(significant or "0"), limit)


# --- Dates: RFC 9110 section 5.6.7, as narrowed and widened for caches by RFC 9111 section 4.2

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_DAY_NAME = "(?:" + "|".join(day[:3] for day in _DAYS) + ")"
_DAY_NAME_L = "(?:" + "|".join(_DAYS) + ")"
_MONTH = "(?P<month>" + "|".join(_MONTHS) + ")"
_TIME = "(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_DATE_FORMS = tuple(
    re.compile(form, re.IGNORECASE | re.ASCII)
    for form in (
        # IMF-fixdate: Sun, 06 Nov 1994 08:49:37 GMT
        rf"{_DAY_NAME}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT",
        # rfc850-date: Sunday, 06-Nov-94 08:49:37 GMT
        rf"{_DAY_NAME_L}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT",
        # asctime-date: Sun Nov  6 08:49:37 1994
        rf"{_DAY_NAME} {_MONTH} (?P<day>[0-9]{{2}}| [0-9]) {_TIME} (?P<year>[0-9]{{4}})",
    )
)


def parse_http_date(text: str, *, now: datetime | None = None) -> datetime | None:
    """An HTTP-date as an aware datetime in UTC; None for anything that its grammar does not allow.

    Strict, because an invalid date means "in the past" (RFC 9111 section 5.3), but without regard
    to case (4.2). The weekday has to be one, not the right one. ``now`` settles the century of the
    two-digit years of the rfc850 form (RFC 9110 section 5.6.7); without it 69 to 99 are 19xx.
    """
    text = text.strip(" \t")
    found = next((match for form in _DATE_FORMS if (match := form.fullmatch(text))), None)
    if found is None:
        return None
    month = _MONTHS.index(found["month"].title()) + 1
    day, hour, minute, second = (int(found[name]) for name in ("day", "hour", "minute", "second"))
    if (hour, minute, second) == (23, 59, 60):
        second = 59  # a leap second: "the nearest time equal to or earlier" (RFC 9111 section 4.2)
    year = int(found["year"])
    if len(found["year"]) == 2:
        year = _full_year(year, (month, day, hour, minute, second), now)
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
    except ValueError:
        return None


def _full_year(digits: int, rest: tuple[int, ...], now: datetime | None) -> int:
    """The latest year with these last digits that is not over 50 years ahead (RFC 9110 section 5.6.7)."""
    if now is None:
        return digits + (1900 if digits >= 69 else 2000)
    now = now.astimezone(timezone.utc)
    horizon = (now.year + 50, now.month, now.day, now.hour, now.minute, now.second)
    year = horizon[0] - horizon[0] % 100 + digits
    return year if (year, *rest) <= horizon else year - 100


def format_http_date(moment: datetime) -> str:
    """IMF-fixdate, the one form that is sent (RFC 9110 section 5.6.7); parts of a second are cut off."""
    return format_datetime(moment.astimezone(timezone.utc), usegmt=True)


# --- Cache-Control: RFC 9111 section 5.2


class CacheControl(NamedTuple):
    """Directives in the order received: names in lower case, arguments as written, None for none."""

    directives: tuple[tuple[str, str | None], ...] = ()

    def has(self, name: str) -> bool:
        """Whether the directive is there, with an argument or without."""
        return any(own == name for own, _ in self.directives) if self.directives else False

    def raw(self, name: str) -> str | None:
        """The argument as written, of the first occurrence (RFC 9111 section 4.2.1).

        None without an argument, or without the directive: ``has`` tells which. So ``max-stale``
        has none, and accepts any age (5.2.1.2); that of ``max-stale=`` is empty, and invalid.
        """
        return next((argument for own, argument in self.directives if own == name), None)

    def seconds(self, name: str) -> int | None:
        """The argument as delta-seconds, at most ``MAX_DELTA_SECONDS``; None where the directive is absent.

        Quoted or not (RFC 9111 section 5.2). A missing or invalid one is 0, which every directive
        takes for the cautious value: "encouraged to consider stale" (4.2.1).
        """
        if not self.has(name):
            return None
        return _integer(_unquoted(self.raw(name) or ""), MAX_DELTA_SECONDS) or 0

    def fields(self, name: str) -> tuple[str, ...]:
        """The field names, in lower case, that ``no-cache`` or ``private`` is limited to (5.2.2.4, 5.2.2.7).

        Empty where it applies to the whole response: if any occurrence has no argument or an
        invalid one, the most restrictive reading holds (4.2.1).
        """
        names: list[str] = []
        for argument in (argument for own, argument in self.directives if own == name):
            listed = _list_members([_unquoted(argument or "")])
            if not listed or not all(map(is_token, listed)):
                return ()
            names += (field.lower() for field in listed)
        return tuple(dict.fromkeys(names))


NO_DIRECTIVES: Final = CacheControl()


def parse_cache_control(lines: Sequence[str]) -> CacheControl:
    """The directives of all lines of a ``Cache-Control`` field (RFC 9111 section 5.2).

    Each line is read on its own, so that a quote left open hides nothing in the next.
    """
    if not lines:
        return NO_DIRECTIVES
    return CacheControl(tuple(_directive(member) for member in list_members(lines)))


def _directive(member: str) -> tuple[str, str | None]:
    """``token [ "=" ( token / quoted-string ) ]``: no space around the "=", or the argument is invalid."""
    name, equals, argument = member.partition("=")
    stripped = name.rstrip(" \t")
    if not equals:
        return stripped.lower(), None
    return stripped.lower(), argument if stripped == name else ""


# --- Age: RFC 9111 section 5.1


def parse_age(lines: Iterable[str]) -> int | None:
    """The first member in seconds, at most ``MAX_DELTA_SECONDS``; None where it is invalid or missing."""
    members = _list_members(lines)
    return _integer(members[0], MAX_DELTA_SECONDS) if members else None


# --- Entity tags: RFC 9110 section 8.8.3

# Wider than the grammar by spaces: who wrote such a tag will compare it with itself.
_ENTITY_TAG = re.compile(r'(?P<weak>W/)?(?P<opaque>"[^"\x00-\x08\x0a-\x1f\x7f]*")')
_LISTED_TAG = re.compile(_ENTITY_TAG.pattern + r"[ \t]*(?:,|$)")


class EntityTag(NamedTuple):
    """An entity tag; ``opaque`` with its quotes. ``str()`` is what a field holds."""

    opaque: str
    weak: bool = False

    def __str__(self) -> str:
        return f"W/{self.opaque}" if self.weak else self.opaque

    def strong_match(self, other: EntityTag) -> bool:
        """For ``If-Range``, and to combine parts (RFC 9110 section 8.8.3.2)."""
        return not self.weak and not other.weak and self.opaque == other.opaque

    def weak_match(self, other: EntityTag) -> bool:
        """For ``If-None-Match`` (RFC 9110 sections 8.8.3.2 and 13.1.2)."""
        return self.opaque == other.opaque


def parse_etag(text: str) -> EntityTag | None:
    """One entity tag; None where it is malformed: without quotes, or ``w/``, which is no weak flag."""
    found = _ENTITY_TAG.fullmatch(text.strip(" \t"))
    return EntityTag(found["opaque"], found["weak"] is not None) if found else None


def parse_etag_list(text: str) -> list[EntityTag] | Literal["*"]:
    """The tags of ``If-None-Match`` or ``If-Match`` (RFC 9110 section 13.1), malformed members left out."""
    if text.strip(" \t") == "*":
        return "*"
    tags: list[EntityTag] = []
    position = 0
    while position < len(text):
        found = _LISTED_TAG.match(text, position)
        if found:
            tags.append(EntityTag(found["opaque"], found["weak"] is not None))
            position = found.end()
        elif text[position] in " \t":
            position += 1
        else:
            comma = text.find(",", position)
            position = len(text) if comma < 0 else comma + 1
    return tags


# --- Vary, Connection, Range


def vary_names(lines: Iterable[str]) -> tuple[str, ...] | Literal["*"]:
    """The field names in lower case, each once; ``"*"`` if that is among them (RFC 9110 section 12.5.5)."""
    return _vary_names(tuple(lines))


@lru_cache(maxsize=64)
def _vary_names(lines: tuple[str, ...]) -> tuple[str, ...] | Literal["*"]:
    names = tuple(dict.fromkeys(member.lower() for member in _list_members(lines)))
    return "*" if "*" in names else names


def media_type(headers: Headers) -> str:
    """``Content-Type`` without its parameters, in lower case (RFC 9110 section 8.3.1); empty without one."""
    return (headers.get("Content-Type") or "").partition(";")[0].strip().lower()


def connection_named(headers: Headers) -> frozenset[str]:
    """The fields of this connection alone, in lower case: fixed and named ones (RFC 9110 section 7.6.1)."""
    return HOP_BY_HOP | {member.lower() for member in _list_members(headers.get_all("Connection"))}


_RANGE = re.compile(r"(?P<first>[0-9]*)-(?P<last>[0-9]*)")
_MAX_POSITION: Final = 2**63 - 1


def parse_range(text: str) -> list[tuple[int | None, int | None]] | None:
    """The byte ranges of ``Range`` (RFC 9110 section 14.1.2): ``(first, last)``, both inclusive.

    ``(first, None)`` reaches to the end, ``(None, n)`` means the last n bytes. None for another
    unit, or where any range is invalid: a server may then ignore the field (14.2).
    """
    unit, _, listed = text.strip(" \t").partition("=")
    if unit.lower() != "bytes":
        return None
    ranges = [_byte_range(member) for member in _list_members([listed])]
    valid = [span for span in ranges if span is not None]
    return valid if valid and len(valid) == len(ranges) else None


def _byte_range(spec: str) -> tuple[int | None, int | None] | None:
    found = _RANGE.fullmatch(spec)
    if found is None:
        return None
    first, last = (_integer(found[name], _MAX_POSITION) for name in ("first", "last"))
    if first is None and last is None:
        return None
    if first is not None and last is not None and last < first:
        return None
    return first, last
