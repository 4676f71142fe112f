"""Runs the policy between a cassette and an origin. One request takes one straight way through::

    ask -> find -> policy.plan -> [serve | serve and refresh behind | send | refuse with 504]
        -> origin -> policy.settle -> [store | freshen | use the stale one | keep | pass through]

How a stored response is put to the one who asked (whole, as a part, as a 304), ``policy.presented`` says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, NamedTuple
from weakref import WeakSet

import requests

from . import clock, policy
from .arrival import Arrival, leads_elsewhere, store_or_warn
from .background import Background
from .body import is_there, part_of
from .conversion import (
    CachedResponse,
    as_cached_response,
    is_recordable,
    not_cached,
    read_once,
    received_headers,
    recorded_request,
    replay,
    show_unread,
    with_conditions,
)
from .exchange import Call, Exchange, Forward
from .headers import Headers
from .identity import made_key
from .journal import CacheMissError, Journal, Miss
from .models import Interaction, RecordedRequest, RecordedResponse
from .policy import Action, Outcome, Plan, Reason, Verdict
from .recording import Found, Recorder
from .redaction import masked_url
from .settings import REDIRECTS, Settings
from .spared import PlaceholderError, Spared
from .streams import Tee


class Sent(NamedTuple):
    """When a request was sent to the origin, and its number among those that were."""

    at: datetime
    number: int


class Transport:
    """Answers requests from a cassette where the policy allows it, else from the origin."""

    def __init__(
        self,
        recorder: Recorder,
        settings: Callable[[], Settings],
        journal: Journal,
        explain: Callable[[Miss, RecordedRequest], str],
        spared: Spared | None = None,
    ) -> None:
        self.recorder = recorder
        self._spared = spared
        self.journal = journal
        self.background = Background()
        self._streams: WeakSet[Tee] = WeakSet()
        #: The keys of requests that were redirected behind the caller's back: the next one is to follow that.
        self._to_be_followed: set[str] = set()
        self._numbers = count(1)
        self._settings = settings
        self._explain = explain

    def send(
        self,
        prepared: requests.PreparedRequest,
        exchange: Exchange,
        forward: Forward,
        *,
        stream: bool,
        timeout: object,
        connection: Any,
    ) -> requests.Response:
        """The response to a request: from the cassette, from the origin, or a 504.

        Raises:
            CacheMissError: nothing may answer it, and ``on_miss`` is ``"raise"``.
            requests.RequestException: the origin could not answer, and nothing stale may stand in.
        """
        exchange.failed = exchange.ended = False  # the last request of a chain tells how it ends
        settings = exchange.options.applied_to(self._settings())
        if settings.passes_through(prepared.url or ""):
            return as_cached_response(forward(prepared))
        readable = read_once(prepared)
        asked = self.recorder.ask(recorded_request(readable), made_key(readable, settings))
        if asked.key in exchange.asked:
            asked = asked._replace(again=True)
        exchange.asked.add(asked.key)
        call = Call(readable, asked, settings, exchange, forward, stream, connection, timeout)
        response = self._answer(call)
        if readable is not prepared and response.request is readable:
            response.request = prepared
        if not stream and (prepared.hooks or {}).get("response") and isinstance(response, requests.Response):
            show_unread(response)
        return response

    def _answer(self, call: Call) -> requests.Response:
        landed = self.recorder.flights.landed
        found, decided = self._decide(call)
        if decided.action is not Action.SEND:
            return self._without_origin(call, found, decided)
        flight = self.recorder.flight(call.asked, call.timeout) if _may_be_shared(call, decided) else None
        if flight is None:
            return self._from_origin(call, found, decided)
        with flight as shared:
            if self.recorder.flights.landed != landed:  # another thread may have asked meanwhile
                found, decided = self._decide(call)
                if decided.action is not Action.SEND:
                    return self._without_origin(call, found, decided)
            if shared is not None and not shared.in_vain:
                response = self._from_origin(call, found, decided)
                shared.in_vain = _is_callers_alone(call, response)
                return response
        return self._from_origin(call, found, decided)

    def _decide(self, call: Call) -> tuple[Found, Plan]:
        found = self.recorder.find(call.asked)
        if call.request.method == "HEAD" and call.settings.heads_by_get:
            found = self._with_those_of_get(call, found)
        if call.asked.again and not call.settings.in_test:  # there the next answer is due
            found = _without_followed(found, call)
        if call.settings.filter_fn is not None:
            found = self._filtered(found, call)
        settings, options = call.settings, call.exchange.options
        if found.held is not None:
            return found, self._of_sequence(call, found.held, found.candidates[-1])
        if found.follows_stale:
            offline = replace(settings, only_if_cached=True)
            decided = policy.plan(call.request, found.candidates, offline, options, clock.now())
            if decided.action is Action.SERVE:
                return found, decided
        if found.current:
            settings = replace(settings, refresh=False, force_refresh=False)
        elif found.refetch:
            settings = replace(settings, refresh=True)
        plan = partial(
            policy.plan, call.request, found.candidates, settings, options, clock.now(), missing=found.missing
        )
        decided = plan()
        if decided.action is Action.SERVE_AND_REFRESH and not self._may_refresh_behind(call):
            decided = plan(may_be_behind=False)
            if call.asked.key in self._to_be_followed and options.stale_if_error is None:
                # What would do at once does in an error's place, too, be it that of where the redirect leads.
                accepted = settings.stale_if_error or settings.stale_while_revalidate
                call.exchange.options = replace(options, stale_if_error=accepted)
        return found, decided

    def _of_sequence(self, call: Call, first: Interaction, due: Interaction) -> Plan:
        """A sequence is judged by its first answer: offline the others are refused as that was."""
        settings, now = call.settings, clock.now()
        if settings.only_if_cached:
            decided = policy.plan(call.request, (first,), settings, call.exchange.options, now)
            if decided.action is Action.REFUSE:
                return decided
        return Plan(Action.SERVE, due, policy.expiry_of(due, call.request.url, settings, now))

    def _may_refresh_behind(self, call: Call) -> bool:
        return call.asked.key not in self._to_be_followed and self.recorder.may_refresh_behind(call.asked)

    def _with_those_of_get(self, call: Call, found: Found) -> Found:
        """What may answer a HEAD: the stored responses to the same GET, too."""
        of_get = self.recorder.find(self.recorder.ask(replace(call.request, method="GET"), None))
        return found._replace(
            candidates=(*of_get.candidates, *found.candidates),
            refetch=found.refetch or of_get.refetch,
            current=found.current or of_get.current,
            follows_stale=found.follows_stale or of_get.follows_stale,
        )

    def _filtered(self, found: Found, call: Call) -> Found:
        accepts = call.settings.filter_fn
        assert accepts is not None
        now = clock.now()
        refused = [item for item in found.candidates if not accepts(self._replayed(call, item, now))]
        if refused and not (call.settings.read_only or _allows_no_request(call)):
            self.recorder.remove(refused)
        accepted = tuple(item for item in found.candidates if item not in refused)
        if refused and not accepted:
            self.journal.told(call.what, Reason.FILTERED.value)
            return found._replace(candidates=(), held=None, missing=Reason.FILTERED)
        return found._replace(candidates=accepted)

    # --- without the origin

    def _without_origin(self, call: Call, found: Found, decided: Plan) -> requests.Response:
        if decided.action is Action.REFUSE:
            return self._refuse(call, found, decided)
        assert decided.stored is not None
        response = self._serve(call, found, decided.stored, decided.expires)
        if decided.action is Action.SERVE_AND_REFRESH:
            background = call.behind()
            what = f"{call.request.method} {masked_url(call.asked.masked.request.url)}"
            key = f"{call.asked.key} {decided.stored.ref}"  # each of several answers by itself
            self.background.start(key, what, lambda: self._refresh_behind(background, decided))
        return response

    def _refresh_behind(self, call: Call, decided: Plan) -> None:
        """Refresh what was served stale, unless that was done between the serving and now."""
        assert decided.stored is not None
        if not self.recorder.is_replaced(decided.stored):
            self._from_origin(call, None, decided)

    def _refuse(self, call: Call, found: Found, decided: Plan) -> requests.Response:
        assert decided.reason is not None
        now, url = clock.now(), self.recorder.shown(call.asked.masked.request.url)
        if call.exchange.is_probe:
            return not_cached(call.prepared, call.connection, "", url, stream=call.stream)
        miss = Miss(decided.reason, call.request.method, url, decided.expires, now)
        self.journal.miss(miss)
        explanation = self._explain(miss, call.request)
        self.recorder.answered(call.asked, found, None, 504, live=False)
        if call.settings.on_miss == "raise":
            raise CacheMissError(miss.explain(), miss.method, miss.url, explanation)
        response = not_cached(call.prepared, call.connection, explanation, miss.url, stream=call.stream)
        response.created_at = now
        return response

    def _serve(
        self, call: Call, found: Found, stored: Interaction, expires: datetime | None
    ) -> CachedResponse:
        now = clock.now()
        if stored.response.status in REDIRECTS:
            call.exchange.followed += ((stored.request, stored.response),)
        response = self._presented(call, stored, now)
        response.expires = expires
        stale_age = None if expires is None or now < expires else now - stored.created_at
        is_polled = call.settings.in_test and call.settings.repeats == "share"
        recording = stored.ref if is_polled else None
        self.journal.served(call.what, recording, stale_age=stale_age)
        self.recorder.answered(call.asked, found, stored, stored.response.status, live=False)
        if self._spared is not None:
            self._spared.note(call, stored)
        if call.exchange.at_stake and call.settings.in_test:
            self._keep_what_led_here(call, stored.response.status)
        return response

    def _keep_what_led_here(self, call: Call, status: int) -> None:
        """Redirects that are new have led to what is recorded: it may be an error."""
        if policy.never_replaces_success(status):
            call.exchange.failed = True
            self._kept(call, None, f"answered {status}: the recording is kept")

    def _presented(
        self, call: Call, stored: Interaction, now: datetime, headers: Headers | None = None
    ) -> CachedResponse:
        """The stored response as it answers this very request; with other ``headers`` where it was just
        confirmed."""
        if headers is not None:
            stored = replace(stored, response=replace(stored.response, headers=headers))
        shape = policy.presented(call.request, stored, call.settings)
        if shape.span is None:  # as it is
            return self._replayed(call, stored, now)
        body = part_of(stored.response.body, *shape.span)
        shown = RecordedResponse(shape.status, shape.reason, shape.headers, body)
        return self._replayed(call, replace(stored, response=shown), now)

    def _replayed(self, call: Call, stored: Interaction, now: datetime) -> CachedResponse:
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

    def _from_origin(self, call: Call, found: Found | None, decided: Plan) -> requests.Response:
        spared, outgoing = self._spared, call.prepared
        try:
            if spared is not None:
                outgoing = spared.filled(call, self._send_spared)
        except PlaceholderError:
            if found is not None and _accepts_stale(call, decided):
                return self._stale(call, found, decided, "holds a placeholder that cannot be sent")
            raise
        filled = outgoing
        if decided.conditions:
            outgoing = with_conditions(outgoing, decided.conditions)
        self.journal.sent(call.what, decided.reason)
        self._to_be_followed.discard(call.asked.key)
        sent = Sent(clock.now(), next(self._numbers))
        try:
            response, body = call.forward(outgoing), None
            if not (call.stream or call.is_followed(response)):
                body = response.content  # now: a broken body is an error like any other
        except Exception as error:
            if spared is not None and filled is not call.prepared:
                spared.hide(error, call, filled)
            why = f"failed with {type(error).__name__}"
            if found is not None and _accepts_stale(call, decided):
                return self._stale(call, found, decided, why)
            call.exchange.failed = True
            self.journal.passed(call.what, why)
            if decided.stored is not None:
                self._not_refreshed(call, call.what, f"{why}: the recording is kept")
            raise
        if not is_recordable(response, body):
            self.journal.passed(call.what, "no response of HTTP")
            return response
        response.request = call.prepared
        if outgoing.url != call.prepared.url:
            response.url = call.prepared.url or ""
        response.connection = call.connection
        return self._settled(call, found, decided, as_cached_response(response), sent)

    def _send_spared(self, call: Call, outgoing: requests.PreparedRequest) -> requests.Response:
        """Send a request that was replayed before, for what stands in its answer."""
        self.journal.sent(call.what, Reason.PLACEHOLDER)
        response = call.forward(outgoing)
        response.content  # noqa: B018  a broken body is an error like any other
        return response

    def _settled(
        self, call: Call, found: Found | None, decided: Plan, response: CachedResponse, sent: Sent
    ) -> requests.Response:
        now = clock.now()
        received = policy.counted_from(sent.at, now, call.settings)
        status, headers = response.status_code, received_headers(response)
        verdict = policy.settle(
            decided,
            call.request,
            status,
            headers,
            call.settings_now,
            call.exchange.options,
            now,
            received=received,
            at_stake=[stored for _, stored in call.exchange.at_stake],
            leads_astray=self._leads_astray(call, decided.stored, status, headers),
        )
        response.created_at = received
        if not call.settings.read_only:
            self._invalidate(call, status, headers)
            for old, new in verdict.updates:
                store_or_warn(
                    self.recorder, self.journal, call, new, old, found, refresh=True, number=sent.number
                )
        if verdict.outcome is Outcome.ASK_AGAIN:
            response.close()
            return self._from_origin(call, found, decided._replace(conditions=()))
        if verdict.outcome in (Outcome.FRESHEN, Outcome.FORGET):
            response.close()
            return self._freshened(call, found, decided, verdict, sent, received)
        if verdict.outcome is Outcome.USE_STALE and found is not None:
            response.close()
            return self._stale(call, found, decided, f"answered {status}")
        if verdict.outcome is Outcome.STORE:
            tee = Arrival(
                self.recorder, self.journal, call, found, decided, verdict, response, sent.number, received
            ).take()
            if tee is not None:
                self._streams.add(tee)
            return response
        return self._passed_through(call, found, decided, verdict, response)

    def _leads_astray(self, call: Call, stored: Interaction | None, status: int, headers: Headers) -> bool:
        if stored is None or not call.exchange.led_nowhere:
            return False
        return leads_elsewhere(self.recorder, stored, status, headers)

    def _passed_through(
        self, call: Call, found: Found | None, decided: Plan, verdict: Verdict, response: CachedResponse
    ) -> CachedResponse:
        """The response as it came: nothing of it is stored, and what is stored stays."""
        if verdict.outcome is Outcome.KEEP:
            if call.exchange.led_nowhere and not call.settings.in_test:
                self._to_be_followed.add(call.asked.key)
            self._kept(call, decided.stored or decided.passed_over, verdict.why)
        else:
            self.journal.passed(call.what, verdict.why)
            if decided.stored is not None and response.status_code >= 400:
                why = f"answered {response.status_code}: the recording is kept"
                self._not_refreshed(call, call.what, why)
        call.exchange.failed = response.status_code >= 400
        self._answered(call, found, None, response.status_code)
        return response

    def _kept(self, call: Call, stored: Interaction | None, why: str) -> None:
        """A refresh leaves what is recorded of the request, and of those whose redirects have led to it."""
        if stored is not None:
            self.recorder.left_alone(stored)
            self._not_refreshed(call, call.what, why)
        for what, replaced in call.exchange.at_stake:
            self.recorder.left_alone(replaced)
            self._not_refreshed(call, what, f"led to {call.asked.masked.request.url}, which {why}")

    def _not_refreshed(self, call: Call, what: str, why: str) -> None:
        if call.settings.in_test:
            self.journal.not_refreshed(what, why)
        else:
            self.journal.told(what, why)

    def _stale(self, call: Call, found: Found, decided: Plan, why: str) -> CachedResponse:
        """What is stored, in place of an error; a refresh that was asked for did not come about."""
        assert decided.stored is not None
        stored, expires = decided.stored, decided.expires
        if not is_there(stored.response.body):
            stored = self.recorder.there_now(stored) or stored
            expires = policy.expiry_of(stored, call.request.url, call.settings, clock.now())
        self.recorder.left_alone(stored, used=True)
        self._not_refreshed(call, call.what, f"{why}: the recording is used, and kept")
        return self._serve(call, found, stored, expires)

    def _freshened(
        self,
        call: Call,
        found: Found | None,
        decided: Plan,
        verdict: Verdict,
        sent: Sent,
        received: datetime,
    ) -> requests.Response:
        old = verdict.stored or decided.stored
        assert old is not None
        shown = None
        if is_there(old.response.body):
            confirmed = self._confirmed(call, found, verdict, old, sent, received)
            shown = verdict.shown
        elif there := self.recorder.there_now(old):
            confirmed = there  # another process has replaced it, while the origin was asked
        else:  # or removed it
            return self._from_origin(call, found, decided._replace(conditions=()))
        self.journal.validated(call.what)
        if self._spared is not None:
            self._spared.note(call, confirmed)
        now = clock.now()
        if confirmed.response.status in REDIRECTS:
            stands = old if call.settings.read_only else confirmed
            call.exchange.followed += ((stands.request, stands.response),)
        response = self._presented(call, confirmed, now, shown)
        response.expires = policy.expiry_of(confirmed, call.request.url, call.settings, now)
        response.revalidated = True
        self._answered(call, found, confirmed, confirmed.response.status)
        return response

    def _confirmed(
        self,
        call: Call,
        found: Found | None,
        verdict: Verdict,
        old: Interaction,
        sent: Sent,
        received: datetime,
    ) -> Interaction:
        """A recording that the origin has confirmed, as it is stored then."""
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
            replaced = old if verdict.stored is None else None
            stored = store_or_warn(
                self.recorder,
                self.journal,
                call,
                confirmed,
                replaced,
                found,
                refresh=True,
                number=sent.number,
            )
            confirmed = stored or confirmed
        elif call.settings.in_test:  # which keeps a good recording
            self.recorder.left_alone(old)
        elif not self.recorder.is_replaced(old):
            self.recorder.remove([old])
        return confirmed

    def _answered(self, call: Call, found: Found | None, used: Interaction | None, status: int) -> None:
        if found is not None:
            self.recorder.answered(call.asked, found, used, status, live=True)

    def end(self) -> None:
        """No more requests are to come: wait for what runs behind, drop streams that were left unread."""
        self.background.join()
        for tee in list(self._streams):
            tee.abandon()

    def _invalidate(self, call: Call, status: int, headers: Headers) -> None:
        if call.settings.in_test:
            return  # there a write makes every stored read of the origin worthless, for the test alone
        urls = policy.invalidated_urls(call.request, status, headers, call.settings)
        if urls:
            self.recorder.invalidate(urls, next(self._numbers))


def _without_followed(found: Found, call: Call) -> Found:
    """What may answer a request that its own redirects have led back to: not these, or it would never end."""
    followed = call.exchange.followed
    left = [item for item in found.candidates if (item.request, item.response) not in followed]
    return found._replace(candidates=tuple(left))


def _allows_no_request(call: Call) -> bool:
    """Whether nothing but what is stored may answer (RFC 9111 section 5.2.1.7)."""
    if call.settings.only_if_cached:
        return True
    return policy.request_directives(call.request, call.settings).has("only-if-cached")


def _accepts_stale(call: Call, decided: Plan) -> bool:
    """Whether what is stored may stand in for an answer that could not be had."""
    return policy.settle_error(decided, call.request, call.settings_now, clock.now())


def _may_be_shared(call: Call, decided: Plan) -> bool:
    """Whether the answer may answer the same request of another thread, which is to wait for it then."""
    is_stored = decided.forbidden is None and not call.settings.read_only
    return is_stored and decided.reason is not Reason.ORIGIN_ALONE


def _is_callers_alone(call: Call, response: requests.Response) -> bool:
    """Whether those who have waited are not answered by it: it is not stored, or not yet, for its stream has
    to be read or its chain to end. In a test each takes its turn all the same, and an answer of its own."""
    if call.settings.in_test:
        return False
    return call.stream or call.is_followed(response) or getattr(response, "cache_key", None) is None


def _age(stored: Interaction, now: datetime) -> tuple[tuple[str, str], ...]:
    """The generated ``Age`` of what is served (RFC 9111 section 5.1)."""
    age = policy.current_age(stored, now)
    return (("Age", str(max(0, age // timedelta(seconds=1)))),)
