"""Two results side by side: copies must not count as independent."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from medlens.core import UsageError
from medlens.experiment.comparison import compare_runs, describe_comparison

FAMILIES, COPIES = 12, 10


def write_run(folder: Path, *, seed: int, with_splits: bool) -> Path:
    """Twelve families of ten copies; copies get nearly the same answer."""
    rng = np.random.default_rng(seed)
    folder.mkdir()
    rows = []
    for family in range(FAMILIES):
        label = family % 2
        base = np.clip(0.5 + (label - 0.5) * 0.6 + rng.normal(0, 0.3), 0.02, 0.98)
        for copy in range(COPIES):
            p = float(np.clip(base + rng.normal(0, 0.005), 0.01, 0.99))
            rows.append((f"{family}-{copy}.png", str(family), label, p))
    with (folder / "predictions.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            [
                "case",
                "patient",
                "split",
                "reference",
                "predicted",
                "decision",
                "p_no",
                "p_yes",
                "ood_score",
            ]
        )
        names = ("no", "yes")
        for case, _, label, p in rows:
            said = names[p >= 0.5]
            writer.writerow([case, "", "test", names[label], said, said, 1 - p, p, 0])
    if with_splits:
        with (folder / "splits.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["case", "patient", "group", "split"])
            writer.writerows([case, "", group, "test"] for case, group, *_ in rows)
    task = {"kind": "binary", "labels": ["no", "yes"], "positive": "yes"}
    (folder / "metrics.json").write_text(
        json.dumps({"schema": "medlens/metrics/1", "task": task, "splits": {}})
    )
    return folder


def width(found: dict[str, object]) -> float:
    gap = found["metrics"]["auroc"]["difference"]  # type: ignore[index]
    return float(gap["high"] - gap["low"])


def test_groups_of_copies_count_once(tmp_path: Path) -> None:
    """Ten copies of each image: the interval is √10 times as wide."""
    found = {}
    for known in (True, False):
        pair = [
            write_run(tmp_path / f"{name}{known}", seed=seed, with_splits=known)
            for seed, name in enumerate("ab")
        ]
        found[known] = compare_runs(*pair)
    assert found[True]["n_patients"] == FAMILIES
    assert found[False]["n_patients"] == FAMILIES * COPIES
    ratio = width(found[True]) / width(found[False])
    assert 0.75 * np.sqrt(COPIES) < ratio < 1.5 * np.sqrt(COPIES)
    lines = describe_comparison(found[True], "one", "two")
    assert lines[0].startswith("120 cases in both, 12 of them independent")


def test_a_folder_without_a_result_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"empty: no predictions\.csv; wanted a fold"):
        compare_runs(tmp_path / "empty", tmp_path / "empty")
