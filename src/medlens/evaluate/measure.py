"""One split of `metrics.json`: everything that a report shows, with its doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from medlens.core import Array, DataError
from medlens.evaluate.baseline import measure_baseline
from medlens.evaluate.decisions import point_entry, prior_shift_entry
from medlens.evaluate.doubts import conformal_entry, outlier_entry
from medlens.evaluate.drawings import curve_entries, reliability_entries
from medlens.evaluate.headline import measure_table
from medlens.evaluate.label_figures import LabelFigures
from medlens.evaluate.subgroups import measure_subgroups
from medlens.evaluate.suspects import suspect_entry
from medlens.evaluate.table import CaseTable
from medlens.metrics import OperatingPoint, confusion_matrix
from medlens.metrics.bootstrap import RESAMPLES
from medlens.metrics.estimate import rounded, to_json


def measure_split(
    table: CaseTable,
    *,
    points: Sequence[OperatingPoint] = (),
    validation_prevalence: Sequence[float] | None = None,
    baselines: Mapping[str, Array] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """Entry of `splits` in `metrics.json`; JSON values only, no NaN.

    Args:
        table: the cases of the split. Cases that nobody has read are counted
            and left out.
        points: operating points of the bundle, chosen and named.
        validation_prevalence: (K,) share of each label among the cases that
            the bundle was calibrated on; needed for `prior_shift`.
        baselines: name → (n, K) probabilities on the same cases.
        seed, resamples: of the patient bootstrap.

    Raises:
        DataError: no case has a reference standard.
    """
    read = table.is_read
    if not read.any():
        raise DataError("evaluation: no case has a label; pass --labels CSV")
    whole, table = table, table.select(read)
    figures = measure_table(table, seed=seed, resamples=resamples)
    codes = figures.bootstrap.codes
    entry: dict[str, Any] = {
        "n_cases": len(table),
        "n_unlabelled": len(whole) - len(table),
        "n_patients": table.n_patients,
        "unit": table.unit,
        "n_groups": figures.bootstrap.n_patients,
        "labels": list(table.labels),
        "metrics": to_json(figures.headline),
        "confusion_matrix": _confusion(table),
        "per_label": {
            label: _label_entry(table, label, figures.labels[label])
            for label in table.labels
        },
    }
    if table.kind != "binary":
        entry["macro"] = to_json(figures.macro)
    return entry | {
        "operating_points": [
            point_entry(table, point, validation_prevalence) for point in points
        ],
        "prior_shift": prior_shift_entry(
            table, points, validation_prevalence, seed=seed, resamples=resamples
        ),
        "subgroups": measure_subgroups(table),
        "reliability": reliability_entries(table),
        "curves": curve_entries(table),
        "conformal": conformal_entry(table, codes),
        "out_of_distribution": outlier_entry(table.ood_flags, codes),
        "label_suspects": suspect_entry(table),
        "baselines": {
            name: measure_baseline(whole, other, seed=seed, resamples=resamples)
            for name, other in (baselines or {}).items()
        },
    }


def _confusion(table: CaseTable) -> list[list[int]] | None:
    """Rows reference, columns decision; None for multi-label tasks."""
    if table.kind == "multilabel":
        return None
    matrix = confusion_matrix(np.asarray(table.targets), table.decisions)
    return [[int(count) for count in row] for row in matrix]


def _label_entry(table: CaseTable, label: str, figures: LabelFigures) -> dict[str, Any]:
    """Entry of `per_label`; counts are (reference absent, present) × (not, called)."""
    index = table.labels.index(label)
    column = np.asarray(table.targets)[:, index]
    called = np.asarray(table.decisions, dtype=bool)[:, index]
    return {
        "n_cases": figures.n_cases,
        "n_read": figures.n_read,
        "prevalence": rounded(
            figures.n_cases / figures.n_read if figures.n_read else None
        ),
        "confusion_matrix": [
            [
                int(((column == there) & (called == said)).sum())
                for said in (False, True)
            ]
            for there in (0, 1)
        ],
        "metrics": to_json(figures.estimates),
    }
