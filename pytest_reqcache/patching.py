"""Reaching every session: ``install_cache`` and what the marker does.

Methods of ``requests.Session`` are replaced by trampolines, once. They stay: mock libraries save what
they find and put it back later, so a patch that is undone can come back. With nothing active they do
what the originals do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from os import PathLike
from types import FrameType
from typing import Any

import requests
from requests.adapters import BaseAdapter

from .adapters import CacheAdapter, Gate, GuardAdapter
from .cache import AnyRequest, Cache
from .engine import Engine, close_engine, open_engine
from .environment import merge_later
from .exchange import Exchange, exchange_under_way, joined_exchange, joining_hops, send_exchange
from .guard import Guard
from .session import CachedSession, CacheMixin
from .settings import SESSION_SETTINGS

_Session = requests.sessions.Session


@dataclass(slots=True)
class _Patches:
    """The state of the process: what the trampolines look at.

    ``tests`` are the engines of tests and their fixtures, by whom each is for, the one in force last: they
    need not end in the order in which they began.
    """

    installed: Engine | None = None
    session_class: type[requests.Session] | None = None
    tests: dict[object, Engine] = field(default_factory=dict)
    guard: Guard | None = None
    watch: Gate | None = None
    originals: dict[str, Callable[..., Any]] = field(default_factory=dict)

    @property
    def engine(self) -> Engine | None:
        tests = self.tests  # never changed in place: other threads may look at it
        engine = next(reversed(tests.values())) if tests else self.installed
        return engine if engine is not None and not engine.off else None


_patches = _Patches()


def _get_adapter(self: requests.Session, url: str) -> BaseAdapter:
    inner: BaseAdapter = _patches.originals["get_adapter"](self, url)
    if _patches.guard is not None:
        inner = GuardAdapter(inner, _patches.guard.send)
    if isinstance(self, CacheMixin):
        return inner
    engine, exchange = _patches.engine, exchange_under_way()
    if engine is not None and exchange is None and _asks_to_send(self, sys._getframe(1)):
        exchange = Exchange()  # each request of a `send` that is not ours is one of its own
    if engine is None or exchange is None:  # without one, code asks for its own ends, and may set something
        return inner if _patches.watch is None else GuardAdapter(inner, _patches.watch)
    return CacheAdapter(engine.transport, inner, exchange, mocks_first=engine.mocks_first)


def _asks_to_send(session: requests.Session, caller: FrameType) -> bool:
    """Whether an adapter is asked for by the `send` of `requests`, saved before ours came, or by another
    that was put in its place."""
    is_original = caller.f_globals is vars(requests.sessions)
    return is_original or caller.f_code is getattr(type(session).send, "__code__", None)


def _send(self: requests.Session, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
    original = _patches.originals["send"]
    engine = None if isinstance(self, CacheMixin) else _patches.engine
    if engine is None:
        return original(self, request, **kwargs)  # type: ignore[no-any-return]
    return send_exchange(self, partial(original, self), request, joined_exchange(self), engine.view, kwargs)


def _merge_environment_settings(self: requests.Session, *args: Any, **kwargs: Any) -> Any:
    original = partial(_patches.originals["merge_environment_settings"], self)
    if isinstance(self, CacheMixin) or _patches.engine is None:
        return original(*args, **kwargs)
    return merge_later(original, *args, **kwargs)


def _resolve_redirects(self: requests.Session, *args: Any, **kwargs: Any) -> Iterator[requests.Response]:
    responses = _patches.originals["resolve_redirects"](self, *args, **kwargs)
    if isinstance(self, CacheMixin) or _patches.engine is None:
        return responses  # type: ignore[no-any-return]
    return joining_hops(responses)


def ensure_trampolines() -> None:
    """Put the trampolines in their places, the first time over whatever stands there.

    Later what stands over them is left alone: a mock library that saved the trampoline calls it, and
    for us to call the mock in turn would never end. Only what is `requests`' own again, because such a
    library has put back what it saved before we came, is replaced once more.
    """
    for name, trampoline in (
        ("get_adapter", _get_adapter),
        ("send", _send),
        ("resolve_redirects", _resolve_redirects),
        ("merge_environment_settings", _merge_environment_settings),
    ):
        found = getattr(_Session, name)
        is_own = getattr(found, "__globals__", None) is vars(requests.sessions)  # a wrapper has but its name
        if found is not trampoline and (is_own or name not in _patches.originals):
            _patches.originals[name] = found
            setattr(_Session, name, trampoline)


# --- for the plugin


def put_on(engines: dict[object, Engine]) -> None:
    """Send what every session requests through the last of these engines, as long as that is in force."""
    ensure_trampolines()
    _patches.tests = {**_patches.tests, **engines}


def take_off(owner: object) -> dict[object, Engine]:
    """Take an engine away, and those put on after it; returns them all, to be put on again."""
    tests = _patches.tests
    owners = list(tests)
    place = owners.index(owner) if owner in owners else len(owners)
    _patches.tests = {each: tests[each] for each in owners[:place]}
    return {each: tests[each] for each in owners[place:]}


@contextmanager
def patched(engine: Engine) -> Iterator[None]:
    """Within it every session goes through the engine."""
    owner = object()
    put_on({owner: engine})
    try:
        yield
    finally:
        _patches.tests = {each: own for each, own in _patches.tests.items() if each is not owner}


@contextmanager
def watched(watch: Gate | None) -> Iterator[None]:
    """Within it what sessions without a cache send goes through ``watch``; with None, through nothing."""
    previous = set_watch(watch)
    try:
        yield
    finally:
        _patches.watch = previous


def set_watch(watch: Gate | None) -> Gate | None:
    """Send what sessions without a cache send through ``watch``; returns the one that was in place."""
    if watch is not None:
        ensure_trampolines()
    previous, _patches.watch = _patches.watch, watch
    return previous


def set_guard(guard: Guard | None) -> Guard | None:
    """Put the offline guard in place, or take it away; returns the one that was."""
    if guard is not None:
        ensure_trampolines()
    previous, _patches.guard = _patches.guard, guard
    return previous


def end_tests() -> None:
    """Take away whatever tests and their fixtures have put in place, but for the guard."""
    _patches.tests, _patches.watch = {}, None


def set_aside() -> Callable[[], None]:
    """Take away what a test has put in place, for a run within it; returns what puts it back, and the
    guard that stood."""
    tests, watch, guard = _patches.tests, _patches.watch, _patches.guard
    end_tests()

    def put_back() -> None:
        _patches.tests, _patches.watch, _patches.guard = tests, watch, guard

    return put_back


# --- for everybody


def install_cache(
    cache_name: str | PathLike[str] = "http_cache",
    *,
    session_factory: type[CachedSession] = CachedSession,
    **settings: Any,
) -> None:
    """Cache what every session of this process requests, those made before included.

    ``requests.Session`` becomes a class of sessions that share this cache, so that
    ``requests.get(url, expire_after=60)`` works. A cache installed before is replaced.

    Args:
        cache_name: path of the cassette, or ``":memory:"``.
        session_factory: the class of the sessions to make, for a subclass of your own.
        settings: as for :class:`~pytest_reqcache.CachedSession`.

    Raises:
        TypeError, ValueError: a setting is unknown, or its value is not accepted.
    """
    engine = _opened(cache_name, session_factory, settings)
    previous = _patches.installed
    _switch_to(engine, session_factory)
    if previous is not None:
        close_engine(previous)


def uninstall_cache() -> None:
    """Take an installed cache away and close it; without one, do nothing."""
    previous = _patches.installed
    _restore(None, None)
    if previous is not None:
        close_engine(previous)


@contextmanager
def enabled(
    cache_name: str | PathLike[str] = "http_cache",
    *,
    session_factory: type[CachedSession] = CachedSession,
    **settings: Any,
) -> Iterator[None]:
    """Within it a cache is installed; afterwards what was there before is again."""
    engine = _opened(cache_name, session_factory, settings)
    with _put_back(engine):
        _switch_to(engine, session_factory)
        yield


@contextmanager
def disabled() -> Iterator[None]:
    """Within it no cache is installed; afterwards what was there before is again."""
    with _put_back():
        _restore(None, None)
        yield


@contextmanager
def _put_back(own: Engine | None = None) -> Iterator[None]:
    """Afterwards what was installed before is again; its ``own`` engine, and what was installed within it,
    are closed."""
    before, session_class = _patches.installed, _patches.session_class
    try:
        yield
    finally:
        last = _patches.installed
        _restore(before, session_class)
        for engine in (own, last if last is not own else None):
            if engine is not None and engine is not before:
                close_engine(engine)


def is_installed() -> bool:
    """Whether a cache is installed."""
    return _patches.installed is not None


def get_cache() -> Cache | None:
    """The installed cache; None where there is none."""
    return None if _patches.installed is None else _patches.installed.cache(_Session())


def clear() -> None:
    """Remove everything from the installed cache; without one, do nothing."""
    cache = get_cache()
    if cache is not None:
        cache.clear()


def delete(
    *keys: str,
    expired: bool = False,
    older_than: float | str | timedelta | datetime | None = None,
    urls: Iterable[str] | None = None,
    requests: Iterable[AnyRequest] | None = None,
) -> None:
    """Remove from the installed cache what meets any condition, as
    :meth:`Cache.delete <pytest_reqcache.cache.Cache.delete>`; without one, do nothing."""
    cache = get_cache()
    if cache is not None:
        cache.delete(*keys, expired=expired, older_than=older_than, urls=urls, requests=requests)


def _opened(cache_name: str | PathLike[str], session_factory: object, settings: dict[str, object]) -> Engine:
    if not (isinstance(session_factory, type) and issubclass(session_factory, CacheMixin)):
        raise TypeError(f"session_factory={session_factory!r}: a subclass of CachedSession is accepted")
    return open_engine(cache_name, settings)


def _switch_to(engine: Engine, session_factory: type[CachedSession]) -> None:
    ensure_trampolines()
    shared, off = engine, replace(engine, off=1)

    class InstalledSession(session_factory):  # type: ignore[valid-type, misc]
        """A session on the cache that is installed: this one, or what has been put in its place."""

        _owns_engine = False

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            for name in [name for name in kwargs if name in SESSION_SETTINGS or name == "cache_name"]:
                del kwargs[name]
            super().__init__(":memory:", *args, **kwargs)

        def _make_engine(self, cache_name: str | PathLike[str], settings: dict[str, object]) -> Engine:
            return shared

        @property
        def _engine(self) -> Engine:
            return _patches.installed or _patches.engine or off

    _restore(engine, InstalledSession)


def _restore(engine: Engine | None, session_class: type[requests.Session] | None) -> None:
    _patches.installed, _patches.session_class = engine, session_class
    requests.Session = requests.sessions.Session = session_class or _Session  # type: ignore[misc]
