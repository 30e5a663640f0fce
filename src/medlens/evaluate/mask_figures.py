"""All figures of one label's masks, with intervals that respect patients."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from medlens.core import Array
from medlens.evaluate.label_figures import is_collapsed
from medlens.evaluate.mask_table import MaskTable
from medlens.metrics import Estimate, PatientBootstrap, proportion
from medlens.metrics.bootstrap import percentile_estimate
from medlens.metrics.estimate import undefined
from medlens.metrics.intervals import LEVEL, mean_of_shares

NOWHERE = "no case has the label in reference or answer"
UNSEEN = "no case has the label in the reference"
NO_SPACING = "images carry no spacing"
_SHARES = ("lesion_sensitivity", "presence_sensitivity", "presence_specificity")


@dataclass(frozen=True)
class MaskFigures:
    """Figures of one label, or of the mean over labels.

    Attributes:
        estimates: name → value with interval.
        replicates: name → (resamples,) bootstrap values, from the same resamples
            for every label.
    """

    estimates: dict[str, Estimate]
    replicates: dict[str, Array]


def distance_name(table: MaskTable) -> str:
    """Key of the 95th percentile of distance: "hd95" is mm, "hd95_px" pixels."""
    return "hd95_px" if table.length_unit == "px" else "hd95"


def size_name(table: MaskTable) -> str:
    """What sizes are called in keys: "volume_ml", "area_mm2" or "size_px"."""
    return {"ml": "volume_ml", "mm²": "area_mm2", "px": "size_px"}[table.unit]


def measure_mask(
    table: MaskTable, index: int, bootstrap: PatientBootstrap
) -> MaskFigures:
    """Every figure of the label in column `index`."""
    present = np.asarray(table.present[:, index])
    answered = np.asarray(table.answered[:, index])
    dice = table.dice[:, index]
    volume, reference = (
        table.volume[:, index],
        table.reference_volume[:, index],
    )
    error = volume - reference
    relative = _divide(error, np.where(present, reference, np.nan))
    distance, note = _distances(table, index)
    means = {
        "dice": (dice, NOWHERE, ""),
        "dice_present": (np.where(present, dice, np.nan), UNSEEN, ""),
        "surface_dice": (table.surface_dice[:, index], NOWHERE, ""),
        distance_name(table): (distance, NOWHERE, note),
        "volume_error": (np.abs(relative), UNSEEN, ""),
        "volume_bias": (relative, UNSEEN, ""),
        f"{size_name(table)}_error": (np.abs(error), NO_SPACING, ""),
        f"{size_name(table)}_bias": (error, NO_SPACING, ""),
    }
    estimates, replicates = {}, {}
    for name, (values, reason, words) in means.items():
        estimates[name], replicates[name] = mean_over_cases(
            values, bootstrap, reason=reason, note=words
        )
    shares, share_replicates = _shares(table, index, present, answered, bootstrap)
    return MaskFigures(estimates | shares, replicates | share_replicates)


def mean_over_labels(
    figures: list[MaskFigures], bootstrap: PatientBootstrap
) -> dict[str, Estimate]:
    """Mean of each figure over the labels that have it (macro).

    Resample by resample, so that labels of one patient count as one.
    """
    return {
        name: _mean_of_labels(name, figures, bootstrap)
        for name in figures[0].estimates
        # A sum of millilitres over organs of unlike size means nothing.
        if not name.startswith(("volume_ml", "area_mm2", "size_px"))
    }


def mean_over_cases(
    values: Array, bootstrap: PatientBootstrap, *, reason: str, note: str = ""
) -> tuple[Estimate, Array]:
    """Mean over the cases that have a value, and its (resamples,) replicates.

    Args:
        values: (n,), NaN where a case has none.
        bootstrap: of the same n cases.
        reason: why there is no mean, should no case have a value.
        note: put behind the number of cases in the method.
    """
    known = np.isfinite(values)
    pairs = np.stack([np.where(known, values, 0.0), known], axis=1)
    sums = bootstrap.sums(pairs)
    totals = pairs.sum(axis=0)
    value = totals[0] / totals[1] if totals[1] else math.nan
    replicates = _divide(sums[:, 0], sums[:, 1])
    words = f"mean of {int(known.sum())} cases" + (f", {note}" if note else "")
    return percentile_estimate(
        float(value), replicates, bootstrap, method=words, reason=reason
    ), replicates


def _mean_of_labels(
    name: str, figures: list[MaskFigures], bootstrap: PatientBootstrap
) -> Estimate:
    used = [each for each in figures if each.estimates[name].value is not None]
    if not used:
        return undefined(figures[0].estimates[name].reason)
    if len(figures) == 1:
        return figures[0].estimates[name]
    values = [each.estimates[name].value for each in used]
    stacked = np.stack([each.replicates[name] for each in used])
    there = np.isfinite(stacked)
    replicates = _divide(np.where(there, stacked, 0.0).sum(axis=0), there.sum(axis=0))
    words = f"mean of {len(used)} labels"
    if len(used) < len(figures):
        words += f" (of {len(figures)}: undefined for the others)"
    value = float(np.mean([value for value in values if value is not None]))
    estimate = percentile_estimate(value, replicates, bootstrap, method=words)
    if is_collapsed(estimate) and name in _SHARES:
        parts = [each.estimates[name] for each in used]
        return mean_of_shares(parts, method=f"{words}; MOVER")
    return estimate


def _distances(table: MaskTable, index: int) -> tuple[Array, str]:
    """HD95 with the grid's diagonal where one mask is empty (Metrics Reloaded)."""
    distance = np.array(table.hd95[:, index], dtype=np.float64)
    missing = table.present[:, index] != table.answered[:, index]
    if not missing.any():
        return distance, ""
    worst = math.nan if table.diagonal is None else np.asarray(table.diagonal)
    count = int(missing.sum())
    return (
        np.where(missing, worst, distance),
        f"{count} with one mask empty count as the image's diagonal",
    )


def _shares(
    table: MaskTable,
    index: int,
    present: Array,
    answered: Array,
    bootstrap: PatientBootstrap,
) -> tuple[dict[str, Estimate], dict[str, Array]]:
    """Shares of lesions and of cases; false positives a case."""
    codes = bootstrap.codes
    estimates, replicates = {}, {}
    if table.lesions is not None and table.lesions_found is not None:
        counts = table.lesions[:, index].astype(np.int64)
        found = table.lesions_found[:, index].astype(np.int64)
        hits = np.concatenate(
            [np.arange(n) < f for n, f in zip(counts, found, strict=True)]
        )
        estimates["lesion_sensitivity"] = proportion(
            hits, np.repeat(codes, counts), of="lesions"
        )
        replicates["lesion_sensitivity"] = _ratio(found, counts, bootstrap)
    if table.lesions_false is not None:
        false = table.lesions_false[:, index]
        name = "false_positives_per_case"
        estimates[name], replicates[name] = _false_positives(false, bootstrap)
    for name, of, right in (
        ("presence_sensitivity", present, answered),
        ("presence_specificity", ~present, ~answered),
    ):
        words = "with" if of is present else "without"
        estimates[name] = proportion(
            right[of], codes[of], of=f"cases {words} the label"
        )
        replicates[name] = _ratio(right & of, of, bootstrap)
    return estimates, replicates


def _false_positives(
    false: Array, bootstrap: PatientBootstrap
) -> tuple[Estimate, Array]:
    """Mean over cases; none at all still leaves doubt.

    Every resample of zeros is 0: the end is then that of a Poisson count of 0
    (Garwood 1936), patients standing in for cases.
    """
    estimate, replicates = mean_over_cases(false, bootstrap, reason="no cases")
    if false.any():
        return estimate, replicates
    high = -math.log((1 - LEVEL) / 2) / bootstrap.n_patients
    method = f"Poisson, none in {len(false)} cases"
    return Estimate(0.0, 0.0, high, method), replicates


def _ratio(parts: Array, wholes: Array, bootstrap: PatientBootstrap) -> Array:
    """(resamples,) sum of parts over sum of wholes; NaN where there is no whole."""
    pairs = np.stack([parts, wholes], axis=1).astype(np.float64)
    sums = bootstrap.sums(pairs)
    return _divide(sums[:, 0], sums[:, 1])


def _divide(top: Array, bottom: Array) -> Array:
    """Quotient; NaN where the divisor is 0."""
    safe = np.where(bottom != 0, bottom, np.nan)
    return np.asarray(top / safe)
