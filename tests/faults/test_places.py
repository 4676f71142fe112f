"""Whatever stands where a cassette should be, or happens to it: a clear error or the right thing."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cassette.conftest import add, identify, make, ref
from pytest_reqcache.body import read_body
from pytest_reqcache.cassette import Cassette, CassetteError, storing
from pytest_reqcache.cassette.locking import Lock
from pytest_reqcache.models import Change

LARGE = b"\x00\x01" * 50_000


def tree(folder):
    """Every file with what is in it, every link with where it leads."""
    return {
        path.relative_to(folder).as_posix(): os.readlink(path) if path.is_symlink() else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def bodies(path):
    return {item.request.url: read_body(item.response.body) for item in Cassette(path, str)}


# --- the disk


@pytest.mark.parametrize("step", ["one", "several", "body", "rewrite"])
def test_limit_of_the_system_leaves_everything_as_it_was(step, tmp_path):
    """A real write that ends in the middle: no file may grow beyond a limit."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "c.yaml"
    [old] = add(Cassette(path, str), make("https://x/0", b"text\n" * 4_000))
    before = tree(tmp_path)
    size = path.stat().st_size
    changes = {
        "one": [Change(make("https://x/1", b"more\n" * 4_000))],
        "several": [Change(make(f"https://x/{n}", b"some\n" * 700)) for n in range(1, 4)],
        "body": [Change(make("https://x/1", LARGE))],
        "rewrite": [Change(make("https://x/0", b"longer\n" * 6_000), (ref(old),))],
    }[step]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    cassette = Cassette(path, str)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 7_000, hard))
    try:
        with pytest.raises(CassetteError, match=r"c\.yaml: File too large(: .*)?; split the cassette"):
            cassette.commit(changes, identify)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert tree(tmp_path) == before
    cassette.commit(changes, identify)
    assert len(bodies(path)) == (len(changes) if step == "rewrite" else 1 + len(changes))


REFUSALS = [
    (errno.EACCES, "Permission denied", "make the file and its folder accessible"),
    (errno.EROFS, "Read-only file system", "record where files can be written"),
    (errno.ENOSPC, "No space left on device", "make room"),
]


@pytest.mark.parametrize(("number", "said", "remedy"), REFUSALS, ids=["denied", "read-only", "full"])
@pytest.mark.parametrize("refused", ["open", "mkdir", "replace"])
def test_folder_that_takes_no_file(number, said, remedy, refused, tmp_path, monkeypatch):
    """As root, who may do everything, and as anybody else."""
    path = tmp_path / "c.yaml" if refused == "replace" else tmp_path / "new" / "c.yaml"
    changes = [Change(make("https://x/1"))]
    if refused == "replace":
        [old] = add(Cassette(path, str), make("https://x/0"))
        changes = [Change(make("https://x/0", LARGE), (ref(old),))]
    before = tree(tmp_path)

    owner = Path if refused == "mkdir" else os
    really = getattr(owner, refused)

    def refuse(*args, **kwargs):
        if Path(args[0]).is_relative_to(tmp_path):
            raise OSError(number, said, str(args[0]))
        return really(*args, **kwargs)

    monkeypatch.setattr(owner, refused, refuse)
    with pytest.raises(CassetteError) as raised:
        Cassette(path, str).commit(changes, identify)
    monkeypatch.undo()
    assert str(raised.value).startswith(f"{path}: ")
    assert said in str(raised.value)
    assert f"; {remedy}, and run again" in str(raised.value)
    assert tree(tmp_path) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder_is_read(tmp_path):
    path = tmp_path / "c.yaml"
    add(Cassette(path, str), make())
    before = tree(tmp_path)
    tmp_path.chmod(0o500)
    try:
        assert len(list(Cassette(path, str))) == 1
        cassette = Cassette(tmp_path / "other.yaml", str)
        with pytest.raises(
            CassetteError, match=r"Permission denied; make the file and its folder accessible"
        ):
            add(cassette, make())
    finally:
        tmp_path.chmod(0o700)
    assert tree(tmp_path) == before


# --- what others do to the file meanwhile


@pytest.mark.parametrize("how", ["removed", "folder removed", "replaced", "checked out"])
def test_session_goes_on_when_its_file_is_another_one(how, origin, session, tmp_path):
    if how == "checked out" and not shutil.which("git"):
        pytest.skip("needs git")
    folder = tmp_path / "cassettes"
    folder.mkdir()
    mine = session(folder / "c.yaml")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    if how == "checked out":
        subprocess.run([*git, "init", "-q"], cwd=folder, check=True)
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "empty"], cwd=folder, check=True)
    assert mine.get(origin.url + "/a").json()["n"] == 1
    if how == "replaced":
        add(Cassette(tmp_path / "other.yaml", str), make(origin.url + "/b", b'{"n": 99}'))
        os.replace(tmp_path / "other.yaml", folder / "c.yaml")
    elif how == "checked out":
        for arguments in (["add", "."], ["commit", "-q", "-m", "c"], ["checkout", "-q", "HEAD~"]):
            subprocess.run([*git, *arguments], cwd=folder, check=True)
    else:
        (folder / "c.yaml").unlink()
        if how == "folder removed":
            folder.rmdir()
    assert mine.get(origin.url + "/a").json()["n"] == 2
    assert mine.get(origin.url + "/a").from_cache
    assert mine.get(origin.url + "/b").json()["n"] == (99 if how == "replaced" else 3)
    mine.close()
    assert set(bodies(folder / "c.yaml")) == {origin.url + "/a", origin.url + "/b"}


def test_what_an_editor_saves_while_the_file_is_rewritten_is_kept(tmp_path, monkeypatch):
    path = tmp_path / "c.yaml"
    [old] = add(Cassette(path, str), make("https://x/0"))
    edited = path.read_bytes() + b"# mine\n"
    chmod = os.chmod

    def save(*args):
        chmod(*args)
        path.write_bytes(edited)

    monkeypatch.setattr(storing.os, "chmod", save)
    with pytest.raises(CassetteError, match=r"c\.yaml: was changed while we wrote it; run again"):
        Cassette(path, str).commit([Change(make("https://x/0", b"new"), (ref(old),))], identify)
    monkeypatch.undo()
    assert tree(tmp_path) == {"c.yaml": edited}


def test_cassette_of_a_newer_version_is_refused_untouched(tmp_path, origin, session):
    path = tmp_path / "c.yaml"
    with session(path) as first:
        first.get(origin.url + "/a")
    for text in (path.read_text(), path.read_text() + "- request:\n    method: GE"):
        path.write_text(text.replace("version: 1", "version: 2"))
        os.utime(path, ns=(1, 1))
        before = tree(tmp_path)
        uses = [
            lambda mine: mine.get(origin.url + "/a"),
            lambda mine: mine.get(origin.url + "/b", force_refresh=True),
            lambda mine: mine.cache.clear(),
            lambda mine: mine.cache.delete(urls=[origin.url + "/a"]),
        ]
        for use in uses:
            mine = session(path)
            with pytest.raises(CassetteError, match=r"c\.yaml:2:1: version 2 was written by a newer"):
                use(mine)
            mine.close()
        assert tree(tmp_path) == before
        assert path.stat().st_mtime_ns == 1


# --- links and names


def test_linked_cassettes_and_linked_folders_are_one(tmp_path):
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "folder").symlink_to(real)
    (tmp_path / "file.yaml").symlink_to(real / "c.yaml")  # it leads nowhere as yet
    paths = [tmp_path / "file.yaml", tmp_path / "folder" / "c.yaml", real / "c.yaml"]
    for number, path in enumerate(paths):
        add(Cassette(path, str), make(f"https://x/{number}", LARGE + b"%d" % number))
    for path in paths:
        assert set(bodies(path)) == {f"https://x/{number}" for number in range(3)}
    [old, *_] = Cassette(paths[0], str)
    Cassette(paths[0], str).commit([Change(make("https://x/0", b"new"), (ref(old),))], identify)
    assert paths[0].is_symlink()
    assert [bodies(path)["https://x/0"] for path in paths] == [b"new"] * 3
    assert {Lock(path.resolve()).file for path in paths} == {Lock(paths[2]).file}


def test_link_to_itself_is_a_clear_error(tmp_path):
    path = tmp_path / "c.yaml"
    path.symlink_to(path)
    for use in (list, lambda cassette: add(cassette, make())):
        with pytest.raises(CassetteError, match=r"links; remove the symbolic link that leads back to itself"):
            use(Cassette(path, str))
    assert path.is_symlink()


def test_longest_name_that_the_system_takes_is_recorded_and_rewritten(tmp_path):
    path = tmp_path / ("ż" * 125 + ".yaml")
    [old] = add(Cassette(path, str), make())
    Cassette(path, str).commit([Change(make(body=b"new"), (ref(old),))], identify)
    assert list(bodies(path).values()) == [b"new"]
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_spellings_that_may_be_one_file_have_one_lock():
    """Where case or composition makes no difference, locks must not either."""
    spellings = ["Weather.yaml", "weather.YAML", "weather.yml"]
    assert len({Lock(Path("/x", name)).file for name in spellings}) == 1
    assert Lock(Path("/x/\u00e9.yaml")).file == Lock(Path("/x/e\u0301.yaml")).file
    assert Lock(Path("/x/a.yaml")).file != Lock(Path("/x/b.yaml")).file


def test_file_that_two_spellings_lead_to_keeps_what_both_record(tmp_path):
    """A case-insensitive file system, in small: one file with two names."""
    upper, lower = tmp_path / "Weather.yaml", tmp_path / "weather.yaml"
    one, other = Cassette(upper, str), Cassette(lower, str)
    add(one, make("https://x/one/0"))
    if not lower.exists():
        os.link(upper, lower)
    for number in range(1, 10):
        add(one, make(f"https://x/one/{number}"), make(f"https://x/first/{number}"))
        add(other, make(f"https://x/other/{number}"))
        assert other.find(f"https://x/one/{number}")
        assert one.find(f"https://x/other/{number}")
    assert len(bodies(upper)) == len(bodies(lower)) == 28


def test_cassettes_that_share_a_folder_of_bodies_keep_theirs(tmp_path):
    one, other = tmp_path / "c.yaml", tmp_path / "c.yml"
    [old] = add(Cassette(one, str), make("https://x/1", LARGE))
    add(Cassette(other, str), make("https://x/2", LARGE))
    Cassette(one, str).commit([Change(make("https://x/1", b"new"), (ref(old),))], identify)
    assert bodies(other) == {"https://x/2": LARGE}
