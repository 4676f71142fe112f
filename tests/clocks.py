"""A clock that tests move."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import time_machine


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, traveller: time_machine.Coordinates) -> None:
        self._traveller = traveller

    def move(self, seconds: float | timedelta) -> None:
        self._traveller.shift(seconds)

    @property
    def now(self) -> datetime:
        return datetime.now(timezone.utc)
