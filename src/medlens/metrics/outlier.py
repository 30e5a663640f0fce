"""Is this image of the kind that the network learned from?

Three looks at it, each a distance from the training images in standard
deviations of its logarithm over the validation images:

- the embedding along its leading principal axes (Mahalanobis distance, as Lee
  et al. 2018 use it, with the shrinkage of Ledoit & Wolf 2004);
- how much of the embedding lies off these axes: an image of another kind excites
  features that training images never vary in;
- plain statistics of the prepared image (Mahalanobis distance, Ledoit-Wolf).

The score is the largest of the three, so that a stranger in one respect is not
averaged away by being ordinary in the others. On chest radiographs of children
(1 % false alarms) it flagged all head CTs, brain MRIs, inverted, noisy, blurred,
dark and enlarged copies, 99 % of those turned by 90° and 56 % of adults from
another hospital; one joint distance flagged 49 % and 42 % of the last two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from medlens.core import Array, BundleError
from medlens.metrics.fields import (
    freeze,
    pack_array,
    read_number,
    read_object,
    unpack_array,
)

MAX_EMBEDDING, MAX_AXES, MAX_STATISTICS = 8192, 64, 64
WORST = 1e6
"""Score of a case whose embedding is not finite."""
_ARRAYS = ("centre", "axes", "spread", "mean", "whiten", "level", "scale")


@dataclass(frozen=True)
class OutlierGate:
    """Constants of the out-of-distribution score.

    Attributes:
        centre: (E,) mean embedding.
        axes: (R, E) orthonormal principal axes.
        spread: (R,) standard deviation along each, above 0.
        mean: (S,) mean image statistics.
        whiten: (S, S) turns a deviation of statistics into independent units.
        level, scale: (3,) mean and standard deviation of the logarithm of each
            of the three distances over the validation images; scale above 0.
        threshold: score above which an image is flagged.
        false_alarms: share of ordinary images that the threshold aims to flag.
    """

    centre: Array
    axes: Array
    spread: Array
    mean: Array
    whiten: Array
    level: Array
    scale: Array
    threshold: float
    false_alarms: float = 0.01

    def __post_init__(self) -> None:
        for name in _ARRAYS:
            array = np.array(getattr(self, name), dtype=np.float32)
            if not np.isfinite(array).all():
                raise BundleError(
                    f"outlier gate: {name} holds values that are not finite"
                )
            object.__setattr__(self, name, freeze(array))
        if self.axes.ndim != 2 or self.mean.ndim != 1:
            raise BundleError("outlier gate: wanted axes (R, E) and mean (S,)")
        for name, shape in _shapes(
            len(self.axes), self.axes.shape[1], len(self.mean)
        ).items():
            if getattr(self, name).shape != shape:
                raise BundleError(f"outlier gate: {name} does not have shape {shape}")
        if not ((self.spread > 0).all() and (self.scale > 0).all()):
            raise BundleError("outlier gate: spread and scale must be above 0")
        if not -WORST <= self.threshold <= WORST:
            raise BundleError("outlier gate: threshold out of range")

    @property
    def n_statistics(self) -> int:
        """Numbers that `image_statistics` must give."""
        return len(self.mean)

    def score(self, embeddings: Array, statistics: Array) -> Array:
        """How unlike the training images: float64, standard deviations.

        Ordinary images score around 1 and rarely above 3; larger is stranger.

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
            distances = log_distances(self, embeddings, statistics)
            scores = ((distances - self.level) / self.scale).max(axis=-1)
        return np.minimum(np.where(np.isfinite(scores), scores, WORST), WORST)

    def flags(self, scores: Array) -> Array:
        """Which scores are too strange to trust the answer: bool, same shape."""
        return np.asarray(np.asarray(scores) > self.threshold)

    def to_json(self) -> dict[str, Any]:
        """JSON object for `bundle.json`; arrays as base64 of float32."""
        return {
            "embedding": len(self.centre),
            "axes": len(self.axes),
            "statistics": self.n_statistics,
            "threshold": self.threshold,
            "false_alarms": self.false_alarms,
            "arrays": {name: pack_array(getattr(self, name)) for name in _ARRAYS},
        }

    @classmethod
    def from_json(cls, data: object) -> OutlierGate:
        """Gate from a parsed JSON object, checked.

        Raises:
            BundleError: keys, types, sizes or ranges are wrong.
        """
        where = "outlier gate"
        limits = {
            "axes": MAX_AXES,
            "embedding": MAX_EMBEDDING,
            "statistics": MAX_STATISTICS,
        }
        keys = (*limits, "threshold", "false_alarms", "arrays")
        entry = read_object(data, where=where, keys=keys)
        sizes = [
            int(read_number(entry[key], where=f"{where}.{key}", low=1, high=limit))
            for key, limit in limits.items()
        ]
        arrays = read_object(entry["arrays"], where=f"{where}.arrays", keys=_ARRAYS)
        return cls(
            **{
                name: unpack_array(arrays[name], where=f"{where}.{name}", shape=shape)
                for name, shape in _shapes(*sizes).items()
            },
            threshold=read_number(
                entry["threshold"], where=f"{where}.threshold", low=-WORST, high=WORST
            ),
            false_alarms=read_number(
                entry["false_alarms"], where=f"{where}.false_alarms", low=0, high=1
            ),
        )


def log_distances(gate: OutlierGate, embeddings: Array, statistics: Array) -> Array:
    """(..., 3) logarithms of the three distances, per root of dimension."""
    # One layout in memory, fitted or loaded: products differ in the last bit otherwise.
    centred = np.asarray(embeddings, dtype=np.float64) - gate.centre
    along = centred @ np.ascontiguousarray(gate.axes, dtype=np.float64).T
    # Pythagoras; the axes are orthonormal.
    off = np.maximum((centred**2).sum(axis=-1) - (along**2).sum(axis=-1), 0.0)
    whiten = np.ascontiguousarray(gate.whiten, dtype=np.float64)
    deviations = (statistics - gate.mean) @ whiten.T
    squares = np.stack(
        [
            np.mean((along / gate.spread) ** 2, axis=-1),
            off / centred.shape[-1],
            np.mean(deviations**2, axis=-1),
        ],
        axis=-1,
    )
    # A floor, or a case that equals the mean would be infinitely ordinary.
    distances: Array = 0.5 * np.log(squares + 1e-6)
    return distances


def _shapes(axes: int, embedding: int, statistics: int) -> dict[str, tuple[int, ...]]:
    """Shape of each array."""
    return {
        "centre": (embedding,),
        "axes": (axes, embedding),
        "spread": (axes,),
        "mean": (statistics,),
        "whiten": (statistics, statistics),
        "level": (3,),
        "scale": (3,),
    }
