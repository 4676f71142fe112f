"""Any number of processes and threads on one cassette lose nothing and never see half of anything."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings

import pytest

from pytest_reqcache.cassette import Cassette
from pytest_reqcache.models import Change

from .conftest import add, identify, make, ref

SPAWN = multiprocessing.get_context("fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn")


def run(target, *arguments, count=4, seconds=30):
    """Runs a function in several processes, with a number and a barrier, and checks that none fails."""
    barrier = SPAWN.Barrier(count)
    processes = [SPAWN.Process(target=target, args=(number, barrier, *arguments)) for number in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(seconds)
    assert [process.exitcode for process in processes] == [0] * count


def _add_own_and_common(number, barrier, path):
    cassette = Cassette(path, str)
    barrier.wait()
    for step in range(25):
        common = f"https://x/common/{step}"
        if not cassette.find(common):
            add(cassette, make(common, f"from {number}".encode()))
        add(cassette, make(f"https://x/{number}/{step}", b"\x00" * (5000 if step % 10 == 0 else 10)))
        if number == 0:
            for item in cassette.find(f"https://x/common/{step}"):
                cassette.commit([Change(make(common, b"refreshed"), (ref(item),), refresh=True)], identify)


def test_recorders_lose_nothing_and_record_the_same_once(path, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(_add_own_and_common, path)
        items = list(Cassette(path, str))
    found = sorted(item.request.url for item in items)
    common = [f"https://x/common/{step}" for step in range(25)]
    assert found == sorted(
        common + [f"https://x/{number}/{step}" for number in range(4) for step in range(25)]
    )
    assert sorted(file.name for file in tmp_path.iterdir()) == ["users.bodies", "users.yaml"]
    assert len(list((tmp_path / "users.bodies").iterdir())) == 1


def _append_and_compact(number, barrier, path):
    cassette = Cassette(path, str)
    barrier.wait()
    mine = None
    for step in range(20):
        [mine] = cassette.append(
            [Change(make(f"https://x/{number}", b"%d" % step), (ref(mine),) if mine else ())], identify
        )
    cassette.close()


def test_compacting_beside_appending_loses_nothing(path):
    run(_append_and_compact, path)
    items = {item.request.url: item.response.body for item in Cassette(path, str)}
    assert items == {f"https://x/{number}": b"19" for number in range(4)}
    assert len(list(Cassette(path, str))) == 4


def _write_large(number, barrier, path):
    cassette = Cassette(path, str)
    barrier.wait()
    for step in range(30):
        add(cassette, make(f"https://x/{number}/{step}", b"line\n" * 10_000))


def _read(number, barrier, path):
    cassette = Cassette(path, str)
    barrier.wait()
    warnings.simplefilter("error")
    seen = 0
    while seen < 30:
        items = list(cassette)
        assert all(item.response.body == b"line\n" * 10_000 for item in items)
        assert len(items) >= seen
        seen = len(items)


def _read_or_write(number, barrier, path):
    (_write_large if number == 0 else _read)(number, barrier, path)


def test_readers_never_see_half_a_recording(path):
    run(_read_or_write, path, count=3)


def test_threads_share_a_cassette(open_cassette):
    cassette = open_cassette()
    failures = []

    def work(number):
        try:
            for step in range(10):
                url = f"https://x/{number}/{step}"
                [item] = add(cassette, make(url))
                [item] = cassette.append([Change(make(url, b"new"), (ref(item),))], identify)
                assert cassette.find(url) == [item]
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    cassette.close()
    assert [item.response.body for item in open_cassette()] == [b"new"] * 80


def test_writer_waits_while_a_test_replaces_sleep(path, monkeypatch):
    other, held = Cassette(path, str), threading.Event()
    waited = threading.Event().wait

    def hold():
        with other._index.lock.held():
            held.set()
            waited(0.5)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    add(Cassette(path, str), make())
    holder.join()
    assert len(list(other)) == 1


def test_lock_of_a_dead_process_does_not_block(path):
    def hold():
        cassette = Cassette(path, str)
        with cassette._index.lock.held():
            os.kill(os.getpid(), signal.SIGKILL)

    if SPAWN.get_start_method() != "fork":
        pytest.skip("needs fork")
    process = SPAWN.Process(target=hold)
    process.start()
    process.join()
    add(Cassette(path, str), make())
    assert len(list(Cassette(path, str))) == 1


def test_finding_costs_the_same_in_a_large_file(tmp_path):
    """Counted in function calls: they do not depend on what else the machine is doing."""
    made = {}
    for count in (10, 2000):
        cassette = Cassette(tmp_path / f"{count}.yaml", str)
        add(cassette, *(make(f"https://x/{number}", b"x" * 100) for number in range(count)))
        cassette.find("https://x/5")
        made[count] = _calls(cassette.find, "https://x/5")
    assert made[2000] == made[10] > 0


def _calls(function, argument):
    count = 0

    def profile(frame, event, arg):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        function(argument)
    finally:
        sys.setprofile(None)
    return count
