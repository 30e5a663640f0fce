"""Figures of a classifier from targets, probabilities and decisions.

Everything here is for one label against the rest unless it says otherwise;
undefined figures (no positives, …) are NaN.
"""

from __future__ import annotations

import numpy as np

from medlens.core import Array

EPSILON = 1e-7
"""Probabilities are clipped to EPSILON..1 - EPSILON in the log loss; float32
softmax gives exact zeros, and one such case must not make the mean infinite."""


def count_decisions(targets: Array, decisions: Array) -> Array:
    """Membership of each case in TP, FP, FN, TN, in this order: (n, 4) float64.

    Args:
        targets: (n,) of 0 and 1; -1 (not read) counts nowhere.
        decisions: (n,) bool.
    """
    targets, decisions = np.asarray(targets), np.asarray(decisions, dtype=bool)
    present, absent = targets == 1, targets == 0
    return np.stack(
        [
            present & decisions,
            absent & decisions,
            present & ~decisions,
            absent & ~decisions,
        ],
        axis=1,
    ).astype(np.float64)


def sensitivity(counts: Array) -> Array:
    """TP / (TP + FN) of (..., 4) counts as from `count_decisions`."""
    return ratio(counts[..., 0], counts[..., 0] + counts[..., 2])


def specificity(counts: Array) -> Array:
    """TN / (TN + FP) of (..., 4) counts."""
    return ratio(counts[..., 3], counts[..., 3] + counts[..., 1])


def ppv(counts: Array) -> Array:
    """TP / (TP + FP) of (..., 4) counts, at the prevalence of these cases."""
    return ratio(counts[..., 0], counts[..., 0] + counts[..., 1])


def npv(counts: Array) -> Array:
    """TN / (TN + FN) of (..., 4) counts, at the prevalence of these cases."""
    return ratio(counts[..., 3], counts[..., 3] + counts[..., 2])


def accuracy(counts: Array) -> Array:
    """(TP + TN) / all of (..., 4) counts."""
    return ratio(counts[..., 0] + counts[..., 3], counts.sum(axis=-1))


def balanced_accuracy(counts: Array) -> Array:
    """Mean of sensitivity and specificity of (..., 4) counts."""
    return (sensitivity(counts) + specificity(counts)) / 2


def f1(counts: Array) -> Array:
    """2 TP / (2 TP + FP + FN) of (..., 4) counts; NaN without positives at all."""
    twice = 2 * counts[..., 0]
    return ratio(twice, twice + counts[..., 1] + counts[..., 2])


def matthews(counts: Array) -> Array:
    """Matthews correlation of (..., 4) counts, -1..1; 0 where a margin is empty."""
    tp, fp, fn, tn = (counts[..., index] for index in range(4))
    margins = np.sqrt(tp + fp) * np.sqrt(tp + fn) * np.sqrt(tn + fp) * np.sqrt(tn + fn)
    product = tp * tn - fp * fn
    return np.where(margins > 0, product / np.where(margins > 0, margins, 1.0), 0.0)


def squared_errors(targets: Array, probabilities: Array) -> Array:
    """(p - y)² of each case; its mean is the Brier score (0 best, 1 worst).

    Given (n, K) targets with one 1 a row, half the sum over labels: the same
    figure as the binary one when K is 2, and 0..1 for any K.
    """
    targets, probabilities = np.asarray(targets), np.asarray(probabilities)
    errors = (probabilities.astype(np.float64) - targets) ** 2
    return errors if errors.ndim == 1 else errors.sum(axis=1) / 2


def log_losses(targets: Array, probabilities: Array) -> Array:
    """-log of the probability given to what was present, in nats, by case.

    Args:
        targets: (n,) of 0 and 1, or (n, K) with one 1 a row.
        probabilities: of the same shape, 0..1.
    """
    targets = np.asarray(targets)
    clipped = np.clip(np.asarray(probabilities, np.float64), EPSILON, 1 - EPSILON)
    if targets.ndim == 1:
        return np.asarray(-np.log(np.where(targets == 1, clipped, 1 - clipped)))
    return np.asarray(-np.log(clipped[np.arange(len(targets)), targets.argmax(axis=1)]))


def matthews_multiclass(confusions: Array) -> Array:
    """Correlation R_K of (..., K, K) confusion matrices (Gorodkin 2004), -1..1.

    The Matthews correlation for K = 2; 0 where only one label occurs on either
    side.
    """
    confusions = np.asarray(confusions, dtype=np.float64)
    reference, decision = confusions.sum(axis=-1), confusions.sum(axis=-2)
    total = reference.sum(axis=-1)
    right = np.trace(confusions, axis1=-2, axis2=-1)
    covariance = right * total - (reference * decision).sum(axis=-1)
    spread = (total**2 - (reference**2).sum(axis=-1)) * (
        total**2 - (decision**2).sum(axis=-1)
    )
    root = np.sqrt(np.maximum(spread, 0))
    return np.where(root > 0, covariance / np.where(root > 0, root, 1.0), 0.0)


def confusion_matrix(targets: Array, decisions: Array) -> Array:
    """(K, K) int64 counts, rows the reference, columns the decision.

    Args:
        targets: (n, K) with one 1 a row; rows with -1 are left out.
        decisions: (n, K) bool with one True a row.
    """
    known = (np.asarray(targets) >= 0).all(axis=1)
    rows = np.asarray(targets)[known].argmax(axis=1)
    columns = np.asarray(decisions)[known].argmax(axis=1)
    labels = targets.shape[1]
    flat = np.bincount(rows * labels + columns, minlength=labels * labels)
    return flat.reshape(labels, labels)


def ratio(above: Array, below: Array) -> Array:
    """Quotient, NaN where the divisor is 0."""
    above, below = np.asarray(above, np.float64), np.asarray(below, np.float64)
    quotient = np.full(np.broadcast(above, below).shape, np.nan)
    np.divide(above, below, out=quotient, where=below > 0)
    return quotient
