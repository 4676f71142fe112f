"""Bodies without their content coding: that of cassettes, where other tools may have kept the coded bytes."""

from __future__ import annotations

import io
import zlib
from typing import Final

from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from ..headers import Headers, list_members

_MAGIC: Final = {"gzip": b"\x1f\x8b", "x-gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}
_PACKAGES: Final = {"br": "brotli", "zstd": "backports.zstd"}


def decoded(body: bytes, headers: Headers) -> bytes:
    """The body without the codings that ``Content-Encoding`` names; as it is where it was decoded before.

    Raises:
        ValueError: a coding is unknown here, or the body is damaged.
    """
    codings = [name.lower() for name in list_members(headers.get_all("Content-Encoding"))]
    codings = [name for name in codings if name != "identity"]
    if not codings or not _may_be_coded(body, codings[-1]):
        return body
    for coding in codings:
        if coding not in HTTPResponse.CONTENT_DECODERS:
            package = _PACKAGES.get(coding)
            advice = f"install the package {package!r}, and run again" if package else "decode it by hand"
            raise ValueError(f"a body in the content coding {coding!r}, which is not known here; {advice}")
    coded = HTTPResponse(io.BytesIO(body), {"Content-Encoding": ", ".join(codings)}, preload_content=False)
    try:
        return coded.data
    except HTTPError:
        if codings[-1] in _MAGIC:
            raise ValueError(f"a body that is damaged: its {codings[-1]} cannot be decoded") from None
        return body


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
