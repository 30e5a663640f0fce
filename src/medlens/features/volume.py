"""One volume → one row of features: 3D shape, intensity and texture (IBSI 1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medlens.core import Array, PrepError, ResourceError
from medlens.features.image import IVH_BINS
from medlens.features.intensity import (
    measure_calibrated_volume_histogram,
    measure_histogram,
    measure_statistics,
    measure_volume_histogram,
)
from medlens.features.levels import discretise
from medlens.features.names_ibsi import VOLUME_FEATURES
from medlens.features.region import MAX_MAGNITUDE, check_spacing, read_volume
from medlens.features.shape_volume import measure_shape_volume
from medlens.features.spatial import (
    PEAK_RADIUS_MM,
    measure_autocorrelation,
    measure_peaks,
)
from medlens.features.texture import measure_texture

MAX_VOXELS = 4 * 1024 * 1024
"""Largest box around a region that is measured (about 2.5 GB while at work)."""

Mask = NDArray[np.bool_]


def measure_volume(
    array: Array,
    *,
    mask: Array,
    spacing: tuple[float, float, float],
    intensity_mask: Array | None = None,
    bins: int = 32,
    bin_width: float | None = None,
    lower: float | None = None,
    ivh_width: float | None = None,
    ivh_limits: tuple[float, float] | None = None,
    case: str = "volume",
) -> dict[str, float]:
    """Shape, intensity and texture of a region in a volume.

    Resampling and the choice of intensities come before; this follows the IBSI
    reference manual from its chapter 3 on. Texture matrices are three-
    dimensional, their directions merged.

    Args:
        array: (D, H, W); finite inside the masks.
        mask: (D, H, W); nonzero voxels are the region whose shape is measured.
        spacing: mm in order D, H, W.
        intensity_mask: voxels whose intensities count (re-segmentation); default
            the mask.
        bins: grey levels (fixed bin number), when bin_width is None.
        bin_width: width of a grey level (fixed bin size).
        lower: where level 1 starts for a fixed bin size; default the minimum.
        ivh_width: bin width of the volume histogram for calibrated intensities,
            which then come in their own unit; default the grey levels of a
            fixed bin size, or 1000 levels.
        ivh_limits: lowest and highest intensity of that histogram; default those
            of the region. Used with ivh_width only.
        case: local key, for messages.

    Returns:
        One finite value for every name in `VOLUME_FEATURES`, in that order.

    Raises:
        PrepError: shapes, masks or values do not allow a measurement.
        ResourceError: the box around the region has over 4 Mi voxels.
        UsageError: spacing, bins, bin_width or ivh_width is out of range.
    """
    mm = check_spacing(spacing, 3)
    regions = {"mask": mask}
    if intensity_mask is not None:
        regions["intensity_mask"] = intensity_mask
    array, masks = read_volume(array, regions, case=case)
    whole, inside = masks[0], masks[-1]
    _check_values(array[inside], case)
    _check_size(_find_box(whole | inside, 0, mm), case)
    around = _find_box(whole | inside, PEAK_RADIUS_MM, mm)
    # Only now to 64 bits: the volume may be a hundred times the region.
    values = array[around].astype(np.float64)
    whole, inside = whole[around], inside[around]
    row = measure_peaks(values, inside, spacing=mm)
    box = _find_box(whole | inside, 0, mm)
    values, whole, inside = values[box], whole[box], inside[box]
    counted = values[inside]
    levels = discretise(values, inside, bins=bins, bin_width=bin_width, lower=lower)
    row |= measure_shape_volume(whole, values, inside, spacing=mm)
    row |= measure_autocorrelation(values, inside, spacing=mm)
    row |= measure_statistics(counted)
    row |= measure_histogram(levels[inside])
    if ivh_width is not None:
        row |= measure_calibrated_volume_histogram(
            counted, width=ivh_width, limits=ivh_limits
        )
    else:
        fine = levels[inside]
        if bin_width is None:
            fine = discretise(counted, np.ones(counted.shape, bool), bins=IVH_BINS)
        row |= measure_volume_histogram(fine)
    row |= measure_texture(levels, region=whole | inside)
    return {name: row[name] for name in VOLUME_FEATURES}


def _check_values(values: Array, case: str) -> None:
    counted = values.astype(np.float64)
    bad = int(counted.size - np.count_nonzero(np.abs(counted) <= MAX_MAGNITUDE))
    if bad:
        raise PrepError(
            f"{case}: {bad} of {counted.size} voxels are NaN, infinite or beyond "
            f"{MAX_MAGNITUDE:g}; leave them out with intensity_mask="
        )


def _find_box(
    region: Mask, margin_mm: float, spacing: tuple[float, ...]
) -> tuple[slice, ...]:
    """The smallest box around the region and a margin, within the array."""
    box = []
    for axis, step in enumerate(spacing):
        others = tuple(other for other in range(3) if other != axis)
        used = np.flatnonzero(region.any(axis=others))
        margin = int(margin_mm / step)
        box.append(slice(max(0, int(used[0]) - margin), int(used[-1]) + 1 + margin))
    return tuple(box)


def _check_size(box: tuple[slice, ...], case: str) -> None:
    sides = [side.stop - side.start for side in box]
    if int(np.prod(sides)) > MAX_VOXELS:
        raise ResourceError(
            f"{case}: the region's box has {sides[0]} × {sides[1]} × {sides[2]} "
            f"voxels; at most {MAX_VOXELS} are measured; resample it more coarsely"
        )
