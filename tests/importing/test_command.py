"""The command: which files it takes, where it puts what becomes of them, and what it says."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from origin import Answer, Origin
from plugin.conftest import PLUGINS, Suite
from pytest_reqcache.cassette import Cassette
from pytest_reqcache.importing import files
from pytest_reqcache.importing.command import Importer
from pytest_reqcache.importing.converting import Secrecy
from pytest_reqcache.names import file_name

from .conftest import Command

THEIRS = """\
interactions:
- request:
    body: null
    headers:
      Authorization:
      - Bearer s3cret-of-ada
    method: GET
    uri: http://api.example/{path}
  response:
    body:
      string: '{body}'
    headers:
      Date:
      - Mon, 23 Nov 2026 19:10:00 GMT
    protocol: HTTP/2
    status:
      code: 200
      message: OK
version: 1
"""


def theirs(path: Path, body: str = "hello") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = THEIRS.format(path=path.stem.partition("[")[0], body=body)
    path.write_text(text)
    return text


def tree(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def bodies(path: Path) -> list[bytes]:
    return [item.response.body for item in Cassette(path, str)]  # type: ignore[misc]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Two cassettes, and files that are none."""
    root = tmp_path / "old"
    theirs(root / "test_a" / "test_one.yaml")
    theirs(root / "test_a" / "test_two[eur].yml")
    (root / "settings.yaml").write_text("a: 1\n")
    (root / "LICENSE").write_text("MIT\n")
    (root / "notes.txt").write_text("interactions: none\n")
    for hidden in (".git", "node_modules"):
        theirs(root / hidden / "x.yaml")
    return root


def test_the_layout_is_kept(old: Path, tmp_path: Path, command: Command) -> None:
    printed = command(old, "--to", tmp_path / "new")
    assert tree(tmp_path / "new") == ["test_a/test_one.yaml", "test_a/test_two[eur].yml"]
    assert bodies(tmp_path / "new/test_a/test_one.yaml") == [b"hello"]
    assert printed.splitlines() == [
        f"{old}/settings.yaml: left alone: no cassette of vcrpy",
        f"{old}/test_a/test_one.yaml -> {tmp_path}/new/test_a/test_one.yaml: 1 interaction",
        "  redacted: request header:authorization",
        "  lost: response.protocol",
        f"{old}/test_a/test_two[eur].yml -> {tmp_path}/new/test_a/test_two[eur].yml: 1 interaction",
        "  redacted: request header:authorization",
        "  lost: response.protocol",
        "2 cassettes imported (2 interactions); 1 left alone: no cassette of vcrpy",
    ]


def test_a_dry_run_writes_nothing_and_says_the_same(old: Path, tmp_path: Path, command: Command) -> None:
    before = tree(tmp_path)
    dry = command(old, "--to", tmp_path / "new", "--dry-run")
    assert tree(tmp_path) == before
    assert not (tmp_path / "new").exists()
    assert dry.replace("to import", "imported") == command(old, "--to", tmp_path / "new")


def test_a_dry_run_needs_no_place(old: Path, command: Command) -> None:
    assert "2 cassettes to import (2 interactions)" in command(old, "--dry-run")


def test_a_secret_is_never_printed(old: Path, tmp_path: Path, command: Command) -> None:
    (old / "bad.yaml").write_text(THEIRS.format(path="?token=s3cret-of-ada", body="x").replace("200", "abc"))
    assert "s3cret-of-ada" not in command(old, "--to", tmp_path / "new", status=1)


TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl"


def test_an_unknown_flag_is_told_with_the_usage_of_the_command(tmp_path: Path, command: Command) -> None:
    printed = command(tmp_path, "--too", tmp_path / "new", status=2)
    assert printed.startswith("usage: python -m pytest_reqcache import [-h] [--to DIR]")
    assert "error: unrecognized arguments: --too" in printed


def test_unrecognised_secret_is_an_error_until_something_is_said_of_it(
    tmp_path: Path, command: Command
) -> None:
    theirs(tmp_path / "old" / "a.yaml", body=f"see {TOKEN}")
    arguments = (str(tmp_path / "old"), "--to", str(tmp_path / "new"))
    printed = command(*arguments, status=1)
    assert (
        "what looks like a jwt, in the response body of GET http://api.example/a; --redact ENTRY" in printed
    )
    assert TOKEN not in printed
    assert tree(tmp_path) == ["old/a.yaml"]
    command(*arguments, "--redact", r"re:eyJ\S+")
    assert bodies(tmp_path / "new" / "a.yaml") == [b"see REDACTED-secret"]


@pytest.mark.parametrize("entry", ["", "author = Made Up"])
def test_a_wrong_entry_is_a_mistake_on_the_command_line(tmp_path: Path, command: Command, entry: str) -> None:
    theirs(tmp_path / "old" / "a.yaml", body="x")
    printed = command(tmp_path / "old", "--to", tmp_path / "new", "--redact", entry, status=2)
    assert "error: --redact: " in printed
    assert tree(tmp_path) == ["old/a.yaml"]


def test_allowed_secret_is_imported(tmp_path: Path, command: Command) -> None:
    theirs(tmp_path / "old" / "a.yaml", body=f"see {TOKEN}")
    command(tmp_path / "old", "--to", tmp_path / "new", "--allow-secret", "jwt")
    assert bodies(tmp_path / "new" / "a.yaml") == [f"see {TOKEN}".encode()]


def test_in_place_keeps_the_originals(old: Path, command: Command) -> None:
    text = (old / "test_a/test_one.yaml").read_text()
    command(old, "--in-place")
    assert [name for name in tree(old) if name.startswith("test_a")] == [
        "test_a/test_one.yaml",
        "test_a/test_one.yaml.orig",
        "test_a/test_two[eur].yml",
        "test_a/test_two[eur].yml.orig",
    ]
    assert (old / "test_a/test_one.yaml.orig").read_text() == text
    assert bodies(old / "test_a/test_one.yaml") == [b"hello"]


def test_a_second_run_in_place_changes_nothing(old: Path, command: Command) -> None:
    command(old, "--in-place")
    before = {name: (old / name).read_bytes() for name in tree(old)}
    assert "2 left alone: a cassette of pytest-reqcache already" in command(old, "--in-place")
    assert {name: (old / name).read_bytes() for name in tree(old)} == before


@pytest.mark.parametrize(
    ("name", "becomes"),
    [
        ("x.json", "x.yaml"),
        ("synopsis", "synopsis.yaml"),
        ("test_x[1.5].yaml", "test_x[1.5].yaml"),
        ("test_x[USD].yaml", "test_x[USD]-14d369a8.yaml"),
        ("TestA.test_x[a b].yaml", "TestA.test_x[a-b]-50e25847.yaml"),
        ("Named cassette.yaml", "Named cassette.yaml"),
    ],
)
def test_a_cassette_gets_the_name_under_which_it_is_looked_for(
    name: str, becomes: str, tmp_path: Path, command: Command
) -> None:
    text = theirs(tmp_path / "old" / name)
    command(tmp_path / "old", "--to", tmp_path / "new")
    assert tree(tmp_path / "new") == [becomes]
    command(tmp_path / "old", "--in-place")
    assert tree(tmp_path / "old") == sorted([becomes, f"{name}.orig"])
    assert (tmp_path / "old" / f"{name}.orig").read_text() == text


def test_one_file_goes_straight_into_the_folder(old: Path, tmp_path: Path, command: Command) -> None:
    command(old / "test_a" / "test_one.yaml", "--to", tmp_path / "new")
    assert tree(tmp_path / "new") == ["test_one.yaml"]


def test_an_original_is_not_written_over(old: Path, command: Command) -> None:
    before = {name: (old / name).read_bytes() for name in tree(old)}
    printed = command(old, "--to", old, status=1)
    assert f"error: {old}/test_a/test_one.yaml: {old}/test_a/test_one.yaml is there already" in printed
    assert {name: (old / name).read_bytes() for name in tree(old)} == before


def test_large_bodies_get_files_of_their_own(tmp_path: Path, command: Command) -> None:
    theirs(tmp_path / "x.yaml", body="large" * 20_000)
    command(tmp_path / "x.yaml", "--in-place")
    assert bodies(tmp_path / "x.yaml") == [b"large" * 20_000]
    assert [name.partition("/")[0] for name in tree(tmp_path)] == ["x.bodies", "x.yaml", "x.yaml.orig"]


# --- What goes wrong is named, and the other files are imported all the same


def broken(old: Path, tmp_path: Path) -> str:
    (old / "a.yaml").write_text("interactions:\n- [\n")
    return f"error: {old}/a.yaml:2: not valid YAML"


def existing(old: Path, tmp_path: Path) -> str:
    target = theirs_at = tmp_path / "new" / "a.yaml"
    theirs(old / "a.yaml")
    target.parent.mkdir()
    target.write_text("mine\n")
    return f"error: {old}/a.yaml: {theirs_at} is there already; move one of them away"


def same_place(old: Path, tmp_path: Path) -> str:
    theirs(old / "a.json")
    theirs(old / "a.yaml")
    new = tmp_path / "new" / "a.yaml"
    return f"error: {old}/a.yaml: {new} is made of {old}/a.json; import one of them alone"


def link(old: Path, tmp_path: Path) -> str:
    theirs(tmp_path / "elsewhere.yaml")
    (old / "a.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    return f"error: {old}/a.yaml: a symbolic link; import the file that it leads to"


def too_old(old: Path, tmp_path: Path) -> str:
    (old / "a.json").write_text('[{"request": {"host": "h"}, "response": {}}]')
    return f"error: {old}/a.json:1: a cassette of vcrpy before 1.0; run 'python -m vcr.migration FILE'"


def half_a_pair(old: Path, tmp_path: Path) -> str:
    request = '{"method": "GET", "uri": "http://h/\\ud800"}'
    text = f'{{"interactions": [{{"request": {request}, "response": {{"status": {{"code": 200}}}}}}]}}'
    (old / "a.json").write_text(text)
    return f"error: {old}/a.json: cannot be written: URL 'http://h/\\ud800' holds half a surrogate pair"


def no_folder(old: Path, tmp_path: Path) -> str:
    theirs(old / "sub" / "a.yaml")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "sub").write_text("a file\n")
    return f"error: {old}/sub/a.yaml: "


@pytest.mark.parametrize("make", [broken, existing, same_place, link, too_old, half_a_pair, no_folder])
def test_what_cannot_be_imported_is_an_error_and_the_rest_goes_on(
    make: Callable[[Path, Path], str], old: Path, tmp_path: Path, command: Command
) -> None:
    expected = make(old, tmp_path)
    printed = command(old, "--to", tmp_path / "new", status=1)
    assert expected in printed
    assert "1 error\n" in printed
    assert bodies(tmp_path / "new/test_a/test_one.yaml") == [b"hello"]


def test_what_is_no_file_of_its_own_is_passed_over(old: Path, tmp_path: Path, command: Command) -> None:
    os.mkfifo(old / "pipe.yaml")
    (old / "nowhere.yaml").symlink_to(old / "gone.yaml")
    (old / "again.yaml").symlink_to(old / "test_a" / "test_one.yaml")
    (old / "licence").symlink_to("/etc/hosts")
    command(old, old / "test_a" / "test_one.yaml", "--to", tmp_path / "new")
    assert tree(tmp_path / "new") == ["test_a/test_one.yaml", "test_a/test_two[eur].yml"]


@pytest.mark.parametrize("name", ["example.com", "v1.2"])
def test_a_name_with_a_dot_and_no_suffix_is_found(tmp_path: Path, command: Command, name: str) -> None:
    theirs(tmp_path / "old" / name)
    (tmp_path / "old" / "notes.md").write_text("As in\n\ninteractions:\n- request: {}\n")
    command(tmp_path / "old", "--to", tmp_path / "new")
    assert tree(tmp_path / "new") == [f"{name}.yaml"]


def test_a_test_of_pytest_recording_gets_the_name_that_we_look_for(tmp_path: Path, command: Command) -> None:
    home = tmp_path / "tests" / "cassettes"
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").touch()
    for name in ("test_größe", "test_Up", "test_up"):
        theirs(home / "test_a" / f"{name}.yaml")
        theirs(home / "shared" / f"{name}.yaml")
    command(home, "--in-place")
    made = {path.relative_to(home).as_posix() for path in home.rglob("*.yaml")}
    names = {f"test_a/{file_name('test_größe')}.yaml"}
    names |= {f"test_a/{file_name(name, unclear=True)}.yaml" for name in ("test_Up", "test_up")}
    assert made == names | {f"shared/{name}.yaml" for name in ("test_größe", "test_Up", "test_up")}


def test_output_that_the_terminal_cannot_show_or_nobody_reads(old: Path, tmp_path: Path) -> None:
    theirs(old / "ü日.yaml")
    for number in range(60):
        theirs(old / f"{number}.yaml")
    command = [sys.executable, "-m", "pytest_reqcache", "import", str(old), "--to"]
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run([*command, str(tmp_path / "new")], env=ascii_only, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\xfc\\u65e5.yaml" in done.stdout
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as nobody:
        done = subprocess.run(
            [*command, str(tmp_path / "more")], stdout=nobody, stderr=subprocess.PIPE, text=True
        )
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_an_error(old: Path, tmp_path: Path, command: Command) -> None:
    (old / "test_a/test_one.yaml").chmod(0)
    printed = command(old, "--to", tmp_path / "new", status=1)
    assert f"error: {old}/test_a/test_one.yaml: cannot be read: Permission denied" in printed


def test_what_is_not_there_is_an_error(old: Path, tmp_path: Path, command: Command) -> None:
    printed = command(tmp_path / "nowhere", old, "--dry-run", status=1)
    assert f"error: {tmp_path}/nowhere: no such file or folder" in printed
    assert "2 cassettes to import" in printed


def test_a_folder_without_cassettes_is_an_error(tmp_path: Path, command: Command) -> None:
    assert f"error: {tmp_path}: no cassette of vcrpy found" in command(tmp_path, "--dry-run", status=1)


def test_an_empty_cassette_is_left_alone(tmp_path: Path, command: Command) -> None:
    (tmp_path / "x.yaml").write_text("interactions: []\nversion: 1\n")
    assert f"{tmp_path}/x.yaml: left alone: a cassette without interactions" in command(tmp_path, "--dry-run")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("x",), "where to? Say --to DIR or --in-place"),
        (("x", "--to", "y", "--in-place"), "--to and --in-place exclude one another"),
        (("x", "--to", __file__), "this is no folder"),
        ((), "the following arguments are required: PATH"),
    ],
)
def test_mistakes_on_the_command_line(arguments: tuple[str, ...], problem: str, command: Command) -> None:
    assert problem in command(*arguments, status=2)


# --- Interrupted runs


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("name", ["x.yaml", "x.json"])
@pytest.mark.parametrize("call", range(6))
def test_whenever_it_is_killed_nothing_is_lost_and_the_next_run_finishes(
    name: str, call: int, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    text = theirs(path, body="large" * 20_000)
    calls = iter(range(100))

    def dying(function: Callable[..., object]) -> Callable[..., object]:
        def step(*arguments: object, **options: object) -> object:
            if next(calls) == call:
                raise Killed
            return function(*arguments, **options)

        return step

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "replace", dying(os.replace))
        patch.setattr(files.Path, "unlink", dying(Path.unlink))
        with suppress(Killed):
            command(path, "--in-place")
    holders = [
        file for file in (path, tmp_path / f"{name}.orig") if file.exists() and file.read_text() == text
    ]
    assert holders
    if path.exists():
        command(path, "--in-place")
    assert (tmp_path / f"{name}.orig").read_text() == text
    assert bodies(tmp_path / "x.yaml") == [b"large" * 20_000]
    assert not list(tmp_path.glob(".reqcache-import-*"))
    assert name == "x.yaml" or not path.exists()


def test_another_file_in_the_place_of_the_original_is_an_error(tmp_path: Path, command: Command) -> None:
    text = theirs(tmp_path / "x.yaml")
    (tmp_path / "x.yaml.orig").write_text("of another tool\n")
    printed = command(tmp_path / "x.yaml", "--in-place", status=1)
    assert f"{tmp_path}/x.yaml.orig is there already, and differs; move it away" in printed
    assert (tmp_path / "x.yaml").read_text() == text


def test_a_copy_of_the_original_is_no_sign_that_it_was_imported(tmp_path: Path, command: Command) -> None:
    (tmp_path / "x.json.orig").write_text(theirs(tmp_path / "x.json"))
    (tmp_path / "x.yaml").write_text("of another tool\n")
    printed = command(tmp_path / "x.json", "--in-place", status=1)
    assert f"{tmp_path}/x.yaml is there already; move one of them away" in printed
    assert (tmp_path / "x.json").exists()


def test_an_interrupt_ends_with_what_was_done(
    old: Path, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(target: Path, interactions: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "write", interrupted)
    assert "interrupted; 0 cassettes imported" in command(old, "--to", tmp_path / "new", status=130)


def test_progress_is_shown_on_a_terminal_alone(old: Path) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for err, shown in ((Terminal(), True), (io.StringIO(), False)):
        importer = Importer(None, Secrecy(), dry_run=True, out=io.StringIO(), err=err)
        importer.run([old])
        importer.close()
        assert ("2 of 4" in err.getvalue()) is shown
        assert err.getvalue().endswith("4 of 4\r      \r" if shown else "")


def test_the_module_is_a_command(old: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-m",
            "pytest_reqcache",
            "import",
            str(old),
            "--to",
            str(tmp_path / "new"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "2 cassettes imported" in done.stdout
    assert done.stderr == ""


# --- A suite that moves over


def test_a_suite_of_pytest_recording_moves_over(suite: Suite, origin: Origin, command: Command) -> None:
    origin["/hello"] = Answer("hello")
    tests = """
        class TestHello:
            @pytest.mark.vcr
            @pytest.mark.parametrize("name", ["ada", "USD", "1.5"])
            def test_hello(self, name):
                assert requests.get(f"{URL}/hello?name={name}").text == "hello"

        @pytest.mark.vcr
        def test_bye():
            assert requests.post(URL + "/bye", json={"n": 1}).ok
        """
    suite.test(tests, name="tests/test_it.py")
    recorded = suite.pytester.runpytest_subprocess(
        *("-p", "pytest_recording.plugin", "-p", "no:cacheprovider", "--record-mode=once", "tests")
    )
    recorded.assert_outcomes(passed=4)
    origin.stop()
    command(suite.path / "tests" / "cassettes", "--in-place")
    suite.test(tests.replace("mark.vcr", "mark.reqcache"), name="tests/test_it.py")
    replayed = suite.pytester.runpytest_inprocess(*PLUGINS, "--reqcache-offline", "tests")
    replayed.assert_outcomes(passed=4)
    replayed.stdout.fnmatch_lines(["4 replayed, 0 requests made"])


def test_a_cassette_of_vcrpy_in_the_place_of_ours_is_an_error_that_names_the_command(suite: Suite) -> None:
    theirs(suite.path / "cassettes" / "test_it" / "test_it.yaml")
    suite.test("def test_it(cached_session): cached_session.get(URL)")
    result = suite.offline()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*CassetteError: *test_it.yaml:*'python -m pytest_reqcache import FILE *"])
