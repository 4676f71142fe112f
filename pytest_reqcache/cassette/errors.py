"""What a cassette that cannot be used says."""

from __future__ import annotations

from pathlib import Path


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


class TornTailWarning(UserWarning):
    """The last interaction of a cassette was cut off while it was written; it is ignored."""


class DuplicateRecordingWarning(UserWarning):
    """The same recording stands twice in a cassette; the later one counts, and nothing is removed."""
