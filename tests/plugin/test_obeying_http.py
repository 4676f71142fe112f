"""Tests with ``cache_control=True``: what was recorded before, without it, and HEAD beside GET."""

from __future__ import annotations

import pytest
import yaml

from origin import Answer

TEXT = {"Cache-Control": "max-age=60"}
TAGGED = {**TEXT, "ETag": '"1"'}
FORBIDDEN = pytest.mark.parametrize("fields", [{"Cache-Control": "no-store"}, {"Vary": "*"}], ids=str)

CONDITIONAL = 'requests.get(URL + "/a", headers={"If-None-Match": \'"1"\'})'
PLAIN = 'requests.get(URL + "/a")'


def recorded(suite) -> list[tuple[str, int, int]]:
    """Method, status, and which answer it is, of all that is recorded."""
    interactions = yaml.safe_load(suite.cassette())["interactions"]
    return [
        (item["request"]["method"], int(item["response"]["status"][:3]), item.get("answer", 1))
        for item in interactions
    ]


def write(suite, marker, *steps):
    lines = "".join(f"    {step}\n" for step in steps)
    suite.test(f"@pytest.mark.reqcache{marker}\ndef test_it():\n{lines}")


def record_without_and_run_with(suite, *steps):
    """Recorded without ``cache_control``, and then run with it."""
    write(suite, "", *steps)
    suite.run().assert_outcomes(passed=1)
    write(suite, "(cache_control=True)", *steps)
    suite.run().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "steps",
    [
        [f"assert {PLAIN}.text == 'text'"],
        [f"assert {CONDITIONAL}.status_code == 304", f"assert {PLAIN}.text == 'text'"],
    ],
    ids=["without its request", "with it"],
)
def test_a_304_that_was_recorded_does_not_hide_what_answers(suite, steps):
    suite.origin["/a"] = Answer("text", headers=TAGGED)
    write(suite, "", CONDITIONAL, PLAIN)
    suite.run().assert_outcomes(passed=1)
    assert recorded(suite) == [("GET", 304, 1), ("GET", 200, 1)]
    write(suite, "(cache_control=True)", *steps)
    result = suite.offline()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*Duplicate*")


def test_a_304_and_what_was_recorded_after_a_write_each_have_their_turn(suite):
    suite.origin["/a"] = Answer("old", headers=TAGGED), Answer("new", headers={**TEXT, "ETag": '"2"'})
    steps = (
        f"assert {CONDITIONAL}.status_code == 304",
        'requests.post(URL + "/write")',
        f"assert {PLAIN}.text == 'new'",
    )
    record_without_and_run_with(suite, *steps)
    assert suite.origin.count("/a") == 2
    suite.offline().assert_outcomes(passed=1)


def test_a_304_is_passed_over_and_the_answer_recorded_beside_it_once(suite):
    suite.origin["/a"] = Answer("text", headers=TAGGED)
    write(suite, "", CONDITIONAL)
    suite.run().assert_outcomes(passed=1)
    write(suite, "(cache_control=True)", f"assert {PLAIN}.text == 'text'")
    for _ in range(3):
        suite.run().assert_outcomes(passed=1)
    suite.offline().assert_outcomes(passed=1)
    assert suite.origin.count("/a") == 2
    assert [status for _, status, _ in recorded(suite)] == [304, 200]


@FORBIDDEN
@pytest.mark.parametrize("marker", ["cache_control=True", "cache_control=True, repeats='sequence'"])
def test_what_may_not_be_used_is_replaced_by_what_may(suite, fields, marker):
    suite.origin["/a"] = Answer("old", headers=fields), Answer("text", headers=TEXT)
    write(suite, "", PLAIN)
    suite.run().assert_outcomes(passed=1)
    write(suite, f"({marker})", f"assert {PLAIN}.text == 'text'")
    suite.offline().assert_outcomes(failed=1)
    for _ in range(3):
        suite.run().assert_outcomes(passed=1)
    suite.offline().assert_outcomes(passed=1)
    assert suite.origin.count("/a") == 2
    assert recorded(suite) == [("GET", 200, 1)]


@FORBIDDEN
def test_what_may_not_be_used_keeps_its_turn(suite, fields):
    """The read after the write is not the answer to the one before it."""
    before, after = Answer("before", headers=fields), Answer("after", headers=TEXT)
    suite.origin["/a"] = before, after, before, before, after
    flow = (
        f"assert {PLAIN}.text == 'before'",
        'requests.post(URL + "/write")',
        f"assert {PLAIN}.text == 'after'",
    )
    record_without_and_run_with(suite, *flow)
    as_recorded = recorded(suite)
    result = suite.offline()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["  reason:    not to be cached"])
    suite.run().assert_outcomes(passed=1)
    assert suite.origin.count("/a") == 4
    assert recorded(suite) == as_recorded


def test_an_error_that_may_not_be_used_is_good_for_one_use_all_the_same(suite):
    missing = Answer("", 404, headers={"Cache-Control": "no-store"})
    suite.origin["/a"] = missing, Answer("text", headers=TEXT), missing, missing
    steps = (f"assert {PLAIN}.status_code == 404", f"assert {PLAIN}.text == 'text'")
    record_without_and_run_with(suite, *steps)
    suite.run().assert_outcomes(passed=1)
    assert suite.origin.count("/a") == 4
    assert [(status, answer) for _, status, answer in recorded(suite)] == [(404, 1), (200, 2)]


def test_a_redirect_that_may_not_be_used_leads_back_all_the_same(suite):
    there = Answer("", 302, headers={"Location": "/consent", "Cache-Control": "no-store"})
    back = Answer("", 302, headers={"Location": "/a", **TEXT})
    suite.origin["/a"] = there, Answer("text", headers=TEXT), there
    suite.origin["/consent"] = back
    record_without_and_run_with(
        suite,
        f"response = {PLAIN}",
        "assert ([hop.status_code for hop in response.history], response.text) == ([302, 302], 'text')",
    )
    assert (suite.origin.count("/a"), suite.origin.count("/consent")) == (3, 1)


def test_a_refusal_does_not_replace_what_may_not_be_used(suite):
    suite.origin["/a"] = Answer("old", headers={"Cache-Control": "no-store"}), Answer("", 401, headers=TEXT)
    record_without_and_run_with(suite, PLAIN)
    assert [status for _, status, _ in recorded(suite)] == [200]


def test_a_refreshed_head_takes_the_place_of_its_own_recording_though_a_get_is_newer(suite):
    for method, second in ("HEAD", 1), ("GET", 2):
        headers = {"Cache-Control": "max-age=60", "Date": f"Sun, 29 Nov 2026 10:00:0{second} GMT"}
        suite.origin[f"{method} /a"] = Answer(b"text", headers=headers)
    write(suite, "(cache_control=True)", 'requests.head(URL + "/a")', PLAIN)
    suite.run().assert_outcomes(passed=1)
    assert recorded(suite) == [("HEAD", 200, 1), ("GET", 200, 1)]
    for _ in range(2):
        suite.run("--reqcache-force-refresh").assert_outcomes(passed=1)
        assert sorted(recorded(suite)) == [("GET", 200, 1), ("HEAD", 200, 1)]


def test_a_head_that_is_kept_is_served_though_a_get_is_newer(suite):
    for method, second in ("HEAD", 1), ("GET", 2):
        headers = {"Cache-Control": "max-age=0", "Date": f"Sun, 29 Nov 2026 10:00:0{second} GMT"}
        suite.origin[f"{method} /a"] = Answer(b"text", headers={**headers, "X-To": method})
    write(suite, "(cache_control=True)", 'requests.head(URL + "/a")', PLAIN)
    suite.run().assert_outcomes(passed=1)
    path = suite.path / "cassettes/test_it/test_it.yaml"
    path.write_text(path.read_text().replace("- request:\n", "- keep: true\n  request:\n", 1))
    write(suite, "(cache_control=True)", 'assert requests.head(URL + "/a").headers["X-To"] == "HEAD"')
    suite.run().assert_outcomes(passed=1)
    assert suite.origin.count("/a") == 2


@pytest.mark.parametrize("fields", [{"Cache-Control": "no-store"}, {"Vary": "*"}], ids=str)
def test_a_head_that_may_not_be_used_is_replaced_though_a_get_answers_it(suite, fields):
    suite.origin["HEAD /a"] = Answer("", headers=fields), Answer("", headers=TEXT)
    suite.origin["GET /a"] = Answer("text", headers=TEXT)
    record_without_and_run_with(suite, 'requests.head(URL + "/a")', PLAIN)
    for _ in range(3):
        suite.run("--reqcache-force-refresh").assert_outcomes(passed=1)
    assert sorted(recorded(suite)) == [("GET", 200, 1), ("HEAD", 200, 1)]


def test_of_two_that_are_the_same_answer_the_one_that_may_be_used_is(suite):
    """As somebody has written it beside the other."""
    suite.origin["/a"] = Answer("old", headers={"Vary": "*"}), Answer("text", headers=TEXT)
    write(suite, "", PLAIN, 'requests.get(URL + "/a?2")')
    suite.run().assert_outcomes(passed=1)
    path = suite.path / "cassettes/test_it/test_it.yaml"
    path.write_text(path.read_text().replace("/a?2", "/a"))
    write(suite, "(cache_control=True)", f"assert {PLAIN}.text == 'text'")
    result = suite.offline()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*Duplicate*")


def test_a_conditional_request_and_a_plain_one_have_their_own_answers(suite):
    suite.origin["/a"] = Answer("old", headers=TEXT), Answer("new", headers=TEXT)
    steps = f"assert {PLAIN}.text == 'old'", f"assert {CONDITIONAL}.text == 'new'"
    write(suite, "", *steps)
    suite.run().assert_outcomes(passed=1)
    write(suite, "(cache_control=True)", steps[0])
    result = suite.offline()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*Duplicate*")


def test_a_refusal_that_keeps_what_may_not_be_used_is_told(suite):
    suite.origin["/a"] = Answer("old", headers={"Cache-Control": "no-store"}), Answer("", 401, headers=TEXT)
    write(suite, "", PLAIN)
    suite.run().assert_outcomes(passed=1)
    write(suite, "(cache_control=True)", PLAIN)
    suite.run().stdout.fnmatch_lines(["  GET */a answered 401: the recording is kept"])
