"""One writer at a time: a lock for each cassette, in the user's temporary directory."""

from __future__ import annotations

import getpass
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import FileIO
from pathlib import Path
from time import sleep  # the real one: tests replace `time.sleep`, and a pause that is none is no wait

from ..names import spelling
from .errors import CassetteError

#: How long to wait for another process that writes the same cassette, in seconds.
TIMEOUT = 30.0

_FIRST_PAUSE, _LONGEST_PAUSE = 0.0005, 0.02
_IS_WINDOWS = os.name == "nt"  # by now: tests replace that, too
_NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)


class Lock:
    """The lock of the cassette at a real path."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.file = _lock_file(path)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else holds the lock meanwhile. Raises CassetteError when it is not to be had."""
        with self._acquire():
            try:
                yield
            finally:
                if not _IS_WINDOWS:
                    # Safe while it is held: who waits for it sees that the file is gone, and makes a new one.
                    self._remove()
        if _IS_WINDOWS:
            self._remove()  # safe then: Windows removes no file that somebody has open

    def _acquire(self) -> FileIO:
        """The lock's file, locked until it is closed: with its last reference, whatever interrupts us."""
        # Pauses are counted, and no clock is asked: freezegun stops those that filelock waits by.
        waited, pause = 0.0, _FIRST_PAUSE
        while True:
            try:
                file = self._locked_file()
            except OSError as error:
                raise CassetteError(
                    self._path, None, f"cannot be locked: {error}; make {self.file} writable"
                ) from None
            if file is not None:
                return file
            if waited >= TIMEOUT:
                raise CassetteError(
                    self._path,
                    None,
                    f"another process has held its lock for more than {TIMEOUT:g} s; "
                    f"end that process (the lock is {self.file}) and run again",
                )
            sleep(pause)
            waited += pause
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _locked_file(self) -> FileIO | None:
        """None where somebody else has it locked, or has just removed it, or its folder."""
        try:
            file = FileIO(self.file, "r+", opener=_opened)
        except FileNotFoundError:
            self._make_folder()
            return None
        from filelock import lock_descriptor  # most runs lock nothing

        with ExitStack() as closing:
            closing.callback(file.close)
            if lock_descriptor(file.fileno(), blocking=False) and os.fstat(file.fileno()).st_nlink:
                closing.pop_all()
                return file
        return None

    def _make_folder(self) -> None:
        try:
            os.makedirs(os.path.dirname(self.file), mode=0o700, exist_ok=True)
        except OSError as error:
            raise CassetteError(
                self._path, None, f"no folder for its lock: {error}; set TMPDIR to one that you may write to"
            ) from None

    def _remove(self) -> None:
        with suppress(OSError):
            os.unlink(self.file)


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT | _NO_LINK, 0o600)


def _lock_file(path: Path) -> str:
    user = str(os.getuid()) if hasattr(os, "getuid") else getpass.getuser()
    # One lock for all that may be the same file, in any spelling, or share a folder of bodies.
    digest = hashlib.sha256(spelling(path.with_suffix("")).encode("utf-8", "surrogateescape")).hexdigest()[
        :32
    ]
    return os.path.join(tempfile.gettempdir(), f"pytest-reqcache-{user}", f"{digest}.lock")
