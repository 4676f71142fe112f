"""What a test sees on replay equals what it saw live: a real server, either engine, a file between them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .engines import ENGINES, by_hand
from .seen import READINGS, UNDECODED, cookies, head, outcome, whole
from .strategies import DECODED, SMALL_BODIES, replies
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
    if coded and (reading in UNDECODED or (reading == "raw.read1" and reply.is_bodiless(method.encode()))):
        reading = "raw.read"  # to read1 the coded body that a HEAD has not is one that was cut off
    if len(reply.body) > 10_000:
        size = max(size, 512)
    free = coded or isinstance(reply.framing, tuple)

    def look(session: requests.Session) -> Any:
        with session.request(method, f"{wire.url}/a", stream=True, timeout=10) as response:
            before = head(response)
            read = outcome(lambda: READINGS[reading](response, size))
            if free and isinstance(read, list) and read:
                read = type(read[0])().join(read) if None not in read else read
            rest = outcome(lambda: response.raw.read(decode_content=True))
            return before, read, rest, response.raw.closed, cookies(session.cookies)

    check_replay(look, engine, wire, new_path, asked_again=is_for_this_request_alone(reply, engine))


REDIRECTS = st.sampled_from([301, 302, 303, 307, 308])


@st.composite
def chains(draw: st.DrawFn, url: str = "") -> dict[str, Reply]:
    """Replies of ``/0``, ``/1``, ..., each but the last one leading to the next."""
    length = draw(st.integers(1, 4))
    last = draw(replies(SMALL_BODIES))
    found = {f"/{length}": last}
    for number in range(length):
        form = draw(
            st.sampled_from(
                ["/{}", "{}", "./{}", "{}?a=1&b=%20x", "/{}#part", "//{host}/{}", "http://{host}/{}"]
            )
        )
        reason = draw(st.sampled_from([b" Found", b"", b" caf\xe9"]))
        hop = draw(
            replies(SMALL_BODIES, status=REDIRECTS.map(lambda code, reason=reason: b"%d%s" % (code, reason)))
        )
        location = (b"Location", form.replace("{}", str(number + 1)).encode())
        found[f"/{number}"] = replace(hop, headers=(location, *hop.headers))
    return found


@engines
@given(
    chain=chains(),
    stream=st.booleans(),
    follow=st.booleans(),
    method=st.sampled_from(["GET", "HEAD", "POST"]),
)
@settings(max_examples=max(1, settings().max_examples // 2), suppress_health_check=[HealthCheck.too_slow])
def test_any_chain_of_redirects_is_seen_again(engine, wire, new_path, chain, stream, follow, method):
    host = wire.url.removeprefix("http://").encode()
    wire.answers(
        {
            path: replace(
                reply, headers=tuple((name, value.replace(b"{host}", host)) for name, value in reply.headers)
            )
            for path, reply in chain.items()
        }
    )

    def look(session: requests.Session) -> Any:
        response = session.request(
            method, f"{wire.url}/0#top", allow_redirects=follow, stream=stream, timeout=10
        )
        return whole(response), cookies(session.cookies)

    last = next(iter(chain.values()))
    check_replay(look, engine, wire, new_path, follow and is_for_this_request_alone(last, engine))
