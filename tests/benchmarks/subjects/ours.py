"""pytest-reqcache: a session made by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from pytest_reqcache import CachedSession


@contextmanager
def session(path: Path, mode: str, variant: str) -> Iterator[CachedSession]:
    methods = ["GET", "POST"]
    with CachedSession(f"{path}.yaml", only_if_cached=mode == "replay", allowable_methods=methods) as made:
        yield made


def load_yaml(command: dict[str, Any]) -> dict[str, Any]:
    """Seconds in which PyYAML's C loader loads the same file."""
    import yaml

    with open(f"{command['path']}.yaml", "rb") as file:
        started = perf_counter()
        yaml.load(file, yaml.CSafeLoader)
        return {"load": perf_counter() - started}
