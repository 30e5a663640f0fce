"""Two results on the same cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medlens.core import UsageError
from medlens.evaluate.compare import compare_tables
from medlens.evaluate.files import read_metrics
from medlens.evaluate.predictions import read_predictions
from medlens.evaluate.table import CaseTable


def compare_runs(first: Path, second: Path) -> dict[str, Any]:
    """Paired comparison of two run or evaluation folders.

    Raises:
        UsageError: a folder holds no finished result.
        DataError: they have no labelled case in common, or other labels.
    """
    return compare_tables(_load(first), _load(second))


def _load(folder: Path) -> CaseTable:
    path = folder / "predictions.csv"
    if not path.is_file():
        raise UsageError(
            f"{folder.name}: no predictions.csv; wanted a folder of medlens run or "
            "medlens evaluate"
        )
    task = read_metrics(folder / "metrics.json")["task"]
    table = read_predictions(path, kind=task["kind"], positive=task["positive"])
    splits = set(table.splits)
    if "test" in splits:  # validation cases chose the weights: not for comparison
        return table.select(_is_test(table))
    return table


def _is_test(table: CaseTable) -> Any:
    import numpy as np

    return np.array(table.splits) == "test"
