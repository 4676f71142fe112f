"""Responses, live and replayed: what they know, and that they are what was received (section I)."""

from __future__ import annotations

import gc
import gzip
import io
import json
import os
import pickle
import threading
import zlib
from datetime import timedelta, timezone
from typing import Any

import pytest
import requests
from urllib3 import Retry

from origin import Answer
from pytest_reqcache import conversion

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def facts(response):
    return (
        response.status_code,
        response.reason,
        response.url,
        response.encoding,
        response.content,
        response.text,
        list(response.headers.items()),
        response.links,
        response.request.method,
        response.request.url,
        response.cookies.get_dict(),
        response.is_redirect,
        response.apparent_encoding,
    )


# --- what a response knows


def test_new_and_cached_responses_have_the_attributes(origin, session, clock):
    s = session(expire_after=60)
    new, cached = (s.get(f"{origin.url}/a") for _ in range(2))
    assert (new.from_cache, cached.from_cache) == (False, True)
    for response in (new, cached):
        assert response.is_expired is False
        assert response.revalidated is False
        assert response.created_at == clock.now
        assert response.expires == clock.now + timedelta(seconds=60)
        assert response.created_at.tzinfo is response.expires.tzinfo is timezone.utc
        assert list(s.cache) == [response.cache_key]


@pytest.mark.parametrize(
    ("settings", "call"),
    [
        ({"expire_after": "do-not-cache"}, {}),
        ({"allowable_codes": [404]}, {}),
        ({"allowable_methods": ["POST"]}, {}),
        ({"filter_fn": lambda response: False}, {}),
        ({"read_only": True}, {}),
        ({"expire_after": 0}, {}),
        ({"passthrough": ["*"]}, {}),
        ({}, {"headers": {"Cache-Control": "no-store"}}),
    ],
    ids=lambda value: ",".join(value),
)
@pytest.mark.parametrize("stream", [False, True])
def test_response_that_is_not_stored_has_neither_expiry_nor_key(origin, session, settings, call, stream):
    s = session(**settings)
    response = s.get(f"{origin.url}/a", stream=stream, **call)
    assert response.json()["n"] == 1
    assert (response.from_cache, response.is_expired, response.revalidated) == (False, False, False)
    assert (response.expires, response.cache_key) == (None, None)
    assert len(s.cache) == 0


def test_new_response_has_the_moment_of_its_creation(origin, session, clock):
    """Stored or not."""
    for code in (200, 404):
        origin[f"/{code}"] = Answer(status=code)
        assert session().get(f"{origin.url}/{code}").created_at == clock.now


def test_new_response_is_never_expired_but_the_cached_one_is(origin, session, clock):
    s = session(expire_after=10, stale_if_error=True)
    new = s.get(f"{origin.url}/a")
    clock.move(10)
    assert new.is_expired is False
    stale = s.get(f"{origin.url}/a", only_if_cached=True)
    assert (stale.is_expired, stale.from_cache) == (True, True)


@pytest.mark.parametrize(("expiry", "told"), [(None, ""), (60, "expires 2026-06-01 12:01:00 UTC")])
def test_str_of_a_response_is_short(origin, session, clock, expiry, told):
    s = session(expire_after=expiry)
    url = f"{origin.url}/a"
    assert str(s.get(url)).startswith(f"<Response [200] GET {url} (new")
    assert str(s.get(url)).startswith(f"<Response [200] GET {url} (from the cache")
    assert told in str(s.get(url))
    assert repr(s.get(url)) == "<Response [200]>"


# --- what comes back is what was received

GZIPPED = gzip.compress(b"packed " * 50, mtime=0)
FIDELITY = {
    "text": Answer("Gr\u00fc\u00dfe \U0001f642\n\tzweite Zeile \n\n"),
    "empty": Answer(""),
    "crlf": Answer(b"one\r\ntwo\r\n", headers={"Content-Type": "text/plain"}),
    "bom": Answer("\ufeffbom".encode(), headers={"Content-Type": "text/plain; charset=utf-8"}),
    "control": Answer(b"a\x00b\x07c\x85", headers={"Content-Type": "text/plain; charset=utf-8"}),
    "latin-1": Answer("caf\u00e9".encode("latin-1"), headers={"Content-Type": "text/html; charset=latin-1"}),
    "latin-1-untold": Answer("caf\u00e9".encode("latin-1"), headers={"Content-Type": "text/html"}),
    "utf-16": Answer("w\u00f6rter".encode("utf-16"), headers={"Content-Type": "text/plain; charset=utf-16"}),
    "shift-jis": Answer("\u65e5\u672c".encode("shift-jis"), headers={"Content-Type": "text/plain"}),
    "wrong-charset": Answer(PNG, headers={"Content-Type": "text/plain; charset=utf-8"}),
    "unknown-charset": Answer(b"abc", headers={"Content-Type": "text/plain; charset=nonsense"}),
    "no-type": Answer(b"abc", headers={"Content-Type": ""}),
    "json-object": Answer({"b": [1, {"c": None}], "a": "\u00fc"}),
    "json-list": Answer([]),
    "json-text": Answer(b'"x"', headers={"Content-Type": "application/json"}),
    "json-number": Answer(b"47", headers={"Content-Type": "application/json"}),
    "json-bytes": Answer(
        b'{"price":2.50,  "big":1e400,\r\n"b":1,"b":2}\n', headers={"Content-Type": "application/json"}
    ),
    "json-broken": Answer(b'{"a": ', headers={"Content-Type": "application/json"}),
    "json-escapes": Answer(b'{"a":"\\u00fc\\/"}', headers={"Content-Type": "application/problem+json"}),
    "binary": Answer(PNG, headers={"Content-Type": "image/png"}),
    "gzip": Answer(GZIPPED, headers={"Content-Encoding": "gzip", "Content-Type": "text/plain"}),
    "deflate": Answer(
        zlib.compress(b"flat"), headers={"Content-Encoding": "deflate", "Content-Type": "text/plain"}
    ),
    "chunked": Answer(chunks=[b"one ", b"two"], headers={"Content-Type": "text/plain"}),
    "no-content": Answer(status=204),
    "reason": Answer("x", reason="Quite All Right"),
    "yaml-like": Answer("- a: &x !!python/object 'q'\n# not a comment\n---\n..."),
    "repeated": Answer(
        "x",
        headers=[
            ("X-Many", "1"),
            ("Link", '</next>; rel="next"'),
            ("X-Many", "2"),
            ("Set-Cookie", "a=1; Path=/"),
            ("Set-Cookie", "b=2; Path=/; HttpOnly"),
            ("x-Case", "Kept"),
            ("Link", '</last>; rel="last"'),
        ],
    ),
    "header-latin-1": Answer("x", headers={"X-Name": "caf\u00e9"}),
}


@pytest.mark.parametrize("answer", FIDELITY.values(), ids=FIDELITY.keys())
def test_replayed_response_equals_the_live_one(origin, session, clock, answer):
    """Bytes, encoding, status, reason, headers and their order, links, cookies."""
    origin["/a"] = answer
    with requests.Session() as plain:
        expected = facts(plain.get(f"{origin.url}/a"))
    s = session(allowable_codes=[200, 204])
    assert facts(s.get(f"{origin.url}/a")) == expected
    replayed = s.get(f"{origin.url}/a")
    assert replayed.from_cache
    assert facts(replayed) == expected
    s.close()
    later = session(allowable_codes=[200, 204]).get(f"{origin.url}/a")
    assert later.from_cache
    assert facts(later) == expected
    assert origin.count() == 2


@pytest.mark.parametrize("name", ["json-object", "json-list", "json-text", "json-number", "json-escapes"])
def test_replayed_json_is_the_same_value(origin, session, name):
    origin["/a"] = FIDELITY[name]
    s = session()
    live, replayed = (s.get(f"{origin.url}/a") for _ in range(2))
    assert replayed.json() == live.json() == json.loads(FIDELITY[name].content()[0])


def test_head_is_stored_apart_from_get(origin, session):
    """With the length of a body that it has not."""
    origin["/a"] = Answer("a body")
    s = session()
    for from_cache in (False, True):
        response = s.head(f"{origin.url}/a")
        assert (response.from_cache, response.content) == (from_cache, b"")
        assert response.headers["Content-Length"] == "6"
    assert s.get(f"{origin.url}/a").text == "a body"
    assert [seen.method for seen in origin.log] == ["HEAD", "GET"]


def test_request_of_a_response_is_the_callers_own(origin, session):
    s = session()
    for _ in range(2):
        prepared = s.prepare_request(requests.Request("GET", f"{origin.url}/a", headers={"X-Mine": "1"}))
        assert s.send(prepared).request is prepared


def test_cached_responses_are_objects_of_their_own(origin, session):
    """Nothing that a caller does to one is seen in the next; in memory, too."""
    s = session(":memory:")
    for from_cache in (False, True, True):
        response = s.get(f"{origin.url}/a")
        assert response.from_cache is from_cache
        assert response.revalidated is False
        assert not hasattr(response, "mark")
        assert "X-Mark" not in response.headers
        response.mark = response.revalidated = True
        response.headers["X-Mark"] = "1"
        response.history.append(response)


def test_background_refresh_leaves_the_response_already_returned_alone(origin, session, clock):
    origin["/a"] = Answer("old"), Answer("new")
    s = session(":memory:", expire_after=10, stale_while_revalidate=True)
    s.get(f"{origin.url}/a")
    clock.move(20)
    stale = s.get(f"{origin.url}/a")
    s.close()
    assert origin.count() == 2
    assert (stale.text, stale.is_expired, stale.revalidated) == ("old", True, False)


# --- redirects


@pytest.fixture
def chain(origin):
    """A URL that leads to ``/end`` over two redirects."""
    origin["/start"] = Answer(
        "moved", status=301, headers={"Location": "/via", "Set-Cookie": "hop=1; Path=/"}
    )
    origin["/via"] = Answer(status=302, headers={"Location": "/end"})
    origin["/end"] = Answer("the end")
    return f"{origin.url}/start"


def test_redirect_keeps_its_history(origin, session, chain):
    s, own = session(), []
    for from_cache in (False, True):
        response = s.get(chain)
        assert (response.url, response.text, response.from_cache) == (
            f"{origin.url}/end",
            "the end",
            from_cache,
        )
        assert [(hop.status_code, hop.url) for hop in response.history] == [
            (301, chain),
            (302, f"{origin.url}/via"),
        ]
        assert response.history[0].text == "moved"
        assert [hop.from_cache for hop in response.history] == [from_cache] * 2
        own.append([response.history.index(hop) for hop in response.history[1].history])
    assert origin.count() == 3
    plain = requests.get(chain).history  # which of them a hop has depends on the version of requests
    assert own == [[plain.index(hop) for hop in plain[1].history]] * 2


def test_source_and_target_of_a_redirect_are_hits_each(origin, session, chain):
    s = session()
    s.get(chain)
    assert s.get(f"{origin.url}/end").from_cache
    assert s.get(f"{origin.url}/via").from_cache
    bare = s.get(chain, allow_redirects=False)
    assert (bare.status_code, bare.headers["Location"], bare.from_cache) == (301, "/via", True)
    assert bare.is_redirect
    assert bare.next.url == f"{origin.url}/via"
    assert origin.count() == 3


def test_bare_redirect_stored_first_is_followed_later(origin, session, chain):
    s = session(allowable_codes=[200, 301, 302])
    assert s.get(chain, allow_redirects=False).status_code == 301
    response = s.get(chain)
    assert (response.status_code, response.text) == (200, "the end")
    assert [hop.from_cache for hop in response.history] == [True, False]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_stored_under_every_allowable_codes(origin, session, status):
    origin["/from"] = Answer(status=status, headers={"Location": "/to"})
    origin["/to"] = Answer("gone", status=404)
    s = session(allowable_codes=[404])
    for from_cache in (False, True):
        response = s.get(f"{origin.url}/from")
        assert (response.status_code, response.from_cache) == (404, from_cache)
    assert origin.count() == 2


def test_each_hop_expires_as_its_own_url_says(origin, session, clock, chain):
    s = session(expire_after=10, urls_expire_after={f"{origin.netloc}/start": 100})
    s.get(chain)
    clock.move(10)
    response = s.get(chain)
    assert [hop.from_cache for hop in (*response.history, response)] == [True, False, False]
    assert [seen.path for seen in origin.log] == ["/start", "/via", "/end", "/via", "/end"]


def test_failed_chain_leaves_nothing_behind(origin, session, chain):
    """Decision 1: the hops of a chain that ends in an error are not stored."""
    origin["/end"] = Answer(drop=True), Answer("the end")
    s = session()
    with pytest.raises(requests.ConnectionError):
        s.get(chain)
    assert len(s.cache) == 0
    assert s.get(chain).text == "the end"
    assert len(s.cache) == 3


def test_endless_redirect_leaves_nothing_behind(origin, session):
    origin["/loop"] = Answer(status=302, headers={"Location": "/loop"})
    s = session()
    s.max_redirects = 3
    with pytest.raises(requests.TooManyRedirects):
        s.get(f"{origin.url}/loop")
    assert len(s.cache) == 0


def cookie_wall(seen):
    """A redirect to itself, or over ``/login``, that sets the cookie it asks for."""
    if "in=1" in seen.headers.get("cookie", ""):
        return Answer("in", headers={"Cache-Control": "no-store"})
    if seen.path == "/private":
        return Answer(status=302, headers={"Location": "/login"})
    there = "/private" if seen.path == "/login" else seen.path
    return Answer(status=302, headers={"Location": there, "Set-Cookie": "in=1; Path=/"})


@pytest.mark.parametrize(("path", "hops"), [("/wall", 1), ("/private", 2)])
@pytest.mark.parametrize(
    ("first", "settings"),
    [
        ({}, {"cache_control": True}),
        ({}, {"filter_fn": lambda response: response.is_redirect}),
        ({"stream": True}, {}),
        ({"allow_redirects": False}, {}),
    ],
    ids=["no-store", "refused", "unread", "not followed"],
)
def test_stored_redirect_that_leads_back_to_itself_is_followed_once(
    origin, session, path, hops, first, settings
):
    origin["/wall"] = origin["/private"] = origin["/login"] = cookie_wall
    session(**settings).get(origin.url + path, **first).close()
    sent = origin.count()
    assert session(**settings).get(origin.url + path, only_if_cached=True).status_code == 504
    assert origin.count() == sent
    response = session(**settings).get(origin.url + path)
    assert (response.text, response.from_cache) == ("in", False)
    assert [hop.status_code for hop in response.history] == [302] * hops


def test_redirect_to_itself_that_is_revalidated_is_followed(origin, session, clock):
    origin["/a"] = (
        Answer(status=302, headers={"Location": "/a", "ETag": '"1"'}),
        Answer(status=302, headers={"Location": "/a", "ETag": '"1"'}),
        Answer("in"),
    )
    s = session(expire_after=10)
    s.get(f"{origin.url}/a", allow_redirects=False)
    clock.move(20)
    response = s.get(f"{origin.url}/a")
    assert (response.text, [hop.status_code for hop in response.history]) == ("in", [302])


def test_redirect_followed_step_by_step(origin, session, chain):
    """``Session.resolve_redirects`` with ``yield_requests``, and ``response.next``."""
    s = session()
    for from_cache in (False, True):
        response = s.get(chain, allow_redirects=False)
        while response.next is not None:
            response = s.send(response.next, allow_redirects=False)
        assert (response.text, response.from_cache) == ("the end", from_cache)
    assert origin.count() == 3


# --- hooks


def test_response_hooks_run_once_for_each_response(origin, session, chain):
    s = session()
    for from_cache in (False, True):
        seen = []
        s.get(chain, hooks={"response": lambda response, seen=seen, **_: seen.append(response)})
        assert [response.url.removeprefix(origin.url) for response in seen] == ["/start", "/via", "/end"]
        assert [response.from_cache for response in seen] == [from_cache] * 3


def replaces_raw(response: requests.Response, **_: Any) -> None:
    response.raw = io.BytesIO(response.raw.read().upper())


def reads_raw(response: requests.Response, **_: Any) -> None:
    response.headers["X-Read"] = response.raw.read(3).decode()


def closes(response: requests.Response, **_: Any) -> None:
    response.close()


def reads_nothing(response: requests.Response, **_: Any) -> None:
    pass


@pytest.mark.parametrize("hook", [replaces_raw, reads_raw, closes, reads_nothing])
@pytest.mark.parametrize("of", ["request", "session"])
def test_hook_may_do_with_the_body_what_it_may_without_a_cache(origin, session, chain, hook, of):
    origin["/a"] = Answer({"name": "Emma"}, headers={"Set-Cookie": "a=b"})

    def seen_by(client: requests.Session, url: str) -> tuple[Any, ...]:
        if of == "session":
            client.hooks["response"] = [hook]
        response = client.get(url, hooks={"response": hook} if of == "request" else None)
        hops = [(hop.content, hop.headers.get("X-Read")) for hop in (*response.history, response)]
        return hops, response.raw.read(), dict(client.cookies)

    for url in (f"{origin.url}/a", chain):
        expected = seen_by(requests.Session(), url)
        client = session()
        assert [seen_by(client, url), seen_by(client, url)] == [expected, expected]
    assert client.get(chain).from_cache


def test_hook_sees_how_often_the_request_was_made(origin, session):
    origin["/a"] = Answer(status=503), Answer(status=503), Answer("in the end")
    s, seen = session(), []
    retries = Retry(3, status_forcelist=[503], backoff_factor=0)
    s.mount("http://", requests.adapters.HTTPAdapter(max_retries=retries))
    response = s.get(
        f"{origin.url}/a", hooks={"response": lambda r, **_: seen.append(len(r.raw.retries.history))}
    )
    assert (seen, response.text, len(response.raw.retries.history)) == ([2], "in the end", 2)


def test_hook_of_the_session_may_replace_the_response(origin, session):
    s = session()
    other = requests.Response()
    other.status_code = 299
    s.hooks["response"].append(lambda response, **_: other)
    for _ in range(2):
        assert s.get(f"{origin.url}/a").status_code == 299
    assert origin.count() == 1
    s.hooks["response"].clear()
    assert s.get(f"{origin.url}/a").status_code == 200


def test_hook_sees_whether_the_response_is_cached(origin, session):
    s = session()
    seen = []
    s.hooks["response"].append(lambda response, **_: seen.append(response.from_cache))
    s.get(f"{origin.url}/a")
    s.get(f"{origin.url}/a")
    assert seen == [False, True]


# --- streaming

LINES = "".join(f"line {number}\n" for number in range(200))
BODIES = {
    "plain": Answer(LINES),
    "chunked": Answer(chunks=[LINES.encode()[start : start + 100] for start in range(0, len(LINES), 100)]),
    "gzip": Answer(gzip.compress(LINES.encode(), mtime=0), headers={"Content-Encoding": "gzip"}),
    "gzip-chunked": Answer(
        chunks=[gzip.compress(LINES.encode(), mtime=0)[start:][:50] for start in range(0, 500, 50)],
        headers={"Content-Encoding": "gzip"},
    ),
}


def read_by_pieces(response):
    pieces = []
    while piece := response.raw.read(77, decode_content=True):
        pieces.append(piece)
    return b"".join(pieces)


def read_into(response):
    response.raw.decode_content = True
    return io.BufferedReader(response.raw).read()


READERS = {
    "content": lambda response: response.content,
    "iter_lines": lambda response: b"".join(line + b"\n" for line in response.iter_lines()),
    "iter_lines-1": lambda response: b"".join(line + b"\n" for line in response.iter_lines(chunk_size=1)),
    "iter_content-1": lambda response: b"".join(response.iter_content()),
    "iter_content-64": lambda response: b"".join(response.iter_content(64)),
    "iter_content-None": lambda response: b"".join(response.iter_content(None)),
    "iter_content-text": lambda response: "".join(response.iter_content(64, decode_unicode=True)).encode(),
    "iter": lambda response: b"".join(response),
    "raw.read": lambda response: response.raw.read(decode_content=True),
    "raw.read-pieces": read_by_pieces,
    "raw.stream": lambda response: b"".join(response.raw.stream(64, decode_content=True)),
    "raw.stream-None": lambda response: b"".join(response.raw.stream(None, decode_content=True)),
    "BufferedReader": read_into,
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("reader", READERS)
def test_streamed_response_is_recorded_as_it_is_read_and_replayed(origin, session, body, reader):
    answer = BODIES[body]
    answer = Answer(
        answer.body,
        headers={"Content-Type": "text/plain; charset=utf-8", **answer.headers},
        chunks=answer.chunks,
    )
    origin["/a"] = answer
    s = session()
    for from_cache in (False, True, True):
        with s.get(f"{origin.url}/a", stream=True) as response:
            assert response.from_cache is from_cache
            assert READERS[reader](response).decode() == LINES
    assert s.get(f"{origin.url}/a").text == LINES
    assert origin.count() == 1


def test_streamed_response_has_no_content_before_it_is_read(origin, session):
    origin["/a"] = Answer(LINES)
    s = session()
    s.get(f"{origin.url}/a")
    with s.get(f"{origin.url}/a", stream=True) as response:
        assert response.raw.read(4) == b"line"
        assert response.raw.read(2) == b" 0"
        rest = response.raw.read()
        assert rest == LINES.encode()[6:]
        assert response.raw.read() == b""


def test_unstreamed_content_can_be_read_again_and_again(origin, session):
    origin["/a"] = Answer(LINES)
    s = session()
    for _ in range(2):
        response = s.get(f"{origin.url}/a")
        for _ in range(2):
            assert b"".join(response.iter_content(64)) == LINES.encode()
            assert list(response.iter_lines(decode_unicode=True)) == LINES.splitlines()


def test_abandoned_stream_is_not_recorded(origin, session):
    origin["/a"] = Answer(LINES * 1000)
    s = session()
    with s.get(f"{origin.url}/a", stream=True) as response:
        next(response.iter_content(10))
    assert len(s.cache) == 0
    assert s.get(f"{origin.url}/a").from_cache is False


@pytest.mark.parametrize(
    ("method", "answer"), [("HEAD", Answer(LINES)), ("GET", Answer(status=204)), ("GET", Answer(b""))]
)
def test_stream_with_nothing_to_read_is_recorded(origin, session, method, answer):
    origin["/a"] = answer
    s = session(allowable_codes=[200, 204])
    for from_cache in (False, True):
        with s.request(method, f"{origin.url}/a", stream=True) as response:
            assert response.from_cache is from_cache


def test_stream_that_an_adapter_has_read_is_recorded_whole_or_not_at_all(origin, session):
    class Reading(requests.adapters.HTTPAdapter):
        def send(self, *args, **kwargs):
            response = super().send(*args, **kwargs)
            assert response.content
            return response

    origin["/a"] = Answer(LINES)
    s = session()
    s.mount("http://", Reading())
    for _ in range(2):
        with s.get(f"{origin.url}/a", stream=True) as response:
            assert response.content == LINES.encode()


def test_replayed_raw_has_no_retries_and_the_path_that_was_asked_for(origin, session):
    s = session()
    live, replayed = (s.get(f"{origin.url}/a?b=1").raw for _ in range(2))
    assert replayed.retries.history == live.retries.history == ()
    assert replayed.url == live.url == "/a?b=1"


def test_stream_that_is_never_read_is_not_recorded(origin, session):
    origin["/a"] = Answer(LINES)
    s = session()
    s.get(f"{origin.url}/a", stream=True).close()
    assert len(s.cache) == 0


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "broken", [Answer(LINES, cut=20), Answer(chunks=[b"one", b"two"], cut=1)], ids=["length", "chunked"]
)
def test_broken_body_is_not_recorded(origin, session, broken, stream):
    origin["/a"] = broken
    s = session()

    def fetch():
        with s.get(f"{origin.url}/a", stream=stream) as response:
            return response.content

    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        fetch()
    assert len(s.cache) == 0


def test_endless_stream_does_not_block(origin, session):
    """Server-sent events; what has come is handed on while more is outstanding."""
    goes_on = threading.Event()

    class Endless(list):
        def __iter__(self):
            yield b"data: 1\n\n"
            goes_on.wait(10)
            yield b"data: 2\n\n"

    origin["/events"] = Answer(chunks=Endless(), headers={"Content-Type": "text/event-stream"})
    s = session()
    with s.get(f"{origin.url}/events", stream=True, timeout=10) as response:
        lines = response.iter_lines(chunk_size=1)
        assert next(lines) == b"data: 1"
        assert not goes_on.is_set()
        goes_on.set()
    assert len(s.cache) == 0


@pytest.mark.parametrize("cache_name", [None, ":memory:"])
def test_large_stream_is_recorded(origin, session, tmp_path, monkeypatch, cache_name):
    """More than is kept in memory; no temporary file is left, whatever becomes of it."""
    spool = tmp_path / "tmp"
    spool.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spool))
    data = bytes(range(256)) * 8192
    origin["/large"] = Answer(data)
    s = session(cache_name)
    for from_cache in (False, True):
        with s.get(f"{origin.url}/large", stream=True) as response:
            assert response.from_cache is from_cache
            assert b"".join(response.iter_content(65536)) == data
    assert origin.count() == 1
    s.settings.filter_fn = lambda response: False
    assert len(s.get(f"{origin.url}/large", stream=True).content) == len(data)
    with s.get(f"{origin.url}/large", stream=True) as abandoned:
        next(abandoned.iter_content(1_500_000))
    assert origin.count() == 3
    assert list(spool.glob("reqcache-*")) == []


@pytest.mark.parametrize("cache_name", [None, ":memory:"])
def test_stream_that_is_read_late_leaves_what_was_asked_for_after_it(origin, session, cache_name):
    origin["/news"] = Answer("first"), Answer("second")
    s = session(cache_name)
    with s.get(f"{origin.url}/news", stream=True) as slow:
        assert s.get(f"{origin.url}/news", refresh=True).text == "second"
        assert slow.text == "first"
    assert (s.get(f"{origin.url}/news").text, len(s.cache)) == ("second", 1)
    assert origin.count() == 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of its socket
def test_large_stream_that_is_forgotten_leaves_no_file(origin, session, tmp_path, monkeypatch):
    spool = tmp_path / "tmp"
    spool.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spool))
    origin["/large"] = Answer(bytes(range(256)) * 8192)
    s = session()
    forgotten = s.get(f"{origin.url}/large", stream=True)
    assert len(forgotten.raw.read(1_500_000)) == 1_500_000
    assert len(list(spool.iterdir())) == 1
    del forgotten
    gc.collect()
    assert list(spool.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_process_that_is_forked_leaves_what_is_being_streamed(origin, session, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    data = bytes(range(256)) * 8192
    origin["/large"] = Answer(data)
    with session().get(f"{origin.url}/large", stream=True) as response:
        read = b"".join(response.raw.read(1000) for _ in range(1_500))
        if (child := os.fork()) == 0:
            status = 1
            try:
                response.raw._tee._spool._drop()  # as at the end of a process
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        assert read + response.raw.read() == data
    assert session().get(f"{origin.url}/large").content == data


def test_streamed_redirects_are_followed_and_replayed(origin, session, chain):
    s = session()
    for from_cache in (False, True):
        with s.get(chain, stream=True) as response:
            assert b"".join(response.iter_content(3)) == b"the end"
            assert [hop.from_cache for hop in (*response.history, response)] == [from_cache] * 3
    assert origin.count() == 3


# --- cookies


def test_cookies_of_a_replayed_response_reach_response_and_session(origin, session):
    """A replayed login is logged in."""
    origin["/login"] = Answer(
        "in", headers=[("Set-Cookie", "sid=abc; Path=/; HttpOnly"), ("Set-Cookie", "theme=light; Path=/app")]
    )
    expected = {"sid": "abc", "theme": "light"}
    for from_cache in (False, True):
        s = session()
        response = s.get(f"{origin.url}/login")
        assert response.from_cache is from_cache
        assert response.cookies.get_dict() == expected
        assert s.cookies.get_dict() == expected
        s.get(f"{origin.url}/me", force_refresh=True)
        assert origin.last.headers["cookie"] == "sid=abc"


def test_cookies_of_a_replayed_hop_are_sent_on(origin, session, chain):
    session().get(chain)
    s = session()
    s.get(chain, expire_after=None)
    assert s.cookies.get_dict() == {"hop": "1"}
    assert origin.count() == 3


def test_cookie_that_a_replayed_response_takes_away_is_gone(origin, session):
    origin["/out"] = Answer(headers={"Set-Cookie": "sid=; Path=/; Max-Age=0"})
    for _ in range(2):
        s = session()
        s.cookies.set("sid", "abc", domain="127.0.0.1", path="/")
        s.get(f"{origin.url}/out")
        assert s.cookies.get_dict() == {}
    assert origin.count() == 1


# --- pickling


@pytest.mark.parametrize("stream", [False, True])
def test_responses_can_be_pickled(origin, session, clock, chain, stream):
    s = session(expire_after=60)
    for from_cache in (False, True):
        response = s.get(chain, stream=stream)
        copy = pickle.loads(pickle.dumps(response))
        assert facts(copy) == facts(response)
        assert copy.from_cache is from_cache
        assert (copy.expires, copy.created_at, copy.cache_key, copy.is_expired, copy.revalidated) == (
            response.expires,
            response.created_at,
            response.cache_key,
            False,
            False,
        )
        assert [hop.status_code for hop in copy.history] == [301, 302]


def test_missing_response_can_be_pickled(session):
    response = session(only_if_cached=True).get("http://example.com/")
    assert facts(pickle.loads(pickle.dumps(response))) == facts(response)


def test_session_refuses_to_be_pickled(session):
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(session())


def test_raw_of_a_response_that_was_read_tells_what_that_of_a_live_one_does(origin, session):
    s = session()
    live, replayed = (s.get(f"{origin.url}/raw?body=hello") for _ in range(2))
    assert replayed.from_cache
    assert replayed.raw.closed
    for told in ("status", "reason", "version", "closed", "length_remaining"):
        assert getattr(replayed.raw, told) == getattr(live.raw, told), told
    assert replayed.raw.tell() == live.raw.tell() == len(live.content)
    assert list(replayed.raw.headers.items()) == list(live.raw.headers.items())
    assert replayed.raw.read() == live.raw.read() == b""
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = replayed.raw.no_such_thing


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("chunks", [None, [b"he", b"llo"]], ids=["length", "chunked"])
def test_raw_of_a_streamed_response_tells_how_much_is_still_to_come(origin, session, method, chunks):
    origin["/a"] = Answer("hello", chunks=chunks)
    s = session()
    lengths = []
    for _ in range(2):
        with s.request(method, f"{origin.url}/a", stream=True) as response:
            told = [response.raw.length_remaining]
            while response.raw.read(2):
                told.append(response.raw.length_remaining)
        lengths.append((told, response.raw.tell()))
    assert response.from_cache
    assert lengths[1] == lengths[0]


def test_raw_of_a_response_that_was_read_may_be_looked_at_by_several_threads(origin, session, monkeypatch):
    s = session()
    _, replayed = (s.get(f"{origin.url}/raw?body=hello") for _ in range(2))
    seen = []
    other = threading.Thread(target=lambda: seen.append(replayed.raw.status))
    made = conversion._ReplayedResponse.__init__

    def slowly_made(raw, *args):
        other.start()
        other.join(0.1)  # where nothing holds it back it looks at what is half made
        made(raw, *args)

    monkeypatch.setattr(conversion._ReplayedResponse, "__init__", slowly_made)
    assert replayed.raw.status == 200
    other.join()
    assert seen == [200]
