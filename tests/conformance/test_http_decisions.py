"""What RFC 9111 and RFC 5861 ask of a private cache, as tables: pure decisions, nothing is sent.

One table for each line of what the cache has to do: freshness, storing, reusing, validation, invalidation,
serving stale, ranges, and ``expire_after=HTTP_ONLY``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from pytest_reqcache import HTTP_ONLY
from pytest_reqcache.headers import Headers, format_http_date
from pytest_reqcache.models import Interaction, RecordedRequest, RecordedResponse
from pytest_reqcache.policy import (
    Action,
    Outcome,
    Plan,
    Reason,
    Verdict,
    current_age,
    invalidated_urls,
    plan,
    presented,
    settle,
    settle_error,
)
from pytest_reqcache.policy.reusing import select
from pytest_reqcache.settings import (
    MARKER_SETTINGS,
    SESSION_SETTINGS,
    TEST_SETTINGS,
    Options,
    Settings,
    merge,
    parse_settings,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)
URL = "http://example.com/a"
BODY = b"0123456789"
Fields = dict[str, str] | list[tuple[str, str]]


def http(**given: Any) -> Settings:
    """A session that does what HTTP says."""
    given = {
        "cache_control": True,
        "expire_after": HTTP_ONLY,
        "allowable_codes": range(100, 1000),
        "allowable_methods": ["GET", "HEAD", "POST"],
        **given,
    }
    return merge(Settings(), parse_settings(given, SESSION_SETTINGS))


def fields(given: Fields) -> Headers:
    return Headers.of(given.items() if isinstance(given, dict) else given)


def date(seconds: float) -> str:
    return format_http_date(NOW + timedelta(seconds=seconds))


def asking(headers: Fields | None = None, method: str = "GET") -> RecordedRequest:
    return RecordedRequest(method, URL, fields(headers or {}))


def stored(
    headers: Fields,
    *,
    age: float = 100,
    status: int = 200,
    asked: Fields | None = None,
    method: str = "GET",
    body: bytes = BODY,
) -> Interaction:
    """A response that was received ``age`` seconds ago, with the expiry that is written down for it."""
    request, received = asking(asked, method), NOW - timedelta(seconds=age)
    response = RecordedResponse(status, "", fields(headers), body)
    verdict = settle(Plan(Action.SEND), request, status, response.headers, http(), Options(), received)
    assert verdict.outcome is Outcome.STORE, verdict.why
    return Interaction(request, response, received, verdict.expires)


def planned(candidates: Any, asked: Fields | None = None, method: str = "GET", **settings: Any) -> Plan:
    held = [candidates] if isinstance(candidates, Interaction) else list(candidates)
    return plan(asking(asked, method), held, http(**settings), Options(), NOW)


def settled(status: int, headers: Fields, *, asked: Fields | None = None, method: str = "GET") -> Verdict:
    request = asking(asked, method)
    return settle(
        plan(request, [], http(), Options(), NOW), request, status, fields(headers), http(), Options(), NOW
    )


# --- 1. freshness: section 4.2

FRESH_OR_STALE: list[tuple[Fields, bool]] = [
    # received 100 seconds ago with these fields; fresh now?
    ({"Cache-Control": "max-age=101"}, True),
    ({"Cache-Control": "max-age=100"}, False),
    ({"Cache-Control": 'max-age="101"'}, True),
    ({"Cache-Control": "MAX-AGE=101"}, True),
    ({"Cache-Control": "max-age=99999999999999999999"}, True),
    ({"Cache-Control": "max-age=-101"}, False),
    ({"Cache-Control": "max-age=101.0"}, False),
    ({"Cache-Control": "max-age=soon"}, False),
    ({"Cache-Control": "max-age = 101"}, False),
    ({"Cache-Control": "max-age=1, max-age=101"}, False),  # the first occurrence
    ({"Cache-Control": "max-age=101, no-cache"}, False),  # the most restrictive of conflicting ones
    ({"Cache-Control": "s-maxage=101"}, False),  # for shared caches
    ({"Cache-Control": 'ext="max-age=101"'}, False),
    ({"Cache-Control": "unknown, max-age=101, more=x"}, True),
    ([("Cache-Control", "public"), ("Cache-Control", "max-age=101")], True),
    ({"Cache-Control": "max-age=101", "Expires": "0"}, True),
    ({"Cache-Control": "max-age=1, immutable"}, False),
    ({"Cache-Control": "max-age=200", "Age": "99"}, True),
    ({"Cache-Control": "max-age=200", "Age": "100"}, False),
    ({"Cache-Control": "max-age=200", "Age": "-100"}, True),
    ({"Cache-Control": "max-age=200", "Age": "100, 0"}, False),
    ({"Cache-Control": "max-age=200", "Age": "99999999999"}, False),
    ({"Cache-Control": "max-age=200", "Date": date(-199)}, True),
    ({"Cache-Control": "max-age=200", "Date": date(-200)}, False),  # apparent age
    ({"Cache-Control": "max-age=101", "Date": date(9000)}, True),
    ({"Date": date(-100), "Expires": date(1)}, True),
    ({"Date": date(-100), "Expires": date(0)}, False),
    ({"Date": date(-100), "Expires": date(50), "Age": "100"}, False),
    ({"Expires": date(1)}, True),
    ({"Date": "foo", "Expires": date(1)}, True),
    ({"Date": date(-100), "Expires": "Monday, 01-Jun-26 12:00:01 GMT"}, True),
    ({"Date": date(-100), "Expires": "Mon Jun  1 12:00:01 2026"}, True),
    ({"Date": date(-100), "Expires": "Mon, 01 Jun 2026 12:00:01 UTC"}, False),
    ({"Date": date(-100), "Expires": "0"}, False),
    ([("Date", date(-100)), ("Expires", date(1)), ("Expires", date(2))], False),
    ({}, False),
]


@pytest.mark.parametrize(("headers", "fresh"), FRESH_OR_STALE)
def test_freshness(headers: Fields, fresh: bool) -> None:
    assert (planned(stored(headers)).action is Action.SERVE) is fresh


@pytest.mark.parametrize(
    ("status", "more", "fresh"),
    [
        *((status, {}, True) for status in (200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501)),
        *((status, {}, False) for status in (201, 202, 302, 303, 307, 400, 403, 500, 502, 503, 504, 599)),
        (599, {"Cache-Control": "public"}, True),
    ],
)
def test_heuristic_freshness(status: int, more: dict[str, str], fresh: bool) -> None:
    headers = {"Date": date(-100), "Last-Modified": date(-10_000), **more}
    if fresh:
        assert planned(stored(headers, status=status)).action is Action.SERVE
    else:  # and nothing says that it may be stored
        assert settled(status, headers).outcome is Outcome.PASS


def test_response_delay_counts_as_age() -> None:
    sent = NOW - timedelta(seconds=5)
    verdict = settle(
        Plan(Action.SEND),
        asking(),
        200,
        fields({"Cache-Control": "max-age=4"}),
        http(),
        Options(),
        NOW,
        received=sent,
    )
    assert verdict.expires == sent + timedelta(seconds=4)


# --- 2. storing: section 3

STORED: list[tuple[int, Fields, bool]] = [
    (200, {"Cache-Control": "max-age=1"}, True),
    (200, {}, True),
    (200, {"Cache-Control": "no-store"}, False),
    (200, {"Cache-Control": "No-Store, max-age=1"}, False),
    (200, [("Cache-Control", "max-age=1"), ("Cache-Control", "no-store")], False),
    (200, {"Cache-Control": "private, max-age=1"}, True),
    (200, {"Cache-Control": 'private="Set-Cookie", max-age=1'}, True),
    (200, {"Cache-Control": "no-cache", "ETag": '"1"'}, True),
    (200, {"Cache-Control": "must-understand, no-store, max-age=1"}, True),
    (500, {"Cache-Control": "must-understand, max-age=1"}, True),
    (299, {"Cache-Control": "must-understand, max-age=1"}, False),
    (599, {"Cache-Control": "max-age=1"}, True),
    (302, {"ETag": '"1"'}, False),  # nothing says that it may be
    (302, {"Cache-Control": "max-age=1"}, True),
    (302, {"Cache-Control": "private"}, True),
    (302, {"Cache-Control": "public"}, True),
    (302, {"Expires": date(1)}, True),
    (200, {"Vary": "*", "Cache-Control": "max-age=1"}, False),
    (200, {"Vary": "A, *", "Cache-Control": "max-age=1"}, False),
    (206, {"Cache-Control": "max-age=1", "Content-Range": "bytes 0-1/9"}, False),
    (304, {"Cache-Control": "max-age=1"}, False),
    (412, {"Cache-Control": "max-age=1"}, False),
    (416, {"Cache-Control": "max-age=1"}, False),
]


@pytest.mark.parametrize(("status", "headers", "kept"), STORED)
def test_storing(status: int, headers: Fields, kept: bool) -> None:
    assert (settled(status, headers).outcome is Outcome.STORE) is kept


@pytest.mark.parametrize(
    ("statuses", "understood"),
    [
        ((200, 205, 300, 305, 307, 308, 400, 417, 421, 422, 426, 500, 505), True),
        ((207, 306, 309, 418, 420, 423, 425, 427, 506), False),
    ],
)
def test_statuses_that_must_understand_is_about(statuses: tuple[int, ...], understood: bool) -> None:
    said = {"Cache-Control": "must-understand, max-age=1"}
    kept = [status for status in statuses if settled(status, said).outcome is Outcome.STORE]
    assert kept == (list(statuses) if understood else [])


def test_request_no_store_keeps_the_answer_from_being_stored() -> None:
    fresh = {"Cache-Control": "max-age=9"}
    assert settled(200, fresh, asked={"Cache-Control": "no-store"}).outcome is Outcome.PASS


def test_answer_to_a_request_with_authorization_is_stored() -> None:
    assert settled(200, {"Cache-Control": "max-age=1"}, asked={"Authorization": "x"}).outcome is Outcome.STORE


def test_fields_of_the_connection_and_the_proxy_are_not_stored_and_cookies_are() -> None:
    headers = fields(
        [
            ("Connection", "close, X-Hop"),
            ("X-Hop", "1"),
            ("Keep-Alive", "1"),
            ("Proxy-Authenticate", "Basic"),
            ("Proxy-Authentication-Info", "x"),
            ("Cache-Control", 'max-age=5, no-cache="X-Once"'),
            ("X-Once", "1"),
            ("Set-Cookie", "a=b"),
            ("Set-Cookie", "c=d"),
        ]
    )
    verdict = settle(Plan(Action.SEND), asking(), 200, headers, http(), Options(), NOW)
    assert {name for name, _ in verdict.headers} == {"Cache-Control", "Set-Cookie"}
    assert verdict.headers.get_all("Set-Cookie") == ["a=b", "c=d"]


@pytest.mark.parametrize(
    ("method", "status", "headers", "as_get"),
    [
        ("POST", 200, {"Cache-Control": "max-age=5", "Content-Location": "/a"}, True),
        ("POST", 201, {"Cache-Control": "max-age=5", "Content-Location": "/a"}, True),
        ("POST", 300, {"Cache-Control": "max-age=5", "Content-Location": "/a"}, False),
        ("POST", 404, {"Cache-Control": "max-age=5", "Content-Location": "/a"}, False),
        ("PUT", 200, {"Cache-Control": "max-age=5", "Content-Location": "/a"}, False),
        ("POST", 200, {"Cache-Control": "max-age=5", "Content-Location": "/b"}, False),
        ("POST", 200, {"Cache-Control": "max-age=5"}, False),
        ("POST", 200, {"Content-Location": "/a"}, False),
    ],
)
def test_answer_to_post_is_stored_only_as_that_to_get(
    method: str, status: int, headers: Fields, as_get: bool
) -> None:
    sent = {
        "Accept": "a/b", "Content-Type": "c/d", "content-length": "1", "Transfer-Encoding": "chunked",
        "If-Match": '"1"',
    }  # fmt: skip
    request = replace(asking(sent, method), body=b"x")
    settings = http(allowable_methods=["GET", "POST", "PUT"])
    verdict = settle(Plan(Action.SEND), request, status, fields(headers), settings, Options(), NOW)
    assert (verdict.outcome is Outcome.STORE) is as_get
    assert verdict.request == (asking({"Accept": "a/b"}) if as_get else None)


def test_answer_to_post_is_that_to_post_where_a_setting_says_for_how_long() -> None:
    headers = fields({"Cache-Control": "max-age=5", "Content-Location": "/a"})
    request = asking(method="POST")
    verdict = settle(Plan(Action.SEND), request, 200, headers, http(expire_after=60), Options(), NOW)
    assert (verdict.outcome, verdict.request) == (Outcome.STORE, None)


def test_unsafe_request_is_written_through() -> None:
    response = RecordedResponse(200, "", fields({"Cache-Control": "max-age=900"}))
    held = Interaction(asking(method="POST"), response, NOW)
    assert planned(held, method="POST") == Plan(Action.SEND, reason=Reason.ORIGIN_ALONE)


# --- 3. reusing: section 4

AGED = stored({"Cache-Control": "max-age=200", "ETag": '"1"'})
OLD = stored({"Cache-Control": "max-age=60", "ETag": '"1"'})  # 40 seconds too old
MUST = stored({"Cache-Control": "max-age=60, must-revalidate"})
CONDITION = (("If-None-Match", '"1"'),)

ASKED: list[tuple[Interaction, Fields, Action]] = [
    (AGED, {}, Action.SERVE),
    (AGED, {"Cache-Control": "no-cache"}, Action.SEND),
    (AGED, {"Pragma": "no-cache"}, Action.SEND),
    (AGED, {"Pragma": "x-no-cache"}, Action.SERVE),
    (AGED, {"Pragma": "no-cache", "Cache-Control": "x"}, Action.SERVE),
    (AGED, {"Cache-Control": "max-age=0"}, Action.SEND),
    (AGED, {"Cache-Control": "max-age=99"}, Action.SEND),
    (AGED, {"Cache-Control": "max-age=100"}, Action.SERVE),
    (AGED, {"Cache-Control": "max-age=101"}, Action.SERVE),
    (AGED, {"Cache-Control": "min-fresh=100"}, Action.SERVE),
    (AGED, {"Cache-Control": "min-fresh=101"}, Action.SEND),
    (AGED, {"Cache-Control": "no-store"}, Action.SEND),
    (AGED, {"Cache-Control": "only-if-cached"}, Action.SERVE),
    (AGED, {"Cache-Control": "only-if-cached, no-cache"}, Action.REFUSE),
    (OLD, {"Cache-Control": "only-if-cached"}, Action.REFUSE),
    (OLD, {"Cache-Control": "max-stale"}, Action.SERVE),
    (OLD, {"Cache-Control": "max-stale=40"}, Action.SERVE),
    (OLD, {"Cache-Control": "max-stale=39"}, Action.SEND),
    (OLD, {"Cache-Control": "max-stale="}, Action.SEND),
    (OLD, {"Cache-Control": "max-stale, max-age=50"}, Action.SEND),
    (MUST, {"Cache-Control": "max-stale"}, Action.SEND),
]


@pytest.mark.parametrize(("held", "asked", "action"), ASKED)
def test_reusing_as_the_request_asks(held: Interaction, asked: Fields, action: Action) -> None:
    assert planned(held, asked).action is action


def test_stored_redirect_is_reused() -> None:
    held = stored({"Cache-Control": "max-age=200", "Location": "/b"}, status=301)
    assert planned(held).action is Action.SERVE


VARIES: list[tuple[str, Fields, Fields, bool]] = [
    ("A", {"A": "1"}, {"A": "1"}, True),
    ("A", {"A": "1"}, {"A": "2"}, False),
    ("A", {"A": "1"}, {}, False),
    ("A", {}, {"A": ""}, False),
    ("A, B", {"A": "1", "B": "1"}, {"B": "1", "A": "1"}, True),
    ("A, B", {"A": "1", "B": "1"}, {"A": "1"}, False),
    ("a", {"A": "1, 2"}, [("A", "1"), ("A", "2")], True),
    ("A", {"A": "1,2"}, {"A": "2,1"}, False),
    ("A", {"A": '"1, 2"'}, {"A": '"1,2"'}, False),
    ("Accept-Language", {"Accept-Language": "en, de"}, {"Accept-Language": "DE,en;q=1.0"}, True),
    ("Accept-Language", {"Accept-Language": "en;q=0.50"}, {"Accept-Language": "en; q=0.5"}, True),
    ("Accept-Language", {"Accept-Language": "en;q=0.5"}, {"Accept-Language": "en;q=0.4"}, False),
    ("Accept-Encoding", {"Accept-Encoding": "gzip, br"}, {"Accept-Encoding": "br, gzip"}, True),
    ("Accept-Encoding", {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "identity"}, False),
    ("Accept", {"Accept": "a/b, c/d"}, {"Accept": "c/d, a/b"}, True),
    ("Accept", {"Accept": "a/b;level=1"}, {"Accept": "a/b;level=1;q=1"}, True),
    ("Accept", {"Accept": "a/b;level=1"}, {"Accept": "a/b;level=2"}, False),
    ("Accept-Charset", {"Accept-Charset": "utf-8, ascii"}, {"Accept-Charset": "ascii, utf-8"}, True),
    ("Authorization", {"Authorization": "REDACTED"}, {"Authorization": "Bearer 1"}, False),
]


@pytest.mark.parametrize(("vary", "recorded", "asked", "same"), VARIES)
def test_vary(vary: str, recorded: Fields, asked: Fields, same: bool) -> None:
    held = stored({"Vary": vary, "Cache-Control": "max-age=200"}, asked=recorded)
    assert (select(asking(asked), [held], http()) is held) is same


def test_right_one_of_several_variants_and_of_equals_the_most_recent() -> None:
    def variant(value: str, when: float) -> Interaction:
        headers = {"Vary": "A", "Cache-Control": "max-age=900", "Date": date(when)}
        return stored(headers, asked={"A": value})

    one, newer, other = variant("1", -100), variant("1", -90), variant("2", -95)
    for order in ([one, newer, other], [newer, other, one]):
        assert select(asking({"A": "1"}), order, http()) is newer
        assert select(asking({"A": "2"}), order, http()) is other
        assert select(asking({"A": "3"}), order, http()) is None


def test_head_is_answered_from_a_stored_get_without_its_body() -> None:
    decided = planned(AGED, method="HEAD")
    assert decided.action is Action.SERVE
    shown = presented(asking(method="HEAD"), AGED, http())
    assert (shown.status, shown.span) == (200, (0, 0))
    assert shown.headers == AGED.response.headers


def test_stored_head_is_answered_as_it_is() -> None:
    held = stored({"Cache-Control": "max-age=900"}, method="HEAD", body=b"")
    assert presented(asking(method="HEAD"), held, http()).span is None


def test_age_counts_from_the_stated_one() -> None:
    assert current_age(stored({"Age": "7"}), NOW) == timedelta(seconds=107)


# --- 4. validation: section 4.3


def test_validation_sends_what_is_stored() -> None:
    assert (planned(OLD).conditions, planned(OLD).related) == (CONDITION, ())
    modified = {"Cache-Control": "max-age=1", "Last-Modified": date(-900), "ETag": 'W/"2"'}
    assert planned(stored(modified)).conditions == (
        ("If-None-Match", 'W/"2"'),
        ("If-Modified-Since", date(-900)),
    )


def variants() -> list[Interaction]:
    return [
        stored({"Vary": "A", "ETag": f'"{name}"', "Cache-Control": "max-age=900"}, asked={"A": name})
        for name in ("x", "y")
    ]


def test_variants_are_validated_at_once() -> None:
    decided = planned(variants(), {"A": "z"})
    assert (decided.action, decided.reason) == (Action.SEND, Reason.VARY)
    assert decided.conditions == (("If-None-Match", '"x", "y"'),)
    assert settle(decided, asking({"A": "z"}), 200, Headers(), http(), Options(), NOW).updates == ()


@pytest.mark.parametrize(("tag", "confirmed"), [('"x"', 0), ('"y"', 1), ('"q"', None), (None, None)])
def test_304_to_several_validators_selects_the_variant_it_names(
    tag: str | None, confirmed: int | None
) -> None:
    held, request = variants(), asking({"A": "z"})
    decided = plan(request, held, http(), Options(), NOW)
    fresh = fields({"ETag": tag} if tag else {})
    verdict = settle(decided, request, 304, fresh, http(), Options(), NOW)
    if confirmed is None:
        assert verdict.outcome is Outcome.ASK_AGAIN
    else:
        assert verdict.outcome is Outcome.FRESHEN
        assert verdict.stored is held[confirmed]
        assert verdict.request == request
        ((old, new),) = verdict.updates
        assert (old, new.request, new.created_at) == (held[confirmed], held[confirmed].request, NOW)


def test_304_without_a_validator_is_about_the_only_variant() -> None:
    held, request = variants()[:1], asking({"A": "z"})
    decided = plan(request, held, http(), Options(), NOW)
    verdict = settle(decided, request, 304, Headers(), http(), Options(), NOW)
    assert (verdict.outcome, verdict.stored) == (Outcome.FRESHEN, held[0])


def test_variant_that_may_no_longer_be_stored_is_the_one_that_is_forgotten() -> None:
    held, request = variants(), asking({"A": "z"})
    decided = plan(request, held, http(), Options(), NOW)
    fresh = fields({"ETag": '"y"', "Cache-Control": "no-store"})
    verdict = settle(decided, request, 304, fresh, http(), Options(), NOW)
    assert (verdict.outcome, verdict.stored) == (Outcome.FORGET, held[1])


CONFIRMED: list[tuple[Fields, Fields, Outcome]] = [
    # stored validator, the 304's
    ({"ETag": '"1"'}, {"ETag": '"1"'}, Outcome.FRESHEN),
    ({"ETag": '"1"'}, {}, Outcome.FRESHEN),
    ({"ETag": '"1"'}, {"ETag": '"2"'}, Outcome.ASK_AGAIN),
    ({"ETag": 'W/"1"'}, {"ETag": 'W/"1"'}, Outcome.FRESHEN),
    ({"ETag": 'W/"1"'}, {"ETag": 'W/"2"'}, Outcome.ASK_AGAIN),
    ({"ETag": 'W/"1"'}, {"ETag": '"1"'}, Outcome.FRESHEN),
    ({"ETag": '"1"'}, {"ETag": 'W/"1"'}, Outcome.FRESHEN),
    ({"ETag": "1"}, {"ETag": "1"}, Outcome.FRESHEN),
    ({"ETag": "1"}, {"ETag": '"1"'}, Outcome.ASK_AGAIN),  # a tag that is none
    ({"Last-Modified": date(-900)}, {}, Outcome.FRESHEN),
    ({"Last-Modified": date(-900)}, {"ETag": '"1"'}, Outcome.FRESHEN),
    ({"Last-Modified": date(-900)}, {"Last-Modified": date(-900)}, Outcome.FRESHEN),
    ({"Last-Modified": date(-900)}, {"Last-Modified": date(-800)}, Outcome.ASK_AGAIN),
    ({"ETag": '"1"', "Last-Modified": date(-900)}, {"Last-Modified": date(-800)}, Outcome.FRESHEN),
    ({"ETag": '"1"'}, {"ETag": '"1"', "Cache-Control": "no-store"}, Outcome.FORGET),
]


@pytest.mark.parametrize(("validator", "answered", "outcome"), CONFIRMED)
def test_304_and_its_validator(validator: dict[str, str], answered: Fields, outcome: Outcome) -> None:
    held = stored({**validator, "Cache-Control": "max-age=1"})
    decided = planned(held)
    verdict = settle(decided, asking(), 304, fields(answered), http(), Options(), NOW)
    assert verdict.outcome is outcome


def test_304_updates_all_fields_but_those_of_the_stored_body() -> None:
    held = stored(
        {
            "ETag": '"1"', "Cache-Control": "max-age=1", "Age": "50", "Date": date(-100), "X": "1",
            "Content-Length": "10", "Content-Type": "a/b",
        }
    )  # fmt: skip
    answered = fields(
        {
            "X": "2", "Content-Length": "0", "Content-Encoding": "gzip", "Content-Range": "bytes 0-1/2",
            "Cache-Control": "max-age=50", "Connection": "Y", "Y": "1",
        }
    )  # fmt: skip
    verdict = settle(planned(held), asking(), 304, answered, http(), Options(), NOW)
    assert dict(verdict.headers) == {
        "ETag": '"1"', "Cache-Control": "max-age=50", "Date": date(0), "X": "2",
        "Content-Length": "10", "Content-Type": "a/b",
    }  # fmt: skip
    assert verdict.expires == NOW + timedelta(seconds=50)


@pytest.mark.parametrize(
    ("held", "answered", "freshened"),
    [
        ({}, {}, True),
        ({"ETag": '"1"'}, {"ETag": '"1"', "Content-Length": "10"}, True),
        ({"ETag": '"1"'}, {}, True),
        ({"ETag": '"1"'}, {"ETag": '"2"'}, False),
        ({"Last-Modified": date(-900)}, {"Last-Modified": date(-800)}, False),
        ({}, {"Content-Length": "11"}, False),
        ({}, {"Content-Length": " 10 "}, True),
        ({"Content-Length": " 20 "}, {"Content-Length": "20"}, True),
        ({"Content-Encoding": "gzip"}, {"Content-Length": "10"}, False),  # it is stored decoded
        ({}, {"Cache-Control": "no-store"}, False),
    ],
)
def test_head_freshens_or_invalidates_the_stored_get(
    held: dict[str, str], answered: dict[str, str], freshened: bool
) -> None:
    item = stored({"Cache-Control": "max-age=900", "X": "1", **held})
    request = asking({"Cache-Control": "no-cache"}, "HEAD")
    decided = plan(request, [item], http(), Options(), NOW)
    fresh = fields({"Cache-Control": "max-age=60", "X": "2", **answered})
    ((old, new),) = settle(decided, request, 200, fresh, http(), Options(), NOW).updates
    assert old is item
    assert decided.replaced_by_answer_to(request) is None
    action = plan(asking(), [new], http(), Options(), NOW).action
    assert (action, new.response.headers.get("X"), new.created_at == NOW) == (
        (Action.SERVE, "2", True) if freshened else (Action.SEND, "1", False)
    )


def test_error_is_invalidated_by_a_head_that_succeeds() -> None:
    item = stored({"Cache-Control": "max-age=60"}, status=404)
    ((_, new),) = settle(
        planned(item, method="HEAD"), asking(method="HEAD"), 200, Headers(), http(), Options(), NOW
    ).updates
    assert new == replace(item, expires=NOW)


@pytest.mark.parametrize(
    ("status", "settings"),
    [
        (404, http()),
        (200, http(cache_control=False)),
        (200, merge(TEST_SETTINGS, parse_settings({"cache_control": True}, MARKER_SETTINGS))),
    ],
    ids=["an error", "HTTP is not obeyed", "in a test"],
)
def test_head_leaves_the_stored_get_alone(status: int, settings: Settings) -> None:
    decided, request = planned(OLD, method="HEAD"), asking(method="HEAD")
    assert decided.related == (OLD,)
    assert settle(decided, request, status, Headers(), settings, Options(), NOW).updates == ()


def test_immutable_that_max_stale_accepts_is_asked_for_all_the_same() -> None:
    """RFC 8246 speaks of what is fresh."""
    item = stored({"Cache-Control": "max-age=1, immutable", "ETag": '"1"'})
    settings, asked = http(always_revalidate=True), asking({"Cache-Control": "max-stale"})
    assert plan(asked, [item], settings, Options(), NOW + timedelta(seconds=9)).action is Action.SEND


def test_head_is_about_the_stored_get_of_its_variant() -> None:
    varying = {"Vary": "A", "Cache-Control": "max-age=1, stale-while-revalidate=900"}
    held = [stored(varying, asked={"A": name}) for name in ("x", "y")]
    decided = planned(held, {"A": "x"}, "HEAD")
    assert (decided.action, decided.related) == (Action.SERVE_AND_REFRESH, (held[0],))


TAGGED = stored(
    {
        "Cache-Control": "max-age=900", "ETag": '"1"', "Last-Modified": date(-900), "Content-Type": "a/b",
        "Content-Length": "10", "Content-Encoding": "identity", "Content-Language": "en",
        "Content-Range": "bytes 0-9/10",
    }
)  # fmt: skip

CALLERS: list[tuple[Fields, int]] = [
    ({"If-None-Match": '"1"'}, 304),
    ({"If-None-Match": 'W/"1"'}, 304),
    ({"If-None-Match": '"0", "1"'}, 304),
    ({"If-None-Match": "*"}, 304),
    ({"If-None-Match": '"2"'}, 200),
    ({"If-None-Match": '"2"', "If-Modified-Since": date(0)}, 200),
    ({"If-None-Match": '"1"', "If-Modified-Since": date(-9999)}, 304),
    ({"If-Modified-Since": date(-900)}, 304),
    ({"If-Modified-Since": "Monday, 01-Jun-26 11:45:00 GMT"}, 304),
    ({"If-Modified-Since": date(-901)}, 200),
    ({"If-Modified-Since": "yesterday"}, 200),
]


@pytest.mark.parametrize(("asked", "status"), CALLERS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_callers_own_condition_is_answered_from_the_cache(method: str, asked: Fields, status: int) -> None:
    assert planned(TAGGED, asked, method).action is Action.SERVE
    shown = presented(asking(asked, method), TAGGED, http())
    assert shown.status == status
    if status == 304:
        assert {name for name, _ in shown.headers} == {"Cache-Control", "ETag", "Last-Modified"}
        assert shown.span == (0, 0)


PLAINLY = {"Cache-Control": "max-age=900"}
BEFORE = {"If-Modified-Since": date(-100)}


@pytest.mark.parametrize(
    ("headers", "asked", "status"),
    [
        (PLAINLY, {"If-None-Match": '"1"'}, 200),
        (PLAINLY, BEFORE, 304),  # received then
        ({**PLAINLY, "Date": date(-101)}, BEFORE, 304),
        ({**PLAINLY, "Date": date(-99)}, BEFORE, 200),
        ({**PLAINLY, "Date": date(-50), "Last-Modified": date(-100)}, BEFORE, 304),
        # tags that are none
        ({**PLAINLY, "ETag": " 1"}, {"If-None-Match": "1 "}, 304),
        ({**PLAINLY, "ETag": "1"}, {"If-None-Match": "2"}, 200),
        ({**PLAINLY, "ETag": "1"}, {"If-None-Match": '"1"'}, 200),
    ],
)
def test_condition_and_the_validators_that_there_are(headers: Fields, asked: Fields, status: int) -> None:
    assert presented(asking(asked), stored(headers), http()).status == status


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("is_http", [True, False])
@pytest.mark.parametrize("asked", [{"If-None-Match": '"1"'}, {"Range": "bytes=0-1"}], ids=str)
def test_condition_counts_where_the_answer_would_be_a_200_to_a_read(
    asked: Fields, is_http: bool, method: str, status: int
) -> None:
    held = replace(TAGGED, request=asking(method=method), response=replace(TAGGED.response, status=status))
    shown = presented(asking(asked, method), held, http(cache_control=is_http))
    is_met = is_http and method == "GET" and status == 200
    assert (shown.status == status) is not is_met


def test_years_of_two_digits_are_of_the_century_of_the_receipt() -> None:
    received = datetime(2090, 1, 1, tzinfo=timezone.utc)
    changed, came = (f"Sunday, {day:02}-Jan-89 00:00:00 GMT" for day in (2, 12))
    headers = fields({"ETag": '"1"', "Last-Modified": "Sun, 02 Jan 2089 00:00:00 GMT", "Date": came})
    held = Interaction(asking(), RecordedResponse(200, "", headers, BODY), received)
    assert presented(asking({"If-Modified-Since": changed}), held, http()).status == 304
    part = {"Range": "bytes=0-1", "If-Range": changed}
    assert presented(asking(part), held, http()).status == 206
    said = {"Last-Modified": changed, "Date": came}
    other = replace(held, response=replace(held.response, headers=fields(said)))
    assert presented(asking({"If-Modified-Since": changed}), other, http()).status == 304
    assert presented(asking({"If-Modified-Since": date(0)}), other, http()).status == 200
    in_full = {"Range": "bytes=0-1", "If-Range": "Sun, 02 Jan 2089 00:00:00 GMT"}
    assert presented(asking(in_full), other, http()).status == 206


@pytest.mark.parametrize(("offline", "action"), [(False, Action.SEND), (True, Action.REFUSE)])
@pytest.mark.parametrize("name", ["If-Match", "If-Unmodified-Since"])
def test_condition_for_the_origin_goes_to_it(name: str, offline: bool, action: Action) -> None:
    decided = planned(TAGGED, {name: '"1"'}, only_if_cached=offline)
    assert (decided.action, decided.reason, decided.conditions) == (action, Reason.CONDITION, ())


@pytest.mark.parametrize(
    ("asked", "in_session", "in_test"),
    [
        ({"If-Match": '"1"'}, Action.SEND, Action.SERVE),
        ({"If-Match": '"2"'}, Action.SEND, Action.SEND),
        ({}, Action.SERVE, Action.SERVE),
    ],
)
def test_condition_for_the_origin_was_answered_by_it_in_a_test(
    asked: Fields, in_session: Action, in_test: Action
) -> None:
    held = stored({"Cache-Control": "max-age=900"}, asked={"If-Match": '"1"'})
    assert planned(held, asked).action is in_session
    settings = merge(TEST_SETTINGS, parse_settings({"cache_control": True}, MARKER_SETTINGS))
    assert plan(asking(asked), [held], settings, Options(), NOW).action is in_test


def test_callers_own_condition_is_passed_on_once_what_is_stored_is_stale() -> None:
    decided = planned(OLD, {"If-None-Match": '"0"'})
    assert (decided.action, decided.conditions) == (Action.SEND, ())
    request = asking({"If-None-Match": '"0"'})
    verdicts = [
        settle(decided, request, status, fields(headers), http(), Options(), NOW)
        for status, headers in (
            (304, {"ETag": '"1"'}),
            (304, {"ETag": '"0"'}),
            (304, {"ETag": '"1"', "Cache-Control": "no-store"}),
            (200, {"ETag": '"1"'}),
        )
    ]
    assert [verdict.outcome for verdict in verdicts] == [Outcome.PASS] * 3 + [Outcome.STORE]
    assert [len(verdict.updates) for verdict in verdicts] == [1, 0, 0, 0]


@pytest.mark.parametrize(
    ("held", "answered", "is_named"),
    [
        ({"ETag": '"1"', "Last-Modified": date(-900)}, {"Last-Modified": date(-900)}, False),
        ({"Last-Modified": date(-900)}, {"ETag": '"1"', "Last-Modified": date(-900)}, False),
        ({"Last-Modified": date(-900)}, {"Last-Modified": date(-900)}, True),
        ({"Last-Modified": date(-900)}, {"Last-Modified": date(-800)}, False),
        ({"Last-Modified": date(-900)}, {}, False),
        ({}, {}, False),
    ],
)
def test_304_to_the_caller_freshens_what_it_names(
    held: dict[str, str], answered: Fields, is_named: bool
) -> None:
    item = stored({**held, "Cache-Control": "max-age=1"})
    request = asking({"If-None-Match": '"0"'})
    decided = plan(request, [item], http(), Options(), NOW)
    verdict = settle(decided, request, 304, fields(answered), http(), Options(), NOW)
    assert bool(verdict.updates) is is_named


# --- 5. invalidation: section 4.4


@pytest.mark.parametrize(
    ("method", "status", "invalidates"),
    [
        *((method, 200, True) for method in ("POST", "PUT", "DELETE", "PATCH", "M-SEARCH", "FOO")),
        *((method, 200, False) for method in ("GET", "HEAD", "OPTIONS", "TRACE")),
        *(("POST", status, status < 400) for status in (201, 204, 303, 400, 404, 500, 503)),
    ],
)
def test_invalidation(method: str, status: int, invalidates: bool) -> None:
    headers = fields({"Location": "/b", "Content-Location": "http://other.example/c"})
    urls = invalidated_urls(asking(method=method), status, headers, http())
    assert urls == ((URL, "http://example.com/b") if invalidates else ())


# --- 6. serving stale: section 4.2.4, RFC 5861


@pytest.mark.parametrize("where", ["response", "request"])
@pytest.mark.parametrize(
    ("window", "more", "accepted"),
    [
        ("40", "", True),
        ("39", "", False),
        ("soon", "", False),
        ("40", "must-revalidate", False),
        ("40", "proxy-revalidate", False),
        ("40", "no-cache", False),
    ],
)
def test_stale_directives(where: str, window: str, more: str, accepted: bool) -> None:
    for name in ("stale-if-error", "stale-while-revalidate"):
        directive = f"{name}={window}"
        said = f"max-age=60, {more}, {directive if where == 'response' else ''}"
        asked: Fields = {"Cache-Control": directive} if where == "request" else {}
        held = replace(stored({"Cache-Control": said}), expires=NOW - timedelta(seconds=40))
        decided = planned(held, asked)
        if name == "stale-while-revalidate":
            assert (decided.action is Action.SERVE_AND_REFRESH) is accepted
            continue
        assert decided.action is Action.SEND
        assert settle_error(decided, asking(asked), http(), NOW) is accepted
        for status in (500, 502, 503, 504):
            verdict = settle(decided, asking(asked), status, Headers(), http(), Options(), NOW)
            assert (verdict.outcome is Outcome.USE_STALE) is accepted
        for status in (404, 501):
            verdict = settle(decided, asking(asked), status, Headers(), http(), Options(), NOW)
            assert verdict.outcome is not Outcome.USE_STALE


def test_nothing_stale_without_leave() -> None:
    assert planned(OLD).action is Action.SEND
    assert not settle_error(planned(OLD), asking(), http(), NOW)
    assert settle(planned(OLD), asking(), 503, Headers(), http(), Options(), NOW).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("stored_status", "status", "headers", "outcome"),
    [
        (200, 503, {}, Outcome.USE_STALE),
        (200, 503, {"Cache-Control": "max-age=5"}, Outcome.STORE),  # it says that it may be stored
        (200, 403, {}, Outcome.PASS),  # no failure, RFC 9111 section 4.3.3
        (404, 503, {}, Outcome.PASS),
        (400, 503, {}, Outcome.PASS),
    ],
)
def test_what_our_stale_if_error_takes_for_a_failure(
    stored_status: int, status: int, headers: Fields, outcome: Outcome
) -> None:
    decided = planned(stored({"Cache-Control": "max-age=60"}, status=stored_status))
    settings = http(stale_if_error=True)
    assert settle(decided, asking(), status, fields(headers), settings, Options(), NOW).outcome is outcome


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_our_stale_if_error_overrides_all_but_what_forbids_it(status: int) -> None:
    for said, outcome in (
        ("max-age=60, stale-if-error=1", Outcome.USE_STALE),
        ("max-age=60", Outcome.USE_STALE),
        ("max-age=60, must-revalidate", Outcome.PASS),
        ("max-age=60, proxy-revalidate", Outcome.PASS),
        ("no-cache", Outcome.PASS),
    ):
        decided = planned(stored({"Cache-Control": said}))
        verdict = settle(decided, asking(), status, Headers(), http(stale_if_error=True), Options(), NOW)
        assert verdict.outcome is outcome


def test_must_revalidate_says_nothing_of_what_is_fresh() -> None:
    held = stored({"Cache-Control": "max-age=900, must-revalidate"})
    assert settle_error(
        planned(held, {"Cache-Control": "no-cache"}), asking(), http(stale_if_error=True), NOW
    )


def test_stale_while_revalidate_gives_way_to_a_request_for_something_younger() -> None:
    held = stored({"Cache-Control": "max-age=60, stale-while-revalidate=600"})
    assert planned(held).action is Action.SERVE_AND_REFRESH
    assert planned(held, {"Cache-Control": "max-age=10"}).action is Action.SEND


# --- 7. range: RFC 9110 section 14

RANGES: list[tuple[Fields, int, tuple[int, int] | None, str | None]] = [
    ({"Range": "bytes=0-1"}, 206, (0, 2), "bytes 0-1/10"),
    ({"Range": "bytes=4-"}, 206, (4, 10), "bytes 4-9/10"),
    ({"Range": "bytes=-3"}, 206, (7, 10), "bytes 7-9/10"),
    ({"Range": "bytes=-30"}, 206, (0, 10), "bytes 0-9/10"),
    ({"Range": "bytes=8-99"}, 206, (8, 10), "bytes 8-9/10"),
    ({"Range": "bytes=10-"}, 416, (0, 0), "bytes */10"),
    ({"Range": "bytes=-0"}, 416, (0, 0), "bytes */10"),
    ({"Range": "bytes=0-1", "If-Range": '"1"'}, 206, (0, 2), "bytes 0-1/10"),
    ({"Range": "bytes=0-1", "If-Range": 'W/"1"'}, 200, None, None),
    ({"Range": "bytes=0-1", "If-Range": '"2"'}, 200, None, None),
    ({"Range": "bytes=0-1", "If-Range": date(-900)}, 206, (0, 2), "bytes 0-1/10"),
    ({"Range": "bytes=0-1", "If-Range": date(-899)}, 200, None, None),
    ({"Range": "bytes=0-1", "If-None-Match": '"1"'}, 304, (0, 0), None),
    ({"Range": "bytes=0-1", "If-None-Match": '"2"'}, 206, (0, 2), "bytes 0-1/10"),
]


@pytest.mark.parametrize(("asked", "status", "span", "content_range"), RANGES)
def test_range_is_answered_from_the_whole(
    asked: Fields, status: int, span: tuple[int, int] | None, content_range: str | None
) -> None:
    assert planned(TAGGED, asked).action is Action.SERVE
    shown = presented(asking(asked), TAGGED, http())
    assert (shown.status, shown.span) == (status, span)
    if content_range is not None:
        assert shown.headers.get("Content-Range") == content_range
        assert shown.headers.get("Content-Length") == str(span[1] - span[0] if span else None)


@pytest.mark.parametrize(
    ("headers", "condition", "status"),
    [
        ({"Date": date(-899), "Last-Modified": date(-900)}, date(-900), 206),
        ({"Date": date(-900), "Last-Modified": date(-900)}, date(-900), 200),  # it may have changed since
        ({}, date(-900), 200),
        ({}, "yesterday", 200),
        ({}, '"1"', 200),
        ({"ETag": '"1"', "Content-Encoding": " Identity "}, '"1"', 206),
    ],
)
def test_if_range_and_the_validators_that_there_are(headers: Fields, condition: str, status: int) -> None:
    held = stored({"Cache-Control": "max-age=9000", **dict(headers)})
    assert presented(asking({"Range": "bytes=0-1", "If-Range": condition}), held, http()).status == status


def test_range_says_nothing_to_head() -> None:
    shown = presented(asking({"Range": "bytes=0-1"}, "HEAD"), TAGGED, http())
    assert (shown.status, shown.span) == (200, (0, 0))


@pytest.mark.parametrize(
    "asked", [{"Range": "bytes=0-1, 4-5"}, {"Range": "lines=1-2"}, {"Range": "bytes=9-1"}]
)
def test_range_that_we_cannot_cut_is_the_origins(asked: dict[str, str]) -> None:
    assert planned(TAGGED, asked).reason is Reason.CONDITION
    assert presented(asking(asked), TAGGED, http()).status == 200
    # but not where it does not count
    assert planned(TAGGED, asked, "HEAD").action is Action.SERVE
    assert planned(TAGGED, {**asked, "If-None-Match": '"1"'}).action is Action.SERVE
    assert planned(TAGGED, {**asked, "If-Range": '"2"'}).action is Action.SERVE
    error = stored({"Cache-Control": "max-age=900"}, status=404)
    assert planned(error, asked).action is Action.SERVE


def test_range_of_a_coded_body_is_the_origins() -> None:
    held = stored({"Cache-Control": "max-age=900", "Content-Encoding": "gzip"})
    assert planned(held, {"Range": "bytes=0-1"}).action is Action.SEND


def test_range_of_what_is_stale_is_passed_on() -> None:
    assert planned(OLD, {"Range": "bytes=0-1"}).conditions == ()
    assert planned(OLD, {"Range": "bytes=0-1"}).action is Action.SEND


@pytest.mark.parametrize("status", [206, 304])
def test_part_is_never_taken_for_the_whole(status: int) -> None:
    held = Interaction(asking({"Range": "bytes=0-1"}), RecordedResponse(status), NOW)
    for settings in (http(), Settings()):
        assert plan(asking(), [held], settings, Options(), NOW).stored is None


# --- 8. expire_after=HTTP_ONLY


def test_http_only_is_not_stretched_by_the_requests_max_age() -> None:
    verdict = settled(200, {}, asked={"Cache-Control": "max-age=3600"})
    assert verdict.expires == NOW


def test_http_only_of_one_url_or_call() -> None:
    settings = http(expire_after=3600, urls_expire_after={"example.com/a": HTTP_ONLY})
    verdict = settle(Plan(Action.SEND), asking(), 200, Headers(), settings, Options(), NOW)
    assert verdict.expires == NOW
