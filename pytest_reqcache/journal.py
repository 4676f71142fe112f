"""What the cache did: counts for the summary, and what is worth a sentence. No I/O."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from .policy import Reason

log = logging.getLogger("pytest_reqcache")


class CacheMissError(Exception):
    """A request that the cassette does not answer, where ``on_miss="raise"`` asks for an error.

    Attributes:
        reason: why, as a few words. method, url: of the request. explanation: the whole text.
    """

    def __init__(self, reason: str, method: str, url: str, explanation: str) -> None:
        super().__init__(explanation)
        self.reason, self.method, self.url, self.explanation = reason, method, url, explanation

    def __reduce__(self) -> tuple[type[CacheMissError], tuple[str, str, str, str]]:
        return (type(self), (self.reason, self.method, self.url, self.explanation))


class Miss(NamedTuple):
    """A request that was to be answered from the cassette, and was not."""

    reason: Reason
    method: str
    url: str
    expired_at: datetime | None = None
    at: datetime | None = None

    def explain(self) -> str:
        """The reason in words: with how long ago it expired, where it has."""
        words = self.reason.value
        if words.startswith("expired") and self.expired_at and self.at:
            return words.replace("expired", f"expired {in_words(self.at - self.expired_at)} ago", 1)
        return words


def in_words(span: timedelta) -> str:
    """A span of time with its greatest unit alone: ``3 days``."""
    seconds = max(0, int(span.total_seconds()))
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


@dataclass(slots=True)
class Journal:
    """What happened in a session or a test.

    ``not_stored`` counts live answers by why they were not, ``not_stored_first`` has the first request of
    each; ``kept`` are the refreshes that failed, ``worse`` the errors that are to replace what is no error.
    """

    replayed: int = 0
    recorded: int = 0
    revalidated: int = 0
    requests: int = 0
    not_stored: Counter[str] = field(default_factory=Counter)
    not_stored_first: dict[str, str] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    worse: list[str] = field(default_factory=list)
    misses: list[Miss] = field(default_factory=list)
    stale_answers: list[tuple[str, timedelta]] = field(default_factory=list)
    replays: Counter[tuple[str, str]] = field(default_factory=Counter)  # by request and recording
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def stale(self) -> int:
        return len(self.stale_answers)

    @property
    def oldest_stale(self) -> timedelta:
        return max((age for _, age in self.stale_answers), default=timedelta(0))

    @property
    def missed(self) -> int:
        return len(self.misses)

    def told(self, what: str, why: str) -> None:
        """Why an answer is to be another one than would be expected: in the log alone."""
        log.debug("%s: %s", what, why)

    def sent(self, what: str, why: Reason | None) -> None:
        """A request went to the origin, and why it was not answered from the cassette."""
        with self._lock:
            self.requests += 1
        log.debug("%s: sent: %s", what, why.value if why else "")

    def served(self, what: str, recording: str | None, *, stale_age: timedelta | None = None) -> None:
        """An answer came from the cassette; for a stale one ``stale_age`` says how old it is.

        ``recording`` names what it came from there; None where nobody asks how often one is used.
        """
        with self._lock:
            if stale_age is None:
                self.replayed += 1
            else:
                self.stale_answers.append((what, stale_age))
            if recording is not None:
                self.replays[what, recording] += 1
        log.debug("%s: %s from the cassette", what, "replayed" if stale_age is None else "stale answer")

    def stored(self, what: str) -> None:
        with self._lock:
            self.recorded += 1
        log.debug("%s: recorded", what)

    def validated(self, what: str) -> None:
        with self._lock:
            self.revalidated += 1
        log.debug("%s: revalidated", what)

    def passed(self, what: str, why: str) -> None:
        """A live answer was not stored."""
        with self._lock:
            self.not_stored[why] += 1
            self.not_stored_first.setdefault(why, what)
        log.debug("%s: not stored: %s", what, why)

    def not_refreshed(self, what: str, how: str) -> None:
        """A refresh failed, and left the recording."""
        self._tell_once(self.kept, f"{what} {how}")

    def worsened(self, what: str, how: str) -> None:
        """An error is to take the place of what is no error."""
        self._tell_once(self.worse, f"{what} {how}")

    def take_worse(self) -> list[str]:
        """Those that were noted since; what has become of them is known now."""
        with self._lock:
            taken, self.worse = self.worse, []
        return taken

    def _tell_once(self, told: list[str], text: str) -> None:
        with self._lock:
            if text not in told:
                told.append(text)
        log.info("%s", text)

    def miss(self, miss: Miss) -> None:
        with self._lock:
            self.misses.append(miss)
        log.debug("%s %s: not cached: %s", miss.method, miss.url, miss.reason.value)

    def often(self, least: int) -> list[tuple[str, int]]:
        """The requests that one recording answered at least so often, and how often it did."""
        with self._lock:
            return [(what, count) for (what, _), count in self.replays.items() if count >= least]
