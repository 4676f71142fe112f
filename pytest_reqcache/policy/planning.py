"""The first decision: what to do with a request before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ..expiration import Special, is_expired
from ..models import Interaction, RecordedRequest
from ..settings import Options, Settings
from .conditions import only_origin_can_answer, origin_answers_better
from .expiry import expiry_for_new, expiry_of, is_http_alone
from .freshness import cache_control
from .reusing import (
    is_answer,
    may_answer,
    request_directives,
    says_pragma_no_cache,
    select,
    varies_as,
    why_none_answers,
)
from .stale import Selected
from .storing import CONDITIONAL_STATUSES, REUSABLE_METHODS, is_stored_rightly
from .terms import Action, Plan, Question, Reason
from .validation import is_conditional, validators, validators_of_variants


def plan(
    request: RecordedRequest,
    candidates: Sequence[Interaction],
    settings: Settings,
    options: Options,
    now: datetime,
    *,
    missing: Reason = Reason.NEVER_RECORDED,
    may_be_behind: bool = True,
) -> Plan:
    """What to do with a request, given the stored interactions of its key, the latest last.

    ``missing`` is the reason to give where there is no candidate. For HEAD, those of the same GET
    are candidates too. ``may_be_behind``: what is stale may be refreshed behind the caller's back.
    """
    asked = request_directives(request, settings)
    question = Question(request, asked, settings, options)
    offline = settings.only_if_cached or asked.has("only-if-cached")  # section 5.2.1.7
    no_answer = Action.REFUSE if offline else Action.SEND

    if not settings.allows_method(request.method):
        return Plan(no_answer, reason=Reason.METHOD, forbidden=Reason.METHOD)
    if _is_not_to_be_cached(question):
        return Plan(no_answer, reason=Reason.DO_NOT_CACHE, forbidden=Reason.DO_NOT_CACHE)
    if request.method not in REUSABLE_METHODS and is_http_alone(question):  # section 4: written through
        return Plan(no_answer, reason=Reason.ORIGIN_ALONE)

    stored = select(request, candidates, settings)
    if stored is None:
        return _without_stored(question, candidates, no_answer, missing)
    selected = Selected(stored, expiry_of(stored, request.url, settings, now), asked, settings, now)
    if stored.keep:
        return Plan(Action.SERVE, stored, selected.expires)
    if offline:
        return _offline(question, selected)
    if only_origin_can_answer(request, stored, settings):
        decided = Plan(Action.SEND, stored, selected.expires, Reason.CONDITION)
    else:
        decided = _online(question, selected, candidates, may_be_behind=may_be_behind)
    if stored.request.method == request.method:
        return decided
    return decided._replace(passed_over=_own_answer(request, candidates, settings))


def _is_not_to_be_cached(question: Question) -> bool:
    if question.asked.has("no-store"):  # section 5.2.1.5
        return True
    return expiry_for_new(question) is Special.DO_NOT_CACHE


def _without_stored(
    question: Question, candidates: Sequence[Interaction], no_answer: Action, missing: Reason
) -> Plan:
    request, settings = question.request, question.settings
    reason = why_none_answers(request, candidates, settings, missing)
    decided = Plan(no_answer, reason=reason, passed_over=_own_answer(request, candidates, settings))
    if not settings.cache_control or no_answer is Action.REFUSE or is_conditional(request):
        return decided
    is_fetched_anew = question.options.force_refresh or settings.force_refresh
    if is_fetched_anew or request.method not in REUSABLE_METHODS:
        return decided
    # section 4.3.1: one request validates every variant
    variants = [item for item in candidates if _is_other_variant(item, request, settings)]
    return decided._replace(conditions=validators_of_variants(variants), related=tuple(variants))


def _is_other_variant(item: Interaction, request: RecordedRequest, settings: Settings) -> bool:
    if item.keep or item.response.status in CONDITIONAL_STATUSES or not is_stored_rightly(item, settings):
        return False
    return not varies_as(item, request, settings)


def _offline(question: Question, selected: Selected) -> Plan:
    request, asked, settings, _ = question
    stored, expires = selected.stored, selected.expires
    if only_origin_can_answer(request, stored, settings):
        return Plan(Action.REFUSE, stored, expires, Reason.CONDITION)
    if not settings.only_if_cached and asked.has("no-cache"):  # asked for both: it cannot be had
        return Plan(Action.REFUSE, stored, expires, Reason.REFRESH)
    if (
        _is_fresh_enough(question, selected)
        or (not selected.is_too_old() and selected.accepts_while_revalidating())
        or selected.accepts_on_error()
    ):
        return Plan(Action.SERVE, stored, expires)
    return Plan(Action.REFUSE, stored, expires, _why_unusable(selected))


def _why_unusable(selected: Selected) -> Reason:
    """Why what is stored does not do without the origin: first what a younger recording would not change."""
    if selected.says_no_cache():
        return Reason.REVALIDATE
    if selected.exceeds_max_age():
        return Reason.TOO_OLD
    if is_expired(selected.expires, selected.now):
        return Reason.MUST_REVALIDATE if selected.forbids_stale() else Reason.EXPIRED
    # What is left is the call's own expire_after=0, beside the only-if-cached of its request.
    return Reason.TOO_OLD if selected.is_too_old() else Reason.REFRESH


def _online(
    question: Question, selected: Selected, candidates: Sequence[Interaction], *, may_be_behind: bool
) -> Plan:
    request, _, settings, options = question
    stored, expires = selected.stored, selected.expires
    own = validators(stored, request)
    conditions = () if is_conditional(request) else own
    related = _of_get(request, candidates, settings)

    def send(reason: Reason, *, conditionally: bool = True) -> Plan:
        return Plan(
            Action.SEND, stored, expires, reason, conditions if conditionally else (), related=related
        )

    if options.force_refresh or settings.force_refresh:
        return send(Reason.REFRESH, conditionally=False)
    if options.refresh or settings.refresh or _asks_for_revalidation(question):
        return send(Reason.REFRESH)
    fresh_enough = _is_fresh_enough(question, selected)
    if settings.always_revalidate and own and not (fresh_enough and _is_immutable(selected)):
        return send(Reason.REVALIDATE)
    if fresh_enough:
        if origin_answers_better(request, stored, settings):
            return send(Reason.CONDITION)
        return Plan(Action.SERVE, stored, expires)
    if selected.is_too_old():
        return send(Reason.EXPIRED)
    if may_be_behind and selected.accepts_while_revalidating():
        return Plan(Action.SERVE_AND_REFRESH, stored, expires, Reason.EXPIRED, own, related=related)
    return send(Reason.EXPIRED)


def _asks_for_revalidation(question: Question) -> bool:
    if question.asked.has("no-cache"):  # section 5.2.1.4
        return True
    return question.settings.cache_control and says_pragma_no_cache(question.request)


def _is_immutable(selected: Selected) -> bool:
    """RFC 8246: while it is fresh, there is no point in asking."""
    if not selected.settings.cache_control or is_expired(selected.expires, selected.now):
        return False
    return cache_control(selected.stored.response.headers).has("immutable")


def _is_fresh_enough(question: Question, selected: Selected) -> bool:
    """Whether the stored response may be served as it is: fresh, and fresh enough for this request."""
    if selected.is_too_old():
        return False
    if is_expired(selected.expires, selected.now):
        return selected.accepts_max_stale()
    if selected.forbids_stale():  # no-cache, whatever is written down
        return False
    return question.options.expire_after is not Special.IMMEDIATELY or question.settings.only_if_cached


def _own_answer(
    request: RecordedRequest, candidates: Sequence[Interaction], settings: Settings
) -> Interaction | None:
    """The latest stored response to the request itself that was not selected: HTTP forbids to use it, or a
    HEAD is answered by a younger GET."""
    own = [item for item in candidates if item.request.method == request.method and not item.keep]
    return next((item for item in reversed(own) if is_answer(item, request, settings)), None)


def _of_get(
    request: RecordedRequest, candidates: Sequence[Interaction], settings: Settings
) -> tuple[Interaction, ...]:
    """Section 4.3.5: the stored responses to GET that could have been chosen for a HEAD, and may change."""
    if request.method != "HEAD":
        return ()
    return tuple(
        item
        for item in candidates
        if item.request.method == "GET" and not item.keep and may_answer(item, request, settings)
    )
