"""Tests of two processes that record into one cassette at the same time."""

from __future__ import annotations

from datetime import datetime, timezone
from itertools import count

import pytest

from origin import Answer
from pytest_reqcache.cassette import Cassette
from pytest_reqcache.flow import Flow, RunMemory
from pytest_reqcache.headers import Headers
from pytest_reqcache.identity import TestIdentity
from pytest_reqcache.models import Interaction, RecordedRequest, RecordedResponse
from pytest_reqcache.redaction import Redactor
from pytest_reqcache.settings import TEST_SETTINGS

needs_xdist = pytest.mark.skipif("not config.pluginmanager.hasplugin('xdist')", reason="needs pytest-xdist")

# Both are under way at once: neither ends before the other has requested all that it does.
TOGETHER = """
    import time
    pytestmark = pytest.mark.reqcache("shared")

    def wait_for(*paths):
        for _ in range(2000 if os.environ.get("MEET") else 0):
            if all(map(os.path.exists, paths)):
                return
            time.sleep(0.005)

    def meet(name):
        open(f"here-{name}", "w").close()
        wait_for("here-ada", "here-bob")
"""


@pytest.fixture
def run(suite, monkeypatch):
    """Runs the suite with two workers."""

    def go():
        with monkeypatch.context() as patch:
            patch.setenv("MEET", "1")
            return suite.subprocess("-p", "xdist", "-n", "2")

    return go


def users(suite):
    """An origin where each login has another token, which says whose answer is whose."""
    tokens = {}

    def login(seen):
        token = f"tok{len(tokens):04}abcdefghijklmnop1234"
        tokens[f"Bearer {token}"] = seen.body.decode().partition("=")[2]
        return Answer({"access_token": token})

    suite.origin["/login"] = login
    suite.origin["/version"] = Answer("1")
    suite.origin["/me"] = lambda seen: Answer({"user": tokens[seen.headers["authorization"]]})


LOG_IN = """
    @pytest.mark.parametrize("name", ["ada", "bob"])
    def test_me(name):
        token = requests.post(URL + "/login", data={"user": USER or name}).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        assert requests.get(URL + "/version", headers=headers).text == "1"
        assert requests.get(URL + "/me", headers=headers).json() == {"user": USER or name}
        meet(name)
"""


@needs_xdist
@pytest.mark.parametrize(("user", "kept"), [(None, 6), ("eve", 3)], ids=["two users", "one user"])
def test_each_user_keeps_his_own_answers_and_each_of_them_once(suite, run, user, kept):
    users(suite)
    suite.test(TOGETHER + f"    USER = {user!r}\n" + LOG_IN)
    run().assert_outcomes(passed=2)
    assert suite.cassette("shared").count("- request:") == kept
    suite.offline().assert_outcomes(passed=2)
    suite.origin.stop()
    suite.run().assert_outcomes(passed=2)


@needs_xdist
@pytest.mark.parametrize(("tokens", "kept"), [(("a", "b"), 2), (("a", "a"), 1)], ids=["two", "one"])
def test_users_who_need_no_login_are_told_apart_by_their_answers(suite, run, tokens, kept):
    suite.origin["/me"] = lambda seen: Answer({"of": seen.headers["authorization"][7:8]})
    suite.test(
        TOGETHER
        + f"""
    @pytest.mark.parametrize(("name", "token"), [("ada", {tokens[0]!r}), ("bob", {tokens[1]!r})])
    def test_me(name, token):
        headers = {{"Authorization": "Bearer " + token * 24}}
        assert requests.get(URL + "/me", headers=headers).json() == {{"of": token}}
        meet(name)
"""
    )
    run().assert_outcomes(passed=2)
    assert suite.cassette("shared").count("- request:") == kept


TOKEN = "tok-static-5f0c9f6e3d0a4e0e9d5e"
SAME_USER = {
    "token": f'session.headers["Authorization"] = "Bearer {TOKEN}"',
    "password": f'session.auth = ("user", "{TOKEN}")',
    "query": f'session.params["api_key"] = "{TOKEN}"',
    "login": """form = {"user": "eve", "password": "passw0rd-of-eve"}
        token = session.post(URL + "/login", data=form).json()["access_token"]
        session.headers["Authorization"] = "Bearer " + token""",
    "cookie": 'session.post(URL + "/login", data={"user": "eve", "password": "passw0rd-of-eve"})',
}


@needs_xdist
@pytest.mark.parametrize("how", SAME_USER)
def test_one_user_of_two_processes_has_one_name(suite, run, how):
    """What only one of them asks for is found with the name that the other has given."""
    tokens = count()

    def login(seen):
        token = f"tok{next(tokens):04}abcdefghijklmnop1234"
        return Answer({"access_token": token}, headers={"Set-Cookie": f"session={token}; HttpOnly"})

    suite.origin["POST /login"] = login
    for path in "/version", "/ada", "/bob":
        suite.origin[path] = Answer({"of": path})
    suite.test(
        TOGETHER
        + f"""
    @pytest.mark.parametrize("name", ["ada", "bob"])
    def test_it(name):
        session = requests.Session()
        {SAME_USER[how]}
        assert session.get(URL + "/version").ok
        assert session.get(URL + "/" + name).ok
        meet(name)
        if name == "bob":
            wait_for("cassettes/shared.yaml")
"""
    )
    run().assert_outcomes(passed=2)
    assert suite.cassette("shared").count("- request:") == (4 if how in ("login", "cookie") else 3)
    suite.origin.stop()
    suite.run().assert_outcomes(passed=2)


def flow_of_a_process(path):
    """The flow of a test in a process of its own, as far as it knows."""
    memory = RunMemory()
    redactor = Redactor(memory.registry, path)
    identity = TestIdentity(lambda: TEST_SETTINGS, redactor)
    cassette = Cassette(path, identity.locate, identity.locate_all, identity.terms, identity.keys)
    return Flow(cassette, identity, redactor, memory, lambda: TEST_SETTINGS, shared=True)


def log_in(flow, user):
    """A login and requests with what it gives, recorded; its secrets are looked for as a test ends."""
    token = f"tok-{user}-5f0c9f6e3d0a4e0e9d5e"
    bearer = Headers((("Authorization", f"Bearer {token}"),))
    for request, body in (
        (RecordedRequest("POST", f"http://api.test/login?user={user}"), f'{{"access_token": "{token}"}}'),
        (RecordedRequest("GET", "http://api.test/version", bearer), '{"version": 1}'),
        (RecordedRequest("GET", "http://api.test/me", bearer), f'{{"user": "{user}"}}'),
    ):
        asked = flow.ask(request, None)
        found = flow.find(asked)
        fields = Headers((("Content-Type", "application/json"),))
        response = RecordedResponse(200, "OK", fields, body.encode())
        new = Interaction(request, response, datetime(2026, 6, 1, tzinfo=timezone.utc))
        flow.answered(asked, found, flow.store(asked, new, None, found), 200, live=True)
    flow.check()


@pytest.mark.parametrize("moment", ["before the commit", "when names are compared", "within it"])
def test_a_name_that_another_process_has_given_meanwhile_is_given_once(tmp_path, monkeypatch, moment):
    path = tmp_path / "shared.yaml"
    ada, bob = flow_of_a_process(path), flow_of_a_process(path)
    log_in(ada, "ada")
    log_in(bob, "bob")
    if moment == "before the commit":
        ada.commit()
    elif moment == "when names are compared":  # with what the other has recorded by then
        meanwhile = bob._meanwhile
        monkeypatch.setattr(bob, "_meanwhile", lambda new: (ada.commit(), meanwhile(new))[1])
    else:  # when the secrets of the other have been replaced, and before it can write
        held = bob.cassette._writing
        monkeypatch.setattr(bob.cassette, "_writing", lambda: (ada.commit(), held())[1])
    assert bob.commit().recorded == 3
    text = path.read_text()
    assert text.count("- request:") == 6
    for number in "", "-2":
        assert text.count(f'"access_token": "REDACTED-access_token{number}"') == 1
        assert text.count(f"Authorization: Bearer REDACTED-access_token{number}\n") == 2


def test_nothing_is_left_to_commit_when_another_process_has_written(tmp_path, monkeypatch):
    path = tmp_path / "shared.yaml"
    ada, bob = flow_of_a_process(path), flow_of_a_process(path)
    log_in(bob, "bob")  # which gives names to his secrets
    bob.remove(list(bob.interactions()))
    log_in(ada, "ada")
    assert ada.commit().recorded == 3
    turns, redacted = iter(range(10)), bob._redacted  # it once began anew without end
    monkeypatch.setattr(bob, "_redacted", lambda chosen: (next(turns), redacted(chosen))[1])
    assert bob.commit().recorded == 0
