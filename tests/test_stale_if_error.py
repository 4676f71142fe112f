"""An expired response in place of an error (RFC 5861 section 4)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from clocks import Clock
from origin import Answer, Origin, Received
from pytest_reqcache import CachedSession

Session = Callable[..., CachedSession]
UTC = timezone.utc
ETAG = {"ETag": '"1"'}


def summary(response: requests.Response) -> tuple[int, str, bool, bool]:
    return (response.status_code, response.text, response.from_cache, response.is_expired)


STALE = (200, "old", True, True)


def expired(s: CachedSession, origin: Origin, clock: Clock, *then: Any, **headers: str) -> str:
    """The URL of a response that is stored, and expired for five seconds; what the origin answers then."""
    origin["/"] = (
        Answer("old", headers={name.replace("_", "-"): text for name, text in headers.items()}),
        *then,
    )
    assert s.get(origin.url + "/").text == "old"
    clock.move(65)
    return origin.url + "/"


# --- Error statuses


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("headers", [{}, ETAG], ids=["plain", "conditional"])
def test_expired_response_stands_in_for_an_error_status(
    origin: Origin, clock: Clock, session: Session, status: int, headers: dict[str, str]
) -> None:
    s = session(expire_after=60, stale_if_error=True)
    url = expired(s, origin, clock, Answer("error", status), **headers)
    for count in (2, 3):  # tried again at each request
        assert summary(s.get(url)) == STALE
        assert origin.count() == count
        assert ("if-none-match" in origin.last.headers) is bool(headers)


@pytest.mark.parametrize("headers", [{}, ETAG], ids=["plain", "conditional"])
def test_stale_response_is_replaced_when_the_origin_recovers(
    origin: Origin, clock: Clock, session: Session, headers: dict[str, str]
) -> None:
    s = session(expire_after=60, stale_if_error=True)
    url = expired(s, origin, clock, Answer(status=500), Answer("new"), **headers)
    assert summary(s.get(url)) == STALE
    assert summary(s.get(url)) == (200, "new", False, False)
    assert summary(s.get(url)) == (200, "new", True, False)


# --- Exceptions


class FailingAdapter(HTTPAdapter):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        raise self.error


BROKEN = {
    "dropped": (Answer(drop=True), requests.ConnectionError),
    "body cut short": (Answer("a long body", cut=3), requests.exceptions.ChunkedEncodingError),
    "chunks cut short": (Answer(chunks=[b"one", b"two"], cut=0), requests.exceptions.ChunkedEncodingError),
    "body not decodable": (
        Answer("no gzip", headers={"Content-Encoding": "gzip"}),
        requests.exceptions.ContentDecodingError,
    ),
}


@pytest.mark.parametrize(("broken", "error"), BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("headers", [{}, ETAG], ids=["plain", "conditional"])
def test_expired_response_stands_in_for_a_broken_answer(
    origin: Origin, clock: Clock, session: Session, broken: Answer, error: Any, headers: dict[str, str]
) -> None:
    s = session(expire_after=60, stale_if_error=True)
    url = expired(s, origin, clock, broken, **headers)
    assert summary(s.get(url)) == STALE
    assert summary(s.get(url)) == STALE
    with pytest.raises(error):
        session().get(url)
    assert origin.count() == 4
    assert summary(s.get(url, only_if_cached=True)) == STALE


def test_expired_response_stands_in_for_a_refused_connection(
    origin: Origin, clock: Clock, session: Session
) -> None:
    s = session(expire_after=60, stale_if_error=True)
    url = expired(s, origin, clock)
    origin.stop()
    s.adapters["http://"].close()
    assert summary(s.get(url)) == STALE
    origin.start()
    assert not s.get(url).from_cache


def test_expired_response_stands_in_for_a_timeout(origin: Origin, clock: Clock, session: Session) -> None:
    over = threading.Event()

    def hangs(received: Received) -> Answer:
        over.wait(5)
        return Answer("late")

    s = session(expire_after=60, stale_if_error=True)
    url = expired(s, origin, clock, hangs)
    try:
        assert summary(s.get(url, timeout=0.05)) == STALE
        with pytest.raises(requests.ReadTimeout):
            session().get(url, timeout=0.05)
    finally:
        over.set()
    assert origin.count() == 3


@pytest.mark.parametrize(
    "error",
    [requests.ConnectTimeout("slow"), requests.exceptions.SSLError("bad"), OSError("out"), ValueError("bug")],
)
def test_expired_response_stands_in_for_any_exception_of_the_adapter(
    origin: Origin, clock: Clock, session: Session, error: Exception
) -> None:
    s = session(expire_after=60)
    url = expired(s, origin, clock)
    s.mount("http://", FailingAdapter(error))
    with pytest.raises(type(error)) as raised:
        s.get(url)
    assert raised.value is error
    s.settings.stale_if_error = True
    assert summary(s.get(url)) == STALE
    assert origin.count() == 1


def test_interrupt_is_no_error_of_the_origin(origin: Origin, clock: Clock, session: Session) -> None:
    s = session(expire_after=60, stale_if_error=True)
    url = expired(s, origin, clock)
    s.mount("http://", FailingAdapter(KeyboardInterrupt()))  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        s.get(url)


# --- Chains of redirects


def chain(origin: Origin, *ends: Any) -> str:
    origin["/start"] = Answer(status=302, headers={"Location": "/end"}), *ends
    origin["/end"] = Answer("old")
    return origin.url + "/start"


LOOP = Answer(status=302, headers={"Location": "/start"})


def test_stored_chain_stands_in_for_too_many_redirects(
    origin: Origin, clock: Clock, session: Session
) -> None:
    s = session(expire_after=60, stale_if_error=True)
    s.max_redirects = 3
    url = chain(origin, LOOP)
    s.get(url)
    clock.move(65)
    for _ in range(2):
        stale = s.get(url)
        assert summary(stale) == STALE
        assert (stale.url, [hop.status_code for hop in stale.history]) == (origin.url + "/end", [302])
    assert origin.count("/start") == 1 + 2 * 4
    assert origin.count("/end") == 1


@pytest.mark.parametrize(
    ("settings", "is_stored"),
    [({}, True), ({"stale_if_error": 4}, True), ({"stale_if_error": True}, False)],
    ids=["off", "beyond the limit", "nothing stored"],
)
def test_too_many_redirects_are_raised_where_nothing_may_stand_in(
    origin: Origin, clock: Clock, session: Session, settings: dict[str, Any], is_stored: bool
) -> None:
    s = session(expire_after=60, **settings)
    s.max_redirects = 3
    url = chain(origin, LOOP)
    if is_stored:
        s.get(url)
        clock.move(65)
    else:
        origin["/start"] = LOOP
    stored = s.cache.urls()
    with pytest.raises(requests.TooManyRedirects):
        s.get(url)
    assert s.cache.urls() == stored


def test_failing_end_of_a_chain_is_taken_from_the_cache(
    origin: Origin, clock: Clock, session: Session
) -> None:
    s = session(expire_after=60, stale_if_error=True)
    url = chain(origin)
    s.get(url)
    clock.move(65)
    origin["/end"] = Answer("error", 503)
    assert summary(s.get(url)) == STALE
    origin["/end"] = Answer(drop=True)
    assert summary(s.get(url)) == STALE


def refuse_redirects(response: requests.Response, **_: Any) -> None:
    if response.is_redirect:
        raise RuntimeError("redirected")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "end", [Answer("who?", 403), Answer("error", 503), Answer(drop=True)], ids=["403", "503", "dropped"]
)
def test_stored_response_stands_in_for_a_redirect_to_an_error(
    origin: Origin, clock: Clock, session: Session, end: Answer, stream: bool
) -> None:
    s = session(expire_after=60, stale_if_error=True)
    origin["/a"] = Answer("old"), Answer(status=302, headers={"Location": "/login"})
    origin["/login"] = end
    s.get(f"{origin.url}/a")
    clock.move(65)
    for _ in range(2):
        stale = s.get(f"{origin.url}/a", stream=stream)
        assert summary(stale) == STALE
        assert (stale.url, stale.history) == (f"{origin.url}/a", [])
    assert origin.count("/login") == 2
    with pytest.raises(RuntimeError, match="redirected"):  # that is no error of the origin
        s.get(f"{origin.url}/a", hooks={"response": refuse_redirects})


@pytest.mark.parametrize("end", ["/login", "/a"], ids=["error", "endless"])
def test_hooks_see_what_the_origin_has_answered_where_nothing_may_stand_in(
    origin: Origin, clock: Clock, session: Session, end: str
) -> None:
    """Nor do they see that there is nothing, and what is stored stays."""
    s, seen = session(expire_after=60, stale_if_error=60), []

    def look(response: requests.Response, **_: Any) -> None:
        seen.append(response.status_code)
        response.raise_for_status()

    origin["/a"] = Answer("old"), Answer(status=302, headers={"Location": end})
    origin["/login"] = Answer("error", 500)
    s.get(f"{origin.url}/a")
    clock.move(500)
    expected = requests.HTTPError if end == "/login" else requests.TooManyRedirects
    with pytest.raises(expected) as raised:
        s.get(f"{origin.url}/a", hooks={"response": look})
    assert "504" not in str(raised.value)
    assert 504 not in seen
    assert [stored.text for stored in s.cache.filter()] == ["old"]


def test_chain_that_ends_in_an_error_replaces_nothing(origin: Origin, clock: Clock, session: Session) -> None:
    s = session(expire_after=60)
    url = chain(origin, Answer(status=302, headers={"Location": "/broken"}))
    origin["/broken"] = Answer("error", 500)
    s.get(url)
    clock.move(65)
    assert s.get(url).status_code == 500
    s.settings.stale_if_error = True
    stale = s.get(url, only_if_cached=True)
    assert (summary(stale), stale.url) == (STALE, origin.url + "/end")


# --- Off, or nothing to stand in


@pytest.mark.parametrize(
    "settings", [{}, {"stale_if_error": False}, {"stale_if_error": None}, {"stale_if_error": 0}]
)
@pytest.mark.parametrize("headers", [{}, ETAG], ids=["plain", "conditional"])
def test_error_comes_through_by_default_and_the_entry_stays(
    origin: Origin, clock: Clock, session: Session, settings: dict[str, Any], headers: dict[str, str]
) -> None:
    s = session(expire_after=60, **settings)
    url = expired(s, origin, clock, Answer("error", 500), Answer("error", 404), Answer(drop=True), **headers)
    for status in (500, 404):
        response = s.get(url)
        assert summary(response) == (status, "error", False, False)
        assert (response.cache_key, response.expires) == (None, None)
    with pytest.raises(requests.ConnectionError):
        s.get(url)
    s.settings.stale_if_error = True
    assert summary(s.get(url, only_if_cached=True)) == STALE


@pytest.mark.parametrize("limit", [True, 60])
def test_error_comes_through_where_nothing_is_stored(origin: Origin, session: Session, limit: Any) -> None:
    origin["/"] = Answer("error", 500), Answer("error", 404), Answer(drop=True)
    s = session(stale_if_error=limit)
    assert summary(s.get(origin.url)) == (500, "error", False, False)
    assert summary(s.get(origin.url)) == (404, "error", False, False)
    with pytest.raises(requests.ConnectionError):
        s.get(origin.url)
    assert len(s.cache) == 0


# --- A limit

LIMITS = [
    (5, True),
    (4.999, False),
    (4, False),
    (timedelta(seconds=5), True),
    (timedelta(seconds=4), False),
    ("5s", True),
    ("4s", False),
    (-1, True),
    ("never", True),
    (datetime(2026, 6, 1, 12, 1, 5, tzinfo=UTC), True),  # now
    (datetime(2026, 6, 1, 12, 1, 4, tzinfo=UTC), False),
]


@pytest.mark.parametrize(("limit", "accepted"), LIMITS, ids=str)
@pytest.mark.parametrize("place", ["setting", "assignment", "call"])
def test_response_stands_in_for_as_long_as_the_limit_says(
    origin: Origin, clock: Clock, session: Session, limit: Any, accepted: bool, place: str
) -> None:
    s = session(expire_after=60, **({"stale_if_error": limit} if place == "setting" else {}))
    url = expired(s, origin, clock, Answer("error", 500), Answer(drop=True))
    if place == "assignment":
        s.settings.stale_if_error = limit
    call = {"stale_if_error": limit} if place == "call" else {}
    assert summary(s.get(url, **call)) == (STALE if accepted else (500, "error", False, False))
    if accepted:
        assert summary(s.get(url, **call)) == STALE
    else:
        with pytest.raises(requests.ConnectionError):
            s.get(url, **call)


def test_nothing_stands_in_for_the_answer_to_if_match(origin: Origin, clock: Clock, session: Session) -> None:
    """RFC 9110 section 13.1.1: where it is false, the request is not answered as if it were true."""
    s = session(expire_after=60, stale_if_error=True, cache_control=True)
    url = expired(s, origin, clock, Answer("changed", 412), ETag='"1"')
    assert s.get(url, headers={"If-Match": '"2"'}).status_code == 412
    s.mount("http://", FailingAdapter(requests.ConnectTimeout("slow")))
    assert summary(s.get(url)) == STALE
    with pytest.raises(requests.ConnectTimeout):
        s.get(url, headers={"If-Match": '"2"'})


def test_call_can_turn_it_off(origin: Origin, clock: Clock, session: Session) -> None:
    s = session(expire_after=60, stale_if_error=True)
    url = expired(s, origin, clock, Answer("error", 500))
    assert s.get(url, stale_if_error=False).status_code == 500
    assert summary(s.get(url)) == STALE


# --- What is no error


def test_allowable_status_is_no_error_and_replaces_the_entry(
    origin: Origin, clock: Clock, session: Session
) -> None:
    s = session(expire_after=60, stale_if_error=True, allowable_codes=[200, 404])
    url = expired(s, origin, clock, Answer("gone", 404), Answer("error", 500))
    assert summary(s.get(url)) == (404, "gone", False, False)
    assert summary(s.get(url)) == (404, "gone", True, False)
    clock.move(60)
    assert summary(s.get(url)) == (404, "gone", True, True)


@pytest.mark.parametrize("status", [201, 204, 206, 300])
@pytest.mark.parametrize("stale_if_error", [True, False])
def test_status_below_400_is_no_error_even_where_it_is_not_stored(
    origin: Origin, clock: Clock, session: Session, status: int, stale_if_error: bool
) -> None:
    s = session(expire_after=60, stale_if_error=stale_if_error)
    url = expired(s, origin, clock, Answer(b"", status))
    assert summary(s.get(url)) == (status, "", False, False)
    assert summary(s.get(url, only_if_cached=True, stale_if_error=True)) == STALE


def test_fresh_response_needs_no_origin(origin: Origin, clock: Clock, session: Session) -> None:
    s = session(expire_after=60, stale_if_error=True)
    origin["/"] = Answer("old"), Answer("error", 500)
    s.get(origin.url)
    clock.move(59)
    assert summary(s.get(origin.url)) == (200, "old", True, False)
    assert origin.count() == 1


# --- Refreshes that fail


@pytest.mark.parametrize("option", ["refresh", "force_refresh"])
@pytest.mark.parametrize("failure", [Answer("error", 500), Answer(drop=True)], ids=["status", "exception"])
@pytest.mark.parametrize("headers", [{}, ETAG], ids=["plain", "with validator"])
@pytest.mark.parametrize("expire_after", [60, None])
def test_stored_response_stands_in_for_a_refresh_that_fails(
    origin: Origin,
    clock: Clock,
    session: Session,
    option: str,
    failure: Answer,
    headers: dict[str, str],
    expire_after: int | None,
) -> None:
    s = session(expire_after=expire_after, stale_if_error=3600)
    origin["/"] = Answer("old", headers=headers), failure
    s.get(origin.url)
    clock.move(30)
    assert summary(s.get(origin.url, **{option: True})) == (200, "old", True, False)
    assert origin.count() == 2
    assert ("if-none-match" in origin.last.headers) is (option == "refresh" and bool(headers))

    s.settings.stale_if_error = False
    if failure.drop:
        with pytest.raises(requests.ConnectionError):
            s.get(origin.url, **{option: True})
    else:
        assert summary(s.get(origin.url, **{option: True})) == (500, "error", False, False)
    assert summary(s.get(origin.url)) == (200, "old", True, False)
    assert origin.count() == 3


# --- Directives

SAID_BY_REQUEST = [
    ("stale-if-error=60", True),
    ("stale-if-error=5", True),
    ("stale-if-error=4", False),
    ("no-transform, stale-if-error=60", True),
    ("no-transform", False),
]


@pytest.mark.parametrize(("directive", "accepted"), SAID_BY_REQUEST)
@pytest.mark.parametrize("failure", [Answer("error", 500), Answer("error", 503), Answer(drop=True)], ids=repr)
def test_directive_of_the_request(
    origin: Origin, clock: Clock, session: Session, directive: str, accepted: bool, failure: Answer
) -> None:
    s = session(expire_after=60)
    url = expired(s, origin, clock, failure)
    asked = {"Cache-Control": directive}
    if accepted:
        assert summary(s.get(url, headers=asked)) == STALE
    elif failure.drop:
        with pytest.raises(requests.ConnectionError):
            s.get(url, headers=asked)
    else:
        assert summary(s.get(url, headers=asked)) == (failure.status, "error", False, False)
    assert origin.count() == 2


@pytest.mark.parametrize(
    ("directives", "settings", "accepted"),
    [
        ("max-age=60, stale-if-error=60", {}, True),
        ("max-age=60, stale-if-error=4", {}, False),
        ("max-age=60", {}, False),
        ("max-age=60, stale-if-error=4", {"stale_if_error": True}, True),
        ("max-age=60, must-revalidate", {"stale_if_error": True}, False),
        ("max-age=60, stale-if-error=60", {"cache_control": False}, False),
        ("max-age=60, must-revalidate", {"cache_control": False, "stale_if_error": True}, True),
    ],
)
@pytest.mark.parametrize("failure", [Answer("error", 500), Answer(drop=True)], ids=["status", "exception"])
def test_directive_of_the_response(
    origin: Origin,
    clock: Clock,
    session: Session,
    directives: str,
    settings: dict[str, Any],
    accepted: bool,
    failure: Answer,
) -> None:
    s = session(**{"expire_after": 60, "cache_control": True, **settings})
    url = expired(s, origin, clock, failure, Cache_Control=directives)
    if accepted:
        assert summary(s.get(url)) == STALE
    elif failure.drop:
        with pytest.raises(requests.ConnectionError):
            s.get(url)
    else:
        assert summary(s.get(url)) == (500, "error", False, False)
