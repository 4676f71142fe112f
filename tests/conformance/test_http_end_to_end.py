"""The same through a real session, a real server and a cassette that is closed and opened again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from factory import factory

from clocks import Clock
from origin import Answer, Origin, Received, _Handler
from pytest_reqcache import CachedSession

FRESH = {"Cache-Control": "max-age=100"}
TAGGED = {**FRESH, "ETag": '"1"'}

Get = Callable[..., Any]


@pytest.fixture(params=["one session", "a session for each request"])
def ask(request: pytest.FixtureRequest, origin: Origin, clock: Clock, tmp_path: Path) -> Iterator[Get]:
    """Sends a request: ``ask("/path", method="GET", **headers)``; underscores in names are hyphens."""
    opened: list[CachedSession] = []

    def send(path: str, method: str = "GET", **headers: str) -> requests.Response:
        if request.param != "one session" and opened:
            opened.pop().close()
        if not opened:
            opened.append(factory(tmp_path))
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return opened[0].request(method, origin.url + path, headers=named, allow_redirects=False)

    yield send
    for session in opened:
        session.close()


def test_fresh_response_is_reused_with_its_age(ask: Get, origin: Origin, clock: Clock) -> None:
    origin["/"] = Answer("hello", headers=FRESH)
    first = ask("/")
    clock.move(99)
    again = ask("/")
    assert (again.text, again.from_cache, again.headers["Age"]) == ("hello", True, "99")
    assert again.headers["Date"] == first.headers["Date"]
    clock.move(1)
    assert not ask("/").from_cache


def test_response_without_lifetime_and_validator_is_not_reused(ask: Get, origin: Origin) -> None:
    origin["/"] = Answer("hello")
    assert not ask("/").from_cache
    assert not ask("/").from_cache


def test_response_that_took_long_is_that_much_older(origin: Origin, tmp_path: Path, clock: Clock) -> None:
    def slow(received: Received) -> Answer:
        clock.move(2)
        return Answer("hello", headers={"Cache-Control": "max-age=1"})

    origin["/"] = slow
    with factory(tmp_path) as session:
        session.get(origin.url)
        assert not session.get(origin.url).from_cache


def test_incomplete_response_is_not_stored(ask: Get, origin: Origin) -> None:
    origin["/"] = Answer("hello", headers=FRESH, cut=2), Answer("whole", headers=FRESH)
    with pytest.raises(requests.RequestException):
        ask("/")
    assert ask("/").text == "whole"


def test_hop_by_hop_fields_are_not_stored(ask: Get, origin: Origin) -> None:
    origin["/"] = Answer(headers={**FRESH, "Connection": "close, X-Hop", "X-Hop": "1", "Set-Cookie": "a=b"})
    assert ask("/").headers["X-Hop"] == "1"
    again = ask("/")
    assert again.from_cache
    assert "X-Hop" not in again.headers
    assert again.cookies["a"] == "b"


def test_variants_stand_side_by_side_and_are_validated_at_once(
    ask: Get, origin: Origin, clock: Clock
) -> None:
    def answer(received: Received) -> Answer:
        language = received.headers.get("accept-language", "")
        headers = {**FRESH, "Vary": "Accept-Language", "ETag": f'"{language[:2]}"'}
        if received.headers.get("if-none-match") == '"en", "de"':
            return Answer(status=304, headers={**headers, "ETag": '"de"'}, conditional=False)
        return Answer(language, headers=headers, conditional=False)

    origin["/"] = answer
    for language in ("en", "de"):
        assert ask("/", Accept_Language=language).text == language
    for language in ("en", "de"):
        assert ask("/", Accept_Language=language).text == language
    assert origin.count("/") == 2
    austrian = ask("/", Accept_Language="de-AT")
    assert (austrian.text, austrian.revalidated) == ("de", True)
    for language in ("en", "de", "de-AT"):
        assert ask("/", Accept_Language=language).from_cache
    assert origin.count("/") == 3


def test_default_accept_encoding_is_no_variant_of_itself(ask: Get, origin: Origin) -> None:
    origin["/"] = Answer("hello", headers={**FRESH, "Vary": "Accept-Encoding"})
    assert not ask("/").from_cache
    assert ask("/").from_cache
    assert not ask("/", Accept_Encoding="identity").from_cache
    assert ask("/", Accept_Encoding="identity").from_cache
    assert ask("/").from_cache


def test_head_is_answered_from_the_stored_get(ask: Get, origin: Origin) -> None:
    origin["/"] = Answer("hello", headers=FRESH)
    ask("/")
    head = ask("/", "HEAD")
    assert (head.from_cache, head.content, head.headers["Content-Length"]) == (True, b"", "5")
    assert origin.count(method="HEAD") == 0
    assert ask("/").text == "hello"


def test_head_for_one_variant_leaves_the_others_alone(ask: Get, origin: Origin) -> None:
    def answer(received: Received) -> Answer:
        language = received.headers["accept-language"]
        return Answer(language, headers={**FRESH, "Vary": "Accept-Language", "X": language})

    origin["/"] = answer
    for method in ("GET", "HEAD"):
        ask("/", method, Accept_Language="en")
    for language in ("de", "fr"):  # one after the other: what is stored of HEAD is a variant, too
        assert not ask("/", "HEAD", Accept_Language=language).from_cache
    english = ask("/", Accept_Language="en")
    assert (english.from_cache, english.headers["X"]) == (True, "en")
    german = ask("/", "HEAD", Accept_Language="de")
    assert (german.from_cache, german.headers["X"]) == (True, "de")


@pytest.mark.parametrize("field", ["User-Agent", "Accept-Encoding", "X-Version"])
@pytest.mark.parametrize("how", ["304", "HEAD"])
def test_variant_is_known_by_fields_that_vary_names_only_now(
    ask: Get, origin: Origin, how: str, field: str
) -> None:
    """What every client sends is not recorded before it is named."""
    origin["GET /"] = Answer("hello", headers=TAGGED, headers_304={**TAGGED, "Vary": field})
    origin["HEAD /"] = Answer("hello", headers={**TAGGED, "Vary": field}, conditional=False)
    ask("/", X_Version="1")
    ask("/", "GET" if how == "304" else "HEAD", X_Version="1", Cache_Control="no-cache")
    again = ask("/", X_Version="1")
    assert (again.from_cache, again.headers.get("Vary")) == (True, field)
    assert len(origin.log) == 2
    other = ask("/", X_Version="2", User_Agent="another/1", Accept_Encoding="identity")
    assert not other.from_cache or other.revalidated


@pytest.mark.parametrize(("tag", "fresh"), [('"1"', True), ('"2"', False)])
def test_head_freshens_or_invalidates_the_stored_get(
    ask: Get, origin: Origin, clock: Clock, tag: str, fresh: bool
) -> None:
    origin["GET /"] = Answer("hello", headers=TAGGED)
    origin["HEAD /"] = Answer("hello", headers={**FRESH, "ETag": tag, "X": "2"}, conditional=False)
    ask("/")
    if not fresh:
        assert ask("/", "HEAD", Cache_Control="no-cache").headers["X"] == "2"
        ask("/")
        assert origin.last.headers["if-none-match"] == '"1"'
        return
    clock.move(100)
    assert ask("/", "HEAD").headers["X"] == "2"
    again = ask("/")
    assert (again.text, again.from_cache, again.headers["X"]) == ("hello", True, "2")
    assert origin.count(method="GET") == 1


def test_callers_own_condition_is_answered_from_the_cache_and_else_passed_on(
    ask: Get, origin: Origin, clock: Clock
) -> None:
    origin["/"] = Answer("hello", headers=TAGGED)
    ask("/")
    not_modified = ask("/", If_None_Match='"1"')
    assert (not_modified.status_code, not_modified.content, not_modified.headers["ETag"]) == (304, b"", '"1"')
    assert not_modified.from_cache
    assert origin.count() == 1
    clock.move(100)
    assert ask("/", If_None_Match='"1"').status_code == 304
    assert origin.count() == 2
    assert ask("/").text == "hello"  # the origin's 304 has freshened it
    assert origin.count() == 2


def test_304_about_something_else_makes_us_ask_again(ask: Get, origin: Origin, clock: Clock) -> None:
    other = Answer(status=304, headers={"ETag": '"2"'}, conditional=False)
    origin["/"] = Answer("old", headers=TAGGED), other, Answer("new", headers={**FRESH, "ETag": '"3"'})
    ask("/")
    clock.move(100)
    assert ask("/").text == "new"
    assert "if-none-match" not in origin.last.headers
    assert ask("/").text == "new"


def test_304_with_no_store_is_the_last_use(ask: Get, origin: Origin, clock: Clock) -> None:
    forbid = Answer(status=304, headers={"ETag": '"1"', "Cache-Control": "no-store"}, conditional=False)
    origin["/"] = Answer("old", headers=TAGGED), forbid, Answer("new")
    ask("/")
    clock.move(100)
    assert ask("/").text == "old"
    assert ask("/").text == "new"
    assert "if-none-match" not in origin.last.headers


@pytest.mark.parametrize("read_only", [False, True])
def test_confirmed_redirect_that_leads_back_ends_as_a_new_one_does(
    tmp_path: Path, origin: Origin, read_only: bool
) -> None:
    """What is shown of it is not what is stored: the fields that ``no-cache`` names are in it, too."""
    fields = {"ETag": '"1"', "Cache-Control": 'no-cache="Set-Cookie", max-age=0', "Set-Cookie": "seen=1"}
    there = Answer(status=302, headers={"Location": "/login", **fields})
    confirmed = Answer(status=304, headers={**fields, "X-New": "1"}, conditional=False)
    page = Answer("page", headers={"Cache-Control": "no-store"}, conditional=False)
    origin["/login"] = Answer(status=302, headers={"Location": "/", "Cache-Control": "max-age=60"})
    origin["/"] = there, page, confirmed, page
    for number in range(2):
        session = factory(tmp_path)
        session.settings.read_only = read_only and number == 1
        with session:
            response = session.get(origin.url + "/")
        assert ([hop.status_code for hop in response.history], response.text) == ([302, 302], "page")
    assert origin.count("/") == 4


def test_fields_that_no_cache_names_are_those_of_a_304_for_its_own_answer_alone(
    ask: Get, origin: Origin, clock: Clock
) -> None:
    """RFC 9111 section 5.2.2.4."""
    named = {"ETag": '"1"', "Cache-Control": 'max-age=100, no-cache="X-Seat, Set-Cookie"'}
    confirm = {**named, "X-Seat": "b", "Set-Cookie": "seat=b"}
    origin["/"] = (
        Answer("text", headers={**TAGGED, "X-Seat": "a"}),
        Answer(status=304, headers=confirm, conditional=False),
    )
    ask("/")
    clock.move(100)
    confirmed, later = ask("/"), ask("/")
    assert (confirmed.text, confirmed.headers["X-Seat"], dict(confirmed.cookies)) == (
        "text",
        "b",
        {"seat": "b"},
    )
    assert (later.text, later.from_cache) == ("text", True)
    assert not {"X-Seat", "Set-Cookie"} & set(later.headers)
    assert origin.count() == 2


@pytest.mark.parametrize(
    ("asked", "status", "text"),
    [("bytes=0-1", 206, "he"), ("bytes=3-", 206, "lo"), ("bytes=-2", 206, "lo"), ("bytes=5-", 416, "")],
)
def test_range_is_cut_out_of_what_is_stored(
    ask: Get, origin: Origin, asked: str, status: int, text: str
) -> None:
    origin["/"] = Answer("hello", headers=TAGGED)
    ask("/")
    part = ask("/", Range=asked)
    assert (part.status_code, part.text, part.from_cache) == (status, text, True)
    assert part.headers["Content-Length"] == str(len(text))
    assert ask("/").text == "hello"
    assert origin.count() == 1


def test_partial_response_is_passed_on_and_never_stored(ask: Get, origin: Origin) -> None:
    part = Answer("he", 206, {**FRESH, "Content-Range": "bytes 0-1/5"})
    origin["/"] = part, Answer("hello", headers=FRESH)
    assert ask("/", Range="bytes=0-1").status_code == 206
    whole = ask("/")
    assert (whole.status_code, whole.text) == (200, "hello")


@pytest.mark.parametrize(
    ("method", "status", "kept"), [("POST", 200, False), ("PURGE", 204, False), ("DELETE", 500, True)]
)
def test_write_invalidates_the_target_and_what_it_names(
    ask: Get, origin: Origin, monkeypatch: pytest.MonkeyPatch, method: str, status: int, kept: bool
) -> None:
    monkeypatch.setattr(_Handler, "do_PURGE", _Handler._serve, raising=False)
    origin["GET /a"] = origin["GET /b"] = Answer("hello", headers=FRESH)
    origin[f"{method} /a"] = Answer(status=status, headers={"Location": "/b"})
    for path in ("/a", "/b"):
        ask(path)
    ask("/a", method)
    assert [ask(path).from_cache for path in ("/a", "/b")] == [kept, kept]


def test_answer_to_post_that_names_its_own_url_answers_a_get(ask: Get, origin: Origin) -> None:
    origin["POST /a"] = Answer("made", headers={**FRESH, "Content-Location": "/a"})
    assert not ask("/a", "POST").from_cache
    assert not ask("/a", "POST").from_cache
    again = ask("/a")
    assert (again.text, again.from_cache) == ("made", True)


@pytest.mark.parametrize(
    "failure", [Answer(drop=True), *(Answer("no", status) for status in (500, 502, 503, 504))]
)
@pytest.mark.parametrize(("said", "served"), [("stale-if-error=50", True), ("must-revalidate", False)])
def test_stale_response_is_used_on_failure_unless_it_must_not(
    ask: Get, origin: Origin, clock: Clock, failure: Answer, said: str, served: bool
) -> None:
    origin["/"] = Answer("hello", headers={"Cache-Control": f"max-age=1, {said}"}), failure
    ask("/")
    clock.move(50)
    if served:
        assert ask("/").text == "hello"
    elif failure.drop:
        with pytest.raises(requests.ConnectionError):
            ask("/")
    else:
        assert ask("/").status_code == failure.status


def test_stale_while_revalidate_refreshes_the_whole_behind_a_range(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    origin["/"] = Answer(
        "hello", headers={"Cache-Control": "max-age=1, stale-while-revalidate=60", "ETag": '"1"'}
    )
    with factory(tmp_path) as session:
        session.get(origin.url)
        clock.move(10)
        assert session.get(origin.url, headers={"Range": "bytes=0-1"}).text == "he"
    assert "range" not in origin.last.headers
    assert origin.last.headers["if-none-match"] == '"1"'
    with factory(tmp_path) as session:
        assert session.get(origin.url).text == "hello"
    assert origin.count() == 2


def test_without_cache_control_conditions_and_ranges_stay_the_callers(
    origin: Origin, session: Callable[..., CachedSession]
) -> None:
    origin["/"] = Answer("hello", headers={"ETag": '"1"', "Vary": "X"})
    plain = session()
    assert plain.get(origin.url).text == "hello"
    assert plain.get(origin.url, headers={"If-None-Match": '"1"'}).status_code == 304
    assert plain.get(origin.url, headers={"Cache-Control": "no-store"}).from_cache is False
    assert plain.get(origin.url, headers={"X": "1"}).from_cache is False
    assert plain.get(origin.url).from_cache is True
    assert plain.head(origin.url).from_cache is False
