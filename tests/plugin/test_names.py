"""A suite that is recorded on one system is replayed on the others: names that cannot be are refused."""

from __future__ import annotations

import pytest

from pytest_reqcache.names import check_name, file_name


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("aux", "has the part 'aux', which is a device on Windows"),
        ("api/NUL.yaml", "has the part 'NUL.yaml', which is a device on Windows"),
        ("com1.v2", "has the part 'com1.v2', which is a device on Windows"),
        ("con /weather", "has a part that ends with a dot or a space, which Windows drops"),
        ("api./weather", "has a part that ends with a dot or a space, which Windows drops"),
        ("weather.", "has a part that ends with a dot or a space, which Windows drops"),
        ("what?", "has '?' in it, which Windows does not allow"),
        ("GET https:weather", "has ':' in it, which Windows does not allow"),
        ("weather/", "has an empty part"),
        ("api//weather", "has an empty part"),
        ("./weather", "has an empty part"),
        ("a\nb", r"has '\n' in it, which Windows does not allow"),
        ("ż" * 116, "has a part of 232 bytes in UTF-8, and no file system takes many more than 230"),
    ],
)
def test_name_that_is_none_on_some_system_is_refused(name, wrong):
    with pytest.raises(ValueError, match="for a cassette 'weather' or 'api/weather' is accepted") as raised:
        check_name(name)
    assert str(raised.value).startswith(f"{name!r} {wrong}: ")


@pytest.mark.parametrize(
    "name", ["weather", "api/weather.yml", "console", "aux-2", "ż" * 115, ".hidden", "COM"]
)
def test_name_that_is_one_everywhere_is_accepted(name):
    assert check_name(name) == name


def test_refused_name_is_a_usage_error_at_collection(suite):
    suite.test("""
        @pytest.mark.reqcache("api/aux")
        def test_it():
            assert requests.get(URL + "/a").ok
    """)
    result = suite.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*test_it.py::test_it: @pytest.mark.reqcache: 'api/aux' has the part 'aux'*"]
    )
    assert suite.origin.count() == 0


def test_refused_name_of_a_wider_cassette_fails_its_fixture(suite):
    suite.test("""
        @pytest.fixture(scope="module")
        def login(cached_session_factory):
            return cached_session_factory("what?")

        def test_it(login):
            pass
    """)
    result = suite.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*'what?' has '?' in it, which Windows does not allow*"])


def test_backslash_leads_to_the_same_cassette_on_every_system(suite):
    suite.test(r"""
        @pytest.mark.reqcache("api\\weather")
        def test_it():
            assert requests.get(URL + "/a").ok
    """)
    suite.run().assert_outcomes(passed=1)
    assert suite.cassettes() == ["api/weather.yaml"]


@pytest.mark.parametrize(
    ("own", "safe"), [("con", "_con-"), ("Aux.test_it", "_Aux.test_it-"), ("test_con", "test_con")]
)
def test_name_of_a_test_that_is_a_device_gets_another(own, safe):
    made = file_name(own)
    assert made.startswith(safe)
    assert (made == own) is (own == safe)


def test_tests_that_differ_in_case_alone_have_names_that_differ_in_more(suite):
    suite.test("""
        pytestmark = pytest.mark.reqcache

        def test_it():
            assert requests.get(URL + "/a").ok

        def test_It():
            assert requests.get(URL + "/b").ok

        class TestShop:
            def test_it(self):
                assert requests.get(URL + "/c").ok

        class TestSHOP:
            def test_it(self):
                assert requests.get(URL + "/d").ok

        class TestOther:
            def test_it(self):
                assert requests.get(URL + "/e").ok
    """)
    suite.run().assert_outcomes(passed=5)
    assert len({name.casefold() for name in suite.cassettes()}) == 5
    assert "test_it/TestOther.test_it.yaml" in suite.cassettes()
    suite.offline().assert_outcomes(passed=5)


def test_what_is_no_test_may_differ_from_one_in_case_alone(suite):
    suite.test("""
        pytestmark = pytest.mark.reqcache
        TEST_URL = test_URL = URL + "/a"

        @pytest.fixture
        def testshop():
            return test_url

        def test_url():
            assert requests.get(TEST_URL).ok

        class TestShop:
            TEST_IT = test_IT = None

            def test_it(self, testshop):
                assert requests.get(TEST_URL).ok
    """)
    suite.run().assert_outcomes(passed=2)
    assert suite.cassettes() == ["test_it/TestShop.test_it.yaml", "test_it/test_url.yaml"]


SPELLINGS = pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("Weather", "weather", "'weather.yaml' is spelt 'Weather.yaml'"),
        ("api/Shop/orders", "api/shop/orders", "'shop/orders.yaml' is spelt 'Shop/orders.yaml'"),
    ],
    ids=["file", "folder"],
)


@SPELLINGS
def test_shared_cassette_is_spelt_in_one_way(suite, first, second, told):
    suite.test(f"""
        @pytest.mark.reqcache("{first}")
        def test_one():
            assert requests.get(URL + "/a").ok

        @pytest.mark.reqcache("{second}")
        def test_two():
            assert requests.get(URL + "/a").ok
    """)
    result = suite.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = f"the cassette {told} by test_it.py::test_one: on macOS and Windows that is one file"
    result.stderr.fnmatch_lines([f"*test_two: @pytest.mark.reqcache: {told}, elsewhere *"])
    assert suite.cassettes() == []


@SPELLINGS
def test_wider_cassette_is_spelt_in_one_way(suite, first, second, told):
    suite.test(f"""
        @pytest.fixture(scope="module")
        def sessions(cached_session_factory):
            return cached_session_factory("{first}"), cached_session_factory("{second}")

        def test_it(sessions):
            pass
    """)
    result = suite.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*{told} elsewhere: one spelling is accepted*"])
