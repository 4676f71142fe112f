"""Where the items of a cassette stand in its file: what both ways of looking for them bring back."""

from __future__ import annotations

import os
from array import array
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from .nodes import Node


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one state of a file from another."""

    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        return cls(status.st_ino, status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Torn:
    """The place of an unfinished last item, or of an unfinished step of several items."""

    offset: int
    line: int
    is_step: bool = False


@dataclass(slots=True)
class Layout:
    """Byte offsets, lines and fingerprints of the items, and which of them belong to a locator.

    An item's own text goes from its ``- `` to the end of its last line. What stands between two
    items, comments mostly, belongs to the later one; what stands before the first, to the head.
    """

    stamp: Stamp
    head_end: int
    starts: array[int] = field(default_factory=lambda: array("Q"))
    ends: array[int] = field(default_factory=lambda: array("Q"))
    lines: array[int] = field(default_factory=lambda: array("L"))
    prints: array[int] = field(default_factory=lambda: array("q"))
    locators: dict[Hashable, list[int]] = field(default_factory=dict)
    torn: Torn | None = None
    #: The line behind the last item, counted from 1.
    next_line: int = 1
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

    def add(self, start: int, text: bytes, line: int, locator: Hashable) -> None:
        """Note one more item, whose own text begins at ``start``."""
        self.locators.setdefault(locator, []).append(len(self.starts))
        self.starts.append(start)
        self.ends.append(start + len(text))
        self.lines.append(line)
        self.prints.append(hash(text))

    def grow(self, stamp: Stamp, texts: Sequence[bytes], locators: Sequence[Hashable]) -> None:
        """Note items that stand right behind the last one, to the end of the file."""
        for text, locator in zip(texts, locators, strict=True):
            self.add(self.end, text, self.next_line, locator)
            self.next_line += text.count(b"\n")
        self.stamp = stamp

    def at(self, locator: Hashable) -> list[int]:
        return self.locators.get(locator, [])

    def prints_at(self, locator: Hashable) -> frozenset[int]:
        return frozenset(self.prints[index] for index in self.at(locator))
