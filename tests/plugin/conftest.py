from __future__ import annotations

import os
import textwrap
from itertools import count
from pathlib import Path

import pytest

from origin import Answer, Origin, Received

# Other plugins that are installed (hypothesis above all) would take longer than the suite itself.
PLUGINS = ("-p", "pytest_reqcache.plugin", "-p", "no:cacheprovider")


class Suite:
    """A test suite of a user, run by a pytest of its own against a real server."""

    def __init__(self, pytester: pytest.Pytester, origin: Origin) -> None:
        self.pytester = pytester
        self.origin = origin

    @property
    def path(self) -> Path:
        return self.pytester.path

    def write(self, name: str, code: str) -> Path:
        """A file of the suite; ``URL`` in Python code is the origin's."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = textwrap.dedent(code).lstrip()
        if name.endswith(".py"):
            text = f"import os, pytest, requests\nURL = {self.origin.url!r}\n\n{text}"
        path.write_text(text)
        return path

    def test(self, code: str, name: str = "test_it.py") -> Path:
        return self.write(name, code)

    def run(self, *arguments: str) -> pytest.RunResult:
        """Run the suite in this process, with our plugin and those that ``arguments`` name with ``-p``."""
        return self.pytester.runpytest_inprocess(*PLUGINS, *arguments)

    def offline(self, *arguments: str) -> pytest.RunResult:
        return self.run("--reqcache-offline", *arguments)

    def subprocess(self, *arguments: str) -> pytest.RunResult:
        """Run the suite in a process of its own: for start-up, imports, environment."""
        return self.pytester.runpytest_subprocess(*PLUGINS, *arguments)

    def ask_for_digest(self, path: str) -> None:
        """Let the origin ask for a digest at a path, with another nonce each time."""
        nonces = count()

        def answer(seen: Received) -> Answer:
            if "authorization" in seen.headers:
                return Answer("in")
            challenge = f'Digest realm="r", nonce="{next(nonces)}", qop="auth", algorithm=MD5'
            return Answer("out", 401, headers={"WWW-Authenticate": challenge})

        self.origin[path] = answer

    def cassette(self, name: str = "test_it/test_it") -> str:
        return (self.path / "cassettes" / f"{name}.yaml").read_text()

    def cassettes(self) -> list[str]:
        """Every file below ``cassettes``, by its path from there."""
        base = self.path / "cassettes"
        return sorted(path.relative_to(base).as_posix() for path in base.rglob("*") if path.is_file())


@pytest.fixture
def suite(pytester: pytest.Pytester, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> Suite:
    for name in ("CI", "REQCACHE_OFFLINE", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("NO_PROXY", os.environ.get("NO_PROXY", "127.0.0.1,localhost"))
    return Suite(pytester, origin)


def outcome(result: pytest.RunResult, **expected: int) -> str:
    """Assert the outcome of a run; gives its output."""
    result.assert_outcomes(**expected)
    return result.stdout.str() + result.stderr.str()
