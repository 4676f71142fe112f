"""RFC 9111 section 3: which responses may be stored, and which of their fields."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from ..headers import PROXY_SPECIFIC, Headers, connection_named, vary_names
from ..matching import CONDITIONAL_FIELDS, normalize_url, resolved
from ..models import Interaction, RecordedRequest
from ..settings import Settings
from .freshness import HEURISTIC_STATUSES, cache_control, explicit_lifetime

#: The methods whose responses HTTP lets a cache reuse (RFC 9110 sections 9.3.1 and 9.3.2).
REUSABLE_METHODS: Final = frozenset({"GET", "HEAD"})

# The final statuses that RFC 9110 section 15 defines: their caching is understood.
_UNDERSTOOD_STATUSES: Final = frozenset(
    {*range(200, 207), *range(300, 306), 307, 308, *range(400, 418), 421, 422, 426, *range(500, 506)}
)
# What answers a condition or a range alone, and never the plain request.
CONDITIONAL_STATUSES: Final = frozenset({206, 304, 412, 416})


# --- 3 Storing Responses in Caches


def why_http_forbids(method: str, status: int, headers: Headers) -> str:
    """Why HTTP forbids a private cache to store a response, as a few words; empty where it does not.

    ``Authorization`` and ``private`` (3.5, 5.2.2.7) bind shared caches alone.
    """
    if method in REUSABLE_METHODS and status in CONDITIONAL_STATUSES:  # section 3.3: no parts
        return f"status {status}: an answer to this condition or range alone"
    return _why_it_says_no(status, headers)


def _why_it_says_no(status: int, headers: Headers) -> str:
    said = cache_control(headers)
    if said.has("must-understand"):  # section 5.2.2.3: it comes before no-store
        understood = status in _UNDERSTOOD_STATUSES
        if not understood:
            return f"Cache-Control: must-understand, and status {status} is not understood"
    elif said.has("no-store"):  # section 5.2.2.5
        return "Cache-Control: no-store"
    if vary_names(headers.get_all("Vary")) == "*":  # section 4.1: never matches again
        return "Vary: *"
    return ""


def is_stored_rightly(stored: Interaction, settings: Settings) -> bool:
    """Whether what is stored may be: it may have been recorded before ``cache_control`` was set."""
    if not settings.cache_control or stored.keep:
        return True
    return not _why_it_says_no(stored.response.status, stored.response.headers)


def says_cacheable(status: int, headers: Headers) -> bool:
    """Whether anything at all says that a response may be stored: the last of section 3's conditions."""
    said = cache_control(headers)
    stated = any(said.has(name) for name in ("public", "private", "max-age")) or "Expires" in headers
    return stated or status in HEURISTIC_STATUSES


def as_answer_to_get(
    request: RecordedRequest, status: int, headers: Headers, received: datetime
) -> RecordedRequest | None:
    """The GET that a response to POST also answers (RFC 9110 section 9.3.3); None where it answers none.

    It has to state its lifetime, and the request's own URL as its ``Content-Location``.
    """
    location = headers.get("Content-Location")
    if request.method != "POST" or not 200 <= status < 300 or location is None:
        return None
    if normalize_url(resolved(request.url, location)) != normalize_url(request.url):
        return None
    if not explicit_lifetime(headers, received):
        return None
    left_out = {name for name, _ in request.headers if name.lower().startswith("content-")}
    kept = request.headers.without(*left_out, "Transfer-Encoding", *CONDITIONAL_FIELDS)
    return replace(request, method="GET", headers=kept, body=None)


# --- 3.1 Storing Header and Trailer Fields


def end_to_end_headers(headers: Headers, settings: Settings) -> Headers:
    """All fields, but with ``cache_control`` those of the connection and of the proxy."""
    if not settings.cache_control:
        return headers
    return headers.without(*connection_named(headers), *PROXY_SPECIFIC)


def stored_headers(headers: Headers, settings: Settings) -> Headers:
    """The fields to store: with ``cache_control`` without those, either, that ``no-cache`` keeps from being
    used again (5.2.2.4)."""
    if not settings.cache_control:
        return headers
    return end_to_end_headers(headers, settings).without(*cache_control(headers).fields("no-cache"))
