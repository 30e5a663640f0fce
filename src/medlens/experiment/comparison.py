"""Two results on the same cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medlens.core import UsageError
from medlens.evaluate import (
    CaseTable,
    compare_tables,
    read_metrics,
    read_predictions,
    with_groups,
)
from medlens.experiment.words import interval


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
    table = with_groups(table, folder / "splits.csv")
    splits = set(table.splits)
    if "test" in splits:  # validation cases chose the weights: not for comparison
        return table.select(_is_test(table))
    return table


def _is_test(table: CaseTable) -> Any:
    import numpy as np

    return np.array(table.splits) == "test"


def describe_comparison(found: dict[str, Any], first: str, second: str) -> list[str]:
    """The comparison in plain lines; says when a difference is within luck."""
    lines = [
        f"{found['n_cases']} cases in both, {found['n_patients']} of them "
        "independent (patients, or groups of copies); "
        f"A is {first}, B is {second}; 95 % intervals."
    ]
    for name, row in found["metrics"].items():
        gap = row["difference"]
        lines.append(
            f"  {name:<20} A {interval(row['a'])}  B {interval(row['b'])}  "
            f"A-B {_signed(gap)}"
        )
    return lines


def _signed(gap: dict[str, Any]) -> str:
    if gap.get("value") is None:
        return "not defined"
    text = f"{gap['value']:+.3f}"
    low, high = gap.get("low"), gap.get("high")
    if low is None or high is None:
        return text
    verdict = "within luck" if low <= 0 <= high else "more than luck"
    return f"{text} ({low:+.3f} to {high:+.3f}: {verdict})"
