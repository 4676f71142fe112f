"""Of many recordings of one URL those of one request, without a look at each of them every time."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from .models import Interaction

_Thing = TypeVar("_Thing")


class Keys(NamedTuple):
    """What recordings are told apart by: ``of`` makes it of an interaction's request, and ``terms`` gives
    what it depends on besides."""

    of: Callable[[Interaction], Hashable]
    terms: Callable[[], Hashable]


#: Those of one URL are not told apart.
NO_KEYS: Final = Keys(lambda item: None, lambda: None)


class Kin(Generic[_Thing]):
    """Things by their keys, each of which is asked for once, as long as the keys' terms are the same."""

    __slots__ = ("_by_key", "_count", "_terms")

    def __init__(self) -> None:
        self._terms: Hashable = None
        self._by_key: dict[Hashable, list[_Thing]] = {}
        self._count = 0

    def of(
        self,
        key: Hashable,
        terms: Hashable,
        things: Sequence[_Thing],
        key_of: Callable[[_Thing], Hashable],
    ) -> Sequence[_Thing]:
        """Those with that key, in their order, of things to which some may have been added since."""
        if terms != self._terms:
            self._terms, self._by_key, self._count = terms, {}, 0
        for thing in things[self._count :]:
            self._by_key.setdefault(key_of(thing), []).append(thing)
            self._count += 1
        return self._by_key.get(key, ())
