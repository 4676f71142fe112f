"""What the cache does with a request, and with what came back for it. No I/O; the time is given.

The whole of HTTP caching as we practise it stands here: RFC 9111 (caching), RFC 9110 (conditions and
ranges) and RFC 5861 (stale answers), and where our own settings come before, between and after them::

    storing        3, 3.1            which responses are stored, and which of their fields
    reusing        4, 4.1            which stored response is the one for a request
    freshness      4.2.1 to 4.2.3    how long a response is good for, and how old it is
    stale          4.2.4, RFC 5861   when a stale one is better than none
    validation     4.3.1, 4.3.4 ff.  what is asked of the origin, and what its answer confirms
    conditions     4.3.2             the caller's own conditions and ranges (RFC 9110 sections 13, 14)
    invalidation   4.4               what a write makes worthless
    expiry                           our own settings, and how they meet what HTTP says
    planning                         the first decision
    settling                         the second decision

A request meets two decisions. :func:`plan` is taken before anything is sent::

    stored response ...        and                                       the plan is to
    -------------------        ----------------------------------        ------------------------
    any                        the method, no-store or DO_NOT_CACHE      SEND, and nothing is stored
    none that may be used                                                SEND
    other variants                                                       SEND, with their validators
    one with ``keep``          whatever is asked for                     SERVE
    any                        a condition that is the origin's          SEND
    any                        refresh, no-cache, always_revalidate      SEND, with its validators
    fresh                      a range that the origin answers better    SEND
    fresh                      nothing asks for more                     SERVE
    stale                      the request's max-stale accepts it        SERVE
    stale                      stale_while_revalidate accepts it         SERVE_AND_REFRESH
    stale                      nothing accepts it                        SEND, with its validators

Offline there is no SEND: a fresh response is served whatever refresh is asked for, a stale one where
``max-stale``, ``stale_while_revalidate`` or ``stale_if_error`` accepts it, and all else is to REFUSE, with a
504.

What is served is served as the request asks for it (:func:`presented`): whole, without its body, a part
of it, or as a 304 to the caller's own condition.

:func:`settle` is taken when a response has come back, :func:`settle_error` when none could::

    answer to what was sent                                              the verdict is to
    ------------------------------------------------------------        ------------------------
    304 to our own validators                                            FRESHEN what is stored
    304 to our own validators, and now with no-store                     FORGET what is stored
    304 that is about something else                                     ASK_AGAIN, without validators
    an error, and stale_if_error accepts what is stored                  USE_STALE
    an error that must not replace a good recording of a test            KEEP
    a new redirect, which nobody follows                                 KEEP
    one that may be stored                                               STORE
    anything else                                                        PASS it through

With ``cache_control`` off, responses' own caching fields are not looked at; requests' always are.
Section numbers are those of RFC 9111 where no other is named.
"""

from __future__ import annotations

from .conditions import presented
from .expiry import expiry_of, follows_http
from .freshness import current_age, http_lifetime
from .invalidation import SAFE_METHODS, invalidated_urls, writes
from .planning import plan
from .reusing import (
    answers_part,
    compared_lines,
    conditional_fields,
    is_compared,
    request_directives,
    same_conditions,
    varies_as,
    why_none_answers,
)
from .settling import REFUSALS, counted_from, never_replaces_success, settle, settle_error
from .storing import is_stored_rightly
from .terms import Action, Outcome, Plan, Reason, Verdict

__all__ = [
    "REFUSALS",
    "SAFE_METHODS",
    "Action",
    "Outcome",
    "Plan",
    "Reason",
    "Verdict",
    "answers_part",
    "compared_lines",
    "conditional_fields",
    "counted_from",
    "current_age",
    "expiry_of",
    "follows_http",
    "http_lifetime",
    "invalidated_urls",
    "is_compared",
    "is_stored_rightly",
    "never_replaces_success",
    "plan",
    "presented",
    "request_directives",
    "same_conditions",
    "settle",
    "settle_error",
    "varies_as",
    "why_none_answers",
    "writes",
]
