"""The marker: what it records, what it replays, and how it is checked."""

from __future__ import annotations

import pytest

from origin import Answer


def test_marked_test_records_then_replays_without_the_server(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            assert requests.get(URL + "/a").json()["path"] == "/a"
    """)
    suite.run().assert_outcomes(passed=1)
    assert suite.origin.count("/a") == 1
    assert suite.cassettes() == ["test_it/test_it.yaml"]
    suite.origin.stop()
    result = suite.offline()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["reqcache: offline (--reqcache-offline)", "1 replayed, 0 requests made"])


@pytest.mark.parametrize(
    "code",
    [
        """
        @pytest.mark.reqcache
        class TestIt:
            def test_it(self):
                assert requests.get(URL + "/a").ok
        """,
        """
        pytestmark = pytest.mark.reqcache
        def test_it():
            assert requests.get(URL + "/a").ok
        """,
        """
        import unittest
        @pytest.mark.reqcache
        class TestIt(unittest.TestCase):
            def test_it(self):
                assert requests.get(URL + "/a").ok
        """,
    ],
    ids=["class", "module", "unittest"],
)
def test_marker_on_wider_scopes(suite, code):
    suite.test(code)
    suite.run().assert_outcomes(passed=1)
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=1)


@pytest.mark.parametrize("asked_for", ["", "reqcache", "cached_session"])
def test_fixtures_of_the_test_are_part_of_it_whichever_it_names_first(suite, asked_for):
    suite.test(f"""
        @pytest.fixture
        def client():
            assert requests.get(URL + "/set-up").ok
            yield
            assert requests.get(URL + "/tear-down").ok

        @pytest.mark.reqcache
        def test_it(client, {asked_for}):
            assert requests.get(URL + "/test").ok

        @pytest.mark.reqcache
        class TestAuto:
            @pytest.fixture(autouse=True)
            def auto(self, client):
                pass

            def setup_method(self):
                assert requests.get(URL + "/method").ok

            def test_it(self, {asked_for}):
                assert requests.get(URL + "/test").ok
    """)
    result = suite.run()
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["7 recorded, 7 requests made"])
    assert "wider scope" not in result.stdout.str()
    suite.origin.stop()
    result = suite.offline()
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["7 replayed, 0 requests made"])


def test_every_session_is_reached(suite):
    suite.test("""
        before = requests.Session()
        class Mine(requests.Session):
            pass

        @pytest.mark.reqcache
        def test_it(reqcache):
            before.get(URL + "/before")
            Mine().get(URL + "/subclass")
            requests.get(URL + "/function")
            requests.Session().send(requests.Request("GET", URL + "/prepared").prepare())
            assert reqcache.replayed + reqcache.recorded == 4
    """)
    suite.run().assert_outcomes(passed=1)
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=1)


PATCHED_SENDS = {
    "saved": """
        saved = requests.Session.send
        @pytest.fixture(autouse=True)
        def timeout(monkeypatch):
            def send(self, request, **kw):
                return saved(self, request, **{**kw, "timeout": 5})

            monkeypatch.setattr(requests.Session, "send", send)
    """,
    "blocked": """
        from unittest import mock
        block = mock.patch("requests.Session.send", side_effect=RuntimeError("no network"))
        block.start()
        @pytest.fixture(autouse=True)
        def network():
            block.stop()
            yield
            block.start()
    """,
    "written anew": """
        @pytest.fixture(autouse=True)
        def plain(monkeypatch):
            def send(self, request, *, proxies, allow_redirects, **kw):
                adapter = self.get_adapter(request.url)
                adapter.max_retries = adapter.max_retries
                return adapter.send(request, **kw)

            monkeypatch.setattr(requests.Session, "send", send)
    """,
}


@pytest.mark.parametrize("patch", PATCHED_SENDS.values(), ids=PATCHED_SENDS)
def test_what_a_patched_send_makes_is_recorded(suite, patch):
    """Helpers save ``Session.send`` when they are imported, before it is ours."""
    suite.write("conftest.py", patch)
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            assert [requests.get(URL + "/a").from_cache for _ in range(2)][1]

        @pytest.mark.reqcache
        def test_other():
            assert requests.get(URL + "/b").ok
    """)
    result = suite.subprocess()
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["1 replayed, 2 recorded, 2 requests made"])
    suite.origin.stop()
    result = suite.subprocess("--reqcache-offline")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["3 replayed, 0 requests made"])


def test_patch_of_send_ends_with_its_fixture_even_if_it_looks_like_what_it_wraps(suite):
    suite.test("""
        import functools
        from unittest import mock

        saved, seen = requests.Session.send, []

        @functools.wraps(saved)
        def logged(self, request, **kwargs):
            seen.append(request.url)
            return saved(self, request, **kwargs)

        @pytest.fixture(scope="class")
        def logging():
            with mock.patch.object(requests.Session, "send", logged):
                yield

        class TestLogged:
            @pytest.mark.reqcache
            def test_it(self, logging):
                assert requests.get(URL + "/a").ok
                assert seen == [URL + "/a"]

        @pytest.mark.reqcache
        def test_after():
            assert requests.get(URL + "/b").ok
            assert seen == [URL + "/a"]
    """)
    result = suite.subprocess()
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["2 recorded, 2 requests made"])


def test_unmarked_tests_are_left_alone(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_first():
            assert requests.get(URL + "/a").ok

        def test_it():
            assert requests.get(URL + "/a").ok
            assert not hasattr(requests.get(URL + "/a"), "from_cache")
    """)
    result = suite.run()
    result.assert_outcomes(passed=2)
    assert suite.origin.count("/a") == 3
    assert suite.cassettes() == ["test_it/test_first.yaml"]


def test_closest_marker_wins_and_the_rest_is_merged(suite):
    suite.test("""
        pytestmark = pytest.mark.reqcache(expire_after="1h", allowable_codes=[200])

        @pytest.mark.reqcache("shared", expire_after="1d", repeats="sequence")
        def test_it(reqcache):
            import datetime
            assert reqcache.settings.expire_after == datetime.timedelta(days=1)
            assert reqcache.settings.allowable_codes == {200}
            assert reqcache.settings.repeats == "sequence"
            assert reqcache.cassette.path.name == "shared.yaml"
    """)
    suite.run().assert_outcomes(passed=1)


def test_closest_marker_is_a_parameters_then_a_functions_then_a_subclass_s(suite):
    suite.write(
        "conftest.py",
        """
        def pytest_collection_modifyitems(items):
            for item in items:
                if item.name.startswith("test_added_before"):
                    item.add_marker(pytest.mark.reqcache("added", expire_after="9h"), append=False)
                elif item.name.startswith("test_added"):
                    item.add_marker(pytest.mark.reqcache("added", expire_after="9h"))
        """,
    )
    suite.test("""
        m = pytest.mark.reqcache

        @pytest.fixture
        def said(reqcache):
            return reqcache.cassette.path.stem, reqcache.settings.expire_after.total_seconds() / 3600

        class Base:
            pytestmark = m("base", expire_after="3h")
            expected = "base", 3

            def test_class(self, said):
                assert said == self.expected

            @m("method")
            def test_method(self, said):
                assert said == ("method", self.expected[1])

        class TestBase(Base):
            pass

        class TestChild(Base):
            pytestmark = m("child", expire_after="2h")
            expected = "child", 2

        class TestGrandchild(TestChild):
            pytestmark = [m(expire_after="1h"), m("second", expire_after="8h")]
            expected = "second", 1

        @m(expire_after="7h")
        @m("function", expire_after="3h")
        @pytest.mark.parametrize("expected", [
            ("function", 3),
            pytest.param(("function", 1), marks=m(expire_after="1h")),
            pytest.param(("one", 3), marks=m("one")),
            pytest.param(("two", 2), marks=[m("two"), m("three", expire_after="2h")]),
        ])
        def test_parameter(said, expected):
            assert said == expected

        @m("function", expire_after="3h")
        @pytest.mark.parametrize("expected", [
            ("function", 3),
            pytest.param(("one", 3), marks=m("one")),
        ])
        def test_added(said, expected):
            assert said == expected

        @m("function", expire_after="3h")
        @pytest.mark.parametrize("marked", [1, pytest.param(2, marks=m("one"))])
        def test_added_before(said, marked):
            assert said == ("added", 9)
    """)
    suite.run().assert_outcomes(passed=14)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "expire_afer=5",
            "*test_it.py::test_it: @pytest.mark.reqcache: 'expire_afer'*did you mean 'expire_after'*",
        ),
        ("expire_after='soon'", "*test_it.py::test_it*expire_after: 'soon' is not*"),
        ("expire_after=-5", "*test_it.py::test_it*expire_after*-5*"),
        ("refresh='yes'", "*refresh='yes'*True or False*"),
        ("repeats='often'", "*repeats='often'*'share' and 'sequence'*"),
        ("allowable_codes=200", "*allowable_codes=200*a list of HTTP statuses*"),
        ("'../outside'", "*'../outside' leads out of the cassettes' folder*"),
        ("5", "*5 is no cassette name*"),
        ("'a', 'b'", "*2 positional arguments*"),
        ("'a', cassette='b'", "*'a' and cassette='b' name the cassette: one of them is accepted*"),
        (
            "filter_fn=bool",
            "*'filter_fn' is no setting of this place, but of sessions and of reqcache_config; accepted are*",
        ),
        ("key_fn=len", "*'key_fn' is no setting*"),
    ],
)
@pytest.mark.parametrize("how", [(), ("--reqcache-unused=report",)], ids=["", "unused"])
def test_wrong_marker_is_a_usage_error_at_collection(suite, arguments, message, how):
    suite.test(f"""
        @pytest.mark.reqcache({arguments})
        def test_it():
            pass
    """)
    result = suite.run(*how)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
    assert "Traceback" not in result.stderr.str()


def test_marker_is_registered(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            pass

        @pytest.mark.reqcashe
        def test_typo():
            pass
    """)
    result = suite.run("--strict-markers")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*'reqcashe' not found in `markers`*"])
    suite.run("--markers").stdout.fnmatch_lines(["@pytest.mark.reqcache(cassette=None, *"])


def test_named_cassette_is_shared_by_tests(suite):
    suite.test("""
        @pytest.mark.reqcache("api/shared")
        def test_a():
            assert requests.get(URL + "/a").ok

        @pytest.mark.reqcache("api/shared")
        def test_b():
            assert requests.get(URL + "/a").ok
            assert requests.get(URL + "/b").ok
    """)
    suite.run().assert_outcomes(passed=2)
    assert suite.origin.count() == 2
    assert suite.cassettes() == ["api/shared.yaml"]


def test_parametrised_tests_have_distinct_portable_names(suite):
    suite.test("""
        @pytest.mark.reqcache
        @pytest.mark.parametrize("city", ["São Paulo", "a/b", "a:b", "x" * 300, "A", "a", "../up"])
        def test_it(city):
            assert requests.get(URL + "/w", params={"q": city}).ok
    """)
    suite.run().assert_outcomes(passed=7)
    names = suite.cassettes()
    assert len({name.casefold() for name in names}) == 7
    assert all(len(name.rpartition("/")[2]) < 150 and name.startswith("test_it/") for name in names)
    assert all(
        set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.[]/")
        for name in names
    )
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=7)


def test_marker_on_one_parameter_leaves_the_others_alone(suite):
    suite.test("""
        @pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.reqcache)])
        def test_it(n):
            assert requests.get(URL + f"/{n}").ok
    """)
    suite.run().assert_outcomes(passed=2)
    assert suite.cassettes() == ["test_it/test_it[2].yaml"]


def test_redirects_cookies_and_bytes_come_back(suite):
    suite.origin["/from"] = Answer(
        status=302, headers={"Location": "/to", "Set-Cookie": "theme=light; Path=/"}
    )
    suite.origin["/to"] = Answer(
        "żółw ".encode("iso-8859-2"), headers={"Content-Type": "text/plain; charset=iso-8859-2"}
    )
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            session = requests.Session()
            response = session.get(URL + "/from")
            assert [hop.status_code for hop in response.history] == [302]
            assert response.text == "żółw "
            assert response.encoding == "iso-8859-2"
            assert session.cookies["theme"] == "light"
    """)
    suite.run().assert_outcomes(passed=1)
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=1)
