"""Where our own settings meet what HTTP says: when a stored response expires.

From the strongest: what is written down with it; with ``cache_control``, what the response states; the
request's ``Cache-Control``; the call's ``expire_after``; the first matching URL pattern; the session
or the test. ``HTTP_ONLY`` hands the question back to HTTP: there a request's ``max-age`` is no lifetime;
nor does it undo ``DO_NOT_CACHE``.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from ..expiration import Expiry, Special, expires_at
from ..headers import Headers
from ..models import Interaction
from ..settings import Settings
from .freshness import explicit_lifetime, http_lifetime, initial_age
from .terms import Question

WrittenExpiry = datetime | Literal[Special.NEVER] | None


# --- of what is stored


def expiry_of(stored: Interaction, url: str, settings: Settings, now: datetime) -> datetime | None:
    """When a stored interaction expires; None for never.

    What is written down comes first; then, with ``cache_control``, what the response says; then, in a
    test, the test's policy.
    """
    if stored.expires is Special.NEVER:
        return None
    if stored.expires is not None:
        return stored.expires
    response, received = stored.response, stored.created_at
    if settings.cache_control:
        lifetime = explicit_lifetime(response.headers, received)
        if lifetime is not None:
            return _end_of(lifetime, stored, now)
    if not settings.in_test:
        return None
    policy = settings.default_expiry(url)
    if policy is Special.DO_NOT_CACHE:
        return None
    if policy is Special.HTTP_ONLY:
        return _end_of(http_lifetime(response.status, response.headers, received), stored, now)
    return expires_at(policy, min(received, now))


def _end_of(lifetime: timedelta, stored: Interaction, now: datetime) -> datetime | None:
    age = initial_age(stored.response.headers, stored.created_at)
    return expires_at(lifetime - age, min(stored.created_at, now))


def follows_http(settings: Settings, url: str) -> bool:
    """Whether what is stored is good for as long as it says itself, its ``Date`` and ``Age`` counted."""
    return settings.cache_control or settings.default_expiry(url) is Special.HTTP_ONLY


# --- of what is stored anew


def expiry_for_new(question: Question) -> Expiry:
    """What the request, the call, a URL pattern, or the session or test says."""
    explicit = _explicit_expiry(question)
    return question.settings.default_expiry(question.request.url) if explicit is None else explicit


def is_http_alone(question: Question) -> bool:
    """Whether a session leaves it to HTTP alone what is stored: no setting of ours says for how long."""
    settings = question.settings
    if not settings.cache_control or settings.in_test:
        return False
    return expiry_for_new(question) is Special.HTTP_ONLY


def _explicit_expiry(question: Question) -> Expiry | None:
    given, seconds = question.options.expire_after, question.asked.seconds("max-age")
    if seconds is None:
        return given
    otherwise = question.settings.default_expiry(question.request.url) if given is None else given
    if otherwise in (Special.HTTP_ONLY, Special.DO_NOT_CACHE):
        return given
    return timedelta(seconds=seconds) if seconds else Special.IMMEDIATELY


def written_expiry(question: Question, status: int, headers: Headers, received: datetime) -> WrittenExpiry:
    """The ``expires`` to write down; None for none.

    In a test only what the call or its own ``Cache-Control`` said; by a session whatever holds.
    """
    settings = question.settings
    explicit = _explicit_expiry(question)
    if explicit is None and settings.in_test:
        return None
    expiry = settings.default_expiry(question.request.url) if explicit is None else explicit
    age = initial_age(headers, received)
    if settings.cache_control:
        lifetime = explicit_lifetime(headers, received)
        if lifetime is not None:  # in a test it is judged at replay
            return None if settings.in_test else expires_at(lifetime - age, received)
    if expiry is Special.HTTP_ONLY:
        return expires_at(http_lifetime(status, headers, received) - age, received)
    if expiry is Special.NEVER:
        return Special.NEVER if explicit is not None else None
    if expiry is Special.DO_NOT_CACHE:
        return None
    return expires_at(expiry, received) or Special.NEVER
