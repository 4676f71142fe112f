"""Working beside libraries that replace ``HTTPAdapter.send``, such as `responses`.

In a test they answer first. To find out whether they do, their ``send`` is called with a *probe*: a
copy of the adapter whose connections are ours. A mock answers without asking for a connection. What
the library passes through asks for one, and is then answered by us through it: so the library sees
one call, as it would without us.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from .transport import Forward


class _Raised(BaseException):
    """Carries an error of `requests` past the handlers in ``HTTPAdapter.send`` that would rename it."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def are_active(inner: BaseAdapter) -> bool:
    """Whether some library has put a function of its own in the place of ``HTTPAdapter.send``."""
    return isinstance(inner, HTTPAdapter) and HTTPAdapter.send.__module__ != "requests.adapters"


def ask_first(
    inner: BaseAdapter,
    request: requests.PreparedRequest,
    arguments: dict[str, Any],
    answer: Callable[[Forward], requests.Response],
) -> requests.Response:
    """The mock's response, or what ``answer`` gives for a request that the library passes through."""
    adapter = cast(HTTPAdapter, inner)
    passed: list[requests.Response] = []

    class Connection:
        """What the probe takes for a connection pool."""

        def urlopen(self, **wire: Any) -> object:
            def forward(outgoing: requests.PreparedRequest) -> requests.Response:
                verify, cert = arguments["verify"], arguments["cert"]
                pool: Any = adapter.get_connection_with_tls_context(
                    outgoing, verify, proxies=arguments["proxies"], cert=cert
                )
                adapter.cert_verify(pool, outgoing.url, verify, cert)  # type: ignore[no-untyped-call]
                raw = pool.urlopen(**{**wire, "headers": outgoing.headers})
                return adapter.build_response(outgoing, raw)

            try:
                passed.append(answer(forward))
            except requests.RequestException as error:
                raise _Raised(error) from error
            return self

    class Probe(type(adapter)):  # type: ignore[misc]
        def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
            return Connection()

        def cert_verify(self, *args: Any, **kwargs: Any) -> None:
            """The connection is not real."""

        def build_response(self, request: requests.PreparedRequest, raw: Any) -> requests.Response:
            return passed[-1] if isinstance(raw, Connection) else super().build_response(request, raw)

    probe = object.__new__(Probe)
    probe.__dict__.update(adapter.__dict__)
    try:
        return cast(requests.Response, probe.send(request, **arguments))
    except _Raised as raised:
        raise raised.error from None
