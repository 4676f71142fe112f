"""RFC 9111 section 4.2.4 and RFC 5861: when a stale response is better than none."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from ..expiration import is_expired
from ..headers import CacheControl, parse_cache_control
from ..models import Interaction
from ..settings import Settings
from .freshness import cache_control, current_age, says_no_cache

#: RFC 5861 section 4: the statuses that are errors for ``stale-if-error``.
DIRECTIVE_ERRORS: Final = frozenset({500, 502, 503, 504})

_NOTHING_SAID: Final = parse_cache_control(())


def forbids_stale(stored: Interaction, expires: datetime | None, settings: Settings, now: datetime) -> bool:
    """Whether the response itself forbids to use it as it is, whatever the reason (section 4.2.4).

    ``no-cache`` does always, ``must-revalidate`` and ``proxy-revalidate`` do once it is stale.
    """
    said = _said(stored, settings)
    if says_no_cache(said):
        return True
    return is_expired(expires, now) and (said.has("must-revalidate") or said.has("proxy-revalidate"))


def is_too_old_for(stored: Interaction, expires: datetime | None, asked: CacheControl, now: datetime) -> bool:
    """Whether the request asks for something younger (5.2.1.1), or longer fresh (5.2.1.3)."""
    limit = asked.seconds("max-age")
    # Of that age it will do; with 0, which is how one asks for a reload, nothing does.
    if limit is not None and (limit == 0 or current_age(stored, now) > timedelta(seconds=limit)):
        return True
    spare = asked.seconds("min-fresh")
    return spare is not None and expires is not None and expires - now < timedelta(seconds=spare)


def accepts_max_stale(
    stored: Interaction, expires: datetime | None, asked: CacheControl, settings: Settings, now: datetime
) -> bool:
    """Whether the request's ``max-stale`` accepts what has expired (5.2.1.2); without a value, any age."""
    if expires is None or not asked.has("max-stale") or forbids_stale(stored, expires, settings, now):
        return False
    return asked.raw("max-stale") is None or _within(asked.seconds("max-stale"), expires, now)


def accepts_while_revalidating(
    stored: Interaction, expires: datetime | None, asked: CacheControl, settings: Settings, now: datetime
) -> bool:
    """Whether a stale response will do while it is refreshed behind (RFC 5861 section 3).

    By our setting, or by the directive of that name, the response's or the request's.
    """
    if expires is None or forbids_stale(stored, expires, settings, now):
        return False
    return settings.stale_while_revalidate.accepts(expires, now) or _directive_accepts(
        "stale-while-revalidate", stored, expires, asked, settings, now
    )


def accepts_on_error(
    stored: Interaction | None,
    expires: datetime | None,
    asked: CacheControl,
    settings: Settings,
    now: datetime,
    *,
    setting_applies: bool = True,
    directive_applies: bool = True,
) -> bool:
    """Whether a stored response will do where the origin failed (RFC 5861 section 4).

    By our setting, or by the directive of that name; which of them counts what happened as an error,
    the caller says.
    """
    if stored is None or forbids_stale(stored, expires, settings, now):
        return False
    expired_at = now if expires is None else expires
    if setting_applies and settings.stale_if_error.accepts(expired_at, now):
        return True
    if not directive_applies:
        return False
    return _directive_accepts("stale-if-error", stored, expired_at, asked, settings, now)


def _directive_accepts(
    name: str,
    stored: Interaction,
    expired_at: datetime,
    asked: CacheControl,
    settings: Settings,
    now: datetime,
) -> bool:
    windows = (asked.seconds(name), _said(stored, settings).seconds(name))
    return any(window is not None and _within(window, expired_at, now) for window in windows)


def _within(seconds: int | None, expired_at: datetime, now: datetime) -> bool:
    return seconds is None or now - expired_at <= timedelta(seconds=seconds)


def _said(stored: Interaction, settings: Settings) -> CacheControl:
    return cache_control(stored.response.headers) if settings.cache_control else _NOTHING_SAID
