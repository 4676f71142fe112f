"""A user's tests against origins that break off or send what is none: they end as they would without us."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_reqcache.cassette import Cassette

from .script import RESET, Hostile
from .test_origins import ANSWERS, CHUNKED, events, flood, trickle

PLUGIN = ("-p", "pytest_reqcache.plugin")
PLAIN = ("-p", "no:cacheprovider", "--tb=line", "-W", "ignore::pytest.PytestUnknownMarkWarning")
#: Those that other answers of the table are not much different from.
NAMES = (
    *("nothing", "reset in the headers", "reset in the body", "too short a body", "two lengths"),
    *(
        "a chunk that breaks off",
        "a negative chunk size",
        "no HTTP",
        "a header line of 1 MB",
        "100,000 headers",
    ),
    *(
        "100 Continue a thousand times",
        "101 Switching Protocols",
        "gzip that is cut off",
        "deflate that is none",
    ),
    *("a gzip bomb", "a redirect to itself", "a redirect to another scheme", "too long a body", "whole"),
)
#: Their errors are raised by requests itself, which has the redirects by then.
FAIL_ABOVE = ("a redirect to itself", "a redirect to another scheme")
SUITE = """\
import pytest, requests

pytestmark = pytest.mark.reqcache(on_miss="raise")
NAMES = {names!r}
each = pytest.mark.parametrize("number", range(len(NAMES)), ids=NAMES)

@each
def test_that_fails(number):
    assert requests.get(f"{url}/{{number}}", timeout=5).content is not None

@each
def test_that_minds_nothing(number):
    try:
        requests.get(f"{url}/{{number}}", timeout=5).content
    except (requests.RequestException, ValueError):
        pass
"""
ENDLESS = """\
import pytest, requests

pytestmark = pytest.mark.reqcache

def test_events():
    with requests.get("{url}/events", stream=True, timeout=5) as response:
        assert next(response.iter_lines(chunk_size=1)) == b"data: 0"

def test_flood():
    with requests.get("{url}/flood", stream=True, timeout=5) as response:
        assert len(next(response.iter_content(1000))) == 1000

def test_trickle():
    with pytest.raises(requests.ConnectionError, match="timed out"):
        requests.get("{url}/trickle", timeout=(5, 0.15))

def test_broken_stream():
    with requests.get("{url}/broken", stream=True, timeout=5) as response:
        with pytest.raises(requests.RequestException):
            response.content
"""


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    server = Hostile()
    yield server
    server.close()


@pytest.fixture
def folder(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CI", "REQCACHE_OFFLINE", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    return pytester.path / "cassettes"


def ended(pytester: pytest.Pytester, *arguments: str) -> tuple[dict[str, tuple[str, str]], str]:
    """How each test ended, and by which error; and what was printed."""
    result = pytester.runpytest_inprocess(*PLAIN, *arguments)
    calls = [
        report for report in result.reprec.getreports("pytest_runtest_logreport") if report.when == "call"
    ]
    assert all(report.passed for report in result.reprec.getreports() if report not in calls)
    how = {report.nodeid: (report.outcome, "") for report in calls}
    for report in calls:
        if report.failed:
            how[report.nodeid] = (report.outcome, report.longrepr.reprcrash.message.partition(":")[0])
    return how, result.stdout.str()


def recorded(folder: Path) -> dict[str, list[str]]:
    """The test and the paths of the URLs in its cassette."""
    return {
        path.stem: [item.request.url.rpartition("/")[2] for item in Cassette(path, str)]
        for path in folder.rglob("*.yaml")
    }


def test_tests_end_as_they_would_without_us(
    pytester: pytest.Pytester, folder: Path, hostile: Hostile
) -> None:
    hostile.scripts = {b"/it": lambda: ANSWERS["a redirect to itself"]}
    for number, name in enumerate(NAMES):
        hostile.scripts[b"/%d" % number] = lambda name=name: ANSWERS[name]
    pytester.makepyfile(test_it=SUITE.format(url=hostile.url, names=NAMES))
    expected, _ = ended(pytester)
    found, printed = ended(pytester, *PLUGIN)
    assert found == expected
    whole = {name for name in NAMES if expected[f"test_it.py::test_that_fails[{name}]"][0] == "passed"}
    failed = [int(count) for count in re.findall(r"([0-9]+) answers? not stored: failed with", printed)]
    assert sum(failed) == 2 * (len(NAMES) - len(whole) - len(FAIL_ABOVE))
    assert {"whole", "too long a body", "gzip that is cut off"} <= whole
    assert len(recorded(folder)) == 2 * len(whole)
    before = hostile.requests
    again, _ = ended(pytester, *PLUGIN, "--reqcache-offline")
    assert hostile.requests == before
    for name in NAMES:
        outcome, error = again[f"test_it.py::test_that_fails[{name}]"]
        assert (outcome == "passed") == (name in whole), error


def test_streams_without_end_leave_nothing_and_are_named(
    pytester: pytest.Pytester, folder: Path, hostile: Hostile
) -> None:
    hostile.scripts = {
        b"/events": lambda: events(hostile),
        b"/flood": lambda: flood(hostile),
        b"/trickle": lambda: trickle(hostile),
        b"/broken": lambda: (CHUNKED + b"50\r\nhello", RESET),
    }
    pytester.makepyfile(test_it=ENDLESS.format(url=hostile.url))
    expected, _ = ended(pytester)
    assert {outcome for outcome, _ in expected.values()} == {"passed"}
    found, printed = ended(pytester, *PLUGIN)
    assert found == expected
    assert "3 answers not stored: a streamed body that was not read to its end" in printed
    assert "1 answer not stored: failed with C" in printed
    assert recorded(folder) == {}
