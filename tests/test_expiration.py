"""Expiry values, staleness and URL patterns, as tables."""

from __future__ import annotations

import pickle
import re
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_reqcache.expiration import (
    ANY_STALENESS,
    DO_NOT_CACHE,
    EXPIRE_IMMEDIATELY,
    HTTP_ONLY,
    NEVER_EXPIRE,
    NO_STALENESS,
    Expiry,
    Special,
    Staleness,
    UrlRules,
    expires_at,
    is_expired,
    parse_expiry,
    parse_expiry_text,
    parse_staleness,
    parse_url_pattern,
    parse_url_patterns,
    parse_url_rule_lines,
    parse_url_rules,
)

UTC = timezone.utc
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
EARLIEST = datetime.min.replace(tzinfo=UTC)


@pytest.fixture
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not hasattr(time, "tzset"):
        pytest.skip("the local time zone cannot be set here")
    monkeypatch.setenv("TZ", "EST+5EDT,M3.2.0,M11.1.0")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


# --- Expiry values


@pytest.mark.parametrize(
    ("value", "expiry"),
    [
        (None, None),
        (3600, timedelta(hours=1)),
        (33.3, timedelta(seconds=33.3)),
        (0.25, timedelta(milliseconds=250)),
        (-5, timedelta(seconds=-5)),
        (-0.5, timedelta(seconds=-0.5)),
        (NEVER_EXPIRE, Special.NEVER),
        (-1.0, Special.NEVER),
        (EXPIRE_IMMEDIATELY, Special.IMMEDIATELY),
        (0.0, Special.IMMEDIATELY),
        (-0.0, Special.IMMEDIATELY),
        (1e-9, Special.IMMEDIATELY),
        (float("inf"), Special.NEVER),
        (10**12, Special.NEVER),
        pytest.param(10**5000, Special.NEVER, id="huge"),
        (1e300, Special.NEVER),
        (float("-inf"), timedelta.min),
        pytest.param(-(10**5000), timedelta.min, id="hugely negative"),
        (timedelta(days=30), timedelta(days=30)),
        (timedelta(0), Special.IMMEDIATELY),
        (timedelta(seconds=-1), timedelta(seconds=-1)),
        (timedelta.max, Special.NEVER),
        (timedelta.min, timedelta.min),
        (DO_NOT_CACHE, Special.DO_NOT_CACHE),
        (HTTP_ONLY, Special.HTTP_ONLY),
        (Special.NEVER, Special.NEVER),
        (datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        (datetime(2027, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), datetime(2027, 1, 1, tzinfo=UTC)),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-2))), Special.NEVER),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=2))), EARLIEST),
        ("3600", timedelta(hours=1)),
        (" 1.5 ", timedelta(seconds=1.5)),
        ("-1", Special.NEVER),
        ("-1.0", Special.NEVER),
        ("0", Special.IMMEDIATELY),
        ("-5", timedelta(seconds=-5)),
        pytest.param("9" * 5000, Special.NEVER, id="many digits"),
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        ("12h", timedelta(hours=12)),
        ("30d", timedelta(days=30)),
        ("2w", timedelta(weeks=2)),
        ("1.5h", timedelta(minutes=90)),
        (" 12 h ", timedelta(hours=12)),
        ("0s", Special.IMMEDIATELY),
        ("-1s", timedelta(seconds=-1)),
        ("9999999w", Special.NEVER),
        pytest.param("9" * 400 + "w", Special.NEVER, id="many weeks"),
        ("never", Special.NEVER),
        ("Immediately", Special.IMMEDIATELY),
        (" DO-NOT-CACHE ", Special.DO_NOT_CACHE),
        ("HTTP", Special.HTTP_ONLY),
        ("2027-01-01T00:00Z", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2027-01-01T00:00:00z", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2027-01-01 02:00:00+02:00", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2027-01-01t02:00:00+0200", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2027-01-01T02:00:00 +02", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2026-12-31T18:30:00-05:30", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2027-01-01T00:00:00.5Z", datetime(2027, 1, 1, microsecond=500000, tzinfo=UTC)),
        ("2027-01-01T00:00:00,123456789Z", datetime(2027, 1, 1, microsecond=123456, tzinfo=UTC)),
        ("9999-12-31T23:59:59-01:00", Special.NEVER),
        ("0001-01-01T00:00:00+01:00", EARLIEST),
        ("Fri, 16 Apr 2100 21:13:00 GMT", datetime(2100, 4, 16, 21, 13, tzinfo=UTC)),
        ("Friday, 16-Apr-50 21:13:00 GMT", datetime(2050, 4, 16, 21, 13, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_expiry_value(value: object, expiry: Expiry | None) -> None:
    parsed = parse_expiry(value)
    assert parsed == expiry
    assert type(parsed) is type(expiry)


@pytest.mark.usefixtures("new_york")
@pytest.mark.parametrize(
    "value",
    [datetime(2027, 1, 1), "2027-01-01", "2027-01-01T00:00", "2027-01-01 00:00:00.000"],
)
def test_naive_datetime_is_local_time(value: object) -> None:
    expiry = parse_expiry(value)
    assert expiry == datetime(2027, 1, 1, 5, tzinfo=UTC)
    assert isinstance(expiry, datetime)
    assert expiry.tzinfo is UTC


@pytest.mark.usefixtures("new_york")
def test_naive_datetime_that_utc_cannot_hold_is_never() -> None:
    assert parse_expiry(datetime.max) is Special.NEVER


@pytest.mark.parametrize("value", [True, False, date(2027, 1, 1), [], [60], {}, object(), b"60", 1j])
def test_other_type_is_refused(value: object) -> None:
    with pytest.raises(
        TypeError, match=r"^marker: .* is not a time or duration\n  accepted: seconds \(3600\)"
    ):
        parse_expiry(value, where="marker")


NO_EXPIRY = [
    "",
    " ",
    "tomorrow",
    "P1D",
    "PT1H",
    "5M",
    "12H",
    "5 minutes",
    "5min",
    "1h30m",
    "1h 30m",
    "+5",
    "- 5",
    "1e5",
    "1.",
    ".5",
    "1_000",
    "\u0663",
    "nan",
    "inf",
    "none",
    "true",
    "do_not_cache",
    "2027-1-1",
    "2027-02-30",
    "2027-13-01",
    "2027-01-01T",
    "2027-01-01T10",
    "2027-01-01T25:00",
    "2027-01-01T10:60",
    "2027-01-01T10:00+25:00",
    "2027-01-01T10:00+01:60",
    "2027-01-01Z",
    "2027-W01",
    "01.01.2027",
    "Fri, 16 Apr 2100 21:13:00",
]


@pytest.mark.parametrize("value", [*NO_EXPIRY, float("nan")])
def test_other_value_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is not a time or duration") as raised:
        parse_expiry(value, where="reqcache_expire_after")
    message = str(raised.value)
    assert message.startswith(f"reqcache_expire_after: {value!r} ")
    assert '"30d"' in message
    assert '"do-not-cache"' in message
    assert len(message.splitlines()) == 2


@pytest.mark.parametrize("value", [-5, -0.5, float("-inf"), "-5", "-0.5", "-1s", "-30d"])
def test_negative_number_in_text_settings_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"^--reqcache-expire-after: .* is negative") as raised:
        parse_expiry_text(value, where="--reqcache-expire-after")
    assert "accepted: seconds" in str(raised.value)


@pytest.mark.parametrize(
    "value",
    [None, -1, "-1", 0, "0", 60, "30d", "never", timedelta(seconds=-5), datetime(2020, 1, 1, tzinfo=UTC)],
)
def test_other_text_settings_mean_the_same(value: object) -> None:
    assert parse_expiry_text(value, where="x") == parse_expiry(value)


@given(
    st.one_of(
        st.text(), st.text(alphabet="-0123456789.smhdw: TZ+"), st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ")
    )
)
def test_text_is_an_expiry_or_a_value_error(text: str) -> None:
    try:
        expiry = parse_expiry(text)
    except ValueError:
        return
    assert isinstance(expiry, (timedelta, datetime, Special))


@given(st.integers() | st.floats(allow_nan=False) | st.timedeltas() | st.datetimes(timezones=st.timezones()))
def test_parsing_what_was_parsed_changes_nothing(value: object) -> None:
    expiry = parse_expiry(value)
    assert expiry is not None
    assert parse_expiry(expiry) == expiry


# --- Meaning in time


@pytest.mark.parametrize(
    ("expiry", "expires"),
    [
        (timedelta(hours=1), NOW + timedelta(hours=1)),
        (timedelta(seconds=-1), NOW - timedelta(seconds=1)),
        (datetime(2023, 1, 1, tzinfo=UTC), datetime(2023, 1, 1, tzinfo=UTC)),
        (Special.IMMEDIATELY, NOW),
        (Special.NEVER, None),
        (timedelta(days=365 * 9000), None),
        (timedelta.max, None),
        (timedelta.min, EARLIEST),
    ],
)
def test_expires_at(expiry: Expiry, expires: datetime | None) -> None:
    assert expires_at(expiry, NOW) == expires


@pytest.mark.parametrize("expiry", [Special.DO_NOT_CACHE, Special.HTTP_ONLY])
def test_what_is_no_time_has_no_moment(expiry: Expiry) -> None:
    with pytest.raises(ValueError, match="is no time"):
        expires_at(expiry, NOW)


@pytest.mark.parametrize(
    ("expires", "expired"),
    [
        (NOW + timedelta(microseconds=1), False),
        (NOW, True),
        (NOW - timedelta(microseconds=1), True),
        (None, False),
        (Special.NEVER, False),
    ],
)
def test_expired_from_the_moment_on(expires: datetime | None, expired: bool) -> None:
    assert is_expired(expires, NOW) is expired


@given(st.integers() | st.floats(allow_nan=False) | st.timedeltas(), st.datetimes(timezones=st.just(UTC)))
def test_every_span_has_a_moment_or_is_never(value: object, start: datetime) -> None:
    expiry = parse_expiry(value)
    assert expiry is not None
    expires = expires_at(expiry, start)
    assert expires is None or expires.utcoffset() == timedelta(0)


# --- Staleness


@pytest.mark.parametrize(
    ("value", "staleness"),
    [
        (True, ANY_STALENESS),
        ("true", ANY_STALENESS),
        (" True ", ANY_STALENESS),
        ("never", ANY_STALENESS),
        (Special.NEVER, ANY_STALENESS),
        (-1, ANY_STALENESS),
        ("-1", ANY_STALENESS),
        (float("inf"), ANY_STALENESS),
        (timedelta.max, ANY_STALENESS),
        (False, NO_STALENESS),
        ("FALSE", NO_STALENESS),
        ("yes", ANY_STALENESS),
        ("off", NO_STALENESS),
        (None, NO_STALENESS),
        (0, NO_STALENESS),
        ("0", NO_STALENESS),
        (timedelta(0), NO_STALENESS),
        (Special.IMMEDIATELY, NO_STALENESS),
        (60, Staleness(timedelta(minutes=1))),
        (1, Staleness(timedelta(seconds=1))),
        ("90d", Staleness(timedelta(days=90))),
        (timedelta(hours=1), Staleness(timedelta(hours=1))),
        ("2026-01-01T00:00Z", Staleness(datetime(2026, 1, 1, tzinfo=UTC))),
        (Staleness(timedelta(hours=1)), Staleness(timedelta(hours=1))),
    ],
)
def test_staleness_value(value: object, staleness: Staleness) -> None:
    assert parse_staleness(value, where="stale_if_error") == staleness
    assert bool(staleness) is (staleness != NO_STALENESS)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (-5, ValueError, "is negative"),
        ("-5", ValueError, "is negative"),
        (timedelta(seconds=-1), ValueError, "is negative"),
        (DO_NOT_CACHE, ValueError, "is no limit"),
        ("http", ValueError, "is no limit"),
        ("perhaps", ValueError, "is not a time or duration"),
        (float("nan"), ValueError, "is not a time or duration"),
        ([], TypeError, "is not a time or duration"),
    ],
)
def test_other_staleness_is_refused(value: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^stale_if_error: .*{message}") as raised:
        parse_staleness(value, where="stale_if_error")
    assert "accepted: true (any age), false, seconds" in str(raised.value)


HOUR = timedelta(hours=1)
INSTANT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("staleness", "expired_at", "accepted"),
    [
        (ANY_STALENESS, EARLIEST, True),
        (NO_STALENESS, NOW, False),
        (Staleness(HOUR), NOW, True),
        (Staleness(HOUR), NOW - HOUR, True),
        (Staleness(HOUR), NOW - HOUR - INSTANT, False),
        (Staleness(NOW), NOW - HOUR, True),
        (Staleness(NOW + HOUR), NOW - HOUR, True),
        (Staleness(NOW - INSTANT), NOW - INSTANT, False),
    ],
)
def test_stale_for_no_longer_than_the_limit(
    staleness: Staleness, expired_at: datetime, accepted: bool
) -> None:
    assert staleness.accepts(expired_at, NOW) is accepted


# --- URL patterns


@pytest.mark.parametrize(
    ("pattern", "url", "matches"),
    [
        # the end is open
        ("site.com/r", "https://site.com/r", True),
        ("site.com/r", "https://site.com/r/x", True),
        ("site.com/r", "https://site.com/r?q=1", True),
        ("site.com/r", "https://site.com/r_other", True),
        ("site.com/r/", "https://site.com/r", False),
        ("site.com/r/", "https://site.com/r/x/y?z", True),
        ("site.com/r", "https://other.com/r", False),
        ("site.com/r", "https://www.site.com/r", False),
        # the scheme does not count, in the pattern or in the URL
        ("http://site.com/r", "https://site.com/r", True),
        ("https://site.com/r", "http://site.com/r", True),
        ("http*://site.com/r/**", "https://site.com/r/x", True),
        ("*://site.com", "ftp://site.com/", True),
        ("HTTPS://site.com", "HTTP://site.com/", True),
        ("site.com", "site.com/no-scheme", True),
        # a URL in the query is no scheme
        ("site.com/proxy", "https://site.com/proxy?url=http://other.org/x", True),
        ("other.org", "https://site.com/proxy?url=http://other.org/x", False),
        ("site.com/proxy?url=http://other.org", "https://site.com/proxy?url=http://other.org/x", True),
        ("other.org", "site.com/proxy?url=http://other.org/x", False),
        # wildcards
        ("*", "https://site.com/", True),
        ("*.site.com", "https://api.site.com/x", True),
        ("*.site.com", "https://a.b.site.com/x", True),
        ("*.site.com", "https://site.com/x", False),
        ("site.com/*/x", "https://site.com/a/b/x", True),
        ("site.com/**/x", "https://site.com/a/b/x", True),
        ("site.com/**/x", "https://site.com/x", False),
        ("site.com/*.json", "https://site.com/a/b.json?c", True),
        ("site.com/v?/x", "https://site.com/v1/x", True),
        ("site.com/v?/x", "https://site.com/v10/x", False),
        ("site.com/r?q=1", "https://site.com/r?q=1&p=2", True),
        ("site.com/v[12]/", "https://site.com/v2/x", True),
        ("site.com/v[12]/", "https://site.com/v3/x", False),
        ("site.com/v[!12]/", "https://site.com/v3/x", True),
        ("site.com/a[b", "https://site.com/a[bc", True),
        ("site.com/a.c", "https://site.com/abc", False),
        # hosts without case, paths with
        ("Site.COM/Path", "https://site.com/Path", True),
        ("site.com/Path", "https://SITE.com/Path", True),
        ("site.com/path", "https://site.com/Path", False),
        ("*.Site.com/x", "https://api.site.com/x", True),
        ("*.JSON", "https://site.com/A.JSON", True),
        ("*.json", "https://site.com/A.JSON", False),
        ("Site.com?Q=A", "https://site.com?Q=A", True),
        ("Site.com?Q=A", "https://site.com?q=a", False),
        # ports, IPv6 and userinfo
        ("site.com:8000/x", "http://site.com:8000/x", True),
        ("site.com/x", "http://site.com:8000/x", False),
        ("localhost", "http://localhost:8000/x", True),
        ("localhost:*/x", "http://localhost:8000/x", True),
        ("[::1]:8000/x", "http://[::1]:8000/x", True),
        ("http://[::1]", "http://[::1]:8000/x", True),
        ("[FE80::1]/x", "http://[fe80::1]/x", True),
        ("[fe80::1%25eth0]/x", "http://[fe80::1%25eth0]/x", True),
        ("[::1]:8000/x", "http://1:8000/x", False),
        ("[ab].site.com", "http://a.site.com/", True),
        ("site.com/x", "https://user:secret@site.com/x", True),
        ("site.com", "https://site.com@evil.org/", False),
        ("unpkg.com/*@18", "https://unpkg.com/react@18/index.js", True),
    ],
)
def test_glob(pattern: str, url: str, matches: bool) -> None:
    assert parse_url_pattern(pattern, where="x").matches(url) is matches


@pytest.mark.parametrize(
    ("expression", "url", "matches"),
    [
        (r"^https://site\.com/", "https://site.com/x", True),
        (r"^https://site\.com/", "http://site.com/x", False),
        (r"/users/\d+$", "https://site.com/users/7", True),
        (r"/users/\d+$", "https://site.com/users/7/posts", False),
        (r"secret@", "https://user:secret@site.com/x", True),
    ],
)
def test_regular_expression_is_searched_in_the_whole_url(expression: str, url: str, matches: bool) -> None:
    compiled, text = parse_url_patterns([re.compile(expression), f"re: {expression}"])
    assert compiled.matches(url) is matches
    assert text.matches(url) is matches


@pytest.mark.parametrize(
    ("pattern", "error", "message"),
    [
        ("", ValueError, "is an empty URL pattern"),
        ("  ", ValueError, "is an empty URL pattern"),
        ("https://", ValueError, "is an empty URL pattern"),
        ("a.com b.com", ValueError, "has a space in it, and no URL has"),
        ("[" * 2049, ValueError, "is a URL pattern of 2,049 characters"),
        ("re:", ValueError, "without a regular expression"),
        ("re:(", ValueError, r"'re:\(' is not a regular expression: missing \)"),
        (re.compile(b"x"), TypeError, "is not a URL pattern"),
        (7, TypeError, "is not a URL pattern"),
        (None, TypeError, "is not a URL pattern"),
    ],
)
def test_bad_pattern_is_refused(pattern: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^reqcache_passthrough: .*{message}"):
        parse_url_patterns([pattern], where="reqcache_passthrough")


def test_patterns_keep_their_order() -> None:
    patterns = parse_url_patterns(["b.com", "re:^a"])
    assert [pattern.text for pattern in patterns] == ["b.com", "re:^a"]
    assert parse_url_patterns(patterns) == patterns
    assert parse_url_patterns(None) == ()


@pytest.mark.parametrize("value", [7, "site.com", b"site.com", {"site.com": 1}])
def test_patterns_that_are_no_list_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match="is not a list of URL patterns"):
        parse_url_patterns(value)


@given(st.text(min_size=1), st.text())
def test_matching_never_raises(pattern: str, url: str) -> None:
    try:
        compiled = parse_url_pattern(pattern, where="x")
    except ValueError:
        return
    compiled.matches(url)


# --- Expiry by URL

GUIDE = {
    "*.site_1.com": 30,
    "site_2.com/resource_1": timedelta(days=1),
    "site_2.com/resource_2": "never",
    "site_2.com": 60,
    re.compile(r"site_3\.com/\d+"): DO_NOT_CACHE,
    "site_4.com": None,
    "site_4.com/later": 5,
}


@pytest.mark.parametrize(
    ("url", "expiry"),
    [
        ("https://img.site_1.com/image.jpg", timedelta(seconds=30)),
        ("https://site_1.com/image.jpg", None),
        ("http://site_2.com/resource_1/x?y", timedelta(days=1)),
        ("http://site_2.com/resource_2", Special.NEVER),
        ("http://site_2.com/other", timedelta(minutes=1)),
        ("http://site_3.com/7", Special.DO_NOT_CACHE),
        ("http://site_3.com/x", None),
        ("http://site_4.com/later", None),
        ("http://site_5.com/", None),
    ],
)
def test_first_pattern_that_matches_decides(url: str, expiry: Expiry | None) -> None:
    assert parse_url_rules(GUIDE).match(url) == expiry


def test_rules_may_be_pairs_and_are_pickled() -> None:
    rules = parse_url_rules(iter(GUIDE.items()))
    assert rules == parse_url_rules(GUIDE) == parse_url_rules(rules)
    assert pickle.loads(pickle.dumps(rules)) == rules


def test_no_rules_are_false() -> None:
    assert not UrlRules()
    assert not parse_url_rules(None)
    assert not parse_url_rules({})
    assert parse_url_rules(None).match("https://site.com/") is None
    assert parse_url_rules({"*": None})


def test_rules_as_an_allowlist() -> None:
    rules = parse_url_rules({"site.com/a": 30, "*": DO_NOT_CACHE})
    assert rules.match("https://site.com/a") == timedelta(seconds=30)
    assert rules.match("https://site.com/b") is Special.DO_NOT_CACHE


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (7, TypeError, "urls_expire_after: 7 is not a mapping"),
        ("site.com = 30", TypeError, "is not a mapping"),
        (["site.com"], TypeError, "'site.com' is not a pair"),
        ([("site.com", 1, 2)], TypeError, "is not a pair"),
        (
            {"site.com": "P1D"},
            ValueError,
            r"urls_expire_after\['site.com'\]: 'P1D' is not a time or duration",
        ),
        ({"site.com": True}, TypeError, r"urls_expire_after\['site.com'\]: True is not a time or duration"),
        ({"re:(": 1}, ValueError, r"urls_expire_after: 're:\(' is not a regular expression"),
        ({7: 1}, TypeError, "urls_expire_after: 7 is not a URL pattern"),
    ],
)
def test_bad_rules_are_refused(value: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        parse_url_rules(value)


def test_rule_lines_are_split_at_the_last_equals_sign() -> None:
    rules = parse_url_rule_lines(
        ["", " site.com/a = 30d ", r"re:q\?a = b = 12h", r"re:^https://x\.org/ = never"], where="x"
    )
    assert rules.match("https://site.com/a") == timedelta(days=30)
    assert rules.match("https://site.com/q?a = b") == timedelta(hours=12)
    assert rules.match("https://x.org/") is Special.NEVER
    assert rules.match("http://x.org/") is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("site.com", 'has no " = "'),
        ("site.com=30", 'has no " = "'),
        ("site.com =", 'has no " = "'),
        ("site.com = ", 'has no " = "'),
        ("= 30", 'has no " = "'),
        ("site.com = -5", r"\['site.com'\]: '-5' is negative"),
        ("site.com = soon", r"\['site.com'\]: 'soon' is not a time or duration"),
        ("https:// = 30", "is an empty URL pattern"),
    ],
)
def test_bad_rule_line_is_refused(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^reqcache_urls_expire_after.*{message}"):
        parse_url_rule_lines([line], where="reqcache_urls_expire_after")
