"""``CachedSession``: a `requests` session with a cassette behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike
from typing import Any

import requests
from requests.adapters import BaseAdapter

from .adapters import CacheAdapter
from .cache import Cache
from .engine import Engine, close_engine, open_engine
from .environment import merge_later
from .exchange import (
    Exchange,
    begin_call,
    end_call,
    exchange_under_way,
    joined_exchange,
    joining_hops,
    send_exchange,
    step_aside,
)
from .expiration import ExpireAfter
from .settings import (
    NO_OPTIONS,
    OPTION_NAMES,
    SESSION_SETTINGS,
    SettingsView,
    parse_options,
    refused_option,
    unknown_setting,
)

#: The class itself: its name in `requests` may stand for a cached one later on.
_Session = requests.sessions.Session


class CacheMixin(requests.Session):
    """Adds a cache to any subclass of ``requests.Session``: ``class Mine(CacheMixin, Theirs)``.

    Arguments are those of :class:`CachedSession`; unknown ones go to the other base class.
    """

    _opened: Engine
    _owns_engine: bool = True
    _off: int = 0

    def __init__(self, cache_name: str | PathLike[str] = "http_cache", *args: Any, **kwargs: Any) -> None:
        settings = {name: kwargs.pop(name) for name in list(kwargs) if name in SESSION_SETTINGS}
        base = type(self).__mro__[type(self).__mro__.index(CacheMixin) + 1]
        if base.__module__.startswith("requests."):  # nobody is left who could know them
            if kwargs:
                raise TypeError(unknown_setting(next(iter(kwargs)), SESSION_SETTINGS))
            if args:
                raise TypeError(
                    f"{type(self).__name__}: {args[0]!r} was given besides the cassette's path, the one "
                    "positional argument that is accepted; leave it out: there are no backends"
                )
        self._opened = self._make_engine(cache_name, settings)
        super().__init__(*args, **kwargs)

    def _make_engine(self, cache_name: str | PathLike[str], settings: dict[str, object]) -> Engine:
        return open_engine(cache_name, settings)

    @property
    def _engine(self) -> Engine:
        return self._opened

    # --- the cache

    @property
    def cache(self) -> Cache:
        """What is stored: see :class:`~pytest_reqcache.cache.Cache`."""
        return self._engine.cache(self)

    @property
    def settings(self) -> SettingsView:
        """The settings; assign one, and it holds for what is requested from then on."""
        return self._engine.view

    @property
    def expire_after(self) -> Any:
        """The same as ``settings.expire_after``."""
        return self.settings.expire_after

    @expire_after.setter
    def expire_after(self, value: ExpireAfter) -> None:
        self.settings.expire_after = value

    @contextmanager
    def cache_disabled(self) -> Iterator[None]:
        """Within it the cache is neither read nor written: whatever its options, a request is sent."""
        engine = self._engine
        engine.off += 1
        self._off += 1  # what is installed may be another one within it
        try:
            yield
        finally:
            self._off -= 1
            engine.off -= 1

    # --- requests

    def request(self, method: str, url: Any, *args: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        """As ``requests.Session.request``, with the options of one call besides.

        Args:
            expire_after: when what this call stores expires; any expiry value, None for not given.
            refresh: revalidate what is stored, or fetch it anew where that cannot be done.
            force_refresh: fetch it anew.
            only_if_cached: make no request; what is missing or expired is answered with a 504.
            stale_if_error, stale_while_revalidate: as the settings, for this call.

        Raises:
            TypeError, ValueError: an option is not of an accepted form; before anything is sent.
        """
        given = {name: kwargs.pop(name) for name in list(kwargs) if name in OPTION_NAMES}
        begun = begin_call(self, parse_options(**given) if given else NO_OPTIONS)
        try:
            return super().request(method, url, *args, **kwargs)
        except TypeError as error:
            told = refused_option(error, kwargs)
            if told is None:
                raise
            raise TypeError(told) from None
        finally:
            end_call(begun)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """As ``requests.Session.send``, with the options of :meth:`request`."""
        given = {name: kwargs.pop(name) for name in list(kwargs) if name in OPTION_NAMES}
        joined = Exchange(parse_options(**given)) if given else joined_exchange(self)
        return send_exchange(self, super().send, request, joined, self._engine.view, kwargs)

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        begun = step_aside()  # an auth object may send requests of its own
        try:
            return super().prepare_request(request)
        finally:
            end_call(begun)

    def merge_environment_settings(self, *args: Any, **kwargs: Any) -> Any:
        inherited = super().merge_environment_settings
        if getattr(inherited, "__func__", None) is _Session.merge_environment_settings:
            return merge_later(inherited, *args, **kwargs)
        return inherited(*args, **kwargs)  # another class's may choose by the URL

    def resolve_redirects(self, *args: Any, **kwargs: Any) -> Iterator[requests.Response]:
        return joining_hops(super().resolve_redirects(*args, **kwargs))

    @property
    def get_adapter(self) -> Callable[..., BaseAdapter]:
        """The adapter for a URL, behind the cache. A data descriptor: mock libraries set an attribute of
        this name on sessions, which must not hide it."""
        return self._adapter_behind_cache

    @get_adapter.setter
    def get_adapter(self, function: Callable[..., BaseAdapter]) -> None:
        if getattr(function, "__func__", None) is CacheMixin._adapter_behind_cache:
            del self.get_adapter  # a mock library puts back what it found here
        else:
            self.__dict__["_inner_get_adapter"] = function

    @get_adapter.deleter
    def get_adapter(self) -> None:
        self.__dict__.pop("_inner_get_adapter", None)

    def _adapter_behind_cache(self, url: str) -> BaseAdapter:
        inner = self.__dict__.get("_inner_get_adapter") or super().get_adapter
        adapter: BaseAdapter = inner(url=url)
        engine, exchange = self._engine, exchange_under_way()
        if engine.off or self._off or exchange is None:
            return adapter
        return CacheAdapter(engine.transport, adapter, exchange, mocks_first=engine.mocks_first)

    def close(self) -> None:
        """Wait for background refreshes, tidy up the cassette, close the connections."""
        super().close()
        if self._owns_engine:
            close_engine(self._engine)

    def __getstate__(self) -> Any:
        raise TypeError(
            f"a {type(self).__name__} cannot be pickled: it holds an open cassette; make one in each process"
        )


class CachedSession(CacheMixin):
    """A ``requests.Session`` whose answers are kept in a YAML cassette.

    Args:
        cache_name: path of the cassette; ``.yaml`` is added where it has no suffix. ``":memory:"``
            keeps nothing on disk.
        expire_after: how long a response is good for: seconds, a ``timedelta``, a ``datetime``, a
            text as ``"30d"``, or one of the special values. None: for ever.
        urls_expire_after: a mapping of URL patterns to such values; the first that matches counts.
        cache_control: obey the caching fields of responses (RFC 9111).
        stale_if_error: use an expired response where it cannot be refreshed (RFC 5861 section 4):
            True, or how long after its expiry.
        stale_while_revalidate: answer with an expired response at once, and refresh it in the
            background (RFC 5861 section 3): True, or how long after its expiry.
        always_revalidate: revalidate before each use what has a validator.
        only_if_cached: make no request; answer 504 instead (RFC 9111 section 5.2.1.7).
        allowable_codes, allowable_methods: what is stored: by default status 200 and redirects, GET
            and HEAD.
        ignored_parameters: names of query and body parameters and headers that are not matched, and
            whose values are not stored.
        match_headers: request headers that must match: names, or True for all.
        allowed_secrets: names of environment variables and of token shapes (``"jwt"``) that may be
            stored; a response with another of them is not, with a :class:`SecretWarning`.
        filter_fn: called with a response; false says that it is not to be stored or used.
        key_fn: called with a request, and with ``ignored_parameters``, ``match_headers``, ``cache_control``
            and ``expire_after`` as keywords: ``key_fn(request, **settings)``; returns its key.
        read_only: store and remove nothing, but for what ``session.cache`` is told to.
        passthrough: URL patterns that are no part of the cache.
        remove_expired: remove what has expired when the session closes.

    Raises:
        TypeError, ValueError: a setting is unknown, or its value is not accepted.
    """

    @classmethod
    def wrap(
        cls, session: requests.Session, cache_name: str | PathLike[str] = "http_cache", **settings: Any
    ) -> CachedSession:
        """A cached session with the headers, auth, cookies, adapters ... of another."""
        if not isinstance(session, _Session):
            raise TypeError(
                f"{session!r} is no requests.Session; the session that is to be wrapped goes first"
            )
        wrapped = cls(cache_name, **settings)
        own = {"_owns_engine", "_off", "_inner_get_adapter"}
        taken = {*wrapped.__dict__, *own} - set(session.__attrs__)
        wrapped.__dict__.update(
            {name: value for name, value in session.__dict__.items() if name not in taken}
        )
        return wrapped


def session_on(engine: Engine) -> CachedSession:
    """A session on an engine that others use too: closing the session leaves it open."""
    session = CachedSession.__new__(CachedSession)
    session._opened, session._owns_engine = engine, False
    _Session.__init__(session)
    return session
