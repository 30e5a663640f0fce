"""Bring values of different scanners onto one scale, 0..1.

Every step ends in 0..1, because the cache of prepared images and the
augmentation expect that; what a network wants beyond it (ImageNet's mean and
standard deviation, say) is part of the network.
"""

from __future__ import annotations

import numpy as np

from medlens.core import Array, Image
from medlens.prep.intensity import linear


def fixed_range(image: Image, *, low: float = 0.0, high: float = 1.0) -> Image:
    """A fixed range of values, the same for every image, mapped onto 0..1.

    Args:
        image: any stage.
        low, high: in the unit of the values; clipped outside.
    """
    return _to_unit(image, linear(image.array, low=low, high=high))


def statistics(
    image: Image, *, mean: float = 0.5, deviation: float = 0.25, clip: float = 3.0
) -> Image:
    """Distance from a given mean in given standard deviations, as 0..1.

    Args:
        image: any stage; the statistics are in its unit.
        mean, deviation: of the training images; deviation above 0.
        clip: in standard deviations, above 0.
    """
    values = image.array.astype(np.float32, copy=False)
    return _to_unit(image, _standardise(values, mean, deviation, clip))


def _standardise(values: Array, mean: float, deviation: float, clip: float) -> Array:
    if deviation <= 0:
        return np.full(values.shape, 0.5, dtype=np.float32)
    scale = np.float32(0.5 / (clip * deviation))
    shifted: Array = (values - np.float32(mean)) * scale + np.float32(0.5)
    return np.clip(shifted, 0, 1)


def _to_unit(image: Image, array: Array) -> Image:
    return image.with_array(
        array, stage="windowed", voi=None, valid_min=0.0, valid_max=1.0
    )
