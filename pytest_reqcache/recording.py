"""Finding what is stored for a request, and taking what is to be stored.

:class:`Recorder` is what the transport needs of a cassette. :class:`SessionRecorder` is the one of a
session made by hand: one answer to a request, and each change written at once. The one of a test,
whose changes wait for the test's outcome, is in ``flow.py``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import NamedTuple, Protocol

from .cassette import Cassette, MemoryCassette
from .fields import kept_fields, without_noise
from .flights import Flight, Flights
from .identity import Asked, Identity, has_what, variant
from .models import Change, Interaction, RecordedRequest
from .policy import SAFE_METHODS, Reason, is_compared, varies_as
from .redaction import Sentinel, redact_ignored
from .settings import Settings
from .streams import discard_spooled

Store = Cassette | MemoryCassette


class Found(NamedTuple):
    """The stored interactions that may answer a request, the latest last.

    ``missing`` says why there is none. The rest is for tests: ``refetch`` asks for the origin
    although what is stored may be fresh; ``current`` says that it was recorded or refreshed by this
    test already; ``held`` is the first answer of a sequence that it is part of, by which it is judged;
    ``follows_stale`` says that a write before it got its recorded answer in place of an error. ``position``
    and ``size`` tell which of how many answers this is, ``alike`` holds what was recorded of the same key.
    """

    candidates: tuple[Interaction, ...] = ()
    missing: Reason = Reason.NEVER_RECORDED
    refetch: bool = False
    current: bool = False
    held: Interaction | None = None
    follows_stale: bool = False
    position: int = 0
    size: int = 0
    alike: tuple[Interaction, ...] = ()


class Recorder(Protocol):
    """What the transport and ``session.cache`` need of a cassette."""

    @property
    def cassette(self) -> Store: ...

    @property
    def identity(self) -> Identity: ...

    def interactions(self) -> Iterator[Interaction]:
        """Everything stored, each recording once."""
        ...

    def at(self, locator: str) -> list[Interaction]:
        """Everything stored of a URL, each recording once."""
        ...

    def replace(self, pairs: Sequence[tuple[Interaction, Interaction]]) -> None:
        """Put new interactions in the place of stored ones."""
        ...

    def ask(self, request: RecordedRequest, key: str | None) -> Asked:
        """What the request is found by; ``key`` is what a ``key_fn`` made of it."""
        ...

    def find(self, asked: Asked) -> Found:
        """What may answer it. Where each request has an answer of its own, it takes its turn with this."""
        ...

    def store(
        self,
        asked: Asked,
        new: Interaction,
        replaced: Interaction | None,
        found: Found | None,
        *,
        refresh: bool = False,
        number: int = 0,
    ) -> Interaction | None:
        """What now stands in the cassette, or is to. ``number`` counts the requests to the origin: None where
        the answer to a later one stands there already, or a write has made it worthless.

        Raises:
            SecretFoundError: a secret would have been written; nothing was.
        """
        ...

    def remove(self, interactions: Iterable[Interaction]) -> None:
        """They are stored no longer."""
        ...

    def clear(self) -> None:
        """Nothing is stored any longer."""
        ...

    def invalidate(self, urls: Iterable[str], number: int) -> None:
        """A write was successful that makes what is stored of these URLs worthless, and what is still to come
        of the requests before that ``number``."""
        ...

    def answered(self, asked: Asked, found: Found, used: Interaction | None, status: int, live: bool) -> None:
        """How a request ended: with which interaction, if one stands for the answer."""
        ...

    def may_refresh_behind(self, asked: Asked) -> bool:
        """Whether a further answer may be fetched at any time: not where the order of requests counts."""
        ...

    def is_replaced(self, stored: Interaction) -> bool:
        """Whether something newer stands in its place."""
        ...

    def there_now(self, stored: Interaction) -> Interaction | None:
        """What stands in the cassette of the same recording, which another process may have replaced."""
        ...

    def left_alone(self, interaction: Interaction, *, used: bool = False) -> None:
        """A refresh of it has been tried, and it stays as it is; where it is ``used``, as the answer, too."""
        ...

    def shown(self, text: str) -> str:
        """A text that names a request, as it may be printed."""
        ...

    @property
    def flights(self) -> Flights: ...

    def flight(self, asked: Asked, timeout: object) -> AbstractContextManager[Flight | None] | None:
        """Around a request to the origin whose answer others may share, see :meth:`Flights.flight`; None
        where each has its own."""
        ...


class _Latest:
    """Of what was stored or written last, which of the requests to the origin it belongs to: one that was
    sent earlier may be answered later."""

    _MOST, _MOST_VARIANTS = 1024, 64

    def __init__(self) -> None:
        #: By key, and whether it is for HEAD, whose answer serves no other method.
        self._stored: dict[tuple[str, bool], list[tuple[int, Interaction]]] = {}
        self._written: dict[str, int] = {}  # by locator

    def has_later(self, number: int, key: str, request: RecordedRequest, settings: Settings) -> bool:
        """Whether the answer to a later request would answer this one, too."""
        stored = self._stored.get((key, request.method == "HEAD"), ())
        return any(number < later and varies_as(item, request, settings) for later, item in stored)

    def note(self, number: int, key: str, new: Interaction, settings: Settings) -> None:
        """Something was stored as the answer to that request."""
        place, bare = (
            (key, new.request.method == "HEAD"),
            replace(new, response=replace(new.response, body=b"")),
        )
        stored = self._stored.pop(place, [])
        others = [noted for noted in stored if not varies_as(bare, noted[1].request, settings)]
        self._stored[place] = [*others[1 - self._MOST_VARIANTS :], (number, bare)]
        if len(self._stored) > self._MOST:
            del self._stored[next(iter(self._stored))]

    def is_before_write(self, number: int, locator: str) -> bool:
        """Whether a write was answered after that request was sent: its answer may tell of before."""
        return number < self._written.get(locator, 0)

    def note_write(self, number: int, locators: Iterable[str]) -> None:
        """A write was answered; ``number`` is that of a request that would be made right then."""
        for locator in locators:
            self._written.pop(locator, None)
            self._written[locator] = number
        while len(self._written) > self._MOST:
            del self._written[next(iter(self._written))]


class SessionRecorder:
    """The recorder of a session made by hand: what is stored is written at once."""

    def __init__(self, cassette: Store, identity: Identity, settings: Callable[[], Settings]) -> None:
        self.cassette = cassette
        self.identity = identity
        self._settings = settings
        self.flights = Flights()
        self._lock = threading.RLock()
        self._sentinel = Sentinel()
        self._latest = _Latest()

    def ask(self, request: RecordedRequest, key: str | None) -> Asked:
        return self.identity.ask(request, key)

    def find(self, asked: Asked) -> Found:
        with self._lock:
            if self._settings().key_fn is not None:
                keyed = self.cassette.with_key(asked.key)
                return Found(tuple(item for item in keyed if has_what(item, asked)))
            found = self.cassette.find(asked.locator, asked.key)
        settings = self._settings()
        latest: dict[object, Interaction] = {}
        for item in found:
            if self.identity.same_key(item, asked) is not None:
                recording = (item.answer, variant(item, settings))
                latest.pop(recording, None)  # what replaces it is the latest of all
                latest[recording] = item
        return Found(tuple(latest.values()))

    def store(
        self,
        asked: Asked,
        new: Interaction,
        replaced: Interaction | None,
        found: Found | None,
        *,
        refresh: bool = False,
        number: int = 0,
    ) -> Interaction | None:
        settings = self._settings()
        request = redact_ignored(new.request, settings.ignored_parameters)
        encodings = is_compared("accept-encoding", settings)
        written = without_noise(replace(new, request=request), kept_fields(settings), encodings=encodings)
        since = replaced.created_at if replaced else None
        try:
            self._look_for_secrets(written)
            with self._lock:
                key = asked.key if new.request is asked.request else self.identity.key(new)
                if self._latest.has_later(number, key, new.request, settings):
                    return None
                is_read = asked.request.method in SAFE_METHODS
                if is_read and self._latest.is_before_write(number, self.identity.locate(new.request.url)):
                    return None
                old = [] if replaced is None else [replaced, *self._left_behind(replaced)]
                change = Change(written, _refs(old), refresh=True, since=since)
                self._write(change, replaced)
                self._latest.note(number, key, new, settings)
        finally:
            discard_spooled(new)
        return new

    def _write(self, change: Change, replaced: Interaction | None) -> None:
        """Behind what is stored; but what is replaced by another variant would still answer other requests,
        in another session and after a kill."""
        identify, new = self.identity.identify, change.new
        if replaced is not None and new is not None and identify(replaced) != identify(new):
            self.cassette.compact()
            self.cassette.commit([change], identify)
        else:
            self.cassette.append([change], identify)

    def _look_for_secrets(self, written: Interaction) -> None:
        if self.cassette.path is None:
            return  # it stays in memory
        self._sentinel.watch()
        self._sentinel.check(written, self._settings().allowed_secrets)

    def replace(self, pairs: Sequence[tuple[Interaction, Interaction]]) -> None:
        """Put new interactions in the place of stored ones, in one step."""
        changes = [Change(new, _refs([old]), refresh=True) for old, new in pairs]
        if changes:
            with self._lock:
                self.cassette.compact()
                self.cassette.commit(changes, self.identity.identify)

    def remove(self, interactions: Iterable[Interaction]) -> None:
        with self._lock:
            self.cassette.compact()  # what was superseded must not come to light again
            refs = _refs(item for removed in interactions for item in self._same(removed))
            if refs:
                self.cassette.commit([Change(None, tuple(dict.fromkeys(refs)))], self.identity.identify)

    def clear(self) -> None:
        """None of it is read: the file of a body may be missing."""
        with self._lock:
            self.cassette.compact()
            refs = dict.fromkeys(self.cassette.refs())
            self.cassette.commit([Change(None, tuple(refs))], self.identity.identify)

    def _left_behind(self, latest: Interaction) -> list[Interaction]:
        """What stands in the file before the latest of the same recording: a session that was killed had not
        removed it yet."""
        if self._settings().key_fn is not None:
            return []  # it may stand under any URL
        same = self._same(latest)
        refs = [item.ref for item in same]
        count = refs.index(latest.ref) if latest.ref in refs else 0
        return [item for item in same[:count] if not item.keep]

    def _same(self, interaction: Interaction) -> list[Interaction]:
        """Every stored item of the same recording: an older one must not come to light again."""
        identity, key = self.identity.identify(interaction), self.identity.key(interaction)
        stored = self.cassette.find(self.identity.locate(interaction.request.url), key)
        return [item for item in stored if self.identity.identify(item) == identity]

    def invalidate(self, urls: Iterable[str], number: int) -> None:
        locators = [self.identity.locate(url) for url in urls]
        with self._lock:
            self._latest.note_write(number, locators)
            found = [item for locator in locators for item in self.cassette.find(locator)]
            self.remove([item for item in found if not item.keep])

    def answered(self, asked: Asked, found: Found, used: Interaction | None, status: int, live: bool) -> None:
        """A session shares its answers: which was given before makes no difference."""

    def may_refresh_behind(self, asked: Asked) -> bool:
        """A session's stored responses are each by itself."""
        return True

    def is_replaced(self, stored: Interaction) -> bool:
        return stored not in self.find(self.ask(stored.request, stored.key)).candidates

    def there_now(self, stored: Interaction) -> Interaction | None:
        with self._lock:
            return next(reversed(self._same(stored)), None)

    def left_alone(self, interaction: Interaction, *, used: bool = False) -> None:
        """A session may refresh what it stores as often as it is asked to."""

    def shown(self, text: str) -> str:
        self._sentinel.watch()
        return self._sentinel.cleaned(text, self._settings().allowed_secrets)

    def flight(self, asked: Asked, timeout: object) -> AbstractContextManager[Flight | None] | None:
        return self.flights.flight(asked.key, timeout)

    def interactions(self) -> Iterator[Interaction]:
        """Everything stored; of the same recording only the latest."""
        with self._lock:
            latest = {self.identity.identify(item): item for item in self.cassette}
        return iter(latest.values())

    def at(self, locator: str) -> list[Interaction]:
        """Everything stored of a URL; of the same recording only the latest."""
        with self._lock:
            found = self.cassette.find(locator)
        return list({self.identity.identify(item): item for item in found}.values())

    def close(self) -> None:
        """Drop from the file what this session itself has replaced."""
        with self._lock:
            self.cassette.compact()
            self.cassette.close()


def _refs(interactions: Iterable[Interaction]) -> tuple[str, ...]:
    return tuple(item.ref for item in interactions if item.ref)
