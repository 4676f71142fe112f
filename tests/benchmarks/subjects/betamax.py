from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import betamax
import requests

from benchmarks.loopback import ONE_URL
from benchmarks.operations import requests_of, send


@contextmanager
def session(path: Path, mode: str, variant: str) -> Iterator[requests.Session]:
    path.parent.mkdir(parents=True, exist_ok=True)
    record_mode = "new_episodes" if mode == "record" else "none"
    with requests.Session() as made:
        recorder = betamax.Betamax(
            made, cassette_library_dir=str(path.parent), default_cassette_options={"record_mode": record_mode}
        )
        matched = ["method", "uri", "body"] if path.name == ONE_URL else ["method", "uri"]
        with recorder.use_cassette(path.name, allow_playback_repeats=True, match_requests_on=matched):
            yield made


def prepare(command: dict[str, Any]) -> dict[str, Any]:
    """One recording, as often as is asked for: to record them one by one would take hours."""
    path = Path(command["path"])
    with session(path, "record", "") as made:
        send(made, requests_of({**command, "first": 0, "count": 1})[0])
    file = Path(f"{path}.json")
    cassette = json.loads(file.read_text(encoding="utf-8"))
    item = json.dumps(cassette["http_interactions"][0])
    cassette["http_interactions"] = [
        json.loads(item.replace("item-0000000", f"item-{number:07d}")) for number in range(command["count"])
    ]
    file.write_text(json.dumps(cassette), encoding="utf-8")
    return {}
