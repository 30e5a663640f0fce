"""Random changes of one channel against the others, for channels of several scans.

The channels of a photograph are one picture. Those of MR sequences are scans of their
own: each has its own scale, drifts on its own, and one may not have been recorded, so
that another stands in its place. Pairs of `draw_…` and `apply_…` as in
`augment_space.py`; arrays are (C, H, W) float32 in 0..1.
"""

from __future__ import annotations

import cv2
import numpy as np

from medlens.core import Array
from medlens.prep.augment_space import Draw, Shape

BLACK = 0.02
"""Up to here is air, which stays as it is: a scale has no hold on it."""


def draw_channel_tone(
    rng: np.random.Generator,
    shape: Shape,
    *,
    gamma: float = 0.6,
    gain: float = 0.3,
    shift: float = 0.1,
) -> Draw:
    """An exponent, a factor and a shift for each channel.

    Args:
        rng: source of the draw.
        shape: (C, H, W).
        gamma: 0.6 draws an exponent between 1/1.6 and 1.6.
        gain: 0.3 draws a factor between 1/1.3 and 1.3.
        shift: largest, black to white is 1, either way.
    """
    bent, scaled, moved = rng.uniform(-1, 1, (3, shape[0]))
    return {
        "exponents": np.exp(bent * np.log1p(gamma)),
        "factors": np.exp(scaled * np.log1p(gain)),
        "shifts": moved * shift,
    }


def apply_channel_tone(
    array: Array, *, exponents: Array, factors: Array, shifts: Array
) -> Array:
    """factor · value^exponent + shift of what is not black, which stays so."""
    result = np.empty_like(array)
    each = zip(array, exponents, factors, shifts, strict=True)
    for c, (plane, exponent, factor, shift) in enumerate(each):
        bent = cv2.pow(np.maximum(plane, np.float32(0)), float(exponent))
        toned = np.maximum(bent * np.float32(factor) + np.float32(shift), BLACK)
        result[c] = np.where(plane > BLACK, toned, plane)
    return result


def draw_channel_gap(rng: np.random.Generator, shape: Shape) -> Draw:
    """A channel and the one that stands in its place; none where there is but one."""
    channels = shape[0]
    if channels == 1:
        return {"missing": 0, "instead": 0}
    missing, instead = rng.choice(channels, size=2, replace=False)
    return {"missing": int(missing), "instead": int(instead)}


def apply_channel_gap(array: Array, *, missing: int, instead: int) -> Array:
    """Channel `missing` replaced by a copy of channel `instead`."""
    result = array.copy()
    result[missing] = array[instead]
    return result
