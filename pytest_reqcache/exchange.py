"""What a session's call consists of: an exchange, and in it each request on its way.

Below: how what is sent within a call, by hops, hooks and auth handlers, finds its exchange.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar, Token
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import requests
from requests.hooks import default_hooks, dispatch_hook

from .conversion import as_cached_response, copy_request, rewind, without_fields
from .identity import Asked
from .matching import CONDITIONAL_FIELDS
from .models import Interaction, RecordedRequest, RecordedResponse
from .settings import NO_OPTIONS, Options, Settings, SettingsView

#: Sends a request to the origin.
Forward = Callable[[requests.PreparedRequest], requests.Response]


@dataclass(slots=True)
class Exchange:
    """One call of a session: a request with its redirects.

    The hops of a chain are held back until it has ended, and dropped if it ends in an error. ``asked`` are
    the keys of its requests so far, ``followed`` the stored redirects that it was led by, ``at_stake`` the
    recordings that those held back are to replace, each with its request's name; it has ``ended`` with a
    response that leads nowhere, and is ``over`` when the caller has that. A probe looks whether there is a
    stored answer: that there is none is no miss. One that is ``led_nowhere`` is made behind a caller who
    would have followed its redirects.
    """

    options: Options = NO_OPTIONS
    owner: object = None
    follows_redirects: bool = False
    started: bool = False
    failed: bool = False
    ended: bool = False
    over: bool = False
    held: list[Callable[[], object]] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    followed: tuple[tuple[RecordedRequest, RecordedResponse], ...] = ()
    at_stake: tuple[tuple[str, Interaction], ...] = ()
    is_probe: bool = False
    led_nowhere: bool = False

    @property
    def has_failed_to_replace(self) -> bool:
        """Whether redirects have led from what is recorded to an error."""
        return self.failed and bool(self.at_stake)

    def end(self) -> None:
        """Store what was held back, if the chain has not ended in an error."""
        held, self.held = self.held, []
        if not self.failed:
            for store in held:
                store()


class Call(NamedTuple):
    """One request on its way: what stays the same all along it."""

    prepared: requests.PreparedRequest
    asked: Asked
    settings: Settings
    exchange: Exchange
    forward: Forward
    stream: bool
    connection: Any
    timeout: object

    @property
    def request(self) -> RecordedRequest:
        return self.asked.request

    @property
    def what(self) -> str:
        return self.asked.what

    @property
    def settings_now(self) -> Settings:
        """Its settings with what its exchange has come to accept since."""
        return self.exchange.options.applied_to(self.settings)

    def is_followed(self, response: requests.Response) -> bool:
        """Whether `requests` goes on to where the response leads."""
        return self.exchange.follows_redirects and response.is_redirect

    def behind(self) -> Call:
        """The call as it is made once more, behind the caller's back, to refresh what is stored: without the
        caller's own conditions and range, for the whole of it.

        What a test has recorded is the answer to just these, unless it obeys HTTP.
        """
        exchange = Exchange(self.exchange.options, led_nowhere=self.exchange.follows_redirects)
        call = self._replace(stream=False, exchange=exchange)
        headers = self.request.headers.without(*CONDITIONAL_FIELDS)
        is_http = self.settings.cache_control
        if headers == self.request.headers or (self.settings.in_test and not is_http):
            return call
        call = call._replace(prepared=without_fields(self.prepared, CONDITIONAL_FIELDS))
        if not is_http:  # they are part of what it is found by
            return call
        return call._replace(asked=self.asked._replace(request=replace(self.request, headers=headers)))


# --- what both a caching session and a patched one do around `send`

# The exchange that the call under way belongs to. It is set around one `send`, and taken away
# before the caller's hooks and auth handlers can make calls of their own within it.
_current: ContextVar[Exchange | None] = ContextVar("reqcache_exchange", default=None)
# What the next `send` of this context is to join: a hop its chain, a `request` its own options.
_joining: ContextVar[Exchange | None] = ContextVar("reqcache_joining", default=None)


def begin_call(session: requests.Session, options: Options) -> Token[Exchange | None]:
    """A session's ``request`` begins: the `send` that comes of it has these options."""
    return _joining.set(Exchange(options, owner=session))


def step_aside() -> Token[Exchange | None]:
    """Until ``end_call`` each `send` is a call by itself."""
    return _joining.set(None)


def end_call(begun: Token[Exchange | None]) -> None:
    """It has ended, however it did."""
    _joining.reset(begun)


def send_exchange(
    session: requests.Session,
    original: Callable[..., requests.Response],
    request: requests.PreparedRequest,
    joined: Exchange | None,
    view: SettingsView,
    kwargs: dict[str, Any],
) -> requests.Response:
    """Send a request as an exchange of its own, or as a hop of the one it joins."""
    exchange = joined or Exchange()
    is_hop = exchange.started
    exchange.started, exchange.owner = True, session
    if not is_hop:
        exchange.follows_redirects = bool(kwargs.get("allow_redirects", True))
    joining, current = _joining.set(None), _current.set(exchange)
    try:
        response = original(request, **kwargs)
    except BaseException as error:
        is_endless = isinstance(error, requests.TooManyRedirects)
        is_failure = is_endless or (isinstance(error, Exception) and exchange.has_failed_to_replace)
        # a hook of the caller's may raise when all is there
        exchange.failed |= is_endless or not exchange.ended
        stale = None
        if is_failure and not is_hop:
            stale = _stale_chain(session, original, request, exchange, view, kwargs)
        if stale is None:
            raise
        return stale
    finally:
        _current.reset(current)
        _joining.reset(joining)
        if not is_hop:
            exchange.over = True
            exchange.end()
    if not is_hop and exchange.has_failed_to_replace:
        stale = _stale_chain(session, original, request, exchange, view, kwargs)
        if stale is not None:
            response.close()
            return stale
    for hop in getattr(response, "history", None) or ():  # with the cache off they have not been ours
        as_cached_response(hop)
    return as_cached_response(response)


def joining_hops(responses: Iterator[requests.Response]) -> Iterator[requests.Response]:
    """The hops of a chain, each sent as part of the exchange that the chain belongs to."""
    exchange = _current.get()
    while True:
        token = _joining.set(exchange)
        try:
            response = next(responses)
        except StopIteration:
            return
        finally:
            _joining.reset(token)
        yield response


def joined_exchange(session: requests.Session) -> Exchange | None:
    """The exchange that a `send` of this session joins, if one is under way here.

    What is sent once more within a ``request``, after an error, has its options in an exchange of its own.
    """
    joining = _joining.get()
    if joining is None or joining.owner is not session:
        return None
    return Exchange(joining.options, owner=session) if joining.over else joining


def exchange_under_way() -> Exchange | None:
    """The exchange that an adapter is asked for."""
    return _current.get()


def _stale_chain(
    session: requests.Session,
    original: Callable[..., requests.Response],
    request: requests.PreparedRequest,
    failed: Exchange,
    view: SettingsView,
    kwargs: dict[str, Any],
) -> requests.Response | None:
    """The stored chain, where ``stale_if_error`` accepts it in place of one that ends in an error, or never:
    no single request of it tells that. The caller's hooks are not shown that there is none."""
    if not failed.options.applied_to(view.current).stale_if_error:
        return None
    options = replace(failed.options, only_if_cached=True, refresh=False, force_refresh=False)
    exchange = Exchange(options, owner=session, started=True, is_probe=True)
    token = _current.set(exchange)
    rewind(request)
    probe = copy_request(request)
    probe.hooks = default_hooks()
    try:
        response = original(probe, **kwargs)
    except requests.TooManyRedirects:
        return None
    finally:
        _current.reset(token)
    if not getattr(response, "from_cache", False):
        return None
    shown: requests.Response = dispatch_hook("response", request.hooks, response, **kwargs)  # type: ignore[no-untyped-call]
    return shown
