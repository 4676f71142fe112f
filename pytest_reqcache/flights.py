"""One request at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Flights:
    """One request at a time for each key: the others wait, and share its answer."""

    def __init__(self) -> None:
        #: How many have ended. Where there are no more than before, no other has brought an answer since.
        self.landed = 0
        self._guard = threading.Lock()
        self._flying: dict[str, tuple[threading.RLock, int]] = {}

    @contextmanager
    def flight(self, key: str) -> Iterator[None]:
        with self._guard:
            lock, waiting = self._flying.get(key, (threading.RLock(), 0))
            self._flying[key] = (lock, waiting + 1)
        try:
            with lock:
                try:
                    yield
                finally:
                    with self._guard:
                        self.landed += 1
        finally:
            with self._guard:
                lock, waiting = self._flying[key]
                if waiting == 1:
                    del self._flying[key]
                else:
                    self._flying[key] = (lock, waiting - 1)
