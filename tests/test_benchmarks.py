"""The statistics and the pages of the benchmarks: nothing is timed here, and no peer is needed."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import cases, operations, page, plot, targets, worker
from benchmarks.figures import Results, paired_ratio
from benchmarks.loopback import answer, path_of, pieces
from benchmarks.peers import SUBJECTS, chosen
from benchmarks.targets import Outcome, Verdict


def replayed(ours: float, noise: float = 1.0) -> Results:
    """Two sizes of replay: ours as a multiple of the floor."""
    results = Results(absent={"replay": {"betamax": "failed: no such thing"}})
    for size in (10, 1000):
        for what in ("open", "first", "repeated"):
            for floor in (0.0002, 0.0003, 0.0004):
                row = f"replay.{what}.{size}"
                results.add(row, "floor", floor)
                results.add(row, "floor-again", floor * noise)
                results.add(row, "ours", floor * ours)
                results.add(row, "vcrpy", floor * size)
    return results


def test_ratios_are_taken_round_by_round() -> None:
    # The machine became ten times slower: no ratio may show it.
    assert paired_ratio([2.0, 20.0, 200.0], [1.0, 10.0, 100.0]) == 2.0


def test_a_subject_that_was_stopped_early_is_compared_in_its_rounds() -> None:
    assert paired_ratio([3.0, 3.0], [1.0, 1.0, 9.0]) == 3.0


def test_what_was_not_measured_has_no_ratio() -> None:
    assert paired_ratio([], [1.0]) is None
    assert Results().typical("replay.first.10", "ours") is None


@pytest.mark.parametrize(
    ("said", "gist"),
    [
        (
            """Traceback (most recent call last):
  File "cassette.py", line 316, in load
    raise CassetteLoadError(problem)
CassetteLoadError: line 177080 column 9: budget breached
      --> <input>:177080:9
       |
177080 |       - "*/*"
       |         ^ budget breached
       |""",
            "CassetteLoadError: line 177080 column 9: budget breached",
        ),
        ("Traceback (most recent call last):\nOSError: no space\n", "OSError: no space"),
        ("...\n== 3 failed in 2.10s ==\n", "== 3 failed in 2.10s =="),
        ("", "without a word"),
    ],
)
def test_the_page_names_what_a_subject_failed_with(said: str, gist: str) -> None:
    assert cases.gist(said.splitlines()) == gist


def test_noise_is_how_far_the_same_subject_is_from_itself() -> None:
    assert replayed(1.2, noise=0.9).noise("replay.first.10") == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("measured", "noise", "outcome"),
    [
        (1.3, 0.0, Outcome.MET),
        (1.31, 0.0, Outcome.MISSED),
        (1.31, 0.02, Outcome.WITHIN_NOISE),
        (1.4, 0.02, Outcome.MISSED),
        (None, 0.02, Outcome.NOT_MEASURED),
    ],
)
def test_a_target_is_met_missed_or_within_noise(
    measured: float | None, noise: float, outcome: Outcome
) -> None:
    assert Verdict("replay", measured, 1.3, noise=noise).outcome is outcome


def test_a_slow_replay_misses_its_target() -> None:
    slow = [verdict for verdict in targets.check(replayed(1.5)) if verdict.is_missed]
    assert [verdict.target for verdict in slow if "times the floor" in verdict.target] == [
        "replay, first use, 10 interactions: times the floor",
        "replay, first use, 1,000 interactions: times the floor",
        "replay, repeated use, 10 interactions: times the floor",
        "replay, repeated use, 1,000 interactions: times the floor",
    ]


def test_a_recorder_that_is_ahead_is_a_missed_target() -> None:
    results = replayed(1.2)
    results.rows["replay.first.10"]["vcrpy"] = results.rows["replay.first.10"]["floor"]
    missed = [verdict.target for verdict in targets.check(results) if verdict.is_missed]
    assert missed == ["replay, first, 10: times the best recorder, vcrpy"]


def test_results_are_the_same_after_they_were_saved(tmp_path: Path) -> None:
    results = replayed(1.2)
    results.save(tmp_path / "performance.json")
    loaded = Results.load(tmp_path / "performance.json")
    assert loaded.rows["replay.first.10"]["floor"] == results.rows["replay.first.10"]["floor"]
    assert loaded.absent == results.absent


def test_a_new_run_of_some_rows_leaves_the_others() -> None:
    newer = Results()
    newer.add("replay.first.10", "ours", 1.0)
    both = replayed(1.2).updated(newer)
    assert both.rows["replay.first.10"] == {"ours": [1.0]}
    assert set(both.rows["replay.first.1000"]) >= {"ours", "floor"}


def test_the_page_has_a_line_for_each_subject_and_the_reason_for_each_that_has_none() -> None:
    text = page.text_of(replayed(1.2, noise=1.02), "performance.svg")
    assert "| the floor | 300 µs | 300 µs |" in text
    assert "| **pytest-reqcache, in a test** | 1.20 × | 1.20 × |" in text
    assert "| vcrpy, pytest-recording | 10.0 × | 1,000 × |" in text
    assert "| *A/A: the floor* | 1.02 × | 1.02 × |" in text
    assert "- betamax: failed: no such thing" in text


def test_the_page_says_who_was_stopped_early_and_names_every_version() -> None:
    about = {
        "date": "2026-11-28",
        "rounds": 3,
        "python": "3",
        "system": "x",
        "variables": 40,
        "versions": {"vcrpy": "9"},
    }
    results = Results(about).updated(Results({**about, "versions": {"hishel": "2"}}, replayed(1.2).rows))
    shown = page.text_of(results, "plot.svg")
    assert "vcrpy 9, hishel 2." in shown
    assert "stopped early" not in shown
    del results.rows["replay.first.10"]["vcrpy"][1:]
    assert "the fewest rounds: vcrpy, pytest-recording (1)." in page.text_of(results, "plot.svg")


def test_the_plot_has_a_line_for_each_label_and_is_valid_xml() -> None:
    lines = {"ours": [(1.0, 1.2), (1000.0, 1.2)], "a < b & c": [(1.0, 2.0), (1000.0, 90.0)]}
    root = ElementTree.fromstring(plot.line_chart("Replay", "size", "times", lines))
    assert len(root.findall("{*}polyline")) == 2
    assert "a < b & c 90" in [text.text for text in root.findall("{*}text")]


def test_labels_of_the_plot_do_not_overlap() -> None:
    lines = {f"peer {number}": [(1.0, 2.0), (10.0, 2.0 + number / 100)] for number in range(10)}
    root = ElementTree.fromstring(plot.line_chart("Replay", "size", "times", lines))
    labels = [text for text in root.findall("{*}text") if (text.text or "").startswith("peer")]
    heights = sorted(float(label.attrib["y"]) for label in labels)
    assert all(upper - lower > 10 for lower, upper in pairwise(heights))


def test_ours_stands_for_all_of_ours_and_floors_always_take_part() -> None:
    names = [subject.name for subject in chosen("ours,vcrpy")]
    assert names == ["floor", "floor-again", "live", "live-again", "ours", "ours-again", "session", "vcrpy"]
    with pytest.raises(ValueError, match="no such peer: curl"):
        chosen("curl")


def test_every_subject_has_its_module() -> None:
    folder = Path(page.__file__).parent / "subjects"
    assert {subject.module for subject in SUBJECTS} == {
        path.stem for path in folder.glob("*.py") if path.stem != "__init__"
    }


def test_bodies_have_a_kilobyte_or_the_size_that_is_asked_for() -> None:
    assert len(answer(path_of(7))[1]) == 1024
    headers, body = answer(path_of(7, 100_000))
    assert len(body) == 100_000
    assert ("Content-Length", "100000") in headers
    assert json.loads(body)["id"] == "item-0000007"
    assert sum(map(len, pieces(1_000_000))) == 1_000_000


def test_opening_is_what_it_takes_beyond_the_floor() -> None:
    results = replayed(1.2)
    for _ in range(3):
        results.add("replay.open.1000", "session", 0.0023)
        results.add("yaml.1000", "session", 0.1)
    [verdict] = [each for each in targets.check(results) if each.target.startswith("opening")]
    assert (verdict.shown, verdict.outcome) == ("2 %", Outcome.MET)


def test_nothing_is_measured_of_what_warms_up(tmp_path: Path) -> None:
    from benchmarks.subjects import floor

    command = {"op": "warm_up", "path": tmp_path / "store", "base": "http://floor.example", "count": 4}
    assert worker.run(command, floor, "floor") == {}
    assert len(floor._adapters[tmp_path / "store"].known) == 4


@pytest.mark.parametrize("operation", ["replay", "record", "count"])
def test_operations_run_through_a_session(operation: str, tmp_path: Path) -> None:
    from benchmarks.subjects import floor

    command = {
        "op": operation,
        "path": tmp_path / "store",
        "base": "http://floor.example",
        "count": 4,
        "sample": 2,
    }
    figures = worker.run(command, floor, "floor")
    assert figures
    assert all(value > 0 for name, value in figures.items() if name != "close")


def test_what_answers_for_another_item_is_an_error() -> None:
    class Wrong:
        status_code = 200
        content = b"{}"

    operation = operations.prepare({"base": "http://floor.example", "count": 1})
    next(operation)

    class Session:
        def get(self, url: str) -> Wrong:
            return Wrong()

    with pytest.raises(AssertionError, match="stands for another item"):
        operation.send(Session())


def test_the_page_names_what_an_earlier_run_has_measured() -> None:
    about = {"date": "2026-11-30", "rounds": 11, "python": "3.11", "system": "Linux", "variables": 3}
    newer = Results({**about, "versions": {"requests": "2.32"}})
    newer.add("suite.run", "floor", 1.0)
    both = replayed(1.2).updated(newer)
    assert "Of earlier runs: replay." in page.text_of(both, "plot.svg")
    anew = both.updated(both)
    assert "earlier runs" not in page.text_of(anew, "plot.svg")
