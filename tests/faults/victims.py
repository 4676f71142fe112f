"""What is killed: programs that record, and say over a pipe what has been recorded.

``main`` waits for orders, one JSON object a line: a program's name, what it works on, and
the moment at which it is to kill itself, if it is to. It forks for each, so that none has to
import anything.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import sys
import traceback
import warnings
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

import pytest_reqcache.plugin.running
from cassette.conftest import identify, make, ref
from pytest_reqcache import CachedSession
from pytest_reqcache.cassette import Cassette, TornTailWarning
from pytest_reqcache.models import Change

FOLDER = Path(pytest_reqcache.cassette.__file__).parent
#: Where files are written: each line of these is a moment to die at.
TRACED = {str(FOLDER / name) for name in ("bodies.py", "file.py", "locking.py", "storing.py")}
#: The descriptor of the pipe: pytest, which captures output, leaves it alone.
REPORTS = 99
STEPS, COMMITS, PARTS, TESTS = 12, 6, 4, 3


_write = os.write


# --- what is recorded


def body_of(url: str, version: int = 0) -> bytes:
    """What the service answers: texts and other bytes, small ones and such as have files of their own."""
    seed = hashlib.sha256(f"{url} {version}".encode()).digest()
    size = (40, 3_000, 9_000, 70_000)[seed[0] % 4]
    if seed[1] % 2:
        return (seed.hex().encode() + b"\n") * (size // 65 + 1)
    return seed * (size // 32 + 1)


class Service(BaseAdapter):
    """Answers without a network: in the version of the moment, with at most so many bytes."""

    def __init__(self, largest: int = 100_000) -> None:
        super().__init__()
        self.version, self.largest = 0, largest

    def send(self, request: Any, **kwargs: Any) -> requests.Response:
        body = io.BytesIO(body_of(request.url, self.version)[: self.largest])
        raw = HTTPResponse(
            body, headers={"Cache-Control": "max-age=9"}, status=200, reason="OK", preload_content=False
        )
        return requests.adapters.HTTPAdapter().build_response(request, raw)

    def close(self) -> None:
        """Nothing is open."""


def told(*what: object) -> None:
    _write(REPORTS, json.dumps(what).encode() + b"\n")


# --- the programs


def session_on(path: str, service: Service) -> CachedSession:
    session = CachedSession(path)
    session.mount("http://", service)
    return session


def fetch(session: CachedSession, url: str, version: int = 0, **options: bool) -> None:
    """Request it, and tell before and after."""
    told("begins", url, version)
    session.get(url, **options)
    told("recorded", url, version)


def record(path: str, attempt: int) -> None:
    """A session made by hand records one response after the other."""
    session = session_on(path, Service())
    for step in range(STEPS):
        fetch(session, f"http://x/{attempt}/{step}")
    session.close()


def refresh(path: str, attempt: int) -> None:
    """A session fetches anew what it has, which is appended, and compacts its cassette when it closes."""
    service = Service()
    with session_on(path, service) as session:
        for step in range(STEPS):
            service.version = attempt * STEPS + step
            fetch(session, f"http://x/{step % 5}", service.version, force_refresh=True)


def splice(path: str, attempt: int) -> None:
    """A session removes some of what it has stored: the file is written anew each time."""
    session = session_on(path, Service())
    for step in range(STEPS):
        fetch(session, f"http://x/{attempt}/{step}")
        if step % 2:
            old = f"http://x/{attempt}/{step - 1}"
            told("removes", old, 0)
            session.cache.delete(urls=[old])
            told("removed", old, 0)
    session.close()


def commit(path: str, attempt: int) -> None:
    """What tests do: each commits several interactions in one step, and some refresh what they find."""
    cassette = Cassette(Path(path), str)
    for step in range(COMMITS):
        version = attempt * COMMITS + step
        name = f"http://x/{version}" if step % 3 else f"http://x/shared-{step % 2}"
        urls = [f"{name}/{part}" for part in range(PARTS)]
        found = [cassette.find(url) for url in urls]
        changes = [
            Change(make(url, body_of(url, version), status=200), tuple(map(ref, old)), refresh=True)
            for url, old in zip(urls, found, strict=True)
        ]
        told("begins", name, version)
        cassette.commit(changes, identify)
        told("recorded", name, version)


def suite(path: str, attempt: int) -> None:
    """A pytest run; the conftest of the suite (see ``write_suite``) tells what has been committed."""
    os.chdir(path)
    pytest.main(
        [
            *("-q", "-p", "pytest_reqcache.plugin", "-p", "no:cacheprovider"),
            *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
            *("-W", "ignore::pytest_reqcache.TornTailWarning"),
        ]
    )


PROGRAMS = {each.__name__: each for each in (record, refresh, splice, commit, suite)}

CONFTEST = """
    import pytest
    from faults.victims import told

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(item):
        told("begins", url_of(item.nodeid), 0)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(report):
        if report.when == "teardown":
            told("recorded", url_of(report.nodeid), 0)

    def url_of(nodeid):
        return "http://x/" + nodeid.partition("::")[2].translate({91: "-", 93: None})
"""
MODULE = f"""
    import pytest, requests
    from faults.victims import Service

    def get(name):
        with requests.Session() as session:
            session.mount("http://", Service())
            for part in range({PARTS}):
                assert session.get(f"http://x/{{name}}/{{part}}").ok

    @pytest.mark.reqcache
    @pytest.mark.parametrize("n", range({TESTS}))
    def test_own(n):
        get(f"test_own-{{n}}")

    @pytest.mark.reqcache("shared")
    @pytest.mark.parametrize("n", range({TESTS}))
    def test_shared(n):
        get(f"test_shared-{{n}}")
"""


# --- dying


class Moment:
    """The moment at which a process kills itself: at the Nth line that is executed where files are written,
    or within its Nth write, of which a part is still done."""

    def __init__(self, kind: str, number: int, part: float) -> None:
        self.kind, self.number, self.part = kind, number, part
        self.passed = {"line": 0, "write": 0}

    def stand_by(self) -> None:
        os.write = self.write
        sys.settrace(self.trace)

    def trace(self, frame: FrameType, event: str, argument: object) -> Any:
        return self.line if frame.f_code.co_filename in TRACED else None

    def line(self, frame: FrameType, event: str, argument: object) -> Any:
        if event == "line":
            self.pass_by("line")
        return self.line

    def write(self, descriptor: int, data: Any) -> int:
        self.pass_by("write", lambda: _write(descriptor, data[: int(len(data) * self.part)]))
        return _write(descriptor, data)

    def pass_by(self, kind: str, last_deed: Any = None) -> None:
        if kind == self.kind and self.passed[kind] == self.number:
            if last_deed is not None:
                last_deed()
            os.kill(os.getpid(), signal.SIGKILL)
        self.passed[kind] += 1


def live(order: dict[str, Any]) -> None:
    """The life of one process; it ends by ``os._exit``, or by a kill."""
    try:
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", TornTailWarning)
        moment = Moment(order["kind"], order["number"], order["part"])
        if order["kind"] != "time":
            moment.stand_by()
        PROGRAMS[order["program"]](order["path"], order["attempt"])
        sys.settrace(None)
        told("passed", moment.passed["line"], moment.passed["write"])
    except BaseException:
        told("failed", traceback.format_exc(), 0)
    os._exit(0)


def main() -> None:
    os.dup2(1, REPORTS)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            live(json.loads(line))
        told("started", child, 0)
        told("ended", int(os.WIFSIGNALED(os.waitpid(child, 0)[1])), 0)
