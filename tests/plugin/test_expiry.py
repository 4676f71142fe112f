"""A test's policy is judged at replay: from the flag, the marker, the fixture, the ini file."""

from __future__ import annotations

import threading

import pytest

from origin import Answer


def write_rates(suite, marker="expire_after='1h'"):
    suite.test(f"""
        @pytest.mark.reqcache({marker})
        def test_it():
            response = requests.get(URL + "/rates")
            response.raise_for_status()
            print("GOT", response.text)
    """)


def test_expired_recording_is_fetched_anew_online(suite, clock):
    suite.origin["/rates"] = Answer("old"), Answer("new")
    write_rates(suite)
    suite.run().assert_outcomes(passed=1)
    clock.move(3599)
    suite.run("-s").stdout.fnmatch_lines(["*GOT old*", "1 replayed, 0 requests made"])
    clock.move(1)
    suite.run("-s").stdout.fnmatch_lines(["*GOT new*", "1 recorded, 1 request made"])
    assert suite.cassette().count("- request:") == 1


def test_expired_recording_fails_offline_and_says_so(suite, clock):
    write_rates(suite)
    suite.run().assert_outcomes(passed=1)
    clock.move(3 * 86400 + 3600)
    result = suite.offline()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*reason:    expired 3 days ago", "1 missed, 0 requests made"])
    assert suite.origin.count() == 1


def test_stale_if_error_accepts_it_and_the_summary_counts_it(suite, clock):
    write_rates(suite)
    suite.run().assert_outcomes(passed=1)
    clock.move(61 * 86400 + 5)
    result = suite.offline("--reqcache-stale-if-error")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["1 stale (oldest 61 days), 0 requests made"])
    suite.offline("-o", "reqcache_stale_if_error=90d").assert_outcomes(passed=1)
    suite.offline("-o", "reqcache_stale_if_error=60d").assert_outcomes(failed=1)


def test_edited_marker_holds_for_what_is_recorded_already(suite, clock):
    write_rates(suite, "")
    suite.run().assert_outcomes(passed=1)
    clock.move(7200)
    suite.offline().assert_outcomes(passed=1)
    write_rates(suite, "expire_after='1h'")
    suite.offline().assert_outcomes(failed=1)
    write_rates(suite, "expire_after='30d'")
    suite.offline().assert_outcomes(passed=1)
    assert "expires" not in suite.cassette()


def test_expiry_of_a_call_is_written_down_and_wins_at_replay(suite, clock):
    suite.test("""
        @pytest.mark.reqcache(expire_after="30d")
        def test_it(cached_session):
            assert cached_session.get(URL + "/a", expire_after=60).ok
            assert cached_session.get(URL + "/b", expire_after=-1).ok
    """)
    suite.run().assert_outcomes(passed=1)
    assert "  expires: 2026-06-01T12:01:00" in suite.cassette()
    assert "  expires: never" in suite.cassette()
    clock.move(61)
    suite.offline().assert_outcomes(failed=1)


EXPIRY_LEVELS = {
    "command line": ["--reqcache-expire-after=1h"],
    "marker": [],
    "fixture": [],
    "ini": [],
}


@pytest.mark.parametrize("winner", EXPIRY_LEVELS)
def test_closer_source_wins(suite, clock, winner):
    """Everything that is wider than the winner says ten seconds, the winner an hour."""
    levels = list(EXPIRY_LEVELS)
    wider = levels[levels.index(winner) + 1 :]

    def value(level):
        return "1h" if level == winner else "10s" if level in wider else None

    if value("ini"):
        suite.write(
            "pytest.ini",
            f"[pytest]\nreqcache_expire_after = {value('ini')}\n"
            + ("reqcache_urls_expire_after = * = 10s\n" if winner != "ini" else ""),
        )
    if value("fixture"):
        suite.write(
            "conftest.py",
            f"""
            @pytest.fixture(scope="module")
            def reqcache_config():
                return dict(expire_after={value("fixture")!r})
            """,
        )
    write_rates(suite, f"expire_after={value('marker')!r}" if value("marker") else "")
    suite.run().assert_outcomes(passed=1)
    clock.move(3599)
    suite.offline(*EXPIRY_LEVELS[winner]).assert_outcomes(passed=1)
    clock.move(2)
    suite.offline(*EXPIRY_LEVELS[winner]).assert_outcomes(failed=1)


def test_url_patterns_of_the_ini_file(suite, clock):
    suite.write(
        "pytest.ini",
        f"""
        [pytest]
        reqcache_expire_after = 30d
        reqcache_urls_expire_after =
            {suite.origin.netloc}/rates = 1h
            re:/never$ = never
        """,
    )
    write_rates(suite, "")
    suite.run().assert_outcomes(passed=1)
    clock.move(3601)
    suite.offline().assert_outcomes(failed=1)


def test_immediately_revalidates_at_each_run(suite):
    suite.origin["/rates"] = Answer("same", headers={"ETag": '"1"'})
    write_rates(suite, "expire_after=0")
    suite.run().assert_outcomes(passed=1)
    suite.run("-s").stdout.fnmatch_lines(["*GOT same*", "*1 revalidated, 1 request made"])
    assert suite.origin.last.headers["if-none-match"] == '"1"'


def test_do_not_cache_stores_nothing(suite):
    write_rates(suite, "expire_after='do-not-cache'")
    suite.run().assert_outcomes(passed=1)
    assert suite.cassettes() == []


def test_wrong_value_of_the_config_fixture_fails_the_test(suite):
    suite.write(
        "conftest.py",
        """
        @pytest.fixture
        def reqcache_config():
            return dict(expire_afer=3)
        """,
    )
    write_rates(suite, "")
    result = suite.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*reqcache_config: 'expire_afer'*did you mean 'expire_after'*"])


def test_a_sequence_is_not_refreshed_behind_but_recorded_anew_as_a_whole(suite, clock):
    suite.origin["/job"] = tuple(map(Answer, ("1", "2", "done", "4", "5", "done")))
    suite.test("""
        @pytest.mark.reqcache(repeats="sequence", expire_after="7d", stale_while_revalidate="30d")
        def test_it():
            print("GOT", *[requests.get(URL + "/job").text for _ in range(3)])
    """)
    suite.run().assert_outcomes(passed=1)
    clock.move(8 * 86400)
    suite.run("-s").stdout.fnmatch_lines(["*GOT 4 5 done"])
    suite.offline("-s").stdout.fnmatch_lines(["*GOT 4 5 done"])


def test_each_of_two_stale_answers_to_a_url_is_refreshed_behind(suite, clock):
    both = threading.Barrier(2)

    def new(seen):
        both.wait(10)  # both are under way at once
        return Answer("new")

    suite.origin["/a"] = Answer("", 404), Answer("old"), new
    suite.test("""
        @pytest.mark.reqcache(expire_after="7d", stale_while_revalidate="30d")
        def test_it():
            print("GOT", *[requests.get(URL + "/a").status_code for _ in range(2)])
    """)
    suite.run().assert_outcomes(passed=1)
    clock.move(8 * 86400)
    suite.run("-s").stdout.fnmatch_lines(["*GOT 404 200"])
    assert suite.origin.count("/a") == 4
    assert "old" not in suite.cassette()
