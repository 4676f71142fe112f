"""Any number of workers: nothing is lost, each thing is counted once, the files are a serial run's."""

from __future__ import annotations

import pytest

from origin import Answer

CODE = """
    @pytest.mark.reqcache
    @pytest.mark.parametrize("n", range(8))
    def test_own(n):
        assert requests.get(URL + f"/own/{n}").ok

    @pytest.mark.reqcache("shared")
    @pytest.mark.parametrize("n", range(8))
    def test_shared(n):
        assert requests.get(URL + f"/shared/{n}").ok
        assert requests.get(URL + "/shared/common").ok
"""


def canonical(suite) -> dict[str, list[str]]:
    """Every cassette as its sorted interactions, without times and counters."""
    found = {}
    for name in suite.cassettes():
        items = suite.cassette(name.removesuffix(".yaml")).split("- request:")[1:]
        lasting = [
            "\n".join(
                line for line in item.splitlines() if not line.strip().startswith(("created_at", "Date"))
            )
            for item in items
        ]
        found[name] = sorted(lasting)
    return found


@pytest.fixture(autouse=True)
def _same_answers(suite):
    for n in range(8):
        suite.origin[f"/own/{n}"] = suite.origin[f"/shared/{n}"] = Answer({"n": n})
    suite.origin["/shared/common"] = Answer({"n": "common"})


@pytest.fixture
def serial(suite):
    suite.test(CODE)
    suite.subprocess().assert_outcomes(passed=16)
    files = canonical(suite)
    for path in (suite.path / "cassettes").rglob("*.yaml"):
        path.unlink()
    suite.origin.log.clear()
    return files


MODES = ("load", "loadscope", "loadfile", "loadgroup", "worksteal", "each", "no")


@pytest.mark.parametrize(
    "how",
    [
        *(("-n1",), ("-n8",), ("-n8", "--dist=worksteal", "-p", "pytest_randomly")),
        *(("-n2", f"--dist={mode}") for mode in MODES),
    ],
    ids=lambda how: " ".join(how),
)
def test_files_equal_a_serial_runs(suite, serial, how):
    result = suite.subprocess("-p", "xdist", *how)
    assert result.ret == 0
    assert canonical(suite) == serial
    suite.origin.stop()
    offline = suite.subprocess("-p", "xdist", *how, "--reqcache-offline")
    assert offline.ret == 0
    times = 2 if "--dist=each" in how else 1
    offline.stdout.fnmatch_lines(
        ["reqcache: offline (--reqcache-offline)", f"{24 * times} replayed, 0 requests made"]
    )


def test_summary_counts_each_thing_once(suite):
    suite.test(CODE)
    result = suite.subprocess("-p", "xdist", "-n2", "--dist=loadfile")
    result.stdout.fnmatch_lines(["7 replayed, 17 recorded, 17 requests made"])
    assert result.stdout.str().count("= reqcache =") == 1


@pytest.mark.parametrize("end", ["os._exit(1)", "os.kill(os.getpid(), 9)"])
def test_worker_that_dies_loses_only_the_test_it_ran(suite, end):
    suite.test(
        CODE
        + f"""
    @pytest.mark.reqcache
    def test_crash():
        requests.get(URL + "/crash")
        {end}
"""
    )
    result = suite.subprocess("-p", "xdist", "-n2")
    made = suite.origin.count() - suite.origin.count("/crash")
    result.stdout.fnmatch_lines(
        ["*worker * crashed while running *test_crash*", f"*17 recorded, {made} requests made"]
    )
    assert len(suite.cassettes()) == 9
    suite.subprocess("--reqcache-offline", "-k", "not crash").assert_outcomes(passed=16, deselected=1)


def test_miss_section_reaches_the_terminal(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/a").raise_for_status()
    """)
    result = suite.subprocess("-p", "xdist", "-n1", "--reqcache-offline")
    result.stdout.fnmatch_lines(
        ["*- reqcache -*", "not cached: GET */a", "*to record: pytest test_it.py::test_it"]
    )


def test_wider_fixtures_of_every_worker_record_once(suite):
    suite.test("""
        @pytest.fixture(scope="session")
        def login(cached_session_factory):
            return cached_session_factory("login").post(URL + "/login").json()

        @pytest.mark.reqcache
        @pytest.mark.parametrize("n", range(4))
        def test_it(n, login):
            assert requests.get(URL + f"/{n}").ok
    """)
    result = suite.subprocess("-p", "xdist", "-n4")
    result.assert_outcomes(passed=4)
    assert suite.cassette("login").count("- request:") == 1
    result.stdout.re_match_lines([r"(.* replayed, )?5 recorded, \d requests made"])


def test_what_workers_counted_outside_of_tests_is_in_the_summary(suite):
    suite.test("""
        @pytest.fixture(scope="module")
        def wide():
            return requests.get(URL + "/wide").json()

        @pytest.fixture(scope="session")
        def login(cached_session_factory):
            return cached_session_factory("login").post(URL + "/login").json()

        @pytest.mark.reqcache
        def test_it(wide, login):
            assert requests.get(URL + "/a").ok
    """)
    result = suite.subprocess("-p", "xdist", "-n1")
    result.stdout.fnmatch_lines(
        ["2 recorded, 2 requests made", "requested by fixtures*", "  wide: GET */wide"]
    )


@pytest.mark.parametrize("how", [("-n2",), ("-nauto",), ("-n2", "--dist=each")], ids=" ".join)
def test_wrong_marker_is_a_usage_error_of_the_whole_run(suite, how):
    suite.test("""
        @pytest.mark.reqcache(expire_afer="1d")
        def test_it():
            pass
    """)
    result = suite.subprocess("-p", "xdist", *how)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: test_it.py::test_it: *expire_afer*expire_after*"])
    assert "Traceback" not in result.stderr.str()
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()


def test_command_names_the_test_as_pytest_knows_it(suite):
    suite.test("""
        class TestIt:
            @pytest.mark.xdist_group("shop")
            @pytest.mark.reqcache
            @pytest.mark.parametrize("who", ["a@b"])
            def test_it(self, who):
                requests.get(URL + "/a").raise_for_status()
    """)
    result = suite.subprocess("-p", "xdist", "-n1", "--dist=loadgroup", "--reqcache-offline")
    result.stdout.fnmatch_lines(["*to record: pytest 'test_it.py::TestIt::test_it[[]a@b]'"])
