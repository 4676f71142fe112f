"""What the ``reqcache`` fixture gives."""

from __future__ import annotations

from requests import Session

from ..cache import Cache
from ..engine import Engine
from ..journal import Journal
from ..settings import SettingsView


class Reqcache:
    """The test's cassette, its settings, and counts.

    Attributes:
        replayed, recorded, revalidated, stale, missed: how many answers came from the cassette, were
            recorded, were confirmed by the origin, were expired but used, were missing.
        requests: how many requests went to an origin.
    """

    __slots__ = ("_engine",)  # a setting that is assigned here, and not to `settings`, is a mistake

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def cassette(self) -> Cache:
        """What is stored in the cassette; ``cassette.path`` is its file."""
        return self._engine.cache(Session())

    @property
    def settings(self) -> SettingsView:
        """The test's settings; assign one, and it holds from then on, for what is recorded too."""
        return self._engine.view

    @property
    def _journal(self) -> Journal:
        return self._engine.journal

    @property
    def replayed(self) -> int:
        return self._journal.replayed

    @property
    def recorded(self) -> int:
        return self._journal.recorded

    @property
    def revalidated(self) -> int:
        return self._journal.revalidated

    @property
    def stale(self) -> int:
        return self._journal.stale

    @property
    def missed(self) -> int:
        return self._journal.missed

    @property
    def requests(self) -> int:
        return self._journal.requests

    def __repr__(self) -> str:
        counts = f"{self.replayed} replayed, {self.recorded} recorded, {self.missed} missed"
        return f"<reqcache {self.cassette.path}: {counts}>"
