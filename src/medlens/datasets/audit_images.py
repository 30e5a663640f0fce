"""Findings about single images and copies, from their signals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from medlens.datasets.signals import Signal

_NEARLY_CONSTANT = 0.02
_TEMPLATE_SAMPLE = 2000
_ALIKE = 0.4
_UNLIKE = -0.4
_LEAST_IMAGES = 10


def find_constant(signals: Sequence[Signal]) -> list[int]:
    """Positions of images with one value only, or hardly more.

    An image counts when its spread is at most 2 % of the median spread of the
    data set: without unit, so it holds for 8 bits, 16 bits and HU alike.
    """
    usual = float(np.median([s.spread for s in signals])) if signals else 0.0
    return [
        at
        for at, s in enumerate(signals)
        if s.low == s.high or s.spread <= _NEARLY_CONSTANT * usual
    ]


def find_inverted(
    thumbnails: NDArray[np.uint8], usable: NDArray[np.bool_]
) -> list[int]:
    """Positions of images whose dark and bright are exchanged.

    Only where the data set has a common look: at least three of four images
    correlate above 0.4 with the median image. Those that then correlate below
    -0.4 are inverted, as a MONOCHROME1 radiograph that lost its header is.
    """
    positions = np.flatnonzero(usable)
    if len(positions) < _LEAST_IMAGES:
        return []
    some = np.random.default_rng(0).permutation(positions)[:_TEMPLATE_SAMPLE]
    template = np.median(thumbnails[some], axis=0)
    likeness = _correlate_all(thumbnails, template)
    if np.mean(likeness[positions] > _ALIKE) < 0.75:
        return []
    return [int(at) for at in positions if likeness[at] < _UNLIKE]


def find_identical(
    signals: Sequence[Signal], left_out: Sequence[int]
) -> list[list[int]]:
    """Groups of positions with equal pixels; `left_out` takes no part."""
    places: dict[bytes, list[int]] = {}
    skip = set(left_out)
    for at, signal in enumerate(signals):
        if at not in skip:
            places.setdefault(signal.digest, []).append(at)
    return [group for group in places.values() if len(group) > 1]


def number_scenes(signals: Sequence[Signal]) -> NDArray[np.int64]:
    """(n, 2) numbers of the series and of the slice in it; series -1 is none."""
    series: dict[bytes, int] = {}
    places: dict[tuple[float, ...], int] = {}
    rows = [
        (
            series.setdefault(signal.series, len(series)) if signal.series else -1,
            places.setdefault(signal.place, len(places)),
        )
        for signal in signals
    ]
    return np.array(rows, np.int64).reshape(-1, 2)


def _correlate_all(
    thumbnails: NDArray[np.uint8], template: NDArray[np.float64]
) -> NDArray[np.float64]:
    shape = template - template.mean()
    shape = shape / (np.linalg.norm(shape) + 1e-9)
    found = np.zeros(len(thumbnails))
    for start in range(0, len(thumbnails), 4096):
        flat = thumbnails[start : start + 4096].reshape(-1, shape.size).astype(float)
        flat -= flat.mean(axis=1, keepdims=True)
        length = np.linalg.norm(flat, axis=1) + 1e-9
        found[start : start + 4096] = flat @ shape.ravel() / length
    return found
