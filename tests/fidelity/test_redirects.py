"""Chains of redirects that lead back to where they began."""

from __future__ import annotations

import pytest
import requests

from .engines import ENGINES, of_a_test
from .seen import cookies, whole
from .wire import Reply


@pytest.mark.parametrize("set_cookie", [b"seen=1; Path=/", b"sid=abcdefghijkl; Path=/; HttpOnly", None])
def test_redirect_to_itself_is_seen_again(wire, new_path, set_cookie):
    """The wall that sets a cookie and asks again."""
    path, seen = new_path(), []
    for _ in range(2):
        hop = (b"Location", b"/a"), *([(b"Set-Cookie", set_cookie)] if set_cookie else [])
        wire.answers({"/a": [Reply(b"302 Found", hop), Reply(body=b"in")]})
        with of_a_test(path) as session:
            response = session.get(f"{wire.url}/a", timeout=10)
            seen.append((response.text, response.status_code, [hop.status_code for hop in response.history]))
    assert seen[0] == seen[1] == ("in", 200, [302])
    assert wire.requests == 2
