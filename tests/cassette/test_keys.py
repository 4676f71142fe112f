"""Of several interactions of one URL those of one key are found, and no others are read."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_reqcache.cassette import Cassette, MemoryCassette
from pytest_reqcache.kin import Keys
from pytest_reqcache.models import Change, Interaction

from .conftest import make

URLS = ["https://x/a", "https://x/b"]
BODIES = [b"one", b"two", b"three"]


class Keyed:
    """Keys by the body of the request; with ``folded`` by its first letter."""

    def __init__(self) -> None:
        self.folded = False
        self.asked = 0
        self.keys = Keys(self.of, lambda: self.folded)

    def of(self, item: Interaction) -> Hashable:
        self.asked += 1
        body = item.request.body or b""
        return body[:1] if self.folded else body

    def on(self, path: Path) -> Cassette:
        return Cassette(path, str, keys=self.keys)


def identify(item: Interaction) -> Hashable:
    return item.request.url, item.request.body


def agrees(cassette: Cassette | MemoryCassette, keyed: Keyed) -> bool:
    for url in URLS:
        every = cassette.find(url)
        for key in dict.fromkeys(keyed.of(item) for item in [*every, make(sent_body=b"none")]):
            found = [item for item in cassette.find(url, key) if keyed.of(item) == key]
            if found != [item for item in every if keyed.of(item) == key]:
                return False
            if [item.source for item in found] != [item.source for item in every if keyed.of(item) == key]:
                return False
    return True


@pytest.mark.parametrize("seed", range(20))
def test_what_is_found_by_its_key_is_what_a_look_at_all_would_find(tmp_path: Path, seed: int) -> None:
    """Whatever is appended, replaced, removed, compacted, edited by hand, or done by another process."""
    choose, path, keyed = random.Random(seed), tmp_path / "c.yaml", Keyed()
    ours, others = keyed.on(path), keyed.on(path)

    def new() -> Interaction:
        answer = b"%d" % choose.randrange(10**6)
        return make(choose.choice(URLS), answer, sent_body=choose.choice(BODIES), method="POST")

    def old(cassette: Cassette) -> tuple[str, ...]:
        there = [item for url in URLS for item in cassette.find(url)]
        return (choose.choice(there).ref,) if there else ()

    def edit() -> None:
        if path.exists():
            text = path.read_text()
            path.write_text(text.replace("      two", "      one", 1) if choose.random() < 0.5 else text)

    def fold() -> None:
        keyed.folded = not keyed.folded

    steps: list[Callable[[Cassette], object]] = [
        lambda cassette: cassette.commit([Change(new())], identify),
        lambda cassette: cassette.append([Change(new())], identify),
        lambda cassette: cassette.append([Change(new(), old(cassette), refresh=True)], identify),
        lambda cassette: cassette.commit([Change(new(), old(cassette), refresh=True)], identify),
        lambda cassette: cassette.commit([Change(None, old(cassette))], identify),
        Cassette.compact,
        Cassette.close,
        lambda cassette: edit(),
        lambda cassette: (edit(), Cassette(path, str).commit([Change(new())], identify)),
        lambda cassette: fold(),
    ]
    for _ in range(40):
        choose.choice(steps)(choose.choice([ours, ours, others]))
        assert agrees(ours, keyed)
        assert agrees(others, keyed)


@pytest.mark.parametrize("seed", range(5))
def test_a_cassette_in_memory_finds_by_its_keys_too(seed: int) -> None:
    choose, keyed = random.Random(seed), Keyed()
    cassette = MemoryCassette(str, keys=keyed.keys)
    for number in range(60):
        there = [item for url in URLS for item in cassette.find(url)]
        new = make(choose.choice(URLS), b"%d" % number, sent_body=choose.choice(BODIES), method="POST")
        replaced = (choose.choice(there).ref,) if there and choose.random() < 0.6 else ()
        cassette.commit([Change(new if choose.random() < 0.8 else None, replaced)], identify)
        keyed.folded = choose.random() < 0.5
        assert agrees(cassette, keyed)


def test_each_is_asked_for_its_key_once(tmp_path: Path) -> None:
    keyed = Keyed()
    keyed.on(tmp_path / "c.yaml").commit(
        [Change(make(URLS[0], sent_body=b"%d" % number)) for number in range(30)], identify
    )
    cassette = keyed.on(tmp_path / "c.yaml")
    keyed.asked = 0
    for number in range(30):
        [item] = cassette.find(URLS[0], b"%d" % number)
        assert item.request.body == b"%d" % number
    assert keyed.asked == 30
    keyed.folded = True
    assert [item.request.body for item in cassette.find(URLS[0], b"7")] == [b"7"]
    assert keyed.asked == 60


def test_outlines_say_all_but_the_response(tmp_path: Path) -> None:
    cassette = Cassette(tmp_path / "c.yaml", str)
    items = [make(URLS[0], b"%d" % number, sent_body=b"x" * size) for number, size in enumerate((3, 10_000))]
    cassette.commit([Change(item) for item in items], identify)
    for _ in range(2):
        outlines = cassette.outlines()
        assert [
            replace(one, response=item.response) for one, item in zip(outlines, items, strict=True)
        ] == items
        assert [one.source for one in outlines] == [item.source for item in cassette]
        assert {(one.response.status, one.response.body) for one in outlines} == {(200, b"")}
    shown: list[Interaction] = []
    assert cassette.find(URLS[0], where=lambda item: shown.append(item) or item.place > 200) == items[1:]
    assert shown == outlines
