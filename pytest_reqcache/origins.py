"""What a test has done with the origins that it asks: whether their answers are all of one flow. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .matching import origin_of
from .models import RecordedRequest
from .policy import REFUSALS, writes


@dataclass(slots=True)
class Origin:
    """One of them.

    An answer of it ``is_anew``: it was fetched in the place of a recorded one. A write may be in vain: it
    failed, and was answered all the same by what is recorded. ``is_written_to`` is None where nobody has
    looked. Of requests, named by method and URL: the first write that nothing recorded has answered, and the
    first recorded answer behind it; the last write that was replayed, and the first error behind one.
    """

    is_anew: bool = False
    is_written_in_vain: bool = False
    is_written_to: bool | None = None
    new_write: str = ""
    replayed_behind: str = ""
    old_write: str = ""
    error_behind: str = ""


_UNTOUCHED = Origin()


class Origins:
    """Those of one test; ``anew`` gives the command that records all of it anew."""

    def __init__(self, anew: Callable[[], str]) -> None:
        self._anew = anew
        self._by_name: dict[str, Origin] = {}

    def of(self, url: str) -> Origin:
        """What is known of a URL's origin; not to be changed."""
        return self._by_name.get(origin_of(url), _UNTOUCHED) if self._by_name else _UNTOUCHED

    def touched(self, url: str) -> Origin:
        """The same, to be changed."""
        return self._by_name.setdefault(origin_of(url), Origin())

    def note_live(
        self, request: RecordedRequest, what: str, status: int, *, is_new: bool, was_error: bool
    ) -> None:
        """The origin has answered. ``is_new``: it is recorded, and nothing stood for it before;
        ``was_error``: what stood there was an error, too."""
        if is_new and writes(request.method, status):
            origin = self.touched(request.url)
            origin.new_write = origin.new_write or what
        elif status >= 400 and status not in REFUSALS and not was_error and self.of(request.url).old_write:
            origin = self.touched(request.url)
            if not origin.error_behind:
                origin.error_behind = (
                    f"{what} answered {status}, and {origin.old_write} before it was replayed"
                )

    def note_replayed(self, request: RecordedRequest, what: str, status: int, *, is_kept: bool) -> None:
        """What was recorded before this test has answered; ``is_kept``: a hand has written it."""
        if writes(request.method, status):
            self.touched(request.url).old_write = what
        origin = self.of(request.url)
        if origin.new_write and not origin.replayed_behind and not is_kept:
            origin.replayed_behind = what

    def half_anew(self) -> Iterator[str]:
        """Where a write is new, and what is recorded of its origin was replayed after it: that is the answer
        to another state."""
        for origin in self._by_name.values():
            if origin.replayed_behind:
                yield (
                    f"{origin.new_write} is new, and {origin.replayed_behind} after it was replayed "
                    f"as it was recorded before; record the whole test anew: {self._anew()}"
                )

    def half_replayed(self) -> Iterator[str]:
        """Where a write was replayed, and its origin has answered after it by an error that says more than
        who asks: it may not know what the write had made."""
        for origin in self._by_name.values():
            if origin.error_behind:
                yield (
                    f"{origin.error_behind}: the service may not know what that made; "
                    f"record the whole test anew: {self._anew()}"
                )
