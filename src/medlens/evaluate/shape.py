"""The curves behind an evaluation's figures: what a page draws and lets one try.

The document is of the schema medlens/curves/1 (docs/bundle.md). It holds counts and
shares alone, no case, so that it may travel in a bundle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from medlens.core import Array
from medlens.evaluate.mask_split import mean_dice
from medlens.evaluate.mask_table import MaskTable
from medlens.evaluate.moving import calibration_bins, threshold_table
from medlens.evaluate.table import CaseTable
from medlens.metrics import OperatingPoint
from medlens.metrics.curves import roc_curve, thin
from medlens.metrics.estimate import rounded

SCHEMA = "medlens/curves/1"
MOST_LABELS = 60
"""Labels with curves; a task of more shows those that occur most."""
MOST_GROUPS = 120
DICE_BINS = 20


def curves_document(
    split: str, form: str, parts: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The document of one evaluation.

    Args:
        split: that was measured, "test" or "all".
        form: of the bundle.
        parts: of `case_shape` or `mask_shape`: one, or slices and series.
    """
    return {"schema": SCHEMA, "split": split, "form": form, "parts": list(parts)}


def case_shape(
    table: CaseTable,
    entry: Mapping[str, Any],
    *,
    of: str = "cases",
    points: Sequence[OperatingPoint] = (),
) -> dict[str, Any]:
    """What was measured on cases, slices or series.

    Args:
        table: of the split.
        entry: what `measure_split` gave of the same table.
        of: what a row of the table is: "cases", "slices" or "series".
        points: operating points, whose thresholds are in the tables of thresholds.
    """
    table = table.select(table.is_read)
    shown, left_out = _shown(table)
    return {
        "of": of,
        **_head(entry),
        "unit": entry["unit"],
        "confusion": _confusion(entry),
        "labels": [_label(table, entry, label, points) for label in shown],
        "left_out": left_out,
        "operating_points": [
            {
                name: point[name]
                for name in ("label", "threshold", "rule", "chosen", "metrics")
            }
            for point in entry["operating_points"]
        ],
    }


def mask_shape(table: MaskTable, entry: Mapping[str, Any]) -> dict[str, Any]:
    """What was measured on masks: overlap of each label, and how it is spread.

    Args:
        table: of the split.
        entry: what `measure_mask_split` gave of the same table.
    """
    return {
        "of": str(entry["unit"]),
        **_head(entry),
        "unit": entry["counted"],
        "length_unit": entry["length_unit"],
        "size_unit": entry["size_unit"],
        "tolerance": entry["tolerance"],
        "dice": _spread(mean_dice(table)),
        "masks": [
            {
                "label": label,
                "n_present": figures["n_present"],
                "n_answered": figures["n_answered"],
                "metrics": figures["metrics"],
                "dice": _spread(np.asarray(table.dice[:, index])),
            }
            for index, (label, figures) in enumerate(entry["per_label"].items())
            if index < MOST_LABELS
        ],
        "left_out": list(entry["per_label"])[MOST_LABELS:],
    }


def _head(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "n_cases": entry["n_cases"],
        "n_patients": entry["n_patients"],
        "metrics": entry["metrics"],
        "subgroups": list(entry["subgroups"])[:MOST_GROUPS],
    }


def _shown(table: CaseTable) -> tuple[list[str], list[str]]:
    """Labels with curves, and those without: all cases have it, none, or too many."""
    labels = [table.positive] if table.kind == "binary" else list(table.labels)
    targets = np.asarray(table.targets)
    places = {label: table.labels.index(label) for label in labels}
    counts = {label: int((targets[:, k] == 1).sum()) for label, k in places.items()}
    possible = [
        label
        for label, k in places.items()
        if counts[label] and (targets[:, k] == 0).any()
    ]
    often = sorted(possible, key=lambda label: -counts[label])[:MOST_LABELS]
    shown = [label for label in labels if label in often]
    return shown, [label for label in labels if label not in often]


def _confusion(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    """Rows reference, columns decision; None where a case may have several labels."""
    counts = entry["confusion_matrix"]
    if counts is None or len(counts) > MOST_LABELS:
        return None
    return {"labels": list(entry["labels"]), "counts": counts}


def _label(
    table: CaseTable,
    entry: Mapping[str, Any],
    label: str,
    points: Sequence[OperatingPoint],
) -> dict[str, Any]:
    index = table.labels.index(label)
    column = np.asarray(table.targets)[:, index]
    scores = np.asarray(table.probabilities)[:, index]
    curve = thin(roc_curve(column, scores))
    codes = table.codes
    always = [point.threshold for point in points if point.label == label]
    return {
        "label": label,
        "n_present": int((column == 1).sum()),
        "n_absent": int((column == 0).sum()),
        "metrics": {
            name: {key: figure[key] for key in ("value", "low", "high")}
            for name, figure in entry["per_label"][label]["metrics"].items()
        },
        "roc": {
            name: [rounded(float(value)) for value in values]
            for name, values in (
                ("fpr", curve.x), ("tpr", curve.y), ("threshold", curve.threshold),
            )
        },
        "thresholds": threshold_table(column, scores, codes, always=always),
        "calibration": calibration_bins(column, scores, codes),
    }  # fmt: skip


def _spread(values: Array) -> dict[str, Any]:
    """Cases by Dice in 20 bins from 0 to 1, and how many have none."""
    known = values[np.isfinite(values)]
    counts, _ = np.histogram(known, bins=DICE_BINS, range=(0, 1))
    quartiles = np.quantile(known, (0.25, 0.5, 0.75)) if len(known) else ()
    return {
        "counts": [int(count) for count in counts],
        "undefined": len(values) - len(known),
        "quartiles": [rounded(float(value)) for value in quartiles],
    }
