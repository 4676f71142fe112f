"""Which live value stands behind which placeholder, for all tests of a process."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final, NamedTuple

from ..models import Interaction

#: A cassette, by its path: each numbers its placeholders by itself.
Scope = Path | None

#: Secrets of this length that hold letters and digits are searched for in every test of the run, and from the
#: shorter one on those that a fixture of wider scope gives to tests.
SHARED_LENGTH: Final = 16
GIVEN_LENGTH: Final = 8


class First(NamedTuple):
    """What was first written for a value: whether it had been seen in a response (``issued``), and in the
    cassette of a fixture of wider scope (``is_wide``), which all tests may use."""

    placeholder: str
    issued: bool
    is_wide: bool


def scope_of(interaction: Interaction) -> Scope:
    """The cassette that an interaction belongs to."""
    return None if interaction.source is None else interaction.source.path


def _is_unmistakable(value: str, least: int) -> bool:
    """Whether a value is unlikely to be met by chance in a test that has nothing to do with it: that test
    would not replay, for it does not learn the value there. "testuser1" may be a user's name, too."""
    if len(value) < least:
        return False
    return any(map(str.isalpha, value)) and any(map(str.isdigit, value))


class Registry:
    """What this process has written in the place of which value, cassette by cassette."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_value: dict[tuple[Scope, str], str] = {}
        self._by_placeholder: dict[tuple[Scope, str], frozenset[str]] = {}
        self._first: dict[str, First] = {}
        self._wide: dict[str, Scope] = {}
        self._shared: frozenset[str] = frozenset()
        self._assumed: dict[tuple[Scope, str], str] = {}

    def note(
        self,
        scope: Scope,
        value: str,
        placeholder: str,
        *,
        issued: bool = False,
        is_wide: bool = False,
        is_searched: bool = True,
    ) -> None:
        """The value is written so in that cassette. ``issued``: it was first seen in a response. ``is_wide``:
        the cassette is one for fixtures of wider scope. ``is_searched``: it is one wherever it stands."""
        with self._lock:
            self._by_value[scope, value] = placeholder
            others = self._by_placeholder.get((scope, placeholder), frozenset())
            self._by_placeholder[scope, placeholder] = others | {value}
            self._first.setdefault(value, First(placeholder, issued, is_wide))
            if is_wide:
                self._wide.setdefault(placeholder, scope)
            least = GIVEN_LENGTH if is_wide else SHARED_LENGTH
            if is_searched and value not in self._shared and _is_unmistakable(value, least):
                self._shared |= {value}

    def forget(self, scope: Scope, value: str, placeholder: str) -> None:
        """The value was not written so in that cassette after all."""
        with self._lock:
            self._by_value.pop((scope, value), None)
            others = self._by_placeholder.get((scope, placeholder), frozenset())
            self._by_placeholder[scope, placeholder] = others - {value}
            first = self._first.get(value)
            if first is not None and first.placeholder == placeholder and not self._is_noted(value):
                del self._first[value]

    def _is_noted(self, value: str) -> bool:
        return any(known == value for _, known in self._by_value)

    def assume(self, scope: Scope, value: str, placeholder: str) -> None:
        """A test of this run has matched the value with what is recorded there."""
        with self._lock:
            self._assumed.setdefault((scope, placeholder), value)

    def assumed(self, scope: Scope, placeholder: str) -> str | None:
        """The first value of this run that was matched with the placeholder."""
        return self._assumed.get((scope, placeholder))

    def placeholder(self, scope: Scope, value: str) -> str | None:
        """What stands for the value in that cassette."""
        return self._by_value.get((scope, value))

    def values(self, scope: Scope, placeholder: str) -> frozenset[str]:
        """What the placeholder stands for in that cassette; empty where this process does not know."""
        return self._by_placeholder.get((scope, placeholder), frozenset())

    def first(self, value: str) -> First | None:
        """The placeholder that was first written for the value anywhere."""
        return self._first.get(value)

    def is_of_another(self, scope: Scope, placeholder: str) -> bool:
        """Whether the placeholder is that of another cassette that all tests may use."""
        return self._wide.get(placeholder, scope) != scope

    @property
    def shared(self) -> frozenset[str]:
        """Values that every test searches for; the same object until there is another."""
        return self._shared
