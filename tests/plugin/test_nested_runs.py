"""Runs of `pytester` within a test that uses the cache: neither sees the other."""

from __future__ import annotations

import pytest

# The outer test is marked, and requests before and after the inner run; the inner suite is in INNER.
OUTER = """
    def inner(pytester, code, *arguments, conftest=""):
        head = f"import pytest, requests\\nURL = {{URL!r}}\\n"
        pytester.makepyfile(test_inner=head + code)
        if conftest:
            pytester.makeconftest(head + conftest)
        return pytester.runpytest_inprocess("-p", "pytest_reqcache.plugin", *arguments)

    @pytest.mark.reqcache
    def test_it(pytester, reqcache):
        assert requests.get(URL + "/outer/before").ok
        {code}
        response = requests.get(URL + "/outer/after")
        assert response.status_code == 200
        assert reqcache.recorded + reqcache.replayed == 2
"""
UNMARKED = "def test_inner(): assert not hasattr(requests.get(URL + '/inner'), 'from_cache')"
MARKED = "@pytest.mark.reqcache\\ndef test_inner(): assert requests.get(URL + '/inner').ok"
FAILING = MARKED + "; assert 0"


def outer(suite, code):
    suite.test(OUTER.format(code=code))
    return suite.run("-p", "pytester")


def recorded(suite):
    return [line.rpartition("/")[2] for line in suite.cassette().splitlines() if "    url: " in line]


def test_unmarked_inner_test_is_not_cached(suite):
    code = f'inner(pytester, "{UNMARKED}").assert_outcomes(passed=1)'
    outer(suite, code).assert_outcomes(passed=1)
    assert recorded(suite) == ["before", "after"]
    assert suite.origin.count("/inner") == 1
    outer(suite, code).stdout.fnmatch_lines(["2 replayed, 0 requests made"])
    assert suite.origin.count("/inner") == 2


def test_marked_inner_test_uses_its_own_cassette(suite):
    code = f"""
        for _ in range(2):
            inner(pytester, "{MARKED}").assert_outcomes(passed=1)
        assert (pytester.path / "cassettes" / "test_inner" / "test_inner.yaml").exists()
        inner(pytester, "{MARKED}", "--reqcache-offline").assert_outcomes(passed=1)
    """
    outer(suite, code).assert_outcomes(passed=1)
    assert recorded(suite) == ["before", "after"]
    assert suite.origin.count("/inner") == 1


@pytest.mark.parametrize(
    ("inner", "passed"),
    [
        (f'"{FAILING}"', False),
        (f'"{MARKED}", "--reqcache-disable"', True),
        (f'"{MARKED}", "-p", "no:reqcache"', True),
        (f'"{UNMARKED}", "--reqcache-offline"', True),
        (f'"{UNMARKED}", "--reqcache-expire-after=soon"', False),
        (f'"{UNMARKED}", "--reqcache-offline", "--reqcache-disable"', False),
        (f'"{UNMARKED}", "--no-such-option"', False),
        (f'"{UNMARKED}", "--no-such-option", "--reqcache-offline"', False),
        (f'"{UNMARKED}", conftest="raise OSError"', False),
        (f'"{UNMARKED}", "--reqcache-offline", conftest="raise OSError"', False),
        (f'"{UNMARKED}", "--reqcache-offline", conftest="def pytest_configure(): raise OSError"', False),
        (f'"{UNMARKED}", conftest="def pytest_configure(): raise OSError"', False),
        (f'"{UNMARKED}", conftest="def pytest_sessionstart(): raise KeyboardInterrupt"', False),
        ('"@pytest.mark.reqcache(expire=1)\\\\ndef test_inner(): pass"', False),
        (f'"{MARKED}; raise KeyboardInterrupt"', False),
    ],
    ids=lambda value: "",
)
def test_outer_state_is_restored_however_the_inner_run_ends(suite, inner, passed):
    code = f"""
        try:
            assert (inner(pytester, {inner}).ret == 0) is {passed}
        except KeyboardInterrupt:
            pass
        from pytest_reqcache import patching
        assert patching._patches.guard is None and patching._patches.watch is None
    """
    outer(suite, code).assert_outcomes(passed=1)
    assert recorded(suite) == ["before", "after"]


def test_requests_of_an_inner_conftest_are_not_the_outer_tests(suite):
    conftest = "requests.get(URL + '/conftest')"
    code = f'inner(pytester, "{UNMARKED}", conftest="{conftest}").assert_outcomes(passed=1)'
    outer(suite, code).assert_outcomes(passed=1)
    assert recorded(suite) == ["before", "after"]
    assert suite.origin.count("/conftest") == 1


def test_inner_run_of_an_offline_run_is_offline(suite):
    refused = "def test_inner(): assert requests.get(URL + '/inner').status_code == 504"
    suite.test(OUTER.format(code=f'inner(pytester, "{UNMARKED}").assert_outcomes(passed=1)'))
    suite.run("-p", "pytester").assert_outcomes(passed=1)
    suite.origin.stop()
    suite.test(OUTER.format(code=f'inner(pytester, "{refused}").assert_outcomes(passed=1)'))
    suite.offline("-p", "pytester").assert_outcomes(passed=1)
