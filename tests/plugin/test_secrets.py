"""No commit of a cassette writes a token, and what is redacted still replays."""

from __future__ import annotations

import pytest

from origin import Answer, Received

SECRET = "s3cr3t-Value-0123456789"


def test_key_that_looks_random_is_recorded_once_and_replays(suite):
    suite.test("""
        @pytest.mark.reqcache("keys")
        @pytest.mark.parametrize("number", [1, 2])
        def test_it(number):
            assert requests.get(URL + "/a", params={"key": "AIza0123456789abcdef"}).ok
    """)
    suite.run().assert_outcomes(passed=2)
    suite.run().assert_outcomes(passed=2)
    assert suite.cassette("keys").count("- request:") == 1
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=2)


def test_keys_that_are_no_secrets_have_their_own_answers(suite):
    suite.origin["/kv"] = lambda seen: Answer(seen.path)
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            for key in ("service/config-2024/a", "service/config-2024/b"):
                assert requests.get(URL + "/kv", params={"key": key}).text.endswith(key[-1])
    """)
    suite.run().assert_outcomes(passed=1)
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "call",
    [
        'requests.get(URL + "/a", headers={"authorization": "Bearer " + SECRET})',
        'requests.get(URL + "/a", auth=("user", SECRET))',
        'requests.get(URL + "/a", headers={"X-Api-Key": SECRET})',
        'requests.get(URL + "/a", cookies={"session": SECRET})',
        'requests.get(URL + "/a", params={"access_token": SECRET, "q": 1})',
        'requests.post(URL + "/a", data={"password": SECRET, "q": 1})',
        'requests.post(URL + "/a", json={"user": {"password": SECRET}})',
        'requests.get(URL.replace("://", "://user:" + SECRET + "@") + "/a")',
    ],
    ids=["bearer", "basic", "api key", "cookie", "query", "form", "json", "userinfo"],
)
def test_secret_of_a_request_never_reaches_the_disk(suite, call):
    import base64

    suite.test(f"""
        SECRET = os.environ.get("MY_VALUE", "")
        @pytest.mark.reqcache
        def test_it():
            assert {call}.ok
    """)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MY_VALUE", SECRET)
        suite.run().assert_outcomes(passed=1)
        suite.origin.stop()
        suite.offline().assert_outcomes(passed=1)
    cassette = suite.cassette()
    assert SECRET not in cassette
    assert base64.b64encode(f"user:{SECRET}".encode()).decode() not in cassette
    assert "REDACTED-" in cassette
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MY_VALUE", "another-one-9876543210")
        suite.offline().assert_outcomes(passed=1)


def test_login_flow_replays_with_no_environment(suite):
    suite.origin["/login"] = Answer(
        {"access_token": SECRET, "user": "ada"},
        headers={"Set-Cookie": f"sid={SECRET[::-1]}; Path=/; HttpOnly"},
    )
    suite.origin["/me"] = lambda seen: Answer(
        {"name": "Ada", "ok": seen.headers.get("authorization") == f"Bearer {SECRET}"}
    )
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            session = requests.Session()
            login = session.post(URL + "/login", json={"password": os.environ.get("PW", "")}).json()
            me = session.get(URL + "/me", headers={"Authorization": "Bearer " + login["access_token"]}).json()
            assert me == {"name": "Ada", "ok": True}
    """)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PW", "correct horse")
        suite.run().assert_outcomes(passed=1)
    cassette = suite.cassette()
    for secret in (SECRET, SECRET[::-1], "correct horse"):
        assert secret not in cassette
    assert "Authorization: Bearer REDACTED-access_token" in cassette
    assert "Set-Cookie: sid=REDACTED-sid; Path=/; HttpOnly" in cassette
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=1)


def test_two_credentials_on_one_url_have_their_own_answers(suite):
    suite.origin["/me"] = lambda seen: Answer(seen.headers["authorization"][-1:])
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            def me(token):
                headers = {"Authorization": "Bearer token-number-" + token}
                return requests.get(URL + "/me", headers=headers).text
            assert [me("1"), me("2"), me("1"), me("2")] == ["1", "2", "1", "2"]
    """)
    suite.run().assert_outcomes(passed=1)
    assert suite.origin.count("/me") == 2
    cassette = suite.cassette()
    assert "REDACTED-authorization\n" in cassette
    assert "REDACTED-authorization-2\n" in cassette
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=1)


def test_answer_without_a_credential_never_answers_a_request_with_one(suite):
    suite.origin["/a"] = lambda seen: Answer("in" if "authorization" in seen.headers else "out")
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            assert requests.get(URL + "/a").text == "out"
            assert requests.get(URL + "/a", headers={"Authorization": "Bearer x"}).text == "in"
    """)
    suite.run().assert_outcomes(passed=1)
    suite.offline().assert_outcomes(passed=1)


def test_missing_credential_is_ignored_offline(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            token = os.environ.get("MY_VALUE")
            headers = {"Authorization": "Bearer " + token} if token else {}
            params = {"api_key": token} if token else {}
            assert requests.get(URL + "/a", headers=headers).ok
            assert requests.get(URL + "/b", params=params).ok
    """)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MY_VALUE", SECRET)
        suite.run().assert_outcomes(passed=1)
    suite.offline().assert_outcomes(passed=1)


def test_a_signature_of_a_request_is_another_one_each_time_and_replays(suite):
    suite.test("""
        import uuid

        def sign(request):
            request.headers["X-Acme-Signature"] = "sha256=" + uuid.uuid4().hex
            return request

        @pytest.mark.reqcache
        def test_it():
            for _ in range(2):
                assert requests.post(URL + "/hook", json={"a": 1}, auth=sign).ok
            assert requests.get(URL + "/hooks", auth=sign).ok
    """)
    suite.run().assert_outcomes(passed=1)
    assert suite.cassette().count("X-Acme-Signature: REDACTED-x-acme-signature") == 3
    suite.run().stdout.fnmatch_lines(["3 replayed, 0 requests made"])
    suite.offline().assert_outcomes(passed=1)


def test_a_signature_that_a_user_names_is_a_secret_as_others_are(suite):
    suite.origin["/a"] = lambda received: Answer("signed with " + received.headers["x-acme-signature"])
    suite.test("""
        @pytest.fixture
        def reqcache_config(request):
            return {"redact": {"x-acme-signature": lambda value: value[:3] + "-made-up"} if
                    request.node.name == "test_made_up" else ["x-acme-signature"]}

        def get(value):
            return requests.get(URL + "/a", headers={"X-Acme-Signature": value}).text

        @pytest.mark.reqcache
        def test_named():
            assert get("one-s1gned-0001") != get("two-s1gned-0002")

        @pytest.mark.reqcache
        def test_made_up(): get("abc-s1gned-0003")
    """)
    suite.run().assert_outcomes(passed=2)
    assert suite.origin.count("/a") == 3
    named, made_up = (suite.cassette(f"test_it/test_{name}") for name in ("named", "made_up"))
    assert "s1gned" not in named + made_up
    assert "signed with REDACTED-x-acme-signature-2" in named
    assert "X-Acme-Signature: abc-made-up" in made_up
    suite.offline().assert_outcomes(passed=2)


def test_placeholder_is_never_sent(suite):
    suite.origin["/login"] = Answer({"access_token": SECRET}), Answer("closed", status=403)
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            requests.post(URL + "/login")
    """)
    suite.run().assert_outcomes(passed=1)
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            token = requests.post(URL + "/login").json()["access_token"]
            requests.get(URL + "/me", headers={"Authorization": "Bearer " + token})
    """)
    result = suite.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*PlaceholderError: GET */me*'REDACTED-access_token'*--reqcache-force-refresh*"]
    )
    assert suite.origin.count("/me") == 0


@pytest.mark.parametrize(("own", "sent"), [("", None), ('theme="dark"', "theme=dark")])
def test_cookie_that_is_a_placeholder_is_never_sent(suite, own, sent):
    """Where the login does not give it any more: else it is sent live."""
    gives = Answer("in", headers={"Set-Cookie": f"sid={SECRET}; Path=/"})
    suite.origin["/login"] = gives, Answer("in")
    test = f"""
        @pytest.mark.reqcache
        def test_it():
            session = requests.Session()
            session.cookies.update(dict({own}))
            session.post(URL + "/login")
            {{}}
    """
    suite.test(test.format(""))
    suite.run().assert_outcomes(passed=1)
    suite.test(test.format('session.get(URL + "/me")'))
    suite.run().assert_outcomes(passed=1)
    assert (suite.origin.count("/login"), suite.origin.count("/me")) == (2, 1)
    assert suite.origin.last.headers.get("cookie") == sent


def test_miss_message_holds_no_secret(suite):
    suite.test(f"""
        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/a", params={{"access_token": "{SECRET}"}}).raise_for_status()
    """)
    result = suite.offline("--tb=line", "-rf")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*HTTPError: 504 Server Error: Not Cached for url: http://*/a[?]access_token=REDACTED"]
    )
    assert SECRET not in result.stdout.str()


def test_test_that_follows_in_the_recording_run_works_with_the_live_value(suite):
    """A shared cassette: the second test replays the login, and then requests what is not recorded yet."""
    suite.origin["/login"] = Answer({"access_token": SECRET})
    suite.origin["/me"] = lambda seen: Answer(
        "in" if seen.headers.get("authorization") == f"Bearer {SECRET}" else "out"
    )
    suite.test("""
        pytestmark = pytest.mark.reqcache("shared")

        def token():
            return requests.post(URL + "/login").json()["access_token"]

        def test_a():
            assert token()

        def test_b():
            assert requests.get(URL + "/me", headers={"Authorization": "Bearer " + token()}).text == "in"
    """)
    suite.run().assert_outcomes(passed=2)
    assert suite.origin.count("/login") == 1
    assert SECRET not in suite.cassette("shared")
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=2)


@pytest.mark.parametrize("redirects", [False, True], ids=["answer", "redirect"])
def test_a_login_that_is_made_anew_hands_its_placeholder_on_at_once(suite, redirects):
    """A shared cassette: the second test logs in again, with another token than the first one."""
    tokens, books = iter(f"{SECRET}{number}" for number in range(100)), iter(range(100))

    def login(received: Received) -> Answer:
        headers = {"Set-Cookie": f"sid={next(tokens)}; Path=/", "Location": "/home"}
        return Answer("in", 303 if redirects else 200, headers)

    suite.origin["/login"] = login
    suite.origin["POST /books"] = lambda received: Answer({"book": next(books)})
    suite.test("""
        pytestmark = pytest.mark.reqcache("shop", expire_after="immediately", stale_if_error=True)

        def user():
            session = requests.Session()
            session.post(URL + "/login")
            return session

        def test_a():
            assert user().get(URL + "/books").ok

        def test_b():
            session = user()
            assert session.get(URL + "/books").ok
            assert session.post(URL + "/books").ok
            assert session.get(URL + "/books").ok
    """)
    for _ in range(3):
        suite.run().assert_outcomes(passed=2)
        assert suite.cassette("shop").count("- request:") == 4 + redirects
        suite.offline().assert_outcomes(passed=2)


def test_ignored_parameters_are_not_matched_and_replaced_in_the_file(suite):
    suite.origin["/a"] = suite.origin["/b"] = Answer("ok")
    suite.test("""
        import random
        @pytest.mark.reqcache(ignored_parameters=["nonce", "X-Trace"])
        def test_it():
            nonce = f"nonce-{random.random()}"
            assert requests.get(URL + "/a", params={"nonce": nonce, "q": 1}, headers={"x-trace": nonce}).ok
            assert requests.post(URL + "/b", json={"nonce": nonce, "q": [{"nonce": nonce}]}).ok
    """)
    suite.run().assert_outcomes(passed=1)
    assert "nonce=REDACTED&q=1" in suite.cassette()
    assert '"nonce": "REDACTED"' in suite.cassette()
    assert "nonce-" not in suite.cassette()
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=1)


def test_no_secret_is_logged_or_printed(suite):
    """Neither in the log, nor in the summary of what was refused, kept, polled, or requested by fixtures."""
    suite.origin["/job"] = Answer("running")
    suite.test(f"""
        secret = {{"access_token": "{SECRET}"}}

        @pytest.fixture(scope="module")
        def wide():
            requests.get(URL + "/wide", params=secret)

        @pytest.mark.reqcache
        def test_it(wide, caplog):
            with caplog.at_level("DEBUG", "pytest_reqcache"):
                for _ in range(30):
                    requests.get(URL + "/job", params=secret)
            assert caplog.records

        def test_plain():
            requests.get("http://service.invalid/", params=secret)
    """)
    online = suite.run("-rA", "test_it.py::test_it")
    offline = suite.offline("-rA", "test_it.py::test_plain")
    for result in (online, offline):
        result.assert_outcomes(passed=1)
    printed = online.stdout.str() + offline.stdout.str()
    ours = [line for line in printed.splitlines() if "connectionpool" not in line]
    for said in (
        "replayed from the cassette",
        "requested by fixtures",
        "was answered 29 times",
        "refused outside",
    ):
        assert said in printed
    assert SECRET not in "\n".join(ours)


def test_learned_secret_is_found_in_the_spelling_of_inline_scripts(suite):
    secret = "aaBB1234/ccDD5678"
    suite.origin["/page"] = Answer('<script>token = "aaBB1234\\/ccDD5678"</script>')
    suite.test(f"""
        @pytest.mark.reqcache
        def test_it():
            assert requests.get(URL + "/page", headers={{"Authorization": "Bearer {secret}"}}).ok
    """)
    suite.run().assert_outcomes(passed=1)
    assert "ccDD5678" not in suite.cassette()


def test_tests_that_share_a_cassette_get_their_own_users_answers(suite):
    suite.origin["/me"] = lambda seen: Answer(seen.headers["authorization"].split()[1][:3])
    suite.test("""
        @pytest.mark.reqcache("users")
        @pytest.mark.parametrize("user", ["ada", "bob"])
        def test_me(user):
            headers = {"Authorization": f"Bearer {user}-static-token-1"}
            assert requests.get(URL + "/me", headers=headers).text == user
    """)
    suite.run().assert_outcomes(passed=2)
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=2)


def test_token_of_a_wider_fixture_is_redacted_in_the_tests_that_use_it(suite):
    token = "short-tok1"
    suite.origin["/login"] = Answer({"access_token": token})
    suite.origin["/info"] = lambda seen: Answer(b"echo " + seen.body)
    suite.test("""
        @pytest.fixture(scope="session")
        def token(cached_session_factory):
            return cached_session_factory("login").post(URL + "/login").json()["access_token"]

        @pytest.mark.reqcache
        def test_path(token):
            assert requests.get(URL + "/bot" + "/" + token + "/me").ok

        @pytest.mark.reqcache
        def test_query(token):
            assert requests.get(URL + "/q", params={"t": token}).ok

        @pytest.mark.reqcache
        def test_body(token):
            assert requests.post(URL + "/info", json={"value": token}).ok
    """)
    suite.run().assert_outcomes(passed=3)
    assert [name for name in suite.cassettes() if token in suite.cassette(name.removesuffix(".yaml"))] == []
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=3)


def test_parameter_that_holds_a_secret_is_matched_and_the_secret_known_elsewhere(suite):
    suite.test("""
        import json
        TOKEN = "Vb7TokenQw7Er8Ty1"
        LINK = "http://h.example/cb?access_token=" + TOKEN + "&b=1"
        LOGIN = json.dumps({"token": TOKEN})

        @pytest.mark.reqcache
        def test_query():
            assert requests.get(URL + "/login", params={"next": LINK}).ok
            assert requests.get(URL + "/of/" + TOKEN).ok

        @pytest.mark.reqcache
        def test_json_in_query():
            assert requests.get(URL + "/find", params={"filter": LOGIN, "note": "see " + TOKEN}).ok
            assert requests.get(URL + "/to", params={"at": "https://me:" + TOKEN + "@h.example/"}).ok
            assert requests.get(URL + "/of/" + TOKEN).ok

        @pytest.mark.reqcache
        def test_form():
            assert requests.post(URL + "/hook", data={"payload": LOGIN, "note": "see " + TOKEN}).ok
            assert requests.post(URL + "/hook", data={"payload": LINK}).ok

        @pytest.mark.reqcache
        @pytest.mark.parametrize("scheme", ["Bearer", "Token"])
        def test_scheme(scheme):
            told = {"authorization": f"{scheme} {TOKEN}", "note": TOKEN}
            assert requests.post(URL + "/hook", json=told).ok
    """)
    for name in ("test_query", "test_json_in_query", "test_form", "test_scheme"):
        suite.run("-k", name)
    assert len(suite.cassettes()) == 5
    assert not any("Vb7Token" in suite.cassette(name.removesuffix(".yaml")) for name in suite.cassettes())
    asked = suite.origin.count("/login"), suite.origin.count("/find"), suite.origin.count("/hook")
    assert asked == (1, 1, 4)
    suite.run().assert_outcomes(passed=5)
    assert asked == (suite.origin.count("/login"), suite.origin.count("/find"), suite.origin.count("/hook"))
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=5)


def test_compressed_request_is_redacted_and_matched_as_what_it_stands_for(suite):
    suite.test("""
        import gzip, random

        @pytest.mark.reqcache
        def test_it():
            body = gzip.compress(b'{"password": "hunter2-hunter2"}', mtime=random.randrange(10**9))
            headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
            assert requests.post(URL + "/a", data=body, headers=headers).ok
    """)
    suite.run().assert_outcomes(passed=1)
    assert '{"password": "REDACTED-password"}' in suite.cassette()
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=1)


def test_password_that_is_a_name_as_well_breaks_no_other_test(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_login(): requests.post(URL + "/login", json={"user": "testuser1", "password": "testuser1"})

        @pytest.mark.reqcache
        def test_user(): assert requests.get(URL + "/users/testuser1").json()["path"] == "/users/testuser1"

        @pytest.mark.reqcache
        def test_search(): assert requests.get(URL + "/search", params={"name": "testuser1"}).ok
    """)
    suite.run("-p", "no:randomly").assert_outcomes(passed=3)
    assert "testuser1" not in suite.cassette("test_it/test_login")
    suite.offline("-p", "no:randomly").assert_outcomes(passed=3)


@pytest.mark.parametrize("secret", ["header", "body"])
def test_large_stream_with_a_secret_is_replayed_in_the_run_that_records_it(suite, secret):
    token = "tok-5f0c9f6e3d0a4e0e9d5e"
    cookie = [("Set-Cookie", f"session={token}")]
    suite.origin["/header"] = Answer(bytes(range(256)) * 5000, headers=cookie)
    suite.origin["/body"] = Answer({"access_token": token, "rest": "x" * 1_200_000})
    suite.test(f"""
        def load():
            with requests.get(URL + "/{secret}", stream=True) as response:
                return response.headers, b"".join(response.iter_content(65536))

        @pytest.mark.reqcache("shared")
        def test_one():
            load()

        @pytest.mark.reqcache("shared")
        def test_two():
            headers, body = load()
            assert "{token}" in headers.get("Set-Cookie", "") + body.decode("latin-1")
            assert len(requests.get(URL + "/{secret}").content) == len(body)
    """)
    suite.run().assert_outcomes(passed=2)
    assert suite.origin.count(f"/{secret}") == 1


@pytest.mark.parametrize("redact", ["", "!tenant"])
def test_cookie_that_the_code_sends_elsewhere_replays_where_it_is_said_to_be_no_secret(suite, redact):
    suite.origin["/login"] = Answer("in", headers={"Set-Cookie": "tenant=acme-corporation; Path=/"})
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            tenant = requests.post(URL + "/login").cookies["tenant"]
            assert requests.get(URL + "/orders", params={"tenant": tenant}).ok
    """)
    suite.run("-o", f"reqcache_redact={redact}").assert_outcomes(passed=1)
    assert ("tenant=REDACTED-tenant" in suite.cassette()) is (not redact)
    suite.origin.stop()
    replayed = suite.offline("-o", f"reqcache_redact={redact}")
    replayed.assert_outcomes(**({"passed": 1} if redact else {"failed": 1}))
