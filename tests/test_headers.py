"""Parsing of header fields, as tables from the grammar of RFC 9110 and RFC 9111."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_reqcache.headers import (
    HOP_BY_HOP,
    MAX_DELTA_SECONDS,
    EntityTag,
    Headers,
    connection_named,
    format_http_date,
    parse_age,
    parse_cache_control,
    parse_etag,
    parse_etag_list,
    parse_http_date,
    parse_range,
    vary_names,
)

UTC = timezone.utc
EXAMPLE = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)

#: Text of header-like characters, so that hypothesis gets past the first character.
header_text = st.one_of(
    st.text(),
    st.text(alphabet='",=\\;*-/W 0123456789abmxoe\t:GMT'),
    st.binary().map(lambda b: b.decode("latin-1")),
)


# --- Headers


def test_headers_compare_names_without_case_and_keep_order_and_repetition() -> None:
    headers = Headers.of([("Set-Cookie", "a=1"), ("ETag", '"x"'), ("set-cookie", "b=2")])
    assert "SET-COOKIE" in headers
    assert "Age" not in headers
    assert headers.get_all("set-Cookie") == ["a=1", "b=2"]
    assert headers.get("Set-Cookie") == "a=1, b=2"
    assert headers.get("Age") is None
    assert len(headers) == 3
    assert list(headers)[1] == ("ETag", '"x"')


def test_headers_are_changed_by_replacing() -> None:
    headers = Headers.of([("A", "1"), ("B", "2"), ("a", "3")])
    assert headers.without("A", "missing") == Headers.of([("B", "2")])
    assert headers.replaced("a", "9") == Headers.of([("A", "9"), ("B", "2")])
    assert headers.replaced("C", "9") == Headers.of([("A", "1"), ("B", "2"), ("a", "3"), ("C", "9")])


# --- Dates


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun Nov 06 08:49:37 1994",
        " Sun, 06 Nov 1994 08:49:37 GMT\t",
        "SUN, 06 nov 1994 08:49:37 gmt",
        "sunday, 06-NOV-94 08:49:37 Gmt",
        "Mon, 06 Nov 1994 08:49:37 GMT",
    ],
)
def test_http_date_in_each_form_whatever_its_case(text: str) -> None:
    assert parse_http_date(text) == EXAMPLE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "-1",
        "foo",
        "1994-11-06T08:49:37Z",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 08:49:37 PST",
        "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT; x",
        "Sun, 06 Nov 1994 08:49:37 GMT+1",
        "Snu, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sun 06 Nov 1994 08:49:37 GMT",
        "06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 November 1994 08:49:37 GMT",
        "Sun, 06  Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 06 Nov 1994 08.49.37 GMT",
        "Sun, 06 Nov 1994 08:49 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:49:60 GMT",
        "Sun, 06 Nov 1994 08:49:3\u0667 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 1994 GMT",
    ],
)
def test_http_date_that_the_grammar_does_not_allow_is_none(text: str) -> None:
    assert parse_http_date(text) is None


def test_leap_second_is_the_second_before() -> None:
    assert parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "now", "year"),
    [
        ("Thursday, 18-Aug-50 02:01:18 GMT", None, 2050),
        ("Thursday, 18-Aug-68 02:01:18 GMT", None, 2068),
        ("Thursday, 18-Aug-69 02:01:18 GMT", None, 1969),
        ("Thursday, 18-Aug-76 02:01:18 GMT", datetime(2026, 8, 18, 2, 1, 18, tzinfo=UTC), 2076),
        ("Thursday, 18-Aug-76 02:01:19 GMT", datetime(2026, 8, 18, 2, 1, 18, tzinfo=UTC), 1976),
        ("Thursday, 18-Aug-94 02:01:18 GMT", datetime(2026, 8, 18, tzinfo=UTC), 1994),
        ("Thursday, 18-Aug-26 02:01:18 GMT", datetime(2026, 8, 18, tzinfo=UTC), 2026),
        ("Thursday, 18-Aug-10 02:01:18 GMT", datetime(2080, 8, 18, tzinfo=UTC), 2110),
        ("Thursday, 18-Aug-50 02:01:18 GMT", datetime(2099, 8, 18, tzinfo=UTC), 2050),
        ("Thursday, 29-Feb-24 02:01:18 GMT", datetime(2024, 2, 29, tzinfo=UTC), 2024),
    ],
)
def test_two_digit_year_is_at_most_fifty_years_ahead(text: str, now: datetime | None, year: int) -> None:
    parsed = parse_http_date(text, now=now)
    assert parsed is not None
    assert parsed.year == year


def test_http_date_is_formatted_as_imf_fixdate() -> None:
    assert format_http_date(EXAMPLE) == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert (
        format_http_date(EXAMPLE.astimezone(timezone(timedelta(hours=2)))) == "Sun, 06 Nov 1994 08:49:37 GMT"
    )
    assert format_http_date(datetime(1, 1, 1, microsecond=9, tzinfo=UTC)) == "Mon, 01 Jan 0001 00:00:00 GMT"


@given(st.datetimes(timezones=st.just(UTC)))
def test_formatted_date_is_parsed_back(moment: datetime) -> None:
    assert parse_http_date(format_http_date(moment)) == moment.replace(microsecond=0)


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_two_digit_year_is_never_over_fifty_years_ahead(moment: datetime, now: datetime) -> None:
    text = f"Monday, {moment:%d-%b}-{moment.year % 100:02} {moment:%H:%M:%S} GMT"
    parsed = parse_http_date(text, now=now)
    assert parsed is None or parsed.year % 100 == moment.year % 100
    assert parsed is None or -50 <= parsed.year - now.year <= 50


# --- Cache-Control


@pytest.mark.parametrize(
    ("lines", "directives"),
    [
        ([], ()),
        ([""], ()),
        ([" , ,\t,"], ()),
        (["no-store"], (("no-store", None),)),
        (["nO-StOrE"], (("no-store", None),)),
        (["max-age=1,no-store , private"], (("max-age", "1"), ("no-store", None), ("private", None))),
        (["s-maxage=3600", "max-age=1"], (("s-maxage", "3600"), ("max-age", "1"))),
        (["Foo=Bar"], (("foo", "Bar"),)),
        (['extension="max-age=3600", max-age=1'], (("extension", '"max-age=3600"'), ("max-age", "1"))),
        (['a="x, no-store", b'], (("a", '"x, no-store"'), ("b", None))),
        ([r'a="x\", no-store", b'], (("a", r'"x\", no-store"'), ("b", None))),
        (['a="b" , c="d"'], (("a", '"b"'), ("c", '"d"'))),
        (['a="never closed, no-store'], (("a", '"never closed'), ("no-store", None))),
        (['a="never closed', "no-store"], (("a", '"never closed'), ("no-store", None))),
        (["max-stale="], (("max-stale", ""),)),
        (["max-age= 5"], (("max-age", " 5"),)),
        (["max-age =5"], (("max-age", ""),)),
        (["=5"], (("", "5"),)),
    ],
)
def test_cache_control_directives(lines: list[str], directives: tuple[tuple[str, str | None], ...]) -> None:
    assert parse_cache_control(lines).directives == directives


@pytest.mark.parametrize(
    ("argument", "seconds"),
    [
        ("max-age=3600", 3600),
        ("max-age=0", 0),
        ("max-age=0003600", 3600),
        ('max-age="3600"', 3600),
        (r'max-age="36\00"', 3600),
        ("max-age=2147483647", 2147483647),
        ("max-age=2147483648", MAX_DELTA_SECONDS),
        ("max-age=99999999999", MAX_DELTA_SECONDS),
        pytest.param("max-age=" + "9" * 5000, MAX_DELTA_SECONDS, id="many digits"),
        pytest.param("max-age=" + "0" * 5000 + "7", 7, id="many zeros"),
        ("max-age", 0),
        ("max-age=", 0),
        ("max-age=-3600", 0),
        ("max-age=+3600", 0),
        ("max-age=3600.0", 0),
        ("max-age=a3600", 0),
        ("max-age=3600a", 0),
        ("max-age=3 600", 0),
        ("max-age=\u0663\u0666", 0),
        ("max-age= 3600", 0),
        ("max-age =3600", 0),
        ("max-age='3600'", 0),
        ('max-age="3600', 0),
        ('max-age="3600"0', 0),
        ("max-age=1, max-age=1800", 1),
        ("max-age=1800, max-age=1", 1800),
        ("max-age=x, max-age=1800", 0),
        ("MAX-AGE=5", 5),
        ("foo, max-age=5", 5),
        ('foo="max-age=3600", max-age=5', 5),
        ("s-maxage=5", None),
        ("xmax-age=5", None),
        ("", None),
    ],
)
def test_seconds_of_a_directive(argument: str, seconds: int | None) -> None:
    assert parse_cache_control([argument]).seconds("max-age") == seconds


def test_first_of_several_lines_counts() -> None:
    assert parse_cache_control(["max-age=1", "max-age=1800"]).seconds("max-age") == 1


@pytest.mark.parametrize(
    ("line", "there", "raw"),
    [
        ("max-stale", True, None),
        ("max-stale=", True, ""),
        ("max-stale=60", True, "60"),
        ('max-stale="60"', True, '"60"'),
        ("min-fresh=60", False, None),
    ],
)
def test_directive_without_argument_is_told_from_an_absent_one(
    line: str, there: bool, raw: str | None
) -> None:
    parsed = parse_cache_control([line])
    assert (parsed.has("max-stale"), parsed.raw("max-stale")) == (there, raw)


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("private", ()),
        ("no-cache", ()),
        ('no-cache="a"', ("a",)),
        ('no-cache="Set-Cookie, A ,, b"', ("set-cookie", "a", "b")),
        ("no-cache=a", ("a",)),
        ('no-cache="a", no-cache="b, a"', ("a", "b")),
        ('no-cache="a", no-cache', ()),
        ('no-cache=""', ()),
        ('no-cache=","', ()),
        ('no-cache="a b"', ()),
        ('no-cache="a', ()),
        ('no-cache ="a"', ()),
        ('private="b", no-cache="a"', ("a",)),
    ],
)
def test_field_names_of_no_cache(line: str, fields: tuple[str, ...]) -> None:
    assert parse_cache_control([line]).fields("no-cache") == fields


@given(st.lists(header_text))
def test_parsing_cache_control_never_raises(lines: list[str]) -> None:
    parsed = parse_cache_control(lines)
    for name, _ in parsed.directives:
        seconds = parsed.seconds(name)
        assert seconds is not None
        assert 0 <= seconds <= MAX_DELTA_SECONDS
        assert all(field == field.lower() for field in parsed.fields(name))


@given(st.lists(header_text), st.lists(header_text))
def test_no_line_hides_a_later_no_store(before: list[str], after: list[str]) -> None:
    assert parse_cache_control([*before, "no-store", *after]).has("no-store")


# --- Age


@pytest.mark.parametrize(
    ("lines", "age"),
    [
        ([], None),
        ([""], None),
        (["0"], 0),
        (["7200"], 7200),
        ([" 7200 "], 7200),
        (["0, 7200"], 0),
        (["3600", "7200"], 3600),
        ([", 7200"], 7200),
        (["", "7200"], 7200),
        (["-7200"], None),
        (["abc"], None),
        (["abc, 7200"], None),
        (["72.5"], None),
        (['"7200"'], None),
        (["7200;foo=bar"], None),
        (["2147483647"], 2147483647),
        (["2147483649"], MAX_DELTA_SECONDS),
        (["9" * 5000], MAX_DELTA_SECONDS),
    ],
)
def test_age(lines: list[str], age: int | None) -> None:
    assert parse_age(lines) == age


# --- Entity tags


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ('"abc"', EntityTag('"abc"')),
        (' "abc" ', EntityTag('"abc"')),
        ('W/"abc"', EntityTag('"abc"', weak=True)),
        ('""', EntityTag('""')),
        ('"a,b"', EntityTag('"a,b"')),
        ('"a b"', EntityTag('"a b"')),
        ('"\xe9"', EntityTag('"\xe9"')),
        ('"a\\"', EntityTag('"a\\"')),
        ("", None),
        ("abc", None),
        ('w/"abc"', None),
        ('W"abc"', None),
        ('W/ "abc"', None),
        ('"abc', None),
        ('"abc"x', None),
        ('"a", "b"', None),
        ('"a\nb"', None),
    ],
)
def test_entity_tag(text: str, tag: EntityTag | None) -> None:
    assert parse_etag(text) == tag
    assert tag is None or str(tag) == text.strip()


@pytest.mark.parametrize(  # the table of RFC 9110 section 8.8.3.2
    ("one", "other", "strong", "weak"),
    [
        ('W/"1"', 'W/"1"', False, True),
        ('W/"1"', 'W/"2"', False, False),
        ('W/"1"', '"1"', False, True),
        ('"1"', 'W/"1"', False, True),
        ('"1"', '"1"', True, True),
        ('"1"', '"2"', False, False),
    ],
)
def test_entity_tag_comparison(one: str, other: str, strong: bool, weak: bool) -> None:
    first, second = parse_etag(one), parse_etag(other)
    assert first is not None
    assert second is not None
    assert (first.strong_match(second), first.weak_match(second)) == (strong, weak)


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("", []),
        (" , ,", []),
        ('"a"', ['"a"']),
        ('"a", W/"b" ,"c,d"', ['"a"', 'W/"b"', '"c,d"']),
        ('"a",, "b",', ['"a"', '"b"']),
        ('abc, "a"', ['"a"']),
        ('"a" x, "b"', ['"b"']),
        ('"a, "b"', ['"b"']),
        ('"a', []),
        ('w/"a", "b"', ['"b"']),
        ('*, "b"', ['"b"']),
        ('"*"', ['"*"']),
    ],
)
def test_entity_tag_list(text: str, tags: list[str]) -> None:
    assert [str(tag) for tag in parse_etag_list(text)] == tags


@pytest.mark.parametrize("text", ["*", " * "])
def test_any_entity_tag(text: str) -> None:
    assert parse_etag_list(text) == "*"


@given(st.lists(st.text(alphabet="ab,\\ /W*", max_size=5)))
def test_listed_entity_tags_are_all_found(opaques: list[str]) -> None:
    tags = [EntityTag(f'"{opaque}"', weak=len(opaque) % 2 == 0) for opaque in opaques]
    assert parse_etag_list(", ".join(map(str, tags))) == tags


# --- Vary, Connection, Range


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ([], ()),
        ([""], ()),
        (["Foo"], ("foo",)),
        (["Foo, BAR ,foo"], ("foo", "bar")),
        (["Foo", "bar,,baz"], ("foo", "bar", "baz")),
        (["*"], "*"),
        (["Foo, *"], "*"),
        (["Foo", "*"], "*"),
        (["*, Foo"], "*"),
        (["Foo*"], ("foo*",)),
    ],
)
def test_vary_names(lines: list[str], names: object) -> None:
    assert vary_names(lines) == names


def test_fields_that_connection_names_are_of_the_connection() -> None:
    headers = Headers.of([("Connection", "close, A"), ("connection", "b"), ("C", "1")])
    assert connection_named(headers) == HOP_BY_HOP | {"close", "a", "b"}
    assert connection_named(Headers()) == HOP_BY_HOP
    assert {"connection", "te", "keep-alive", "transfer-encoding"} <= HOP_BY_HOP


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("bytes=0-499", [(0, 499)]),
        ("bytes=0-0", [(0, 0)]),
        ("bytes=9500-", [(9500, None)]),
        ("bytes=-500", [(None, 500)]),
        ("bytes= 0-999, 4500-5499 ,, -1000", [(0, 999), (4500, 5499), (None, 1000)]),
        ("Bytes=0-1", [(0, 1)]),
        pytest.param(f"bytes={'9' * 5000}-", [(2**63 - 1, None)], id="many digits"),
        ("", None),
        ("bytes", None),
        ("bytes=", None),
        ("bytes=,", None),
        ("bytes=-", None),
        ("bytes=5-4", None),
        ("bytes=0-1, 5-4", None),
        ("bytes=0-1, x", None),
        ("bytes=--1", None),
        ("bytes=0 - 1", None),
        ("bytes=a-b", None),
        ("bytes =0-1", None),
        ("items=0-1", None),
        ("bytes 0-1/2", None),
    ],
)
def test_byte_ranges(text: str, ranges: object) -> None:
    assert parse_range(text) == ranges


@given(header_text, st.none() | st.datetimes(timezones=st.just(UTC)))
def test_parsing_never_raises(text: str, now: datetime | None) -> None:
    parse_http_date(text, now=now)
    parse_age([text])
    parse_etag(text)
    parse_etag_list(text)
    vary_names([text])
    parse_range(text)
    parse_range(f"bytes={text}")
    connection_named(Headers.of([("Connection", text)]))


@pytest.mark.parametrize(
    ("lines", "combined"),
    [
        ((("A", "1"), ("B", "2")), [("A", "1"), ("B", "2")]),
        ((("Vary", "a"), ("B", "2"), ("vary", "b"), ("VARY", "")), [("Vary", "a, b, "), ("B", "2")]),
        ((), []),
    ],
)
def test_each_field_once_with_its_lines_combined(
    lines: tuple[tuple[str, str], ...], combined: list[tuple[str, str]]
) -> None:
    assert list(Headers(lines).combined()) == combined
