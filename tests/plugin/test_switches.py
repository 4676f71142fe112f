"""The ways to run pytest: with the plugin or without it, strictly, in part, again; and what that costs."""

from __future__ import annotations

import pytest

USES_IT = """
    @pytest.mark.reqcache
    def test_it():
        assert requests.get(URL + "/a").ok
"""
PLAIN = """
    def test_it():
        assert not hasattr(requests.get(URL + "/a"), "from_cache")
"""


def texts(suite):
    return {name: suite.cassette(name.removesuffix(".yaml")) for name in suite.cassettes()}


# --- with the plugin or without


def test_without_the_plugin_a_marked_test_is_a_plain_one(suite):
    suite.test(USES_IT + "        assert not hasattr(requests.get(URL + '/a'), 'from_cache')\n")
    result = suite.pytester.runpytest_subprocess("-p", "no:reqcache")
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*PytestUnknownMarkWarning: Unknown pytest.mark.reqcache*"])
    assert "reqcache:" not in result.stdout.str()
    assert suite.cassettes() == []


def test_installed_plugin_is_found(suite, monkeypatch):
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    suite.test(USES_IT)
    others = (
        "xdist",
        "randomly",
        "cov",
        "timeout",
        "socket",
        "rerunfailures",
        "requests_mock",
        "pytest_httpserver",
    )
    flags = [flag for name in (*others, "hypothesispytest", "time_machine") for flag in ("-p", f"no:{name}")]
    result = suite.pytester.runpytest_subprocess(*flags)
    result.stdout.fnmatch_lines(["reqcache: online", "plugins: *reqcache*", "1 recorded, 1 request made"])


def test_plugin_of_no_other_is_loaded_where_pytest_loads_none(suite):
    suite.test(PLAIN)
    result = suite.pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1)
    assert "reqcache:" not in result.stdout.str()


@pytest.mark.parametrize("how", ["pytest_reqcache.plugin", "reqcache", "PYTEST_PLUGINS", "conftest"])
def test_plugin_that_is_named_is_loaded(suite, monkeypatch, how):
    suite.test(USES_IT)
    if how == "PYTEST_PLUGINS":
        monkeypatch.setenv("PYTEST_PLUGINS", "pytest_reqcache.plugin")
    if how == "conftest":
        suite.write("conftest.py", 'pytest_plugins = ["pytest_reqcache.plugin"]')
    flags = ("-p", how) if "reqcache" in how else ()
    result = suite.pytester.runpytest_subprocess(*flags)
    result.stdout.fnmatch_lines(["reqcache: online", "1 recorded, 1 request made"])
    suite.origin.stop()
    offline = suite.pytester.runpytest_subprocess(*flags, "--reqcache-offline")
    offline.stdout.fnmatch_lines(["1 replayed, 0 requests made"])


def test_strict_runs_know_the_marker_and_the_settings(suite):
    suite.write("pytest.ini", "[pytest]\nreqcache_expire_after = 30d\nreqcache_autouse = true\n")
    suite.test(USES_IT)
    flags = ("--strict-config", "--strict-markers", "-W", "error")
    suite.run(*flags).assert_outcomes(passed=1)
    suite.offline(*flags).assert_outcomes(passed=1)
    suite.write("pytest.ini", "[pytest]\nreqcache_expires_after = 30d\n")
    result = suite.run(*flags)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*Unknown config option: reqcache_expires_after*"])


def test_misspelt_marker_is_an_error_of_a_strict_run(suite):
    suite.test(USES_IT.replace("mark.reqcache", "mark.reqcashe"))
    result = suite.run("--strict-markers")
    result.stdout.fnmatch_lines(["*'reqcashe' not found in `markers` configuration option*"])


@pytest.mark.parametrize("flags", [("-p", "no:xdist"), ("-p", "no:terminal"), ("-p", "no:warnings"), ("-s",)])
def test_runs_without_other_plugins(suite, flags):
    suite.test(USES_IT)
    assert suite.run(*flags).ret == 0
    suite.origin.stop()
    assert suite.offline(*flags).ret == 0


# --- in part, and again

THREE = """
    @pytest.mark.reqcache
    @pytest.mark.parametrize("n", range(3))
    def test_it(n):
        assert requests.get(URL + f"/{n}").ok
        assert n != 1 or os.path.exists("fixed")
"""


@pytest.mark.parametrize(
    ("flags", "kept"),
    [((), {0, 2}), (("-x",), {0}), (("--maxfail=1",), {0}), (("--maxfail=2",), {0, 2}), (("-k", "2"), {2})],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_run_that_ends_early_keeps_what_has_passed(suite, flags, kept):
    suite.test(THREE)
    suite.run(*flags)
    assert suite.cassettes() == [f"test_it/test_it[{n}].yaml" for n in sorted(kept)]


@pytest.mark.parametrize("flag", ["--lf", "--ff", "--sw"])
def test_run_of_what_failed_last_records_the_rest(suite, flag):
    def run():
        return suite.pytester.runpytest_inprocess("-p", "pytest_reqcache.plugin", flag)

    suite.test(THREE)
    assert run().ret != 0
    before = texts(suite)
    assert "test_it/test_it[1].yaml" not in before
    (suite.path / "fixed").touch()
    assert run().ret == 0
    after = texts(suite)
    assert len(after) == 3
    assert {name: after[name] for name in before} == before


def test_run_of_one_test_leaves_the_recordings_of_the_others(suite):
    suite.test(THREE)
    (suite.path / "fixed").touch()
    suite.run().assert_outcomes(passed=3)
    before = texts(suite)
    suite.run("--reqcache-force-refresh", "test_it.py::test_it[0]").assert_outcomes(passed=1)
    after = texts(suite)
    assert [name for name, text in before.items() if after[name] != text] == ["test_it/test_it[0].yaml"]
    assert suite.origin.count() == 4


# --- what it costs


def test_tests_that_do_not_use_it_pay_for_nothing(suite):
    """No fixture of ours is set up, around other fixtures nothing is done, nothing is imported."""
    suite.write(
        "conftest.py",
        """
        import sys
        called = set()

        def profile(frame, event, arg):
            if event == "call" and "pytest_reqcache" in frame.f_code.co_filename:
                called.add(frame.f_code.co_name)

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtestloop():
            sys.setprofile(profile)

        def pytest_sessionfinish():
            sys.setprofile(None)
            print("\\nCALLED", *sorted(called))
            print("LOADED", *sorted(name for name in sys.modules if name.startswith("pytest_reqcache.")))
        """,
    )
    suite.test("""
        @pytest.fixture(scope="module")
        def wide():
            yield 1

        @pytest.fixture
        def narrow():
            yield 2

        def test_it(request, wide, narrow):
            assert not [name for name in request.fixturenames if "reqcache" in name]

        def test_plain():
            pass
    """)
    result = suite.subprocess("-s")
    result.assert_outcomes(passed=2)
    told = {word: rest.split() for word, _, rest in (line.partition(" ") for line in result.outlines)}
    assert set(told["CALLED"]) <= {"pytest_runtest_logreport", "pytest_runtestloop"}
    modules = ("folders", "options", "state")
    assert told["LOADED"] == [
        "pytest_reqcache.plugin",
        *(f"pytest_reqcache.plugin.{name}" for name in modules),
    ]
