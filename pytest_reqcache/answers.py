"""Which of several recorded answers a request gets within one test. No I/O.

Identical safe requests share one answer. The next one is asked for where the last one can no longer
be right: after a successful unsafe request to the same origin (RFC 9111 section 4.4), after an answer
of 400 or more, where a chain of redirects leads back to the same request, and always by unsafe requests
and with ``repeats="sequence"``. Positions start anew in
each test, so neither the order of tests nor the number of workers changes an answer.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from .policy import SAFE_METHODS, writes


@dataclass(slots=True)
class Slot:
    """How far one request has come: which answer it got last, and what was the case then.

    ``live`` says that the last answer came from the origin: then the next one does too.
    """

    position: int = -1
    epoch: int = 0
    status: int = 0
    live: bool = False


class Turn(NamedTuple):
    """Which answer is due. Where it is not recorded, the last one ``may_hold`` in its place."""

    position: int
    may_hold: bool


class Answers:
    """The positions of one test."""

    def __init__(self) -> None:
        self._slots: dict[object, Slot] = {}
        self._epochs: Counter[str] = Counter()

    def turn(self, name: object, method: str, origin: str, *, sequence: bool, again: bool = False) -> Turn:
        """The answer due to a request; one that each call takes for itself is taken by this. ``again``:
        its last answer was a redirect that has led back to it."""
        slot = self._slots.setdefault(name, Slot())
        safe = method in SAFE_METHODS
        if not safe or sequence:
            slot.position += 1
            return Turn(slot.position, may_hold=safe and not slot.live)
        if slot.position < 0:
            return Turn(0, may_hold=False)
        if again or slot.epoch != self._epochs[origin]:
            return Turn(slot.position + 1, may_hold=False)
        if slot.status >= 400:
            return Turn(slot.position + 1, may_hold=not slot.live)
        return Turn(slot.position, may_hold=not slot.live)

    def is_live(self, name: object) -> bool:
        """Whether the last answer to that request came from the origin."""
        return name in self._slots and self._slots[name].live

    def answered(
        self,
        name: object,
        method: str,
        origin: str,
        status: int,
        *,
        position: int | None,
        live: bool,
        sequence: bool,
    ) -> None:
        """A request was answered: by the recording at ``position``, or (None) by nothing that is stored."""
        slot = self._slots.setdefault(name, Slot())
        if position is not None:
            slot.live = live
            if method in SAFE_METHODS and not sequence:
                slot.position, slot.epoch, slot.status = position, self._epochs[origin], status
        if writes(method, status):
            self._epochs[origin] += 1
