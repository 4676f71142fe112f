"""What the cache decides, as tables: nothing is sent, and the time is given."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from pytest_reqcache.expiration import DO_NOT_CACHE, HTTP_ONLY, Special
from pytest_reqcache.headers import Headers, format_http_date
from pytest_reqcache.identity import variant
from pytest_reqcache.models import Interaction, RecordedRequest, RecordedResponse
from pytest_reqcache.policy import (
    Action,
    Outcome,
    Plan,
    Reason,
    Verdict,
    counted_from,
    current_age,
    expiry_of,
    http_lifetime,
    invalidated_urls,
    is_stored_rightly,
    plan,
    settle,
    settle_error,
    writes,
)
from pytest_reqcache.policy.freshness import explicit_lifetime, heuristic_lifetime, initial_age
from pytest_reqcache.policy.reusing import select, varies_as
from pytest_reqcache.policy.settling import is_error
from pytest_reqcache.policy.storing import stored_headers
from pytest_reqcache.policy.validation import has_validator, update_headers, validators
from pytest_reqcache.settings import (
    MARKER_SETTINGS,
    SESSION_SETTINGS,
    TEST_SETTINGS,
    Options,
    Settings,
    merge,
    parse_options,
    parse_settings,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)
URL = "http://example.com/"
ETAG = {"ETag": '"1"'}
MODIFIED = {"Last-Modified": "Fri, 22 May 2026 12:00:00 GMT"}  # ten days ago

Fields = dict[str, str] | list[tuple[str, str]]


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def fields(given: Fields | None) -> Headers:
    return Headers.of(given.items() if isinstance(given, dict) else given or ())


def asking(headers: Fields | None = None, method: str = "GET", url: str = URL) -> RecordedRequest:
    return RecordedRequest(method, url, fields(headers))


def of_session(**given: Any) -> Settings:
    return merge(Settings(), parse_settings(given, SESSION_SETTINGS))


def of_test(**given: Any) -> Settings:
    return merge(TEST_SETTINGS, parse_settings(given, MARKER_SETTINGS))


def interaction(
    expires_in: float | Special | None = None,
    headers: Fields | None = None,
    *,
    asked: Fields | None = None,
    age: float = 100,
    status: int = 200,
    keep: bool = False,
) -> Interaction:
    """Recorded ``age`` seconds ago, with an ``expires`` that is so many seconds ahead."""
    expires = NOW + seconds(expires_in) if isinstance(expires_in, (int, float)) else expires_in
    response = RecordedResponse(status, "OK", fields(headers), b"body")
    return Interaction(asking(asked), response, NOW - seconds(age), expires, keep=keep)  # type: ignore[arg-type]


FRESH, STALE, NEVER = interaction(50), interaction(-50), interaction()
FRESH_WITH, STALE_WITH = interaction(50, ETAG), interaction(-50, ETAG)
CONDITION = (("If-None-Match", '"1"'),)
IMMUTABLE = {**ETAG, "Cache-Control": "max-age=150, immutable"}
NO_STORE = {"Cache-Control": "no-store"}


# --- before anything is sent

PLANS: dict[str, tuple[Any, ...]] = {
    # name: settings, options, request headers, stored, action, reason, conditions
    "nothing stored": ({}, {}, {}, None, Action.SEND, Reason.NEVER_RECORDED, ()),
    "nothing stored, offline": (
        {"only_if_cached": True}, {}, {}, None, Action.REFUSE, Reason.NEVER_RECORDED, (),
    ),
    "fresh": ({}, {}, {}, FRESH, Action.SERVE, None, ()),
    "never expires": ({}, {}, {}, NEVER, Action.SERVE, None, ()),
    "expires now": ({}, {}, {}, interaction(0), Action.SEND, Reason.EXPIRED, ()),
    "stale": ({}, {}, {}, STALE, Action.SEND, Reason.EXPIRED, ()),
    "stale with validator": ({}, {}, {}, STALE_WITH, Action.SEND, Reason.EXPIRED, CONDITION),
    "stale, and a condition of the caller's": (
        {}, {}, {"If-None-Match": '"2"'}, STALE_WITH, Action.SEND, Reason.EXPIRED, (),
    ),
    "stale, and a range": ({}, {}, {"range": "bytes=0-1"}, STALE_WITH, Action.SEND, Reason.EXPIRED, ()),
    # offline
    "fresh, offline": ({"only_if_cached": True}, {}, {}, FRESH, Action.SERVE, None, ()),
    "fresh, offline by the call": ({}, {"only_if_cached": True}, {}, FRESH, Action.SERVE, None, ()),
    "too old for the request, offline": (
        {"only_if_cached": True}, {}, {"Cache-Control": "max-age=0"}, FRESH,
        Action.REFUSE, Reason.TOO_OLD, (),
    ),
    "not for long enough, offline": (
        {"only_if_cached": True}, {}, {"Cache-Control": "min-fresh=9999"}, FRESH,
        Action.REFUSE, Reason.TOO_OLD, (),
    ),
    "stale, offline": ({"only_if_cached": True}, {}, {}, STALE_WITH, Action.REFUSE, Reason.EXPIRED, ()),
    "too old for the request, and expired for that": (
        {"only_if_cached": True}, {}, {"Cache-Control": "max-age=50"}, STALE,
        Action.REFUSE, Reason.TOO_OLD, (),
    ),
    "not for long enough, and expired": (
        {"only_if_cached": True}, {}, {"Cache-Control": "min-fresh=1"}, STALE,
        Action.REFUSE, Reason.EXPIRED, (),
    ),
    "no-cache recorded, offline": (
        {"only_if_cached": True, "cache_control": True, "stale_if_error": True}, {}, {},
        interaction(-50, {"Cache-Control": "no-cache"}), Action.REFUSE, Reason.REVALIDATE, (),
    ),
    "must-revalidate, offline": (
        {"only_if_cached": True, "cache_control": True, "stale_if_error": True}, {}, {},
        interaction(-50, {"Cache-Control": "must-revalidate"}), Action.REFUSE, Reason.MUST_REVALIDATE, (),
    ),
    "to expire at once, offline by the header": (
        {}, {"expire_after": 0}, {"Cache-Control": "only-if-cached"}, FRESH,
        Action.REFUSE, Reason.REFRESH, (),
    ),
    "stale, offline by the header": (
        {}, {}, {"Cache-Control": "only-if-cached"}, STALE, Action.REFUSE, Reason.EXPIRED, (),
    ),
    "stale, offline, stale_if_error": (
        {"only_if_cached": True, "stale_if_error": 50}, {}, {}, STALE, Action.SERVE, None, (),
    ),
    "stale, offline, stale_if_error exceeded": (
        {"only_if_cached": True, "stale_if_error": 49}, {}, {}, STALE, Action.REFUSE, Reason.EXPIRED, (),
    ),
    "stale, offline, stale_while_revalidate": (
        {"only_if_cached": True, "stale_while_revalidate": True}, {}, {}, STALE, Action.SERVE, None, (),
    ),
    "stale, offline, stale-if-error asked for": (
        {"only_if_cached": True}, {}, {"Cache-Control": "stale-if-error=50"}, STALE, Action.SERVE, None, (),
    ),
    "stale, offline, max-stale": (
        {}, {}, {"Cache-Control": "only-if-cached, max-stale"}, STALE, Action.SERVE, None, (),
    ),
    "refresh, offline": ({"only_if_cached": True}, {"refresh": True}, {}, FRESH, Action.SERVE, None, ()),
    "force_refresh, offline": (
        {"only_if_cached": True}, {"force_refresh": True}, {}, FRESH, Action.SERVE, None, (),
    ),
    "always_revalidate, offline": (
        {"only_if_cached": True, "always_revalidate": True}, {}, {}, FRESH_WITH, Action.SERVE, None, (),
    ),
    # refreshes
    "refresh": ({}, {"refresh": True}, {}, FRESH, Action.SEND, Reason.REFRESH, ()),
    "refresh with validator": ({}, {"refresh": True}, {}, FRESH_WITH, Action.SEND, Reason.REFRESH, CONDITION),
    "force_refresh": ({}, {"force_refresh": True}, {}, FRESH_WITH, Action.SEND, Reason.REFRESH, ()),
    "both": ({}, {"force_refresh": True, "refresh": True}, {}, FRESH_WITH, Action.SEND, Reason.REFRESH, ()),
    "no-cache": ({}, {}, {"Cache-Control": "no-cache"}, FRESH_WITH, Action.SEND, Reason.REFRESH, CONDITION),
    "no-cache, offline": (
        {"only_if_cached": True}, {}, {"Cache-Control": "no-cache"}, FRESH, Action.SERVE, None, (),
    ),
    "Pragma": (
        {"cache_control": True}, {}, {"Pragma": "No-Cache"},
        FRESH_WITH, Action.SEND, Reason.REFRESH, CONDITION,
    ),
    "Pragma beside Cache-Control": (
        {"cache_control": True}, {}, {"Pragma": "no-cache", "Cache-Control": "no-transform"},
        FRESH_WITH, Action.SERVE, None, (),
    ),
    "Pragma without cache_control": ({}, {}, {"Pragma": "no-cache"}, FRESH_WITH, Action.SERVE, None, ()),
    "always_revalidate": (
        {"always_revalidate": True}, {}, {}, FRESH_WITH, Action.SEND, Reason.REVALIDATE, CONDITION,
    ),
    "always_revalidate without validator": (
        {"always_revalidate": True}, {}, {}, FRESH, Action.SERVE, None, (),
    ),
    "always_revalidate, cache_control": (
        {"always_revalidate": True, "cache_control": True}, {}, {}, FRESH_WITH,
        Action.SEND, Reason.REVALIDATE, CONDITION,
    ),
    "always_revalidate, immutable": (
        {"always_revalidate": True, "cache_control": True}, {}, {}, interaction(50, IMMUTABLE),
        Action.SERVE, None, (),
    ),
    "always_revalidate, immutable and stale": (
        {"always_revalidate": True, "cache_control": True}, {}, {}, interaction(-50, IMMUTABLE),
        Action.SEND, Reason.REVALIDATE, CONDITION,
    ),
    "always_revalidate, immutable, not obeyed": (
        {"always_revalidate": True}, {}, {}, interaction(50, IMMUTABLE),
        Action.SEND, Reason.REVALIDATE, CONDITION,
    ),
    "no-cache in the response, whatever is written down": (
        {"cache_control": True}, {}, {}, interaction(50, {**ETAG, "Cache-Control": "no-cache"}),
        Action.SEND, Reason.EXPIRED, CONDITION,
    ),
    "always_revalidate, and a condition of the caller's": (
        {"always_revalidate": True, "cache_control": True}, {}, {"If-None-Match": '"1"'},
        FRESH_WITH, Action.SEND, Reason.REVALIDATE, (),
    ),
    "always_revalidate, and a range": (
        {"always_revalidate": True, "cache_control": True}, {}, {"range": "bytes=0-1"},
        FRESH_WITH, Action.SEND, Reason.REVALIDATE, (),
    ),
    "stale, always_revalidate without validator": (
        {"always_revalidate": True}, {}, {}, STALE, Action.SEND, Reason.EXPIRED, (),
    ),
    # stale_while_revalidate
    "stale_while_revalidate": (
        {"stale_while_revalidate": 50}, {}, {}, STALE_WITH,
        Action.SERVE_AND_REFRESH, Reason.EXPIRED, CONDITION,
    ),
    "stale_while_revalidate exceeded": (
        {"stale_while_revalidate": 49}, {}, {}, STALE, Action.SEND, Reason.EXPIRED, (),
    ),
    "stale_while_revalidate of the call": (
        {}, {"stale_while_revalidate": True}, {}, STALE, Action.SERVE_AND_REFRESH, Reason.EXPIRED, (),
    ),
    "stale_while_revalidate and refresh": (
        {"stale_while_revalidate": True}, {"refresh": True}, {}, STALE, Action.SEND, Reason.REFRESH, (),
    ),
    "stale_while_revalidate, older than the request accepts, offline": (
        {"only_if_cached": True, "stale_while_revalidate": True}, {}, {"Cache-Control": "max-age=10"}, STALE,
        Action.REFUSE, Reason.TOO_OLD, (),
    ),
    "stale_while_revalidate, at once by the call, never expires": (
        {"stale_while_revalidate": True}, {"expire_after": 0}, {}, NEVER, Action.SEND, Reason.EXPIRED, (),
    ),
    # the caller's conditions, where HTTP is not obeyed
    "If-Match": ({}, {}, {"If-Match": '"2"'}, FRESH_WITH, Action.SERVE, None, ()),
    "several ranges": ({}, {}, {"Range": "bytes=0-1, 3-3"}, FRESH, Action.SERVE, None, ()),
    "no-store in the response": ({}, {}, {}, interaction(50, NO_STORE), Action.SERVE, None, ()),
    # not to be cached
    "another method": ({"allowable_methods": ["POST"]}, {}, {}, FRESH, Action.SEND, Reason.METHOD, ()),
    "another method, offline": (
        {"allowable_methods": [], "only_if_cached": True}, {}, {}, FRESH, Action.REFUSE, Reason.METHOD, (),
    ),
    "no-store": ({}, {}, {"Cache-Control": "no-store"}, FRESH, Action.SEND, Reason.DO_NOT_CACHE, ()),
    "DO_NOT_CACHE": ({"expire_after": DO_NOT_CACHE}, {}, {}, FRESH, Action.SEND, Reason.DO_NOT_CACHE, ()),
    "DO_NOT_CACHE of the call": (
        {}, {"expire_after": DO_NOT_CACHE}, {}, FRESH, Action.SEND, Reason.DO_NOT_CACHE, (),
    ),
    "DO_NOT_CACHE of the URL": (
        {"urls_expire_after": {"*": DO_NOT_CACHE}}, {}, {}, FRESH, Action.SEND, Reason.DO_NOT_CACHE, (),
    ),
    "DO_NOT_CACHE, offline": (
        {"expire_after": DO_NOT_CACHE, "only_if_cached": True}, {}, {}, FRESH,
        Action.REFUSE, Reason.DO_NOT_CACHE, (),
    ),
    "DO_NOT_CACHE, and a value of the call": (
        {"expire_after": DO_NOT_CACHE}, {"expire_after": 5}, {}, FRESH, Action.SERVE, None, (),
    ),
    # fresh, but not fresh enough
    "expires at once by the call": (
        {}, {"expire_after": 0}, {}, FRESH_WITH, Action.SEND, Reason.EXPIRED, CONDITION,
    ),
    "expires at once by the call, offline": (
        {"only_if_cached": True}, {"expire_after": 0}, {}, FRESH, Action.SERVE, None, (),
    ),
    "max-age=0, ignored": (
        {"ignored_parameters": ["Cache-Control"]}, {}, {"Cache-Control": "max-age=0"}, FRESH,
        Action.SERVE, None, (),
    ),
    "no-cache, ignored": (
        {"ignored_parameters": ["cache-control"]}, {}, {"Cache-Control": "no-cache", "Pragma": "no-cache"},
        FRESH, Action.SERVE, None, (),
    ),
    "max-age=0": ({}, {}, {"Cache-Control": "max-age=0"}, FRESH, Action.SEND, Reason.EXPIRED, ()),
    "max-age below the age": (
        {}, {}, {"Cache-Control": "max-age=99"}, FRESH, Action.SEND, Reason.EXPIRED, (),
    ),
    "max-age of that age": ({}, {}, {"Cache-Control": "max-age=100"}, FRESH, Action.SERVE, None, ()),
    "max-age=0 of what has just come": (
        {}, {}, {"Cache-Control": "max-age=0"}, interaction(50, age=0), Action.SEND, Reason.EXPIRED, (),
    ),
    "max-age=1 after a second": (
        {}, {}, {"Cache-Control": "max-age=1"}, interaction(50, age=1), Action.SERVE, None, (),
    ),
    "min-fresh met": ({}, {}, {"Cache-Control": "min-fresh=50"}, FRESH, Action.SERVE, None, ()),
    "min-fresh not met": ({}, {}, {"Cache-Control": "min-fresh=51"}, FRESH, Action.SEND, Reason.EXPIRED, ()),
    "min-fresh, never expires": ({}, {}, {"Cache-Control": "min-fresh=51"}, NEVER, Action.SERVE, None, ()),
    # stale, but fresh enough
    "max-stale": ({}, {}, {"Cache-Control": "max-stale"}, STALE, Action.SERVE, None, ()),
    "max-stale met": ({}, {}, {"Cache-Control": "max-stale=50"}, STALE, Action.SERVE, None, ()),
    "max-stale not met": ({}, {}, {"Cache-Control": "max-stale=49"}, STALE, Action.SEND, Reason.EXPIRED, ()),
    "max-stale, must-revalidate": (
        {"cache_control": True}, {}, {"Cache-Control": "max-stale"},
        interaction(-50, {"Cache-Control": "must-revalidate"}), Action.SEND, Reason.EXPIRED, (),
    ),
    # protected by hand
    "keep": ({}, {"force_refresh": True}, {}, interaction(-50, keep=True), Action.SERVE, None, ()),
    "keep, offline": ({"only_if_cached": True}, {}, {}, interaction(-50, keep=True), Action.SERVE, None, ()),
    "keep, no-store in the response": (
        {"cache_control": True}, {}, {}, interaction(50, NO_STORE, keep=True), Action.SERVE, None, (),
    ),
    "keep, Vary: *": ({}, {}, {}, interaction(50, {"Vary": "*"}, keep=True), Action.SERVE, None, ()),
    "keep, Vary: *, cache_control": (
        {"cache_control": True}, {}, {}, interaction(50, {"Vary": "*"}, keep=True), Action.SERVE, None, (),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "options", "headers", "stored", "action", "reason", "conditions"), PLANS.values(), ids=PLANS
)
def test_plan(
    settings: dict[str, Any],
    options: dict[str, Any],
    headers: dict[str, str],
    stored: Interaction | None,
    action: Action,
    reason: Reason | None,
    conditions: Any,
) -> None:
    chosen = parse_options(**options)
    held = chosen.applied_to(of_session(**settings))
    decided = plan(asking(headers), [] if stored is None else [stored], held, chosen, NOW)
    assert (decided.action, decided.reason, decided.conditions) == (action, reason, conditions)
    not_cached = reason in (Reason.METHOD, Reason.DO_NOT_CACHE)
    assert (decided.forbidden is not None) is not_cached
    assert decided.stored is (None if not_cached else stored)
    if decided.stored is not None and stored is not None:
        assert decided.expires == stored.expires


@pytest.mark.parametrize("name", ["refresh", "force_refresh"])
def test_refresh_of_a_whole_test_is_planned_as_that_of_a_call(name: str) -> None:
    decided = plan(asking(), [FRESH_WITH], of_test(**{name: True}), Options(), NOW)
    assert (decided.action, decided.reason) == (Action.SEND, Reason.REFRESH)
    assert decided.conditions == (CONDITION if name == "refresh" else ())


@pytest.mark.parametrize(
    ("settings", "stored", "reason", "is_replaced"),
    [
        ({}, interaction(50, status=206, asked={"Range": "bytes=0-1"}), Reason.CONDITION, False),
        ({"cache_control": True}, interaction(50, NO_STORE), Reason.DO_NOT_CACHE, True),
    ],
    ids=["a part", "before cache_control was set"],
)
def test_what_is_recorded_and_may_not_be_used_says_why(
    settings: dict[str, Any], stored: Interaction, reason: Reason, is_replaced: bool
) -> None:
    decided = plan(asking(), [stored], of_session(**settings), Options(), NOW)
    assert decided == Plan(Action.SEND, reason=reason, passed_over=stored if is_replaced else None)
    assert decided.replaced_by_answer_to(asking()) is decided.passed_over


@pytest.mark.parametrize(
    ("settings", "stored", "action"),
    [
        ({}, STALE_WITH, Action.SEND),
        ({"refresh": True}, FRESH_WITH, Action.SEND),
        ({"stale_while_revalidate": True}, STALE_WITH, Action.SERVE_AND_REFRESH),
        ({"always_revalidate": True}, FRESH_WITH, Action.SERVE),
    ],
)
def test_only_get_and_head_are_sent_with_validators(
    settings: dict[str, Any], stored: Interaction, action: Action
) -> None:
    for method in ("PUT", "POST", "OPTIONS"):
        held = replace(stored, request=asking(method=method))
        decided = plan(held.request, [held], of_test(**settings), Options(), NOW)
        assert (decided.action, decided.conditions) == (action, ())


def test_reason_for_a_miss_may_be_given() -> None:
    assert plan(asking(), [], Settings(), Options(), NOW, missing=Reason.USED_UP).reason is Reason.USED_UP


# --- variants

VARIANTS: list[tuple[Any, ...]] = [
    # Vary, recorded with, asked with, in a session, in a test
    ({}, {"Accept": "a"}, {"Accept": "b"}, True, True),
    ({"Vary": "Accept"}, {"Accept": "a"}, {"accept": "a"}, True, True),
    ({"Vary": "Accept"}, {"Accept": "a"}, {"Accept": "b"}, False, False),
    ({"Vary": "Accept"}, {"Accept": "a"}, {}, False, False),
    ({"Vary": "Accept"}, {}, {"Accept": "a"}, False, False),
    ({"Vary": "Accept"}, {}, {"Accept": "*/*"}, True, True),
    ({"Vary": "Accept"}, {}, {}, True, True),
    ({"Vary": "Accept"}, {"Accept": "a,b"}, [("Accept", "a"), ("Accept", "b")], True, True),
    ({"Vary": "Accept"}, {"Accept": "a,  b "}, {"Accept": "a,b"}, True, True),
    ({"Vary": "Accept, X"}, {"Accept": "a", "X": "1"}, {"Accept": "a", "X": "2"}, False, False),
    ([("Vary", "Accept"), ("Vary", "X")], {"X": "1"}, {"X": "2"}, False, False),
    ({"Vary": "Accept-Encoding"}, {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "zstd"}, True, True),
    ({"Vary": "User-Agent"}, {"User-Agent": "1"}, {"User-Agent": "2"}, False, True),
    ({"Vary": "Authorization"}, {"Authorization": "Bearer REDACTED-x"}, {"Authorization": "y"}, True, True),
    ({"Vary": "Authorization"}, {"Authorization": "Bearer REDACTED-x"}, {}, False, False),
    ({"Vary": "*"}, {}, {}, False, True),
]


@pytest.mark.parametrize(("vary", "recorded", "asked", "in_session", "in_test"), VARIANTS)
def test_variant_is_selected_by_the_fields_that_vary_names(
    vary: Fields, recorded: Fields, asked: Fields, in_session: bool, in_test: bool
) -> None:
    candidate = interaction(50, vary, asked=recorded)
    for settings, expected in ((of_session(), in_session), (of_test(), in_test)):
        assert (select(asking(asked), [candidate], settings) is candidate) is expected
        decided = plan(asking(asked), [candidate], settings, Options(), NOW)
        assert decided.reason is (None if expected else Reason.VARY)


def test_a_write_is_left_to_the_origin_where_http_alone_says_what_is_good_for_how_long() -> None:
    settings = of_session(
        expire_after=HTTP_ONLY, cache_control=True, allowable_methods=["POST"], only_if_cached=True
    )
    decided = plan(asking(method="POST"), [interaction(50)], settings, Options(), NOW)
    assert (decided.action, decided.reason) == (Action.REFUSE, Reason.ORIGIN_ALONE)


def test_vary_asterisk_never_matches_with_cache_control() -> None:
    stored, settings = interaction(50, {"Vary": "*"}), of_test(cache_control=True)
    assert select(asking(), [stored], settings) is None
    assert not is_stored_rightly(stored, settings)


@pytest.mark.parametrize(
    ("name", "recorded", "asked"),
    [
        ("Accept-Encoding", {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "zstd"}),
        ("User-Agent", {"User-Agent": "1"}, {"User-Agent": "2"}),
        ("Cookie", [("Cookie", "a=REDACTED"), ("Cookie", "b=1")], {"Cookie": "a=2"}),
    ],
)
def test_test_that_obeys_http_is_tied_to_no_client_and_no_credential(
    name: str, recorded: Fields, asked: Fields
) -> None:
    stored = interaction(50, {"Vary": name}, asked=recorded)
    assert select(asking(asked), [stored], of_test(cache_control=True)) is stored
    assert select(asking(asked), [stored], of_session(cache_control=True)) is None


def test_order_of_preferences_says_something_where_http_is_not_obeyed() -> None:
    stored = interaction(50, {"Vary": "Accept"}, asked={"Accept": "a/b, c/d"})
    request = asking({"Accept": "c/d, a/b"})
    assert select(request, [stored], of_session(cache_control=True)) is stored
    assert select(request, [stored], of_session()) is None


@pytest.mark.parametrize("name", ["User-Agent", "Accept-Encoding", "Accept-Language"])
@pytest.mark.parametrize(
    "settings",
    [of_session(), of_session(cache_control=True), of_test(), of_test(cache_control=True)],
    ids=["session", "session, HTTP", "test", "test, HTTP"],
)
def test_recordings_are_told_apart_as_they_are_selected(settings: Settings, name: str) -> None:
    """What one of them answers as well as the other is the same recording."""
    one, other = (interaction(headers={"Vary": name}, asked={name: value}) for value in ("x", "y"))
    is_same = variant(one, settings) == variant(other, settings)
    assert is_same is varies_as(one, other.request, settings)


@pytest.mark.parametrize(
    ("settings", "options", "asked", "method", "conditions"),
    [
        ({"cache_control": True}, {}, {}, "GET", CONDITION),
        ({}, {}, {}, "GET", ()),
        ({"cache_control": True, "only_if_cached": True}, {}, {}, "GET", ()),
        ({"cache_control": True}, {"force_refresh": True}, {}, "GET", ()),
        ({"cache_control": True}, {}, {"If-None-Match": '"9"'}, "GET", ()),
        ({"cache_control": True}, {}, {}, "POST", ()),
    ],
)
def test_other_variants_are_validated_where_the_answer_may_be_one_of_them(
    settings: dict[str, Any], options: dict[str, Any], asked: dict[str, str], method: str, conditions: Any
) -> None:
    given = of_session(allowable_methods=["GET", "POST"], **settings)
    stored = interaction(50, {"Vary": "A", **ETAG}, asked={"A": "1"})
    stored = replace(stored, request=replace(stored.request, method=method))
    request = asking({"A": "2", **asked}, method)
    decided = plan(request, [stored], given, parse_options(**options), NOW)
    assert (decided.reason, decided.conditions) == (Reason.VARY, conditions)
    assert decided.related == ((stored,) if conditions else ())


def test_refresh_of_a_whole_test_fetches_what_varies_anew() -> None:
    stored = interaction(50, {"Vary": "A", **ETAG}, asked={"A": "1"})
    for name, conditions in (("refresh", CONDITION), ("force_refresh", ())):
        settings = of_test(cache_control=True, **{name: True})
        assert plan(asking({"A": "2"}), [stored], settings, Options(), NOW).conditions == conditions


def test_one_condition_for_variants_without_entity_tags_is_none() -> None:
    stored = interaction(50, {"Vary": "A", **MODIFIED}, asked={"A": "1"})
    assert plan(asking({"A": "2"}), [stored], of_session(cache_control=True), Options(), NOW).conditions == ()


@pytest.mark.parametrize(
    ("recorded", "asked", "same"),
    [
        ({"Range": "bytes=0-1"}, {"Range": "bytes=0-1"}, True),
        ({"Range": "bytes=0-1"}, {"Range": "bytes=0-2"}, False),
        ({"Range": "bytes=0-1"}, {}, False),
        ({"Range": "bytes=0-1", "If-Range": '"1"'}, {"If-Range": '"1"', "range": "bytes=0-1"}, True),
        ({"Range": "bytes=0-1", "If-Range": '"1"'}, {"If-Range": '"1"'}, False),
        ({"Range": "bytes=0-1", "A": "1"}, {"Range": "bytes=0-1", "A": "2"}, True),
        ({"If-Match": "REDACTED"}, {"If-Match": '"1"'}, True),
        ({"If-Match": "REDACTED"}, {"If-None-Match": '"1"'}, False),
    ],
)
def test_part_answers_the_same_conditions_and_range_alone(
    recorded: Fields, asked: Fields, same: bool
) -> None:
    stored = interaction(50, status=206, asked=recorded)
    assert (select(asking(asked), [stored], of_test()) is stored) is same


@pytest.mark.parametrize(("is_http", "first", "latest"), [(True, 5, 0), (True, 0, 1), (False, 5, 1)])
def test_latest_is_so_by_its_date_or_as_it_was_stored(is_http: bool, first: float, latest: int) -> None:
    held = [
        interaction(50, {"Date": format_http_date(NOW + seconds(later))}, status=status)
        for later, status in ((first, 200), (0, 203))
    ]
    assert select(asking(), held, of_session(cache_control=is_http)) is held[latest]


def test_latest_of_several_variants_counts() -> None:
    one = interaction(1, {"Vary": "Accept"}, asked={"Accept": "a"})
    other = interaction(2, {"Vary": "Accept"}, asked={"Accept": "b"})
    newer = interaction(3, {"Vary": "Accept"}, asked={"Accept": "a"})
    assert select(asking({"Accept": "a"}), [one, other, newer], Settings()) is newer
    assert select(asking({"Accept": "b"}), [one, other, newer], Settings()) is other


# --- how long what is stored is good for

DATE = {"Date": format_http_date(NOW)}


@pytest.mark.parametrize(
    ("headers", "lifetime"),
    [
        ({}, None),
        ({"Cache-Control": "public"}, None),
        ({"Cache-Control": "max-age=5"}, 5),
        ({"Cache-Control": "max-age=0"}, 0),
        ({"Cache-Control": 'max-age="5"'}, 5),
        ({"Cache-Control": "max-age=soon"}, 0),
        ({"Cache-Control": "max-age=5, max-age=9"}, 5),
        ({"Cache-Control": "s-maxage=9"}, None),  # that is for shared caches
        ({"Cache-Control": "no-cache"}, 0),
        ({"Cache-Control": "no-cache, max-age=5"}, 0),
        ({"Cache-Control": 'no-cache="Set-Cookie", max-age=5'}, 5),
        ({**DATE, "Expires": "Mon, 01 Jun 2026 12:00:05 GMT"}, 5),
        ({**DATE, "Expires": "Mon, 01 Jun 2026 12:00:00 GMT"}, 0),
        ({**DATE, "Expires": "Mon, 01 Jun 2026 11:00:00 GMT"}, 0),
        ({**DATE, "Expires": "0"}, 0),
        ({**DATE, "Expires": ""}, 0),
        ([*DATE.items(), ("Expires", "0"), ("Expires", "Mon, 01 Jun 2026 12:00:05 GMT")], 0),
        ({"Expires": "Mon, 01 Jun 2026 12:00:05 GMT"}, 5),  # without a Date, from when it came
        ({"Date": "today", "Expires": "Mon, 01 Jun 2026 12:00:05 GMT"}, 5),
        ({**DATE, "Expires": "Mon, 01 Jun 2026 12:00:05 GMT", "Cache-Control": "max-age=9"}, 9),
    ],
)
def test_explicit_lifetime(headers: Fields, lifetime: float | None) -> None:
    expected = None if lifetime is None else seconds(lifetime)
    assert explicit_lifetime(fields(headers), NOW) == expected
    assert http_lifetime(200, fields(headers), NOW) == (expected or timedelta(0))


@pytest.mark.parametrize(
    ("status", "headers", "lifetime"),
    [
        (200, {**DATE, **MODIFIED}, timedelta(days=1)),
        (206, {**DATE, **MODIFIED}, timedelta(days=1)),
        (404, {**DATE, **MODIFIED}, timedelta(days=1)),
        (302, {**DATE, **MODIFIED}, timedelta(0)),
        (302, {**DATE, **MODIFIED, "Cache-Control": "public"}, timedelta(days=1)),
        (200, MODIFIED, timedelta(days=1)),  # without a Date, from when it came
        (200, DATE, timedelta(0)),
        (200, {**DATE, "Last-Modified": "Tue, 02 Jun 2026 12:00:00 GMT"}, timedelta(0)),
        (200, {**DATE, "Last-Modified": "long ago"}, timedelta(0)),
    ],
)
def test_heuristic_lifetime(status: int, headers: Fields, lifetime: timedelta) -> None:
    assert heuristic_lifetime(status, fields(headers), NOW) == lifetime
    assert http_lifetime(status, fields(headers), NOW) == lifetime


def test_century_of_a_year_of_two_digits_is_that_of_the_receipt() -> None:
    received = datetime(2090, 1, 1, tzinfo=timezone.utc)
    changed, came, ends = (f"Sunday, {day:02}-Jan-89 00:00:00 GMT" for day in (2, 12, 13))
    headers = fields({"Last-Modified": changed, "Date": came})
    assert heuristic_lifetime(200, headers, received) == timedelta(days=1)
    assert initial_age(headers, received) == timedelta(days=354)
    assert explicit_lifetime(fields({"Date": came, "Expires": ends}), received) == timedelta(days=1)


@pytest.mark.parametrize(
    ("headers", "age"),
    [
        ({}, 0),
        (DATE, 0),
        ({"Date": "Mon, 01 Jun 2026 11:59:50 GMT"}, 10),
        ({"Date": "Mon, 01 Jun 2026 12:00:10 GMT"}, 0),
        ({"Date": "today"}, 0),
        ({"Age": "7"}, 7),
        ({"Date": "Mon, 01 Jun 2026 11:59:50 GMT", "Age": "7"}, 10),
        ({"Date": "Mon, 01 Jun 2026 11:59:50 GMT", "Age": "11"}, 11),
        ({"Age": "old"}, 0),
    ],
)
def test_age_when_received(headers: Fields, age: float) -> None:
    assert initial_age(fields(headers), NOW + timedelta(microseconds=999_999)) == seconds(age)


@pytest.mark.parametrize(("recorded_ago", "age"), [(0, 7), (100, 107), (-100, 7)])
def test_age_now(recorded_ago: float, age: float) -> None:
    assert current_age(interaction(headers={"Age": "7"}, age=recorded_ago), NOW) == seconds(age)


EXPIRIES: dict[str, tuple[Any, ...]] = {
    # name: settings, stored (recorded 100 s ago), expires in so many seconds from now; None for never
    "session": (of_session(expire_after=5), interaction(), None),
    "session, written": (of_session(expire_after=5), interaction(70), 70),
    "session, written never": (of_session(expire_after=5), interaction(Special.NEVER), None),
    "session, cache_control": (
        of_session(cache_control=True), interaction(None, {"Cache-Control": "max-age=170"}), 70
    ),
    "session, written, cache_control": (
        of_session(cache_control=True), interaction(30, {"Cache-Control": "max-age=170"}), 30
    ),
    "session, cache_control off": (of_session(), interaction(None, {"Cache-Control": "max-age=170"}), None),
    "test": (of_test(expire_after=170), interaction(), 70),
    "test, never": (of_test(), interaction(), None),
    "test, by URL": (of_test(expire_after=5, urls_expire_after={"example.com": 170}), interaction(), 70),
    "test, at once": (of_test(expire_after=0), interaction(), -100),
    "test, not to be cached": (of_test(expire_after=DO_NOT_CACHE), interaction(), None),
    "test, a moment": (of_test(expire_after=NOW + seconds(70)), interaction(), 70),
    "test, written": (of_test(expire_after=5), interaction(70), 70),
    "test, written never": (of_test(expire_after=5), interaction(Special.NEVER), None),
    "test, from the future": (of_test(expire_after=70), interaction(age=-1000), 70),
    "test, cache_control": (
        of_test(cache_control=True, expire_after=5), interaction(None, {"Cache-Control": "max-age=170"}), 70
    ),
    "test, cache_control and age": (
        of_test(cache_control=True), interaction(None, {"Cache-Control": "max-age=170", "Age": "60"}), 10
    ),
    "test, cache_control, from the future": (
        of_test(cache_control=True), interaction(None, {"Cache-Control": "max-age=70"}, age=-1000), 70
    ),
    "test, cache_control, nothing said": (of_test(cache_control=True, expire_after=170), interaction(), 70),
    "test, HTTP": (of_test(expire_after=HTTP_ONLY), interaction(None, {"Cache-Control": "max-age=170"}), 70),
    "test, HTTP, nothing said": (of_test(expire_after=HTTP_ONLY), interaction(), -100),
    "test, longer than time is": (
        of_test(cache_control=True, expire_after=5),
        interaction(None, {"Cache-Control": "max-age=9999999999"}), 2**31 - 100
    ),
}  # fmt: skip


@pytest.mark.parametrize(("settings", "stored", "expected"), EXPIRIES.values(), ids=EXPIRIES)
def test_expiry_of_what_is_stored(settings: Settings, stored: Interaction, expected: float | None) -> None:
    assert expiry_of(stored, URL, settings, NOW) == (None if expected is None else NOW + seconds(expected))


# --- validation


@pytest.mark.parametrize(
    ("headers", "conditions"),
    [
        ({}, {}),
        (ETAG, {"If-None-Match": '"1"'}),
        (MODIFIED, {"If-Modified-Since": MODIFIED["Last-Modified"]}),
        ({**ETAG, **MODIFIED}, {"If-None-Match": '"1"', "If-Modified-Since": MODIFIED["Last-Modified"]}),
        ({"ETag": 'W/"1"'}, {"If-None-Match": 'W/"1"'}),
    ],
)
def test_conditions_come_from_the_stored_validators(headers: Fields, conditions: Fields) -> None:
    assert has_validator(fields(headers)) is bool(headers)
    assert validators(interaction(50, headers), asking()) == fields(conditions).items


@pytest.mark.parametrize(
    ("stored", "fresh", "updated"),
    [
        ({"A": "1", "B": "1"}, {}, {"A": "1", "B": "1"}),
        ({"A": "1", "B": "1"}, {"a": "2"}, {"A": "2", "B": "1"}),
        ({"A": "1"}, {"C": "3"}, {"A": "1", "C": "3"}),
        ({"Content-Type": "a/b"}, {"Content-Type": "c/d", "Content-Length": "0"}, {"Content-Type": "a/b"}),
        ({"A": "1"}, {"Connection": "X-Hop", "X-Hop": "1", "Keep-Alive": "5"}, {"A": "1"}),
        (
            [("Link", "<1>"), ("A", "1")],
            [("Link", "<2>"), ("Link", "<3>")],
            [("A", "1"), ("Link", "<2>"), ("Link", "<3>")],
        ),
        ([("Link", "<1>"), ("Link", "<2>")], {"Link": "<3>"}, {"Link": "<3>"}),
    ],
)
def test_fields_of_a_304_take_their_places(stored: Fields, fresh: Fields, updated: Fields) -> None:
    assert update_headers(fields(stored), fields(fresh)) == fields(updated)


# --- when a response has come back

PLAIN = Plan(Action.SEND)


def sent(stored: Interaction | None, conditions: Any = (), **more: Any) -> Plan:
    return Plan(Action.SEND, stored, stored.expires if stored else None, conditions=conditions, **more)  # type: ignore[arg-type]


SETTLED: dict[str, tuple[Any, ...]] = {
    # name: settings, options, request headers, plan, status, response headers, outcome, expires in, why
    "stored for ever": (of_session(), {}, {}, PLAIN, 200, {}, Outcome.STORE, None, ""),
    "stored": (of_session(expire_after=5), {}, {}, PLAIN, 200, {}, Outcome.STORE, 5, ""),
    "stored, never by the call": (
        of_session(expire_after=5), {"expire_after": -1}, {}, PLAIN, 200, {}, Outcome.STORE, Special.NEVER, ""
    ),
    "stored, max-age of the request": (
        of_session(expire_after=5), {"expire_after": 6}, {"Cache-Control": "max-age=7"}, PLAIN, 200, {},
        Outcome.STORE, 7, "",
    ),
    "stored, max-age of the request, and HTTP by the call": (
        of_session(expire_after=5), {"expire_after": HTTP_ONLY}, {"Cache-Control": "max-age=7"},
        PLAIN, 200, {}, Outcome.STORE, 0, "",
    ),
    "stored, max-age of the request, and a value of the call instead of HTTP": (
        of_session(expire_after=HTTP_ONLY), {"expire_after": 6}, {"Cache-Control": "max-age=7"},
        PLAIN, 200, {}, Outcome.STORE, 7, "",
    ),
    "stored, longer than time is": (
        of_session(expire_after=timedelta(days=3_000_000)), {}, {}, PLAIN, 200, {},
        Outcome.STORE, Special.NEVER, "",
    ),
    "stored, HTTP": (
        of_session(expire_after=HTTP_ONLY), {}, {}, PLAIN, 200, {"Cache-Control": "max-age=7", "Age": "1"},
        Outcome.STORE, 6, "",
    ),
    "stored, HTTP, nothing said": (
        of_session(expire_after=HTTP_ONLY), {}, {}, PLAIN, 200, {}, Outcome.STORE, 0, "",
    ),
    "stored, cache_control": (
        of_session(cache_control=True, expire_after=5), {"expire_after": 6}, {"Cache-Control": "max-age=7"},
        PLAIN, 200, {"Cache-Control": "max-age=8"}, Outcome.STORE, 8, "",
    ),
    "stored, cache_control, nothing said": (
        of_session(cache_control=True, expire_after=5), {}, {}, PLAIN, 200, {}, Outcome.STORE, 5, ""
    ),
    "stored, what the response says not obeyed": (
        of_session(expire_after=5), {}, {}, PLAIN, 200, {"Cache-Control": "max-age=8"}, Outcome.STORE, 5, "",
    ),
    "redirect": (of_session(), {}, {}, PLAIN, 302, {}, Outcome.STORE, None, ""),
    "redirect, HTTP": (
        of_session(cache_control=True, expire_after=HTTP_ONLY), {}, {}, PLAIN, 302, {},
        Outcome.PASS, None, "nothing says that it may be stored",
    ),
    "redirect, HTTP, not obeyed": (
        of_session(expire_after=HTTP_ONLY), {}, {}, PLAIN, 302, {}, Outcome.STORE, 0, "",
    ),
    "redirect, HTTP, in a test": (
        of_test(cache_control=True, expire_after=HTTP_ONLY), {}, {}, PLAIN, 302, {}, Outcome.STORE, None, "",
    ),
    # at once
    "at once": (of_session(expire_after=0), {}, {}, PLAIN, 200, {}, Outcome.PASS, None, "immediately"),
    "at once, with validator": (of_session(expire_after=0), {}, {}, PLAIN, 200, ETAG, Outcome.STORE, 0, ""),
    "at once, with date": (of_session(expire_after=0), {}, {}, PLAIN, 200, MODIFIED, Outcome.STORE, 0, ""),
    "at once by the request": (
        of_session(), {}, {"Cache-Control": "max-age=0"}, PLAIN, 200, {}, Outcome.PASS, None, "immediately"
    ),
    "at once, but the response says more": (
        of_session(expire_after=0, cache_control=True), {}, {}, PLAIN, 200, {"Cache-Control": "max-age=5"},
        Outcome.STORE, 5, "",
    ),
    "at once, and what the response says not obeyed": (
        of_session(expire_after=0), {}, {}, PLAIN, 200, {"Cache-Control": "max-age=5"},
        Outcome.PASS, None, "immediately",
    ),
    "at once, and so says the response": (
        of_session(expire_after=0, cache_control=True), {}, {}, PLAIN, 200, {"Cache-Control": "max-age=0"},
        Outcome.PASS, None, "immediately",
    ),
    "at once, in a test": (of_test(expire_after=0), {}, {}, PLAIN, 200, {}, Outcome.STORE, None, ""),
    # not stored
    "forbidden by the request": (
        of_session(), {}, {}, sent(None, forbidden=Reason.METHOD), 200, {}, Outcome.PASS, None,
        "method not stored",
    ),
    "status": (of_session(), {}, {}, PLAIN, 404, {}, Outcome.PASS, None, "status 404"),
    "partial": (of_session(allowable_codes=[200, 206]), {}, {}, PLAIN, 206, {}, Outcome.PASS, None, "range"),
    "partial in a test": (of_test(), {}, {}, PLAIN, 206, {}, Outcome.STORE, None, ""),
    "304 to the caller": (
        of_session(allowable_codes=[200, 304]), {}, {}, PLAIN, 304, {}, Outcome.PASS, None, "condition",
    ),
    "Vary: *": (of_session(), {}, {}, PLAIN, 200, {"Vary": "*"}, Outcome.PASS, None, "Vary"),
    "Vary: * in a test": (of_test(), {}, {}, PLAIN, 200, {"Vary": "*"}, Outcome.STORE, None, ""),
    "Vary: * with cache_control": (
        of_test(cache_control=True), {}, {}, PLAIN, 200, {"Vary": "*"}, Outcome.PASS, None, "Vary"
    ),
    "no-store, not obeyed": (
        of_session(), {}, {}, PLAIN, 200, {"Cache-Control": "no-store"}, Outcome.STORE, None, "",
    ),
    "no-store": (
        of_session(cache_control=True), {}, {}, PLAIN, 200, {"Cache-Control": "no-store"},
        Outcome.PASS, None, "no-store",
    ),
    "no-store, must-understand": (
        of_session(cache_control=True), {}, {}, PLAIN, 200, {"Cache-Control": "no-store, must-understand"},
        Outcome.STORE, None, "",
    ),
    "must-understand": (
        of_session(cache_control=True, allowable_codes=[299]), {}, {}, PLAIN, 299,
        {"Cache-Control": "must-understand"}, Outcome.PASS, None, "not understood",
    ),
    "partial, cache_control, in a test": (
        of_test(cache_control=True), {}, {}, PLAIN, 206, {}, Outcome.PASS, None, "status 206"
    ),
    # 304 to our condition
    "freshened": (
        of_session(expire_after=5), {}, {}, sent(STALE_WITH, CONDITION), 304, {}, Outcome.FRESHEN, 5, "",
    ),
    "freshened by the call": (
        of_session(expire_after=5), {"expire_after": 9}, {}, sent(STALE_WITH, CONDITION), 304, {},
        Outcome.FRESHEN, 9, "",
    ),
    "freshened, cache_control": (
        of_session(cache_control=True), {}, {},
        sent(STALE_WITH, CONDITION), 304, {"Cache-Control": "max-age=9"},
        Outcome.FRESHEN, 9, "",
    ),
    "freshened, in a test": (
        of_test(expire_after=5), {}, {}, sent(STALE_WITH, CONDITION), 304, {}, Outcome.FRESHEN, None, "",
    ),
    "freshened by another validator, not obeyed": (
        of_session(), {}, {}, sent(STALE_WITH, CONDITION), 304, {"ETag": '"2"'}, Outcome.FRESHEN, None, "",
    ),
    "304 with another validator": (
        of_session(cache_control=True), {}, {}, sent(STALE_WITH, CONDITION), 304, {"ETag": '"2"'},
        Outcome.ASK_AGAIN, None, "another validator",
    ),
    "freshened, not to be cached any more": (
        of_session(expire_after=DO_NOT_CACHE), {}, {}, sent(STALE_WITH, CONDITION), 304, {},
        Outcome.FRESHEN, None, "",
    ),
    "freshened with no-store, not obeyed": (
        of_session(), {}, {}, sent(STALE_WITH, CONDITION), 304, NO_STORE, Outcome.FRESHEN, None, "",
    ),
    "304 without our condition": (
        of_session(), {}, {}, sent(STALE), 304, {}, Outcome.PASS, None, "status 304",
    ),
    # replaced
    "replaced": (
        of_session(expire_after=5), {}, {}, sent(STALE_WITH, CONDITION), 200, {}, Outcome.STORE, 5, "",
    ),
    # errors
    "error": (of_session(), {}, {}, sent(STALE), 500, {}, Outcome.PASS, None, "status 500"),
    "error, stale_if_error": (
        of_session(stale_if_error=50), {}, {}, sent(STALE), 500, {}, Outcome.USE_STALE, None, "500"
    ),
    "error, stale_if_error exceeded": (
        of_session(stale_if_error=49), {}, {}, sent(STALE), 500, {}, Outcome.PASS, None, "status 500"
    ),
    "error, stale_if_error, nothing stored": (
        of_session(stale_if_error=True), {}, {}, PLAIN, 500, {}, Outcome.PASS, None, "status 500"
    ),
    "error, asked for": (
        of_session(), {}, {"Cache-Control": "stale-if-error=50"},
        sent(STALE), 500, {}, Outcome.USE_STALE, None, "500"
    ),
    "error that may be stored, asked for": (
        of_session(allowable_codes=[200, 500]), {}, {"Cache-Control": "stale-if-error=50"},
        sent(STALE), 500, {}, Outcome.USE_STALE, None, "500"
    ),
    "error that may be stored, asked for, cache_control": (
        of_session(cache_control=True, allowable_codes=[200, 500]), {},
        {"Cache-Control": "stale-if-error=50"}, sent(STALE), 500, {}, Outcome.USE_STALE, None, "500"
    ),
    "error that may be stored, stale_if_error, cache_control": (
        of_session(cache_control=True, stale_if_error=True, allowable_codes=[200, 500]), {}, {},
        sent(STALE), 500, {}, Outcome.STORE, None, ""
    ),
    # RFC 5861 section 4: the directive is for 500, 502, 503 and 504
    "404, asked for": (
        of_session(), {}, {"Cache-Control": "stale-if-error=50"},
        sent(STALE), 404, {}, Outcome.PASS, None, "404"
    ),
    "404, stale_if_error": (
        of_session(stale_if_error=True), {}, {}, sent(STALE), 404, {}, Outcome.USE_STALE, None, "404",
    ),
    "404 allowed, stale_if_error": (
        of_session(stale_if_error=True, allowable_codes=[200, 404]), {}, {}, sent(STALE), 404, {},
        Outcome.STORE, None, "",
    ),
    # a test never loses a good recording
    "500 in a test": (of_test(), {}, {}, sent(STALE), 500, {}, Outcome.KEEP, None, "answered 500"),
    "401 in a test": (of_test(), {}, {}, sent(STALE), 401, {}, Outcome.KEEP, None, "answered 401"),
    **{
        f"{status} in a test": (
            of_test(), {}, {}, sent(STALE), status, {}, Outcome.KEEP, None, f"answered {status}",
        )
        for status in (403, 407, 408, 425, 429)
    },
    "409 in a test": (of_test(), {}, {}, sent(STALE), 409, {}, Outcome.STORE, None, ""),
    "426 in a test": (of_test(), {}, {}, sent(STALE), 426, {}, Outcome.STORE, None, ""),
    "401 after 400 in a test": (
        of_test(), {}, {}, sent(interaction(-50, status=400)), 401, {}, Outcome.STORE, None, "",
    ),
    "404 in a test": (of_test(), {}, {}, sent(STALE), 404, {}, Outcome.STORE, None, ""),
    "401 after 403 in a test": (
        of_test(), {}, {}, sent(interaction(-50, status=403)), 401, {}, Outcome.STORE, None, "",
    ),
    "401 first in a test": (of_test(), {}, {}, PLAIN, 401, {}, Outcome.STORE, None, ""),
    "503 first in a test": (of_test(), {}, {}, PLAIN, 503, {}, Outcome.PASS, None, "status 503"),
    # what a test writes down
    "test, explicit": (
        of_test(expire_after=5), {"expire_after": 9}, {}, PLAIN, 200, {}, Outcome.STORE, 9, "",
    ),
    "test, explicit never": (
        of_test(), {"expire_after": "never"}, {}, PLAIN, 200, {}, Outcome.STORE, Special.NEVER, "",
    ),
    "test, explicit, over it cache_control": (
        of_test(cache_control=True), {"expire_after": 9}, {}, PLAIN, 200, {"Cache-Control": "max-age=5"},
        Outcome.STORE, None, "",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "options", "asked", "decided", "status", "headers", "outcome", "expires", "why"),
    SETTLED.values(),
    ids=SETTLED,
)
def test_settle(
    settings: Settings,
    options: dict[str, Any],
    asked: Fields,
    decided: Plan,
    status: int,
    headers: Fields,
    outcome: Outcome,
    expires: Any,
    why: str,
) -> None:
    verdict = settle(decided, asking(asked), status, fields(headers), settings, parse_options(**options), NOW)
    assert verdict.outcome is outcome
    assert why in verdict.why
    assert bool(verdict.why) is bool(why)
    assert verdict.expires == (NOW + seconds(expires) if isinstance(expires, int) else expires)


@pytest.mark.parametrize(("method", "outcome"), [("POST", Outcome.STORE), ("GET", Outcome.PASS)])
def test_answer_to_the_condition_of_a_write_is_recorded_in_a_test(method: str, outcome: Outcome) -> None:
    request = asking({"If-Match": '"1"'}, method)
    verdict = settle(PLAIN, request, 412, Headers(), of_test(cache_control=True), Options(), NOW)
    assert verdict.outcome is outcome


def test_304_merges_its_fields_into_the_stored_ones() -> None:
    stored = interaction(-50, {**ETAG, "Content-Type": "a/b", "X": "1"})
    fresh = fields({"X": "2", "Content-Type": "c/d"})
    verdict = settle(sent(stored, CONDITION), asking(), 304, fresh, Settings(), Options(), NOW)
    merged = fields({**ETAG, "Content-Type": "a/b", "X": "2"})
    assert verdict == Verdict(Outcome.FRESHEN, merged, shown=merged)


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        (of_session(cache_control=True), {}),
        (of_session(expire_after=HTTP_ONLY), {}),
        (of_test(expire_after=HTTP_ONLY), {}),
        (of_test(), {"expire_after": HTTP_ONLY}),
    ],
)
def test_304_makes_the_age_start_anew_where_it_counts(settings: Settings, options: dict[str, Any]) -> None:
    old = {"Date": format_http_date(NOW - seconds(100)), "Age": "50", "Cache-Control": "max-age=60"}
    stored = interaction(-50, {**ETAG, **old})
    verdict = settle(
        sent(stored, CONDITION), asking(), 304, fields(ETAG), settings, parse_options(**options), NOW
    )
    confirmed = replace(stored, response=replace(stored.response, headers=verdict.headers), created_at=NOW)
    assert current_age(confirmed, NOW) == seconds(0)
    assert expiry_of(replace(confirmed, expires=verdict.expires), URL, settings, NOW) == NOW + seconds(60)


@pytest.mark.parametrize(
    ("settings", "asked", "stored", "accepted"),
    [
        ({}, {}, STALE, False),
        ({"stale_if_error": True}, {}, STALE, True),
        ({"stale_if_error": True}, {}, NEVER, True),
        ({"stale_if_error": 1}, {}, FRESH, True),
        ({"stale_if_error": 1}, {}, NEVER, True),
        ({"stale_if_error": True}, {}, None, False),
        ({"stale_if_error": 49}, {}, STALE, False),
        ({}, {"Cache-Control": "stale-if-error=50"}, STALE, True),
        ({}, {"Cache-Control": "stale-if-error=49"}, STALE, False),
        ({"cache_control": True}, {}, interaction(-50, {"Cache-Control": "stale-if-error=50"}), True),
        ({"cache_control": False}, {}, interaction(-50, {"Cache-Control": "stale-if-error=50"}), False),
        (
            {"cache_control": True, "stale_if_error": True},
            {},
            interaction(-50, {"Cache-Control": "proxy-revalidate"}),
            False,
        ),
    ],
)
def test_exception_is_answered_by_what_stale_if_error_accepts(
    settings: dict[str, Any], asked: Fields, stored: Interaction | None, accepted: bool
) -> None:
    assert settle_error(sent(stored), asking(asked), of_session(**settings), NOW) is accepted


@pytest.mark.parametrize(
    ("settings", "stored_status", "status", "error"),
    [
        (of_session(), 200, 399, False),
        (of_session(), 200, 400, True),
        (of_session(), 200, 404, True),
        (of_session(), None, 404, True),
        (of_session(allowable_codes=[404]), 200, 404, False),
        (of_session(allowable_codes=[404]), 404, 500, True),
        (of_test(), 200, 404, True),
        (of_test(), None, 404, True),
        (of_test(), 404, 404, False),
        (of_test(), 400, 404, False),
        (of_test(), 404, 500, True),
        (of_test(), 404, 429, True),
        (of_test(allowable_codes=[200]), 404, 404, True),
    ],
)
def test_what_is_an_error(settings: Settings, stored_status: int | None, status: int, error: bool) -> None:
    stored = None if stored_status is None else interaction(-50, status=stored_status)
    assert is_error(status, stored, settings) is error


@pytest.mark.parametrize("is_http", [True, False])
def test_cookies_that_a_304_confirms_live_on_where_http_is_not_obeyed(is_http: bool) -> None:
    stored = interaction(-50, [*ETAG.items(), ("Set-Cookie", f"a=b; Expires={format_http_date(NOW)}")])
    verdict = settle(
        sent(stored, CONDITION), asking(), 304, Headers(), of_session(cache_control=is_http), Options(), NOW
    )
    later = seconds(0 if is_http else 100)
    assert verdict.headers.get("Set-Cookie") == f"a=b; Expires={format_http_date(NOW + later)}"


@pytest.mark.parametrize(("stated", "fresh"), [(None, None), (-100, None), (-100, -3), (None, -3)])
def test_304_makes_what_it_confirms_younger_where_http_is_obeyed(
    stated: float | None, fresh: float | None
) -> None:
    def dated(when: float | None) -> dict[str, str]:
        return {} if when is None else {"Date": format_http_date(NOW + seconds(when))}

    stored = interaction(-50, {**ETAG, **dated(stated), "Age": "9"})
    for is_http in (True, False):
        settings = of_session(cache_control=is_http)
        decided = sent(stored, CONDITION)
        verdict = settle(decided, asking(), 304, fields(dated(fresh)), settings, Options(), NOW)
        renewed = 0 if is_http and stated is not None else stated
        assert verdict.headers.get("Date") == dated(renewed if fresh is None else fresh).get("Date")
        assert verdict.headers.get("Age") == (None if is_http else "9")


def test_age_counts_from_the_request_where_http_is_obeyed() -> None:
    moments = NOW, NOW + seconds(5)
    assert counted_from(*moments, of_session(cache_control=True)) == NOW
    assert counted_from(*moments, of_session()) == NOW + seconds(5)


@pytest.mark.parametrize(("stored", "replaced"), [(STALE, True), (None, False)])
def test_answer_replaces_what_is_stored_for_its_method(stored: Interaction | None, replaced: bool) -> None:
    assert sent(stored).replaced_by_answer_to(asking()) is (stored if replaced else None)
    assert sent(stored).replaced_by_answer_to(asking(method="HEAD")) is None


# --- what is stored, and what a write makes worthless


@pytest.mark.parametrize(
    ("headers", "left_out"),
    [
        ({"A": "1"}, set()),
        ({"Connection": "close, X-Hop", "X-Hop": "1", "A": "1"}, {"Connection", "X-Hop"}),
        ({"Cache-Control": 'private="Set-Cookie"', "Set-Cookie": "a=b"}, set()),  # for shared caches
        (
            {"Proxy-Authenticate": "Basic", "Proxy-Authentication-Info": "x"},
            {"Proxy-Authenticate", "Proxy-Authentication-Info"},
        ),
        ({"Cache-Control": 'no-cache="X-A, X-B"', "X-A": "1", "X-B": "2"}, {"X-A", "X-B"}),
    ],
)
def test_fields_of_the_connection_are_not_stored_with_cache_control(
    headers: dict[str, str], left_out: set[str]
) -> None:
    given = fields(headers)
    assert stored_headers(given, of_session(cache_control=True)) == given.without(*left_out)
    assert stored_headers(given, of_session()) == given


@pytest.mark.parametrize(
    ("method", "status", "did"),
    [
        ("GET", 200, False),
        ("head", 200, False),
        ("OPTIONS", 200, False),
        ("POST", 200, True),
        ("PUT", 204, True),
        ("DELETE", 302, True),
        ("PURGE", 200, True),
        ("POST", 404, False),
        ("POST", 500, False),
    ],
)
def test_write_is_an_unsafe_method_that_succeeded(method: str, status: int, did: bool) -> None:
    assert writes(method, status) is did
    urls = invalidated_urls(asking(method=method), status, Headers(), of_session(cache_control=True))
    assert urls == ((URL,) if did else ())


@pytest.mark.parametrize(
    ("headers", "urls"),
    [
        ({}, []),
        ({"Location": "/new"}, ["http://example.com/new"]),
        ({"Content-Location": "http://EXAMPLE.com:80/new"}, ["http://EXAMPLE.com:80/new"]),
        ({"Location": " /new "}, ["http://example.com/new"]),
        ({"Location": "/a", "Content-Location": "b"}, ["http://example.com/a", "http://example.com/b"]),
        ({"Location": "https://example.com/new"}, []),
        ({"Location": "http://other.org/"}, []),
        ({"Location": URL}, []),
    ],
)
def test_write_makes_worthless_what_it_names_on_its_own_origin(headers: Fields, urls: list[str]) -> None:
    request = asking(method="POST")
    found = invalidated_urls(request, 201, fields(headers), of_session(cache_control=True))
    assert list(found) == [URL, *urls]
    assert invalidated_urls(request, 201, fields(headers), of_session()) == ()


def test_what_is_kept_is_not_validated_along_with_others():
    varying = {"Vary": "Accept-Language", "Content-Location": "/x"}
    kept = interaction(-50, {**varying, "ETag": '"1"'}, asked={"Accept-Language": "en"}, keep=True)
    other = interaction(-50, {**varying, "ETag": '"2"'}, asked={"Accept-Language": "de"})
    settings = of_session(cache_control=True)
    decided = plan(asking({"Accept-Language": "fr"}), [kept, other], settings, Options(), NOW)
    assert (decided.conditions, decided.related) == ((("If-None-Match", '"2"'),), (other,))
    stored_head = replace(other, request=asking({"Accept-Language": "en"}, "HEAD"))
    head = asking({"Accept-Language": "en"}, "HEAD")
    assert plan(head, [kept, stored_head], settings, Options(), NOW).related == ()
    assert plan(head, [replace(kept, keep=False), stored_head], settings, Options(), NOW).related != ()
