"""Refreshes behind the caller's back: one at a time for each key, and none that outlives its session."""

from __future__ import annotations

import atexit
import contextvars
import logging
import threading
import warnings
from collections.abc import Callable
from weakref import WeakSet

log = logging.getLogger("pytest_reqcache")

#: Seconds to wait for background refreshes when a session or a test ends.
JOIN_LIMIT = 5.0
_PARTS = 100  # in which that is waited


_all: WeakSet[Background] = WeakSet()


class Background:
    """The threads that refresh stale answers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, threading.Thread] = {}
        _all.add(self)

    def start(self, key: str, what: str, refresh: Callable[[], object]) -> None:
        """Run ``refresh`` in a thread, unless one for that key is running. Its errors are logged: by their
        types, as their texts may hold the whole URL, and with ``what``, which holds nothing secret."""
        context = contextvars.copy_context()

        def work() -> None:
            try:
                context.run(refresh)
            except Exception as error:
                log.warning("background refresh failed: %s, %s", what, type(error).__name__)
            finally:
                with self._lock:
                    self._running.pop(key, None)

        with self._lock:
            if key in self._running:
                return
            thread = threading.Thread(target=work, name=f"reqcache-refresh-{key}", daemon=True)
            try:
                thread.start()  # its end waits for the lock
            except RuntimeError as error:  # too many of them, or the interpreter ends
                log.warning("background refresh failed: %s, %s", what, error)
            else:
                self._running[key] = thread

    def running(self) -> list[threading.Thread]:
        """The threads that have not ended, but for those that were given up."""
        with self._lock:
            return [thread for thread in self._running.values() if thread.is_alive()]

    def join(self) -> None:
        """Wait for what is running, but no longer than :data:`JOIN_LIMIT` seconds; then warn."""
        if _are_left(self.running):
            self.give_up()
            _warn()

    def give_up(self) -> None:
        """Nobody waits for what is running any more."""
        with self._lock:
            self._running.clear()


def _are_left(running: Callable[[], list[threading.Thread]]) -> bool:
    """Whether threads run on for longer than is waited for. No clock is asked: tests stop it."""
    waited = 0
    while threads := running():
        if waited == _PARTS:
            return True
        threads[0].join(JOIN_LIMIT / _PARTS)
        waited += threads[0].is_alive()
    return False


def _warn() -> None:
    warnings.warn(
        f"a background refresh has not ended within {JOIN_LIMIT:g} s and is left to itself",
        ResourceWarning,
        stacklevel=3,
    )


@atexit.register  # before cassettes are compacted, which was registered earlier
def _join_all() -> None:
    """A script that ends without closing its sessions has what it has begun."""
    if _are_left(lambda: [thread for each in list(_all) for thread in each.running()]):
        _warn()
