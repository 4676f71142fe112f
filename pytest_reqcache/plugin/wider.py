"""Fixtures of wider scope than a test: what they request is no test's, whichever test comes first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .. import patching
from ..session import CachedSession, session_on
from .running import resume, settle_wider, suspend, watch_for, wider_engine
from .state import Run


class CachedSessionFactory:
    """Makes sessions whose recordings are committed when the set-up of the fixture that made them has
    succeeded; what is recorded with them later, at the end of the run."""

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
        with patching.patched(wider_engine(self._run, name, settings)), patching.watched(None):
            yield


@contextmanager
def set_up(run: Run, fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
    """Around the set-up of one such fixture. One that is set up within it is a part of it."""
    outermost = not run.fixture_folders
    if outermost:
        settle_wider(run, good=True)  # what was recorded before stays if this one fails
    running = suspend(run)
    run.fixture_folders.append(_folder(run, fixturedef))
    try:
        with patching.watched(watch_for(run, fixturedef.argname)):
            yield
    except BaseException:
        if outermost:
            settle_wider(run, good=False)
        raise
    else:
        settle_wider(run, good=True)
    finally:
        run.fixture_folders.pop()
        resume(run, running)


def _folder(run: Run, fixturedef: pytest.FixtureDef[Any]) -> Path:
    """The folder of the file that defines a fixture."""
    path = run.root / fixturedef.baseid.partition("::")[0]
    return path.parent if path.suffix == ".py" else path
