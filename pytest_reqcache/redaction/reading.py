"""As what a body is read: by its media type, and where that says little, by how it begins and ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Literal, NamedTuple

from ..headers import Headers, media_type
from ..matching import boundary_of, kind_by_looks

Reading = Literal["json", "form", "multipart"]

# A body that is a form whatever its type says, as ``requests.post(url, data="a=b")`` sends it, and as
# OAuth 1 answers.
_LIKE_FORM = re.compile(rb"[\w.%+\[\]-]{1,256}=[^\s<>\"';]*\Z")
_VAGUE = ("", "text/plain", "text/html")


def reading_of(body: bytes, headers: Headers) -> Reading | None:
    """As what a body is read; None for any text.

    What begins as JSON is read so whatever its type says: "text/plain" more often than not.
    """
    kind = media_type(headers)
    is_multipart = kind == "multipart/form-data"
    if "json" in kind or (not is_multipart and _is_like_json(body)):
        return "json"
    if kind == "application/x-www-form-urlencoded" or (kind in _VAGUE and _LIKE_FORM.match(body)):
        return "form"
    if not kind and kind_by_looks(body) == "form":  # as it is compared
        return "form"
    return "multipart" if is_multipart else None


def _is_like_json(body: bytes) -> bool:
    return b"'" not in body[:16] and body.lstrip()[:1] + body.rstrip()[-1:] in (b"{}", b"[]")


class Part(NamedTuple):
    """A part of a multipart text: ``text[begin:end]`` with its delimiter, its value from ``start`` on."""

    name: str
    begin: int
    start: int
    end: int


_ANY_DELIMITER = re.compile(r"(?:\A|\r?\n)--[^\r\n]*")
_BLANK_LINE = re.compile(r"\r?\n\r?\n")
# Tried where a line begins alone, lest a long line be gone through from every place.
_PART_NAME = re.compile(
    r"^content-disposition:[^\r\n]*?\bname=\"?([^\";\r\n]+)", re.IGNORECASE | re.MULTILINE
)


def parts_of(text: str, headers: Headers) -> Iterator[Part]:
    """The parts that have a name, between the delimiters of the type's boundary (RFC 2046 section 5.1.1), or
    where that delimits nothing, between any: ``requests`` keeps a type that the caller gave with another."""
    boundary = boundary_of(headers.get("Content-Type") or "")
    delimiters = _delimiters(text, boundary) if boundary else []
    if len(delimiters) < 2:
        delimiters = list(_ANY_DELIMITER.finditer(text))
    for before, behind in pairwise(delimiters):
        blank = _BLANK_LINE.search(text, before.end(), behind.start())
        found = blank and _PART_NAME.search(text, before.end(), blank.start())
        if blank is not None and found is not None:
            yield Part(found[1].lower(), before.start(), blank.end(), behind.start())


def _delimiters(text: str, boundary: str) -> list[re.Match[str]]:
    return list(re.finditer(rf"(?:\A|\r?\n)--{re.escape(boundary)}(?:--)?[ \t]*(?=\r?\n|\Z)", text))
