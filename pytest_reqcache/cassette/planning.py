"""What a commit does to the items of a file, decided before anything is written. No I/O of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..models import Change, Interaction


class Items(Protocol):
    """What the planning has to know of the items in the file, each named by its index."""

    def with_ref(self, ref: str) -> list[int]:
        """The items with that text."""

    def alike(self, change: int, interaction: Interaction) -> list[int]:
        """The items that are the same recording as the new one of a change."""

    def is_unseen(self, index: int, change: int) -> bool:
        """Whether the item, which is like that of the change, was written since we last looked for such."""

    def is_kept(self, index: int) -> bool:
        """Whether the item says that nothing replaces it (``keep``)."""


@dataclass(slots=True)
class Plan:
    """The items to replace and to remove, each with the change that does so, and the changes to add."""

    replaced: dict[int, int] = field(default_factory=dict)
    removed: dict[int, int] = field(default_factory=dict)
    added: list[int] = field(default_factory=list)

    def leaves(self, index: int) -> bool:
        """Whether no change concerns the item yet."""
        return index not in self.removed and index not in self.replaced


def plan(changes: Sequence[Change], items: Items) -> Plan:
    """Find the place of each change; one that is in neither ``replaced`` nor ``added`` is dropped."""
    found = Plan()
    for number, change in enumerate(changes):
        places = [index for ref in dict.fromkeys(change.replaces) for index in items.with_ref(ref)]
        places = [index for index in places if found.leaves(index)]
        if change.new is None:
            found.removed |= dict.fromkeys(places, number)
            continue
        # What others have written meanwhile, be it in the place of what is to be replaced.
        is_gone = bool(change.replaces) and not places
        rivals = [
            index
            for index in items.alike(number, change.new)
            if index not in places and found.leaves(index) and (is_gone or items.is_unseen(index, number))
        ]
        if any(map(items.is_kept, rivals)):
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
