"""The transport adapters that stand before the mounted one: the cache, and the offline guard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests
from requests.adapters import BaseAdapter

from . import mocks
from .exchange import Exchange, Forward
from .transport import Transport

#: Answers a request that no mock has answered, or sends it with the ``Forward``; then come the arguments of
#: ``HTTPAdapter.send`` and the adapter that was asked.
Gate = Callable[[requests.PreparedRequest, Forward, dict[str, Any], Any], requests.Response]


class WrappingAdapter(BaseAdapter):
    """Stands before a mounted adapter, and seems to be it: what is set is set on that, and its every other
    attribute shown, its class included.

    With ``mocks_first`` a library that mocks is asked before we are.
    """

    _inner: BaseAdapter
    _mocks_first: bool
    #: The inner adapter's methods that were replaced by way of this one: who replaces ours calls it still.
    _replaced: dict[str, Callable[..., Any]]

    def __init__(self, inner: BaseAdapter, *, mocks_first: bool, **own: object) -> None:
        super().__init__()
        vars(self).update(own, _inner=inner, _mocks_first=mocks_first, _replaced={})

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        arguments = {"stream": stream, "timeout": timeout, "verify": verify, "cert": cert, "proxies": proxies}
        mounted = self._mounted()
        if self._mocks_first and mocks.is_mock(mounted):
            return mounted.send(request, **arguments)
        if self._mocks_first and mocks.are_active(mounted):
            return mocks.ask_first(
                mounted, request, arguments, lambda forward: self._through(request, forward, arguments)
            )
        inner = self._replaced.get("send") or self._inner.send
        return self.answer(request, lambda outgoing: inner(outgoing, **arguments), arguments)

    def _mounted(self) -> BaseAdapter:
        """The adapter below everything that stands before it."""
        return self._inner._mounted() if isinstance(self._inner, WrappingAdapter) else self._inner

    def _through(
        self, request: requests.PreparedRequest, forward: Forward, arguments: dict[str, Any]
    ) -> requests.Response:
        """As :meth:`answer`, for a request that the mounted adapter is not to be asked for again: what
        every adapter down to it lets pass goes on with ``forward``."""
        inner = self._inner
        if isinstance(inner, WrappingAdapter):
            return self.answer(request, lambda going: inner._through(going, forward, arguments), arguments)
        return self.answer(request, forward, arguments)

    def answer(
        self, request: requests.PreparedRequest, forward: Forward, arguments: dict[str, Any]
    ) -> requests.Response:
        """The response to a request that no mock has answered."""
        raise NotImplementedError

    def close(self) -> None:
        (self._replaced.get("close") or self._inner.close)()

    @property  # type: ignore[misc]
    def __class__(self) -> type[BaseAdapter]:  # type: ignore[override]
        """For ``isinstance``: what is mounted is asked for with ``get_adapter``, or with ``connection``."""
        inner = self.__dict__.get("_inner")
        return WrappingAdapter if inner is None else inner.__class__

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_inner" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self._inner, name)

    def __setattr__(self, name: str, value: object) -> None:
        if name in ("send", "close"):  # which this has, too: they are read where they were set
            self._replaced.setdefault(name, getattr(self._inner, name))
            vars(self)[name] = value
        setattr(self._inner, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._inner, name)
        self._replaced.pop(name, None)
        vars(self).pop(name, None)

    def __eq__(self, other: object) -> bool:
        is_wrapped = issubclass(type(other), WrappingAdapter)
        return bool(self._inner == (vars(other)["_inner"] if is_wrapped else other))

    def __hash__(self) -> int:
        return hash(self._inner)


class CacheAdapter(WrappingAdapter):
    """Answers from the cache where it may."""

    _transport: Transport
    _exchange: Exchange

    def __init__(
        self, transport: Transport, inner: BaseAdapter, exchange: Exchange, *, mocks_first: bool
    ) -> None:
        super().__init__(inner, mocks_first=mocks_first, _transport=transport, _exchange=exchange)

    def answer(
        self, request: requests.PreparedRequest, forward: Forward, arguments: dict[str, Any]
    ) -> requests.Response:
        return self._transport.send(
            request,
            self._exchange,
            forward,
            stream=bool(arguments["stream"]),
            timeout=arguments["timeout"],
            connection=self,
        )


class GuardAdapter(WrappingAdapter):
    """Sends only what the guard lets pass."""

    _guarded: Gate

    def __init__(self, inner: BaseAdapter, guarded: Gate) -> None:
        super().__init__(inner, mocks_first=True, _guarded=guarded)

    def answer(
        self, request: requests.PreparedRequest, forward: Forward, arguments: dict[str, Any]
    ) -> requests.Response:
        return self._guarded(request, forward, arguments, self)
