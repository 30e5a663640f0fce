"""Which cases a step sees: a function of seed and step, so that a resumed run
sees what an undisturbed one would have seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


def steps_per_epoch(cases: int, batch_size: int) -> int:
    """Full batches in one pass, at least 1."""
    return max(1, cases // batch_size)


def batch_of_step(
    step: int, *, cases: int, batch_size: int, seed: int
) -> tuple[int, IntArray]:
    """Epoch and case indices of a step (counted from 0).

    A pass is a fresh permutation; what does not fill a batch is left out and
    falls on other cases in the next pass.
    """
    per_epoch = steps_per_epoch(cases, batch_size)
    epoch, place = divmod(step, per_epoch)
    order = np.random.default_rng([seed, epoch]).permutation(cases)
    return epoch, order[place * batch_size : (place + 1) * batch_size]


def share_of_epoch(step: int, *, cases: int, batch_size: int) -> tuple[int, bool]:
    """Epoch of a step and whether it is that epoch's last."""
    per_epoch = steps_per_epoch(cases, batch_size)
    return step // per_epoch, (step + 1) % per_epoch == 0
