"""Recordings are a transaction: they are committed when the test's outcome is known to be good."""

from __future__ import annotations

import warnings

import pytest

from origin import Answer
from pytest_reqcache.flow import Flow


@pytest.mark.parametrize(
    ("code", "committed"),
    [
        ("assert get()", True),
        ("get(); assert 0", False),
        ("get(); pytest.xfail('known')", True),
        ("get(); pytest.skip('after a request')", False),
    ],
    ids=["passed", "failed", "xfailed", "skipped"],
)
def test_commit_follows_the_outcome(suite, code, committed):
    suite.test(f"""
        def get():
            return requests.get(URL + "/a").ok

        @pytest.mark.reqcache
        def test_it():
            {code}
    """)
    suite.run()
    assert suite.origin.count("/a") == 1
    assert suite.cassettes() == (["test_it/test_it.yaml"] if committed else [])


@pytest.mark.parametrize("end", ["raise KeyboardInterrupt", "os._exit(1)"])
def test_interrupted_or_killed_run_commits_nothing_of_the_test_under_way(suite, end):
    suite.test(f"""
        @pytest.mark.reqcache
        def test_before():
            requests.get(URL + "/a")

        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/a")
            {end}
    """)
    suite.subprocess()
    assert suite.origin.count("/a") == 2
    assert suite.cassettes() == ["test_it/test_before.yaml"]


@pytest.mark.parametrize(
    ("strict", "committed"), [("False", True), ("True", False)], ids=["xpassed", "strictly xpassed"]
)
def test_unexpected_pass(suite, strict, committed):
    suite.test(f"""
        @pytest.mark.xfail(strict={strict})
        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/a")
    """)
    suite.run()
    assert suite.cassettes() == (["test_it/test_it.yaml"] if committed else [])


@pytest.mark.parametrize(
    "fixture",
    ["requests.get(URL + '/a'); raise OSError; yield", "requests.get(URL + '/a'); yield; raise OSError"],
    ids=["set-up", "teardown"],
)
def test_error_around_the_test_drops_its_recordings(suite, fixture):
    suite.test(f"""
        @pytest.fixture
        def broken():
            {fixture}

        @pytest.mark.reqcache
        def test_it(broken):
            pass
    """)
    suite.run()
    assert suite.origin.count("/a") == 1
    assert suite.cassettes() == []


@pytest.mark.parametrize("end", ["raise OSError", "pytest.xfail('known')"], ids=["marker", "call"])
def test_expected_failure_of_the_set_up_drops_its_recordings(suite, end):
    suite.test(f"""
        @pytest.fixture
        def broken():
            requests.get(URL + "/a")
            {end}

        @pytest.mark.xfail
        @pytest.mark.reqcache
        def test_it(broken):
            pass
    """)
    suite.run().assert_outcomes(xfailed=1)
    assert suite.origin.count("/a") == 1
    assert suite.cassettes() == []


def test_failed_subtest_drops_the_recordings(suite):
    suite.test("""
        import unittest
        @pytest.mark.reqcache
        class TestIt(unittest.TestCase):
            def test_it(self):
                requests.get(URL + "/a")
                with self.subTest("one"):
                    assert 0
    """)
    suite.run()
    assert suite.cassettes() == []


@pytest.mark.skipif(pytest.version_tuple < (9, 0), reason="subtests came with pytest 9")
@pytest.mark.parametrize("offline", [False, True])
def test_section_of_a_test_with_a_failed_subtest_tells_of_all_of_it(suite, offline):
    suite.test("""
        @pytest.mark.reqcache
        def test_it(subtests):
            requests.get(URL + "/1")
            with subtests.test("one"):
                assert 0
            requests.get(URL + "/2")
    """)
    result = suite.offline() if offline else suite.run()
    part, own, _ = result.stdout.str().split("contains 1 failed subtest")
    if offline:
        assert [text.count("not cached: GET") for text in (part, own)] == [1, 2]
    else:
        assert "dropped" not in part
        assert "2 new recordings dropped: --reqcache-keep-failed keeps them" in own


def test_function_fixtures_are_part_of_the_test(suite):
    suite.test("""
        @pytest.fixture
        def user():
            yield requests.get(URL + "/before").json()
            requests.get(URL + "/after")

        @pytest.mark.reqcache
        def test_it(user):
            assert user["path"] == "/before"
    """)
    suite.run().assert_outcomes(passed=1)
    suite.origin.stop()
    suite.offline().stdout.fnmatch_lines(["2 replayed, 0 requests made"])


@pytest.mark.parametrize(
    "how", [("--reqcache-keep-failed",), ("-o", "reqcache_keep_failed=true")], ids=["flag", "ini"]
)
def test_keep_failed_keeps_new_recordings_and_replaces_none(suite, clock, how):
    suite.origin["/a"] = Answer("old"), Answer("new")
    suite.test("""
        @pytest.mark.reqcache(expire_after="1h")
        def test_it():
            requests.get(URL + "/a")
    """)
    suite.run().assert_outcomes(passed=1)
    before = suite.cassette()
    clock.move(7200)
    suite.test("""
        @pytest.mark.reqcache(expire_after="1h")
        def test_it():
            assert requests.get(URL + "/a").text == "new"
            requests.get(URL + "/b")
            assert 0
    """)
    result = suite.run()
    result.stdout.fnmatch_lines(["1 new recording dropped: --reqcache-keep-failed keeps it"])
    assert suite.cassette() == before
    result = suite.run(*how)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["1 recording of failed tests dropped: a failed test replaces none"])
    assert suite.cassette().startswith(before)
    assert "/b" in suite.cassette()


TOKEN = """
    @pytest.mark.reqcache
    def test_it():
        assert requests.get(URL + "/open").ok
        for token in os.environ["TOKENS"].split():
            response = requests.get(URL + "/me", headers={{"Authorization": "Bearer " + token}})
        {then}
"""


def who_knows_the_token(seen):
    return (
        Answer("in") if seen.headers["authorization"] == "Bearer right-3f9c1e7a5b2d" else Answer("out", 401)
    )


def test_keep_failed_keeps_no_refusal_that_would_answer_the_next_run(suite, monkeypatch):
    suite.origin["/me"] = who_knows_the_token
    suite.test(TOKEN.format(then="response.raise_for_status()"))
    monkeypatch.setenv("TOKENS", "wrong-0a1b2c3d4e5f")
    told = "dropped: 401, 403 and 407 are kept where the test passes"
    suite.run().stdout.fnmatch_lines(
        [
            "1 new recording dropped: --reqcache-keep-failed keeps it",
            f"1 new recording {told}",
            "1 recording of failed tests dropped: --reqcache-keep-failed keeps new ones",
            f"1 recording of failed tests {told}",
        ]
    )
    result = suite.run("--reqcache-keep-failed")
    result.stdout.fnmatch_lines([f"1 new recording {told}", f"1 recording of failed tests {told}"])
    assert "keeps new ones" not in result.stdout.str()
    monkeypatch.setenv("TOKENS", "right-3f9c1e7a5b2d")
    suite.run().stdout.fnmatch_lines(["1 replayed, 1 recorded, 1 request made"])


def test_keep_failed_keeps_a_refusal_after_which_the_test_was_let_in(suite, monkeypatch):
    suite.origin["/me"] = who_knows_the_token
    suite.test(TOKEN.format(then="assert 0"))
    monkeypatch.setenv("TOKENS", "wrong-0a1b2c3d4e5f right-3f9c1e7a5b2d")
    assert "kept where" not in suite.run("--reqcache-keep-failed").stdout.str()
    assert suite.cassette().count("- request:") == 3


def test_rerun_counts_by_its_last_attempt(suite):
    suite.origin["/a"] = Answer("bad"), Answer("good")
    suite.test("""
        @pytest.mark.flaky(reruns=1)
        @pytest.mark.reqcache
        def test_it():
            assert requests.get(URL + "/a").text == "good"
    """)
    result = suite.run("-p", "pytest_rerunfailures")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*1 passed, 1 rerun*"])
    assert "dropped" not in result.stdout.str()
    assert suite.origin.count("/a") == 2
    assert "good" in suite.cassette()
    assert "bad" not in suite.cassette()


def test_summary_tells_what_was_dropped(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/a")
            requests.get(URL + "/b")
            assert 0
    """)
    result = suite.run()
    result.stdout.fnmatch_lines(["2 new recordings dropped: --reqcache-keep-failed keeps them"])


def test_what_a_test_that_skips_itself_recorded_is_dropped_and_told(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/a")
            pytest.skip("not today")
    """)
    result = suite.run("--reqcache-keep-failed")
    assert "1 recording of tests that skipped themselves dropped" in result.outlines
    assert "of failed tests" not in result.stdout.str()
    assert suite.cassettes() == []


@pytest.mark.parametrize("arguments", [(), ("-q",)], ids=["", "-q"])
def test_misses_of_tests_that_are_skipped_or_expected_to_fail_are_told(suite, arguments):
    suite.test("""
        pytestmark = pytest.mark.reqcache

        def test_skipped():
            if not requests.get(URL + "/a").ok:
                pytest.skip("the service is away")

        @pytest.mark.xfail
        def test_expected(): requests.get(URL + "/a").raise_for_status()

        @pytest.mark.xfail
        def test_another(): assert 0

        def test_failed(): requests.get(URL + "/a").raise_for_status()

        @pytest.fixture
        def service():
            if not requests.get(URL + "/a").ok:
                pytest.skip("the service is away")

        def test_set_up(service): pass
    """)
    result = suite.offline(*arguments)
    result.assert_outcomes(skipped=2, xfailed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "skipped or failed as expected, and missed:",
            "  test_it.py::test_skipped",
            "  test_it.py::test_expected",
            "  test_it.py::test_set_up",
            "*= short test summary info =*" if not arguments else "*",
        ],
        consecutive=not arguments,
    )
    assert "  test_it.py::test_another" not in result.outlines
    assert "  test_it.py::test_failed" not in result.outlines


@pytest.mark.parametrize("arguments", [(), ("--reqcache-offline",), ("--reqcache-disable",)], ids=str)
def test_nothing_is_told_of_tests_that_request_nothing(suite, arguments):
    suite.test("""
        pytestmark = pytest.mark.reqcache

        def test_it(): pass

        def test_skipped(): pytest.skip()

        @pytest.mark.xfail
        def test_expected(): assert 0
    """)
    assert "= reqcache =" not in suite.run(*arguments).stdout.str()


def test_what_is_not_stored_is_told_without_the_values_of_secret_variables(suite, monkeypatch):
    monkeypatch.setenv("MY_API_TOKEN", "Zk3v9QwLr8TnXy2PdB7m")
    suite.origin["/botZk3v9QwLr8TnXy2PdB7m"] = Answer(status=503)
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/bot" + os.environ["MY_API_TOKEN"])
    """)
    result = suite.run()
    result.stdout.fnmatch_lines(["1 answer not stored: status 503: GET *"])
    result.stdout.no_fnmatch_line("*Zk3v9QwLr8TnXy2PdB7m*")


def test_polling_is_told_without_the_values_of_secret_variables(suite, monkeypatch):
    monkeypatch.setenv("MY_API_TOKEN", "Zk3v9QwLr8TnXy2PdB7m")
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            for _ in range(25):
                requests.get(URL + "/bot" + os.environ["MY_API_TOKEN"] + "/updates")
    """)
    result = suite.run()
    result.stdout.fnmatch_lines(["GET *updates was answered 2? times from one recording; *"])
    result.stdout.no_fnmatch_line("*Zk3v9QwLr8TnXy2PdB7m*")


def test_what_a_set_up_that_fails_as_expected_recorded_is_dropped_and_told(suite):
    suite.test("""
        @pytest.fixture
        def client():
            requests.get(URL + "/a")
            assert 0

        @pytest.mark.xfail
        @pytest.mark.reqcache
        def test_it(client): pass
    """)
    result = suite.run()
    result.assert_outcomes(xfailed=1)
    assert "1 recording of tests that were set up and not run dropped" in result.outlines
    assert suite.cassettes() == []


def test_what_the_set_up_of_a_test_that_is_not_run_recorded_is_dropped_and_told(suite):
    suite.test("""
        @pytest.fixture
        def client():
            requests.get(URL + "/a")

        @pytest.mark.reqcache
        def test_it(client): pass
    """)
    result = suite.run("--setup-only")
    assert "1 recording of tests that were set up and not run dropped" in result.outlines
    assert "of failed tests" not in result.stdout.str()
    assert suite.cassettes() == []


def test_expected_failure_has_not_passed_although_it_missed(suite):
    suite.test("""
        @pytest.mark.reqcache
        @pytest.mark.xfail
        def test_it(): requests.get(URL + "/a").raise_for_status()
    """)
    result = suite.run("--reqcache-offline")
    result.assert_outcomes(xfailed=1)
    assert "1 missed, 0 requests made" in result.outlines
    assert "passed although" not in result.stdout.str()


def test_hook_that_raises_at_the_end_of_a_chain_loses_nothing(suite):
    suite.origin["/hop"] = Answer(status=302, headers={"Location": "/gone"})
    suite.origin["/gone"] = Answer("gone", 404)
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            with requests.Session() as session:
                session.hooks["response"] = lambda response, *args, **kwargs: response.raise_for_status()
                with pytest.raises(requests.HTTPError, match="404"):
                    session.get(URL + "/hop")
    """)
    suite.run().assert_outcomes(passed=1)
    assert suite.cassette().count("url: ") == 2
    suite.run("--reqcache-offline").assert_outcomes(passed=1)


def test_request_that_fails_is_told(suite):
    suite.origin["/a"] = Answer(drop=True)
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            with pytest.raises(requests.ConnectionError):
                requests.get(URL + "/a")
    """)
    what = f"GET {suite.origin.url}/a of test_it.py::test_it"
    assert f"1 answer not stored: failed with ConnectionError: {what}" in suite.run().outlines


def test_5xx_and_429_are_not_recorded_and_are_named(suite):
    suite.origin["/a"] = Answer(status=503)
    suite.origin["/b"] = Answer(status=429)
    suite.origin["/c"] = Answer(status=404)
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            for path in "abca":
                requests.get(URL + "/" + path)
    """)
    result = suite.run()
    result.stdout.fnmatch_lines(
        [
            "1 answer not stored: status 429: GET http://*/b of test_it.py::test_it",
            "2 answers not stored: status 503: the first to GET http://*/a of test_it.py::test_it",
        ]
    )
    assert "/c" in suite.cassette()
    assert "/a" not in suite.cassette()


def test_recording_that_cannot_be_written_is_named_and_fails_the_run(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/a")
            path = os.path.join(os.path.dirname(__file__), "cassettes")
            open(path, "w").close()
    """)
    result = suite.run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["*= reqcache =*", "errors:", "  test_it.py::test_it: not recorded: *cassettes*"]
    )
    assert "INTERNALERROR" not in result.stdout.str()


def test_recording_that_cannot_be_written_leaves_a_run_that_was_stopped_its_exit_status(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/a")
            open(os.path.join(os.path.dirname(__file__), "cassettes"), "w").close()

        def test_that_stops():
            pytest.exit("enough")
    """)
    result = suite.run()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["errors:", "  test_it.py::test_it: not recorded: *cassettes*"])


def test_unreadable_cassette_is_an_error_on_first_use_and_left_as_it_is(suite):
    path = suite.write("cassettes/test_it/test_it.yaml", "version: 1\ninteractions: {")
    before = path.read_bytes()
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/a")
    """)
    result = suite.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*CassetteError: *test_it.yaml:*"])
    assert path.read_bytes() == before
    assert suite.origin.count() == 0


def test_nothing_is_left_behind_but_the_cassettes(suite, tmp_path_factory, monkeypatch):
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(temporary))
    suite.origin["/big"] = Answer(b"x" * (3 << 20))
    suite.test("""
        @pytest.mark.reqcache
        @pytest.mark.parametrize("good", [True, False])
        def test_it(good):
            with requests.get(URL + "/big", stream=True) as response:
                for _ in response.iter_content(65536):
                    pass
            assert good
    """)
    suite.subprocess().assert_outcomes(passed=1, failed=1)
    assert [path for path in temporary.rglob("*") if path.is_file()] == []
    assert all(not name.endswith((".tmp", ".lock", ".torn")) for name in suite.cassettes())
    assert len(suite.cassettes()) == 2


@pytest.mark.parametrize(
    ("inside", "committed"), [("pytest.skip('not here')", True), ("assert 0", False), ("pass", True)]
)
def test_subtests_of_a_passing_test(suite, inside, committed):
    if pytest.version_tuple < (9, 0):
        pytest.skip("the subtests fixture came with pytest 9")
    suite.test(f"""
        @pytest.mark.reqcache
        def test_it(subtests):
            requests.get(URL + "/a")
            with subtests.test("one"):
                {inside}
    """)
    suite.run()
    assert suite.cassettes() == (["test_it/test_it.yaml"] if committed else [])


def test_stream_that_is_not_read_to_its_end_is_named_and_leaves_nothing(suite, tmp_path_factory, monkeypatch):
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(temporary))
    suite.origin["/big"] = Answer(b"x" * (8 << 20))
    suite.test("""
        kept = []

        @pytest.mark.reqcache
        @pytest.mark.parametrize("closed", [True, False])
        def test_it(closed):
            response = requests.get(URL + "/big", stream=True)
            kept.append(response)
            next(response.iter_content(3 << 20))
            if closed:
                response.close()
    """)
    result = suite.subprocess()
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["2 answers not stored: a streamed body that was not read to its end: the first to GET *"]
    )
    assert [path for path in temporary.rglob("*") if path.is_file()] == []
    assert suite.cassettes() == []


def test_write_whose_streamed_body_is_not_read_counts_as_a_write(suite):
    suite.origin["GET /item"] = Answer("old"), Answer("new")
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            first = requests.get(URL + "/item").text
            with requests.put(URL + "/item", stream=True) as response:
                assert response.ok
            assert (first, requests.get(URL + "/item").text) == ("old", "new")
    """)
    suite.run().assert_outcomes(passed=1)


def test_warning_that_is_an_error_at_the_end_of_a_test_is_no_matter_of_the_next(suite, monkeypatch):
    def join(self):
        warnings.warn("a refresh is slow", ResourceWarning, stacklevel=2)

    monkeypatch.setattr("pytest_reqcache.background.Background.join", join)
    suite.test("""
        @pytest.mark.reqcache
        def test_a():
            requests.get(URL + "/a")

        def test_b():
            assert not hasattr(requests.get(URL + "/a"), "from_cache")
    """)
    suite.run("-W", "error").assert_outcomes(passed=2, errors=1)
    assert suite.origin.count("/a") == 2


def test_unexpected_error_of_a_commit_is_one_of_its_test_alone(suite, monkeypatch):
    def commit(flow, **options):
        raise TypeError("what nobody expects")

    monkeypatch.setattr(Flow, "commit", commit)
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/a")

        def test_other():
            pass
    """)
    result = suite.run()
    result.assert_outcomes(passed=2)
    text = result.stdout.str() + result.stderr.str()
    assert "test_it.py::test_it: not recorded: TypeError: what nobody expects (" in text
    assert "INTERNALERROR" not in text
    assert result.ret == pytest.ExitCode.TESTS_FAILED
