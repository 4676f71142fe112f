"""What a run asked for, by names that are the same in every process. No I/O."""

from __future__ import annotations

import hashlib

from .matching import Compared
from .models import RecordedRequest


def fingerprint(request: RecordedRequest, answer: int, key: str | None) -> str:
    """The name of a recording: of its request as it is stored, and of which answer it is.

    It stays the same when the response is refreshed, wherever in the file the recording stands.
    """
    digest = hashlib.blake2b(digest_size=12)
    fields = (part for item in request.headers for part in item)
    for part in (request.method, request.url, *fields, str(answer), key or ""):
        digest.update(b"%d:" % len(part) + part.encode("utf-8", "surrogatepass"))
    digest.update(b"" if request.body is None else b"+" + request.body)
    return digest.hexdigest()


def name_of(compared: Compared) -> str:
    """The name of a request, recorded or not: of what every test compares of it, which is no headers."""
    return compared._replace(headers=()).key
