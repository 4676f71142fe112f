"""The lines of summary and sections, as a table."""

from __future__ import annotations

import pytest

from pytest_reqcache.plugin.reporting import coloured, counts, summary
from pytest_reqcache.plugin.state import Totals


@pytest.mark.parametrize(
    ("totals", "line"),
    [
        (
            Totals(replayed=412, stale=3, oldest_stale=61 * 86400.0),
            "412 replayed, 3 stale (oldest 61 days), 0 requests made",
        ),
        (Totals(recorded=1, requests=1), "1 recorded, 1 request made"),
        (Totals(revalidated=2, missed=1, requests=2), "2 revalidated, 1 missed, 2 requests made"),
        (Totals(stale=1, oldest_stale=3600.0), "1 stale (oldest 1 hour), 0 requests made"),
        (Totals(stale=1, oldest_stale=1.0), "1 stale (oldest 1 second), 0 requests made"),
    ],
)
def test_counts(totals, line):
    assert counts(totals) == line


def test_nothing_is_said_of_nothing():
    assert list(summary(Totals(), in_ci=True)) == []


def test_long_lists_are_cut():
    lines = list(summary(Totals(missed=20, passed_with_misses=[f"test_{n}" for n in range(20)]), in_ci=False))
    assert lines[-1] == "  and 10 more"
    assert len(lines) == 13


def test_totals_add_up():
    totals = Totals(replayed=1, not_stored={"status 503": 1}, oldest_stale=5.0, kept=["a"])
    totals.add(Totals(replayed=2, not_stored={"status 503": 2}, oldest_stale=9.0, kept=["b"]).as_dict())
    expected = Totals(replayed=3, not_stored={"status 503": 3}, oldest_stale=9.0, kept=["a", "b"])
    assert totals.as_dict() == expected.as_dict()


def test_colours_of_a_section():
    text = "not cached: GET /a\n  reason:    x\n             - query a\n             + query b"
    assert coloured(text).splitlines() == [
        "\x1b[1mnot cached: GET /a\x1b[0m",
        "  reason:    x",
        "\x1b[31m             - query a\x1b[0m",
        "\x1b[32m             + query b\x1b[0m",
    ]


@pytest.mark.parametrize("name", ["cached_session", "reqcache"])
def test_section_where_the_test_asks_for_the_fixture_by_itself(suite, name):
    suite.test(f"""
        def test_it(request):
            request.getfixturevalue("{name}")
            request.getfixturevalue("cached_session").get(URL + "/a").raise_for_status()
    """)
    suite.offline().stdout.fnmatch_lines(["*- reqcache -*", "not cached: GET */a"])
