"""Runs the policy between a cassette and an origin. One request takes one straight way through::

ask -> find -> policy.plan -> [serve | serve and refresh behind | send | refuse with 504]
    -> origin -> policy.settle -> [store | freshen | use the stale one | keep | pass through]

How a stored response is put to the one who asked (whole, as a part, as a 304), ``policy.presented`` says.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from weakref import WeakSet

import requests

from . import clock, policy
from .background import Background
from .conversion import (
    CachedResponse,
    Tee,
    as_cached_response,
    discard_spooled,
    not_cached,
    part_of,
    read_once,
    received_headers,
    record_stream,
    recorded_request,
    replay,
    with_conditions,
    without_fields,
)
from .headers import Headers
from .identity import Asked, made_key
from .journal import CacheMissError, Journal, Miss
from .matching import CONDITIONAL_FIELDS
from .models import Body, Interaction, RecordedRequest, RecordedResponse
from .policy import Action, Outcome, Plan, Reason, Verdict
from .recording import Found, Recorder
from .redaction import SecretFoundError, SecretWarning
from .settings import NO_OPTIONS, Options, Settings

Forward = Callable[[requests.PreparedRequest], requests.Response]


@dataclass(slots=True)
class Exchange:
    """One call of a session: a request with its redirects.

    The hops of a chain are held back until it has ended, and dropped if it ends in an error. ``asked`` are
    the keys of its requests so far.
    """

    options: Options = NO_OPTIONS
    owner: object = None
    follows_redirects: bool = False
    started: bool = False
    failed: bool = False
    held: list[Callable[[], object]] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    def end(self) -> None:
        """Store what was held back, if the chain has not ended in an error."""
        held, self.held = self.held, []
        if not self.failed:
            for store in held:
                store()


class _Call(NamedTuple):
    """One request on its way: what stays the same all along it."""

    prepared: requests.PreparedRequest
    asked: Asked
    settings: Settings
    exchange: Exchange
    forward: Forward
    stream: bool
    connection: Any

    @property
    def request(self) -> RecordedRequest:
        return self.asked.request

    @property
    def what(self) -> str:
        """The request in a log or a report, with nothing secret in it."""
        return f"{self.request.method} {self.asked.masked.request.url}"


class Transport:
    """Answers requests from a cassette where the policy allows it, else from the origin."""

    def __init__(
        self,
        recorder: Recorder,
        settings: Callable[[], Settings],
        journal: Journal,
        explain: Callable[[Miss, RecordedRequest], str],
    ) -> None:
        self.recorder = recorder
        self.journal = journal
        self.background = Background()
        self._streams: WeakSet[Tee] = WeakSet()
        self._settings = settings
        self._explain = explain

    def send(
        self,
        prepared: requests.PreparedRequest,
        exchange: Exchange,
        forward: Forward,
        *,
        stream: bool,
        connection: Any,
    ) -> requests.Response:
        """The response to a request: from the cassette, from the origin, or a 504.

        Raises:
            CacheMissError: nothing may answer it, and ``on_miss`` is ``"raise"``.
            requests.RequestException: the origin could not answer, and nothing stale may stand in.
        """
        exchange.failed = False  # the last request of a chain tells how it ends
        settings = exchange.options.applied_to(self._settings())
        if settings.passes_through(prepared.url or ""):
            return as_cached_response(forward(prepared))
        readable = read_once(prepared)
        asked = self.recorder.ask(recorded_request(readable), made_key(readable, settings))
        if asked.key in exchange.asked:
            asked = asked._replace(again=True)
        exchange.asked.add(asked.key)
        call = _Call(readable, asked, settings, exchange, forward, stream, connection)
        response = self._answer(call)
        if readable is not prepared and response.request is readable:
            response.request = prepared
        return response

    def _answer(self, call: _Call) -> requests.Response:
        landed = self.recorder.flights.landed
        found, decided = self._decide(call)
        if decided.action is not Action.SEND:
            return self._without_origin(call, found, decided)
        flight = self.recorder.flight(call.asked)
        if flight is None:
            return self._from_origin(call, found, decided)
        with flight:
            if self.recorder.flights.landed != landed:  # another thread may have asked meanwhile
                found, decided = self._decide(call)
                if decided.action is not Action.SEND:
                    return self._without_origin(call, found, decided)
            return self._from_origin(call, found, decided)

    def _decide(self, call: _Call) -> tuple[Found, Plan]:
        found = self.recorder.find(call.asked)
        if call.settings.filter_fn is not None:
            found = self._filtered(found, call)
        settings, options = call.settings, call.exchange.options
        if found.held:
            return found, Plan(Action.SERVE, found.candidates[-1])
        if call.request.method == "HEAD":
            found = self._with_those_of_get(call, found)
        if found.current:
            settings = replace(settings, refresh=False, force_refresh=False)
        elif found.refetch:
            settings = replace(settings, refresh=True)
        return found, policy.plan(
            call.request, found.candidates, settings, options, clock.now(), missing=found.missing
        )

    def _with_those_of_get(self, call: _Call, found: Found) -> Found:
        """What may answer a HEAD: the stored responses to the same GET, too."""
        settings = call.settings
        if not settings.cache_control or settings.key_fn is not None or settings.repeats == "sequence":
            return found
        of_get = self.recorder.find(self.recorder.ask(replace(call.request, method="GET"), None))
        return replace(
            found,
            candidates=(*of_get.candidates, *found.candidates),
            refetch=found.refetch or of_get.refetch,
            current=found.current or of_get.current,
        )

    def _filtered(self, found: Found, call: _Call) -> Found:
        accepts = call.settings.filter_fn
        assert accepts is not None
        now = clock.now()
        refused = [item for item in found.candidates if not accepts(self._replayed(call, item, now))]
        if refused and not call.settings.read_only:
            self.recorder.remove(refused)
        accepted = tuple(item for item in found.candidates if item not in refused)
        return replace(found, candidates=accepted, held=found.held and bool(accepted))

    # --- without the origin

    def _without_origin(self, call: _Call, found: Found, decided: Plan) -> requests.Response:
        if decided.action is Action.REFUSE:
            return self._refuse(call, found, decided)
        assert decided.stored is not None
        response = self._serve(call, found, decided.stored, decided.expires)
        if decided.action is Action.SERVE_AND_REFRESH:
            background = _for_all(call)._replace(stream=False, exchange=Exchange(call.exchange.options))
            self.background.start(call.asked.key, lambda: self._refresh_behind(background, decided))
        return response

    def _refresh_behind(self, call: _Call, decided: Plan) -> None:
        """Refresh what was served stale, unless that was done between the serving and now."""
        assert decided.stored is not None
        if not self.recorder.is_replaced(decided.stored):
            self._from_origin(call, None, decided)

    def _refuse(self, call: _Call, found: Found, decided: Plan) -> requests.Response:
        assert decided.reason is not None
        miss = Miss(
            decided.reason, call.request.method, call.asked.masked.request.url, decided.expires, clock.now()
        )
        self.journal.miss(miss)
        explanation = self._explain(miss, call.request)
        self.recorder.answered(call.asked, found, None, 504, live=False)
        if call.settings.on_miss == "raise":
            raise CacheMissError(miss.explain(), miss.method, miss.url, explanation)
        return not_cached(call.prepared, call.connection, explanation, miss.url)

    def _serve(
        self, call: _Call, found: Found, stored: Interaction, expires: datetime | None
    ) -> CachedResponse:
        now = clock.now()
        response = self._presented(call, stored, now)
        response.expires = expires
        stale_age = None if expires is None or now < expires else now - stored.created_at
        self.journal.served(call.what, stale_age=stale_age)
        self.recorder.answered(call.asked, found, stored, stored.response.status, live=False)
        return response

    def _presented(self, call: _Call, stored: Interaction, now: datetime) -> CachedResponse:
        """The stored response as it answers this very request."""
        shape = policy.presented(call.request, stored, call.settings)
        if shape.span is None:  # as it is
            return self._replayed(call, stored, now)
        body = part_of(stored.response.body, *shape.span)
        shown = RecordedResponse(shape.status, shape.reason, shape.headers, body)
        return self._replayed(call, replace(stored, response=shown), now)

    def _replayed(self, call: _Call, stored: Interaction, now: datetime) -> CachedResponse:
        is_http = call.settings.cache_control
        response = replay(
            stored,
            call.prepared,
            stream=call.stream,
            connection=call.connection,
            age=timedelta(0) if is_http else max(now - stored.created_at, timedelta(0)),
            extra_headers=_age(stored, now) if is_http else (),
        )
        response.cache_key = call.asked.key
        return response

    # --- from the origin; ``found`` is None behind the caller's back, where nothing is counted

    def _from_origin(self, call: _Call, found: Found | None, decided: Plan) -> requests.Response:
        outgoing = self.recorder.outgoing(call.prepared, call.request)
        if decided.conditions:
            outgoing = with_conditions(outgoing, decided.conditions)
        self.journal.sent(call.what, decided.reason)
        sent = clock.now()
        try:
            response = call.forward(outgoing)
            if not (call.stream or _is_followed(call, response)):
                self._read_whole(call, response)
        except Exception as error:
            if found is not None and policy.settle_error(decided, call.request, call.settings, clock.now()):
                return self._stale(call, found, decided, f"failed with {type(error).__name__}")
            call.exchange.failed = True
            raise
        response.request = call.prepared
        response.connection = call.connection
        return self._settled(call, found, decided, as_cached_response(response), sent)

    def _read_whole(self, call: _Call, response: requests.Response) -> None:
        """Read the body now: a broken one is an error like any other."""
        try:
            response.content  # noqa: B018
        except Exception:
            self.journal.passed(call.what, "a body that broke off")
            raise

    def _settled(
        self, call: _Call, found: Found | None, decided: Plan, response: CachedResponse, sent: datetime
    ) -> requests.Response:
        now = clock.now()
        received = policy.counted_from(sent, now, call.settings)
        status, headers = response.status_code, received_headers(response)
        verdict = policy.settle(
            decided,
            call.request,
            status,
            headers,
            call.settings,
            call.exchange.options,
            now,
            received=received,
        )
        response.created_at = received
        if not call.settings.read_only:
            self._invalidate(call, status, headers)
            for old, new in verdict.updates:
                self._store(call, new, old, found, refresh=True)
        if verdict.outcome is Outcome.ASK_AGAIN:
            response.close()
            return self._from_origin(call, found, decided._replace(conditions=()))
        if verdict.outcome in (Outcome.FRESHEN, Outcome.FORGET):
            response.close()
            return self._freshened(call, found, decided, verdict, received)
        if verdict.outcome is Outcome.USE_STALE and found is not None:
            response.close()
            return self._stale(call, found, decided, f"answered {status}")
        if verdict.outcome is Outcome.STORE:
            return self._stored(call, found, decided, verdict, response, received)
        if verdict.outcome is Outcome.KEEP:
            assert decided.stored is not None
            self.recorder.left_alone(decided.stored)
            self.journal.refreshed(call.what, verdict.why)
        else:
            self.journal.passed(call.what, verdict.why)
        call.exchange.failed = status >= 400
        if found is not None:
            self.recorder.answered(call.asked, found, None, status, live=True)
        return response

    def _stale(self, call: _Call, found: Found, decided: Plan, why: str) -> CachedResponse:
        """What is stored, in place of an error; a refresh that was asked for did not come about."""
        assert decided.stored is not None
        self.recorder.left_alone(decided.stored)
        if call.settings.in_test and decided.reason is Reason.REFRESH:
            self.journal.refreshed(call.what, f"{why}: the recording is used, and kept")
        return self._serve(call, found, decided.stored, decided.expires)

    def _freshened(
        self, call: _Call, found: Found | None, decided: Plan, verdict: Verdict, received: datetime
    ) -> CachedResponse:
        old = verdict.stored or decided.stored
        assert old is not None
        confirmed = replace(
            old,
            request=verdict.request or old.request,
            response=replace(old.response, headers=verdict.headers),
            created_at=received,
            expires=verdict.expires,
        )
        if call.settings.read_only:
            pass
        elif verdict.outcome is Outcome.FRESHEN:
            replaced = None if verdict.request else old
            confirmed = self._store(call, confirmed, replaced, found, refresh=True) or confirmed
        elif not call.settings.in_test:  # a test keeps a good recording
            self.recorder.remove([old])
        self.journal.validated(call.what)
        now = clock.now()
        response = self._presented(call, confirmed, now)
        response.expires = policy.expiry_of(confirmed, call.request.url, call.settings, now)
        response.revalidated = True
        if found is not None:
            self.recorder.answered(call.asked, found, confirmed, confirmed.response.status, live=True)
        return response

    def _stored(
        self,
        call: _Call,
        found: Found | None,
        decided: Plan,
        verdict: Verdict,
        response: CachedResponse,
        received: datetime,
    ) -> requests.Response:
        """Store a new response: at once, when its stream has been read, or when its chain has ended."""

        def interaction(body: Body) -> Interaction:
            recorded = RecordedResponse(response.status_code, response.reason or "", verdict.headers, body)
            key = call.asked.key if call.settings.key_fn is not None else None
            return Interaction(verdict.request or call.request, recorded, received, verdict.expires, key=key)

        def store(body: Body) -> Interaction | None:
            new = interaction(body)
            try:
                refused = self._why_refused(call, new, response)
            except BaseException:  # the user's own filter
                discard_spooled(new)
                raise
            if refused:
                self.journal.passed(call.what, refused)
                response.cache_key = response.expires = None
                discard_spooled(new)
                return None
            replaced = decided.replaced_by_answer_to(call.request)
            stored = self._store(call, new, replaced, found, refresh=replaced is not None)
            if stored is None:
                response.cache_key = response.expires = None
                return None
            self.journal.stored(call.what)
            if (
                call.settings.in_test
                and replaced is not None
                and replaced.response.status < 400 <= response.status_code
            ):
                self.journal.refreshed(
                    call.what, f"answered {response.status_code}: the recording is replaced"
                )
            return stored

        def answered(stored: Interaction | None) -> None:
            if found is not None:
                self.recorder.answered(call.asked, found, stored, response.status_code, live=True)

        response.cache_key = call.asked.key
        response.expires = policy.expiry_of(interaction(b""), call.request.url, call.settings, clock.now())
        # Which answer comes next is settled now; what is stored, when the body or the chain has ended.
        if _is_followed(call, response):
            try:
                body = response.content
            except (requests.RequestException, RuntimeError):  # requests follows it all the same
                response.cache_key = response.expires = None
                self.journal.passed(call.what, "a redirect whose body broke off")
                answered(None)
                return response
            answered(interaction(body))
            call.exchange.held.append(lambda: store(body))
        elif call.stream:
            answered(interaction(b""))
            self._follow(call, response, store)
        elif call.exchange.held:
            body = response.content
            answered(interaction(body))
            call.exchange.held.append(lambda: store(body))
        else:
            answered(store(response.content))
        return response

    def _store(
        self,
        call: _Call,
        new: Interaction,
        replaced: Interaction | None,
        found: Found | None,
        *,
        refresh: bool,
    ) -> Interaction | None:
        """What is stored now; None, with a warning, where a secret stands in it."""
        try:
            return self.recorder.store(call.asked, new, replaced, found, refresh=refresh)
        except SecretFoundError as secret:
            self.journal.passed(call.what, "a secret in it")
            warnings.warn(str(secret), SecretWarning, stacklevel=2)
            return None

    def _follow(self, call: _Call, response: CachedResponse, store: Callable[[Body], object]) -> None:
        """Store a streamed response when its body has been read; say so where it never is."""

        def not_stored(why: str) -> None:
            response.cache_key = response.expires = None
            self.journal.passed(call.what, why)

        tee = record_stream(response, store, not_stored)
        if tee is None:
            not_stored("a streamed body that cannot be followed")
        else:
            self._streams.add(tee)

    def end(self) -> None:
        """No more requests are to come: wait for what runs behind, drop streams that were left unread."""
        self.background.join()
        for tee in list(self._streams):
            tee.abandon()

    def _why_refused(self, call: _Call, new: Interaction, response: CachedResponse) -> str:
        """Why nothing of a response may be stored; empty where it may."""
        if call.settings.read_only:
            return "read_only"
        accepts = call.settings.filter_fn
        if accepts is None:
            return ""
        if call.stream:  # its body was the caller's to read
            response = replay(new, call.prepared, stream=False, connection=call.connection, age=timedelta(0))
            response.from_cache = False
        return "" if accepts(response) else "filter_fn"

    def _invalidate(self, call: _Call, status: int, headers: Headers) -> None:
        if call.settings.in_test:
            return  # there a write makes every stored read of the origin worthless, for the test alone
        urls = policy.invalidated_urls(call.request, status, headers, call.settings)
        if urls:
            self.recorder.invalidate(urls)


def _is_followed(call: _Call, response: requests.Response) -> bool:
    """Whether requests goes on to where the response leads."""
    return call.exchange.follows_redirects and response.is_redirect


def _for_all(call: _Call) -> _Call:
    """The call without the caller's own conditions and range: to refresh the whole of what is stored.

    What a test has recorded is the answer to just these, unless it obeys HTTP.
    """
    settings = call.settings
    headers = call.request.headers.without(*CONDITIONAL_FIELDS)
    if headers == call.request.headers or (settings.in_test and not settings.cache_control):
        return call
    whole = call._replace(prepared=without_fields(call.prepared, CONDITIONAL_FIELDS))
    if not settings.cache_control:  # they are part of what it is found by
        return whole
    return whole._replace(asked=call.asked._replace(request=replace(call.request, headers=headers)))


def _age(stored: Interaction, now: datetime) -> tuple[tuple[str, str], ...]:
    """The generated ``Age`` of what is served (RFC 9111 section 5.1)."""
    age = policy.current_age(stored, now)
    return (("Age", str(max(0, age // timedelta(seconds=1)))),)
