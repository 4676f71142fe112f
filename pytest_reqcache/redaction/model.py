"""What a masked request is."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from ..models import REDACTED, RecordedRequest

#: A placeholder: URL-safe, named after where its secret was first seen.
PLACEHOLDER: Final = re.compile(f"{REDACTED}-[a-z0-9_-]+")


class Credential(NamedTuple):
    """A secret of a request: where it stands, and its live value or its placeholder.

    The place is one of ``header:NAME``, ``cookie:NAME``, ``query:NAME``, ``body:NAME``, ``body``,
    ``path`` and ``userinfo``. Where the value differs from request to request, as a signature does,
    ``value`` is what all of its kind have in common. ``made_up`` says of its place that what is recorded
    there is made up by a user's function, and stands for a secret as a placeholder does.
    """

    place: str
    value: str
    made_up: bool = False

    @property
    def is_placeholder(self) -> bool:
        """Whether the value, if it is a recorded one, stands for a secret."""
        return self.made_up or PLACEHOLDER.fullmatch(self.value) is not None


class LiveValue(NamedTuple):
    """What a placeholder stands for; ``is_searched`` says that it is a secret wherever it stands."""

    text: str
    is_searched: bool


class Masked(NamedTuple):
    """A request in which every secret is ``REDACTED``, be it a live value or a placeholder."""

    request: RecordedRequest
    credentials: tuple[Credential, ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """Where credentials stand, each place once, sorted."""
        if not self.credentials:
            return ()
        return tuple(sorted({credential.place for credential in self.credentials}))
