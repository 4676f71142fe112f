"""The second decision: what to do with what came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple

from ..cookies import all_living_on
from ..expiration import Special
from ..headers import Headers, vary_names
from ..models import Interaction, RecordedRequest
from ..settings import Options, Settings
from .conditions import only_origin_can_answer
from .expiry import WrittenExpiry, expiry_for_new, is_http_alone, written_expiry
from .freshness import explicit_lifetime
from .reusing import may_answer, request_directives
from .stale import DIRECTIVE_ERRORS, Selected
from .storing import REUSABLE_METHODS, as_answer_to_get, says_cacheable, stored_headers, why_http_forbids
from .terms import Outcome, Plan, Question, Verdict
from .validation import (
    confirmed_by,
    freshened_headers,
    has_validator,
    is_confirmed_by_head,
    names_validator_of,
)

#: An answer of these says who asked, and nothing about the resource (RFC 9110 sections 15.5.2, .4 and .8).
REFUSALS: Final = frozenset({401, 403, 407})
# A refresh that is answered so says nothing about the resource: the recording stays.
_NEVER_REPLACES_SUCCESS: Final = REFUSALS | {408, 425, 429}


def counted_from(sent: datetime, received: datetime, settings: Settings) -> datetime:
    """The ``created_at`` of a response: with ``cache_control`` its age counts from when it was asked for,
    which is to add the response delay to it (section 4.2.3)."""
    return sent if settings.cache_control else received


class _Answer(NamedTuple):
    """A response, with all that it is judged by."""

    decided: Plan
    question: Question
    status: int
    headers: Headers
    received: datetime

    @property
    def request(self) -> RecordedRequest:
        return self.question.request

    @property
    def settings(self) -> Settings:
        return self.question.settings


def settle(
    decided: Plan,
    request: RecordedRequest,
    status: int,
    headers: Headers,
    settings: Settings,
    options: Options,
    now: datetime,
    *,
    received: datetime | None = None,
    at_stake: Sequence[Interaction] = (),
    leads_astray: bool = False,
) -> Verdict:
    """What to do with a response to a request that was sent.

    ``received`` is the moment from which its age counts, :func:`counted_from`; None is now. ``at_stake`` is
    what the redirects that led to it are to replace, once it is stored itself. ``leads_astray``: it is
    a redirect, elsewhere than the stored one, which nobody follows behind the caller's back.
    """
    question = Question(request, request_directives(request, settings), settings, options)
    answer = _Answer(decided, question, status, headers, received or now)
    stored = decided.stored
    if status == 304 and decided.conditions:
        return _confirmed(answer)
    failed = is_error(status, stored, settings) or _is_failure(answer)
    if stored is not None and not only_origin_can_answer(request, stored, settings):
        selected = Selected(stored, decided.expires, question.asked, settings, now)
        if selected.accepts_on_error(setting_applies=failed, directive_applies=status in DIRECTIVE_ERRORS):
            return Verdict(Outcome.USE_STALE, why=f"the origin answered {status}")
    if settings.in_test and never_replaces_success(status):
        would_go = (stored, decided.passed_over, *at_stake)
        if any(item is not None and item.response.status < 400 for item in would_go):
            return Verdict(Outcome.KEEP, why=f"answered {status}: the recording is kept")
    if leads_astray:
        return Verdict(Outcome.KEEP, why=f"answered {status}, which nobody followed: the recording is kept")
    updates = _updates(answer)
    why = _why_not_stored(answer)
    if why:
        return Verdict(Outcome.PASS, why=why, updates=updates)
    stands_for = _answers_get(answer) if is_http_alone(question) else None
    return Verdict(
        Outcome.STORE,
        stored_headers(headers, settings),
        _expiry(answer, status, headers),
        request=stands_for,
        updates=updates,
    )


def settle_error(decided: Plan, request: RecordedRequest, settings: Settings, now: datetime) -> bool:
    """Whether the stored response answers a request that got no response at all."""
    stored = decided.stored
    if stored is None or only_origin_can_answer(request, stored, settings):
        return False
    asked = request_directives(request, settings)
    return Selected(stored, decided.expires, asked, settings, now).accepts_on_error()


def is_error(status: int, stored: Interaction | None, settings: Settings) -> bool:
    """Whether a status is an error for our setting ``stale_if_error``.

    One of 400 or more that may not be stored; by a test's defaults, which store 4xx too, also one of those
    unless the stored response is itself an error.
    """
    if status < 400:
        return False
    if not settings.allows_status(status):
        return True
    return settings.allowable_codes is None and (stored is None or stored.response.status < 400)


def _is_failure(answer: _Answer) -> bool:
    """Section 4.3.3: a 5xx may count as no response at all; here one that HTTP does not let us store."""
    stored = answer.decided.stored
    if answer.status not in DIRECTIVE_ERRORS or stored is None or stored.response.status >= 400:
        return False
    return is_http_alone(answer.question) and not says_cacheable(answer.status, answer.headers)


# --- 4.3.3 Handling a Received Validation Response


def _confirmed(answer: _Answer) -> Verdict:
    """A 304 to our own condition."""
    decided, settings = answer.decided, answer.settings
    confirmed = decided.stored
    if settings.cache_control:
        confirmed = confirmed_by(answer.headers, decided.stored, decided.related)
    if confirmed is None:  # section 4.3.4: it is about nothing that we have
        return Verdict(Outcome.ASK_AGAIN, why="304 with another validator")
    merged = _merged(answer, confirmed)
    new = _freshened(answer, confirmed, merged)
    headers, expires = new.response.headers, new.expires
    if _why_no_longer_stored(answer, new):
        return Verdict(Outcome.FORGET, headers, stored=confirmed, shown=merged)
    if confirmed is decided.stored:
        request = None if new.request is confirmed.request else new.request
        return Verdict(Outcome.FRESHEN, headers, expires, request=request, shown=merged)
    # section 4.1: another variant, which is now known to be the one for this request, too
    updates = ((confirmed, new),)
    return Verdict(
        Outcome.FRESHEN,
        headers,
        expires,
        stored=confirmed,
        request=answer.request,
        updates=updates,
        shown=merged,
    )


def never_replaces_success(status: int) -> bool:
    """Whether an answer, as it is, never takes the place of a success that a test has recorded."""
    return status in _NEVER_REPLACES_SUCCESS or status >= 500


def _merged(answer: _Answer, stored: Interaction) -> Headers:
    """The fields of a stored response that the answer confirms, with the answer's."""
    headers = stored.response.headers
    if not answer.settings.cache_control:  # with it cookies expire when they say, section 3.2
        headers = all_living_on(headers, answer.received - stored.created_at)
    ages = answer.settings.cache_control or expiry_for_new(answer.question) is Special.HTTP_ONLY
    return freshened_headers(headers, answer.headers, answer.settings, answer.received, ages=ages)


def _freshened(answer: _Answer, stored: Interaction, merged: Headers) -> Interaction:
    """A stored response that the answer confirms, as it is to be stored."""
    return replace(
        stored,
        request=_asked_now(answer.request, stored, merged),
        response=replace(stored.response, headers=stored_headers(merged, answer.settings)),
        created_at=answer.received,
        expires=_expiry(answer, stored.response.status, merged),
    )


def _asked_now(request: RecordedRequest, stored: Interaction, merged: Headers) -> RecordedRequest:
    """A stored request, with the fields that ``Vary`` names only now as they are in the one that was just
    answered: what every client sends is not recorded unless it names it (section 4.1)."""
    before = vary_names(stored.response.headers.get_all("Vary"))
    new = [name for name in vary_names(merged.get_all("Vary")) if name not in before]
    if not new or "*" in (*before, *new):
        return stored.request
    fields = [(name, value) for name, value in request.headers if name.lower() in new]
    return replace(stored.request, headers=Headers((*stored.request.headers.without(*new), *fields)))


def _why_no_longer_stored(answer: _Answer, new: Interaction) -> str:
    if not answer.settings.cache_control:
        return ""
    return why_http_forbids(new.request.method, new.response.status, new.response.headers)


def _expiry(answer: _Answer, status: int, headers: Headers) -> WrittenExpiry:
    return written_expiry(answer.question, status, headers, answer.received)


# --- what a response says of others that are stored


def _updates(answer: _Answer) -> tuple[tuple[Interaction, Interaction], ...]:
    """Stored responses that change with this one: by a 304 to the caller's condition (4.3.4), by a 200 to
    HEAD (4.3.5)."""
    decided, settings = answer.decided, answer.settings
    if not settings.cache_control:
        return ()
    stored = decided.stored
    if answer.status == 304 and stored is not None and names_validator_of(answer.headers, stored):
        new = _freshened(answer, stored, _merged(answer, stored))
        return () if _why_no_longer_stored(answer, new) else ((stored, new),)
    if answer.request.method == "HEAD" and answer.status == 200 and not settings.in_test:
        # Other variants, whose validators were sent with it, could not have been chosen for it.
        chosen = (item for item in decided.related if may_answer(item, answer.request, settings))
        return tuple((item, _after_head(answer, item)) for item in chosen)
    return ()


def _after_head(answer: _Answer, stored: Interaction) -> Interaction:
    """The stored response to GET: freshened where HEAD is about the same one, else stale from now on."""
    if is_confirmed_by_head(stored, answer.headers):
        new = _freshened(answer, stored, _merged(answer, stored))
        if not _why_no_longer_stored(answer, new):
            return new
    return replace(stored, expires=answer.received)


# --- 3 Storing Responses in Caches


def _why_not_stored(answer: _Answer) -> str:
    """Why a response may not be stored, as a few words; empty where it may."""
    decided, settings, status, headers = answer.decided, answer.settings, answer.status, answer.headers
    if decided.forbidden:
        return decided.forbidden.value
    if not settings.allows_status(status):
        return f"status {status}"
    if not settings.in_test and status in (206, 304):
        return f"status {status}: an answer to this condition or range alone"
    if settings.cache_control:
        why = why_http_forbids(answer.request.method, status, headers)
        if why:
            return why
    elif not settings.in_test and vary_names(headers.get_all("Vary")) == "*":
        return "Vary: *"
    if is_http_alone(answer.question):
        return _why_nothing_says_so(answer)
    expiry = expiry_for_new(answer.question)
    if expiry is Special.IMMEDIATELY and not settings.in_test and not has_validator(headers):
        if not (settings.cache_control and explicit_lifetime(headers, answer.received)):
            return "expires immediately, and has no validator"
    return ""


def _why_nothing_says_so(answer: _Answer) -> str:
    if answer.request.method not in REUSABLE_METHODS and _answers_get(answer) is None:
        return f"an answer to {answer.request.method}"
    if not says_cacheable(answer.status, answer.headers):
        return f"status {answer.status}, and nothing says that it may be stored"
    return ""


def _answers_get(answer: _Answer) -> RecordedRequest | None:
    return as_answer_to_get(answer.request, answer.status, answer.headers, answer.received)
