"""Which recorded answers go with which credential: by placeholders, and not by order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..models import Interaction
from .model import PLACEHOLDER, Credential, Masked
from .registry import Registry, Scope, scope_of

_Pairs = dict[str, str]  # live value -> placeholder


class Bindings:
    """One test's one-to-one map between live values and placeholders.

    What the registry knows of a cassette holds besides, in every test.
    """

    def __init__(self, registry: Registry | None = None, path: Scope = None) -> None:
        self._registry = registry or Registry()
        self._path = path
        self._placeholders: _Pairs = {}
        self._values: _Pairs = {}
        self._of_their_own: set[str] = set()  # values that go with nothing recorded before
        self._held: set[str] = set()  # placeholders that the test itself has sent

    def choose(
        self, masked: Masked, candidates: Sequence[tuple[Interaction, Masked]], *, offline: bool
    ) -> list[Interaction]:
        """The candidates that do not contradict the request's credentials, in their order.

        A placeholder goes only with itself, and a bound value only with its own placeholder. A value
        that is not bound goes with the first candidate whose placeholder is not, and with all others
        of that placeholder: the one that it went with in another test of the run before one that another
        value went with. If none is left, online none is chosen, and offline all are.
        """
        if not masked.credentials:
            return [item for item, _ in candidates]
        assumed: list[tuple[Interaction, _Pairs]] = []
        for item, own in candidates:
            pairs = self._needed(masked, own, self._path or scope_of(item))
            if pairs is not None:
                assumed.append((item, pairs))
        certain = [item for item, pairs in assumed if not pairs]
        if certain:
            return certain
        if assumed:
            likeliest = min((pairs for _, pairs in assumed), key=self._unlikeliness)
            return [item for item, pairs in assumed if pairs == likeliest]
        return [item for item, _ in candidates] if offline else []

    def bind(self, masked: Masked, chosen: Masked) -> None:
        """The request was answered with this one: from now on its values go with those placeholders."""
        for live, recorded in _matched(masked, chosen):
            value, placeholder = live.value, recorded.value
            if PLACEHOLDER.fullmatch(value):
                if value == placeholder:
                    self._held.add(value)
            elif value != placeholder and recorded.is_placeholder:
                self._bind(value, placeholder)

    def set_apart(self, values: Iterable[str]) -> None:
        """The values were issued by what nothing was recorded of before."""
        self._of_their_own.update(values)

    def take_over(self, value: str, placeholder: str) -> None:
        """The value has taken the place of the placeholder, and goes with it, unless either is known for that
        of another. What fixtures of wider scope have written is, in every test."""
        if PLACEHOLDER.fullmatch(value) or self._registry.placeholder(self._path, value) is not None:
            return
        first = self._registry.first(value)
        is_given = first is not None and first.is_wide
        if not is_given and not self._registry.is_of_another(self._path, placeholder):
            self._bind(value, placeholder)

    def _bind(self, value: str, placeholder: str) -> None:
        if value not in self._placeholders and placeholder not in self._values:
            self._placeholders[value] = placeholder
            self._values[placeholder] = value
            self._registry.assume(self._path, value, placeholder)

    def placeholder_of(self, value: str) -> str | None:
        """What the value is bound to in this test."""
        return self._placeholders.get(value)

    def _unlikeliness(self, pairs: _Pairs) -> int:
        """What other tests of the run say of the bindings: 0 for the same, 1 for nothing, 2 for others."""
        seen = {
            value: self._registry.assumed(self._path, placeholder) for value, placeholder in pairs.items()
        }
        if all(before == value for value, before in seen.items()):
            return 0
        return 1 if all(before in (None, value) for value, before in seen.items()) else 2

    def _needed(self, masked: Masked, own: Masked, scope: Scope) -> _Pairs | None:
        """The bindings still needed for the two to agree; None where they contradict one another."""
        if _schemes(masked) != _schemes(own):
            return None
        needed: _Pairs = {}
        for live, stood in _matched(masked, own):
            value, recorded = live.value, stood.value
            if value == recorded:
                continue
            agrees = self._agrees(value, stood, scope)
            if agrees is False or needed.get(value, recorded) != recorded:
                return None
            if agrees is None:
                needed[value] = recorded
        return needed if len(set(needed.values())) == len(needed) else None

    def _agrees(self, value: str, stood: Credential, scope: Scope) -> bool | None:
        """Whether two different values are of one credential; None where nothing is known of either."""
        recorded = stood.value
        if PLACEHOLDER.fullmatch(value):
            return self._placeholders.get(recorded) == value
        if not stood.is_placeholder:
            return False
        if value in self._placeholders:
            return self._placeholders[value] == recorded
        behind = self._registry.values(scope, recorded)
        if value in behind:
            return True
        if value in self._of_their_own:
            return False
        first = self._registry.first(value)
        if first is not None and first.issued and first.is_wide:  # a fixture's login gave it to this run
            return recorded == first.placeholder
        if behind or recorded in self._values or self._registry.placeholder(scope, value) is not None:
            return False
        # A client has one token at a time, but its cookies change with any answer.
        return False if recorded in self._held and not stood.place.startswith("cookie:") else None


def _matched(masked: Masked, own: Masked) -> Iterator[tuple[Credential, Credential]]:
    """The credentials that stand at the same place in both."""
    recorded = _by_place(own)
    for place, credentials in _by_place(masked).items():
        yield from zip(credentials, recorded.get(place, ()), strict=False)


def _by_place(masked: Masked) -> dict[str, list[Credential]]:
    found: dict[str, list[Credential]] = {}
    for credential in masked.credentials:
        found.setdefault(credential.place, []).append(credential)
    return found


def _schemes(masked: Masked) -> list[str]:
    """What is left of the request's credential headers: their schemes."""
    return [value.lower() for value in masked.request.headers.get_all("Authorization")]
