"""What the user asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medlens.core import UsageError

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
SHORTEST, LONGEST = 20.0, 7 * 24 * 3600.0


@dataclass(frozen=True)
class Request:
    """A run as asked for on the command line.

    Attributes:
        data: folder, CSV, `.npz`, …
        labels: a CSV of labels, or None.
        label_column, patient_column: overrides of the column rules.
        out: the run folder.
        budget: seconds of wall-clock for the whole run; 0 for what suits the form
            of the data.
        seed: of split, weights and augmentation.
        task: "auto", "classify" or "segment".
        recipe: a recipe file to follow instead of planning, or None.
        force: replace an earlier run in `out`.
    """

    data: Path
    labels: Path | None = None
    label_column: str | None = None
    patient_column: str | None = None
    out: Path = Path("medlens-run")
    budget: float = 0.0
    seed: int = 0
    task: str = "auto"
    recipe: Path | None = None
    force: bool = False

    def identity(self) -> dict[str, Any]:
        """What must be equal for an interrupted run to go on."""
        return {
            "data": str(self.data.resolve()),
            "labels": str(self.labels.resolve()) if self.labels else None,
            "label_column": self.label_column,
            "patient_column": self.patient_column,
            "budget": self.budget,
            "seed": self.seed,
            "task": self.task,
            "recipe": self.recipe.read_text() if self.recipe else None,
        }


def parse_budget(text: str) -> float:
    """Seconds from "10m", "90s", "1.5h" or plain seconds; 0 from "auto".

    Raises:
        UsageError: not such a text, or under 20 s or over a week.
    """
    if text.strip().lower() == "auto":
        return 0.0
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", text.lower())
    if not found:
        raise UsageError(
            f"--budget: {text!r} is no duration; wanted a number with s, m or h (10m)"
        )
    seconds = float(found[1]) * UNITS[found[2]]
    if not SHORTEST <= seconds <= LONGEST:
        raise UsageError(
            f"--budget: {text!r} is {seconds:g} s; wanted {SHORTEST:.0f} s to a week"
        )
    return seconds
