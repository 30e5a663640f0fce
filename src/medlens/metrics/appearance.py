"""Plain statistics of a prepared image, for the question "is this such an image?"."""

from __future__ import annotations

import numpy as np

from medlens.core import Array, UsageError

STATISTICS = (
    "mean",
    "deviation",
    "percentile_1",
    "percentile_50",
    "percentile_99",
    "dark_share",
    "bright_share",
    "entropy",
    "edge_energy",
    "fine_detail",
    "top_minus_bottom",
    "left_minus_right",
    "centre_minus_border",
    "colourfulness",
)
"""Names, in the order of `image_statistics`."""
_BINS = 32


def image_statistics(array: Array) -> Array:
    """(14,) float32 that describe brightness, contrast, detail and layout.

    An inverted, blank, noisy, colour or turned image differs from its kind here
    even where the network's features, which never saw one, do not. Numpy only,
    3 ms for 224 × 224.

    Args:
        array: (C, H, W) or (C, 1, H, W) as the network receives it, 0..1,
            sides of 2 pixels or more.

    Returns:
        See `STATISTICS`; energies are natural logarithms.

    Raises:
        UsageError: another shape, or values that are not finite.
    """
    array = np.asarray(array, dtype=np.float32)
    if array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 3 or min(array.shape[1:]) < 2 or not array.shape[0]:
        raise UsageError(
            f"image statistics: shape {array.shape}; wanted (C, H, W) with sides "
            "of 2 pixels or more"
        )
    if not np.isfinite(array).all():
        raise UsageError("image statistics: a pixel is not finite")
    grey = array.mean(axis=0)
    low, middle, high = _percentiles(grey)
    values = [
        grey.mean(),
        grey.std(),
        low,
        middle,
        high,
        (grey <= 0.02).mean(),
        (grey >= 0.98).mean(),
        _entropy(grey),
        *_energies(grey),
        *_layout(grey),
        np.ptp(array, axis=0).mean(),
    ]
    return np.array(values, dtype=np.float32)


def _percentiles(grey: Array) -> tuple[float, float, float]:
    """1st, 50th and 99th percentile, by one partial sort of every fourth pixel."""
    flat = grey.ravel()[:: 4 if grey.size > 4096 else 1]
    last = len(flat) - 1
    ranks = [round(share * last) for share in (0.01, 0.5, 0.99)]
    ordered = np.partition(flat, ranks)
    return float(ordered[ranks[0]]), float(ordered[ranks[1]]), float(ordered[ranks[2]])


def _entropy(grey: Array) -> float:
    """Entropy of the histogram over its largest possible value, 0..1."""
    codes = np.clip(grey * _BINS, 0, _BINS - 1).astype(np.int64)
    shares = np.bincount(codes.ravel(), minlength=_BINS) / grey.size
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum() / np.log(_BINS))


def _energies(grey: Array) -> tuple[float, float]:
    """Log of the mean gradient and of the mean second difference."""
    across, down = np.abs(np.diff(grey, axis=1)), np.abs(np.diff(grey, axis=0))
    edges = float(across.mean() + down.mean()) / 2
    bend_across, bend_down = np.diff(grey, 2, axis=1), np.diff(grey, 2, axis=0)
    parts = [
        float(np.abs(bend).mean()) for bend in (bend_across, bend_down) if bend.size
    ]
    fine = sum(parts) / len(parts) if parts else 0.0
    # One grey level of 1000 keeps a blank image finite.
    return float(np.log(edges + 1e-3)), float(np.log(fine + 1e-3))


def _layout(grey: Array) -> tuple[float, float, float]:
    """Halves and centre of the image against each other."""
    height, width = grey.shape
    top, bottom = grey[: height // 2].mean(), grey[-(height // 2) :].mean()
    left, right = grey[:, : width // 2].mean(), grey[:, -(width // 2) :].mean()
    rows, columns = max(1, height // 8), max(1, width // 8)
    border = np.concatenate(
        [
            grey[:rows].ravel(),
            grey[-rows:].ravel(),
            grey[:, :columns].ravel(),
            grey[:, -columns:].ravel(),
        ]
    ).mean()
    centre = grey[height // 4 : height - height // 4, width // 4 : width - width // 4]
    return float(top - bottom), float(left - right), float(centre.mean() - border)
