"""What a request costs does not grow with what a test has done before. Work is counted, time is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from pytest_reqcache import CachedSession, redacting
from pytest_reqcache.cassette import Cassette
from pytest_reqcache.cassette.file import _compact_all
from pytest_reqcache.cassette.index import View
from pytest_reqcache.flow import Flow, RunMemory
from pytest_reqcache.headers import Headers
from pytest_reqcache.identity import TestIdentity
from pytest_reqcache.models import Change, Interaction, RecordedRequest, RecordedResponse
from pytest_reqcache.redaction import Redactor
from pytest_reqcache.settings import TEST_SETTINGS

NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
parse = View.interaction
TOKEN = "tok-5f0c9f6e3d0a4e0e9d5e"


def flow_on(path, settings=TEST_SETTINGS):
    memory = RunMemory()
    redactor = Redactor(memory.registry, path)
    identity = TestIdentity(lambda: settings, redactor)
    return Flow(
        Cassette(path, identity.locate, identity.locate_all, identity.terms, identity.keys),
        identity,
        redactor,
        memory,
        lambda: settings,
    )


@pytest.fixture
def flow(tmp_path):
    return flow_on(tmp_path / "cassette.yaml")


@pytest.fixture
def masked(monkeypatch):
    """The URLs of the requests that are masked."""
    urls = []
    mask = TestIdentity.mask
    monkeypatch.setattr(
        TestIdentity, "mask", lambda self, request: urls.append(request.url) or mask(self, request)
    )
    return urls


def record(flow, url, body=b"{}", headers=Headers()):
    request = RecordedRequest("GET", url, headers)
    asked = flow.ask(request, None)
    found = flow.find(asked)
    response = RecordedResponse(200, "OK", Headers((("Content-Type", "application/json"),)), body)
    stored = flow.store(asked, Interaction(request, response, NOW), None, found)
    flow.answered(asked, found, stored, 200, live=True)
    return stored


def test_the_hundredth_recording_of_a_test_looks_at_no_more_than_the_third(flow, masked):
    looked_at = []
    for number in range(100):
        masked.clear()
        record(flow, f"http://api.test/items/{number}")
        looked_at.append(len(masked))
    assert looked_at[99] == looked_at[2]


def test_what_was_recorded_before_a_secret_was_known_is_still_found(flow):
    stored = record(flow, f"http://api.test/by/{TOKEN}")
    record(flow, "http://api.test/login", body=b'{"access_token": "%b"}' % TOKEN.encode())
    found = flow.find(flow.ask(RecordedRequest("GET", f"http://api.test/by/{TOKEN}"), None))
    assert [item.source for item in found.candidates] == [stored.source]


def test_a_commit_without_secrets_does_not_read_the_cassette_for_placeholders(flow, monkeypatch):
    reads = []
    read = redacting._Taken._read
    monkeypatch.setattr(redacting._Taken, "_read", lambda taken: reads.append(1) or read(taken))
    record(flow, "http://api.test/items/1")
    flow.check()
    flow.commit()
    assert reads == []
    record(flow, "http://api.test/login", body=b'{"access_token": "%b"}' % TOKEN.encode())
    flow.check()
    flow.commit()
    assert reads == [1, 1]  # once for the check, and whether it still holds at the commit


def test_a_commit_of_twice_as_many_sequences_looks_at_twice_as_much(tmp_path, masked):
    looked_at = []
    for size in (10, 20):
        flow = flow_on(tmp_path / f"{size}.yaml", replace(TEST_SETTINGS, repeats="sequence"))
        for number in range(size):
            record(flow, f"http://api.test/jobs/{number}?poll=1")
        masked.clear()
        flow.commit()
        looked_at.append(len(masked))
    assert looked_at[1] == 2 * looked_at[0]


def test_a_request_without_the_recorded_credential_reads_what_it_may_be_answered_with(tmp_path, masked):
    recording = flow_on(tmp_path / "c.yaml")
    for number in range(50):
        record(recording, f"http://api.test/items/{number}", headers=Headers((("X-Api-Key", TOKEN),)))
    recording.commit()
    flow = flow_on(tmp_path / "c.yaml", replace(TEST_SETTINGS, only_if_cached=True))
    for number in (7, 8):
        masked.clear()
        url = f"http://api.test/items/{number}"
        found = flow.find(flow.ask(RecordedRequest("GET", url), None))
        assert [item.request.url for item in found.candidates] == [url]
        assert set(masked) == {url}


@pytest.fixture
def parsed(monkeypatch):
    """The items that are parsed; none is kept in memory."""
    numbers = []
    alone = View._alone
    monkeypatch.setattr(
        View, "_alone", lambda self, number, *rest: numbers.append(number) or alone(self, number, *rest)
    )
    monkeypatch.setattr("pytest_reqcache.cassette.index._Known._MOST", 0)
    return numbers


def ask(flow, request, answer):
    """Asked of a flow, and answered by it or by the origin."""
    asked = flow.ask(request, None)
    found = flow.find(asked)
    stored = found.candidates[0] if found.candidates else None
    live = stored is None
    if stored is None:
        new = Interaction(request, RecordedResponse(200, "OK", Headers(), answer), NOW)
        stored = flow.store(asked, new, None, found)
    flow.answered(asked, found, stored, 200, live=live)
    assert stored.response.body == answer


def post(flow, number, headers=Headers()):
    request = RecordedRequest("POST", "http://api.test/graphql", headers, b"query=%d" % number)
    ask(flow, request, b"%d" % number)


@pytest.mark.parametrize("way", ["as recorded", "without the credential", "with another one"])
def test_as_many_requests_to_one_url_cost_as_much_each_in_a_test(tmp_path, masked, parsed, way):
    credential = Headers((("X-Api-Key", TOKEN),))
    sent = {
        "as recorded": credential,
        "without the credential": Headers(),
        "with another one": Headers((("X-Api-Key", TOKEN[::-1]),)),
    }[way]
    costs = []
    for size in (20, 40):
        path, cost = tmp_path / f"{size}.yaml", []
        settings = replace(TEST_SETTINGS, only_if_cached=True)
        for flow, headers in ((flow_on(path), credential), (flow_on(path, settings), sent)):
            masked.clear()
            parsed.clear()
            for number in range(size):
                post(flow, number, headers)
            cost.append((len(masked), len(parsed)))
            flow.commit()
        costs.append(cost)
    for (masks, parses), (masks_of_twice, parses_of_twice) in zip(*costs, strict=True):
        assert masks_of_twice <= 2 * masks <= 20 * 10
        assert parses_of_twice <= 2 * parses <= 20 * 6
    assert costs[0][1][1] > 0


def test_as_many_requests_to_one_url_cost_as_much_each_in_a_session(origin, session, tmp_path, parsed):
    costs = []
    for size in (20, 40):
        cost = []
        for options in ({}, {}, {"force_refresh": True}, {}):
            del parsed[:]
            with session(tmp_path / f"{size}.yaml", allowable_methods=["POST"]) as s:
                for number in range(size):
                    s.post(f"{origin.url}/graphql", data=f"query={number}", **options)
            cost.append(len(parsed))
        costs.append(cost)
    assert origin.count("/graphql") == 2 * (20 + 40)
    for once, twice in zip(*costs, strict=True):
        assert 0 < twice <= 2 * once + 10
        assert once <= 20 * 8


def test_reads_between_many_writes_look_at_each_once(tmp_path, parsed):
    """They are followed by what was recorded right after the last write: nothing else is read for that."""

    def run(flow, size):
        for number in range(size):
            post(flow, number)
            ask(flow, RecordedRequest("GET", f"http://api.test/state/{number}"), b"%d" % number)

    costs = []
    for size in (20, 40):
        flow = flow_on(tmp_path / f"{size}.yaml")
        run(flow, size)
        flow.commit()
        parsed.clear()
        run(flow_on(tmp_path / f"{size}.yaml"), size)
        costs.append(len(parsed))
    assert 0 < costs[1] <= 2 * costs[0] <= 20 * 8


def test_superseded_items_of_a_closed_cassette_are_found_by_one_reading(tmp_path, monkeypatch):
    path = tmp_path / "cassette.yaml"
    items = [
        Interaction(
            RecordedRequest("GET", f"http://h/{n}"), RecordedResponse(200, "OK", Headers(), b"x"), NOW
        )
        for n in range(30)
    ]
    first = Cassette(path, str)
    first.append([Change(item) for item in items], lambda item: item.request.url)
    refs = [item.ref for item in first]
    new = [replace(item, response=replace(item.response, body=b"y")) for item in items]
    first.append([Change(item, (ref,), refresh=True) for item, ref in zip(new, refs, strict=True)], id)
    read: list[int] = []
    text = View.text
    monkeypatch.setattr(View, "text", lambda view, number: read.append(number) or text(view, number))
    _compact_all()
    assert len(read) < 10 * len(items)
    assert [item.response.body for item in Cassette(path, str)] == [b"y"] * 30


def test_a_made_key_is_found_without_reading_every_item_each_time(tmp_path, monkeypatch):
    cassette = Cassette(tmp_path / "c.yaml", str)

    def add(number):
        request = RecordedRequest("GET", f"http://api.test/{number}")
        new = Interaction(request, RecordedResponse(200, body=b"x" * 9000), NOW, key=f"key-{number}")
        cassette.append([Change(new)], lambda item: item.key)

    for number in range(20):
        add(number)
    read = []
    monkeypatch.setattr(
        View, "interaction", lambda view, number, *more: read.append(number) or parse(view, number, *more)
    )
    for key, looked_at in (("key-7", [*range(20), 7]), ("key-8", [8])):
        read.clear()
        assert [item.key for item in cassette.with_key(key)] == [key]
        assert read == looked_at
    assert cassette.with_key("no-key") == []
    add(20)
    read.clear()
    assert [item.key for item in cassette.with_key("key-20")] == ["key-20"]
    assert read == [20, 20]


def test_a_made_key_that_an_edit_changes_in_place_is_the_new_one(tmp_path):
    path = tmp_path / "c.yaml"
    cassette = Cassette(path, str)

    def add(key):
        new = Interaction(
            RecordedRequest("GET", f"http://api.test/{key}"), RecordedResponse(200), NOW, key=key
        )
        Cassette(path, str).append([Change(new)], lambda item: item.key)

    for key in ("A1", "B1"):
        add(key)
    assert [item.key for item in cassette.with_key("A1")] == ["A1"]
    with path.open("r+b") as file:
        at = file.read().index(b"key: A1")
        file.seek(at)
        file.write(b"key: A2")
    add("C1")
    assert cassette.with_key("A1") == []
    assert [item.key for item in cassette.with_key("A2")] == ["A2"]


def test_a_refresh_costs_the_same_however_many_came_before(origin, session, monkeypatch):
    read = []
    text = View.text
    monkeypatch.setattr(View, "text", lambda view, number: read.append(number) or text(view, number))
    s, costs, sizes = session(), [], []
    for _ in range(300):
        del read[:]
        s.get(f"{origin.url}/a", force_refresh=True)
        costs.append(len(read))
        sizes.append(s.cache.path.read_bytes().count(b"- request:"))
    assert max(sizes) <= 66
    assert max(costs) <= 3 * 66
    assert sum(costs[-100:]) <= 1.2 * sum(costs[100:200]) <= 100 * 20
    s.close()
    assert s.cache.path.read_bytes().count(b"- request:") == 1


def test_what_a_killed_session_has_left_behind_goes_with_the_next_refresh(origin, session, tmp_path, clock):
    s = session()
    for _ in range(3):
        s.get(f"{origin.url}/a", force_refresh=True)
        clock.move(1)
    s.get(f"{origin.url}/b")
    killed = tmp_path / "killed.yaml"
    killed.write_bytes(s.cache.path.read_bytes())
    assert killed.read_bytes().count(b"- request:") == 4
    with CachedSession(killed) as after:
        assert after.get(f"{origin.url}/a").from_cache
        after.get(f"{origin.url}/a", force_refresh=True)
    assert killed.read_bytes().count(b"- request:") == 2


def test_where_the_file_cannot_be_replaced_refreshes_go_on(origin, session, monkeypatch):
    def fail(*_):
        raise PermissionError(13, "Permission denied")

    s = session()
    with monkeypatch.context() as patch:
        patch.setattr("pytest_reqcache.cassette.storing.replace", fail)
        for _ in range(70):
            assert s.get(f"{origin.url}/a", force_refresh=True).ok
    assert s.cache.path.read_bytes().count(b"- request:") == 70
    s.close()
    assert s.cache.path.read_bytes().count(b"- request:") == 1
