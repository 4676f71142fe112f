"""What the reports of a test's phases make of it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_reqcache.plugin.records import Drifted, Record, Result, Results

EXPECTED_TO_FAIL = {"wasxfail": "a reason"}


@pytest.mark.parametrize(
    ("phases", "outcome", "complete"),
    [
        ([("setup", "passed"), ("call", "passed"), ("teardown", "passed")], "passed", True),
        ([("setup", "failed")], "error", False),
        ([("setup", "passed"), ("call", "passed"), ("teardown", "failed")], "error", False),
        ([("setup", "passed"), ("call", "failed"), ("teardown", "failed")], "failed", False),
        ([("setup", "skipped")], "skipped", False),
        ([("setup", "passed"), ("call", "passed", EXPECTED_TO_FAIL)], "xpassed", True),
        ([("setup", "passed"), ("call", "skipped", EXPECTED_TO_FAIL)], "xfailed", False),
        (
            [("setup", "passed"), ("call", "skipped", {"context": "a subtest"}), ("call", "passed")],
            "passed",
            False,
        ),
        ([("setup", "passed"), ("call", "rerun")], "rerun", False),
        ([("setup", "passed"), ("call", "retried")], "rerun", False),
        ([("setup", "passed"), ("call", "rerun"), ("setup", "passed"), ("call", "passed")], "passed", True),
        ([("setup", "passed"), ("call", "retried"), ("call", "passed")], "passed", True),
        ([("setup", "passed"), ("call", "retried"), ("call", "failed")], "failed", False),
        ([("setup", "passed"), ("call", "rerun"), ("teardown", "passed")], "rerun", False),
    ],
)
def test_outcome_of_a_test(phases, outcome, complete):
    result = Result()
    for when, ended, *more in phases:
        result.add(SimpleNamespace(when=when, outcome=ended, duration=0.5, **(more[0] if more else {})))
    assert (result.outcome, result.complete) == (outcome, complete)
    assert result.duration == 0.5 * len(phases)


def test_recording_that_several_workers_refreshed_has_changed_once():
    def refreshed(*urls: str) -> Record:
        return Record("shared.yaml", drift=[Drifted("GET", url, 1, "values", []) for url in urls])

    results = Results()
    for number, urls in enumerate([("/a", "/b"), ("/a",), ("/a", "/c")]):
        last = SimpleNamespace(
            nodeid=f"test_{number}", when="teardown", outcome="passed", worker_id=f"gw{number}"
        )
        results.add(last, refreshed(*urls))
    assert [(nodeid, drifted.url) for nodeid, _, drifted in results.drift()] == [
        ("test_0", "/a"),
        ("test_0", "/b"),
        ("test_2", "/c"),
    ]
