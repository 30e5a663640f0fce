"""Cases dealt to folds, so that a network can answer for what it never saw."""

from __future__ import annotations

import numpy as np

from medlens.core import TrainError
from medlens.train.lesson import IntArray


def deal_folds(groups: IntArray, folds: int, seed: int) -> IntArray:
    """Fold of each case; a group stays whole.

    Args:
        groups: (n,) of each case: patient, or near-duplicates.
        folds: 2 or above; with fewer groups than that, as many as there are groups.
        seed: that the groups are shuffled with.

    Returns:
        (n,) fold from 0.

    Raises:
        TrainError: all cases are of one group.
    """
    names, place = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        raise TrainError(
            "training: all cases are of one patient or group, so none can judge the "
            "head that learned from the others; wanted at least 2 groups"
        )
    order = np.random.default_rng([seed, 11]).permutation(len(names))
    fold_of_group = np.empty(len(names), dtype=np.int64)
    fold_of_group[order] = np.arange(len(names)) % folds
    fold: IntArray = fold_of_group[place]
    return fold
