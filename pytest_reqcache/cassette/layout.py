"""Where the items of a cassette stand in its file: what both ways of looking for them bring back."""

from __future__ import annotations

import os
from array import array
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..kin import Kin
from ..models import Interaction
from .nodes import Node


class Stamp(NamedTuple):
    """What tells one state of a file from another."""

    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        return cls(status.st_ino, status.st_size, status.st_mtime_ns)


class Torn(NamedTuple):
    """The place of an unfinished last item, or of an unfinished step of several items."""

    offset: int
    line: int
    is_step: bool = False


@dataclass(frozen=True, slots=True)
class Places:
    """Where the own texts of some items begin and end, and the URLs that they are for."""

    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)

    def add(self, start: int, end: int, url: str) -> None:
        self.starts.append(start)
        self.ends.append(end)
        self.urls.append(url)


@dataclass(slots=True)
class Layout:
    """Byte offsets of the items, and which of them belong to a locator.

    An item's own text goes from its ``- `` to the end of its last line. What stands between two
    items, comments mostly, belongs to the later one; what stands before the first, to the head.
    """

    stamp: Stamp
    head_end: int
    starts: array[int] = field(default_factory=lambda: array("Q"))
    ends: array[int] = field(default_factory=lambda: array("Q"))
    #: The hash of each item's URL: an item that is read has to be for the URL that it was found for.
    urls: array[int] = field(default_factory=lambda: array("q"))
    #: Where the items begin, as far as lines have been counted: who scans a file does not count them.
    lines: array[int] = field(default_factory=lambda: array("L"))
    #: The items of each locator: mostly one, whose number then stands alone.
    locators: dict[Hashable, int | list[int]] = field(default_factory=dict)
    #: The items of each ``key``, as far as items have been read for theirs: who scans a file does not.
    keys: dict[str | None, list[int]] = field(default_factory=dict)
    keyed: int = 0
    #: By locator the items of each ref, and how many of the locator's have been read for theirs.
    refs: dict[Hashable, tuple[dict[str, list[int]], int]] = field(default_factory=dict)
    #: By number what has been read of items, but for their responses.
    outlines: dict[int, Interaction] = field(default_factory=dict)
    #: By locator the numbers of its items by their keys, where it has several.
    kin: dict[Hashable, Kin[int]] = field(default_factory=dict)
    torn: Torn | None = None
    #: The hash of the last item's text: a file in which it still stands has only grown.
    last: int = 0
    #: True for what the scan found, False for what the general way did.
    scanned: bool = True
    #: How far the list is indented, and how lines end.
    column: int = 0
    newline: bytes = b"\n"
    #: For a file whose list is not in block form: what goes before and behind its items once it is.
    block_form: tuple[bytes, bytes] | None = None
    #: Whether items can be added at the end of the file.
    appendable: bool = True
    #: Items that only make sense with the rest of the file, because of aliases.
    nodes: dict[int, Node] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def end(self) -> int:
        """Behind the last item, or behind the head."""
        return self.ends[-1] if self.ends else self.head_end

    def add(self, places: Places, locators: Iterable[Hashable]) -> None:
        """Note more items, each with the locator of its URL."""
        for number, locator in enumerate(locators, len(self.starts)):
            known = self.locators.setdefault(locator, number)
            if isinstance(known, list):
                known.append(number)
            elif known != number:
                self.locators[locator] = [known, number]
        self.starts.fromlist(places.starts)
        self.ends.fromlist(places.ends)
        self.urls.fromlist(list(map(hash, places.urls)))

    def grow(
        self, stamp: Stamp, texts: Sequence[bytes], urls: Sequence[str], locators: Iterable[Hashable]
    ) -> None:
        """Note items that stand right behind the last one, to the end of the file."""
        places = Places()
        for text, url in zip(texts, urls, strict=True):
            start = places.ends[-1] if places.ends else self.end
            places.add(start, start + len(text), url)
        self.add(places, locators)
        self.last = hash(texts[-1])
        self.stamp = stamp

    def forget_items(self) -> None:
        """What was read of items may be of before."""
        for read in (self.refs, self.outlines, self.kin):
            read.clear()

    def at(self, locator: Hashable) -> Sequence[int]:
        """The items with that locator, in the file's order."""
        found = self.locators.get(locator, ())
        return (found,) if isinstance(found, int) else found
