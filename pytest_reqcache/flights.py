"""One request at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from urllib3 import Timeout


@dataclass(slots=True)
class Flight:
    """A request under way, and how many are ``waiting``, its own caller among them. It was ``in_vain`` for
    the others where it brought an answer that is its caller's alone."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    waiting: int = 0
    in_vain: bool = False


class Flights:
    """One request at a time for each key: the others wait, and share its answer."""

    def __init__(self) -> None:
        #: How many have ended. Where there are no more than before, no other has brought an answer since.
        self.landed = 0
        self._guard = threading.Lock()
        self._flying: dict[str, Flight] = {}

    @contextmanager
    def flight(self, key: str, timeout: Any = None) -> Iterator[Flight | None]:
        """One's own flight, when those before it have landed; None where a request with that ``timeout``, of
        a form that `requests` takes, waits no longer for them."""
        with self._guard:
            flight = self._flying.get(key) or Flight()
            self._flying[key] = flight
            flight.waiting += 1
        try:
            if not flight.lock.acquire(timeout=_seconds(timeout)):
                yield None
                return
            try:
                yield flight
            finally:
                with self._guard:
                    self.landed += 1
                flight.lock.release()
        finally:
            with self._guard:
                flight.waiting -= 1
                if flight.waiting == 0:
                    del self._flying[key]


def _seconds(timeout: Any) -> float:
    """How long a request with that timeout may take until its answer begins; -1 for any time."""
    if isinstance(timeout, Timeout):
        total = timeout.total
        timeout = (timeout.connect_timeout, timeout.read_timeout) if total is None else total
    parts = timeout if isinstance(timeout, tuple) else (timeout,)
    if all(isinstance(part, int | float) for part in parts):
        return max(0.0, min(sum(parts), threading.TIMEOUT_MAX))
    return -1
