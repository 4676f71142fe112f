"""Stopped at any line of what writes files, by the user or by the disk, a commit has been made or has not."""

from __future__ import annotations

import errno
import gc
import shutil
import sys
from contextlib import contextmanager

import pytest

from cassette.conftest import identify, make, ref
from pytest_reqcache.body import read_body
from pytest_reqcache.cassette import Cassette, CassetteError, locking
from pytest_reqcache.models import Change

from .victims import FOLDER, TRACED

pytestmark = pytest.mark.slow

URLS = [f"https://x/{number}" for number in range(4)]
LARGE, OTHER = b"\x00\x01" * 5_000, b"\x01\x02" * 5_000


@contextmanager
def raising_at(number, error, files):
    """Raises what ``error`` makes at the Nth line that is executed in some files; gives their count."""
    passed = [0]

    def trace(frame, event, argument):
        return line if frame.f_code.co_filename in files else None

    def line(frame, event, argument):
        if event == "line":
            passed[0] += 1
            if passed[0] == number:
                raise error()
        return line

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield passed
    finally:
        sys.settrace(before)


def add_one(cassette):
    cassette.commit([Change(make("https://x/new", b"new"))], identify)


def add_step(cassette):
    cassette.commit(
        [Change(make(f"https://x/new/{n}", body)) for n, body in enumerate((b"1", LARGE))], identify
    )


def begin(cassette):
    add_step(cassette)


def refresh_step(cassette):
    changes = [
        Change(make(url, OTHER + url.encode()), tuple(map(ref, cassette.find(url)))) for url in URLS[:2]
    ]
    cassette.commit(changes, identify)


def remove(cassette):
    cassette.commit([Change(None, tuple(ref(item) for item in cassette))], identify)


def supersede(cassette):
    [old] = cassette.find(URLS[0])
    cassette.append([Change(make(URLS[0], OTHER), (ref(old),))], identify)
    cassette.close()


def after_a_tear(cassette):
    with cassette.path.open("ab") as file:
        file.write(b"- request:\n    method: GE")
    add_one(cassette)


FAULTS = {
    "interrupt": (KeyboardInterrupt, TRACED),
    "full disk": (lambda: OSError(errno.ENOSPC, "No space left on device"), {str(FOLDER / "storing.py")}),
}
OPERATIONS = [add_one, add_step, begin, refresh_step, remove, supersede, after_a_tear]


def content(path):
    """What is there, by URL; each body file that is named is read."""
    return {item.request.url: read_body(item.response.body) for item in Cassette(path, str)}


@pytest.mark.filterwarnings("ignore::pytest_reqcache.TornTailWarning")
@pytest.mark.filterwarnings(
    "ignore:.*unclosed:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_stopped_at_any_line_it_is_done_or_not_done(operation, fault, tmp_path, monkeypatch, request):
    # All lines of the few where the disk is written; of the many, a part that grows with --kills.
    step = 1 if fault == "full disk" else max(1, 400 // request.config.getoption("kills"))
    monkeypatch.setattr(locking, "TIMEOUT", 0.0)
    start, place = tmp_path / "start", tmp_path / "place"
    start.mkdir()
    if operation is not begin:
        Cassette(start / "c.yaml", str).commit([Change(make(url, LARGE)) for url in URLS], identify)
    before = content(start / "c.yaml")
    shutil.copytree(start, place)
    operation(Cassette(place / "c.yaml", str))
    after = content(place / "c.yaml")
    shutil.rmtree(place)
    assert after != before
    error, files = FAULTS[fault]
    number, outcomes, is_over = request.config.getoption("kill_seed") % step, set(), False
    while not is_over:
        number += step
        shutil.copytree(start, place)
        cassette = Cassette(place / "c.yaml", str)
        with raising_at(number, error, files) as passed:
            try:
                operation(cassette)
                is_over = passed[0] < number
                outcomes.add("done")
            except (KeyboardInterrupt, CassetteError) as raised:
                outcomes.add(str(raised).rpartition(": ")[2])
        del cassette
        gc.collect(0)
        found = content(place / "c.yaml")
        assert found in (before, after), f"line {number}"
        Cassette(place / "c.yaml", str).commit([Change(make("https://x/last"))], identify)
        assert content(place / "c.yaml") == {**found, "https://x/last": b"hello\n"}
        shutil.rmtree(place)
    assert outcomes == {
        "done",
        "" if fault == "interrupt" else "No space left on device; make room, and run again",
    }
    assert number > 10
