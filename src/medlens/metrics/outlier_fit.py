"""Constants of the outlier gate from training and validation images."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from medlens.core import Array, UsageError
from medlens.metrics.outlier import WORST, OutlierGate, log_distances

AXES = 32
"""Most principal axes kept: 160 kB for an embedding of 1280 numbers."""
_FIT_CASES = 5000
"""More training cases would not move the covariance of some 50 dimensions."""
_MIN_LEVEL_CASES = 30
"""With fewer validation cases, training cases help to set level and scale."""


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
    mean, whiten = _whitening(statistics)
    raw = OutlierGate(
        centre=centre,
        axes=axes,
        spread=_axis_spread((embeddings - centre) @ axes.T),
        mean=mean,
        whiten=whiten,
        level=np.zeros(3),
        scale=np.ones(3),
        threshold=0.0,
        false_alarms=false_alarms,
    )
    # Raises for validation arrays that do not fit, before they are used.
    if raw.score(validation_embeddings, validation_statistics).ndim != 1:
        raise UsageError("outlier gate: wanted validation arrays (cases, values)")
    distances = log_distances(
        raw, np.asarray(validation_embeddings), np.asarray(validation_statistics)
    )
    if len(distances) < _MIN_LEVEL_CASES:
        training = log_distances(raw, embeddings, statistics)
        distances = np.concatenate([distances, training])
    level, scale = distances.mean(axis=0), np.maximum(distances.std(axis=0), 0.01)
    gate = replace(raw, level=level, scale=scale)
    scores = gate.score(validation_embeddings, validation_statistics)
    return replace(gate, threshold=_threshold(scores, false_alarms=false_alarms))


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


def _axis_spread(along: Array) -> Array:
    """(R,) standard deviation along each axis, shrunk towards their mean.

    The axes are principal, so their covariance is diagonal and the shrinkage
    of Ledoit & Wolf leaves it so.
    """
    from sklearn.covariance import ledoit_wolf_shrinkage

    variances = (along**2).mean(axis=0)
    if not variances.max() > 1e-12:
        return np.full(len(variances), 1e-6)
    shrinkage = ledoit_wolf_shrinkage(along, assume_centered=True)
    shrunk = (1 - shrinkage) * variances + shrinkage * variances.mean()
    return np.asarray(np.sqrt(shrunk))


def _whitening(statistics: Array) -> tuple[Array, Array]:
    """Mean of the statistics and the matrix that makes their deviations white."""
    from sklearn.covariance import ledoit_wolf

    mean = statistics.mean(axis=0)
    # A statistic that never varied still gets a unit: 1 % of the grey range.
    spread = np.maximum(statistics.std(axis=0), 0.01)
    covariance, _ = ledoit_wolf((statistics - mean) / spread, assume_centered=True)
    covariance = covariance + 1e-6 * np.eye(len(covariance))
    lower = np.linalg.cholesky(np.linalg.inv(covariance))
    return mean, lower.T / spread


def _threshold(scores: Array, *, false_alarms: float) -> float:
    """Score that ordinary images exceed with the stated chance.

    The conformal order statistic where there are enough validation cases (99
    for 1 %); with fewer, the normal quantile through their scores, never below
    the largest seen.
    """
    if len(scores) < 2:
        raise UsageError("outlier gate: wanted 2 or more validation cases")
    rank = math.ceil((len(scores) + 1) * (1 - false_alarms))
    if rank <= len(scores):
        return float(np.sort(scores)[rank - 1])
    from statistics import NormalDist

    tail = NormalDist().inv_cdf(1 - false_alarms)
    fitted = float(scores.mean()) + tail * float(scores.std(ddof=1))
    return min(WORST, max(fitted, float(scores.max())))
