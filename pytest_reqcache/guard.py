"""The offline guard: with it in place, nothing leaves the machine through `requests`."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.utils import select_proxy

from .conversion import not_cached
from .exchange import Forward
from .redaction import DEFAULT_RULES, Rules, masked_url


@dataclass(slots=True)
class Guard:
    """Refuses what is sent while a run is offline.

    ``is_open`` tells of a URL whether a test's settings let it pass; None where no test that uses the
    cache is under way: then loopback is left alone. ``source`` is the name of what asked for the offline
    run. ``refused`` counts what was stopped, by request, with the secrets masked that ``rules`` tell;
    ``untold`` says what to do about that, as long as nobody has taken it.
    """

    is_open: Callable[[str], bool | None]
    source: str
    rules: Rules = DEFAULT_RULES
    refused: dict[str, int] = field(default_factory=dict)
    untold: dict[str, None] = field(default_factory=dict)

    def send(
        self, request: requests.PreparedRequest, forward: Forward, arguments: dict[str, Any], connection: Any
    ) -> requests.Response:
        """The response to a request that may pass; else a 504, as for any answer that is not cached."""
        if self.lets_pass(request, arguments.get("proxies") or {}):
            return forward(request)
        url = masked_url(request.url or "", self.rules)
        what = f"{request.method} {url}"
        self.refused[what] = self.refused.get(what, 0) + 1
        explanation = (
            f"{what}: not requested: this run is offline ({self.source}); "
            "the marker records what a test requests, cached_session_factory what fixtures of wider scope "
            "do; hosts that are to be reached all the same stand in reqcache_passthrough"
        )
        self.untold[explanation] = None
        return not_cached(request, connection, explanation, url, stream=bool(arguments.get("stream")))

    def take_untold(self) -> list[str]:
        """What was stopped since it was last taken, as it is told."""
        taken, self.untold = self.untold, {}
        return list(taken)

    def lets_pass(self, request: requests.PreparedRequest, proxies: dict[str, str]) -> bool:
        url = request.url or ""
        decided = self.is_open(url)
        if decided is not None:
            return decided
        return is_loopback(url) and not select_proxy(url, proxies)


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine, told by its name or address alone."""
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
