"""Finding the files to import, and putting what becomes of them in its place.

A new cassette is written in a folder of its own beside its place, and then renamed: it is there whole,
or not at all. Nothing that exists is written over.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..cassette import Cassette
from ..cassette.writing import HEADER
from ..models import Change, Interaction
from ..names import file_name
from . import vcrpy

#: The suffixes of the files that are looked at in a folder; vcrpy adds none of its own.
SUFFIXES: Final = (".yaml", ".yml", ".json", "")
_PASSED_OVER: Final = ("__pycache__", "node_modules")
_BEGINNING: Final = 4096  # bytes of a file that are looked at to see whether it is a cassette
_UNFINISHED: Final = ".reqcache-import-"


class ImportTrouble(Exception):
    """A file is not imported: why, and what to do."""


@dataclass(frozen=True, slots=True)
class Job:
    """A file to import, and where the cassette goes that it becomes."""

    source: Path
    target: Path

    @property
    def backup(self) -> Path:
        """What the source is called once it is replaced."""
        return self.source.with_name(f"{self.source.name}.orig")


def jobs(paths: Iterable[Path], to: Path | None) -> Iterator[Job | tuple[Path, str]]:
    """The files below the paths, sorted, each with its place: beside it, or below ``to`` in the same layout.

    What cannot be looked at comes as the path and why.
    """
    seen: set[str] = set()
    for job in _jobs(paths, to):
        real = os.path.realpath(job.source if isinstance(job, Job) else job[0])
        if real not in seen:
            seen.add(real)
            yield job


def _jobs(paths: Iterable[Path], to: Path | None) -> Iterator[Job | tuple[Path, str]]:
    for path in paths:
        if path.is_dir():
            yield from _below(path, to)
        elif path.is_file():
            yield Job(path, _target(path, path.parent, to, os.listdir(path.parent)))
        else:
            yield path, "no such file or folder"


def _below(root: Path, to: Path | None) -> Iterator[Job | tuple[Path, str]]:
    troubles: list[OSError] = []
    for folder, folders, names in os.walk(root, onerror=troubles.append):
        folders[:] = sorted(name for name in folders if name[0] != "." and name not in _PASSED_OVER)
        for name in sorted(names):
            path = Path(folder, name)
            if name[0] != "." and _is_looked_at(path) and not _leads_into(path, root):
                yield Job(path, _target(path, root, to, names))
    for trouble in troubles:
        yield Path(trouble.filename), f"cannot be looked at: {trouble.strerror}"


def _is_looked_at(path: Path) -> bool:
    """Whether a file of a folder may be a cassette: by its name, or where that says nothing by its
    beginning."""
    if not path.is_file() or path.suffix == ".orig":
        return False  # a pipe, a link that leads nowhere; what was imported already
    if path.suffix in SUFFIXES and not path.is_symlink():
        return True
    try:
        with path.open("rb") as file:
            return vcrpy.is_written_so(file.read(_BEGINNING))
    except OSError:
        return False


def _leads_into(path: Path, root: Path) -> bool:
    """Whether it is a link to a file that is found by itself."""
    return path.is_symlink() and path.resolve().is_relative_to(root.resolve())


def _target(source: Path, root: Path, to: Path | None, names: Iterable[str]) -> Path:
    """Where the cassette goes that a file becomes; ``names`` are all of its folder."""
    folder = source.parent if to is None else to / source.parent.relative_to(root)
    suffix = source.suffix if source.suffix in (".yaml", ".yml") else ".yaml"
    stem = source.stem if source.suffix in SUFFIXES else source.name
    is_parametrised = stem.endswith("]") and "[" in stem
    if is_parametrised or _is_of_a_test(source):
        lower = source.name.lower()
        stem = file_name(stem, unclear=any(name != source.name and name.lower() == lower for name in names))
    return folder / f"{stem}{suffix}"


def _is_of_a_test(source: Path) -> bool:
    """Whether it lies where pytest-recording looks for a test's own, whose name is made of the test's."""
    folder = source.absolute().parent
    return folder.parent.name == "cassettes" and (folder.parent.parent / f"{folder.name}.py").is_file()


def read(source: Path) -> tuple[bytes, float]:
    """What a file holds, and when it was last changed. Raises ImportTrouble."""
    try:
        status = source.lstat()
        if stat.S_ISLNK(status.st_mode):
            raise ImportTrouble("a symbolic link; import the file that it leads to")
        if not stat.S_ISREG(status.st_mode):
            raise ImportTrouble("no regular file; move it away")
        return source.read_bytes(), status.st_mtime
    except OSError as error:
        raise ImportTrouble(f"cannot be read: {error.strerror}") from None


def check_place(job: Job, *, in_place: bool) -> None:
    """Raises ImportTrouble where something stands in the cassette's place, but for the file it replaces."""
    if os.path.lexists(job.target) and not (in_place and job.target == job.source):
        raise ImportTrouble(f"{job.target} is there already; move one of them away")


def write(target: Path, interactions: Sequence[Interaction]) -> None:
    """Make a new cassette, whole or not at all. Raises CassetteError, OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=target.parent) as folder:
        unfinished = Path(folder, target.name)
        cassette = Cassette(unfinished, str)
        cassette.commit([Change(item) for item in interactions], id)  # no two are the same recording
        made, bodies = unfinished.with_suffix(".bodies"), target.with_suffix(".bodies")
        if made.is_dir():
            bodies.mkdir(exist_ok=True)
            for body in made.iterdir():  # named by what is in it
                os.replace(body, bodies / body.name)
        os.replace(unfinished, target)


def replace(job: Job, data: bytes, interactions: Sequence[Interaction]) -> None:
    """Put the cassette where the file is that it becomes of, which is kept as ``NAME.orig``.

    Whenever this is interrupted, what the file held is there under one of its two names. Raises
    ImportTrouble, CassetteError, OSError.
    """
    _back_up(job, data)
    write(job.target, interactions)
    if job.target != job.source:
        job.source.unlink()


def is_half_replaced(job: Job, data: bytes) -> bool:
    """Whether ``replace`` was interrupted before it took the file away."""
    if job.target == job.source or not job.target.is_file() or not job.backup.is_file():
        return False
    return job.backup.read_bytes() == data and job.target.read_bytes().startswith(HEADER)


def _back_up(job: Job, data: bytes) -> None:
    if os.path.lexists(job.backup):
        if not job.backup.is_file() or job.backup.read_bytes() != data:
            raise ImportTrouble(f"{job.backup} is there already, and differs; move it away")
        return
    status = job.source.stat()
    with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=job.source.parent) as folder:
        copy = Path(folder, job.backup.name)
        with copy.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.chmod(copy, status.st_mode & 0o7777)
        os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
        os.replace(copy, job.backup)
