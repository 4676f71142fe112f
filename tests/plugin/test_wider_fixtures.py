"""Fixtures of wider scope: their requests are no test's, whichever test comes first."""

from __future__ import annotations

import json
import re
import warnings

import pytest

from origin import Answer

CODE = """
    @pytest.fixture(scope="{scope}")
    def token():
        return requests.post(URL + "/login").json()["n"]

    @pytest.mark.reqcache
    def test_a(token):
        assert requests.get(URL + "/a").ok

    @pytest.mark.reqcache
    def test_b(token):
        assert requests.get(URL + "/b").ok
"""


@pytest.mark.parametrize("scope", ["class", "module", "package", "session"])
def test_cassette_of_the_test_is_set_aside(suite, scope):
    suite.test(CODE.format(scope=scope))
    result = suite.run()
    result.assert_outcomes(passed=2)
    assert suite.cassettes() == ["test_it/test_a.yaml", "test_it/test_b.yaml"]
    for name in ("a", "b"):
        assert "/login" not in suite.cassette(f"test_it/test_{name}")
    result.stdout.fnmatch_lines(
        ["requested by fixtures of wider scope*", f"  token: POST {suite.origin.url}/login*"]
    )


@pytest.mark.parametrize("first", ["test_a", "test_b"])
def test_which_test_runs_first_makes_no_difference(suite, first):
    suite.test(CODE.format(scope="module"))
    second = {"test_a": "test_b", "test_b": "test_a"}[first]
    suite.run(f"test_it.py::{first}", f"test_it.py::{second}").assert_outcomes(passed=2)
    assert suite.cassettes() == ["test_it/test_a.yaml", "test_it/test_b.yaml"]
    assert "/login" not in suite.cassette("test_it/test_a") + suite.cassette("test_it/test_b")


FACTORY = """
    @pytest.fixture(scope="session")
    def token(cached_session_factory):
        session = cached_session_factory("login")
        return session.post(URL + "/login").json()["access_token"]

    @pytest.mark.reqcache
    def test_a(token):
        assert requests.get(URL + "/a", headers={"Authorization": "Bearer " + token}).text == "in"

    @pytest.mark.reqcache
    def test_b(token):
        assert requests.get(URL + "/b", headers={"Authorization": "Bearer " + token}).text == "in"
"""


@pytest.fixture
def guarded(suite):
    """A suite whose origin lets in who has logged in."""
    suite.origin["/login"] = Answer({"access_token": "t0ken-0123456789"})
    for path in ("/a", "/b"):
        suite.origin[path] = lambda seen: Answer(
            "in" if seen.headers.get("authorization") == "Bearer t0ken-0123456789" else "out"
        )
    return suite


@pytest.mark.parametrize("selected", [(), ("-k", "test_b"), ("test_it.py::test_b", "test_it.py::test_a")])
def test_factory_records_for_wider_fixtures(guarded, selected):
    guarded.test(FACTORY)
    result = guarded.run(*selected)
    assert result.ret == 0
    assert "login.yaml" in guarded.cassettes()
    assert "t0ken-0123456789" not in "".join(guarded.cassette(name[:-5]) for name in guarded.cassettes())
    assert "requested by fixtures" not in result.stdout.str()
    guarded.origin.stop()
    offline = guarded.offline(*selected)
    assert offline.ret == 0
    offline.stdout.fnmatch_lines(["*replayed, 0 requests made"])


def test_factory_patches_every_session(guarded):
    guarded.test(
        FACTORY.replace('session = cached_session_factory("login")', "session = requests.Session()").replace(
            "return session.post(URL",
            'with cached_session_factory.patched("login"):\n            return session.post(URL',
        )
    )
    guarded.run().assert_outcomes(passed=2)
    guarded.origin.stop()
    guarded.offline().assert_outcomes(passed=2)


LOGIN = """
    @pytest.fixture(scope="session")
    def {name}(cached_session_factory):
        return cached_session_factory("{name}").get(URL + "/login")
"""


@pytest.mark.parametrize(
    ("paths", "folders"),
    [(["tests"], "ab"), (["tests/a", "tests/b"], "ab"), (["tests/b/test_b.py"], "b"), ([], "ab")],
    ids=str,
)
def test_cassette_of_a_factory_lies_beside_its_fixture_wherever_the_rootdir_is(suite, paths, folders):
    suite.write("ci/pytest.ini", "[pytest]")
    for name in ("a", "b"):
        suite.write(f"tests/{name}/conftest.py", LOGIN.format(name=f"{name}_login"))
        code = f"{LOGIN.format(name='own')}\n    def test_it({name}_login, own): pass"
        suite.test(code, f"tests/{name}/test_{name}.py")
    assert suite.run("-c", "ci/pytest.ini", *paths).ret == 0
    assert sorted(file.relative_to(suite.path).as_posix() for file in suite.path.rglob("*.yaml")) == [
        f"tests/{name}/cassettes/{cassette}.yaml" for name in folders for cassette in (f"{name}_login", "own")
    ]


@pytest.mark.parametrize(
    ("module", "place"),
    [("fix/api", "fix"), ("venv/site-packages/api", ".")],
    ids=["of the suite", "installed"],
)
def test_cassette_of_a_plugin_s_factory_lies_beside_it_if_it_is_of_the_suite(suite, module, place):
    suite.write(f"{module}.py", LOGIN.format(name="login"))
    suite.test("def test_it(login): pass")
    suite.pytester.syspathinsert((suite.path / module).parent)
    suite.run("-p", "api").assert_outcomes(passed=1)
    assert (suite.path / place / "cassettes" / "login.yaml").exists()


@pytest.mark.parametrize(
    "use", ["cached_session_factory('a')", "cached_session_factory.patched('a').__enter__()"]
)
@pytest.mark.parametrize("where", ["test", "fixture", "dynamic"])
def test_factory_is_refused_outside_of_fixtures_of_wider_scope(suite, use, where):
    suite.test(
        {
            "test": f"def test_it(cached_session_factory): {use}",
            "fixture": f"""
                @pytest.fixture
                def api(cached_session_factory): {use}
                def test_it(api): pass
            """,
            "dynamic": f"""
                def test_it(request):
                    cached_session_factory = request.getfixturevalue("cached_session_factory")
                    {use}
            """,
        }[where]
    )
    result = suite.run()
    result.stdout.fnmatch_lines(["E *RuntimeError: cached_session_factory: 'a' was asked for in a test*"])
    assert suite.cassettes() == []


def test_factory_called_twice_gives_sessions_on_one_cassette(suite):
    suite.test("""
        @pytest.fixture(scope="session")
        def api(cached_session_factory):
            first, second = (cached_session_factory("api", expire_after="1d") for _ in range(2))
            assert not first.get(URL + "/a").from_cache
            assert second.get(URL + "/a").from_cache

        def test_it(api):
            pass
    """)
    suite.run().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("expire_afer='2d'", "TypeError: *'expire_afer'*expire_after*"),
        ("expire_after='soon'", "ValueError: *'soon'*"),
    ],
)
def test_settings_of_a_factory_cassette_are_those_of_all_its_sessions(suite, settings, message):
    suite.test(f"""
        @pytest.fixture(scope="session")
        def api(cached_session_factory):
            cached_session_factory("api", expire_after="1d")
            cached_session_factory("api", {settings})

        def test_it(api):
            pass
    """)
    result = suite.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"E * {message}".replace("[", "[[]")])


def test_factory_patches_every_session_as_long_as_its_fixture_lives(suite):
    suite.test("""
        @pytest.fixture(scope="module")
        def api(cached_session_factory):
            with cached_session_factory.patched("api"):
                yield
                requests.get(URL + "/end")

        @pytest.fixture(scope="module")
        def other():
            requests.get(URL + "/other")

        def test_before(api):
            assert requests.get(URL + "/before").ok

        @pytest.mark.reqcache
        def test_marked(api, other):
            assert requests.get(URL + "/marked").ok

        def test_after(api):
            assert requests.get(URL + "/after").ok
    """)
    suite.test("def test_outside(): assert requests.get(URL + '/outside').ok", "test_later.py")
    result = suite.run()
    result.assert_outcomes(passed=4)
    assert [path for path in ("before", "other", "after", "end") if path not in suite.cassette("api")] == []
    assert suite.cassette("api").count("url: ") == 4
    assert suite.cassette("test_it/test_marked").count("url: ") == 1
    assert "requested by fixtures" not in result.stdout.str()
    assert "requested by fixtures" not in suite.run("--reqcache-disable").stdout.str()


def test_patches_of_fixtures_may_end_in_another_order_than_they_began(suite):
    suite.test("""
        @pytest.fixture(scope="module")
        def late(cached_session_factory):
            with cached_session_factory.patched("late"):
                yield

        @pytest.fixture(scope="class")
        def early(cached_session_factory):
            with cached_session_factory.patched("early"):
                yield

        class TestEarly:
            def test_it(self, early, request):
                request.getfixturevalue("late")
                assert requests.get(URL + "/late").ok

        def test_still(late):
            assert requests.get(URL + "/still").ok
    """)
    suite.test("def test_outside(): assert requests.get(URL + '/outside').ok", "test_later.py")
    suite.run().assert_outcomes(passed=3)
    assert suite.cassettes() == ["late.yaml"]
    assert "/late" in suite.cassette("late")
    assert "/still" in suite.cassette("late")
    assert "/outside" not in suite.cassette("late")


@pytest.mark.parametrize("second", ["post(URL + '/other')", "get(URL + '/job')"])
def test_sequence_goes_on_when_another_fixture_is_set_up(suite, second):
    suite.test(f"""
        @pytest.fixture(scope="session")
        def api(cached_session_factory):
            session = cached_session_factory("api", repeats="sequence")
            assert [session.get(URL + "/job").json()["n"] for _ in range(3)] == [1, 2, 3]
            return session

        @pytest.fixture(scope="session")
        def other(api):
            assert api.{second}.json()["n"] == 4

        def test_it(other):
            pass
    """)
    suite.run().assert_outcomes(passed=1)
    assert suite.cassette("api").count("url: ") == 4
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=1)


TWO_LOGINS = """
    def login(session, user):
        return session.post(URL + "/login", json={"user": user}).json()["access_token"]

    @pytest.fixture(scope="session")
    def admin(cached_session_factory):
        return login(cached_session_factory("admin"), "admin")

    @pytest.fixture(scope="session")
    def guest(cached_session_factory):
        with cached_session_factory.patched("guest"):
            return login(requests, "guest")

    def me(token):
        return requests.get(URL + "/me", headers={"Authorization": "Bearer " + token}).text

    @pytest.mark.reqcache
    def test_admin(admin):
        assert me(admin) == "admin"

    @pytest.mark.reqcache
    def test_guest(guest):
        assert me(guest) == "guest"

    @pytest.mark.reqcache
    def test_both(admin, guest):
        assert (me(admin), me(guest)) == ("admin", "guest")

    @pytest.mark.reqcache
    def test_own_login(admin):
        token = login(requests, "guest")
        assert (me(admin), me(token)) == ("admin", "guest")
"""


def with_logins(suite):
    suite.origin["/login"] = lambda seen: Answer(
        {"access_token": f"tok-{json.loads(seen.body)['user']}-Vb7Qw8Er9"}
    )
    suite.origin["/me"] = lambda seen: Answer(seen.headers["authorization"].split("-")[1].encode())
    suite.test(TWO_LOGINS)


@pytest.mark.parametrize("runs", [[""], ["-k=admin", "-k=guest", "--reqcache-force-refresh"]], ids=len)
def test_tokens_of_two_logins_are_told_apart(suite, runs):
    with_logins(suite)
    for arguments in runs:
        suite.run("test_it.py", *filter(None, [arguments]))
    assert "REDACTED-access_token-admin" in suite.cassette("admin")
    assert "REDACTED-access_token-guest" in suite.cassette("guest")
    suite.run().assert_outcomes(passed=4)
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=4)


def test_refresh_tells_tokens_of_two_logins_apart_that_are_called_the_same(suite):
    with_logins(suite)
    suite.run().assert_outcomes(passed=4)
    for path in (suite.path / "cassettes").rglob("*.yaml"):
        path.write_text(
            re.sub("REDACTED-access_token-(admin|guest)", "REDACTED-access_token", path.read_text())
        )
    suite.run("--reqcache-force-refresh").assert_outcomes(passed=4)
    suite.run().assert_outcomes(passed=4)
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=4)


def test_failed_set_up_of_a_wider_fixture_commits_nothing(guarded):
    guarded.test("""
        @pytest.fixture(scope="session")
        def token(cached_session_factory):
            cached_session_factory("login").post(URL + "/login")
            raise OSError

        def test_it(token):
            pass
    """)
    result = guarded.run()
    result.assert_outcomes(errors=1)
    assert guarded.cassettes() == []
    result.stdout.fnmatch_lines(["1 request made"])


@pytest.mark.parametrize("end", ["pytest.skip('no docker')", "raise OSError"])
def test_set_up_that_fails_drops_what_was_recorded_within_it_alone(suite, end):
    suite.test(f"""
        @pytest.fixture(scope="session")
        def api(cached_session_factory):
            return cached_session_factory("api")

        @pytest.fixture(scope="module")
        def docker(api):
            api.get(URL + "/docker")
            {end}

        def test_a(api):
            assert api.get(URL + "/a").ok

        def test_b(docker):
            pass
    """)
    suite.run()
    assert suite.cassette("api").count("url: ") == 1
    assert "/a" in suite.cassette("api")


@pytest.mark.parametrize(
    ("then", "kept"),
    [("raise", []), ("return", ["/shop", "/docker", "/spare"])],
    ids=["fails with it", "does without it"],
)
def test_fixture_that_fails_within_another_is_a_part_of_it(suite, then, kept):
    suite.test(f"""
        @pytest.fixture(scope="session")
        def docker(cached_session_factory):
            cached_session_factory("shop").get(URL + "/docker")
            raise OSError

        @pytest.fixture(scope="module")
        def shop(request, cached_session_factory):
            session = cached_session_factory("shop")
            session.get(URL + "/shop")
            try:
                request.getfixturevalue("docker")
            except OSError:
                session.get(URL + "/spare")
                {then}

        def test_it(shop):
            pass
    """)
    suite.run()
    assert suite.origin.count() == 3
    text = suite.cassette("shop") if suite.cassettes() else ""
    assert [path for path in ("/shop", "/docker", "/spare") if path in text] == kept


def test_fixture_that_asks_for_another_commits_with_it(suite):
    suite.test("""
        @pytest.fixture(scope="session")
        def login(cached_session_factory):
            assert cached_session_factory("login").post(URL + "/login").ok

        @pytest.fixture(scope="module")
        def shop(request, cached_session_factory):
            request.getfixturevalue("login")
            cached_session_factory("shop").post(URL + "/shop")
            raise OSError

        def test_a(shop):
            pass
    """)
    suite.run()
    assert suite.cassettes() == ["login.yaml"]


@pytest.mark.parametrize(("importer", "folder"), [("", ""), ("unit/", "unit/")], ids=["rootdir", "folder"])
def test_cassette_of_an_imported_fixture_stands_beside_the_conftest_file_that_has_it(suite, importer, folder):
    suite.write("helpers/__init__.py", "")
    suite.write(
        "helpers/login.py",
        """
        @pytest.fixture(scope="session")
        def token(cached_session_factory):
            return cached_session_factory("login").post(URL + "/login").json()
        """,
    )
    suite.write(f"{importer}conftest.py", "from helpers.login import token")
    suite.test("def test_it(token): pass", "unit/test_it.py")
    suite.pytester.syspathinsert()
    suite.run().assert_outcomes(passed=1)
    assert [path.relative_to(suite.path).as_posix() for path in suite.path.rglob("*.yaml")] == [
        f"{folder}cassettes/login.yaml"
    ]


def test_cassette_stands_beside_the_file_of_a_fixture_in_a_class(suite):
    suite.test(
        """
        class TestShop:
            @pytest.fixture(scope="class")
            def api(self, cached_session_factory):
                return cached_session_factory("api").get(URL + "/a")

            def test_it(self, api):
                assert api.ok
        """,
        "unit/test_it.py",
    )
    suite.run().assert_outcomes(passed=1)
    assert [path.relative_to(suite.path).as_posix() for path in suite.path.rglob("*.yaml")] == [
        "unit/cassettes/api.yaml"
    ]


def test_cassette_stands_beside_the_file_of_the_fixture(guarded):
    guarded.write(
        "unit/conftest.py",
        """
        @pytest.fixture(scope="session")
        def token(cached_session_factory):
            return cached_session_factory("login").post(URL + "/login").json()
        """,
    )
    guarded.test("def test_it(token): pass", "unit/deep/test_it.py")
    guarded.run().assert_outcomes(passed=1)
    assert (guarded.path / "unit" / "cassettes" / "login.yaml").exists()


def test_requests_of_a_wider_teardown_are_named(suite):
    suite.test("""
        @pytest.fixture(scope="module")
        def wide():
            yield
            requests.delete(URL + "/wide")

        @pytest.mark.reqcache
        def test_it(wide):
            assert requests.get(URL + "/a").ok

        def test_plain():
            assert requests.get(URL + "/plain").ok
    """)
    result = suite.run("test_it.py::test_plain", "test_it.py::test_it")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["  teardown of wide: DELETE */wide"])
    assert "/plain" not in result.stdout.str()
    assert "/wide" not in suite.cassette()


PARAMETRIZED = """
    @pytest.fixture(scope="module", params=["a", "b"])
    def wide(request{argument}):
        yield
        with {within}:
            requests.delete(URL + "/" + request.param)
        {end}

    @pytest.mark.reqcache
    def test_it(wide):
        assert requests.get(URL + "/it").ok
"""


def test_tear_down_of_a_parametrized_wider_fixture_is_no_part_of_the_next_test(suite):
    suite.test(PARAMETRIZED.format(argument="", within="open(__file__)", end=""))
    result = suite.run()
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["  teardown of wide: DELETE */a", "  teardown of wide: DELETE */b"])
    for name in suite.cassettes():
        cassette = suite.cassette(name.removesuffix(".yaml"))
        assert "DELETE" not in cassette
        assert "/it" in cassette


def test_tear_down_of_a_parametrized_wider_fixture_that_fails_leaves_the_next_test_its_cassette(suite):
    suite.test(PARAMETRIZED.format(argument="", within="open(__file__)", end="assert request.param == 'b'"))
    suite.run().assert_outcomes(passed=1, errors=1)
    suite.run("-k", "b").assert_outcomes(passed=1, deselected=1)
    assert suite.cassettes() == ["test_it/test_it[a].yaml", "test_it/test_it[b].yaml"]


def test_factory_in_a_tear_down_takes_the_cassette_beside_the_file(suite):
    code = PARAMETRIZED.format(
        argument=", cached_session_factory", within="cached_session_factory.patched('wide')", end=""
    )
    suite.test(code, "unit/test_it.py")
    result = suite.run()
    result.assert_outcomes(passed=2)
    assert "requested by fixtures" not in result.stdout.str()
    assert (suite.path / "unit/cassettes/wide.yaml").read_text().count("DELETE") == 2


def test_requests_that_pass_through_are_not_named(suite):
    suite.write("pytest.ini", "[pytest]\nreqcache_passthrough = 127.0.0.1:*/local\n")
    suite.test("""
        @pytest.fixture(scope="module")
        def wide():
            return requests.get(URL + "/local"), requests.get(URL + "/remote")

        @pytest.mark.reqcache
        def test_it(wide):
            pass
    """)
    result = suite.run()
    result.stdout.fnmatch_lines(["  wide: GET */remote"])
    assert "/local" not in result.stdout.str()


def test_miss_of_a_wider_fixture_is_explained_in_the_failing_test(suite):
    suite.test("""
        @pytest.fixture(scope="session")
        def login(cached_session_factory):
            response = cached_session_factory("login").post(URL + "/login")
            response.raise_for_status()

        def test_it(login):
            pass
    """)
    result = suite.offline()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*- reqcache -*", "not cached: POST */login", "*cassette:  *login.yaml"])
    result.stdout.fnmatch_lines(["*1 missed, 0 requests made"])


def test_miss_of_a_wider_fixture_is_not_told_of_tests_without_it(suite):
    suite.test("""
        @pytest.fixture(scope="session")
        def login(cached_session_factory):
            return cached_session_factory("login").get(URL + "/login")

        def test_first(login): assert login.ok
        def test_second(login): assert login.ok
        def test_other(): assert False
    """)
    result = suite.run("--reqcache-offline")
    result.assert_outcomes(failed=3)
    assert result.stdout.str().count("not cached: GET") == 2


def test_miss_of_a_wider_session_is_told_of_the_test_that_made_the_request(suite):
    suite.test("""
        @pytest.fixture(scope="session")
        def api(cached_session_factory):
            return cached_session_factory("api")

        def test_first(api): assert api.get(URL + "/first").ok
        def test_second(api): assert api.get(URL + "/second").ok
        class TestThird:
            def test_third(self, api): assert api.get(URL + "/third").ok
    """)
    result = suite.run("--reqcache-offline")
    result.assert_outcomes(failed=3)
    told = result.stdout.str()
    for name in ("first", "second", "third"):
        assert told.count(f"not cached: GET {suite.origin.url}/{name}\n") == 1


def test_finalizer_that_a_wider_fixture_adds_later_is_named(suite):
    suite.test("""
        @pytest.fixture(scope="module")
        def make(request):
            return lambda: request.addfinalizer(lambda: requests.delete(URL + "/late"))

        @pytest.mark.reqcache
        def test_it(make):
            make()
    """)
    suite.run().stdout.fnmatch_lines(["  teardown after *: DELETE */late"])


def test_settings_that_are_never_equal_may_be_given_again(suite):
    suite.write(
        "conftest.py",
        """
        import datetime, pytest

        @pytest.fixture(scope="module")
        def api(cached_session_factory):
            expiry = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
            return cached_session_factory("api", redact={"sig": lambda value: "0" * 8}, expire_after=expiry)
        """,
    )
    for name in "ab":
        suite.test(f"def test_{name}(api): assert api.get(URL + '/{name}').ok", f"test_{name}.py")
    suite.run().assert_outcomes(passed=2)


def test_what_cannot_be_written_of_a_wider_cassette_is_told_when_the_next_fixture_fails(suite, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "s3cr3t-value-of-the-shop-77")
    suite.origin["/a"] = Answer("echo s3cr3t-value-of-the-shop-77")
    suite.test("""
        @pytest.fixture(scope="session")
        def api(cached_session_factory):
            return cached_session_factory("api")

        @pytest.fixture(scope="module")
        def docker():
            raise OSError

        def test_a(api):
            assert api.get(URL + "/a").ok

        def test_b(docker):
            pass
    """)
    result = suite.run()
    result.stdout.fnmatch_lines(["*nothing was recorded: the value of the environment variable SHOP_TOKEN*"])
    assert suite.cassettes() == []


def test_a_warning_that_is_an_error_at_the_end_of_wider_sessions_loses_nothing(suite, monkeypatch):
    def join(self):
        warnings.warn("a refresh is slow", ResourceWarning, stacklevel=2)

    monkeypatch.setattr("pytest_reqcache.background.Background.join", join)
    suite.test("""
        @pytest.fixture(scope="session")
        def api(cached_session_factory):
            return cached_session_factory("api")

        def test_it(api):
            assert api.get(URL + "/a").ok
    """)
    suite.run("-W", "error::ResourceWarning")
    assert "/a" in suite.cassette("api")
