"""Replacing secrets: by one token for matching, by placeholders for the cassette."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus, unquote

from ..headers import Headers
from ..models import Interaction, RecordedRequest, RecordedResponse
from .places import Place, map_json_strings, rewrite_request, rewrite_response, with_body
from .registry import GENERIC, Bindings, Credential, Masked, Registry, is_placeholder, new_placeholder

_SHORTEST_ELSEWHERE: Final = 8  # characters; a shorter secret may stand in a text by chance
_PLACEHOLDERS: Final = re.compile(r"REDACTED-[a-z0-9_-]+")
_ANY_PLACEHOLDER: Final = re.compile(r"REDACTED(?:-[a-z0-9_-]+)?")


class Redactor:
    """Knows the secrets that one test has seen, in the order in which it saw them."""

    def __init__(self, registry: Registry, path: Path | None = None) -> None:
        self.bindings = Bindings(registry, path)
        self._registry = registry
        self._path = path
        self._names: dict[str, str] = {}  # live value -> the name of where it was first seen
        self._elsewhere: re.Pattern[str] | None = None

    def observe(self, request: RecordedRequest, response: RecordedResponse | None) -> None:
        """Learn the secrets of what passes, so that they are known where else they stand later."""
        if response is None:
            rewrite_request(request, self._learn)
        else:
            rewrite_response(response, self._learn)

    def _learn(self, place: Place, value: str) -> None:
        if value and not place.signs and value not in self._names and not is_placeholder(value):
            self._names[value] = place.name
            self._elsewhere = None

    # --- for matching

    def mask(self, request: RecordedRequest) -> Masked:
        """The request with one token for every secret: the same for a live value and a placeholder."""
        credentials: list[Credential] = []

        def visit(place: Place, value: str) -> str:
            credentials.append(Credential(str(place), "" if place.signs else value))
            return GENERIC

        masked = rewrite_request(request, visit)
        known = self._known_elsewhere()
        if known is not None or GENERIC in request.url or (request.body and GENERIC.encode() in request.body):
            masked = self._masked_elsewhere(masked, known, credentials)
        return Masked(masked, tuple(credentials))

    def _masked_elsewhere(
        self, request: RecordedRequest, known: re.Pattern[str] | None, credentials: list[Credential]
    ) -> RecordedRequest:
        def generic(text: str) -> str:
            return _ANY_PLACEHOLDER.sub(GENERIC, known.sub(GENERIC, text) if known else text)

        path = request.url.partition("?")[0]
        found = [*_PLACEHOLDERS.findall(path), *(known.findall(path) if known else ())]
        credentials.extend(Credential("path", unquote(value)) for value in found)
        return replace(request, url=generic(request.url), body=_map_body(request.body, request.headers, generic))

    def _known_elsewhere(self) -> re.Pattern[str] | None:
        """What finds the known secrets that are long enough, in every spelling, as whole tokens."""
        if self._elsewhere is None and self._names:
            spellings = {
                spelling
                for value in self._names
                if len(value) >= _SHORTEST_ELSEWHERE
                for spelling in _spellings(value)
            }
            if not spellings:
                return None
            longest_first = sorted(spellings, key=lambda text: (-len(text), text))
            tokens = "|".join(map(re.escape, longest_first))
            self._elsewhere = re.compile(rf"(?<![A-Za-z0-9])(?:{tokens})(?![A-Za-z0-9])")
        return self._elsewhere

    # --- for the cassette

    def redact(
        self, interactions: Sequence[Interaction], previous: Sequence[Interaction | None], taken: Iterable[str]
    ) -> list[Interaction]:
        """The interactions with a placeholder for each secret, the same for the same value.

        ``previous`` are the recordings that they replace: at the same places their placeholders are
        taken over. ``taken`` are the placeholders that the cassette holds.
        """
        for item in interactions:
            self.observe(item.request, None)
            self.observe(item.request, item.response)
        placeholders = _Placeholders(self, set(taken))
        for item, old in zip(interactions, previous, strict=True):
            if old is not None:
                placeholders.take_over(item, old)
        redacted = [placeholders.redacted(item) for item in interactions]
        for value, placeholder in placeholders.by_value.items():
            self._registry.remember(self._path, value, placeholder)
        return redacted

    def name_of(self, value: str, place: Place) -> str:
        return self._names.get(value, place.name)

    def placeholder_known(self, value: str) -> str | None:
        """The placeholder that this test or this run has for a value already."""
        return self.bindings.placeholder_of(value) or self._registry.placeholder_of(value)

    def replace_known(self, text: str, placeholder: Callable[[str], str]) -> str:
        """A text with every known secret in it replaced, in whatever spelling."""
        known = self._known_elsewhere()
        if known is None or not text:
            return text
        by_spelling = {spelling: value for value in self._names for spelling in _spellings(value)}
        return known.sub(lambda found: placeholder(by_spelling[found.group()]), text)

    # --- for what leaves, and what is said

    def placeholders_in(self, request: RecordedRequest) -> list[tuple[str, str]]:
        """The placeholders in a request's credentials, URL and body, with their places; not in cookies."""
        found = [("the URL", placeholder) for placeholder in _PLACEHOLDERS.findall(unquote(request.url))]
        for name, value in request.headers:
            if name.lower() != "cookie":
                found += [(f"the header {name}", item) for item in _PLACEHOLDERS.findall(value + _basic(value))]
        if request.body and GENERIC.encode() in request.body:
            body = request.body.decode("utf-8", "replace")
            found += [("the body", placeholder) for placeholder in _PLACEHOLDERS.findall(unquote(body))]
        return found

    def without_placeholder_cookies(self, cookies: str) -> str:
        """A ``Cookie`` header without the cookies that are placeholders."""
        return "; ".join(pair for pair in cookies.split("; ") if not is_placeholder(pair.partition("=")[2]))

    def clean_text(self, text: str) -> str:
        """A message with nothing secret in it."""
        return self.replace_known(text, lambda value: self.placeholder_known(value) or GENERIC)


class _Placeholders:
    """The placeholders of one commit."""

    def __init__(self, redactor: Redactor, taken: set[str]) -> None:
        self.by_value: dict[str, str] = {}
        self._redactor = redactor
        self._taken = taken
        self._own: set[str] = set()

    def take_over(self, new: Interaction, old: Interaction) -> None:
        """Give the secrets of a new recording the placeholders that stood at the same places."""
        stood = _placed(old)
        for place, values in _placed(new).items():
            for value, placeholder in zip(values, stood.get(place, ()), strict=False):
                if is_placeholder(placeholder) and not is_placeholder(value) and placeholder not in self._own:
                    if value not in self.by_value:
                        self._give(value, placeholder)

    def redacted(self, item: Interaction) -> Interaction:
        request = rewrite_request(item.request, self._visit)
        response = rewrite_response(item.response, self._visit)
        url, headers = self._elsewhere(request.url), self._headers(request.headers)
        body = _map_body(request.body, request.headers, self._elsewhere)
        response = replace(response, headers=self._headers(response.headers))
        if isinstance(response.body, bytes):
            response = with_body(response, _map_body(response.body, response.headers, self._elsewhere) or b"")
        return replace(item, request=RecordedRequest(request.method, url, headers, body), response=response)

    def _visit(self, place: Place, value: str) -> str | None:
        if not value or is_placeholder(value):
            return None
        if place.signs:
            return f"{GENERIC}-{place.name}"
        return self._placeholder(value, place)

    def _placeholder(self, value: str, place: Place) -> str:
        if value not in self.by_value:
            known = self._redactor.placeholder_known(value)
            if known is None or known in self._own:
                known = new_placeholder(self._redactor.name_of(value, place), self._own | self._taken)
            self._give(value, known)
        return self.by_value[value]

    def _give(self, value: str, placeholder: str) -> None:
        self.by_value[value] = placeholder
        self._own.add(placeholder)

    def _elsewhere(self, text: str) -> str:
        return self._redactor.replace_known(
            text, lambda value: self._placeholder(value, Place("elsewhere", "secret"))
        )

    def _headers(self, headers: Headers) -> Headers:
        return Headers(tuple((name, self._elsewhere(value)) for name, value in headers))


def _placed(item: Interaction) -> dict[str, list[str]]:
    """The secrets of an interaction by place, in order."""
    placed: dict[str, list[str]] = {}

    def note(side: str) -> Callable[[Place, str], None]:
        return lambda place, value: placed.setdefault(f"{side} {place}", []).append(value)

    rewrite_request(item.request, note("request"))
    rewrite_response(item.response, note("response"))
    return placed


def _spellings(value: str) -> set[str]:
    """How a value may be written in a URL, a form or a JSON text."""
    return {value, quote(value, safe=""), quote(value), quote_plus(value), value.replace("/", "\\/")}


def _map_body(body: bytes | None, headers: Headers, change: Callable[[str], str]) -> bytes | None:
    if not body:
        return body
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body
    kind = (headers.get("Content-Type") or "").lower()
    if "json" in kind or (not kind and text[:1] in "{["):
        new = map_json_strings(text, change)
    else:
        new = change(text)
    return body if new == text else new.encode()


def _basic(value: str) -> str:
    """What a Basic credential says, decoded; empty for anything else."""
    scheme, _, encoded = value.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
