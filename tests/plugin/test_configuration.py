"""Settings from files and flags, and the errors about them."""

from __future__ import annotations

import pytest

SHOWS_SETTINGS = """
    import datetime
    @pytest.mark.reqcache
    def test_it(reqcache):
        settings = reqcache.settings
        print("EXPIRY", settings.expire_after)
        print("CONTROL", settings.cache_control)
        print("STALE", bool(settings.stale_if_error))
        print("HEADERS", settings.match_headers)
        print("CODES", 200 in (settings.allowable_codes or ()), 404 in (settings.allowable_codes or ()))
"""

FILES = {
    "pytest.ini": """
        [pytest]
        reqcache_expire_after = 90s
        reqcache_cache_control = true
        reqcache_stale_if_error = 2w
        reqcache_match_headers = Accept X-Version
        reqcache_allowable_codes = 200-299
    """,
    "tox.ini": """
        [pytest]
        reqcache_expire_after = 90s
        reqcache_cache_control = yes
        reqcache_stale_if_error = true
        reqcache_match_headers = Accept X-Version
        reqcache_allowable_codes = 200 201
    """,
    "setup.cfg": """
        [tool:pytest]
        reqcache_expire_after = 90
        reqcache_cache_control = 1
        reqcache_stale_if_error = 14d
        reqcache_match_headers = Accept X-Version
        reqcache_allowable_codes = 200
    """,
    "pyproject.toml": """
        [tool.pytest.ini_options]
        reqcache_expire_after = "90s"
        reqcache_cache_control = "true"
        reqcache_stale_if_error = "2w"
        reqcache_match_headers = ["Accept", "X-Version"]
        reqcache_allowable_codes = ["200"]
    """,
}


@pytest.mark.parametrize("name", FILES)
def test_settings_from_every_file(suite, name):
    suite.write(name, FILES[name])
    suite.test(SHOWS_SETTINGS)
    suite.run("-s").stdout.fnmatch_lines(
        [
            "*EXPIRY 0:01:30",
            "CONTROL True",
            "STALE True",
            "HEADERS ('accept', 'x-version')",
            "CODES True False",
        ]
    )


@pytest.mark.skipif(
    pytest.version_tuple < (9, 2), reason="native tables with unions of types came with pytest 9.2"
)
def test_native_table_takes_numbers_and_booleans(suite):
    suite.write(
        "pyproject.toml",
        """
        [tool.pytest]
        reqcache_expire_after = 90
        reqcache_cache_control = true
        reqcache_stale_if_error = "2w"
        reqcache_match_headers = ["Accept", "X-Version"]
        reqcache_allowable_codes = ["200"]
        """,
    )
    suite.test(SHOWS_SETTINGS)
    suite.run("-s").stdout.fnmatch_lines(["*EXPIRY 0:01:30", "CONTROL True"])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("reqcache_expire_after = soon", "*pytest.ini: reqcache_expire_after*'soon'*accepted*"),
        ("reqcache_expire_after = -5", "*pytest.ini: reqcache_expire_after*-5*"),
        ("reqcache_cache_control = perhaps", "*pytest.ini: reqcache_cache_control*'perhaps'*true or false*"),
        ("reqcache_repeats = often", "*pytest.ini: reqcache_repeats*'often'*"),
        ("reqcache_allowable_codes = two", "*pytest.ini: reqcache_allowable_codes*'two'*"),
        ("reqcache_urls_expire_after = site.com 5", "*pytest.ini: reqcache_urls_expire_after*site.com 5*"),
        (
            "reqcache_passthrough = localhost 127.0.0.1",
            "*passthrough: 'localhost 127.0.0.1' has a space*",
        ),
        (
            "reqcache_match_headers = Accept, X-Lang",
            "*'Accept,': names are separated by blanks*",
        ),
        ("reqcache_ignored_parameters = a,b", "*pytest.ini: *'a,b': names are separated by blanks*"),
        ("reqcache_allowed_secrets = A,B", "*pytest.ini: *'A,B': names are separated by blanks*"),
        ("reqcache_allowable_methods = GET, POST", "*pytest.ini: *'GET,': names are separated by blanks*"),
        ("reqcache_redact = token = ***", "*pytest.ini: reqcache_redact: 'token': '[*][*][*]' cannot stand*"),
        ("reqcache_offline = maybe", "*pytest.ini: reqcache_offline*'maybe'*true or false*"),
    ],
)
def test_wrong_ini_value_is_a_usage_error_that_names_its_place(suite, line, message):
    suite.write("pytest.ini", f"[pytest]\n{line}\n")
    suite.test("def test_it(): pass")
    result = suite.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    output = result.stderr.str().replace("\n", " ")
    pytest.LineMatcher([output]).fnmatch_lines([message])
    assert "Traceback" not in output


@pytest.mark.parametrize(
    "arguments", [("-o", "reqcache_expire_after=soon"), ("-oreqcache_expire_after=soon",)], ids=" ".join
)
@pytest.mark.parametrize("line", ["", "reqcache_expire_after = 1h"])
def test_wrong_value_of_the_command_line_is_not_blamed_on_the_ini_file(suite, arguments, line):
    suite.write("pytest.ini", f"[pytest]\n{line}\n")
    suite.test("def test_it(): pass")
    result = suite.run(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: -o: reqcache_expire_after: 'soon' *"])


@pytest.mark.parametrize("value", ["tomorrow", ""])
def test_wrong_flag_value_is_a_usage_error(suite, value):
    suite.test("def test_it(): pass")
    result = suite.run(f"--reqcache-expire-after={value}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--reqcache-expire-after*'{value}'*"])


def test_autouse_gives_every_test_the_bare_marker(suite):
    suite.write("pytest.ini", "[pytest]\nreqcache_autouse = true\n")
    suite.test("""
        def test_it():
            assert requests.get(URL + "/a").ok
    """)
    suite.run().assert_outcomes(passed=1)
    assert suite.cassettes() == ["test_it/test_it.yaml"]


@pytest.mark.parametrize("how", ["flag", "ini"])
def test_cassette_dir(suite, how):
    suite.test(
        """
        @pytest.mark.reqcache
        def test_own():
            assert requests.get(URL + "/a").ok

        @pytest.mark.reqcache("named")
        def test_named():
            assert requests.get(URL + "/a").ok
        """,
        "unit/test_it.py",
    )
    if how == "ini":
        suite.write("pytest.ini", "[pytest]\nreqcache_cassette_dir = recorded\n")
        suite.run().assert_outcomes(passed=2)
    else:
        suite.run("--reqcache-cassette-dir=recorded").assert_outcomes(passed=2)
    base = suite.path / "recorded"
    assert sorted(path.relative_to(base).as_posix() for path in base.rglob("*.yaml")) == [
        "named.yaml",
        "unit/test_it/test_own.yaml",
    ]


@pytest.mark.parametrize(
    "how", [("--reqcache-cassette-dir=~/tapes",), ("-o", "reqcache_cassette_dir=~/tapes")]
)
def test_cassette_dir_may_be_in_the_home_directory(suite, tmp_path, monkeypatch, how):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    suite.test("""
        @pytest.mark.reqcache("named")
        def test_it():
            assert requests.get(URL + "/a").ok
    """)
    suite.run(*how).assert_outcomes(passed=1)
    assert (tmp_path / "home" / "tapes" / "named.yaml").exists()


@pytest.mark.parametrize("name", ["cassette-dir", "report"])
def test_a_path_that_was_left_out_is_a_usage_error(suite, name):
    """As where a variable of a script is empty."""
    suite.test("def test_it(): pass")
    result = suite.run(f"--reqcache-{name}=")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --reqcache-{name}='': a path is accepted"])


def test_cassette_dir_tells_modules_apart_that_are_not_below_the_rootdir(suite):
    suite.write("ci/pytest.ini", "[pytest]\nreqcache_cassette_dir = recorded\n")
    for name in ("a", "b"):
        suite.test(
            f"""
            @pytest.mark.reqcache
            def test_it():
                assert requests.get(URL + "/{name}").ok
            """,
            f"tests/{name}/test_it.py",
        )
    for arguments in (["tests"], ["tests/a", "tests/b", "--reqcache-offline"]):
        suite.run("-c", "ci/pytest.ini", "--import-mode=importlib", *arguments).assert_outcomes(passed=2)
    base = suite.path / "ci" / "recorded"
    assert sorted(path.relative_to(base).as_posix() for path in base.rglob("*.yaml")) == [
        "__/tests/a/test_it/test_it.yaml",
        "__/tests/b/test_it/test_it.yaml",
    ]


def test_config_fixture_sets_what_only_code_can(suite):
    suite.test("""
        @pytest.fixture(scope="module")
        def reqcache_config():
            return dict(filter_fn=lambda response: "/private" not in response.url)

        @pytest.mark.reqcache
        def test_it():
            assert requests.get(URL + "/a").ok
            assert requests.get(URL + "/private").ok
    """)
    suite.run().assert_outcomes(passed=1)
    assert "/private" not in suite.cassette()


def test_config_fixture_with_a_key_that_is_no_name(suite):
    suite.test("""
        @pytest.fixture
        def reqcache_config():
            return {5: "1d"}

        @pytest.mark.reqcache
        def test_it():
            pass
    """)
    result = suite.run()
    result.stdout.fnmatch_lines(["test_it.py::test_it: reqcache_config: '5' is no setting; accepted are *"])
    result.stdout.no_fnmatch_line("*During handling*")


def test_help_names_flags_and_ini_options(suite):
    result = suite.run("--help")
    result.stdout.fnmatch_lines(["*--reqcache-offline*", "*reqcache_expire_after*"])


def test_every_setting_of_the_ini_file_has_a_parser_and_every_marker_setting_an_ini_option():
    from pytest_reqcache.plugin.options import INI_SETTINGS
    from pytest_reqcache.settings import MARKER_SETTINGS, TEXT_PARSERS

    assert set(INI_SETTINGS) == set(MARKER_SETTINGS) == set(TEXT_PARSERS)


def test_error_in_ones_own_reqcache_config_keeps_its_traceback(suite):
    suite.test("""
        @pytest.fixture
        def reqcache_config():
            return {"expire_after": 1 + "d"}

        @pytest.mark.reqcache
        def test_it():
            pass
    """)
    result = suite.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*return {*1 + *", "E *TypeError: unsupported operand*", "test_it.py:*: TypeError"]
    )
