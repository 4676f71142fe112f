"""When two requests are the same. No I/O.

A request is found in two steps. Its *locator*, the normalised URL, leads to the few interactions
of a cassette that can match; its *key* then tells whether one does. Both are computed from what
stands in the cassette each time it is read, so that a hand edit is never out of step with a hash.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import urljoin, urlsplit

from .headers import Headers, media_type
from .models import RecordedRequest

# RFC 9110 section 13.1 and 14.2: fields that change what is answered, not which resource is asked.
CONDITIONAL_FIELDS: Final = frozenset(
    {"if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range"}
)

# Fields that the client library or the connection sets, and that differ between machines.
NOISE_FIELDS: Final = frozenset(
    {"accept-encoding", "connection", "content-length", "host", "transfer-encoding", "user-agent"}
)

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# Nothing in it could be evened out but the order of its parameters: lower case where that matters, no
# escape, no port that may be the default one.
_NORMAL_ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]+(?::(?!80/|443/)[1-9][0-9]*)?/")
_NORMAL_BEHIND: Final = "A-Za-z0-9._~!$'()*+,;=:@/&-"
_NORMAL: Final = re.compile(rf"{_NORMAL_ORIGIN.pattern}[{_NORMAL_BEHIND}]*(?:\?[{_NORMAL_BEHIND}]+)?")
_NORMAL_CHARACTERS: Final = bytes(
    code for code in range(128) if re.match(f"[?{_NORMAL_BEHIND}]", chr(code)) is not None
)
_PLAIN_ORIGIN: Final = re.compile(r"(https?)://([a-z0-9.-]+)(?::([1-9][0-9]{0,3}|[1-5][0-9]{4}))?/")
_ESCAPE: Final = re.compile("%[0-9A-Fa-f]{2}")
#: What some clients escape in the value of a parameter and others do not: it separates nothing there.
_NO_SEPARATORS: Final = frozenset("!$'()*,/:@?")


class Compared(NamedTuple):
    """What two requests have to have in common to be the same."""

    method: str
    url: str
    body: bytes
    headers: tuple[tuple[str, str], ...]
    credentials: tuple[str, ...]

    @property
    def key(self) -> str:
        """A short name for it."""
        text = repr(tuple(self)).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, digest_size=8).hexdigest()


class Matcher(NamedTuple):
    """What of a request is compared.

    ``match_headers`` is False, True for every header that tells requests apart, or names in lower
    case. With ``conditions`` the caller's own conditional and range fields are compared: the
    answer to them (304, 412, 206) is then never taken for the answer to a plain request.
    """

    match_headers: bool | tuple[str, ...] = False
    conditions: bool = True

    def compared(self, request: RecordedRequest, credentials: tuple[str, ...] = ()) -> Compared:
        """What is compared of a request whose secrets and ignored parameters are masked already.

        ``credentials`` names the places where a credential stands: what was answered without one
        never answers a request with one.
        """
        return Compared(
            request.method.upper(),
            normalize_url(request.url),
            canonical_body(request),
            self._compared_headers(request.headers),
            credentials,
        )

    def key(self, request: RecordedRequest, credentials: tuple[str, ...] = ()) -> str:
        """The key of such a request."""
        return self.compared(request, credentials).key

    def _compared_headers(self, headers: Headers) -> tuple[tuple[str, str], ...]:
        if not (self.match_headers or headers.has_any(CONDITIONAL_FIELDS)):
            return ()
        compared = []
        for name, value in headers:
            lowered = name.lower()
            if self._is_compared(lowered) and (told := compared_value(lowered, value)) is not None:
                compared.append((lowered, told))
        return tuple(sorted(compared))

    def _is_compared(self, name: str) -> bool:
        if name in CONDITIONAL_FIELDS:
            return self.conditions
        if isinstance(self.match_headers, bool):
            return self.match_headers and name not in NOISE_FIELDS
        return name in self.match_headers


def compared_value(name: str, value: str) -> str | None:
    """What is compared of a header field, whose name is in lower case; None where it is the same as none."""
    if name == "accept" and value.strip() == "*/*":  # RFC 9110 section 12.5.1
        return None
    return _without_boundary(value) if name == "content-type" else value


def normalize_url(url: str) -> str:
    """The URL with what makes no difference evened out (RFC 3986 section 6.2).

    Case of scheme and host, the default port, escapes of unreserved characters, the fragment, the
    order of differently named query parameters, and how clients spell their values: ``%2C`` is a comma,
    and ``%20`` a ``+``.
    """
    if _NORMAL.fullmatch(url) is None:
        return _evened_out(url)
    if "&" not in url:
        return url
    before, mark, query = url.partition("?")
    return before + mark + sort_parameters(query)


def normalize_urls(urls: Sequence[str]) -> Sequence[str]:
    """As ``normalize_url``, for many; mostly one look at all of them tells that nothing is to be done."""
    text = "\n".join(("", *urls, ""))
    odd = text.encode("utf-8", "surrogatepass").translate(None, _NORMAL_CHARACTERS)
    is_normal = odd == b"\n" * (len(urls) + 1) and "?\n" not in text and _have_normal_origins(urls, text)
    return urls if is_normal and "&" not in text else [normalize_url(url) for url in urls]


def _have_normal_origins(urls: Sequence[str], lines: str) -> bool:
    """Whether the origin of each URL is a normal one; ``lines`` are the URLs, each behind a line end."""
    first = _up_to_path(urls[0]) if urls else ""
    is_only_one = lines.count(f"\n{first}") == len(urls)
    origins = {first} if is_only_one else set(map(_up_to_path, urls))
    return all(map(_NORMAL_ORIGIN.fullmatch, origins))


def _up_to_path(url: str) -> str:
    return url[: url.find("/", len("https://")) + 1]


def _evened_out(url: str) -> str:
    try:
        parts = urlsplit(_ESCAPE.sub(_normal_escape, url) if "%" in url else url)
        port = parts.port
    except ValueError:
        return url
    scheme = parts.scheme.lower()
    host = parts.netloc.rpartition("@")[2].lower()
    if port is not None and port == _DEFAULT_PORTS.get(scheme):
        host = host.rpartition(":")[0]
    user = parts.netloc.rpartition("@")[0]
    query = _normal_query(parts.query)
    return f"{scheme}://{user + '@' if user else ''}{host}{parts.path or '/'}{'?' + query if query else ''}"


def _normal_query(query: str) -> str:
    return sort_parameters(_ESCAPE.sub(_normal_query_escape, query) if "%" in query else query)


def _normal_query_escape(escape: re.Match[str]) -> str:
    character = chr(int(escape.group()[1:], 16))
    if character == " ":
        return "+"
    return character if character in _NO_SEPARATORS else _normal_escape(escape)


def sort_parameters(query: str) -> str:
    """The parameters sorted by name; those of the same name keep their order."""
    if "&" not in query:
        return query
    return "&".join(sorted(query.split("&"), key=lambda pair: pair.partition("=")[0]))


def _normal_escape(escape: re.Match[str]) -> str:
    character = chr(int(escape.group()[1:], 16))
    return character if character in _UNRESERVED else escape.group().upper()


def is_plain(url: str) -> bool:
    """Whether a URL begins with an origin that is well formed and in lower case: a quick look."""
    return _PLAIN_ORIGIN.match(url) is not None


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, as one text (RFC 6454)."""
    plain = _PLAIN_ORIGIN.match(url)
    if plain is not None:
        return f"{plain[1]}://{plain[2]}:{plain[3] or _DEFAULT_PORTS[plain[1]]}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return url
    scheme = parts.scheme.lower()
    return f"{scheme}://{(parts.hostname or '').lower()}:{port or _DEFAULT_PORTS.get(scheme, 0)}"


def resolved(base: str, reference: str) -> str:
    """The URL that a reference stands for (RFC 3986 section 5); empty for an impossible one."""
    try:
        return urljoin(base, reference.strip())
    except ValueError:
        return ""


_LIKE_FORM: Final = re.compile(rb"[\w.%+*\[\]-]+=[^\s<>\"&]*(?:&[\w.%+*\[\]-]+=[^\s<>\"&]*)*")
_LIKE_MULTIPART: Final = re.compile(rb"--[^\r\n]{1,70}\r\ncontent-disposition:", re.IGNORECASE)


def kind_of_body(request: RecordedRequest) -> Literal["json", "form", "multipart"] | None:
    """What a request's body is by its media type, and without one by how it looks."""
    kind = media_type(request.headers)
    if not kind:
        return kind_by_looks(request.body or b"")
    if "json" in kind:
        return "json"
    if kind == "application/x-www-form-urlencoded":
        return "form"
    return "multipart" if kind.startswith("multipart/") else None


def kind_by_looks(body: bytes) -> Literal["json", "form", "multipart"] | None:
    """What a body without a media type is."""
    if body[:1] in (b"{", b"["):
        return "json"
    if _LIKE_MULTIPART.match(body):
        return "multipart"
    return "form" if _LIKE_FORM.fullmatch(body) else None


def canonical_body(request: RecordedRequest) -> bytes:
    """The body with what makes no difference evened out.

    JSON: the order of an object's names, and white space. Form: the order of differently named
    fields, and how their values are spelt. Multipart: the boundary. Anything else is compared byte for
    byte.
    """
    body = request.body
    if not body:
        return b""
    kind = kind_of_body(request)
    if kind == "json":
        return _canonical_json(body)
    if kind == "form":
        return _normal_query(body.decode("latin-1")).encode("latin-1")
    if kind == "multipart":
        boundary = boundary_of(request.headers.get("Content-Type") or "").encode("latin-1", "replace")
        if not boundary and _LIKE_MULTIPART.match(body):
            boundary = body[2 : body.index(b"\r\n")]
        return body.replace(b"--" + boundary, b"--boundary") if boundary else body
    return body


def _canonical_json(body: bytes) -> bytes:
    try:
        value = json.loads(body, object_pairs_hook=_object, parse_int=_number, parse_float=_number)
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        return body


def _number(digits: str) -> str:
    """A number as it is spelled: two of them may be one as a float, and are yet not the same."""
    return f"\0{digits}"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice: which one counts is the server's business")
    return found


_BOUNDARY: Final = re.compile(r"""boundary=(?:"([^"]*)"|([^;\s]+))""", re.IGNORECASE)


def boundary_of(content_type: str) -> str:
    """The boundary that a multipart type names (RFC 2046 section 5.1.1); empty where it names none."""
    found = _BOUNDARY.search(content_type)
    return (found.group(1) or found.group(2) or "") if found else ""


def _without_boundary(content_type: str) -> str:
    return _BOUNDARY.sub("boundary=", content_type)
