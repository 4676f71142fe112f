"""The YAML file of interactions: reading, writing, locking, recovery."""

from __future__ import annotations

from .errors import CassetteError, DuplicateRecordingWarning, TornTailWarning
from .file import Cassette, Others, OutdatedError
from .memory import MemoryCassette

__all__ = [
    "Cassette",
    "CassetteError",
    "DuplicateRecordingWarning",
    "MemoryCassette",
    "Others",
    "OutdatedError",
    "TornTailWarning",
]
