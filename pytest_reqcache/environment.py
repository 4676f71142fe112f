"""The environment's proxies, looked up only for what is sent.

`requests` looks for them before each request, which takes about a third of what it does in all; a request
that is answered from a cassette needs none.
"""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any


class Proxies(UserDict[str, str]):
    """A mapping of schemes to proxies that is made when it is first looked at."""

    def __init__(self, make: Callable[[], Mapping[str, str]]) -> None:
        self._make = make

    @cached_property
    def data(self) -> dict[str, str]:  # type: ignore[override]
        return dict(self._make())

    def copy(self) -> dict[str, str]:  # type: ignore[override]
        """A plain dictionary of them."""
        return self.data.copy()

    __copy__ = copy  # type: ignore[assignment]

    def __reduce__(self) -> tuple[type, tuple[dict[str, str]]]:
        return (dict, (self.data,))


def merge_later(
    original: Callable[..., Any],
    url: Any,
    proxies: Mapping[str, str] | None,
    stream: Any,
    verify: Any,
    cert: Any,
) -> Any:
    """As ``original``, `requests`' own ``merge_environment_settings``, but for the time at which the proxies
    are looked up. What else it settles does not depend on the URL."""

    def made() -> Any:
        return original(url, None if proxies is None else dict(proxies), stream, verify, cert)["proxies"]

    settings = original("", None, stream, verify, cert)  # without a host no proxy is looked for
    settings["proxies"] = Proxies(made)
    return settings
