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
        evidence: (K, H, W) in the grid of the source image, (K, D, H, W) of a volume,
            or None when not asked for; in logit units: its mean plus the bias is the
            logit. Where that would be too large it has fewer rows and columns, from
            edge to edge.
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


@dataclass(frozen=True)
class Region:
    """All voxels of one label in a case, measured in the patient.

    Attributes:
        label: its name.
        voxels: how many.
        volume_ml: None where the image carries no spacing.
        parts: connected pieces (26 neighbours).
        longest_diameter_mm: of its largest piece, in the plane of the slices;
            None where the image carries no spacing or nothing was found.
        centre_mm: LPS position of its centre of mass; None as above.
    """

    label: str
    voxels: int
    volume_ml: float | None
    parts: int
    longest_diameter_mm: float | None
    centre_mm: tuple[float, float, float] | None


@dataclass(frozen=True)
class MaskPrediction:
    """A bundle's answer for each voxel of one case.

    Attributes:
        case: local key.
        labels: K names, the background first.
        mask: (D, H, W) uint8 indices of labels, in the grid of the source image;
            may be memory-mapped.
        regions: of each label but the background, in their order.
        out_of_distribution: how unlike the training images.
    """

    case: str
    labels: tuple[str, ...]
    mask: NDArray[np.uint8]
    regions: tuple[Region, ...]
    out_of_distribution: OutOfDistribution


@dataclass(frozen=True)
class SequencePrediction:
    """A bundle's answer for a series and for each of its slices.

    Attributes:
        series: answer for the whole.
        slices: answer for each slice, in the order of the volume; () where the
            bundle was trained without labels of slices.
        attention: (T,) weight of each slice in the series' answer, sums to 1.
        key_slice: index of the slice that matters most for the series' decision.
        evidence: (K, H, W) of the key slice in the grid of the source, or None.
        slice_evidence: (K, T, h, w) of all slices on one scale, in the grid of the
            source or, where that would be too large, with fewer rows and columns from
            edge to edge; or None.
    """

    series: Prediction
    slices: tuple[Prediction, ...]
    attention: FloatArray
    key_slice: int
    evidence: FloatArray | None = None
    slice_evidence: FloatArray | None = None
