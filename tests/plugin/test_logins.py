"""Where a login was replayed and a further request must be sent, the login is made after all: what is live in
its answer goes out in the place of the placeholders, and into no cassette, no log and no message."""

from __future__ import annotations

import base64
import json
import re
from itertools import count
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from origin import Answer, Received

SPECIAL = 'en+/"&=%'  # spelt differently in a URL, a form and JSON

CODE = """
    @pytest.fixture(scope="session")
    def token(cached_session_factory):
        return login(cached_session_factory("login"))

    def login(client=requests):
        return client.post(URL + "/login", json={"u": "a"}).json()["access_token"]

    def get(token, path, client=requests, **options):
        headers = {"Authorization": "Bearer " + token}
        client.get(URL + path, headers=headers, **options).raise_for_status()
"""
OLD = "def test_old(token, cached_session): get(token, '/old', cached_session)"
NEW = "def test_new(token): get(token, '/new')"
OWN = """def test_own(cached_session):
        token = login(cached_session)
        get(token, "/me")
        get(token, '/old', cached_session)
"""


class Service:
    """Gives another token at each login, and lets in who sends one of them, wherever it may stand."""

    def __init__(self, suite) -> None:
        self.suite = suite
        self.origin = suite.origin
        self.issued: list[str] = []
        self._numbers = count(1)
        self.origin["/login"] = lambda seen: Answer({"access_token": self.token()})
        for path in ("/me", "/old", "/new"):
            self.origin[path] = self.guarded

    def write(self, *tests: str, marker: str = "") -> None:
        marked = [f"\n    @pytest.mark.reqcache{marker}\n    {test}\n" for test in tests]
        self.suite.test(CODE + "".join(marked))

    def token(self, end: str = SPECIAL) -> str:
        self.issued.append(f"t0ken-{next(self._numbers):04}{end}")
        return self.issued[-1]

    def guarded(self, seen: Received) -> Answer:
        return Answer({"path": seen.path}) if self.lets_in(seen) else Answer("who?", status=401)

    def lets_in(self, seen: Received) -> bool:
        url = urlsplit(seen.path)
        given = [*seen.headers.values(), *map(unquote, url.path.split("/")), seen.body.decode()]
        for form in (url.query, seen.body.decode()):
            given += [value for values in parse_qs(form).values() for value in values]
        scheme, _, credential = seen.headers.get("authorization", "").partition(" ")
        given.append(credential)
        if scheme == "Basic":
            given.append(base64.b64decode(credential).decode().partition(":")[2])
        if seen.headers.get("content-type") == "application/json":
            given += json.loads(seen.body).values()
        given.append(seen.headers.get("cookie", "").removeprefix("sid="))
        return any(token in given for token in self.issued)

    def check_with_a_further_request(self, code: str, summary: str) -> None:
        """Record a test, and then a further request of its ``session``, when nothing issued is live."""
        self.write(code)
        self.suite.run().assert_outcomes(passed=1)
        self.issued.clear()
        self.write(code + "    assert session.get(URL + '/new').ok")
        self.suite.run().stdout.fnmatch_lines([summary])
        self.check(passed=1)

    def check(self, **passed: int) -> None:
        """Everything replays, no live value stands in a cassette, and no placeholder was sent."""
        assert "REDACTED" not in repr(self.origin.log)
        for name in self.suite.cassettes():
            assert not re.search("t0ken-[0-9]", self.suite.cassette(name.removesuffix(".yaml")))
        sent = self.origin.count()
        self.suite.offline().assert_outcomes(**passed)
        self.suite.run().assert_outcomes(**passed)
        assert self.origin.count() == sent


@pytest.fixture
def service(suite):
    return Service(suite)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("def test_old(token): get(token, '/old'); assert 0", [OLD]),
        (OLD, [OLD, NEW]),
        (OWN, [OWN + "        get(token, '/new')"]),
        (OWN, [OWN.replace("/old", "/old?page=2")]),
    ],
    ids=["the first run failed", "a new test", "a further request", "another request"],
)
def test_what_is_not_recorded_is_sent_with_the_live_value(suite, service, first, then):
    service.write(first)
    suite.run()
    name = "login" if "login.yaml" in suite.cassettes() else "test_it/test_own"
    before = suite.cassette(name)
    service.write(*then)
    result = suite.run()
    result.assert_outcomes(passed=len(then))
    result.stdout.fnmatch_lines(["*replayed, 1 recorded, 2 requests made"])
    assert suite.origin.log[-2].path == "/login"
    assert suite.cassette(name).startswith(before)
    service.check(passed=len(then))


@pytest.mark.parametrize("test", [OLD, OWN], ids=["wider fixture", "own login"])
@pytest.mark.parametrize(
    ("marker", "option", "arguments"),
    [
        ("", "", ["-o", "reqcache_urls_expire_after=*/old = 1h"]),
        ("(refresh=True)", "", []),
        ("", ", refresh=True", []),
    ],
    ids=["expired", "marker", "call"],
)
def test_what_is_fetched_anew_is_sent_with_the_live_value(
    suite, service, clock, test, marker, option, arguments
):
    service.write(test)
    suite.run().assert_outcomes(passed=1)
    clock.move(3600)
    service.write(test.replace("'/old', cached_session", f"'/old', cached_session{option}"), marker=marker)
    suite.run(*arguments).assert_outcomes(passed=1)
    assert suite.origin.count("/old") == 2
    service.write(test)
    service.check(passed=1)


def test_interaction_that_was_removed_by_hand_is_recorded_anew(suite, service):
    service.write(OWN)
    suite.run().assert_outcomes(passed=1)
    before = suite.cassette("test_it/test_own")
    items = re.split("(?=- request:)", before)
    path = suite.path / "cassettes" / "test_it" / "test_own.yaml"
    path.write_text("".join(item for item in items if "/old" not in item))
    suite.run().stdout.fnmatch_lines(["2 replayed, 1 recorded, 2 requests made"])
    assert [line for line in suite.cassette("test_it/test_own").splitlines() if "Bearer" in line] == [
        line for line in before.splitlines() if "Bearer" in line
    ]
    service.check(passed=1)


def test_kept_recordings_of_a_failed_test_are_gone_on_from(suite, service):
    service.write(OWN + "        assert 0")
    suite.run("--reqcache-keep-failed").assert_outcomes(failed=1)
    service.write(OWN + "        get(token, '/new')")
    suite.run().stdout.fnmatch_lines(["3 replayed, 1 recorded, 2 requests made"])
    service.check(passed=1)


def test_one_login_serves_all_tests_and_threads_of_a_run(suite, service):
    service.write(OLD)
    suite.run().assert_outcomes(passed=1)
    threads = """def test_threads(token):
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda path: get(token, path), ["/me", "/old"]))
    """
    service.write(threads, NEW, OLD)
    suite.run().stdout.fnmatch_lines(["2 replayed, 3 recorded, 4 requests made"])
    assert suite.origin.count("/login") == 2
    service.check(passed=3)


def test_worker_that_finds_the_login_recorded_makes_its_own(suite, service):
    service.write(
        "def test_it(token, n): get(token, f'/me?n={n}')",
        marker='\n    @pytest.mark.parametrize("n", range(4))',
    )
    suite.write(
        "conftest.py",
        """
        import time

        @pytest.fixture(scope="session", autouse=True)
        def second(tmp_path_factory):
            login = os.path.join(os.path.dirname(__file__), "cassettes", "login.yaml")
            for _ in range(3000 if os.environ["PYTEST_XDIST_WORKER"] == "gw1" else 0):
                if os.path.exists(login):
                    break
                time.sleep(0.01)
    """,
    )
    result = suite.subprocess("-p", "xdist", "-n2")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["1 replayed, 5 recorded, 6 requests made"])
    (suite.path / "conftest.py").unlink()
    service.check(passed=4)


@pytest.mark.parametrize(
    ("login", "said"),
    [
        (Answer("closed", status=403), "answered 403 and not 200"),
        (Answer(drop=True), "failed with ConnectionError"),
        (Answer({"token": "t0ken-0099"}), "its answer holds none at that place"),
    ],
    ids=["status", "error", "place"],
)
def test_placeholder_whose_live_value_cannot_be_had_is_not_sent(suite, service, login, said):
    service.write(OLD)
    suite.run().assert_outcomes(passed=1)
    service.origin["/login"] = login
    service.write(OLD, NEW, NEW.replace("_new", "_newer"))
    result = suite.run()
    result.assert_outcomes(passed=1, failed=2)
    printed = result.stdout.str()
    assert "/new: 'REDACTED-access_token-login' in header:authorization stands for a secret" in printed
    assert f"POST {suite.origin.url}/login, which gave it, was sent, and {said}; record the" in printed
    assert "anew: pytest test_it.py::test_new --reqcache-force-refresh\n" in printed
    assert "\n2 replayed, 1 request made\n" in printed
    assert suite.origin.count("/login") == 2
    assert suite.origin.count("/new") == 0


def test_what_a_304_confirms_gives_each_test_a_value_of_its_own(suite, service):
    """Two tests of a shared cassette: what one has confirmed is not what the other has."""
    keys = {name: service.token("") for name in "ab"}
    for name, key in keys.items():
        answer = Answer({"api_key": key}, headers={"ETag": f'"{name}"'})
        service.origin[f"/key/{name}"] = lambda seen, answer=answer: (
            Answer(status=304) if "if-none-match" in seen.headers else answer
        )
    suite.test("""
        @pytest.mark.reqcache("shop")
        @pytest.mark.parametrize("name", "ab")
        def test_it(name):
            key = requests.get(URL + "/key/" + name).json()["api_key"]
            requests.get(URL + "/me", headers={"X-API-Key": key}).raise_for_status()
    """)
    suite.run().assert_outcomes(passed=2)
    suite.run("--reqcache-refresh").assert_outcomes(passed=2)
    suite.offline().assert_outcomes(passed=2)


USERS = """
    def log_in(user):
        csrf = requests.get(URL + "/form").json()["csrf_token"]
        form = {"user": user, "password": "known-to-all-1", "csrf_token": csrf}
        return requests.post(URL + "/login", json=form).json()["access_token"]

    def name_of(token):
        return requests.get(URL + "/name", headers={"Authorization": "Bearer " + token}).text
"""


class Users:
    """Knows whose token it is."""

    def __init__(self, suite, service) -> None:
        self.names: dict[str, str] = {}
        service.origin["/form"] = lambda seen: Answer({"csrf_token": service.token("")})
        service.origin["/login"] = lambda seen: self.logged_in(seen, service.token(""))
        service.origin["/name"] = lambda seen: Answer(self.names[seen.headers["authorization"].split()[1]])
        self.suite = suite

    def logged_in(self, seen: Received, token: str) -> Answer:
        self.names[token] = json.loads(seen.body)["user"]
        return Answer({"access_token": token})

    def write(self, *named: str) -> None:
        """A test that asks whose the tokens are, given as expressions."""
        lines = "".join(f"        {line}\n" for line in named)
        self.suite.test(f"{USERS}\n    @pytest.mark.reqcache\n    def test_it():\n{lines}")


@pytest.fixture
def users(suite, service):
    return Users(suite, service)


ANN, BOB = (f'assert name_of(log_in("{name}")) == "{name}"' for name in ("ann", "bob"))


@pytest.mark.parametrize(("tests", "replayed"), [((ANN, BOB), 3), ((BOB, ANN), 1)], ids=["after", "before"])
def test_a_further_user_is_answered_with_data_of_his_own(suite, service, users, tests, replayed):
    users.write(ANN)
    suite.run().assert_outcomes(passed=1)
    users.write(*tests)
    recorded = 6 - replayed  # what is asked for after a write is of the state that it has made
    suite.run().stdout.fnmatch_lines([f"{replayed} replayed, {recorded} recorded, *"])
    service.check(passed=1)


def test_a_further_token_that_no_answer_issued_is_answered_with_data_of_its_own(
    suite, service, users, monkeypatch
):
    users.write(ANN)
    suite.run().assert_outcomes(passed=1)
    monkeypatch.setenv("BOBS", service.token(""))
    users.names[service.issued[-1]] = "bob"
    users.write(ANN, 'assert name_of(os.environ["BOBS"]) == "bob"')
    suite.run().stdout.fnmatch_lines(["3 replayed, 1 recorded, 1 request made"])
    service.check(passed=1)


def test_the_same_user_who_logs_in_once_more_is_answered_with_what_is_recorded(suite, service):
    code = "def test_it():\n        {}token = login()\n        get(token, '/me')"
    service.write(code.format(""))
    suite.run().assert_outcomes(passed=1)
    service.write(code.format("login(); "))
    suite.run().stdout.fnmatch_lines(["2 replayed, 1 recorded, 1 request made"])
    service.check(passed=1)


def test_placeholder_that_no_answer_gave_is_not_sent(suite, service):
    service.write("def test_it(): get('REDACTED-access_token', '/new')")
    result = suite.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*PlaceholderError: *: no replayed answer gave it; record *"])
    assert suite.origin.count() == 0


def test_presigned_url_that_was_replayed_is_not_sent(suite, clock):
    suite.origin["/presign"] = lambda received: Answer(
        {"url": f"{suite.origin.url}/file?token={'t' * 20}&sig=5f"}
    )
    suite.test("""
        @pytest.mark.reqcache(urls_expire_after={"*/file": 60})
        def test_it():
            assert requests.get(requests.get(URL + "/presign").json()["url"]).ok
    """)
    suite.run().assert_outcomes(passed=1)
    suite.offline().assert_outcomes(passed=1)
    clock.move(61)
    result = suite.run()
    result.assert_outcomes(failed=1)
    told = "'REDACTED-sig' in url * cannot be sent: a signature, good for one request alone; *"
    result.stdout.fnmatch_lines([f"*PlaceholderError: GET */file?token=*: {told}"])
    assert suite.origin.count() == 2
    suite.run("--reqcache-force-refresh").assert_outcomes(passed=1)


@pytest.mark.parametrize(("other", "passed"), [("a/test_a.py", 2), ("test_a.py", 1)], ids=["beside", "above"])
def test_placeholder_of_two_logins_that_are_called_the_same_is_told_by_the_folder(
    suite, service, other, passed
):
    code = f"{CODE}\n    def test_it(token): pass\n"
    for name in (other, "b/test_b.py"):
        suite.test(code, name)
    suite.run().assert_outcomes(passed=2)
    suite.test(code.replace("def test_it(token): pass", f"@pytest.mark.reqcache\n    {NEW}"), "b/test_b.py")
    result = suite.run("-p", "no:randomly", other, "b")
    result.assert_outcomes(passed=passed, failed=2 - passed)
    said = (
        "1 recorded, 2 requests made" if passed == 2 else "PlaceholderError: *several cassettes * gave it; "
    )
    result.stdout.fnmatch_lines([f"*{said}*"])
    if passed == 2:
        assert suite.origin.last.headers["authorization"] == f"Bearer {service.issued[-1]}"


def test_login_that_may_not_be_requested_is_not(suite, service):
    service.write(OLD)
    suite.run().assert_outcomes(passed=1)
    service.write(OLD, NEW)
    code = (suite.path / "test_it.py").read_text()
    suite.write("test_it.py", code.partition("\n\n")[2].replace('"login")', '"login", only_if_cached=True)'))
    result = suite.run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*PlaceholderError: *, which gave it, may not be sent; *"])
    assert suite.origin.count() == 2


def test_stale_recording_is_used_where_the_login_fails(suite, service, clock):
    service.write(OLD)
    suite.run().assert_outcomes(passed=1)
    clock.move(7200)
    service.origin["/login"] = Answer("closed", status=403)
    how = ("-o", "reqcache_urls_expire_after=*/old = 1h")
    suite.run(*how).assert_outcomes(failed=1)
    result = suite.run(*how, "--reqcache-stale-if-error")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["1 replayed, 1 stale (oldest 2 hours), 1 request made"])


@pytest.mark.parametrize(
    "call",
    [
        'get(URL + "/me", auth=("ada", token))',
        'get(URL + "/me", headers={"X-Api-Key": token})',
        'get(URL + "/me", params={"access_token": token})',
        'post(URL + "/me", data={"access_token": token})',
        'post(URL + "/me", json={"access_token": token})',
        'post(URL + "/me", json={"any": token})',
        'post(URL + "/me", data=token)',
        'get(URL + "/me", cookies={"sid": token})',
    ],
    ids=["basic", "header", "query", "form", "json", "any member", "text", "cookie"],
)
def test_live_value_is_spelt_as_its_place_asks_for(suite, service, call):
    service.write("def test_it(token): get(token, '/old')")
    suite.run().assert_outcomes(passed=1)
    service.write(f"def test_it(token):\n        assert requests.{call}.json() != 0")
    suite.run().stdout.fnmatch_lines(["1 replayed, 1 recorded, 2 requests made"])
    assert service.lets_in(suite.origin.last)
    service.check(passed=1)


def test_session_cookie_of_a_replayed_login_is_sent_live(suite, service):
    service.origin["/login"] = lambda seen: Answer(
        headers={"Set-Cookie": f"sid={service.token('')}; HttpOnly; Path=/"}
    )
    code = """def test_it():
        session = requests.Session()
        session.post(URL + "/login")
        assert session.get(URL + "/me").ok
    """
    service.check_with_a_further_request(code, "2 replayed, 1 recorded, 2 requests made")


def test_login_by_a_form_and_a_redirect_is_gone_through_from_its_beginning(suite, service):
    """The form gives a cookie and a hidden field; its answer leads to where the session is set."""

    def form(seen: Received) -> Answer:
        page = f'<input type="hidden" name="csrf_token" value="{service.token("")}">'
        cookie = f"early={service.token('')}; Path=/; HttpOnly"
        return Answer(page, headers={"Set-Cookie": cookie, "Content-Type": "text/html"})

    def submitted(seen: Received) -> Answer:
        *_, csrf, early = service.issued
        assert (seen.body, seen.headers["cookie"]) == (f"csrf_token={csrf}".encode(), f"early={early}")
        return Answer(status=302, headers={"Location": f"/callback?code={service.token('A1b2C3d4E5f6')}"})

    def callback(seen: Received) -> Answer:
        assert service.issued[-1] in seen.path
        return Answer("in", headers={"Set-Cookie": f"sid={service.token('')}; Path=/; HttpOnly"})

    service.origin["GET /login"], service.origin["POST /login"] = form, submitted
    service.origin["/callback"] = callback
    service.origin["/me"] = service.origin["/new"] = lambda seen: (
        Answer("ok") if f"sid={service.issued[-1]}" in seen.headers["cookie"] else Answer(status=401)
    )
    code = """def test_it():
        session = requests.Session()
        csrf = session.get(URL + "/login").text.split('value="')[1].split('"')[0]
        assert session.post(URL + "/login", data={"csrf_token": csrf}).text == "in"
        assert session.get(URL + "/me").ok
    """
    service.check_with_a_further_request(code, "4 replayed, 1 recorded, 4 requests made")


def test_cookie_whose_live_value_cannot_be_had_is_left_out(suite, service):
    service.write("def test_it(): requests.get(URL + '/new', cookies={'sid': 'REDACTED-sid', 'a': 'b'})")
    suite.run().assert_outcomes(passed=1)
    assert suite.origin.last.headers["cookie"] == "a=b"


def test_chain_of_logins_is_gone_through_from_its_beginning(suite, service):
    service.origin["/login"] = lambda seen: Answer({"refresh_token": service.token()})
    service.origin["/token"] = lambda seen: (
        Answer({"access_token": service.token()}) if service.lets_in(seen) else Answer(status=401)
    )
    code = """def test_it():
        refresh = requests.post(URL + "/login").json()["refresh_token"]
        form = {"grant_type": "refresh_token", "refresh_token": refresh}
        token = requests.post(URL + "/token", data=form).json()["access_token"]
        get(token, "/me")
    """
    service.write(code)
    suite.run().assert_outcomes(passed=1)
    service.issued.clear()
    service.write(code + "    get(token, '/new')")
    suite.run().stdout.fnmatch_lines(["3 replayed, 1 recorded, 3 requests made"])
    assert [seen.path for seen in suite.origin.log[-3:]] == ["/login", "/token", "/new"]
    service.check(passed=1)


def test_answer_that_repeats_the_live_value_gets_the_placeholder_of_the_login(suite, service):
    service.write(OLD)
    suite.run().assert_outcomes(passed=1)
    service.origin["/new"] = lambda seen: Answer(
        {"you": {"sent": seen.headers["authorization"]}, "token": service.issued[-1]}
    )
    service.write(OLD, NEW)
    suite.run().assert_outcomes(passed=2)
    assert set(re.findall("REDACTED-[a-z_-]+", suite.cassette("test_it/test_new"))) == {
        "REDACTED-access_token-login"
    }
    service.check(passed=2)


def test_live_value_stands_in_no_log_and_no_message(suite, service):
    service.write(OLD)
    suite.run().assert_outcomes(passed=1)
    service.origin["/new"] = Answer("no", status=400)
    service.origin["/old"] = Answer(drop=True)
    service.write("""def test_it(token, caplog):
        caplog.set_level("DEBUG", "pytest_reqcache")
        params = {"access_token": token, "q": "spam"}
        for path in ("/new", "/old", "http://127.0.0.1:1/"):
            url = path if "://" in path else URL + path
            with pytest.raises(requests.RequestException) as caught:
                requests.get(url, params=params).raise_for_status()
            print(caught.value, repr(caught.value.request.url), caught.getrepr(chain=True))
        print(caplog.text)
    """)
    result = suite.run("-rP")
    result.assert_outcomes(passed=1)
    printed = result.stdout.str()
    assert "sent: for the live value that a placeholder stands for" in printed
    assert "with url: /?access_token=REDACTED-access_token-login" in printed
    assert not re.search("t0ken-[0-9]", printed)


def test_placeholder_in_a_url_is_not_sent_where_a_mock_lets_it_pass(suite, service):
    service.write(OLD)
    suite.run().assert_outcomes(passed=1)
    service.write("""def test_it(token):
        import responses
        with responses.RequestsMock() as mock:
            mock.add_passthru(URL)
            assert requests.get(URL + "/me", params={"access_token": token}).ok
    """)
    suite.run().assert_outcomes(passed=1)
    service.check(passed=1)


def test_a_refresh_of_one_user_leaves_the_recording_of_another_in_a_shared_cassette(suite):
    suite.origin["/login"] = lambda seen: Answer(
        {"access_token": f"{json.loads(seen.body)['user']}-5f0c9f6e3d0a4e0e"}
    )
    suite.origin["/home"] = lambda seen: Answer(seen.headers["authorization"].split()[1].split("-")[0])
    suite.test("""
        def login(factory, user):
            token = factory(user).post(URL + "/login", json={"user": user}).json()["access_token"]
            return {"Authorization": f"Bearer {token}"}

        @pytest.fixture(scope="session")
        def ada(cached_session_factory): return login(cached_session_factory, "ada")

        @pytest.fixture(scope="session")
        def bob(cached_session_factory): return login(cached_session_factory, "bob")

        @pytest.mark.reqcache("home")
        def test_ada(ada): assert requests.get(URL + "/home", headers=ada).text == "ada"

        @pytest.mark.reqcache("home")
        def test_bob(bob): assert requests.get(URL + "/home", headers=bob).text == "bob"
    """)
    suite.run("-k", "ada").assert_outcomes(passed=1)
    suite.run().assert_outcomes(passed=2)
    suite.run("-k", "bob", "--reqcache-refresh").assert_outcomes(passed=1)
    suite.offline().assert_outcomes(passed=2)


def test_a_token_that_is_called_signature_is_had_from_its_login(suite, clock):
    suite.origin["/login"] = Answer({"signature": "live-value-0001"})
    suite.test("""
        @pytest.mark.reqcache(redact=["signature"], urls_expire_after={"*/data": 60})
        def test_it():
            token = requests.post(URL + "/login").json()["signature"]
            assert requests.get(URL + "/data", headers={"X-Key": token}).ok
    """)
    suite.run().assert_outcomes(passed=1)
    clock.move(61)
    suite.run().assert_outcomes(passed=1)
    assert suite.origin.log[-1].headers["x-key"] == "live-value-0001"
