"""The cookies that a client sends on replay: those that recorded answers have set, and no others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

import requests
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar, get_cookie_header

from .. import clock
from ..conversion import as_prepared, replay, without_fields
from ..models import Interaction
from ..policy import REFUSALS
from ..redaction import Rules


def with_cookies_of_replay(items: Sequence[Interaction], rules: Rules) -> list[Interaction]:
    """The interactions with the cookies that a client has that they are replayed to.

    A recording may lack the answers that have changed a session's cookie. Nobody gets its new values on
    replay: what was set last is sent still. A value stays that an answer sets, that was refused, or after
    which what was set is sent again: that client has chosen it.
    """
    jar, made = RequestsCookieJar(), []
    ever_set = {cookie for item in items for cookie in _told(item)}
    last_sent = {cookie: number for number, item in enumerate(items) for cookie in _sent(item)}
    for number, item in enumerate(items):
        prepared = as_prepared(item.request)
        with suppress(ValueError):  # what is no URL has no cookies
            is_refused = item.response.status in REFUSALS
            held = {} if is_refused else dict(_pairs(_of_jar(jar, prepared)))
            lost = {
                (name, value): held[name]
                for name, value in _sent(item)
                if name in held
                and (name, value) not in ever_set
                and last_sent.get((name, held[name]), 0) < number
                and rules.of_requests.is_cookie(name, value, http_only=False)
            }
            response = replay(
                item, prepared, stream=False, connection=None, age=clock.now() - item.created_at
            )
            extract_cookies_to_jar(jar, prepared, response.raw)  # type: ignore[no-untyped-call]
            item = _with_cookies(item, lost) if lost else item
        made.append(item)
    return made


def _of_jar(jar: RequestsCookieJar, prepared: requests.PreparedRequest) -> str:
    header: str | None = get_cookie_header(jar, without_fields(prepared, ["Cookie"]))  # type: ignore[no-untyped-call]
    return header or ""


def _sent(item: Interaction) -> Iterator[tuple[str, str]]:
    return _pairs(item.request.headers.get("Cookie") or "")


def _told(item: Interaction) -> Iterator[tuple[str, str]]:
    for cookie in item.response.headers.get_all("Set-Cookie"):
        yield from _pairs(cookie.partition(";")[0])


def _pairs(cookies: str) -> Iterator[tuple[str, str]]:
    for pair in cookies.split(";"):
        name, equals, value = pair.partition("=")
        if equals:
            yield name.strip(), value.strip()


def _with_cookies(item: Interaction, others: dict[tuple[str, str], str]) -> Interaction:
    """With another value for some of the cookies that are sent."""
    pairs = [(name, others.get((name, value), value)) for name, value in _sent(item)]
    headers = item.request.headers.replaced("Cookie", "; ".join(f"{name}={value}" for name, value in pairs))
    return replace(item, request=replace(item.request, headers=headers))
