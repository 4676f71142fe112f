"""Where a test's cassette is. Names are safe on every file system, and no two tests share one."""

from __future__ import annotations

import inspect
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ..names import file_name

#: What stands for ``..`` below a ``cassette_dir``, for modules that are not below the rootdir.
UP = "__"

#: The names in a module or a class, by what they are in lower case: looked through once, not for each test.
_NAMES = pytest.StashKey[dict[str, list[str]]]()


def cassette_path(item: pytest.Item, name: str | None, cassette_dir: Path | None) -> Path:
    """The cassette of a test, or the named one that it shares.

    ``cassettes/<module>/<test>.yaml`` or ``cassettes/<name>.yaml`` beside the test module; below
    ``cassette_dir``, where there is one, with the module's path from the rootdir (``__`` for ``..``).
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


def with_bodies(cassette: Path) -> str:
    """What is to be moved with a cassette, as the end of a sentence that says to move it."""
    bodies = cassette.with_suffix(".bodies")
    return f", and {bodies.name} beside it" if bodies.exists() else ""


def told_nodeid(item: pytest.Item) -> str:
    """A test's node id as pytest finds it by, where it was started: xdist adds a group to ``item.nodeid``."""
    whole = item.nodeid if item.parent is None else f"{item.parent.nodeid}::{item.name}"
    _, colons, rest = whole.partition("::")  # the file is from the rootdir only where that is above it
    file = item.path
    with suppress(ValueError):  # it may be on another drive
        file = Path(os.path.relpath(file, item.config.invocation_params.dir))
    return file.as_posix() + colons + rest


def test_name(item: pytest.Item) -> str:
    """The test's own name, its classes before it, as a file name."""
    classes = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
    return file_name(".".join([*classes, item.name]), unclear=_has_sibling_of_other_case(item))


test_name.__test__ = False  # type: ignore[attr-defined]


def _has_sibling_of_other_case(item: pytest.Item) -> bool:
    """Whether another test's name, with its classes, differs from this one's in case alone."""
    return any(
        node.parent is not None and _is_spelt_otherwise(node.name.partition("[")[0], node.parent)
        for node in item.listchain()
        if isinstance(node, pytest.Class) or node is item
    )


def _is_spelt_otherwise(own: str, parent: pytest.Collector | pytest.Item) -> bool:
    """Whether what a node collects from has a test, or a class, whose name differs from this one in case
    alone: a constant or a fixture may."""
    names = parent.stash.get(_NAMES, None)
    if names is None:
        names = parent.stash[_NAMES] = {}
        for name in dir(getattr(parent, "obj", None)):
            names.setdefault(name.lower(), []).append(name)
    others = [other for other in names.get(own.lower(), ()) if other != own]
    return any(_may_be_collected(other, parent) for other in others)


def _may_be_collected(name: str, parent: Any) -> bool:
    found = getattr(parent.obj, name, None)
    return inspect.isclass(found) or parent.istestfunction(found, name)


def _from_root(item: pytest.Item) -> Path:
    root = item.config.rootpath
    with suppress(ValueError):
        return item.path.relative_to(root)
    with suppress(ValueError):  # it may be on another drive
        outside = Path(os.path.relpath(os.path.realpath(item.path), os.path.realpath(root)))
        return Path(*(UP if part == ".." else part for part in outside.parts))
    return Path(item.path.name)
