from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
import responses
from responses._recorder import Recorder


@contextmanager
def session(path: Path, mode: str, variant: str) -> Iterator[requests.Session]:
    file = Path(f"{path}.yaml")
    if mode == "record":
        file.parent.mkdir(parents=True, exist_ok=True)
        recorder = Recorder()
        with recorder, requests.Session() as made:
            yield made
            recorder.dump_to_file(file)
        return
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock, requests.Session() as made:
        mock._add_from_file(file)
        yield made
