"""How long a recorded cookie lives: on replay as long as it did when it was received. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from email.utils import formatdate
from http.cookiejar import http2time  # type: ignore[attr-defined]  # the stubs leave it out

from .headers import Headers

_EXPIRES = re.compile(r"(;\s*expires\s*=\s*)([^;]*)", re.IGNORECASE)


def living_on(cookie: str, later: timedelta) -> str:
    """A ``Set-Cookie`` (RFC 6265 section 4.1) whose ``Expires`` is so much later.

    A cookie jar takes none that has expired.
    """

    def moved(found: re.Match[str]) -> str:
        time = http2time(found[2].strip().strip('"'))
        if time is None:
            return found[0]
        try:
            return found[1] + formatdate(time + later.total_seconds(), usegmt=True)
        except (ValueError, OverflowError):  # "never", as the end of the year 9999
            return found[0]

    return _EXPIRES.sub(moved, cookie)


def all_living_on(headers: Headers, later: timedelta) -> Headers:
    """The fields of a response whose time of receipt is moved by ``later``."""
    return _with_each(headers, lambda cookie: living_on(cookie, later))


def all_living_as(headers: Headers, fresh: Headers, later: timedelta) -> Headers:
    """The fields of a response, each cookie with the ``Expires`` that it has in a fresh one, which was
    received so much later; where it has none there, with its own, moved."""
    given: dict[str, list[str]] = {}
    for cookie in fresh.get_all("Set-Cookie"):
        given.setdefault(_name_of(cookie), []).append(cookie)

    def as_given(cookie: str) -> str:
        others = given.get(_name_of(cookie))
        expires = _EXPIRES.search(others.pop(0)) if others else None
        if expires is None:
            return living_on(cookie, later)
        return _EXPIRES.sub(lambda found: found[1] + expires[2], cookie)

    return _with_each(headers, as_given)


def _name_of(cookie: str) -> str:
    return cookie.partition("=")[0].strip()


def _with_each(headers: Headers, change: Callable[[str], str]) -> Headers:
    if "Set-Cookie" not in headers:
        return headers
    items = ((name, change(value) if name.lower() == "set-cookie" else value) for name, value in headers)
    return Headers(tuple(items))
