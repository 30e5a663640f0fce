"""One split of `metrics.json` where voxels are labelled."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from medlens.core import Array, DataError
from medlens.evaluate.agreement import agreement_entry
from medlens.evaluate.doubts import outlier_entry
from medlens.evaluate.mask_figures import (
    MaskFigures,
    mean_over_cases,
    mean_over_labels,
    measure_mask,
)
from medlens.evaluate.mask_table import MaskTable
from medlens.evaluate.subgroups import MAX_COLUMNS, split_by_column
from medlens.metrics import Estimate, PatientBootstrap
from medlens.metrics.bootstrap import RESAMPLES, affordable_resamples
from medlens.metrics.estimate import to_json


def measure_mask_split(
    table: MaskTable, *, seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, Any]:
    """Entry of `splits` in `metrics.json`; JSON values only, no NaN.

    Args:
        table: the cases of the split, each with a reference.
        seed, resamples: of the patient bootstrap.

    Raises:
        DataError: the table has no case.
    """
    if not len(table):
        raise DataError("evaluation: no case has a mask; wanted at least one")
    bootstrap = draw_patients(table, seed=seed, resamples=resamples)
    figures = {
        label: measure_mask(table, index, bootstrap)
        for index, label in enumerate(table.labels)
    }
    return {
        "n_cases": len(table),
        "n_patients": table.n_patients,
        "unit": table.case_unit,
        "counted": table.counted,
        "n_groups": bootstrap.n_patients,
        "labels": list(table.labels),
        "length_unit": table.length_unit,
        "size_unit": table.unit,
        "tolerance": table.tolerance,
        "metrics": to_json(mean_over_labels(list(figures.values()), bootstrap)),
        "per_label": {
            label: _label_entry(table, index, figures[label], bootstrap)
            for index, label in enumerate(table.labels)
        },
        "subgroups": measure_mask_subgroups(table, seed=seed, resamples=resamples),
        "out_of_distribution": outlier_entry(table.ood_flags, bootstrap.codes),
    }


def measure_mask_subgroups(
    table: MaskTable, *, seed: int = 0, resamples: int = RESAMPLES
) -> list[dict[str, Any]]:
    """Dice for every value of every column that splits the cases usefully.

    The groups are those of `measure_subgroups`.
    """
    entries = []
    for column in list(table.columns)[:MAX_COLUMNS]:
        for value, members in split_by_column(table.columns[column]):
            part = table.select(members)
            bootstrap = draw_patients(part, seed=seed, resamples=resamples)
            entries.append(
                {
                    "column": column,
                    "value": value,
                    "n_cases": len(part),
                    "n_patients": part.n_patients,
                    "metrics": to_json({"dice": _macro_dice(part, bootstrap)}),
                }
            )
    return entries


def draw_patients(
    table: MaskTable, *, seed: int = 0, resamples: int = RESAMPLES
) -> PatientBootstrap:
    """Resamples of the patients (or groups) of the table."""
    codes = table.codes
    drawn = affordable_resamples(int(codes.max()) + 1, wanted=resamples)
    return PatientBootstrap(codes, resamples=drawn, seed=seed)


def write_mask_sentence(entry: dict[str, Any]) -> str:
    """The result in one sentence, for a terminal or a log.

    Args:
        entry: what `measure_mask_split` gave.

    Returns:
        "Dice 0.88 (95% interval 0.87–0.89) over 26 volumes of 26 patients; …".
    """
    dice = entry["metrics"]["dice"]
    over = _over(entry)
    if dice["value"] is None:
        return f"Dice undefined over {over}: {dice['reason']}"
    sentence = f"Dice {_with_interval(dice)} over {over}"
    labels = entry["per_label"]
    if len(labels) > 1:
        parts = [
            f"{label} {figures['metrics']['dice']['value']:.2f}"
            for label, figures in list(labels.items())[:8]
            if figures["metrics"]["dice"]["value"] is not None
        ]
        sentence += f" (mean of {len(labels)} labels: {', '.join(parts)})"
    distance = entry["metrics"].get("hd95")
    if distance and distance["value"] is not None:
        sentence += f"; HD95 {distance['value']:.1f} mm"
    return sentence


def _over(entry: dict[str, Any]) -> str:
    n, units = entry["n_cases"], entry["n_patients"]
    cases = entry["unit"].removesuffix("s") if n == 1 else entry["unit"]
    of = {"patient": "patient", "group": "group"}[entry["counted"]]
    if entry["counted"] == "group" and units == n:
        return f"{n} {cases}"
    return f"{n} {cases} of {units} {of if units == 1 else of + 's'}"


def _with_interval(estimate: dict[str, Any]) -> str:
    text = f"{estimate['value']:.2f}"
    if estimate["low"] is None:
        return f"{text} (no interval: one patient)"
    return f"{text} (95% interval {estimate['low']:.2f}–{estimate['high']:.2f})"


def _label_entry(
    table: MaskTable, index: int, figures: MaskFigures, bootstrap: PatientBootstrap
) -> dict[str, Any]:
    """Entry of `per_label`; what is undefined is counted."""
    present = np.asarray(table.present[:, index])
    answered = np.asarray(table.answered[:, index])
    entry: dict[str, Any] = {
        "n_cases": len(table),
        "n_present": int(present.sum()),
        "n_answered": int(answered.sum()),
        "undefined": {
            # Neither has the label: nothing overlaps, and nothing is wrong.
            "dice": int((~present & ~answered).sum()),
            # One of both lacks it: Dice is 0 and there is no distance.
            "hd95": int((present != answered).sum()),
            "volume_error": int((~present).sum()),
        },
        "metrics": to_json(figures.estimates),
        "agreement": agreement_entry(
            table.volume[:, index],
            table.reference_volume[:, index],
            bootstrap,
            unit=table.unit,
        ),
    }
    if table.lesions is not None and table.lesions_false is not None:
        entry["n_lesions"] = int(table.lesions[:, index].sum())
        entry["n_false_lesions"] = int(table.lesions_false[:, index].sum())
    return entry


def _macro_dice(table: MaskTable, bootstrap: PatientBootstrap) -> Estimate:
    """Mean Dice over the labels that any case has."""
    figures = []
    for column in np.asarray(table.dice).T:
        estimate, replicates = mean_over_cases(
            column, bootstrap, reason="no case has the label"
        )
        figures.append(MaskFigures({"dice": estimate}, {"dice": replicates}))
    return mean_over_labels(figures, bootstrap)["dice"]


def mean_dice(table: MaskTable) -> Array:
    """(n,) mean Dice over the labels that a case has; NaN where it has none."""
    known = np.isfinite(table.dice)
    sums = np.where(known, table.dice, 0.0).sum(axis=1)
    counts = known.sum(axis=1)
    return np.asarray(sums / np.where(counts > 0, counts, np.nan))


def pick_cases(
    table: MaskTable, *, worst: int = 4, median: int = 2, best: int = 2
) -> list[tuple[int, Literal["worst", "median", "best"]]]:
    """Rows to show and why: by mean Dice over labels, never by hand.

    One case of each group of copies (or patient) is enough; a case without any
    label is none.
    """
    scores = mean_dice(table)
    order = [
        int(i) for i in np.argsort(scores, kind="stable") if np.isfinite(scores[i])
    ]
    middle = float(np.median(scores[order])) if order else 0.0
    near = sorted(order, key=lambda i: (abs(float(scores[i]) - middle), i))
    codes, seen = table.codes, set[int]()
    chosen: list[tuple[int, Literal["worst", "median", "best"]]] = []
    wanted: tuple[tuple[Literal["worst", "median", "best"], int, list[int]], ...] = (
        ("worst", worst, order),
        ("best", best, order[::-1]),
        ("median", median, near),
    )
    for rank, most, candidates in wanted:
        fresh = list[int]()
        for index in candidates:
            if len(fresh) < most and int(codes[index]) not in seen:
                seen.add(int(codes[index]))
                fresh.append(index)
        chosen += [(index, rank) for index in fresh]
    return chosen
