"""From a scan and a mask to features: resample, round, re-segment, measure.

The chain of the IBSI reference manual (IBSI 1, chapter 2), its choices in one
frozen object so that a table can say how it was made.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medlens.core import Array, Image, PrepError, UsageError
from medlens.features.region import check_spacing, read_volume
from medlens.features.resample import Kernel, resample_region
from medlens.features.volume import measure_volume

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class VolumeSettings:
    """How a region is prepared before it is measured.

    Attributes:
        voxel_mm: side of the cubes to resample to; None keeps the grid. Texture
            in space wants voxels of equal sides, and equal ones in all cases.
        kernel: "linear" or "cubic" interpolation of intensities.
        is_rounded: whole numbers after resampling, as for HU.
        intensity_range: voxels outside it are left out of all but the shape
            (re-segmentation), in the unit of the image; None for no limit.
        outlier_sigma: voxels farther from the mean than this many standard
            deviations are left out likewise, after the range; None for none.
        bins: grey levels of a fixed bin number, when bin_width is None.
        bin_width: width of a grey level (fixed bin size); level 1 starts at the
            range's lower end, or at the region's minimum.
        ivh_width: bin width of the volume histogram, whose intensities then have
            the unit of the image; None for 1000 levels.
    """

    voxel_mm: float | None = None
    kernel: Kernel = "linear"
    is_rounded: bool = False
    intensity_range: tuple[float, float] | None = None
    outlier_sigma: float | None = None
    bins: int = 32
    bin_width: float | None = None
    ivh_width: float | None = None

    def __post_init__(self) -> None:
        for name in ("voxel_mm", "outlier_sigma", "bin_width", "ivh_width"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise UsageError(f"{name} is {value}; wanted a number above 0 or None")
        if self.kernel not in ("linear", "cubic"):
            raise UsageError(f"kernel is '{self.kernel}'; wanted linear or cubic")
        limits = self.intensity_range
        if limits and not (math.isfinite(sum(limits)) and limits[0] < limits[1]):
            raise UsageError(
                f"intensity_range is {limits}; wanted two numbers, the lower first"
            )


def measure_region(
    array: Array,
    *,
    mask: Array,
    spacing: tuple[float, float, float],
    settings: VolumeSettings | None = None,
    case: str = "volume",
) -> dict[str, float]:
    """Features of a region of a scan, from its own grid on.

    Args:
        array: (D, H, W); finite in and around the mask.
        mask: (D, H, W); nonzero voxels are the region.
        spacing: mm in order D, H, W.
        settings: default: the grid as it is, 32 grey levels.
        case: local key, for messages.

    Returns:
        One finite value for every name in `VOLUME_FEATURES`.

    Raises:
        PrepError: shapes, masks or values do not allow a measurement, or the
            settings leave no voxel.
        ResourceError: the region's box is too large.
        UsageError: spacing is out of range.
    """
    chosen = settings or VolumeSettings()
    mm = check_spacing(spacing, 3)
    values, (inside,) = read_volume(array, {"mask": mask}, case=case)
    if chosen.voxel_mm is not None:
        values, inside = resample_region(
            values,
            inside,
            spacing=mm,
            to_mm=chosen.voxel_mm,
            kernel=chosen.kernel,
            case=case,
        )
        mm = (chosen.voxel_mm,) * 3
    if chosen.is_rounded:
        values = np.rint(values)
    limits = chosen.intensity_range
    return measure_volume(
        values,
        mask=inside,
        spacing=(mm[0], mm[1], mm[2]),
        intensity_mask=_resegment(values, inside, chosen, case),
        bins=chosen.bins,
        bin_width=chosen.bin_width,
        lower=limits[0] if limits else None,
        ivh_width=chosen.ivh_width,
        ivh_limits=limits,
        case=case,
    )


def measure_volume_image(
    image: Image, mask: Array, *, settings: VolumeSettings | None = None
) -> dict[str, float]:
    """`measure_region` for an `Image` with its own spacing.

    Args:
        image: one channel, calibrated.
        mask: (D, H, W); nonzero voxels are the region.
        settings: default: as for `measure_region`; CT is rounded to whole HU.

    Raises:
        PrepError: as for `measure_region`; several channels; no spacing in mm.
    """
    if image.array.shape[0] != 1:
        raise PrepError(
            f"{image.case}: image has {image.array.shape[0]} channels; features of a "
            "volume take 1; choose a channel or convert to grey"
        )
    if not image.geometry.is_calibrated:
        raise PrepError(
            f"{image.case}: the image has no physical spacing; features of a volume "
            "are in mm; read it with its spacing"
        )
    return measure_region(
        image.array[0],
        mask=mask,
        spacing=image.geometry.spacing,
        settings=settings or VolumeSettings(is_rounded=image.modality == "CT"),
        case=image.case,
    )


def _resegment(values: Array, inside: Mask, chosen: VolumeSettings, case: str) -> Mask:
    """Voxels of the region whose intensity counts (IBSI 1, section 2.6)."""
    counted = inside.copy()
    if chosen.intensity_range is not None:
        low, high = chosen.intensity_range
        counted &= (values >= low) & (values <= high)
    if chosen.outlier_sigma is not None and counted.any():
        found = values[counted].astype(np.float64)
        reach = chosen.outlier_sigma * found.std()
        # A constant region has no spread, and rounding no say.
        counted &= np.abs(values - found.mean()) <= max(reach, 1e-9 * abs(found.mean()))
    if not counted.any():
        raise PrepError(
            f"{case}: no voxel of the region lies in the intensity range "
            f"{chosen.intensity_range}; check the unit of the image or widen the range"
        )
    return counted
