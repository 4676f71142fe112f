"""A cassette with all that works on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import requests

from .cache import Cache
from .cassette import Cassette, MemoryCassette
from .identity import Identity
from .journal import Journal, Miss
from .models import RecordedRequest
from .recording import SessionRecorder
from .settings import SESSION_SETTINGS, Settings, SettingsView, parse_settings
from .transport import Transport


@dataclass(slots=True)
class Engine:
    """A cassette with all that works on it: what a session, or every session of a test, shares."""

    transport: Transport
    view: SettingsView
    mocks_first: bool = False
    off: int = 0

    @property
    def journal(self) -> Journal:
        return self.transport.journal

    def cache(self, session: requests.Session | None = None) -> Cache:
        """What is stored; requests that are looked for are prepared as the session would, if there is one."""
        prepare = requests.Request.prepare if session is None else session.prepare_request
        return Cache(self.transport.recorder, lambda: self.view.current, prepare)


def open_engine(cache_name: str | PathLike[str], settings: dict[str, object]) -> Engine:
    """The engine of a session made by hand, on the cassette of that name.

    Raises:
        TypeError, ValueError: a setting is unknown or its value not accepted.
    """
    layer = parse_settings(settings, SESSION_SETTINGS)
    current = replace(Settings(), **layer)
    view = SettingsView(current, settings, SESSION_SETTINGS)
    identity = Identity(lambda: view.current)
    path = cassette_path(cache_name)
    cassette = (
        MemoryCassette(identity.locate, identity.terms, identity.keys)
        if path is None
        else Cassette(path, identity.locate, identity.locate_all, identity.terms, identity.keys)
    )
    recorder = SessionRecorder(cassette, identity, lambda: view.current)
    journal = Journal()
    transport = Transport(recorder, lambda: view.current, journal, _explain)
    return Engine(transport, view)


def cassette_path(cache_name: str | PathLike[str]) -> Path | None:
    """Where the cassette of that name is; None for ``":memory:"``. ``.yaml`` is added where there is
    no suffix, ``~`` is the user's home.

    Raises:
        TypeError, ValueError: it is no path of a file.
    """
    accepted = "a path as 'http_cache' or 'folder/cache.yaml' is accepted, or ':memory:'"
    if not isinstance(cache_name, str | PathLike):
        raise TypeError(f"cache_name={cache_name!r}: {accepted}")
    if str(cache_name) == ":memory:":
        return None
    try:
        path = Path(cache_name).expanduser()
    except RuntimeError as error:  # nobody knows whose home that is
        raise ValueError(f"cache_name={cache_name!r}: {error}; {accepted}") from None
    if not path.name or path.name == "..":
        raise ValueError(f"cache_name={cache_name!r} names no file: {accepted}")
    return path if path.suffix else path.with_name(f"{path.name}.yaml")


def _explain(miss: Miss, request: RecordedRequest) -> str:
    return f"{miss.method} {miss.url}: not cached: {miss.explain()}"


def close_engine(engine: Engine) -> None:
    """Wait for what runs behind, and tidy up the cassette."""
    engine.transport.end()
    settings = engine.view.current
    if settings.remove_expired and not settings.read_only:
        engine.cache().delete(expired=True)
    if isinstance(engine.transport.recorder, SessionRecorder):
        engine.transport.recorder.close()
