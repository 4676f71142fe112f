"""One writer at a time: a lock for each cassette, in the user's temporary directory."""

from __future__ import annotations

import getpass
import hashlib
import os
import tempfile
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from .errors import CassetteError

#: How long to wait for another process that writes the same cassette, in seconds.
TIMEOUT = 30.0

_FIRST_PAUSE, _LONGEST_PAUSE = 0.0005, 0.02


class Lock:
    """The lock of the cassette at a real path."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(_lock_file(path))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else holds the lock meanwhile. Raises CassetteError when it is not to be had."""
        try:
            self._acquire()
            yield
        finally:
            if self._lock.is_locked:
                # Safe while it is held: who waits for it sees that the file is gone, and makes a new one.
                with suppress(OSError):
                    os.unlink(self._lock.lock_file)
                self._lock.release()

    def _acquire(self) -> None:
        # Pauses are counted, and no clock is asked: freezegun stops those that filelock waits by.
        waited, pause = 0.0, _FIRST_PAUSE
        while True:
            try:
                self._lock.acquire(timeout=0)
                return
            except Timeout:
                pass
            except OSError as error:
                raise CassetteError(
                    self._path, None, f"cannot be locked: {error}; make {self._lock.lock_file} writable"
                ) from None
            if waited >= TIMEOUT:
                raise CassetteError(
                    self._path,
                    None,
                    f"another process has held its lock for more than {TIMEOUT:g} s; "
                    f"end that process (the lock is {self._lock.lock_file}) and run again",
                )
            time.sleep(pause)
            waited += pause
            pause = min(pause * 1.5, _LONGEST_PAUSE)


def _lock_file(path: Path) -> Path:
    user = str(os.getuid()) if hasattr(os, "getuid") else getpass.getuser()
    folder = Path(tempfile.gettempdir(), f"pytest-reqcache-{user}")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CassetteError(
            path, None, f"no folder for its lock: {error}; set TMPDIR to one that you may write to"
        ) from None
    # One lock for all that may be the same file, in any spelling, or share a folder of bodies.
    name = unicodedata.normalize("NFC", str(path.with_suffix("")).casefold())
    return folder / (hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:32] + ".lock")
