"""Between the objects of `requests` and urllib3 and what is stored.

Facts about them that this module rests on:

* ``requests`` takes cookies from ``raw._original_response.msg``, not from the headers.
* urllib3 ends ``stream(None)`` only when its file object has closed itself.
* What is stored is decoded. urllib3 would decode, cut or wait for chunks again, as the header fields say:
  it looks at them when a response is made, but for Content-Encoding, which it looks at before the first read.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from email.message import Message
from functools import partial
from http.client import HTTPMessage
from typing import Any, BinaryIO, Final, cast

import requests
from requests.cookies import extract_cookies_to_jar
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers, rewind_body
from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from . import clock
from .body import open_body, read_body, size_of
from .cookies import living_on
from .headers import Headers
from .models import Body, Interaction, RecordedRequest, RecordedResponse


class CachedResponse(requests.Response):
    """A `requests` response that knows where it comes from.

    Attributes:
        from_cache: whether the body comes from the cache, revalidated or not.
        revalidated: whether the origin confirmed it, with a 304, for this very request.
        created_at: when it was received or last validated (aware, UTC).
        expires: when it expires (aware, UTC); None for never, and for what is not stored.
        cache_key: the key under which it is stored; None for what is not stored.
    """

    from_cache: bool = False
    revalidated: bool = False
    _content_consumed: bool
    created_at: datetime | None = None
    expires: datetime | None = None
    cache_key: str | None = None

    __attrs__: list[str] = [  # noqa: RUF012
        *requests.Response.__attrs__,
        "from_cache",
        "revalidated",
        "created_at",
        "expires",
        "cache_key",
    ]

    @property
    def is_expired(self) -> bool:
        """Whether the stored response has expired by now; never true of a new one."""
        return self.from_cache and self.expires is not None and clock.now() >= self.expires

    def __str__(self) -> str:
        origin = "from the cache" if self.from_cache else "new"
        until = f", expires {self.expires:%Y-%m-%d %H:%M:%S} UTC" if self.expires else ""
        return f"<Response [{self.status_code}] {self.request.method} {self.url} ({origin}{until})>"


class NotCachedResponse(CachedResponse):
    """The 504 that says that nothing is stored; its error names the URL as it may be printed."""

    shown_url: str = ""

    __attrs__: list[str] = [*CachedResponse.__attrs__, "shown_url"]  # noqa: RUF012

    def raise_for_status(self) -> None:
        raise requests.HTTPError(
            f"{self.status_code} Server Error: {self.reason} for url: {self.shown_url}", response=self
        )


_OF_A_NEW_ONE: Final[dict[str, object]] = {
    **dict.fromkeys(("revalidated", "from_cache", "is_expired"), False),
    **dict.fromkeys(("created_at", "expires", "cache_key")),
}


def as_cached_response(response: requests.Response) -> CachedResponse:
    """The same response, with the attributes of :class:`CachedResponse`."""
    if isinstance(response, CachedResponse):
        return response
    if type(response) is requests.Response:
        response.__class__ = CachedResponse
    else:  # a subclass of someone else's: keep its class, add the attributes that it has not been given yet
        for name, value in _OF_A_NEW_ONE.items():
            if not hasattr(response, name):
                with suppress(AttributeError):  # what an adapter of a user's own gives may take none
                    setattr(response, name, value)
    return cast(CachedResponse, response)


def is_recordable(response: object, body: object) -> bool:
    """Whether what an adapter gave, and its body as far as that was read, is a response of HTTP: one of a
    user's own may give anything."""
    status, reason = getattr(response, "status_code", None), getattr(response, "reason", ...)
    return isinstance(status, int) and isinstance(reason, str | None) and isinstance(body, bytes | None)


# --- requests


def recorded_request(prepared: requests.PreparedRequest) -> RecordedRequest:
    """A prepared request as data, its body with any content coding removed. A body that can only be read
    once is read, see :func:`read_once`."""
    headers = Headers(tuple([(_text(name), _text(value)) for name, value in prepared.headers.items()]))
    body = without_coding(_body_bytes(prepared.body), headers)
    return RecordedRequest(_text(prepared.method or "GET").upper(), _text(prepared.url or ""), headers, body)


def uncoded(body: bytes, codings: str) -> bytes:
    """A body without the codings that a ``Content-Encoding`` names. Raises urllib3's HTTPError."""
    return HTTPResponse(io.BytesIO(body), {"Content-Encoding": codings}, preload_content=False).data


def without_coding(body: bytes | None, headers: Headers) -> bytes | None:
    """The body of a request, decoded; the bytes that were sent where they are not of the coding."""
    coding = headers.get("Content-Encoding")
    if not body or not coding:
        return body
    try:
        return uncoded(body, coding)
    except HTTPError:
        return body


def _text(value: str | bytes) -> str:
    """The text that is sent: of a member of an enumeration its value, not what ``str`` makes of it."""
    return value.decode("latin-1") if isinstance(value, bytes) else str.__str__(value)


def _body_bytes(body: object) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (bytearray, memoryview)):
        return bytes(body)
    return None


def read_once(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    """The request with a body that can be looked at: files and generators are read into memory.

    The request given keeps its body, which has been read as it would be when it is sent.
    """
    body: Any = prepared.body
    if body is None or isinstance(body, (str, bytes, bytearray, memoryview)):
        return prepared
    copied = copy_request(prepared)
    if hasattr(body, "read"):
        data = body.read()
        copied.body = data.encode() if isinstance(data, str) else data
    elif (buffer := _buffer(body)) is not None:
        copied.body = buffer
    else:
        copied.body = b"".join(part.encode() if isinstance(part, str) else part for part in body)
    return copied


def _buffer(body: Any) -> bytes | None:
    """The bytes of an array, or of anything else that lets its memory be read: urllib3 sends them."""
    try:
        return bytes(memoryview(body))
    except TypeError:
        return None


def rewind(prepared: requests.PreparedRequest) -> None:
    """Put a file that was looked at back to where it stood when the request was prepared, if that can be."""
    if isinstance(getattr(prepared, "_body_position", None), int):
        with suppress(requests.exceptions.UnrewindableBodyError):
            rewind_body(prepared)


def rewinder(prepared: requests.PreparedRequest) -> Callable[[], object] | None:
    """What puts a body back to where it stood when the request was prepared; None where it can be read once
    only."""
    body: Any = prepared.body
    if body is None or isinstance(body, (str, bytes, bytearray, memoryview)):
        return lambda: None
    if hasattr(body, "read"):
        known = getattr(prepared, "_body_position", None)
        try:
            position = known if isinstance(known, int) else body.tell()
            body.seek(position)
        except (AttributeError, OSError):
            return None
        return partial(body.seek, position)
    return (lambda: None) if _buffer(body) is not None or iter(body) is not iter(body) else None


def copy_request(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    """A copy whose headers can be changed."""
    copied = requests.PreparedRequest()
    copied.__dict__.update(prepared.__dict__)
    copied.headers = prepared.headers.copy()
    return copied


def with_conditions(
    prepared: requests.PreparedRequest, conditions: Iterable[tuple[str, str]]
) -> requests.PreparedRequest:
    """A copy of the request that carries our validators."""
    copied = copy_request(prepared)
    for name, value in conditions:
        copied.headers[name] = value
    return copied


def without_fields(prepared: requests.PreparedRequest, names: Iterable[str]) -> requests.PreparedRequest:
    """A copy of the request that lacks these header fields."""
    copied = copy_request(prepared)
    for name in names:
        copied.headers.pop(name, None)
    return copied


def filled_as(
    prepared: requests.PreparedRequest, was: RecordedRequest, filled: RecordedRequest
) -> requests.PreparedRequest:
    """A copy of the request with what is filled in; a body that is coded stays as it is."""
    copied = copy_request(prepared)
    if filled.url != was.url:
        copied.url = filled.url
    for (name, value), (_, new) in zip(was.headers, filled.headers, strict=True):
        if new != value:
            copied.headers[name] = new
    if filled.body != was.body and "Content-Encoding" not in was.headers:
        copied.body = filled.body
        if "Content-Length" in was.headers:
            copied.headers["Content-Length"] = str(len(filled.body or b""))
    return copied


def as_prepared(request: RecordedRequest) -> requests.PreparedRequest:
    """A recorded request as the prepared request that it was."""
    prepared = requests.PreparedRequest()
    prepared.method, prepared.url, prepared.body = request.method, request.url, request.body
    prepared.headers = CaseInsensitiveDict(request.headers)
    prepared.hooks = {"response": []}
    return prepared


# --- responses received


def received_headers(response: requests.Response) -> Headers:
    """The header fields as they were received, repeated ones included."""
    raw = getattr(response.raw, "headers", None)
    if isinstance(raw, HTTPHeaderDict):
        return Headers.of(raw.iteritems())
    return Headers.of(cast(Mapping[str, str], response.headers).items())


# --- responses replayed


class _OriginalResponse:
    """What ``requests`` looks for cookies in."""

    def __init__(self, headers: Headers, later: timedelta) -> None:
        self.msg = _message(headers, later)

    def isclosed(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing is open."""


def _message(headers: Headers, later: timedelta) -> Message:
    message = HTTPMessage()
    for name, value in headers:
        message.add_header(name, living_on(value, later) if name.lower() == "set-cookie" else value)
    return message


class _ReplayedBody(io.RawIOBase):
    """A stored body as a stream that closes itself at its end, as a connection's does."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        if self.closed:
            return b""
        data = self._stream.read(-1 if size is None else size)
        if not data or size is None or size < 0 or self._at_end():
            if size != 0:
                self.close()
        return data

    read1 = read

    def _at_end(self) -> bool:
        ahead = self._stream.read(1)
        if ahead:
            self._stream.seek(-1, os.SEEK_CUR)
        return not ahead

    def close(self) -> None:
        self._stream.close()
        super().close()


def replay(
    interaction: Interaction,
    prepared: requests.PreparedRequest,
    *,
    stream: bool,
    connection: Any,
    age: timedelta = timedelta(0),
    extra_headers: Iterable[tuple[str, str]] = (),
) -> CachedResponse:
    """The response that a stored interaction stands for, to the caller's own request.

    With an ``age`` the cookies that it sets live on for as long as they did when it was received.
    """
    recorded = interaction.response
    headers = recorded.headers
    response = CachedResponse()
    response.status_code = recorded.status
    response.reason = recorded.reason
    response.url = prepared.url or ""
    response.request = prepared
    response.connection = connection
    response.headers = CaseInsensitiveDict((*headers.combined(), *extra_headers))
    response.encoding = get_encoding_from_headers(response.headers)
    # Without cookies requests needs not go looking for them.
    original = _OriginalResponse(headers, age) if "Set-Cookie" in headers else None
    if stream:
        response.raw = _ReplayedResponse(recorded.body, recorded, prepared, original)
    else:
        # requests would read these bytes from `raw` one call later, at several times the cost.
        response._content = read_body(recorded.body)
        response._content_consumed = True
        response.raw = _ReadResponse(recorded, prepared, original)
    if original is not None:
        extract_cookies_to_jar(response.cookies, prepared, response.raw)  # type: ignore[no-untyped-call]
    response.from_cache = True
    response.created_at = interaction.created_at
    return response


_NO_RETRIES: Final = Retry(0, read=False)


class _ReplayedResponse(HTTPResponse):
    """A urllib3 response made of a stored body: it shows the header fields as they were received, and
    does not decode once more what they speak of."""

    def __init__(
        self,
        body: Body,
        recorded: RecordedResponse,
        prepared: requests.PreparedRequest,
        original_response: _OriginalResponse | None,
    ) -> None:
        super().__init__(
            body=_ReplayedBody(open_body(body)),
            status=recorded.status,
            reason=recorded.reason,
            version=11,
            version_string="HTTP/1.1",
            preload_content=False,
            decode_content=False,
            original_response=cast(Any, original_response),
            request_method=prepared.method,
            request_url=prepared.path_url,
            retries=_NO_RETRIES,
        )
        self.headers = HTTPHeaderDict(recorded.headers)
        self.chunked = "chunked" in self.headers.get("Transfer-Encoding", "").lower()
        if self.length_remaining is None and not self.chunked and "Content-Length" in self.headers:
            self.length_remaining = size_of(body)

    def _init_decoder(self) -> None:
        """Nothing is coded any more."""

    def read_chunked(self, amt: int | None = None, decode_content: bool | None = None) -> Iterator[bytes]:  # type: ignore[override]
        """The body in pieces, whatever its chunks were; as ever an error where there were none."""
        return self.stream(amt, decode_content) if self.chunked else super().read_chunked(amt, decode_content)


def show_unread(response: requests.Response) -> None:
    """Give hooks the body to read, or to leave: `requests` reads it when they have seen the response."""
    body, raw = response._content, response.raw
    if not isinstance(body, bytes) or not isinstance(raw, HTTPResponse):
        return
    recorded = RecordedResponse(response.status_code, response.reason or "", received_headers(response))
    original: Any = raw._original_response
    again = _ReplayedResponse(body, recorded, response.request, original)
    again.retries, again.version, again.version_string = raw.retries, raw.version, raw.version_string
    vars(response).update(raw=again, _content=False, _content_consumed=False)


_making = threading.RLock()


class _ReadResponse(_ReplayedResponse):
    """One whose body has been read. Hardly anybody looks at it then, so it is made when somebody does."""

    def __init__(
        self,
        recorded: RecordedResponse,
        prepared: requests.PreparedRequest,
        original_response: _OriginalResponse | None,
    ) -> None:
        self._original_response = cast(Any, original_response)
        self._later = (b"", recorded, prepared, original_response)

    def __getattr__(self, name: str) -> Any:
        with _making:  # another thread may look for the first time, too
            later = self.__dict__.pop("_later", None)
            if later is not None:
                super().__init__(*later)
                self.close()
                self.length_remaining = 0
                self._fp_bytes_read = size_of(later[1].body)  # what `tell` says
        return self.__getattribute__(name)

    @property
    def closed(self) -> bool:
        return "_later" in self.__dict__ or super().closed


def not_cached(
    prepared: requests.PreparedRequest, connection: Any, body: str, shown_url: str, *, stream: bool
) -> NotCachedResponse:
    """The 504 that answers what may not be requested (RFC 9111 section 5.2.1.7)."""
    response = NotCachedResponse()
    response.shown_url = shown_url
    response.status_code = 504
    response.reason = "Not Cached"
    response.url = prepared.url or ""
    response.request = prepared
    response.connection = connection
    content = b"" if prepared.method == "HEAD" else body.encode()
    headers = Headers((("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(content)))))
    response.headers = CaseInsensitiveDict(headers)
    response.encoding = "utf-8"
    recorded = RecordedResponse(504, "Not Cached", headers, content)
    raw = _ReplayedResponse(content, recorded, prepared, None) if stream else None
    response.raw = raw or _ReadResponse(recorded, prepared, None)
    response._content = content
    response._content_consumed = True
    return response
