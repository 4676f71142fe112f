from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from .wire import Wire


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    server = Wire()
    yield server
    server.close()


@pytest.fixture(scope="module")
def new_path(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Paths for cassettes, each in a folder of its own: one for each example."""
    base, number = tmp_path_factory.mktemp("fidelity"), count()

    def make() -> Path:
        folder = base / str(next(number))
        folder.mkdir()
        return folder / "c.yaml"

    return make
