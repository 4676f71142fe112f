"""What the cache does with a request, and with what came back for it. No I/O; the time is given.

The whole of HTTP caching as we practise it stands here: RFC 9111 (caching), RFC 9110 (validators)
and RFC 5861 (stale answers), and where our own settings come before, between and after them.

A request meets two decisions. :func:`plan` is taken before anything is sent::

    stored response ...        and                                       the plan is to
    -------------------        ----------------------------------        ------------------------
    none that may be used      offline                                   REFUSE, with a 504
    none that may be used      online                                    SEND
    fresh                      nothing asks for more                     SERVE
    fresh                      refresh, no-cache, always_revalidate      SEND, with its validators
    stale                      stale_while_revalidate accepts it         SERVE_AND_REFRESH
    stale                      offline, and stale_if_error accepts it    SERVE
    stale                      offline                                   REFUSE, with a 504
    stale                      online                                    SEND, with its validators

:func:`settle` is taken when a response has come back, :func:`settle_error` when none could::

    answer to what was sent                                              the verdict is to
    ------------------------------------------------------------        ------------------------
    304 to our own validators                                            FRESHEN what is stored
    an error, and stale_if_error accepts what is stored                  USE_STALE
    an error that must not replace a good recording of a test            KEEP
    storable                                                             STORE
    anything else                                                        PASS it through

With ``cache_control`` off, responses' own caching fields are not looked at; requests' always are.
Section numbers are those of RFC 9111 where no other is named.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from urllib.parse import urljoin

from .expiration import Expiry, Special, expires_at, is_expired
from .headers import (
    CacheControl,
    Headers,
    connection_named,
    parse_age,
    parse_cache_control,
    parse_http_date,
    vary_names,
)
from .matching import CONDITIONAL_FIELDS, origin_of
from .models import Interaction, RecordedRequest
from .settings import REDIRECTS, Options, Settings

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110 section 9.2.1

# RFC 9110 section 15.1: statuses that allow heuristic freshness.
_HEURISTIC_STATUSES: Final = frozenset({200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501})
# Final statuses that RFC 9110 defines, and whose caching we understand (section 3, must-understand).
_UNDERSTOOD_STATUSES: Final = frozenset(
    {200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 501}
)
# RFC 5861 section 4: what counts as an error for the directive of that name.
_DIRECTIVE_ERRORS: Final = frozenset({500, 502, 503, 504})
# A refresh that is answered so says nothing about the resource: the recording stays.
_NEVER_REPLACES_SUCCESS: Final = frozenset({401, 403, 407, 408, 425, 429})
# Section 3.2: what a 304 leaves as it is, for it describes the body that is stored.
_KEPT_ON_UPDATE: Final = frozenset({"content-encoding", "content-length", "content-range", "content-type"})

_HEURISTIC_FRACTION: Final = 10  # section 4.2.2: a tenth of the time since the last change
_NEGLIGIBLE: Final = timedelta(0)


class Action(enum.Enum):
    SERVE = "serve"
    SERVE_AND_REFRESH = "serve and refresh behind"
    SEND = "send"
    REFUSE = "refuse"


class Outcome(enum.Enum):
    STORE = "store"
    FRESHEN = "freshen"
    USE_STALE = "use the stale one"
    KEEP = "keep what is recorded"
    PASS = "pass through"


class Reason(enum.Enum):
    """Why a request was not answered from the cassette."""

    NEVER_RECORDED = "never recorded"
    EXPIRED = "expired"
    VARY = "recorded for other request headers that Vary names"
    USED_UP = "answers used up"
    REFRESH = "refresh asked for"
    METHOD = "method not stored"
    DO_NOT_CACHE = "not to be cached"
    REVALIDATE = "revalidated before each use"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with a request. ``stored`` is served, revalidated, or what stale_if_error may use.

    ``expires`` is when ``stored`` expires, None for never. ``conditions`` are added to what is
    sent. ``storable`` is false where the request itself forbids storing what comes back.
    """

    action: Action
    stored: Interaction | None = None
    expires: datetime | None = None
    reason: Reason | None = None
    conditions: tuple[tuple[str, str], ...] = ()
    storable: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with a response. ``expires`` is what is written down, ``headers`` what is stored."""

    outcome: Outcome
    headers: Headers = Headers()
    expires: datetime | Literal[Special.NEVER] | None = None
    why: str = ""


# --- before anything is sent


def plan(
    request: RecordedRequest,
    candidates: Sequence[Interaction],
    settings: Settings,
    options: Options,
    now: datetime,
    *,
    missing: Reason = Reason.NEVER_RECORDED,
) -> Plan:
    """What to do with a request, given the stored interactions of its key, the latest last.

    ``missing`` is the reason to give where there is no candidate.
    """
    asked = parse_cache_control(request.headers.get_all("Cache-Control"))
    offline = settings.only_if_cached or asked.has("only-if-cached")
    no_answer = Action.REFUSE if offline else Action.SEND

    if not settings.allows_method(request.method):
        return Plan(no_answer, reason=Reason.METHOD, storable=False)
    if _not_to_be_cached(request, asked, settings, options):
        return Plan(no_answer, reason=Reason.DO_NOT_CACHE, storable=False)

    stored = select(request, candidates, settings)
    if stored is None:
        return Plan(no_answer, reason=Reason.VARY if candidates else missing)
    expires = expiry_of(stored, request.url, settings, now)
    if stored.keep:
        return Plan(Action.SERVE, stored, expires)

    expired = not _is_acceptable(stored, expires, asked, options, settings, now)
    if offline:
        if not expired or _accepts_stale(stored, expires, asked, settings, now, revalidating=True):
            return Plan(Action.SERVE, stored, expires)
        if _accepts_stale_on_error(stored, expires, asked, settings, now):
            return Plan(Action.SERVE, stored, expires)
        return Plan(Action.REFUSE, stored, expires, Reason.EXPIRED)

    if options.force_refresh or settings.force_refresh:
        return Plan(Action.SEND, stored, expires, Reason.REFRESH)
    conditions = validators(stored, request)
    if options.refresh or settings.refresh or _asks_for_revalidation(request, asked, settings):
        return Plan(Action.SEND, stored, expires, Reason.REFRESH, conditions)
    if settings.always_revalidate and conditions:
        return Plan(Action.SEND, stored, expires, Reason.REVALIDATE, conditions)
    if not expired:
        return Plan(Action.SERVE, stored, expires)
    if _accepts_stale(stored, expires, asked, settings, now, revalidating=True):
        return Plan(Action.SERVE_AND_REFRESH, stored, expires, Reason.EXPIRED, conditions)
    return Plan(Action.SEND, stored, expires, Reason.EXPIRED, conditions)


def _not_to_be_cached(
    request: RecordedRequest, asked: CacheControl, settings: Settings, options: Options
) -> bool:
    if asked.has("no-store"):  # section 5.2.1.5
        return True
    return _expiry_for_new(request.url, asked, settings, options) is Special.DO_NOT_CACHE


def _asks_for_revalidation(request: RecordedRequest, asked: CacheControl, settings: Settings) -> bool:
    if asked.has("no-cache"):  # section 5.2.1.4
        return True
    if settings.cache_control and "Cache-Control" not in request.headers:  # section 5.4
        return "no-cache" in (request.headers.get("Pragma") or "").lower()
    return False


def select(
    request: RecordedRequest, candidates: Iterable[Interaction], settings: Settings
) -> Interaction | None:
    """The latest candidate whose selecting fields are the request's (section 4.1)."""
    selected = None
    for candidate in candidates:
        if varies_as(candidate, request, settings):
            selected = candidate
    return selected


def varies_as(candidate: Interaction, request: RecordedRequest, settings: Settings) -> bool:
    """Whether the fields that the stored response's ``Vary`` names are the same in both requests."""
    lines = candidate.response.headers.get_all("Vary")
    if not lines:
        return True
    names = vary_names(lines)
    if names == "*":
        return settings.in_test and not settings.cache_control
    for name in names:
        if _is_compared(name, settings) and not _same_field(candidate.request.headers, request.headers, name):
            return False
    return True


def _is_compared(name: str, settings: Settings) -> bool:
    # urllib3 sends another Accept-Encoding on each machine, and bodies are stored decoded.
    return name != "accept-encoding" and not (settings.in_test and name == "user-agent")


def _same_field(stored: Headers, asked: Headers, name: str) -> bool:
    was, is_now = stored.get_all(name), asked.get_all(name)
    if was and is_now and any("REDACTED" in value for value in was):
        return True
    return _normal_field(was) == _normal_field(is_now)


def _normal_field(values: list[str]) -> list[str]:
    return [member.strip() for member in ",".join(values).split(",")] if values else []


# --- how long what is stored is good for


def expiry_of(stored: Interaction, url: str, settings: Settings, now: datetime) -> datetime | None:
    """When a stored interaction expires; None for never.

    What is written down comes first; then, with ``cache_control``, what the response says; then, in a
    test, the test's policy.
    """
    if stored.expires is Special.NEVER:
        return None
    if stored.expires is not None:
        return stored.expires
    if settings.cache_control:
        lifetime = explicit_lifetime(stored.response.status, stored.response.headers)
        if lifetime is not None:
            return _end_of(lifetime, stored, now)
    if not settings.in_test:
        return None
    policy = settings.default_expiry(url)
    if policy is Special.DO_NOT_CACHE:
        return None
    if policy is Special.HTTP_ONLY:
        return _end_of(http_lifetime(stored.response.status, stored.response.headers), stored, now)
    return expires_at(policy, min(stored.created_at, now))


def _end_of(lifetime: timedelta, stored: Interaction, now: datetime) -> datetime | None:
    received = min(stored.created_at, now)
    return expires_at(lifetime - initial_age(stored.response.headers, stored.created_at), received)


def explicit_lifetime(status: int, headers: Headers) -> timedelta | None:
    """The lifetime that the response states, None where it states none (section 4.2.1)."""
    said = parse_cache_control(headers.get_all("Cache-Control"))
    if said.has("no-cache") and not said.fields("no-cache"):  # section 5.2.2.4
        return _NEGLIGIBLE
    seconds = said.seconds("max-age")
    if seconds is not None:
        return timedelta(seconds=seconds)
    lines = headers.get_all("Expires")
    if not lines:
        return None
    expires = parse_http_date(lines[0]) if len(lines) == 1 else None
    if expires is None:  # section 5.3: an invalid date is in the past
        return _NEGLIGIBLE
    date = parse_http_date(headers.get("Date") or "")
    return _NEGLIGIBLE if date is None else max(_NEGLIGIBLE, expires - date)


def heuristic_lifetime(status: int, headers: Headers) -> timedelta:
    """A tenth of the time since ``Last-Modified``, where the status allows it (section 4.2.2)."""
    modified = parse_http_date(headers.get("Last-Modified") or "")
    date = parse_http_date(headers.get("Date") or "")
    said = parse_cache_control(headers.get_all("Cache-Control"))
    allowed = status in _HEURISTIC_STATUSES or said.has("public")
    if modified is None or date is None or not allowed:
        return _NEGLIGIBLE
    return max(_NEGLIGIBLE, (date - modified) / _HEURISTIC_FRACTION)


def http_lifetime(status: int, headers: Headers) -> timedelta:
    """What HTTP alone says: the explicit lifetime, else the heuristic one."""
    explicit = explicit_lifetime(status, headers)
    return heuristic_lifetime(status, headers) if explicit is None else explicit


def initial_age(headers: Headers, received: datetime) -> timedelta:
    """How old a response was when it was received (section 4.2.3)."""
    date = parse_http_date(headers.get("Date") or "")
    apparent = max(_NEGLIGIBLE, received.replace(microsecond=0) - date) if date else _NEGLIGIBLE
    return max(apparent, timedelta(seconds=parse_age(headers.get_all("Age")) or 0))


def current_age(stored: Interaction, now: datetime) -> timedelta:
    """How old a stored response is now (section 4.2.3); one from the future has only its first age."""
    resident = max(_NEGLIGIBLE, now - stored.created_at)
    return initial_age(stored.response.headers, stored.created_at) + resident


def _is_acceptable(
    stored: Interaction,
    expires: datetime | None,
    asked: CacheControl,
    options: Options,
    settings: Settings,
    now: datetime,
) -> bool:
    """Whether the stored response may be served as it is: fresh, and fresh enough for this request."""
    if is_expired(expires, now):
        return _accepts_stale(stored, expires, asked, settings, now, revalidating=False)
    if options.expire_after is Special.IMMEDIATELY and not settings.only_if_cached:
        return False
    limit = asked.seconds("max-age")  # section 5.2.1.1
    if limit is not None and current_age(stored, now) >= timedelta(seconds=limit):
        return False
    spare = asked.seconds("min-fresh")  # section 5.2.1.3
    return spare is None or expires is None or expires - now >= timedelta(seconds=spare)


def _accepts_stale(
    stored: Interaction,
    expires: datetime | None,
    asked: CacheControl,
    settings: Settings,
    now: datetime,
    *,
    revalidating: bool,
) -> bool:
    """Whether a stale response will do without an error: ``max-stale``, ``stale-while-revalidate``."""
    if expires is None or _forbids_stale(stored, settings):
        return False
    if not revalidating:
        any_age = asked.raw("max-stale") is None  # section 5.2.1.2
        return asked.has("max-stale") and (any_age or _within(asked.seconds("max-stale"), expires, now))
    if settings.stale_while_revalidate.accepts(expires, now):
        return True
    window = _said(stored, settings).seconds("stale-while-revalidate")
    return window is not None and _within(window, expires, now)


def _accepts_stale_on_error(
    stored: Interaction | None,
    expires: datetime | None,
    asked: CacheControl,
    settings: Settings,
    now: datetime,
    *,
    directive_error: bool = True,
) -> bool:
    """Whether a stored response will do where the origin failed (RFC 5861 section 4)."""
    if stored is None or _forbids_stale(stored, settings):
        return False
    expired_at = now if expires is None else expires
    if settings.stale_if_error.accepts(expired_at, now):
        return True
    if not directive_error:
        return False
    windows = (asked.seconds("stale-if-error"), _said(stored, settings).seconds("stale-if-error"))
    return any(window is not None and _within(window, expired_at, now) for window in windows)


def _within(seconds: int | None, expired_at: datetime, now: datetime) -> bool:
    return seconds is None or now - expired_at <= timedelta(seconds=seconds)


def _forbids_stale(stored: Interaction, settings: Settings) -> bool:
    """Section 4.2.4: these directives forbid to serve a stale response, whatever the reason."""
    said = _said(stored, settings)
    return any(said.has(name) for name in ("must-revalidate", "proxy-revalidate", "no-cache"))


_NOTHING_SAID: Final = parse_cache_control(())


def _said(stored: Interaction, settings: Settings) -> CacheControl:
    if not settings.cache_control:
        return _NOTHING_SAID
    return parse_cache_control(stored.response.headers.get_all("Cache-Control"))


# --- validation


def has_validator(headers: Headers) -> bool:
    return "ETag" in headers or "Last-Modified" in headers


def validators(stored: Interaction, request: RecordedRequest) -> tuple[tuple[str, str], ...]:
    """The condition to send with a request, from the stored validators (section 4.3.1).

    None where the caller made the request conditional: then the answer is the caller's.
    """
    if any(name.lower() in CONDITIONAL_FIELDS for name, _ in request.headers):
        return ()
    headers = stored.response.headers
    conditions = []
    etag, modified = headers.get_all("ETag"), headers.get_all("Last-Modified")
    if etag:
        conditions.append(("If-None-Match", etag[0]))
    if modified:
        conditions.append(("If-Modified-Since", modified[0]))
    return tuple(conditions)


def update_headers(stored: Headers, fresh: Headers) -> Headers:
    """The stored fields, with those of a 304 put in their places (section 3.2)."""
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


# --- when a response has come back


def settle(
    decided: Plan,
    request: RecordedRequest,
    status: int,
    headers: Headers,
    settings: Settings,
    options: Options,
    now: datetime,
) -> Verdict:
    """What to do with a response to a request that was sent."""
    asked = parse_cache_control(request.headers.get_all("Cache-Control"))
    stored = decided.stored
    if status == 304 and stored is not None and decided.conditions:
        merged = update_headers(stored.response.headers, headers)
        expires = _written_expiry(request, stored.response.status, merged, asked, settings, options, now)
        return Verdict(Outcome.FRESHEN, merged, expires)
    if is_error(status, stored, settings) and _accepts_stale_on_error(
        stored, decided.expires, asked, settings, now, directive_error=status in _DIRECTIVE_ERRORS
    ):
        return Verdict(Outcome.USE_STALE, why=f"the origin answered {status}")
    if settings.in_test and stored is not None and stored.response.status < 400:
        if status in _NEVER_REPLACES_SUCCESS or status >= 500:
            return Verdict(Outcome.KEEP, why=f"answered {status}: the recording is kept")
    why = _why_not_stored(decided, request, status, headers, asked, settings, options)
    if why:
        return Verdict(Outcome.PASS, why=why)
    kept = stored_headers(headers, settings)
    expires = _written_expiry(request, status, headers, asked, settings, options, now)
    return Verdict(Outcome.STORE, kept, expires)


def settle_error(decided: Plan, request: RecordedRequest, settings: Settings, now: datetime) -> bool:
    """Whether the stored response answers a request that got no response at all."""
    asked = parse_cache_control(request.headers.get_all("Cache-Control"))
    return _accepts_stale_on_error(decided.stored, decided.expires, asked, settings, now)


def is_error(status: int, stored: Interaction | None, settings: Settings) -> bool:
    """Whether a status is an error for ``stale_if_error``.

    One of 400 or more that may not be stored; by a test's defaults, which store 4xx too, one of 400
    or more unless the stored response is itself an error.
    """
    if status < 400:
        return False
    if settings.allowable_codes is None:
        return stored is None or stored.response.status < 400
    return not settings.allows_status(status)


def _why_not_stored(
    decided: Plan,
    request: RecordedRequest,
    status: int,
    headers: Headers,
    asked: CacheControl,
    settings: Settings,
    options: Options,
) -> str:
    """Why a response may not be stored, as a few words; empty where it may (section 3)."""
    if not decided.storable:
        return "" if decided.reason is None else decided.reason.value
    if not settings.allows_status(status):
        return f"status {status}"
    if not settings.in_test and status in (206, 304):
        return f"status {status}: an answer to this condition or range alone"
    expiry = _expiry_for_new(request.url, asked, settings, options)
    if settings.cache_control:
        why = _why_http_forbids(status, headers)
        if why:
            return why
    elif not settings.in_test and vary_names(headers.get_all("Vary")) == "*":
        return "Vary: *"
    if expiry is Special.IMMEDIATELY and not settings.in_test and not has_validator(headers):
        if not (settings.cache_control and explicit_lifetime(status, headers)):
            return "expires immediately, and has no validator"
    return ""


def _why_http_forbids(status: int, headers: Headers) -> str:
    said = parse_cache_control(headers.get_all("Cache-Control"))
    understood = said.has("must-understand") and status in _UNDERSTOOD_STATUSES  # section 5.2.2.3
    if said.has("no-store") and not understood:  # section 5.2.2.5
        return "Cache-Control: no-store"
    if said.has("must-understand") and status not in _UNDERSTOOD_STATUSES:
        return f"Cache-Control: must-understand, and status {status} is not understood"
    if status in (206, 304):  # section 3.3: we do not combine parts
        return f"status {status}"
    if vary_names(headers.get_all("Vary")) == "*":  # section 4.1: never matches again
        return "Vary: *"
    return ""


def stored_headers(headers: Headers, settings: Settings) -> Headers:
    """The fields to store: all, but with ``cache_control`` those of the connection (section 3.1)."""
    if not settings.cache_control:
        return headers
    said = parse_cache_control(headers.get_all("Cache-Control"))
    dropped = {*connection_named(headers), *said.fields("no-cache"), *said.fields("private")}
    return headers.without(*dropped) if dropped else headers


# --- the expiry of what is stored anew


def _expiry_for_new(url: str, asked: CacheControl, settings: Settings, options: Options) -> Expiry:
    """Levels 2 to 5 of the precedence: request ``Cache-Control``, call, URL pattern, session or test."""
    explicit = _explicit_expiry(asked, options)
    return settings.default_expiry(url) if explicit is None else explicit


def _explicit_expiry(asked: CacheControl, options: Options) -> Expiry | None:
    seconds = asked.seconds("max-age")
    if seconds is not None:
        return timedelta(seconds=seconds) if seconds else Special.IMMEDIATELY
    return options.expire_after


def _written_expiry(
    request: RecordedRequest,
    status: int,
    headers: Headers,
    asked: CacheControl,
    settings: Settings,
    options: Options,
    now: datetime,
) -> datetime | Literal[Special.NEVER] | None:
    """The ``expires`` to write down; None for none.

    In a test only what the call or its own ``Cache-Control`` said; by a session whatever holds.
    """
    explicit = _explicit_expiry(asked, options)
    if explicit is None and settings.in_test:
        return None
    expiry = settings.default_expiry(request.url) if explicit is None else explicit
    if settings.cache_control:
        lifetime = explicit_lifetime(status, headers)
        if lifetime is not None:  # in a test it is judged at replay
            return None if settings.in_test else expires_at(lifetime - initial_age(headers, now), now)
    if expiry is Special.HTTP_ONLY:
        return expires_at(http_lifetime(status, headers) - initial_age(headers, now), now)
    if expiry is Special.NEVER:
        return Special.NEVER if explicit is not None else None
    if expiry is Special.DO_NOT_CACHE:
        return None
    return expires_at(expiry, now) or Special.NEVER


# --- invalidation


def invalidated_urls(
    request: RecordedRequest, status: int, headers: Headers, settings: Settings
) -> tuple[str, ...]:
    """The URLs whose stored responses a successful unsafe request makes worthless (section 4.4)."""
    if not settings.cache_control or not writes(request.method, status):
        return ()
    urls = [request.url]
    for name in ("Location", "Content-Location"):
        for value in headers.get_all(name):
            url = urljoin(request.url, value)
            if origin_of(url) == origin_of(request.url):
                urls.append(url)
    return tuple(dict.fromkeys(urls))


def writes(method: str, status: int) -> bool:
    """Whether a request changed something: an unsafe method, unknown ones too, that succeeded."""
    return method.upper() not in SAFE_METHODS and 200 <= status < 400


def is_redirect(status: int, headers: Headers) -> bool:
    return status in REDIRECTS and "Location" in headers
