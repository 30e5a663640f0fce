"""What moving a threshold does: counts at up to 200 thresholds, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from medlens.core import Array
from medlens.metrics import proportion
from medlens.metrics.estimate import rounded

STEPS, FEWER_STEPS = 200, 60
MANY_CASES = 20_000
"""From here on fewer steps are counted: each costs a pass over the cases."""


def threshold_table(
    targets: Array, probabilities: Array, codes: Array, *, always: Sequence[float] = ()
) -> dict[str, list[float]]:
    """Decisions at thresholds from 0 to 1: right ones, wrong ones, and the doubt.

    A case is called positive at or above the threshold, as `OperatingPoint` does.

    Args:
        targets: (n,) of 1, 0 and -1 (not read; left out), 1 and 0 both present.
        probabilities: (n,) 0..1.
        codes: (n,) patient of each case.
        always: thresholds that must be in the table, such as operating points.

    Returns:
        Columns of equal length, the smallest threshold first: "threshold", the counts
        "tp", "fp", "tn", "fn", and the ends of 95 % intervals that respect patients:
        "sensitivity_low", "sensitivity_high", "specificity_low", "specificity_high".
    """
    read = np.asarray(targets) >= 0
    present = np.asarray(targets)[read] == 1
    scores = np.asarray(probabilities, np.float64)[read]
    codes = np.asarray(codes)[read]
    steps = STEPS if len(scores) <= MANY_CASES else FEWER_STEPS
    columns: dict[str, list[float]] = {name: [] for name in _COLUMNS}
    for threshold in _chosen(scores, present, steps, always):
        called = scores >= threshold
        hits, alarms = int(called[present].sum()), int(called[~present].sum())
        found = proportion(called[present], codes[present])
        cleared = proportion(~called[~present], codes[~present])
        row = (
            threshold,
            hits,
            alarms,
            int((~present).sum()) - alarms,
            int(present.sum()) - hits,
            *(rounded(end) or 0.0 for end in (found.low, found.high)),
            *(rounded(end) or 0.0 for end in (cleared.low, cleared.high)),
        )
        for name, value in zip(_COLUMNS, row, strict=True):
            columns[name].append(value)
    return columns


_COLUMNS = (
    "threshold", "tp", "fp", "tn", "fn", "sensitivity_low", "sensitivity_high",
    "specificity_low", "specificity_high",
)  # fmt: skip


def _chosen(
    scores: Array, present: Array, steps: int, always: Sequence[float]
) -> list[float]:
    """Thresholds at which sensitivity and specificity change by even steps."""
    kept = [0.0, 1.0, *always]
    each = max(1, (steps - len(kept)) // 2)
    shares = np.linspace(0, 1, each)
    wanted = [
        np.quantile(scores[held], shares, method="nearest")
        for held in (present, ~present)
    ]
    # Rounded before the counting, so that the counts belong to what is shown.
    found = {float(f"{score:.6g}") for score in np.concatenate(wanted)}
    return sorted({*found, *map(float, kept)})


def calibration_bins(
    targets: Array, probabilities: Array, codes: Array
) -> list[dict[str, Any]]:
    """Promised against observed in the bins of the ECE; empty bins left out.

    Args:
        targets, probabilities, codes: as in `threshold_table`.

    Returns:
        {"low", "high", "mean_probability", "observed", "observed_low",
        "observed_high", "n"} of each bin; the interval respects patients.
    """
    from medlens.metrics.curves import reliability

    read = np.asarray(targets) >= 0
    present = np.asarray(targets)[read] == 1
    scores = np.asarray(probabilities, np.float64)[read]
    codes = np.asarray(codes)[read]
    entries = []
    for each in reliability(present.astype(np.int8), scores):
        is_last = each.high >= 1
        held = (scores >= each.low) & ((scores < each.high) | is_last)
        share = proportion(present[held], codes[held])
        entries.append(
            {
                "low": rounded(each.low),
                "high": rounded(each.high),
                "mean_probability": rounded(each.mean_probability),
                "observed": rounded(each.observed),
                "observed_low": rounded(share.low),
                "observed_high": rounded(share.high),
                "n": each.n,
            }
        )
    return entries
