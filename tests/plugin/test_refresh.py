"""A refresh never destroys a good recording, and moves one line where nothing has changed."""

from __future__ import annotations

import difflib
import json
from datetime import timedelta
from email.utils import format_datetime

import pytest

from origin import Answer, Received

TEST = """
    @pytest.mark.reqcache{marker}
    def test_it():
        for _ in range(3):
            print("GOT", requests.get(URL + "/a").text)
"""


def changed_lines(before: str, after: str) -> list[str]:
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line for line in lines if line[0] in "-+"]


def assert_only_the_date_moves(suite, clock, marker: str = "") -> None:
    """Record, and refresh a day later."""
    suite.test(TEST.format(marker=marker))
    suite.run().assert_outcomes(passed=1)
    before = suite.cassette()
    clock.move(86400)
    suite.run("--reqcache-refresh").assert_outcomes(passed=1)
    assert suite.origin.count("/a") == 2
    assert changed_lines(before, suite.cassette()) == [
        "-   created_at: 2026-06-01T12:00:00Z",
        "+   created_at: 2026-06-02T12:00:00Z",
    ]


@pytest.mark.parametrize(
    "how", ["--reqcache-refresh", "--reqcache-force-refresh", "refresh", "force_refresh"]
)
def test_each_recording_is_refreshed_once_in_a_test(suite, how):
    suite.origin["/a"] = Answer("old"), Answer("new")
    suite.test(TEST.format(marker=""))
    suite.run().assert_outcomes(passed=1)
    if how.startswith("--"):
        suite.run(how).assert_outcomes(passed=1)
    else:
        suite.test(TEST.format(marker=f"({how}=True)"))
        suite.run().assert_outcomes(passed=1)
    assert suite.origin.count("/a") == 2
    assert "new" in suite.cassette()
    assert "old" not in suite.cassette()


def test_shared_cassette_is_refreshed_once_in_a_run(suite):
    suite.test("""
        pytestmark = pytest.mark.reqcache("shared")
        def test_a(): assert requests.get(URL + "/a").ok
        def test_b(): assert requests.get(URL + "/a").ok
    """)
    suite.run().assert_outcomes(passed=2)
    suite.run("--reqcache-refresh").assert_outcomes(passed=2)
    assert suite.origin.count("/a") == 2


@pytest.mark.parametrize("refreshed", ["", "cached_session.get(URL + '/a')"], ids=["before", "after"])
def test_what_was_dated_anew_is_refreshed_all_the_same_and_once(suite, refreshed):
    suite.test(f"""
        def test_it(cached_session):
            {refreshed}
            cached_session.cache.reset_expiration("1h")
            for _ in range(2):
                cached_session.get(URL + "/a")
    """)
    suite.run().assert_outcomes(passed=1)
    suite.run("--reqcache-refresh").assert_outcomes(passed=1)
    assert suite.origin.count() == 2


def test_what_another_test_of_the_run_dated_anew_is_refreshed_all_the_same(suite):
    suite.test("""
        pytestmark = pytest.mark.reqcache("shared")
        def test_a(cached_session): cached_session.cache.reset_expiration("1h")
        def test_b(): assert requests.get(URL + "/a").ok
    """)
    suite.run().assert_outcomes(passed=2)
    suite.run("--reqcache-refresh").assert_outcomes(passed=2)
    assert suite.origin.count() == 2


def test_refresh_of_a_call_always_asks(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_it(cached_session):
            for _ in range(3):
                assert cached_session.get(URL + "/a", refresh=True).ok
    """)
    suite.run().assert_outcomes(passed=1)
    assert suite.origin.count("/a") == 3
    assert suite.cassette().count("- request:") == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer("same", headers={"ETag": '"1"'}),
        Answer("same", headers={"X-Request-Id": "2", "Set-Cookie": "theme=dark"}),
    ],
    ids=["304", "equal 200"],
)
def test_unchanged_answer_moves_one_line(suite, clock, answer):
    first = Answer(
        "same",
        headers={**answer.headers, "X-Request-Id": "1"} if "ETag" not in answer.headers else answer.headers,
    )
    if "ETag" not in answer.headers:
        first.headers["Set-Cookie"] = "theme=light"
    suite.origin["/a"] = first, answer
    assert_only_the_date_moves(suite, clock)


def test_header_that_is_said_to_be_volatile_is_no_change(suite, clock):
    suite.origin["/a"] = tuple(Answer("same", headers={"X-Build": build}) for build in "12")
    assert_only_the_date_moves(suite, clock, '(volatile_headers=["X-Build"])')


@pytest.mark.parametrize("validator", [{}, {"ETag": '"1"'}], ids=["equal 200", "304"])
def test_unchanged_answer_is_as_young_as_it_says_where_that_counts(suite, clock, validator):
    suite.origin["/a"] = Answer("same", headers={"Cache-Control": "max-age=3600", **validator})
    suite.test(TEST.format(marker="(expire_after='http')"))
    suite.run().assert_outcomes(passed=1)
    clock.move(86400)
    suite.run().assert_outcomes(passed=1)
    suite.offline().stdout.fnmatch_lines(["3 replayed, 0 requests made"])


@pytest.mark.parametrize("status", [401, 403, 407, 408, 425, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("flag", ["--reqcache-refresh", "--reqcache-expire-after=1s"])
def test_error_never_replaces_a_success(suite, clock, status, flag):
    suite.origin["/a"] = Answer("good"), Answer("bad", status)
    suite.test(TEST.format(marker=""))
    suite.run().assert_outcomes(passed=1)
    before = suite.cassette()
    clock.move(3600)
    result = suite.run(flag)
    result.assert_outcomes(passed=1)
    assert suite.cassette() == before
    result.stdout.fnmatch_lines([f"*GET {suite.origin.url}/a answered {status}: the recording is kept"])


@pytest.mark.parametrize("status", [401, 403, 429, 503])
@pytest.mark.parametrize("body", ["good", None], ids=["200", "302"])
def test_error_that_a_redirect_leads_to_never_replaces_a_success(suite, clock, status, body):
    answer = Answer(body) if body else Answer(status=302, headers={"Location": "/b"})
    suite.origin["/a"] = answer, Answer(status=302, headers={"Location": "/login"})
    suite.origin["/b"] = Answer("good")
    suite.origin["/login"] = Answer("bad", status)
    suite.test(TEST.format(marker=""))
    suite.run().assert_outcomes(passed=1)
    before = suite.cassette()
    result = suite.run("--reqcache-refresh", "-s")
    assert suite.cassette() == before
    url = suite.origin.url
    result.stdout.fnmatch_lines(
        ["*GOT bad", "*GOT good", f"*GET {url}/a led to {url}/login, which answered {status}: *is kept"]
    )


def test_recording_stands_in_for_an_error_that_a_redirect_leads_to(suite, clock):
    suite.origin["/a"] = Answer("good"), Answer(status=302, headers={"Location": "/login"})
    suite.origin["/login"] = Answer("bad", 401)
    suite.test(TEST.format(marker="(stale_if_error=True, expire_after='1h')"))
    suite.run().assert_outcomes(passed=1)
    before = suite.cassette()
    clock.move(7200)
    suite.run("-s").stdout.fnmatch_lines(["*GOT good"] * 3)
    assert suite.cassette() == before


def test_error_that_was_recorded_behind_a_redirect_is_replaced(suite):
    suite.origin["/a"] = Answer(status=302, headers={"Location": "/login"})
    suite.origin["/login"] = Answer("old", 401), Answer("old", 401), Answer("new", 403)
    suite.test(TEST.format(marker="").replace("range(3)", "range(1)"))
    suite.run().assert_outcomes(passed=1)
    suite.run("--reqcache-refresh").assert_outcomes(passed=1)
    suite.run("--reqcache-refresh").assert_outcomes(passed=1)
    assert "new" in suite.cassette()
    assert "old" not in suite.cassette()


@pytest.mark.parametrize("is_refreshed", [True, False], ids=["refreshed", "served"])
def test_recorded_error_that_a_redirect_leads_to_never_replaces_a_success(suite, clock, is_refreshed):
    suite.origin["/a"] = Answer("good"), Answer(status=302, headers={"Location": "/login"})
    suite.origin["/login"] = Answer("who?", 401)
    suite.test("""
        @pytest.mark.reqcache(urls_expire_after={"*/a": "1h"})
        def test_it():
            print("GOT", requests.get(URL + "/a").text, requests.get(URL + "/login").text)
    """)
    suite.run().assert_outcomes(passed=1)
    clock.move(7200)
    suite.run(*["--reqcache-refresh"] * is_refreshed).assert_outcomes(passed=1)
    arguments = "-s", "-o", "reqcache_stale_if_error=true"
    suite.offline(*arguments).stdout.fnmatch_lines(["*GOT good who[?]"])


@pytest.mark.parametrize("status", [404, 410])
def test_gone_replaces_a_success_and_is_reported(suite, status):
    suite.origin["/a"] = Answer("good"), Answer("gone", status)
    suite.test(TEST.format(marker=""))
    suite.run().assert_outcomes(passed=1)
    result = suite.run("--reqcache-refresh")
    assert "gone" in suite.cassette()
    assert "good" not in suite.cassette()
    result.stdout.fnmatch_lines([f"*GET {suite.origin.url}/a answered {status}: the recording is replaced"])


def test_service_that_is_down_leaves_everything(suite):
    suite.test(TEST.format(marker=""))
    suite.run().assert_outcomes(passed=1)
    before = suite.cassette()
    suite.origin.stop()
    suite.run("--reqcache-refresh").assert_outcomes(failed=1)
    assert suite.cassette() == before
    suite.run("--reqcache-refresh", "--reqcache-stale-if-error").assert_outcomes(passed=1)
    assert suite.cassette() == before


def test_failing_test_refreshes_nothing(suite):
    suite.origin["/a"] = Answer("old"), Answer("new")
    suite.test(TEST.format(marker=""))
    suite.run().assert_outcomes(passed=1)
    before = suite.cassette()
    suite.test(TEST.format(marker="") + "        assert 0\n")
    suite.run("--reqcache-refresh").assert_outcomes(failed=1)
    assert suite.cassette() == before


def test_kept_recording_is_never_refreshed(suite, clock):
    suite.test(TEST.format(marker="(expire_after='1h')"))
    suite.run().assert_outcomes(passed=1)
    path = suite.path / "cassettes" / "test_it" / "test_it.yaml"
    path.write_text(path.read_text().replace("  created_at:", "  keep: true\n  created_at:"))
    before = suite.cassette()
    clock.move(7200)
    suite.run("--reqcache-force-refresh").assert_outcomes(passed=1)
    assert suite.origin.count("/a") == 1
    assert suite.cassette() == before


def test_comments_and_other_interactions_keep_their_bytes(suite):
    suite.origin["/a"] = Answer("old"), Answer("new")
    suite.test("""
        @pytest.mark.reqcache
        def test_it(cached_session):
            cached_session.get(URL + "/first")
            cached_session.get(URL + "/a", refresh=os.environ.get("AGAIN") == "1")
            cached_session.get(URL + "/last")
    """)
    suite.run().assert_outcomes(passed=1)
    path = suite.path / "cassettes" / "test_it" / "test_it.yaml"
    path.write_text(path.read_text().replace("- request:", "# by hand\n- request:"))
    before = suite.cassette()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGAIN", "1")
        suite.run().assert_outcomes(passed=1)
    after = suite.cassette()
    assert "new" in after
    assert after.count("# by hand") == 3
    assert before.split("- request:")[1] == after.split("- request:")[1]
    assert before.split("- request:")[3] == after.split("- request:")[3]


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_refreshed_sequence_keeps_what_is_answered_by_an_error(suite, status):
    suite.origin["/job"] = (
        Answer("a"),
        Answer("b"),
        Answer("c"),
        Answer("A"),
        Answer("no", status),
        Answer("C"),
    )
    suite.test("""
        @pytest.mark.reqcache(repeats="sequence")
        def test_it():
            print("GOT", [requests.get(URL + "/job").text for _ in range(3)])
    """)
    suite.run().assert_outcomes(passed=1)
    result = suite.run("--reqcache-refresh")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"*GET {suite.origin.url}/job answered {status}: the recording is kept"])
    suite.origin.stop()
    assert "GOT ['A', 'b', 'C']" in suite.offline("-s").stdout.str()
    assert suite.cassette().count("- request:") == 3


def test_sequence_refreshed_from_threads_loses_nothing(suite):
    suite.test("""
        from concurrent.futures import ThreadPoolExecutor
        @pytest.mark.reqcache(repeats="sequence")
        def test_it():
            with ThreadPoolExecutor(4) as pool:
                assert all(pool.map(lambda _: requests.get(URL + "/job").ok, range(6)))
    """)
    suite.run().assert_outcomes(passed=1)
    suite.run("--reqcache-refresh").assert_outcomes(passed=1)
    assert suite.cassette().count("- request:") == 6


@pytest.mark.parametrize("how", ["--reqcache-refresh", "--reqcache-force-refresh"])
@pytest.mark.parametrize("headers", [{}, {"ETag": '"1"'}], ids=["equal 200", "304"])
def test_a_cookie_lives_on_after_a_refresh(suite, clock, how, headers):
    def answer(received: Received) -> Answer:
        expires = format_datetime(clock.now + timedelta(hours=1), usegmt=True)
        return Answer("same", headers={**headers, "Set-Cookie": f"theme=light; Expires={expires}"})

    suite.origin["/a"] = answer
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            session = requests.Session()
            session.get(URL + "/a")
            assert session.cookies.get_dict() == {"theme": "light"}
    """)
    suite.run().assert_outcomes(passed=1)
    for _ in range(2):
        clock.move(86400)
        suite.run(how).assert_outcomes(passed=1)
        suite.offline().assert_outcomes(passed=1)


def test_a_refresh_behind_keeps_what_was_recorded_of_a_range(suite, clock):
    def answer(received: Received) -> Answer:
        if "range" in received.headers:
            return Answer(b"he", 206, {"Content-Range": "bytes 0-1/5"})
        return Answer(b"hello")

    suite.origin["/a"] = answer
    suite.test("""
        @pytest.mark.reqcache(expire_after="1h", stale_while_revalidate=True)
        def test_it():
            assert requests.get(URL + "/a", headers={"Range": "bytes=0-1"}).content == b"he"
    """)
    suite.run().assert_outcomes(passed=1)
    clock.move(86400)
    suite.run().assert_outcomes(passed=1)
    suite.offline().assert_outcomes(passed=1)


def test_nothing_of_a_flow_with_writes_is_refreshed_behind(suite, clock):
    """Each answer is of the state that the requests before have made: they are fetched in their order."""
    numbers = iter(range(1, 10))
    known: set[str] = set()

    def create(received: Received) -> Answer:
        known.add(f"/items/{next(numbers)}")
        return Answer({"item": max(known)}, 201)

    suite.origin["POST /items"] = create
    for path in ("/items/1", "/items/2"):
        suite.origin[path] = lambda received: (
            Answer("there") if received.path in known else Answer("none", 404)
        )
    suite.test("""
        @pytest.mark.reqcache(expire_after="1h", stale_while_revalidate=True)
        def test_it():
            item = requests.post(URL + "/items").json()["item"]
            assert requests.get(URL + item).text == "there"
    """)
    suite.run().assert_outcomes(passed=1)
    known.clear()
    clock.move(86400)
    suite.run().assert_outcomes(passed=1)
    assert [received.path for received in suite.origin.log] == ["/items", "/items/1", "/items", "/items/2"]
    suite.offline().assert_outcomes(passed=1)


def test_nothing_is_refreshed_behind_once_a_test_has_begun_to_write(suite, clock):
    """The write is new: what is recorded does not tell of it."""
    suite.origin["/b"] = (Answer("old"), Answer("new"))
    code = """
        @pytest.mark.reqcache(expire_after="1h", stale_while_revalidate=True)
        def test_it():
            requests.get(URL + "/a").raise_for_status()
            {write}
            assert requests.get(URL + "/b").text == "{text}"
    """
    suite.test(code.format(write="", text="old"))
    suite.run().assert_outcomes(passed=1)
    clock.move(86400)
    suite.test(code.format(write='requests.post(URL + "/p").raise_for_status()', text="new"))
    suite.run().assert_outcomes(passed=1)
    suite.offline().assert_outcomes(passed=1)


def test_a_redirect_behind_replaces_nothing_but_a_redirect(suite, clock):
    """A service that wants a new login leads to it: what is there is no answer to the request."""
    to_login = Answer(status=302, headers={"Location": "/login"})
    suite.origin["/a"] = (Answer("mine"), to_login)
    suite.origin["/b"] = (Answer(status=302, headers={"Location": "/a"}), to_login)
    suite.test("""
        @pytest.mark.reqcache(expire_after="1h", stale_while_revalidate=True)
        def test_it():
            assert requests.get(URL + "/a").text == "mine"
            requests.get(URL + "/b", allow_redirects=False)
    """)
    suite.run().assert_outcomes(passed=1)
    clock.move(86400)
    result = suite.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["  GET */a answered 302, which nobody followed: the recording is kept"])
    assert "mine" in suite.cassette()
    assert suite.cassette().count("Location: /login") == 1
    suite.offline().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("query", "taken", "asked"),
    [("n={}", False, 2), ("token=t0ken-{:012}", True, 3)],
    ids=["elsewhere", "another secret"],
)
def test_refresh_behind_takes_a_redirect_where_it_leads_as_before(suite, clock, query, taken, asked):
    """Elsewhere, as to a file with another name each time, nobody has asked for what is there. For a secret
    in the URL of what is refreshed behind the redirect, that is asked for once more."""
    suite.origin["/download"] = lambda received: Answer(
        status=302, headers={"Location": "/file?" + query.format(suite.origin.count("/download"))}
    )
    suite.test("""
        @pytest.mark.reqcache(expire_after=60, stale_while_revalidate=True)
        def test_it():
            assert requests.get(URL + "/download").ok
    """)

    def redirect():
        return next(item for item in suite.cassette().split("- request:") if "/download\n" in item)

    suite.run().assert_outcomes(passed=1)
    before = redirect()
    clock.move(100)
    result = suite.run()
    result.assert_outcomes(passed=1)
    assert suite.origin.count("/download") == asked
    assert (redirect() != before) is taken
    told = f"GET {suite.origin.url}/download answered 302, which nobody followed: the recording is kept"
    assert (told not in result.stdout.str()) is taken
    suite.run("--reqcache-offline", "--reqcache-stale-if-error").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (Answer(status=503), "answered 503"),
        (Answer(status=404), "answered 404"),
        (None, "failed with ConnectionError"),
    ],
    ids=["503", "404", "down"],
)
def test_a_refresh_that_failed_is_named_where_the_recording_stands_in(suite, then, said):
    suite.origin["/a"] = (Answer("old"),) if then is None else (Answer("old"), then)
    suite.test("""
        @pytest.mark.reqcache(stale_if_error=True)
        def test_it():
            assert requests.get(URL + "/a").text == "old"
    """)
    suite.run().assert_outcomes(passed=1)
    before = suite.cassette()
    if then is None:
        suite.origin.stop()
    result = suite.run("--reqcache-refresh")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"  GET */a {said}: the recording is used, and kept"])
    assert suite.cassette() == before


def test_refreshes_that_failed_are_counted(suite):
    """So that a scheduled refresh can see that nothing was refreshed, though all its tests pass."""
    suite.origin["/a"] = Answer("old"), Answer("no", 401)
    suite.origin["/b"] = Answer("1"), Answer("2")
    suite.test("""
        @pytest.mark.reqcache("shared", stale_if_error=True)
        @pytest.mark.parametrize("number", range(3))
        def test_it(number):
            assert requests.get(URL + "/a").text == "old"
            requests.get(URL + "/b")
    """)
    suite.run().assert_outcomes(passed=3)
    result = suite.run("--reqcache-refresh", "--reqcache-report=report.json")
    result.assert_outcomes(passed=3)
    told = "  GET */a answered 401: the recording is used, and kept (3 times)"
    result.stdout.fnmatch_lines(["recordings and refreshes:", told])
    counts = json.loads((suite.path / "report.json").read_text())["counts"]
    assert (counts["not_refreshed"], counts["values"]) == (3, 1)


@pytest.mark.parametrize(
    ("marker", "code", "then"),
    [
        ("(expire_after=60, stale_while_revalidate=True)", "requests.get(URL + '/a')", Answer(drop=True)),
        ("(expire_after=60)", "pytest.raises(Exception, requests.get, URL + '/a')", Answer(drop=True)),
        ("(expire_after=60, allowable_codes=[200])", "requests.get(URL + '/a')", Answer("no", 404)),
    ],
    ids=["behind", "caught", "not stored"],
)
def test_refresh_that_failed_is_counted_however_it_did(suite, clock, marker, code, then):
    suite.origin["/a"] = Answer("old"), then
    suite.test(f"""
        @pytest.mark.reqcache{marker}
        def test_it():
            if os.environ.get("FIRST"):
                assert requests.get(URL + "/a").ok
            else:
                {code}
    """)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIRST", "1")
        suite.run().assert_outcomes(passed=1)
    clock.move(100)
    result = suite.run("--reqcache-report=report.json")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["  GET */a *: the recording is kept"])
    assert json.loads((suite.path / "report.json").read_text())["counts"]["not_refreshed"] == 1
    assert "old" in suite.cassette()


@pytest.mark.parametrize("how", ["skipped", "fixture"])
def test_what_was_not_written_is_not_said_to_be_replaced(suite, how):
    suite.origin["/a"] = Answer("old"), Answer("gone", 404)
    if how == "fixture":
        suite.test("""
            @pytest.fixture(scope="session")
            def api(cached_session_factory):
                assert cached_session_factory("api").get(URL + "/a").ok

            def test_it(api): pass
        """)
    else:
        suite.test("""
            @pytest.mark.reqcache
            def test_it():
                if not requests.get(URL + "/a").ok:
                    pytest.skip("gone")
        """)
    suite.run().assert_outcomes(passed=1)
    result = suite.run("--reqcache-force-refresh")
    result.assert_outcomes(**{"errors": 1} if how == "fixture" else {"skipped": 1})
    result.stdout.fnmatch_lines(["  GET */a answered 404: the recording is kept, as nothing was written"])


def test_error_in_whose_place_an_expired_recording_stands_is_told(suite, clock):
    suite.origin["/a"] = Answer("old"), Answer("no", 503)
    suite.test(TEST.format(marker="(expire_after=60, stale_if_error=True)"))
    suite.run().assert_outcomes(passed=1)
    clock.move(61)
    result = suite.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "3 stale*",
            "recordings and refreshes:",
            "  GET */a answered 503: the recording is used, and kept",
            "=*",
        ],
        consecutive=True,
    )


@pytest.mark.parametrize("then", [Answer("no", 503), Answer(drop=True)], ids=["503", "down"])
def test_refresh_that_failed_is_not_tried_again_where_the_recording_stands_in(suite, then):
    suite.origin["/a"] = Answer("old"), then
    suite.test(TEST.format(marker="(stale_if_error=True)"))
    suite.run().assert_outcomes(passed=1)
    suite.run("--reqcache-refresh").assert_outcomes(passed=1)
    assert suite.origin.count("/a") == 2


def test_recording_stays_though_the_304_to_its_refresh_forbids_to_store_it(suite):
    suite.origin["/a"] = Answer("old", headers={"ETag": '"1"'}, headers_304={"Cache-Control": "no-store"})
    suite.test(TEST.format(marker="(cache_control=True)"))
    suite.run().assert_outcomes(passed=1)
    before = suite.cassette()
    suite.run("--reqcache-refresh").stdout.fnmatch_lines(["2 replayed, 1 revalidated, 1 request made"])
    assert suite.cassette() == before


@pytest.mark.parametrize("stream", [False, True])
def test_large_body_that_has_not_changed_stays(suite, clock, stream):
    suite.origin["/a"] = Answer(bytes(range(256)) * 5000)
    suite.test(f"""
        @pytest.mark.reqcache
        def test_it():
            with requests.get(URL + "/a", stream={stream}) as response:
                assert len(response.content) == 1_280_000
    """)
    suite.run().assert_outcomes(passed=1)
    before, files = suite.cassette(), suite.cassettes()
    clock.move(5)
    result = suite.run("--reqcache-refresh")
    result.assert_outcomes(passed=1)
    assert [line[2:14] for line in changed_lines(before, suite.cassette())] == ["  created_at"] * 2
    assert suite.cassettes() == files
    assert "what changed" not in result.stdout.str()


@pytest.mark.parametrize(
    "call",
    [
        'get(URL + "/a", headers={"X-Request-ID": str(uuid4()), "Idempotency-Key": str(uuid4())})',
        'post(URL + "/a", files={"report": ("report.txt", "text")})',
    ],
    ids=["fields", "boundary"],
)
def test_a_request_that_differs_in_nothing_that_is_compared_stays(suite, clock, call):
    suite.origin["/a"] = Answer("same")
    suite.test(f"""
        from uuid import uuid4

        @pytest.mark.reqcache
        def test_it():
            assert requests.{call}.ok
    """)
    suite.run().assert_outcomes(passed=1)
    before = suite.cassette()
    clock.move(5)
    suite.run("--reqcache-refresh").assert_outcomes(passed=1)
    assert [line[2:14] for line in changed_lines(before, suite.cassette())] == ["  created_at"] * 2


@pytest.mark.parametrize("hidden", ["ignored_parameters", "redact"])
def test_what_is_hidden_by_now_does_not_stay_in_a_request(suite, hidden):
    suite.origin["/a"] = Answer("same")
    code = """
        @pytest.mark.reqcache({})
        def test_it():
            assert requests.get(URL + "/a", headers={{"X-Mine": "hush"}}).ok
    """
    suite.test(code.format(""))
    suite.run().assert_outcomes(passed=1)
    assert "X-Mine: hush" in suite.cassette()
    suite.test(code.format(f'{hidden}=["X-Mine"]'))
    suite.run("--reqcache-refresh").assert_outcomes(passed=1)
    assert "X-Mine: REDACTED" in suite.cassette()


# Another worker replaces a recording, and so the file of its body, while a test is under way.

OTHER_WORKER = """
    import pathlib

    def other_worker_replaces():
        cassette, = pathlib.Path("cassettes").rglob("*.yaml")
        body, = pathlib.Path("cassettes").rglob("*.bodies/*")
        new = body.with_name("0" * 16 + body.suffix)
        new.write_bytes(body.read_bytes().replace(b"old", b"new"))
        cassette.write_text(cassette.read_text().replace(body.name, new.name))
        body.unlink()
"""


@pytest.mark.parametrize("headers", [{}, {"ETag": '"1"'}], ids=["fetched", "confirmed"])
def test_recording_that_another_worker_replaces_while_the_test_runs(suite, monkeypatch, headers):
    suite.origin["/a"] = Answer(
        {"token": "tok-5f0c9f6e3d0a4e0e9d5e", "rest": "old" * 500_000}, headers=headers
    )
    suite.test(
        OTHER_WORKER
        + """
    @pytest.mark.reqcache
    def test_it():
        assert len(requests.get(URL + "/a").content) > 1_500_000
        if os.environ.get("REPLACES"):
            other_worker_replaces()
    """
    )
    suite.run().assert_outcomes(passed=1)
    monkeypatch.setenv("REPLACES", "1")
    result = suite.run("--reqcache-refresh")
    result.assert_outcomes(passed=1)
    assert "not recorded" not in result.stdout.str()
    monkeypatch.delenv("REPLACES")
    suite.offline().assert_outcomes(passed=1)


@pytest.mark.parametrize("how", ["304", "503"])
def test_recording_that_another_worker_replaces_while_the_service_is_asked(suite, how):
    def answer(request: Received) -> Answer:
        if suite.origin.count("/a") == 1:
            return Answer("old" * 500_000, headers={"ETag": '"1"'})
        (cassette,) = (suite.path / "cassettes").rglob("*.yaml")
        (body,) = (suite.path / "cassettes").rglob("*.bodies/*")
        new = body.with_name("0" * 16 + body.suffix)
        new.write_text("new" * 500_000)
        cassette.write_text(cassette.read_text().replace(body.name, new.name))
        body.unlink()
        return Answer(status=503) if how == "503" else Answer("", headers={"ETag": '"1"'})

    suite.origin["/a"] = answer
    suite.test("""
        @pytest.mark.reqcache(stale_if_error=True)
        def test_it():
            print("GOT", requests.get(URL + "/a").text[:3])
    """)
    suite.run().assert_outcomes(passed=1)
    result = suite.run("--reqcache-refresh", "-s")
    result.assert_outcomes(passed=1)
    assert "GOT new" in result.stdout.str()
    assert "not recorded" not in result.stdout.str()
    suite.offline().assert_outcomes(passed=1)


def test_edit_that_is_saved_while_a_refresh_is_under_way_stays(suite, clock, monkeypatch):
    suite.origin["/a"] = Answer("old"), Answer("new")
    suite.test("""
        import pathlib

        @pytest.mark.reqcache
        def test_it():
            assert requests.get(URL + "/a").ok
            if os.environ.get("EDITS"):
                cassette, = pathlib.Path("cassettes").rglob("*.yaml")
                cassette.write_text(cassette.read_text().replace("old", "edited"))
    """)
    suite.run().assert_outcomes(passed=1)
    clock.move(5)
    monkeypatch.setenv("EDITS", "1")
    result = suite.run("--reqcache-refresh")
    result.assert_outcomes(passed=1)
    assert suite.origin.count("/a") == 2
    assert "edited" in suite.cassette()
    assert "what changed" not in result.stdout.str()
    assert "new" not in suite.cassette()


@pytest.mark.parametrize(
    ("marker", "read"),
    [("repeats='sequence'", "get"), ("cache_control=True", "head")],
    ids=["sequence", "HEAD of GET"],
)
def test_what_follows_a_write_that_failed_is_recorded_however_it_is_answered(suite, marker, read):
    suite.origin["/list"] = Answer("text", headers={"X-N": "1"}), Answer("text", headers={"X-N": "2"})
    suite.origin["/new"] = Answer("", 201), Answer("", 503)
    suite.test(f"""
        @pytest.mark.reqcache(stale_if_error=True, {marker})
        def test_it():
            assert requests.post(URL + "/new").status_code == 201
            if os.environ.get("RECORD"):
                requests.get(URL + "/list")
            assert requests.{read}(URL + "/list").headers["X-N"] == "1"
    """)
    with pytest.MonkeyPatch.context() as patch:
        if read == "head":
            patch.setenv("RECORD", "1")
        suite.run().assert_outcomes(passed=1)
    result = suite.run("--reqcache-refresh")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["  POST */new answered 503: the recording is used, and kept"])
    assert suite.origin.count("/list") == 1


def test_refreshed_digest_says_the_same_though_the_nonce_is_another(suite, clock):
    suite.ask_for_digest("/a")
    suite.test("""
        from requests.auth import HTTPDigestAuth

        @pytest.mark.reqcache
        def test_it():
            assert requests.get(URL + "/a", auth=HTTPDigestAuth("user", "passw0rd")).text == "in"
    """)
    suite.run().assert_outcomes(passed=1)
    before = suite.cassette()
    clock.move(5)
    result = suite.run("--reqcache-refresh")
    result.assert_outcomes(passed=1)
    assert suite.origin.count("/a") == 4
    assert {line[2:14] for line in changed_lines(before, suite.cassette())} == {"  created_at"}
    assert "what changed" not in result.stdout.str()
    suite.offline().assert_outcomes(passed=1)


@pytest.mark.parametrize("how", ["refreshed", "expired"])
def test_what_follows_a_write_that_failed_is_of_the_recorded_flow_too(suite, clock, how):
    """The service has not got what was written: what it says now is nothing that the test expects."""
    items = []

    def write(seen):
        if len(items) < 2:
            items.append("new")
            return Answer("done", 201)
        return Answer("down", 503)

    suite.origin["/list"] = lambda seen: Answer({"items": list(items)})
    suite.origin["/other"] = Answer("1"), Answer("2")
    suite.origin["/new"] = write
    suite.test("""
        @pytest.mark.reqcache(stale_if_error=True, expire_after="1h")
        def test_it():
            requests.get(URL + "/other")
            for number in 1, 2:
                assert requests.post(URL + "/new").status_code == 201
                assert len(requests.get(URL + "/list").json()["items"]) == number
    """)
    suite.run().assert_outcomes(passed=1)
    items[:] = "xxx"
    if how == "expired":
        clock.move(7200)
    result = suite.run(*(["--reqcache-refresh"] if how == "refreshed" else []))
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["  POST */new answered 503: the recording is used, and kept"])
    assert suite.origin.count("/list") == 2
    assert suite.origin.count("/other") == 2  # before it nothing had failed
    suite.offline().assert_outcomes(passed=1)
