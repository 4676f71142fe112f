"""Keeping up with a cassette's file: which items are in it now, and what they say."""

from __future__ import annotations

import hashlib
import os
import warnings
from bisect import bisect
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from io import FileIO
from pathlib import Path
from typing import BinaryIO, TypeVar

from ..kin import Keys, Kin
from ..models import Interaction, RecordedResponse, Source
from . import general, reading
from .errors import CassetteError, TornTailWarning
from .layout import Layout, Stamp
from .locking import Lock
from .nodes import NodeError, UnknownAliasError, decoded, read_item
from .scan import Locate, Unsure, scan, scan_further
from .writing import HEADER

_Result = TypeVar("_Result")

#: How much of a file, at least, is read to count its lines: the next one asked for is mostly in it, too.
_COUNTED_AT_ONCE = 16 * 1024

#: In bytes, a request's body that may be kept in memory, to be compared again.
_LARGEST_KEPT = 8 * 1024

_TORN_ITEM = (
    "the last interaction was cut off while it was written: it has no created_at line (if that was lost by "
    "an edit, add it again). It is ignored, and the next recording moves it to"
)
_TORN_STEP = (
    "what one test recorded was cut off while it was written. All of it is ignored, and the next recording "
    "moves it to"
)


class Changed(Exception):
    """The file is not what it was when it was looked through: look again."""


class View:
    """A cassette's open file, or none, and the places of its items."""

    def __init__(self, index: Index, file: BinaryIO | None, layout: Layout) -> None:
        self._index = index
        self.file = file
        self.layout = layout
        self._refs: tuple[Layout, dict[str, list[int]]] | None = None

    def __enter__(self) -> View:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is read of it any more."""
        if self.file is not None:
            self.file.close()

    def __len__(self) -> int:
        return len(self.layout)

    def text(self, number: int) -> bytes:
        """The text of an item."""
        start = self.layout.starts[number]
        return self._read(start, self.layout.ends[number] - start)

    def line(self, number: int) -> int:
        """The line where an item begins. Lines are counted once, as far as they are asked for.

        Raises Changed.
        """
        lines, starts = self.layout.lines, self.layout.starts
        while len(lines) <= number:
            at, line = (starts[len(lines) - 1], lines[-1]) if lines else (0, 1)
            text = self._read(at, max(_COUNTED_AT_ONCE, starts[len(lines)] - at))
            counted = 0
            for start in starts[len(lines) : bisect(starts, at + len(text))]:
                line += text.count(b"\n", counted, start - at)
                counted = start - at
                lines.append(line)
            if not counted:
                raise Changed
        return lines[number]

    def _read(self, start: int, size: int) -> bytes:
        assert self.file is not None
        self.file.seek(start)
        return self.file.read(size)

    def interaction(self, number: int, locator: Hashable | None = None) -> Interaction:
        """What an item says. A caller who knows its locator spares us asking for it.

        Raises NodeError, and Changed where it is for another URL than when the file was looked through.
        """
        text = self.text(number)
        if self.layout.scanned and not text.endswith(b"\n") and number < len(self) - 1:
            raise Changed
        source = self.source(number, text)
        found = self._index.known.get(source.ref)
        if found is None:
            found = self._parsed(number, text, source, locator)
        if hash(found.request.url) != self.layout.urls[number]:
            raise Changed
        return found if found.source == source else replace(found, source=source)

    def outline(self, number: int, locator: Hashable | None = None) -> Interaction:
        """What an item says, but for its response, of which it has the status alone. Raises as
        :meth:`interaction`."""
        found = self.layout.outlines.get(number)
        if found is None:
            whole = self.interaction(number, locator)
            found = replace(whole, response=RecordedResponse(whole.response.status))
            if len(whole.request.body or b"") <= _LARGEST_KEPT:
                self.layout.outlines[number] = found
        return found

    def of_key(self, locator: Hashable, key: Hashable, keys: Keys) -> Sequence[int]:
        """The items with that locator and key. Where only one has the locator it is not read for its key, and
        may have another."""
        numbers = self.layout.at(locator)
        if len(numbers) < 2:
            return numbers
        kin = self.layout.kin.setdefault(locator, Kin())
        return kin.of(key, keys.terms(), numbers, lambda number: keys.of(self.outline(number, locator)))

    def source(self, number: int, text: bytes) -> Source:
        """Where an item with that text stands."""
        return Source(self._index.path, self.layout.starts[number], ref_of(text))

    def _parsed(self, number: int, text: bytes, source: Source, locator: Hashable | None) -> Interaction:
        node = self.layout.nodes.get(number)
        if node is not None:
            found = reading.interaction(node, self._index.folder, source)
        else:
            found = self._alone(number, text, source)
        self._index.note(source.ref, self._index.locate(found.request.url) if locator is None else locator)
        return found

    def _alone(self, number: int, text: bytes, source: Source) -> Interaction:
        """What an item's text says by itself. Lines are counted where there is something to say of one."""
        try:
            return self._index.interaction(text, 1, source)
        except NodeError:
            line = self.line(number)
        try:
            return self._index.interaction(text, line, source)
        except NodeError as error:
            if self.layout.block_form is not None and error.line == line:
                error.column = None  # an item of a flow list begins anywhere in its line
            raise

    def read(self, text: bytes) -> Interaction | None:
        """What a text would say that stood as an item in the file; None where it makes no sense."""
        with suppress(NodeError):
            return self._index.interaction(text, 1, Source(self._index.path, 0, ""))
        return None

    def find(self, source: Source) -> int | None:
        """The item that stands there; where none does any more, another with the same text."""
        number = bisect(self.layout.starts, source.place) - 1
        if number >= 0 and source == self.source(number, self.text(number)):
            return number
        return next(iter(self.with_ref(source.ref)), None)

    def with_ref(self, ref: str) -> list[int]:
        """The items with that text: one, or several that are equal."""
        locator = self._index.locator_of(ref)
        if locator is None:
            return self._by_ref().get(ref, [])
        return self.refs_at(locator).get(ref, [])

    def _by_ref(self) -> dict[str, list[int]]:
        """All items by the refs of their texts: read once, for refs of which nothing else is known."""
        if self._refs is None or self._refs[0] is not self.layout:
            refs: dict[str, list[int]] = {}
            for number in range(len(self)):
                refs.setdefault(ref_of(self.text(number)), []).append(number)
            self._refs = self.layout, refs
        return self._refs[1]

    def refs_at(self, locator: Hashable) -> Mapping[str, list[int]]:
        """The items with that locator by the refs of their texts, each of which is read once."""
        numbers = self.layout.at(locator)
        refs, count = self.layout.refs.get(locator, ({}, 0))
        for number in numbers[count:]:
            refs.setdefault(ref_of(self.text(number)), []).append(number)
        self.layout.refs[locator] = refs, len(numbers)
        return refs


class _Known:
    """Interactions that were parsed, by the text that they were parsed from: the latest, of a few MB in all.

    The text says all, so that this is never out of date; a body in a file is no part of the text.
    """

    _MOST, _LARGEST = 4 * 1024 * 1024, 64 * 1024  # bytes of text

    def __init__(self) -> None:
        self._by_ref: dict[str, tuple[int, Interaction]] = {}
        self._size = 0

    def get(self, ref: str) -> Interaction | None:
        found = self._by_ref.get(ref)
        return None if found is None else found[1]

    def keep(self, ref: str, text: bytes, interaction: Interaction) -> None:
        if len(text) > self._LARGEST or ref in self._by_ref:
            return
        self._by_ref[ref] = len(text), interaction
        self._size += len(text)
        while self._size > self._MOST:
            size, _ = self._by_ref.pop(next(iter(self._by_ref)))
            self._size -= size

    def clear(self) -> None:
        self._by_ref.clear()
        self._size = 0


class Index:
    """The layout of a cassette's file, brought up to date whenever the file has changed."""

    def __init__(self, path: Path, locate: Callable[[str], Hashable], locate_all: Locate) -> None:
        self.path = path
        self.locate = locate
        self._locate_all = locate_all
        self.layout: Layout | None = None
        self.absolute = os.path.abspath(path)
        self.known = _Known()
        self._locators: dict[str, Hashable] = {}
        self._warned_of: tuple[int, int] | None = None

    @cached_property
    def real_path(self) -> Path:
        """Where the file really is: a symbolic link's target is what is locked and replaced."""
        return Path(os.path.realpath(self.absolute))

    def folder(self) -> Path:
        """Where the cassette's body files are."""
        return self.real_path.with_suffix(".bodies")

    @cached_property
    def lock(self) -> Lock:
        return Lock(self.real_path)

    def follow_links(self) -> None:
        """Look again where the file is, if that may be elsewhere now."""
        if "real_path" not in self.__dict__:
            return  # nobody has looked yet: who only reads has no need to
        with suppress(OSError):
            if os.path.samefile(self.absolute, self.real_path):
                return
        if Path(os.path.realpath(self.absolute)) != self.real_path:
            del self.real_path
            self.__dict__.pop("lock", None)
            self.layout = None

    def interaction(self, text: bytes, line: int, source: Source) -> Interaction:
        """What an item says that stands in that line. Raises NodeError."""
        asked_for: list[Path] = []

        def folder() -> Path:
            asked_for.append(self.folder())
            return asked_for[-1]

        found = reading.interaction(read_item(decoded(text, line), line), folder, source)
        if source.ref and not asked_for:
            self.known.keep(source.ref, text, found)
        return found

    def note(self, ref: str, locator: Hashable) -> None:
        self._locators[ref] = locator

    def drop(self, refs: Iterable[str]) -> None:
        """There are no such items any more."""
        for ref in refs:
            self._locators.pop(ref, None)

    def locator_of(self, ref: str) -> Hashable | None:
        """The locator of an item that was read here; None where it was not."""
        return self._locators.get(ref)

    def refs_read_at(self, locator: Hashable) -> frozenset[str]:
        """The refs of the items with that locator that were read here."""
        return frozenset(ref for ref, at in self._locators.items() if at == locator)

    def refs_read(self) -> frozenset[str]:
        """The refs of all items that were read here."""
        return frozenset(self._locators)

    def forget(self) -> None:
        self.layout = None
        self._locators.clear()
        self.known.clear()

    def view(self, holds_lock: bool = False) -> View:
        """The file as it is now. Raises NodeError where it is no cassette."""
        try:
            # Who reads alone spares himself the way along the links. Tests that make requests replace `open`.
            file = FileIO(self.real_path if holds_lock else self.absolute)
        except FileNotFoundError:
            self.layout = None
            return View(self, None, Layout(Stamp(0, 0, 0), head_end=0, block_form=(HEADER, b"")))
        except OSError:
            if not os.path.isdir(self.absolute):
                raise
            raise CassetteError(
                self.path, None, "this is a folder; a cassette is a file: give its name"
            ) from None
        try:
            return View(self, file, self._up_to_date(file, holds_lock))
        except BaseException:
            file.close()
            raise

    def take(self, view: View, read: Callable[[View], _Result]) -> _Result:
        """What ``read`` makes of a view, whose file is parsed as a whole if an item makes no sense."""
        try:
            return read(view)
        except NodeError:
            if not self._is_current(view.layout):
                raise Changed from None
            if not view.layout.scanned or view.file is None:
                raise
        # The scan may have cut the item in the wrong places.
        view.layout = self._parsed(view.file, view.layout.stamp)
        return read(view)

    def look_for_aliases(self, view: View) -> None:
        """Parse the whole file, if it has not been: the aliases in it are known then."""
        if view.layout.scanned and view.file is not None:
            view.layout = self._parsed(view.file, view.layout.stamp)

    def note_appended(
        self,
        layout: Layout,
        beginning: bytes,
        texts: Sequence[bytes],
        urls: Sequence[str],
        locators: Sequence[Hashable],
        now: Stamp,
    ) -> None:
        """What was written behind a file of that layout, ``beginning`` and items, need not be looked for."""
        start, self.layout = layout.stamp.size, None
        if now.size != start + len(beginning) + sum(map(len, texts)):
            return
        if not start:
            layout = Layout(now, head_end=len(beginning))
        elif not layout.scanned or beginning or layout.end != start:
            return
        layout.grow(now, texts, urls, locators)
        self.layout = layout

    def check(self, layout: Layout) -> None:
        """Raises Changed where the file is not the one that was looked through."""
        if not self._is_current(layout):
            raise Changed

    def _is_current(self, layout: Layout) -> bool:
        try:
            return Stamp.of(os.stat(self.real_path)) == layout.stamp
        except FileNotFoundError:
            return False

    def _up_to_date(self, file: BinaryIO, holds_lock: bool) -> Layout:
        stamp = Stamp.of(os.fstat(file.fileno()))
        if self.layout is not None and self.layout.stamp == stamp:
            return self.layout
        if not holds_lock:
            self.follow_links()
        layout = self._looked_through(file, stamp)
        if layout.torn is not None and not holds_lock:
            # Another process may be in the middle of its write.
            with self.lock.held():
                layout = self._looked_through(file, Stamp.of(os.fstat(file.fileno())))
        self._warn_if_torn(layout)
        return layout

    def _looked_through(self, file: BinaryIO, stamp: Stamp) -> Layout:
        known, self.layout = self.layout, None
        try:
            if known is not None and _has_only_grown(file, known, stamp):
                known.forget_items()  # what stands further up may have been edited, too
                scan_further(known, file, stamp, self._locate_all)
                self.layout = known
            else:
                self.layout = scan(file, stamp, self._locate_all)
        except Unsure:
            return self._parsed(file, stamp)
        return self.layout

    def _parsed(self, file: BinaryIO, stamp: Stamp) -> Layout:
        self.layout = None
        try:
            self.layout = general.lay_out(file, stamp, self._locate_all)
        except NodeError as error:
            raise self._error_in_item(file, stamp, error.line) or error from None
        return self.layout

    def _error_in_item(self, file: BinaryIO, stamp: Stamp, last_line: int) -> NodeError | None:
        """What is wrong in an item above the line where the parser of the whole file gave up.

        That may be far below: a quote that is not closed goes on to the next one.
        """
        for text, line in general.item_texts(file, stamp):
            try:
                self.interaction(text, line, Source(self.path, 0, ""))
            except UnknownAliasError:
                continue
            except NodeError as error:
                return error if error.line < last_line else None
        return None

    def _warn_if_torn(self, layout: Layout) -> None:
        if layout.torn is None or self._warned_of == (layout.stamp.inode, layout.torn.offset):
            return
        self._warned_of = (layout.stamp.inode, layout.torn.offset)
        what = _TORN_STEP if layout.torn.is_step else _TORN_ITEM
        warnings.warn(
            f"{self.path}:{layout.torn.line}: {what} {self.path.name}.torn",
            TornTailWarning,
            stacklevel=2,
        )


def ref_of(text: bytes) -> str:
    """The name of an item with that text."""
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _has_only_grown(file: BinaryIO, known: Layout, stamp: Stamp) -> bool:
    if not (
        known.scanned and len(known) and known.stamp.inode == stamp.inode and known.stamp.size < stamp.size
    ):
        return False
    start = known.starts[-1]
    file.seek(start)
    return hash(file.read(known.ends[-1] - start)) == known.last
