"""Unused recordings: what no test asked for, whose cassette nobody owns, and when that cannot be judged."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from origin import Answer
from pytest_reqcache.plugin.elsewhere import unlikeness

SUITE = """
    @pytest.mark.reqcache
    def test_a():
        assert requests.get(URL + "/a").ok
        {second}

    @pytest.mark.reqcache
    @pytest.mark.parametrize("n", [1, 2])
    def test_n(n):
        assert requests.get(URL + f"/n/{{n}}").ok
"""
BOTH = 'assert requests.post(URL + "/a", json={"n": 1}).ok'


def lines_of(result: pytest.RunResult) -> list[str]:
    """What the summary says of unused recordings, without the counts."""
    output = result.stdout.str()
    if "= reqcache =" not in output:
        return []
    lines = output.partition("= reqcache =")[2].splitlines()[1:]
    lines = lines[: next(n for n, line in enumerate(lines) if re.search(r" in \d+\.\d+s|^=", line))]
    return [line for line in lines if not line.endswith(("request made", "requests made"))]


@pytest.fixture
def used(suite):
    """A suite that is recorded, and has one recording and one cassette too many since."""
    suite.test(SUITE.format(second=BOTH))
    suite.run("--reqcache-unused=fail").assert_outcomes(passed=3)
    suite.test(SUITE.format(second="pass"))
    shutil.copy(
        suite.path / "cassettes/test_it/test_n[1].yaml", suite.path / "cassettes/test_it/test_gone.yaml"
    )
    return suite


UNUSED = [
    "recordings that no test asked for:",
    "  cassettes/test_it/test_a.yaml:17: POST {url}/a",
    "cassettes that no test owns:",
    "  cassettes/test_it/test_gone.yaml (1 interaction)",
]


def expected(suite) -> list[str]:
    return [line.format(url=suite.origin.url) for line in UNUSED]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ((), 0),
        (("--reqcache-unused=ignore",), 0),
        (("--reqcache-unused=report",), 0),
        (("--reqcache-unused=fail",), 1),
        (("--reqcache-unused=fail", "-q"), 1),
        (("-o", "reqcache_unused=report"), 0),
        (("-o", "reqcache_unused=fail"), 1),
        (("-o", "reqcache_unused=fail", "--reqcache-unused=ignore"), 0),
        (("--reqcache-unused=fail", "-p", "no:randomly", "."), 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_no_test_uses_is_named(used, arguments, status):
    result = used.offline(*arguments)
    result.assert_outcomes(passed=3)
    assert result.ret == status
    given = " ".join(arguments)
    is_told = ("report" in given or "fail" in given) and "ignore" not in given
    assert lines_of(result) == (expected(used) if is_told else [])


def test_header_says_what_becomes_of_unused_recordings(suite):
    suite.test("def test_it(): pass")
    suite.run("--reqcache-unused=fail").stdout.fnmatch_lines(["reqcache: online, --reqcache-unused=fail"])
    suite.write("pytest.ini", "[pytest]\nreqcache_unused = report\n")
    suite.run().stdout.fnmatch_lines(["reqcache: online, unused report"])


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        (("--reqcache-unused=maybe",), "--reqcache-unused='maybe'"),
        (("--reqcache-unused=",), "--reqcache-unused=''"),
        (("-o", "reqcache_unused=maybe"), "*reqcache_unused='maybe'"),
    ],
    ids=["flag", "empty flag", "ini"],
)
def test_bad_value_is_a_usage_error(suite, arguments, where):
    suite.test("def test_it(): pass")
    result = suite.run(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {where}: ignore, report or fail is accepted"])


def test_failed_run_keeps_its_exit_status(used):
    used.test(SUITE.format(second="pass") + "\n    def test_fails(): assert False\n")
    result = used.offline("--reqcache-unused=fail")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert lines_of(result) == expected(used)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("-k", "test_a"), "2 tests deselected"),
        (("-m", "slow"), "3 tests deselected"),
        (("--deselect", "test_it.py::test_a"), "1 test deselected"),
        (("test_it.py::test_a",), "only test_it.py::test_a was asked for; run pytest without paths*"),
        (("test_it.py",), "only test_it.py was asked for; run pytest without paths*"),
        (("--ignore=test_other.py",), "--ignore was given"),
        (("--collect-only",), "no test was run (--collect-only)"),
        (("--setup-only",), "no test was run (--setup-only)"),
        (("--setup-plan",), "no test was run (--setup-plan)"),
        (("--reqcache-disable",), "the cache was disabled (--reqcache-disable)"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_part_of_the_suite_is_not_judged(used, arguments, why):
    used.write("pytest.ini", "[pytest]\nmarkers = slow\n")
    result = used.run("--reqcache-unused=fail", *arguments)
    assert result.ret in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    result.stdout.fnmatch_lines([f"unused recordings were not judged: {why}"])
    assert "no test asked for" not in result.stdout.str()


@pytest.mark.parametrize("flag", ["-x", "--maxfail=1", "--stepwise"])
def test_run_that_stopped_early_is_not_judged(used, flag):
    used.test("    def test_0(): assert False\n" + SUITE.format(second="pass"))
    result = used.run("-p", "cacheprovider", "-p", "stepwise", "--reqcache-unused=fail", flag)
    result.stdout.fnmatch_lines(["unused recordings were not judged: 3 tests were not run*"])


def test_last_failed_is_not_judged(used):
    used.write("test_other.py", "def test_it(): assert False")
    cached = ("-p", "cacheprovider", "--reqcache-unused=fail")
    assert lines_of(used.run(*cached)) == expected(used)
    result = used.run(*cached, "--lf")
    result.stdout.fnmatch_lines(["unused recordings were not judged: only what failed last*(--lf)"])


def test_module_that_cannot_be_collected_is_not_judged(used):
    used.write("test_broken.py", "import nothing_of_that_name")
    result = used.run("--reqcache-unused=report", "--continue-on-collection-errors")
    result.stdout.fnmatch_lines(["unused recordings were not judged: 1 module could not be collected"])


def test_wrong_marker_takes_no_tests_out(used):
    used.test("@pytest.mark.reqcache(expire=1)\ndef test_wrong(): pass", "test_wrong.py")
    result = used.run("--reqcache-unused=report")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["unused recordings were not judged: the run did not come to its end"])


def test_interrupted_run_is_not_judged(used):
    used.test(SUITE.format(second="pass") + "\n    def test_z(): raise KeyboardInterrupt\n")
    result = used.subprocess("--reqcache-unused=report")
    result.stdout.fnmatch_lines(["unused recordings were not judged: *the run did not come to its end"])


@pytest.mark.parametrize(
    "change",
    [
        "@pytest.mark.skip",
        "@pytest.mark.skipif(True, reason='today')",
        "@pytest.mark.xfail(run=False)",
        "@pytest.mark.xfail",
        "@pytest.mark.usefixtures('nothing_of_that_name')",
    ],
)
def test_cassette_of_a_test_that_did_not_run_to_its_end_is_left_alone(used, change):
    code = SUITE.format(second="assert False" if change.endswith("xfail") else "pass")
    used.test(code.replace("    @pytest.mark.reqcache\n", f"    {change}\n    @pytest.mark.reqcache\n", 1))
    result = used.run("--reqcache-unused=report")
    assert lines_of(result) == [
        *expected(used)[2:],
        "1 cassette was not judged: the tests were skipped, or did not run to their end as they should",
    ]


def test_skipped_test_owns_what_its_name_says_even_without_the_marker(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_it(): assert requests.get(URL + "/a").ok
    """)
    suite.run().assert_outcomes(passed=1)
    suite.test("""
        def test_it(request):
            pytest.skip("not today")
            request.getfixturevalue("cached_session")
    """)
    assert "no test owns" not in suite.run("--reqcache-unused=report").stdout.str()
    suite.test("def test_it(): pass")
    assert lines_of(suite.run("--reqcache-unused=report")) == [
        "cassettes that no test owns:",
        "  cassettes/test_it/test_it.yaml (1 interaction)",
    ]


def test_module_that_skips_itself_keeps_its_cassettes(suite):
    code = """
        @pytest.mark.reqcache
        def test_it(): assert requests.get(URL + "/a").ok

        @pytest.mark.reqcache("named")
        def test_named(): assert requests.get(URL + "/a").ok
    """
    suite.test(code)
    suite.test("def test_it(): pass", "test_other.py")
    suite.run().assert_outcomes(passed=3)
    suite.write("test_it.py", "        pytest.importorskip('nothing_of_that_name')\n" + code)
    result = suite.run("--reqcache-unused=fail")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["2 cassettes were not judged: *"])


def test_module_that_the_configuration_leaves_out_keeps_its_cassettes(used):
    used.test('@pytest.mark.reqcache\ndef test_slow(): assert requests.get(URL + "/s").ok', "test_slow.py")
    used.run().assert_outcomes(passed=4)
    used.write("pytest.ini", "[pytest]\naddopts = --ignore=test_slow.py\n")
    assert lines_of(used.run("--reqcache-unused=report"))[:-1] == expected(used)


@pytest.mark.parametrize("options", [(), ("--reqcache-cassette-dir=tapes",)], ids=["beside", "in one place"])
@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("pytest.ini", "[pytest]\naddopts = --ignore=test_slow.py\n"),
        ("conftest.py", "collect_ignore = ['test_slow.py']"),
    ],
)
def test_module_that_is_left_out_beside_another_keeps_its_named_cassettes(suite, file, content, options):
    suite.test('@pytest.mark.reqcache("shared")\ndef test_slow(): requests.get(URL + "/s")', "test_slow.py")
    suite.test('@pytest.mark.reqcache\ndef test_it(): requests.get(URL + "/a")')
    suite.run(*options).assert_outcomes(passed=2)
    suite.write(file, content)
    result = suite.run("--reqcache-unused=fail", *options)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["1 cassette was not judged: *"])


def test_folder_of_which_nothing_was_collected_keeps_its_named_cassettes(used):
    code = """
        @pytest.mark.reqcache("named")
        def test_it(): assert requests.get(URL + "/s").ok
    """
    used.test(code, "slow/test_it_slowly.py")
    used.run().assert_outcomes(passed=4)
    used.write("pytest.ini", "[pytest]\naddopts = --ignore=slow\n")
    told = lines_of(used.run("--reqcache-unused=report"))
    assert told[:-1] == expected(used)
    assert told[-1].startswith("1 cassette was not judged: ")
    (used.path / "slow" / "test_it_slowly.py").unlink()
    assert "  slow/cassettes/named.yaml (1 interaction)" in lines_of(used.run("--reqcache-unused=report"))


def test_cassette_of_a_fixture_that_is_gone_from_a_conftest_is_named(suite):
    suite.write(
        "conftest.py",
        """
        @pytest.fixture(scope="session")
        def login(cached_session_factory):
            return cached_session_factory("login").post(URL + "/login").json()
        """,
    )
    suite.test("def test_it(login): pass", "unit/test_it.py")
    suite.run().assert_outcomes(passed=1)
    suite.write("conftest.py", "")
    suite.test("def test_it(): pass", "unit/test_it.py")
    assert lines_of(suite.run("--reqcache-unused=report")) == [
        "cassettes that no test owns:",
        "  cassettes/login.yaml (1 interaction)",
    ]


def test_shared_cassette_is_judged_by_all_its_tests(suite):
    code = """
        pytestmark = pytest.mark.reqcache("shared")
        def test_it(): assert requests.get(URL + "/{0}").ok
    """
    suite.test(code.format("a"), "test_a.py")
    suite.test(code.format("b"), "test_b.py")
    suite.run().assert_outcomes(passed=2)
    assert lines_of(suite.run("--reqcache-unused=report")) == []
    suite.test(code.format("a"), "test_b.py")
    result = suite.run("--reqcache-unused=report")
    assert lines_of(result) == [
        "recordings that no test asked for:",
        f"  cassettes/shared.yaml:17: GET {suite.origin.url}/b",
    ]
    suite.test(code.format("a").replace("    def", "    @pytest.mark.skip\n        def"), "test_b.py")
    assert "no test asked for" not in suite.run("--reqcache-unused=report").stdout.str()


def test_what_a_run_records_or_refreshes_is_used(suite):
    suite.origin["/a"] = Answer("old"), Answer("new"), Answer("newer")
    suite.test("""
        @pytest.mark.reqcache("shared")
        @pytest.mark.parametrize("n", range(3))
        def test_it(n): assert requests.get(URL + "/a", headers={"X-N": str(n)}, params={"token": n}).ok
    """)
    for flag in ("--reqcache-unused=fail", "--reqcache-refresh", "--reqcache-force-refresh"):
        result = suite.run("--reqcache-unused=fail", flag)
        result.assert_outcomes(passed=3)
        assert result.ret == 0, result.stdout.str()


def test_sequence_is_asked_for_as_a_whole(suite):
    code = """
        @pytest.mark.reqcache(repeats="sequence")
        def test_it():
            for _ in range({0}): assert requests.get(URL + "/job").ok
    """
    suite.test(code.format(4))
    suite.run().assert_outcomes(passed=1)
    suite.test(code.format(2))
    assert suite.offline("--reqcache-unused=fail").ret == 0


def test_second_answer_that_is_not_asked_for_is_named(suite):
    code = """
        @pytest.mark.reqcache
        def test_it():
            for _ in range({0}): assert requests.post(URL + "/a").ok
    """
    suite.test(code.format(2))
    suite.run().assert_outcomes(passed=1)
    suite.test(code.format(1))
    result = suite.offline("--reqcache-unused=report")
    result.stdout.fnmatch_lines([f"  cassettes/test_it/test_it.yaml:*: POST {suite.origin.url}/a"])


@pytest.mark.parametrize(
    "cut", [lambda text: text[:-40], lambda text: text + "nonsense"], ids=["torn", "unreadable"]
)
def test_cassette_that_is_not_whole_breaks_nothing(used, cut):
    for name in ("test_n[1]", "test_gone"):
        path = used.path / f"cassettes/test_it/{name}.yaml"
        path.write_text(cut(path.read_text()))
    result = used.offline("-W", "error", "--reqcache-unused=report")
    assert result.ret in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    told = lines_of(result)
    assert expected(used)[1] in told
    assert any(line.startswith("  cassettes/test_it/test_gone.yaml (") for line in told)


@pytest.mark.parametrize("answer", [Answer("no", 503), Answer(drop=True)], ids=["503", "down"])
def test_recording_that_could_not_be_refreshed_was_asked_for(suite, answer):
    suite.origin["/a"] = Answer("good"), answer
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            try:
                requests.get(URL + "/a")
            except requests.ConnectionError:
                pass
    """)
    suite.run().assert_outcomes(passed=1)
    assert suite.run("--reqcache-refresh", "--reqcache-unused=fail").ret == 0


def test_rerun_counts_by_its_last_attempt(used):
    fails_first = """
        from pathlib import Path
        path = Path("attempts")
        path.write_text(path.read_text() + "." if path.exists() else ".")
        assert path.read_text() == ".."
    """
    used.test(SUITE.format(second=fails_first.strip()))
    result = used.run("-p", "pytest_rerunfailures", "--reruns=2", "--reqcache-unused=report")
    assert result.parseoutcomes() == {"passed": 3, "rerun": 1}
    assert lines_of(result) == expected(used)


def test_classes_cassette_dir_and_named_cassettes(suite):
    suite.write("pytest.ini", "[pytest]\nreqcache_cassette_dir = recorded\n")
    code = """
        class TestOne:
            @pytest.mark.reqcache
            @pytest.mark.parametrize("p", ["a/b", "a:b", "A", "a"])
            def test_it(self, p): assert requests.get(URL + "/a").ok

            @pytest.mark.reqcache("api/{0}")
            def test_named(self): assert requests.get(URL + "/a").ok
    """
    suite.test(code.format("old"), "sub/test_it.py")
    assert suite.run("--reqcache-unused=fail").ret == 0
    assert suite.run("--reqcache-unused=fail").ret == 0
    suite.test(code.format("new"), "sub/test_it.py")
    assert lines_of(suite.run("--reqcache-unused=report")) == [
        "cassettes that no test owns:",
        "  recorded/api/old.yaml (1 interaction); perhaps renamed: old -> new",
    ]


@pytest.mark.parametrize(
    ("skip", "told"),
    [
        (
            "",
            ["cassettes that no test owns:", "  recorded/__/tests/test_it/test_one.yaml (1 interaction)"],
        ),
        ("pytest.skip('later', allow_module_level=True)", ["1 cassette was not judged: *"]),
    ],
    ids=["collected", "skipped"],
)
def test_cassette_dir_is_judged_for_modules_that_are_not_below_the_rootdir(suite, monkeypatch, skip, told):
    suite.write("ci/pytest.ini", "[pytest]\nreqcache_cassette_dir = recorded\ntestpaths = ../tests\n")
    suite.test("def test_more(): pass", "tests/test_more.py")
    monkeypatch.chdir(suite.path / "ci")
    for beginning, name in (("", "one"), (skip, "two")):
        suite.test(
            f"""
            {beginning}
            @pytest.mark.reqcache
            def test_{name}(): assert requests.get(URL + "/{name}").ok
            """,
            "tests/test_it.py",
        )
        result = suite.run("--reqcache-unused=report")
    result.stdout.fnmatch_lines(told, consecutive=True)


def test_cassettes_of_wider_fixtures_are_used_while_their_tests_run(suite):
    code = """
        @pytest.fixture(scope="session")
        def login(cached_session_factory):
            session = cached_session_factory("login")
            return [session.get(URL + path).json() for path in {0}]

        {1}
        def test_it(login): pass
    """
    suite.test(code.format('("/a", "/b")', ""))
    assert suite.run("--reqcache-unused=fail").ret == 0
    assert suite.run("--reqcache-unused=fail").ret == 0
    suite.test(code.format('("/a",)', ""))
    suite.run("--reqcache-unused=report").stdout.fnmatch_lines(
        ["recordings that no test asked for:", "  cassettes/login.yaml:*: GET */b"]
    )
    suite.test(code.format('("/a",)', "@pytest.mark.skip"))
    assert lines_of(suite.run("--reqcache-unused=report"))[:-1] == []
    suite.test("def test_it(): pass")
    suite.run("--reqcache-unused=report").stdout.fnmatch_lines(
        ["cassettes that no test owns:", "  cassettes/login.yaml (2 interactions)"]
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (("test_it.py", "test_old"), ("test_it.py", "test_new"), "test_old -> test_new"),
        (
            ("test_a.py", "test_it"),
            ("test_b.py", "test_it"),
            "cassettes/test_a/test_it -> cassettes/test_b/test_it",
        ),
    ],
    ids=["test", "module"],
)
@pytest.mark.parametrize("how", ["--reqcache-offline", "--reqcache-unused=fail"])
def test_rename_is_recognised(suite, old, new, told, how):
    code = """
        @pytest.mark.reqcache
        def {0}(): assert [requests.get(URL + f"/{{n}}") for n in range(3)]

        @pytest.mark.reqcache
        def test_other(): assert requests.get(URL + "/other")
    """
    suite.test(code.format(old[1]), old[0])
    suite.run().assert_outcomes(passed=2)
    (suite.path / old[0]).unlink()
    for path in (suite.path / "cassettes").rglob("test_other.yaml"):
        path.unlink()
    suite.test(code.format(new[1]), new[0])
    result = suite.run("--reqcache-unused=report", how)
    result.stdout.fnmatch_lines([f"  cassettes/*{old[1]}.yaml (3 interactions); perhaps renamed: {told}"])


@pytest.mark.parametrize(
    ("hours", "then", "counts"),
    [
        (0, 200, "1 replayed, 1 recorded, *"),
        (2, 304, "1 recorded, 1 revalidated, *"),
        (2, 503, "1 recorded, 1 stale *"),
    ],
    ids=["replayed", "revalidated", "stale"],
)
def test_test_that_had_recordings_is_no_new_name_of_another(suite, clock, hours, then, counts):
    suite.origin["/a"] = Answer("a", headers={"ETag": '"1"'}), Answer("a", then)
    code = """
        @pytest.mark.reqcache(expire_after="1h", stale_if_error=True)
        def test_it(): assert [requests.get(URL + path).text for path in {0}]
    """
    suite.test(code.format(["/a"]))
    suite.run().assert_outcomes(passed=1)
    folder = suite.path / "cassettes/test_it"
    shutil.copy(folder / "test_it.yaml", folder / "test_gone.yaml")
    clock.move(hours * 3600)
    suite.test(code.format(["/a", "/b"]))
    result = suite.run("--reqcache-unused=report")
    result.stdout.fnmatch_lines([counts])
    assert lines_of(result)[-1] == "  cassettes/test_it/test_gone.yaml (1 interaction)"


QUERIES = """
    @pytest.fixture
    def query(cached_session):
        headers = {{"Authorization": "Bearer tok-5f0c9f6e3d0a4e0e9d5e"}}
        return lambda name: cached_session.post(URL + "/graphql", json={{"query": name}}, headers=headers)

    def test_{0}(query): query("users").raise_for_status()

    def test_{1}(query): query("orders").raise_for_status()

    def test_{2}(query): query("users").raise_for_status()
"""


def test_several_renamed_tests_of_one_url_are_told_apart_by_what_they_send_and_then_by_name(suite):
    suite.test(QUERIES.format("users", "orders", "users_again"))
    suite.run().assert_outcomes(passed=3)
    suite.test(QUERIES.format("list_users", "list_orders", "list_users_again"))
    for how in ("--reqcache-offline", "--reqcache-keep-failed"):
        told = lines_of(suite.run("--reqcache-unused=report", how))
        assert [line.partition("renamed: ")[2] for line in told if "renamed" in line] == [
            "test_orders -> test_list_orders",
            "test_users -> test_list_users",
            "test_users_again -> test_list_users_again",
        ]


def test_a_test_that_asks_for_something_else_of_the_same_url_is_no_renamed_one(suite):
    suite.test(QUERIES.format("a", "b", "c"))
    suite.run().assert_outcomes(passed=3)
    suite.test(QUERIES.format("d", "b", "c").replace('"users"', '"books"', 1))
    assert "perhaps renamed" not in suite.run("--reqcache-unused=report").stdout.str()


def test_a_renamed_test_that_fails_is_recognised_by_what_it_has_asked_for(suite):
    suite.origin["/2"] = Answer("in"), Answer("out", 401)
    suite.test(FAILING.format("old"))
    suite.run().assert_outcomes(passed=1)
    suite.test(FAILING.format("new"))
    result = suite.run("--reqcache-unused=report")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["  cassettes/*old.yaml (5 interactions); perhaps renamed: test_old -> test_new"]
    )


FAILING = """
    @pytest.mark.reqcache
    def test_{0}():
        for number in range(5):
            requests.get(URL + f"/{{number}}").raise_for_status()
"""


def test_left_body_folder_is_named(suite):
    suite.origin["/a"] = Answer(b"\0" * 5000)
    suite.test("""
        @pytest.mark.reqcache
        def test_it(): assert requests.get(URL + "/a").ok

        @pytest.mark.reqcache
        def test_other(): assert requests.get(URL + "/a").ok
    """)
    suite.run().assert_outcomes(passed=2)
    (suite.path / "cassettes/test_it/test_it.yaml").rename(suite.path / "elsewhere.yaml")
    suite.test("""
        @pytest.mark.reqcache
        def test_other(): assert requests.get(URL + "/a").ok
    """)
    result = suite.run("--reqcache-unused=fail")
    assert result.ret == 1
    assert lines_of(result) == ["body files of no cassette:", "  cassettes/test_it/test_it.bodies"]


def test_body_folder_of_a_renamed_test_is_named_with_it_and_left_alone_until_it_is_renamed(suite):
    suite.origin["/a"] = Answer(b"\0" * 5000)
    code = "@pytest.mark.reqcache\ndef test_{0}(): assert requests.get(URL + '/a').ok"
    suite.test(code.format("old"))
    suite.run().assert_outcomes(passed=1)
    suite.test(code.format("new"))
    suite.offline("--reqcache-unused=fail").stdout.fnmatch_lines(
        ["  cassettes/*; perhaps renamed: test_old -> test_new, and test_old.bodies beside it"]
    )
    folder = suite.path / "cassettes/test_it"
    (folder / "test_old.yaml").rename(folder / "test_new.yaml")
    result = suite.offline("--reqcache-unused=fail")
    assert "body files of no cassette" not in result.stdout.str()
    result.stdout.fnmatch_lines(["*if the cassette was renamed, rename the folder test_old.bodies, too*"])
    (folder / "test_old.bodies").rename(folder / "test_new.bodies")
    assert suite.offline("--reqcache-unused=fail").ret == 0
    (folder / "test_old.bodies").mkdir()
    suite.offline("--reqcache-unused=report").stdout.fnmatch_lines(["  cassettes/test_it/test_old.bodies"])


def test_only_our_own_files_where_tests_are_count(used):
    cassettes = used.path / "cassettes"
    gone = cassettes / "test_it/test_gone.yaml"
    (cassettes / "vcr.yaml").write_text("interactions:\n- request:\n    uri: x\nversion: 1\n")
    (cassettes / "notes.txt").write_text(gone.read_text())
    venv = used.path / "my-env"
    for folder in (venv, used.path / ".hidden", used.path / "node_modules/x"):
        (folder / "cassettes/test_x").mkdir(parents=True)
        shutil.copy(gone, folder / "cassettes/test_x")
    (venv / "pyvenv.cfg").touch()
    (cassettes / "link").symlink_to(venv / "cassettes")
    (cassettes / "link.yaml").symlink_to(cassettes / "test_it/test_a.yaml")
    assert lines_of(used.run("--reqcache-unused=report")) == expected(used)


def test_folder_whose_modules_are_gone_is_found(used):
    (used.path / "old").mkdir()
    (used.path / "cassettes/test_it/test_gone.yaml").rename(used.path / "moved.yaml")
    shutil.copytree(used.path / "cassettes", used.path / "old/cassettes")
    shutil.rmtree(used.path / "cassettes")
    used.run()
    result = used.run("--reqcache-unused=report")
    assert lines_of(result) == [
        "cassettes that no test owns:",
        "  old/cassettes/test_it/test_a.yaml (2 interactions)",
        "  old/cassettes/test_it/test_n[1].yaml (1 interaction)",
        "  old/cassettes/test_it/test_n[2].yaml (1 interaction)",
    ]


def test_testpaths_are_the_whole_suite(used):
    (used.path / "tests").mkdir()
    for name in ("test_it.py", "cassettes"):
        (used.path / name).rename(used.path / "tests" / name)
    used.test("def test_it(): pass", "more/test_more.py")
    used.write("pytest.ini", "[pytest]\ntestpaths = test?\n")
    told = [line.replace("cassettes/", "tests/cassettes/") for line in expected(used)]
    assert lines_of(used.run("--reqcache-unused=report")) == told
    assert lines_of(used.run("--reqcache-unused=report", "tests")) == told
    result = used.run("--reqcache-unused=report", "more")
    result.stdout.fnmatch_lines(["unused recordings were not judged: only more was asked for*"])


def test_a_run_from_a_folder_below_is_sent_to_the_rootdir(used, monkeypatch):
    used.write("pytest.ini", "[pytest]\n")
    monkeypatch.chdir(used.path / "cassettes")
    result = used.run("--reqcache-unused=report")
    result.stdout.fnmatch_lines(
        ["unused recordings were not judged: only */cassettes was asked for; run pytest from the rootdir, *"]
    )


@pytest.mark.parametrize(
    "how", [("-n1",), ("-n2",), ("-n2", "--dist=loadgroup"), ("-n2", "--dist=each")], ids=" ".join
)
def test_workers_say_what_a_serial_run_says(used, how):
    result = used.subprocess("-p", "xdist", *how, "--reqcache-unused=fail")
    assert result.ret == 1
    assert lines_of(result) == expected(used)
    result = used.subprocess("-p", "xdist", *how, "--reqcache-unused=fail", "-k", "test_a")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["unused recordings were not judged: 2 tests deselected"])


def test_shared_cassette_of_several_workers_that_record(suite):
    suite.test("""
        @pytest.mark.reqcache("shared")
        @pytest.mark.parametrize("n", range(6))
        def test_it(n):
            assert requests.get(URL + f"/{n}").ok
            assert requests.get(URL + "/common").ok

        @pytest.fixture(scope="session")
        def login(cached_session_factory):
            return cached_session_factory("login").post(URL + "/login").json()

        @pytest.mark.parametrize("n", range(4))
        def test_wide(login, n): pass
    """)
    for flag in ("--reqcache-unused=fail", "--reqcache-force-refresh", "--reqcache-offline"):
        result = suite.subprocess("-p", "xdist", "-n2", "--reqcache-unused=fail", flag)
        assert result.ret == 0, result.stdout.str()
        assert "unused" not in "".join(lines_of(result))


def test_crashed_worker_is_not_judged(used):
    used.test(SUITE.format(second="pass") + "\n    def test_crash(): os._exit(1)\n")
    result = used.subprocess("-p", "xdist", "-n2", "--reqcache-unused=report")
    result.stdout.fnmatch_lines(["unused recordings were not judged: a worker crashed*"])


def test_report_for_machines_has_all_of_it(used):
    used.run("--reqcache-unused=report", "--reqcache-report=r.json")
    unused = json.loads((used.path / "r.json").read_text())["unused"]
    assert unused == {
        "mode": "report",
        "why_not": "",
        "interactions": [
            {
                "cassette": "cassettes/test_it/test_a.yaml",
                "line": 17,
                "method": "POST",
                "url": f"{used.origin.url}/a",
                "answer": 1,
            }
        ],
        "cassettes": [
            {"cassette": "cassettes/test_it/test_gone.yaml", "interactions": 1, "perhaps_renamed_to": None}
        ],
        "body_folders": [],
        "not_judged": [],
    }


def test_tests_that_a_plugin_takes_out_without_a_word_are_not_judged(suite):
    suite.test("""
        @pytest.mark.reqcache
        @pytest.mark.parametrize("number", range(3))
        def test_it(number):
            assert requests.get(URL + f"/{number}").ok
    """)
    suite.run().assert_outcomes(passed=3)
    suite.write(
        "conftest.py",
        """
        def pytest_collection_modifyitems(items):
            items[:] = items[:1]
        """,
    )
    result = suite.run("--reqcache-unused=fail")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*not judged: 2 tests taken out by a plugin*"])


@pytest.mark.parametrize(
    ("own", "candidates"),
    [
        (
            "cassettes/test_web/test_put.yaml",
            ["sub/cassettes/test_web/test_put.yaml", "cassettes/test_web/test_puts.yaml"],
        ),
        (
            "cassettes/test_web/test_put.yaml",
            ["cassettes/test_web/test_puts.yaml", "cassettes/test_api/test_puts.yaml"],
        ),
        (
            "cassettes/test_web/test_put.yaml",
            ["cassettes/test_web/test_puts.yaml", "cassettes/test_web/test_etag.yaml"],
        ),
    ],
    ids=["moved", "renamed", "more alike"],
)
def test_the_name_most_alike_is_the_same_one_then_one_beside_it(own, candidates):
    first, second = (unlikeness(Path(path), Path(own)) for path in candidates)
    assert first < second
