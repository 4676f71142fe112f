"""Which live value stands behind which placeholder: for a run, and for a test."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..models import Interaction, RecordedRequest

GENERIC: Final = "REDACTED"
PLACEHOLDER: Final = re.compile(r"REDACTED(?:-[a-z0-9_-]+)?\Z")
_UNSAFE: Final = re.compile(r"[^a-z0-9_-]+")


def is_placeholder(value: str) -> bool:
    return value.startswith(GENERIC) and PLACEHOLDER.match(value) is not None


def new_placeholder(name: str, taken: Collection[str]) -> str:
    """A placeholder named after where the secret was first seen, that stands for no other."""
    base = f"{GENERIC}-{_UNSAFE.sub('_', name.lower()).strip('-_') or 'secret'}"
    if base not in taken:
        return base
    number = 2
    while f"{base}-{number}" in taken:
        number += 1
    return f"{base}-{number}"


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret of a request: where it stands, and its live value or its placeholder.

    The value is empty where it signs the request: it then tells nothing about who asks.
    """

    place: str
    value: str


@dataclass(frozen=True, slots=True)
class Masked:
    """A request with one and the same token in the place of each secret, and its credentials."""

    request: RecordedRequest
    credentials: tuple[Credential, ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """Where credentials stand: part of the key."""
        if not self.credentials:
            return ()
        return tuple(sorted({credential.place for credential in self.credentials}))


class Registry:
    """What one process knows: the placeholder it wrote for each live value, and where."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._placeholders: dict[str, str] = {}
        self._values: dict[tuple[Path | None, str], str] = {}

    def remember(self, path: Path | None, value: str, placeholder: str) -> None:
        with self._lock:
            self._placeholders.setdefault(value, placeholder)
            self._values.setdefault((path, placeholder), value)

    def placeholder_of(self, value: str) -> str | None:
        return self._placeholders.get(value)

    def value_of(self, path: Path | None, placeholder: str) -> str | None:
        return self._values.get((path, placeholder))


class Bindings:
    """Which live value a test uses for which placeholder of its cassette, one to one.

    A request that carries a placeholder is answered by what holds that one; a bound value by what
    holds its own; an unbound value takes, in the order of the file, the first that is unbound.
    """

    def __init__(self, registry: Registry, path: Path | None) -> None:
        self._registry = registry
        self._path = path
        self._placeholders: dict[str, str] = {}
        self._values: dict[str, str] = {}

    def choose(
        self, masked: Masked, candidates: Sequence[tuple[Interaction, Masked]], *, offline: bool
    ) -> list[Interaction]:
        """The candidates whose credentials do not contradict the request's; offline, where there are
        none, all of them."""
        asked = {item.place: item.value for item in masked.credentials if item.value}
        if not asked:
            return [item for item, _ in candidates]
        chosen: list[Interaction] = []
        taking: dict[str, str] = {}
        for item, stored in candidates:
            taken = self._agreement(asked, stored, taking)
            if taken is not None:
                taking = taken
                chosen.append(item)
        return chosen or ([item for item, _ in candidates] if offline else [])

    def _agreement(self, asked: dict[str, str], stored: Masked, taking: dict[str, str]) -> dict[str, str] | None:
        """What unbound values take if this candidate is chosen; None where it contradicts."""
        taken = dict(taking)
        for credential in stored.credentials:
            live = asked.get(credential.place)
            if live is None or not credential.value or live == credential.value:
                continue
            if is_placeholder(live) or not is_placeholder(credential.value):
                return None
            own = self._placeholders.get(live) or taken.get(live)
            if own is None and not self._is_bound(credential.value, live) and credential.value not in taken.values():
                taken[live] = own = credential.value
            if own != credential.value:
                return None
        return taken

    def _is_bound(self, placeholder: str, live: str) -> bool:
        """Whether a placeholder stands for another value than this."""
        if self._values.get(placeholder, live) != live:
            return True
        return (self._registry.value_of(self._path, placeholder) or live) != live

    def bind(self, masked: Masked, chosen: Masked) -> None:
        """The request was answered by this recording: its values are those of the placeholders there."""
        stored = {item.place: item.value for item in chosen.credentials}
        for credential in masked.credentials:
            placeholder = stored.get(credential.place, "")
            if is_placeholder(placeholder) and credential.value and not is_placeholder(credential.value):
                if credential.value not in self._placeholders and placeholder not in self._values:
                    self._placeholders[credential.value] = placeholder
                    self._values[placeholder] = credential.value

    def placeholder_of(self, value: str) -> str | None:
        return self._placeholders.get(value)
