"""Many threads in one session, many processes on one cassette: nothing is lost, torn or fetched twice."""

from __future__ import annotations

import random
import threading
import time
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from cassette.test_processes import run
from origin import Answer
from pytest_reqcache.body import read_body
from pytest_reqcache.cassette import Cassette

from .victims import Service, body_of, session_on

THREADS, PROCESSES, READERS, LARGEST = 32, 8, 2, 3_000


# --- threads


def test_threads_that_share_a_session_fetch_each_fresh_response_once(origin, session):
    for number in range(40):
        origin[f"/{number}"] = Answer(body_of(f"/{number}"), headers={"Cache-Control": "max-age=60"})
    shared, barrier = session(), threading.Barrier(THREADS)

    def work(thread):
        barrier.wait(10)
        for step in range(40):
            path = f"/{(thread * 7 + step) % 40}"
            assert shared.get(origin.url + path).content == body_of(path)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    assert Counter(seen.path for seen in origin.log) == {f"/{number}": 1 for number in range(40)}
    shared.close()
    stored = {item.request.url: read_body(item.response.body) for item in Cassette(shared.cache.path, str)}
    assert stored == {f"{origin.url}/{number}": body_of(f"/{number}") for number in range(40)}


def test_threads_that_refresh_remove_and_list_at_once_tear_nothing(origin, session):
    def versions(received):
        with lock:
            counts[received.path] += 1
            return Answer(body_of(received.path, counts[received.path]))

    lock, counts = threading.Lock(), Counter()
    paths = [f"/{number}" for number in range(8)]
    for path in paths:
        origin[path] = versions
    shared, barrier = session(), threading.Barrier(THREADS)

    def work(thread):
        barrier.wait(10)
        for step in range(12):
            path = paths[(thread + step) % len(paths)]
            if thread % 8 == 0:
                shared.cache.delete(urls=[origin.url + path])
            elif thread % 8 == 1:
                assert set(shared.cache.urls()) <= {origin.url + path for path in paths}
            else:
                response = shared.get(origin.url + path, force_refresh=thread % 8 == 2)
                known = range(1, counts[path] + 1)
                assert response.content in [body_of(path, version) for version in known]

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    last = {origin.url + path: shared.get(origin.url + path).content for path in paths}
    shared.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        items = list(Cassette(shared.cache.path, str))
    assert {item.request.url: read_body(item.response.body) for item in items} == last
    assert len(items) == len(paths)


# --- processes


def _record(number, path, each):
    with session_on(str(path), Service(LARGEST)) as session:
        for step in range(each):
            session.get(f"http://x/{number}/{step}")


def _read(path, each):
    """Until all is there: never less than before, and what is there is whole."""
    cassette, seen, choice = Cassette(path, str), 0, random.Random(path.name)
    while seen < PROCESSES * each:
        assert len(list(cassette)) >= seen
        seen = len(list(cassette))
        for _ in range(100):
            url = f"http://x/{choice.randrange(PROCESSES)}/{choice.randrange(each)}"
            assert [read_body(item.response.body) for item in cassette.find(url)] in (
                [],
                [body_of(url)[:LARGEST]],
            )
        time.sleep(0.1)


def _record_or_read(number, barrier, path, each):
    warnings.simplefilter("error")
    barrier.wait()
    if number < PROCESSES:
        _record(number, path, each)
    else:
        _read(path, each)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_eight_recorders_lose_nothing_and_readers_see_nothing_half(tmp_path, request):
    """A thousand recordings each with --kills=1000, a tenth of that in a usual run."""
    path, each = tmp_path / "c.yaml", request.config.getoption("kills")
    run(_record_or_read, path, each, count=PROCESSES + READERS, seconds=240)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = [(item.request.url, read_body(item.response.body)) for item in Cassette(path, str)]
    urls = [f"http://x/{number}/{step}" for number in range(PROCESSES) for step in range(each)]
    assert sorted(found) == sorted((url, body_of(url)[:LARGEST]) for url in urls)
    assert [file.name for file in tmp_path.iterdir()] == ["c.yaml"]
