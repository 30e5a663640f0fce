"""How the model does in parts of the data: by sex, site, scanner, age, …"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from medlens.core import Array
from medlens.evaluate.label_figures import share_estimates
from medlens.evaluate.table import CaseTable
from medlens.metrics import (
    Estimate,
    auroc_interval,
    macro_auroc_interval,
    proportion,
)
from medlens.metrics.intervals import mean_of_shares

MIN_CASES = 10
"""Smaller groups are left out: their intervals span nearly everything."""
MAX_VALUES = 12
MAX_COLUMNS = 20
_DICOM_AGE = re.compile(r"(\d{1,3})([DWMY])")
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}


def measure_subgroups(table: CaseTable) -> list[dict[str, Any]]:
    """Figures for every value of every column that splits the cases usefully.

    A column takes part when at least two of its values have MIN_CASES cases or
    more and there are at most MAX_VALUES values; numbers (and DICOM ages such
    as "045Y") of more values are cut at their quartiles.

    Returns:
        Entries of `subgroups` in `metrics.json`.
    """
    entries = []
    for column in list(table.columns)[:MAX_COLUMNS]:
        for value, members in split_by_column(table.columns[column]):
            part = table.select(members)
            entries.append(
                {
                    "column": column,
                    "value": value,
                    "n_cases": len(part),
                    "n_patients": part.n_patients,
                    "metrics": {
                        name: estimate.to_json()
                        for name, estimate in quick_estimates(part).items()
                    },
                }
            )
    return entries


def quick_estimates(table: CaseTable) -> dict[str, Estimate]:
    """AUROC and the shares of right decisions; closed forms only."""
    targets, decisions, codes = np.asarray(table.targets), table.decisions, table.codes
    if table.kind == "binary":
        index = table.positive_index
        area = auroc_interval(targets[:, index], table.probabilities[:, index], codes)
        return {
            "auroc": area,
            **share_estimates(targets[:, index], decisions[:, index], codes),
        }
    area = macro_auroc_interval(targets, table.probabilities, codes)
    if table.kind == "multiclass":
        right = (decisions & (targets == 1)).any(axis=1)
        recalls = [
            proportion(decisions[held, index], codes[held], of="cases with a label")
            for index, held in enumerate((targets == 1).T)
        ]
        present = [recall for recall in recalls if recall.value is not None]
        words = f"mean of {len(present)} labels; MOVER of Wilson"
        return {
            "auroc": area,
            "accuracy": proportion(right, codes),
            "balanced_accuracy": mean_of_shares(present, method=words),
        }
    # One row for each label that somebody has read; labels of a patient are one
    # cluster, so that reading fourteen labels does not count as fourteen cases.
    cases, labels = np.nonzero(targets >= 0)
    pairs = (targets[cases, labels], decisions[cases, labels], codes[cases])
    pooled = share_estimates(*pairs)
    wanted = ("accuracy", "sensitivity", "specificity")
    return {"auroc": area, **{name: pooled[name] for name in wanted}}


def split_by_column(values: Sequence[str]) -> list[tuple[str, Array]]:
    """Names of groups with the mask of their cases; empty when of no use."""
    words = np.array([value.strip() or "(missing)" for value in values])
    if len(np.unique(words)) > MAX_VALUES:
        words = _quartiles(values)
    names, counts = np.unique(words, return_counts=True)
    kept = [
        str(name)
        for name, count in zip(names, counts, strict=True)
        if count >= MIN_CASES
    ]
    if len(names) > MAX_VALUES or len(kept) < 2:
        return []
    return [(name, words == name) for name in sorted(kept, key=_natural)]


def _quartiles(values: Sequence[str]) -> Array:
    """Names such as "18 to 45" for numbers; the words themselves otherwise."""
    numbers = np.array([_read_number(value) for value in values])
    finite = np.isfinite(numbers)
    if finite.mean() < 0.9:
        return np.array(values)
    edges = np.unique(np.quantile(numbers[finite], [0, 0.25, 0.5, 0.75, 1]))
    last = max(len(edges) - 2, 0)
    chosen = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, last)
    names = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    names = names or [f"{edges[0]:g}"]
    return np.array(
        [
            names[index] if known else "(missing)"
            for index, known in zip(chosen, finite, strict=True)
        ]
    )


def _read_number(text: str) -> float:
    """A number, or a DICOM age in years; NaN for anything else."""
    if found := _DICOM_AGE.fullmatch(text.strip()):
        return int(found[1]) * _YEARS[found[2]]
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def _natural(name: str) -> tuple[float, str]:
    """Order of groups: numbers by size, then words."""
    first = _read_number(name.split(" to ")[0])
    return (first if math.isfinite(first) else math.inf, name)
