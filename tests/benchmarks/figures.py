"""What was measured, and the statistics of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any


@dataclass(slots=True)
class Results:
    """Values by row and subject, one for each round: those of one round were measured side by side.

    ``absent`` says by case and subject why there are none; ``about`` is what the page says of the run.
    """

    about: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    absent: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, row: str, subject: str, value: float) -> None:
        self.rows.setdefault(row, {}).setdefault(subject, []).append(value)

    def values(self, row: str, subject: str) -> list[float]:
        return self.rows.get(row, {}).get(subject, [])

    def typical(self, row: str, subject: str) -> float | None:
        """The median; None where nothing was measured."""
        values = self.values(row, subject)
        return median(values) if values else None

    def ratio(self, row: str, subject: str, base: str, base_row: str = "") -> float | None:
        """The median of the ratios to what ``base`` took in the same round."""
        return paired_ratio(self.values(row, subject), self.values(base_row or row, base))

    def noise(self, row: str) -> float:
        """How far a subject measured twice is from itself, at most: 0.03 for a ratio of 0.97 or 1.03."""
        pairs = (("floor-again", "floor"), ("live-again", "live"), ("ours-again", "ours"))
        ratios = [self.ratio(row, again, once) for again, once in pairs]
        return max((abs(ratio - 1) for ratio in ratios if ratio is not None), default=0.0)

    def save(self, path: Path) -> None:
        rows = {
            row: {subject: [_short(value) for value in values] for subject, values in subjects.items()}
            for row, subjects in self.rows.items()
        }
        content = {"about": self.about, "rows": rows, "absent": self.absent}
        path.write_text(json.dumps(content, indent=1).replace("\n     ", " ").replace("\n    ]", "]") + "\n")

    @classmethod
    def load(cls, path: Path) -> Results:
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def updated(self, newer: Results) -> Results:
        """These, with the rows that were measured anew in the place of the old ones."""
        versions = {**self.about.get("versions", {}), **newer.about.get("versions", {})}
        kept = sorted(self.rows.keys() - newer.rows.keys())
        return Results(
            {**newer.about, "versions": versions, "kept": kept} if versions else newer.about,
            {**self.rows, **newer.rows},
            {**self.absent, **newer.absent},
        )


def paired_ratio(values: Sequence[float], base: Sequence[float]) -> float | None:
    """The median of the ratios round by round; a subject that was stopped early has fewer rounds."""
    ratios = [value / floor for value, floor in zip(values, base, strict=False) if floor]
    return median(ratios) if ratios else None


def _short(value: float) -> float:
    """Five digits: more were never measured."""
    return float(f"{value:.5g}")
