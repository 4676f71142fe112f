"""The report for machines: valid by its schema, whole with workers, and there for failing runs, too."""

from __future__ import annotations

import errno
import json
import os
import threading
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from origin import Answer

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text(encoding="utf-8"))

CODE = """
    @pytest.fixture(scope="session")
    def login(cached_session_factory):
        return cached_session_factory("login").post(URL + "/login", data={"password": "hunter22"}).text

    @pytest.fixture(scope="session")
    def live():
        requests.get(URL + "/live")

    @pytest.mark.reqcache
    def test_get(login, live): requests.get(URL + "/a?api_key=s3cr3t-k3y")

    @pytest.mark.reqcache
    def test_twice(reqcache):
        assert [requests.post(URL + "/b").ok for _ in range(2)] == [True, True]

    @pytest.mark.reqcache
    def test_fails():
        requests.get(URL + "/c")
        assert False

    @pytest.mark.reqcache
    @pytest.mark.xfail
    def test_xfails():
        requests.get(URL + "/busy")
        assert False

    def test_without(): pass
"""


def report(path: Path) -> dict[str, Any]:
    """The report, valid by its schema."""
    content = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(SCHEMA).validate(content)
    return content


def test_miss_does_not_tell_the_value_of_a_secret_variable(suite, monkeypatch):
    monkeypatch.setenv("BOT_TOKEN", "123:s3cr3t-Value")
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/bot" + os.environ["BOT_TOKEN"] + "/getMe", params={"q": "123:s3cr3t-Value"})
            assert False
    """)
    result = suite.offline("--reqcache-report=report.json")
    result.stdout.fnmatch_lines(["not cached: GET */botREDACTED/getMe?q=REDACTED"])
    summary = result.stdout.str().partition("- reqcache -")[2]
    assert "s3cr3t" not in summary
    (miss,) = report(suite.path / "report.json")["misses"]
    assert miss["request"].endswith("/botREDACTED/getMe?q=REDACTED")


def test_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("how", [(), ("-p", "xdist", "-n2")], ids=["serial", "-n2"])
def test_run_is_written_down(suite, how):
    suite.origin["/busy"] = Answer("busy", 503)
    suite.origin["/a"] = Answer({"total": 1}), Answer({"total": "1"})
    suite.test(CODE)
    run = suite.subprocess if how else suite.run
    run(*how, "--reqcache-report=out/r.json").assert_outcomes(passed=3, failed=1, xfailed=1)
    first = report(suite.path / "out" / "r.json")
    assert (first["format"], first["mode"], first["exit_status"]) == (1, "online", 1)
    assert {name: first["counts"][name] for name in ("recorded", "dropped", "missed")} == {
        "recorded": 4,
        "dropped": 1,
        "missed": 0,
    }
    assert first["not_stored"] == {"status 503": 1}
    assert list(first["not_stored_first"]) == ["status 503"]
    assert first["not_stored_first"]["status 503"].startswith(f"GET {suite.origin.url}/busy of test_it.py::")
    assert first["dropped_for"] == {"failed": 1}
    assert list(first["live_in_fixtures"]) == [f"live: GET {suite.origin.url}/live"]
    tests = {each["test"].partition("::")[2]: each for each in first["tests"]}
    assert {name: each["outcome"] for name, each in tests.items()} == {
        "test_get": "passed",
        "test_twice": "passed",
        "test_fails": "failed",
        "test_xfails": "xfailed",
    }
    assert tests["test_twice"]["cassette"] == "cassettes/test_it/test_twice.yaml"
    assert tests["test_twice"]["counts"]["recorded"] == 2
    assert all(each["duration"] > 0 for each in tests.values())
    assert sum(each["duration"] for each in tests.values()) < first["duration"] * 3

    run(*how, "--reqcache-refresh", "--reqcache-report=out/r.json")
    second = report(suite.path / "out" / "r.json")
    [drifted] = [each for each in second["drift"] if each["level"] == "breaking"]
    assert drifted["test"] == "test_it.py::test_get"
    assert drifted["changes"] == [
        {"level": "breaking", "kind": "retyped", "where": "$.total", "before": "number", "after": "string"}
    ]
    assert second["counts"]["breaking"] == 1
    text = (suite.path / "out" / "r.json").read_text()
    assert "hunter22" not in text
    assert "s3cr3t" not in text
    assert [path.name for path in (suite.path / "out").iterdir()] == ["r.json"]


def test_misses_and_stale_answers_are_listed(suite, clock):
    suite.test("""
        @pytest.mark.reqcache
        def test_it(): requests.get(URL + "/a")

        @pytest.mark.reqcache
        def test_new(): requests.get(URL + "/new?token=s3cr3t-t0ken")
    """)
    suite.run("-k", "test_it and not new").assert_outcomes(passed=1, deselected=1)
    clock.move(86400)
    suite.offline(
        "--reqcache-expire-after=1h", "--reqcache-stale-if-error", "--reqcache-report=r.json", "-q"
    ).assert_outcomes(passed=2)
    found = report(suite.path / "r.json")
    assert found["mode"] == "offline"
    assert found["stale"] == [
        {"test": "test_it.py::test_it", "request": f"GET {suite.origin.url}/a", "age": 86400}
    ]
    [miss] = found["misses"]
    assert (miss["test"], miss["reason"]) == ("test_it.py::test_new", "never recorded")
    assert miss["request"] == f"GET {suite.origin.url}/new?token=REDACTED"
    assert found["passed_with_misses"] == ["test_it.py::test_new"]


@pytest.mark.parametrize(
    "code", ["def test_it(): pass", "def test_it(): assert False", "import nothing_there"]
)
def test_run_that_does_not_use_the_cache_has_a_report(suite, code):
    suite.test(code)
    result = suite.run("--reqcache-report=r.json", "-q")
    found = report(suite.path / "r.json")
    assert found["exit_status"] == result.ret
    assert found["tests"] == []


def test_flag_is_relative_to_the_current_directory_and_the_option_to_the_rootdir(suite, monkeypatch):
    suite.write("pytest.ini", "[pytest]\nreqcache_report = out/ini.json\n")
    suite.test("def test_it(): pass", "sub/test_it.py")
    monkeypatch.chdir(suite.path / "sub")
    suite.run()
    report(suite.path / "out" / "ini.json")
    suite.run("--reqcache-report=flag.json")
    report(suite.path / "sub" / "flag.json")


def test_report_that_cannot_be_written_fails_the_run(suite):
    suite.test("def test_it(): pass")
    suite.write("file", "")
    result = suite.run("--reqcache-report=file/r.json", "-q")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["errors:", "  the report was not written: *r.json: *"])


def test_report_that_cannot_take_its_place_leaves_the_last_one_and_nothing_beside_it(suite, monkeypatch):
    def replace(source, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    suite.test("def test_it(): pass")
    suite.run("--reqcache-report=out/r.json").assert_outcomes(passed=1)
    last = (suite.path / "out" / "r.json").read_bytes()
    monkeypatch.setattr("os.replace", replace)
    result = suite.run("--reqcache-report=out/r.json", "-q")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["  the report was not written: *r.json: No space left on device"])
    assert [(path.name, path.read_bytes()) for path in (suite.path / "out").iterdir()] == [("r.json", last)]


def test_link_is_followed_and_what_is_no_file_is_written_to(suite):
    suite.test("def test_it(): pass")
    (suite.path / "link.json").symlink_to(suite.path / "there.json")
    suite.run("--reqcache-report=link.json").assert_outcomes(passed=1)
    assert (suite.path / "link.json").is_symlink()
    assert report(suite.path / "there.json")["tests"] == []
    pipe = suite.path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    suite.run(f"--reqcache-report={pipe}").assert_outcomes(passed=1)
    reader.join(10)
    assert json.loads(read[0])["tests"] == []
    assert pipe.is_fifo()


def test_root_folder_is_no_report(suite):
    suite.test("def test_it(): pass")
    result = suite.run("--reqcache-report=/")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*the report was not written: /: *"])


def test_collecting_alone_leaves_the_last_report(suite):
    suite.test("@pytest.mark.reqcache\ndef test_it(): requests.get(URL + '/a')")
    suite.write("pytest.ini", "[pytest]\nreqcache_report = report.json\n")
    suite.run().assert_outcomes(passed=1)
    suite.run("--collect-only")
    assert len(report(suite.path / "report.json")["tests"]) == 1


@pytest.mark.parametrize("option", ["report=report.json", "unused=report"])
def test_outcome_that_another_plugin_gives_breaks_nothing(suite, option):
    suite.write(
        "conftest.py",
        """
        import pytest

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(item, call):
            report = yield
            if report.when == "call" and report.failed:
                report.outcome = "retried"
            return report
        """,
    )
    suite.test("def test_it(): assert 0")
    assert suite.run(f"--reqcache-{option}").ret != pytest.ExitCode.INTERNAL_ERROR


def test_disabled_run_says_so(suite):
    suite.test(CODE)
    suite.run("--reqcache-disable", "--reqcache-report=r.json")
    found = report(suite.path / "r.json")
    assert found["mode"] == "disabled"
    assert found["counts"]["recorded"] == 0
