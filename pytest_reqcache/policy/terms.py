"""What is decided: plans, verdicts, and the words for them."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Literal, NamedTuple

from ..expiration import Special
from ..headers import CacheControl, Headers
from ..models import Interaction, RecordedRequest
from ..settings import Options, Settings


class Question(NamedTuple):
    """A request, with all that it (``asked``, its ``Cache-Control``), the settings and the call say."""

    request: RecordedRequest
    asked: CacheControl
    settings: Settings
    options: Options


class Action(enum.Enum):
    SERVE = "serve"
    SERVE_AND_REFRESH = "serve and refresh behind"
    SEND = "send"
    REFUSE = "refuse"


class Outcome(enum.Enum):
    STORE = "store"
    FRESHEN = "freshen"
    FORGET = "answer with what was confirmed, and forget it"
    ASK_AGAIN = "ask again, without conditions"
    USE_STALE = "use the stale one"
    KEEP = "keep what is recorded"
    PASS = "pass through"


class Reason(enum.Enum):
    """Why a request was not answered from the cassette."""

    NEVER_RECORDED = "never recorded"
    EXPIRED = "expired"
    TOO_OLD = "older, or fresh for less long, than the request's Cache-Control accepts"
    VARY = "recorded for other request headers that Vary names"
    USED_UP = "answers used up"
    REFRESH = "refresh asked for"
    METHOD = "method not stored"
    ORIGIN_ALONE = "a method that HTTP, whose expiry was asked for, leaves to the origin"
    DO_NOT_CACHE = "not to be cached"
    REVALIDATE = "to be revalidated before each use"
    MUST_REVALIDATE = "expired, and must-revalidate forbids its use"
    FILTERED = "refused by filter_fn"
    CONDITION = "asked with a condition or range that only the origin can answer"
    PLACEHOLDER = "for the live value that a placeholder stands for"


class Plan(NamedTuple):
    """What to do with a request. ``stored`` is served, revalidated, or what stale_if_error may use.

    ``expires`` is when ``stored`` expires, None for never. ``conditions`` are added to what is
    sent. ``forbidden`` says why what comes back may not be stored, where the request itself forbids it.
    ``related`` are stored responses that the answer may confirm or update: other variants, whose
    validators are sent too, and for HEAD those to GET. ``passed_over`` is what a new answer takes the place
    of where ``stored`` is not that: what HTTP forbids to use, and an older answer to HEAD itself where
    ``stored`` is one to GET.
    """

    action: Action
    stored: Interaction | None = None
    expires: datetime | None = None
    reason: Reason | None = None
    conditions: tuple[tuple[str, str], ...] = ()
    forbidden: Reason | None = None
    related: tuple[Interaction, ...] = ()
    passed_over: Interaction | None = None

    def replaced_by_answer_to(self, request: RecordedRequest) -> Interaction | None:
        """What a new response takes the place of: never a stored GET that may answer a HEAD."""
        stored = self.stored
        return self.passed_over if stored is None or stored.request.method != request.method else stored


class Verdict(NamedTuple):
    """What to do with a response. ``expires`` is what is written down, ``headers`` what is stored, ``shown``
    the fields of a confirmed one as the caller gets it.

    ``stored`` is what a 304 confirms, where that is not what the plan named: it is stored once more, then.
    ``request`` is what a response is stored as the answer to, where that is not what it would be by itself.
    ``updates`` are stored responses that change besides: each as it is, and as it is to be.
    """

    outcome: Outcome
    headers: Headers = Headers()
    expires: datetime | Literal[Special.NEVER] | None = None
    why: str = ""
    stored: Interaction | None = None
    request: RecordedRequest | None = None
    updates: tuple[tuple[Interaction, Interaction], ...] = ()
    shown: Headers = Headers()
