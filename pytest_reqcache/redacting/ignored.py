"""``ignored_parameters``: what a session neither matches nor stores."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from typing import Any, Final
from urllib.parse import unquote_plus

from ..headers import Headers
from ..models import RecordedRequest
from .registry import GENERIC

_JSON_STRING: Final = r'"(?:[^"\\]|\\.)*"'
_JSON_FIELD: Final = re.compile(rf"({_JSON_STRING})(\s*:\s*)({_JSON_STRING}|[^\s,\[\]{{}}\"]+)?", re.DOTALL)


def redact_ignored(request: RecordedRequest, names: Collection[str]) -> RecordedRequest:
    """The request with ``REDACTED`` for the values of these parameters and headers (names in lower
    case), whatever the case in which they stand there; all else is left as it is."""
    return _changed(
        request,
        names,
        header=lambda name, value: (name, GENERIC),
        pair=lambda name: f"{name}={GENERIC}",
        json_body=lambda text: _redacted_json(text, names),
    )


def strip_ignored(request: RecordedRequest, names: Collection[str]) -> RecordedRequest:
    """The request without these parameters and headers."""
    return _changed(
        request,
        names,
        header=lambda name, value: None,
        pair=lambda name: None,
        json_body=lambda text: _stripped_json(text, names),
    )


def _changed(
    request: RecordedRequest,
    names: Collection[str],
    *,
    header: Callable[[str, str], tuple[str, str] | None],
    pair: Callable[[str], str | None],
    json_body: Callable[[str], str],
) -> RecordedRequest:
    if not names:
        return request
    headers = request.headers
    if any(name.lower() in names for name, _ in headers):
        kept = (header(*item) if item[0].lower() in names else item for item in headers)
        headers = Headers(tuple(item for item in kept if item is not None))
    url = request.url
    if "?" in url:
        path, _, rest = url.partition("?")
        query, hash_sign, fragment = rest.partition("#")
        query = _changed_pairs(query, names, pair)
        url = f"{path}{'?' if query else ''}{query}{hash_sign}{fragment}"
    body = _changed_body(request, names, pair, json_body) if request.body else request.body
    if headers is request.headers and url == request.url and body == request.body:
        return request
    return RecordedRequest(request.method, url, headers, body)


def _changed_body(
    request: RecordedRequest,
    names: Collection[str],
    pair: Callable[[str], str | None],
    json_body: Callable[[str], str],
) -> bytes | None:
    body = request.body or b""
    kind = (request.headers.get("Content-Type") or "").lower()
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body
    if "form-urlencoded" in kind:
        return _changed_pairs(text, names, pair).encode()
    if "json" in kind or (not kind and text[:1] in "{["):
        return json_body(text).encode()
    return body


def _changed_pairs(text: str, names: Collection[str], pair: Callable[[str], str | None]) -> str:
    kept = []
    for given in text.split("&"):
        name = given.partition("=")[0]
        changed = pair(name) if unquote_plus(name).lower() in names else given
        if changed is not None:
            kept.append(changed)
    return "&".join(kept)


def _redacted_json(text: str, names: Collection[str]) -> str:
    def redacted(found: re.Match[str]) -> str:
        name, colon, value = found.groups()
        return f'{name}{colon}"{GENERIC}"' if value and name[1:-1].lower() in names else found.group()

    return _JSON_FIELD.sub(redacted, text)


def _stripped_json(text: str, names: Collection[str]) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    stripped = _without(value, names)
    return text if stripped == value else json.dumps(stripped)


def _without(value: Any, names: Collection[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(own, names) for name, own in value.items() if name.lower() not in names}
    if isinstance(value, list):
        return [_without(own, names) for own in value]
    return value
