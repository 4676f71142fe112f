"""What a refresh changed, on the terminal: by interaction, the worst first, and no value."""

from __future__ import annotations

import pytest

from origin import Answer


def section(result: pytest.RunResult) -> list[str]:
    """The lines of the section, without their white space at the end."""
    output = result.stdout.str()
    if "reqcache: what changed" not in output:
        return []
    lines = output.partition("reqcache: what changed")[2].splitlines()[1:]
    return [
        line.rstrip() for line in lines[: next(n for n, line in enumerate(lines) if line.startswith("="))]
    ]


SUITE = {
    "test_orders.py": """
        @pytest.mark.reqcache
        def test_get(): requests.get(URL + "/orders/7?full=1")

        @pytest.mark.reqcache
        def test_list(): requests.get(URL + "/orders")
    """,
    "test_user.py": """
        @pytest.mark.reqcache
        def test_me(): requests.get(URL + "/me", headers={"Authorization": "Bearer s3cr3t-t0ken"})

        @pytest.mark.reqcache
        def test_gone(): requests.get(URL + "/gone")

        @pytest.mark.reqcache
        def test_same(): requests.get(URL + "/same")
    """,
}


@pytest.fixture
def changed(suite):
    """A suite that is recorded, of a service that has changed since."""
    answers = {
        "/orders/7": (Answer({"total": 9.5, "id": 7}), Answer({"total": "9.50", "id": None, "note": "n"})),
        "/orders": (Answer({"orders": [{"id": 1}]}), Answer({"orders": [{"id": 2}, {"id": 3}]})),
        "/me": (
            Answer({"plan": {"name": "free"}, "token": "old-s3cr3t"}),
            Answer({"plan": {"name": "pro", "seats": 3}, "token": "new-s3cr3t"}, headers={"X-New": "s3cr3t"}),
        ),
        "/gone": (Answer("here"), Answer("gone", 404)),
        "/same": (Answer({"a": 1}),),
    }
    for path, answer in answers.items():
        suite.origin[path] = answer
    for name, code in SUITE.items():
        suite.test(code, name)
    suite.run().assert_outcomes(passed=5)
    return suite


EXPECTED = [
    "  breaking  test_orders.py::test_get  GET /orders/7?full=1  $.total: number -> string",
    "                                                            $.id: number -> null",
    "                                                            + $.note",
    "  breaking  test_user.py::test_gone   GET /gone             status: 200 -> 404",
    "  additive  test_user.py::test_me     GET /me               + $.plan.seats",
    "                                                            + X-New",
    "  values    1 interaction",
]


@pytest.mark.parametrize(
    "how",
    [
        ("--reqcache-refresh",),
        ("--reqcache-force-refresh",),
        ("--reqcache-expire-after=immediately",),
    ],
    ids=lambda how: how[0],
)
def test_refresh_says_what_changed(changed, how):
    result = changed.run(*how)
    assert section(result) == EXPECTED
    assert "s3cr3t" not in result.stdout.str()
    assert section(changed.run(*how)) == []


def test_workers_say_the_same(changed):
    result = changed.subprocess("-p", "xdist", "-n2", "--dist=loadfile", "--reqcache-refresh")
    assert section(result) == EXPECTED


@pytest.mark.parametrize("flag", ["-q", "--no-summary"])
def test_quiet_run_does_not_say_it(changed, flag):
    assert section(changed.run("--reqcache-refresh", flag)) == []


def test_what_a_failing_test_dropped_is_counted_and_has_not_changed(changed):
    for name, code in SUITE.items():
        changed.test(code.replace('full=1")', 'full=1").raise_for_status(); assert False'), name)
    result = changed.run("--reqcache-refresh")
    assert section(result)[0].startswith("  breaking  test_user.py::test_gone")
    assert "$.total" not in result.stdout.str()
    result.stdout.fnmatch_lines(["1 recording of failed tests dropped*"])


def test_shared_recording_is_told_once(suite):
    suite.origin["/a"] = Answer({"a": 1}), Answer({"a": "1"})
    suite.test("""
        @pytest.mark.reqcache("shared")
        @pytest.mark.parametrize("n", range(4))
        def test_it(n): assert requests.get(URL + "/a").ok
    """)
    suite.run().assert_outcomes(passed=4)
    assert len(section(suite.run("--reqcache-refresh"))) == 1
    suite.origin["/a"] = Answer({"a": None})
    assert len(section(suite.subprocess("-p", "xdist", "-n2", "--reqcache-refresh"))) == 1


def test_recording_of_a_wider_fixture_is_told(suite):
    suite.origin["/login"] = Answer({"user": 1}), Answer({})
    suite.test("""
        @pytest.fixture(scope="session")
        def login(cached_session_factory):
            return cached_session_factory("login").get(URL + "/login").json()

        def test_it(login): pass
    """)
    suite.run().assert_outcomes(passed=1)
    assert section(suite.run("--reqcache-refresh")) == ["  breaking  fixtures  GET /login  - $.user"]


def test_new_recording_is_no_change(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_it(): assert requests.get(URL + "/a").ok
    """)
    assert section(suite.run("--reqcache-refresh")) == []


def test_header_that_is_said_to_be_volatile_is_no_change(suite):
    suite.origin["/a"] = Answer({"a": 1}), Answer({"a": "1"}, headers={"X-Build": "2", "X-Kind": "b"})
    suite.test("""
        @pytest.mark.reqcache(volatile_headers=["X-Build"])
        def test_it(): assert requests.get(URL + "/a").ok
    """)
    suite.run().assert_outcomes(passed=1)
    told = [line.split("  ")[-1].strip() for line in section(suite.run("--reqcache-refresh"))]
    assert told == ["$.a: number -> string", "+ X-Kind"]


def test_long_section_is_cut_and_points_to_the_report(suite):
    suite.origin["/a"] = Answer({"a": 1}), Answer({"b": 1})
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            for n in range(25):
                requests.get(URL + f"/n/{n}?long={'x' * 200}")
            requests.get(URL + "/a")
    """)
    for n in range(25):
        suite.origin[f"/n/{n}"] = Answer({f"m{i}": 1 for i in range(130)}), Answer({})
    suite.run().assert_outcomes(passed=1)
    told = section(suite.run("--reqcache-refresh"))
    assert len(told) == 20 * 9 + 1
    assert told[8].strip() == "and 122 more"
    assert told[-1] == "  and 6 more interactions: --reqcache-report writes them all"
    assert max(map(len, told)) < 120
