"""Tests with ``cache_control=True``: what was recorded before, without it, and HEAD beside GET."""

from __future__ import annotations

import pytest
import yaml

from origin import Answer

ASK = """
    @pytest.mark.reqcache{marker}
    def test_it():
        {first}
        response = requests.get(URL + "/a")
        assert (response.status_code, response.text) == (200, "text")
"""
CONDITIONAL = 'requests.get(URL + "/a", headers={"If-None-Match": \'"1"\'})'


def recorded(suite) -> list[tuple[str, int]]:
    interactions = yaml.safe_load(suite.cassette())["interactions"]
    return [(item["request"]["method"], int(item["response"]["status"][:3])) for item in interactions]


def write(suite, marker, first="pass"):
    suite.test(ASK.format(marker=marker, first=first))


def test_a_304_that_was_recorded_does_not_hide_what_answers(suite):
    suite.origin["/a"] = Answer("text", headers={"ETag": '"1"', "Cache-Control": "max-age=60"})
    write(suite, "", CONDITIONAL)
    suite.run().assert_outcomes(passed=1)
    assert recorded(suite) == [("GET", 304), ("GET", 200)]
    write(suite, "(cache_control=True)")
    result = suite.offline()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*Duplicate*")


@pytest.mark.parametrize(
    ("answers", "recorded_with"),
    [
        (Answer("text", headers={"ETag": '"1"', "Cache-Control": "max-age=60"}), CONDITIONAL),
        (
            (
                Answer("old", headers={"Cache-Control": "no-store"}),
                Answer("text", headers={"Cache-Control": "max-age=60"}),
            ),
            'requests.get(URL + "/a")',
        ),
    ],
    ids=["304", "no-store"],
)
def test_what_may_not_answer_is_recorded_beside_once(suite, answers, recorded_with):
    suite.origin["/a"] = answers
    suite.test(f"""
        @pytest.mark.reqcache
        def test_it():
            {recorded_with}
    """)
    suite.run().assert_outcomes(passed=1)
    before = recorded(suite)
    write(suite, "(cache_control=True)")
    suite.run().assert_outcomes(passed=1)
    asked = suite.origin.count("/a")
    for _ in range(2):
        suite.run().assert_outcomes(passed=1)
        suite.offline().assert_outcomes(passed=1)
    assert suite.origin.count("/a") == asked
    assert recorded(suite) == [*before, ("GET", 200)]


def test_what_may_not_answer_keeps_its_place_in_a_test_that_writes(suite):
    """The read after the write is not the answer to the one before it."""
    may_not, may = {"Cache-Control": "no-store"}, {"Cache-Control": "max-age=60"}
    suite.origin["/a"] = (
        Answer("before", headers=may_not),
        Answer("after", headers=may),
        Answer("before", headers=may_not),
    )
    flow = """
        @pytest.mark.reqcache{}
        def test_it():
            assert requests.get(URL + "/a").text == "before"
            requests.post(URL + "/write")
            assert requests.get(URL + "/a").text == "after"
    """
    suite.test(flow.format(""))
    suite.run().assert_outcomes(passed=1)
    suite.test(flow.format("(cache_control=True)"))
    suite.run().assert_outcomes(passed=1)
    assert suite.origin.count("/a") == 3


def test_a_refreshed_head_takes_the_place_of_its_own_recording_though_a_get_is_newer(suite):
    for method, second in ("HEAD", 1), ("GET", 2):
        headers = {"Cache-Control": "max-age=60", "Date": f"Sun, 29 Nov 2026 10:00:0{second} GMT"}
        suite.origin[f"{method} /a"] = Answer(b"text", headers=headers)
    suite.test("""
        @pytest.mark.reqcache(cache_control=True)
        def test_it():
            requests.head(URL + "/a")
            requests.get(URL + "/a")
    """)
    suite.run().assert_outcomes(passed=1)
    assert recorded(suite) == [("HEAD", 200), ("GET", 200)]
    for _ in range(2):
        suite.run("--reqcache-force-refresh").assert_outcomes(passed=1)
        assert sorted(recorded(suite)) == [("GET", 200), ("HEAD", 200)]
