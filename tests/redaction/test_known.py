"""Which secrets are searched for, in which spellings, and what was known first."""

from __future__ import annotations

import pytest

from pytest_reqcache.redaction.known import MOST_SEARCHED, Known, is_common, spellings
from pytest_reqcache.redaction.registry import Registry


@pytest.mark.parametrize(
    ("value", "common"),
    [
        ("production", True),
        ("Production", True),
        ("PRODUCTION", False),
        ("proDuction", False),
        ("p" * 16, False),
        ("123456789012345", True),
        ("1234567890123456", False),
        ("prod-1", False),
    ],
)
def test_what_is_likely_to_stand_elsewhere_by_chance(value, common):
    assert is_common(value) is common


def test_spellings_of_a_secret():
    found = set(spellings('p&<é">/ 1'))
    assert {
        'p&<é">/ 1',
        "p%26%3C%C3%A9%22%3E%2F%201",
        "p%26%3c%c3%a9%22%3e/%201",
        "p%26%3C%C3%A9%22%3E%2F+1",
        'p&<\\u00e9\\">/ 1',
        'p&<\\u00e9\\">\\/ 1',
        'p&<é\\">/ 1',
        "p&amp;&lt;é&quot;&gt;/ 1",
    } <= found
    assert list(spellings("abc123")) == ["abc123"]


def test_no_more_are_searched_for_than_can_be():
    known = Known()
    for number in range(MOST_SEARCHED + 1):
        known.learn(f"secret-{number:04}", "token", issued=False)
    assert known.finder is not None
    assert known.finder.pattern.search(f"secret-{MOST_SEARCHED - 1:04}")
    assert not known.finder.pattern.search(f"secret-{MOST_SEARCHED:04}")
    assert len(known.names) == MOST_SEARCHED + 1


def test_what_another_thread_learns_meanwhile_hides_nothing():
    known = Known()
    known.learn("secret-0001", "token", issued=False)

    class Interrupted:
        def __enter__(self):
            pass

        def __exit__(self, *error):
            known._finder = None  # as `learn` of another thread does, once the lock is free

    known._lock = Interrupted()
    assert known.finder.pattern.search("secret-0001")


def test_what_was_known_first_stays():
    registry = Registry()
    registry.note(None, "value", "REDACTED-a", issued=True)
    registry.note(None, "value", "REDACTED-b")
    first = registry.first("value")
    assert first is not None
    assert (first.placeholder, first.issued) == ("REDACTED-a", True)
    registry.assume(None, "REDACTED-a", "REDACTED-a")
    registry.assume(None, "one", "REDACTED-c")
    registry.assume(None, "two", "REDACTED-c")
    assert registry.assumed(None, "REDACTED-c") == "one"
