"""Which answer is due within one test, as a table of what happened before."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from pytest_reqcache.answers import Answers, Turn, right_after
from pytest_reqcache.headers import Headers
from pytest_reqcache.models import Interaction, RecordedRequest, RecordedResponse, Source
from pytest_reqcache.settings import TEST_SETTINGS

NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
URL = "http://api.test/"


def ask(
    answers: Answers, step: tuple[str, str, int | None, bool], *, sequence: bool = False, **of: str
) -> Turn:
    """Ask for ``(name, method, status, live)``; a status of None was not stored."""
    name, method, status, live = step
    request = RecordedRequest(method, of.get("url", URL), Headers([("Accept", of.get("accept", "*/*"))]))
    response = RecordedResponse(
        status or 503, headers=Headers([("Vary", of["vary"])] if "vary" in of else ())
    )
    recording = Interaction(request, response, NOW)
    sequence = sequence and method == "GET"
    turn = answers.turn(name, request, sequence=sequence)
    answers.answered(
        name,
        request,
        response.status,
        None if status is None else recording,
        position=turn.position,
        size=turn.position,
        live=live,
        sequence=sequence,
    )
    return turn


def play(*steps: tuple[str, str, int | None, bool], sequence: bool = False) -> list[Turn]:
    answers = Answers(lambda: TEST_SETTINGS)
    return [ask(answers, step, sequence=sequence) for step in steps]


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
    answers = Answers(lambda: TEST_SETTINGS)
    turns = [ask(answers, READ), ask(answers, WRITE, url="http://other/"), ask(answers, READ)]
    assert [turn.position for turn in turns] == [0, 0, 0]


@pytest.mark.parametrize(
    "step", [("w", "PUT", 200, False), ("r", "GET", 404, False)], ids=["writes", "errors"]
)
@pytest.mark.parametrize(
    ("varies", "positions"),
    [((True, True, True), [0, 0, 1]), ((False, False, False), [0, 1, 2]), ((False, True, True), [0, 1, 1])],
    ids=["vary", "none", "none at first"],
)
def test_variants_are_counted_each_for_itself(step, varies, positions):
    answers = Answers(lambda: TEST_SETTINGS)
    turns = [
        ask(answers, step, accept=accept, **({"vary": "Accept"} if varied else {}))
        for accept, varied in zip(("text/html", "text/csv", "text/html"), varies, strict=True)
    ]
    assert [turn.position for turn in turns] == positions


def recorded(method: str, line: int, seconds: int, status: int = 200) -> Interaction:
    """What stands in that line of a cassette, and was received after so many seconds."""
    received = datetime(2026, 3, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
    request, response = RecordedRequest(method, "http://a.example/"), RecordedResponse(status)
    return Interaction(request, response, received, source=Source(None, line, f"{line}"))


@pytest.mark.parametrize(
    ("write", "others", "answers", "position"),
    [
        ((20, 2), [], [(10, 1), (30, 3)], 1),
        ((20, 2), [], [(10, 1), (30, 2)], 1),
        ((20, 2), [], [(30, 3), (40, 4)], 0),
        ((20, 2), [], [(10, 1)], 0),
        ((20, 2), [(25, 9)], [(10, 1), (30, 3)], 0),
        ((20, 2), [(40, 3)], [(10, 1), (30, 4)], 0),
        ((20, 2), [(5, 0), (40, 4)], [(10, 1), (30, 3)], 1),
        ((30, 11), [], [(10, 12), (40, 3)], 0),
        ((0, 9), [], [(10, 1), (30, 3)], 0),
    ],
    ids=[
        "before and after",
        "in the same moment",
        "all after",
        "none after",
        "another in between in the file",
        "another in between in time",
        "others elsewhere",
        "refreshed later",
        "not in the file yet",
    ],
)
def test_the_answer_right_after_a_write_is_due(write, others, answers, position):
    unsafe = [recorded("POST", *place) for place in (write, *others)]
    reads = [recorded("GET", *place) for place in answers]
    assert right_after(unsafe[0], reads, 0, lambda: unsafe) == position


def test_a_failed_write_in_between_changes_nothing():
    write, failed = recorded("PUT", 20, 2), recorded("PUT", 30, 3, status=409)
    reads = [recorded("GET", 10, 1), recorded("GET", 40, 4)]
    assert right_after(write, reads, 0, lambda: [write, failed]) == 1
