from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from hishel import SqliteStorage
from hishel.requests import CacheAdapter


@contextmanager
def session(path: Path, mode: str, variant: str) -> Iterator[requests.Session]:
    path.parent.mkdir(parents=True, exist_ok=True)
    storage = SqliteStorage(database_path=f"{path}.db")
    with requests.Session() as made:
        made.mount("http://", CacheAdapter(storage=storage))
        yield made
    storage.close()
