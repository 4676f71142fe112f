"""Requests, responses and interactions with little typing, and what became of them."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

from pytest_reqcache.headers import Headers
from pytest_reqcache.models import Interaction, RecordedRequest, RecordedResponse, Source
from pytest_reqcache.redaction import Redactor, Registry

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
JSON = ("Content-Type", "application/json")
FORM = ("Content-Type", "application/x-www-form-urlencoded")
URL = "https://api.example.com/users"


def request(
    url: str = URL, *headers: tuple[str, str], body: bytes | None = None, method: str = "GET"
) -> RecordedRequest:
    return RecordedRequest(method, url, Headers.of(headers), body)


def response(*headers: tuple[str, str], body: bytes = b"", status: int = 200) -> RecordedResponse:
    return RecordedResponse(status, "OK", Headers.of(headers), body)


def interaction(
    asked: RecordedRequest | None = None,
    answered: RecordedResponse | None = None,
    *,
    cassette: str | None = None,
    ref: str = "",
) -> Interaction:
    source = None if cassette is None else Source(Path(cassette), 1, ref)
    return Interaction(asked or request(), answered or response(), NOW, source=source)


def redacted(
    *interactions: Interaction, redactor: Redactor | None = None, taken: tuple[str, ...] = ()
) -> list[Interaction]:
    redactor = redactor or Redactor(Registry())
    return redactor.redact(interactions, [None] * len(interactions), taken)


def redacted_request(asked: RecordedRequest) -> RecordedRequest:
    return redacted(interaction(asked))[0].request


def redacted_response(answered: RecordedResponse) -> RecordedResponse:
    return redacted(interaction(None, answered))[0].response


def bearer(token: str, url: str = URL) -> RecordedRequest:
    return request(url, ("Authorization", f"Bearer {token}"))


def json_body(text: str) -> RecordedResponse:
    return response(JSON, body=text.encode())
