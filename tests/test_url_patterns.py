"""Expiration by URL, end to end."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from clocks import Clock
from origin import Answer, Origin
from pytest_reqcache import DO_NOT_CACHE, EXPIRE_IMMEDIATELY, NEVER_EXPIRE, CachedSession

Proxied = Callable[..., CachedSession]
DAY = 86400
DEFAULT = 360


@pytest.fixture
def proxied(origin: Origin, session: Callable[..., CachedSession]) -> Proxied:
    """Makes sessions for which the origin is the proxy: it answers for every host name."""

    def make(**settings: Any) -> CachedSession:
        made = session(**settings)
        made.trust_env = False
        made.proxies = {"http": origin.url}
        return made

    return make


def seconds_of(response: Any, clock: Clock) -> float | None:
    return None if response.expires is None else (response.expires - clock.now).total_seconds()


GUIDE = {
    "*.site_1.com": 30,
    "site_2.com/resource_1": 60 * 2,
    "site_2.com/resource_2": 60 * 60 * 24,
    re.compile(r"site_2.com/resource_\d"): 60 * 60 * 24 * 7,
    "site_2.com/static": NEVER_EXPIRE,
}


@pytest.mark.parametrize(
    ("url", "seconds"),
    [
        ("http://img.site_1.com/base_img.jpg", 30),
        ("http://a.b.site_1.com/", 30),
        ("http://site_2.com/resource_1", 120),
        ("http://site_2.com/resource_1/index.html", 120),
        ("http://site_2.com/resource_2", DAY),
        ("http://site_2.com/resource_2?page=2", DAY),
        ("http://site_2.com/resource_3", 7 * DAY),
        ("http://site_2.com/static/img.png", None),
        ("http://site_2.com/other", DEFAULT),
        ("http://site_1.com/", DEFAULT),
        ("http://site_3.com/", DEFAULT),
    ],
)
def test_each_url_expires_as_its_pattern_says(
    proxied: Proxied, clock: Clock, url: str, seconds: float
) -> None:
    s = proxied(urls_expire_after=GUIDE, expire_after=DEFAULT)
    assert seconds_of(s.get(url), clock) == seconds


def test_response_is_fetched_anew_when_its_pattern_says(
    origin: Origin, proxied: Proxied, clock: Clock
) -> None:
    s = proxied(urls_expire_after={"short.com": 5, "long.com": 3600}, expire_after=60)
    urls = ("http://short.com/", "http://long.com/", "http://other.com/")
    for moved, hits in (
        (0, [False] * 3),
        (4, [True] * 3),
        (1, [False, True, True]),
        (55, [False, True, False]),
    ):
        clock.move(moved)
        assert [s.get(url).from_cache for url in urls] == hits
    assert [origin.count(url) for url in urls] == [3, 1, 2]


def test_patterns_are_replaced_through_the_settings(proxied: Proxied, clock: Clock) -> None:
    s = proxied(urls_expire_after={"a.com": 5, "b.com": 6}, expire_after=60)
    old = s.get("http://a.com/").expires
    s.settings.urls_expire_after = {"a.com": 7}
    assert s.settings.urls_expire_after == {"a.com": 7}
    assert seconds_of(s.get("http://a.com/new"), clock) == 7
    assert seconds_of(s.get("http://b.com/"), clock) == 60
    assert s.get("http://a.com/").expires == old
    s.settings.urls_expire_after = None
    assert seconds_of(s.get("http://a.com/newer"), clock) == 60


@pytest.mark.parametrize(
    ("pattern", "url", "matches"),
    [
        ("site.com/r", "http://site.com/r", True),
        ("site.com/r", "http://site.com/r/x/y", True),
        ("site.com/r", "http://site.com/r?q=1", True),
        ("site.com/r", "http://site.com/r_other", True),
        ("site.com/r/", "http://site.com/r", False),
        ("site.com/r/", "http://site.com/r/x/y", True),
        ("site.com/*/x", "http://site.com/a/b/x", True),
        ("site.com/*/x", "http://site.com/a/b/y", False),
        ("site.com/**/x", "http://site.com/a/b/x", True),
        ("http://site.com/r", "http://site.com/r", True),
        ("https://site.com/r", "http://site.com/r", True),
        ("http*://site.com/r", "http://site.com/r", True),
        ("*.site.com", "http://www.site.com/", True),
        ("*.site.com", "http://a.b.site.com/x", True),
        ("*.site.com", "http://site.com/", False),
        ("*site.com", "http://site.com/", True),
        ("site.com", "http://other.com/site.com", False),
        ("site.com/R", "http://site.com/r", False),
        ("site.com/r", "http://SITE.com/r", True),
        ("site.com:8080/r", "http://site.com:8080/r", True),
        ("site.com/r", "http://site.com:8080/r", False),
        ("site.com:80/r", "http://site.com:80/r", True),
        ("site.com/r?b=1&a=2", "http://site.com/r?b=1&a=2", True),
        ("site.com/r?a=2&b=1", "http://site.com/r?b=1&a=2", False),
        ("site.com/proxy", "http://site.com/proxy?url=http://other.org/x", True),
        ("other.org/x", "http://site.com/proxy?url=http://other.org/x", False),
        ("site.com/r", "http://user:pass@site.com/r", True),
        ("*", "http://site.com/", True),
    ],
)
def test_glob_is_matched_against_the_url_as_requested_without_its_protocol(
    proxied: Proxied, clock: Clock, pattern: str, url: str, matches: bool
) -> None:
    s = proxied(urls_expire_after={pattern: 5}, expire_after=60)
    assert seconds_of(s.get(url), clock) == (5 if matches else 60)


def test_glob_sees_the_parameters_of_the_call(proxied: Proxied, clock: Clock) -> None:
    s = proxied(urls_expire_after={"site.com/r?b=1&a=2": 5}, expire_after=60)
    assert seconds_of(s.get("http://site.com/r", params={"b": 1, "a": 2}), clock) == 5


@pytest.mark.parametrize(
    ("expression", "url", "matches"),
    [
        (r"site\.com/r_\d", "http://www.site.com/r_1", True),
        (r"site\.com/r_\d", "http://site.com/r_x", False),
        (r"^http://site\.com", "http://site.com/", True),
        (r"^https://site\.com", "http://site.com/", False),
        (r"^site\.com", "http://site.com/", False),
        (r"\.jpg$", "http://site.com/a.jpg", True),
        (r"\.jpg$", "http://site.com/a.jpg?x=1", False),
        (r"[?&]q=", "http://site.com/?a=1&q=2", True),
    ],
)
@pytest.mark.parametrize("as_text", [False, True])
def test_regular_expression_is_searched_in_the_whole_url(
    proxied: Proxied, clock: Clock, expression: str, url: str, matches: bool, as_text: bool
) -> None:
    pattern = f"re:{expression}" if as_text else re.compile(expression)
    s = proxied(urls_expire_after={pattern: 5}, expire_after=60)
    assert seconds_of(s.get(url), clock) == (5 if matches else 60)


@pytest.mark.parametrize(
    ("patterns", "seconds"),
    [
        ({"*": 1, "site.com/r": 2, re.compile("site"): 3}, 1),
        ({"site.com/r": 2, "*": 1, re.compile("site"): 3}, 2),
        ({re.compile("site"): 3, "site.com/r": 2, "*": 1}, 3),
        ({"other.com": 4, re.compile("none"): 5, "site.com": 6, "site.com/r": 2}, 6),
    ],
    ids=["star", "glob", "regex", "first that matches"],
)
def test_first_pattern_that_matches_counts(
    proxied: Proxied, clock: Clock, patterns: dict[Any, int], seconds: int
) -> None:
    s = proxied(urls_expire_after=patterns, expire_after=60)
    assert seconds_of(s.get("http://site.com/r"), clock) == seconds


@pytest.mark.parametrize("seconds", [60, None])
def test_without_a_match_the_session_decides(proxied: Proxied, clock: Clock, seconds: int | None) -> None:
    s = proxied(urls_expire_after={"a.com": 5, re.compile("b"): 6}, expire_after=seconds)
    assert seconds_of(s.get("http://c.org/"), clock) == seconds


@pytest.mark.parametrize(
    "settings",
    [
        {"urls_expire_after": {"a.com": 30, "*": DO_NOT_CACHE}},
        {"urls_expire_after": {"a.com": 30}, "expire_after": DO_NOT_CACHE},
        {"urls_expire_after": {"a.com": 30}, "expire_after": EXPIRE_IMMEDIATELY},
        {"urls_expire_after": {"a.com": 30, "*": "do-not-cache"}, "expire_after": 60},
    ],
    ids=str,
)
def test_patterns_as_an_allowlist(
    origin: Origin, proxied: Proxied, clock: Clock, settings: dict[str, Any]
) -> None:
    s = proxied(**settings)
    for _ in range(2):
        s.get("http://a.com/x")
        s.get("http://b.com/x")
    assert (origin.count("http://a.com/x"), origin.count("http://b.com/x")) == (1, 2)
    assert s.cache.urls() == ["http://a.com/x"]
    clock.move(30)
    assert not s.get("http://a.com/x").from_cache


@pytest.mark.parametrize(("value", "stored"), [(EXPIRE_IMMEDIATELY, True), (DO_NOT_CACHE, False)])
def test_allowlist_by_expiry_stores_what_can_be_revalidated(
    origin: Origin, proxied: Proxied, clock: Clock, value: Any, stored: bool
) -> None:
    origin["http://b.com/"] = Answer("b", headers={"ETag": '"1"'})
    s = proxied(urls_expire_after={"a.com": 30}, expire_after=value)
    responses = [s.get("http://b.com/") for _ in range(2)]
    assert [response.revalidated for response in responses] == [False, stored]
    assert s.cache.contains(url="http://b.com/") is stored
    assert origin.count() == 2


NOON = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (30, 30),
        (0.5, 0.5),
        (timedelta(hours=1), 3600),
        (NOON + timedelta(days=1), DAY),
        ("2w", 14 * DAY),
        ("Mon, 01 Jun 2026 12:00:09 GMT", 9),
        (-5, -5),
        (NEVER_EXPIRE, None),
        (-1, None),
        ("never", None),
        (None, 60),
    ],
    ids=str,
)
def test_pattern_takes_every_kind_of_value(
    proxied: Proxied, clock: Clock, value: Any, seconds: float | None
) -> None:
    s = proxied(urls_expire_after={"a.com": value}, expire_after=60)
    assert seconds_of(s.get("http://a.com/"), clock) == seconds


@pytest.mark.parametrize(
    ("patterns", "error"),
    [
        ({"a.com": "tomorrow"}, ValueError),
        ({"a.com": True}, TypeError),
        ({"": 5}, ValueError),
        ({"re:(": 5}, ValueError),
        ({7: 5}, TypeError),
        (["a.com"], TypeError),
        ("a.com", TypeError),
    ],
    ids=str,
)
def test_wrong_pattern_or_value_is_refused_at_once(
    origin: Origin, proxied: Proxied, patterns: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match="urls_expire_after"):
        proxied(urls_expire_after=patterns)
    s = proxied(urls_expire_after={"a.com": 5})
    with pytest.raises(error, match="urls_expire_after"):
        s.settings.urls_expire_after = patterns
    assert s.settings.urls_expire_after == {"a.com": 5}
