"""From probabilities to a decision, and the plain statistics that the gate sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medlens.bundle import Bundle

FloatArray = NDArray[np.floating]
BoolArray = NDArray[np.bool_]


def decide(probabilities: FloatArray, bundle: Bundle) -> BoolArray:
    """(n, K) labels that are positive at the bundle's operating points.

    Binary: the positive label where its probability reaches the threshold of
    the chosen operating point, else the other label. Multi-class: the most
    probable label. Multi-label: each label at its own threshold.
    """
    decisions = np.zeros(probabilities.shape, dtype=bool)
    if bundle.kind == "multiclass":
        decisions[np.arange(len(probabilities)), probabilities.argmax(axis=1)] = True
        return decisions
    thresholds = chosen_thresholds(bundle)
    if bundle.kind == "multilabel":
        for k, label in enumerate(bundle.labels):
            decisions[:, k] = probabilities[:, k] >= thresholds.get(label, 0.5)
        return decisions
    k = bundle.labels.index(bundle.positive)
    positive = probabilities[:, k] >= thresholds.get(bundle.positive, 0.5)
    decisions[:, k], decisions[:, 1 - k] = positive, ~positive
    return decisions


def chosen_thresholds(bundle: Bundle) -> dict[str, float]:
    """Label → probability at which it is called positive."""
    return {p.label: p.threshold for p in bundle.operating_points if p.chosen}


def image_statistics(batch: NDArray[np.float32]) -> NDArray[np.float32]:
    """(B, 6) plain statistics of prepared images (B, C, H, W) in 0..1.

    Mean, standard deviation, share of black, share of white, mean gradient,
    and mean difference between channels: what tells a blank, inverted,
    saturated, blurred or coloured image from the others when an embedding
    does not.
    """
    grey = batch.mean(axis=1)
    rows = np.abs(np.diff(grey, axis=1)).mean(axis=(1, 2))
    columns = np.abs(np.diff(grey, axis=2)).mean(axis=(1, 2))
    colour = np.abs(batch - grey[:, None]).mean(axis=(1, 2, 3))
    statistics: NDArray[np.float32] = np.stack(
        [
            grey.mean(axis=(1, 2)),
            grey.std(axis=(1, 2)),
            (grey < 0.02).mean(axis=(1, 2)),
            (grey > 0.98).mean(axis=(1, 2)),
            rows + columns,
            colour,
        ],
        axis=1,
    ).astype(np.float32)
    return statistics
