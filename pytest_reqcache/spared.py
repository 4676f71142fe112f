"""Requests that a replay has spared, and that are sent after all for what a placeholder stands for.

A test that replays its login holds a placeholder for the token. Where it then makes a request that must go
to the origin, the login is made after all: as the test has asked for it, with live credentials. What stands
in the answer in the place of the placeholder goes out with the request. In the cassette nothing changes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import requests

from . import clock, policy
from .conversion import copy_request, filled_as, received_headers, recorded_request, without_fields
from .exchange import Call
from .models import REDACTED, BodyFile, Interaction, RecordedResponse
from .policy import Action
from .redaction import PLACEHOLDER, LiveValue, Redactor, fill_request

#: Sends a request of an earlier call: the call, and the request as it is to be sent now.
Send = Callable[[Call, requests.PreparedRequest], requests.Response]

# What every placeholder begins with.
_ANY = f"{REDACTED}-"


class PlaceholderError(Exception):
    """A request to a real origin holds a placeholder that stands for a secret in a cassette, and its live
    value cannot be had."""


@dataclass(slots=True)
class LiveValues:
    """The live values behind placeholders, for all tests of a process, by cassette.

    ``sent`` are the recordings whose requests were sent for them, each once, and what has become of it. What
    the cassettes of fixtures of wider scope have spared (``wide``) may serve every test.
    """

    known: dict[tuple[Path, str], LiveValue] = field(default_factory=dict)
    sent: dict[tuple[Path, str], str] = field(default_factory=dict)
    wide: list[Spared] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)


class Spared:
    """What the replay of one cassette has spared. ``anew`` gives the command that records everything anew."""

    def __init__(self, path: Path, redactor: Redactor, values: LiveValues, anew: Callable[[], str]) -> None:
        self._path = path
        self._redactor = redactor
        self._values = values
        self._anew = anew
        self._replayed: dict[str, tuple[Call, Interaction]] = {}  # by ref

    def note(self, call: Call, stored: Interaction) -> None:
        """The call was answered with that recording. It is kept, connections and all, only where it may be
        needed."""
        if _may_hold(stored.response, _ANY):
            self._replayed[stored.ref] = (call, stored)

    def filled(self, call: Call, send: Send) -> requests.PreparedRequest:
        """The call's request with live values in the place of placeholders; a cookie is left out where its
        value cannot be had.

        Raises:
            PlaceholderError: the value of one that stands elsewhere cannot be had.
        """
        needed = self._redactor.placeholders_in(call.request)
        cookies = self._redactor.cookie_placeholders_in(call.request)
        if not needed and not cookies:
            return self._without_cookies(call.prepared)
        with self._values.lock:  # another thread waits, and shares what is fetched
            values = self._values_of(call, needed, cookies, send)
        filled = fill_request(call.request, values)
        outgoing = filled_as(call.prepared, call.request, filled)
        left = self._redactor.placeholders_in(recorded_request(outgoing))
        if left:  # in a spelling that is not known
            raise self._error(call, *left[0])
        self._redactor.observe(filled, None)
        return self._without_cookies(outgoing)

    def _values_of(
        self, call: Call, needed: list[tuple[str, str]], cookies: list[str], send: Send
    ) -> dict[str, str]:
        values: dict[str, str] = {}
        for place, placeholder in needed:  # before anything is sent for one of the others
            if not _is_plain(placeholder):
                raise self._error(call, place, placeholder)
            if self._redactor.signs(place, placeholder):
                raise self._error(call, place, placeholder, "a signature, good for one request alone")
        for place, placeholder in needed:
            tried: list[str] = []
            value = self._value_of(placeholder, send, tried)
            if value is None:
                raise self._error(call, place, placeholder, "; ".join(tried) or "no replayed answer gave it")
            values[placeholder] = value
        for cookie in cookies:
            value = self._value_of(cookie, send, [])
            if value is not None:
                values[cookie] = value
        return values

    def _value_of(self, placeholder: str, send: Send, tried: list[str]) -> str | None:
        """What the placeholder stands for. Where it cannot be had, ``tried`` says why."""
        value = self._fetched(placeholder, send, tried)
        if value is None:
            wide = self._wide_that_give(placeholder)
            if len(wide) > 1:
                tried.append("several cassettes of fixtures gave it")
                return None
            value = wide[0]._fetched(placeholder, send, tried) if wide else None
        if value is None:
            return None
        self._redactor.learn_behind(placeholder, value)
        return value.text

    def _wide_that_give(self, placeholder: str) -> list[Spared]:
        """The cassettes of fixtures that gave it: of several of one name those in folders above."""
        wide = [spared for spared in self._values.wide if spared is not self and spared._gives(placeholder)]
        if len(wide) < 2:
            return wide
        return [spared for spared in wide if spared._is_above(self)] or wide

    def _is_above(self, other: Spared) -> bool:
        """Whether it stands in ``cassettes`` of a folder in which, or below which, the other stands."""
        return self._path.parent.parent in other._path.parents

    def _gives(self, placeholder: str) -> bool:
        return any(self._gave(call, stored, placeholder) for call, stored in list(self._replayed.values()))

    def _fetched(self, placeholder: str, send: Send, tried: list[str]) -> LiveValue | None:
        known, name = self._values.known, (self._path, placeholder)
        for call, stored in list(self._replayed.values()):
            if name in known:
                break
            if self._gave(call, stored, placeholder):
                wrong = self._sent(call, stored, send) or "was sent, and its answer holds none at that place"
                tried.append(f"{call.what}, which gave it, {wrong}")
        return known.get(name)

    def _gave(self, call: Call, stored: Interaction, placeholder: str) -> bool:
        """Whether the answer gave it to the test, which did not have it when it asked."""
        if not _may_hold(stored.response, placeholder):
            return False
        redactor = self._redactor
        had = {found for _, found in redactor.placeholders_in(call.request)}
        had.update(redactor.cookie_placeholders_in(call.request))
        return placeholder not in had and placeholder in redactor.placeholders_of(stored.response)

    def _sent(self, call: Call, stored: Interaction, send: Send) -> str:
        """Send what was spared, once in a run; says what is wrong with the answer."""
        name = (self._path, stored.ref)
        if name not in self._values.sent:
            self._values.sent[name] = "is under way"
            self._values.sent[name] = self._outcome(call, stored, send)
        return self._values.sent[name]

    def _outcome(self, call: Call, stored: Interaction, send: Send) -> str:
        decided = policy.plan(call.request, (), call.settings, call.exchange.options, clock.now())
        if decided.action is not Action.SEND:
            return "may not be sent"
        try:
            response = send(call, self.filled(call, send))
        except PlaceholderError:
            return "holds one itself that cannot be sent"
        except Exception as error:
            return f"was sent, and failed with {type(error).__name__}"
        status, recorded = response.status_code, stored.response
        if status != recorded.status:
            return f"was sent, and answered {status} and not {recorded.status}"
        received = RecordedResponse(
            status, response.reason or "", received_headers(response), response.content
        )
        for placeholder, value in self._redactor.behind(recorded, received).items():
            self._redactor.learn_behind(placeholder, value)
            self._values.known[self._path, placeholder] = value
        return ""

    def hide(self, error: Exception, call: Call, outgoing: requests.PreparedRequest) -> None:
        """Take the live values out of what an error of a request says, and out of what it was caused by."""

        def hidden(argument: object) -> object:
            if not isinstance(argument, str):
                return argument
            return self._redactor.clean_text(argument.replace(outgoing.path_url, call.prepared.path_url))

        seen: set[int] = set()
        waiting: list[object] = [error]
        while waiting:
            one = waiting.pop()
            if isinstance(one, BaseException) and id(one) not in seen:
                seen.add(id(one))
                one.args = tuple(map(hidden, one.args))
                waiting += (*one.args, one.__cause__, one.__context__)
                if isinstance(one, requests.RequestException):
                    one.request = call.prepared

    def _without_cookies(self, outgoing: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request without the cookies that are placeholders."""
        cookie = outgoing.headers.get("Cookie")
        real = self._redactor.without_placeholder_cookies(cookie) if cookie else cookie
        if real == cookie:
            return outgoing
        if not real:
            return without_fields(outgoing, ("Cookie",))
        copied = copy_request(outgoing)
        copied.headers["Cookie"] = real
        return copied

    def _error(self, call: Call, place: str, placeholder: str, why: str = "") -> PlaceholderError:
        return PlaceholderError(
            f"{call.what}: {placeholder!r} in {place} stands for a secret that was replaced in the cassette, "
            f"and cannot be sent{why and ': '}{why}; record the whole test anew: {self._anew()}"
        )


def _is_plain(placeholder: str) -> bool:
    """Whether it is one as we write them: neither encoded nor made up by a user's function."""
    return PLACEHOLDER.fullmatch(placeholder) is not None


def _may_hold(response: RecordedResponse, placeholder: str) -> bool:
    """A quick look: whether a placeholder can stand in it."""
    body = response.body
    if isinstance(body, BodyFile) or placeholder.encode() in body:
        return True
    return placeholder in "\n".join([value for _, value in response.headers.items])
