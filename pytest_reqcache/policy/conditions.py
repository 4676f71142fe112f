"""RFC 9111 section 4.3.2, RFC 9110 sections 13 and 14: the caller's own conditions and ranges.

What is stored answers them, where it may: ``If-None-Match`` and ``If-Modified-Since`` with a 304,
``Range`` with a 206. ``If-Match`` and ``If-Unmodified-Since`` are for the origin (4.3.2).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from ..body import size_of
from ..headers import Headers, parse_etag, parse_etag_list, parse_http_date, parse_range
from ..models import Interaction, RecordedRequest
from ..settings import Settings
from .freshness import date_of
from .reusing import same_conditions
from .storing import REUSABLE_METHODS

# Fields of a representation that a 304 does not have (RFC 9110 section 15.4.5).
_NOT_IN_304: Final = (
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-Range",
    "Content-Type",
)


class Presented(NamedTuple):
    """A stored response as it answers one request.

    ``span`` is the part of the body, from its first byte to the one after its last; None is all.
    """

    status: int
    reason: str
    headers: Headers
    span: tuple[int, int] | None = None


def only_origin_can_answer(request: RecordedRequest, stored: Interaction, settings: Settings) -> bool:
    """Whether a condition is for the origin alone, so that what is stored may not stand in for it."""
    if not _evaluates(request, stored, settings):
        return False
    if settings.in_test and same_conditions(request, stored.request):
        return False  # it was recorded as the answer to them
    return "If-Match" in request.headers or "If-Unmodified-Since" in request.headers


def origin_answers_better(request: RecordedRequest, stored: Interaction, settings: Settings) -> bool:
    """Whether a range is asked for that we would have to answer with the whole (RFC 9110 section 14.2).

    Several ranges, another unit, or a part of a coded body: that is stored decoded.
    """
    if not _evaluates(request, stored, settings) or stored.response.status != 200:
        return False
    if request.method != "GET" or "Range" not in request.headers or _is_not_modified(request, stored):
        return False
    return _meets_if_range(request.headers, stored) and _asked_span(request.headers, stored) is None


def presented(request: RecordedRequest, stored: Interaction, settings: Settings) -> Presented:
    """The stored response as it answers the request: as it is, without its body, a part, or a 304."""
    response = stored.response
    if request.method == "HEAD" and stored.request.method == "GET":
        whole = Presented(response.status, response.reason, response.headers, (0, 0))
    else:
        whole = Presented(response.status, response.reason, response.headers)
    if not _evaluates(request, stored, settings) or response.status != 200:
        return whole  # RFC 9110 section 13.2.1: a condition counts where the answer would be a 2xx
    if _is_not_modified(request, stored):  # RFC 9110 section 13.2.2: conditions before ranges
        return Presented(304, "Not Modified", response.headers.without(*_NOT_IN_304), (0, 0))
    if request.method == "GET" and "Range" in request.headers and _meets_if_range(request.headers, stored):
        return _part(request.headers, stored) or whole
    return whole


def _evaluates(request: RecordedRequest, stored: Interaction, settings: Settings) -> bool:
    return settings.cache_control and {request.method, stored.request.method} <= REUSABLE_METHODS


# --- RFC 9110 section 13.1: preconditions


def _is_not_modified(request: RecordedRequest, stored: Interaction) -> bool:
    """``If-None-Match`` (13.1.2) or, only where there is none, ``If-Modified-Since`` (13.1.3) is false."""
    wanted = request.headers.get("If-None-Match")
    if wanted is not None:
        return _is_listed(wanted, stored.response.headers)
    since = request.headers.get_all("If-Modified-Since")
    moment = parse_http_date(since[0], now=stored.created_at) if len(since) == 1 else None
    return moment is not None and _last_change(stored) <= moment


def _is_listed(wanted: str, headers: Headers) -> bool:
    listed = parse_etag_list(wanted)
    if listed == "*":
        return True
    lines = headers.get_all("ETag")
    if not lines:
        return False
    own = parse_etag(lines[0])
    if own is None:  # malformed: it can only be compared as it stands
        return lines[0].strip() == wanted.strip()
    return any(tag.weak_match(own) for tag in listed)


def _last_change(stored: Interaction) -> datetime:
    """``Last-Modified``, else ``Date``, else when it was received (RFC 9111 section 4.3.2)."""
    headers = stored.response.headers
    modified = parse_http_date(headers.get("Last-Modified") or "", now=stored.created_at)
    return modified or date_of(headers, stored.created_at)


def _meets_if_range(asked: Headers, stored: Interaction) -> bool:
    """``If-Range`` (13.1.5): the strong comparison; where it fails, the whole is asked for."""
    condition = asked.get("If-Range")
    if condition is None:
        return True
    headers = stored.response.headers
    tag = parse_etag(condition)
    if tag is not None:
        own = parse_etag(headers.get("ETag") or "")
        return own is not None and tag.strong_match(own)
    moment = parse_http_date(condition, now=stored.created_at)
    modified = parse_http_date(headers.get("Last-Modified") or "", now=stored.created_at)
    if moment is None or moment != modified:
        return False
    # 8.8.2.2: a strong validator only if the response is later than its last change, by its own clock
    return date_of(headers, stored.created_at) - moment >= timedelta(seconds=1)


# --- RFC 9110 section 14: range requests


def _asked_span(asked: Headers, stored: Interaction) -> tuple[int, int] | None:
    """The one range asked for, cut to the body; empty where nothing of it is there.

    None where it is none that we can answer with a part.
    """
    coding = stored.response.headers.get("Content-Encoding")
    ranges = parse_range(asked.get("Range") or "")
    if ranges is None or len(ranges) != 1 or (coding or "identity").strip().lower() != "identity":
        return None
    size = size_of(stored.response.body)
    first, last = ranges[0]
    if first is None:
        return size - min(last or 0, size), size
    return first, size if last is None else min(last + 1, size)


def _part(asked: Headers, stored: Interaction) -> Presented | None:
    """The 206 (15.3.7), or the 416 (15.5.17) where the range is outside of the body."""
    span = _asked_span(asked, stored)
    if span is None:
        return None
    (first, end), size = span, size_of(stored.response.body)
    headers = stored.response.headers
    if first >= end:
        headers = headers.without(*_NOT_IN_304, "ETag", "Last-Modified")
        headers = headers.replaced("Content-Range", f"bytes */{size}").replaced("Content-Length", "0")
        return Presented(416, "Range Not Satisfiable", headers, (0, 0))
    headers = headers.replaced("Content-Range", f"bytes {first}-{end - 1}/{size}")
    headers = headers.replaced("Content-Length", str(end - first))
    return Presented(206, "Partial Content", headers, (first, end))
