"""Offline means offline: the guard, the 504, and what a marker cannot loosen."""

from __future__ import annotations

import shlex

import pytest


def test_miss_is_a_504_and_fails_with_reason_and_command(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            response = requests.get(URL + "/a")
            assert response.status_code == 504 and response.reason == "Not Cached"
            response.raise_for_status()
    """)
    result = suite.offline()
    result.assert_outcomes(failed=1)
    assert suite.origin.count() == 0
    result.stdout.fnmatch_lines(
        [
            f"*504 Server Error: Not Cached for url: {suite.origin.url}/a",
            "*- reqcache -*",
            f"not cached: GET {suite.origin.url}/a",
            "*reason:    no cassette yet: the file does not exist",
            "*cassette:  *test_it.yaml",
            "*to record: pytest test_it.py::test_it",
            "1 missed, 0 requests made",
        ]
    )


def test_miss_raises_where_asked_to(suite):
    suite.test("""
        from pytest_reqcache import CacheMissError
        @pytest.mark.reqcache(on_miss="raise")
        def test_it():
            with pytest.raises(CacheMissError) as caught:
                requests.get(URL + "/a")
            assert caught.value.method == "GET" and caught.value.url == URL + "/a"
            import pickle
            assert pickle.loads(pickle.dumps(caught.value)).reason == "never recorded"
    """)
    suite.offline().assert_outcomes(passed=1)


@pytest.mark.parametrize("marker", ["", "@pytest.mark.reqcache"])
def test_what_is_no_network_is_let_through(suite, marker):
    suite.test(f"""
        from requests.adapters import BaseAdapter

        class Files(BaseAdapter):
            def send(self, request, **kwargs):
                response = requests.Response()
                response.status_code, response._content = 200, request.url.encode()
                return response

            def close(self): pass

        {marker}
        def test_it():
            with requests.Session() as session:
                session.mount("file://", Files())
                session.mount("data:", Files())
                assert session.get("file:///a").text == "file:///a"
                assert session.get("data:,b").text == "data:,b"
    """)
    suite.run().assert_outcomes(passed=1)
    suite.offline().assert_outcomes(passed=1)
    assert suite.cassettes() == []


@pytest.mark.parametrize("how", ["flag", "ini", "variable"])
def test_no_marker_loosens_it(suite, how, monkeypatch):
    suite.test("""
        @pytest.mark.reqcache(only_if_cached=False, refresh=True, expire_after="do-not-cache")
        def test_it(cached_session):
            assert requests.get(URL + "/a").status_code == 504
            assert cached_session.get(URL + "/b", force_refresh=True).status_code == 504
            with cached_session.cache_disabled():
                assert cached_session.get(URL + "/c").status_code == 504
            from pytest_reqcache import CachedSession
            assert CachedSession(":memory:").get(URL + "/d").status_code == 504
    """)
    if how == "ini":
        suite.write("pytest.ini", "[pytest]\nreqcache_offline = true\n")
    if how == "variable":
        monkeypatch.setenv("REQCACHE_OFFLINE", "1")
    result = suite.offline() if how == "flag" else suite.run()
    result.assert_outcomes(passed=1)
    assert suite.origin.count() == 0
    source = {"flag": "--reqcache-offline", "ini": "reqcache_offline", "variable": "REQCACHE_OFFLINE=1"}[how]
    result.stdout.fnmatch_lines([f"reqcache: offline ({source})*"])


@pytest.mark.parametrize(("value", "is_offline"), [("0", False), ("no", False), ("", True), ("1", True)])
def test_the_variable_goes_before_the_ini_file(suite, monkeypatch, value, is_offline):
    suite.write("pytest.ini", "[pytest]\nreqcache_offline = true\n")
    suite.test("def test_it(): ...")
    monkeypatch.setenv("REQCACHE_OFFLINE", value)
    header = next(line for line in suite.run().outlines if line.startswith("reqcache: "))
    assert header.startswith("reqcache: offline") is is_offline


def test_command_names_what_turns_offline_off(suite, monkeypatch):
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/a").raise_for_status()
    """)
    suite.write("pytest.ini", "[pytest]\nreqcache_offline = true\n")
    suite.run().stdout.fnmatch_lines(["*to record: pytest test_it.py::test_it -o reqcache_offline=false"])
    suite.write("pytest.ini", "[pytest]\n")
    monkeypatch.setenv("REQCACHE_OFFLINE", "yes")
    suite.run().stdout.fnmatch_lines(["*to record: REQCACHE_OFFLINE=0 pytest test_it.py::test_it"])


@pytest.mark.parametrize(
    ("ini", "variable", "said"),
    [
        ("addopts = --reqcache-offline", "", "pytest test_it.py::test_it -o addopts="),
        (
            "addopts = -ra --reqcache-offline -k 'it or b'",
            "",
            "pytest test_it.py::test_it -o 'addopts=-ra -k '\"'\"'it or b'\"'\"''",
        ),
        ("", "--reqcache-offline", "PYTEST_ADDOPTS= pytest test_it.py::test_it"),
        ("", "-ra --reqcache-offline -v", "PYTEST_ADDOPTS='-ra -v' pytest test_it.py::test_it"),
        (
            "addopts = --reqcache-offline\nreqcache_only_if_cached = 1",
            "--reqcache-offline",
            "PYTEST_ADDOPTS= pytest test_it.py::test_it -o addopts= -o reqcache_only_if_cached=false",
        ),
    ],
)
def test_command_is_one_that_records(suite, ini, variable, said, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", variable)
    suite.write("pytest.ini", f"[pytest]\n{ini}\n")
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/a").raise_for_status()
    """)
    result = suite.run()
    result.stdout.fnmatch_lines([f"  to record: {said}"])
    command = next(line for line in result.outlines if "to record: " in line).partition(": ")[2]
    before, _, behind = command.partition("pytest ")
    for assignment in shlex.split(before):
        monkeypatch.setenv(*assignment.split("=", 1))
    suite.run(*shlex.split(behind)).assert_outcomes(passed=1)
    assert suite.cassettes() == ["test_it/test_it.yaml"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("--reqcache-cassette-dir=re\\ cs", "'--reqcache-cassette-dir=re cs'"),
        ("--reqcache-cassette-dir recs -x", "--reqcache-cassette-dir=recs"),
        (
            "-o reqcache_cassette_dir=recs -oreqcache_expire_after=1d",
            "-o reqcache_cassette_dir=recs -o reqcache_expire_after=1d",
        ),
        ("--reqcache-expire-after=1d", "--reqcache-expire-after=1d"),
        ("-c other.ini --rootdir=.", "-c other.ini --rootdir=. -o reqcache_offline=false"),
        ("-c online.ini -o addopts=", "-c online.ini -o addopts="),
    ],
)
def test_command_records_into_the_cassettes_of_the_run(suite, given, said):
    suite.write("other.ini", "[pytest]\nreqcache_cassette_dir = other\nreqcache_offline = true\n")
    suite.write("online.ini", "[pytest]\naddopts = --reqcache-offline\n")
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/a").raise_for_status()
    """)
    test = "test_it.py::test_it"
    suite.offline(*shlex.split(given)).stdout.fnmatch_lines([f"  to record: pytest {test} {said}"])
    suite.run(test, *shlex.split(said)).assert_outcomes(passed=1)
    suite.offline(*shlex.split(given)).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("-m 'slow or not slow' --stage=/b", "-m 'slow or not slow' --stage=/b"),
        ("-mslow --stage /b -x", "-m slow --stage /b"),
        ("-m slow --stage /b --net -v", "-m slow --stage /b --net"),
        ("-m slow -k test_it --stage=/b", "-m slow --stage=/b"),
        ("-m slow --stage=/a -S /b test_it.py", "-m slow --stage=/a -S /b"),
        ("-m slow --count-of 007 --stage /b", "-m slow --count-of 007 --stage /b"),
        ("-m slow --server /a --server /b --pair a b", "-m slow --server /a --server /b --pair a b"),
    ],
)
@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n1")], ids=["", "xdist"])
def test_command_takes_the_tests_and_the_options_of_the_run(suite, given, said, workers):
    suite.write("pytest.ini", "[pytest]\naddopts = -m 'not slow'\nmarkers =\n    slow: takes long\n")
    suite.write(
        "conftest.py",
        """
        def pytest_addoption(parser):
            parser.addoption("--net", action="store_true")
            parser.addoption("-S", "--stage", "--server", dest="place", default="/none")
            parser.addoption("--count-of", type=int)
            parser.addoption("--pair", nargs=2)
        """,
    )
    suite.test("""
        @pytest.mark.slow
        @pytest.mark.reqcache
        def test_it(pytestconfig):
            requests.get(URL + pytestconfig.getoption("place")).raise_for_status()
    """)
    test = "test_it.py::test_it"
    result = suite.offline(*workers, *shlex.split(given))
    result.stdout.fnmatch_lines([f"  to record: pytest {test} {said}"])
    suite.run(test, *shlex.split(said)).assert_outcomes(passed=1)
    suite.offline(*shlex.split(given)).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("where", "flag"),
    [("marker", ""), ("marker", "--reqcache-offline"), ("config", ""), ("call", ""), ("factory", "")],
)
def test_command_says_that_only_if_cached_is_in_the_way(suite, where, flag):
    suite.test(f"""
        @pytest.fixture
        def reqcache_config():
            return {{"only_if_cached": {where == "config"}}}

        @pytest.fixture(scope="module")
        def api(cached_session_factory):
            return cached_session_factory("api", only_if_cached=True)

        @pytest.mark.reqcache{"(only_if_cached=True)" if where == "marker" else ""}
        def test_it(cached_session, request):
            session = request.getfixturevalue("api") if {where == "factory"} else cached_session
            session.get(URL + "/a", only_if_cached={where == "call"}).raise_for_status()
    """)
    command = "pytest" if where == "factory" else "pytest test_it.py::test_it"
    suite.run(*filter(None, [flag])).stdout.fnmatch_lines(
        [f"  to record: take only_if_cached off, then {command}"]
    )


def test_failing_test_is_told_what_was_refused_of_its_wider_fixture(suite):
    suite.test("""
        @pytest.fixture(scope="module", params=["a", "b"])
        def api(request):
            url = f"http://service.invalid/{request.param}"
            response = requests.get(url)
            if request.param == "b":
                response.raise_for_status()

            yield response

        @pytest.mark.reqcache
        def test_it(api): pass

        @pytest.mark.reqcache
        def test_later(api): assert api.ok

        @pytest.mark.reqcache
        def test_other(): assert 0
    """)
    result = suite.offline("-q")
    result.assert_outcomes(passed=1, failed=2, errors=2)
    told = "GET http://service.invalid/{}: not requested: this run is offline (--reqcache-offline); *"
    # With a the fixture is set up, and the later test fails; with b it fails for both.
    assert [line[27] for line in result.outlines if ": not requested: " in line] == ["b", "b", "a"]
    result.stdout.fnmatch_lines([told.format("b"), told.format("a")])


@pytest.mark.parametrize("source", ["--reqcache-offline", "REQCACHE_OFFLINE=yes", "reqcache_offline"])
def test_guard_says_what_asked_for_it_and_how_a_host_passes(suite, source, monkeypatch):
    suite.test(f"""
        def test_it():
            text = requests.get("http://service.invalid/").text
            assert "GET http://service.invalid/: not requested: this run is offline ({source}); " in text
            assert text.endswith("reqcache_passthrough")
    """)
    if source == "REQCACHE_OFFLINE=yes":
        monkeypatch.setenv("REQCACHE_OFFLINE", "yes")
    suite.write("pytest.ini", f"[pytest]\n{source} = true\n" if source == "reqcache_offline" else "")
    suite.run(*([source] if source.startswith("--") else [])).assert_outcomes(passed=1)


def test_unmarked_test_may_use_loopback_and_nothing_else(suite):
    suite.test("""
        def test_it():
            assert requests.get(URL + "/a").ok
            response = requests.get("http://service.invalid/")
            assert response.status_code == 504 and "offline" in response.text
    """)
    result = suite.offline()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "refused outside of tests that use the cache (cached_session_factory *):",
            "  GET http://service.invalid/",
        ]
    )


def test_mounted_adapter_is_told_by_its_class(suite):
    suite.test("""
        from requests.adapters import HTTPAdapter

        class Mine(HTTPAdapter):
            pass

        @pytest.mark.reqcache
        def test_it():
            session = requests.Session()
            session.mount("http://", Mine(max_retries=3))
            response = session.get(URL + "/a")
            for adapter in (session.get_adapter(URL), response.connection):
                assert isinstance(adapter, Mine) and adapter.max_retries.total == 3
    """)
    suite.run().assert_outcomes(passed=1)
    suite.run().assert_outcomes(passed=1)
    suite.offline().assert_outcomes(passed=1)


def test_mounted_adapter_that_is_asked_for_is_the_same_online_and_offline(suite):
    suite.test("""
        from unittest import mock
        from requests.adapters import HTTPAdapter

        def test_it():
            session, mounted = requests.Session(), HTTPAdapter()
            session.mount("https://x.example/", mounted)
            given = session.get_adapter("https://x.example/y")
            given.max_retries = 7
            assert mounted.max_retries == 7
            assert given == mounted and mounted == given and given == session.get_adapter("https://x.example/")
            assert given != session.get_adapter("https://y.example/")
            assert given in session.adapters.values() and {mounted: "it"}[given] == "it"
            with mock.patch.object(given, "poolmanager", "another"):
                assert mounted.poolmanager == "another"
            assert mounted.poolmanager != "another"
            with mock.patch.object(given, "send", "another"):
                assert mounted.send == "another"
            assert "send" not in vars(mounted)
            del given.max_retries
            assert not hasattr(mounted, "max_retries")
    """)
    suite.run().assert_outcomes(passed=1)
    suite.offline().assert_outcomes(passed=1)


def test_mounted_adapter_may_be_wrapped_by_hand(suite):
    suite.test("""
        seen = []

        def counted(adapter):
            send, close = adapter.send, adapter.close
            adapter.send = lambda *args, **kwargs: seen.append("sent") or send(*args, **kwargs)
            adapter.close = lambda: seen.append("closed") or close()

        @pytest.fixture(scope="module")
        def client():
            session = requests.Session()
            for _ in range(2):
                counted(session.get_adapter(URL))
            yield session
            session.close()

        @pytest.mark.reqcache
        def test_it(client):
            del seen[:]
            response = client.get(URL + "/a")
            assert seen == ([] if response.from_cache else ["sent", "sent"])
            counted(client.get_adapter(URL))
            adapter = client.get_adapter(URL)
            counted(adapter)
            counted(adapter)
            adapter.close()
            assert seen.count("closed") == 5
    """)
    suite.run().assert_outcomes(passed=1)
    suite.offline().assert_outcomes(passed=1)


def test_loopback_is_left_alone_in_an_unmarked_test_with_the_fixture(suite):
    suite.test("""
        def test_it(cached_session):
            assert requests.get(URL + "/plain").ok
            assert cached_session.get(URL + "/cached").status_code == 504
    """)
    suite.offline().assert_outcomes(passed=1)
    assert [seen.path for seen in suite.origin.log] == ["/plain"]


def test_loopback_through_a_proxy_is_no_loopback(suite, monkeypatch):
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.delenv("no_proxy", raising=False)
    suite.test("""
        def test_it():
            response = requests.get(URL + "/a", proxies={"http": "http://proxy.invalid:3128"})
            assert response.status_code == 504
    """)
    suite.offline().assert_outcomes(passed=1)


def test_conftest_code_and_wider_fixtures_are_held_to_it(suite):
    suite.write(
        "conftest.py",
        """
        at_import = requests.get("http://service.invalid/import").status_code

        @pytest.fixture(scope="session", autouse=True)
        def wide():
            assert requests.get("http://service.invalid/session").status_code == 504
            yield
            assert requests.get("http://service.invalid/session").status_code == 504
        """,
    )
    suite.test("""
        import conftest
        @pytest.mark.reqcache
        def test_it():
            assert conftest.at_import == 504
    """)
    suite.subprocess("--reqcache-offline").assert_outcomes(passed=1)


def test_passthrough_goes_straight_to_the_network_offline_too(suite):
    suite.test("""
        @pytest.mark.reqcache(passthrough=[URL])
        def test_it(reqcache):
            assert requests.get(URL + "/a").ok
            assert requests.get("http://service.invalid/").status_code == 504
            assert (reqcache.recorded, reqcache.missed, reqcache.requests) == (0, 1, 0)
    """)
    suite.offline().assert_outcomes(passed=1)
    assert suite.origin.count("/a") == 1


def test_offline_and_disabled_is_a_usage_error(suite):
    suite.test("def test_it(): pass")
    result = suite.offline("--reqcache-disable")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--reqcache-offline and --reqcache-disable*leave one of them out*"])


def test_disabled_run_neither_replays_nor_records(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_it(cached_session):
            assert requests.get(URL + "/a").ok
            assert cached_session.get(URL + "/a").ok
    """)
    result = suite.run("--reqcache-disable")
    result.assert_outcomes(passed=1)
    assert suite.origin.count("/a") == 2
    assert suite.cassettes() == []
    result.stdout.fnmatch_lines(["reqcache: disabled"])


def test_passed_although_it_missed_is_named(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/a")
    """)
    result = suite.offline()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["passed although they missed:", "  test_it.py::test_it"])


def test_a_new_expiry_takes_nothing_from_who_asks_without_the_recorded_credential(suite, monkeypatch):
    suite.test("""
        @pytest.mark.reqcache
        def test_it(cached_session):
            token = os.environ.get("SHOP_LOGIN")
            cached_session.cache.reset_expiration("30d")
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            assert cached_session.get(URL + "/a", headers=headers).ok
    """)
    monkeypatch.setenv("SHOP_LOGIN", "tok-5f0c9f6e3d0a4e0e9d5e")
    suite.run().assert_outcomes(passed=1)
    monkeypatch.delenv("SHOP_LOGIN")
    suite.subprocess("--reqcache-offline").assert_outcomes(passed=1)
