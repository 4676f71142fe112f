"""Cookies of a replayed response: those that came live, however much later."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
import requests
import time_machine

from .engines import ENGINES, by_hand
from .seen import cookies
from .wire import Reply

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=timezone.utc)


def stamp(time, form):
    return {"http": format_datetime(time, usegmt=True), "netscape": f"{time:%a, %d-%b-%Y %H:%M:%S GMT}"}[form]


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES.keys())
@pytest.mark.parametrize("form", ["http", "netscape"])
@pytest.mark.parametrize("attribute", ["Expires={}", "expires = {} ; Path=/", "Path=/; EXPIRES={}"])
def test_cookie_lives_on_replay_as_long_as_it_did_live(engine, form, attribute, wire, new_path):
    fields = [
        f"a=1; {attribute.format(stamp(NOW + timedelta(hours=1), form))}",
        f"gone=1; {attribute.format(stamp(NOW - timedelta(days=1), form))}",
        "b=1; Max-Age=3600",
        "c=1; Expires=never",
        "d=1; Expires=Fri, 31-Dec-9999 23:59:59 GMT",
    ]
    wire.answers({"/a": Reply(headers=tuple((b"Set-Cookie", field.encode()) for field in fields))})
    path, seen = new_path(), []
    for now in (NOW, NOW + timedelta(days=400)):
        with time_machine.travel(now, tick=False) as clock, engine(path) as session:
            session.cookies.set("gone", "0", domain="127.0.0.1", path="/")
            response = session.get(f"{wire.url}/a")
            told = sorted(response.cookies.get_dict())
            clock.move_to(now + timedelta(minutes=59))
            alive = session.prepare_request(requests.Request("GET", wire.url)).headers["Cookie"]
            clock.move_to(now + timedelta(minutes=61))
            later = session.prepare_request(requests.Request("GET", wire.url)).headers["Cookie"]
            seen.append((told, alive, later, response.headers["Set-Cookie"], cookies(session.cookies)))
    assert seen[0] == seen[1]
    assert seen[0][:3] == (["a", "b", "c", "d"], "a=1; b=1; c=1; d=1", "c=1; d=1")
    assert wire.requests > 0


def test_session_that_obeys_http_takes_no_cookie_that_has_expired(wire, new_path):
    field = f"a=1; Expires={stamp(NOW + timedelta(hours=1), 'http')}"
    wire.answers(
        {"/a": Reply(headers=((b"Set-Cookie", field.encode()), (b"Cache-Control", b"max-age=99999999")))}
    )
    path = new_path()
    for now, names in ((NOW, ["a"]), (NOW + timedelta(days=400), [])):
        with time_machine.travel(now, tick=False), by_hand(path) as session:
            session.settings.cache_control = True
            assert sorted(session.get(f"{wire.url}/a").cookies.get_dict()) == names
