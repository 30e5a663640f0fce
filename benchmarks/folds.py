"""Cross-validation of the default command by patient: every case is tested once.

    python -m benchmarks.folds ../shared/data/mri_glioma_slices --task segment \\
        --folds 4 --budget 15m --out /tmp/glioma-folds

A single test split of few patients says little. Here the patients of a data set with
a labels.csv are dealt to folds; each fold is one whole `medlens run` (audit, split,
plan, train, evaluate) whose test patients are the fold's, told by a `split` column.
Nothing of a test patient reaches its run's plan or training. The figures are of all
test answers together, with intervals by patient.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import keep
from medlens.evaluate import measure_mask_split, measure_split, read_predictions
from medlens.evaluate.mask_predictions import read_mask_predictions


def deal(rows: list[dict[str, str]], folds: int, *, seed: int) -> dict[str, int]:
    """Fold of each patient: shuffled, then dealt round by number of rows."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["patient"]] = counts.get(row["patient"], 0) + 1
    order = np.random.default_rng(seed).permutation(sorted(counts))
    largest_first = sorted(order, key=lambda patient: -counts[patient])
    return {patient: at % folds for at, patient in enumerate(largest_first)}


def run_fold(
    data: Path, rows: list[dict[str, str]], fold: int, dealt: dict[str, int], given: Any
) -> Path:
    """One whole run; its folder."""
    out = given.out / f"fold-{fold}"
    table = given.out / f"fold-{fold}.csv"
    names = [*rows[0], "split"]
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        for row in rows:
            split = "test" if dealt[row["patient"]] == fold else "train"
            writer.writerow({**row, "split": split})
    command = [
        *(sys.executable, "-m", "medlens", "run", str(data), "--labels", str(table)),
        *("--task", given.task, "--budget", given.budget, "--out", str(out)),
        *("--seed", str(given.seed)),
    ]
    if given.recipe:
        command += ["--recipe", str(given.recipe)]
    with (given.out / f"fold-{fold}.log").open("w") as log:
        subprocess.run(command, check=True, stdout=log, stderr=subprocess.STDOUT)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--task", default="auto")
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--budget", default="auto")
    parser.add_argument("--recipe", type=Path, help="in place of the plan's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with (given.data / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    dealt = deal(rows, given.folds, seed=given.seed)
    runs, seconds = [], []
    for fold in range(given.folds):
        began = time.perf_counter()
        runs.append(run_fold(given.data, rows, fold, dealt, given))
        seconds.append(round(time.perf_counter() - began, 1))
        print(f"fold {fold}: {seconds[-1]:.0f} s", flush=True)
    entry = measure(runs, given.task)
    for name, figure in entry["metrics"].items():
        print(f"{name:<24} {figure['value']}  ({figure['low']} to {figure['high']})")
    figures = {"seconds": seconds, "folds": given.folds, "all": entry}
    keep(f"folds_{given.data.name}_{given.task}", figures)


def measure(runs: list[Path], task: str) -> dict[str, Any]:
    """Figures of the test answers of all folds, as one split."""
    if task == "segment":
        tables = [read_mask_predictions(run / "predictions.csv") for run in runs]
        parts = [t.select(np.array(t.splits) == "test") for t in tables]
        return measure_mask_split(join(parts), seed=0)
    cases = [read_predictions(run / "predictions.csv") for run in runs]
    return measure_split(join([t.select(np.array(t.splits) == "test") for t in cases]))


def join(tables: list[Any]) -> Any:
    """Tables of the same columns, one below the other; groups are told apart."""
    first = tables[0]
    changes: dict[str, Any] = {}
    for name, value in vars(first).items():
        parts = [getattr(table, name) for table in tables]
        if name in ("labels", "kind", "positive", "unit", "tolerance"):
            changes[name] = value
        elif name == "columns":
            changes[name] = {
                key: sum((part[key] for part in parts), ()) for key in value
            }
        elif name == "groups":
            changes[name] = ()  # numbers of one run mean nothing in another
        elif isinstance(value, tuple):
            changes[name] = sum(parts, ())
        else:
            missing = any(part is None for part in parts)
            changes[name] = None if missing else np.concatenate(parts)
    return type(first)(**changes)


if __name__ == "__main__":
    main()
