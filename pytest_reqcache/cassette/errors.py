"""What a cassette that cannot be used says."""

from __future__ import annotations

from pathlib import Path


class CassetteError(Exception):
    """A cassette cannot be read or written: ``PATH:LINE: what is wrong; what to do``.

    ``line`` counts from 1; it is None where the trouble is with the file and not with a line of it.
    """

    def __init__(self, path: Path, line: int | None, problem: str) -> None:
        super().__init__(path, line, problem)
        self.path = path
        self.line = line
        self.problem = problem

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line is not None else f"{self.path}"
        return f"{place}: {self.problem}"


class TornTailWarning(UserWarning):
    """The last interaction of a cassette was cut off while it was written; it is ignored."""
