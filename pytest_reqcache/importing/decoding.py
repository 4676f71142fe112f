"""Bodies without their content coding: that of cassettes, where other tools may have kept the coded bytes."""

from __future__ import annotations

import zlib
from typing import Final

from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from ..conversion import uncoded
from ..headers import Headers, list_members

_GZIP: Final = zlib.MAX_WBITS | 16
_MAGIC: Final = {"gzip": b"\x1f\x8b", "x-gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}
_PACKAGES: Final = {"br": "brotli", "zstd": "backports.zstd"}
# What nothing is in brotli: its decoder takes the beginning of anything for an unfinished stream.
_EMPTY_BROTLI: Final = (b";", b"\x06", b"\xa1\x01")


def decoded(body: bytes, headers: Headers) -> bytes:
    """The body without the codings that ``Content-Encoding`` names; as it is where it was decoded before, or
    where one of them is none that clients decode.

    Raises:
        ValueError: the package for a coding is missing, or the body is damaged.
    """
    codings = [name.lower() for name in list_members(headers.get_all("Content-Encoding"))]
    codings = [name for name in codings if name != "identity"]
    if not codings or not _may_be_coded(body, codings[-1]):
        return body
    unknown = [coding for coding in codings if coding not in HTTPResponse.CONTENT_DECODERS]
    if unknown:
        package = _PACKAGES.get(unknown[0])
        if package is None or _is_text(body):
            return body
        raise ValueError(
            f"a body in the content coding {unknown[0]!r}, which is not known here; install the package "
            f"{package!r}, and run again"
        )
    if "gzip" in codings[-1] and not _inflates(body, _GZIP):
        raise _damaged(codings[-1])
    try:
        found = uncoded(body, ", ".join(codings))
    except HTTPError:
        if codings[-1] in _MAGIC:
            raise _damaged(codings[-1]) from None
        return body
    is_unfinished = codings[-1] == "br" and not found and body not in _EMPTY_BROTLI
    return body if is_unfinished else found


def _damaged(coding: str) -> ValueError:
    return ValueError(f"a body that is damaged: its {coding} cannot be decoded")


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _may_be_coded(body: bytes, coding: str) -> bool:
    """Whether the body looks as if it were in that coding: tools leave the field when they decode."""
    if not body:
        return False
    if coding == "deflate":
        return any(_inflates(body, bits) for bits in (zlib.MAX_WBITS, -zlib.MAX_WBITS))
    return body.startswith(_MAGIC.get(coding, b""))


def _inflates(body: bytes, bits: int) -> bool:
    inflating = zlib.decompressobj(bits)
    try:
        inflating.decompress(body)
    except zlib.error:
        return False
    return inflating.eof
