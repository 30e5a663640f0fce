"""What a bundle says about one case."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]


@dataclass(frozen=True)
class OutOfDistribution:
    """How unlike the training images a case is.

    Attributes:
        score: larger is stranger.
        threshold: score above which the flag is set (1 % false alarms on the
            validation split).
        flag: True when the answer should not be trusted.
    """

    score: float
    threshold: float
    flag: bool


@dataclass(frozen=True)
class Prediction:
    """A bundle's answer for one case.

    Attributes:
        case: local key.
        labels: K names, in the order of every (K,) array here.
        logits: (K,) before calibration.
        probabilities: (K,) calibrated, 0..1.
        predicted: name of the most probable label ("" for multi-label tasks
            where no label is positive).
        decision: labels that are positive at the operating point; for binary
            and multi-class tasks exactly one name.
        prediction_set: labels that the conformal set holds.
        out_of_distribution: how unlike the training images.
        evidence: (K, H, W) in the grid of the source image, or None when not
            asked for; in logit units: its mean plus the bias is the logit.
        embedding: (E,) features of the case.
    """

    case: str
    labels: tuple[str, ...]
    logits: FloatArray
    probabilities: FloatArray
    predicted: str
    decision: tuple[str, ...]
    prediction_set: tuple[str, ...]
    out_of_distribution: OutOfDistribution
    evidence: FloatArray | None = None
    embedding: FloatArray | None = None
