"""Where the changes of a commit go in a file, decided before anything is written. No I/O of its own.

Changes and items are named by their numbers: of the change in the commit, of the item in the file.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from ..models import Change, Interaction


class Items(Protocol):
    """What has to be known of the items in the file."""

    def with_ref(self, ref: str) -> list[int]:
        """The items with that text."""

    def alike(self, change: int, interaction: Interaction) -> list[int]:
        """The items that are the same recording as the new one of a change."""

    def is_unseen(self, index: int, change: int) -> bool:
        """Whether the item, which is like that of the change, was written since we last looked for such."""

    def created_at(self, index: int) -> datetime:
        """When the item was recorded."""

    def is_kept(self, index: int) -> bool:
        """Whether the item says that nothing replaces it (``keep``)."""


class Step(NamedTuple):
    """What is to be written: new ``texts`` of items, None for those that go; the changes whose items are
    ``appended``; and, by change, the items that are ``standing`` in the file and are the change's then."""

    texts: Mapping[int, bytes | None]
    appended: Sequence[int]
    standing: Mapping[int, int]

    def places(self, count: int) -> dict[int, int]:
        """By change, the number of its item once all is written to a file of ``count`` items."""
        gone = sorted(number for number, text in self.texts.items() if text is None)
        places = {change: count - len(gone) + rank for rank, change in enumerate(self.appended)}
        return places | {change: number - bisect(gone, number) for change, number in self.standing.items()}


@dataclass(slots=True)
class Placement:
    """The items to replace and to remove, each with the change that does so, and the changes to add."""

    replaced: dict[int, int] = field(default_factory=dict)
    removed: dict[int, int] = field(default_factory=dict)
    added: list[int] = field(default_factory=list)

    def leaves(self, index: int) -> bool:
        """Whether no change concerns the item yet."""
        return index not in self.removed and index not in self.replaced

    def in_place(self, texts: Mapping[int, bytes]) -> Step:
        """What replaces an item is written where that stands. ``texts`` are those of the changes' items."""
        changed = {number: texts[change] for number, change in self.replaced.items()}
        standing = {change: number for number, change in self.replaced.items()}
        return Step({**dict.fromkeys(self.removed), **changed}, self.added, standing)

    def at_the_end(self, texts: Mapping[int, bytes], text_of: Callable[[int], bytes]) -> Step:
        """What replaces an item is appended, unless it has the item's very text, ``text_of``."""
        standing = {
            change: number for number, change in self.replaced.items() if texts[change] == text_of(number)
        }
        appended = {*self.added, *self.replaced.values()} - standing.keys()
        return Step({}, sorted(appended), standing)


def place(changes: Sequence[Change], items: Items) -> Placement:
    """Find the place of each change; one that is in neither ``replaced`` nor ``added`` is dropped."""
    found = Placement()
    for number, change in enumerate(changes):
        places = [index for ref in dict.fromkeys(change.replaces) for index in items.with_ref(ref)]
        places = [index for index in places if found.leaves(index)]
        if change.new is None:
            found.removed |= dict.fromkeys(places, number)
            continue
        # What others have written meanwhile, be it in the place of what is to be replaced.
        is_gone = bool(change.replaces) and not items.with_ref(change.replaces[0])
        rivals = [
            index
            for index in items.alike(number, change.new)
            if index not in places and found.leaves(index) and (is_gone or items.is_unseen(index, number))
        ]
        is_edited = is_gone and any(_is_edit(items.created_at(index), change) for index in rivals)
        if is_edited or any(map(items.is_kept, rivals)):
            continue
        if places:
            places += rivals
        elif not change.refresh and (rivals or change.replaces):
            continue
        else:
            places = rivals[-1:]
        if places:
            found.replaced[max(places)] = number
            found.removed |= {index: number for index in places if index != max(places)}
        else:
            found.added.append(number)
    return found


def _is_edit(created_at: datetime, change: Change) -> bool:
    """Whether a rival of that date is what the change is to replace, edited: a later recording has another
    one. Where the clock stands still nothing can be told by it."""
    return change.new is not None and change.since == created_at != change.new.created_at
