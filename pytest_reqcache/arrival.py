"""A new response on its way into a cassette."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urljoin

import requests

from . import clock, policy
from .conversion import CachedResponse, received_headers, replay
from .exchange import Call
from .headers import Headers
from .journal import Journal
from .models import Body, Interaction, RecordedResponse
from .policy import Plan, Verdict
from .recording import Found, Recorder
from .redaction import SecretFoundError, SecretWarning
from .settings import REDIRECTS
from .streams import Tee, discard_spooled, record_stream


def store_or_warn(
    recorder: Recorder,
    journal: Journal,
    call: Call,
    new: Interaction,
    replaced: Interaction | None,
    found: Found | None,
    *,
    refresh: bool,
    number: int,
) -> Interaction | None:
    """What is stored now; None where a later answer or a write counts, and, with a warning, where a secret
    stands in it."""
    try:
        stored = recorder.store(call.asked, new, replaced, found, refresh=refresh, number=number)
        if stored is None:
            journal.passed(call.what, "a later request, or a write, was answered sooner")
        return stored
    except SecretFoundError as secret:
        journal.passed(call.what, "a secret in it")
        warnings.warn(
            f"nothing was stored: {secret.leak} of {secret.request}; "
            f"if that is no secret, allow it: allowed_secrets={[secret.leak.names[0]]}",
            SecretWarning,
            stacklevel=2,
        )
        return None


def leads_elsewhere(recorder: Recorder, stored: Interaction, status: int, headers: Headers) -> bool:
    """Whether a response is a redirect, and not the one that is stored: where it leads may be an error."""
    if status not in REDIRECTS or stored.response.status not in REDIRECTS:
        return status in REDIRECTS
    before, now = (fields.get("Location") or "" for fields in (stored.response.headers, headers))
    if before == now:
        return False
    try:
        locate = recorder.identity.locate
        targets = {locate(urljoin(stored.request.url, location)) for location in (before, now)}
    except ValueError:  # one of them is no URL
        return True
    return len(targets) > 1


@dataclass(slots=True)
class Arrival:
    """A response from the origin that may be stored, and what was decided of it.

    ``found`` is None behind the caller's back; ``number`` is that of its request; ``received`` is the moment
    from which its age counts.
    """

    recorder: Recorder
    journal: Journal
    call: Call
    found: Found | None
    decided: Plan
    verdict: Verdict
    response: CachedResponse
    number: int
    received: datetime

    def take(self) -> Tee | None:
        """Store it: at once, when its stream has been read, or when its chain has ended.

        Which answer comes next is settled now. Gives what follows the stream, where there is one.
        """
        call, response = self.call, self.response
        call.exchange.ended = not call.is_followed(response)
        response.cache_key = call.asked.key
        response.expires = policy.expiry_of(
            self._interaction(b""), call.request.url, call.settings, clock.now()
        )
        if call.is_followed(response):
            self._hold_redirect()
        elif call.stream:
            return self._follow_stream()
        elif call.exchange.held:
            self._hold(response.content or b"")
        else:
            self._answered(self._store(response.content or b""))
        return None

    def _hold_redirect(self) -> None:
        try:
            body = self.response.content or b""
        except (requests.RequestException, RuntimeError):  # requests follows it all the same
            self._not_stored("a redirect whose body broke off")
            self._answered(None)
            return
        replaced = self.decided.replaced_by_answer_to(self.call.request)
        if replaced is not None:
            status, headers = self.response.status_code, received_headers(self.response)
            if leads_elsewhere(self.recorder, replaced, status, headers):
                self.call.exchange.at_stake += ((self.call.what, replaced),)
        self._hold(body)

    def _hold(self, body: bytes) -> None:
        """It is stored when its chain has ended, and has not ended in an error."""
        self._answered(self._interaction(body))
        self.call.exchange.held.append(lambda: self._store(body))

    def _follow_stream(self) -> Tee | None:
        """It is stored when its body has been read."""
        self._answered(self._interaction(b""))
        tee = record_stream(self.response, self._store_stream, self._not_stored)
        if tee is None:
            self._not_stored("a streamed body that cannot be followed")
        return tee

    def _store_stream(self, body: Body) -> None:
        """It may be read, or have nothing to read, while its chain is still held back: that comes first."""
        self.call.exchange.end()
        self._store(body)

    def _answered(self, stored: Interaction | None) -> None:
        if self.found is not None:
            status = self.response.status_code
            self.recorder.answered(self.call.asked, self.found, stored, status, live=True)

    def _not_stored(self, why: str) -> None:
        self.response.cache_key = self.response.expires = None
        self.journal.passed(self.call.what, why)

    def _interaction(self, body: Body) -> Interaction:
        call, response, verdict = self.call, self.response, self.verdict
        recorded = RecordedResponse(response.status_code, response.reason or "", verdict.headers, body)
        key = call.asked.key if call.settings.key_fn is not None else None
        return Interaction(verdict.request or call.request, recorded, self.received, verdict.expires, key=key)

    def _store(self, body: Body) -> Interaction | None:
        """What is stored; None where it may not be, and the response then says so."""
        call, new = self.call, self._interaction(body)
        try:
            refused = self._why_refused(new)
        except BaseException:  # the user's own filter
            discard_spooled(new)
            raise
        if refused:
            discard_spooled(new)
            self._not_stored(refused)
            return None
        replaced = self.decided.replaced_by_answer_to(call.request)
        stored = store_or_warn(
            self.recorder,
            self.journal,
            call,
            new,
            replaced,
            self.found,
            refresh=replaced is not None,
            number=self.number,
        )
        if stored is None:
            self.response.cache_key = self.response.expires = None
            return None
        self.journal.stored(call.what)
        status = self.response.status_code
        if call.settings.in_test and replaced is not None and replaced.response.status < 400 <= status:
            self.journal.worsened(call.what, f"answered {status}")
        return stored

    def _why_refused(self, new: Interaction) -> str:
        """Why nothing of it may be stored; empty where it may."""
        call, response = self.call, self.response
        if call.settings.read_only:
            return "read_only"
        accepts = call.settings.filter_fn
        if accepts is None:
            return ""
        if not call.stream:
            return "" if accepts(response) else "filter_fn"
        # Its body was the caller's to read; in the filter's hands it is read again, if at all.
        with replay(new, call.prepared, stream=True, connection=call.connection) as shown:
            shown.from_cache = False
            shown.expires, shown.cache_key = response.expires, response.cache_key
            shown.elapsed = response.elapsed
            return "" if accepts(shown) else "filter_fn"
