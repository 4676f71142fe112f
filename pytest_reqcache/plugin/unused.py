"""What lies in the cassettes and no test has used, judged when the whole suite has run.

A cassette is owned by the tests whose name or marker it has, and by the fixtures that have opened it. Its
interactions are judged only where all of its owners ran to their end, as they should: a test that was
skipped or failed might have asked for more.
"""

from __future__ import annotations

import os
import warnings
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .inventory import Inventory
from .places import Place
from .records import Results, shown_path

if TYPE_CHECKING:
    from ..cassette import Cassette
    from ..models import Interaction

_ALIKE = 0.5  # of the requests of a cassette and a test, for it to be perhaps the test's under its old name


@dataclass(frozen=True, slots=True)
class UnusedInteraction:
    """An interaction that no test asked for, and where it stands."""

    cassette: str
    line: int
    method: str
    url: str
    answer: int


@dataclass(frozen=True, slots=True)
class UnusedCassette:
    """A cassette that no test owns, how many interactions it holds (None: it cannot be read), and the
    cassette of a new test that asks for the same, if there is one."""

    cassette: str
    interactions: int | None
    perhaps_renamed_to: str | None = None


@dataclass(frozen=True, slots=True)
class Unused:
    """The judgement. ``why_not`` says why there is none; ``not_judged`` are cassettes of tests that did not
    run to their end, and such as may be theirs."""

    why_not: str = ""
    interactions: tuple[UnusedInteraction, ...] = ()
    cassettes: tuple[UnusedCassette, ...] = ()
    body_folders: tuple[str, ...] = ()
    not_judged: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is unused."""
        return bool(self.interactions or self.cassettes or self.body_folders)


@dataclass(slots=True)
class _Owned:
    """A cassette that tests own: whether all of them are complete, and what they have asked for."""

    complete: bool = True
    asked_for: set[str] = field(default_factory=set)


def judge(
    inventories: Sequence[Inventory],
    results: Results,
    places: Sequence[Place],
    root: Path,
    ini: Mapping[str, Any],
) -> Unused:
    """What is unused, of a run of the whole suite; ``ini`` is the layer of settings of the ini file."""
    from ..cassette.finding import cassettes_in, left_body_folders_in

    complete = _complete_tests(results)
    fixtures_are_missing = _fixtures_are_missing(inventories, complete)
    owned = _owned(inventories, results, complete, root, fixtures_are_missing=fixtures_are_missing)
    skipped = {root / module for each in inventories for module in each.skipped_modules}
    collected = {root / module for each in inventories for module in each.modules}
    interactions: list[UnusedInteraction] = []
    orphans: list[Path] = []
    not_judged: list[Path] = []
    for path in sorted(owned):
        if not owned[path].complete:
            not_judged += [path] if path.exists() else []
        else:
            interactions += _not_asked_for(path, owned[path].asked_for, root)
    for place in places:
        is_open = fixtures_are_missing or any(map(place.serves, skipped)) or place.has_others(collected)
        for path in cassettes_in(place.cassettes):
            if path in owned:
                continue
            module = place.module_of(path)
            if module not in collected and (is_open or (module is not None and module.exists())):
                not_judged.append(path)
            else:
                orphans.append(path)
    folders = [folder for place in places for folder in left_body_folders_in(place.cassettes)]
    return Unused(
        interactions=tuple(interactions),
        cassettes=tuple(_described(orphans, _newcomers(results, complete, root), root, ini)),
        body_folders=tuple(shown_path(folder, root) for folder in folders),
        not_judged=tuple(shown_path(path, root) for path in not_judged),
    )


def _complete_tests(results: Results) -> dict[str, bool]:
    """Of each test that ran, whether it did so to its end, wherever it ran."""
    complete: dict[str, bool] = {}
    for (nodeid, _), result in results.tests.items():
        complete[nodeid] = complete.get(nodeid, True) and result.complete
    return complete


def _owned(
    inventories: Sequence[Inventory],
    results: Results,
    complete: Mapping[str, bool],
    root: Path,
    *,
    fixtures_are_missing: bool,
) -> dict[Path, _Owned]:
    """The cassettes that somebody owns. A test that was not complete may have used the one that has its
    name, even if that could not be told beforehand."""
    owned: dict[Path, _Owned] = defaultdict(_Owned)
    told = {nodeid for nodeid, _ in results.recorded()}
    for inventory in inventories:
        for nodeid, test in inventory.tests.items():
            is_complete = complete.get(nodeid, False) and (not test.uses or nodeid in told)
            if test.uses or not is_complete:
                owner = owned[_real(root, test.cassette)]
                owner.complete = owner.complete and is_complete
    for nodeid, record in results.recorded():
        owner = owned[_real(root, record.cassette)]
        is_complete = complete[nodeid] if nodeid else not fixtures_are_missing
        owner.complete = owner.complete and is_complete
        owner.asked_for.update(record.asked_for)
    return owned


def _fixtures_are_missing(inventories: Sequence[Inventory], complete: Mapping[str, bool]) -> bool:
    """Whether fixtures with cassettes of their own may not have been set up, or not to their end."""
    return any(
        test.has_factory and not complete.get(nodeid, False)
        for inventory in inventories
        for nodeid, test in inventory.tests.items()
    )


def _real(root: Path, cassette: str) -> Path:
    return Path(os.path.realpath(root / cassette))


def _not_asked_for(path: Path, asked_for: Collection[str], root: Path) -> Iterator[UnusedInteraction]:
    from ..cassette import Cassette, CassetteError
    from ..redaction import masked_url
    from ..usage import fingerprint

    cassette = Cassette(path, str)
    for item in _interactions(cassette) or ():
        if fingerprint(item.request, item.answer, item.key) not in asked_for:
            try:
                line = cassette.line(item)
            except CassetteError:  # edited since
                return
            url = masked_url(item.request.url)
            yield UnusedInteraction(shown_path(path, root), line, item.request.method, url, item.answer)


def _interactions(cassette: Cassette) -> list[Interaction] | None:
    """What a cassette holds; None where it cannot be read, which the tests that use it say better."""
    from ..cassette import CassetteError, TornTailWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TornTailWarning)  # the tests have warned
            return list(cassette)
    except CassetteError:
        return None


class _Newcomer(NamedTuple):
    """The names of what a test asked for that had nothing recorded before this run, and whether it ran to
    its end."""

    sought: set[str]
    complete: bool

    def alike(self, held: set[str]) -> float:
        """How much of what it asked for a cassette holds that no test owns, and the other way round: a test
        that failed would have asked for more."""
        of = self.sought | held if self.complete else self.sought
        return len(self.sought & held) / len(of) if of else 0.0


def _newcomers(results: Results, complete: Mapping[str, bool], root: Path) -> dict[Path, _Newcomer]:
    """The tests that had nothing recorded before this run, by their cassettes."""
    return {
        root / record.cassette: _Newcomer(set(record.sought), complete.get(nodeid, True))
        for nodeid, record in results.recorded()
        if not (record.counts["replayed"] or record.counts["revalidated"] or record.counts["stale"])
    }


def _described(
    orphans: Sequence[Path], newcomers: Mapping[Path, _Newcomer], root: Path, ini: Mapping[str, Any]
) -> Iterator[UnusedCassette]:
    from ..cassette import Cassette

    found = {path: _interactions(Cassette(path, str)) for path in orphans}
    held = {path: _names(path, items, ini) for path, items in found.items() if items}
    renamed = _renamed(held, newcomers)
    for path, items in found.items():
        new = shown_path(renamed[path], root) if path in renamed else None
        yield UnusedCassette(shown_path(path, root), None if items is None else len(items), new)


def _names(path: Path, interactions: Sequence[Interaction], ini: Mapping[str, Any]) -> set[str]:
    """The names of the requests that a cassette holds, as tests have them."""
    from ..identity import TestIdentity
    from ..redaction import Redactor, Registry
    from ..settings import TEST_SETTINGS, merge
    from ..usage import name_of

    settings = merge(TEST_SETTINGS, ini)
    identity = TestIdentity(lambda: settings, Redactor(Registry(), path, lambda: settings.redact.rules))
    return {name_of(identity.ask(item.request).compared) for item in interactions}


def _renamed(held: Mapping[Path, set[str]], newcomers: Mapping[Path, _Newcomer]) -> dict[Path, Path]:
    """The new name that a cassette may have, one for each: those that are most alike first, in what they
    hold and then in their names."""
    from ..names import unlikeness

    pairs = [
        ((-alike, *unlikeness(old, new)), old, new)
        for old, names in held.items()
        for new, test in newcomers.items()
        if (alike := test.alike(names)) >= _ALIKE
    ]
    renamed: dict[Path, Path] = {}
    for _, old, new in sorted(pairs):
        if old not in renamed and new not in renamed.values():
            renamed[old] = new
    return renamed
