"""All figures of one label against the rest, with intervals by patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medlens.core import Array
from medlens.metrics import (
    Estimate,
    PatientBootstrap,
    auroc_interval,
    classification,
    count_decisions,
    log_losses,
    proportion,
    squared_errors,
    wilson,
)
from medlens.metrics.binning import (
    BINS,
    bin_cases,
    bin_edges,
    calibration_error,
    calibration_noise,
)
from medlens.metrics.bootstrap import percentile_estimate, reflected_estimate
from medlens.metrics.estimate import undefined
from medlens.metrics.intervals import is_clustered, mean_of_shares
from medlens.metrics.ranking import ScoreRanking

ECE_METHOD = f"{BINS} equal-width bins"
NOISE = "ece_noise"
"""Key of the calibration errors that chance alone would give."""


@dataclass(frozen=True)
class LabelFigures:
    """Figures of one label.

    Attributes:
        n_cases: cases that have the label.
        n_read: cases in which somebody has looked for it.
        estimates: name of a metric → value with interval.
        replicates: name → (resamples,) bootstrap values of it, from the same
            resamples for every label, so that a mean over labels can be taken
            resample by resample.
    """

    n_cases: int
    n_read: int
    estimates: dict[str, Estimate]
    replicates: dict[str, Array]


def measure_label(
    targets: Array,
    probabilities: Array,
    decisions: Array,
    bootstrap: PatientBootstrap,
) -> LabelFigures:
    """Every figure of one label.

    Args:
        targets: (n,) of 1, 0 and -1 (not read).
        probabilities: (n,) calibrated.
        decisions: (n,) bool.
        bootstrap: of the same n cases.
    """
    targets, probabilities = np.asarray(targets), np.asarray(probabilities, np.float64)
    decisions, read = np.asarray(decisions, dtype=bool), np.asarray(targets) >= 0
    shares = share_estimates(targets, decisions, bootstrap.codes)
    sums = _case_sums(targets, probabilities, decisions)
    totals, resampled = sums.sum(axis=0)[None], bootstrap.sums(sums)
    values, replicates = _from_sums(totals), _from_sums(resampled)
    ranked, ranked_replicates = _ranked(targets, probabilities, bootstrap)
    replicates["average_precision"] = ranked_replicates
    replicates[NOISE] = calibration_noise(sums[:, 7:], bootstrap, n=totals[:, 4])
    estimates = {
        "auroc": auroc_interval(targets, probabilities, bootstrap.codes),
        "average_precision": ranked,
        **shares,
    }
    for name in ("balanced_accuracy", "mcc", "brier", "log_loss"):
        estimates[name] = percentile_estimate(
            float(values[name][0]), replicates[name], bootstrap
        )
    if not is_clustered(bootstrap.codes[read]) or is_collapsed(
        estimates["balanced_accuracy"]
    ):
        estimates["balanced_accuracy"] = mean_of_shares(
            [shares["sensitivity"], shares["specificity"]], method="MOVER of two Wilson"
        )
    estimates["ece"] = reflected_estimate(
        float(values["ece"][0]),
        replicates["ece"],
        replicates[NOISE],
        bootstrap,
        method=ECE_METHOD,
    )
    return LabelFigures(
        n_cases=int((targets == 1).sum()),
        n_read=int(read.sum()),
        estimates={name: estimates[name] for name in LABEL_METRICS},
        replicates=replicates,
    )


LABEL_METRICS = (
    "auroc",
    "average_precision",
    "accuracy",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "f1",
    "mcc",
    "brier",
    "log_loss",
    "ece",
)
"""Figures of a label, in the order of `metrics.json`."""


def share_estimates(
    targets: Array, decisions: Array, codes: Array
) -> dict[str, Estimate]:
    """Accuracy, sensitivity, specificity, PPV, NPV and F1; no resampling.

    Args:
        targets: (n,) of 1, 0 and -1.
        decisions: (n,) bool.
        codes: (n,) patient of each case.
    """
    targets, decisions = np.asarray(targets), np.asarray(decisions, dtype=bool)
    read, present = targets >= 0, targets == 1
    right = present == decisions
    wanted = {
        "accuracy": (read, right, "cases"),
        "sensitivity": (present, decisions, "cases with the label"),
        "specificity": (read & ~present, ~decisions, "cases without the label"),
        "ppv": (read & decisions, present, "cases called positive"),
        "npv": (read & ~decisions, ~present, "cases called negative"),
    }
    shares = {
        name: proportion(success[among], codes[among], of=words)
        for name, (among, success, words) in wanted.items()
    }
    return shares | {"f1": _f1(targets, decisions, codes)}


def is_collapsed(estimate: Estimate) -> bool:
    """True when the bootstrap saw no spread, as it does at 0 and at 1."""
    return estimate.value is not None and estimate.low == estimate.high


def _f1(targets: Array, decisions: Array, codes: Array) -> Estimate:
    """F1 from the share of hits among cases with label or decision.

    F1 = 2 J / (1 + J) with J = TP / (TP + FP + FN), a proportion; its interval
    is carried over (Takahashi et al. 2022 for the distribution of F1).
    """
    involved = (targets == 1) | ((targets == 0) & decisions)
    share = proportion(
        ((targets == 1) & decisions)[involved],
        codes[involved],
        of="cases with the label or called positive",
    )
    if share.value is None or share.low is None or share.high is None:
        return share
    value, low, high = (2 * j / (1 + j) for j in (share.value, share.low, share.high))
    return Estimate(value, low, high, f"from the Jaccard index; {share.method}")


def _case_sums(targets: Array, probabilities: Array, decisions: Array) -> Array:
    """(n, q) figures whose sums give every metric that is a function of sums."""
    read = targets >= 0
    edges = bin_edges(probabilities[read])
    binned = bin_cases(targets, probabilities, edges) * read[:, None]
    losses = np.stack(
        [
            read,
            squared_errors(targets, probabilities) * read,
            log_losses(targets, probabilities) * read,
        ],
        axis=1,
    )
    counts = count_decisions(targets, decisions)
    return np.concatenate([counts, losses, binned], axis=1)


def _from_sums(sums: Array) -> dict[str, Array]:
    """Metrics of (b, q) sums of `_case_sums`."""
    counts, n = sums[:, :4], sums[:, 4]
    return {
        "accuracy": classification.accuracy(counts),
        "sensitivity": classification.sensitivity(counts),
        "specificity": classification.specificity(counts),
        "ppv": classification.ppv(counts),
        "npv": classification.npv(counts),
        "f1": classification.f1(counts),
        "balanced_accuracy": classification.balanced_accuracy(counts),
        "mcc": classification.matthews(counts),
        "brier": classification.ratio(sums[:, 5], n),
        "log_loss": classification.ratio(sums[:, 6], n),
        "ece": calibration_error(sums[:, 7:]),
    }


def _ranked(
    targets: Array, probabilities: Array, bootstrap: PatientBootstrap
) -> tuple[Estimate, Array]:
    """Average precision and its replicates."""
    read = np.flatnonzero(targets >= 0)
    ranking = ScoreRanking.of(targets[read], probabilities[read])
    cases = read[ranking.order]
    ones = np.ones((1, len(cases)), dtype=np.float32)
    value = float(ranking.average_precision(ones)[0])
    replicates = np.concatenate(
        [ranking.average_precision(block) for block in bootstrap.case_weights(cases)]
    )
    if not np.isfinite(value):
        return undefined("no cases with the label"), replicates
    estimate = percentile_estimate(value, replicates, bootstrap)
    if is_collapsed(estimate):
        positives = len(np.unique(bootstrap.codes[targets == 1]))
        low, high = wilson(value * positives, positives)
        # Boyd, Eng & Page 2013: binomial in the number of positives.
        estimate = Estimate(value, low, high, "Wilson on patients with the label")
    return estimate, replicates
