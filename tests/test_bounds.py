"""What is huge, deep or leads elsewhere is refused with an error, in bounded time and memory."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from fuzz.targets import redaction
from pytest_reqcache.cassette import Cassette, CassetteError
from pytest_reqcache.cassette.nodes import NodeError
from pytest_reqcache.expiration import parse_url_pattern
from pytest_reqcache.headers import Headers
from pytest_reqcache.importing import vcrpy
from pytest_reqcache.matching import canonical_body
from pytest_reqcache.models import RecordedRequest
from pytest_reqcache.names import check_name
from pytest_reqcache.redaction.entries import parse_redactions
from pytest_reqcache.settings import TEXT_PARSERS
from pytest_reqcache.shapes import shape_of

ITEM = """\
version: 1
interactions:
- request:
    method: GET
    url: https://x/1
  response:
    status: 200 OK
    {}
  created_at: 2026-11-23T19:10:00Z
"""
DEEP = 100_000
LAUGHS = "\n".join(
    ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12))]
)

TOO_MUCH = {
    "billion laughs": ITEM.format("headers:\n      " + LAUGHS.replace("\n", "\n      ")),
    "large texts repeated": ITEM.format(f"headers:\n      a: &a {'x' * 10**6}\n      b: [{'*a, ' * 999}]"),
    "flow lists": ITEM.format("text: " + "[" * DEEP),
    "flow mappings": ITEM.format("text: " + "{a: " * DEEP),
    "block lists": ITEM.format("text:\n      " + "- " * 20_000),
    "deep JSON body": ITEM.format(f"json: '{'[' * DEEP}{']' * DEEP}'"),
    "unsafe tag": ITEM.format('text: !!python/object/apply:os.system ["true"]'),
    "tag of its own": ITEM.format("text: !secret x"),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_cassette_that_is_too_much_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "users.yaml"
    path.write_text(TOO_MUCH[name])
    started = time.process_time()
    with pytest.raises(CassetteError, match=r"users\.yaml:\d+"):
        list(Cassette(path, str))
    assert time.process_time() - started < 5


def test_importer_refuses_what_is_deep() -> None:
    for deep in ("[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP):
        for form in ('{{"interactions": {}}}', "interactions: {}"):
            with pytest.raises(NodeError):
                vcrpy.read(form.format(deep).encode())


def test_deep_json_is_compared_and_redacted_all_the_same() -> None:
    for body in (b"[" * DEEP + b"]" * DEEP, b'{"token":' * DEEP + b'"abcdefgh"' + b"}" * DEEP):
        started = time.process_time()
        request = RecordedRequest(
            "POST", "https://x/", Headers.of([("Content-Type", "application/json")]), body
        )
        assert canonical_body(request) == body
        assert shape_of(body) is None
        assert time.process_time() - started < 2


HUGE = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (900 * 2**20,) * 2)
from pathlib import Path
from pytest_reqcache.cassette import Cassette, CassetteError
try:
    list(Cassette(Path(sys.argv[1]), str))
except CassetteError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process")
def test_text_of_a_gigabyte_takes_no_gigabyte(tmp_path: Path) -> None:
    path = tmp_path / "users.yaml"
    with path.open("wb") as file:
        file.write(ITEM.partition("{}")[0].encode() + b"text: ")
        file.truncate(2**30)  # sparse
    done = subprocess.run([sys.executable, "-c", HUGE, str(path)], capture_output=True, text=True, timeout=60)
    assert "at most 268,435,456 are read: split the cassette" in done.stdout, done.stderr


OUTSIDE = ("/etc/passwd", "../users.yaml", "users.bodies/../a", "users.bodies/a/b", "users.bodies\\..\\a",
           "C:\\a", "users.bodies/C:a", "users.bodies/", "users.bodies/..", "a", "other.bodies/a",
    "\\\\host\\a")  # fmt: skip


@pytest.mark.parametrize(
    "name", [*OUTSIDE, "users.bodies/missing", "users.bodies/link", "users.bodies/folder"]
)
def test_body_file_is_one_in_the_folder_of_the_cassette(name: str, tmp_path: Path) -> None:
    path, folder = tmp_path / "users.yaml", tmp_path / "users.bodies"
    (folder / "folder").mkdir(parents=True)
    (folder / "link").symlink_to("/etc/passwd")
    path.write_text(ITEM.format(f"file: '{name}'"))
    with pytest.raises(CassetteError, match="body file"):
        list(Cassette(path, str))


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "/a",
        "\\a",
        "a/../../b",
        "a\\..\\b",
        "..",
        "C:a",
        "c:\\a",
        "a\0b",
        "a\nb",
        "a\ud800",
        "a" * 999,
    ],
)
def test_cassette_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cassette"):
        check_name(name)


#: Each took time that grew with the square of its length.
SLOW = (
    *(
        '"token' + '\\"' * 15_000,
        "token" + "a" * 15_000,
        "a=?" * 4_000 + "token",
        "sk-" * 4_000,
        "-eyJ" * 4_000,
    ),
    *('Content-Disposition: form-data; name="a"\n' * 400, "=a" * 8_000 + "%"),
)


@pytest.mark.parametrize("text", SLOW, ids=lambda text: text[:12])
def test_redaction_takes_linear_time(text: str) -> None:
    started = time.process_time()
    redaction(text.encode())
    assert time.process_time() - started < 12


def test_setting_that_is_too_much_is_refused() -> None:
    with pytest.raises(
        ValueError, match="no HTTP status; accepted are statuses and ranges, such as 200 or 400-499"
    ):
        TEXT_PARSERS["allowable_codes"](["100-99999999999"], "ini")
    for expression in ("(" * 50_000, "a{99999999999999999999}"):
        with pytest.raises(ValueError, match="regular expression"):
            parse_url_pattern(f"re:{expression}", where="ini")
        with pytest.raises(ValueError, match="regular expression"):
            parse_redactions([f"re:{expression}"], "redact")
    with pytest.raises(ValueError, match="steps"):
        parse_redactions(["$" + ".a" * 101], "redact")
