"""Is this image of the kind that the network learned from?

One Gaussian over three things: the embedding on its leading principal axes, how
much of the embedding lies off them (an image of another kind excites features
that training images never vary in), and plain statistics of the prepared image.
The score is the Mahalanobis distance (as Lee et al. 2018 use it) with the
covariance of Ledoit & Wolf 2004, divided by the root of the number of
dimensions, so that a typical training image scores about 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from medlens.core import Array, BundleError, UsageError
from medlens.metrics.fields import (
    freeze,
    pack_array,
    read_number,
    read_object,
    unpack_array,
)

MAX_EMBEDDING, MAX_AXES, MAX_STATISTICS = 8192, 64, 64
AXES = 32
"""Most principal axes kept: 160 kB for an embedding of 1280 numbers."""
_FIT_CASES = 5000
"""More training cases would not move the covariance of some 50 dimensions."""
_WORST = 1e6
"""Score of a case whose embedding is not finite."""


@dataclass(frozen=True)
class OutlierGate:
    """Constants of the out-of-distribution score.

    Attributes:
        centre: (E,) mean embedding.
        axes: (R, E) orthonormal principal axes.
        mean: (R + 1 + S,) mean of axes, log residual and statistics.
        whiten: (R + 1 + S, R + 1 + S) turns a deviation into independent units.
        threshold: score above which an image is flagged.
        false_alarms: share of validation cases that the threshold aimed to flag.
    """

    centre: Array
    axes: Array
    mean: Array
    whiten: Array
    threshold: float
    false_alarms: float = 0.01

    def __post_init__(self) -> None:
        for name in ("centre", "axes", "mean", "whiten"):
            array = np.array(getattr(self, name), dtype=np.float32)
            if not np.isfinite(array).all():
                raise BundleError(
                    f"outlier gate: {name} holds values that are not finite"
                )
            object.__setattr__(self, name, freeze(array))
        if self.axes.ndim != 2 or self.centre.shape != self.axes.shape[1:]:
            raise BundleError("outlier gate: centre and axes do not fit each other")
        size = len(self.mean)
        if self.whiten.shape != (size, size) or size < len(self.axes) + 1:
            raise BundleError("outlier gate: mean and whiten do not fit each other")
        if not (math.isfinite(self.threshold) and self.threshold >= 0):
            raise BundleError("outlier gate: wanted a threshold of 0 or above")

    @property
    def n_statistics(self) -> int:
        """Numbers that `image_statistics` must give."""
        return len(self.mean) - len(self.axes) - 1

    def score(self, embeddings: Array, statistics: Array) -> Array:
        """How unlike the training images: float64, about 1 for a typical one.

        Args:
            embeddings: (..., E).
            statistics: (..., S) of the same images, from `image_statistics`.

        Returns:
            (...) at most 1e6, which also stands for values that are not finite.

        Raises:
            BundleError: another number of values.
        """
        embeddings = np.asarray(embeddings, dtype=np.float64)
        statistics = np.asarray(statistics, dtype=np.float64)
        wanted = (len(self.centre), self.n_statistics)
        found = tuple(a.shape[-1] if a.ndim else 0 for a in (embeddings, statistics))
        if found != wanted or embeddings.shape[:-1] != statistics.shape[:-1]:
            raise BundleError(
                f"outlier gate: embedding {embeddings.shape} and statistics "
                f"{statistics.shape}; wanted {wanted[0]} and {wanted[1]} values"
            )
        with np.errstate(all="ignore"):
            values = _features(embeddings, statistics, self.centre, self.axes)
            deviations = (values - self.mean) @ self.whiten.astype(np.float64).T
            scores = np.sqrt(np.mean(deviations**2, axis=-1))
        return np.minimum(np.where(np.isfinite(scores), scores, _WORST), _WORST)

    def flags(self, scores: Array) -> Array:
        """Which scores are too strange to trust the answer: bool, same shape."""
        flagged: Array = np.asarray(scores) > self.threshold
        return flagged

    def to_json(self) -> dict[str, Any]:
        """JSON object for `bundle.json`; arrays as base64 of float32."""
        return {
            "embedding": len(self.centre),
            "axes": len(self.axes),
            "statistics": self.n_statistics,
            "threshold": self.threshold,
            "false_alarms": self.false_alarms,
            "arrays": {
                name: pack_array(getattr(self, name))
                for name in ("centre", "axes", "mean", "whiten")
            },
        }

    @classmethod
    def from_json(cls, data: object) -> OutlierGate:
        """Gate from a parsed JSON object, checked.

        Raises:
            BundleError: keys, types, sizes or ranges are wrong.
        """
        where = "outlier gate"
        sizes = {
            "embedding": MAX_EMBEDDING,
            "axes": MAX_AXES,
            "statistics": MAX_STATISTICS,
        }
        keys = (*sizes, "threshold", "false_alarms", "arrays")
        entry = read_object(data, where=where, keys=keys)
        embedding, axes, statistics = (
            int(read_number(entry[key], where=f"{where}.{key}", low=low, high=limit))
            for (key, limit), low in zip(sizes.items(), (1, 1, 0), strict=True)
        )
        total = axes + 1 + statistics
        shapes = {
            "centre": (embedding,),
            "axes": (axes, embedding),
            "mean": (total,),
            "whiten": (total, total),
        }
        arrays = read_object(
            entry["arrays"], where=f"{where}.arrays", keys=tuple(shapes)
        )
        return cls(
            **{
                name: unpack_array(arrays[name], where=f"{where}.{name}", shape=shape)
                for name, shape in shapes.items()
            },
            threshold=read_number(
                entry["threshold"], where=f"{where}.threshold", low=0, high=_WORST
            ),
            false_alarms=read_number(
                entry["false_alarms"], where=f"{where}.false_alarms", low=0, high=1
            ),
        )


def fit_outlier_gate(
    embeddings: Array,
    statistics: Array,
    *,
    validation_embeddings: Array,
    validation_statistics: Array,
    false_alarms: float = 0.01,
    seed: int = 0,
) -> OutlierGate:
    """Gate fitted on training images, its threshold on validation images.

    Args:
        embeddings: (n, E) of training images, n at least 8.
        statistics: (n, S) of the same images.
        validation_embeddings, validation_statistics: (m, E), (m, S), m at
            least 2, from images that the network did not learn from.
        false_alarms: share of ordinary images that may be flagged.
        seed: of the draw when there are more than 5000 training cases.

    Raises:
        UsageError: too few cases, wrong shapes or values that are not finite.
    """
    embeddings, statistics = _read_training(embeddings, statistics, false_alarms)
    if len(embeddings) > _FIT_CASES:
        rng = np.random.default_rng(seed)
        drawn = np.sort(rng.choice(len(embeddings), _FIT_CASES, replace=False))
        embeddings, statistics = embeddings[drawn], statistics[drawn]
    centre = embeddings.mean(axis=0)
    axes = _principal_axes(embeddings - centre)
    values = _features(embeddings, statistics, centre, axes)
    mean, whiten = _whitening(values, n_axes=len(axes))
    gate = OutlierGate(centre, axes, mean, whiten, 0.0, false_alarms)
    scores = gate.score(validation_embeddings, validation_statistics)
    threshold = _threshold(scores, false_alarms=false_alarms)
    return OutlierGate(centre, axes, mean, whiten, threshold, false_alarms)


def _read_training(
    embeddings: Array, statistics: Array, false_alarms: float
) -> tuple[Array, Array]:
    """Checked float64 training arrays."""
    embeddings = np.asarray(embeddings, dtype=np.float64)
    statistics = np.asarray(statistics, dtype=np.float64)
    if (
        embeddings.ndim != 2
        or statistics.ndim != 2
        or len(embeddings) != len(statistics)
    ):
        raise UsageError(
            f"outlier gate: embeddings {embeddings.shape} and statistics "
            f"{statistics.shape}; wanted (cases, E) and (cases, S)"
        )
    if len(embeddings) < 8:
        raise UsageError(
            f"outlier gate: {len(embeddings)} training cases; wanted 8 or more"
        )
    if not (np.isfinite(embeddings).all() and np.isfinite(statistics).all()):
        raise UsageError("outlier gate: a training value is not finite")
    if not 0 < false_alarms < 1:
        raise UsageError(
            f"outlier gate: false alarms {false_alarms}; wanted a share between 0 and 1"
        )
    return embeddings, statistics


def _principal_axes(centred: Array) -> Array:
    """(R, E) leading eigenvectors: 95 % of the variance, at most AXES."""
    values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1]
    share = np.cumsum(values) / max(float(values.sum()), 1e-30)
    enough = int(np.searchsorted(share, 0.95)) + 1
    # Ten cases an axis, or the axes are those of the noise.
    count = max(1, min(enough, AXES, len(centred) // 10, centred.shape[1]))
    axes: Array = vectors[:, :count].T
    return axes


def _features(
    embeddings: Array, statistics: Array, centre: Array, axes: Array
) -> Array:
    """(..., R + 1 + S): axes, log of what lies off them, statistics."""
    centred = embeddings - centre
    along = centred @ np.asarray(axes, dtype=np.float64).T
    # Pythagoras; the axes are orthonormal.
    off = np.maximum((centred**2).sum(axis=-1) - (along**2).sum(axis=-1), 0.0)
    residual = 0.5 * np.log(off / centred.shape[-1] + 1e-6)
    return np.concatenate([along, residual[..., None], statistics], axis=-1)


def _whitening(values: Array, *, n_axes: int) -> tuple[Array, Array]:
    """Mean of the features and the matrix that makes their deviations white."""
    from sklearn.covariance import ledoit_wolf

    mean = values.mean(axis=0)
    spread = values.std(axis=0)
    floor = np.full(len(spread), 0.01)
    # A statistic that never varied still gets a unit (1 % of the grey range);
    # an axis that never varied gets one relative to the others.
    floor[:n_axes] = max(1e-3 * float(spread[:n_axes].max()), 1e-6)
    spread = np.maximum(spread, floor)
    covariance, _ = ledoit_wolf((values - mean) / spread, assume_centered=True)
    covariance += 1e-6 * np.eye(len(covariance))
    lower = np.linalg.cholesky(np.linalg.inv(covariance))
    return mean, lower.T / spread


def _threshold(scores: Array, *, false_alarms: float) -> float:
    """Score that ordinary images exceed with the stated chance.

    The conformal order statistic where there are enough validation cases (99
    for 1 %); with fewer, the quantile of a log-normal through them, never below
    the largest seen.
    """
    if scores.ndim != 1 or len(scores) < 2:
        raise UsageError("outlier gate: wanted 2 or more validation cases")
    rank = math.ceil((len(scores) + 1) * (1 - false_alarms))
    if rank <= len(scores):
        return float(np.sort(scores)[rank - 1])
    from statistics import NormalDist

    logs = np.log(np.maximum(scores, 1e-6))
    tail = NormalDist().inv_cdf(1 - false_alarms)
    fitted = math.exp(float(logs.mean()) + tail * float(logs.std(ddof=1)))
    return min(_WORST, max(fitted, float(scores.max())))
