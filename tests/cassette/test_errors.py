"""A cassette that cannot be read: one error that teaches, soon, and the file is left alone."""

from __future__ import annotations

import errno
import gc
import os
import pickle
import tracemalloc
from pathlib import Path

import pytest
import yaml

from pytest_reqcache.cassette import Cassette, CassetteError

from .conftest import URL, add, make
from .mistakes import MISTAKES, WHOLE


def edited(old, new):
    assert old in WHOLE
    return WHOLE.replace(old, new)


@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_error_names_the_place_and_what_to_do(mistake, loader, path, monkeypatch):
    monkeypatch.setattr("pytest_reqcache.cassette.nodes._LOADER", getattr(yaml, loader))
    made = MISTAKES[mistake]
    path.write_text(made.text)
    path.with_suffix(".bodies").joinpath("folder").mkdir(parents=True)
    with pytest.raises(CassetteError) as caught:
        list(Cassette(path, str))
    assert str(caught.value).startswith(f"{path}:{made.place}: ")
    assert made.words in str(caught.value)
    assert path.read_text() == made.text


@pytest.mark.parametrize(
    "mistake", ["newer version", "vcrpy", "second document", "item a text", "version twice"]
)
def test_unreadable_file_is_never_written(mistake, path, tmp_path):
    text = MISTAKES[mistake].text
    path.write_text(text)
    cassette = Cassette(path, str)
    for use in (lambda: add(cassette, make()), lambda: cassette.find(URL), lambda: len(list(cassette))):
        with pytest.raises(CassetteError):
            use()
    cassette.close()
    assert path.read_text() == text
    assert [file.name for file in tmp_path.iterdir()] == ["users.yaml"]


def test_item_of_a_flow_list_has_no_column_in_its_first_line(path):
    path.write_text(
        '{"version": 1, "interactions": [{"request": {"method": "GET", "url": "https://x/1"},\n'
        '  "response": {"status": 42}, "created_at": 2026-11-23}, {"request": {"method": "G T",\n'
        '  "url": "https://x/2"}, "response": {"status": 200}, "created_at": 2026-11-23}]}\n'
    )
    cassette = Cassette(path, str)
    with pytest.raises(CassetteError, match=r"users\.yaml:2:16: status is '42'"):
        cassette.find("https://x/1")
    with pytest.raises(CassetteError, match=r"users\.yaml:2: method is 'G T'"):
        cassette.find("https://x/2")


def test_one_bad_item_does_not_hide_the_others(path):
    path.write_text(WHOLE.replace("200 OK", "OK"))
    cassette = Cassette(path, str)
    assert len(cassette.find("http://shop.example/orders")) == 1
    with pytest.raises(CassetteError, match=":23:5: status is 'OK'"):
        cassette.find("http://shop.example/orders/7")


def test_bytes_that_are_no_utf8(path):
    path.write_bytes(WHOLE.encode().replace(b"hello", b"hel\xfflo"))
    with pytest.raises(CassetteError, match=r":27: the byte 0xff is no UTF-8; save the file as UTF-8"):
        list(Cassette(path, str))


def test_folder_in_the_place_of_the_file(path):
    path.mkdir()
    for use in (list, Cassette.locators, lambda cassette: add(cassette, make())):
        with pytest.raises(CassetteError, match=r"users\.yaml: this is a folder"):
            use(Cassette(path, str))


def test_lock_that_the_file_system_has_not(path, monkeypatch):
    def fail(*_, **__):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("filelock.lock_descriptor", fail)
    with pytest.raises(CassetteError, match=r"cannot be locked: .* make .*\.lock writable"):
        add(Cassette(path, str), make())
    gc.collect()  # a file that is left open is a warning, and an error here


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
    monkeypatch.setattr("pytest_reqcache.cassette.index.FileIO", refuse)
    with pytest.raises(CassetteError, match=r"users\.yaml: Permission denied; make"):
        Cassette(path, str).find(URL)


def test_name_too_long(tmp_path):
    with pytest.raises(CassetteError, match="File name too long"):
        add(Cassette(tmp_path / ("x" * 300), str), make())


def test_error_can_be_pickled():
    error = CassetteError(Path("a.yaml"), 3, "wrong; do it right", 7)
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.path, copy.line, copy.column) == (Path("a.yaml"), 3, 7)
    assert str(copy) == "a.yaml:3:7: wrong; do it right"
    assert str(CassetteError(Path("a.yaml"), 3, "wrong")) == "a.yaml:3: wrong"
    assert str(CassetteError(Path("a.yaml"), None, "gone")) == "a.yaml: gone"


LAUGHS = "".join(
    f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]\n" if n else "x0: &x0 [lol]\n" for n in range(12)
)
HEADER_LAUGHS = edited(
    "headers:\n      Content-Type: text/plain",
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
