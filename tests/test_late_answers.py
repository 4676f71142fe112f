"""Of two requests for the same the answer to the later one stays stored, whichever comes first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from origin import Answer, Origin, Received
from pytest_reqcache import CachedSession
from pytest_reqcache.recording import _Latest

Session = Callable[..., CachedSession]

FRESH = {"Cache-Control": "max-age=60"}


class Late:
    """A request whose answer comes when it is let go, and what is asked meanwhile."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.arrives = threading.Event()
        self.is_sent = threading.Event()
        self.pool = ThreadPoolExecutor(1)

    def answers(self, late: Answer, *others: Answer) -> Callable[[Received], Answer]:
        """For the origin: ``late`` to what has ``X-Late``, to other requests one after the other."""
        rest = iter(others)

        def answer(received: Received) -> Answer:
            if "x-late" not in received.headers:
                return next(rest)
            self.is_sent.set()
            assert self.arrives.wait(5)
            return late

        return answer

    def ask(
        self, ask: Callable[..., requests.Response], url: str, **options: Any
    ) -> Callable[[], requests.Response]:
        """Send it; what is returned lets it arrive."""
        asked = self.pool.submit(ask, url, headers={"X-Late": "yes"}, **options)
        assert self.is_sent.wait(5)

        def arrived() -> requests.Response:
            self.arrives.set()
            return asked.result(5)

        return arrived


@pytest.fixture
def late(origin: Origin, monkeypatch: pytest.MonkeyPatch) -> Iterator[Late]:
    """Nobody waits for what is under way, as a request with a short timeout does not for long."""
    monkeypatch.setattr("pytest_reqcache.flights._seconds", lambda timeout: 0.0)
    made = Late(origin)
    yield made
    made.arrives.set()
    made.pool.shutdown()


@pytest.fixture(params=[None, ":memory:"], ids=["file", "memory"])
def cache_name(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_late_head_says_nothing_of_a_newer_get(
    origin: Origin, session: Session, late: Late, cache_name: Any
) -> None:
    first, second = ({**FRESH, "ETag": tag} for tag in ('"1"', '"2"'))
    origin["/a"] = late.answers(
        Answer("one", headers=first), Answer("one", headers=first), Answer("two", headers=second)
    )
    s = session(cache_name, cache_control=True)
    s.get(f"{origin.url}/a")
    arrived = late.ask(s.head, f"{origin.url}/a", force_refresh=True)
    assert s.get(f"{origin.url}/a", force_refresh=True).text == "two"
    assert arrived().status_code == 200
    after = s.get(f"{origin.url}/a")
    assert (after.text, after.from_cache, after.headers["ETag"]) == ("two", True, '"2"')


def test_late_answer_that_varies_otherwise_is_not_stored(
    origin: Origin, session: Session, late: Late, cache_name: Any
) -> None:
    origin["/a"] = late.answers(Answer("old"), Answer("new", headers={"Vary": "Accept-Language"}))
    s = session(cache_name)
    arrived = late.ask(s.get, f"{origin.url}/a")
    assert s.get(f"{origin.url}/a").text == "new"
    response = arrived()
    assert (response.text, getattr(response, "cache_key", None)) == ("old", None)
    assert (s.get(f"{origin.url}/a").text, len(s.cache)) == ("new", 1)


def test_late_answer_for_another_variant_is_stored(
    origin: Origin, session: Session, late: Late, cache_name: Any
) -> None:
    vary = {"Vary": "X-Late"}
    origin["/a"] = late.answers(Answer("late", headers=vary), Answer("new", headers=vary))
    s = session(cache_name)
    arrived = late.ask(s.get, f"{origin.url}/a")
    assert s.get(f"{origin.url}/a").text == "new"
    assert arrived().text == "late"
    assert len(s.cache) == 2


WRITES = [("PUT", "/a", 200, {}), ("DELETE", "/a", 204, {}), ("POST", "/all", 201, {"Location": "/a"})]


@pytest.mark.parametrize(("method", "path", "status", "headers"), WRITES)
def test_late_answer_to_what_was_asked_before_a_write_is_not_stored(
    origin: Origin,
    session: Session,
    late: Late,
    cache_name: Any,
    method: str,
    path: str,
    status: int,
    headers: dict[str, str],
) -> None:
    origin["GET /a"] = late.answers(Answer("before", headers=FRESH), Answer("after", headers=FRESH))
    origin[f"{method} {path}"] = Answer("", status, headers)
    s = session(cache_name, cache_control=True)
    arrived = late.ask(s.get, f"{origin.url}/a")
    s.request(method, f"{origin.url}{path}")
    response = arrived()
    assert (response.text, getattr(response, "cache_key", None), len(s.cache)) == ("before", None, 0)
    assert s.get(f"{origin.url}/a").text == "after"
    assert s.get(f"{origin.url}/a").from_cache


@pytest.mark.parametrize("status", [200, 304])
def test_late_refresh_behind_does_not_undo_a_write(
    origin: Origin, session: Session, late: Late, cache_name: Any, status: int
) -> None:
    stale = {"Cache-Control": "max-age=0, stale-while-revalidate=60", "ETag": '"1"'}
    origin["GET /a"] = late.answers(
        Answer("before", status, FRESH, conditional=False), Answer("before", headers=stale), Answer("after")
    )
    s = session(cache_name, cache_control=True)
    s.get(f"{origin.url}/a")
    arrived = late.ask(s.get, f"{origin.url}/a")  # what is behind is sent as it was asked for
    s.put(f"{origin.url}/a", data="after")
    assert arrived().text == "before"
    s.close()
    assert s.get(f"{origin.url}/a").text == "after"


def test_answer_to_a_write_is_stored_though_it_invalidates(
    origin: Origin, session: Session, cache_name: Any
) -> None:
    origin["POST /search"] = Answer("found", headers=FRESH)
    s = session(cache_name, cache_control=True, allowable_methods=["GET", "POST"])
    s.post(f"{origin.url}/search")
    assert len(s.cache) == 1


def test_late_get_is_stored_though_a_head_was_answered_before_it(
    origin: Origin, session: Session, late: Late, cache_name: Any
) -> None:
    origin["/a"] = late.answers(Answer("text"), Answer("text"))
    s = session(cache_name, key_fn=lambda request, **settings: request.url)
    arrived = late.ask(s.get, f"{origin.url}/a")
    s.head(f"{origin.url}/a")
    assert arrived().text == "text"
    assert s.get(f"{origin.url}/a").from_cache is True


def test_late_confirmation_that_forbids_to_store_leaves_what_is_newer(
    origin: Origin, session: Session, late: Late, cache_name: Any
) -> None:
    first, second = ({**FRESH, "ETag": tag} for tag in ('"1"', '"2"'))
    no_store = {"ETag": '"1"', "Cache-Control": "no-store"}
    origin["/a"] = late.answers(
        Answer("one", headers=no_store), Answer("one", headers=first), Answer("two", headers=second)
    )
    s = session(cache_name, cache_control=True)
    s.get(f"{origin.url}/a")
    arrived = late.ask(s.get, f"{origin.url}/a", refresh=True)
    assert s.get(f"{origin.url}/a", force_refresh=True).text == "two"
    assert arrived().text == "one"
    assert (s.get(f"{origin.url}/a").text, origin.count()) == ("two", 3)


def test_late_answer_is_stored_where_the_newer_one_could_not_be(
    origin: Origin, session: Session, late: Late, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin["/a"] = late.answers(Answer("old"), Answer("new"))
    s = session()
    arrived = late.ask(s.get, f"{origin.url}/a")
    with monkeypatch.context() as patched:
        patched.setattr("pytest_reqcache.recording.SessionRecorder._write", full)
        with pytest.raises(OSError, match="disk full"):
            s.get(f"{origin.url}/a")
    assert arrived().text == "old"
    assert s.get(f"{origin.url}/a").from_cache is True


def full(*given: object) -> None:
    raise OSError("disk full")


def test_few_answers_are_remembered(
    origin: Origin, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Latest, "_MOST", 3)
    s = session(":memory:")
    for number in (1, 2, 3, 4, 1):
        s.get(f"{origin.url}/a?{number}", refresh=True)
    recorder: Any = s._engine.transport.recorder
    remembered = [item.request.url[-1] for stored in recorder._latest._stored.values() for _, item in stored]
    assert remembered == ["3", "4", "1"]


@pytest.mark.parametrize(("vary", "count"), [({}, 1), ({"Vary": "X-Id"}, 4)], ids=["without Vary", "by Vary"])
def test_of_one_key_few_are_remembered(
    origin: Origin, session: Session, monkeypatch: pytest.MonkeyPatch, vary: dict[str, str], count: int
) -> None:
    monkeypatch.setattr(_Latest, "_MOST_VARIANTS", 4)
    origin["/a"] = Answer("text", headers=vary)
    s = session(":memory:")
    for number in range(6):
        s.get(f"{origin.url}/a", headers={"X-Id": str(number)}, refresh=True)
    recorder: Any = s._engine.transport.recorder
    [stored] = recorder._latest._stored.values()
    assert [number for number, _ in stored] == [3, 4, 5, 6][-count:]
