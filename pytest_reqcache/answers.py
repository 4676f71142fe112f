"""Which of several recorded answers a request gets within one test. No I/O.

Identical safe requests share one answer. The next one is asked for where the last one can no longer
be right: after a successful unsafe request to the same origin (RFC 9111 section 4.4), after an answer
of 400 or more, where a chain of redirects leads back to the same request, and always by unsafe requests
and with ``repeats="sequence"``. Requests whose answers ``Vary`` tells apart (section 4.1) are counted each
for itself. Positions start anew in each test, so neither the order of tests nor the number of workers
changes an answer.

A test may have lost a read since it was recorded. What follows a write of its own in the cassette then tells
which answer a read after that write had (:func:`right_after`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from .identity import variant
from .matching import origin_of
from .models import Interaction, RecordedRequest
from .policy import SAFE_METHODS, answers_part, varies_as, writes
from .settings import Settings

_NEVER: Final = -1  # the epoch of what was skipped


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
    """Which answer is due. Where it is not recorded, the last one ``may_hold`` in its place. ``write`` is the
    recording of the write that its origin has had last, where this is the first such read since."""

    position: int
    may_hold: bool
    write: Interaction | None = None


class Answers:
    """The positions of one test."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._given: dict[object, list[Given]] = {}
        self._epochs: Counter[str] = Counter()
        self._writes: dict[str, Interaction | None] = {}  # by origin: what the last one was replayed from

    def turn(self, name: object, request: RecordedRequest, *, sequence: bool, again: bool = False) -> Turn:
        """The answer due to a request. ``again``: its last answer was a redirect that has led back to it."""
        given, safe = self._given_to(name, request), request.method in SAFE_METHODS
        following, last = len(given), given[-1] if given else None
        if not safe or sequence:
            return Turn(following, may_hold=safe and (last is None or not last.live))
        if again:
            return Turn(following, may_hold=False)
        origin = origin_of(request.url)
        if last is None or last.epoch != self._epochs[origin]:
            return Turn(following, may_hold=False, write=self._writes.get(origin))
        if last.status >= 400:
            return Turn(following, may_hold=not last.live)
        return Turn(following - 1, may_hold=not last.live)

    def take(self, name: object, request: RecordedRequest, recording: Interaction) -> None:
        """A call takes a recording for itself: the next call gets the next one."""
        live = self.is_live(name, request)
        self._given.setdefault(name, []).append(
            Given(_without_bodies(recording, self._settings()), live=live)
        )

    def skip(self, name: object, recordings: Iterable[Interaction]) -> None:
        """These are not due any more: what follows them is."""
        row = self._given.setdefault(name, [])
        row += (Given(_without_bodies(recording, self._settings()), epoch=_NEVER) for recording in recordings)

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
        or (None) by nothing that is stored. ``live``: the origin was asked."""
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
            one.variant, one.epoch = _without_bodies(used, self._settings()), self._epochs[origin]
            one.status, one.live = status, live
        if writes(request.method, status):
            self._epochs[origin] += 1
            self._writes[origin] = None if live else used

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


def _without_bodies(recording: Interaction, settings: Settings) -> Interaction | None:
    """What tells which requests a recording answers; None where it answers every one of its name."""
    is_plain = "Vary" not in recording.response.headers and not answers_part(recording, settings)
    if is_plain or not variant(recording, settings):
        return None
    request, response = recording.request, recording.response
    return replace(recording, request=replace(request, body=None), response=replace(response, body=b""))


def right_after(
    write: Interaction,
    answers: Sequence[Interaction],
    position: int,
    unsafe: Callable[[], Iterable[Interaction]],
) -> int:
    """The position of the answer that was recorded right after a write; ``position`` where there is none.

    ``unsafe`` gives the unsafe requests that are recorded of the origin. What a later edit of the test has
    added stands at the end of the file, and what was refreshed was received later than its neighbours: only
    where the order in the file and that of time agree, it surely was right after.
    """
    found = next((number for number, item in enumerate(answers) if _follows(item, write)), position)
    if found == position:
        return position
    others = (item for item in unsafe() if writes(item.request.method, item.response.status))
    return position if any(_is_between(write, other, answers[found]) for other in others) else found


def _follows(later: Interaction, earlier: Interaction) -> bool:
    return later.place > earlier.place and later.created_at >= earlier.created_at


def _is_between(first: Interaction, other: Interaction, last: Interaction) -> bool:
    in_the_file = first.place < other.place < last.place
    return in_the_file or first.created_at < other.created_at < last.created_at
