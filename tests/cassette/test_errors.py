"""A cassette that cannot be read: one error that teaches, soon, and the file is left alone."""

from __future__ import annotations

import os
import pickle
import tracemalloc
from pathlib import Path

import pytest

from pytest_reqcache.cassette import Cassette, CassetteError

from .conftest import URL, add, make

VCRPY = """\
interactions:
- request:
    body: null
    headers:
      Accept: ['*/*']
    method: GET
    uri: https://x/1
  response:
    body: {string: hello}
    headers: {}
    status: {code: 200, message: OK}
version: 1
"""

WHOLE = """\
version: 1
interactions:
- request:
    method: GET
    url: https://x/1
    headers:
      A: b
  response:
    status: 200 OK
    text: |
      hello
  created_at: 2026-11-23T19:10:00Z
"""


def edited(old, new):
    assert old in WHOLE
    return WHOLE.replace(old, new)


CASES = {
    "newer version": (edited("version: 1", "version: 2"), r":1: version 2 was written by a newer .* upgrade"),
    "odd version": (edited("version: 1", "version: one"), r":1: version is 'one'.* reads version 1"),
    "no version": (edited("version: 1\n", ""), r":1: no version; .* 'version: 1'"),
    "no list": ("version: 1\n", r":1: no list of interactions; write 'interactions:'"),
    "a list": ("- 1\n", r":1: a cassette is a mapping"),
    "a text": ("hello\n", r":1: a cassette is a mapping"),
    "interactions a text": ("version: 1\ninteractions: x\n", r":2: interactions is a text"),
    "unknown top key": (WHOLE + "foo: 1\n", r":13: a cassette has an unknown key 'foo'"),
    "vcrpy": (VCRPY, r":\d: .*'(body|uri)', which other tools' cassettes have"),
    "vcrpy with recorded_with": (
        "version: 1\ninteractions: []\nrecorded_with: VCR 1\n",
        r":3: .*'recorded_with'",
    ),
    "misspelt key": (
        edited("    headers:", "    haeders:"),
        r":6: a request has an unknown key 'haeders'; did you mean 'headers'",
    ),
    "misspelt key in the middle": (
        edited("  response:", "  responce:"),
        r":8: .*'responce'; did you mean 'response'",
    ),
    "duplicate key": (
        edited("  response:", "  answer: 1\n  answer: 2\n  response:"),
        r":9: the key 'answer' is here twice",
    ),
    "duplicate header": (edited("      A: b", "      A: b\n      A: c"), r":8: the key 'A' is here twice"),
    "duplicate top key": ("version: 1\nversion: 1\n", r":2: the key 'version' is here twice"),
    "missing url": (edited("    url: https://x/1\n", ""), r":3: a request without url"),
    "missing status": (edited("    status: 200 OK\n", ""), r":8: a response without status; add it"),
    "missing created_at": (
        edited("  created_at: 2026-11-23T19:10:00Z", "  keep: true # c"),
        r":3: an interaction without created_at",
    ),
    "bad time": (
        edited("2026-11-23T19:10:00Z", "yesterday"),
        r":12: created_at is 'yesterday'; write a time such as 2026",
    ),
    "no such time": (edited("2026-11-23T19:10:00Z", "2026-02-30"), r":12: created_at is '2026-02-30'"),
    "bad status": (edited("200 OK", "OK"), r":9: status is 'OK'; write a code"),
    "status a mapping": (edited("200 OK", "{code: 200}"), r":9: status is a mapping"),
    "bad method": (edited("GET", "G T"), r":4: method is 'G T'"),
    "empty method": (edited("GET", "''"), r":4: method is empty"),
    "header a mapping": (edited("A: b", "A: {b: c}"), r":7: A is a mapping; write one text"),
    "headers a text": (edited("headers:\n      A: b", "headers: A"), r":6: headers is a text"),
    "bad answer": (
        edited("  response:", "  answer: 0\n  response:"),
        r":8: answer is '0'; write a number from 1",
    ),
    "bad keep": (
        edited("  response:", "  keep: yes please\n  response:"),
        r":8: keep is 'yes please'; write true",
    ),
    "bad json": (
        edited("text: |\n      hello", 'json: |\n      {\n      "a": 1,,\n      }'),
        r":12: the json body is no JSON: .*; correct it",
    ),
    "bad style": (
        edited("text: |\n      hello", "style: wide\n    json: '1'"),
        r":10: style is 'wide'; known are compact",
    ),
    "style without json": (
        edited("    text: |", "    style: spaced\n    text: |"),
        r":10: style says how to write json",
    ),
    "bad base64": (edited("text: |\n      hello", "base64: '!'"), r":10: no base64"),
    "bad encoding": (
        edited("    text: |", "    encoding: foo\n    text: |"),
        r":1[01]: unknown encoding 'foo'",
    ),
    "text not in the encoding": (
        edited("    text: |\n      hello", "    encoding: ascii\n    text: é"),
        r":11: 'é' cannot be written in ascii; say 'encoding: utf-8'",
    ),
    "two bodies": (edited("    text: |", "    json: 1\n    text: |"), r":1[01]: a body as json and as text"),
    "tab": (edited("    method", "\tmethod"), r":4: not valid YAML: .*; correct the line"),
    "unclosed quote": (edited("200 OK", '"200 OK'), r":\d+: not valid YAML"),
    "unsafe tag": (
        edited("200 OK", "!!python/object/apply:os.system [ls]"),
        r":9: the tag .*python/object/apply:os.system' is not safe",
    ),
    "custom tag": (edited("200 OK", "!env HOME"), r":9: the tag '!env' is not safe"),
    "merge key": (edited("      A: b", "      <<: {}"), r":7: merge keys"),
    "unknown alias": (edited("200 OK", "*ok"), r":9: .*"),
    "alias in itself": (edited("A: b", "A: &a [*a]"), r":7: "),
    "control character": (edited("hello", "he\x01llo"), r":11: not valid YAML"),
    "second document": (WHOLE + "---\n" + WHOLE, r":13: a second document"),
    "other indentation of one item": (WHOLE + "  - request:\n      method: GET\n", r":13: not valid YAML"),
    "key that is a list": (edited("    headers:", "    [a]: b\n    headers:"), r":6: a key that is no text"),
    "item a text": (WHOLE + "- hello\n", r":13: an interaction expected here, found a text"),
}


@pytest.mark.parametrize("case", CASES)
def test_error_names_file_line_and_what_to_do(case, path):
    text, message = CASES[case]
    path.write_text(text)
    with pytest.raises(CassetteError, match=r"users\.yaml" + message) as caught:
        list(Cassette(path, str))
    assert caught.value.path == path
    assert f":{caught.value.line}: " in str(caught.value)
    assert path.read_text() == text


@pytest.mark.parametrize(
    "case", ["newer version", "vcrpy", "second document", "item a text", "duplicate top key"]
)
def test_unreadable_file_is_never_written(case, path, tmp_path):
    path.write_text(CASES[case][0])
    cassette = Cassette(path, str)
    for use in (lambda: add(cassette, make()), lambda: cassette.find(URL), lambda: len(cassette)):
        with pytest.raises(CassetteError):
            use()
    cassette.close()
    assert path.read_text() == CASES[case][0]
    assert [file.name for file in tmp_path.iterdir()] == ["users.yaml"]


def test_one_bad_item_does_not_hide_the_others(path):
    path.write_text(
        WHOLE + WHOLE.partition("interactions:\n")[2].replace("x/1", "x/2").replace("200 OK", "OK")
    )
    cassette = Cassette(path, str)
    assert len(cassette.find("https://x/1")) == 1
    with pytest.raises(CassetteError, match=":19: status is 'OK'"):
        cassette.find("https://x/2")


def test_bytes_that_are_no_utf8(path):
    path.write_bytes(WHOLE.encode().replace(b"hello", b"hel\xfflo"))
    with pytest.raises(CassetteError, match=r":11: the byte 0xff is no UTF-8; save the file as UTF-8"):
        list(Cassette(path, str))


def test_folder_in_the_place_of_the_file(path):
    path.mkdir()
    for use in (list, len, lambda cassette: add(cassette, make())):
        with pytest.raises(CassetteError, match=r"users\.yaml: this is a folder"):
            use(Cassette(path, str))


def test_file_in_the_place_of_a_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CassetteError, match=r"Not a directory"):
        add(Cassette(tmp_path / "file" / "c.yaml", str), make())


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("mode", [0o000, 0o400])
def test_permission_denied(mode, path):
    path.write_text(WHOLE)
    path.chmod(mode)
    with pytest.raises(CassetteError, match=r"users\.yaml: Permission denied; make"):
        add(Cassette(path, str), make())
    path.chmod(0o600)
    assert path.read_text() == WHOLE


def test_permission_denied_on_opening(path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    path.write_text(WHOLE)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(CassetteError, match=r"users\.yaml: Permission denied; make"):
        Cassette(path, str).find(URL)


def test_name_too_long(tmp_path):
    with pytest.raises(CassetteError, match="File name too long"):
        add(Cassette(tmp_path / ("x" * 300), str), make())


def test_error_can_be_pickled():
    error = CassetteError(Path("a.yaml"), 3, "wrong; do it right")
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.path, copy.line, str(copy)) == (Path("a.yaml"), 3, "a.yaml:3: wrong; do it right")
    assert str(CassetteError(Path("a.yaml"), None, "gone")) == "a.yaml: gone"


LAUGHS = "".join(
    f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]\n" if n else "x0: &x0 [lol]\n" for n in range(12)
)
HEADER_LAUGHS = edited(
    "headers:\n      A: b",
    "headers:\n"
    + "".join(
        f"      x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9 if n else ['lol'] * 9)}]\n" for n in range(12)
    ),
)


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        HEADER_LAUGHS,
        edited("200 OK", "[" * 100_000),
        edited("200 OK", "- " * 100_000),
        "[" * 100_000,
        "{a: " * 100_000,
        edited("200 OK", "? " * 50_000),
        "version: 1\ninteractions:\n" + "".join("\n" + " " * n + "a:" for n in range(1000)),
        "&a " * 10_000,
        "version: 1\ninteractions: &a [*a, *a]\n",
        edited("200 OK", '"' + "\\x" * 100_000),
    ],
    ids=range(11),
)
@pytest.mark.timeout(60)
def test_hostile_file_is_refused(text, path):
    path.write_text(text)
    with pytest.raises(CassetteError):
        list(Cassette(path, str))


def test_huge_scalar_is_refused_in_bounded_memory(path, monkeypatch):
    monkeypatch.setattr("pytest_reqcache.cassette.scan.LARGEST_ITEM", 1024 * 1024)
    monkeypatch.setattr("pytest_reqcache.cassette.general._LARGEST_FILE", 2 * 1024 * 1024)
    path.write_text(WHOLE)
    with path.open("r+b") as file:
        file.seek(300 * 1024 * 1024)
        file.write(b"\n")
    tracemalloc.start()
    with pytest.raises(CassetteError):
        list(Cassette(path, str))
    assert tracemalloc.get_traced_memory()[1] < 10 * 1024 * 1024
    tracemalloc.stop()
