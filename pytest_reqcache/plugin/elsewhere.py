"""The other cassettes of a suite: which of them holds what a test has missed, mostly since it was renamed."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Collection, Iterable
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from ..cassette import Cassette, CassetteError
from ..cassette.finding import cassettes_in
from ..matching import normalize_url
from ..names import unlikeness
from .marking import cassette_name
from .naming import cassette_path
from .places import narrower_paths, places
from .state import Run

_MOST_READ: Final = 10  # cassettes with the URL's path that are looked at for one miss


class Holder(NamedTuple):
    """A cassette that would answer; ``is_owned`` by another test or a fixture, as far as is known, or may be
    by one that was not collected."""

    path: Path
    is_owned: bool


class Elsewhere:
    """All cassettes in some folders, by the URLs in them: looked through once in a run, at its first miss.

    What is recorded or removed later on makes a hint less, never a wrong one: who is named is asked again.
    ``owned`` gives the cassettes of the tests that were collected, and of fixtures; ``is_whole``: there
    are no other tests.
    """

    def __init__(
        self, folders: Callable[[], Iterable[Path]], owned: Callable[[], Collection[Path]], *, is_whole: bool
    ) -> None:
        self._folders = folders
        self._owned = owned
        self._is_whole = is_whole
        self._by_address: dict[str, list[Path]] | None = None
        self._lock = threading.Lock()

    def holder(self, url: str, own: Path, holds: Callable[[Path], bool]) -> Holder | None:
        """The cassette other than ``own`` that ``holds`` says yes to: rather one that nobody owns, with
        the name most alike."""
        own = Path(os.path.realpath(own))
        with self._lock, warnings.catch_warnings():  # which is no thread's own
            warnings.simplefilter("ignore")  # the tests that use them are warned
            if self._by_address is None:
                self._by_address = self._looked_through()
            others = [path for path in self._by_address.get(_address(url), ()) if path != own]
            owned = self._owned()
            others.sort(key=lambda path: (path in owned, unlikeness(path, own)))
            found = next(filter(holds, others[:_MOST_READ]), None)
            return None if found is None else Holder(found, not self._is_whole or found in owned)

    def _looked_through(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for path in (path for folder in self._folders() for path in cassettes_in(folder)):
            try:
                addresses = Cassette(path, _address).locators()
            except CassetteError:
                continue
            for address in addresses:
                found.setdefault(str(address), []).append(path)
        return found


def elsewhere_of(run: Run) -> Elsewhere:
    """Those of a run."""
    if run.elsewhere is None:
        root, cassette_dir = Path(os.path.realpath(run.root)), run.options.cassette_dir

        @cache
        def of_tests() -> frozenset[Path]:
            tests = (item for item in run.items if isinstance(item, pytest.Function))
            return _real(cassette_path(item, cassette_name(item), cassette_dir) for item in tests)

        run.elsewhere = Elsewhere(
            lambda: [place.cassettes for place in places((), root, cassette_dir, run.config)],
            lambda: of_tests() | _real(run.wider),
            is_whole=not narrower_paths(run.config),
        )
    return run.elsewhere


def _real(paths: Iterable[Path]) -> frozenset[Path]:
    return frozenset(Path(os.path.realpath(path)) for path in paths)


def _address(url: str) -> str:
    """The URL up to its query: what is compared of that depends on the settings of each test."""
    return normalize_url(url).partition("?")[0]
