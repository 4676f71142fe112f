"""What a test does to its cassette, until the test's outcome is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from .identity import TestIdentity
from .kin import Kin
from .models import Interaction, Source
from .streams import discard_spooled

#: Of what is staged none stands twice in a process: what it names is remembered for longer than a test.
_refs = count()


@dataclass(slots=True)
class Staged:
    """A change that waits: ``new`` is to stand for what it ``replaces``. One of them alone is an addition,
    or a removal."""

    new: Interaction | None
    replaces: Interaction | None
    refresh: bool


class Staging:
    """The changes of one test, in their order. What is staged is in no file; its ``ref`` names it here."""

    def __init__(self, path: Path, identity: TestIdentity) -> None:
        self._path = path
        self._identity = identity
        self._changes: dict[str, Staged] = {}  # by the ref of what is staged
        self._replaced_by: dict[str, str] = {}  # ref of what is replaced -> ref of the change
        self._located: dict[str, list[Staged]] = {}  # by locator; found with ``_located_by``
        self._located_by: tuple[object, ...] = ()
        self._kin: dict[str, Kin[Staged]] = {}  # by locator, where it has several

    def __contains__(self, ref: str) -> bool:
        """Whether this test has staged what is called so."""
        return ref in self._changes

    @property
    def waiting(self) -> list[Staged]:
        """The changes that are still to be made."""
        return [change for change in self._changes.values() if change.new or change.replaces]

    @property
    def added(self) -> list[Interaction]:
        """What is new, and replaces nothing."""
        return [change.new for change in self._changes.values() if change.new and change.replaces is None]

    def at(self, locator: str, key: str | None = None) -> Sequence[Staged]:
        """The changes whose new interaction may answer a request of that locator, and of that key."""
        if not self._changes:
            return ()
        found = self._by_locator().get(locator, [])
        if key is None or len(found) < 2:
            return found
        keys = self._identity.keys
        return self._kin.setdefault(locator, Kin()).of(
            key, keys.terms(), found, lambda staged: staged.new and keys.of(staged.new)
        )

    def locators(self) -> list[str]:
        """The locators of what is new."""
        return list(self._by_locator())

    def now(self, item: Interaction) -> Interaction | None:
        """What a recorded interaction has become in this test; None where it was removed."""
        ref = self._replaced_by.get(item.ref)
        return item if ref is None else self._changes[ref].new

    def is_replaced(self, item: Interaction) -> bool:
        """Whether another one stands in its place, or nothing any more."""
        staged = self._changes.get(item.ref)
        return item.ref in self._replaced_by or (staged is not None and staged.new is None)

    def stands_for(self, item: Interaction) -> Interaction | None:
        """What stands in the cassette in whose place this one, which is staged, is to stand."""
        change = self._changes.get(item.ref)
        return None if change is None else change.replaces

    def stage(self, new: Interaction, replaced: Interaction | None, *, refresh: bool) -> Interaction:
        """The new interaction, as it is known until it is written."""
        staged = replace(new, source=Source(self._path, 0, self._next_ref()))
        self._add(staged.ref, Staged(staged, replaced, refresh))
        return staged

    def remove(self, item: Interaction) -> None:
        self._add(self._next_ref(), Staged(None, item, refresh=False))

    def forget(self) -> None:
        """Drop everything, with the files of bodies that are in no cassette yet."""
        for change in self._changes.values():
            if change.new is not None:
                discard_spooled(change.new)
        self._changes.clear()
        self._replaced_by.clear()
        self._located.clear()
        self._kin.clear()

    def _next_ref(self) -> str:
        return f"staged-{next(_refs)}"

    def _add(self, ref: str, change: Staged) -> None:
        if change.replaces is not None and change.replaces.ref in self._changes:
            _take_over(change, self._changes[change.replaces.ref])
        self._changes[ref] = change
        if self._located_by == self._identity.basis:
            self._locate(change)
        if change.replaces is not None:
            self._replaced_by[change.replaces.ref] = ref

    def _by_locator(self) -> dict[str, list[Staged]]:
        if self._located_by != self._identity.basis:  # a secret that is known now is masked in a locator, too
            self._located_by, self._located, self._kin = self._identity.basis, {}, {}
            for change in self._changes.values():
                self._locate(change)
        return self._located

    def _locate(self, change: Staged) -> None:
        if change.new is not None:
            locator = self._identity.locate(change.new.request.url)
            self._located.setdefault(locator, []).append(change)


def _take_over(change: Staged, earlier: Staged) -> None:
    """A change to what was staged: it is made to what that was to replace, and the earlier one is none."""
    if earlier.new is not None:
        discard_spooled(earlier.new, kept=change.new)
    change.replaces, change.refresh = earlier.replaces, change.refresh and earlier.refresh
    earlier.new, earlier.replaces = None, None
