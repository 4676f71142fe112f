"""The cases: what each subject is made to do, round by round, all subjects in turn."""

from __future__ import annotations

import random
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from . import suites
from .figures import Results
from .loopback import ONE_URL
from .peers import Subject
from .processes import Loopback, Worker, WorkerError

Figures = dict[str, float]
Round = Callable[[Subject, int], Figures]

_FEWEST_ROUNDS = 3
_SAMPLE = 100  # requests in one series
_WARM_UP = 20  # requests before it, to another store
_POSTED = 400  # requests to one URL
_PROCESSES, _EACH = 8, 100
_BODIES, _BODY = 500, 100 * 1024
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(: |$)")
_CREDENTIAL = {"Authorization": "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmN"}


@dataclass(slots=True)
class Bench:
    """One run: who is measured, how often, and where the results go.

    A subject whose rounds have taken longer than ``patience`` seconds in one case is measured no
    more there, once it has had three; one will do for memory.
    """

    subjects: Sequence[Subject]
    pythons: dict[str, Path]
    folder: Path
    server: Loopback
    rounds: int
    sizes: Sequence[int]
    recorded: int
    recorded_flat: int
    streamed: int
    patience: float
    results: Results
    order: random.Random = field(default_factory=lambda: random.Random(20261128))

    # --- who takes part

    def able(self, case: str) -> list[Subject]:
        """The subjects that can do a case; for the others it is noted why not."""
        able = []
        for subject in self.subjects:
            reason = subject.cannot.get(case)
            if reason is None:
                able.append(subject)
            else:
                self.results.absent.setdefault(case, {})[subject.name] = reason
        return able

    def failed(self, case: str, subject: Subject, error: Exception) -> None:
        lines = str(error).strip().splitlines()
        say(f"  {subject.title} failed in {case}:\n" + "\n".join(f"    {line}" for line in lines[-15:]))
        self.results.absent.setdefault(case, {})[subject.name] = f"failed: {gist(lines)}".replace(
            f"{self.folder}/", ""
        )

    def store(self, subject: Subject, name: str) -> Path:
        """Where a subject keeps what it records under that name."""
        return self._home(subject) / name

    def _home(self, subject: Subject) -> Path:
        home = self.folder / subject.name
        home.mkdir(parents=True, exist_ok=True)
        return home

    def clear(self, subject: Subject, name: str) -> None:
        """Remove a store, whatever files it is made of."""
        for path in self._home(subject).glob(f"{name}*"):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def worker(self, subject: Subject) -> Worker:
        return Worker(subject, self.pythons[subject.name], self._home(subject))

    @contextmanager
    def workers(self, subjects: Sequence[Subject]) -> Iterator[dict[str, Worker]]:
        with ExitStack() as stack:
            started = {subject.name: self.worker(subject) for subject in subjects}
            for worker in started.values():
                stack.callback(worker.close)
            yield started

    # --- the rounds

    def interleave(
        self,
        case: str,
        subjects: Sequence[Subject],
        one_round: Round,
        rounds: int | None = None,
        fewest: int = _FEWEST_ROUNDS,
    ) -> None:
        """Every subject once a round, in an order that changes; what fails is left out from then on."""
        taking_part, spent = list(subjects), dict.fromkeys((subject.name for subject in subjects), 0.0)
        rounds = rounds or self.rounds
        for number in range(rounds):
            self.order.shuffle(taking_part)
            for subject in list(taking_part):
                started = perf_counter()
                try:
                    figures = one_round(subject, number)
                except WorkerError as error:
                    self.failed(case, subject, error)
                    taking_part.remove(subject)
                    continue
                spent[subject.name] += perf_counter() - started
                for row, value in figures.items():
                    self.results.add(row, subject.name, value)
                if number + 1 >= fewest and spent[subject.name] > self.patience:
                    taking_part.remove(subject)
            say(f"  {case}: round {number + 1} of {rounds}", end="\r" if sys.stderr.isatty() else "\n")

    def prepared(
        self, case: str, workers: dict[str, Worker], name: str, *, count: int, **what: object
    ) -> list[Subject]:
        """Have the stores filled; those that took part."""
        ready = []
        for subject in self.subjects:
            worker = workers.get(subject.name)
            if worker is None:
                continue
            whole = {"op": "prepare", "path": self.store(subject, name), "base": self.server.url, **what}
            step = subject.piece or count
            try:
                for first in range(0, count, step):
                    worker.do(first=first, count=min(step, count - first), **whole)
                ready.append(subject)
            except WorkerError as error:
                self.failed(case, subject, error)
        return ready

    def offline(self, do: Callable[[], Figures]) -> Figures:
        """The figures of what must not reach the server."""
        before = self.server.served()
        figures = do()
        if self.server.served() != before + 1:
            raise WorkerError("what was to be replayed was requested from the server")
        return figures


def gist(lines: Sequence[str]) -> str:
    """The line that tells what went wrong: a traceback's last exception, which others may explain."""
    told = [line for line in lines if line.strip()]
    raised = [line for line in told if _EXCEPTION.match(line)]
    return (raised or told or ["without a word"])[-1].strip()


def say(text: str, end: str = "\n") -> None:
    sys.stderr.write(text + end)
    sys.stderr.flush()


# --- replay and opening


def replay(bench: Bench) -> None:
    """Opening, first use and repeated use of cassettes of each size."""
    for size in bench.sizes:
        _replay(bench, "replay", size, {})


def credential(bench: Bench) -> None:
    """The same with a bearer token in every request: there redaction has something to do."""
    _replay(bench, "credential", max(size for size in bench.sizes if size <= 1000), _CREDENTIAL)


def _replay(bench: Bench, case: str, size: int, headers: dict[str, str]) -> None:
    subjects = bench.able(case)
    name, other = f"{case}-{size}", f"{case}-warm-up"
    sessions = max(1, 20 // size)  # of a cassette of one, one request is hardly to be measured
    command = {
        "op": "replay",
        "base": bench.server.url,
        "count": size + 1,  # the request of one interaction more opens the cassette
        "sample": max(5, _SAMPLE // sessions),
        "headers": headers,
    }
    warm_up = {"op": "warm_up", "base": bench.server.url, "count": _WARM_UP, "headers": headers}
    with bench.workers(subjects) as workers:
        bench.prepared(f"{case} {size}", workers, other, count=_WARM_UP, headers=headers)
        ready = bench.prepared(f"{case} {size}", workers, name, count=size + 1, headers=headers)

        def once(subject: Subject) -> Figures:
            worker = workers[subject.name]
            worker.do(path=bench.store(subject, other), **warm_up)
            return bench.offline(lambda: worker.do(path=bench.store(subject, name), **command))

        def one_round(subject: Subject, number: int) -> Figures:
            if number == 0:
                once(subject)  # imports, and what is compiled at first use
            several = [once(subject) for _ in range(sessions)]
            figures = {
                f"{case}.{what}.{size}": sum(one[what] for one in several) / sessions
                for what in ("open", "first", "repeated")
            }
            if subject.name == "session" and not headers:
                loaded = workers[subject.name].do(op="load_yaml", path=bench.store(subject, name))
                figures[f"yaml.{size}"] = loaded["load"]
            return figures

        bench.interleave(f"{case} {size}", ready, one_round)
    for subject in subjects:
        bench.clear(subject, name)
        bench.clear(subject, other)


def one_url(bench: Bench) -> None:
    """Requests with bodies of their own, all to one URL, as those of GraphQL: each used once."""
    subjects, row = bench.able("one_url"), f"one_url.request.{_POSTED}"
    with bench.workers(subjects) as workers:
        ready = bench.prepared("one_url", workers, ONE_URL, count=_POSTED, posted=True)

        def once(subject: Subject) -> float:
            command = {"op": "use", "base": bench.server.url, "count": _POSTED, "posted": True}
            return workers[subject.name].do(path=bench.store(subject, ONE_URL), **command)["request"]

        def one_round(subject: Subject, number: int) -> Figures:
            if number == 0:
                once(subject)
            return bench.offline(lambda: {row: once(subject)})

        bench.interleave("one_url", ready, one_round)
    for subject in subjects:
        bench.clear(subject, ONE_URL)


# --- recording


def recording(bench: Bench) -> None:
    """Requests recorded one by one into a new cassette, opening and closing it included."""
    _record(bench, "recording", bench.recorded, {"request": f"recording.request.{bench.recorded}"})


def flat(bench: Bench) -> None:
    """The first and the last hundred requests of a long recording."""
    size = bench.recorded_flat
    _record(bench, "flat", size, {"start": f"flat.start.{size}", "end": f"flat.end.{size}"})


def _record(bench: Bench, case: str, count: int, rows: dict[str, str]) -> None:
    subjects = bench.able(case)
    with bench.workers(subjects) as workers:
        ready = bench.prepared(case, workers, "warm-up", count=20)

        def one_round(subject: Subject, number: int) -> Figures:
            name = f"{case}-{number}"
            path = bench.store(subject, name)
            figures = workers[subject.name].do(op="record", path=path, base=bench.server.url, count=count)
            bench.clear(subject, name)
            return {row: figures[what] for what, row in rows.items()}

        bench.interleave(case, ready, one_round)


# --- memory, each time in a new process


def memory(bench: Bench) -> None:
    """50 MB in 500 bodies, replayed; one streamed body, recorded and replayed. It varies little."""
    subjects = bench.able("memory")
    with bench.workers(subjects) as workers:
        ready = bench.prepared("memory", workers, "many", count=_BODIES, body=_BODY)

    def one_round(subject: Subject, number: int) -> Figures:
        server = bench.server.url
        many = {"op": "replay_memory", "count": _BODIES, "body": _BODY}
        streamed = {"op": "stream", "size": bench.streamed}
        figures = {}
        for row, name, command in (
            ("memory.many", "many", many),
            ("memory.recorded", f"stream-{number}", {**streamed, "live": True}),
            ("memory.replayed", f"stream-{number}", streamed),
        ):
            path = bench.store(subject, name)
            worker = bench.worker(subject)
            try:
                worker.do(op="prepare", path=bench.store(subject, "warm-up"), base=server, count=20)
                worker.do(op="replay", path=bench.store(subject, "warm-up"), base=server, count=20, sample=10)
                figures[row] = worker.do(path=path, base=server, **command)["bytes"]
            except WorkerError as error:
                bench.failed(row, subject, error)
            finally:
                worker.close()
        bench.clear(subject, f"stream-{number}")
        return figures

    bench.interleave("memory", ready, one_round, rounds=min(bench.rounds, _FEWEST_ROUNDS), fewest=1)
    for subject in subjects:
        bench.clear(subject, "many")


# --- several processes


def processes(bench: Bench) -> None:
    """Eight processes record a hundred requests each into one cassette: how long, and what is in it then."""
    subjects = bench.able("processes")

    def one_round(subject: Subject, number: int) -> Figures:
        name = f"processes-{number}"
        path, server = bench.store(subject, name), bench.server
        with ExitStack() as stack:
            workers = [bench.worker(subject) for _ in range(_PROCESSES)]
            for worker in workers:
                stack.callback(worker.close)
            for rank, worker in enumerate(workers):
                warm_up = bench.store(subject, f"warm-up-{rank}")
                worker.do(op="prepare", path=warm_up, base=server.url, count=5)
            started = perf_counter()
            for rank, worker in enumerate(workers):
                worker.tell(op="record", path=path, base=server.url, count=_EACH, first=rank * _EACH)
            for worker in workers:
                worker.hear()
            taken = perf_counter() - started
            before = server.served()
            answered = workers[0].do(op="count", path=path, base=server.url, count=_PROCESSES * _EACH)["kept"]
            requested = server.served() - before - 1
        bench.clear(subject, "processes-")
        return {"processes.seconds": taken, "processes.lost": _PROCESSES * _EACH - (answered - requested)}

    bench.interleave("processes", subjects, one_round)


# --- suites


def suite(bench: Bench) -> None:
    """500 tests with three replayed requests each: the whole run of pytest."""
    ready = []
    for subject in bench.able("suite"):
        folder = bench.store(subject, "suite")
        suites.write(subject, folder, bench.server.url)
        try:
            suites.run(subject, bench.pythons[subject.name], folder, "record")
            ready.append(subject)
        except WorkerError as error:
            bench.failed("suite", subject, error)

    def one_round(subject: Subject, number: int) -> Figures:
        folder = bench.store(subject, "suite")
        python = bench.pythons[subject.name]
        return bench.offline(lambda: {"suite.run": suites.run(subject, python, folder, "replay")})

    bench.interleave("suite", ready, one_round)
    for subject in bench.subjects:
        bench.clear(subject, "suite")


def idle(bench: Bench) -> None:
    """500 tests that request nothing, with a tool's plugin and without; the same environment for both."""
    subjects = bench.able("idle")
    folder = bench.folder / "idle"
    suites.write_idle(folder)

    def one_round(subject: Subject, number: int) -> Figures:
        own = "ours" if subject.kind == "floor" and "ours" in bench.pythons else subject.name
        return {"idle.run": suites.run(subject, bench.pythons[own], folder)}

    for subject in subjects:
        one_round(subject, 0)
    bench.interleave("idle", subjects, one_round)


def imports(bench: Bench) -> None:
    """The import of a plugin, once pytest is imported."""

    def one_round(subject: Subject, number: int) -> Figures:
        return {"imports.plugin": suites.seconds_to_import(bench.pythons[subject.name], subject.plugins)}

    bench.interleave("imports", bench.able("imports"), one_round)


CASES: dict[str, Callable[[Bench], None]] = {
    "replay": replay,
    "credential": credential,
    "one_url": one_url,
    "recording": recording,
    "flat": flat,
    "memory": memory,
    "processes": processes,
    "suite": suite,
    "idle": idle,
    "imports": imports,
}
