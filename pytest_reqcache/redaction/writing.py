"""Which placeholder is written for which value, in one commit."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property

from ..models import REDACTED
from .binding import Bindings
from .known import SEARCHED_LENGTH, Known
from .registry import Registry, Scope


class Placeholders:
    """One placeholder for each value, numbered within its cassette.

    ``fixture`` is the name of a cassette for fixtures of wider scope. Its placeholders are called after it:
    a test may use those of several such cassettes, and has to tell them apart.
    """

    def __init__(
        self,
        registry: Registry,
        scope: Scope,
        known: Known,
        bindings: Bindings,
        taken: Iterable[str],
        fixture: str = "",
    ) -> None:
        self._registry = registry
        self._scope = scope
        self._known = known
        self._bindings = bindings
        self._may_be_taken = taken
        self._fixture = fixture
        self._of: dict[str, str] = {}
        self._claimed: dict[str, str] = {}
        self._offered: dict[str, str] = {}
        self._given: set[str] = set()
        #: Values, with their placeholders, that had none in the cassette.
        self.new: list[tuple[str, str]] = []

    @cached_property
    def _taken(self) -> frozenset[str]:
        """What stands in the cassette; it is only looked at where a secret is to be written."""
        return frozenset(self._may_be_taken)

    def take_over(self, value: str, placeholder: str) -> None:
        """The placeholder stood where the value stands now."""
        if self._fixture and self._registry.is_of_another(self._scope, placeholder):
            return
        if value not in self._offered:
            self._offered[value] = placeholder
            self._given.add(placeholder)

    def of(self, value: str, name: str, within: str | None = None) -> str:
        """The value's placeholder. ``within`` is the known secret that the value contains."""
        found = self._of.get(value)
        if found is None:
            found = self._of[value] = self._chosen(value, self._name(within or value, name))
            self._claimed[found] = value
            self._given.add(found)
            if self._registry.placeholder(self._scope, value) is None:
                self.new.append((value, found))
            self._registry.note(
                self._scope,
                value,
                found,
                issued=value in self._known.issued,
                is_wide=bool(self._fixture),
                is_searched=value not in self._known.unsearched,
            )
        return found

    def _name(self, value: str, name: str) -> str:
        """What it was called where it was first seen, in this test or in another."""
        first = self._registry.first(value)
        if value in self._known.names or first is None:
            return self._known.names.get(value, name)
        return name_in(first.placeholder)

    def is_made_up(self, value: str) -> bool:
        """Whether it stands for a secret already, made up by a user's function."""
        return value in self._known.made_up

    def _chosen(self, value: str, name: str) -> str:
        made_up = self._known.stand_ins.get(value)
        if made_up is not None:
            return made_up
        for placeholder in self._familiar(value):
            if self._claimed.get(placeholder, value) == value:
                return placeholder
        base = constant(f"{name}-{self._fixture}" if self._fixture else name)
        placeholder, number = base, 1
        while placeholder in self._given or placeholder in self._taken:
            number += 1
            placeholder = f"{base}-{number}"
        return placeholder

    def _familiar(self, value: str) -> Iterable[str]:
        """Placeholders that stand for the value already, the surest first."""
        own = self._registry.placeholder(self._scope, value)
        if own is not None:
            yield own
        bound = self._bindings.placeholder_of(value)
        if bound is not None:
            yield bound
        first = self._registry.first(value)
        # Where it was issued by a login, that login's replay hands out this placeholder. Where not,
        # the same name in this cassette is somebody else's.
        is_usable = first is not None and (
            first.placeholder not in self._taken
            or (first.issued and not self._registry.values(self._scope, first.placeholder))
        )
        if first is not None and is_usable and first.issued and first.is_wide:
            yield first.placeholder
        if value in self._offered:
            yield self._offered[value]
        if first is not None and is_usable:
            # A short one that a person has chosen may stand for another secret in another test.
            if first.issued or first.is_wide or len(value) >= SEARCHED_LENGTH:
                yield first.placeholder


def name_in(placeholder: str) -> str:
    """What a placeholder is called after, without its number."""
    return re.sub("-[0-9]+$", "", placeholder.removeprefix(f"{REDACTED}-"))


def constant(name: str) -> str:
    """The first placeholder of a name; the only one for values that differ in every request."""
    return f"{REDACTED}-{re.sub('[^a-z0-9_-]', '_', name.lower()) or 'secret'}"
