"""The floor: an adapter that builds each response from memory; and `requests` with nothing between."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from benchmarks.loopback import answer


class FloorAdapter(HTTPAdapter):
    """The least that any replaying tool has to do: a urllib3 response, and what `requests` makes of it."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, tuple[list[tuple[str, str]], bytes]] = {}

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        path = request.path_url if request.method == "GET" else str(request.body)
        found = self.known.get(path)
        if found is None:
            found = self.known[path] = answer(path)
        headers, body = found
        raw = HTTPResponse(
            body=io.BytesIO(body), headers=headers, status=200, reason="OK", preload_content=False
        )
        return self.build_response(request, raw)


@contextmanager
def session(path: Path, mode: str, variant: str) -> Iterator[requests.Session]:
    with requests.Session() as made:
        if variant == "floor":
            adapter = _adapters.setdefault(path, FloorAdapter())
            made.mount("http://", adapter)
        yield made


#: By store, so that a prepared one is in memory before it is measured.
_adapters: dict[Path, FloorAdapter] = {}
