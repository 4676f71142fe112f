"""The ``reqcache`` marker: which tests have it, what it says, and what settings come of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .options import MARKER

if TYPE_CHECKING:
    from ..settings import Settings
    from .options import RunOptions


def markers_of(item: pytest.Item) -> Iterator[pytest.Mark]:
    """The test's markers, the closest first: those of its parameters, its function, its class, the classes
    that this is derived from, its module ...

    pytest itself has a function's before its parameters', and a base class's before a subclass's.
    """
    for node in item.iter_parents():
        marks = [mark for mark in node.own_markers if mark.name == MARKER]
        yield from _closest_first(node, marks) if len(marks) > 1 else marks


def _closest_first(node: Any, marks: list[pytest.Mark]) -> list[pytest.Mark]:
    """One node's markers; those that were added in code stay before all others, or behind them."""
    if isinstance(node, pytest.Class):
        stated = [vars(each).get("pytestmark", []) for each in node.obj.__mro__]
    elif hasattr(node, "callspec"):
        stated = [node.callspec.marks, getattr(node.obj, "pytestmark", [])]
    else:
        return marks
    distances: dict[int, int] = {}
    for distance, given in enumerate(stated):
        for mark in given if isinstance(given, list) else [given]:
            distances.setdefault(id(getattr(mark, "mark", mark)), distance)
    closest = iter(
        sorted(
            (mark for mark in marks if id(mark) in distances),
            key=lambda mark: distances[id(mark)],
        )
    )
    return [next(closest) if id(mark) in distances else mark for mark in marks]


def check_marks(item: pytest.Item) -> str | None:
    """What is wrong with the test's markers; None where nothing is."""
    for mark in markers_of(item):
        try:
            _layer(mark)
        except (TypeError, ValueError) as error:
            return f"{item.nodeid}: @pytest.mark.reqcache: {error}"
    return None


def other_spelling(
    item: pytest.Item, folder: Path | None, spellings: dict[str, tuple[Path, str]]
) -> str | None:
    """What is wrong with the name of a shared cassette, where another test spells it in another case.

    ``spellings`` are those of the tests before, to which the test's own is added.
    """
    name = cassette_name(item)
    if name is None:
        return None
    from ..names import spelling, where_they_differ
    from .naming import cassette_path

    path = cassette_path(item, name, folder)
    other, nodeid = spellings.setdefault(spelling(path), (path, item.nodeid))
    if path == other:
        return None
    here, there = where_they_differ(path, other)
    return (
        f"{item.nodeid}: @pytest.mark.reqcache: the cassette {here!r} is spelt {there!r} by "
        f"{nodeid}: on macOS and Windows that is one file, elsewhere it is two; spell it in one way"
    )


def cassette_name(item: pytest.Item) -> str | None:
    """The name of the cassette that the closest marker names; None for the test's own."""
    from ..names import check_name

    for mark in markers_of(item):
        name = mark.args[0] if mark.args else mark.kwargs.get("cassette")
        if name is not None:
            return check_name(name)
    return None


def settings_of(item: pytest.Item, config_layer: Mapping[str, Any], options: RunOptions) -> Settings:
    """The settings of a test: the one place where their precedence is laid down.

    Command line, then the closest marker, wider markers, ``reqcache_config``, ini, defaults.
    """
    marks = [_layer(mark) for mark in markers_of(item)]
    return merged(options, config_layer, *reversed(marks))


def merged(options: RunOptions, *layers: Mapping[str, Any]) -> Settings:
    """The settings that layers make, from the widest to the closest: the command line comes after all of
    them, the ini file before."""
    from ..settings import TEST_SETTINGS, merge

    return merge(TEST_SETTINGS, options.ini, *layers, options.command_line)


def refuses_requests(item: pytest.Item, config_layer: Mapping[str, Any]) -> bool:
    """Whether a test itself says ``only_if_cached``, whatever its run says."""
    from ..settings import TEST_SETTINGS, merge

    marks = [_layer(mark) for mark in markers_of(item)]
    return merge(TEST_SETTINGS, config_layer, *reversed(marks)).only_if_cached


def config_layer(given: object) -> dict[str, Any]:
    """What the ``reqcache_config`` fixture returned, checked.

    Raises:
        TypeError, ValueError: it is no mapping of settings.
    """
    from ..settings import CONFIG_SETTINGS, parse_settings

    if not isinstance(given, Mapping):
        raise TypeError(f"reqcache_config returned {given!r}: a dict of settings is accepted")
    return parse_settings(given, CONFIG_SETTINGS, where="reqcache_config: ", checked=True)


def _layer(mark: pytest.Mark) -> dict[str, Any]:
    from ..names import check_name
    from ..settings import MARKER_SETTINGS, parse_settings

    if len(mark.args) > 1:
        raise TypeError(f"{len(mark.args)} positional arguments: only the cassette's name is accepted")
    given = dict(mark.kwargs)
    if mark.args and "cassette" in given:
        both = f"{mark.args[0]!r} and cassette={given['cassette']!r}"
        raise TypeError(f"{both} name the cassette: one of them is accepted")
    name = mark.args[0] if mark.args else given.pop("cassette", None)
    if name is not None:
        check_name(name)
    return parse_settings(given, MARKER_SETTINGS, checked=True)
