"""Cases drawn from distributions whose answers are known."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def binormal(
    n: int, *, seed: int, gap: float = 2.0, prevalence: float = 0.5
) -> tuple[Ints, Floats]:
    """Targets and scores: N(0, 1) without the label, N(gap, 1) with it."""
    rng = np.random.default_rng(seed)
    targets = (rng.random(n) < prevalence).astype(np.int64)
    return targets, rng.normal(size=n) + gap * targets


def binormal_auroc(gap: float) -> float:
    """True AUROC of `binormal`: Phi(gap / sqrt 2)."""
    return 0.5 * (1 + math.erf(gap / 2))


def calibrated(n: int, *, seed: int, spread: float = 2.0) -> tuple[Ints, Floats]:
    """Targets and the true log odds they were drawn with."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, spread, n)
    targets = (rng.random(n) < 1 / (1 + np.exp(-logits))).astype(np.int64)
    return targets, logits


def one_hot(classes: Ints, labels: int) -> Ints:
    """(n, K) targets with one 1 a row."""
    return np.eye(labels, dtype=np.int64)[classes]


def two_columns(logits: Floats) -> Floats:
    """(n, 2) logits whose softmax is the sigmoid of (n,) log odds."""
    return np.stack([-logits / 2, logits / 2], axis=1)
