"""A cassette: one YAML file of interactions, read lazily and changed in whole steps."""

from __future__ import annotations

import atexit
import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import NamedTuple, TypeVar

from ..body import read_file
from ..kin import NO_KEYS, Keys
from ..models import Change, Interaction
from ..names import spelling
from . import bodies, rewriting, storing
from .errors import CassetteError, problem_of
from .index import Changed, Index, View, ref_of
from .layout import Stamp
from .nodes import NodeError
from .placing import Placement, place
from .scan import Locate
from .writing import Draft, draft

Identify = Callable[[Interaction], Hashable]


class Others(NamedTuple):
    """What a commit to a cassette asks that others may write to meanwhile: whether a new interaction and one
    in the file that are identified alike are the same recording; and whether, while nobody else can write,
    what was made of the changes still goes with what is in the file."""

    is_same: Callable[[Interaction, Interaction], bool]
    is_current: Callable[[], bool]


class OutdatedError(Exception):
    """Others have written what the changes do not go with; nothing was written."""


_Result = TypeVar("_Result")

# What stands before and behind it in a name may be spelt in many ways; in doubt a file stays.
_OWN_NAME_LENGTH = 16
_HEXADECIMAL = re.compile(rb"[0-9a-f]{%d,}" % _OWN_NAME_LENGTH)
# Where an anchor may stand.
_ANCHOR = re.compile(rb"(?:\A|[\s\[{,])&[^\s\[\]{},]")


#: How many superseded items of one locator may stand in the file: each look at it passes them over.
_MOST_SUPERSEDED = 64

#: What cassettes that are not compacted yet have superseded, with their paths, by identity.
_not_compacted: dict[int, tuple[str, dict[str, str]]] = {}


class _New(NamedTuple):
    """What a change writes, and the locator that it is found by."""

    draft: Draft
    locator: Hashable


class Cassette:
    """The interactions of the YAML file at ``path``.

    ``locate`` makes of a URL what ``find`` looks up: interactions that may answer one another's
    requests need the same locator. ``locate_all`` does so for many URLs. ``terms`` gives what both
    depend on: where that is another, all is located anew. ``keys`` tell the requests of one locator
    apart. Nothing is touched before the first call; the file need not exist. Any number of threads and
    processes may use one file. Every method raises CassetteError where the file is no cassette that we
    can read, and then leaves it alone.
    """

    def __init__(
        self,
        path: Path,
        locate: Callable[[str], Hashable],
        locate_all: Locate | None = None,
        terms: Callable[[], object] = lambda: None,
        keys: Keys = NO_KEYS,
    ) -> None:
        self.path = path
        self._keys = keys
        self._locate = locate
        self._terms = terms
        self._located_by = terms()
        self._index = Index(path, locate, locate_all or (lambda urls: map(locate, urls)))
        self._errors = _Errors(path, self._index)
        self._mutex = threading.RLock()
        #: The refs of what stood in the file when each locator was first looked for since we last wrote.
        self._seen: dict[Hashable, frozenset[str]] = {}
        #: Those of what had been seen under other terms.
        self._seen_before: frozenset[str] = frozenset()
        #: The refs of items that our own appends superseded, and of what superseded them.
        self._superseded: dict[str, str] = {}
        #: How many of them there are of each locator.
        self._superseded_at: Counter[Hashable] = Counter()

    def find(
        self,
        locator: Hashable,
        key: Hashable | None = None,
        where: Callable[[Interaction], bool] | None = None,
    ) -> list[Interaction]:
        """The interactions whose URL has that locator, in file order.

        With a ``key`` those that may have it: of several no others are read. With ``where`` those of which
        it is true; it is shown what :meth:`outlines` gives.
        """

        def read(view: View) -> list[Interaction]:
            numbers = self._numbers(view, locator) if key is None else self._of_key(view, locator, key)
            if where is not None:
                numbers = [number for number in numbers if where(view.outline(number, locator))]
            found = [view.interaction(number, locator) for number in numbers]
            if locator not in self._seen:
                is_all = len(found) == len(view.layout.at(locator))
                refs = (item.ref for item in found) if is_all else view.refs_at(locator)
                self._seen[locator] = frozenset(refs)
            return found

        return self._read(read)

    def outlines(self) -> list[Interaction]:
        """Everything stored, in file order, but for the responses, of which there is the status alone."""

        def read(view: View) -> list[Interaction]:
            return self._shown(view, [view.outline(number) for number in range(len(view))])

        return self._read(read)

    def with_key(self, key: str) -> list[Interaction]:
        """The interactions whose key a ``key_fn`` made, in file order. Each item is read once for its key."""

        def read(view: View) -> list[Interaction]:
            layout = view.layout
            for number in range(layout.keyed, len(view)):
                layout.keys.setdefault(view.interaction(number).key, []).append(number)
                layout.keyed = number + 1
            found = [view.interaction(number) for number in layout.keys.get(key, ())]
            if any(item.key != key for item in found):
                raise Changed
            return self._shown(view, found)

        return self._read(read)

    def __iter__(self) -> Iterator[Interaction]:
        def read(view: View) -> list[Interaction]:
            return self._shown(view, [view.interaction(number) for number in range(len(view))])

        return iter(self._read(read))

    def line(self, item: Interaction) -> int:
        """The line (from 1) in which an interaction that was read here begins; 0 where it is gone."""

        def read(view: View) -> int:
            number = view.find(item.source) if item.source is not None else None
            return 0 if number is None else view.line(number)

        return self._read(read)

    def locators(self) -> list[Hashable]:
        """The locators of all that is in the file."""
        return self._read(lambda view: list(view.layout.locators))

    def refs(self) -> list[str]:
        """What names the text of each item in the file."""
        return self._read(lambda view: [ref_of(view.text(number)) for number in range(len(view))])

    def commit(
        self, changes: Sequence[Change], identify: Identify, others: Others | None = None
    ) -> list[Interaction | None]:
        """Apply all changes in one step, or none.

        Interactions for which ``identify`` gives the same are the same recording, unless ``others`` say no:
        what another process has recorded meanwhile is kept, except before a refresh. Returns for each
        change what now stands for it; None where it removed, or was dropped.

        Raises:
            OutdatedError: the changes are to be made anew, as ``others`` tell.
        """
        return self._change(changes, identify, in_place=True, others=others)

    def append(self, changes: Sequence[Change], identify: Identify) -> list[Interaction | None]:
        """As ``commit``, but what replaces is added at the end of the file, too.

        What it replaces is not found any more, and ``compact`` removes it from the file. Changes
        that remove are committed.
        """
        return self._change(changes, identify, in_place=any(change.new is None for change in changes))

    def compact(self) -> None:
        """Put what our own ``append`` calls wrote in the place of what it superseded."""
        with self._mutex:
            if not self._superseded:
                return
            self._follow_terms()
            with self._writing() as view:
                texts = self._compacted_texts(view)
                if texts:
                    self._rewrite(view, texts, [])
            self._index.drop(self._superseded)
            self._superseded.clear()
            self._superseded_at.clear()
            _not_compacted.pop(id(self._superseded), None)

    def close(self) -> None:
        """Compact, and forget what was read. A closed cassette can be used again."""
        with self._mutex:
            self.compact()
            self._index.forget()
            self._seen.clear()
            self._seen_before = frozenset()

    def _follow_terms(self) -> None:
        """Forget what was located under other terms: a setting was changed."""
        terms = self._terms()
        if terms != self._located_by:
            self._seen_before = self._seen_before.union(*self._seen.values(), self._index.refs_read())
            self._seen.clear()
            self._index.forget()
            self._located_by = terms

    def _numbers(self, view: View, locator: Hashable) -> Sequence[int]:
        """The items with that locator that are shown."""
        numbers = view.layout.at(locator)
        if not self._superseded:
            return numbers
        shown = (found for ref, found in view.refs_at(locator).items() if not self._hides(view, ref))
        return sorted(chain.from_iterable(shown))

    def _of_key(self, view: View, locator: Hashable, key: Hashable) -> Sequence[int]:
        """The items with that locator and, where there are several, that key, that are shown."""
        if self._keys is NO_KEYS:
            return self._numbers(view, locator)
        numbers = view.of_key(locator, key, self._keys)
        if not self._superseded:
            return numbers
        shown = frozenset(self._numbers(view, locator))
        return [number for number in numbers if number in shown]

    def _shown(self, view: View, items: list[Interaction]) -> list[Interaction]:
        if not self._superseded:
            return items
        return [item for item in items if not self._hides(view, item.ref)]

    def _hides(self, view: View, ref: str) -> bool:
        """Whether our own appends superseded an item, and what did so is there: another program may have
        put back a file from before."""
        if ref not in self._superseded:
            return False
        return any(view.with_ref(successor) for successor in _successors(ref, self._superseded))

    def _read(self, read: Callable[[View], _Result]) -> _Result:
        with self._mutex, self._errors:
            self._follow_terms()
            for _ in range(20):
                try:
                    with self._index.view() as view:
                        return self._index.take(view, read)
                except Changed:
                    self._index.layout = None
            raise CassetteError(self.path, None, "is written all the time; end what writes it, and run again")

    def _change(
        self,
        changes: Sequence[Change],
        identify: Identify,
        in_place: bool,
        others: Others | None = None,
    ) -> list[Interaction | None]:
        if not changes:
            return []
        with self._mutex, self._errors:
            self._follow_terms()
            news = {
                number: _New(self._draft(change.new), self._locate(change.new.request.url))
                for number, change in enumerate(changes)
                if change.new is not None
            }
            seen = {new.locator: self._seen_at(new.locator) for new in news.values()}

            def placed(view: View) -> Placement:
                items = _Items(view, news, identify, others, seen, self)
                return place(changes, items)

            with self._writing() as view:
                if others is not None and not others.is_current():
                    raise OutdatedError
                stored = self._write(view, self._index.take(view, placed), news, in_place)
            if stored is None:
                self.compact()
                with self._writing() as view:
                    stored = self._write(view, self._index.take(view, placed), news, in_place=True)
            assert stored is not None
            if any(self._superseded_at[new.locator] > _MOST_SUPERSEDED for new in news.values()):
                self._compact_early(news.values())
            return [stored.get(number) for number in range(len(changes))]

    def _compact_early(self, news: Iterable[_New]) -> None:
        """As ``compact``; where it fails it is done on closing. A body's file that goes may be about to be
        read: those that have one wait for that, too."""
        if not any(new.draft.files for new in news):
            with suppress(CassetteError):
                self.compact()

    def _seen_at(self, locator: Hashable) -> frozenset[str]:
        """What had been seen there; where nobody has looked for it, what had been read."""
        seen = self._seen.get(locator)
        return self._seen_before | (self._index.refs_read_at(locator) if seen is None else seen)

    def _draft(self, new: Interaction) -> Draft:
        folder = self._index.folder()
        try:
            made = draft(new, folder)
        except ValueError as error:
            raise CassetteError(self.path, None, str(error)) from None
        if made.files and folder.is_symlink():  # none of them would be read
            problem = f"the folder {folder.name!r} is a symbolic link; put the folder itself there"
            raise CassetteError(self.path, None, problem)
        return made

    @contextmanager
    def _writing(self) -> Iterator[View]:
        """The file as it is, while nobody else can write it, without a torn end."""
        self._index.follow_links()
        with self._errors, self._index.lock.held():
            with self._index.view(holds_lock=True) as view:
                torn = view.layout.torn
                if torn is None:
                    yield view
                    return
            storing.set_aside(self._index.real_path, torn.offset)
            with self._index.view(holds_lock=True) as view:
                yield view

    def _write(
        self, view: View, placement: Placement, news: Mapping[int, _New], in_place: bool
    ) -> dict[int, Interaction] | None:
        """Write what is placed; returns, by change, the interaction that is now in the file.

        None, and nothing is written, where what was superseded has to go first: the same text twice in the
        file, one superseded and one not, could not be told apart.
        """
        if placement.replaced and rewriting.changes_by_appending(view.file, view.layout):
            in_place = True  # what was superseded could not be told by its text any more
        texts = {change: rewriting.placed(new.draft.text, view.layout) for change, new in news.items()}
        for number, change in placement.replaced.items():
            texts[change] = self._text_in_place(view, number, news[change].draft) or texts[change]
        if self._superseded and any(ref_of(text) in self._superseded for text in texts.values()):
            return None
        step = placement.in_place(texts) if in_place else placement.at_the_end(texts, view.text)
        places = step.places(len(view))
        added = [texts[change] for change in step.appended]
        with self._new_files([news[change].draft for change in places]):
            if step.texts or (added and not view.layout.appendable):
                self._rewrite(view, step.texts, added)
            elif added:
                self._append(view, added, [news[change] for change in step.appended])
        stored = self._stored(view, places, news)
        if not in_place:
            self._note_superseded(view, placement, stored, news)
        return stored

    def _text_in_place(self, view: View, number: int, draft: Draft) -> bytes | None:
        """The item's own text with new times, where nothing else is new: a hand's work in it stays."""
        layout = view.layout
        if layout.block_form is not None or number in layout.nodes:
            return None  # what its aliases stand for may be about to go
        text = rewriting.retouched(view.text(number), view.interaction(number), draft.interaction, layout)
        return text if text is not None and view.read(text) == draft.interaction else None

    def _append(self, view: View, texts: Sequence[bytes], news: Sequence[_New]) -> None:
        layout = view.layout
        beginning = rewriting.before_appended(view.file, layout)
        data = beginning + b"".join(texts)
        now = storing.append(self._index.real_path, data, layout.stamp.size, is_step=len(texts) > 1)
        urls = [new.draft.interaction.request.url for new in news]
        locators = [new.locator for new in news]
        self._index.note_appended(layout, beginning, texts, urls, locators, Stamp.of(now))

    def _rewrite(self, view: View, texts: Mapping[int, bytes | int | None], added: Sequence[bytes]) -> None:
        assert view.file is not None
        if any(_ANCHOR.search(view.text(number)) for number in texts):
            texts = {**self._without_aliases(view), **texts}
        pieces = rewriting.spliced(view.file, view.layout, texts, added)

        def check() -> None:
            view.close()
            self._index.check(view.layout)

        storing.replace(self._index.real_path, pieces, check)
        self._index.layout = None
        self._remove_unused()

    def _without_aliases(self, view: View) -> dict[int, bytes]:
        """The items with aliases, which may stand for what is about to go, written without them."""
        self._index.look_for_aliases(view)
        written = {number: self._draft(view.interaction(number)) for number in view.layout.nodes}
        for file in (file for item in written.values() for file in item.files):
            bodies.write_file(file, self._index.folder())
        return {number: rewriting.placed(item.text, view.layout) for number, item in written.items()}

    @contextmanager
    def _new_files(self, drafts: Sequence[Draft]) -> Iterator[None]:
        """Write the body files, before the items that refer to them; they go again if those fail."""
        try:
            for file in (file for draft in drafts for file in draft.files):
                bodies.write_file(file, self._index.folder())
            yield
        except BaseException:
            self._remove_unused()  # an interrupt may come when the items are there already
            raise

    def _remove_unused(self) -> None:
        """Remove the body files that no item refers to, also those of the killed; in doubt they stay."""
        folder = self._index.folder()
        with suppress(OSError):
            storing.clear_away(folder, ".*.tmp")
            files = [file for file in folder.iterdir() if bodies.is_own_name(file.name)]
            sharers = self._sharers(folder) if files else ()
            named = {name for path in sharers for name in _names_in(read_file(path))}
            for file in files:
                if file.stem.encode() not in named:
                    file.unlink()
            folder.rmdir()

    def _sharers(self, folder: Path) -> Iterator[Path]:
        """The cassette, and those that differ in their suffix alone, or in case, of which not every file
        system takes notice: they have one folder of body files. Raises OSError."""
        path, stem = self._index.real_path, spelling(folder.stem)
        with suppress(FileNotFoundError):
            os.stat(path)
            yield path
        for other in folder.parent.iterdir():
            if other != path and spelling(other.name).startswith(f"{stem}.") and other.is_file():
                yield other

    def _stored(
        self, view: View, places: Mapping[int, int], news: Mapping[int, _New]
    ) -> dict[int, Interaction]:
        """By change, the interaction that is now at its place in the file, which ``view`` was of."""
        stored = {}
        shows_all = view.file is not None and view.layout is self._index.layout
        with nullcontext(view) if shows_all else self._index.view(holds_lock=True) as now:
            for change, number in places.items():
                new = news[change]
                source = now.source(number, now.text(number))
                stored[change] = replace(new.draft.interaction, source=source)
                self._index.note(source.ref, new.locator)
            for locator in {news[change].locator for change in places}:
                self._seen[locator] = frozenset(now.refs_at(locator))
        return stored

    def _note_superseded(
        self,
        view: View,
        placement: Placement,
        stored: Mapping[int, Interaction],
        news: Mapping[int, _New],
    ) -> None:
        for number, change in (*placement.removed.items(), *placement.replaced.items()):
            old_ref, new_ref = ref_of(view.text(number)), stored[change].ref
            if old_ref != new_ref:
                self._superseded[old_ref] = new_ref
                self._superseded_at[news[change].locator] += 1
                _not_compacted[id(self._superseded)] = (self._index.absolute, self._superseded)

    def _compacted_texts(self, view: View) -> dict[int, int | None]:
        """What superseded items goes where the last of them stood before our own appends: what stands above
        that is older. Nothing goes whose successor is not there."""
        appended = set(self._superseded.values())
        gone: dict[int, tuple[set[int], set[int]]] = {}  # by the number of what stays: places, and all else
        for ref in self._superseded:
            successors = _successors(ref, self._superseded)
            there = [number for successor in successors for number in view.with_ref(successor)]
            if there:
                places, others = gone.setdefault(there[-1], (set(), set()))
                others.update(view.with_ref(ref), there[:-1])
                places.update(() if ref in appended else view.with_ref(ref))
        texts: dict[int, int | None] = {}
        for last, (places, others) in gone.items():
            others.discard(last)
            if others:
                texts |= {**dict.fromkeys((last, *others)), max(places - {last} or others): last}
        return texts


class _Errors:
    """Within it what goes wrong in a cassette's file is a CassetteError."""

    def __init__(self, path: Path, index: Index) -> None:
        self._path = path
        self._index = index

    def __enter__(self) -> None:
        """Nothing has gone wrong yet."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, NodeError):
            raise CassetteError(self._path, error.line, error.problem, error.column) from None
        if isinstance(error, Changed):
            raise CassetteError(self._path, None, "was changed while we wrote it; run again") from None
        if isinstance(error, OSError):
            raise CassetteError(self._path, None, problem_of(error, self._index.real_path)) from error


class _Items:
    """The items of a file as :func:`place` sees them."""

    def __init__(
        self,
        view: View,
        news: Mapping[int, _New],
        identify: Identify,
        others: Others | None,
        seen: Mapping[Hashable, frozenset[str]],
        cassette: Cassette,
    ) -> None:
        self._view = view
        self._news = news
        self._identify = identify
        self._others = others
        self._seen = seen
        self._cassette = cassette

    def with_ref(self, ref: str) -> list[int]:
        return [] if self._cassette._hides(self._view, ref) else self._view.with_ref(ref)

    def alike(self, change: int, interaction: Interaction) -> list[int]:
        locator = self._news[change].locator
        if not self._view.layout.at(locator):
            return []
        candidates = self._cassette._of_key(self._view, locator, self._cassette._keys.of(interaction))
        identity = self._identify(interaction)
        found = [(number, self._view.interaction(number, locator)) for number in candidates]
        return [
            number
            for number, item in found
            if self._identify(item) == identity
            and (self._others is None or self._others.is_same(interaction, item))
        ]

    def created_at(self, index: int) -> datetime:
        return self._view.interaction(index).created_at

    def is_kept(self, index: int) -> bool:
        return self._view.interaction(index).keep

    def is_unseen(self, index: int, change: int) -> bool:
        return ref_of(self._view.text(index)) not in self._seen[self._news[change].locator]


@atexit.register
def _compact_all() -> None:
    """Compact what nobody has closed: a script that ends leaves no older copies behind."""
    for path, superseded in list(_not_compacted.values()):
        cassette = Cassette(Path(path), str)
        cassette._superseded = superseded
        with suppress(Exception):  # the file may be gone, or broken by now
            cassette.compact()


def _names_in(text: bytes) -> Iterator[bytes]:
    """All that can be the name of a body file, without its suffix."""
    for run in _HEXADECIMAL.findall(text.lower()):
        for start in range(len(run) - _OWN_NAME_LENGTH + 1):
            yield run[start : start + _OWN_NAME_LENGTH]


def _successors(ref: str, superseded: Mapping[str, str]) -> Iterator[str]:
    passed = {ref}
    while (ref := superseded.get(ref, "")) and ref not in passed:
        passed.add(ref)
        yield ref
