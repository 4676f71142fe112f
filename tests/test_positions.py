"""Which answer is due within one test, as a table of what happened before."""

from __future__ import annotations

import pytest

from pytest_reqcache.answers import Answers, Turn

ORIGIN = "http://api.test:80"


def play(*steps: tuple[str, str, int | None, bool], sequence: bool = False) -> list[Turn]:
    """Ask for each ``(name, method, status, live)`` in turn; a status of None was not stored."""
    answers, turns = Answers(), []
    for name, method, status, live in steps:
        turn = answers.turn(name, method, ORIGIN, sequence=sequence and method == "GET")
        turns.append(turn)
        answers.answered(
            name,
            method,
            ORIGIN,
            status or 503,
            position=None if status is None else turn.position,
            live=live,
            sequence=sequence and method == "GET",
        )
    return turns


READ, WRITE = ("r", "GET", 200, False), ("w", "PUT", 200, False)


@pytest.mark.parametrize(
    ("steps", "positions"),
    [
        ([READ, READ, READ], [0, 0, 0]),
        ([READ, WRITE, READ, READ], [0, 0, 1, 1]),
        ([WRITE, WRITE], [0, 1]),
        ([("r", "GET", 404, False), READ, READ], [0, 1, 1]),
        ([READ, ("w", "PUT", 409, False), READ], [0, 0, 0]),
        ([("r", "GET", None, True), READ], [0, 0]),
        ([READ, ("other", "GET", 200, False), READ], [0, 0, 0]),
        ([READ, ("w", "BREW", 200, False), READ], [0, 0, 1]),
        ([READ, ("o", "OPTIONS", 200, False), READ], [0, 0, 0]),
    ],
    ids=[
        "reads share",
        "read after a write",
        "writes",
        "after an error",
        "failed write",
        "not stored",
        "other read",
        "unknown method",
        "options is safe",
    ],
)
def test_position(steps, positions):
    assert [turn.position for turn in play(*steps)] == positions


@pytest.mark.parametrize(
    ("steps", "may_hold"),
    [
        ([READ, READ], True),
        ([("r", "GET", 404, False), READ], True),
        ([("r", "GET", 404, True), READ], False),
        ([READ, WRITE, READ], False),
        ([WRITE, WRITE], False),
        ([READ], False),
    ],
)
def test_last_answer_holds_only_for_a_plain_read_that_was_replayed(steps, may_hold):
    assert play(*steps)[-1].may_hold is may_hold


def test_sequence_advances_with_each_request():
    turns = play(READ, READ, READ, sequence=True)
    assert turns == [Turn(0, True), Turn(1, True), Turn(2, True)]


def test_writes_to_another_origin_change_nothing():
    answers = Answers()
    first = answers.turn("r", "GET", ORIGIN, sequence=False)
    answers.answered("r", "GET", ORIGIN, 200, position=first.position, live=False, sequence=False)
    answers.answered("w", "PUT", "http://other:80", 200, position=0, live=False, sequence=False)
    assert answers.turn("r", "GET", ORIGIN, sequence=False).position == 0
