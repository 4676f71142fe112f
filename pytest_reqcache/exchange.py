"""What a session's call consists of: an exchange, and in it each request on its way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import requests

from .conversion import without_fields
from .identity import Asked
from .matching import CONDITIONAL_FIELDS
from .models import RecordedRequest
from .settings import NO_OPTIONS, Options, Settings

#: Sends a request to the origin.
Forward = Callable[[requests.PreparedRequest], requests.Response]


@dataclass(slots=True)
class Exchange:
    """One call of a session: a request with its redirects.

    The hops of a chain are held back until it has ended, and dropped if it ends in an error. ``asked`` are
    the keys of its requests so far.
    """

    options: Options = NO_OPTIONS
    owner: object = None
    follows_redirects: bool = False
    started: bool = False
    failed: bool = False
    held: list[Callable[[], object]] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

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

    @property
    def request(self) -> RecordedRequest:
        return self.asked.request

    @property
    def what(self) -> str:
        """The request in a log or a report, with nothing secret in it."""
        return f"{self.request.method} {self.asked.masked.request.url}"

    def is_followed(self, response: requests.Response) -> bool:
        """Whether `requests` goes on to where the response leads."""
        return self.exchange.follows_redirects and response.is_redirect

    def behind(self) -> Call:
        """The call as it is made once more, behind the caller's back, to refresh what is stored: without the
        caller's own conditions and range, for the whole of it.

        What a test has recorded is the answer to just these, unless it obeys HTTP.
        """
        call = self._replace(stream=False, exchange=Exchange(self.exchange.options))
        headers = self.request.headers.without(*CONDITIONAL_FIELDS)
        is_http = self.settings.cache_control
        if headers == self.request.headers or (self.settings.in_test and not is_http):
            return call
        call = call._replace(prepared=without_fields(self.prepared, CONDITIONAL_FIELDS))
        if not is_http:  # they are part of what it is found by
            return call
        return call._replace(asked=self.asked._replace(request=replace(self.request, headers=headers)))
