"""What a cassette that cannot be used says."""

from __future__ import annotations

import errno
import os
from pathlib import Path

_REMEDIES = {
    errno.EACCES: "make the file and its folder accessible",
    errno.EPERM: "make the file and its folder accessible",
    errno.EROFS: "record where files can be written",
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EFBIG: "split the cassette, or allow larger files",
    errno.ENAMETOOLONG: "give the cassette a shorter name",
    errno.ENOTDIR: "move the file that stands where its folder is to be",
    errno.EEXIST: "move the file that stands where its folder is to be",
    errno.ELOOP: "remove the symbolic link that leads back to itself",
}


class CassetteError(Exception):
    """A cassette cannot be read or written: ``PATH:LINE:COLUMN: what is wrong; what to do``.

    ``line`` and ``column`` count from 1; they are None where the trouble is with the file and not with a
    place in it, and ``column`` also where only the line is known.
    """

    def __init__(self, path: Path, line: int | None, problem: str, column: int | None = None) -> None:
        super().__init__(path, line, problem, column)
        self.path = path
        self.line = line
        self.problem = problem
        self.column = column

    def __str__(self) -> str:
        place = [str(part) for part in (self.path, self.line, self.column) if part is not None]
        return f"{':'.join(place)}: {self.problem}"


def problem_of(error: OSError, path: Path) -> str:
    """What the system said of a cassette's file, or of another one that goes with it, and what to do."""
    name = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else error.filename
    where = "" if name is None or Path(name) == path else f": {name}"
    said = (error.strerror or str(error)) + where
    return f"{said}; {_REMEDIES.get(error.errno or 0, 'see to the file')}, and run again"


class TornTailWarning(UserWarning):
    """The last interaction of a cassette was cut off while it was written; it is ignored."""


class DuplicateRecordingWarning(UserWarning):
    """The same recording stands twice in a cassette; the later one counts, and nothing is removed."""
