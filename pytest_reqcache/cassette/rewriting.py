"""The bytes of a cassette after a change: what did not change keeps its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import BinaryIO

from ..models import Interaction
from .layout import Layout
from .nodes import NodeError
from .writing import closing_lines

_LIST_KEY = re.compile(rb"""^[ ]*(["']?interactions["']?[ ]*:)""", re.MULTILINE)
# A value in its line; not one with an anchor or a tag, an alias, or the header of a block.
_VALUE = rb"(?![&*!|>#])\S+(?:[ ]+(?!#)\S+)*"
_CREATED_AT = re.compile(
    rb"(?P<above>.*\n)(?P<indent>[ ]+)created_at: " + _VALUE + rb"(?P<rest>[ ]*(?:[ ]#[^\n]*)?\r?\n.*)",
    re.DOTALL,
)
_EXPIRES = rb"(?m)^%%bexpires: %b[ ]*\r?\n\Z" % _VALUE


def spliced(
    file: BinaryIO, layout: Layout, texts: Mapping[int, bytes | int | None], added: Sequence[bytes]
) -> Iterator[bytes]:
    """The whole new file: ``texts`` for the items that change, ``placed`` (None: removed; a number: the text
    of that item, as it stands in the file), ``added`` behind the last.

    The comments before an item go with it where it is removed, and stay where it is replaced.
    """
    head, tail = _surroundings(file, layout)
    is_flow = layout.block_form is not None
    if not added and all(texts.get(index, b"") is None for index in range(len(layout))):
        yield _with_empty_list(head)
        yield tail
        return
    yield head
    last, behind = b"\n", layout.head_end
    for index in range(len(layout)):
        text = texts.get(index, index)
        if text is not None:
            between = _bytes(file, behind, layout.starts[index])
            if is_flow:
                between = own_lines_of_comments(between, layout.column, layout.newline)
            written = text if isinstance(text, bytes) else _kept(file, text, layout)
            yield (b"" if last == b"\n" else layout.newline) + between + written
            last = written[-1:]
        behind = layout.ends[index]
    for new in added:
        yield (b"" if last == b"\n" else layout.newline) + new
        last = b"\n"
    yield (layout.newline if tail and last != b"\n" else b"") + tail


def before_appended(file: BinaryIO | None, layout: Layout) -> bytes:
    """What has to stand between the end of a file and items that are added there."""
    if layout.block_form is not None:
        return layout.block_form[0]
    size = layout.stamp.size
    last = _bytes(file, size - 1, size) if file is not None and size else b"\n"
    return b"" if last == b"\n" else layout.newline


def changes_by_appending(file: BinaryIO | None, layout: Layout) -> bool:
    """Whether more than what is added becomes another text where something is."""
    return not layout.appendable or before_appended(file, layout) != b""


def retouched(text: bytes, old: Interaction, new: Interaction, layout: Layout) -> bytes | None:
    """An item's own text with other times; None if more than the times is new, or they stand oddly. Whether
    it says what it is to say is seen when it is read."""
    if replace(old, created_at=new.created_at, expires=new.expires) != new:
        return None
    found = _CREATED_AT.fullmatch(text)
    if found is None:
        return None
    above = re.sub(_EXPIRES % found["indent"], b"", found["above"])
    if (above == found["above"]) != (old.expires is None):
        return None
    expires, created_at = (
        line.replace(b"  ", found["indent"], 1).replace(b"\n", layout.newline) for line in closing_lines(new)
    )
    return above + expires + created_at.removesuffix(layout.newline) + found["rest"]


def _surroundings(file: BinaryIO, layout: Layout) -> tuple[bytes, bytes]:
    if layout.block_form is not None:
        return layout.block_form
    end = layout.stamp.size if layout.torn is None else layout.torn.offset
    return _bytes(file, 0, layout.head_end), _bytes(file, layout.end, end)


def own_lines_of_comments(gap: bytes, column: int, newline: bytes) -> bytes:
    """The comments between two items of a flow list, as they stand in a block: those in the first one's line
    are indented as its keys are, and belong to it."""
    lines = [line.partition(b"#") for line in gap.splitlines()]
    return b"".join(
        b" " * (column if number else column + 2) + mark + text.rstrip() + newline
        for number, (_, mark, text) in enumerate(lines)
        if mark
    )


def _with_empty_list(head: bytes) -> bytes:
    keys = list(_LIST_KEY.finditer(head))
    if not keys:
        line = head.rstrip().count(b"\n") + 1
        raise NodeError(line, "the key of the list is not written 'interactions:'; write it so, to empty it")
    end = keys[-1].end()
    return head[:end] + b" []" + head[end:]


def placed(text: bytes, layout: Layout) -> bytes:
    """A text of ours, indented as the file's list is."""
    if layout.column:
        indent = b" " * layout.column
        text = b"".join(indent + line if line != b"\n" else line for line in text.splitlines(keepends=True))
    return text.replace(b"\n", layout.newline) if layout.newline != b"\n" else text


def _kept(file: BinaryIO, index: int, layout: Layout) -> bytes:
    """The text of an item as it stands in the file, but in block form."""
    text = _bytes(file, layout.starts[index], layout.ends[index])
    if layout.block_form is None:
        return text
    return b" " * layout.column + b"- " + text.strip() + layout.newline


def _bytes(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(end - start)
