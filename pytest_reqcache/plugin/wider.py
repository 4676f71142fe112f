"""Fixtures of wider scope than a test: what they request is no test's, whichever test comes first."""

from __future__ import annotations

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


def _folder(run: Run, fixturedef: pytest.FixtureDef[Any]) -> Path:
    """The folder of the file that defines a fixture."""
    path = run.root / fixturedef.baseid.partition("::")[0]
    return path.parent if path.suffix == ".py" else path
