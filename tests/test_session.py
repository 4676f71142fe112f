"""``CachedSession`` as a `requests` session: what it matches, stores, and leaves alone (section I)."""

from __future__ import annotations

import array
import enum
import io
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import HTTPDigestAuth

import pytest_reqcache
from origin import Answer
from pytest_reqcache import CachedSession, CacheMixin, CassetteError
from pytest_reqcache.cassette import index
from pytest_reqcache.engine import open_engine
from pytest_reqcache.flights import Flights
from pytest_reqcache.headers import Headers
from pytest_reqcache.session import session_on

PACKAGE = str(Path(pytest_reqcache.__file__).parents[1])


def cassette_text(session):
    return session.cache.path.read_text()


# --- requests as it is


def test_prepared_requests_with_and_without_a_session(origin, session):
    s = session()
    s.headers["X-Session"] = "1"
    with_session = s.prepare_request(requests.Request("GET", f"{origin.url}/a", params={"q": 1}))
    without = requests.Request("GET", f"{origin.url}/a", params={"q": 1}).prepare()
    assert s.send(with_session).from_cache is False
    assert origin.last.headers["x-session"] == "1"
    assert s.send(without).from_cache is True
    assert s.get(f"{origin.url}/a?q=1").from_cache is True
    s.cache.clear()
    s.send(without)
    assert "x-session" not in origin.last.headers


def test_same_prepared_request_can_be_sent_again(origin, session):
    s = session()
    prepared = requests.Request("GET", f"{origin.url}/a").prepare()
    assert [s.send(prepared).from_cache for _ in range(3)] == [False, True, True]


def test_request_objects_hooks_run_for_prepared_requests(origin, session):
    seen = []
    hooks = {"response": lambda response, **_: seen.append(response.from_cache)}
    prepared = requests.Request("GET", f"{origin.url}/a", hooks=hooks).prepare()
    s = session()
    s.send(prepared)
    s.send(prepared)
    assert seen == [False, True]


def test_headers_auth_params_and_cookies_of_the_session_are_sent(origin, session):
    s = session()
    s.headers["X-Mine"] = "1"
    s.auth = ("user", "pass")
    s.params = {"lang": "de"}
    s.cookies.set("theme", "light")
    s.get(f"{origin.url}/a")
    seen = origin.last
    assert seen.path == "/a?lang=de"
    assert seen.headers["x-mine"] == "1"
    assert seen.headers["authorization"].startswith("Basic ")
    assert seen.headers["cookie"] == "theme=light"
    assert s.get(f"{origin.url}/a?lang=de", params={"lang": None}).from_cache is True


def test_session_is_a_context_manager(origin, tmp_path):
    with CachedSession(tmp_path / "c.yaml") as s:
        s.get(f"{origin.url}/a")
    with CachedSession(tmp_path / "c.yaml") as s:
        assert s.get(f"{origin.url}/a").from_cache is True


def test_closed_session_can_be_used_again(origin, session):
    """As a session of requests."""
    s = session()
    s.get(f"{origin.url}/a")
    s.close()
    assert s.get(f"{origin.url}/a").from_cache is True
    assert s.get(f"{origin.url}/b").from_cache is False


class Counting(HTTPAdapter):
    """An adapter that counts what it sends."""

    def __init__(self):
        super().__init__()
        self.sent = 0

    def send(self, request, **kwargs):
        self.sent += 1
        return super().send(request, **kwargs)


def test_mounted_adapter_is_asked_for_misses_only(origin, session):
    s = session()
    adapter = Counting()
    s.mount(f"{origin.url}/mine", adapter)
    for _ in range(3):
        s.get(f"{origin.url}/mine")
        s.get(f"{origin.url}/other")
    assert adapter.sent == 1
    assert origin.count() == 2


class Canned(requests.adapters.BaseAdapter):
    """An adapter that speaks no HTTP."""

    made = requests.Response

    def send(self, request, **kwargs):
        response = self.made()
        response.status_code, response.url, response.request = 200, request.url, request
        response.headers["Content-Type"] = "text/plain; charset=utf-8"
        response.raw = io.BytesIO(b"canned")
        response.encoding = "utf-8"
        return response

    def close(self):
        pass


def test_adapter_of_another_protocol_is_cached(session):
    s = session()
    s.mount("canned://", Canned())
    for from_cache in (False, True):
        response = s.get("canned://x/y")
        assert (response.text, response.from_cache, response.encoding) == ("canned", from_cache, "utf-8")


@pytest.mark.parametrize(
    ("attributes", "is_stored"),
    [
        ({"raw": None}, True),
        ({"raw": None, "reason": "Fine"}, True),
        ({"status_code": None}, False),
        ({"status_code": "200"}, False),
        ({"reason": b"Fine"}, False),
        ({"_content": "a text"}, False),
    ],
)
def test_what_an_adapter_gives_that_is_no_response_of_http_is_handed_on(session, attributes, is_stored):
    class Odd(Canned):
        def send(self, request, **kwargs):
            response = super().send(request, **kwargs)
            vars(response).update(attributes)
            return response

    plain, s = requests.Session(), session()
    for each in (plain, s):
        each.mount("canned://", Odd())
    expected, response = plain.get("canned://x/y"), s.get("canned://x/y")
    for name in ("status_code", "reason", "content"):
        assert getattr(response, name) == getattr(expected, name)
    assert len(s.cache) == is_stored
    assert (s.get("canned://x/y").content or b"") == (expected.content or b"")


NEEDED = ("elapsed", "history", "raw", "status_code", "is_redirect", "content", "headers", "url")


@pytest.mark.parametrize("slots", [("__dict__",), NEEDED], ids=["any attribute", "no other attribute"])
@pytest.mark.parametrize("status", [200, None])
def test_what_is_no_response_of_requests_is_handed_on(session, slots, status):
    class Odd:
        __slots__ = slots

        def __init__(self):
            self.history, self.raw, self.status_code, self.is_redirect = [], None, status, False
            self.content, self.headers, self.url = b"x", {}, "canned://x/y"

    class Adapter(Canned):
        def send(self, request, **kwargs):
            return Odd()

    s, seen = session(), []
    s.mount("canned://", Adapter())
    for hooks in ({}, {"response": lambda response, **_: seen.append(response)}):
        response = s.get("canned://x/y", hooks=hooks)
        assert (type(response), response.content, len(s.cache)) == (Odd, b"x", 0)
    assert seen == [response]


def test_response_of_a_class_of_its_own_keeps_it_and_knows_where_it_comes_from(session):
    class Own(requests.Response):
        pass

    adapter, s = Canned(), session()
    adapter.made = Own
    s.mount("canned://", adapter)
    with s.cache_disabled():
        unknown = s.get("canned://x/y")
    new = s.get("canned://x/y")
    for response in (unknown, new):
        assert type(response) is Own
        assert (response.from_cache, response.revalidated, response.is_expired) == (False, False, False)
    assert (unknown.created_at, unknown.expires, unknown.cache_key) == (None, None, None)
    assert new.cache_key in s.cache
    assert s.get("canned://x/y").from_cache is True


def test_stream_that_cannot_be_followed_is_handed_on_unrecorded(session):
    s = session()
    s.mount("canned://", Canned())
    for _ in range(2):
        response = s.get("canned://x/y", stream=True)
        assert (response.from_cache, response.raw.read()) == (False, b"canned")
    assert len(s.cache) == 0


def test_subclass_of_the_session(origin, tmp_path):

    class Mine(CachedSession):
        def request(self, method, url, **kwargs):
            return super().request(method, f"{origin.url}{url}", **kwargs)

        def send(self, request, **kwargs):
            kwargs.setdefault("timeout", 5)
            return super().send(request, **kwargs)

    with Mine(tmp_path / "c.yaml", expire_after=60) as s:
        assert [s.get("/a", only_if_cached=False).from_cache for _ in range(2)] == [False, True]
        assert s.settings.expire_after == 60


def test_cache_mixin_with_another_base_class(origin, tmp_path):

    class Theirs(requests.Session):
        def __init__(self, base, *, token="none"):
            super().__init__()
            self.base = base
            self.headers["X-Token"] = token

        def request(self, method, url, *args, **kwargs):
            return super().request(method, self.base + url, *args, **kwargs)

    class Mine(CacheMixin, Theirs):
        pass

    with Mine(tmp_path / "c.yaml", base=origin.url, token="t", expire_after=60) as s:
        for from_cache in (False, True):
            response = s.get("/a")
            assert (response.from_cache, response.url) == (from_cache, f"{origin.url}/a")
        assert s.settings.expire_after == 60
    assert origin.last.headers["x-token"] == "t"
    assert origin.count() == 1


def test_argument_that_nobody_knows_is_named():
    class Theirs(requests.Session):
        def __init__(self, base):
            super().__init__()
            self.base = base

    class Mine(CacheMixin, Theirs):
        pass

    with Mine(":memory:", "http://x") as s:
        assert s.base == "http://x"
    with pytest.raises(
        TypeError, match=r"^CachedSession: 'sqlite' was given .*; leave it out: there are no backends"
    ):
        CachedSession(":memory:", "sqlite")
    with pytest.raises(TypeError, match="'backend' is no setting here; docs/moving says"):
        CachedSession(":memory:", backend="sqlite")


def test_wrap_of_a_session_that_shares_its_cache_has_one_of_its_own(origin, tmp_path):
    inner = session_on(open_engine(tmp_path / "inner.yaml", {}))
    with inner.cache_disabled():
        outer = CachedSession.wrap(inner, tmp_path / "outer.yaml", remove_expired=True)
    outer.get(f"{origin.url}/a", expire_after=-1)
    assert outer.get(f"{origin.url}/a").from_cache is True
    outer.cache.reset_expiration(0)
    outer.close()
    assert len(CachedSession(tmp_path / "outer.yaml").cache) == 0


def test_wrap_takes_a_session_from_before_a_cache_was_installed(origin, install):
    plain = requests.Session()
    install()
    with CachedSession.wrap(plain, ":memory:") as wrapped:
        assert [wrapped.get(f"{origin.url}/a").from_cache for _ in range(2)] == [False, True]


def test_wrap_names_what_is_no_session(tmp_path):
    with pytest.raises(TypeError, match=r"^'c\.yaml' is no requests\.Session"):
        CachedSession.wrap("c.yaml", tmp_path / "c.yaml")


def test_wrap_takes_over_what_another_session_has(origin, tmp_path):
    theirs = requests.Session()
    theirs.headers["X-Mine"] = "1"
    theirs.auth = ("user", "pass")
    theirs.params = {"q": "1"}
    theirs.cookies.set("theme", "light")
    theirs.max_redirects = 7
    adapter = Counting()
    theirs.mount("http://", adapter)
    with CachedSession.wrap(theirs, tmp_path / "c.yaml", expire_after=60) as s:
        assert [s.get(f"{origin.url}/a").from_cache for _ in range(2)] == [False, True]
        assert (adapter.sent, s.max_redirects, s.settings.expire_after) == (1, 7, 60)
    seen = origin.last
    assert (seen.path, seen.headers["x-mine"], seen.headers["cookie"]) == ("/a?q=1", "1", "theme=light")
    assert seen.headers["authorization"].startswith("Basic ")


def digest_challenge(received):
    if received.headers.get("authorization", "").startswith("Digest "):
        return Answer("secret")
    challenge = 'Digest realm="r", nonce="abc", qop="auth", algorithm=MD5'
    return Answer("no", status=401, headers={"WWW-Authenticate": challenge})


def test_digest_auth_resends_through_the_cache(origin, session):
    """Issue 3 C11: the handler sends again, with ``response.connection``."""
    origin["/a"] = digest_challenge
    s = session()
    response = s.get(f"{origin.url}/a", auth=HTTPDigestAuth("user", "pass"))
    assert (response.status_code, response.text) == (200, "secret")
    assert [hop.status_code for hop in response.history] == [401]
    assert origin.count() == 2
    assert "Digest " in origin.log[1].headers["authorization"]


def test_digest_auth_gets_through_where_refusals_are_stored(origin, session):
    """What refused the request without credentials is no answer to the one that has them."""
    challenge = Answer("out", 401, headers={"WWW-Authenticate": 'Digest realm="r", nonce="1", qop="auth"'})
    origin["/a"] = lambda seen: Answer("in") if "authorization" in seen.headers else challenge
    s = session(allowable_codes=[200, 401])
    for _ in range(2):
        assert s.get(f"{origin.url}/a", auth=HTTPDigestAuth("u", "p")).text == "in"
    assert origin.count("/a") == 2


def test_a_stored_refusal_is_no_recording_of_a_request_with_credentials(origin, session):
    """Offline the reason is not that it was recorded for another variant."""
    origin["/a"] = Answer("out", 401)
    s = session(allowable_codes=[200, 401])
    s.get(f"{origin.url}/a")
    assert s.get(f"{origin.url}/a", only_if_cached=True).status_code == 401
    missed = s.get(f"{origin.url}/a", auth=("u", "p"), only_if_cached=True)
    assert (missed.status_code, "never recorded" in missed.text) == (504, True)


def test_digest_auth_is_replayed(origin, session):
    origin["/a"] = digest_challenge
    s = session()
    s.get(f"{origin.url}/a", auth=HTTPDigestAuth("user", "pass"))
    response = s.get(f"{origin.url}/a", auth=HTTPDigestAuth("user", "pass"), only_if_cached=True)
    assert (response.text, response.from_cache) == ("secret", True)
    assert "username=" not in cassette_text(s)


def test_digest_auth_behind_a_redirect_is_replayed_with_its_chain(origin, session):
    origin["/old"] = Answer(status=302, headers={"Location": "/a"})
    origin["/a"] = digest_challenge
    s = session()
    for how in ({}, {"only_if_cached": True}):
        response = s.get(f"{origin.url}/old", auth=HTTPDigestAuth("user", "pass"), **how)
        assert (response.text, response.from_cache) == ("secret", bool(how))
    assert origin.count() == 3


# --- persistence, files and threads


def test_stored_responses_outlive_the_session(origin, session, clock):
    """With expiration and key."""
    first = session(expire_after=60)
    new = first.get(f"{origin.url}/a")
    first.close()
    clock.move(30)
    stored = session().get(f"{origin.url}/a")
    assert stored.from_cache
    assert (stored.expires, stored.created_at, stored.cache_key) == (
        new.expires,
        new.created_at,
        new.cache_key,
    )
    clock.move(30)
    assert session().get(f"{origin.url}/a").from_cache is False


def test_two_sessions_on_one_path_see_each_other(origin, session):
    one, two = session(), session()
    for path in ("/a", "/b", "/c"):
        assert one.get(origin.url + path).from_cache is False
        assert two.get(origin.url + path).from_cache is True
        one, two = two, one
    assert len(one.cache) == len(two.cache) == 3


def test_of_two_sessions_that_ask_at_once_the_last_one_is_right(origin, session):
    one, two = session(), session()

    def late(received):
        assert two.get(f"{origin.url}/a").text == "early"
        return Answer("late")

    origin["/a"] = late, Answer("early")
    assert one.get(f"{origin.url}/a").text == "late"
    assert session().get(f"{origin.url}/a", only_if_cached=True).text == "late"


def test_threads_that_miss_the_same_response_send_one_request(origin, session):
    origin["/slow"] = Answer("x", delay=0.05)
    s = session()
    barrier = threading.Barrier(16)

    def fetch(_):
        barrier.wait(10)
        response = s.get(f"{origin.url}/slow")
        return response.text, response.from_cache

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(fetch, range(16)))
    assert sorted(answers) == [("x", False)] + [("x", True)] * 15
    assert origin.count() == 1
    assert len(s.cache) == 1


def test_threads_that_miss_different_responses_do_not_wait_for_each_other(origin, session):
    together = threading.Barrier(4)

    def answer(received):
        together.wait(10)
        return Answer(received.path)

    for number in range(4):
        origin[f"/{number}"] = answer
    s = session()
    with ThreadPoolExecutor(4) as pool:
        texts = list(pool.map(lambda number: s.get(f"{origin.url}/{number}").text, range(4)))
    assert texts == ["/0", "/1", "/2", "/3"]
    assert len(s.cache) == 4


@pytest.mark.parametrize(
    ("settings", "method", "arguments"),
    [
        ({}, "POST", {}),
        ({"expire_after": "do-not-cache"}, "GET", {}),
        ({}, "GET", {"expire_after": "do-not-cache"}),
        ({}, "GET", {"headers": {"Cache-Control": "no-store"}}),
        ({"read_only": True}, "GET", {}),
        ({"cache_control": True, "expire_after": "http", "allowable_methods": ["POST"]}, "POST", {}),
    ],
)
def test_threads_whose_answers_are_their_own_do_not_wait_for_each_other(
    origin, session, settings, method, arguments
):
    together = threading.Barrier(4)

    def answer(received):
        together.wait(10)
        return Answer("x")

    origin["/a"] = answer
    s = session(**settings)
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(s.request, method, origin.url + "/a", **arguments) for _ in range(4)]
    assert [response.result().text for response in asked] == ["x"] * 4
    assert origin.count("/a") == 4


@pytest.mark.parametrize(
    ("settings", "answer", "arguments"),
    [
        ({}, Answer("x", status=404), {}),
        ({"cache_control": True}, Answer("x", headers={"Cache-Control": "no-store"}), {}),
        ({}, Answer("x"), {"stream": True}),
    ],
    ids=["not stored", "no-store", "stream"],
)
def test_threads_that_waited_in_vain_do_not_wait_for_each_other(origin, session, settings, answer, arguments):
    together = threading.Barrier(3)

    def others(received):
        together.wait(10)
        return answer

    origin["/a"] = replace(answer, delay=0.2), others
    s = session(**settings)
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(s.get, origin.url + "/a", **arguments) for _ in range(4)]
    assert [response.result().text for response in asked] == ["x"] * 4
    assert origin.count("/a") == 4


@pytest.mark.parametrize(
    ("timeout", "waits"),
    [
        (0.01, False),
        ((0.004, 0.006), False),
        (urllib3.Timeout(0.01), False),
        (urllib3.Timeout(connect=0.004, read=0.006), False),
        (0, False),
        (None, True),
        ((0.01, None), True),
        (urllib3.Timeout(connect=0.01, read=None), True),
        ("unknown", True),
    ],
)
def test_a_flight_is_waited_for_as_long_as_a_timeout_says(timeout, waits):
    flights, given = Flights(), []

    def wait():
        with flights.flight("key", timeout) as flight:
            given.append(flight)

    with flights.flight("key"):
        waiting = threading.Thread(target=wait)
        waiting.start()
        waiting.join(0.2 if waits else 10)
        assert given == ([] if waits else [None])
    waiting.join(10)
    assert (given == [None]) is not waits
    assert flights._flying == {}


def test_a_thread_waits_for_the_request_of_another_as_long_as_its_timeout(origin, session):
    """Then it asks by itself: the other has a longer one, or none."""
    has_begun, may_end = threading.Event(), threading.Event()

    def slow(received):
        has_begun.set()
        may_end.wait(10)
        return Answer("slow")

    origin["/a"] = slow, Answer("quick")
    s = session()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(s.get, f"{origin.url}/a")
        has_begun.wait(10)
        second = s.get(f"{origin.url}/a", timeout=1)
        assert (second.text, first.done()) == ("quick", False)
        may_end.set()
        assert first.result().text == "slow"
    assert s.get(f"{origin.url}/a", timeout=None).from_cache is True


def test_threads_that_wait_for_a_failing_request_ask_themselves(origin, session):
    """An error is nobody else's answer, and no lock is left behind."""
    origin["/a"] = Answer(drop=True, delay=0.02), Answer("x")
    s = session()

    def fetch(_):
        try:
            return s.get(f"{origin.url}/a").text
        except requests.ConnectionError:
            return "failed"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(fetch, range(4))) == ["failed", "x", "x", "x"]
    assert origin.count() == 2


UNREADABLE = {
    "no-yaml": b"interactions: [",
    "binary": b"\x00\xff\xfe\x01",
    "another-file": b"just a text\n",
    "sqlite": b"SQLite format 3\x00" + bytes(100),
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_unreadable_file_is_a_clear_error_on_first_use_and_left_as_it_is(origin, session, tmp_path, content):
    path = tmp_path / "cache.yaml"
    path.write_bytes(content)
    s = session()
    for use in (lambda: s.get(f"{origin.url}/a"), lambda: len(s.cache), lambda: s.cache.clear()):
        with pytest.raises(CassetteError, match=r"cache\.yaml"):
            use()
    s.close()
    assert path.read_bytes() == content
    assert origin.log == []


@pytest.mark.parametrize(
    ("name", "error"),
    [
        (None, TypeError),
        (5, TypeError),
        (b"a", TypeError),
        ("", ValueError),
        (".", ValueError),
        ("a/..", ValueError),
        ("~nobody-is-called-so/a", ValueError),
    ],
)
def test_what_is_no_path_of_a_file_is_refused_by_name(name, error):
    with pytest.raises(error, match=f"cache_name={name!r}.*is accepted"):
        CachedSession(name)


@pytest.mark.parametrize("rest", [bytes(100), b"\xdf" * 100], ids=["ascii", "binary"])
def test_database_of_another_tool_is_told_by_name(session, tmp_path, rest):
    path = tmp_path / "cache.sqlite"
    path.write_bytes(b"SQLite format 3\x00" + rest)
    with pytest.raises(CassetteError, match=r"database of SQLite.*give another path"):
        session(path).get("http://api.test/")


def test_nothing_is_written_before_something_is_stored(origin, session, tmp_path):
    s = session(tmp_path / "sub" / "cache")
    s.get(f"{origin.url}/a", only_if_cached=True)
    s.cache.clear()
    assert not (tmp_path / "sub").exists()


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("plain", "plain.yaml"),
        ("dir/deep/name", "dir/deep/name.yaml"),
        ("kept.yml", "kept.yml"),
        (Path("a.path.yaml"), "a.path.yaml"),
        ("~/home", "home/home.yaml"),
    ],
    ids=str,
)
def test_cassette_path_follows_from_the_name(origin, session, tmp_path, monkeypatch, name, path):
    """Relative, absolute and ``~`` paths; parents are created."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    s = session(name)
    s.get(f"{origin.url}/a")
    assert (tmp_path / path).is_file()
    assert session(tmp_path / path).get(f"{origin.url}/a").from_cache is True


def test_default_name_of_the_cassette(origin, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with CachedSession() as s:
        s.get(f"{origin.url}/a")
    assert (tmp_path / "http_cache.yaml").is_file()


def test_memory_keeps_nothing_on_disk_and_shares_nothing(origin, session, tmp_path, monkeypatch):
    """``":memory:"``"""
    monkeypatch.chdir(tmp_path)
    s = session(":memory:", expire_after=60)
    assert [s.get(f"{origin.url}/a").from_cache for _ in range(2)] == [False, True]
    assert s.cache.path is None
    assert session(":memory:").get(f"{origin.url}/a").from_cache is False
    s.cache.delete(urls=[f"{origin.url}/a"])
    assert len(s.cache) == 0
    s.close()
    assert list(tmp_path.iterdir()) == []


# --- what is stored


@pytest.mark.parametrize(
    ("settings", "method", "cached"),
    [
        ({}, "GET", True),
        ({}, "HEAD", True),
        ({}, "POST", False),
        ({}, "PUT", False),
        ({}, "PATCH", False),
        ({}, "DELETE", False),
        ({}, "OPTIONS", False),
        ({"allowable_methods": ["post"]}, "POST", True),
        ({"allowable_methods": ["post"]}, "GET", False),
        ({"allowable_methods": ["GET", "DELETE"]}, "DELETE", True),
    ],
    ids=str,
)
def test_methods_that_are_stored(origin, session, settings, method, cached):
    s = session(**settings)
    assert [s.request(method, f"{origin.url}/a").from_cache for _ in range(2)] == [False, cached]
    assert origin.count() == (1 if cached else 2)


@pytest.mark.parametrize(
    ("codes", "status", "cached"),
    [
        (None, 200, True),
        (None, 404, False),
        (None, 500, False),
        (None, 203, False),
        ([404], 404, True),
        ([404], 200, False),
    ],
)
def test_statuses_that_are_stored(origin, session, codes, status, cached):
    origin["/a"] = Answer("x", status=status)
    s = session(**({} if codes is None else {"allowable_codes": codes}))
    assert [s.get(f"{origin.url}/a").from_cache for _ in range(2)] == [False, cached]


def test_methods_do_not_answer_for_each_other(origin, session):
    s = session(allowable_methods=["GET", "POST"])
    assert [getattr(s, verb)(f"{origin.url}/a").from_cache for verb in ("get", "post")] == [False, False]


def multipart(boundary, value="1"):
    body = f'--{boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n{value}\r\n--{boundary}--\r\n'
    return {"data": body.encode(), "headers": {"Content-Type": f"multipart/form-data; boundary={boundary}"}}


SAME = {
    "params-order": ({"params": {"a": 1, "b": 2}}, {"params": {"b": 2, "a": 1}}),
    "params-type": ({"params": {"a": 1}}, {"params": {"a": "1"}}),
    "json-key-order": ({"json": {"a": 1, "b": {"c": 2, "d": 3}}}, {"json": {"b": {"d": 3, "c": 2}, "a": 1}}),
    "json-space": (
        {"data": b'{"a":1}', "headers": {"Content-Type": "application/json"}},
        {"data": b'{ "a": 1 }', "headers": {"Content-Type": "application/json"}},
    ),
    "form-order": ({"data": {"a": 1, "b": 2}}, {"data": {"b": 2, "a": 1}}),
    "multipart-boundary": (multipart("abc"), multipart("xyz")),
    "files": ({"files": {"f": b"data"}}, {"files": {"f": b"data"}}),
    "text-and-bytes": ({"data": "abc"}, {"data": b"abc"}),
    "bytes-of-another-type": ({"data": b"\xff"}, {"data": bytearray(b"\xff")}),
}
OTHER = {
    "params": ({"params": {"a": 1}}, {"params": {"a": 2}}),
    "params-missing": ({"params": {"a": 1}}, {}),
    "params-repeated": ({"params": {"a": [1, 2]}}, {"params": {"a": [2, 1]}}),
    "empty-param": ({"params": {"a": "", "b": 1}}, {"params": {"b": 1}}),
    "only-empty-param": ({"params": {"a": ""}}, {}),
    "form": ({"data": {"a": 1}}, {"data": {"a": 2}}),
    "json": ({"json": {"a": 1}}, {"json": {"a": 2}}),
    "json-list-order": ({"json": [1, 2]}, {"json": [2, 1]}),
    "json-number-or-text": ({"json": {"a": 1}}, {"json": {"a": "1"}}),
    "json-or-none": ({"json": {}}, {}),
    "form-or-json": ({"data": '{"a": 1}'}, {"data": {"a": 1}}),
    "multipart-content": (multipart("abc"), multipart("abc", "2")),
    "files": ({"files": {"f": b"data"}}, {"files": {"f": b"other"}}),
    "bytes": ({"data": b"\xff\x00"}, {"data": b"\xff\x01"}),
    "bytes-of-another-type": ({"data": bytearray(b"\xff")}, {"data": bytearray(b"\xfe")}),
    "not-coded-as-it-says": tuple(
        {"data": data, "headers": {"Content-Encoding": "gzip"}} for data in (b"plain", b"other")
    ),
}


@pytest.mark.parametrize(("first", "second"), SAME.values(), ids=SAME.keys())
def test_requests_that_are_the_same(origin, session, first, second):
    for cache in (session(":memory:", allowable_methods=["POST"]), session(allowable_methods=["POST"])):
        assert cache.post(f"{origin.url}/a", **first).from_cache is False
        assert cache.post(f"{origin.url}/a", **second).from_cache is True
    assert origin.count() == 2


@pytest.mark.parametrize(("first", "second"), OTHER.values(), ids=OTHER.keys())
def test_requests_that_are_not_the_same(origin, session, first, second):
    s = session(allowable_methods=["POST"])
    numbers = [s.post(f"{origin.url}/a", **given).json()["n"] for given in (first, second, first, second)]
    assert numbers == [1, 2, 1, 2]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("/a?x=1&y=2", "/a?y=2&x=1", True),
        ("/a#one", "/a#two", True),
        ("/a?x=%7e", "/a?x=~", True),
        ("/q?a=&b=1", "/q?b=1", False),
        ("/q?a=", "/q", False),
        ("/q?a", "/q?a=", False),
        ("/a", "/A", False),
        ("/a", "/a/", False),
        ("/a?x=%2F", "/a?x=/", True),
        ("/a?x=%26", "/a?x=&", False),
        ("/a%2F", "/a/", False),
    ],
)
def test_urls_that_are_the_same(origin, session, one, other, same):
    s = session()
    s.get(origin.url + one)
    assert s.get(origin.url + other).from_cache is same


def test_default_port_and_case_of_the_host_make_no_difference(session):
    s = session(":memory:")
    s.mount("http://", Canned())
    s.get("http://Example.com:80/a")
    assert s.get("http://example.com/a").from_cache is True


def test_multipart_is_sent_as_it_is(origin, session):
    """Matching by content touches neither the body nor the header."""
    s = session(allowable_methods=["POST"])
    sent = s.post(f"{origin.url}/a", files={"f": ("n.txt", b"data")}).request
    assert origin.last.body == sent.body
    assert origin.last.headers["content-type"] == sent.headers["Content-Type"]


@pytest.mark.parametrize("stream", ["file", "text", "generator", "array", "file-read-into", "no-seek"])
def test_body_that_can_be_read_once_is_sent_matched_and_replayed(origin, session, tmp_path, stream):
    """Issue 3 C10: file and generator bodies."""
    path = tmp_path / "body.txt"

    class Pipe(io.RawIOBase):
        def __init__(self, content):
            self.inner = io.BytesIO(content)

        def readable(self):
            return True

        def readinto(self, buffer):
            return self.inner.readinto(buffer)

    def body(content):
        path.write_bytes(content)
        if stream == "generator":
            return (part for part in (content[:3], content[3:]))
        if stream == "array":
            return array.array("B", content)
        if stream == "no-seek":
            return io.BufferedReader(Pipe(content))
        file = io.StringIO(content.decode()) if stream == "text" else path.open("rb")
        if stream == "file-read-into":
            file.seek(2)
        opened.append(file)
        return file

    opened = []
    s = session(allowable_methods=["POST"])
    numbers = [
        s.post(f"{origin.url}/a", data=body(text)).json()["n"] for text in (b"one...", b"two!!!", b"one...")
    ]
    for file in opened:
        file.close()
    assert numbers == [1, 2, 1]
    expected = [b"e...", b"o!!!"] if stream == "file-read-into" else [b"one...", b"two!!!"]
    assert [seen.body for seen in origin.log] == expected


def test_file_that_was_sent_stands_where_it_would_without_us(origin, session):
    s = session(allowable_methods=["POST"])
    for _ in range(2):  # recorded, and replayed
        file = io.BytesIO(b"once")
        assert s.post(origin.url + "/a", data=file).json()["n"] == 1
        assert file.tell() == 4
    assert [seen.body for seen in origin.log] == [b"once"]


def test_file_that_is_looked_up_is_still_to_be_sent(origin, session):
    s = session(allowable_methods=["POST"])
    file = io.BytesIO(b"once")
    request = requests.Request("POST", origin.url + "/a", data=file)
    assert not s.cache.contains(request=request)
    assert file.tell() == 0
    s.post(origin.url + "/a", data=file)
    assert [seen.body for seen in origin.log] == [b"once"]


# --- ignored parameters


IGNORED = ["token", "X-Secret", "password"]
PLACES = {
    "query": lambda value: {"params": {"token": value, "page": "1"}},
    "form": lambda value: {"data": {"password": value, "name": "n"}},
    "json": lambda value: {"json": {"password": value, "name": "n"}},
    "nested-json": lambda value: {"json": {"user": [{"Password": value, "name": "n"}]}},
    "header": lambda value: {"headers": {"x-secret": value}},
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("match_headers", [False, True])
def test_ignored_parameters_are_not_matched_and_sent_unchanged_and_redacted(
    origin, session, place, match_headers
):
    origin["/a"] = Answer("x")
    s = session(ignored_parameters=IGNORED, allowable_methods=["POST"], match_headers=match_headers)
    make = PLACES[place]
    assert s.post(f"{origin.url}/a", **make("hush-1")).from_cache is False
    seen = origin.last
    assert "hush-1" in seen.path + seen.body.decode() + str(seen.headers)
    assert s.post(f"{origin.url}/a", **make("hush-2")).from_cache is True
    text = cassette_text(s)
    assert "hush" not in text
    assert "REDACTED" in text
    assert (
        session(ignored_parameters=IGNORED, allowable_methods=["POST"], match_headers=match_headers)
        .post(f"{origin.url}/a", **make("hush-3"))
        .from_cache
    )


def test_what_is_not_ignored_is_matched_beside_it(origin, session):
    s = session(ignored_parameters=["token"])
    s.get(f"{origin.url}/a", params={"token": "hush", "page": 1})
    assert s.get(f"{origin.url}/a", params={"token": "hush", "page": 2}).from_cache is False


@pytest.mark.parametrize(
    "name", ["Authorization", "authorization", "AUTHORIZATION", "X-API-KEY", "x-auth-token"]
)
def test_default_list_of_credentials_is_redacted_whatever_its_case(origin, session, name):
    s = session()
    s.get(f"{origin.url}/a", headers={name: "hush-hush"})
    assert origin.last.headers[name.lower()] == "hush-hush"
    assert "hush-hush" not in cassette_text(s)
    assert s.get(f"{origin.url}/a", headers={name: "other"}).from_cache is True


@pytest.mark.parametrize("name", ["access_token", "api_key", "API_KEY", "client_secret"])
def test_default_list_of_parameters_is_redacted(origin, session, name):
    origin["/a"] = Answer("x")
    s = session()
    response = s.get(f"{origin.url}/a", params={name: "hush-hush"})
    assert "hush-hush" in origin.last.path
    assert response.url.endswith("hush-hush")
    assert "hush-hush" not in cassette_text(s)


@pytest.mark.parametrize("other", ["q=it's", "q=a;b", "f*=a", "q=a"])
@pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/x-www-form-urlencoded"}])
def test_default_list_of_form_fields_is_redacted_whatever_stands_beside_them(origin, session, other, headers):
    """Without a type it is a form by how it looks: for what is compared and for what is written alike."""
    s = session(allowable_methods=["POST"])
    s.post(f"{origin.url}/a", data=f"{other}&access_token=hush-hush", headers=headers)
    assert "hush-hush" not in cassette_text(s)
    again = s.post(f"{origin.url}/a", data=f"{other}&access_token=other", headers=headers)
    assert again.from_cache is True


# --- headers


def test_headers_are_not_matched_by_default(origin, session):
    s = session()
    s.get(f"{origin.url}/a", headers={"Accept": "text/html"})
    assert s.get(f"{origin.url}/a", headers={"Accept": "application/json"}).from_cache is True


@pytest.mark.parametrize(
    ("match", "headers", "same"),
    [
        (["Accept-Language"], {"Accept-Language": "fr"}, False),
        (["accept-LANGUAGE"], {"Accept-Language": "fr"}, False),
        (["Accept-Language"], {"accept-language": "de", "X-Other": "1"}, True),
        (["Accept-Language"], {}, False),
        (["Accept-Encoding", "Accept-Language"], {"Accept-Language": "de"}, True),
        (["Accept-Encoding"], {"Accept-Encoding": "identity"}, False),
        (True, {"Accept-Language": "de", "X-Other": "1"}, False),
        (True, {"ACCEPT-language": "de"}, True),
        (True, {"Accept-Language": "de", "User-Agent": "other"}, True),
        ([], {}, True),
    ],
    ids=str,
)
def test_headers_that_are_matched(origin, session, match, headers, same):
    for s in (session(match_headers=match), session(match_headers=match)):
        first = s.get(f"{origin.url}/a", headers={"Accept-Language": "de"})
    assert first.from_cache is True
    assert session(match_headers=match).get(f"{origin.url}/a", headers=headers).from_cache is same


@pytest.mark.parametrize(
    "options", [{"expire_after": 60}, {"stale_if_error": True}, {"only_if_cached": True}], ids=str
)
def test_options_of_a_call_are_no_headers_to_match(origin, session, options):
    s = session(match_headers=True)
    s.get(f"{origin.url}/a")
    assert s.get(f"{origin.url}/a", **options).from_cache is True


def test_variants_are_stored_side_by_side(origin, session):
    """``Vary``: RFC 9111 section 4.1."""
    origin["/a"] = lambda seen: Answer(
        seen.headers.get("accept-language", "none"), headers={"Vary": "Accept-Language"}
    )
    s = session()
    languages = ["de", "fr", None, "de", "fr", None]
    responses = [s.get(f"{origin.url}/a", headers={"Accept-Language": language}) for language in languages]
    assert [response.text for response in responses] == ["de", "fr", "none"] * 2
    assert [response.from_cache for response in responses] == [False] * 3 + [True] * 3
    assert len(s.cache) == 3


def test_variants_expire_and_are_replaced_each_for_itself(origin, session, clock):
    origin["/a"] = lambda seen: Answer(seen.headers["accept-language"], headers={"Vary": "Accept-Language"})
    s = session()
    for language, expiry in (("de", 10), ("fr", 100)):
        s.get(f"{origin.url}/a", headers={"Accept-Language": language}, expire_after=expiry)
    clock.move(10)
    found = [
        s.get(f"{origin.url}/a", headers={"Accept-Language": name}).from_cache for name in ("de", "fr", "de")
    ]
    assert found == [False, True, True]
    assert len(s.cache) == 2


@pytest.mark.parametrize("cache_control", [False, True])
def test_vary_star_is_never_a_hit(origin, session, cache_control):
    origin["/a"] = Answer("x", headers={"Vary": "*"})
    s = session(cache_control=cache_control)
    assert [s.get(f"{origin.url}/a").from_cache for _ in range(2)] == [False, False]


def test_vary_does_not_compare_accept_encoding(origin, session):
    """Decision 13"""
    origin["/a"] = Answer("x", headers={"Vary": "Accept-Encoding"})
    s = session()
    s.get(f"{origin.url}/a", headers={"Accept-Encoding": "gzip"})
    assert s.get(f"{origin.url}/a", headers={"Accept-Encoding": "br"}).from_cache is True


# --- functions


def by_path(request, **settings):
    return request.path_url.partition("?")[0]


def test_key_fn_decides_what_is_the_same(origin, session):
    s = session(key_fn=by_path)
    response = s.get(f"{origin.url}/a?x=1")
    assert response.cache_key == "/a"
    assert s.get(f"{origin.url}/a?x=2").from_cache is True
    assert s.get(f"{origin.url}/b").from_cache is False
    assert sorted(s.cache) == ["/a", "/b"]
    assert session(key_fn=by_path).get(f"{origin.url}/a?x=3").from_cache is True


@pytest.mark.parametrize("http", [False, True], ids=["", "cache_control"])
def test_head_answers_no_get_whatever_key_fn_says(origin, session, http):
    origin["/a"] = Answer("text", headers={"Cache-Control": "max-age=60"})
    s = session(key_fn=by_path, cache_control=http)
    assert s.head(f"{origin.url}/a").content == b""
    assert s.get(f"{origin.url}/a").text == "text"
    assert s.get(f"{origin.url}/a").from_cache is True
    assert origin.count() == 2


def test_key_fn_can_be_set_later_and_gets_the_settings(origin, session):
    seen = {}

    def key_fn(request, **settings):
        seen.update(settings, request=request)
        return "k"

    s = session(match_headers=["Accept"], ignored_parameters=["token"])
    s.settings.key_fn = key_fn
    assert s.get(f"{origin.url}/a").cache_key == "k"
    assert isinstance(seen["request"], requests.PreparedRequest)
    assert set(seen["match_headers"]) == {"accept"}
    assert set(seen["ignored_parameters"]) == {"token"}


@pytest.mark.parametrize(
    "key",
    [
        "https://x.org/a?b=1",
        "../up",
        "/etc/passwd",
        "x" * 5000,
        "",
        "a: [b",
        "\U0001f642",
        "- 'q\"\n\tz",
        "1",
        "null",
    ],
    ids=lambda key: f"{key[:12]!r}-{len(key)}",
)
def test_any_text_is_a_valid_key(origin, session, tmp_path, key):

    def fetch():
        s = session(tmp_path / "dir" / "c.yaml", key_fn=lambda request, **_: key)
        return s.get(f"{origin.url}/a"), s

    assert fetch()[0].from_cache is False
    response, s = fetch()
    assert (response.from_cache, response.cache_key, list(s.cache)) == (True, key, [key])
    assert s.cache.contains(key)
    assert [path.name for path in tmp_path.iterdir()] == ["dir"]
    s.cache.delete(key)
    assert len(s.cache) == 0


def test_filter_fn_decides_on_write(origin, session):
    s = session(filter_fn=lambda response: "n" not in response.json() or response.json()["path"] != "/no")
    assert [s.get(f"{origin.url}/no").from_cache for _ in range(2)] == [False, False]
    assert [s.get(f"{origin.url}/yes").from_cache for _ in range(2)] == [False, True]
    assert len(s.cache) == 1


def test_filter_fn_sees_the_body_of_a_streamed_response(origin, session):
    origin["/large"], origin["/small"] = Answer("x" * 5000), Answer("x" * 50)
    s = session(filter_fn=lambda response: len(response.content) < 100 or response.from_cache)
    for path in ("/large", "/small"):
        response = s.get(origin.url + path, stream=True)
        assert b"".join(response.iter_content(64)).strip(b"x") == b""
        with pytest.raises(RuntimeError, match="already consumed"):
            response.content  # noqa: B018
    assert s.cache.urls() == [f"{origin.url}/small"]


def test_a_filter_that_fails_leaves_no_file_of_a_streamed_body(origin, session, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    origin["/a"] = Answer(b"x" * (2 << 20))
    s = session(tmp_path / "c" / "cache", filter_fn=lambda response: response.json()["ok"])
    with pytest.raises(requests.JSONDecodeError):
        list(s.get(f"{origin.url}/a", stream=True).iter_content(65536))
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []


def test_a_streamed_body_that_is_not_coded_as_it_says_is_the_callers(origin, session):
    origin["/a"] = Answer(b"plain", headers={"Content-Encoding": "gzip"})
    s = session()
    assert s.get(f"{origin.url}/a", stream=True).raw.read() == b"plain"
    assert len(s.cache) == 0


def test_filter_fn_decides_on_read_and_removes(origin, session):
    s = session()
    s.get(f"{origin.url}/a")
    s.settings.filter_fn = lambda response: response.json()["n"] > 2
    for alone in ({"only_if_cached": True}, {"headers": {"Cache-Control": "only-if-cached"}}):
        assert s.get(f"{origin.url}/a", **alone).status_code == 504
        assert len(s.cache) == 1  # where it cannot be replaced, it stays
    assert s.get(f"{origin.url}/a").json()["n"] == 2
    assert len(s.cache) == 0
    assert [s.get(f"{origin.url}/a").from_cache for _ in range(2)] == [False, True]


def test_filter_fn_decides_on_a_stored_get_that_answers_a_head(origin, session):
    s = session(cache_control=True)
    s.get(f"{origin.url}/a")
    assert s.head(f"{origin.url}/a").from_cache
    s.settings.filter_fn = lambda response: not response.from_cache
    assert not s.head(f"{origin.url}/a").from_cache


def test_filter_fn_comes_in_addition_to_other_filters(origin, session):
    origin["/404"] = Answer(status=404)
    s = session(filter_fn=lambda response: True)
    assert [s.get(f"{origin.url}/404").from_cache for _ in range(2)] == [False, False]
    assert [s.post(f"{origin.url}/a").from_cache for _ in range(2)] == [False, False]


# --- switches


def test_read_only_serves_and_stores_nothing(origin, session, clock):
    session(expire_after=10).get(f"{origin.url}/a")
    before = (text := session()).cache.path.read_bytes()
    s = session(read_only=True, filter_fn=lambda response: response.url.endswith("/a"))
    assert s.get(f"{origin.url}/a").from_cache is True
    assert s.get(f"{origin.url}/b").from_cache is False
    clock.move(10)
    assert s.get(f"{origin.url}/a").from_cache is False
    s.settings.filter_fn = lambda response: False
    s.get(f"{origin.url}/a")
    s.close()
    assert text.cache.path.read_bytes() == before


@pytest.mark.parametrize("method", ["POST", "HEAD"])
def test_read_only_leaves_what_is_worthless_by_http(origin, session, method):
    fresh = {"Cache-Control": "max-age=100"}
    origin["/a"] = (
        Answer("x", headers={**fresh, "ETag": '"1"'}),
        Answer("y", headers={**fresh, "ETag": '"2"'}),
    )
    session(cache_control=True).get(f"{origin.url}/a")
    s = session(cache_control=True, read_only=True)
    before = s.cache.path.read_bytes()
    s.request(method, f"{origin.url}/a", headers={"Cache-Control": "no-cache"})
    assert origin.count("/a") == 2
    assert s.get(f"{origin.url}/a").from_cache is True
    assert s.cache.path.read_bytes() == before


def test_read_only_revalidates_without_storing(origin, session, clock):
    origin["/a"] = Answer("x", headers={"ETag": '"1"'})
    session(expire_after=10).get(f"{origin.url}/a")
    clock.move(10)
    s = session(read_only=True)
    assert [s.get(f"{origin.url}/a").revalidated for _ in range(2)] == [True, True]
    assert origin.count() == 3


def test_passthrough_urls_are_no_part_of_the_cache(origin, session):
    s = session(passthrough=[f"{origin.netloc}/live"])
    assert [s.get(f"{origin.url}/live/x").from_cache for _ in range(2)] == [False, False]
    assert [s.get(f"{origin.url}/a").from_cache for _ in range(2)] == [False, True]
    assert len(s.cache) == 1


def test_every_hop_tells_where_it_is_from_when_the_cache_is_off(origin, session):
    origin["/old"] = Answer(status=302, headers={"Location": "/new"})
    s = session()
    with s.cache_disabled():
        response = s.get(f"{origin.url}/old")
    assert [one.from_cache for one in (*response.history, response)] == [False, False]


class Pipe(io.RawIOBase):
    """What has a `seek`, which fails."""

    def readable(self):
        return True

    def readinto(self, buffer):
        return 0


class Once:
    """What can be iterated over, and goes on where it was left."""

    def __init__(self, parts):
        self.parts = iter(parts)

    def __iter__(self):
        return self.parts


READ_ONCE = {
    "generator": lambda: (part for part in [b"all of it"]),
    "iterable": lambda: Once([b"all of it"]),
    "pipe": Pipe,
}


@pytest.mark.parametrize("made", READ_ONCE.values(), ids=READ_ONCE)
@pytest.mark.parametrize("ask", ["create_key", "contains", "delete"])
def test_body_that_can_be_read_once_is_left_to_who_sends_it(origin, session, ask, made):
    s = session(allowable_methods=["POST"])
    body = made()
    request = requests.Request("POST", f"{origin.url}/a", data=body)
    of_it = {
        "create_key": s.cache.create_key,
        "contains": lambda one: s.cache.contains(request=one),
        "delete": lambda one: s.cache.delete(requests=[one]),
    }
    with pytest.raises(
        TypeError, match=r"the body of POST http://.*/a can be read once only: give its bytes"
    ):
        of_it[ask](request)
    if not isinstance(body, Pipe):
        s.send(s.prepare_request(request))
        assert origin.last.body == b"all of it"


def test_body_that_can_be_read_again_is_sent_as_it_was(origin, session):
    s = session(allowable_methods=["POST"])
    prepared = s.prepare_request(requests.Request("POST", f"{origin.url}/a", data=io.BytesIO(b"all of it")))
    key = s.cache.create_key(prepared)
    assert s.cache.create_key(prepared) == key
    assert s.send(prepared).cache_key == key
    assert origin.last.body == b"all of it"


@pytest.mark.parametrize("history", [None, ()], ids=repr)
def test_session_of_another_class_may_answer_with_what_it_likes(origin, tmp_path, history):
    class Theirs(requests.Session):
        def send(self, request, **kwargs):
            response = super().send(request, **kwargs)
            response.history = history
            return response

    class Mine(CacheMixin, Theirs):
        pass

    with Mine(tmp_path / "cache.yaml") as mine:
        assert [mine.get(f"{origin.url}/a").from_cache for _ in range(2)] == [False, True]


def test_cache_disabled_neither_reads_nor_writes(origin, session):
    s = session()
    s.get(f"{origin.url}/a")
    with s.cache_disabled():
        response = s.get(f"{origin.url}/a")
        assert (response.from_cache, response.expires, response.cache_key) == (False, None, None)
        with s.cache_disabled():
            s.get(f"{origin.url}/b")
        assert s.get(f"{origin.url}/a", expire_after=60).json()["n"] == 4
    assert s.get(f"{origin.url}/a").json()["n"] == 1
    assert len(s.cache) == 1


def test_cache_disabled_ends_with_an_error_too(origin, session):
    s = session()
    with pytest.raises(ZeroDivisionError), s.cache_disabled():
        _ = 1 / 0
    s.get(f"{origin.url}/a")
    assert s.get(f"{origin.url}/a").from_cache is True


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda path: CachedSession(path, expire_afer=5), "did you mean 'expire_after'"),
        (lambda path: CachedSession(path, allowed_codes=[200]), "'allowable_codes'"),
        (lambda path: CachedSession(path, backend="sqlite"), "'backend'"),
    ],
)
def test_misspelt_setting_is_an_error(tmp_path, make, named):
    with pytest.raises(TypeError, match=named):
        make(tmp_path / "c.yaml")
    assert list(tmp_path.iterdir()) == []


def test_misspelt_setting_cannot_be_assigned_or_read(session):
    s = session()
    with pytest.raises(AttributeError, match="did you mean 'expire_after'"):
        s.settings.expire_afer = 5
    with pytest.raises(AttributeError, match="did you mean 'expire_after'"):
        _ = s.settings.expire_afer


@pytest.mark.parametrize(
    ("name", "wrong", "error"),
    [
        ("expire_after", "tomorrow", ValueError),
        ("expire_after", True, TypeError),
        ("urls_expire_after", {"*": "tomorrow"}, ValueError),
        ("stale_if_error", "never ever", ValueError),
        ("allowable_codes", [99], ValueError),
        ("allowable_codes", 200, TypeError),
        ("allowable_methods", "GET", TypeError),
        ("ignored_parameters", "token", TypeError),
        ("match_headers", "Accept", TypeError),
        ("filter_fn", "no", TypeError),
        ("key_fn", 1, TypeError),
        ("cache_control", "yes", TypeError),
        ("read_only", 1, TypeError),
        ("passthrough", "localhost", TypeError),
    ],
)
def test_wrong_value_of_a_setting_is_refused_when_it_is_given(session, name, wrong, error):
    """As an argument and as an assignment."""
    with pytest.raises(error, match=name):
        session(**{name: wrong})
    s = session()
    before = getattr(s.settings, name)
    with pytest.raises(error, match=name):
        setattr(s.settings, name, wrong)
    assert getattr(s.settings, name) == before


def test_expire_after_is_an_alias_of_the_setting(origin, session, clock):
    s = session(expire_after=60)
    assert s.expire_after == 60
    s.expire_after = timedelta(days=1)
    assert s.settings.expire_after == timedelta(days=1)
    assert s.get(f"{origin.url}/a").expires == clock.now + timedelta(days=1)


def test_log_says_why_a_response_was_served_or_stored_or_not(origin, session, clock, caplog):
    """DEBUG lines of the logger named after the package."""
    caplog.set_level(logging.DEBUG, logger="pytest_reqcache")
    origin["/404"] = Answer(status=404)
    origin["/tagged"] = Answer("x", headers={"ETag": '"1"'})
    s = session(expire_after=10, stale_if_error=True)

    def lines(path, **options):
        caplog.clear()
        s.get(origin.url + path, **options)
        said = [record.message for record in caplog.records if record.name == "pytest_reqcache"]
        assert all(line.startswith(f"GET {origin.url}{path}") for line in said)
        return [line.partition(": ")[2] for line in said]

    assert lines("/tagged") == ["sent: never recorded", "recorded"]
    assert lines("/tagged") == ["replayed from the cassette"]
    assert lines("/404") == ["sent: never recorded", "not stored: status 404"]
    assert lines("/tagged", refresh=True) == ["sent: refresh asked for", "revalidated"]
    assert lines("/none", only_if_cached=True) == ["not cached: never recorded"]
    clock.move(10)
    assert lines("/tagged", only_if_cached=True) == ["stale answer from the cassette"]
    assert lines("/tagged") == ["sent: expired", "revalidated"]


# --- looking at what is stored


def test_cache_tells_what_it_holds(origin, session, clock):
    s = session()
    short = s.get(f"{origin.url}/short", expire_after=10)
    long = s.get(f"{origin.url}/long", expire_after=100)
    clock.move(10)
    assert len(s.cache) == 2
    assert list(s.cache) == [short.cache_key, long.cache_key]
    assert s.cache.urls() == [f"{origin.url}/long", f"{origin.url}/short"]
    assert s.cache.urls(expired=False) == [f"{origin.url}/long"]
    assert [response.url for response in s.cache.filter(valid=False)] == [f"{origin.url}/short"]
    assert [response.json() for response in s.cache.filter(expired=False)] == [long.json()]
    assert [response.url for response in s.cache.filter(older_than=10)] == [short.url, long.url]
    assert list(s.cache.filter(older_than=11)) == []
    assert s.cache.responses[long.cache_key].expires == long.expires
    assert s.cache.create_key(requests.Request("GET", f"{origin.url}/long")) == long.cache_key
    assert short.cache_key in s.cache
    assert not s.cache.contains(url=f"{origin.url}/none")
    assert not s.cache.contains("none")
    assert json.loads(next(iter(s.cache.filter())).content) == short.json()


# --- header values


class Media(str, enum.Enum):
    """As programs name their media types."""

    JSON = "application/json"


def test_header_of_bytes_or_of_a_subclass_of_text_is_recorded_as_it_is_sent(origin, session):
    s = session()
    for accepted in (Media.JSON, "application/json", b"application/json"):
        s.get(f"{origin.url}/a", headers={"Accept": accepted}, refresh=True)
        assert origin.last.headers["accept"] == "application/json"
        assert cassette_text(s).count("Accept: application/json\n") == cassette_text(s).count("Accept: ")


def test_subclass_of_text_means_itself_in_headers_received():
    headers = Headers.of({"Content-Type": Media.JSON}.items())
    assert headers.items == (("Content-Type", "application/json"),)
    assert type(headers.items[0][1]) is str


# --- settings that change what is the same request


@pytest.mark.parametrize("name", [":memory:", None], ids=["memory", "file"])
def test_what_was_stored_is_found_under_parameters_that_are_ignored_from_now_on(origin, session, name):
    s = session(name)
    s.get(f"{origin.url}/a?token=1&b=2")
    s.settings.ignored_parameters = ["token"]
    assert s.get(f"{origin.url}/a?token=9&b=2").from_cache
    s.settings.ignored_parameters = ["b"]
    assert not s.get(f"{origin.url}/a?token=9&b=2").from_cache
    assert s.get(f"{origin.url}/a?token=1&b=3").from_cache


@pytest.mark.parametrize("name", [":memory:", None], ids=["memory", "file"])
@pytest.mark.parametrize("how", ["clear", "delete", "reset", "refresh"])
def test_what_was_stored_before_a_setting_changed_can_be_changed(origin, session, name, how):
    s = session(name)
    url = f"{origin.url}/a?token=1&b=2"
    for number in (1, 2):
        s.get(url, force_refresh=number == 2)
    s.settings.ignored_parameters = ["token"]
    if how == "clear":
        s.cache.clear()
    elif how == "delete":
        s.cache.delete(urls=[url])
    elif how == "reset":
        s.cache.reset_expiration(60)
    else:
        s.get(url, force_refresh=True)
    assert len(s.cache) == (how in ("reset", "refresh"))
    s.close()
    assert len(s.cache) == (how in ("reset", "refresh"))


def test_settings_that_do_not_decide_about_it_locate_nothing_anew(origin, session, monkeypatch):
    s = session()
    s.get(f"{origin.url}/a")
    scans = []
    monkeypatch.setattr(index, "scan", lambda *given: scans.append(given))
    s.settings.expire_after = 60
    assert s.get(f"{origin.url}/a").from_cache
    assert not scans


def test_body_file_of_any_name_stays_when_it_is_confirmed(origin, session):
    origin["/a"] = Answer("x" * 1_200_000, headers={"ETag": '"1"'})
    s = session()
    s.get(f"{origin.url}/a")
    [file] = s.cache.path.with_suffix(".bodies").iterdir()
    named = file.rename(file.with_name("reqcache-sample.txt"))
    s.cache.path.write_text(cassette_text(s).replace(file.name, named.name))
    response = s.get(f"{origin.url}/a", refresh=True)
    assert response.revalidated
    assert named.exists()
    assert len(s.get(f"{origin.url}/a").content) == 1_200_000


SCRIPT = """
import os, sys
from pytest_reqcache import CachedSession

for _ in range(2):
    session = CachedSession("cache")
    for _ in range(3):
        session.get(sys.argv[1], force_refresh=True)
os.chdir("/")
"""


def test_script_that_closes_no_session_leaves_no_copies(origin, tmp_path):
    command = [sys.executable, "-c", SCRIPT, f"{origin.url}/a"]
    for _ in range(2):
        subprocess.run(
            command, cwd=tmp_path, check=True, timeout=60, env={**os.environ, "PYTHONPATH": PACKAGE}
        )
    assert origin.count("/a") == 12
    assert (tmp_path / "cache.yaml").read_text().count("- request:") == 1


@pytest.mark.parametrize("name", [":memory:", "file"])
def test_what_was_refreshed_last_is_found_whatever_was_stored_in_between(origin, tmp_path, clock, name):
    """Streams are stored in the order in which they are read."""
    origin["/a"] = tuple(Answer(str(number)) for number in range(4))
    path = name if name == ":memory:" else tmp_path / name
    s = CachedSession(path)
    streams = []
    for _ in range(3):
        clock.move(1)
        streams.append(s.get(f"{origin.url}/a", stream=True))
    for number in (0, 2, 1):
        assert streams[number].text == str(number)
    clock.move(1)
    assert s.get(f"{origin.url}/a", force_refresh=True).text == "3"
    assert s.get(f"{origin.url}/a").text == "3"
    s.close()
    assert s.get(f"{origin.url}/a").text == "3"


def test_what_was_kept_below_an_older_copy_does_not_come_back(origin, tmp_path, clock):
    s = CachedSession(tmp_path / "c")
    for _ in range(3):
        clock.move(1)
        s.get(f"{origin.url}/a", force_refresh=True)
    text = s.cache.path.read_text()
    second = text.split("- request:")[2]
    killed = tmp_path / "killed.yaml"
    killed.write_text(text.replace(second, second.replace("  created_at:", "  keep: true\n  created_at:")))
    with CachedSession(killed) as after:
        clock.move(1)
        last = after.get(f"{origin.url}/a", force_refresh=True).text
    with CachedSession(killed) as after:
        assert after.get(f"{origin.url}/a").text == last


def test_a_cassette_edited_in_place_and_added_to_is_refreshed_on(origin, tmp_path, clock):
    s = CachedSession(tmp_path / "c")
    for path, count in (("/a", 2), ("/z", 1)):
        for _ in range(count):
            clock.move(1)
            s.get(origin.url + path, force_refresh=True)
    text = s.cache.path.read_text()
    last = text.split("- request:")[-1]
    with s.cache.path.open("r+") as file:
        file.write(text.replace('"/a"', '"/X"') + "- request:" + last.replace("/z", "/q"))
    for _ in range(3):
        clock.move(1)
        new = s.get(f"{origin.url}/a", force_refresh=True)
        assert s.get(f"{origin.url}/a").text == new.text
    s.close()
    assert s.get(f"{origin.url}/a").text == new.text


def test_a_copy_of_the_same_moment_blocks_no_refresh_of_another_session(origin, tmp_path, clock):
    one, two = (CachedSession(tmp_path / "c") for _ in range(2))
    two.get(f"{origin.url}/a")
    for _ in range(2):  # while the clock stands still
        one.get(f"{origin.url}/a", force_refresh=True)
    for _ in range(2):
        clock.move(1)
        new = two.get(f"{origin.url}/a", force_refresh=True)
        assert two.get(f"{origin.url}/a").text == new.text
