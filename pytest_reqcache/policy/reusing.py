"""RFC 9111 section 4: which stored response is the one for a request, but for its freshness."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Final

from ..headers import NO_DIRECTIVES, CacheControl, Headers, list_members, parse_cache_control, vary_names
from ..matching import CONDITIONAL_FIELDS
from ..models import REDACTED, Interaction, RecordedRequest
from ..settings import Settings
from .freshness import date_of
from .storing import CONDITIONAL_STATUSES, REUSABLE_METHODS, is_stored_rightly
from .terms import Reason

# Lists whose order says nothing; weights do (RFC 9110 section 12.4.2).
_PREFERENCES: Final = frozenset({"accept", "accept-charset", "accept-encoding", "accept-language"})
_ASKED_FOR: Final = {401: "Authorization", 407: "Proxy-Authorization"}
_WEIGHT: Final = re.compile(r"q=(?P<value>[01](?:\.[0-9]{0,3})?)", re.IGNORECASE)


def request_directives(request: RecordedRequest, settings: Settings) -> CacheControl:
    """Section 5.2.1; nothing where ``ignored_parameters`` name the field."""
    if "cache-control" in settings.ignored_parameters:
        return NO_DIRECTIVES
    return parse_cache_control(request.headers.get_all("Cache-Control"))


def says_pragma_no_cache(request: RecordedRequest) -> bool:
    """Section 5.4: it counts as ``no-cache`` where there is no ``Cache-Control``."""
    if "Cache-Control" in request.headers:
        return False
    return parse_cache_control(request.headers.get_all("Pragma")).has("no-cache")


def select(
    request: RecordedRequest, candidates: Iterable[Interaction], settings: Settings
) -> Interaction | None:
    """The stored response for a request; of several the most recent one (sections 4 and 4.1), or the one
    with ``keep``.

    "Most recent (as determined by the Date header field)" with ``cache_control``; without it, the
    one stored last.
    """
    usable = [item for item in candidates if may_answer(item, request, settings)]
    usable = [item for item in usable if item.keep] or usable
    if not usable:
        return None
    if not settings.cache_control:
        return usable[-1]
    return max(reversed(usable), key=_date)


def _date(stored: Interaction) -> datetime:
    return date_of(stored.response.headers, stored.created_at)


def may_answer(candidate: Interaction, request: RecordedRequest, settings: Settings) -> bool:
    """Whether a stored response of the request's key is one for it, fresh or not."""
    return is_stored_rightly(candidate, settings) and is_answer(candidate, request, settings)


def is_answer(candidate: Interaction, request: RecordedRequest, settings: Settings) -> bool:
    """The same, of one that HTTP may forbid to use."""
    if not varies_as(candidate, request, settings):
        return False
    if not settings.in_test and _asks_who(candidate, request):  # a test matches that there is a credential
        return False
    if candidate.response.status in CONDITIONAL_STATUSES:
        return same_conditions(candidate.request, request)
    return True


def _asks_who(candidate: Interaction, request: RecordedRequest) -> bool:
    """Whether it refuses who did not say who he is, and the request says it (RFC 9110 section 11.6)."""
    field = _ASKED_FOR.get(candidate.response.status)
    return field is not None and field in request.headers and field not in candidate.request.headers


def why_none_answers(
    request: RecordedRequest, candidates: Iterable[Interaction], settings: Settings, otherwise: Reason
) -> Reason:
    """Why those stored responses of a request's key that are none for it are not; ``otherwise`` where each
    of them may be, or refuses who asked without credentials."""
    unfit = [item for item in candidates if not may_answer(item, request, settings)]
    if not unfit:
        return otherwise
    rightly = [item for item in unfit if is_stored_rightly(item, settings)]
    if not rightly:
        return Reason.DO_NOT_CACHE
    whole = [item for item in rightly if item.response.status not in CONDITIONAL_STATUSES]
    if not all(varies_as(item, request, settings) for item in whole):
        return Reason.VARY
    return otherwise if len(whole) == len(rightly) else Reason.CONDITION


def same_conditions(one: RecordedRequest, other: RecordedRequest) -> bool:
    """Whether two requests carry the same conditional and range fields; a redacted one is as good as any."""
    pairs = zip_longest(conditional_fields(one), conditional_fields(other), fillvalue=("", ""))
    return all(was == is_now or (was[0] == is_now[0] and REDACTED in was[1]) for was, is_now in pairs)


def conditional_fields(request: RecordedRequest) -> list[tuple[str, str]]:
    """The fields of a request's conditions and range, by their names in lower case."""
    fields = ((name.lower(), value) for name, value in request.headers)
    return sorted(field for field in fields if field[0] in CONDITIONAL_FIELDS)


# --- 4.1 Calculating Cache Keys with the Vary Header Field


def varies_as(candidate: Interaction, request: RecordedRequest, settings: Settings) -> bool:
    """Whether the fields that the stored response's ``Vary`` names are the same in both requests; and those
    of conditions and ranges, where it :func:`answers_part`."""
    if answers_part(candidate, settings) and not same_conditions(candidate.request, request):
        return False
    lines = candidate.response.headers.get_all("Vary")
    if not lines:
        return True
    names = vary_names(lines)
    if names == "*":
        return candidate.keep or settings.in_test
    for name in names:
        if is_compared(name, settings) and not _same_field(
            candidate.request.headers, request.headers, name, settings
        ):
            return False
    return True


def answers_part(candidate: Interaction, settings: Settings) -> bool:
    """Whether a stored response answers a condition or range alone, and its key does not say so: it was
    recorded without ``cache_control``, with which nothing of the kind is (section 3.3)."""
    if not settings.cache_control or candidate.response.status not in CONDITIONAL_STATUSES:
        return False
    return candidate.request.method in REUSABLE_METHODS


def is_compared(name: str, settings: Settings) -> bool:
    """Whether a field that ``Vary`` names tells variants apart.

    urllib3 sends another ``Accept-Encoding`` on each machine, and bodies are stored decoded: only a
    session that obeys HTTP compares it. A test is not tied to a ``User-Agent`` either.
    """
    if name == "accept-encoding":
        return settings.cache_control and not settings.in_test
    return not (settings.in_test and name == "user-agent")


def _same_field(stored: Headers, asked: Headers, name: str, settings: Settings) -> bool:
    was, is_now = _lines_of(stored, name), _lines_of(asked, name)
    if is_now and any(REDACTED in value for value in was):
        # What it was nobody knows. A test is not tied to a credential; a session that obeys HTTP is.
        return settings.in_test or not settings.cache_control
    return _normal_field(was, name, settings) == _normal_field(is_now, name, settings)


def compared_lines(headers: Headers, name: str, settings: Settings) -> list[str] | None:
    """What of a field that ``Vary`` names, by its name in lower case, tells variants apart."""
    return _normal_field(_lines_of(headers, name), name, settings)


def _lines_of(headers: Headers, name: str) -> Sequence[str]:
    lines = headers.get_all(name)
    # Whoever sends no Accept takes anything (RFC 9110 section 12.5.1).
    return ["*/*"] if name == "accept" and not lines else lines


def _normal_field(lines: Sequence[str], name: str, settings: Settings) -> list[str] | None:
    """Lines combined, white space evened out, and where order says nothing in one order; None for no line."""
    if not lines:
        return None
    members = list_members(lines)
    unordered = settings.cache_control and name in _PREFERENCES
    return sorted(map(_normal_preference, members)) if unordered else members


def _normal_preference(member: str) -> str:
    """A range and its weight: no white space, a weight of 1 left out."""
    what, *parameters = (part.strip(" \t") for part in member.split(";"))
    kept = [what.lower()]
    for parameter in parameters:
        weight = _WEIGHT.fullmatch(parameter)
        if weight is None:
            kept.append(parameter)
        elif float(weight["value"]) != 1:
            kept.append(f"q={float(weight['value'])}")
    return ";".join(kept)
