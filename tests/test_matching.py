"""When two requests are the same, as tables."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_reqcache import matching
from pytest_reqcache.headers import Headers
from pytest_reqcache.matching import (
    Matcher,
    canonical_body,
    normalize_url,
    normalize_urls,
    origin_of,
    sort_parameters,
)
from pytest_reqcache.models import RecordedRequest

URL = "http://example.com/"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def asking(
    method: str = "GET", url: str = URL, headers: dict[str, str] | None = None, body: bytes | None = None
) -> RecordedRequest:
    return RecordedRequest(method, url, Headers.of((headers or {}).items()), body)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("http://example.com", "http://example.com/"),
        ("HTTP://Example.COM/Path", "http://example.com/Path"),
        ("http://example.com:80/", "http://example.com/"),
        ("https://example.com:443/", "https://example.com/"),
        ("http://example.com:443/", "http://example.com:443/"),
        ("http://example.com:8080/", "http://example.com:8080/"),
        ("http://[::1]:80/", "http://[::1]/"),
        ("http://[::1]/", "http://[::1]/"),
        ("http://example.com/#part", "http://example.com/"),
        ("http://example.com/?", "http://example.com/"),
        ("http://User:Pass@Example.com:80/", "http://User:Pass@example.com/"),
        ("http://example.com/%7euser/%2f", "http://example.com/~user/%2F"),
        ("http://example.com/?b=1&a=2", "http://example.com/?a=2&b=1"),
        ("http://example.com/?B=1&%61=2", "http://example.com/?B=1&a=2"),
        ("http://example.com/?a=2&b=1&a=1", "http://example.com/?a=2&a=1&b=1"),
        ("http://example.com/?a=&b=1", "http://example.com/?a=&b=1"),
        ("http://example.com/?a=b%26c", "http://example.com/?a=b%26c"),
        ("http://example.com?q=1", "http://example.com/?q=1"),
        ("http://example.com/a%2Cb?c=d%2Ce%3a%2f&f=g%20h", "http://example.com/a%2Cb?c=d,e:/&f=g+h"),
        ("http://example.com/?a=b%2Bc%3Bd%3De%23", "http://example.com/?a=b%2Bc%3Bd%3De%23"),
        ("http://example.com:port/", "http://example.com:port/"),
        ("http://[broken/", "http://[broken/"),
    ],
)
def test_normalized_url(url: str, normal: str) -> None:
    assert normalize_url(url) == normal
    assert normalize_url(normal) == normal


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://h/?a=&b=1", "http://h/?b=1"),
        ("http://h/q?a=", "http://h/q"),
        ("http://h/?a=1&a=2", "http://h/?a=2&a=1"),
        ("http://h/?a", "http://h/?a="),
        ("http://h/a%2Fb", "http://h/a/b"),
        ("http://h/a", "http://h/A"),
        ("http://h/a", "http://h/a/"),
        ("http://h/", "https://h/"),
        ("http://h:8080/", "http://h/"),
        ("http://a@h/", "http://h/"),
        ("http://h/?a=1%26b=2", "http://h/?a=1&b=2"),
        ("http://h/?a=1%2B2", "http://h/?a=1+2"),
        ("http://h/a%20b", "http://h/a+b"),
    ],
)
def test_urls_that_are_not_the_same(one: str, other: str) -> None:
    assert normalize_url(one) != normalize_url(other)
    assert Matcher().key(asking(url=one)) != Matcher().key(asking(url=other))


@given(st.text(max_size=30))
def test_normalizing_never_raises(text: str) -> None:
    normalize_url(text)
    normalize_url(f"http://{text}")
    origin_of(f"http://{text}")


@given(
    st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4)), max_size=5, unique_by=lambda pair: pair[0]),
    st.randoms(use_true_random=False),
)
def test_order_and_needless_escapes_of_parameters_make_no_difference(pairs: Any, random: Any) -> None:
    def escaped(text: str, needlessly: bool) -> str:
        if needlessly:
            return "".join(f"%{byte:02x}" for byte in text.encode())
        return quote(text, safe="")

    first = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    random.shuffle(pairs)
    second = "&".join(
        f"{escaped(name, random.random() < 0.5)}={escaped(value, True)}" for name, value in pairs
    )
    assert normalize_url(f"http://h/?{first}") == normalize_url(f"http://h/?{second}")


@pytest.mark.parametrize(
    ("query", "in_order"),
    [("", ""), ("b", "b"), ("b=1&a=2", "a=2&b=1"), ("b=2&a=1&b=1", "a=1&b=2&b=1"), ("b=1&&a", "&a&b=1")],
)
def test_parameters_are_sorted_by_name_alone(query: str, in_order: str) -> None:
    assert sort_parameters(query) == in_order


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://example.com/a?b", "http://example.com:80"),
        ("HTTPS://Example.com", "https://example.com:443"),
        ("http://user@example.com:8080/", "http://example.com:8080"),
        ("http://[::1]/", "http://::1:80"),
        ("ftp://example.com/", "ftp://example.com:0"),
        ("http://example.com:port/", "http://example.com:port/"),
    ],
)
def test_origin(url: str, origin: str) -> None:
    assert origin_of(url) == origin


def multipart(boundary: str, value: str = "1") -> bytes:
    part = f'--{boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n{value}\r\n--{boundary}--\r\n'
    return part.encode()


BODIES: dict[str, tuple[Any, ...]] = {
    # name: content type, body, content type, body, the same
    "none and empty": (None, None, None, b"", True),
    "none and one": (None, None, None, b"x", False),
    "bytes": (None, b"a b", None, b"a  b", False),
    "JSON, order of names": (
        JSON, b'{"a": 1, "b": {"c": 2, "d": 3}}', JSON, b'{"b":{"d":3,"c":2},"a":1}', True,
    ),
    "JSON, order of a list": (JSON, b"[1, 2]", JSON, b"[2, 1]", False),
    "JSON, value": (JSON, b'{"a": 1}', JSON, b'{"a": 2}', False),
    "JSON, type": (JSON, b'{"a": 1}', JSON, b'{"a": "1"}', False),
    "JSON, true and one": (JSON, b'{"a": 1}', JSON, b'{"a": true}', False),
    "JSON, null and absent": (JSON, b'{"a": null}', JSON, b"{}", False),
    "JSON, escapes": (JSON, '"é"'.encode(), JSON, b'"\\u00e9"', True),
    "JSON by suffix": (
        "application/vnd.x+json; charset=utf-8", b'{"a":1,"b":2}', JSON, b'{"b":2,"a":1}', True,
    ),
    "JSON without type": (None, b'{"a":1,"b":2}', None, b'{"b":2, "a":1}', True),
    "JSON list without type": (None, b"[1,2]", None, b"[1, 2]", True),
    "no JSON": (JSON, b"{a}", JSON, b"{a} ", False),
    "no text": (JSON, b"\xff{", JSON, b"\xff{ ", False),
    "JSON, a name twice": (JSON, b'{"a":1,"a":2}', JSON, b'{"a":2}', False),
    "JSON, too deep": (JSON, b"[" * 100_000, JSON, b"[" * 100_001, False),
    "form, order of names": (FORM, b"a=1&b=2", FORM, b"b=2&a=1", True),
    "form, order of values": (FORM, b"a=1&a=2", FORM, b"a=2&a=1", False),
    "form, charset": (f"{FORM}; charset=utf-8", b"b=\xff&a=1", FORM, b"a=1&b=\xff", True),
    "text is no form": ("text/plain", b"a=1&b=2", "text/plain", b"b=2&a=1", False),
    "multipart, boundary": (
        "multipart/form-data; boundary=one", multipart("one"), 'multipart/form-data; Boundary="t w o"',
        multipart("t w o"), True,
    ),
    "multipart, value": (
        "multipart/form-data; boundary=one", multipart("one"), "multipart/form-data; boundary=two",
        multipart("two", "2"), False,
    ),
    "multipart without a type": (
        "", multipart("one"), "multipart/form-data; boundary=two", multipart("two"), True,
    ),
    "form without a type": ("", b"b=1&a=2", "application/x-www-form-urlencoded", b"a=2&b=1", True),
    "form, escapes": (FORM, b"a=1%2C2+3", FORM, b"a=1,2%203", True),
    "text that is no form": ("", b"b=1 & a", "", b"a & b=1", False),
    "multipart without boundary or line end": (
        "multipart/form-data", b"--A\nx=1\n--A--\n", "multipart/form-data", b"--B\nx=2\n--B--\n", False,
    ),
    "multipart without boundary": ("multipart/form-data", b"--a", "multipart/form-data", b"--b", False),
}  # fmt: skip


@pytest.mark.parametrize(("type_1", "body_1", "type_2", "body_2", "same"), BODIES.values(), ids=BODIES)
def test_bodies_that_say_the_same(
    type_1: str | None, body_1: bytes | None, type_2: str | None, body_2: bytes | None, same: bool
) -> None:
    one, other = (
        asking("POST", headers={} if kind is None else {"Content-Type": kind}, body=body)
        for kind, body in ((type_1, body_1), (type_2, body_2))
    )
    assert (canonical_body(one) == canonical_body(other)) is same
    assert (Matcher().key(one) == Matcher().key(other)) is same


HEADERS: dict[str, tuple[Any, ...]] = {
    # name: match_headers, headers, headers, the same
    "off": (False, {"Accept": "a"}, {"Accept": "b"}, True),
    "all": (True, {"Accept": "a"}, {"Accept": "b"}, False),
    "all, absent": (True, {"X": ""}, {}, False),
    "all, case and order of names": (True, {"A": "1", "B": "2"}, {"b": "2", "a": "1"}, True),
    "all, what every machine sends": (
        True,
        {
            "User-Agent": "1",
            "Accept-Encoding": "gzip",
            "Connection": "close",
            "Host": "a",
            "Content-Length": "1",
        },
        {"User-Agent": "2"},
        True,
    ),
    "names": (("accept",), {"Accept": "a", "X": "1"}, {"ACCEPT": "a", "X": "2"}, True),
    "names, another value": (("accept",), {"Accept": "a"}, {"Accept": "b"}, False),
    "names, of what every machine sends": (("user-agent",), {"User-Agent": "1"}, {"User-Agent": "2"}, False),
    "all, boundary": (
        True,
        {"Content-Type": "multipart/form-data; boundary=one"},
        {"Content-Type": "multipart/form-data; boundary=two"},
        True,
    ),
    "condition": (False, {"If-None-Match": '"1"'}, {}, False),
    "range": (False, {"Range": "bytes=0-1"}, {"range": "bytes=0-2"}, False),
}


@pytest.mark.parametrize(("match_headers", "one", "other", "same"), HEADERS.values(), ids=HEADERS)
def test_headers_that_are_compared(match_headers: Any, one: Any, other: Any, same: bool) -> None:
    matcher = Matcher(match_headers)
    assert (matcher.key(asking(headers=one)) == matcher.key(asking(headers=other))) is same


def test_conditions_of_the_caller_may_be_left_out() -> None:
    matcher = Matcher(conditions=False)
    assert matcher.key(asking(headers={"Range": "bytes=0-1"})) == matcher.key(asking())


def test_key_tells_methods_and_credentials_apart() -> None:
    key = Matcher().key
    assert key(asking("get")) == key(asking("GET")) != key(asking("HEAD"))
    assert len({key(asking(), places) for places in ((), ("header:authorization",), ("query:token",))}) == 3


def test_key_is_short_and_the_same_in_every_process() -> None:
    assert Matcher().key(asking()) == "8678138b4c7229d6"
    assert Matcher().key(asking(url="http://h/\ud800"))


_PIECES = st.sampled_from(
    [
        *[
            "http",
            "https",
            "HTTP",
            "://",
            ":",
            "/",
            "//",
            "a.test",
            "A.test",
            ":80",
            ":443",
            ":8080",
            ":080",
            ":99999",
            "[::1]",
            "user@",
            "@",
        ],
        *["?", "page=1", "&", "b=2", "%7E", "%2f", "#top", "~", ";x", "+", "é", ".", "-"],
        " ",
    ]
)


_SOME_URLS = st.lists(_PIECES, max_size=9).map("".join) | st.lists(_PIECES, max_size=7).map(
    lambda pieces: "http://a.test" + "".join(pieces)
)


@given(_SOME_URLS)
def test_url_that_is_told_to_be_normal_at_once_is_what_evening_out_makes_of_it(url):
    assert normalize_url(url) == matching._evened_out(url)


@given(
    st.lists(_SOME_URLS, max_size=3)
    | st.lists(st.sampled_from(["/", "?a=1", "?", "&", "b", ":8080", "?b\n"]), max_size=4).map(
        lambda pieces: ["http://a.test/", "https://a.test/" + "".join(pieces)]
    )
)
def test_many_urls_are_normalized_as_each_of_them_is(urls):
    assert [*normalize_urls(urls)] == [normalize_url(url) for url in urls]
