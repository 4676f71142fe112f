"""``redact`` and ``allowed_secrets``, and the sentinel, as a user meets them."""

from __future__ import annotations

import base64
import json

import pytest

from origin import Answer

TOKEN = "s3cr3t-Value/0123456789"


def jwt(**claims: object) -> str:
    parts = ({"alg": "none"}, claims)
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*coded, "c2lnbmF0dXJlLXNpZ25hdHVyZQ"])


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_TOKEN", TOKEN)


@pytest.mark.parametrize(
    ("ini", "marker"),
    [
        ("reqcache_redact =\n    X-Odd\n    $.user.mail\n    re:acct-[0-9]+", ""),
        ("", "redact=['X-Odd', '$.user.mail', 're:acct-[0-9]+']"),
        ("reqcache_redact = X-Odd", "redact={'$.user.mail': True, 're:acct-[0-9]+': True}"),
    ],
    ids=["ini", "marker", "both"],
)
def test_further_secrets_are_redacted_and_replay(suite, ini, marker):
    suite.origin["/acct-123/me"] = Answer({"user": {"mail": "ada@acme.example"}, "n": 1})
    suite.write("pytest.ini", f"[pytest]\n{ini}\n")
    suite.test(f"""
        @pytest.mark.reqcache({marker})
        def test_it():
            account = os.environ.get("ACCOUNT", "acct-999")
            response = requests.get(URL + "/" + account + "/me", headers={{"X-Odd": "odd value"}})
            assert response.json()["n"] == 1
    """)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACCOUNT", "acct-123")
        suite.run().assert_outcomes(passed=1)
    cassette = suite.cassette()
    assert not any(secret in cassette for secret in ("acct-123", "ada@acme", "odd value"))
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=1)


def test_made_up_token_can_be_parsed_when_it_is_replayed(suite):
    suite.origin["/login"] = Answer({"id_token": jwt(sub="ada", exp=1)})
    suite.origin["/me"] = lambda seen: Answer({"as": seen.headers["authorization"][-4:]})
    suite.write(
        "conftest.py",
        f"""
        MADE_UP = {jwt(sub="somebody", exp=4102444800)!r}

        @pytest.fixture(scope="session")
        def reqcache_config():
            return {{"redact": {{"id_token": lambda secret: MADE_UP}}}}
        """,
    )
    suite.test("""
        import base64, json

        @pytest.mark.reqcache
        def test_it():
            token = requests.post(URL + "/login").json()["id_token"]
            claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
            assert claims["sub"] in ("ada", "somebody")
            assert requests.get(URL + "/me", headers={"Authorization": "Bearer " + token}).ok
    """)
    suite.run().assert_outcomes(passed=1)
    assert jwt(sub="ada", exp=1) not in suite.cassette()
    assert suite.cassette().count(jwt(sub="somebody", exp=4102444800)) == 2
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=1)


def test_an_error_of_what_is_made_up_does_not_show_the_secret(suite):
    suite.origin["/login"] = Answer('{"access_token": "s3cr3t-Live-0123456789"}')
    suite.test("""
        @pytest.mark.reqcache(redact={"access_token": lambda secret: "two words"})
        def test_it():
            requests.get(URL + "/login")
    """)
    result = suite.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *ValueError: redact: what is to stand in the place of 'access_token' *"])
    assert "s3cr3t-Live" not in result.stdout.str()


@pytest.mark.parametrize("how", ["redact={'token': '***'}", "redact={'token': ''}"])
def test_a_text_that_cannot_stand_in_a_secrets_place_is_an_error_at_collection(suite, how):
    suite.test(f"""
        @pytest.mark.reqcache({how})
        def test_it(): ...
    """)
    suite.run("--collect-only").stderr.fnmatch_lines(["ERROR: *redact: 'token': * cannot stand in a *"])


def test_made_up_token_is_never_sent(suite):
    suite.origin["/login"] = Answer({"id_token": TOKEN})
    suite.write("pytest.ini", "[pytest]\nreqcache_redact = id_token = made-up\n")
    login = 'token = requests.post(URL + "/login").json()["id_token"]'
    suite.test(f"""
        @pytest.mark.reqcache
        def test_it():
            {login}
    """)
    suite.run().assert_outcomes(passed=1)
    suite.test(f"""
        @pytest.mark.reqcache
        def test_it():
            {login}
            requests.get(URL + "/me", headers={{"Authorization": "Bearer " + token}})
    """)
    result = suite.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*PlaceholderError: GET */me: 'made-up' in header:authorization*"])
    assert suite.origin.count() == 1


def test_switched_off_name_is_recorded_as_it_is(suite):
    suite.origin["/words"] = Answer({"token": "hello", "password": "hunter22"})
    suite.write("pytest.ini", "[pytest]\nreqcache_redact = !token\n")
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            assert requests.get(URL + "/words").json()["token"] == "hello"
    """)
    suite.run().assert_outcomes(passed=1)
    assert '"token": "hello", "password": "REDACTED-password"' in suite.cassette()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("re:(", "pytest.ini: reqcache_redact: 're:(' is no regular expression"),
        ("$.a[", "pytest.ini: reqcache_redact: '$.a[' is no JSON path"),
        ("a b", "pytest.ini: reqcache_redact: 'a b' is no entry"),
    ],
)
def test_wrong_entry_is_a_usage_error(suite, line, said):
    suite.write("pytest.ini", f"[pytest]\nreqcache_redact = {line}\n")
    suite.test("def test_it(): pass")
    result = suite.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {said.replace('[', '[[]')}*"])


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        (Answer({"a": {"link": f"https://x/{TOKEN}"}}), "the response body ([$].a.link)"),
        (Answer(f"<p>{TOKEN}</p>"), "the response body"),
        (Answer("ok", headers={"X-Echo": TOKEN}), "the response header (X-Echo)"),
        (Answer(b"\x00\xff" + TOKEN.encode()), "the response body"),
        (Answer(base64.b64encode(f"x:{TOKEN}".encode()).decode()), "the response body"),
    ],
    ids=["json", "text", "header", "binary", "base64"],
)
def test_value_of_a_secret_variable_fails_the_test(suite, environment, answer, place):
    suite.origin["/a"] = answer
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            assert requests.get(URL + "/other").ok
            assert requests.get(URL + "/a").ok
    """)
    result = suite.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            f"nothing was recorded: the value of the environment variable ACME_TOKEN, in {place} of GET */a",
            "*if it is a secret, have it replaced:  reqcache_redact = *",
            "*if it is none, allow it: * reqcache_allowed_secrets = ACME_TOKEN",
            "2 new recordings dropped: a secret would have been written",
            "2 recordings of failed tests dropped: a secret would have been written",
        ]
    )
    assert TOKEN not in result.stdout.str()
    assert "--reqcache-keep-failed" not in result.stdout.str()
    assert suite.cassettes() == []


def test_what_a_test_that_fails_by_itself_holds_of_secrets_is_told_too(suite, environment):
    suite.origin["/a"] = Answer({"token_of_mine": f"x {TOKEN}"})
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/a")
            assert 1 == 2
    """)
    result = suite.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*assert 1 == 2",
            "1 new recording dropped: a secret would have been written",
            "1 recording of failed tests dropped: a secret would have been written",
        ]
    )


def test_secret_in_a_key_is_to_be_left_out_of_it(suite, environment):
    """What a ``key_fn`` returns is stored as it is: no setting replaces anything in it."""
    suite.test("""
        @pytest.fixture
        def reqcache_config():
            return {"key_fn": lambda request, **settings: "key of " + os.environ["ACME_TOKEN"]}

        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/a")
    """)
    result = suite.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "nothing was recorded: * ACME_TOKEN, in the key of GET */a",
            "  if it is a secret, leave it out of what key_fn returns",
            "  if it is none, allow it: *",
        ]
    )


def test_advice_of_the_sentinel_helps(suite, environment):
    suite.origin["/a"] = Answer({"link": f"https://x/{TOKEN}"})
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            assert requests.get(URL + "/a").ok
    """)
    suite.run().assert_outcomes(failed=1)
    suite.run("-o", "reqcache_redact=$.link").assert_outcomes(passed=1)
    assert '"link": "REDACTED-link"' in suite.cassette()


def test_allowed_secret_is_recorded(suite, environment):
    suite.origin["/a"] = Answer({"link": f"https://x/{TOKEN}"})
    suite.test("""
        @pytest.mark.reqcache(allowed_secrets=["ACME_*"])
        def test_it():
            assert requests.get(URL + "/a").ok
    """)
    suite.run().assert_outcomes(passed=1)
    assert TOKEN in suite.cassette()


def test_token_shape_fails_the_test(suite):
    suite.origin["/a"] = Answer({"note": f"use {jwt(sub='ada')}"})
    suite.test("""
        @pytest.mark.reqcache
        def test_it(request):
            assert requests.get(URL + "/a").ok
    """)
    result = suite.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*what looks like a jwt, in the response body ([$].note) of GET */a"])
    assert suite.cassettes() == []
    suite.run("-o", "reqcache_allowed_secrets=jwt").assert_outcomes(passed=1)


def test_variable_that_the_test_itself_sets_counts(suite):
    suite.origin["/a"] = Answer(f"echo {TOKEN}")
    suite.test(f"""
        @pytest.mark.reqcache
        def test_it(monkeypatch):
            with monkeypatch.context() as patch:
                patch.setenv("OTHER_SECRET", {TOKEN!r})
                assert requests.get(URL + "/a").ok
    """)
    suite.run().assert_outcomes(failed=1)
    assert suite.cassettes() == []


def test_variable_that_is_set_after_the_answer_counts(suite):
    suite.origin["/a"] = Answer(TOKEN)
    suite.test("""
        @pytest.mark.reqcache
        def test_it(monkeypatch):
            monkeypatch.setenv("OTHER_SECRET", requests.get(URL + "/a").text)
    """)
    suite.run().assert_outcomes(failed=1)
    assert suite.cassettes() == []


def test_secret_requested_in_tear_down_fails_the_run(suite, environment):
    suite.origin["/a"] = Answer(f"echo {TOKEN}")
    suite.test("""
        @pytest.fixture
        def late():
            yield
            requests.get(URL + "/a")

        @pytest.mark.reqcache
        def test_it(late):
            pass
    """)
    result = suite.run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["errors:", "*test_it: nothing was recorded: the value of*"])
    assert suite.cassettes() == []


def test_secret_in_a_wider_fixture_is_its_error(suite, environment):
    suite.origin["/a"] = Answer(f"echo {TOKEN}")
    suite.test("""
        @pytest.fixture(scope="module")
        def wide(cached_session_factory):
            return cached_session_factory("wide").get(URL + "/a").text

        def test_it(wide):
            pass
    """)
    result = suite.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["nothing was recorded: the value of*"])
    assert suite.cassettes() == []


def test_keep_failed_keeps_no_secret(suite, environment):
    suite.origin["/a"] = Answer(f"echo {TOKEN}")
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            assert requests.get(URL + "/a").status_code == 404
    """)
    suite.run("--reqcache-keep-failed").assert_outcomes(failed=1)
    assert suite.cassettes() == []


def test_large_streamed_text_is_redacted(suite):
    rows = [{"id": number, "api_key": f"key-{number % 20:012}"} for number in range(40_000)]
    suite.origin["/rows"] = Answer(rows)
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            with requests.get(URL + "/rows", stream=True) as response:
                assert sum(len(part) for part in response.iter_content(65536)) > 1_000_000
    """)
    suite.run().assert_outcomes(passed=1)
    body = next((suite.path / "cassettes").rglob("*.json")).read_text()
    assert "key-0000" not in body
    assert body.count("REDACTED-api_key") == 40_000


def test_user_patterns_hold_for_what_is_printed(suite):
    suite.write("pytest.ini", "[pytest]\nreqcache_redact = re:acct-[0-9]+\n")
    suite.test("""
        @pytest.fixture(scope="module")
        def wide():
            requests.get(URL + "/acct-123/wide")

        @pytest.mark.reqcache
        def test_it(wide, caplog):
            with caplog.at_level("DEBUG", "pytest_reqcache"):
                requests.get(URL + "/acct-123/x")

        def test_plain():
            requests.get("http://service.invalid/acct-123")
    """)
    online = suite.run("-rA", "test_it.py::test_it").stdout.str()
    offline = suite.offline("-rA", "-k", "plain").stdout.str()
    ours = [line for line in (online + offline).splitlines() if "connectionpool" not in line]
    assert "requested by fixtures" in online
    assert "refused outside" in offline
    assert "acct-123" not in "\n".join(ours)
