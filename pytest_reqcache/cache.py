"""``session.cache``: looking at what is stored, removing it, re-dating it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeVar

import requests

from . import clock, policy
from .conversion import CachedResponse, as_prepared, read_once, recorded_request, replay, rewinder
from .expiration import ExpireAfter, Special, expires_at, is_expired, parse_expiry, span_of
from .identity import Asked, made_key
from .models import Interaction
from .recording import Recorder
from .settings import Settings

_T = TypeVar("_T")
AnyRequest = requests.Request | requests.PreparedRequest


class Cache:
    """What a session has stored. Iterating gives the keys; ``len`` counts the stored responses."""

    def __init__(
        self,
        recorder: Recorder,
        settings: Callable[[], Settings],
        prepare: Callable[[requests.Request], requests.PreparedRequest],
    ) -> None:
        self._recorder = recorder
        self._settings = settings
        self._prepare = prepare

    @property
    def path(self) -> Path | None:
        """The cassette's path; None in memory."""
        return self._recorder.cassette.path

    def __len__(self) -> int:
        return sum(1 for _ in self._recorder.interactions())

    def __iter__(self) -> Iterator[str]:
        return (self._recorder.identity.key(item) for item in self._recorder.interactions())

    def __contains__(self, key: object) -> bool:
        return any(own == key for own in self)

    @property
    def responses(self) -> Mapping[str, CachedResponse]:
        """The stored responses by key, the latest of each: a copy, which cannot be changed."""
        key, items = self._recorder.identity.key, self._recorder.interactions()
        return MappingProxyType({key(item): self._response(item) for item in items})

    def filter(
        self,
        *,
        expired: bool = True,
        valid: bool = True,
        older_than: float | str | timedelta | datetime | None = None,
    ) -> Iterator[CachedResponse]:
        """The stored responses that are expired, valid, or created before ``older_than`` ago.

        With both ``expired`` and ``valid`` (the default) everything; ``older_than`` narrows that.

        Raises:
            TypeError, ValueError: ``older_than`` is no time.
        """
        now = clock.now()
        limit = None if older_than is None else _moment_before(older_than, now)

        def is_wanted(item: Interaction) -> bool:
            is_of_its_kind = expired if is_expired(self._expires(item), now) else valid
            return is_of_its_kind and (limit is None or item.created_at <= limit)

        return (self._response(item) for item in self._recorder.interactions() if is_wanted(item))

    def urls(self, *, expired: bool = True) -> list[str]:
        """The URLs of what is stored, each once, sorted."""
        return sorted({response.url for response in self.filter(expired=expired)})

    def contains(
        self, key: str | None = None, *, request: AnyRequest | None = None, url: str | None = None
    ) -> bool:
        """Whether a response, expired or not, is stored under a key, for a request, for a GET of a URL.

        Raises:
            ValueError: the key is a URL.
        """
        if url is not None:
            return bool(self._gets([url]))
        if request is not None:
            return bool(self._answers_to([request]))
        return key is not None and self._key(key) in self

    def create_key(self, request: AnyRequest) -> str:
        """The key of a request under this session's settings."""
        return self._asked(request).key

    def _asked(self, request: AnyRequest) -> Asked:
        if not isinstance(request, requests.Request | requests.PreparedRequest):
            raise TypeError(f"{request!r} is no request: a Request or a PreparedRequest is accepted")
        prepared = self._prepare(request) if isinstance(request, requests.Request) else request
        put_back = rewinder(prepared)  # it is still to be sent
        if put_back is None:
            told = f"the body of {prepared.method} {prepared.url} can be read once only"
            raise TypeError(f"{told}: give its bytes")
        readable = read_once(prepared)
        put_back()
        return self._recorder.ask(recorded_request(readable), made_key(readable, self._settings()))

    def clear(self) -> None:
        """Remove everything."""
        self._recorder.clear()

    def delete(
        self,
        *keys: str,
        expired: bool = False,
        older_than: float | str | timedelta | datetime | None = None,
        urls: Iterable[str] | None = None,
        requests: Iterable[AnyRequest] | None = None,
    ) -> None:
        """Remove what meets any of the conditions; without a condition nothing.

        Args:
            keys: cache keys; unknown ones are passed over.
            expired: what has expired.
            older_than: what was created that long ago or longer (seconds, a timedelta or a text as
                ``"30d"``), or before a datetime; whatever its expiry.
            urls: the GET requests for these URLs.
            requests: what answers these requests, matched as when they are sent.

        Raises:
            TypeError, ValueError: ``older_than`` is no time, or a key is a URL.
        """
        now = clock.now()
        limit = None if older_than is None else _moment_before(older_than, now)
        wanted = {self._key(given) for given in keys}
        found = self._gets(_listed(urls, "urls"))
        found += self._answers_to(_listed(requests, "requests"))
        if wanted or expired or limit is not None:
            key = self._recorder.identity.key
            found += [
                item
                for item in self._recorder.interactions()
                if (expired and is_expired(self._expires(item), now))
                or (limit is not None and item.created_at <= limit)
                or (wanted and key(item) in wanted)
            ]
        self._recorder.remove({item.ref: item for item in found}.values())

    def reset_expiration(self, expire_after: ExpireAfter = None) -> None:
        """Give everything stored, expired or not, a new expiry from now on.

        None and ``DO_NOT_CACHE`` mean never. ``created_at`` stays.

        Raises:
            TypeError, ValueError: the value is no expiry.
        """
        expiry = parse_expiry(expire_after, where="reset_expiration")
        now = clock.now()

        def expires(item: Interaction) -> datetime | Literal[Special.NEVER]:
            if expiry is None or expiry in (Special.NEVER, Special.DO_NOT_CACHE):
                return Special.NEVER
            if expiry is Special.HTTP_ONLY:
                lifetime = policy.http_lifetime(item.response.status, item.response.headers, item.created_at)
                return expires_at(lifetime, now) or Special.NEVER
            return expires_at(expiry, now) or Special.NEVER

        self._recorder.replace(
            [(item, replace(item, expires=expires(item))) for item in self._recorder.interactions()]
        )

    def _gets(self, urls: Iterable[str]) -> list[Interaction]:
        """What is stored of the GET requests for these URLs, whatever headers they had."""
        if self._settings().key_fn is not None:
            return self._answers_to(requests.Request("GET", url) for url in urls)
        locate = self._recorder.identity.locate
        locators = [locate(self._prepare(requests.Request("GET", url)).url or "") for url in urls]
        found = (item for locator in locators for item in self._recorder.at(locator))
        return [item for item in found if item.request.method == "GET"]

    def _answers_to(self, given: Iterable[AnyRequest]) -> list[Interaction]:
        """What is stored of requests with the keys of these, in the variant that answers them."""
        key, found, settings = self._recorder.identity.key, list[Interaction](), self._settings()
        for asked in (one for request in given for one in self._ways_of(request)):
            is_located = settings.key_fn is None  # else it may be of any URL
            stored = self._recorder.at(asked.locator) if is_located else self._recorder.interactions()
            of_key = (item for item in stored if key(item) == asked.key)
            found += (item for item in of_key if policy.varies_as(item, asked.request, settings))
        return found

    def _ways_of(self, request: AnyRequest) -> Iterator[Asked]:
        """What a request is answered as: HEAD by what is stored of GET, too, where that may be."""
        asked = self._asked(request)
        yield asked
        if asked.request.method == "HEAD" and self._settings().heads_by_get:
            yield self._recorder.ask(replace(asked.request, method="GET"), None)

    def _key(self, given: str) -> str:
        """A key that was given; a URL is none, unless a function has made it."""
        if self._settings().key_fn is None and "://" in given and given not in self:
            raise ValueError(
                f"{given!r} is a URL, and keys are those of create_key(); give it as url=, or urls= to delete"
            )
        return given

    def _expires(self, item: Interaction) -> datetime | None:
        return policy.expiry_of(item, item.request.url, self._settings(), clock.now())

    def _response(self, item: Interaction) -> CachedResponse:
        response = replay(item, as_prepared(item.request), stream=False, connection=None)
        response.expires = self._expires(item)
        response.cache_key = self._recorder.identity.key(item)
        return response


def _listed(given: Iterable[_T] | None, name: str) -> Iterable[_T]:
    if isinstance(given, str | bytes | requests.Request | requests.PreparedRequest):
        raise TypeError(f"{name}={given!r} is one of them: a list is accepted, as [{given!r}]")
    return () if given is None else given


def _moment_before(older_than: float | str | timedelta | datetime, now: datetime) -> datetime:
    """The moment that ``older_than`` names; off the end of the calendar its first or its last."""
    if isinstance(older_than, str):
        parsed = parse_expiry(older_than, "older_than")
        if parsed is Special.IMMEDIATELY:
            older_than = timedelta(0)
        elif parsed is not None and not isinstance(parsed, Special):
            older_than = parsed
    if isinstance(older_than, datetime):
        try:
            return older_than.astimezone(now.tzinfo)
        except (OverflowError, ValueError, OSError):
            return older_than.replace(tzinfo=now.tzinfo)
    if isinstance(older_than, (int, float)) and not isinstance(older_than, bool):
        older_than = span_of(older_than)
    if isinstance(older_than, timedelta):
        try:
            return now - older_than
        except OverflowError:
            first, last = datetime.min.replace(tzinfo=now.tzinfo), datetime.max.replace(tzinfo=now.tzinfo)
            return first if older_than > timedelta() else last
    raise TypeError(
        f"older_than={older_than!r}: seconds, a text as '30d', a timedelta or a datetime are accepted"
    )
