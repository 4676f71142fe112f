from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests_cache


@contextmanager
def session(path: Path, mode: str, variant: str) -> Iterator[requests_cache.CachedSession]:
    if variant == "yaml":
        backend = requests_cache.FileCache(path, serializer="yaml")
    else:
        backend = requests_cache.SQLiteCache(f"{path}.sqlite")
    with requests_cache.CachedSession(
        backend=backend, only_if_cached=mode == "replay", allowable_methods=("GET", "HEAD", "POST")
    ) as made:
        yield made
