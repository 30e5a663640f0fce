"""Slices of a series that hear the slices beside them.

What a slice shows goes on into the next: tumours, bleeds and organs end between
slices seldom, noise of a judgement does at every one. So the logits of a slice are
averaged with those of its neighbours, with a weight that is fitted on answers for
series that the networks never saw. It may come out as 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medlens.core import Array, UsageError
from medlens.metrics.calibrate import Kind, tempered_loss

MOST_WEIGHT = 1 / 3
"""Of each neighbour: then the three count alike."""

WEIGHTS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, MOST_WEIGHT)


def hear_neighbours(values: Array, weight: float) -> Array:
    """(1 - 2·weight) of each slice, `weight` of the one before and the one after.

    An end hears itself in place of the neighbour that it lacks.

    Args:
        values: (T, …) in the order of the slices, the slice first.
        weight: 0..1/3.

    Returns:
        The same shape; `values` themselves where the weight is 0.

    Raises:
        UsageError: the weight is out of range.
    """
    _check(weight)
    if weight == 0 or len(values) < 2:
        return values
    before = np.concatenate([values[:1], values[:-1]])
    after = np.concatenate([values[1:], values[-1:]])
    heard: Array = (1 - 2 * weight) * values + weight * (before + after)
    return heard.astype(values.dtype, copy=False)


def own_weights(count: int, weight: float) -> Array:
    """(T,) how much each slice counts in its own answer after `hear_neighbours`.

    Raises:
        UsageError: the weight is out of range.
    """
    _check(weight)
    if count < 2:
        return np.ones(count)
    own = np.full(count, 1 - 2 * weight)
    own[[0, -1]] += weight
    return own


def fit_neighbours(
    logits: Sequence[Array], targets: Sequence[Array], *, kind: Kind
) -> float:
    """The weight of `WEIGHTS` with the smallest log loss at its best temperature.

    Args:
        logits: (T, K) of each series, from networks that did not learn from it.
        targets: (T, K) of 1, 0 and -1 (not read, left out) of each series.
        kind: see `Calibration`.

    Raises:
        UsageError: no slice is labelled, or shapes differ.
    """
    wanted = np.concatenate(list(targets))

    def loss(weight: float) -> float:
        heard = [hear_neighbours(one, weight) for one in logits]
        return tempered_loss(np.concatenate(heard), wanted, kind=kind)

    return min(WEIGHTS, key=loss)


def _check(weight: float) -> None:
    if not 0 <= weight <= MOST_WEIGHT:
        raise UsageError(
            f"neighbours: a weight of {weight:g}; wanted 0 to {MOST_WEIGHT:.4f}"
        )
