"""Runs the examples of README.md and docs/, each page in a directory of its own:

- a `python`, `ini` or `toml` block whose first line is a comment with a file's name (`# test_books.py`) is
  written to that file;
- any other `python` block is executed, together with those before it;
- in a `console` block each line `$ pytest ...` is run, with environment variables where `NAME=value` stands
  before it, or `$ python -m pytest_reqcache ...`; `$ cat FILE` shows a file; what stands below is compared
  with the output: each line must be found, in this order; `...` stands for anything, and times and dates are
  not compared. A command that is to fail shows `failed` or `error`;
- a `yaml` block that is a cassette is read as one.

What they request from http://bookshop.example is answered by docs/examples/server.py: it is their proxy.
A hidden block `<!--- invisible-code-block: python` may call `later(days=31)`, which moves the clock of the
commands that follow, and `close_bookshop()`.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sybil import Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser, SkipParser

ROOT = Path(__file__).parent
FILE_NAME = re.compile(r"# (\S+\.(?:py|ini|toml))\n")
VARYING = re.compile(
    r"\d+\.\d\ds(?: \(\d+:\d\d:\d\d\))?|\d{4}-\d\d-\d\dT[\d:.]+Z"
    r"|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} GMT"
)
RULE = re.compile("={3,}")
PYTEST = "import sys, pytest; sys.exit(pytest.main())"
PYTEST_LATER = f"import sys, time, time_machine as t; t.travel(time.time() + {{}}).start(); {PYTEST}"

execute = PythonEvaluator()


def written_to_file(example: Example) -> bool:
    found = FILE_NAME.match(example.parsed)
    if found:
        Path(found[1]).parent.mkdir(parents=True, exist_ok=True)
        Path(found[1]).write_text(example.parsed, encoding="utf-8")
    return bool(found)


def evaluate_file(example: Example) -> None:
    assert written_to_file(example), "the first line is no comment with a file's name"


def evaluate_python(example: Example) -> str | None:
    return None if written_to_file(example) else execute(example)


def evaluate_console(example: Example) -> None:
    for block in re.split(r"^\$ ", example.parsed, flags=re.MULTILINE)[1:]:
        command, _, expected = block.partition("\n")
        program, *arguments = shlex.split(command)
        environment = {}
        while "=" in program:
            name, _, environment[name] = program.partition("=")
            program, *arguments = arguments
        if program == "cat":
            output = Path(*arguments).read_text(encoding="utf-8")
        elif program == "python" and arguments[:2] == ["-m", "pytest_reqcache"]:
            output = run([sys.executable, *arguments], environment)
        else:
            assert program == "pytest", (
                f"{program}: this conftest.py knows pytest, pytest_reqcache and cat alone"
            )
            output = run_pytest(arguments, environment, example.namespace["offset"])
        compare(command, expected, output)


def evaluate_cassette(example: Example) -> None:
    if example.parsed.startswith("# Recorded by pytest-reqcache"):
        from pytest_reqcache.cassette import Cassette

        path = Path("shown.yaml")
        path.write_text(example.parsed, encoding="utf-8")
        assert len(list(Cassette(path, str))) == example.parsed.count("- request:")
        path.unlink()


def run_pytest(arguments: list[str], environment: dict[str, str], offset: timedelta) -> str:
    seconds = offset.total_seconds()
    code = PYTEST_LATER.format(seconds) if seconds else PYTEST
    base = [sys.executable, "-c", code, "-p", "no:cacheprovider", "-p", "no:randomly"]
    base += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # time_machine is imported before pytest
    return run([*base, *arguments], environment)


def run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return f"{done.stdout}{done.stderr}exit status {done.returncode}\n"


def steady(line: str) -> str:
    """A line without what differs from run to run; a rule is the shorter, the longer a run takes."""
    return RULE.sub("===", VARYING.sub("*", line.rstrip()))


def compare(command: str, expected: str, output: str) -> None:
    shown = [steady(line) for line in expected.splitlines() if line.strip(" .")]
    lines = iter(steady(line) for line in output.splitlines())
    for line in shown:
        pattern = re.compile(re.escape(line).replace(r"\.\.\.", ".*"))
        assert any(map(pattern.fullmatch, lines)), f"$ {command}\ndid not print\n{line}\nbut\n{output}"
    may_fail = re.search(r"\b(failed|errors?|ERROR)\b", expected)
    assert may_fail or not re.search(r"^exit status [1-9]", output, re.MULTILINE), output


def setup(namespace: dict[str, Any]) -> None:
    sys.path.insert(0, str(ROOT / "docs" / "examples"))
    from server import running_server

    stack = ExitStack()
    bookshop = stack.enter_context(ExitStack())
    url = bookshop.enter_context(running_server())
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="reqcache-docs-"))
    patch = stack.enter_context(pytest.MonkeyPatch.context())
    for name in ("CI", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "REQCACHE_OFFLINE"):
        patch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy"):
        patch.setenv(name, url)
    for name in ("NO_PROXY", "no_proxy"):
        patch.setenv(name, "127.0.0.1,localhost")
    patch.setenv("COLUMNS", "80")
    locks = stack.enter_context(tempfile.TemporaryDirectory(prefix="reqcache-locks-"))
    patch.setenv("TMPDIR", locks)
    patch.setattr(tempfile, "tempdir", locks)
    patch.chdir(folder)

    def later(**duration: float) -> None:
        namespace["offset"] += timedelta(**duration)

    namespace.update(stack=stack, offset=timedelta(), later=later, close_bookshop=bookshop.close)


def teardown(namespace: dict[str, Any]) -> None:
    namespace["stack"].close()
    sys.path.remove(str(ROOT / "docs" / "examples"))


pytest_collect_file = Sybil(
    parsers=[
        CodeBlockParser("python", evaluate_python),
        CodeBlockParser("ini", evaluate_file),
        CodeBlockParser("toml", evaluate_file),
        CodeBlockParser("yaml", evaluate_cassette),
        CodeBlockParser("console", evaluate_console),
        SkipParser(),
    ],
    patterns=["README.md", "docs/*.md"],
    setup=setup,
    teardown=teardown,
).pytest()

collect_ignore = ["docs/examples"]
