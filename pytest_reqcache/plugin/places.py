"""Where a suite is, and in which folders its cassettes lie."""

from __future__ import annotations

import glob
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .naming import UP

if TYPE_CHECKING:
    from .inventory import Inventory


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of cassettes, and the one of the modules whose tests have theirs in it; the rootdir, and all
    modules, where it is a ``cassette_dir`` (``deep``). ``patterns`` are those of test modules."""

    cassettes: Path
    modules: Path
    patterns: Sequence[str]
    deep: bool = False

    def module_of(self, cassette: Path) -> Path | None:
        """The test module whose tests' own cassettes lie where this one does; None for a named one."""
        folder = cassette.relative_to(self.cassettes).parent
        if not folder.parts:
            return None
        parts = (".." if self.deep and part == UP else part for part in folder.parts)
        return Path(os.path.normpath(self.modules.joinpath(*parts)) + ".py")

    def serves(self, module: Path) -> bool:
        """Whether the cassettes of that module lie here."""
        return self.deep or module.parent == self.modules

    def has_others(self, collected: Collection[Path]) -> bool:
        """Whether there may be tests for whose named cassettes this is the place, and that were not
        collected."""
        folders = {module.parent for module in collected if self.serves(module)}
        if folders:
            left_out = {file for folder in folders for file in folder.glob("*.py")} - {*collected}
            return any(file.match(pattern) for file in left_out for pattern in self.patterns)
        own = ("conftest.py", "__init__.py")
        return any(file.name not in own for file in self.modules.glob("*.py"))


def places(
    inventories: Sequence[Inventory],
    root: Path,
    cassette_dir: Path | None,
    config: pytest.Config,
) -> list[Place]:
    """Where cassettes may lie: in ``cassette_dir``, or else in every folder ``cassettes`` of the suite that
    pytest collects from, and beside its modules."""
    from ..cassette.finding import folders_named

    patterns: list[str] = config.getini("python_files")
    if cassette_dir is not None:
        return [Place(Path(os.path.realpath(cassette_dir)), root, patterns, deep=True)]
    pruned: list[str] = config.getini("norecursedirs")

    def is_entered(folder: Path) -> bool:
        return not any(fnmatch(folder.name, pattern) for pattern in pruned)

    found = {
        folder for base in suite_paths(config) for folder in folders_named("cassettes", base, is_entered)
    }
    modules = {module for each in inventories for module in (*each.modules, *each.skipped_modules)}
    found |= {folder for module in modules if (folder := (root / module).parent / "cassettes").is_dir()}
    return [
        Place(folder, folder.parent, patterns)
        for folder in sorted({Path(os.path.realpath(each)) for each in found})
    ]


def narrower_paths(config: pytest.Config) -> list[str]:
    """The arguments of the command line, where they leave out a part of ``testpaths`` or of the rootdir."""
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        return []
    here = config.invocation_params.dir
    given = [(here / arg).resolve() for arg in config.args]
    whole = [path for path in suite_paths(config) if not any(path.is_relative_to(base) for base in given)]
    return list(map(str, config.args)) if whole else []


def suite_paths(config: pytest.Config) -> list[Path]:
    """Where the whole suite is: ``testpaths``, or else the rootdir."""
    root = config.rootpath.resolve()
    patterns: list[str] = config.getini("testpaths")
    found = [Path(path) for pattern in patterns for path in glob.glob(str(root / pattern), recursive=True)]
    return [path.resolve() for path in found] or [root]
