"""The processes that measure, and the server that they record."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from .environments import ROOT
from .peers import Subject

_LONGEST = 900  # seconds for one command; then its process is ended


class WorkerError(Exception):
    """A subject could not do what it was told."""


def clean_environment() -> dict[str, str]:
    """The variables of every process: the caller's, but for those that change what is measured."""
    mine = ("CI", "REQCACHE_OFFLINE", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTHONPATH")
    mine += ("PYTHONDONTWRITEBYTECODE",)  # what is installed is compiled
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in mine and not name.lower().endswith("_proxy")
    }
    return {
        **kept,
        "PYTHONPATH": str(ROOT / "tests"),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONHASHSEED": "0",
    }


class Worker:
    """One subject in a process of its own."""

    def __init__(self, subject: Subject, python: Path, folder: Path) -> None:
        self.subject = subject
        self._log = (folder / "worker.log").open("w+b")
        self._process = subprocess.Popen(
            [str(python), "-m", "benchmarks.worker", subject.module, subject.variant, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=folder,
            env=clean_environment(),
        )

    def tell(self, **command: Any) -> None:
        """Give it a command, and do not wait."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(command, default=str).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise WorkerError(self._last_words()) from None

    def hear(self) -> dict[str, Any]:
        """The answer to the last command. Raises WorkerError where it failed."""
        assert self._process.stdout is not None
        patience = threading.Timer(_LONGEST, self._process.kill)
        patience.start()
        try:
            line = self._process.stdout.readline()
        finally:
            patience.cancel()
        if not line:
            raise WorkerError(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def do(self, **command: Any) -> dict[str, Any]:
        """The figures of one operation. Raises WorkerError where it failed."""
        self.tell(**command)
        return self.hear()

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(OSError):  # it may have ended, with a command unread
            self._process.stdin.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._log.close()

    def _last_words(self) -> str:
        self._log.seek(0)
        return f"the process ended: {self._log.read().decode(errors='replace')[-2000:]}"


class Loopback:
    """The server that is recorded."""

    def __init__(self, url: str) -> None:
        self.url = url

    def served(self) -> int:
        """How many requests it has had, these questions included."""
        connection = HTTPConnection(self.url.removeprefix("http://"))
        try:
            connection.request("GET", "/served")
            return int(connection.getresponse().read())
        finally:
            connection.close()


@contextmanager
def loopback() -> Iterator[Loopback]:
    """The server, in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.loopback"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=clean_environment(),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Loopback(f"http://127.0.0.1:{int(process.stdout.readline())}")
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()
