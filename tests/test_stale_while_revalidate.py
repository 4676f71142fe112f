"""An expired response at once, and a refresh behind (RFC 5861)."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import requests

from clocks import Clock
from origin import Answer, Origin, Received
from pytest_reqcache import CachedSession
from pytest_reqcache.background import _PARTS, Background, _are_left

Session = Callable[..., CachedSession]
ETAG = {"ETag": '"1"'}
STALE = (200, "old", True, True)


def summary(response: requests.Response) -> tuple[int, str, bool, bool]:
    return (response.status_code, response.text, response.from_cache, response.is_expired)


def refreshes() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("reqcache-refresh")]


def wait_for_refreshes() -> None:
    for thread in refreshes():
        thread.join(5)
        assert not thread.is_alive()


class Gate:
    """What the origin answers once the gate is open."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.opened = threading.Event()
        self.reached = threading.Event()

    def __call__(self, received: Received) -> Answer:
        self.reached.set()
        assert self.opened.wait(5)
        return self.answer


@pytest.fixture
def gate() -> Iterator[Callable[[Answer], Gate]]:
    made: list[Gate] = []

    def make(answer: Answer) -> Gate:
        made.append(Gate(answer))
        return made[-1]

    yield make
    for one in made:
        one.opened.set()
    wait_for_refreshes()


def expired(s: CachedSession, origin: Origin, clock: Clock, *then: Any, **headers: str) -> str:
    """The URL of a response that is stored, and expired for five seconds; what the origin answers then."""
    origin["/"] = (
        Answer("old", headers={name.replace("_", "-"): text for name, text in headers.items()}),
        *then,
    )
    assert s.get(origin.url + "/").text == "old"
    clock.move(65)
    return origin.url + "/"


@pytest.mark.parametrize(
    ("validator", "conditional"),
    [
        ({}, None),
        (ETAG, "if-none-match"),
        ({"Last_Modified": "Fri, 01 May 2026 00:00:00 GMT"}, "if-modified-since"),
    ],
    ids=["plain", "ETag", "Last-Modified"],
)
def test_stale_response_is_served_at_once_and_refreshed_behind(
    origin: Origin,
    clock: Clock,
    session: Session,
    gate: Callable[[Answer], Gate],
    validator: dict[str, str],
    conditional: str | None,
) -> None:
    s = session(expire_after=60, stale_while_revalidate=True)
    slow = gate(Answer("new", headers=ETAG if validator == ETAG else {}, conditional=False))
    url = expired(s, origin, clock, slow, **validator)
    assert summary(s.get(url)) == STALE  # the origin has not answered yet
    assert slow.reached.wait(5)
    assert (conditional in origin.last.headers) is bool(conditional)
    slow.opened.set()
    wait_for_refreshes()
    fresh = s.get(url)
    assert summary(fresh) == (200, "new", True, False)
    assert fresh.expires == clock.now + timedelta(seconds=60)
    assert origin.count() == 2


def test_refresh_behind_that_is_answered_304_makes_the_response_fresh(
    origin: Origin, clock: Clock, session: Session
) -> None:
    s = session(expire_after=60, stale_while_revalidate=True)
    origin["/"] = Answer("old", headers=ETAG, headers_304={"X-New": "1"})
    s.get(origin.url)
    clock.move(60)
    assert summary(s.get(origin.url)) == STALE
    wait_for_refreshes()
    fresh = s.get(origin.url)
    assert summary(fresh) == (200, "old", True, False)
    assert (fresh.revalidated, fresh.headers["X-New"]) == (False, "1")
    assert (fresh.created_at, fresh.expires) == (clock.now, clock.now + timedelta(seconds=60))
    assert (origin.count(), origin.last.headers["if-none-match"]) == (2, '"1"')


def test_refresh_behind_reads_what_the_caller_would_have_streamed(
    origin: Origin, clock: Clock, session: Session
) -> None:
    s = session(expire_after=60, stale_while_revalidate=True)
    url = expired(s, origin, clock, Answer("new"))
    with s.get(url, stream=True) as stale:
        assert summary(stale) == STALE
    wait_for_refreshes()
    assert summary(s.get(url)) == (200, "new", True, False)


def test_refresh_behind_of_a_redirect_is_a_chain_of_its_own(
    origin: Origin, clock: Clock, session: Session, gate: Callable[[Answer], Gate]
) -> None:
    s = session(expire_after=60, stale_while_revalidate=True, allowable_codes=[200, 302])
    old, new = (Answer(status=302, headers={"Location": path}) for path in ("/old", "/new"))
    slow = gate(new)
    origin["/"] = old, slow
    s.get(f"{origin.url}/")
    clock.move(65)
    assert s.get(f"{origin.url}/").url == f"{origin.url}/old"
    slow.opened.set()
    wait_for_refreshes()
    assert s.get(f"{origin.url}/").url == f"{origin.url}/new"


@pytest.mark.parametrize("error", [Answer(status=500), Answer(status=404)], ids=["500", "404"])
@pytest.mark.parametrize("first", [Answer("good"), Answer(status=302, headers={"Location": "/good"})])
def test_redirect_behind_that_leads_to_an_error_replaces_nothing(
    origin: Origin, clock: Clock, session: Session, first: Answer, error: Answer
) -> None:
    s = session(expire_after=60, stale_while_revalidate=True, stale_if_error=True)
    origin["/a"] = first, Answer(status=302, headers={"Location": "/error"})
    origin["/good"] = Answer("good")
    origin["/error"] = error
    assert s.get(f"{origin.url}/a").text == "good"
    clock.move(65)
    for _ in range(4):
        assert s.get(f"{origin.url}/a").text == "good"
        wait_for_refreshes()


@pytest.mark.parametrize("fails", [True, False], ids=["down", "404"])
def test_what_would_do_at_once_does_where_following_the_redirect_fails(
    origin: Origin, clock: Clock, session: Session, fails: bool
) -> None:
    s = session(expire_after=60, stale_while_revalidate=600)
    origin["/a"] = Answer("good"), Answer(status=302, headers={"Location": "/error"})
    origin["/error"] = Answer(drop=True) if fails else Answer(status=404)
    assert s.get(f"{origin.url}/a").text == "good"
    clock.move(65)
    for _ in range(4):
        assert s.get(f"{origin.url}/a").text == "good"
        wait_for_refreshes()
    clock.move(600)
    if fails:
        with pytest.raises(requests.ConnectionError):
            s.get(f"{origin.url}/a")
    else:
        assert s.get(f"{origin.url}/a").status_code == 404


@pytest.mark.parametrize("options", [{"refresh": True}, {"force_refresh": True}, {"stale_if_error": False}])
def test_what_is_asked_for_is_not_answered_by_what_would_do(
    origin: Origin, clock: Clock, session: Session, options: dict[str, bool]
) -> None:
    s = session(expire_after=60, stale_while_revalidate=600)
    origin["/a"] = Answer("good"), Answer(status=302, headers={"Location": "/error"})
    origin["/error"] = Answer(status=503)
    s.get(f"{origin.url}/a")
    clock.move(65)
    s.get(f"{origin.url}/a")
    wait_for_refreshes()
    assert s.get(f"{origin.url}/a", **options).status_code == 503


def test_redirect_behind_is_followed_by_the_next_request(
    origin: Origin, clock: Clock, session: Session
) -> None:
    s = session(expire_after=60, stale_while_revalidate=True)
    origin["/a"] = tuple(Answer(status=302, headers={"Location": f"/file?{n}"}) for n in range(3))
    assert s.get(f"{origin.url}/a").url == f"{origin.url}/file?0"
    clock.move(65)
    assert s.get(f"{origin.url}/a").url == f"{origin.url}/file?0"
    wait_for_refreshes()
    followed = s.get(f"{origin.url}/a")
    assert (followed.url, followed.from_cache) == (f"{origin.url}/file?2", False)
    asked = origin.count()
    assert s.get(f"{origin.url}/a").from_cache
    assert origin.count() == asked


def test_redirect_behind_a_call_that_follows_none_is_the_answer(
    origin: Origin, clock: Clock, session: Session
) -> None:
    s = session(expire_after=60, stale_while_revalidate=True)
    origin["/a"] = tuple(Answer(status=302, headers={"Location": f"/file?{n}"}) for n in range(2))

    def location() -> str:
        return s.get(f"{origin.url}/a", allow_redirects=False).headers["Location"]

    assert location() == "/file?0"
    clock.move(65)
    assert location() == "/file?0"
    wait_for_refreshes()
    assert location() == "/file?1"
    assert origin.count() == 2


def test_response_already_handed_out_is_not_changed_by_the_refresh(
    origin: Origin, clock: Clock, session: Session
) -> None:
    s = session(":memory:", expire_after=60, stale_while_revalidate=True)
    url = expired(s, origin, clock, Answer("new"))
    stale = s.get(url)
    wait_for_refreshes()
    assert summary(stale) == STALE


@pytest.mark.parametrize(
    ("limit", "accepted"),
    [
        (True, True),
        (-1, True),
        ("never", True),
        (5, True),
        (timedelta(seconds=5), True),
        ("5s", True),
        (datetime(2026, 6, 1, 12, 1, 5, tzinfo=timezone.utc), True),
        (4.999, False),
        (timedelta(seconds=4), False),
        ("4s", False),
        (datetime(2026, 6, 1, 12, 1, 4, tzinfo=timezone.utc), False),
        (0, False),
        (False, False),
        (None, False),
    ],
    ids=str,
)
@pytest.mark.parametrize("place", ["setting", "assignment", "call"])
def test_stale_response_is_served_for_as_long_as_the_limit_says(
    origin: Origin, clock: Clock, session: Session, limit: Any, accepted: bool, place: str
) -> None:
    s = session(expire_after=60, **({"stale_while_revalidate": limit} if place == "setting" else {}))
    url = expired(s, origin, clock, Answer("new"))
    if place == "assignment":
        s.settings.stale_while_revalidate = limit
    call = {"stale_while_revalidate": limit} if place == "call" else {}
    assert summary(s.get(url, **call)) == (STALE if accepted else (200, "new", False, False))
    wait_for_refreshes()
    assert summary(s.get(url, **call)) == (200, "new", True, False)
    assert origin.count() == 2


def test_true_is_whatever_the_age(origin: Origin, clock: Clock, session: Session) -> None:
    s = session(expire_after=60, stale_while_revalidate=True)
    url = expired(s, origin, clock, Answer("new"))
    clock.move(timedelta(days=3650))
    assert summary(s.get(url)) == STALE
    wait_for_refreshes()


def test_nothing_is_done_behind_for_a_first_or_a_fresh_response(
    origin: Origin, clock: Clock, session: Session
) -> None:
    s = session(expire_after=60, stale_while_revalidate=True)
    assert not s.get(origin.url).from_cache
    clock.move(59)
    assert s.get(origin.url).from_cache
    assert refreshes() == []
    assert origin.count() == 1


def test_it_is_off_by_default(origin: Origin, clock: Clock, session: Session) -> None:
    s = session(expire_after=60)
    url = expired(s, origin, clock, Answer("new"))
    assert summary(s.get(url)) == (200, "new", False, False)


@pytest.mark.parametrize("option", ["refresh", "force_refresh"])
def test_refresh_that_is_asked_for_is_waited_for(
    origin: Origin, clock: Clock, session: Session, option: str
) -> None:
    s = session(expire_after=60, stale_while_revalidate=True)
    url = expired(s, origin, clock, Answer("new"))
    assert summary(s.get(url, **{option: True})) == (200, "new", False, False)
    assert refreshes() == []


@pytest.mark.parametrize("headers", [{}, ETAG], ids=["plain", "conditional"])
@pytest.mark.parametrize(
    "failure",
    [Answer("error", 500), Answer("error", 404), Answer(drop=True), Answer("a long body", cut=3)],
    ids=["500", "404", "dropped", "cut"],
)
def test_failing_refresh_keeps_the_entry_and_is_tried_again(
    origin: Origin,
    clock: Clock,
    session: Session,
    caplog: pytest.LogCaptureFixture,
    failure: Answer,
    headers: dict[str, str],
) -> None:
    """An exception lost in a thread would fail this test as a warning."""
    caplog.set_level(logging.DEBUG, "pytest_reqcache")
    s = session(expire_after=60, stale_while_revalidate=True)
    url = expired(s, origin, clock, failure, failure, Answer("new"), **headers)
    for count in (2, 3, 4):
        assert summary(s.get(url)) == STALE
        wait_for_refreshes()
        assert origin.count() == count
    assert summary(s.get(url)) == (200, "new", True, False)
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    lost = failure.drop or failure.cut is not None
    assert len([line for line in told if "refresh" in line]) == (2 if lost else 0)


def test_failing_refresh_is_logged_without_the_secrets_of_its_url(
    origin: Origin, clock: Clock, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    origin["/a"] = Answer("old"), Answer(drop=True)
    cached = session(expire_after=10, stale_while_revalidate=True)
    url = origin.url + "/a?github_token=livesecret-123456"
    cached.get(url)
    clock.move(11)
    assert cached.get(url).from_cache
    wait_for_refreshes()
    (told,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert told == f"background refresh failed: GET {origin.url}/a?github_token=REDACTED, ConnectionError"


def test_failing_refresh_with_stale_if_error_tries_again_too(
    origin: Origin, clock: Clock, session: Session
) -> None:
    s = session(expire_after=60, stale_while_revalidate=True, stale_if_error=True)
    url = expired(s, origin, clock, Answer("error", 500), Answer(drop=True), Answer("new"))
    for count in (2, 3, 4):
        assert summary(s.get(url)) == STALE
        wait_for_refreshes()
        assert origin.count() == count
    assert summary(s.get(url)) == (200, "new", True, False)


@pytest.mark.parametrize("in_threads", [False, True])
def test_many_stale_hits_start_one_refresh(
    origin: Origin, clock: Clock, session: Session, gate: Callable[[Answer], Gate], in_threads: bool
) -> None:
    s = session(expire_after=60, stale_while_revalidate=True)
    slow = gate(Answer("new"))
    url = expired(s, origin, clock, slow)
    if in_threads:
        with ThreadPoolExecutor(8) as pool:
            hits = list(pool.map(s.get, [url] * 16))
    else:
        hits = [s.get(url) for _ in range(8)]
    assert {summary(hit) for hit in hits} == {STALE}
    assert slow.reached.wait(5)
    assert len(refreshes()) == 1
    slow.opened.set()
    wait_for_refreshes()
    assert summary(s.get(url)) == (200, "new", True, False)
    assert origin.count() == 2


def test_two_urls_are_refreshed_side_by_side(
    origin: Origin, clock: Clock, session: Session, gate: Callable[[Answer], Gate]
) -> None:
    s = session(expire_after=60, stale_while_revalidate=True)
    gates = [gate(Answer("new")), gate(Answer("new"))]
    urls = [f"{origin.url}/{n}" for n in range(2)]
    for n, url in enumerate(urls):
        origin[f"/{n}"] = Answer("old"), gates[n]
        s.get(url)
    clock.move(60)
    assert [summary(s.get(url)) for url in urls] == [STALE, STALE]
    assert all(one.reached.wait(5) for one in gates)


def test_closing_the_session_waits_for_the_refresh(
    origin: Origin, clock: Clock, session: Session, gate: Callable[[Answer], Gate]
) -> None:
    """What was asked for behind is stored when the session closes."""
    s = session(expire_after=60, stale_while_revalidate=True)
    slow = gate(Answer("new"))
    url = expired(s, origin, clock, slow)
    s.get(url)
    assert slow.reached.wait(5)
    opener = threading.Timer(0.05, slow.opened.set)
    opener.start()
    s.close()
    opener.join()
    assert refreshes() == []
    assert summary(session().get(url, only_if_cached=True)) == (200, "new", True, False)


@pytest.mark.parametrize(
    ("settings", "call"),
    [
        ({"only_if_cached": True}, {}),
        ({}, {"only_if_cached": True}),
        ({}, {"headers": {"Cache-Control": "only-if-cached"}}),
    ],
    ids=["setting", "call", "header"],
)
@pytest.mark.parametrize("headers", [{}, ETAG], ids=["plain", "conditional"])
def test_nothing_is_sent_with_only_if_cached(
    origin: Origin,
    clock: Clock,
    session: Session,
    settings: dict[str, Any],
    call: dict[str, Any],
    headers: dict[str, str],
) -> None:
    url = expired(session(expire_after=60), origin, clock, Answer("new"), **headers)
    s = session(expire_after=60, stale_while_revalidate=True, **settings)
    for _ in range(2):
        assert summary(s.get(url, **call)) == STALE
        assert refreshes() == []
    assert origin.count() == 1


@pytest.mark.parametrize(
    ("directives", "settings", "accepted"),
    [
        ("max-age=60, stale-while-revalidate=60", {}, True),
        ("max-age=60, stale-while-revalidate=5", {}, True),
        ("max-age=60, stale-while-revalidate=4", {}, False),
        ("max-age=60", {}, False),
        ("max-age=60, stale-while-revalidate=4", {"stale_while_revalidate": True}, True),
        ("max-age=60, must-revalidate", {"stale_while_revalidate": True}, False),
        ("max-age=60, stale-while-revalidate=60", {"cache_control": False}, False),
    ],
)
def test_directive_of_the_response(
    origin: Origin, clock: Clock, session: Session, directives: str, settings: dict[str, Any], accepted: bool
) -> None:
    s = session(**{"expire_after": 60, "cache_control": True, **settings})
    url = expired(s, origin, clock, Answer("new"), Cache_Control=directives)
    assert summary(s.get(url)) == (STALE if accepted else (200, "new", False, False))
    wait_for_refreshes()
    assert origin.count() == 2
    assert summary(s.get(url, only_if_cached=True, stale_if_error=True))[:2] == (200, "new")


def test_hit_judged_stale_before_the_refresh_ended_starts_no_second_one(
    origin: Origin, clock: Clock, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second thread was about to start its refresh when the first one's had just been stored."""
    origin["/a"] = Answer("old"), Answer("new"), Answer("newer")
    cached = session(expire_after=10, stale_while_revalidate=True)
    cached.get(origin.url + "/a")
    clock.move(11)
    waiting: list[Callable[[], object]] = []
    monkeypatch.setattr(
        "pytest_reqcache.background.Background.start",
        lambda self, key, what, refresh: waiting.append(refresh),
    )
    assert [cached.get(origin.url + "/a").text for _ in range(2)] == ["old", "old"]
    for refresh in waiting:
        refresh()
    assert len(waiting) == 2
    assert origin.count("/a") == 2
    assert cached.get(origin.url + "/a").text == "new"


def test_head_is_refreshed_behind_what_get_has_stored(origin: Origin, session: Session, clock: Clock) -> None:
    s = session(cache_control=True, expire_after=60, stale_while_revalidate=True)
    url = expired(s, origin, clock, Answer("new"))
    assert s.head(url).is_expired
    wait_for_refreshes()
    assert origin.count(method="HEAD") == 1


def test_refresh_behind_a_conditional_request_answers_the_next_one(
    origin: Origin, session: Session, clock: Clock
) -> None:
    origin["/"] = Answer("old"), Answer("new")
    s = session(expire_after=60, stale_while_revalidate=True)
    asked = {"If-None-Match": '"mine"'}
    assert s.get(origin.url + "/", headers=asked).text == "old"
    clock.move(65)
    assert summary(s.get(origin.url + "/", headers=asked)) == STALE
    wait_for_refreshes()
    assert "if-none-match" not in origin.log[-1].headers
    assert summary(s.get(origin.url + "/", headers=asked)) == (200, "new", True, False)


def test_refresh_that_cannot_begin_is_logged_and_tried_again(
    origin: Origin, clock: Clock, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    s = session(expire_after=60, stale_while_revalidate=True)
    url = f"{origin.url}/a"
    s.get(url)
    clock.move(65)
    with pytest.MonkeyPatch.context() as patch:

        def fail(thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        patch.setattr(threading.Thread, "start", fail)
        assert s.get(url).is_expired
    assert "background refresh failed: GET" in caplog.text
    assert s.get(url).is_expired
    wait_for_refreshes()
    assert not s.get(url).is_expired


@pytest.mark.parametrize("is_confirmed", [False, True], ids=["another answer", "a 304"])
def test_refresh_behind_that_arrives_late_leaves_what_is_newer(
    origin: Origin,
    clock: Clock,
    session: Session,
    gate: Callable[[Answer], Gate],
    is_confirmed: bool,
) -> None:
    s = session(expire_after=60, stale_while_revalidate=True)
    slow = gate(Answer("old" if is_confirmed else "late", headers=ETAG))
    url = expired(s, origin, clock, slow, Answer("newest", headers={"ETag": '"2"'}), **ETAG)
    assert summary(s.get(url)) == STALE
    assert slow.reached.wait(5)
    assert s.get(url, force_refresh=True).text == "newest"
    slow.opened.set()
    wait_for_refreshes()
    assert summary(s.get(url)) == (200, "newest", True, False)
    assert origin.count() == 3


def test_script_that_ends_without_closing_its_session_has_its_refresh(origin: Origin, tmp_path: Path) -> None:
    def slow(received: Received) -> Answer:
        leave.wait(0.2)
        return Answer("new")

    leave = threading.Event()
    origin["/"] = Answer("old"), slow, Answer("never asked for")
    script = f"""
from pytest_reqcache import CachedSession
from pytest_reqcache.background import _PARTS, Background, _are_left
session = CachedSession({str(tmp_path / "cache.yaml")!r}, expire_after=0.001, stale_while_revalidate=True)
session.get({origin.url + "/"!r})
print(session.get({origin.url + "/"!r}).text)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["old"]
    written = (tmp_path / "cache.yaml").read_text()
    assert (written.count("- request:"), "new" in written, "old" in written) == (1, True, False)
    assert origin.count() == 2


class Ending:
    """A thread that ends as soon as somebody waits for it."""

    def __init__(self) -> None:
        self.has_ended = False

    def join(self, timeout: float) -> None:
        self.has_ended = True

    def is_alive(self) -> bool:
        return not self.has_ended


def test_many_refreshes_that_end_are_all_waited_for() -> None:
    threads: list[Any] = [Ending() for _ in range(3 * _PARTS)]
    assert not _are_left(lambda: [thread for thread in threads if thread.is_alive()])
    assert not any(thread.is_alive() for thread in threads)


def test_refresh_that_was_given_up_is_waited_for_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_reqcache.background.JOIN_LIMIT", 0.01)
    background, end = Background(), threading.Event()
    for number in range(3):
        background.start(str(number), "GET /", end.wait)
    with pytest.warns(ResourceWarning, match="has not ended within"):
        background.join()
    assert background.running() == []
    background.join()  # a second warning would be an error
    end.set()
