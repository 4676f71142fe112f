"""Chains of redirects that lead back to where they began."""

from __future__ import annotations

import pytest
import requests

from .engines import of_a_test
from .wire import Reply


@pytest.mark.parametrize("set_cookie", [b"seen=1; Path=/", b"sid=abcdefghijkl; Path=/; HttpOnly", None])
def test_redirect_to_itself_is_seen_again(wire, new_path, set_cookie):
    """The wall that sets a cookie and asks again."""
    path, seen, before = new_path(), [], wire.requests
    for _ in range(2):
        hop = (b"Location", b"/a"), *([(b"Set-Cookie", set_cookie)] if set_cookie else [])
        wire.answers({"/a": [Reply(b"302 Found", hop), Reply(body=b"in")]})
        with of_a_test(path) as session:
            response = session.get(f"{wire.url}/a", timeout=10)
            seen.append((response.text, response.status_code, [hop.status_code for hop in response.history]))
    assert seen[0] == seen[1] == ("in", 200, [302])
    assert wire.requests == before + 2


def test_chain_that_leads_back_to_its_start_is_seen_again(wire, new_path):
    """To the login and back; whoever asks again later is let in at once."""
    path, seen, before = new_path(), [], wire.requests
    for _ in range(2):
        wire.answers(
            {
                "/a": [Reply(b"302 Found", ((b"Location", b"/login"),)), Reply(body=b"in")],
                "/login": Reply(b"303 See Other", ((b"Location", b"a"), (b"Set-Cookie", b"seen=1"))),
            }
        )
        with of_a_test(path) as session:
            for _ in range(3):
                response = session.get(f"{wire.url}/a", timeout=10)
                seen.append((response.text, [(hop.status_code, hop.url) for hop in response.history]))
    assert seen[:3] == seen[3:]
    assert [[status for status, _ in history] for _, history in seen[:3]] == [[302, 303], [], []]
    assert wire.requests == before + 3


def test_endless_redirect_ends_on_replay_too(wire, new_path):
    """Nothing of it was recorded; it is asked for anew."""
    path = new_path()
    wire.answers({"/a": Reply(b"302 Found", ((b"Location", b"/a"),))})
    for _ in range(2):
        with of_a_test(path) as session:
            session.max_redirects = 3
            with pytest.raises(requests.TooManyRedirects):
                session.get(f"{wire.url}/a", timeout=10)
    assert not path.exists()
