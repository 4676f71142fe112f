"""Which URLs are this machine's, told by name or address alone."""

from __future__ import annotations

import pytest

from pytest_reqcache.guard import is_loopback


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:80/", True),
        ("http://127.9.9.9/", True),
        ("http://[::1]:8000/", True),
        ("http://localhost/", True),
        ("http://LOCALHOST:1/", True),
        ("http://api.localhost/", True),
        ("http://user:pw@localhost/", True),
        ("http://localhost@evil.test/", False),
        ("http://localhost.evil.test/", False),
        ("http://127.1/", False),
        ("http://2130706433/", False),
        ("http://0.0.0.0/", False),
        ("http://10.0.0.1/", False),
        ("http://example.test/", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_is_loopback(url, expected):
    assert is_loopback(url) is expected
