"""``ignored_parameters``: query parameters, form fields, JSON members and headers that are neither
compared nor stored. Names are in lower case."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, NamedTuple

from ..headers import Headers, media_type
from ..models import REDACTED, RecordedRequest
from .reading import parts_of, reading_of
from .spans import decoded, json_values, rewrite_pairs, with_spans


def strip_ignored(request: RecordedRequest, names: Collection[str]) -> RecordedRequest:
    """The request without them; the request itself where it has none."""
    if not names:
        return request
    url = _of_query(request.url, names, _without_pairs)
    headers = _without_headers(request.headers, names)
    body = _of_body(request, names, _WITHOUT)
    return _changed(request, url, headers, body)


def has_ignored(url: str, names: frozenset[str]) -> bool:
    """Whether a URL may have one of them: a quick look."""
    query = url.partition("?")[2]
    if not query or not names:
        return False
    if "%" in query or "+" in query:
        return True
    return not names.isdisjoint([pair.partition("=")[0] for pair in query.lower().split("&")])


def redact_ignored(request: RecordedRequest, names: Collection[str]) -> RecordedRequest:
    """The request with ``REDACTED`` for their values; the request itself where it has none."""
    if not names:
        return request
    url = _of_query(request.url, names, _redacted_pairs)
    headers = _redacted_headers(request.headers, names)
    body = _of_body(request, names, _REDACTED)
    return _changed(request, url, headers, body)


_Edit = Callable[[str, Collection[str]], str]


def _changed(request: RecordedRequest, url: str, headers: Headers, body: bytes | None) -> RecordedRequest:
    if url is request.url and headers is request.headers and body is request.body:
        return request
    return replace(request, url=url, headers=headers, body=body)


def _of_query(url: str, names: Collection[str], edit: _Edit) -> str:
    before, mark, rest = url.partition("?")
    if not mark:
        return url
    query, hash_, fragment = rest.partition("#")
    new = edit(query, names)
    if new == query:
        return url
    return f"{before}{'?' if new else ''}{new}{hash_}{fragment}"


def _without_pairs(text: str, names: Collection[str]) -> str:
    return "&".join(pair for pair in text.split("&") if decoded(pair.partition("=")[0]).lower() not in names)


def _redacted_pairs(text: str, names: Collection[str]) -> str:
    return rewrite_pairs(text, lambda name, value: REDACTED if name.lower() in names else None)


def _without_headers(headers: Headers, names: Collection[str]) -> Headers:
    kept = tuple(item for item in headers.items if item[0].lower() not in names)
    return headers if len(kept) == len(headers.items) else Headers(kept)


def _redacted_headers(headers: Headers, names: Collection[str]) -> Headers:
    if not any(name.lower() in names for name, _ in headers.items):
        return headers
    return Headers(
        tuple((name, REDACTED if name.lower() in names else value) for name, value in headers.items)
    )


class _Edits(NamedTuple):
    """What becomes of them, by how the body is read."""

    form: _Edit
    json: _Edit
    multipart: Callable[[str, Collection[str], Headers], str]
    plain_json: _Edit  # whose type does not say that it is JSON


def _of_body(request: RecordedRequest, names: Collection[str], edits: _Edits) -> bytes | None:
    body = request.body
    reading = reading_of(body, request.headers) if body else None
    if not body or reading is None:
        return body
    text = body.decode("utf-8", "surrogateescape")
    if reading == "form":
        new = edits.form(text, names)
    elif reading == "json" and "json" not in media_type(request.headers):
        new = edits.plain_json(text, names)
    elif not _may_hold(text, names):
        return body
    elif reading == "json":
        new = edits.json(text, names)
    else:
        new = edits.multipart(text, names, request.headers)
    return body if new == text else new.encode("utf-8", "surrogateescape")


def _may_hold(text: str, names: Collection[str]) -> bool:
    lowered = text.lower()
    return "\\" in text or any(name in lowered for name in names)


def _without_members(text: str, names: Collection[str]) -> str:
    """Only for comparing: white space and repeated names are not kept where there is one of them."""
    return _reduced(text, names, always=False)


def _in_one_form(text: str, names: Collection[str]) -> str:
    """The same, whether there is one or not: such a text is compared as it stands."""
    return _reduced(text, names, always=True)


def _reduced(text: str, names: Collection[str], *, always: bool) -> str:
    found = always

    def kept(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal found
        found = found or any(name.lower() in names for name, _ in pairs)
        return {name: value for name, value in pairs if name.lower() not in names}

    try:
        value = json.loads(text, object_pairs_hook=kept)
        return json.dumps(value) if found else text
    except (ValueError, RecursionError):
        return text


def _redacted_members(text: str, names: Collection[str]) -> str:
    return with_spans(
        text,
        [
            (value.start, value.end, f'"{REDACTED}"')
            for value in json_values(text)
            if any(name.lower() in names for name in value.names)
        ],
    )


def _without_parts(text: str, names: Collection[str], headers: Headers) -> str:
    spans = [(part.begin, part.end, "") for part in parts_of(text, headers) if part.name in names]
    kept = with_spans(text, spans)
    # The line break before a delimiter is the delimiter's, and the first needs none.
    return kept if text[:1] in ("\r", "\n") else _FIRST_LINE_BREAK.sub("", kept)


_FIRST_LINE_BREAK = re.compile(r"\A\r?\n")


def _redacted_parts(text: str, names: Collection[str], headers: Headers) -> str:
    spans = [(part.start, part.end, REDACTED) for part in parts_of(text, headers) if part.name in names]
    return with_spans(text, spans)


_WITHOUT = _Edits(_without_pairs, _without_members, _without_parts, _in_one_form)
_REDACTED = _Edits(_redacted_pairs, _redacted_members, _redacted_parts, _redacted_members)
