"""A cassette that keeps nothing on disk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from operator import itemgetter

from ..body import read_body
from ..kin import NO_KEYS, Keys
from ..models import Change, Interaction, Source


class MemoryCassette:
    """The same as ``Cassette``, for ``":memory:"``: what it holds ends with it."""

    path = None

    def __init__(
        self,
        locate: Callable[[str], Hashable],
        terms: Callable[[], object] = lambda: None,
        keys: Keys = NO_KEYS,
    ) -> None:
        self._locate = locate
        self._terms = terms
        self._keys = keys
        self._located_by = terms(), keys.terms()
        self._mutex = threading.RLock()
        self._items: dict[int, Interaction] = {}
        self._places: dict[str, int] = {}
        #: By locator the place of each item, with its key.
        self._at: dict[Hashable, dict[int, Hashable]] = {}
        self._count = 0

    def find(self, locator: Hashable, key: Hashable | None = None) -> list[Interaction]:
        """The interactions with that locator, and that key, in the order in which they came."""
        with self._mutex:
            self._follow_terms()
            at = self._at.get(locator, {}).items()
            is_any = key is None or self._keys is NO_KEYS
            return [
                self._items[place] for place, own in sorted(at, key=itemgetter(0)) if is_any or key == own
            ]

    def with_key(self, key: str) -> list[Interaction]:
        """The interactions of which a ``key_fn`` made that key, in the order in which they came."""
        return [item for item in self if item.key == key]

    def __iter__(self) -> Iterator[Interaction]:
        with self._mutex:
            return iter([item for _, item in sorted(self._items.items(), key=itemgetter(0))])

    def refs(self) -> list[str]:
        """What names each interaction."""
        return list(self._places)

    def commit(
        self,
        changes: Sequence[Change],
        identify: Callable[[Interaction], Hashable],
        others: object = None,  # no other process can have recorded anything
    ) -> list[Interaction | None]:
        """Apply all changes; returns for each what now stands for it, None if that is nothing."""
        with self._mutex:
            self._follow_terms()
            return [self._apply(change, identify) for change in changes]

    append = commit

    def compact(self) -> None:
        """There is nothing to do: what is replaced goes at once."""

    def close(self) -> None:
        """There is nothing to do: no file is open."""

    def _follow_terms(self) -> None:
        """Locate all anew where a setting that decides about it was changed."""
        terms = self._terms(), self._keys.terms()
        if terms != self._located_by:
            self._located_by = terms
            self._at.clear()
            for place, item in self._items.items():
                self._note(place, item)

    def _note(self, place: int, item: Interaction) -> None:
        self._at.setdefault(self._locate(item.request.url), {})[place] = self._keys.of(item)

    def _apply(self, change: Change, identify: Callable[[Interaction], Hashable]) -> Interaction | None:
        places = [self._places[ref] for ref in change.replaces if ref in self._places]
        if change.new is not None and change.replaces and not places:
            if not change.refresh:
                return None
            identity = identify(change.new)
            alike = self.find(self._locate(change.new.request.url), self._keys.of(change.new))
            places = [self._places[item.ref] for item in alike if identify(item) == identity][-1:]
        for place in places:
            self._remove(place)
        return None if change.new is None else self._put(change.new, max(places, default=None))

    def _remove(self, place: int) -> None:
        item = self._items[place]
        del self._places[item.ref], self._at[self._locate(item.request.url)][place]
        del self._items[place]

    def _put(self, new: Interaction, place: int | None) -> Interaction:
        self._count += 1
        place = self._count if place is None else place
        source = Source(None, place, f"memory-{self._count}")
        response = replace(new.response, body=read_body(new.response.body))
        stored = replace(new, response=response, source=source)
        self._items[place] = stored
        self._places[source.ref] = place
        self._note(place, stored)
        return stored
