"""RFC 9111 section 4.3: asking the origin whether what is stored still holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from ..body import size_of
from ..headers import EntityTag, Headers, connection_named, format_http_date, parse_etag
from ..matching import CONDITIONAL_FIELDS
from ..models import Interaction, RecordedRequest
from ..settings import Settings
from .storing import REUSABLE_METHODS, end_to_end_headers

Conditions = tuple[tuple[str, str], ...]

# Section 3.2: what an update leaves as it is, for it describes the body as it is stored.
_KEPT_ON_UPDATE: Final = frozenset({"content-encoding", "content-length", "content-range", "content-type"})


# --- 4.3.1 Sending a Validation Request


def has_validator(headers: Headers) -> bool:
    return "ETag" in headers or "Last-Modified" in headers


def is_conditional(request: RecordedRequest) -> bool:
    """Whether the caller set a condition or asked for a part: then the answer is the caller's."""
    return request.headers.has_any(CONDITIONAL_FIELDS)


def validators(stored: Interaction, request: RecordedRequest) -> Conditions:
    """The condition that asks whether a stored response still holds, from its validators."""
    if request.method not in REUSABLE_METHODS:  # RFC 9110 section 13.1.2: what has not changed is refused
        return ()
    headers = stored.response.headers
    etag, modified = headers.get_all("ETag"), headers.get_all("Last-Modified")
    conditions = [("If-None-Match", etag[0])] if etag else []
    if modified:
        conditions.append(("If-Modified-Since", modified[0]))
    return tuple(conditions)


def validators_of_variants(variants: Iterable[Interaction]) -> Conditions:
    """One condition with the entity tags of all, for a request that none of them was stored for."""
    tags = dict.fromkeys(str(tag) for item in variants if (tag := _etag(item.response.headers)))
    return (("If-None-Match", ", ".join(tags)),) if tags else ()


def _etag(headers: Headers) -> EntityTag | None:
    lines = headers.get_all("ETag")
    return parse_etag(lines[0]) if lines else None


# --- 4.3.4 Freshening Stored Responses upon Validation


def confirmed_by(
    fresh: Headers, stored: Interaction | None, related: Sequence[Interaction]
) -> Interaction | None:
    """Which stored response a 304 confirms: the one whose validator it has; None for none of them.

    A 304 without a validator confirms the only one that was asked about.
    """
    asked_about = [stored] if stored is not None else list(related)
    tag = _etag(fresh)
    if tag is not None:
        matching = [item for item in asked_about if _has_tag(item, tag)]
        return max(matching, key=lambda item: item.created_at, default=None)
    if stored is None:
        return related[0] if len(related) == 1 else None
    if "ETag" in stored.response.headers or "Last-Modified" not in fresh:
        return stored
    was, is_now = stored.response.headers.get_all("Last-Modified"), fresh.get_all("Last-Modified")
    return stored if was == is_now else None


def _has_tag(item: Interaction, tag: EntityTag) -> bool:
    """The weak comparison, for a strong tag, too: servers that weaken the tag of what they compress send it
    as it was in a 304. What has no tag to compare is not denied."""
    own = _etag(item.response.headers)
    return "ETag" not in item.response.headers if own is None else tag.weak_match(own)


def names_validator_of(fresh: Headers, stored: Interaction) -> bool:
    """Whether a 304 to the caller's own condition says by its validator that it is about what is stored."""
    tag, own = _etag(fresh), _etag(stored.response.headers)
    if tag is not None or own is not None:
        return tag is not None and own is not None and _has_tag(stored, tag)
    was, is_now = stored.response.headers.get_all("Last-Modified"), fresh.get_all("Last-Modified")
    return bool(was) and was == is_now


# --- 3.2 Updating Stored Header Fields


def update_headers(stored: Headers, fresh: Headers) -> Headers:
    """The stored fields, with those of a 304 put in their places."""
    left_alone = _KEPT_ON_UPDATE | connection_named(fresh)
    updated = stored
    for name in dict.fromkeys(name.lower() for name, _ in fresh):
        if name in left_alone:
            continue
        lines = [item for item in fresh if item[0].lower() == name]
        if len(lines) == 1:
            updated = updated.replaced(*lines[0])
        else:
            updated = Headers((*updated.without(name).items, *lines))
    return updated


def freshened_headers(
    stored: Headers, fresh: Headers, settings: Settings, received: datetime, *, ages: bool
) -> Headers:
    """The fields of a stored response that has been confirmed; those that ``no-cache`` names, too, for the
    answer that was asked for (5.2.2.4).

    Where its age counts (``ages``), that starts anew: an ``Age`` or ``Date`` that was not sent again would
    make it as old as it was before.
    """
    if not ages:
        return update_headers(stored, fresh)
    updated = update_headers(stored.without("Age"), end_to_end_headers(fresh, settings))
    if "Date" in stored and "Date" not in fresh:
        updated = updated.replaced("Date", format_http_date(received))
    return updated


# --- 4.3.5 Freshening Responses with HEAD


def is_confirmed_by_head(stored: Interaction, fresh: Headers) -> bool:
    """Whether a 200 to HEAD is about the stored response to GET: same validators, same length."""
    for name in ("ETag", "Last-Modified"):
        if name in fresh and fresh.get_all(name) != stored.response.headers.get_all(name):
            return False
    length = fresh.get("Content-Length")
    return stored.response.status == 200 and (length is None or length.strip() == _length(stored))


def _length(stored: Interaction) -> str:
    stated = stored.response.headers.get("Content-Length")
    if stated is not None:
        return stated.strip()
    if "Content-Encoding" in stored.response.headers:
        return ""  # the body is stored decoded
    return str(size_of(stored.response.body))
