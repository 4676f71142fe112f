"""RFC 9111 section 4.2: how long a response is good for, and how old it is.

``received`` is the moment from which age is counted. Section 4.2.3 adds the time that the answer took
to the ``Age`` it came with; to count from when the request was sent comes to the same.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from ..headers import CacheControl, Headers, parse_age, parse_cache_control, parse_http_date
from ..models import Interaction

#: RFC 9110 section 15.1: statuses that allow heuristic freshness.
HEURISTIC_STATUSES: Final = frozenset({200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501})

NO_TIME: Final = timedelta(0)
_HEURISTIC_FRACTION: Final = 10  # section 4.2.2: a tenth of the time since the last change


def cache_control(headers: Headers) -> CacheControl:
    return parse_cache_control(headers.get_all("Cache-Control"))


def says_no_cache(said: CacheControl) -> bool:
    """``no-cache`` for the whole response (section 5.2.2.4), not for some fields of it."""
    return said.has("no-cache") and not said.fields("no-cache")


def date_of(headers: Headers, received: datetime) -> datetime:
    """``Date``; where it is missing or invalid, when the response came (RFC 9110 section 6.6.1)."""
    lines = headers.get_all("Date")
    date = parse_http_date(lines[0], now=received) if lines else None
    return received if date is None else date


# --- 4.2.1 Calculating Freshness Lifetime


def explicit_lifetime(headers: Headers, received: datetime) -> timedelta | None:
    """The lifetime that the response states, None where it states none. ``s-maxage`` is not for us."""
    said = cache_control(headers)
    if says_no_cache(said):  # conflicting directives: the most restrictive one
        return NO_TIME
    seconds = said.seconds("max-age")
    if seconds is not None:
        return timedelta(seconds=seconds)
    lines = headers.get_all("Expires")
    if not lines:
        return None
    expires = parse_http_date(lines[0], now=received) if len(lines) == 1 else None
    if expires is None:  # section 5.3: an invalid date is in the past
        return NO_TIME
    return max(NO_TIME, expires - date_of(headers, received))


# --- 4.2.2 Calculating Heuristic Freshness


def heuristic_lifetime(status: int, headers: Headers, received: datetime) -> timedelta:
    """A tenth of the time since ``Last-Modified``, where the status or ``public`` allows it."""
    lines = headers.get_all("Last-Modified")
    modified = parse_http_date(lines[0], now=received) if len(lines) == 1 else None
    allowed = status in HEURISTIC_STATUSES or cache_control(headers).has("public")
    if modified is None or not allowed:
        return NO_TIME
    return max(NO_TIME, (date_of(headers, received) - modified) / _HEURISTIC_FRACTION)


def http_lifetime(status: int, headers: Headers, received: datetime) -> timedelta:
    """What HTTP alone says: the explicit lifetime, else the heuristic one."""
    explicit = explicit_lifetime(headers, received)
    return heuristic_lifetime(status, headers, received) if explicit is None else explicit


# --- 4.2.3 Calculating Age


def initial_age(headers: Headers, received: datetime) -> timedelta:
    """How old a response was when it was received: its apparent age, or the age that it states."""
    apparent = received.replace(microsecond=0) - date_of(headers, received)
    return max(apparent, timedelta(seconds=parse_age(headers.get_all("Age")) or 0))


def current_age(stored: Interaction, now: datetime) -> timedelta:
    """How old a stored response is now; one from the future has only its first age."""
    resident = max(NO_TIME, now - stored.created_at)
    return initial_age(stored.response.headers, stored.created_at) + resident
