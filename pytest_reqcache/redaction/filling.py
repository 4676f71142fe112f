"""Live values in the place of placeholders, each in the spelling of the place where it stands."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote, unquote_plus

from ..headers import Headers, media_type
from ..models import REDACTED, RecordedRequest
from .model import PLACEHOLDER
from .reading import reading_of
from .spans import json_names, json_string, json_values, split_url, with_spans
from .spots import basic_text

_PIECE = re.compile(r"[^?#&;=]+")
_URL_BEGINS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|[/?]")


def fill_request(request: RecordedRequest, values: Mapping[str, str]) -> RecordedRequest:
    """The request with each placeholder that has a value replaced by it."""
    filler = _Filler(values)
    headers = Headers(tuple((name, filler.header(name, value)) for name, value in request.headers))
    body = request.body and filler.body(request.body, request.headers)
    return RecordedRequest(request.method, filler.url(request.url), headers, body)


class _Filler:
    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def _raw(self, text: str, spelled: Callable[[str], str] = str) -> str:
        def filled(found: re.Match[str]) -> str:
            value = self._values.get(found[0])
            return found[0] if value is None else spelled(value)

        return PLACEHOLDER.sub(filled, text)

    def url(self, url: str) -> str:
        before, user, path, tail = split_url(url)
        user, path = (self._raw(part, _quoted) for part in (user, path))
        return f"{before}{user}{'@' if user else ''}{path}{self._pairs(tail)}"

    def header(self, name: str, value: str) -> str:
        if name.lower() == "cookie":
            return self._raw(value)
        if REDACTED in value:
            return self._text(value)
        before, space, last = value.rpartition(" ")
        user = basic_text(last)
        filled = self._raw(user)
        if filled == user:
            return value
        return f"{before}{space}{base64.b64encode(filled.encode()).decode()}"

    def body(self, body: bytes, headers: Headers) -> bytes:
        if REDACTED.encode() not in body:
            return body
        text = body.decode("utf-8", "surrogateescape")
        reading, kind = reading_of(body, headers), media_type(headers)
        if reading == "json":
            filled = self._json(text)
        elif reading == "form":
            filled = self._pairs(text)
        else:
            filled = self._raw(text, html.escape if "xml" in kind or "html" in kind else str)
        return filled.encode("utf-8", "surrogateescape")

    def _pairs(self, text: str) -> str:
        """Of a query or form. What is encoded there may be a URL or JSON, in which it is encoded again."""

        def filled(found: re.Match[str]) -> str:
            plain = unquote_plus(found[0])
            if plain == found[0]:
                return self._raw(plain, _quoted)
            new = self._text(plain)
            return found[0] if new == plain else _quoted(new)

        return _PIECE.sub(filled, text)

    def _text(self, text: str) -> str:
        if REDACTED not in text:
            return text
        if text[:1] in ("{", "["):
            return self._json(text)
        return self.url(text) if _URL_BEGINS.match(text) else self._raw(text)

    def _json(self, text: str) -> str:
        strings = [(item.start, item.end) for item in json_values(text) if text[item.start] == '"']
        spans = []
        for start, end in (*strings, *json_names(text)):
            plain = json_string(text[start:end])
            filled = self._text(plain)
            if filled != plain:
                spans.append((start, end, json.dumps(filled)))
        return with_spans(text, spans)


def _quoted(value: str) -> str:
    return quote(value, safe="")
