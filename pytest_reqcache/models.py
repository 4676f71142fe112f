"""What is stored: an interaction, which is one request and the response recorded for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, NamedTuple

from .expiration import Special
from .headers import Headers

#: What every secret of a masked request is replaced by, and what placeholders in a cassette begin with.
REDACTED: Final = "REDACTED"


class BodyFile(NamedTuple):
    """A body that is too large for memory or for the YAML file: its decoded bytes, in a file."""

    path: Path
    size: int


Body = bytes | BodyFile


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request as it was sent. ``body`` is None where there was none."""

    method: str
    url: str
    headers: Headers = Headers()
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class RecordedResponse:
    """A response as it was received; ``body`` with any content coding removed."""

    status: int
    reason: str = ""
    headers: Headers = Headers()
    body: Body = b""


class Source(NamedTuple):
    """Where in a cassette an interaction was read: ``place`` grows from the first to the last, and is 0 for
    what is not written yet; ``ref`` names its exact text."""

    path: Path | None
    place: int
    ref: str


@dataclass(frozen=True, slots=True)
class Interaction:
    """One request and the response recorded for it.

    ``created_at`` (aware, UTC) is when the response was received or last validated. ``expires`` is
    an explicit expiry: a time, or ``Special.NEVER``; None where there is none. ``answer`` counts,
    from 1, the answers to the same request within one test. ``keep`` protects it from every
    refresh. ``key`` is what a ``key_fn`` made of the request. ``source`` says where it was read.
    """

    request: RecordedRequest
    response: RecordedResponse
    created_at: datetime
    expires: datetime | Literal[Special.NEVER] | None = None
    answer: int = 1
    keep: bool = False
    key: str | None = None
    source: Source | None = field(default=None, compare=False, repr=False)

    @property
    def ref(self) -> str:
        """What names its text in a cassette; empty where it stands in none."""
        return "" if self.source is None else self.source.ref

    @property
    def place(self) -> int:
        """Where it stands in its cassette's file; 0 where it stands in none."""
        return 0 if self.source is None else self.source.place


class Change(NamedTuple):
    """One step of a commit: ``new`` stands for all that ``replaces`` names; None only removes.

    ``replaces`` holds the ``Source.ref`` of interactions. A ``refresh`` counts even where another
    process has meanwhile written the same recording; any other change is then dropped. ``since`` is the
    ``created_at`` of what it replaces: what has it, and another text, is an edit, which stays.
    """

    new: Interaction | None
    replaces: tuple[str, ...] = ()
    refresh: bool = False
    since: datetime | None = None
