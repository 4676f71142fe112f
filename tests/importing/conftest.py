from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from origin import Origin
from plugin.conftest import suite
from pytest_reqcache.__main__ import main

__all__ = ["suite"]

#: Runs code under vcrpy, in a process of its own: vcrpy patches urllib3 and http.client.
RECORDER = """
import json, sys
import requests
import vcr

job = json.loads(sys.stdin.read())
for name, (code, options) in job["cassettes"].items():
    with vcr.VCR(record_mode="new_episodes").use_cassette(name, **options):
        exec(code, {"URL": job["url"], "requests": requests})
"""


@pytest.fixture
def record(origin: Origin, tmp_path: Path) -> Callable[..., Path]:
    """Lets vcrpy record what pieces of code request from the origin, each in a cassette of its own, below
    ``tmp_path / "theirs"``; ``URL`` in the code is the origin's."""
    folder = tmp_path / "theirs"
    folder.mkdir()

    def record(**cassettes: str | tuple[str, dict[str, Any]]) -> Path:
        job = {
            f"{name.replace('__', '.')}" + ("" if "__" in name else ".yaml"): (
                (textwrap.dedent(given), {})
                if isinstance(given, str)
                else (textwrap.dedent(given[0]), given[1])
            )
            for name, given in cassettes.items()
        }
        done = subprocess.run(
            [sys.executable, "-c", RECORDER],
            input=json.dumps({"url": origin.url, "cassettes": job}),
            env={**os.environ, "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return folder

    return record


class Command:
    """The command, run in this process; it has to end with ``status``."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object, status: int = 0) -> str:
        """What it printed, errors last."""
        self._capsys.readouterr()
        try:
            ended = main(["import", *map(str, arguments)])
        except SystemExit as usage_error:
            ended = int(usage_error.code or 0)
        printed = self._capsys.readouterr()
        assert ended == status, printed
        return printed.out + printed.err


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)
