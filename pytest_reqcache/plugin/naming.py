"""Where a test's cassette is. Names are safe on every file system, and no two tests share one."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from contextlib import suppress
from pathlib import Path

import pytest

_UNSAFE = re.compile(r"[^A-Za-z0-9_.=,+@\[\]-]+")
_LONGEST = 120  # characters; file systems allow 255 bytes, and people like less
_DIGEST = 8
_LONGEST_PART = 230  # bytes; what is written beside a cassette has a longer name
_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]) *(?:\..*)?", re.IGNORECASE)

#: The names in a module or a class, by what they are in lower case: looked through once, not for each test.
_NAMES = pytest.StashKey[dict[str, list[str]]]()


def cassette_path(item: pytest.Item, name: str | None, cassette_dir: Path | None) -> Path:
    """The cassette of a test, or the named one that it shares.

    ``cassettes/<module>/<test>.yaml`` or ``cassettes/<name>.yaml`` beside the test module; below
    ``cassette_dir``, where there is one, with the module's path from the rootdir.
    """
    if name is not None:
        return named_cassette(item.path.parent, name, cassette_dir)
    if cassette_dir is None:
        base = item.path.parent / "cassettes" / item.path.stem
    else:
        base = cassette_dir / _from_root(item).with_suffix("")
    return base / f"{test_name(item)}.yaml"


def named_cassette(folder: Path, name: str, cassette_dir: Path | None) -> Path:
    """The cassette of that name: in ``cassettes`` in a folder of tests, or in ``cassette_dir``."""
    base = folder / "cassettes" if cassette_dir is None else cassette_dir
    name = name.replace("\\", "/")
    return base / (name if name.endswith((".yaml", ".yml")) else f"{name}.yaml")


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


def spelling(path: Path) -> str:
    """What two paths have in common that are one file where case makes no difference."""
    return unicodedata.normalize("NFC", str(path)).casefold()


def told_nodeid(item: pytest.Item) -> str:
    """A test's node id as pytest finds it by, where it was started: xdist adds a group to ``item.nodeid``."""
    whole = item.nodeid if item.parent is None else f"{item.parent.nodeid}::{item.name}"
    file, colons, rest = whole.partition("::")
    config = item.config
    with suppress(ValueError):  # it may be on another drive
        file = Path(os.path.relpath(config.rootpath / file, config.invocation_params.dir)).as_posix()
    return file + colons + rest


def test_name(item: pytest.Item) -> str:
    """The test's own name, its classes before it, as a file name."""
    classes = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
    return file_name(".".join([*classes, item.name]), unclear=_has_sibling_of_other_case(item))


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


test_name.__test__ = False  # type: ignore[attr-defined]


def _has_capitals_in_parameters(own: str) -> bool:
    """Whether another parameter may differ from this one in case alone."""
    parameters = own.partition("[")[2]
    return parameters != parameters.lower()


def _has_sibling_of_other_case(item: pytest.Item) -> bool:
    """Whether another test's name, with its classes, differs from this one's in case alone."""
    return any(
        node.parent is not None and _is_spelt_otherwise(node.name.partition("[")[0], node.parent)
        for node in item.listchain()
        if isinstance(node, pytest.Class) or node is item
    )


def _is_spelt_otherwise(own: str, parent: pytest.Collector | pytest.Item) -> bool:
    """Whether what a node collects from has a name that differs from this one in case alone."""
    names = parent.stash.get(_NAMES, None)
    if names is None:
        names = parent.stash[_NAMES] = {}
        for name in dir(getattr(parent, "obj", None)):
            names.setdefault(name.lower(), []).append(name)
    return any(other != own for other in names.get(own.lower(), ()))


def _from_root(item: pytest.Item) -> Path:
    try:
        return item.path.relative_to(item.config.rootpath)
    except ValueError:
        return Path(item.path.name)
