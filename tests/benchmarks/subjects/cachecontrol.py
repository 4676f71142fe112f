from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from cachecontrol import CacheControl
from cachecontrol.caches import FileCache


@contextmanager
def session(path: Path, mode: str, variant: str) -> Iterator[requests.Session]:
    with CacheControl(requests.Session(), cache=FileCache(f"{path}.files")) as made:
        yield made
