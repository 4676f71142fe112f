"""What a worker measures. Each operation is a generator that stops twice: to be given a session on its
store, and to have that session closed; what it returns are its figures, in seconds or in bytes.

This runs in the environments of all peers: the standard library and `requests` are all there is.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from .loopback import PIECE, POSTED, name_of, path_of, stream_path

Command = dict[str, Any]
Operation = Generator[None, Any, dict[str, Any]]

_AT_MOST = 1.0  # seconds for one series of requests: some peers need a tenth of one for each
_AT_LEAST = 5  # requests in a series
_EDGE = 100  # how many of the first and the last requests are told apart


Asked = tuple[str, str | None]  # a URL, and what is posted to it


def requests_of(command: Command) -> list[Asked]:
    """What a command asks for: items, each with a URL of its own, or all posted to one."""
    first = command.get("first", 0)
    numbers = range(first, first + command["count"])
    if command.get("posted"):
        return [(command["base"] + POSTED, name_of(number)) for number in numbers]
    return [(command["base"] + path_of(number, command.get("body", 0)), None) for number in numbers]


def _give(session: Any, command: Command) -> None:
    """The header fields that each request is to have."""
    if command.get("headers"):
        session.headers.update(command["headers"])


def prepare(command: Command) -> Operation:
    """Make each request once: so a store is filled. Nothing is measured."""
    session = yield
    _give(session, command)
    for asked in requests_of(command):
        check(send(session, asked), asked)
    yield
    return {}


def warm_up(command: Command) -> Operation:
    """Replay what a small store holds, after a collection: what is measured next comes as a test comes in the
    midst of a suite. Nothing is measured."""
    gc.collect()
    return (yield from prepare(command))


def replay(command: Command) -> Operation:
    """Seconds to open a store, up to its first answer; per request used first; and per request repeated."""
    opening, *others = requests_of(command)
    step = max(1, len(others) // command["sample"])
    sample = others[::step][: command["sample"]]
    started = perf_counter()
    session = yield
    _give(session, command)
    check(send(session, opening), opening)
    opened = perf_counter() - started
    first = _series(session, sample)  # no collection before it: one would empty the processor's caches
    used = sample[: len(first)]
    repeated: list[float] = []
    while sum(repeated) < _AT_MOST and len(repeated) < command["sample"]:
        repeated += _series(session, used)
    yield
    return {"open": opened, "first": _mean(first), "repeated": _mean(repeated)}


def record(command: Command) -> Operation:
    """Seconds per request that is recorded, with opening and closing; and of the first and last of them."""
    asked = requests_of(command)
    gc.collect()
    started = perf_counter()
    session = yield
    seconds = [_timed(session, each) for each in asked]
    yield
    whole = perf_counter() - started
    return {
        "request": whole / len(asked),
        "start": _mean(seconds[:_EDGE]),
        "end": _mean(seconds[-_EDGE:]),
        "close": whole - sum(seconds),
    }


def use(command: Command) -> Operation:
    """Seconds per request, each of which is made once."""
    session = yield
    seconds = [_timed(session, asked) for asked in requests_of(command)]
    yield
    return {"request": _mean(seconds)}


def replay_memory(command: Command) -> Operation:
    """Bytes at the peak above those before the store was opened, while all of it is replayed."""
    before = peak()
    session = yield
    for asked in requests_of(command):
        check(send(session, asked), asked)
    yield
    return {"bytes": peak() - before}


def stream(command: Command) -> Operation:
    """Bytes at the peak above those before, while one streamed body is recorded or replayed."""
    before = peak()
    session = yield
    received = 0
    with session.get(command["base"] + stream_path(command["size"]), stream=True) as response:
        for piece in response.iter_content(PIECE):
            received += len(piece)
    assert received == command["size"], f"{received} bytes of {command['size']} came"
    yield
    return {"bytes": peak() - before}


def count(command: Command) -> Operation:
    """How many of the requests a store answers."""
    session = yield
    kept = 0
    for asked in requests_of(command):
        try:
            kept += send(session, asked).status_code == 200
        except Exception:  # every tool has an error of its own for what it does not have
            continue
    yield
    return {"kept": kept}


OPERATIONS: dict[str, Callable[[Command], Operation]] = {
    "prepare": prepare,
    "warm_up": warm_up,
    "replay": replay,
    "record": record,
    "use": use,
    "replay_memory": replay_memory,
    "stream": stream,
    "count": count,
}


def send(session: Any, asked: Asked) -> Any:
    """The response of a session."""
    url, posted = asked
    return session.get(url) if posted is None else session.post(url, data=posted)


def check(response: Any, asked: Asked) -> None:
    """Raises AssertionError where it is not the answer."""
    url, posted = asked
    assert response.status_code == 200, f"{url} was answered {response.status_code}"
    name = posted or url.partition("?")[0].rpartition("/")[2]
    assert name.encode() in response.content, f"{url} was answered with what stands for another item"


def _timed(session: Any, asked: Asked) -> float:
    started = perf_counter()
    response = send(session, asked)
    taken = perf_counter() - started
    check(response, asked)
    return taken


def _series(session: Any, sample: Sequence[Asked]) -> list[float]:
    seconds: list[float] = []
    total = 0.0
    for asked in sample:
        seconds.append(_timed(session, asked))
        total += seconds[-1]
        if total > _AT_MOST and len(seconds) >= _AT_LEAST:
            break
    return seconds


def _mean(seconds: Sequence[float]) -> float:
    return sum(seconds) / len(seconds)


def peak() -> int:
    """The most memory that this process has had, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage gives there may be the parent's
        found = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(found.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
