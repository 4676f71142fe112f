from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import vcr

from benchmarks.loopback import ONE_URL
from benchmarks.operations import requests_of, send

_REDACTED = ["authorization", "cookie"]


@contextmanager
def session(path: Path, mode: str, variant: str) -> Iterator[requests.Session]:
    record_mode = "new_episodes" if mode == "record" else "none"
    matched = {"match_on": ["method", "uri", "body"]} if path.name == ONE_URL else {}
    cassette = vcr.use_cassette(
        f"{path}.yaml",
        record_mode=record_mode,
        allow_playback_repeats=True,
        filter_headers=_REDACTED,
        **matched,
    )
    with cassette, requests.Session() as made:
        yield made


def prepare(command: dict[str, Any]) -> dict[str, Any]:
    """One recording, as often as is asked for: to record them one by one would take hours."""
    path = Path(command["path"])
    with session(path, "record", "") as made:
        send(made, requests_of({**command, "first": 0, "count": 1})[0])
    file = Path(f"{path}.yaml")
    head, item, tail = _parts(file.read_text(encoding="utf-8"))
    items = (item.replace("item-0000000", f"item-{number:07d}") for number in range(command["count"]))
    file.write_text(head + "".join(items) + tail, encoding="utf-8")
    return {}


def _parts(text: str) -> tuple[str, str, str]:
    start = text.index("- request:")
    end = text.index("\nversion:") + 1
    return text[:start], text[start:end], text[end:]
