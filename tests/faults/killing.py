"""Kills programs of ``victims.py`` at random moments, and compares what is there with what they said."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cassette.conftest import identify, ref
from pytest_reqcache.body import read_body
from pytest_reqcache.cassette import Cassette, TornTailWarning
from pytest_reqcache.models import Change

from .victims import PARTS, body_of

Report = tuple[str, Any, Any]
#: What ends a process: a signal from outside, after a time; itself, at a line; itself, within a write.
KINDS = ("time", "line", "write")


class Nursery:
    """The process that forks the programs."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from faults.victims import main; main()"],
            cwd=Path(__file__).parents[1],
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, order: dict[str, Any], seconds: float | None = None) -> Iterator[Report]:
        """What a program says until it has ended; it is killed ``seconds`` after it has begun to record."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        pid, killer = 0, None
        for line in self._process.stdout:
            report: Report = tuple(json.loads(line))
            if report[0] == "started":
                pid = report[1]
            if seconds is not None and killer is None and pid and report[0] not in ("started", "ended"):
                killer = threading.Timer(seconds, _kill, (pid,))
                killer.start()
            if report[0] == "ended":
                if killer is not None:
                    killer.cancel()
                    killer.join()
                yield report
                return
            yield report
        raise RuntimeError("the nursery is gone")

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@dataclass
class Known:
    """Which version of each thing may be there, by what has been said: the one that was recorded, and the
    one that was being recorded. None: nothing of it."""

    versions: dict[str, set[int | None]] = field(default_factory=dict)
    acknowledged: int = 0

    def hear(self, report: Report) -> None:
        said, name, version = report
        if said == "begins":
            self.versions.setdefault(name, {None}).add(version)
        elif said == "removes":
            self.versions[name].add(None)
        elif said in ("recorded", "removed"):
            self.versions[name] = {version if said == "recorded" else None}
            self.acknowledged += 1

    def compare(self, found: dict[str, bytes], parts: int) -> None:
        """Each thing is there in one of its versions, with all of its parts, and nothing else is."""
        left = dict(found)
        for name, versions in self.versions.items():
            urls = [f"{name}/{part}" for part in range(parts)] if parts else [name]
            bodies = [left.pop(url, None) for url in urls]
            there = [
                version
                for version in versions
                if bodies == [None if version is None else body_of(url, version) for url in urls]
            ]
            assert there, f"{name} is none of {versions}: {[body and body[:70] for body in bodies]}"
            self.versions[name] = set(there[:1])
        assert not left, f"nobody recorded {list(left)}"


@dataclass
class Tally:
    """The figures of many kills."""

    kills: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    torn: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        kinds = ", ".join(f"{self.kills[kind]} by {kind}" for kind in KINDS)
        return (
            f"{self.kills.total()} kills survived ({kinds}), {self.torn} left a torn end; "
            f"{self.acknowledged} steps acknowledged, 0 lost; {self.seconds:.1f} s"
        )


class Attack:
    """Kills one program again and again, each time where the last kill has left its cassettes."""

    def __init__(self, nursery: Nursery, program: str, seed: int) -> None:
        self._nursery = nursery
        self._program = program
        self._random = random.Random(f"{program} {seed}")
        self._parts = PARTS if program in ("commit", "suite") else 0
        #: So often it goes on with the same cassettes; a suite soon has nothing left to record.
        self._attempts = 3 if program == "suite" else 9
        self._passed = (0, 0)
        self._seconds = 0.0
        self.tally = Tally()

    def go(self, places: Iterator[Path], kills: int) -> None:
        """Kill it so often. Raises AssertionError where something is lost, or half there."""
        start = time.monotonic()
        self._run(next(places), 0, Known(), "none", 0, None)
        lines, writes = self._passed
        seconds = self._seconds
        while self.tally.kills.total() < kills:
            place, known = next(places), Known()
            for attempt in range(self._attempts):
                kind = KINDS[attempt % len(KINDS)]
                number = self._random.randrange({"line": lines, "write": writes}.get(kind, 1))
                delay = self._random.uniform(0, seconds) if kind == "time" else None
                self.tally.kills[kind] += self._run(place, attempt, known, kind, number, delay)
            self._run(place, self._attempts, known, "none", 0, None)
            self.tally.acknowledged += known.acknowledged
            _check_that_nothing_is_left(place)
        self.tally.seconds = time.monotonic() - start

    def _run(
        self, place: Path, attempt: int, known: Known, kind: str, number: int, seconds: float | None
    ) -> int:
        order = {
            "program": self._program,
            "path": str(place if self._program == "suite" else place / "c.yaml"),
            "attempt": attempt,
            "kind": kind,
            "number": number,
            "part": self._random.random(),
        }
        was_killed, begun = 0, None
        for report in self._nursery.run(order, seconds):
            assert report[0] != "failed", f"{order}: {report[1]}"
            known.hear(report)
            begun = begun or (time.monotonic() if report[0] == "begins" else None)
            if report[0] == "passed" and kind == "none":
                self._passed = (report[1], report[2])
                self._seconds = time.monotonic() - (begun or 0)
            if report[0] == "ended":
                was_killed = report[1]
        try:
            known.compare(self._found(place), self._parts)
        except Exception as error:
            raise AssertionError(f"after {order}, {seconds}") from error
        return was_killed

    def _found(self, place: Path) -> dict[str, bytes]:
        """All that is recorded, by URL; of the same the latest."""
        found = {}
        for path in files_in(place):
            if path.suffix == ".yaml":
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always", TornTailWarning)
                    for item in Cassette(path, str):
                        found[item.request.url] = read_body(item.response.body)
                self.tally.torn += len(caught)
        return found


def _check_that_nothing_is_left(place: Path) -> None:
    """Once a file is written anew, what the killed had begun to write is gone."""
    for path in [file for file in files_in(place) if file.suffix == ".yaml"]:
        cassette = Cassette(path, str)
        for item in list(cassette)[:1]:
            cassette.commit([Change(None, (ref(item),))], identify)
            text = path.read_bytes()
            torn = b"".join(
                file.read_bytes() for file in files_in(place) if file.name.startswith(f"{path.name}.")
            )
            for body in path.with_suffix(".bodies").glob("*"):  # a torn end may have been cut within its name
                assert body.name.encode() in text or body.stem.encode() in torn
    assert not [file for file in files_in(place) if file.suffix == ".tmp"]


def files_in(place: Path) -> Iterator[Path]:
    return (path for path in place.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc"))
