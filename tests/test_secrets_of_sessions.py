"""A session made by hand does not store a response with a secret in it."""

from __future__ import annotations

import pytest

from origin import Answer
from pytest_reqcache import SecretWarning

TOKEN = "s3cr3t-Value/0123456789"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_TOKEN", TOKEN)


def read(response):
    assert response.content
    return response


@pytest.mark.parametrize("stream", [False, True])
def test_response_with_a_secret_is_not_stored(session, origin, stream):
    origin["/a"] = Answer(f"it is {TOKEN}")
    cached = session()
    with pytest.warns(
        SecretWarning, match=r"ACME_TOKEN, in the response body of GET .*allowed_secrets=\['ACME_TOKEN'\]"
    ):
        response = read(cached.get(f"{origin.url}/a", stream=stream))
    assert TOKEN in response.text
    assert response.cache_key is None
    assert response.expires is None
    assert not cached.cache.contains(url=f"{origin.url}/a")
    assert not cached.cache.path.exists()


def test_refresh_that_brings_a_secret_leaves_what_is_stored(session, origin):
    origin["/a"] = Answer("good"), Answer(f"it is {TOKEN}")
    cached = session()
    cached.get(f"{origin.url}/a")
    with pytest.warns(SecretWarning):
        cached.get(f"{origin.url}/a", refresh=True)
    assert cached.get(f"{origin.url}/a").text == "good"


def test_header_of_a_304_with_a_secret_is_not_stored(session, origin):
    origin["/a"] = Answer("good", headers={"ETag": '"1"'}, headers_304={"X-Echo": TOKEN})
    cached = session()
    cached.get(f"{origin.url}/a")
    with pytest.warns(SecretWarning, match="response header"):
        assert cached.get(f"{origin.url}/a", refresh=True).text == "good"
    assert TOKEN not in cached.cache.path.read_text()


def test_allowed_secret_is_stored(session, origin):
    origin["/a"] = Answer(f"it is {TOKEN}")
    cached = session(allowed_secrets=["ACME_TOKEN"])
    cached.get(f"{origin.url}/a")
    assert cached.get(f"{origin.url}/a").from_cache


def test_memory_is_no_disk(session, origin):
    origin["/a"] = Answer(f"it is {TOKEN}")
    cached = session(":memory:")
    cached.get(f"{origin.url}/a")
    assert cached.get(f"{origin.url}/a").from_cache
