"""Which cases a step sees: a function of seed and step, so that a resumed run
sees what an undisturbed one would have seen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Picks:
    """The cases of one step.

    Attributes:
        epoch: from 0.
        cases: (B,) indices of training cases.
        draws: (B,) numbers for the augmentation: the case's index, and another
            one each time the case comes again in the same epoch.
    """

    epoch: int
    cases: IntArray
    draws: IntArray


def steps_per_epoch(cases: int, batch_size: int) -> int:
    """Full batches in one pass, at least 1."""
    return max(1, cases // batch_size)


def picks_of_step(
    step: int,
    *,
    cases: int,
    batch_size: int,
    seed: int,
    weights: FloatArray | None = None,
) -> Picks:
    """The cases of a step (counted from 0).

    A pass is a fresh permutation; what does not fill a batch is left out and
    falls on other cases in the next pass. With `weights` (n,), mean 1, a pass
    holds a case as often as its weight says, give or take the rounding.
    """
    epoch, place = divmod(step, steps_per_epoch(cases, batch_size))
    # Weights are kept by content: an array may change between two steps.
    key = None if weights is None else weights.tobytes()
    order, draws = _pass(epoch, cases, seed, key)
    part = slice(place * batch_size, (place + 1) * batch_size)
    return Picks(epoch, order[part].copy(), draws[part].copy())


@lru_cache(maxsize=2)  # a run asks for one pass step by step
def _pass(
    epoch: int, cases: int, seed: int, weights: bytes | None
) -> tuple[IntArray, IntArray]:
    """All cases of a pass and their draws; shared, so nobody may write to them."""
    rng = np.random.default_rng([seed, epoch])
    order: IntArray = rng.permutation(cases)
    if weights is None:
        return order, order
    order = _repeat(order, np.frombuffer(weights, dtype=np.float64), rng)
    return order, order + cases * _occurrence(order)


def _repeat(order: IntArray, weights: FloatArray, rng: np.random.Generator) -> IntArray:
    """Systematic sampling: as many draws as cases, each case ⌊w⌋ or ⌈w⌉ times."""
    ends = np.cumsum(weights[order])
    marks = (np.arange(len(order)) + rng.random()) * (ends[-1] / len(order))
    at = np.minimum(np.searchsorted(ends, marks, side="right"), len(order) - 1)
    return rng.permutation(order[at])


def _occurrence(order: IntArray) -> IntArray:
    """0 where a case comes for the first time, 1 for the second, …"""
    by_case = np.argsort(order, kind="stable")
    sorted_cases = order[by_case]
    first = np.searchsorted(sorted_cases, sorted_cases)
    count = np.empty(len(order), np.int64)
    count[by_case] = np.arange(len(order)) - first
    return count


def case_weights(
    groups: IntArray, targets: NDArray[np.int8], *, power: float
) -> FloatArray | None:
    """How often a pass holds each case; None where all come alike.

    A group's share of the steps grows with its size to the `power`: twenty
    copies of one image, or twenty images of one patient, teach less than twenty
    images of twenty patients. Each combination of labels keeps its share, so
    that the probabilities keep the prevalence of the data.

    Args:
        groups: (n,) group of each training case.
        targets: (n, K).
        power: 1 for cases alike, 0 for groups alike.

    Returns:
        (n,) weights with mean 1.
    """
    _, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if power == 1 or sizes.max() == 1:
        return None
    weights: FloatArray = sizes[place].astype(np.float64) ** (power - 1)
    _, pattern = np.unique(targets, axis=0, return_inverse=True)
    pattern = pattern.reshape(-1)
    mean = np.bincount(pattern, weights) / np.bincount(pattern)
    return weights / mean[pattern]
