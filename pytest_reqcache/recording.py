"""Finding what is stored for a request, and taking what is to be stored.

:class:`Recorder` is what the transport needs of a cassette. :class:`SessionRecorder` is the one of a
session made by hand: one answer to a request, and each change written at once. The one of a test,
whose changes wait for the test's outcome, is in ``flow.py``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

from .cassette import Cassette, MemoryCassette
from .conversion import discard_spooled
from .headers import vary_names
from .matching import CONDITIONAL_FIELDS, Compared, Matcher, normalize_url, normalize_urls
from .models import Change, Interaction, RecordedRequest
from .policy import Reason, is_compared
from .redaction import Masked, SecretFoundError, Sentinel, has_ignored, redact_ignored, strip_ignored
from .settings import Settings

if TYPE_CHECKING:
    from requests import PreparedRequest

Store = Cassette | MemoryCassette


class Asked(NamedTuple):
    """A request, and what it is found by. ``masked`` is what its key was computed from; ``again`` says that
    a chain of redirects has led back to it."""

    request: RecordedRequest
    masked: Masked
    compared: Compared
    key: str
    again: bool = False

    @property
    def locator(self) -> str:
        return self.compared.url


@dataclass(slots=True)
class Found:
    """The stored interactions that may answer a request, the latest last.

    ``missing`` says why there is none. The rest is for tests: ``refetch`` asks for the origin
    although what is stored may be fresh; ``current`` says that it was recorded or refreshed by this
    test already; ``held`` that it is part of a sequence, and not judged by itself. ``position`` and
    ``size`` tell which of how many answers this is, ``alike`` holds what was recorded of the same key.
    """

    candidates: tuple[Interaction, ...] = ()
    missing: Reason = Reason.NEVER_RECORDED
    refetch: bool = False
    current: bool = False
    held: bool = False
    position: int = 0
    size: int = 0
    alike: tuple[Interaction, ...] = ()


class Recorder(Protocol):
    """What the transport needs of a cassette."""

    def ask(self, request: RecordedRequest, key: str | None) -> Asked: ...

    def find(self, asked: Asked) -> Found: ...

    def store(
        self,
        asked: Asked,
        new: Interaction,
        replaced: Interaction | None,
        found: Found | None,
        *,
        refresh: bool = False,
    ) -> Interaction:
        """What now stands in the cassette, or is to.

        Raises:
            SecretFoundError: a secret would have been written; nothing was.
        """
        ...

    def remove(self, interactions: Iterable[Interaction]) -> None: ...

    def invalidate(self, urls: Iterable[str]) -> None: ...

    def answered(
        self, asked: Asked, found: Found, used: Interaction | None, status: int, live: bool
    ) -> None: ...

    def is_replaced(self, asked: Asked, stored: Interaction) -> bool: ...

    def left_alone(self, interaction: Interaction) -> None: ...

    def outgoing(self, prepared: PreparedRequest, request: RecordedRequest) -> PreparedRequest: ...

    @property
    def flights(self) -> Flights: ...

    def flight(self, asked: Asked) -> AbstractContextManager[None] | None: ...


class Identity:
    """How interactions of one cassette are told apart, under the settings of the moment."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings

    def mask(self, request: RecordedRequest) -> Masked:
        """The request with nothing in it that is not compared."""
        ignored = self._settings().ignored_parameters
        return Masked(strip_ignored(request, ignored) if ignored else request, ())

    @property
    def basis(self) -> tuple[object, ...]:
        """What locators depend on besides the requests: as long as it is equal, they stay what they are."""
        return (self._settings(),)

    def ask(self, request: RecordedRequest, key: str | None = None) -> Asked:
        masked = self.mask(request)
        compared = self._compared(masked)
        return Asked(request, masked, compared, compared.key if key is None else key)

    def _compared(self, masked: Masked) -> Compared:
        return self._matcher().compared(masked.request, masked.places)

    def same_key(self, item: Interaction, asked: Asked) -> Masked | None:
        """A stored interaction's request, masked, if it is of the key that is asked for."""
        if item.key is not None or self._settings().key_fn is not None:
            return self.mask(item.request) if item.key == asked.key else None
        own = self.mask(item.request)
        return own if self._compared(own) == asked.compared else None

    def locate(self, url: str) -> str:
        """The locator of a stored URL."""
        if self._is_bare(url):
            return normalize_url(url)
        return normalize_url(self.mask(RecordedRequest("GET", url)).request.url)

    def locate_all(self, urls: Sequence[str]) -> Sequence[str]:
        """The locators of stored URLs."""
        return normalize_urls(urls) if self._are_bare(urls) else [self.locate(url) for url in urls]

    def _is_bare(self, url: str) -> bool:
        """Whether nothing in a URL is masked: a quick look."""
        return not has_ignored(url, self._settings().ignored_parameters)

    def _are_bare(self, urls: Sequence[str]) -> bool:
        """Whether nothing in many URLs is masked: one look at all, with all their parameters behind."""
        text = "\n".join(urls)
        queries = {url.partition("?")[2] for url in urls}
        return self._is_bare(text.replace("?", "\n") + "?" + "&".join(queries))

    def key(self, interaction: Interaction) -> str:
        if interaction.key is not None:
            return interaction.key
        return self.ask(interaction.request).key

    def same(self, one: RecordedRequest, other: RecordedRequest) -> bool:
        """Whether two requests are the same as they are, with nothing masked any more."""
        matcher = self._matcher()
        return matcher.compared(one) == matcher.compared(other)

    def identify(self, interaction: Interaction) -> tuple[str, int, tuple[str, ...]]:
        """What tells recordings apart: the key, which answer it is, and the variant (``Vary``)."""
        encodings = is_compared("accept-encoding", self._settings())
        return (self.key(interaction), interaction.answer, variant(interaction, encodings=encodings))

    def _matcher(self) -> Matcher:
        settings = self._settings()
        return Matcher(settings.match_headers, conditions=not settings.cache_control)


def made_key(prepared: PreparedRequest, settings: Settings) -> str | None:
    """The key that the user's ``key_fn`` makes of a request; None where there is no such function."""
    if settings.key_fn is None:
        return None
    arguments = {
        name: getattr(settings, name)
        for name in ("ignored_parameters", "match_headers", "cache_control", "expire_after")
    }
    return str(settings.key_fn(prepared, **arguments))


def variant(interaction: Interaction, *, encodings: bool = False) -> tuple[str, ...]:
    """The request's values of the fields that the response's ``Vary`` names."""
    lines = interaction.response.headers.get_all("Vary")
    if not lines:
        return ()
    names = vary_names(lines)
    if names == "*":
        return ("*",)
    return tuple(
        f"{name}: {interaction.request.headers.get(name)}"
        for name in sorted(names)
        if encodings or name != "accept-encoding"
    )


# Fields of a request that say nothing about it: what the client library sends by itself.
_DEFAULT_FIELDS = {"accept": "*/*", "connection": "keep-alive"}
_UNTOLD_FIELDS = frozenset({"accept-encoding", "content-length", "transfer-encoding", "host"})


def without_noise(interaction: Interaction, kept: Iterable[str], *, encodings: bool = False) -> Interaction:
    """The interaction without the request fields that every client sends, but for those that ``Vary``
    names or ``kept`` does; ``Accept-Encoding`` only with ``encodings``."""
    named = vary_names(interaction.response.headers.get_all("Vary"))
    told = {*kept, *(() if named == "*" else named), *CONDITIONAL_FIELDS}
    if not encodings:
        told.discard("accept-encoding")
    fields = [
        (name, value)
        for name, value in interaction.request.headers
        if name.lower() in told or not _is_noise(name.lower(), value)
    ]
    if len(fields) == len(interaction.request.headers):
        return interaction
    headers = type(interaction.request.headers)(tuple(fields))
    return replace(interaction, request=replace(interaction.request, headers=headers))


def _is_noise(name: str, value: str) -> bool:
    if name == "user-agent":
        return value.startswith("python-requests/")
    return name in _UNTOLD_FIELDS or _DEFAULT_FIELDS.get(name) == value.lower()


def kept_fields(settings: Settings) -> tuple[str, ...]:
    """The request fields to keep for matching, in lower case."""
    return settings.match_headers if isinstance(settings.match_headers, tuple) else ()


def compared_fields(interactions: Iterable[Interaction], settings: Settings) -> list[str]:
    """The request fields that tell these interactions apart: of ``match_headers``, and of ``Vary``."""
    names = dict.fromkeys(kept_fields(settings))
    for item in interactions:
        varying = vary_names(item.response.headers.get_all("Vary"))
        if varying != "*":
            names.update(
                dict.fromkeys(name for name in varying if name not in ("accept-encoding", "user-agent"))
            )
    return list(names)


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


class SessionRecorder:
    """The recorder of a session made by hand: what is stored is written at once."""

    def __init__(self, cassette: Store, identity: Identity, settings: Callable[[], Settings]) -> None:
        self.cassette = cassette
        self.identity = identity
        self._settings = settings
        self.flights = Flights()
        self._lock = threading.RLock()
        self._sentinel = Sentinel()

    def ask(self, request: RecordedRequest, key: str | None) -> Asked:
        return self.identity.ask(request, key)

    def find(self, asked: Asked) -> Found:
        with self._lock:
            if self._settings().key_fn is not None:
                return Found(tuple(item for item in self.cassette if item.key == asked.key))
            found = self.cassette.find(asked.locator)
        encodings = is_compared("accept-encoding", self._settings())
        latest: dict[object, Interaction] = {}
        for item in found:
            if self.identity.same_key(item, asked) is not None:
                recording = (item.answer, variant(item, encodings=encodings))
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
    ) -> Interaction:
        settings = self._settings()
        request = redact_ignored(new.request, settings.ignored_parameters)
        encodings = is_compared("accept-encoding", settings)
        written = without_noise(replace(new, request=request), kept_fields(settings), encodings=encodings)
        change = Change(written, _refs([replaced] if replaced else []), refresh=True)
        try:
            self._look_for_secrets(written)
            with self._lock:
                self.cassette.append([change], self.identity.identify)
        finally:
            discard_spooled(new)
        return new

    def _look_for_secrets(self, written: Interaction) -> None:
        if self.cassette.path is None:
            return  # it stays in memory
        self._sentinel.watch()
        leak = self._sentinel.leak(written, self._settings().allowed_secrets)
        if leak is not None:
            raise SecretFoundError.of(written, leak)

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

    def _same(self, interaction: Interaction) -> list[Interaction]:
        """Every stored item of the same recording: an older one must not come to light again."""
        identity = self.identity.identify(interaction)
        stored = self.cassette.find(self.identity.locate(interaction.request.url))
        return [item for item in stored if self.identity.identify(item) == identity]

    def invalidate(self, urls: Iterable[str]) -> None:
        with self._lock:
            found = [item for url in urls for item in self.cassette.find(self.identity.locate(url))]
            self.remove([item for item in found if not item.keep])

    def answered(self, asked: Asked, found: Found, used: Interaction | None, status: int, live: bool) -> None:
        """A session shares its answers: which was given before makes no difference."""

    def is_replaced(self, asked: Asked, stored: Interaction) -> bool:
        """Whether something newer stands in the place of what was found for the request."""
        return stored not in self.find(asked).candidates

    def left_alone(self, interaction: Interaction) -> None:
        """A session may refresh what it stores as often as it is asked to."""

    def outgoing(self, prepared: PreparedRequest, request: RecordedRequest) -> PreparedRequest:
        """What goes to the origin: a session's requests hold the caller's own values."""
        return prepared

    def flight(self, asked: Asked) -> AbstractContextManager[None] | None:
        return self.flights.flight(asked.key)

    def interactions(self) -> Iterator[Interaction]:
        """Everything stored; of the same recording only the latest."""
        with self._lock:
            latest = {self.identity.identify(item): item for item in self.cassette}
        return iter(latest.values())

    def close(self) -> None:
        """Drop from the file what this session itself has replaced."""
        with self._lock:
            self.cassette.compact()
            self.cassette.close()


def _refs(interactions: Iterable[Interaction]) -> tuple[str, ...]:
    return tuple(item.source.ref for item in interactions if item.source is not None)
