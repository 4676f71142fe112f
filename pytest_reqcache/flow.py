"""One test's way through a cassette: which answers it gets, and what it will commit.

Everything that a test does to its cassette is staged here, and written in one step when the test's
outcome is known. What is staged is kept as it was received; secrets are replaced when it is committed.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .answers import Answers, Turn, right_after
from .body import is_same, is_there, read_body
from .cassette import Cassette, DuplicateRecordingWarning, Others, OutdatedError
from .flights import Flight, Flights
from .identity import Asked, TestIdentity, variant
from .matching import origin_of
from .meanwhile import counterparts
from .models import BodyFile, Change, Interaction, RecordedRequest, RecordedResponse
from .origins import Origins
from .policy import (
    REFUSALS,
    SAFE_METHODS,
    Reason,
    conditional_fields,
    is_stored_rightly,
    same_conditions,
    varies_as,
    why_none_answers,
)
from .recording import Found
from .redacting import Redacted, Redacting
from .redaction import Credential, Masked, Redactor, Registry, Sentinel
from .redaction.spans import split_url
from .settings import Settings, SettingsView
from .spared import LiveValues
from .staging import Staged, Staging
from .usage import fingerprint, name_of

if TYPE_CHECKING:
    from .drift import Drift


@dataclass(slots=True)
class RunMemory:
    """What the tests of one process know of one another: secrets seen, what was refreshed, and the
    responses that held secrets as they were received, by cassette and by what was written for them. And
    which recordings were reported to stand twice, and the live values that were fetched."""

    registry: Registry = field(default_factory=Registry)
    sentinel: Sentinel = field(default_factory=Sentinel)
    refreshed: set[tuple[Path, object]] = field(default_factory=set)
    received: dict[tuple[Path, str], RecordedResponse] = field(default_factory=dict)
    duplicates: set[tuple[object, ...]] = field(default_factory=set)
    live: LiveValues = field(default_factory=LiveValues)


class Commit(NamedTuple):
    """What a commit wrote, what it dropped of what a failing test had recorded, how much of that was
    ``refused``, how often another process had recorded the same before, and how what it replaced has changed:
    with the new ones, as written; and how many older recordings it removed because the test did not ask for
    them."""

    recorded: int = 0
    dropped: int = 0
    refused: int = 0
    outrun: int = 0
    drifts: tuple[tuple[Interaction, Drift], ...] = ()
    removed: int = 0


class _Written(NamedTuple):
    """Changes as they were written, the responses that hold secrets as they were received, how what they
    replace has changed, and what stands for each now."""

    changes: list[Change]
    received: list[RecordedResponse | None]
    drifts: list[tuple[Interaction, Drift] | None]
    now: list[Interaction | None]


class Flow:
    """The recorder of a test; ``anew`` gives the command that records all of it anew."""

    def __init__(
        self,
        cassette: Cassette,
        identity: TestIdentity,
        redactor: Redactor,
        memory: RunMemory,
        settings: Callable[[], Settings],
        anew: Callable[[], str] = lambda: "--reqcache-force-refresh",
        *,
        shared: bool = False,
    ) -> None:
        self.cassette = cassette
        self.identity = identity
        self.is_shared = shared  # other tests record to the cassette, too
        self._origins = Origins(anew)
        self._redactor = redactor
        self._memory = memory
        self._settings = settings
        self._answers = Answers(settings)
        self._bindings = redactor.bindings
        self.flights = Flights()
        #: The names (:func:`~pytest_reqcache.usage.name_of`) of requests that nothing recorded has answered:
        #: they were missed, or recorded, whether that is kept or dropped.
        self.sought: set[str] = set()
        self._lock = threading.RLock()
        self._staging = Staging(cassette.path, identity)
        self._redacting = Redacting(cassette.path, identity, redactor, memory.sentinel, settings)
        self._left_alone: set[str] = set()
        self._edited: set[str] = set()  # refs of what is staged, and did not come from the origin
        self._sequences: dict[str, Sequence[Interaction]] = {}  # by the ref of the first answer: the others
        self._outdated: list[Interaction] = []  # the others, where the first has been replaced
        self._originals: dict[str, Interaction] = {}  # by ref: what was read, of what was restored
        self._asked_for: dict[str, tuple[RecordedRequest, int, str | None]] = {}  # by ref
        self._unanswered: dict[str, str] = {}  # by key the URLs of what nothing stored has answered yet

    # --- finding

    def ask(self, request: RecordedRequest, key: str | None) -> Asked:
        self._redactor.observe(request, None)
        return self.identity.ask(request, key)

    def find(self, asked: Asked) -> Found:
        with self._lock:
            self._unanswered[asked.key] = asked.request.url
            same = self._of_key(asked)
            if len(same) > 1:
                self._report_duplicates(asked, same)
            answers, alike = self._compatible(asked, same), tuple([item for item, _ in same])
            found = self._due(asked, answers)
            self._note_asked_for(answers if self._is_sequence(asked) else found.candidates)
            missing = found.missing
            if not found.candidates and not found.size:
                missing = why_none_answers(asked.request, alike, self._settings(), missing)
            return found._replace(missing=missing, alike=alike)

    def _note_asked_for(self, recorded: Iterable[Interaction | None]) -> None:
        for item in recorded:
            if item is not None and item.ref not in self._staging:
                self._asked_for[item.ref] = (item.request, item.answer, item.key)

    def _due(self, asked: Asked, answers: list[Interaction]) -> Found:
        """Which of the answers is due."""
        name, request, sequence = self._slot(asked), asked.request, self._is_sequence(asked)
        turn = self._answers.turn(name, request, sequence=sequence, again=asked.again)
        if turn.position < len(answers) and (sequence or request.method not in SAFE_METHODS):
            self._answers.take(name, request, answers[turn.position])
        if sequence:
            return self._of_sequence(answers, turn, asked)
        if turn.write is not None and not self.is_shared:
            origin = origin_of(request.url)
            due = right_after(turn.write, answers, turn.position, lambda: self._unsafe_to(origin))
            self._answers.skip(name, answers[turn.position : due])
            turn = turn._replace(position=due)
        if turn.position < len(answers):
            return self._at(answers, turn.position, asked)
        if answers and turn.may_hold:
            return self._at(answers, len(answers) - 1, asked)
        missing = Reason.USED_UP if answers else Reason.NEVER_RECORDED
        # What comes before it in its own chain is not stored yet.
        position = turn.position if asked.again else len(answers)
        return Found(missing=missing, position=position, size=position)

    def _at(self, answers: Sequence[Interaction], position: int, asked: Asked) -> Found:
        item = answers[position]
        return Found(
            (self._live(item),),
            current=self._is_current(item),
            refetch=self._is_to_be_fetched_anew(asked),
            follows_stale=self._is_written_in_vain(asked),
            position=position,
            size=len(answers),
        )

    def _of_sequence(self, answers: Sequence[Interaction], turn: Turn, asked: Asked) -> Found:
        """A sequence is judged by its first answer; then it is replayed, or recorded, as a whole."""
        size, follows_stale = len(answers), self._is_written_in_vain(asked)
        if turn.position == 0:
            if size > 1:
                self._sequences[answers[0].ref] = answers[1:]
            first = tuple(self._live(item) for item in answers[:1])
            return Found(first, follows_stale=follows_stale, position=0, size=size)
        if not turn.may_hold:
            due = tuple(self._live(item) for item in answers[turn.position : turn.position + 1])
            return Found(due, refetch=True, follows_stale=follows_stale, position=turn.position, size=size)
        if answers:
            item = self._live(answers[min(turn.position, size - 1)])
            self._left_alone.add(item.ref)
            return Found((item,), held=answers[0], position=turn.position, size=size)
        return Found(position=turn.position)

    def _live(self, item: Interaction) -> Interaction:
        """The recording with its response as it was received, where this process recorded it: in the run
        that records, a test that follows a login works with what the login gave."""
        received = self._memory.received.get((self.cassette.path, item.ref))
        if received is None:
            return item
        self._originals[item.ref] = item
        return replace(item, response=received)

    def _is_sequence(self, asked: Asked) -> bool:
        return self._settings().repeats == "sequence" and asked.request.method in SAFE_METHODS

    def _slot(self, asked: Asked) -> object:
        return (asked.key, tuple(sorted(_secrets(asked.masked))))

    def _of_key(self, asked: Asked) -> list[tuple[Interaction, Masked]]:
        """What is recorded of the request's key, whatever its credentials and its variant."""
        made = self._settings().key_fn is not None
        stored = self._with_key(asked.key) if made else self._at_locator(asked.locator, asked.key)
        return self.identity.of_key(list(stored), asked)

    def _compatible(self, asked: Asked, same: list[tuple[Interaction, Masked]]) -> list[Interaction]:
        """The recorded answers to a request, first to last: same key, same credential, same variant."""
        settings = self._settings()
        chosen = self._bindings.choose(asked.masked, same, offline=settings.only_if_cached)
        if not chosen and settings.only_if_cached and settings.key_fn is None:
            chosen = self._whatever_the_credential(asked)
        chosen = self._with_their_like(chosen, same)
        answers = [item for item in chosen if varies_as(item, asked.request, settings)]
        if len(answers) < 2:
            return answers
        if settings.cache_control:
            answers = _best_of_each(answers, asked.request, settings)
        masked = {id(item): own for item, own in same}
        latest: dict[object, Interaction] = {}
        for item in answers:
            own = masked.get(id(item)) or self.identity.mask(item.request)
            latest[(item.answer, variant(item, settings), _secrets(own))] = item
        return sorted(latest.values(), key=lambda item: item.answer)

    def _with_their_like(
        self, chosen: list[Interaction], same: list[tuple[Interaction, Masked]]
    ) -> list[Interaction]:
        """With what is recorded with the credentials that those had which this test has replaced."""
        replaced = [old for item in chosen if (old := self._staging.stands_for(item)) is not None]
        had = [masked for old in replaced if (masked := self.identity.mask(old.request).credentials)]
        if not had:
            return chosen
        there = {item.ref for item in chosen}
        return chosen + [item for item, own in same if item.ref not in there and own.credentials in had]

    def _report_duplicates(self, asked: Asked, same: list[tuple[Interaction, Masked]]) -> None:
        """Warn of a recording that stands twice in the file, once in a run."""
        copies: dict[tuple[int, object, object], list[Interaction]] = {}
        settings = self._settings()
        for item, own in same:
            if item.place:  # what is staged is in no file yet
                told_apart = _told_apart(item, settings)
                copies.setdefault((item.answer, told_apart, _secrets(own)), []).append(item)
        for (answer, *others), items in copies.items():
            name = (self.cassette.path, asked.key, answer, *others)
            if len(items) > 1 and name not in self._memory.duplicates:
                self._memory.duplicates.add(name)
                request = asked.masked.request
                is_shared = request.method in SAFE_METHODS and not self._is_sequence(asked)
                lines = [self.cassette.line(item) for item in items]
                what = f"{request.method} {request.url}, answer {answer}"
                is_good = items[0].response.status < 400
                text = _duplicate(self.cassette.path, lines, what, answer, is_shared=is_shared and is_good)
                warnings.warn(text, DuplicateRecordingWarning, stacklevel=2)

    def _whatever_the_credential(self, asked: Asked) -> list[Interaction]:
        """Offline a recording answers whoever asks: with another credential, or with none."""
        return self._at_address(_address(asked.locator), self.identity.of_anybody(asked))

    def _at_address(self, address: str, where: Callable[[Interaction], bool]) -> list[Interaction]:
        """What is stored of a host and path, whatever its query, in the order of the file. Of most that is
        shown to ``where`` the response is not read."""
        locators = (*map(str, self.cassette.locators()), *self._staging.locators())
        there = dict.fromkeys(one for one in locators if address in one and _address(one) == address)
        found = [item for locator in there for item in self._at_locator(locator, where=where)]
        if len(there) < 2:
            return found
        return sorted(found, key=lambda item: item.place or inf)  # what is staged comes last

    def _at_locator(
        self,
        locator: str,
        key: str | None = None,
        where: Callable[[Interaction], bool] | None = None,
    ) -> Iterator[Interaction]:
        """What is stored of a URL; with a ``key`` what may have it."""
        yield from self._as_they_are_now(self.cassette.find(locator, key, where))
        for change in self._staging.at(locator, key):
            new = change.new if change.replaces is None else None
            if new is not None and (where is None or where(new)):
                yield new

    def _with_key(self, key: str) -> Iterator[Interaction]:
        yield from self._as_they_are_now(self.cassette.with_key(key))
        yield from (item for item in self._staging.added if item.key == key)

    def _as_they_are_now(self, stored: Iterable[Interaction]) -> Iterator[Interaction]:
        """What stands in the cassette, as it is in this test."""
        for item in stored:
            current = self._staging.now(item)
            if current is not None:
                yield current

    def interactions(self) -> Iterator[Interaction]:
        """Everything stored, as this test sees it."""
        with self._lock:
            items = [*self._as_they_are_now(self.cassette), *self._staging.added]
        return iter(items)

    def at(self, locator: str) -> list[Interaction]:
        """Everything stored of a URL, as this test sees it."""
        with self._lock:
            return list(self._at_locator(locator))

    # --- refreshing

    def _is_current(self, item: Interaction) -> bool:
        """Whether this test recorded or refreshed it, or, in a shared cassette, this run did."""
        ref = item.ref
        if ref in self._left_alone or (ref in self._staging and ref not in self._edited):
            return True
        return bool(self._memory.refreshed) and self._run_name(item) in self._memory.refreshed

    def _run_name(self, item: Interaction) -> tuple[Path, object]:
        return (self.cassette.path, self.identity.identify(item))

    def _is_to_be_fetched_anew(self, asked: Asked) -> bool:
        """In a test that writes to an origin, its answers are all of one flow: recorded or new."""
        url = asked.request.url
        return self._origins.of(url).is_anew and self._is_written_to(url)

    def _is_written_in_vain(self, asked: Asked) -> bool:
        return self._origins.of(asked.request.url).is_written_in_vain

    def _is_written_to(self, url: str) -> bool:
        """Whether this test writes to the origin of a URL."""
        origin = self._origins.touched(url)
        if origin.is_written_to is None:
            origin.is_written_to = any(self._unsafe_to(origin_of(url)))
        return origin.is_written_to

    def _unsafe_to(self, origin: str) -> Iterator[Interaction]:
        """The unsafe requests to an origin, as this test sees them, and how they were answered."""
        with self._lock:
            items = [*self._as_they_are_now(self.cassette.outlines()), *self._staging.added]
        for item in items:
            if item.request.method not in SAFE_METHODS and origin_of(item.request.url) == origin:
                yield item

    def may_refresh_behind(self, asked: Asked) -> bool:
        """Where the test writes to the origin, each answer is of the state that those before it made; and a
        sequence is recorded as a whole."""
        if self._is_sequence(asked):
            return False
        with self._lock:
            return not self._is_written_to(asked.request.url)

    def is_replaced(self, stored: Interaction) -> bool:
        with self._lock:
            return self._staging.is_replaced(stored)

    def there_now(self, stored: Interaction) -> Interaction | None:
        with self._lock:
            identity = self.identity.identify(stored)
            locator, key = self.identity.locate(stored.request.url), self.identity.key(stored)
            there = self._at_locator(locator, key)
            return next(
                (self._live(item) for item in there if self.identity.identify(item) == identity), None
            )

    def left_alone(self, interaction: Interaction, *, used: bool = False) -> None:
        """A refresh of it has been tried in this test: it is not tried again. Where a write is answered by
        what is recorded, nothing that follows it is of what the origin would answer now."""
        with self._lock:
            self._left_alone.add(interaction.ref)
            if used and interaction.request.method not in SAFE_METHODS:
                self._origins.touched(interaction.request.url).is_written_in_vain = True

    # --- storing

    def store(
        self,
        asked: Asked,
        new: Interaction,
        replaced: Interaction | None,
        found: Found | None,
        *,
        refresh: bool = False,
        number: int = 0,  # each request of a test has an answer of its own
    ) -> Interaction:
        with self._lock:
            self._memory.sentinel.watch()  # a variable may be gone when the test has ended
            is_first = replaced is None and (found is None or not found.size)
            observe = self._redactor.observe_new if is_first else self._redactor.observe
            observe(new.request, new.response)
            origin = self._origins.touched(new.request.url)
            origin.is_anew |= refresh
            if new.request.method not in SAFE_METHODS:
                origin.is_written_to = True
            if replaced is None:
                self.sought.add(name_of(asked.compared))
                answer, old = self._next_answer(asked, new, found), None
            else:
                answer, old = replaced.answer, self._as_read(replaced)
                self._outdated += self._sequences.pop(replaced.ref, ())
            return self._staging.stage(replace(new, answer=answer), old, refresh=refresh)

    def _next_answer(self, asked: Asked, new: Interaction, found: Found | None) -> int:
        """The number after those that were there when it was looked for, and those of this test: what
        another process has recorded meanwhile is the same answer, not the one before. Counted are those that
        may answer the same request as the new one."""
        known = list(found.alike) if found is not None else []
        staged = [change.new for change in self._staged_alike(asked) if change.new is not None]
        known += (item for item, _ in self.identity.of_key(staged, asked))
        settings = self._settings()
        before = (
            item.answer
            for item in known
            if varies_as(item, new.request, settings) or varies_as(new, item.request, settings)
        )
        return 1 + max(before, default=0)

    def _staged_alike(self, asked: Asked) -> Sequence[Staged]:
        """The staged changes to what may be recorded of a request."""
        made = self._settings().key_fn is not None
        return self._staging.waiting if made else self._staging.at(asked.locator, asked.key)

    def _as_read(self, item: Interaction) -> Interaction:
        """What stands in the cassette, where it was restored to what was received."""
        return self._originals.get(item.ref, item)

    def remove(self, interactions: Iterable[Interaction]) -> None:
        with self._lock:
            for item in interactions:
                self._staging.remove(self._as_read(item))

    def clear(self) -> None:
        self.remove(list(self.interactions()))

    def replace(self, pairs: Sequence[tuple[Interaction, Interaction]]) -> None:
        """Put new interactions in the place of stored ones."""
        with self._lock:
            for old, new in pairs:
                staged = self._staging.stage(new, self._as_read(old), refresh=False)
                if not self._is_current(old):
                    self._edited.add(staged.ref)

    def invalidate(self, urls: Iterable[str], number: int) -> None:
        """A test keeps what it has recorded: a write changes which answer is due, not what is stored."""

    def answered(self, asked: Asked, found: Found, used: Interaction | None, status: int, live: bool) -> None:
        with self._lock:
            if live:
                is_new = used is not None and not found.candidates
                was_error = any(item.response.status >= 400 for item in found.candidates)
                self._origins.note_live(asked.request, asked.what, status, is_new=is_new, was_error=was_error)
            elif used is not None and used.ref not in self._staging:
                self._origins.note_replayed(asked.request, asked.what, status, is_kept=used.keep)
            if used is not None:
                self._unanswered.pop(asked.key, None)
                if asked.masked.credentials:
                    self._bindings.bind(asked.masked, self.identity.mask(used.request))
                if not live:
                    self._redactor.recall(used)
                elif found.candidates:
                    self._redactor.hand_over(used, self._as_read(found.candidates[-1]))
            elif not live:
                self.sought.add(name_of(asked.compared))
            sequence, slot = self._is_sequence(asked), self._slot(asked)
            if sequence and used is not None and used.keep:
                # What a hand wrote into a sequence does not end its refresh.
                live = live or self._answers.is_live(slot, asked.request)
            self._answers.answered(
                slot,
                asked.request,
                status,
                None if found.held is not None else used or self._passed_over(found, live=live),
                position=found.position,
                size=found.size,
                live=live,
                sequence=sequence,
            )

    def _passed_over(self, found: Found, *, live: bool) -> Interaction | None:
        """The recording whose turn it was, where HTTP forbids to use it, and what came may not be stored."""
        if not live or not found.candidates:
            return None
        due = found.candidates[-1]
        return None if is_stored_rightly(due, self._settings()) else due

    def shown(self, text: str) -> str:
        """A text that names a request, as it may be printed: without the values of secret variables."""
        self._memory.sentinel.watch()
        return self._memory.sentinel.cleaned(text, self._settings().allowed_secrets)

    def flight(self, asked: Asked, timeout: object) -> AbstractContextManager[Flight | None] | None:
        if asked.request.method not in SAFE_METHODS or self._is_sequence(asked):
            return None  # each call takes an answer of its own
        return self.flights.flight(asked.key, timeout)

    def check(self) -> None:
        """Look for secrets in what would be written now: while the test can still fail for it.

        Raises:
            SecretFoundError: there is one.
        """
        with self._lock:
            self._redacting.of(self._waiting())

    # --- the test's outcome is known

    def commit(self, *, additions_only: bool = False, is_complete: bool = False) -> Commit:
        """Write what is staged, in one step; with ``additions_only`` nothing that replaces or removes, and
        nothing that was refused.

        ``is_complete``: the test has asked for all that it asks for.

        Raises:
            SecretFoundError: there is a secret in it; nothing was written.
            CassetteError: the cassette cannot be read or written.
        """
        with self._lock:
            waiting = self._waiting()
            if not additions_only:
                waiting += self._left_over_of_sequences()
            refused = self._refused() if additions_only else set()
            left_over = self._left_over_of_flows(waiting) if is_complete and not self.is_shared else []
            waiting += left_over
            chosen = [
                change
                for change in waiting
                if not (additions_only and (change.replaces or (change.new and change.new.ref in refused)))
            ]
            changes, received, drifts, written = self._made_and_written(chosen)
            self._redactor.keep()
            self._memory.refreshed.update(
                self._run_name(change.new)
                for change in chosen
                if change.new and change.replaces and change.new.ref not in self._edited
            )
            outrun = 0
            for change, response, now in zip(changes, received, written, strict=True):
                if change.new is not None and now is None:
                    outrun += 1
                elif response is not None and now is not None:
                    self._memory.received[(self.cassette.path, now.ref)] = _lasting(response, now)
            recorded = sum(1 for change in chosen if change.new) - outrun
            self._note_asked_for(written)
            self._forget()
            drifted = [drift for drift, now in zip(drifts, written, strict=True) if drift and now is not None]
            dropped = len(waiting) - len(chosen)
            return Commit(recorded, dropped, len(refused), outrun, tuple(drifted), len(left_over))

    def _waiting(self) -> list[Staged]:
        """What is staged; not what the origin has confirmed, and another process has replaced since."""
        return [
            change
            for change in self._staging.waiting
            if change.new is None or change.replaces is None or is_there(change.new.response.body)
        ]

    def _written(self, changes: Sequence[Change]) -> list[Interaction | None]:
        """What now stands for each change. What was to be dated anew, and was replaced since, is dropped."""
        there = [
            number
            for number, change in enumerate(changes)
            if change.new is None or not change.replaces or is_there(change.new.response.body)
        ]
        others = Others(self._is_same, self._redacting.is_current) if self.is_shared else None
        chosen = [changes[number] for number in there]
        stored = self.cassette.commit(chosen, self.identity.identify, others)
        written = dict(zip(there, stored, strict=True))
        return [written.get(number) for number in range(len(changes))]

    def _made_and_written(self, chosen: Sequence[Staged]) -> _Written:
        """What is written of the changes, and what stands for them; anew where other processes that share
        the cassette have given names to their secrets in the meantime."""
        while True:
            try:
                changes, received = self._redacted(chosen)
                drifts = self._drifts_of(chosen, changes)
                return _Written(changes, received, drifts, self._written(changes))
            except OutdatedError:
                continue

    def _is_same(self, new: Interaction, there: Interaction) -> bool:
        """Whether what another process has recorded meanwhile is the same recording: not with another
        credential."""
        return self._credentials(new) == self._credentials(there)

    def _credentials(self, item: Interaction) -> tuple[Credential, ...]:
        return self.identity.mask(item.request).credentials

    def _redacted(self, chosen: Sequence[Staged]) -> Redacted:
        """The changes as they are written. A secret that another process has written since, and called
        otherwise, is called so, too: what was asked with it is the same recording then.

        Raises:
            OutdatedError: since names were given here, another process has written some; the same name may
                stand for two secrets.
        """
        redacted = self._redacting.of(chosen)
        if not (chosen and self.is_shared and self._redactor.has_new_names):
            return redacted
        written = zip(redacted.changes, redacted.received, strict=True)
        news = [self._new_with_secrets(change, hidden) for change, hidden in written]
        there = [[] if new is None else self._meanwhile(new) for new in news]
        if not self._redacting.is_current():
            raise OutdatedError
        before = counterparts(news, there, self._credentials)
        return self._redacting.of(chosen, before) if any(before) else redacted

    def _new_with_secrets(self, change: Change, hidden: RecordedResponse | None) -> Interaction | None:
        new = None if change.replaces else change.new
        return new if new is not None and (hidden is not None or self._credentials(new)) else None

    def _meanwhile(self, new: Interaction) -> list[Interaction]:
        """What another process has recorded of the same request, whoever has made it."""
        identity = self.identity.identify(new)
        there = self.cassette.find(self.identity.locate(new.request.url), self.identity.key(new))
        return [item for item in there if self.identity.identify(item) == identity]

    def _drifts_of(
        self, staged: Sequence[Staged], changes: Sequence[Change]
    ) -> list[tuple[Interaction, Drift] | None]:
        """How each recording that is replaced has changed, before its body's file is gone."""
        if not any(change.replaces and change.new for change in staged):
            return [None] * len(staged)
        from .drift import compare

        further = self._settings().volatile_headers
        drifts: list[tuple[Interaction, Drift] | None] = []
        for change, written in zip(staged, changes, strict=True):
            old, new = change.replaces, written.new
            drift = compare(old.response, new.response, further) if old and new else None
            drifts.append((new, drift) if new and drift else None)
        return drifts

    @property
    def asked_for(self) -> set[str]:
        """The names (:func:`~pytest_reqcache.usage.fingerprint`) of the stored interactions that the test
        has asked for, answered or not, or has written. A sequence is asked for as a whole."""
        with self._lock:
            return {fingerprint(*asked) for asked in self._asked_for.values()}

    @property
    def half_anew(self) -> list[str]:
        """What is to be told of writes that are new: :meth:`Origins.half_anew`."""
        with self._lock:
            return [self.shown(text) for text in self._origins.half_anew()]

    @property
    def half_replayed(self) -> list[str]:
        """What is to be told of writes that were replayed: :meth:`Origins.half_replayed`."""
        with self._lock:
            return [self.shown(text) for text in self._origins.half_replayed()]

    @property
    def waiting(self) -> int:
        """How many new recordings wait for the test's outcome."""
        with self._lock:
            return len(self._staging.added)

    @property
    def refused(self) -> int:
        """How many of them say no more than that the test was refused."""
        with self._lock:
            return len(self._refused())

    def _refused(self) -> set[str]:
        """The refs of those new recordings: the next run, with the right credential, must not replay them.
        Where another answer came later, the test had its way of going on, and they are part of that."""
        added = self._staging.added
        last = {(item.request.method, item.request.url): item.response.status for item in added}
        return {
            item.ref
            for item in added
            if {item.response.status, last[item.request.method, item.request.url]} <= REFUSALS
        }

    def rollback(self) -> Commit:
        """Drop what is staged."""
        with self._lock:
            dropped = Commit(dropped=len(self._staging.waiting), refused=self.refused)
            self._forget()
            return dropped

    def _forget(self) -> None:
        self._staging.forget()
        self._edited.clear()
        self._redacting.forget()
        self._outdated.clear()

    def _left_over_of_sequences(self) -> list[Staged]:
        """What a shorter new sequence does not replace."""
        # What is left alone was served as it was, or refreshed with an error: a good recording stays.
        return [
            Staged(None, item, refresh=True)
            for item in self._outdated
            if not item.keep and item.ref not in self._left_alone and not self._staging.is_replaced(item)
        ]

    def _left_over_of_flows(self, waiting: Sequence[Staged]) -> list[Staged]:
        """What the test does not ask for any more of an origin that it writes to, where all that it asked for
        was recorded anew, and some of it under other names: those that the origin makes up. Where something
        was not, as an error that is none to record, the test may have gone another way."""
        settings, urls = self._settings(), [item.request.url for item in self._staging.added]
        is_refreshed = settings.refresh or settings.force_refresh  # then all of it, new names or not
        origins = {origin_of(url): url for url in urls if is_refreshed or self._origins.of(url).is_anew}
        for url in self._unanswered.values():
            origins.pop(origin_of(url), None)
        if not origins:
            return []
        gone = {change.replaces.ref for change in waiting if change.replaces is not None}
        asked_for, stored = self.asked_for, [item for item in self.cassette if not item.keep]
        left_over: list[Interaction] = []
        for origin, url in origins.items():
            if not self._is_written_to(url):
                continue
            standing = [
                item for item in stored if item.ref not in gone and origin_of(item.request.url) == origin
            ]
            if asked_for.isdisjoint(fingerprint(item.request, item.answer, item.key) for item in standing):
                left_over += standing
        return [Staged(None, item, refresh=True) for item in left_over]


def open_flow(
    path: Path,
    redactor: Redactor,
    memory: RunMemory,
    view: SettingsView,
    anew: Callable[[], str],
    *,
    shared: bool,
) -> Flow:
    """The flow of a test on the cassette at that path."""
    identity = TestIdentity(lambda: view.current, redactor)
    cassette = Cassette(path, identity.locate, identity.locate_all, identity.terms, identity.keys)
    return Flow(cassette, identity, redactor, memory, lambda: view.current, anew, shared=shared)


def _lasting(received: RecordedResponse, stored: Interaction) -> RecordedResponse:
    """The response as it was received, without the temporary file of its body, which goes now: its bytes are
    those that are stored, or are kept in memory."""
    if not isinstance(received.body, BodyFile):
        return received
    body = stored.response.body
    return replace(received, body=body if is_same(received.body, body) else read_body(received.body))


def _secrets(masked: Masked) -> tuple[tuple[str, str], ...]:
    return tuple([(secret.place, secret.value) for secret in masked.credentials])


def _duplicate(path: Path, lines: Sequence[int], what: str, answer: int, *, is_shared: bool) -> str:
    """What is said of a recording that stands in all of these lines. ``is_shared``: it is a good answer, and
    requests for it share it."""
    *others, last = lines
    first = " and ".join(f"line {line}" for line in others)
    reached = ' (a read gets it after a write, or with repeats="sequence")'
    return (
        f"{path}:{last}: the same recording as in {first}: {what}; the later one counts. Write "
        f"'answer: {answer + 1}' into it if it is the next answer{reached if is_shared else ''}, else remove "
        f"one of them"
    )


def _best_of_each(
    answers: list[Interaction], request: RecordedRequest, settings: Settings
) -> list[Interaction]:
    """Of those that are one answer with ``cache_control``, and were two without, the ones that may be used,
    and of these the answers to just this condition or range, or to none."""

    def rank(item: Interaction) -> tuple[bool, bool]:
        return is_stored_rightly(item, settings), same_conditions(item.request, request)

    best: dict[int, tuple[bool, bool]] = {}
    for item in answers:
        best[item.answer] = max(rank(item), best.get(item.answer, (False, False)))
    return [item for item in answers if rank(item) == best[item.answer]]


def _told_apart(item: Interaction, settings: Settings) -> object:
    """What two recordings of a key and an answer must have in common to be the same one."""
    conditions = conditional_fields(item.request) if settings.cache_control else ()
    return (variant(item, settings), *conditions)


def _address(url: str) -> str:
    """The host and path of a URL."""
    return split_url(url)[2]
