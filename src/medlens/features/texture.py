"""Texture features of a discretised region (IBSI chapter 3.6 to 3.11)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlens.features import matrices
from medlens.features.levels import Levels
from medlens.features.matrices import Counts, SizeMatrix
from medlens.features.names_ibsi import SIZE_FAMILIES

COARSENESS_CAP = 1e6
"""Coarseness of a region without any tone difference (IBSI leaves it open)."""


def measure_texture(
    levels: Levels, *, region: NDArray[np.bool_] | None = None
) -> dict[str, float]:
    """Features of all six grey-level matrices.

    Args:
        levels: two or three axes; 0 outside the region, grey levels from 1.
        region: same shape; the region before voxels were left out for their
            intensity, to whose edge zones have their distance. Default: where
            there are levels.

    Returns:
        name → value, families glcm, glrlm, glszm, gldzm, ngtdm and ngldm.
    """
    zones, grey = matrices.label_zones(levels)
    sizes = {
        "glrlm": matrices.count_runs(levels),
        "glszm": matrices.count_zones(zones, grey),
        "gldzm": matrices.count_zone_distances(zones, grey, region),
        "ngldm": matrices.count_dependences(levels),
    }
    values = measure_cooccurrence(matrices.count_pairs(levels))
    for family, matrix in sizes.items():
        values |= measure_sizes(matrix, family)
    return values | measure_tone_differences(*matrices.count_tone_differences(levels))


def measure_cooccurrence(matrix: Counts) -> dict[str, float]:
    """The 25 IBSI features of a co-occurrence matrix (IBSI LFYI).

    Args:
        matrix: (N, N) symmetric counts, not all 0.

    Returns:
        name → value. Entropies in bits. A matrix with one level has
        correlation 1 and information correlations 0.
    """
    p = matrix / matrix.sum()
    n_levels = len(p)
    level = np.arange(1, n_levels + 1, dtype=np.float64)
    row = p.sum(axis=1)
    gap = np.abs(level[:, None] - level[None, :]).astype(np.int64)
    by_gap = np.bincount(gap.ravel(), weights=p.ravel(), minlength=n_levels)
    by_sum = _diagonal_sums(p)
    k = np.arange(n_levels, dtype=np.float64)
    sums = np.arange(2, 2 * n_levels + 1, dtype=np.float64)
    mean = float(level @ row)
    variance = float((level - mean) ** 2 @ row)
    centred = sums - 2 * mean
    gap_mean = float(k @ by_gap)
    joint_product = float(level @ p @ level)
    info1, info2 = _information_correlations(p, row)
    values = {
        "joint_maximum": p.max(),
        "joint_average": mean,
        "joint_variance": variance,
        "joint_entropy": entropy(p),
        "difference_average": gap_mean,
        "difference_variance": (k - gap_mean) ** 2 @ by_gap,
        "difference_entropy": entropy(by_gap),
        "sum_average": sums @ by_sum,
        "sum_variance": centred**2 @ by_sum,
        "sum_entropy": entropy(by_sum),
        "angular_second_moment": (p**2).sum(),
        "contrast": k**2 @ by_gap,
        "dissimilarity": gap_mean,
        "inverse_difference": (by_gap / (1 + k)).sum(),
        "inverse_difference_normalised": (by_gap / (1 + k / n_levels)).sum(),
        "inverse_difference_moment": (by_gap / (1 + k**2)).sum(),
        "inverse_difference_moment_normalised": (
            by_gap / (1 + (k / n_levels) ** 2)
        ).sum(),
        "inverse_variance": (by_gap[1:] / k[1:] ** 2).sum(),
        "correlation": (joint_product - mean**2) / variance if variance > 0 else 1.0,
        "autocorrelation": joint_product,
        "cluster_tendency": centred**2 @ by_sum,
        "cluster_shade": centred**3 @ by_sum,
        "cluster_prominence": centred**4 @ by_sum,
        "information_correlation_1": info1,
        "information_correlation_2": info2,
    }
    return {f"glcm_{name}": float(value) for name, value in values.items()}


def measure_sizes(matrix: SizeMatrix, family: str) -> dict[str, float]:
    """Emphasis and non-uniformity features of a size matrix.

    Args:
        matrix: runs, zones, zone distances or dependences.
        family: "glrlm", "glszm", "gldzm" or "ngldm"; names the features.

    Returns:
        name → value; 16 features, 17 for ngldm. Entropy in bits.
    """
    share = matrix.count / matrix.count.sum()
    i, j = matrix.grey.astype(np.float64), matrix.size.astype(np.float64)
    by_grey = np.bincount(matrix.grey, weights=matrix.count)
    by_size = np.bincount(matrix.size, weights=matrix.count)
    total = matrix.count.sum()
    grey_mean, size_mean = share @ i, share @ j
    values = (
        share @ j**-2,
        share @ j**2,
        share @ i**-2,
        share @ i**2,
        share @ (i * j) ** -2.0,
        share @ (i / j) ** 2,
        share @ (j / i) ** 2,
        share @ (i * j) ** 2,
        (by_grey**2).sum() / total,
        (by_grey**2).sum() / total**2,
        (by_size**2).sum() / total,
        (by_size**2).sum() / total**2,
        total / matrix.n_voxels,
        share @ (i - grey_mean) ** 2,
        share @ (j - size_mean) ** 2,
        entropy(share),
        (share**2).sum(),
    )
    names = SIZE_FAMILIES[family]
    return {
        f"{family}_{name}": float(value)
        for name, value in zip(names, values, strict=False)
    }


def measure_tone_differences(counts: Counts, sums: Counts) -> dict[str, float]:
    """The five features of a tone difference matrix (IBSI IPET).

    Args:
        counts, sums: (N,) from `count_tone_differences`.

    Returns:
        name → value. A region of one level has coarseness 1e6 and 0 elsewhere.
    """
    used = counts > 0
    i = np.flatnonzero(used) + 1.0
    s, n = sums[used], counts[used]
    n_levels, total = len(i), n.sum()
    p = n / total if total else n
    rough = float(p @ s)
    gap = i[:, None] - i[None, :]
    both = p[:, None] + p[None, :]
    weighted = p * s
    spread = np.abs((i * p)[:, None] - (i * p)[None, :]).sum()
    if n_levels > 1:
        contrast = (p @ gap**2 @ p) / (n_levels * (n_levels - 1)) * s.sum() / total
        complexity = np.abs(gap) * (weighted[:, None] + weighted[None, :]) / both
    else:
        contrast, complexity = 0.0, np.zeros(1)
    return {
        "ngtdm_coarseness": min(1 / rough, COARSENESS_CAP) if rough else COARSENESS_CAP,
        "ngtdm_contrast": float(contrast),
        "ngtdm_busyness": float(rough / spread) if spread > 0 else 0.0,
        "ngtdm_complexity": float(complexity.sum() / total) if total else 0.0,
        "ngtdm_strength": float((both * gap**2).sum() / s.sum()) if s.any() else 0.0,
    }


def entropy(probabilities: NDArray[Any]) -> float:
    """Shannon entropy in bits; cells of probability 0 add nothing.

    >>> entropy(np.array([0.5, 0.5]))
    1.0
    """
    p = probabilities[probabilities > 0]
    return float(max(0.0, -(p @ np.log2(p))))


def _diagonal_sums(p: Counts) -> Counts:
    """Probability of i + j = 2 … 2N."""
    n_levels = len(p)
    total = np.add.outer(np.arange(n_levels), np.arange(n_levels)).ravel()
    sums = np.bincount(total, weights=p.ravel(), minlength=2 * n_levels - 1)
    return sums.astype(np.float64)


def _information_correlations(p: Counts, row: Counts) -> tuple[float, float]:
    """First and second measure of information correlation (IBSI R8DG, JN9H)."""
    marginal = entropy(row)
    if marginal == 0:
        return 0.0, 0.0
    # Both "expected" entropies of a symmetric matrix equal twice the marginal's.
    shared = 2 * marginal - entropy(p)
    second = (1 - np.exp(-2 * max(0.0, shared))) ** 0.5
    return -shared / marginal, float(second)
