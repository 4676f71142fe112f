"""Which of several recorded answers a request gets within one test. No I/O.

Identical safe requests share one answer. The next one is asked for where the last one can no longer
be right: after a successful unsafe request to the same origin (RFC 9111 section 4.4), after an answer
of 400 or more, where a chain of redirects leads back to the same request, and always by unsafe requests
and with ``repeats="sequence"``. Requests whose answers ``Vary`` tells apart (section 4.1) are counted each
for itself. Positions start anew in each test, so neither the order of tests nor the number of workers
changes an answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from .identity import variant
from .matching import origin_of
from .models import Interaction, RecordedRequest
from .policy import SAFE_METHODS, varies_as, writes
from .settings import Settings


@dataclass(slots=True, eq=False)
class Given:
    """An answer that the test got, and what was the case then.

    ``variant`` is the recording that it came from, without bodies; None where it would answer every request
    of its name. ``live`` says that it came from the origin: then the next one does too.
    """

    variant: Interaction | None = None
    epoch: int = 0
    status: int = 0
    live: bool = False


class Turn(NamedTuple):
    """Which answer is due. Where it is not recorded, the last one ``may_hold`` in its place."""

    position: int
    may_hold: bool


class Answers:
    """The positions of one test."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._given: dict[object, list[Given]] = {}
        self._epochs: Counter[str] = Counter()

    def turn(self, name: object, request: RecordedRequest, *, sequence: bool, again: bool = False) -> Turn:
        """The answer due to a request. ``again``: its last answer was a redirect that has led back to it."""
        given, safe = self._given_to(name, request), request.method in SAFE_METHODS
        if not given:
            return Turn(0, may_hold=safe and sequence)
        last, following = given[-1], len(given)
        if not safe or sequence:
            return Turn(following, may_hold=safe and not last.live)
        if again or last.epoch != self._epochs[origin_of(request.url)]:
            return Turn(following, may_hold=False)
        if last.status >= 400:
            return Turn(following, may_hold=not last.live)
        return Turn(following - 1, may_hold=not last.live)

    def take(self, name: object, request: RecordedRequest, recording: Interaction) -> None:
        """A call takes a recording for itself: the next call gets the next one."""
        live = self.is_live(name, request)
        self._given.setdefault(name, []).append(Given(_without_bodies(recording), live=live))

    def is_live(self, name: object, request: RecordedRequest) -> bool:
        """Whether the last answer to that request came from the origin."""
        given = self._given_to(name, request)
        return bool(given) and given[-1].live

    def answered(
        self,
        name: object,
        request: RecordedRequest,
        status: int,
        used: Interaction | None,
        *,
        position: int,
        size: int,
        live: bool,
        sequence: bool,
    ) -> None:
        """A request was answered: by the recording at ``position`` of ``size``, or by a new one behind them;
        or (None) by nothing that is stored."""
        origin = origin_of(request.url)
        if used is not None:
            given, shares = self._given_to(name, request), request.method in SAFE_METHODS and not sequence
            position = min(position, size)
            if position < len(given) and (shares or position < size):
                one = given[position]
                for later in given[position + 1 :] if shares else ():
                    self._given[name].remove(later)  # it is stored no longer
            else:
                one = Given()
                self._given.setdefault(name, []).append(one)
            one.variant, one.epoch = _without_bodies(used), self._epochs[origin]
            one.status, one.live = status, live
        if writes(request.method, status):
            self._epochs[origin] += 1

    def _given_to(self, name: object, request: RecordedRequest) -> list[Given]:
        """What was given of that name, first to last, and would answer this request."""
        given = self._given.get(name)
        if given is None:
            return []
        for one in given:
            if one.variant is not None:
                break
        else:
            return given
        settings = self._settings()
        return [one for one in given if one.variant is None or varies_as(one.variant, request, settings)]


def _without_bodies(recording: Interaction) -> Interaction | None:
    """What tells which requests a recording answers; None where it answers every one of its name."""
    if "Vary" not in recording.response.headers or not variant(recording):
        return None
    request, response = recording.request, recording.response
    return replace(recording, request=replace(request, body=None), response=replace(response, body=b""))
