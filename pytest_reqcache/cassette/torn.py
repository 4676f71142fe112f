"""Whether the end of a file is the beginning of what we write: a recording that was cut off.

One write is not atomic when the process is killed, and a block that is cut off is still valid YAML.
So an item is whole only with its last line, ``created_at``. A tail without it is *torn* if we could
have written it; else it is somebody's edit, and an error.

A step of several items is whole only as a whole: it begins with ``UNFINISHED`` while it is written.
"""

from __future__ import annotations

import re

from .nodes import NodeError, read_item
from .storing import FINISHED, UNFINISHED
from .writing import HEADER, scalar_line

_BODY = (
    *(b"    style:", b"    encoding:", b"    line_ends:"),
    *(b"    json:", b"    text:", b"    base64:", b"    file:"),
)

#: How the lines of an item begin, in the order in which we write them.
_SKELETON = (
    *(FINISHED, b"    method:", b"    url:", b"    headers:", *_BODY),
    *(b"  response:", b"    status:", b"    headers:", *_BODY),
    *(b"  answer:", b"  expires:", b"  keep:", b"  key:", b"  created_at:"),
)
_REQUIRED = frozenset(
    {FINISHED, b"    method:", b"    url:", b"  response:", b"    status:", b"  created_at:"}
)
_NO_VALUE = frozenset({FINISHED, b"  response:", b"    headers:"})
_HOLD_LINES = frozenset({b"    headers:"})
_BODY_TEXTS = frozenset({b"    json:", b"    text:", b"    base64:"})
_OTHERS = {
    b"    status:": re.compile(rb" [0-9]+"),
    b"  answer:": re.compile(rb" [0-9]+"),
    b"  expires:": re.compile(rb" (?:never|[0-9T:.-]+Z)"),
    b"  keep:": re.compile(rb" true"),
    b"  created_at:": re.compile(rb" [0-9T:.-]+Z"),
}

# With the Z it would be whole.
_CUT_LAST_LINE = re.compile(rb"  created_at: [0-9T:.-]*")

_BLOCK = re.compile(rb" \|2?[-+]?")
_INDENT, _LIST_INDENT = b"      ", b"    - "


def is_torn_head(text: bytes) -> bool:
    """Whether a whole file is the beginning of a new cassette's first lines, and not all of them."""
    return len(text) < len(HEADER) and HEADER.startswith(text)


def begins_torn_step(text: bytes) -> bool:
    """Whether a text begins with the mark of an unfinished step, or is what a cut left of the mark."""
    return text.startswith(UNFINISHED) or (len(text) > 1 and UNFINISHED.startswith(text))


def is_torn_item(text: bytes) -> bool:
    """Whether a text, from an item's ``- `` on, is the beginning of one as we write it, and not all of it."""
    *whole, last = text.split(b"\n")
    place, inside = 0, b""
    for line in whole:
        if inside and _is_inside(line, inside):
            continue
        begins = next((begins for begins in _expected(place) if line.startswith(begins)), None)
        if begins is None or not _is_written_so(line, begins):
            return False
        place = _SKELETON.index(begins, place) + 1
        if place == len(_SKELETON):
            return False
        goes_on = _BLOCK.fullmatch(line[len(begins) :]) or (begins in _BODY_TEXTS and line.endswith(b"\\"))
        inside = begins if begins in _HOLD_LINES or goes_on else b""
    if inside and (_is_inside(last, inside) or _INDENT.startswith(last)):
        return True
    return any(begins.startswith(last) or _may_become(last, begins) for begins in _expected(place))


def _is_inside(line: bytes, begins: bytes) -> bool:
    """Whether a line belongs to the headers or the block above it."""
    if begins in _HOLD_LINES:
        return line.startswith((_INDENT, _LIST_INDENT)) or line == _LIST_INDENT[:-1]
    return not line or line.startswith(_INDENT)


def _expected(place: int) -> tuple[bytes, ...]:
    """What the next line of the skeleton may begin with: up to the first that may not be left out."""
    for end in range(place, len(_SKELETON)):
        if _SKELETON[end] in _REQUIRED:
            return _SKELETON[place : end + 1]
    return ()


def _may_become(last: bytes, begins: bytes) -> bool:
    """Whether a line may be what is left of one of the skeleton, cut within its value."""
    if begins == _SKELETON[-1]:
        return _CUT_LAST_LINE.fullmatch(last) is not None
    return begins not in _NO_VALUE and last.startswith(begins + b" ")


def _is_written_so(line: bytes, begins: bytes) -> bool:
    """Whether a whole line of the skeleton has a value as we write it."""
    value = line[len(begins) :]
    if begins in _NO_VALUE:
        return value == b""
    if begins in _OTHERS and _OTHERS[begins].fullmatch(value) is not None:
        return True
    if begins in _BODY_TEXTS:
        return _BLOCK.fullmatch(value) is not None or value.startswith(b' "')
    try:
        fields = read_item(line.decode(), 1).value
    except (NodeError, UnicodeDecodeError):
        return False
    if not isinstance(fields, dict) or len(fields) != 1:
        return False
    [(key, node)] = fields.items()
    indent = len(line) - len(line.lstrip(b" "))
    return isinstance(node.value, str) and line + b"\n" == scalar_line(key, node.value, indent)
