from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from cassetter import use_cassette

from benchmarks.loopback import ONE_URL


@contextmanager
def session(path: Path, mode: str, variant: str) -> Iterator[requests.Session]:
    record_mode = "new_episodes" if mode == "record" else "none"
    matched = ["method", "uri", "body"] if path.name == ONE_URL else None
    with (
        use_cassette(f"{path}.yaml", record_mode=record_mode, match_on=matched, intercept=["requests"]),
        requests.Session() as made,
    ):
        yield made
