"""Fixtures of wider scope than a test: what they request is no test's, whichever test comes first."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from .. import patching
from ..session import CachedSession, session_on
from .running import keep_wider, resume, settle_wider, suspend, watch_for, wider_engine
from .state import Run


class CachedSessionFactory:
    """Makes sessions whose recordings are committed when the set-up of the fixture that made them has
    succeeded; what is recorded with them later, at the end of the run at the latest."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __call__(self, name: str, **settings: Any) -> CachedSession:
        """A session on the cassette of that name; settings as for the marker.

        Raises:
            TypeError, ValueError: the name or a setting is not accepted.
        """
        return session_on(wider_engine(self._run, name, settings))

    @contextmanager
    def patched(self, name: str, **settings: Any) -> Iterator[None]:
        """Within it every session goes through the cassette of that name."""
        with patching.patched(wider_engine(self._run, name, settings)):
            yield


@contextmanager
def set_up(run: Run, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> Iterator[None]:
    """Around the set-up of one such fixture; for its tear-down the same is done.

    Another one that is set up within it is a part of it.
    """
    tearing_down = ExitStack()
    request.addfinalizer(tearing_down.close)  # finalizers run in reverse: this is the last of them
    outermost = not run.fixture_folders
    if outermost:
        keep_wider(run)
    try:
        with _set_aside(run, fixturedef, fixturedef.argname):
            yield
    except BaseException:
        if outermost:
            settle_wider(run, good=False)
        raise
    else:
        settle_wider(run, good=True)
    finally:
        who = f"teardown of {fixturedef.argname}"
        request.addfinalizer(lambda: tearing_down.enter_context(_set_aside(run, fixturedef, who)))


@contextmanager
def _set_aside(run: Run, fixturedef: pytest.FixtureDef[Any], who: str) -> Iterator[None]:
    """Within it the cassette of the test under way is not in place; what is requested is told of ``who``."""
    running = suspend(run)
    run.fixture_folders.append(_folder(run, fixturedef))
    try:
        with patching.watched(watch_for(run, who)):
            yield
    finally:
        run.fixture_folders.pop()
        resume(run, running)
        if run.guard is not None:
            run.refused_of[fixturedef.baseid, fixturedef.argname] = run.guard.take_untold()


def _folder(run: Run, fixturedef: pytest.FixtureDef[Any]) -> Path:
    """The folder of the conftest file or test module that has a fixture, or of the module of the suite that
    defines it; the rootdir for a plugin's."""
    has_it = run.root / fixturedef.baseid.partition("::")[0]
    if fixturedef.baseid and has_it.exists():  # it is from the rootdir only where that is above the tests
        return has_it.parent if has_it.suffix == ".py" else has_it
    try:
        file = Path(inspect.getfile(inspect.unwrap(fixturedef.func)))
    except TypeError:  # it is called, and no function
        return run.root
    if not fixturedef.baseid and _is_in_root_conftest(run, fixturedef):
        return run.root
    if fixturedef.baseid or file.name == "conftest.py" or _is_of_the_suite(file, run):
        return file.parent
    return run.root


def _is_in_root_conftest(run: Run, fixturedef: pytest.FixtureDef[Any]) -> bool:
    """Whether the rootdir's conftest file has it, if it only imports it: it is told by no ``baseid``."""
    conftest = run.config.pluginmanager.get_plugin(str(run.root / "conftest.py"))
    return fixturedef.argname in vars(conftest) if conftest is not None else False


def _is_of_the_suite(file: Path, run: Run) -> bool:
    bases = (run.root, run.config.invocation_params.dir)
    return any(file.is_relative_to(base) for base in bases) and "site-packages" not in file.parts
