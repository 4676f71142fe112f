"""What becomes of a secret: it is learned, masked, written as a placeholder, collected, cleaned away."""

from __future__ import annotations

import re
from collections.abc import Collection

from ..models import REDACTED
from .entries import MADE_UP, stands_everywhere
from .known import SEARCHED_LENGTH, Finder, Known
from .model import PLACEHOLDER, Credential
from .registry import Registry
from .rules import StandIn, looks_random
from .spots import Spot
from .writing import Placeholders, constant


class _AtOwnPlaces:
    """Changes nothing elsewhere."""

    def elsewhere(self, place: str, text: str) -> str:
        return text

    def concerns(self, text: str) -> bool:
        return False


class Learner(_AtOwnPlaces):
    """Notes every secret at its own place, and whether there was one."""

    def __init__(self, known: Known, *, issued: bool) -> None:
        self.cookies = known.cookies
        self.found = False
        self._known = known
        self._issued = issued

    def own(self, spot: Spot) -> None:
        self.found = True
        if spot.signs or PLACEHOLDER.fullmatch(spot.value) or spot.value in self._known.made_up:
            return
        if spot.stand_in is not None and spot.value not in self._known.stand_ins:
            self._make_up(spot, spot.stand_in)
        if spot.place.startswith("cookie:") and len(spot.value) < SEARCHED_LENGTH:
            self._known.cookies.add(spot.name)
        # "Europe/Berlin" in a cookie makes no secret of the same text elsewhere.
        searched = not spot.weak or looks_random(spot.value)
        self._known.learn(spot.value, spot.name, issued=self._issued, searched=searched)
        for name, inner in spot.inner:
            if not PLACEHOLDER.fullmatch(inner):
                self._known.learn(inner, name, issued=self._issued)

    def _make_up(self, spot: Spot, stand_in: StandIn) -> None:
        made: object = stand_in(spot.value)
        if made is None:
            return
        place = f"redact: what is to stand in the place of {spot.name!r}"
        if not isinstance(made, str) or not stands_everywhere(made):
            raise ValueError(f"{place} cannot; {MADE_UP}")
        if spot.value in made:
            raise ValueError(f"{place} holds the secret itself")
        self._known.stand_ins[spot.value] = made
        self._known.made_up.add(made)


class Recaller(_AtOwnPlaces):
    """Notes what stands in a recording in the place of secrets, where a user's function made it up."""

    def __init__(self, known: Known) -> None:
        self.cookies = known.cookies
        self._known = known

    def own(self, spot: Spot) -> None:
        if spot.stand_in is not None and not spot.signs:
            self._known.made_up.add(spot.value)


class Masker:
    """Replaces every secret by ``REDACTED``, and notes what it was."""

    def __init__(self, cookies: Collection[str], finder: Finder | None) -> None:
        self.cookies = cookies
        self.credentials: list[Credential] = []
        self._finder = finder
        self._pattern = PLACEHOLDER if finder is None else finder.pattern

    def own(self, spot: Spot) -> str:
        made_up = spot.stand_in is not None
        self.credentials.append(Credential(spot.place, spot.signs or spot.value, made_up))
        return REDACTED

    def elsewhere(self, place: str, text: str) -> str:
        def masked(found: re.Match[str]) -> str:
            value = found[0] if self._finder is None else self._finder.value(found)
            self.credentials.append(Credential(place, value))
            return REDACTED

        return self._pattern.sub(masked, text)

    def concerns(self, text: str) -> bool:
        if REDACTED in text:
            return True
        return self._finder is not None and self._finder.may_find(text)


class _Everywhere:
    """Replaces what a finder finds elsewhere, too; placeholders stay."""

    _finder: Finder | None

    def elsewhere(self, place: str, text: str) -> str:
        finder = self._finder
        assert finder is not None  # else nothing concerns it

        def replaced(found: re.Match[str]) -> str:
            return found[0] if found["known"] is None else self._in_place_of(found, finder, place)

        return finder.pattern.sub(replaced, text)

    def concerns(self, text: str) -> bool:
        return self._finder is not None and self._finder.may_find(text)

    def _in_place_of(self, found: re.Match[str], finder: Finder, place: str) -> str:
        raise NotImplementedError


class Writer(_Everywhere):
    """Replaces every secret by its placeholder."""

    def __init__(self, cookies: Collection[str], finder: Finder | None, placeholders: Placeholders) -> None:
        self.cookies = cookies
        self._finder = finder
        self._placeholders = placeholders

    def own(self, spot: Spot) -> str | None:
        if PLACEHOLDER.fullmatch(spot.value) or self._placeholders.is_made_up(spot.value):
            return None
        if spot.signs:
            return constant(spot.name)
        return self._placeholders.of(spot.value, spot.name)

    def _in_place_of(self, found: re.Match[str], finder: Finder, place: str) -> str:
        within = finder.spelled[found["known"]]
        return self._placeholders.of(finder.value(found), place.rpartition(":")[2], within=within)


class Collector(_AtOwnPlaces):
    """Collects the values at their own places, in their order; changes nothing."""

    def __init__(self, cookies: Collection[str]) -> None:
        self.cookies = cookies
        self.values: dict[str, list[str]] = {}
        self.where = ""

    def own(self, spot: Spot) -> None:
        if not spot.signs:
            self.values.setdefault(self.where + spot.place, []).append(spot.value)


class Comparer(Collector):
    """Collects the values at their own places, and the placeholders elsewhere."""

    def elsewhere(self, place: str, text: str) -> str:
        for found in PLACEHOLDER.findall(text):
            self.values.setdefault(place, []).append(found)
        return text

    def concerns(self, text: str) -> bool:
        return REDACTED in text


class PlaceNoter:
    """Notes where placeholders stand, and what was made up in the place of secrets; changes nothing."""

    cookies: Collection[str] = ()

    def __init__(self, made_up: Collection[str]) -> None:
        self.places: list[str] = []
        self.where = ""
        # A short one may stand elsewhere by chance.
        long = sorted((value for value in made_up if len(value) >= SEARCHED_LENGTH), key=len, reverse=True)
        self._made_up = made_up
        self._pattern = re.compile("|".join((PLACEHOLDER.pattern, *map(re.escape, long))))

    def own(self, spot: Spot) -> None:
        if PLACEHOLDER.fullmatch(spot.value) or spot.value in self._made_up:
            self.places.append(self.where + spot.place)

    def elsewhere(self, place: str, text: str) -> str:
        self.places += [self.where + place] * len(self._pattern.findall(text))
        return text

    def concerns(self, text: str) -> bool:
        return self._pattern.search(text) is not None


class Cleaner(_Everywhere):
    """Replaces what is known in a text that nobody reads back."""

    cookies: Collection[str] = ()

    def __init__(self, finder: Finder | None, known: Known, registry: Registry) -> None:
        self._finder = finder
        self._known = known
        self._registry = registry

    def own(self, spot: Spot) -> str:
        value = spot.value.rstrip(",")  # it separates one URL from the next
        return self._name(value, spot.name) + spot.value[len(value) :]

    def _in_place_of(self, found: re.Match[str], finder: Finder, place: str) -> str:
        return self._name(finder.spelled[found["known"]])

    def _name(self, value: str, name: str = "secret") -> str:
        if PLACEHOLDER.fullmatch(value):
            return value
        first = self._registry.first(value)
        return first.placeholder if first else constant(self._known.names.get(value, name))
