"""One subject in a process of its own: JSON commands on standard input, one a line; JSON answers.

``python -m benchmarks.worker MODULE VARIANT FOLDER``, in the subject's own environment.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .operations import OPERATIONS, Command, Operation


class Channel:
    """The orchestrator's end of the pipes; whatever else is printed goes to standard error."""

    def __init__(self) -> None:
        self._answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._commands = os.fdopen(os.dup(0), encoding="utf-8")

    def commands(self) -> Iterator[Command]:
        return map(json.loads, self._commands)

    def answer(self, figures: dict[str, Any]) -> None:
        self._answers.write(json.dumps(figures) + "\n")
        self._answers.flush()


def failed() -> dict[str, Any]:
    """The answer for an operation that raised."""
    return {"error": traceback.format_exc(limit=-4)}


def begun(command: Command) -> Operation:
    operation = OPERATIONS[command["op"]](command)
    next(operation)
    return operation


def ended(operation: Operation) -> dict[str, Any]:
    """What an operation returns once its session is closed."""
    try:
        next(operation)
    except StopIteration as end:
        figures: dict[str, Any] = end.value
        return figures
    raise AssertionError("an operation that goes on after its session was closed")


def run(command: Command, subject: Any, variant: str) -> dict[str, Any]:
    """One operation of a subject that gives sessions."""
    path = Path(command["path"])
    special: Callable[[Command], dict[str, Any]] | None = getattr(subject, command["op"], None)
    if special is not None:
        return special(command)
    operation = begun(command)
    mode = "record" if command["op"] in ("prepare", "record") or command.get("live") else "replay"
    with subject.session(path, mode, variant) as session:
        operation.send(session)
    return ended(operation)


def main(module: str, variant: str, folder: str) -> None:
    channel = Channel()
    subject = importlib.import_module(f"benchmarks.subjects.{module}")
    if hasattr(subject, "run_commands"):  # its sessions are those of tests: pytest is what runs the commands
        subject.run_commands(channel, Path(folder))
        return
    for command in channel.commands():
        try:
            channel.answer(run(command, subject, variant))
        except Exception:
            channel.answer(failed())


if __name__ == "__main__":
    main(*sys.argv[1:])
