"""When a refreshed answer is the recorded one again, but for what changes each time.

No I/O, but where a body is in a file of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Final

from .body import is_same
from .cookies import all_living_as
from .headers import Headers
from .models import Interaction, RecordedResponse

#: Response fields that differ between two answers that say the same.
VOLATILE_FIELDS: Final = frozenset(
    {
        "age",
        "cf-ray",
        "date",
        "expires",
        "request-id",
        "server-timing",
        "traceparent",
        "x-amz-id-2",
        "x-amz-request-id",
        "x-amzn-requestid",
        "x-amzn-trace-id",
        "x-cache-hits",
        "x-cloud-trace-context",
        "x-correlation-id",
        "x-github-request-id",
        "x-request-id",
        "x-runtime",
        "x-served-by",
        "x-timer",
    }
)
_RATE_LIMITS: Final = ("ratelimit-", "x-ratelimit-", "x-rate-limit-")
_CHALLENGES: Final = frozenset({"proxy-authenticate", "www-authenticate"})
# What a server makes up for each challenge of Digest (RFC 7616 section 3.3).
_MADE_FOR_ONE_CHALLENGE: Final = re.compile(
    r'\b(nonce|opaque)\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s,"]+)', re.IGNORECASE
)
_TIME_FIELDS: Final = ("Date", "Age", "Expires")


def is_volatile(name: str) -> bool:
    """Whether a response field, its name in lower case, differs between two answers that say the same."""
    return name in VOLATILE_FIELDS or name.startswith(_RATE_LIMITS)


def lasting_value(name: str, value: str) -> str:
    """What of a response field's value, its name in lower case, two answers that say the same share."""
    if name == "set-cookie":
        return value.partition("=")[0]
    if name in _CHALLENGES:
        return _MADE_FOR_ONE_CHALLENGE.sub(r"\1", value)
    return value


def says_the_same(old: RecordedResponse, new: RecordedResponse, further: Collection[str] = ()) -> bool:
    """Whether two answers have the same status, body, and fields but for volatile ones and ``further``."""
    return (
        (old.status, old.reason) == (new.status, new.reason)
        and _lasting(old.headers, further) == _lasting(new.headers, further)
        and is_same(old.body, new.body)
    )


def redated(old: Interaction, new: Interaction, *, ages: bool) -> Interaction:
    """The recorded answer with the times of the new one; its fields of time too, where its age counts."""
    headers = all_living_as(old.response.headers, new.response.headers, new.created_at - old.created_at)
    if ages:
        for name in _TIME_FIELDS:
            values = new.response.headers.get_all(name)
            headers = headers.replaced(name, values[0]) if values else headers.without(name)
    return replace(
        old, response=replace(old.response, headers=headers), created_at=new.created_at, expires=new.expires
    )


def _lasting(headers: Headers, further: Collection[str]) -> list[tuple[str, str]]:
    lasting = []
    for name, value in headers:
        lowered = name.lower()
        if is_volatile(lowered) or lowered in further:
            continue
        lasting.append((lowered, lasting_value(lowered, value)))
    return sorted(lasting)
