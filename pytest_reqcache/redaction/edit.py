"""Going through a request or a response, with an editor that says what becomes of each secret."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from typing import Final, Protocol

from ..body import read_body
from ..headers import Headers, media_type
from ..models import BodyFile, RecordedRequest, RecordedResponse
from .reading import Reading, parts_of, reading_of
from .rules import HeaderKind, Rules
from .spans import json_names, json_string, split_url, with_spans
from .spots import (
    Spot,
    in_cookies,
    in_json,
    in_multipart,
    in_pairs,
    in_path,
    in_patterns,
    in_set_cookie,
    in_text,
    in_userinfo,
    of_credential,
)


class Editor(Protocol):
    """Says what is written in the place of a secret."""

    @property
    def cookies(self) -> Collection[str]:
        """Names of cookies that are secrets whatever their value."""
        ...

    def own(self, spot: Spot) -> str | None:
        """The text for a secret at its own place; None leaves it."""
        ...

    def elsewhere(self, place: str, text: str) -> str:
        """A text that is no secret by itself, with those replaced that are known."""
        ...

    def concerns(self, text: str) -> bool:
        """Whether ``elsewhere`` may change such a text, or part of it."""
        ...


def edit_request(request: RecordedRequest, editor: Editor, rules: Rules) -> RecordedRequest:
    """The request as the editor wants it; the request itself where it changes nothing."""
    rules = rules.of_requests
    url = _edit_url(request.url, editor, rules)
    headers = _edit_headers(request.headers, editor, rules)
    body = request.body and _edit_body(request.body, request.headers, editor, rules)
    if url == request.url and headers is request.headers and body == request.body:
        return request
    if request.body is not None and body is not None and body != request.body:
        headers = _with_length(headers, len(request.body), len(body))
    return RecordedRequest(request.method, url, headers, body)


def edit_response(response: RecordedResponse, editor: Editor, rules: Rules) -> RecordedResponse:
    """The response as the editor wants it; a body in a file only where it is a text that fits in memory."""
    headers = _edit_headers(response.headers, editor, rules)
    reason = _between(response.reason, "reason", editor, rules)
    body = response.body
    content = body if isinstance(body, bytes) else _content(body, response.headers)
    if content:
        edited = _edit_body(content, response.headers, editor, rules)
        if edited != content:
            headers = _with_length(headers, len(content), len(edited))
            body = edited
    if headers is response.headers and body is response.body and reason == response.reason:
        return response
    return replace(response, reason=reason, headers=headers, body=body)


def edit_text(text: str, editor: Editor, rules: Rules) -> str:
    """The text, of any kind, as the editor wants it."""
    return _edited(text, in_text(text, "text", rules), "text", editor, rules)


def _edited(text: str, spots: Iterable[Spot], place: str, editor: Editor, rules: Rules) -> str:
    """The text with its spots replaced, and what is known where it stands between them."""
    parts: list[str] = []
    position = 0
    for spot in spots:
        if spot.start < position:
            continue
        new = editor.own(spot)
        if new is None:
            new = text[spot.start : spot.end]
        elif spot.bare:
            new = f'"{new}"'
        parts += (_between(text[position : spot.start], place, editor, rules), new)
        position = spot.end
    rest = _between(text[position:], place, editor, rules)
    return "".join((*parts, rest)) if parts else rest


def _between(text: str, place: str, editor: Editor, rules: Rules) -> str:
    """A text without spots of its own: what a user's patterns match, and what is known, replaced."""
    if not rules.patterns:
        return _known_replaced(text, place, editor)
    parts: list[str] = []
    position = 0
    for spot in in_patterns(text, place, rules):
        if spot.start >= position:
            new = editor.own(spot)
            before, old = text[position : spot.start], text[spot.start : spot.end]
            parts += (_known_replaced(before, place, editor), old if new is None else new)
            position = spot.end
    return "".join((*parts, _known_replaced(text[position:], place, editor)))


def _known_replaced(text: str, place: str, editor: Editor) -> str:
    return editor.elsewhere(place, text) if text and editor.concerns(text) else text


# --- URLs


def _edit_url(url: str, editor: Editor, rules: Rules) -> str:
    if not rules.may_hold(url) and not editor.concerns(url):
        return url
    before, user, path, tail = split_url(url)
    parts = [before]
    if user:
        parts += (_edited(user, in_userinfo(user), "userinfo", editor, rules), "@")
    parts.append(_edited(path, in_path(path, rules), "path", editor, rules))
    if tail:
        parts.append(_edited(tail, in_pairs(tail, "query", rules), "query", editor, rules))
    return "".join(parts)


# --- Headers


def _edit_headers(headers: Headers, editor: Editor, rules: Rules) -> Headers:
    kinds = [rules.header(name) for name, _ in headers.items]
    # A quick look at all the others at once: mostly there is nothing in them.
    others = "\n".join([item[1] for item, kind in zip(headers.items, kinds, strict=True) if kind is None])
    plain = not (rules.patterns or rules.may_hold(others) or editor.concerns(others))
    if plain and not any(kinds):
        return headers
    changed = False
    items: list[tuple[str, str]] = []
    for item, kind in zip(headers.items, kinds, strict=True):
        name, value = item
        if kind is not None:
            new = _HEADER_EDITS[kind](name, value, editor, rules)
        elif plain:
            new = value
        elif rules.may_hold(value):
            new = _edit_url_header(name, value, editor, rules)
        else:
            new = _between(value, f"header:{name.lower()}", editor, rules)
        if new != value:
            changed, item = True, (name, new)
        items.append(item)
    return Headers(tuple(items)) if changed else headers


def _edit_credential(name: str, value: str, editor: Editor, rules: Rules) -> str:
    spot = of_credential(name, value, rules)
    if spot is None:
        return value
    new = editor.own(spot)
    return value if new is None else value[: spot.start] + new + value[spot.end :]


def _edit_cookies(name: str, value: str, editor: Editor, rules: Rules) -> str:
    return _edited(value, in_cookies(value, rules, editor.cookies), "header:cookie", editor, rules)


def _edit_set_cookie(name: str, value: str, editor: Editor, rules: Rules) -> str:
    return _edited(value, in_set_cookie(value, rules), "header:set-cookie", editor, rules)


def _edit_url_header(name: str, value: str, editor: Editor, rules: Rules) -> str:
    place = f"header:{name.lower()}"
    return _edited(value, in_text(value, place, rules), place, editor, rules)


_HEADER_EDITS: dict[HeaderKind, Callable[[str, str, Editor, Rules], str]] = {
    HeaderKind.CREDENTIAL: _edit_credential,
    HeaderKind.COOKIE: _edit_cookies,
    HeaderKind.SET_COOKIE: _edit_set_cookie,
    HeaderKind.URL: _edit_url_header,
}


def _with_length(headers: Headers, old: int, new: int) -> Headers:
    """With the length of the new body, where the header told that of the old one."""
    if headers.get("Content-Length") != str(old):
        return headers
    return headers.replaced("Content-Length", str(new))


# --- Bodies

#: Bytes of a text in a file of its own that is still read, to replace secrets in it.
LARGEST_TEXT: Final = 64 * 1024 * 1024

_TEXT = re.compile(r"text/|.*(xml|javascript|ecmascript|yaml|graphql)|application/x-ndjson")


def _content(body: BodyFile, headers: Headers) -> bytes:
    """What stands in a body's file, if it can be edited; else nothing."""
    kind = media_type(headers)
    if body.size > LARGEST_TEXT or not ("json" in kind or "form" in kind or _TEXT.match(kind)):
        return b""
    return read_body(body)


def _edit_body(body: bytes, headers: Headers, editor: Editor, rules: Rules) -> bytes:
    reading = reading_of(body, headers)
    errors = "surrogateescape" if reading or _TEXT.match(media_type(headers)) else "strict"
    codec = _codec(body) if reading == "json" else "utf-8"
    try:
        text = body.decode(codec, errors)
    except UnicodeError:
        return body
    if not rules.may_hold(text) and not editor.concerns(text):
        return body
    if reading == "json":
        new = _edit_json(text, editor, rules)
    else:
        new = _edited(text, _in_body(text, reading, headers, rules), "body", editor, rules)
    return body if new == text else new.encode(codec, errors)


def _in_body(text: str, reading: Reading | None, headers: Headers, rules: Rules) -> Iterable[Spot]:
    if reading == "form":
        return in_pairs(text, "body", rules)
    if reading == "multipart":
        return in_multipart(text, parts_of(text, headers), rules)
    return in_text(text, "body", rules)


def _codec(body: bytes) -> str:
    """The encoding of a JSON text, told from its first bytes; a byte order mark stays in the text."""
    found: str = json.detect_encoding(body)
    if not found.startswith(("utf-16", "utf-32")):
        return "utf-8"
    if found in ("utf-16", "utf-32"):
        found += "-le" if body[:2] == b"\xff\xfe" else "-be"
    return found


def _edit_json(text: str, editor: Editor, rules: Rules) -> str:
    spans = list(_names_of_members(text, editor, rules))
    for item, spot in in_json(text, rules):
        if spot is not None:
            new = editor.own(spot)
            if new is not None:
                spans.append((spot.start, spot.end, f'"{new}"' if spot.bare else new))
            continue
        token = text[item.start : item.end]
        edited = _edit_json_token(token, editor, rules)
        if edited != token:
            spans.append((item.start, item.end, edited))
    return with_spans(text, spans)


def _names_of_members(text: str, editor: Editor, rules: Rules) -> Iterator[tuple[int, int, str]]:
    """Those in which something is replaced: a member may be called after a token."""
    if not rules.patterns and not editor.concerns(text):
        return
    plain: set[str] = set()  # most names stand many times
    for start, end in json_names(text):
        token = text[start:end]
        if token in plain:
            continue
        name = json_string(token)
        new = _between(name, "body", editor, rules)
        if new == name:
            plain.add(token)
        else:
            yield start, end, _json_spelled(new, ascii_only=token.isascii())


def _edit_json_token(token: str, editor: Editor, rules: Rules) -> str:
    if token[0] != '"':
        edited = _between(token, "body", editor, rules)
        return token if edited == token else f'"{edited}"'
    if "\\" not in token:
        return _edited(token, in_text(token, "body", rules), "body", editor, rules)
    value = json_string(token)
    edited = _edited(value, in_text(value, "body", rules), "body", editor, rules)
    return token if edited == value else _json_spelled(edited, ascii_only=token.isascii())


def _json_spelled(value: str, *, ascii_only: bool) -> str:
    surrogates = any("\ud800" <= character <= "\udfff" for character in value)
    return json.dumps(value, ensure_ascii=ascii_only or surrogates)
