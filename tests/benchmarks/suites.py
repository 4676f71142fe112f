"""Suites of 500 tests for each subject, and how they are run."""

from __future__ import annotations

import subprocess
from pathlib import Path
from time import perf_counter

from .peers import Subject
from .processes import WorkerError, clean_environment

FILES, TESTS, REQUESTS = 10, 50, 3

_CONFTEST = """\
from pathlib import Path

import pytest
from benchmarks.subjects import {module} as subject


def pytest_addoption(parser):
    parser.addoption("--mode", default="replay")


@pytest.fixture{scope}
def session(request):
    name = "store" if {shared} else f"{{request.node.path.stem}}/{{request.node.name}}"
    path = Path(__file__).parent / "stores" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with subject.session(path, request.config.getoption("--mode"), {variant!r}) as made:
        yield made
"""

_MARKED_CONFTEST = """\
import pytest
import requests


@pytest.fixture
def session():
    with requests.Session() as made:
        yield made
"""

_TEST = """\
{decorator}def test_{number}(session):
    for page in range({requests}):
        response = session.get(f"{base}/items/item-{name}?page={{page}}")
        assert response.json()["id"] == "item-{name}"


"""

_IDLE_TEST = """\
def test_{number}():
    assert sum(range({number})) == {number} * ({number} - 1) // 2


"""

_MARKERS = {"ours_in_tests": "reqcache", "vcrpy": "vcr", "cassetter": "vcr"}


def write(subject: Subject, folder: Path, base: str) -> None:
    """A suite in which each test makes three requests, through the subject's marker or its sessions."""
    folder.mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\n")
    marker = _MARKERS.get(subject.module)
    if marker:
        (folder / "conftest.py").write_text(_MARKED_CONFTEST)
    else:
        scope = '(scope="session")' if subject.shares_store else ""
        (folder / "conftest.py").write_text(
            _CONFTEST.format(
                module=subject.module, scope=scope, shared=subject.shares_store, variant=subject.variant
            )
        )
    decorator = f"@pytest.mark.{marker}\n" if marker else ""
    for file in range(FILES):
        tests = (
            _TEST.format(
                decorator=decorator,
                number=number,
                requests=REQUESTS,
                base=base,
                name=f"{file * TESTS + number:07d}",
            )
            for number in range(TESTS)
        )
        (folder / f"test_{file}.py").write_text("import pytest\n\n\n" + "".join(tests))


def write_idle(folder: Path) -> None:
    """A suite that requests nothing."""
    folder.mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\n")
    for file in range(FILES):
        tests = (_IDLE_TEST.format(number=number) for number in range(TESTS))
        (folder / f"test_{file}.py").write_text("".join(tests))


def run(subject: Subject, python: Path, folder: Path, mode: str = "") -> float:
    """Seconds of a run of the suite, from the start of its process to the end."""
    arguments = [argument for plugin in subject.plugins for argument in ("-p", plugin)]
    if mode:
        own = () if subject.module in _MARKERS else (f"--mode={mode}",)
        arguments += [*subject.suite.get(mode, ()), *own]
    started = perf_counter()
    done = subprocess.run(
        [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, "."],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=900,
    )
    taken = perf_counter() - started
    if done.returncode or f"{FILES * TESTS} passed" not in done.stdout:
        raise WorkerError(done.stdout[-3000:] + done.stderr[-1000:])
    return taken


def seconds_to_import(python: Path, plugins: tuple[str, ...]) -> float:
    """Seconds that the import of a plugin takes once pytest is imported."""
    code = (
        "import pytest, time; started = time.perf_counter(); "
        + "; ".join(f"import {plugin}" for plugin in plugins)
        + "; print(time.perf_counter() - started)"
    )
    done = subprocess.run(
        [str(python), "-c", code], env=clean_environment(), capture_output=True, text=True, check=True
    )
    return float(done.stdout)
