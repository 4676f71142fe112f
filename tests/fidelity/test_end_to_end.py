"""What a test sees on replay equals what it saw live: a real server, either engine, a file between them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .engines import ENGINES, by_hand
from .seen import READINGS, UNDECODED, cookies, head, is_replayed, outcome, whole
from .strategies import BODIES, DECODED, SMALL_BODIES, replies
from .wire import Reply, Wire

Look = Callable[[requests.Session], Any]
engines = pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES.keys())


def check_replay(
    look: Look, engine: Any, wire: Wire, new_path: Callable[[], Path], asked_again: int = 0
) -> Any:
    """That ``look`` sees through a session without a cache, one that records, and one that replays, the
    same; the last asks the server ``asked_again`` times. Gives what it saw."""
    path = new_path()
    with requests.Session() as plain:
        expected = look(plain)
    with engine(path) as recording:
        recorded = look(recording)
    before = wire.requests
    with engine(path) as replaying:
        replayed = look(replaying)
    assert recorded == expected
    assert replayed == expected
    assert wire.requests == before + asked_again
    shutil.rmtree(path.parent)
    return expected


@engines
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(reply=replies(), method=st.sampled_from(["GET", "GET", "GET", "HEAD", "POST"]))
def test_any_response_is_seen_again(engine, wire, new_path, reply, method):
    wire.answers({"/a": reply})

    def look(session: requests.Session) -> Any:
        response = session.request(method, f"{wire.url}/a?x=1", timeout=10)
        return whole(response), cookies(session.cookies)

    check_replay(look, engine, wire, new_path, asked_again=is_for_this_request_alone(reply, engine))


def is_for_this_request_alone(reply: Reply, engine: Any) -> bool:
    """Whether a session made by hand does not store it: answers to a range or a condition, ``Vary: *``."""
    varying = b",".join(value for name, value in reply.headers if name == b"Vary")
    return engine is by_hand and (
        reply.status[:3] in (b"206", b"304") or b"*" in [name.strip() for name in varying.split(b",")]
    )


@engines
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    reply=replies(),
    method=st.sampled_from(["GET", "GET", "HEAD"]),
    reading=st.sampled_from(sorted(READINGS)),
    size=st.sampled_from([1, 2, 3, 10, 512, 4096, 100_000]),
)
def test_any_streamed_response_is_seen_again(engine, wire, new_path, reply, method, reading, size):
    """The pieces, too, where neither chunks nor a content coding decide about them."""
    wire.answers({"/a": reply})
    coded = dict(reply.headers).get(b"Content-Encoding", b"") in DECODED
    if coded and reading in UNDECODED:
        reading = "raw.read"
    if len(reply.body) > 10_000:
        size = max(size, 512)
    free = coded or isinstance(reply.framing, tuple)

    def look(session: requests.Session) -> Any:
        with session.request(method, f"{wire.url}/a", stream=True, timeout=10) as response:
            before = head(response)
            read = outcome(lambda: READINGS[reading](response, size))
            if free and isinstance(read, list) and read:
                read = type(read[0])().join(read) if None not in read else read
            rest = response.raw.read()
            return before, read, rest, response.raw.closed, cookies(session.cookies)

    check_replay(look, engine, wire, new_path, asked_again=is_for_this_request_alone(reply, engine))
