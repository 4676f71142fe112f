"""What another tool recorded, as plain data: a reader of its format gives it, the converter takes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from ..headers import Headers
from ..models import RecordedRequest


@dataclass(frozen=True, slots=True)
class Recording:
    """One request, and the response that was recorded for it.

    ``line`` is where it stands in its file. ``body`` is as the tool kept it: with the content coding
    that ``headers`` name, or decoded already. ``received_at`` (aware, UTC) is None where the tool does
    not say. ``lost`` names what has no place in a cassette.
    """

    line: int
    request: RecordedRequest
    status: int
    reason: str
    headers: Headers
    body: bytes
    received_at: datetime | None = None
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignCassette:
    """What one file holds, in its order; ``lost`` names what belongs to none of the recordings."""

    recordings: tuple[Recording, ...]
    lost: tuple[str, ...] = ()


class LeftAlone(Enum):
    """Why a file is none to convert."""

    OURS = "a cassette of pytest-reqcache already"
    NO_CASSETTE = "no cassette of vcrpy"
    EMPTY = "a cassette without interactions"
