"""Names of cassettes that every file system takes."""

from __future__ import annotations

import difflib
import hashlib
import re
import unicodedata
from itertools import takewhile
from pathlib import Path

_UNSAFE = re.compile(r"[^A-Za-z0-9_.=,+@\[\]-]+")
_LONGEST = 120  # characters; file systems allow 255 bytes, and people like less
_DIGEST = 8
_LONGEST_PART = 230  # bytes; what is written beside a cassette has a longer name
_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]) *(?:\..*)?", re.IGNORECASE)


def check_name(name: object) -> str:
    """The name of a shared cassette, checked.

    Raises:
        ValueError: it is empty, absolute, leads out of the cassettes' folder, or is no file's name on some
            system: a suite that is recorded on one is replayed on the others.
    """
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"{name!r} is no cassette name: a text as 'weather' or 'api/weather' is accepted")
    parts = re.split(r"[\\/]", name)
    if ".." in parts or parts[0] == "" or re.match(r"[A-Za-z]:", name):
        raise ValueError(
            f"{name!r} leads out of the cassettes' folder: a relative name as 'api/weather' is accepted"
        )
    for part in parts:
        if wrong := _what_is_wrong(part):
            raise ValueError(f"{name!r} {wrong}: for a cassette 'weather' or 'api/weather' is accepted")
    return name


def _what_is_wrong(part: str) -> str | None:
    """Why a file system does not take a part of a name; None where every one does."""
    if part in ("", "."):
        return "has an empty part"
    if found := _FORBIDDEN.search(part):
        return f"has {found[0]!r} in it, which Windows does not allow"
    if not part.isprintable():
        return "has a character in it that cannot be printed"
    if part != part.rstrip(". "):
        return "has a part that ends with a dot or a space, which Windows drops"
    if _RESERVED.fullmatch(part):
        return f"has the part {part!r}, which is a device on Windows"
    size = len(part.encode("utf-8", "surrogateescape"))
    if size > _LONGEST_PART:
        return f"has a part of {size} bytes in UTF-8, and no file system takes many more than {_LONGEST_PART}"
    return None


def spelling(path: Path | str) -> str:
    """What two paths have in common that are one file where case makes no difference."""
    return unicodedata.normalize("NFC", str(path).casefold())


def where_they_differ(one: Path, other: Path) -> tuple[str, str]:
    """Two paths, each from the first part on in which they differ."""
    pairs = zip(one.parts, other.parts, strict=False)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return "/".join(one.parts[shared:]), "/".join(other.parts[shared:])


def unlikeness(one: Path, other: Path) -> tuple[bool, bool, float]:
    """How little the names of two cassettes are alike: what is less comes first."""
    ratio = difflib.SequenceMatcher(None, one.stem, other.stem, autojunk=False).ratio()
    return one.stem != other.stem, one.parent != other.parent, -ratio


def file_name(own: str, *, unclear: bool = False) -> str:
    """A test's own name as a file name; with a hash where it alone could be another test's, too.

    ``unclear`` says that it could be for reasons that the name does not show.
    """
    safe = _UNSAFE.sub("-", own).strip(". ")
    if _RESERVED.fullmatch(safe):
        safe = f"_{safe}"
    if safe == own and len(own) <= _LONGEST and not unclear and not _has_capitals_in_parameters(own):
        return safe
    digest = hashlib.blake2b(own.encode("utf-8", "surrogateescape"), digest_size=_DIGEST // 2).hexdigest()
    return f"{safe[:_LONGEST].rstrip('. -')}-{digest}"


def _has_capitals_in_parameters(own: str) -> bool:
    """Whether another parameter may differ from this one in case alone."""
    parameters = own.partition("[")[2]
    return parameters != parameters.lower()
