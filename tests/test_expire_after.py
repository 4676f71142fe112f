"""When a response expires, and which of several expirations counts."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone
from itertools import combinations
from typing import Any

import pytest
import requests

from clocks import Clock
from origin import Answer, Origin
from pytest_reqcache import DO_NOT_CACHE, EXPIRE_IMMEDIATELY, NEVER_EXPIRE, CachedSession

Session = Callable[..., CachedSession]
UTC = timezone.utc
ETAG = {"ETag": '"1"'}
MODIFIED = {"Last-Modified": "Fri, 01 May 2026 00:00:00 GMT"}


@pytest.fixture
def new_york(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The local time zone, set after the clock has set its own."""
    if not hasattr(time, "tzset"):
        pytest.skip("the local time zone cannot be set here")
    monkeypatch.setenv("TZ", "EST+5EDT,M3.2.0,M11.1.0")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


# --- A. Expiration in general


def test_without_an_expiration_a_response_is_good_for_ever(
    origin: Origin, clock: Clock, session: Session
) -> None:
    s = session()
    s.get(origin.url)
    clock.move(timedelta(days=36500))
    hit = s.get(origin.url)
    assert (hit.from_cache, hit.expires, hit.is_expired) == (True, None, False)
    assert origin.count() == 1


def test_response_is_a_hit_until_it_expires_and_is_then_replaced(
    origin: Origin, clock: Clock, session: Session
) -> None:
    s = session(expire_after=60)
    for path in ("/a", "/b"):
        assert s.get(origin.url + path).expires == clock.now + timedelta(seconds=60)
    clock.move(59.999)
    assert [s.get(origin.url + path).from_cache for path in ("/a", "/b")] == [True, True]
    assert origin.count() == 2

    clock.move(0.001)
    new = s.get(origin.url + "/a")
    assert (new.from_cache, new.json()["n"], new.expires) == (False, 3, clock.now + timedelta(seconds=60))
    clock.move(59)
    hit = s.get(origin.url + "/a")
    assert (hit.from_cache, hit.json()["n"], hit.expires) == (True, 3, new.expires)
    assert len(s.cache) == 2


def test_answer_that_comes_back_as_it_once_was_is_found(
    origin: Origin, clock: Clock, session: Session
) -> None:
    origin["/"] = Answer("a"), Answer("b"), Answer("a"), Answer("a"), Answer("b")
    s = session()
    for text in "abaab":  # at one moment: the same interaction twice, down to its times
        assert s.get(origin.url, force_refresh=True).text == text
        assert s.get(origin.url, only_if_cached=True).text == text
        assert len(s.cache) == 1
    s.close()
    assert session().get(origin.url, only_if_cached=True).text == "b"


def test_expired_response_stays_stored_until_it_is_requested(
    origin: Origin, clock: Clock, session: Session
) -> None:
    s = session(expire_after=60)
    s.get(origin.url)
    clock.move(3600)
    assert s.cache.contains(url=origin.url)
    s.close()
    assert session().cache.contains(url=origin.url)
    assert origin.count() == 1


@pytest.mark.parametrize(("after", "expired"), [(0, False), (59.999, False), (60, True), (61, True)])
def test_is_expired_from_the_moment_on(
    origin: Origin, clock: Clock, session: Session, after: float, expired: bool
) -> None:
    s = session(expire_after=60, stale_if_error=True)
    s.get(origin.url)
    clock.move(after)
    hit = s.get(origin.url, only_if_cached=True)
    assert (hit.from_cache, hit.is_expired) == (True, expired)


def test_new_response_is_not_expired_whatever_its_date(
    origin: Origin, clock: Clock, session: Session
) -> None:
    new = session(expire_after=datetime(2023, 1, 1, tzinfo=UTC)).get(origin.url)
    assert new.expires is not None
    assert new.expires < clock.now
    assert (new.from_cache, new.is_expired) == (False, False)


# --- B. Precedence

LEVELS = ("response", "request", "call", "url", "session")  # the highest first


def get_with(session: Session, origin: Origin, seconds: dict[str, int], **settings: Any) -> Any:
    """The session, and the response, where each level in ``seconds`` gives its own."""
    call: dict[str, Any] = {}
    if "response" in seconds:
        origin["/"] = Answer({}, headers={"Cache-Control": f"max-age={seconds['response']}"})
        settings["cache_control"] = True
    if "request" in seconds:
        call["headers"] = {"Cache-Control": f"max-age={seconds['request']}"}
    if "call" in seconds:
        call["expire_after"] = seconds["call"]
    if "url" in seconds:
        settings["urls_expire_after"] = {"127.0.0.1": seconds["url"]}
    if "session" in seconds:
        settings["expire_after"] = seconds["session"]
    s = session(**settings)
    return s, s.get(origin.url + "/", **call)


@pytest.mark.parametrize(("high", "low"), [(30, 60), (60, 30), (1000, 600), (600, 1000)])
@pytest.mark.parametrize(("higher", "lower"), list(combinations(LEVELS, 2)))
def test_higher_level_decides(
    origin: Origin, clock: Clock, session: Session, higher: str, lower: str, high: int, low: int
) -> None:
    s, new = get_with(session, origin, {higher: high, lower: low})
    assert new.expires == clock.now + timedelta(seconds=high)
    clock.move(high - 1)
    assert s.get(origin.url + "/").from_cache
    clock.move(1)
    assert not s.get(origin.url + "/").from_cache
    assert origin.count() == 2


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_decides_alone_and_over_all_lower_ones(
    origin: Origin, clock: Clock, session: Session, level: str
) -> None:
    below = LEVELS[LEVELS.index(level) :]
    _, new = get_with(session, origin, {name: 10 + LEVELS.index(name) for name in below})
    assert new.expires == clock.now + timedelta(seconds=10 + LEVELS.index(level))


@pytest.mark.parametrize(
    "headers",
    [
        {"Cache-Control": "max-age=5"},
        {"Cache-Control": "max-age=0"},
        {"Cache-Control": "no-store"},
        {"Cache-Control": "no-cache"},
        {"Cache-Control": "must-revalidate, max-age=5"},
        {"Expires": "Mon, 01 Jun 2026 12:00:05 GMT"},
        {"Expires": "0"},
        {"Pragma": "no-cache"},
    ],
    ids=str,
)
def test_caching_fields_of_responses_are_ignored_by_default(
    origin: Origin, clock: Clock, session: Session, headers: dict[str, str]
) -> None:
    origin["/"] = Answer({}, headers=headers)
    s = session(expire_after=60)
    assert s.get(origin.url).expires == clock.now + timedelta(seconds=60)
    clock.move(59)
    assert s.get(origin.url).from_cache
    clock.move(1)
    assert not s.get(origin.url).from_cache


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Cache-Control": "max-age=5"}, 5),
        ({"Cache-Control": "public, MAX-AGE=5"}, 5),
        ({"Cache-Control": "max-age=5", "Expires": "Mon, 01 Jun 2026 13:00:00 GMT"}, 5),
        ({"Cache-Control": "max-age=5, immutable"}, 5),
        ({"Cache-Control": "max-age=5, must-revalidate"}, 5),
        ({"Cache-Control": "max-age=25", "Age": "20"}, 5),
        ({"Expires": "Mon, 01 Jun 2026 12:00:05 GMT"}, 5),
        ({"Expires": "Sun, 31 May 2026 12:00:00 GMT"}, 0),
        ({"Cache-Control": "no-cache"}, 0),
        ({}, 60),
        ({"Cache-Control": "public"}, 60),
        ({"Cache-Control": "max-age=soon"}, 0),
    ],
    ids=str,
)
def test_caching_fields_of_responses_are_obeyed_with_cache_control(
    origin: Origin, clock: Clock, session: Session, headers: dict[str, str], seconds: int
) -> None:
    origin["/"] = Answer({}, headers=headers)
    s = session(expire_after=60, cache_control=True)
    assert s.get(origin.url).expires == clock.now + timedelta(seconds=seconds)
    if seconds:
        clock.move(seconds - 1)
        assert s.get(origin.url).from_cache
        clock.move(1)
    assert not s.get(origin.url).from_cache
    assert origin.count() == 2


def test_no_store_of_a_response_is_obeyed_with_cache_control(origin: Origin, session: Session) -> None:
    origin["/"] = Answer({}, headers={"Cache-Control": "no-store, max-age=60"})
    s = session(cache_control=True)
    first, second = s.get(origin.url), s.get(origin.url)
    assert (first.expires, first.cache_key, second.from_cache) == (None, None, False)
    assert len(s.cache) == 0


@pytest.mark.parametrize("expires", ["", "0", "-1", "tomorrow", "Thu, 99 Foo 2026 25:61:61 GMT"])
@pytest.mark.parametrize("cache_control", [True, False])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_invalid_expires_of_a_server_is_in_the_past(
    origin: Origin, clock: Clock, session: Session, expires: str, cache_control: bool, method: str
) -> None:
    origin["/"] = Answer({}, headers={"Expires": expires})
    s = session(cache_control=cache_control)
    new = s.request(method, origin.url)
    assert new.status_code == 200
    assert new.expires == (clock.now if cache_control else None)
    assert s.request(method, origin.url).from_cache is not cache_control


@pytest.mark.parametrize("cache_control", [True, False])
@pytest.mark.parametrize(
    "asked",
    ["max-age=5", "max-age=5, no-transform", "no-transform , Max-Age=5", 'foo="a, max-age=9", max-age=5'],
)
def test_max_age_of_the_request_is_used_whatever_stands_beside_it(
    origin: Origin, clock: Clock, session: Session, cache_control: bool, asked: str
) -> None:
    s = session(expire_after=60, cache_control=cache_control)
    new = s.get(origin.url, headers={"Cache-Control": asked})
    assert new.expires == clock.now + timedelta(seconds=5)
    assert origin.last.headers["cache-control"] == asked
    clock.move(5)
    assert not s.get(origin.url).from_cache


@pytest.mark.parametrize(
    ("asked", "from_cache", "stored"),
    [
        ("no-cache, no-store", False, 0),
        ("no-store", False, 0),
        ("no-cache, max-stale=60", False, 1),
        ("max-stale=60, no-transform", True, 1),
        ("only-if-cached, max-stale=60", True, 1),
    ],
)
def test_several_directives_of_a_request(
    origin: Origin, session: Session, asked: str, from_cache: bool, stored: int
) -> None:
    s = session()
    s.get(origin.url + "/other", headers={"Cache-Control": asked})
    assert s.cache.contains(url=origin.url + "/other") is bool(stored and "only-if-cached" not in asked)
    s.get(origin.url)
    assert s.get(origin.url, headers={"Cache-Control": asked}).from_cache is from_cache


@pytest.mark.parametrize("of_the_call", [5, 600])
def test_expiration_of_a_call_holds_for_that_response_only(
    origin: Origin, clock: Clock, session: Session, of_the_call: int
) -> None:
    s = session(expire_after=60)
    s.get(origin.url, expire_after=of_the_call)
    assert s.get(origin.url + "/other").expires == clock.now + timedelta(seconds=60)
    clock.move(of_the_call)
    assert s.get(origin.url).expires == clock.now + timedelta(seconds=60)
    assert origin.count("/") == 2


def test_none_as_expiration_of_a_call_is_not_given(origin: Origin, clock: Clock, session: Session) -> None:
    s = session(expire_after=60)
    assert s.get(origin.url, expire_after=None).expires == clock.now + timedelta(seconds=60)


# --- C. Expiration values


def given_to_the_session(session: Session, url: str, value: Any) -> Any:
    return session(expire_after=value).get(url)


def given_to_the_settings(session: Session, url: str, value: Any) -> Any:
    s = session(expire_after=60)
    s.settings.expire_after = value
    return s.get(url)


def given_for_a_url(session: Session, url: str, value: Any) -> Any:
    return session(expire_after=60, urls_expire_after={"127.0.0.1": value}).get(url)


def given_to_a_call(session: Session, url: str, value: Any) -> Any:
    return session(expire_after=60).get(url, expire_after=value)


def given_to_a_reset(session: Session, url: str, value: Any) -> Any:
    s = session(expire_after=60)
    s.get(url)
    s.cache.reset_expiration(value)
    return next(s.cache.filter())


def given_for_errors(session: Session, url: str, value: Any) -> Any:
    return session(stale_if_error=value).get(url)


def given_for_revalidation(session: Session, url: str, value: Any) -> Any:
    return session(stale_while_revalidate=value).get(url)


Place = Callable[[Session, str, Any], Any]
WHERE_STORED = [given_to_the_session, given_to_the_settings, given_for_a_url, given_to_a_call]
EVERYWHERE = [*WHERE_STORED, given_to_a_reset, given_for_errors, given_for_revalidation]

TIMES = [
    (30, timedelta(seconds=30)),
    (33.3, timedelta(seconds=33.3)),
    (0.25, timedelta(milliseconds=250)),
    (timedelta(hours=1), timedelta(hours=1)),
    (-5, timedelta(seconds=-5)),
    (timedelta(seconds=-1), timedelta(seconds=-1)),
    (datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
    (datetime(2027, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), datetime(2027, 1, 1, tzinfo=UTC)),
    (datetime(2023, 1, 1, tzinfo=UTC), datetime(2023, 1, 1, tzinfo=UTC)),
    ("60", timedelta(seconds=60)),
    ("90s", timedelta(seconds=90)),
    ("12h", timedelta(hours=12)),
    ("30d", timedelta(days=30)),
    ("Fri, 16 Apr 2100 21:13:00 GMT", datetime(2100, 4, 16, 21, 13, tzinfo=UTC)),
    ("2027-01-01T02:00:00+02:00", datetime(2027, 1, 1, tzinfo=UTC)),
    (NEVER_EXPIRE, None),
    (-1, None),
    ("-1", None),
    ("never", None),
    (timedelta.max, None),
    (10**12, None),
    (float("inf"), None),
]


@pytest.mark.parametrize("place", [*WHERE_STORED, given_to_a_reset])
@pytest.mark.parametrize(("value", "expected"), TIMES, ids=str)
def test_expiration_value_means_the_same_wherever_it_is_given(
    origin: Origin, clock: Clock, session: Session, place: Place, value: Any, expected: Any
) -> None:
    response = place(session, origin.url, value)
    assert response.expires == (clock.now + expected if isinstance(expected, timedelta) else expected)
    assert [stored.expires for stored in session().cache.filter()] == [response.expires]


@pytest.mark.parametrize("place", [*WHERE_STORED, given_to_a_reset])
@pytest.mark.usefixtures("new_york")
def test_naive_datetime_is_local_time(origin: Origin, clock: Clock, session: Session, place: Place) -> None:
    response = place(session, origin.url, datetime(2026, 6, 1, 9, 0))
    assert response.expires == datetime(2026, 6, 1, 13, 0, tzinfo=UTC)


def test_fraction_of_a_second_is_neither_nothing_nor_a_second(
    origin: Origin, clock: Clock, session: Session
) -> None:
    s = session(expire_after=0.25)
    s.get(origin.url)
    clock.move(0.249)
    assert s.get(origin.url).from_cache
    clock.move(0.001)
    assert not s.get(origin.url).from_cache


@pytest.mark.parametrize(
    "value", [datetime(2023, 1, 1, 0, 0), timedelta(seconds=-1), -2, -0.5, "2023-01-01"], ids=str
)
def test_time_in_the_past_is_stored_and_never_fresh(
    origin: Origin, clock: Clock, session: Session, value: Any
) -> None:
    s = session(expire_after=value, stale_if_error=True)
    assert not s.get(origin.url).from_cache
    assert not s.get(origin.url).from_cache
    origin["/"] = Answer(drop=True)
    stale = s.get(origin.url)
    assert (stale.from_cache, stale.is_expired, stale.json()["n"]) == (True, True, 2)


@pytest.mark.parametrize("value", [NEVER_EXPIRE, -1, None, "never", 10**12, timedelta.max], ids=str)
def test_never_is_for_ever(origin: Origin, clock: Clock, session: Session, value: Any) -> None:
    s = session(expire_after=value)
    s.get(origin.url)
    clock.move(timedelta(days=36500))
    hit = s.get(origin.url)
    assert (hit.from_cache, hit.expires, hit.is_expired) == (True, None, False)


DO_NOT_CACHE_AT = {
    "session": ({"expire_after": DO_NOT_CACHE}, {}),
    "url": ({"urls_expire_after": {"127.0.0.1": DO_NOT_CACHE}}, {}),
    "call": ({}, {"expire_after": DO_NOT_CACHE}),
    "text": ({}, {"expire_after": "do-not-cache"}),
    "session, max-age asked for": (
        {"expire_after": DO_NOT_CACHE},
        {"headers": {"Cache-Control": "max-age=60"}},
    ),
    "call, max-age asked for": (
        {},
        {"expire_after": DO_NOT_CACHE, "headers": {"Cache-Control": "max-age=60"}},
    ),
}


@pytest.mark.parametrize(("settings", "call"), DO_NOT_CACHE_AT.values(), ids=DO_NOT_CACHE_AT)
def test_do_not_cache_neither_reads_nor_writes(
    origin: Origin, clock: Clock, session: Session, settings: dict[str, Any], call: dict[str, Any]
) -> None:
    session(expire_after=60).get(origin.url)
    s = session(**settings)
    recorded = s.cache.path.read_bytes()
    for _ in range(2):
        new = s.get(origin.url, **call)
        assert (new.from_cache, new.expires, new.cache_key) == (False, None, None)
    s.get(origin.url + "/other", **call)
    assert origin.count() == 4
    assert s.cache.path.read_bytes() == recorded

    hit = session().get(origin.url)
    assert (hit.from_cache, hit.json()["n"], hit.expires) == (True, 1, clock.now + timedelta(seconds=60))


@pytest.mark.parametrize("option", [{"expire_after": DO_NOT_CACHE}, {"expire_after": 60}, {}], ids=str)
def test_nothing_of_an_expiration_is_sent(origin: Origin, session: Session, option: dict[str, Any]) -> None:
    requests.get(origin.url, timeout=5)
    plain = origin.last.headers
    session().get(origin.url, **option)
    assert origin.last.headers == plain


@pytest.mark.parametrize(
    ("settings", "call"),
    [({}, {"expire_after": 30}), ({"urls_expire_after": {"127.0.0.1": 30}}, {})],
    ids=["call", "url"],
)
def test_closer_value_stores_in_a_session_that_does_not_cache(
    origin: Origin, clock: Clock, session: Session, settings: dict[str, Any], call: dict[str, Any]
) -> None:
    s = session(expire_after=DO_NOT_CACHE, **settings)
    assert s.get(origin.url, **call).expires == clock.now + timedelta(seconds=30)
    assert s.get(origin.url, **call).from_cache
    clock.move(30)
    assert not s.get(origin.url, **call).from_cache
    assert not s.get(origin.url.replace("127.0.0.1", "localhost") + "/other").from_cache
    assert len(s.cache) == 1


AT_ONCE = {
    "session": ({"expire_after": EXPIRE_IMMEDIATELY}, {}),
    "url": ({"urls_expire_after": {"*": 0}}, {}),
    "call": ({}, {"expire_after": 0}),
    "text": ({}, {"expire_after": "immediately"}),
    "header": ({}, {"headers": {"Cache-Control": "max-age=0"}}),
}


@pytest.mark.parametrize("validator", [ETAG, MODIFIED, {**ETAG, **MODIFIED}], ids=str)
@pytest.mark.parametrize(("settings", "call"), AT_ONCE.values(), ids=AT_ONCE)
def test_immediately_expired_response_with_validator_is_revalidated_at_each_use(
    origin: Origin,
    clock: Clock,
    session: Session,
    settings: dict[str, Any],
    call: dict[str, Any],
    validator: dict[str, str],
) -> None:
    origin["/"] = Answer("body", headers=validator)
    s = session(**settings)
    s.get(origin.url, **call)
    for count in (2, 3):
        hit = s.get(origin.url, **call)
        assert (hit.from_cache, hit.revalidated, hit.status_code, hit.text) == (True, True, 200, "body")
        assert origin.count() == count
        conditions = {"ETag": "if-none-match", "Last-Modified": "if-modified-since"}
        sent = {name: origin.last.headers[field] for name, field in conditions.items() if name in validator}
        assert sent == validator


@pytest.mark.parametrize(("settings", "call"), AT_ONCE.values(), ids=AT_ONCE)
def test_immediately_expired_response_without_validator_is_not_stored(
    origin: Origin, clock: Clock, session: Session, settings: dict[str, Any], call: dict[str, Any]
) -> None:
    s = session(**settings)
    responses = [s.get(origin.url, **call) for _ in range(2)]
    assert [response.from_cache for response in responses] == [False, False]
    assert [response.cache_key for response in responses] == [None, None]
    assert origin.count() == 2
    assert len(s.cache) == 0


@pytest.mark.parametrize("call", [{"expire_after": 0}, {"headers": {"Cache-Control": "max-age=0"}}], ids=str)
@pytest.mark.parametrize("validator", [{}, ETAG], ids=str)
def test_call_that_expires_immediately_does_not_take_a_fresh_response(
    origin: Origin, clock: Clock, session: Session, call: dict[str, Any], validator: dict[str, str]
) -> None:
    origin["/"] = Answer("old", headers=validator), Answer("new", headers=validator)
    s = session(expire_after=60)
    s.get(origin.url)
    response = s.get(origin.url, **call)
    assert origin.count() == 2
    assert (response.from_cache, response.revalidated) == (bool(validator), bool(validator))
    assert ("if-none-match" in origin.last.headers) is bool(validator)
    assert response.text == ("old" if validator else "new")


def test_new_default_holds_for_new_responses_alone(origin: Origin, clock: Clock, session: Session) -> None:
    s = session(expire_after=60)
    old = s.get(origin.url + "/old").expires
    s.settings.expire_after = 5
    assert s.settings.expire_after == s.expire_after == 5
    assert s.get(origin.url + "/new").expires == clock.now + timedelta(seconds=5)
    clock.move(59)
    hit = s.get(origin.url + "/old")
    assert (hit.from_cache, hit.expires) == (True, old)
    assert not s.get(origin.url + "/new").from_cache
    s.expire_after = None
    assert s.get(origin.url + "/newer").expires is None


WRONG_VALUES = [
    ("tomorrow", ValueError),
    ("", ValueError),
    ("P1D", ValueError),
    ("12 parsecs", ValueError),
    ("2026-13-01", ValueError),
    (float("nan"), ValueError),
    pytest.param(object(), TypeError, id="object"),
    ([60], TypeError),
    (b"60", TypeError),
    (date(2027, 1, 1), TypeError),
]


@pytest.mark.parametrize(("value", "error"), WRONG_VALUES)
@pytest.mark.parametrize("place", [*WHERE_STORED, given_for_errors, given_for_revalidation])
def test_wrong_value_is_refused_before_anything_is_sent(
    origin: Origin, session: Session, place: Place, value: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match=re.escape(repr(value))):
        place(session, origin.url, value)
    assert origin.count() == 0


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize("place", WHERE_STORED)
def test_bool_is_no_expiration(origin: Origin, session: Session, place: Place, value: bool) -> None:
    with pytest.raises(TypeError, match=str(value)):
        place(session, origin.url, value)
    assert origin.count() == 0


@pytest.mark.parametrize(("value", "error"), [("tomorrow", ValueError), (True, TypeError), ([60], TypeError)])
def test_wrong_value_of_a_reset_changes_nothing(
    origin: Origin, clock: Clock, session: Session, value: Any, error: type[Exception]
) -> None:
    s = session(expire_after=60)
    expires = s.get(origin.url).expires
    with pytest.raises(error, match="reset_expiration"):
        s.cache.reset_expiration(value)
    assert s.get(origin.url).expires == expires


def test_wrong_value_leaves_the_setting_as_it_was(session: Session) -> None:
    s = session(expire_after=60)
    with pytest.raises(ValueError, match=r"settings\.expire_after"):
        s.settings.expire_after = "tomorrow"
    assert s.settings.expire_after == 60


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        ({"expire_after": None}, None),
        ({"expire_after": 60, "urls_expire_after": {"127.0.0.1": None}}, 60),
        ({"expire_after": 60, "urls_expire_after": {"127.0.0.1": None, "*": 5}}, 60),
        ({"expire_after": None, "urls_expire_after": {"127.0.0.1": 5}}, 5),
        ({"expire_after": 60, "urls_expire_after": None}, 60),
    ],
    ids=str,
)
def test_none_is_never_for_a_session_and_not_given_elsewhere(
    origin: Origin, clock: Clock, session: Session, settings: dict[str, Any], seconds: int | None
) -> None:
    expected = None if seconds is None else clock.now + timedelta(seconds=seconds)
    assert session(**settings).get(origin.url, expire_after=None).expires == expected


def test_misspelt_setting_is_refused_and_the_nearest_one_named(origin: Origin, session: Session) -> None:
    with pytest.raises(TypeError, match=r"'expire_afer'.*'expire_after'"):
        session(expire_afer=5)
    s = session()
    with pytest.raises(AttributeError, match=r"'stale_on_error'.*'stale_if_error'"):
        s.settings.stale_on_error = True
    with pytest.raises(TypeError, match="expire_afer"):
        s.get(origin.url, expire_afer=5)
    assert origin.count() == 0
