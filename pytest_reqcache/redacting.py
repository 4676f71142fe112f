"""What a test has staged, as it is written: secrets replaced, and looked through for any that is left."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from .body import open_file
from .fields import kept_fields, without_noise
from .identity import Identity
from .models import Change, Interaction, RecordedResponse
from .policy import follows_http
from .redaction import PLACEHOLDER, Redactor, Sentinel, redact_ignored
from .settings import Settings
from .staging import Staged
from .volatile import redated, says_the_same

_PLACEHOLDER = re.compile(PLACEHOLDER.pattern.encode())


class Redacted(NamedTuple):
    """Changes as they are written, and for each that hides something the response as it was received."""

    changes: list[Change]
    received: list[RecordedResponse | None]


class Redacting:
    """Makes of a test's changes what is written."""

    def __init__(
        self,
        path: Path,
        identity: Identity,
        redactor: Redactor,
        sentinel: Sentinel,
        settings: Callable[[], Settings],
    ) -> None:
        self._path = path
        self._identity = identity
        self._redactor = redactor
        self._sentinel = sentinel
        self._settings = settings
        self._last: tuple[object, _Taken, Redacted] | None = None  # and what it was made from

    def forget(self) -> None:
        self._last = None

    def is_current(self) -> bool:
        """Whether what was made last still goes with the cassette's file."""
        return self._last is None or self._last[1].are_current()

    def of(self, staged: Sequence[Staged], before: Sequence[Interaction | None] = ()) -> Redacted:
        """The changes as they are written; mostly they are those of the last call, and nothing is new.

        ``before`` is what stood there of each, if it is known and the change itself replaces nothing.

        Raises:
            SecretFoundError: there is a secret in one of them.
        """
        if not staged:
            return Redacted([], [])
        refs = tuple(tuple(item and item.ref for item in (change.new, change.replaces)) for change in staged)
        refs += (tuple(item and item.ref for item in before),)
        basis = (refs, self._settings(), self._redactor.learned_so_far)
        if self._last is not None:
            known, taken, redacted = self._last
            if known == basis and taken.are_current():
                return redacted
        taken = _Taken(self._path)
        redacted = self._made(staged, before or (None,) * len(staged), taken)
        self._last = (basis, taken, redacted)
        return redacted

    def _made(
        self, staged: Sequence[Staged], before: Sequence[Interaction | None], taken: _Taken
    ) -> Redacted:
        self._sentinel.watch()
        settings = self._settings()
        new = [
            (change.new, change.replaces or known)
            for change, known in zip(staged, before, strict=True)
            if change.new is not None
        ]
        live = [_as_recorded(item, settings) for item, _ in new]
        redacted = iter(self._redactor.redact(live, [replaced for _, replaced in new], taken))
        made = Redacted([], [])
        for change in staged:
            old, written, hidden = change.replaces, None, None
            if change.new is not None:
                written = next(redacted)
                if written.response != change.new.response:
                    hidden = change.new.response
                written = self._checked(written, change.new.request.url, old, settings)
            replaced, since = ((), None) if old is None else ((old.ref,), old.created_at)
            made.changes.append(Change(written, replaced, change.refresh, since))
            made.received.append(hidden)
        return made

    def _checked(
        self, written: Interaction, url: str, old: Interaction | None, settings: Settings
    ) -> Interaction:
        """What is written in the place of an old one: that one with a new date, where they say the same."""
        if old is not None and self._is_confirmed(old, written, settings):
            return redated(old, written, ages=follows_http(settings, url))
        redactor = self._redactor
        self._sentinel.check(
            written, settings.allowed_secrets, made_up=redactor.made_up, learned=redactor.learned
        )
        return written

    def _is_confirmed(self, old: Interaction, new: Interaction, settings: Settings) -> bool:
        """Whether the new one has the same answer to the same request; not where what is ignored by now
        stands in the old one."""
        return (
            says_the_same(old.response, new.response, settings.volatile_headers)
            and self._identity.asks_the_same(old, new)
            and redact_ignored(old.request, settings.ignored_parameters) == old.request
        )


def _as_recorded(item: Interaction, settings: Settings) -> Interaction:
    request = redact_ignored(item.request, settings.ignored_parameters)
    return without_noise(replace(item, request=request), kept_fields(settings))


class _Taken:
    """The placeholders that stand in a cassette's file, which is read when somebody asks for them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: frozenset[str] | None = None

    def __iter__(self) -> Iterator[str]:
        self._found = self._read()
        return iter(self._found)

    def are_current(self) -> bool:
        """Whether they are still those that somebody has asked for."""
        return self._found is None or self._found == self._read()

    def _read(self) -> frozenset[str]:
        try:
            with open_file(self._path) as file:  # line by line: it may be large
                lines = [line for line in file if b"REDACTED-" in line]
        except (FileNotFoundError, NotADirectoryError):
            return frozenset()
        return frozenset(found.decode() for line in lines for found in _PLACEHOLDER.findall(line))
