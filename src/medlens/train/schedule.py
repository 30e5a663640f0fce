"""One-cycle learning rate (Smith & Topin 2019): up, then down to nearly nothing."""

from __future__ import annotations

import math

START = 0.04  # of the peak: a fresh classifier on trained features starts gently
END = 1e-4


def learning_rate(step: int, *, steps: int, peak: float, warmup: float) -> float:
    """Rate of a step (counted from 0), cosine on both sides of the peak.

    >>> round(learning_rate(2, steps=11, peak=1.0, warmup=0.2), 6)
    1.0
    """
    rise = max(1.0, warmup * (steps - 1))
    if step < rise:
        return _between(START * peak, peak, step / rise)
    fall = max(1.0, steps - 1 - rise)
    return _between(peak, END * peak, min(1.0, (step - rise) / fall))


def _between(start: float, end: float, share: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * share))
