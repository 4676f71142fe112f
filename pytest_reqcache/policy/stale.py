"""RFC 9111 section 4.2.4 and RFC 5861: when a stale response is better than none."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from ..expiration import is_expired
from ..headers import NO_DIRECTIVES, CacheControl
from ..models import Interaction
from ..settings import Settings
from .expiry import follows_http
from .freshness import cache_control, current_age, says_no_cache

#: RFC 5861 section 4: the statuses that are errors for ``stale-if-error``.
DIRECTIVE_ERRORS: Final = frozenset({500, 502, 503, 504})


class Selected(NamedTuple):
    """The stored response selected for a request (section 4.1), and when it expires; None for never.

    ``asked`` is the request's ``Cache-Control``.
    """

    stored: Interaction
    expires: datetime | None
    asked: CacheControl
    settings: Settings
    now: datetime

    def forbids_stale(self) -> bool:
        """Whether the response itself forbids to use it as it is, whatever the reason (section 4.2.4).

        ``no-cache`` does always, ``must-revalidate`` and ``proxy-revalidate`` do once it is stale.
        """
        said = self._said()
        if self.says_no_cache():
            return True
        return is_expired(self.expires, self.now) and (
            said.has("must-revalidate") or said.has("proxy-revalidate")
        )

    def says_no_cache(self) -> bool:
        """Whether the response forbids every use that was not confirmed (5.2.2.4)."""
        return says_no_cache(self._said())

    def exceeds_max_age(self) -> bool:
        """Whether the request asks for something younger (5.2.1.1)."""
        limit = self.asked.seconds("max-age")
        # Of that age it will do; with 0, which is how one asks for a reload, nothing does.
        return limit is not None and (limit == 0 or self._age() > timedelta(seconds=limit))

    def _age(self) -> timedelta:
        """How old it is: what it says of that itself counts only where its lifetime is HTTP's, too."""
        if follows_http(self.settings, self.stored.request.url):
            return current_age(self.stored, self.now)
        return self.now - self.stored.created_at

    def is_too_old(self) -> bool:
        """Whether the request asks for something younger, or longer fresh (5.2.1.3)."""
        if self.exceeds_max_age():
            return True
        spare = self.asked.seconds("min-fresh")
        if spare is None or self.expires is None:
            return False
        return self.expires - self.now < timedelta(seconds=spare)

    def accepts_max_stale(self) -> bool:
        """Whether the request's ``max-stale`` accepts what has expired (5.2.1.2); without a value, any
        age."""
        seconds = self.asked.seconds("max-stale")
        if self.expires is None or seconds is None or self.forbids_stale():
            return False
        return self.asked.raw("max-stale") is None or self._within(seconds, self.expires)

    def accepts_while_revalidating(self) -> bool:
        """Whether a stale response will do while it is refreshed behind (RFC 5861 section 3).

        By our setting, or by the directive of that name, the response's or the request's.
        """
        if self.expires is None or self.forbids_stale():
            return False
        return self.settings.stale_while_revalidate.accepts(
            self.expires, self.now
        ) or self._directive_accepts("stale-while-revalidate", self.expires)

    def accepts_on_error(self, *, setting_applies: bool = True, directive_applies: bool = True) -> bool:
        """Whether it will do where the origin failed (RFC 5861 section 4).

        By our setting, or by the directive of that name; which of them counts what happened as an
        error, the caller says.
        """
        if self.forbids_stale():
            return False
        expired_at = self.now if self.expires is None else self.expires
        if setting_applies and self.settings.stale_if_error.accepts(expired_at, self.now):
            return True
        return directive_applies and self._directive_accepts("stale-if-error", expired_at)

    def _directive_accepts(self, name: str, expired_at: datetime) -> bool:
        windows = (self.asked.seconds(name), self._said().seconds(name))
        return any(window is not None and self._within(window, expired_at) for window in windows)

    def _within(self, seconds: int, expired_at: datetime) -> bool:
        return self.now - expired_at <= timedelta(seconds=seconds)

    def _said(self) -> CacheControl:
        if not self.settings.cache_control:
            return NO_DIRECTIVES
        return cache_control(self.stored.response.headers)
