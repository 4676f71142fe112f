"""Expiry values and URL patterns, and what they mean in time. No I/O; the time is given.

Facts about time that the code below relies on:

- ``-1`` is never and ``0`` is at once, as numbers and as text; ``timedelta(seconds=-1)`` is a
  time, and long over.
- A naive ``datetime`` is local time, as ``astimezone()`` takes it.
- ``datetime`` ends with the year 9999: what would be later is never.
- ``datetime`` is a ``date`` and ``bool`` is an ``int``: the order of the checks counts.
"""

from __future__ import annotations

import enum
import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final, Literal

from .headers import parse_http_date


class Special(enum.Enum):
    """Expiry values that are no time."""

    NEVER = "never"
    IMMEDIATELY = "immediately"
    DO_NOT_CACHE = "do-not-cache"
    HTTP_ONLY = "http"


#: Stored indefinitely.
NEVER_EXPIRE: Final = -1
#: Expired at once: stored only with a validator, then revalidated at each use.
EXPIRE_IMMEDIATELY: Final = 0
#: Neither read from nor written to the cache.
DO_NOT_CACHE: Final = Special.DO_NOT_CACHE
#: Nothing but what HTTP says: an explicit lifetime, else the heuristic one, else stale.
HTTP_ONLY: Final = Special.HTTP_ONLY

#: A parsed expiry value.
Expiry = (
    timedelta
    | datetime
    | Literal[Special.NEVER, Special.IMMEDIATELY, Special.DO_NOT_CACHE, Special.HTTP_ONLY]
)

#: What callers may give as an expiry value; None is "not given".
ExpireAfter = int | float | timedelta | datetime | str | Special | None

_LATEST = datetime.max.replace(tzinfo=timezone.utc)
_EARLIEST = datetime.min.replace(tzinfo=timezone.utc)
_LONGEST = _LATEST - _EARLIEST

_TIMES = (
    'seconds (3600), a duration ("90s", "5m", "12h", "30d", "2w"), an ISO date or datetime, an HTTP date, '
    "a timedelta, a datetime"
)
_EXPIRY_VALUES = f'{_TIMES}, -1 or "never", 0 or "immediately", "do-not-cache", "http"'
_STALENESS_VALUES = f'true (any age), false, {_TIMES}; -1 or "never" is any age'


# --- Values


def parse_expiry(value: object, where: str = "expire_after") -> Expiry | None:
    """An expiry value as its meaning; None is "not given".

    Raises ``TypeError`` for a type and ``ValueError`` for a value that is none; the message
    begins with ``where``, the setting or argument that it was given for.
    """
    return _parse(value, where, _EXPIRY_VALUES)


def parse_expiry_text(value: object, where: str) -> Expiry | None:
    """``parse_expiry`` for ini, marker and flags, where a negative number other than -1 is an error."""
    expiry = parse_expiry(value, where=where)
    if isinstance(value, (int, float, str)) and isinstance(expiry, timedelta) and expiry < timedelta(0):
        raise ValueError(
            f"{where}: {value!r} is negative, and the only negative number with a meaning is -1 (never)\n"
            f"  accepted: {_EXPIRY_VALUES}"
        )
    return expiry


def _parse(value: object, where: str, accepted: str) -> Expiry | None:
    if value is None or isinstance(value, Special):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float, timedelta, datetime, str)):
        raise TypeError(f"{where}: {value!r} is not a time or duration\n  accepted: {accepted}")
    expiry = _from_text(value.strip()) if isinstance(value, str) else _from_typed(value)
    if expiry is None:
        raise ValueError(f"{where}: {value!r} is not a time or duration\n  accepted: {accepted}")
    return expiry


def _from_typed(value: float | timedelta | datetime) -> Expiry | None:
    if isinstance(value, datetime):
        return _from_datetime(value)
    if isinstance(value, timedelta):
        return _from_timedelta(value)
    return _from_seconds(value)


def _from_seconds(seconds: float) -> Expiry | None:
    """None for nan."""
    if seconds != seconds:
        return None
    if seconds == NEVER_EXPIRE:
        return Special.NEVER
    return _from_timedelta(span_of(seconds))


def span_of(seconds: float) -> timedelta:
    """That many seconds as a timedelta, cut off at its limits. Raises ValueError for nan."""
    try:
        return timedelta(seconds=seconds)
    except OverflowError:
        return timedelta.max if seconds > 0 else timedelta.min


def _from_timedelta(span: timedelta) -> Expiry:
    if span > _LONGEST:
        return Special.NEVER
    return span or Special.IMMEDIATELY


def _from_datetime(moment: datetime) -> Expiry:
    try:
        return moment.astimezone(timezone.utc)
    except (OverflowError, ValueError, OSError):
        # Off the end of the calendar in UTC, or of what the platform knows of local time.
        return Special.NEVER if moment.year > 1970 else _EARLIEST


# --- Values as text

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_DURATION = re.compile(rf"({_NUMBER.pattern})\s*([smhdw])")
_UNIT_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
# Spelled out, because datetime.fromisoformat of Python 3.10 knows neither "Z" nor "+0200".
_ISO = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    r"(?:[Tt ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]+))?)?"
    r"\s*(?P<zone>[Zz]|(?P<sign>[+-])(?P<zone_hours>[0-9]{2})(?::?(?P<zone_minutes>[0-9]{2}))?)?)?"
)


def _from_text(text: str) -> Expiry | None:
    """None for text that is no expiry value."""
    try:
        return Special(text.lower())
    except ValueError:
        pass
    if _NUMBER.fullmatch(text):
        return _from_seconds(float(text))
    if duration := _DURATION.fullmatch(text):
        return _from_timedelta(span_of(float(duration[1]) * _UNIT_SECONDS[duration[2]]))
    moment = _from_iso(text) or parse_http_date(text)
    return None if moment is None else _from_datetime(moment)


def _from_iso(text: str) -> datetime | None:
    """An ISO date or datetime, naive where it names no zone; a date alone is its midnight."""
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (
        int(found[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")
    )
    microsecond = int((found["fraction"] or "")[:6].ljust(6, "0"))
    try:
        return datetime(year, month, day, hour, minute, second, microsecond, tzinfo=_zone(found))
    except ValueError:
        return None


def _zone(found: re.Match[str]) -> timezone | None:
    """Raises ``ValueError`` for an offset that is none."""
    if not found["zone"]:
        return None
    minutes = int(found["zone_minutes"] or 0)
    if minutes > 59:
        raise ValueError(minutes)
    offset = timedelta(hours=int(found["zone_hours"] or 0), minutes=minutes)
    return timezone(-offset if found["sign"] == "-" else offset)


# --- Their meaning in time


def expires_at(expiry: Expiry, start: datetime) -> datetime | None:
    """When what was received at ``start`` expires; None is never.

    Raises ``ValueError`` for ``DO_NOT_CACHE`` and ``HTTP_ONLY``, which are decisions and no times.
    """
    if isinstance(expiry, datetime):
        return expiry
    if isinstance(expiry, timedelta):
        return _later(start, expiry)
    if expiry is Special.NEVER:
        return None
    if expiry is Special.IMMEDIATELY:
        return start
    raise ValueError(f"{expiry} is no time: decide what it means before asking when it expires")


def _later(start: datetime, span: timedelta) -> datetime | None:
    try:
        return start + span
    except OverflowError:
        return None if span > timedelta(0) else _EARLIEST


def is_expired(expires: datetime | Literal[Special.NEVER] | None, now: datetime) -> bool:
    """Whether the moment has come (``now >= expires``); never, for None and ``NEVER``."""
    return isinstance(expires, datetime) and now >= expires


# --- How stale a response may be


@dataclass(frozen=True, slots=True)
class Staleness:
    """How stale a response may be: ``stale_if_error`` and ``stale_while_revalidate``.

    ``limit`` is for how long it may have been stale, the moment until which it may be used, ``NEVER`` for any
    age, and None where nothing stale is accepted. False as a bool in the last case.
    """

    limit: timedelta | datetime | Literal[Special.NEVER] | None = None

    def __bool__(self) -> bool:
        return self.limit is not None

    def accepts(self, expired_at: datetime, now: datetime) -> bool:
        """Whether what expired at ``expired_at`` may be used ``now``; the limit itself is accepted."""
        if isinstance(self.limit, timedelta):
            return now - expired_at <= self.limit
        if isinstance(self.limit, datetime):
            return now <= self.limit
        return self.limit is Special.NEVER


NO_STALENESS: Final = Staleness(None)
ANY_STALENESS: Final = Staleness(Special.NEVER)

_STALENESS_WORDS: Final = {
    **dict.fromkeys(("true", "yes", "on"), ANY_STALENESS),
    **dict.fromkeys(("false", "no", "off"), NO_STALENESS),
}


def parse_staleness(value: object, where: str) -> Staleness:
    """True, -1 or "never" is any age; False, None or 0 is none; a time or duration is the limit.

    Raises ``TypeError`` and ``ValueError`` as ``parse_expiry`` does, for a negative limit too.
    """
    if isinstance(value, Staleness):
        return value
    word = str(value).strip().lower() if isinstance(value, (bool, str)) else ""
    if word in _STALENESS_WORDS:
        return _STALENESS_WORDS[word]
    limit = _parse(value, where, _STALENESS_VALUES)
    if limit is None or limit is Special.IMMEDIATELY:
        return NO_STALENESS
    if isinstance(limit, timedelta) and limit < timedelta(0):
        raise ValueError(f"{where}: {value!r} is negative\n  accepted: {_STALENESS_VALUES}")
    if limit is Special.DO_NOT_CACHE or limit is Special.HTTP_ONLY:
        raise ValueError(f"{where}: {value!r} is no limit\n  accepted: {_STALENESS_VALUES}")
    return Staleness(limit)


# --- URL patterns

_PATTERN_SCHEME = re.compile(r"[a-z*][a-z0-9+.*-]*://", re.IGNORECASE)
_URL_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
# Longer than any URL that people write down; `fnmatch` takes quadratic time for brackets that are not closed.
_LONGEST_GLOB: Final = 2048
_IPV6_LITERAL = re.compile(r"\[(?=[^]]*:[^]]*:)(?=[0-9a-f:.]+(?:%[^]/]*)?\])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class UrlPattern:
    """A pattern for URLs, compiled. ``text`` is the pattern as given.

    A glob is matched against the URL without its scheme and userinfo, with ``*`` understood at its
    end: ``*`` and ``**`` stand for any characters, ``/`` included, ``?`` for one, ``[...]`` for one
    of a set. Hosts compare without case, paths with. A regular expression is searched in the
    whole URL.
    """

    text: str
    search: re.Pattern[str] | None = None
    # The text says all of them; in Python 3.10 `fnmatch` compiles it to another expression each time.
    globs: tuple[re.Pattern[str], ...] = field(default=(), compare=False)

    def matches(self, url: str) -> bool:
        if self.search is not None:
            return self.search.search(url) is not None
        target = _glob_target(url)
        return any(glob.match(target) for glob in self.globs)


def _glob_target(url: str) -> str:
    """Host (in lower case), port, path and query: what globs are matched against."""
    scheme = _URL_SCHEME.match(url)
    rest = url[scheme.end() :] if scheme else url
    authority, tail = _split_authority(rest)
    return authority.rpartition("@")[2].lower() + tail


def _split_authority(text: str) -> tuple[str, str]:
    end = next((place for place, character in enumerate(text) if character in "/?#"), len(text))
    return text[:end], text[end:]


def parse_url_pattern(pattern: object, where: str) -> UrlPattern:
    """A glob, a compiled regular expression, or one as text behind ``re:``.

    Raises ``TypeError`` for another type, ``ValueError`` for an empty pattern, a glob with a space in it
    or of more than 2,048 characters, or a bad regular expression.
    """
    if isinstance(pattern, UrlPattern):
        return pattern
    if isinstance(pattern, re.Pattern) and isinstance(pattern.pattern, str):
        return UrlPattern(f"re:{pattern.pattern}", search=pattern)
    if not isinstance(pattern, str):
        raise TypeError(
            f"{where}: {pattern!r} is not a URL pattern\n"
            '  accepted: a glob ("site.com/api/*"), a compiled regular expression, or one behind "re:"'
        )
    text = pattern.strip()
    if text.startswith("re:"):
        return UrlPattern(text, search=_compiled(text[3:].strip(), where))
    return UrlPattern(text, globs=_compiled_globs(text, where))


def _compiled(expression: str, where: str) -> re.Pattern[str]:
    if not expression:
        raise ValueError(f'{where}: "re:" without a regular expression\n  for every URL, write "*"')
    try:
        return re.compile(expression)
    except (re.error, OverflowError, RecursionError, FutureWarning) as error:
        given = f"re:{expression}"
        raise ValueError(f"{where}: {given!r} is not a regular expression: {error}") from error


def _compiled_globs(text: str, where: str) -> tuple[re.Pattern[str], ...]:
    """The glob as given and with its host in lower case: how far the host goes, a ``*`` leaves open."""
    scheme = _PATTERN_SCHEME.match(text)
    glob = text[scheme.end() :] if scheme else text
    if not glob:
        raise ValueError(f'{where}: {text!r} is an empty URL pattern\n  for every URL, write "*"')
    if len(glob) > _LONGEST_GLOB:
        raise ValueError(
            f"{where}: {text[:40]!r}... is a URL pattern of {len(text):,} characters\n"
            f'  accepted: at most {_LONGEST_GLOB:,}; a regular expression behind "re:" may be longer'
        )
    if re.search(r"\s", glob):
        raise ValueError(
            f"{where}: {text!r} has a space in it, and no URL has: each pattern is an entry of its "
            "own, in an ini file a line"
        )
    if _IPV6_LITERAL.match(glob):
        glob = f"[[]{glob[1:]}"
    host, tail = _split_authority(glob)
    forms = dict.fromkeys((f"{glob}*", f"{host.lower()}{tail}*"))
    try:
        return tuple(re.compile(fnmatch.translate(form)) for form in forms)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{where}: {text!r} is not a URL pattern: {error}") from error


def parse_url_patterns(value: object, where: str = "passthrough") -> tuple[UrlPattern, ...]:
    """Patterns in order, as for ``passthrough``; None for none.

    Raises:
        TypeError, ValueError: it is no list, or one of its patterns is not accepted.
    """
    if value is None:
        return ()
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes, Mapping)):
        raise TypeError(
            f"{where}: {value!r} is not a list of URL patterns\n  accepted: ['site.com/*', 're:/api/']"
        )
    return tuple(parse_url_pattern(pattern, where=where) for pattern in value)


# --- Expiry by URL


@dataclass(frozen=True, slots=True)
class UrlRules:
    """URL patterns, in order, and the expiry of each; None is "not given". False as a bool without any."""

    rules: tuple[tuple[UrlPattern, Expiry | None], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rules)

    def match(self, url: str) -> Expiry | None:
        """The expiry of the first pattern that matches; None where none does, or where its own is None."""
        return next((expiry for pattern, expiry in self.rules if pattern.matches(url)), None)


def parse_url_rules(
    value: object,
    where: str = "urls_expire_after",
    parse: Callable[..., Expiry | None] = parse_expiry,
) -> UrlRules:
    """``{pattern: expiry}``, or pairs of them; ``parse`` reads the values, and is given ``where``."""
    if value is None:
        return UrlRules()
    if isinstance(value, UrlRules):
        return value
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes)):
        raise TypeError(f"{where}: {value!r} is not a mapping\n  accepted: {{pattern: expiry}}, or pairs")
    pairs = value.items() if isinstance(value, Mapping) else value
    return UrlRules(tuple(_rule(pair, where, parse) for pair in pairs))


def _rule(pair: object, where: str, parse: Callable[..., Expiry | None]) -> tuple[UrlPattern, Expiry | None]:
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise TypeError(
            f"{where}: {pair!r} is not a pair of a URL pattern and an expiry value\n"
            "  accepted: {'site.com/*': '12h'}, or [('site.com/*', '12h')]"
        )
    pattern = parse_url_pattern(pair[0], where=where)
    return pattern, parse(pair[1], where=f"{where}[{pattern.text!r}]")


def parse_url_rule_lines(lines: Iterable[str], where: str = "urls_expire_after") -> UrlRules:
    """Lines of ``PATTERN = VALUE``, as in an ini file, split at the last `` = ``; empty ones are skipped."""
    stripped = (line.strip() for line in lines)
    pairs = [_pair(line, where) for line in stripped if line]
    return parse_url_rules(pairs, where=where, parse=parse_expiry_text)


def _pair(line: str, where: str) -> tuple[str, str]:
    pattern, equals, expiry = line.rpartition(" = ")
    if not equals:
        raise ValueError(
            f'{where}: {line!r} has no " = "\n'
            "  accepted: PATTERN = VALUE on each line, as in `api.example.com/users = 12h`"
        )
    return pattern, expiry
