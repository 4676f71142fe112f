"""Everything that a test can see of a response, as plain values that can be compared."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import requests

#: Ways to read a streamed body, each with sizes; what they give is a list of pieces.
READINGS: dict[str, Callable[[requests.Response, int], Any]] = {
    "iter_content": lambda response, size: list(response.iter_content(size)),
    "iter_content of all": lambda response, size: list(response.iter_content(None)),
    "iter_content as text": lambda response, size: list(response.iter_content(size, decode_unicode=True)),
    "iter_lines": lambda response, size: list(response.iter_lines(size)),
    "iter_lines as text": lambda response, size: list(response.iter_lines(size, decode_unicode=True)),
    "iter_lines by delimiter": lambda response, size: list(response.iter_lines(size, delimiter=b"a")),
    "iteration": lambda response, size: list(response),
    "content": lambda response, size: [response.content],
    "raw.read": lambda response, size: [response.raw.read(decode_content=True), response.raw.read()],
    "raw.read by pieces": lambda response, size: list(
        iter(lambda: response.raw.read(size, decode_content=True), b"")
    ),
    "raw.read1": lambda response, size: list(
        iter(lambda: response.raw.read1(size, decode_content=True), b"")
    ),
    "raw.stream": lambda response, size: list(response.raw.stream(size, decode_content=True)),
    "raw.data": lambda response, size: [response.raw.data],
    "raw's lines": lambda response, size: list(response.raw),
    "raw.readinto": lambda response, size: list(_read_into(response.raw, size)),
    "raw.readline": lambda response, size: response.raw.readlines(),
    "raw.read_chunked": lambda response, size: list(response.raw.read_chunked(size, decode_content=True)),
}
#: Those that give a coded body as it travelled: what they give of one on replay is decoded (documented).
UNDECODED = frozenset({"raw.data", "raw.readinto", "raw.readline"})


def _read_into(raw: Any, size: int) -> Iterator[bytes]:
    buffer = bytearray(size)
    while count := raw.readinto(buffer):
        yield bytes(buffer[:count])


def outcome(function: Callable[[], Any]) -> Any:
    """What a function returns; what it raises as a text. NaN is made equal to itself."""
    try:
        value = function()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return _comparable(value)


def _comparable(value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):
        return "a NaN"
    if isinstance(value, list):
        return [_comparable(each) for each in value]
    if isinstance(value, dict):
        return [(name, _comparable(each)) for name, each in value.items()]
    return value


def cookies(jar: Any) -> list[Any]:
    """The cookies of a jar with all their attributes; times count by whether there is one."""
    return [
        {name: value if name != "expires" else value is not None for name, value in vars(cookie).items()}
        for cookie in jar
    ]


def head(response: requests.Response) -> dict[str, Any]:
    """What can be seen before the body is read."""
    return {
        "status_code": response.status_code,
        "reason": response.reason,
        "url": response.url,
        "headers": list(response.headers.items()),
        "raw.headers": list(response.raw.headers.items()),
        "raw.getheaders": dict(response.raw.getheaders()),
        "raw.status": (response.raw.status, response.raw.reason),
        "encoding": response.encoding,
        "ok": outcome(response.raise_for_status),
        "is_redirect": (response.is_redirect, response.is_permanent_redirect),
        "next": None if response.next is None else (response.next.method, response.next.url),
        "links": outcome(lambda: response.links),
        "cookies": cookies(response.cookies),
        "request": (response.request.method, response.request.url, response.request.body),
        "bool": bool(response),
        "repr": repr(response),
    }


def whole(response: requests.Response) -> dict[str, Any]:
    """Everything, the body included, of a response and those that led to it; what takes long and says no
    more than the bytes do, of small bodies alone."""
    small = len(response.content) < 5000
    return {
        **head(response),
        "content": response.content,
        "text": outcome(lambda: response.text),
        "json": outcome(response.json),
        "apparent_encoding": outcome(lambda: response.apparent_encoding) if small else "",
        "iter_content": [list(response.iter_content(size)) for size in (1, 7, 1000)] if small else [],
        "iter_lines": [list(response.iter_lines(size)) for size in (3, 512) if small or size > 3],
        "raw.read": response.raw.read(),
        "raw.closed": response.raw.closed,
        # In older versions of requests a hop is a part of its own history.
        "history": [whole(hop) for hop in response.history if hop is not response],
    }
