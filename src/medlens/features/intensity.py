"""First-order features: intensities, their histogram, the volume histogram."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medlens.core import UsageError
from medlens.features.levels import Levels
from medlens.features.texture import entropy

Values = NDArray[np.float64]

MAX_BINS = 1_000_000
"""Bins of a volume histogram in the unit of the intensities."""


def measure_statistics(values: Values) -> dict[str, float]:
    """Intensity statistics of a region (IBSI UHIW).

    Args:
        values: (n,) finite intensities, n at least 1.

    Returns:
        name → value with prefix "stat_". Ratios whose denominator is 0
        (coefficient of variation, quartile dispersion) are 0; so are skewness
        and kurtosis of a constant region.
    """
    # A sum, not a dot product: BLAS threads cost more than they save here.
    energy = float((values * values).sum())
    return {f"stat_{name}": value for name, value in _describe(values).items()} | {
        "stat_energy": energy,
        "stat_root_mean_square": (energy / values.size) ** 0.5,
    }


def measure_histogram(levels: Levels) -> dict[str, float]:
    """Features of the histogram of grey levels (IBSI ZVCW).

    Args:
        levels: (n,) grey levels from 1, n at least 1.

    Returns:
        name → value with prefix "ih_". Entropy in bits. Of several equally
        frequent levels the mode is the one nearest the mean.
    """
    counts = np.bincount(levels)[1:].astype(np.float64)
    p = counts / levels.size
    level = np.arange(1, counts.size + 1)
    described = _describe(levels.astype(np.float64))
    modes = level[counts == counts.max()]
    mode = modes[np.argmin(np.abs(modes - described["mean"]))]
    gradient = np.gradient(counts) if counts.size > 1 else np.zeros(1)
    return {f"ih_{name}": value for name, value in described.items()} | {
        "ih_mode": float(mode),
        "ih_entropy": entropy(p),
        "ih_uniformity": float(p @ p),
        "ih_maximum_gradient": float(gradient.max()),
        "ih_maximum_gradient_level": float(level[gradient.argmax()]),
        "ih_minimum_gradient": float(gradient.min()),
        "ih_minimum_gradient_level": float(level[gradient.argmin()]),
    }


def measure_volume_histogram(
    levels: Levels, *, limits: tuple[int, int] | None = None
) -> dict[str, float]:
    """Features of the intensity-volume histogram (IBSI P88C).

    Args:
        levels: (n,) grey levels from 1; for intensities without a unit IBSI
            advises 1000 levels.
        limits: lowest and highest level there could be, between which the
            shares of intensity are taken; default those of the region.

    Returns:
        name → value with prefix "ivh_"; volumes as a share of the region,
        intensities in levels.
    """
    low, high = limits or (int(levels.min()), int(levels.max()))
    counts = np.bincount(levels, minlength=high + 1)[low:]
    at_least = counts[::-1].cumsum()[::-1] / levels.size
    level = np.arange(low, high + 1, dtype=np.float64)
    fraction = (level - low) / (high - low) if high > low else np.zeros(1)

    def volume(share: float) -> float:
        reached = at_least[fraction >= share]
        return float(reached[0]) if reached.size else 1.0

    def intensity(share: float) -> float:
        reached = level[at_least <= share]
        return float(reached[0]) if reached.size else float(high)

    v10, v90, i10, i90 = volume(0.1), volume(0.9), intensity(0.1), intensity(0.9)
    return {
        "ivh_volume_at_10": v10,
        "ivh_volume_at_90": v90,
        "ivh_intensity_at_10": i10,
        "ivh_intensity_at_90": i90,
        "ivh_volume_difference": v10 - v90,
        "ivh_intensity_difference": i10 - i90,
    }


def measure_calibrated_volume_histogram(
    values: Values, *, width: float, limits: tuple[float, float] | None = None
) -> dict[str, float]:
    """The same for calibrated intensities (HU, SUV), which keep their unit.

    A bin stands for its middle. Without limits the bins are laid so that the
    lowest value is the middle of the first: whole numbers in bins of 1 stay
    themselves.

    Args:
        values: (n,) finite intensities.
        width: of a bin, above 0, in the unit of values.
        limits: lowest and highest intensity there could be; values beyond count
            in the outer bins.

    Returns:
        As `measure_volume_histogram`, intensities in the unit of values.

    Raises:
        UsageError: the width or the limits give no bin or over a million.
    """
    start, end = limits or (values.min() - width / 2, values.max() + width / 2)
    n_bins = (end - start) / width if width > 0 else np.inf
    if not 0 < n_bins <= MAX_BINS:
        raise UsageError(
            f"volume histogram: bins of {width:g} from {start:g} to {end:g}; wanted "
            f"1 to {MAX_BINS} bins; choose another ivh_width"
        )
    # A quotient that is whole but for rounding is meant to be whole.
    last = int(np.ceil(n_bins - 1e-9))
    steps = np.floor((values - start) / width).clip(0, last - 1)
    row = measure_volume_histogram(steps.astype(np.int64) + 1, limits=(1, last))
    for share in ("10", "90"):
        name = f"ivh_intensity_at_{share}"
        row[name] = float(start + (row[name] - 0.5) * width)
    row["ivh_intensity_difference"] *= width
    return row


def measure_moments(values: Values) -> tuple[float, float, float, float]:
    """Mean, population standard deviation, skewness and excess kurtosis.

    A constant sample has spread, skewness and kurtosis 0, whatever its
    rounding errors.
    """
    mean = float(values.mean())
    if values.max() == values.min():
        return mean, 0.0, 0.0, 0.0
    # Dividing by the largest deviation first keeps tiny and huge units exact.
    centred = values - mean
    largest = float(np.abs(centred).max())
    unit = centred / largest
    squares = unit * unit
    m2 = float(squares.mean())
    m3, m4 = float((squares * unit).mean()), float((squares * squares).mean())
    return mean, largest * m2**0.5, m3 / m2**1.5, m4 / m2**2 - 3


def _describe(values: Values) -> dict[str, float]:
    """The part that intensities and grey levels share."""
    mean, deviation, skewness, kurtosis = measure_moments(values)
    percentiles = np.percentile(values, [0, 10, 25, 50, 75, 90, 100])
    low, p10, p25, median, p75, p90, high = (float(value) for value in percentiles)
    core = values[(values >= p10) & (values <= p90)]
    return {
        "mean": mean,
        "variance": deviation**2,
        "skewness": skewness,
        "kurtosis": kurtosis,
        "median": median,
        "minimum": low,
        "percentile_10": p10,
        "percentile_90": p90,
        "maximum": high,
        "interquartile_range": p75 - p25,
        "range": high - low,
        "mean_absolute_deviation": float(np.abs(values - mean).mean()),
        "robust_mean_absolute_deviation": _robust_deviation(core),
        "median_absolute_deviation": float(np.abs(values - median).mean()),
        "coefficient_of_variation": _ratio(deviation, mean),
        "quartile_dispersion": _ratio(p75 - p25, p75 + p25),
    }


def _ratio(part: float, whole: float) -> float:
    """A ratio that stays finite: 0 where the denominator all but vanishes."""
    return part / whole if abs(whole) > 1e-200 else 0.0


def _robust_deviation(core: Values) -> float:
    """Mean absolute deviation of the values between P10 and P90."""
    return float(np.abs(core - core.mean()).mean()) if core.size else 0.0
