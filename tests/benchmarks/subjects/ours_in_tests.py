"""pytest-reqcache as a test has it: each command is a test, and its session the one of the fixture.

The marker names the cassette, and what was recorded is committed when the test has passed: all that is on by
default in a test is on here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.operations import Command, Operation
from benchmarks.worker import Channel, begun, ended

_MOST_COMMANDS = 2000
_SUITE = f"""\
import pytest

@pytest.mark.reqcache
@pytest.mark.parametrize("number", range({_MOST_COMMANDS}))
def test_command(number, cached_session, request):
    request.node.operation.send(cached_session)
"""


def run_commands(channel: Channel, folder: Path) -> None:
    """Run the commands as tests of a suite whose cassettes are in the folder."""
    home = folder / f"suite-of-commands-{os.getpid()}"  # of its own: others may be collecting theirs
    home.mkdir(parents=True)
    (home / "pytest.ini").write_text("[pytest]\n")
    (home / "test_commands.py").write_text(_SUITE)
    arguments = ["-p", "no:cacheprovider", "-p", "no:terminal", "-s", "-p", "pytest_reqcache.plugin"]
    arguments += ["--reqcache-cassette-dir", str(folder), "-c", str(home / "pytest.ini"), str(home)]
    pytest.main(arguments, plugins=[_Commands(channel, folder)])


class _Commands:
    """Has each test do what the next command says."""

    def __init__(self, channel: Channel, folder: Path) -> None:
        self._channel = channel
        self._folder = folder
        self._commands: Iterator[Command] = channel.commands()
        self._running: Operation | None = None
        self._errors: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        command = next(self._commands, None)
        if command is None:
            item.session.shouldstop = "there are no more commands"
            return True
        name = Path(command["path"]).relative_to(self._folder).as_posix()
        is_live = command["op"] in ("prepare", "record") or command.get("live", False)
        item.add_marker(pytest.mark.reqcache(name, only_if_cached=not is_live), append=False)
        self._running = begun(command)
        item.operation = self._running  # type: ignore[attr-defined]
        return None

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._errors.append(report.longreprtext)
        if report.when == "teardown" and self._running is not None:
            errors, self._errors = self._errors, []
            self._channel.answer({"error": "\n".join(errors)} if errors else ended(self._running))
