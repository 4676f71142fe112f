"""Interactions to store, and a way to open cassettes on them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from pytest_reqcache.cassette import Cassette
from pytest_reqcache.headers import Headers
from pytest_reqcache.models import Change, Interaction, RecordedRequest, RecordedResponse

CREATED_AT = datetime(2026, 11, 23, 19, 10, 0, 123000, tzinfo=timezone.utc)
URL = "https://api.example.com/users"


def make(url: str = URL, body: Any = b"hello\n", *, headers: Any = (), **fields: Any) -> Interaction:
    """An interaction: a GET of a URL, answered with 200 and a body."""
    fields.setdefault("created_at", CREATED_AT)
    request = RecordedRequest(
        fields.pop("method", "GET"), url, Headers.of(fields.pop("sent", ())), fields.pop("sent_body", None)
    )
    response = RecordedResponse(
        fields.pop("status", 200), fields.pop("reason", "OK"), Headers.of(headers), body
    )
    return Interaction(request, response, **fields)


def identify(item: Interaction) -> Hashable:
    return item.request.method, item.request.url, item.answer


def add(cassette: Any, *items: Interaction) -> list[Any]:
    return cassette.commit([Change(item) for item in items], identify)


def ref(item: Interaction) -> str:
    assert item.source is not None
    return item.source.ref


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "users.yaml"


@pytest.fixture
def open_cassette(path: Path) -> Callable[[], Cassette]:
    """Opens the cassette at ``path``, each time as another process would."""
    return lambda: Cassette(path, str)
