"""What must hold whatever is received: no-store and must-revalidate bind, and nothing grows younger."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pytest_reqcache import HTTP_ONLY
from pytest_reqcache.expiration import is_expired
from pytest_reqcache.headers import Headers, format_http_date
from pytest_reqcache.models import Interaction, RecordedRequest, RecordedResponse
from pytest_reqcache.policy import (
    Action,
    Outcome,
    Plan,
    current_age,
    expiry_of,
    invalidated_urls,
    plan,
    presented,
    settle,
    settle_error,
)
from pytest_reqcache.settings import TEST_SETTINGS, Options, Settings, merge, parse_settings

NOW = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)
URL = "http://example.com/"
ACCEPTED = frozenset(
    {
        "cache_control", "expire_after", "allowable_codes", "only_if_cached", "stale_if_error",
        "stale_while_revalidate", "always_revalidate",
    }
)  # fmt: skip

seconds = st.integers(-10, 1000)
dates = seconds.map(lambda n: format_http_date(NOW + timedelta(seconds=n)))
directive = st.one_of(
    st.sampled_from(["no-cache", "public", "private", "must-understand", "immutable", 'no-cache="X"', ""]),
    st.builds(
        "{}={}".format,
        st.sampled_from(["max-age", "s-maxage", "stale-if-error", "stale-while-revalidate"]),
        seconds,
    ),
)
asked_directive = st.one_of(
    st.sampled_from(["no-cache", "max-stale", "only-if-cached", "no-transform"]),
    st.builds(
        "{}={}".format,
        st.sampled_from(["max-age", "max-stale", "min-fresh", "stale-if-error", "stale-while-revalidate"]),
        seconds,
    ),
)
junk = st.text(alphabet='",=\\;*-/W 0123456789abmx\t:GMT', max_size=12)
field = st.one_of(
    st.tuples(st.just("Cache-Control"), directive),
    st.tuples(st.sampled_from(["Date", "Expires", "Last-Modified"]), st.one_of(dates, junk)),
    st.tuples(st.just("Age"), st.one_of(seconds.map(str), junk)),
    st.tuples(st.just("ETag"), st.sampled_from(['"1"', 'W/"1"', "1", '"2"'])),
    st.tuples(
        st.sampled_from(
            ["Cache-Control", "Vary", "Content-Range", "Connection", "ETag", "Location", "Content-Encoding"]
        ),
        junk,
    ),
)
response_fields = st.lists(field, max_size=6).map(Headers.of)
asked_field = st.one_of(
    st.tuples(st.just("Cache-Control"), asked_directive),
    st.tuples(st.just("Range"), st.one_of(st.sampled_from(["bytes=0-1", "bytes=-2", "bytes=9-"]), junk)),
    st.tuples(st.sampled_from(["If-None-Match", "If-Range"]), st.one_of(st.sampled_from(['"1"', "*"]), junk)),
    st.tuples(st.sampled_from(["If-Modified-Since", "If-Unmodified-Since"]), st.one_of(dates, junk)),
    st.tuples(st.sampled_from(["Pragma", "Accept", "X"]), junk),
)
request_fields = st.lists(asked_field, max_size=4).map(Headers.of)
requests_of = st.builds(
    lambda method, headers: RecordedRequest(method, URL, headers),
    st.sampled_from(["GET", "HEAD"]),
    request_fields,
)
settings_of = st.builds(
    lambda base, given: merge(base, parse_settings({"cache_control": True, **given}, ACCEPTED)),
    st.sampled_from([Settings(), TEST_SETTINGS]),
    st.fixed_dictionaries(
        {},
        optional={
            "expire_after": st.sampled_from([HTTP_ONLY, -1, 0, 60]),
            "only_if_cached": st.booleans(),
            "always_revalidate": st.booleans(),
            "stale_if_error": st.sampled_from([True, False, 60]),
            "stale_while_revalidate": st.sampled_from([True, False, 60]),
            "allowable_codes": st.just(range(100, 600)),
        },
    ),
)
statuses = st.sampled_from([200, 203, 204, 206, 301, 302, 304, 404, 412, 416, 500, 503, 599])


def received(
    request: RecordedRequest, status: int, headers: Headers, settings: Settings
) -> Interaction | None:
    """What is stored of a response that came at ``NOW``."""
    verdict = settle(Plan(Action.SEND), request, status, headers, settings, Options(), NOW)
    if verdict.outcome is not Outcome.STORE:
        return None
    return Interaction(request, RecordedResponse(status, "", verdict.headers, b"0123"), NOW, verdict.expires)


@given(requests_of, requests_of, statuses, response_fields, settings_of, seconds)
def test_never_serves_what_no_store_forbade(
    first: RecordedRequest,
    again: RecordedRequest,
    status: int,
    headers: Headers,
    settings: Settings,
    later: int,
) -> None:
    forbidden = Headers((*headers, ("Cache-Control", "no-store")))
    if any("must-understand" in value for value in headers.get_all("Cache-Control")):
        return  # it says to pass over no-store: section 5.2.2.3
    if '"' in "".join(headers.get_all("Cache-Control")):
        forbidden = Headers((("Cache-Control", "no-store"), *headers))
    assert received(first, status, forbidden, settings) is None
    # nor what was recorded before cache_control was set
    held = Interaction(first, RecordedResponse(status, "", forbidden, b"0123"), NOW)
    decided = plan(again, [held], settings, Options(), NOW + timedelta(seconds=later))
    assert decided.stored is None
    assert decided.action in (Action.SEND, Action.REFUSE)


@given(
    requests_of,
    response_fields,
    settings_of,
    seconds,
    st.sampled_from(["must-revalidate", "proxy-revalidate"]),
)
def test_never_serves_a_stale_response_that_must_be_revalidated(
    again: RecordedRequest, headers: Headers, settings: Settings, later: int, covered: str
) -> None:
    held = received(
        RecordedRequest("GET", URL), 200, Headers((("Cache-Control", covered), *headers)), settings
    )
    if held is None:
        return
    now = NOW + timedelta(seconds=later)
    decided = plan(again, [held], settings, Options(), now)
    expires = expiry_of(held, URL, settings, now)
    if is_expired(expires, now):
        assert decided.action in (Action.SEND, Action.REFUSE)
        assert not settle_error(decided, again, settings, now)
        for status in (500, 503):
            verdict = settle(decided, again, status, Headers(), settings, Options(), now)
            assert verdict.outcome is not Outcome.USE_STALE


@given(statuses, response_fields, settings_of, seconds, st.integers(0, 1000))
def test_freshness_never_grows_with_age(
    status: int, headers: Headers, settings: Settings, later: int, further: int
) -> None:
    held = received(RecordedRequest("GET", URL), status, headers, settings)
    if held is None:
        return
    now = NOW + timedelta(seconds=later)
    then = now + timedelta(seconds=further)
    assert current_age(held, then) >= current_age(held, now) >= timedelta(0)
    fresh = [not is_expired(expiry_of(held, URL, settings, moment), moment) for moment in (now, then)]
    assert fresh != [False, True]
    served = [
        plan(RecordedRequest("GET", URL), [held], settings, Options(), moment).action is Action.SERVE
        for moment in (now, then)
    ]
    assert served != [False, True]


@given(requests_of, requests_of, statuses, statuses, response_fields, response_fields, settings_of)
def test_no_decision_raises_whatever_is_received(
    first: RecordedRequest,
    again: RecordedRequest,
    status: int,
    other: int,
    headers: Headers,
    more: Headers,
    settings: Settings,
) -> None:
    response: Any = RecordedResponse(status, "", headers, b"0123")
    held = Interaction(first, response, NOW)
    decided = plan(again, [held], settings, Options(), NOW)
    settle(decided, again, other, more, settings, Options(), NOW)
    invalidated_urls(RecordedRequest("POST", URL), 200, more, settings)
    shown = presented(again, held, settings)
    first_byte, end = shown.span or (0, 4)
    assert 0 <= first_byte <= end <= 4


@given(requests_of, response_fields, settings_of)
def test_part_or_304_is_served_only_to_who_asked_for_it(
    again: RecordedRequest, headers: Headers, settings: Settings
) -> None:
    held = Interaction(RecordedRequest("GET", URL), RecordedResponse(200, "", headers, b"0123"), NOW)
    status = presented(again, held, settings).status
    if status in (206, 416):
        assert "Range" in again.headers
    if status == 304:
        assert "If-None-Match" in again.headers or "If-Modified-Since" in again.headers
