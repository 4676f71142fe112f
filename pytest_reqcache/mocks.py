"""Working beside libraries that mock: in a test they answer first.

requests-mock has an adapter of its own, which is asked as it is. `responses` and its like replace
``HTTPAdapter.send``. To find out whether they answer, their ``send`` is called with a *probe*: a copy of
the adapter whose connections are ours. A mock answers without asking for a connection. What the library
passes through asks for one, and is then answered by us through it: so the library sees one call, as it
would without us.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.exceptions import LocationValueError

from .exchange import Forward


class _Raised(BaseException):
    """Carries an error of the answer past the handlers in ``HTTPAdapter.send`` that would rename it."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def is_mock(mounted: BaseAdapter) -> bool:
    """Whether it is an adapter of requests-mock, which never sends anything."""
    return any(kind.__module__.partition(".")[0] == "requests_mock" for kind in type(mounted).__mro__)


def are_active(mounted: BaseAdapter) -> bool:
    """Whether some library has put a function of its own in the place of ``HTTPAdapter.send``."""
    return isinstance(mounted, HTTPAdapter) and HTTPAdapter.send.__module__ != "requests.adapters"


def ask_first(
    mounted: BaseAdapter,
    request: requests.PreparedRequest,
    arguments: dict[str, Any],
    answer: Callable[[Forward], requests.Response],
) -> requests.Response:
    """The mock's response, or what ``answer`` gives for a request that the library passes through."""
    adapter = cast(HTTPAdapter, mounted)
    passed: list[requests.Response] = []

    class Connection:
        """What the probe takes for a connection pool."""

        def __init__(self, verify: Any, proxies: Any, cert: Any) -> None:
            self._verify, self._proxies, self._cert = verify, proxies, cert
            self._error: Exception | None = None

        def urlopen(self, **wire: Any) -> object:
            try:
                passed.append(answer(lambda outgoing: self._forward(outgoing, wire)))
            except Exception as error:
                if error is self._error:
                    raise  # urllib3's: `HTTPAdapter.send` gives it its name
                raise _Raised(error) from error
            return self

        def _forward(self, outgoing: requests.PreparedRequest, wire: dict[str, Any]) -> requests.Response:
            url = adapter.request_url(outgoing, self._proxies)
            wire = {**wire, "url": url, "body": outgoing.body, "headers": outgoing.headers}
            try:
                raw = self._pool(outgoing).urlopen(**wire)
            except Exception as error:
                self._error = error
                raise
            return adapter.build_response(outgoing, raw)

        def _pool(self, outgoing: requests.PreparedRequest) -> Any:
            try:
                pool = adapter.get_connection_with_tls_context(
                    outgoing, self._verify, proxies=self._proxies, cert=self._cert
                )
            except LocationValueError as error:
                raise requests.exceptions.InvalidURL(error, request=outgoing) from error
            adapter.cert_verify(pool, outgoing.url, self._verify, self._cert)  # type: ignore[no-untyped-call]
            return pool

    class Probe(type(adapter)):  # type: ignore[misc]
        def get_connection_with_tls_context(
            self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
        ) -> Any:
            return Connection(verify, proxies, cert)

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
