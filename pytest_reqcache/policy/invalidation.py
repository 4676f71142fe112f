"""RFC 9111 section 4.4: what a write makes worthless."""

from __future__ import annotations

from typing import Final

from ..headers import Headers
from ..matching import origin_of, resolved
from ..models import RecordedRequest
from ..settings import Settings

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110 section 9.2.1


def writes(method: str, status: int) -> bool:
    """Whether a request changed something: an unsafe method, unknown ones too, that succeeded."""
    return method.upper() not in SAFE_METHODS and 200 <= status < 400


def invalidated_urls(
    request: RecordedRequest, status: int, headers: Headers, settings: Settings
) -> tuple[str, ...]:
    """The URLs whose stored responses a successful unsafe request makes worthless.

    The target, and what ``Location`` and ``Content-Location`` name of the same origin: another's
    is not this one's to invalidate.
    """
    if not settings.cache_control or not writes(request.method, status):
        return ()
    urls = [request.url]
    for name in ("Location", "Content-Location"):
        for value in headers.get_all(name):
            url = resolved(request.url, value)
            if origin_of(url) == origin_of(request.url):
                urls.append(url)
    return tuple(dict.fromkeys(urls))
