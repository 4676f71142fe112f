"""Origins that break off, never end, or send what is none: a test ends as it would without a cache."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests

from fidelity.engines import ENGINES
from pytest_reqcache.cassette import Cassette

from .script import KEEP, RESET, Hostile

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
EMPTY = b"Content-Length: 0\r\n\r\n"
WHOLE = OK + b"Content-Length: 2\r\n\r\nok"


@cache
def deflated(size: int, wbits: int) -> bytes:
    """So many zeros, compressed."""
    coder, parts = zlib.compressobj(9, wbits=wbits), []
    for _ in range(size // 2**20):
        parts.append(coder.compress(bytes(2**20)))
    return b"".join((*parts, coder.flush()))


def coded(coding: bytes, body: bytes) -> bytes:
    return OK + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s" % (coding, len(body), body)


#: Name: the pieces that are sent, before the connection is closed.
ANSWERS: dict[str, tuple[object, ...]] = {
    "nothing": (),
    "reset at once": (RESET,),
    "half a status line": (b"HTTP/1.1 20",),
    "reset in the status line": (b"HTTP/1.1 20", RESET),
    "half a header": (OK + b"Content-Le",),
    "reset in the headers": (OK + b"Content-Le", RESET),
    "reset before the body": (OK + b"Content-Length: 5\r\n\r\n", RESET),
    "reset in the body": (OK + b"Content-Length: 5\r\n\r\nab", RESET),
    "too short a body": (OK + b"Content-Length: 50\r\n\r\nabc",),
    "too long a body": (OK + b"Content-Length: 2\r\n\r\nabcdef",),
    "two lengths": (OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc",),
    "the same length twice": (OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nab",),
    "a length that is none": (OK + b"Content-Length: many\r\n\r\nabc",),
    "a negative length": (OK + b"Content-Length: -5\r\n\r\nabc",),
    "a length and chunks": (  # the chunks count
        OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    ),
    "chunks that break off": (CHUNKED + b"5\r\nhello\r\n",),
    "a chunk that breaks off": (CHUNKED + b"50\r\nhello",),
    "reset in a chunk": (CHUNKED + b"50\r\nhello", RESET),
    "chunks without the last line": (CHUNKED + b"2\r\nab\r\n0\r\n",),
    "a chunk size that is none": (CHUNKED + b"2\r\nab\r\nzz\r\nab\r\n0\r\n\r\n",),
    "a negative chunk size": (CHUNKED + b"-2\r\nab\r\n0\r\n\r\n",),
    "an endless chunk size": (CHUNKED + b"f" * 70_000 + b"\r\nab",),
    "no HTTP": (b"220 mail.example ESMTP\r\n",),
    "a status that is none": (b"HTTP/1.1 abc OK\r\n\r\n",),
    "a status of 4 digits": (b"HTTP/1.1 2000 OK\r\n" + EMPTY,),
    "a status of 2 digits": (b"HTTP/1.1 20 OK\r\n" + EMPTY,),
    "an unknown version": (b"HTTP/9.9 200 OK\r\n" + EMPTY,),
    "a status line of 1 MB": (b"HTTP/1.1 200 " + b"x" * 2**20 + b"\r\n" + EMPTY,),
    "a header line of 1 MB": (OK + b"A: " + b"x" * 2**20 + b"\r\n" + EMPTY,),
    "100,000 headers": (OK + b"".join(b"A%d: x\r\n" % number for number in range(100_000)) + EMPTY,),
    "100 headers": (OK + b"".join(b"A%d: x\r\n" % number for number in range(99)) + EMPTY,),
    "a header without a colon": (OK + b"nonsense\r\n" + EMPTY,),
    "a header with a NUL": (OK + b"A: x\0y\r\n" + EMPTY,),
    "100 Continue a thousand times": (b"HTTP/1.1 100 Continue\r\n\r\n" * 1000 + WHOLE,),
    "103 Early Hints": (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + WHOLE,),
    "101 Switching Protocols": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nabc",),
    "199 unasked": (b"HTTP/1.1 199 Odd\r\n\r\n" + WHOLE,),
    "gzip that is none": (coded(b"gzip", b"this is no gzip"),),
    "gzip that is cut off": (coded(b"gzip", gzip.compress(bytes(range(256)) * 40)[:-30]),),
    "deflate that is none": (coded(b"deflate", b"this is no deflate"),),
    "an unknown coding": (coded(b"rot13", b"nop"),),
    "a gzip bomb": (coded(b"gzip", deflated(2**20, 31)),),
    "a deflate bomb": (coded(b"deflate", deflated(2**20, 15)),),
    "gzip in gzip": (coded(b"gzip, gzip", gzip.compress(deflated(2**20, 31))),),
    "a redirect to nowhere": (b"HTTP/1.1 302 Found\r\nLocation: http://[\r\n" + EMPTY,),
    "a redirect to another scheme": (b"HTTP/1.1 302 Found\r\nLocation: gopher://x/\r\n" + EMPTY,),
    "a redirect to itself": (b"HTTP/1.1 302 Found\r\nLocation: /it\r\n" + EMPTY, KEEP),
    "a redirect whose body breaks off": (
        b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 50\r\n\r\nabc",
    ),
    "whole": (WHOLE,),
}  # fmt: skip


#: Responses, all the same: but broken, or by their status for this connection alone.
NEVER_STORED = frozenset({"a redirect whose body breaks off"})


@pytest.fixture(scope="module")
def hostile() -> Iterator[Hostile]:
    server = Hostile()
    yield server
    server.close()


@pytest.fixture(params=ENGINES.values(), ids=ENGINES.keys())
def engine(request: pytest.FixtureRequest) -> Any:
    return request.param


def seen(get: Callable[[], requests.Response]) -> Any:
    """The response as plain values, or the type of the error and of those behind it."""
    try:
        response = get()
        content = response.content
    except Exception as error:
        return [type(each) for each in (error, *error.args) if isinstance(each, Exception)]
    parts = (response.reason.encode(), repr(dict(response.raw.headers)).encode(), content)
    history = [hop.url for hop in response.history]
    return response.status_code, [(len(part), part[:99], zlib.crc32(part)) for part in parts], history


@cache
def seen_without_a_cache(url: str, name: str, stream: bool) -> Any:
    """The same for both engines; ``name`` is that of the answer which stands at the URL now."""
    with requests.Session() as plain:
        return seen(lambda: plain.get(url, stream=stream, timeout=5))


def stored(path: Path) -> list[Any]:
    return list(Cassette(path, str))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", ANSWERS)
def test_answer_is_as_it_is_without_a_cache(
    name: str, stream: bool, hostile: Hostile, engine: Any, tmp_path: Path
) -> None:
    hostile.scripts = {b"/it": lambda: ANSWERS[name], b"/next": lambda: (WHOLE,)}
    look = {"stream": stream, "timeout": 5}
    expected = seen_without_a_cache(f"{hostile.url}/it", name, stream)
    path = tmp_path / "c.yaml"
    with engine(path) as session:
        assert seen(lambda: session.get(f"{hostile.url}/it", **look)) == expected
    urls = [item.request.url for item in stored(path)]
    if isinstance(expected, list) or name in NEVER_STORED:
        assert f"{hostile.url}/it" not in urls
        return
    before = hostile.requests
    with engine(path) as session:
        status, (reason, _, content), _ = seen(lambda: session.get(f"{hostile.url}/it", **look))
    assert (status, reason, content) == (expected[0], expected[1][0], expected[1][2])
    assert hostile.requests == before


def test_broken_answer_never_takes_the_place_of_a_recording(
    hostile: Hostile, engine: Any, tmp_path: Path
) -> None:
    path = tmp_path / "c.yaml"
    hostile.scripts = {b"/it": lambda: (WHOLE, KEEP)}
    with engine(path) as session:
        session.get(f"{hostile.url}/it")
    before = path.read_bytes()
    for name in (
        "chunks that break off",
        "too short a body",
        "reset in the body",
        "gzip that is none",
        "nothing",
    ):
        hostile.scripts = {b"/it": lambda name=name: ANSWERS[name]}
        with engine(path) as session:
            outcome = seen(lambda session=session: session.get(f"{hostile.url}/it", refresh=True))
        assert isinstance(outcome, list), name
        assert path.read_bytes() == before, name


def test_redirects_without_end_store_nothing(hostile: Hostile, engine: Any, tmp_path: Path) -> None:
    hops = [b"HTTP/1.1 302 Found\r\nLocation: /%d\r\n" % ((number + 1) % 3) + EMPTY for number in range(3)]
    hostile.scripts = {b"/%d" % number: lambda hop=hop: (hop, KEEP) for number, hop in enumerate(hops)}
    path = tmp_path / "c.yaml"
    with engine(path) as session, pytest.raises(requests.TooManyRedirects) as caught:
        session.get(f"{hostile.url}/0")
    assert len(caught.value.response.history) == 30
    assert stored(path) == []


def events(hostile: Hostile) -> Iterator[object]:
    yield CHUNKED.replace(b"OK\r\n", b"OK\r\nContent-Type: text/event-stream\r\n")
    for number in range(3):
        event = b"data: %d\n\n" % number
        yield b"%x\r\n%s\r\n" % (len(event), event)
    yield from hostile.hang()


def trickle(hostile: Hostile) -> Iterator[object]:
    yield OK + b"Content-Length: 1000\r\n\r\n"
    for _ in range(8):
        yield b"x"
        if hostile.over.wait(0.02):
            return
    yield from hostile.hang()


def flood(hostile: Hostile) -> Iterator[object]:
    yield CHUNKED
    while not hostile.over.is_set():
        yield b"10000\r\n" + bytes(2**16) + b"\r\n"


def test_events_without_end_are_read_as_they_come(hostile: Hostile, engine: Any, tmp_path: Path) -> None:
    hostile.scripts = {b"/events": lambda: events(hostile)}
    path = tmp_path / "c.yaml"
    with engine(path) as session, session.get(f"{hostile.url}/events", stream=True, timeout=5) as response:
        lines = response.iter_lines(chunk_size=1)
        assert [next(lines) for _ in range(5)] == [b"data: 0", b"", b"data: 1", b"", b"data: 2"]
    assert stored(path) == []


@pytest.mark.parametrize("script", [events, trickle], ids=["events", "trickle"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_timeout_is_that_of_requests(
    script: Callable[[Hostile], Iterable[object]], stream: bool, hostile: Hostile, engine: Any, tmp_path: Path
) -> None:
    hostile.scripts = {b"/it": lambda: script(hostile)}
    path = tmp_path / "c.yaml"
    look = {"stream": stream, "timeout": (5, 0.15)}
    with requests.Session() as plain:
        expected = seen(lambda: plain.get(f"{hostile.url}/it", **look))
    assert isinstance(expected, list)
    with engine(path) as session:
        assert seen(lambda: session.get(f"{hostile.url}/it", **look)) == expected
    assert stored(path) == []


def test_body_without_end_may_be_read_in_part(hostile: Hostile, engine: Any, tmp_path: Path) -> None:
    hostile.scripts = {b"/flood": lambda: flood(hostile)}
    path = tmp_path / "c.yaml"
    with engine(path) as session, session.get(f"{hostile.url}/flood", stream=True, timeout=5) as response:
        pieces = response.iter_content(2**16)
        assert sum(len(next(pieces)) for _ in range(64)) == 2**22
    assert stored(path) == []


BOMB = 100 * 2**20
#: Records and replays; prints how many bytes the streamed body had each time, and by how much the most memory
#: that the process ever had in use has grown, in KiB.
READ_A_BOMB = """\
import resource, sys, requests
from pathlib import Path
from fidelity.engines import ENGINES

def most_memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

def read(session):
    with session.get(sys.argv[1], stream=True, timeout=20) as response:
        return sum(map(len, response.iter_content(2**16)))

way, path = sys.argv[2], Path(sys.argv[3])
read(requests.Session())  # all is imported that the first request needs
before = most_memory()
sizes = []
for _ in ("recorded", "replayed"):
    with ENGINES[way](path) as session:
        sizes.append(read(session))
print(*sizes, most_memory() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
@pytest.mark.parametrize("way", ENGINES)
def test_large_bomb_is_streamed_in_bounded_memory(way: str, hostile: Hostile, tmp_path: Path) -> None:
    bomb = coded(b"gzip", deflated(BOMB, 31))
    assert len(bomb) < BOMB / 500
    hostile.scripts = {b"/bomb": lambda: (bomb,)}
    look = [sys.executable, "-c", READ_A_BOMB, f"{hostile.url}/bomb", way, str(tmp_path / "c.yaml")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    before = hostile.requests
    done = subprocess.run(look, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *sizes, memory = map(int, done.stdout.split())
    assert sizes == [BOMB, BOMB]
    assert memory < 32 * 1024
    assert hostile.requests == before + 2  # without us, and to record


def test_connection_is_used_again_after_an_interim_answer_and_not_after_a_broken_one(
    hostile: Hostile, engine: Any, tmp_path: Path
) -> None:
    hostile.scripts = {
        b"/a": lambda: (b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE, KEEP),
        b"/b": lambda: (WHOLE, KEEP),
        b"/broken": lambda: (CHUNKED + b"zz\r\n",),
        b"/c": lambda: (WHOLE, KEEP),
    }
    before = hostile.connections
    with engine(tmp_path / "c.yaml") as session:
        assert [session.get(f"{hostile.url}/{name}").content for name in "ab"] == [b"ok"] * 2
        assert hostile.connections == before + 1
        with pytest.raises(requests.RequestException):
            session.get(f"{hostile.url}/broken")
        assert session.get(f"{hostile.url}/c").content == b"ok"
        assert hostile.connections == before + 2
    assert [item.request.url[-2:] for item in stored(tmp_path / "c.yaml")] == ["/a", "/b", "/c"]
