"""Header, summary, and what a run that does not use the cache pays: nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from origin import Answer
from pytest_reqcache.plugin.reporting import summary
from pytest_reqcache.plugin.state import Totals

USES_IT = """
    @pytest.mark.reqcache
    def test_it():
        assert requests.get(URL + "/a").ok
"""


def test_summary_counts_what_was_done(suite):
    suite.test(USES_IT)
    suite.run().stdout.fnmatch_lines(["reqcache: online", "*= reqcache =*", "1 recorded, 1 request made"])
    suite.run().stdout.fnmatch_lines(["1 replayed, 0 requests made"])


def test_nothing_is_said_where_the_cache_was_not_used(suite):
    suite.test("def test_it(): pass")
    assert "= reqcache =" not in suite.run().stdout.str()


@pytest.mark.parametrize("flag", ["-q", "--no-summary"])
def test_quiet_runs_have_no_summary(suite, flag):
    suite.test(USES_IT)
    assert "= reqcache =" not in suite.run(flag).stdout.str()


def test_quiet_run_is_told_what_is_wrong(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_missed():
            requests.get(URL + "/a")

        @pytest.mark.reqcache
        def test_not_written():
            requests.get(URL + "/b")
            open(os.path.join(os.path.dirname(__file__), "cassettes"), "w").close()
    """)
    result = suite.offline("-q")
    result.stdout.fnmatch_lines(
        ["*= reqcache =*", "passed although they missed:", "  test_it.py::test_missed"]
    )
    (suite.path / "cassettes").unlink()
    result = suite.run("-q", "test_it.py::test_not_written")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["*= reqcache =*", "errors:", "  test_it.py::test_not_written: not recorded:*"]
    )
    assert "request made" not in result.stdout.str()


def test_recording_in_ci_is_named(suite, monkeypatch):
    monkeypatch.setenv("CI", "true")
    suite.test(USES_IT)
    suite.run().stdout.fnmatch_lines(["recorded in CI and lost: commit these cassettes*--reqcache-offline"])
    for arguments in ((), ("--reqcache-refresh",), ("-o", "reqcache_force_refresh=true")):
        assert "lost" not in suite.run(*arguments).stdout.str()


@pytest.mark.parametrize(
    ("lines", "arguments", "shown"),
    [
        ("reqcache_expire_after = 30d", ("--reqcache-refresh",), "expire_after 30d, --reqcache-refresh"),
        ("reqcache_stale_if_error = 2w", (), "stale_if_error 2w"),
        ("reqcache_only_if_cached = true", (), "only_if_cached true"),
        ("reqcache_refresh = true\nreqcache_repeats = share", (), "refresh true"),
        ("reqcache_force_refresh = true", (), "force_refresh true"),
        ("", ("--reqcache-force-refresh",), "--reqcache-force-refresh"),
        ("", ("--reqcache-stale-if-error",), "--reqcache-stale-if-error"),
        ("", ("--reqcache-expire-after=1d",), "--reqcache-expire-after=1d"),
    ],
)
def test_header_shows_what_changes_the_run(suite, lines, arguments, shown):
    suite.write("pytest.ini", f"[pytest]\n{lines}\n")
    suite.test(USES_IT)
    suite.run(*arguments).stdout.fnmatch_lines([f"reqcache: online, {shown}"])


def test_run_that_does_not_use_it_imports_neither_requests_nor_yaml_nor_what_it_does_not_need(suite):
    suite.write(
        "conftest.py",
        """
        def pytest_unconfigure(config):
            import sys
            print("LOADED", sorted({"requests", "yaml", "urllib3", "filelock"} & set(sys.modules)))
            print("OURS", *sorted(name for name in sys.modules if name.startswith("pytest_reqcache.")))
        """,
    )
    conftest = suite.path / "conftest.py"
    conftest.write_text(conftest.read_text().replace("import os, pytest, requests", ""))
    (suite.path / "test_it.py").write_text("def test_it(): pass")
    ours = "OURS " + " ".join(
        f"pytest_reqcache.plugin{name}" for name in ("", ".folders", ".options", ".state")
    )
    suite.subprocess().stdout.fnmatch_lines(["*LOADED [[][]]*", ours])
    suite.subprocess("--collect-only").stdout.fnmatch_lines(["*LOADED [[][]]*", ours])


def test_plugin_can_be_switched_off(suite):
    suite.test("def test_it(): pass")
    result = suite.pytester.runpytest_inprocess("-p", "no:reqcache")
    result.assert_outcomes(passed=1)
    assert "reqcache:" not in result.stdout.str()


def test_counts_of_the_fixture(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_it(reqcache, cached_session):
            cached_session.get(URL + "/a")
            cached_session.get(URL + "/a")
            cached_session.get(URL + "/b", only_if_cached=True)
            counts = [getattr(reqcache, name) for name in
                      ("replayed", "recorded", "revalidated", "stale", "missed", "requests")]
            assert counts == [1, 1, 0, 0, 1, 1]
            assert reqcache.cassette.path.name == "test_it.yaml"
    """)
    suite.run().assert_outcomes(passed=1)


def test_counts_of_what_had_expired(suite, clock):
    suite.origin["/a"] = Answer("a", headers={"ETag": '"1"'})
    suite.origin["/b"] = Answer("b"), Answer("no", 503)
    suite.test("""
        @pytest.mark.reqcache(expire_after="1h", stale_if_error=True)
        def test_it(reqcache):
            assert [requests.get(URL + path).text for path in ("/a", "/b")] == ["a", "b"]
            print("COUNTS", reqcache.revalidated, reqcache.stale)
    """)
    suite.run("-s").stdout.fnmatch_lines(["*COUNTS 0 0"])
    clock.move(7200)
    suite.run("-s").stdout.fnmatch_lines(["*COUNTS 1 1"])


def test_what_is_polled_is_named_and_the_rest_is_counted():
    polled = [f"GET /jobs/{n} was answered 40 times" for n in range(12)]
    told = list(summary(Totals(replayed=480, polled=polled), in_ci=False))
    assert told == [
        "480 replayed, 0 requests made",
        *polled[:10],
        "and 2 more requests answered as often from one recording each",
    ]


@pytest.mark.parametrize("flags", [(), ("--tb=short",), ("--full-trace",)], ids=str)
def test_an_error_of_ours_is_shown_at_the_line_of_the_test(suite, flags):
    (suite.path / "helper.py").write_text(
        "import requests\ndef fetch(url):\n    return requests.get(url).text\n"
    )
    suite.test("""
        from helper import fetch

        @pytest.mark.reqcache
        def test_it():
            fetch(URL + "/a")
    """)
    (suite.path / "cassettes" / "test_it").mkdir(parents=True)
    (suite.path / "cassettes" / "test_it" / "test_it.yaml").write_text("version: 2\n")
    result = suite.subprocess(*flags)
    result.assert_outcomes(failed=1)
    is_whole = "--full-trace" in flags
    files = {line.partition(":")[0] for line in result.stdout.lines if re.match(r".+\.py:[0-9]+: ", line)}
    assert {Path(file).name for file in files} >= {"test_it.py", "helper.py"}
    assert any("pytest_reqcache" in file for file in files) is is_whole
    result.stdout.fnmatch_lines(["E *CassetteError: *test_it.yaml:1:1: *"])


def test_an_error_of_ours_in_a_unittest_is_shown_at_its_line(suite):
    suite.test("""
        import unittest

        @pytest.mark.reqcache(on_miss="raise")
        class TestIt(unittest.TestCase):
            def test_it(self):
                requests.get(URL + "/a")
    """)
    result = suite.subprocess("--reqcache-offline", "--tb=short")
    result.assert_outcomes(failed=1)
    assert not re.search(r"pytest_reqcache\S+\.py:[0-9]+: ", result.stdout.str())
    result.stdout.fnmatch_lines(["test_it.py:*: in test_it", "E *CacheMissError: *"])


def test_errors_that_are_none_of_ours_and_runs_without_a_terminal(suite):
    suite.test("""
        class Odd(Exception):
            __module__ = None

        @pytest.mark.reqcache
        def test_odd(): raise Odd
    """)
    result = suite.run()
    result.assert_outcomes(failed=1)
    assert "INTERNALERROR" not in result.stdout.str()
    assert suite.subprocess("-p", "no:terminal").ret == 1


def test_a_setting_that_is_assigned_to_the_fixture_itself_is_an_error(suite):
    suite.test("""
        def test_it(reqcache):
            reqcache.settings.expire_after = "1h"
            with pytest.raises(AttributeError):
                reqcache.expire_after = "1h"
    """)
    suite.run().assert_outcomes(passed=1)
