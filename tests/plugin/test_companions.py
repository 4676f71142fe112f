"""Other plugins and ways of writing tests, each beside the cache."""

from __future__ import annotations

import os
from unittest import mock

import pytest

from origin import Answer

FROZEN = {
    "freezegun decorator": """
        @pytest.mark.reqcache{marker}
        @freezegun.freeze_time("{moment}")
        def test_it(reqcache):
            check(reqcache)
    """,
    "freezegun context manager": """
        @pytest.mark.reqcache{marker}
        def test_it(reqcache):
            with freezegun.freeze_time("{moment}"):
                check(reqcache)
    """,
    "freezegun fixture": """
        @pytest.fixture(autouse=True, scope="session")
        def freezer():
            with freezegun.freeze_time("{moment}"):
                yield

        @pytest.mark.reqcache{marker}
        def test_it(reqcache):
            check(reqcache)
    """,
    "time-machine decorator": """
        @pytest.mark.reqcache{marker}
        @time_machine.travel("{moment}", tick=False)
        def test_it(reqcache):
            check(reqcache)
    """,
    "time-machine context manager": """
        @pytest.mark.reqcache{marker}
        def test_it(reqcache):
            with time_machine.travel("{moment}", tick=False):
                check(reqcache)
    """,
    "time-machine fixture": """
        @pytest.mark.reqcache{marker}
        def test_it(reqcache, time_machine):
            time_machine.move_to("{moment}", tick=False)
            check(reqcache)
    """,
}
PAST, FUTURE = "2001-02-03T04:05:06+00:00", "2081-02-03T04:05:06+00:00"


def write_frozen(suite, how, moment, marker="(expire_after='1h', cache_control=True)"):
    libraries = "import freezegun" if how.startswith("freezegun") else "import time_machine"
    suite.test(f"""
        {libraries}

        def check(reqcache):
            for _ in range(2):
                response = requests.get(URL + "/a")
                assert response.json()["path"] == "/a"
                assert int(response.headers.get("Age", 0)) == 0
{FROZEN[how].format(moment=moment, marker=marker)}
    """)


@pytest.mark.parametrize("how", FROZEN)
@pytest.mark.parametrize("moment", [PAST, FUTURE], ids=["past", "future"])
def test_test_with_a_frozen_clock_records_and_replays(suite, how, moment):
    """The clock that stands still is the same in every run: nothing ever expires."""
    write_frozen(suite, how, moment)
    suite.run("-p", "time_machine").stdout.fnmatch_lines(["1 replayed, 1 recorded, 1 request made"])
    assert f"created_at: {moment[:19]}" in suite.cassette()
    suite.origin.stop()
    suite.run("-p", "time_machine").stdout.fnmatch_lines(["2 replayed, 0 requests made"])
    suite.offline("-p", "time_machine").stdout.fnmatch_lines(["2 replayed, 0 requests made"])


@pytest.mark.parametrize(
    ("recorded", "replayed", "expected"),
    [
        (FUTURE, "2026-01-01", "2 replayed, 0 requests made"),  # a recording from the future has age 0
        (FUTURE, "2081-02-03T05:05:05", "2 replayed, 0 requests made"),
        (FUTURE, "2081-02-03T05:05:07", "1 replayed, 1 recorded, 1 request made"),
        (PAST, "2001-02-03T05:05:05", "2 replayed, 0 requests made"),
        (PAST, "2026-01-01", "1 replayed, 1 recorded, 1 request made"),
    ],
)
@pytest.mark.parametrize("library", ["freezegun", "time-machine"])
def test_recording_is_as_old_as_the_clocks_say(suite, library, recorded, replayed, expected):
    how = f"{library} decorator"
    write_frozen(suite, how, recorded, "(expire_after='1h')")
    suite.run().assert_outcomes(passed=1)
    write_frozen(suite, how, replayed, "(expire_after='1h')")
    result = suite.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([expected])


def test_clock_that_moves_past_expire_after_within_a_test(suite):
    """The guide's `sleep`, without sleeping."""
    code = """
        @pytest.mark.reqcache(expire_after="1h", repeats="share")
        def test_it(reqcache):
            import freezegun, time_machine
            assert not requests.get(URL + "/a").from_cache
            with time_machine.travel({now} + 3590): assert requests.get(URL + "/a").from_cache
            with time_machine.travel({now} + 3610): assert not requests.get(URL + "/a").from_cache
            assert reqcache.requests == 2
    """
    suite.test(code.format(now="__import__('time').time()"))
    suite.run("--reqcache-force-refresh").assert_outcomes(passed=1)
    assert suite.origin.count("/a") == 2
    assert suite.cassette().count("- request:") == 1
    suite.test("""
        import datetime, freezegun

        def test_it(cached_session):
            cached_session.settings.expire_after = 60
            with freezegun.freeze_time("2030-01-01") as frozen:
                assert not cached_session.get(URL + "/b").from_cache
                frozen.tick(59)
                assert cached_session.get(URL + "/b").from_cache
                frozen.tick(1)
                assert not cached_session.get(URL + "/b").from_cache
    """)
    suite.run().assert_outcomes(passed=1)


def test_no_wait_hangs_while_the_clock_stands_still(suite):
    """Another holder of the lock, a refresh behind, one flight of two threads, a bare session's commit."""
    suite.origin["/slow"] = Answer("slow", delay=0.1)
    suite.test("""
        import threading
        import freezegun
        from pytest_reqcache import CachedSession
        from pytest_reqcache.cassette.locking import Lock

        @pytest.mark.timeout(20)
        @pytest.mark.reqcache(expire_after="1h", stale_while_revalidate=True)
        def test_it(reqcache, tmp_path):
            path = (tmp_path / "bare.yaml").resolve()
            with freezegun.freeze_time("2001-01-01") as frozen:
                threads = [threading.Thread(target=requests.get, args=(URL + "/slow",)) for _ in range(4)]
                for thread in threads: thread.start()
                for thread in threads: thread.join()
                frozen.tick(7200)
                assert requests.get(URL + "/slow").text == "slow"
                lock, taken, done = Lock(path), threading.Event(), threading.Event()
                def hold():
                    with lock.held():
                        taken.set()
                        done.wait(0.3)
                holder = threading.Thread(target=hold)
                holder.start()
                taken.wait()
                with CachedSession(path) as session:
                    assert session.get(URL + "/b").ok
                holder.join()
            assert reqcache.replayed == 3
    """)
    suite.run("-p", "pytest_timeout").assert_outcomes(passed=1)
    assert suite.origin.count("/slow") == 2


# --- mocks of what reads and writes files


def test_sessions_write_where_tests_replace_what_opens_files(origin, session):
    origin["/large"] = Answer(bytes(range(256)) * 1000)
    s = session()
    with mock.patch("pathlib.Path.open", mock.mock_open()), mock.patch("builtins.open", mock.mock_open()):
        s.get(f"{origin.url}/large")
        assert len(s.cache) == 1
        s.cache.clear()
    assert len(session().cache) == 0


@pytest.mark.parametrize(
    "replaced",
    [
        "mock.patch('builtins.open', mock.mock_open(read_data='x'))",
        "mock.patch('pathlib.Path.open', mock.mock_open(read_data='x'))",
        "mock.patch.multiple('pathlib.Path', read_bytes=lambda path: b'x', read_text=lambda path: 'x')",
        "mock.patch.multiple('pathlib.Path', exists=lambda path: True, is_file=lambda path: True)",
        "mock.patch.multiple('os.path', exists=lambda path: False, isfile=lambda path: False)",
    ],
)
def test_tests_that_replace_what_reads_files_make_requests(suite, replaced):
    large = bytes(range(256)) * 5000
    suite.origin["/large"] = Answer(large)
    token = "tok-5f0c9f6e3d0a4e0e9d5e"
    suite.origin["/login"] = Answer({"access_token": token, "rest": "x" * 1_200_000})
    suite.test(f"""
        from unittest import mock

        @pytest.fixture(autouse=True)
        def replaced():
            with {replaced}:
                yield

        @pytest.mark.reqcache
        def test_it():
            with requests.get(URL + "/login", stream=True) as response:
                assert response.json()["access_token"]
            assert len(requests.get(URL + "/large").content) == {len(large)}
            with requests.get(URL + "/large", stream=True) as response:
                assert len(response.content) == {len(large)}
    """)
    suite.run().assert_outcomes(passed=1)
    written = [path.read_bytes() for path in (suite.path / "cassettes").rglob("*") if path.is_file()]
    assert not any(token.encode() in content for content in written)
    suite.offline().assert_outcomes(passed=1)


def test_miss_is_explained_where_tests_replace_what_reads_files(suite):
    """Other cassettes are looked through for it."""
    suite.test("""
        from unittest import mock

        @pytest.mark.reqcache
        def test_a():
            requests.get(URL + "/a").raise_for_status()

        @pytest.mark.reqcache
        def test_b():
            with mock.patch("pathlib.Path.open", mock.mock_open(read_data="x")):
                requests.get(URL + "/a").raise_for_status()
    """)
    suite.run("-k", "test_a").assert_outcomes(passed=1, deselected=1)
    suite.offline().stdout.fnmatch_lines(["  elsewhere: *test_a.yaml"])


# --- pytest-socket, pytest-httpserver


def test_replay_needs_no_socket(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_it(cached_session):
            with requests.get(URL + "/a", stream=True) as response:
                assert response.json()["path"] == "/a"
            assert cached_session.get(URL + "/b").ok
    """)
    suite.run("-p", "pytest_socket", "--allow-hosts=127.0.0.1").assert_outcomes(passed=1)
    assert suite.origin.count() == 2
    suite.run("-p", "pytest_socket", "--disable-socket").stdout.fnmatch_lines(["2 replayed, 0 requests made"])
    suite.offline("-p", "pytest_socket", "--disable-socket").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("flag", "error"),
    [("--disable-socket", "SocketBlockedError"), ("--allow-hosts=10.0.0.1", "SocketConnectBlockedError")],
)
def test_blocked_socket_is_an_error_of_its_own_and_records_nothing(suite, flag, error):
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/a")
    """)
    result = suite.run("-p", "pytest_socket", flag)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*{error}*"])
    assert suite.origin.count() == 0
    assert suite.cassettes() == []


@pytest.mark.parametrize("how", ["marker", "ini", "reqcache_config"])
def test_httpserver_beside_a_remote_recording(suite, how):
    if how == "ini":
        suite.write("pytest.ini", "[pytest]\nreqcache_passthrough = http://localhost:*\n")
    marker = "(passthrough=['localhost:*'])" if how == "marker" else ""
    config = """
        @pytest.fixture
        def reqcache_config(httpserver):
            return {"passthrough": [httpserver.url_for("/")]}
    """
    suite.test(f"""
        {config if how == "reqcache_config" else ""}
        @pytest.mark.reqcache{marker}
        def test_it(httpserver, reqcache, cached_session):
            for n, client in enumerate([requests, cached_session]):
                httpserver.expect_oneshot_request("/local").respond_with_json({{"n": n}})
                assert client.get(httpserver.url_for("/local")).json() == {{"n": n}}
            assert requests.get(URL + "/remote").json()["path"] == "/remote"
            httpserver.check()
            assert len(httpserver.log) == 2
            assert reqcache.requests == reqcache.recorded
    """)
    suite.run("-p", "pytest_httpserver.pytest_plugin").assert_outcomes(passed=1)
    assert suite.cassette().count("- request:") == 1
    assert "/remote" in suite.cassette()
    suite.origin.stop()
    offline = suite.offline("-p", "pytest_httpserver.pytest_plugin")
    offline.assert_outcomes(passed=1)
    offline.stdout.fnmatch_lines(["1 replayed, 0 requests made"])


# --- order, reruns, timeouts


def test_cassettes_are_equal_in_any_order(suite):
    for n in range(4):
        suite.origin[f"/{n}"] = Answer({"n": n}, headers={"Date": "Mon, 23 Nov 2026 10:00:00 GMT"})
    suite.test("""
        import time_machine

        @pytest.fixture(autouse=True)
        def _still():
            with time_machine.travel("2026-11-23T10:00:00+00:00", tick=False):
                yield

        @pytest.mark.reqcache
        @pytest.mark.parametrize("n", range(4))
        def test_it(n):
            assert requests.get(URL + f"/{n}").json() == {"n": n}

        @pytest.mark.reqcache("shared")
        @pytest.mark.parametrize("n", range(4))
        def test_shared(n):
            for number in (n, (n + 1) % 4):
                assert requests.get(URL + f"/{number}").json() == {"n": number}
    """)
    runs = []
    for seed in (None, 1, 2):
        suite.run(*(["-p", "pytest_randomly", f"--randomly-seed={seed}"] if seed else [])).assert_outcomes(
            passed=8
        )
        own = {name: suite.cassette(name.removesuffix(".yaml")) for name in suite.cassettes()}
        own["shared.yaml"] = "".join(sorted(own["shared.yaml"].split("- request:")))
        runs.append(own)
        for name in suite.cassettes():
            (suite.path / "cassettes" / name).unlink()
    assert runs[0] == runs[1] == runs[2]
    assert len(runs[0]) == 5


def test_positions_start_afresh_in_a_rerun(suite):
    suite.origin["GET /jobs"] = Answer("a"), Answer("b"), Answer("c"), Answer("d")
    suite.origin["POST /jobs"] = Answer("1"), Answer("2")
    suite.test("""
        attempts = []

        @pytest.mark.flaky(reruns=2)
        @pytest.mark.reqcache
        def test_it(reqcache):
            attempts.append(1)
            assert (reqcache.recorded, reqcache.replayed) == (0, 0)
            jobs = [requests.get(URL + "/jobs").text, requests.post(URL + "/jobs").text,
                    requests.get(URL + "/jobs").text]
            assert len(attempts) > 1
            assert jobs == ["c", "2", "d"]
    """)
    suite.run("-p", "pytest_rerunfailures").stdout.fnmatch_lines(["*1 passed, 1 rerun*"])
    before = suite.cassette()
    assert before.count("- request:") == 3
    suite.origin.stop()
    suite.offline("-p", "pytest_rerunfailures").stdout.fnmatch_lines(["*1 passed, 1 rerun*"])
    assert suite.cassette() == before


def test_rerun_that_fails_to_the_end_keeps_nothing(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/a")
            assert 0
    """)
    result = suite.run("-p", "pytest_rerunfailures", "--reruns=2")
    result.stdout.fnmatch_lines(["1 new recording dropped: --reqcache-keep-failed keeps it"])
    assert suite.origin.count("/a") == 3
    assert suite.cassettes() == []


RETRIED = """
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(item, call):
        report = yield
        if call.when == "call" and report.failed:
            hook = item.ihook
            hook.pytest_runtest_teardown(item=item, nextitem=None)
            report.outcome = "retried"
            hook.pytest_runtest_logreport(report=report)
            item._initrequest()
            hook.pytest_runtest_setup(item=item)
            again = pytest.CallInfo.from_call(lambda: hook.pytest_runtest_call(item=item), when="call")
            report.outcome = "failed" if again.excinfo else "passed"
        return report
"""


@pytest.mark.parametrize(
    ("failing", "told"),
    [
        (1, ["1 recorded, 2 requests made", "=* 1 passed*"]),
        (2, ["2 requests made", "1 recording of failed tests dropped: *"]),
    ],
)
def test_attempt_of_whose_tear_down_there_is_no_report_is_dropped_and_counted(suite, failing, told):
    """As pytest-retry does it."""
    suite.write("conftest.py", RETRIED)
    suite.test(f"""
        attempts = []

        @pytest.mark.reqcache
        def test_it():
            attempts.append(requests.get(URL + f"/{{len(attempts)}}").ok)
            assert len(attempts) > {failing}
    """)
    suite.run().stdout.fnmatch_lines(told, consecutive=True)
    assert suite.cassettes() == ["test_it/test_it.yaml"][failing - 1 :]


def test_rerun_after_an_error_in_set_up(suite):
    suite.test("""
        attempts = []

        @pytest.fixture
        def flaky(_reqcache_test):
            attempts.append(requests.get(URL + f"/{len(attempts)}").ok)
            assert len(attempts) > 1

        @pytest.mark.reqcache
        def test_it(flaky):
            assert requests.get(URL + "/a").ok
    """)
    result = suite.run("-p", "pytest_rerunfailures", "--reruns=1")
    result.stdout.fnmatch_lines(["2 recorded, 3 requests made", "*1 passed, 1 rerun*"])
    assert suite.cassette().count("- request:") == 2
    assert f"url: {suite.origin.url}/0" not in suite.cassette()


@pytest.mark.parametrize("method", ["signal", "thread"])
def test_timeout_commits_nothing(suite, method):
    suite.origin["/slow"] = Answer("slow", delay=8)
    suite.test("""
        @pytest.mark.reqcache
        def test_before():
            assert requests.get(URL + "/a").ok

        @pytest.mark.reqcache("shared")
        def test_it():
            requests.get(URL + "/a")
            requests.get(URL + "/slow")
    """)
    result = suite.subprocess("-p", "pytest_timeout", "--timeout=2", f"--timeout-method={method}")
    assert result.ret != 0
    assert suite.cassettes() == ["test_it/test_before.yaml"]
    suite.run("-k", "before").stdout.fnmatch_lines(["1 replayed, 0 requests made"])


# --- other kinds of tests


def test_unittest(suite):
    suite.test("""
        import unittest

        @pytest.mark.reqcache
        class TestIt(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                cls.wide = requests.get(URL + "/class").status_code

            def setUp(self):
                self.user = requests.get(URL + "/user").json()

            def tearDown(self):
                assert requests.delete(URL + "/user").ok

            def test_one(self):
                assert self.user["path"] == "/user"
                for path in "ab":
                    with self.subTest(path):
                        assert requests.get(URL + "/" + path).ok

            @unittest.skip("no")
            def test_skipped(self): pass

            @unittest.expectedFailure
            def test_expected(self):
                requests.get(URL + "/c")
                self.fail()
    """)
    result = suite.run()
    result.stdout.fnmatch_lines(["requested by fixtures of wider scope*", "*GET */class*"])
    result.stdout.fnmatch_lines(["*1 passed, 1 skipped, 1 xfailed*"])
    for name, paths in {"test_one": ("/a", "/b"), "test_expected": ("/c",)}.items():
        text = suite.cassette(f"test_it/TestIt.{name}")
        assert text.count("/user") == 4  # two requests, and the path in two answers
        assert "/class" not in text
        assert all(f"url: {suite.origin.url}{path}" in text for path in paths)
    assert len(suite.cassettes()) == 2
    suite.origin.log.clear()
    offline = suite.offline()
    offline.stdout.fnmatch_lines(["7 replayed, 0 requests made", "*1 passed, 1 skipped, 1 xfailed*"])
    assert {seen.path for seen in suite.origin.log} == {"/class"}  # loopback, and no test's


def test_unittest_uses_what_an_autouse_fixture_gives(suite):
    suite.test("""
        import unittest

        class TestIt(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def _session(self, cached_session):
                self.session = cached_session

            def test_one(self):
                assert self.session.get(URL + "/a").ok
                assert not hasattr(requests.get(URL + "/b"), "from_cache")
    """)
    suite.run().assert_outcomes(passed=1)
    assert suite.cassettes() == ["test_it/TestIt.test_one.yaml"]
    assert "/b" not in suite.cassette("test_it/TestIt.test_one")


def test_doctests_are_left_alone(suite):
    suite.write("pytest.ini", "[pytest]\nreqcache_autouse = true\n")
    suite.test('''
        pytestmark = pytest.mark.reqcache

        def shout():
            """
            >>> requests.get(URL + "/doc").status_code
            200
            >>> hasattr(requests.get(URL + "/doc"), "from_cache")
            False
            """

        def test_it():
            assert requests.get(URL + "/a").ok
    ''')
    suite.write("read.txt", ">>> 1 + 1\n2\n")
    result = suite.run("--doctest-modules", "--doctest-glob=*.txt")
    result.assert_outcomes(passed=3)
    assert suite.cassettes() == ["test_it/test_it.yaml"]
    assert suite.origin.count("/doc") == 2
    suite.offline("--doctest-modules", "--doctest-glob=*.txt").assert_outcomes(passed=3)


def test_items_without_fixtures_are_left_alone(suite):
    suite.write("pytest.ini", "[pytest]\nreqcache_autouse = true\n")
    suite.write(
        "conftest.py",
        """
        class Item(pytest.Item):
            def runtest(self):
                assert not hasattr(requests.get(URL + "/item"), "from_cache")

        class File(pytest.File):
            def collect(self):
                yield Item.from_parent(self, name="item")

        def pytest_collect_file(parent, file_path):
            if file_path.suffix == ".item":
                return File.from_parent(parent, path=file_path)
        """,
    )
    suite.write("a.item", "")
    suite.run().assert_outcomes(passed=1)
    assert suite.cassettes() == []


def test_async_tests_are_run_by_whoever_runs_them(suite):
    suite.write(
        "conftest.py",
        """
        import asyncio, inspect

        def pytest_pyfunc_call(pyfuncitem):
            if inspect.iscoroutinefunction(pyfuncitem.obj):
                names = pyfuncitem._fixtureinfo.argnames
                asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
                return True
        """,
    )
    suite.test("""
        import asyncio

        async def test_unmarked():
            assert not hasattr(requests.get(URL + "/unmarked"), "from_cache")

        @pytest.mark.reqcache
        async def test_it(cached_session):
            urls = [URL + f"/{n}" for n in range(4)]
            answers = await asyncio.gather(*[asyncio.to_thread(requests.get, url) for url in urls])
            assert [answer.json()["path"] for answer in answers] == [f"/{n}" for n in range(4)]
            assert requests.get(URL + "/a").ok
            assert cached_session.get(URL + "/b").ok
    """)
    suite.run().assert_outcomes(passed=2)
    assert suite.cassettes() == ["test_it/test_it.yaml"]
    assert suite.cassette().count("- request:") == 6
    suite.origin.stop()
    suite.offline("-k", "test_it").stdout.fnmatch_lines(["6 replayed, 0 requests made"])


def test_async_test_that_nobody_runs_is_pytests_failure(suite):
    suite.test("""
        @pytest.mark.reqcache
        async def test_it():
            requests.get(URL + "/a")
    """)
    result = suite.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*async def functions are not natively supported*"])
    assert suite.cassettes() == []


def test_fixtures_beside_an_installed_cache(suite):
    suite.write(
        "conftest.py",
        """
        from pytest_reqcache import install_cache, uninstall_cache

        def pytest_configure():
            install_cache("installed")

        def pytest_unconfigure():
            uninstall_cache()

        @pytest.fixture(scope="session")
        def wide(cached_session_factory):
            return cached_session_factory("wide").get(URL + "/wide")
        """,
    )
    suite.test("""
        def test_it(cached_session, reqcache, wide):
            assert cached_session.get(URL + "/a").json()["path"] == "/a"
            assert not requests.get(URL + "/installed").from_cache
            assert (reqcache.recorded, reqcache.cassette.contains(url=URL + "/a")) == (1, True)
    """)
    suite.run().assert_outcomes(passed=1)
    assert suite.cassettes() == ["test_it/test_it.yaml", "wide.yaml"]
    assert (suite.path / "installed.yaml").read_text().count("url: ") == 1


FORKED = """
    import json
    from _pytest.runner import runtestprotocol

    def pytest_runtest_protocol(item):
        config, (reading, writing) = item.config, os.pipe()
        if not os.fork():
            made = runtestprotocol(item, log=False)
            told = [config.hook.pytest_report_to_serializable(config=config, report=each) for each in made]
            with open(writing, "w") as file:
                json.dump(told, file)
            os._exit(0)
        os.close(writing)
        with open(reading) as file:
            told = json.load(file)
        os.wait()
        for each in told:
            report = config.hook.pytest_report_from_serializable(config=config, data=each)
            item.ihook.pytest_runtest_logreport(report=report)
        return True
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="as pytest-forked")
def test_tests_in_forked_processes_are_recorded_and_counted(suite):
    """As pytest-forked does it: their reports are made there, and logged here."""
    suite.write("conftest.py", FORKED)
    code = """
        pytestmark = pytest.mark.reqcache

        @pytest.fixture(scope="session")
        def login(cached_session_factory):
            return cached_session_factory("login").get(URL + "/login").ok

        def test_a(login):
            assert requests.get(URL + "/a").ok

        def test_b(login):
            assert requests.get(URL + "/b").ok
    """
    suite.test(f"""{code}
        def test_failed():
            assert not requests.get(URL + "/c").ok
    """)
    result = suite.subprocess()
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["2 recorded, 3 requests made", "1 recording of failed tests dropped: *"])
    assert suite.cassettes() == ["login.yaml", "test_it/test_a.yaml", "test_it/test_b.yaml"]
    suite.test(code)
    result = suite.subprocess("--reqcache-unused=fail")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["2 replayed, 0 requests made", "=*"], consecutive=True)
