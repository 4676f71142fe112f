"""A miss explains itself: the reason, the nearest recorded request with a diff, the command."""

from __future__ import annotations

import pytest

from origin import Answer


def miss_section(suite, recorded: str, asked: str, *arguments: str, marker: str = "") -> list[str]:
    """Record with one call, then make another one offline; gives the lines of the section about it."""
    for call in (recorded, asked):
        suite.test(f"""
            @pytest.mark.reqcache({marker})
            def test_it(cached_session):
                session = cached_session
                assert {call}.status_code < 400
        """)
        if call is recorded:
            suite.run().assert_outcomes(passed=1)
    result = suite.offline("--tb=short", *arguments)
    result.assert_outcomes(failed=1)
    lines = result.stdout.str().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("not cached: "))
    end = next(i for i, line in enumerate(lines) if line.startswith("=") and i > start)
    return [line.replace(suite.origin.url, "URL") for line in lines[start:end]]


CASES = {
    "query": (
        'session.get(URL + "/a?page=1&q=x")',
        'session.get(URL + "/a?page=2&q=x")',
        ["- query page=1", "+ query page=2"],
    ),
    "query parameter added": (
        'session.get(URL + "/a")',
        'session.get(URL + "/a?debug=1")',
        ["+ query debug=1"],
    ),
    "path": (
        'session.get(URL + "/users/1")',
        'session.get(URL + "/users/2")',
        ["- path /users/1", "+ path /users/2"],
    ),
    "method": (
        'session.get(URL + "/a")',
        'session.delete(URL + "/a")',
        ["- method GET", "+ method DELETE"],
    ),
    "json": (
        'session.post(URL + "/a", json={"name": "Ada", "tags": [1, 2]})',
        'session.post(URL + "/a", json={"tags": [1, 3], "name": "Ada"})',
        ["- body 2", "+ body 3"],
    ),
    "form": (
        'session.post(URL + "/a", data={"name": "Ada"})',
        'session.post(URL + "/a", data={"name": "Eve"})',
        ["- body name=Ada", "+ body name=Eve"],
    ),
    "repeated parameter": (
        'session.get(URL + "/a?t=x&t=b")',
        'session.get(URL + "/a?t=a&t=b")',
        ["- query t=x", "+ query t=a"],
    ),
    "range": (
        'session.get(URL + "/a", headers={"Range": "bytes=0-1"})',
        'session.get(URL + "/a", headers={"Range": "bytes=2-3"})',
        ["- header range: bytes=0-1", "+ header range: bytes=2-3"],
    ),
    "condition": (
        'session.get(URL + "/a")',
        'session.get(URL + "/a", headers={"If-None-Match": "x"})',
        ["+ header if-none-match: x"],
    ),
    "scheme": (
        'session.get(URL + "/a")',
        'session.get(URL.replace("http:", "https:") + "/a")',
        ["- origin URL", "+ origin SECURE_URL"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_nearest_request_is_shown_with_what_differs(suite, case):
    recorded, asked, diff = CASES[case]
    lines = miss_section(suite, recorded, asked)
    assert lines[1].strip() == "reason:    never recorded"
    assert any(line.startswith("  nearest:   ") for line in lines)
    secure = suite.origin.url.replace("http:", "https:")
    shown = [line.strip() for line in lines if line.strip()[:2] in ("- ", "+ ")]
    assert shown == [line.replace("SECURE_URL", secure) for line in diff]
    assert lines[-1] == "  to record: pytest test_it.py::test_it"
    assert len(lines) <= 25


def test_parameter_that_is_another_one_each_time_is_named_with_its_remedy(suite):
    code = """
        @pytest.mark.reqcache{marker}
        def test_it():
            assert requests.get(URL + "/a", params={{"ts": {ts}, "q": "x"}}).ok
    """
    suite.test(code.format(marker="", ts=1764417600123))
    suite.run().assert_outcomes(passed=1)
    suite.test(code.format(marker="", ts=1764417777777))
    result = suite.offline()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*+ query ts=1764417777777",
            "             where 'ts' is another one each time, name it in ignored_parameters",
        ]
    )
    suite.test(code.format(marker="(ignored_parameters=['ts'])", ts=1764417999999))
    suite.offline().assert_outcomes(passed=1)


@pytest.mark.parametrize("host", ["127.0.0.1", "api.invalid"])
def test_another_port_of_a_server_on_this_machine_is_named_with_its_remedy(suite, host):
    code = """
        @pytest.mark.reqcache
        def test_it():
            requests.get("http://{host}:4712/a").raise_for_status()
    """
    suite.test(code.format(host=host))
    suite.write(
        "cassettes/test_it/test_it.yaml",
        f"""
        version: 1
        interactions:
        - request:
            method: GET
            url: http://{host}:4711/a
          response:
            status: 200 OK
          created_at: 2026-11-29T00:00:00Z
        """,
    )
    told = "             where a server of the tests has another port each time, name it in passthrough"
    result = suite.offline()
    assert f"             + origin http://{host}:4712" in result.outlines
    assert (told in result.outlines) is (host == "127.0.0.1")


def test_matched_header_that_differs_is_shown(suite):
    lines = miss_section(
        suite,
        'session.get(URL + "/a", headers={"X-Version": "1"})',
        'session.get(URL + "/a", headers={"X-Version": "2"})',
        marker='match_headers=["X-Version"]',
    )
    assert "             - header x-version: 1" in lines
    assert "             + header x-version: 2" in lines


def test_header_that_differs_is_shown_where_all_are_matched(suite):
    lines = miss_section(
        suite,
        'session.post(URL + "/a", headers={"X-Version": "1", "X-One": "1"}, files={"f": b"x"})',
        'session.post(URL + "/a", headers={"X-Version": "2", "X-Two": "1"}, files={"f": b"x"})',
        marker="match_headers=True",
    )
    assert sorted(line.strip() for line in lines if " header " in line) == [
        "+ header x-two: 1",
        "+ header x-version: 2",
        "- header x-one: 1",
        "- header x-version: 1",
    ]


def test_other_vary_header_is_the_reason(suite):
    suite.origin["/a"] = Answer("hi", headers={"Vary": "Accept-Language"})
    lines = miss_section(
        suite,
        'session.get(URL + "/a", headers={"Accept-Language": "pl"})',
        'session.get(URL + "/a", headers={"Accept-Language": "fr"})',
    )
    assert lines[1].strip() == "reason:    recorded for other request headers that Vary names"
    assert "             - header accept-language: pl" in lines


def test_vary_of_another_recording_is_no_difference(suite):
    suite.origin["/b"] = Answer(headers=[("Vary", "X-Lang")])
    code = """
        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/a?n={n}", headers={{"X-Lang": "{lang}"}})
            requests.get(URL + "/b", headers={{"X-Lang": "de"}})
            assert {n} == 1
    """
    suite.test(code.format(n=1, lang="de"))
    suite.run().assert_outcomes(passed=1)
    suite.test(code.format(n=2, lang="en"))
    lines = suite.run("--reqcache-offline").stdout.str()
    assert "+ query n=2" in lines
    assert "x-lang" not in lines


def test_what_has_expired_has_no_nearest_recording(suite, clock):
    suite.test("""
        @pytest.mark.reqcache(expire_after="1h")
        def test_it():
            requests.get(URL + "/a?n=1")
            requests.get(URL + "/a?n=2").raise_for_status()
    """)
    suite.run().assert_outcomes(passed=1)
    clock.move(3 * 3600)
    lines = suite.offline().outlines
    assert "  reason:    expired 2 hours ago" in lines
    assert [line for line in lines if "nearest:" in line] == []


def test_recording_that_differs_in_nothing_that_can_be_shown_is_not_the_nearest(suite):
    code = """
        @pytest.fixture
        def reqcache_config():
            return dict(key_fn=lambda request, **_: request.url + {0!r})

        @pytest.mark.reqcache
        def test_it():
            for path in {1}:
                requests.get(URL + path).raise_for_status()
    """
    suite.test(code.format("first", ["/a", "/ab"]))
    suite.run().assert_outcomes(passed=1)
    suite.test(code.format("second", ["/a"]))
    result = suite.offline()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["  nearest:   GET */ab", " *- path /ab", " *+ path /a"])


def test_long_differences_are_cut_to_25_lines(suite):
    lines = miss_section(
        suite,
        'session.post(URL + "/a", params={"p" + str(i): "x" * 400 for i in range(30)})',
        'session.post(URL + "/a", params={"q" + str(i): i for i in range(30)})',
    )
    assert len(lines) == 25
    assert max(map(len, lines)) < 160
    assert lines[-1].startswith("  to record: ")


def test_other_recorded_requests_are_named(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            for n in range(6):
                requests.get(URL + f"/items/{n}")
    """)
    suite.run().assert_outcomes(passed=1)
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/items/7").raise_for_status()
    """)
    suite.offline().stdout.fnmatch_lines(
        ["*recorded:  GET */items/*, GET */items/*, GET */items/* and 2 more"]
    )


@pytest.mark.parametrize("path", ["tests", "tests/a/test_it.py"])
def test_command_names_the_file_wherever_the_rootdir_is(suite, path):
    suite.write("ci/pytest.ini", "[pytest]")
    code = "def test_it(cached_session): cached_session.get(URL + '/a').raise_for_status()"
    suite.test(code, "tests/a/test_it.py")
    result = suite.offline("-c", "ci/pytest.ini", path)
    result.stdout.re_match_lines([r"  to record: pytest .*(?<= )tests/a/test_it.py::test_it"])


RENAMED = """
    @pytest.mark.reqcache
    def test_{name}():
        requests.get(URL + "/a?n={n}", headers={{"X-Api-Key": "k3y-of-nobody-{n}"}}).raise_for_status()
        requests.get(URL + "/large").raise_for_status()
"""


@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n1")], ids=["serial", "xdist"])
@pytest.mark.parametrize("folder", ["", "api/"])
def test_cassette_of_a_renamed_test_is_named(suite, folder, workers):
    for name, n in (("books", 1), ("books_page", 2), ("prices", 1)):
        suite.test(RENAMED.format(name=name, n=n), f"test_{name}.py")
    suite.run().assert_outcomes(passed=3)
    (suite.path / "test_books_page.py").unlink()
    suite.test(RENAMED.format(name="pages", n=2), f"{folder}test_pages.py")
    lines = suite.offline(*workers).outlines
    start = next(number for number, line in enumerate(lines) if line.startswith("not cached: "))
    assert [line.replace(str(suite.path), "") for line in lines[start + 2 : start + 6]] == [
        f"  cassette:  /{folder}cassettes/test_pages/test_pages.yaml",
        "  elsewhere: /cassettes/test_books_page/test_books_page.yaml",
        "             if the test was renamed or moved, move that file",
        f"  to record: pytest {folder}test_pages.py::test_pages",
    ]


def test_cassette_of_a_renamed_test_is_named_with_its_bodies_and_replays_when_both_are_moved(suite):
    suite.origin["/large"] = Answer(b"\x00" * 10_000)
    suite.test(RENAMED.format(name="one", n=1))
    suite.run().assert_outcomes(passed=1)
    suite.test(RENAMED.format(name="two", n=1))
    suite.offline().stdout.fnmatch_lines(
        ["*if the test was renamed or moved, move that file, and test_one.bodies beside it"]
    )
    cassettes = suite.path / "cassettes" / "test_it"
    for suffix in (".yaml", ".bodies"):
        (cassettes / f"test_one{suffix}").rename(cassettes / f"test_two{suffix}")
    suite.offline().assert_outcomes(passed=1)


@pytest.mark.parametrize("chosen", [(), ("-k", "two"), ("test_it.py::test_two",)], ids=" ".join)
def test_a_cassette_of_another_test_is_named_without_the_advice_to_move_it(suite, chosen):
    for names in (["one"], ["one", "two"]):
        suite.test("".join(RENAMED.format(name=name, n=1) for name in names))
        result = suite.run() if names == ["one"] else suite.offline(*chosen)
    result.assert_outcomes(passed=0 if chosen else 1, failed=1, deselected=int("-k" in chosen))
    result.stdout.fnmatch_lines(["  elsewhere: *test_one.yaml"])
    assert "move that file" not in result.stdout.str()


@pytest.mark.parametrize(
    ("marker", "call"),
    [
        ("'other'", "cached_session.get(URL + '/a?n=1')"),
        ("ignored_parameters=['n']", "cached_session.get(URL + '/a?n=7')"),
        ("'other'", "cached_session.get(URL + '/a?n=1', headers={'Authorization': 'Bearer t0ken-of-mine'})"),
    ],
)
def test_another_cassette_is_named_by_what_the_test_compares(suite, marker, call):
    code = """
        @pytest.mark.reqcache({marker})
        def test_it(cached_session):
            {call}.raise_for_status()
    """
    suite.test(code.format(marker="'shared'", call="cached_session.get(URL + '/a?n=1')"))
    suite.run().assert_outcomes(passed=1)
    suite.test(code.format(marker=marker, call=call))
    suite.offline().stdout.fnmatch_lines(["  elsewhere: *shared.yaml"])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("requests.get(URL + '/a?n=2')", None),
        ("requests.post(URL + '/a?n=1')", None),
        ("requests.get(URL + '/a?n=1')", "version: 1\ninteractions: {\n"),
    ],
    ids=["query", "method", "unreadable"],
)
def test_a_cassette_that_would_not_answer_is_not_named(suite, call, text):
    suite.test("""
        @pytest.mark.reqcache("other")
        def test_it():
            requests.get(URL + "/a?n=1")
    """)
    suite.run().assert_outcomes(passed=1)
    if text is not None:
        suite.write("cassettes/other.yaml", text)
    suite.test(f"""
        @pytest.mark.reqcache
        def test_it():
            {call}.raise_for_status()
    """)
    lines = suite.offline().outlines
    assert "  reason:    no cassette yet: the file does not exist" in lines
    assert not [line for line in lines if "elsewhere" in line]


def test_secret_of_the_diff_is_masked(suite):
    lines = miss_section(
        suite,
        'session.post(URL + "/a", json={"password": "very-secret-one", "n": 1})',
        'session.post(URL + "/a", json={"password": "very-secret-two", "n": 2})',
    )
    assert "very-secret" not in "\n".join(lines)
    assert any("body" in line for line in lines)


def test_polling_is_hinted_at(suite):
    suite.origin["/job"] = Answer("running")
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            for _ in range(40):
                requests.get(URL + "/job")
            assert 0
    """)
    result = suite.run()
    hint = '*GET */job was answered 39 times from one recording; if the code polls, use repeats="sequence"'
    result.stdout.fnmatch_lines(["*- reqcache -*", hint, "*= reqcache =*", hint])


@pytest.mark.parametrize(
    ("marker", "call"),
    [
        ("", 'requests.post(URL + "/rpc", json={"n": n})'),
        ("", 'requests.get(URL + "/rpc", data=str(n))'),
        ("repeats='sequence'", 'requests.get(URL + "/rpc")'),
    ],
)
def test_polling_is_not_hinted_at_where_nothing_polls_or_a_sequence_is_recorded(suite, marker, call):
    suite.test(f"""
        @pytest.mark.reqcache({marker})
        def test_it():
            for n in range(int(os.environ.get("N", "2"))):
                {call}
    """)
    suite.run().assert_outcomes(passed=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("N", "40")
        result = suite.run()
        result.assert_outcomes(passed=1)
        assert "answered" not in result.stdout.str() + suite.run().stdout.str()


@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n1")], ids=["serial", "xdist"])
def test_diff_is_in_colour_where_pytest_is(suite, workers):
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/a?n=" + os.environ.get("N", "1")).raise_for_status()
    """)
    suite.run().assert_outcomes(passed=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("N", "2")
        plain = suite.subprocess("--reqcache-offline", *workers).stdout.str()
        coloured = suite.subprocess("--reqcache-offline", "--color=yes", *workers).stdout.str()
    assert "\x1b[" not in plain
    assert "\x1b[31m             - query n=1\x1b[0m" in coloured
    assert "\x1b[32m             + query n=2\x1b[0m" in coloured


def test_binary_bodies_of_one_length_are_not_printed(suite):
    recorded = r'session.post(URL + "/a", data=b"\xff\x1b[31mA")'
    asked = r'session.post(URL + "/a", data=b"\xff\x1b[31mB")'
    lines = miss_section(suite, recorded, asked)
    assert any(line.startswith("  nearest: ") for line in lines)
    assert any("7 bytes, not the same" in line for line in lines)
    assert not any("\x1b" in line or "\ufffd" in line for line in lines)


def test_the_command_is_for_the_folder_that_pytest_was_started_in(suite, monkeypatch):
    suite.write("pytest.ini", "[pytest]\n")
    suite.test(
        """
        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/a").raise_for_status()
        """,
        "unit/test_it.py",
    )
    monkeypatch.chdir(suite.path / "unit")
    suite.offline().stdout.fnmatch_lines(["  to record: pytest test_it.py::test_it"])


@pytest.mark.parametrize("header", ["If-None-Match", "Range", "Accept"])
def test_the_command_says_that_parts_are_not_recorded_where_http_is_obeyed(suite, header):
    suite.test(f"""
        @pytest.mark.reqcache(cache_control=True)
        def test_it():
            requests.get(URL + "/a", headers={{"{header}": "x"}}).raise_for_status()
    """)
    first = "" if header == "Accept" else "take cache_control off if the answer is a 304 or a part, then "
    suite.offline().stdout.fnmatch_lines([f"  to record: {first}pytest test_it.py::test_it"])


OBEY = "take cache_control off, then "
DO_NOT = "take do-not-cache, no-store or cache_control off, then "
LEAVE_OUT = "take max-age or min-fresh off the request, then "
ALONE = "take only_if_cached off, then "


@pytest.mark.parametrize(
    ("recorded", "marker", "asked", "reason", "first"),
    [
        ({"Cache-Control": "no-cache"}, "cache_control=True", "", "to be revalidated *", OBEY),
        (
            {"Cache-Control": "max-age=1, must-revalidate"},
            "cache_control=True, stale_if_error=True",
            "",
            "expired 7 seconds ago, and must-revalidate forbids its use",
            "",
        ),
        ({"Vary": "*"}, "cache_control=True", "", "not to be cached", DO_NOT),
        ({}, "", "no-store", "not to be cached", DO_NOT),
        ({}, "expire_after='do-not-cache'", "", "not to be cached", DO_NOT),
        ({}, "", "max-age=1", "older, *", LEAVE_OUT),
        ({}, "expire_after='1s'", "max-age=0", "older, *", LEAVE_OUT),
        ({}, "allowable_methods=['POST']", "", "method not stored", "name GET in allowable_methods, then "),
        ({}, "expire_after='1s'", "only-if-cached", "expired 7 seconds ago", ALONE),
        ({}, "expire_after='1s'", "", "expired 7 seconds ago", ""),
    ],
)
def test_the_reason_is_what_has_to_change_and_is_said_before_the_command(
    suite, clock, recorded, marker, asked, reason, first
):
    suite.origin["/a"] = Answer("x", headers=recorded)
    code = """
        @pytest.mark.reqcache({marker})
        def test_it():
            requests.get(URL + "/a", headers={{"Cache-Control": {asked!r}}}).raise_for_status()
    """
    suite.test(code.format(marker="", asked=""))
    suite.run().assert_outcomes(passed=1)
    clock.move(8)
    suite.test(code.format(marker=marker, asked=asked))
    suite.offline().stdout.fnmatch_lines(
        [f"  reason:    {reason}", "*", f"  to record: {first}pytest test_it.py::test_it"]
    )


@pytest.mark.parametrize("arguments", [(), ("--reqcache-offline",)], ids=["online", "offline"])
@pytest.mark.parametrize("call", ["only_if_cached=True", 'headers={"Cache-Control": "only-if-cached"}'])
def test_a_call_that_asks_for_what_is_recorded_alone_has_to_stop_that_first(suite, call, arguments):
    suite.test(f"""
        def test_it(cached_session):
            cached_session.get(URL + "/a", {call}).raise_for_status()
    """)
    command = f"  to record: {ALONE}pytest test_it.py::test_it"
    suite.run(*arguments).stdout.fnmatch_lines([command])
