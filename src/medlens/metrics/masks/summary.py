"""Figures of many cases with intervals that respect patients."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from medlens.core import Array, UsageError
from medlens.metrics.bootstrap import PatientBootstrap, bootstrap_estimate
from medlens.metrics.estimate import Estimate
from medlens.metrics.intervals import LEVEL, proportion
from medlens.metrics.masks.score import MaskScores

Floats = NDArray[np.float64]


def summarise_masks(
    scores: Sequence[MaskScores], bootstrap: PatientBootstrap
) -> dict[str, Estimate]:
    """Means over cases and shares of cases and lesions, with intervals.

    Overlap is averaged over the cases in which the reference or the answer has
    the label. A distance that is missing because one of the two is empty counts
    as the diagonal of the case's grid (Metrics Reloaded: the worst value there
    could be), for otherwise a model would gain by answering nothing where it is
    hard; the method says how many these are.

    Args:
        scores: one label of every case.
        bootstrap: resamples of the patients of these cases, in the same order.

    Returns:
        `dice`, `jaccard`, `surface_dice`, `hd95`, `mean_surface_distance` (mm),
        `volume_error`, `absolute_volume_error` (ml), `relative_volume_error`
        (share), `lesion_sensitivity`, `false_positives_per_case`,
        `presence_sensitivity` (cases with the label in which it is answered),
        `presence_specificity` (cases without it in which it is not).

    Raises:
        UsageError: another number of cases than the bootstrap has.
    """
    if len(scores) != len(bootstrap.codes):
        raise UsageError(
            f"{len(scores)} cases have scores, the bootstrap has "
            f"{len(bootstrap.codes)}; wanted one patient code for each case"
        )
    there = "no case has the label in reference or answer"
    read: dict[str, tuple[Callable[[MaskScores], float | None], str]] = {
        "dice": (lambda score: score.dice, there),
        "jaccard": (lambda score: score.jaccard, there),
        "surface_dice": (lambda score: score.surface.surface_dice, there),
        "volume_error": (lambda score: score.volume_error_ml, "no cases"),
        "absolute_volume_error": (
            lambda score: abs(score.volume_error_ml),
            "no cases",
        ),
        "relative_volume_error": (
            lambda score: score.relative_volume_error,
            "no case has the label in the reference",
        ),
    }
    table = {
        name: _mean([figure(score) for score in scores], bootstrap, reason=reason)
        for name, (figure, reason) in read.items()
    }
    return table | _average_distances(scores, bootstrap) | _count(scores, bootstrap)


def _average_distances(
    scores: Sequence[MaskScores], bootstrap: PatientBootstrap
) -> dict[str, Estimate]:
    """HD95 and mean distance, a missing one as the diagonal."""
    missing = sum(score.is_present != score.is_answered for score in scores)
    note = f"{missing} with one mask empty count as the image's diagonal"
    table = {}
    for name, field in (
        ("hd95", "hd95_mm"),
        ("mean_surface_distance", "mean_distance_mm"),
    ):
        values = [
            None
            if score.is_absent
            else getattr(score.surface, field)
            if score.is_present and score.is_answered
            else score.diagonal_mm
            for score in scores
        ]
        table[name] = _mean(
            values,
            bootstrap,
            note=note if missing else "",
            reason="no case has the label in reference or answer",
        )
    return table


def _count(
    scores: Sequence[MaskScores], bootstrap: PatientBootstrap
) -> dict[str, Estimate]:
    """Shares of lesions and of cases, and false positives a case."""
    lesions = np.array([score.lesions.lesions for score in scores], dtype=np.int64)
    found = [np.arange(score.lesions.lesions) < score.lesions.found for score in scores]
    present = np.array([score.is_present for score in scores], dtype=bool)
    answered = np.array([score.is_answered for score in scores], dtype=bool)
    codes = bootstrap.codes
    return {
        "lesion_sensitivity": proportion(
            np.concatenate(found), np.repeat(codes, lesions), of="lesions"
        ),
        "false_positives_per_case": _count_false(scores, bootstrap),
        "presence_sensitivity": proportion(
            answered[present], codes[present], of="cases with the label"
        ),
        "presence_specificity": proportion(
            ~answered[~present], codes[~present], of="cases without the label"
        ),
    }


def _count_false(scores: Sequence[MaskScores], bootstrap: PatientBootstrap) -> Estimate:
    """False positives a case; none at all still leaves doubt.

    Where every count is 0 every resample is too. The end is then that of a
    Poisson count of 0 (Garwood 1936), patients standing in for cases.
    """
    counts = [float(score.lesions.false_positives) for score in scores]
    if any(counts):
        return _mean(counts, bootstrap)
    high = -math.log((1 - LEVEL) / 2) / bootstrap.n_patients
    return Estimate(0.0, 0.0, high, f"Poisson, none in {len(scores)} cases")


def _mean(
    values: Sequence[float | None],
    bootstrap: PatientBootstrap,
    *,
    note: str = "",
    reason: str = "no cases",
) -> Estimate:
    """Mean over the cases that have a value, by bootstrap of patients."""
    known = np.array([value is not None for value in values], dtype=np.float64)
    filled = np.array([value or 0.0 for value in values], dtype=np.float64)
    words = f"mean of {int(known.sum())} cases" + (f", {note}" if note else "")
    return bootstrap_estimate(
        np.stack([filled, known], axis=1),
        _divide,
        bootstrap,
        method=words,
        reason=reason,
    )


def _divide(sums: Array) -> Floats:
    """Sum over number; NaN where a resample has none."""
    number = sums[..., 1]
    safe = np.where(number > 0, number, 1.0)
    quotient: Floats = np.where(number > 0, sums[..., 0] / safe, np.nan)
    return quotient
