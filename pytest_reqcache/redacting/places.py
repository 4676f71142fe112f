"""Where secrets stand in requests and responses, and rewriting them in place.

Every function here takes a *visitor*: called with the place of a secret and its value, it returns what
to put there, or None to leave it. All other bytes stay as they were received.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote, unquote_plus

from ..headers import Headers
from ..models import Body, RecordedRequest, RecordedResponse


@dataclass(frozen=True, slots=True)
class Place:
    """A place of a secret: ``header:authorization``, ``cookie:sid``, ``query:token``, ``body:password``,
    ``userinfo``. ``name`` is what a placeholder is named after. A secret that signs its request differs
    each time: it never tells requests apart."""

    kind: str
    name: str
    signs: bool = False

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.kind != "userinfo" else self.kind


Visitor = Callable[[Place, str], str | None]

_HEADERS: Final = frozenset(
    {
        "api-key",
        "authentication-info",
        "authorization",
        "ocp-apim-subscription-key",
        "private-token",
        "proxy-authorization",
        "x-api-key",
        "x-goog-api-key",
    }
)
_HEADER_ENDINGS: Final = ("-token", "-secret", "-api-key", "-apikey", "-password", "-session")
_NO_CREDENTIALS: Final = frozenset({"sec-websocket-key"})

# Names of parameters and fields, folded: lower case, without "-" and "_".
_FIELDS: Final = frozenset(
    """
    accesstoken refreshtoken idtoken token authtoken sessiontoken apitoken bearertoken csrftoken
    xsrftoken apikey xapikey clientsecret clientassertion password passwd pwd passphrase secret
    secretkey secretaccesskey privatekey assertion codeverifier sessionid sessionkey
    xamzsignature xamzcredential xamzsecuritytoken awsaccesskeyid authorization
    """.split()
)
_QUERY_FIELDS: Final = _FIELDS | {"sig", "signature", "auth"}

_SIGNING_SCHEMES: Final = re.compile(r"(?:aws4-.*|oauth|digest|hawk|signature|ntlm|negotiate|mac)\Z", re.IGNORECASE)
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9._-]*) +(\S.*)\Z", re.DOTALL)
_SECRET_COOKIE: Final = re.compile(r"sess|sid\b|auth|csrf|xsrf|token|jwt|secret|login|user", re.IGNORECASE)
_LONG_COOKIE: Final = 8

# A JSON string, and where it names a scalar, that too. Outside of strings JSON has no quotes, so
# matching from the left never starts within one.
_JSON_STRING: Final = r'"(?:[^"\\]|\\.)*"'
_JSON_PAIR: Final = re.compile(
    rf"({_JSON_STRING})(?:(\s*:\s*)({_JSON_STRING}|-?\d[\d.eE+-]*)?)?", re.DOTALL
)


def fold(name: str) -> str:
    """A parameter's name without case, ``-`` and ``_``: ``accessToken`` is ``access_token``."""
    return name.lower().replace("_", "").replace("-", "")


def is_secret_header(lowered: str) -> bool:
    return lowered in _HEADERS or (lowered.endswith(_HEADER_ENDINGS) and lowered not in _NO_CREDENTIALS)


# --- whole messages


def rewrite_request(request: RecordedRequest, visit: Visitor) -> RecordedRequest:
    """The request with every secret as the visitor wants it; the same object where nothing changes."""
    headers = _rewrite_headers(request.headers, visit)
    url = rewrite_url(request.url, visit)
    body = request.body
    if body:
        body = _rewrite_body(body, request.headers, visit)
    if headers is request.headers and url == request.url and body is request.body:
        return request
    return RecordedRequest(request.method, url, headers, body)


def rewrite_response(response: RecordedResponse, visit: Visitor) -> RecordedResponse:
    """The response with every secret as the visitor wants it, its length corrected."""
    headers = _rewrite_response_headers(response.headers, visit)
    body = response.body
    if isinstance(body, bytes) and body:
        body = _rewrite_body(body, response.headers, visit)
    return with_body(replace(response, headers=headers), body)


def with_body(response: RecordedResponse, body: Body) -> RecordedResponse:
    """The response with another body; a ``Content-Length`` that was right stays right."""
    if body is response.body:
        return response
    headers = response.headers
    if isinstance(body, bytes) and isinstance(response.body, bytes):
        if headers.get("Content-Length") == str(len(response.body)):
            headers = headers.replaced("Content-Length", str(len(body)))
    return replace(response, headers=headers, body=body)


# --- headers


def _rewrite_headers(headers: Headers, visit: Visitor) -> Headers:
    items, changed = [], False
    for name, value in headers.items:
        lowered = name.lower()
        new = value
        if lowered == "cookie":
            new = _rewrite_cookies(value, visit)
        elif is_secret_header(lowered):
            new = _rewrite_credential(lowered, value, visit)
        changed = changed or new is not value
        items.append((name, new))
    return Headers(tuple(items)) if changed else headers


def _rewrite_credential(lowered: str, value: str, visit: Visitor) -> str:
    found = _SCHEME.match(value) if lowered.endswith(("authorization", "-info")) else None
    if found is None:
        return _visited(visit, Place("header", lowered), value)
    scheme, credential = found.groups()
    place = Place("header", lowered, signs=bool(_SIGNING_SCHEMES.match(scheme)))
    new = _visited(visit, place, credential)
    return value if new is credential else f"{scheme} {new}"


def _rewrite_cookies(value: str, visit: Visitor) -> str:
    pairs, changed = [], False
    for pair in value.split("; "):
        name, equals, secret = pair.partition("=")
        if equals and is_secret_cookie(name, secret):
            new = _visited(visit, Place("cookie", name), secret)
            changed = changed or new is not secret
            pair = f"{name}={new}"
        pairs.append(pair)
    return "; ".join(pairs) if changed else value


def is_secret_cookie(name: str, value: str, attributes: str = "") -> bool:
    """Whether a cookie can be a secret: by its name, its length, or because it is ``HttpOnly``."""
    if not value:
        return False
    return len(value) >= _LONG_COOKIE or bool(_SECRET_COOKIE.search(name)) or "httponly" in attributes.lower()


def _rewrite_response_headers(headers: Headers, visit: Visitor) -> Headers:
    items, changed = [], False
    for name, value in headers.items:
        lowered = name.lower()
        new = value
        if lowered == "set-cookie":
            new = _rewrite_set_cookie(value, visit)
        elif lowered in ("location", "content-location"):
            new = rewrite_url(value, visit)
        elif is_secret_header(lowered):
            new = _rewrite_credential(lowered, value, visit)
        changed = changed or new != value
        items.append((name, new))
    return Headers(tuple(items)) if changed else headers


def _rewrite_set_cookie(value: str, visit: Visitor) -> str:
    pair, semicolon, attributes = value.partition(";")
    name, _, secret = pair.partition("=")
    if not is_secret_cookie(name.strip(), secret, attributes):
        return value
    return f"{name}={_visited(visit, Place('cookie', name.strip()), secret)}{semicolon}{attributes}"


# --- URLs and bodies


def rewrite_url(url: str, visit: Visitor) -> str:
    """The URL with its userinfo and its secret parameters as the visitor wants them."""
    if "@" in url:
        scheme, slashes, rest = url.partition("://")
        authority, slash, path = rest.partition("/")
        user, at, host = authority.rpartition("@")
        if slashes and at and user:
            name, colon, password = user.partition(":")
            if colon:
                user = f"{name}:{_visited(visit, Place('userinfo', 'userinfo'), password)}"
            else:
                user = _visited(visit, Place("userinfo", "userinfo"), user)
            url = f"{scheme}://{user}@{host}{slash}{path}"
    if "?" not in url:
        return url
    path, _, rest = url.partition("?")
    query, hash_sign, fragment = rest.partition("#")
    return f"{path}?{_rewrite_pairs(query, 'query', _QUERY_FIELDS, visit)}{hash_sign}{fragment}"


def _rewrite_pairs(text: str, kind: str, names: frozenset[str], visit: Visitor) -> str:
    if "=" not in text:
        return text
    pairs = []
    for pair in text.split("&"):
        name, equals, value = pair.partition("=")
        if value and fold(unquote_plus(name)) in names:
            decoded = unquote_plus(value)
            new = visit(Place(kind, unquote_plus(name)), decoded)
            if new is not None and new != decoded:
                pair = f"{name}={quote(new, safe='')}"
        pairs.append(pair)
    return "&".join(pairs)


def _rewrite_body(body: bytes, headers: Headers, visit: Visitor) -> bytes:
    kind = (headers.get("Content-Type") or "").lower()
    is_json = "json" in kind or (not kind and body[:1] in b"{[")
    if not is_json and "form-urlencoded" not in kind:
        return body
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body
    if not is_json:
        new = _rewrite_pairs(text, "body", _FIELDS, visit)
    else:
        new = _JSON_PAIR.sub(lambda found: _rewrite_json_pair(found, visit), text)
    return body if new == text else new.encode()


def _rewrite_json_pair(found: re.Match[str], visit: Visitor) -> str:
    name, colon, value = found.groups()
    if value is None or fold(name[1:-1]) not in _FIELDS:
        return found.group()
    secret = _json_text(value) if value.startswith('"') else value
    if not secret:
        return found.group()
    new = visit(Place("body", name[1:-1]), secret)
    return found.group() if new is None or new == secret else f"{name}{colon}{json.dumps(new)}"


def _json_text(quoted: str) -> str:
    try:
        return str(json.loads(quoted, strict=False))
    except ValueError:
        return quoted[1:-1]


def map_json_strings(text: str, change: Callable[[str], str]) -> str:
    """The JSON text with its strings changed, but for the names of objects."""

    def changed(found: re.Match[str]) -> str:
        string, colon, value = found.groups()
        if colon is None:
            return change(string)
        return f"{string}{colon}{change(value) if value else ''}"

    return _JSON_PAIR.sub(changed, text)


def _visited(visit: Visitor, place: Place, value: str) -> str:
    new = visit(place, value)
    return value if new is None else new
