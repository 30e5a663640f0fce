"""One image → one row of features; many images → a stream of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import cv2
import numpy as np

from medlens.core import Array, Image, MedlensError, PrepError, UsageError
from medlens.features.colour import measure_colour
from medlens.features.edges import measure_edges, measure_hog
from medlens.features.intensity import (
    measure_histogram,
    measure_statistics,
    measure_volume_histogram,
)
from medlens.features.levels import crop_to_region, discretise
from medlens.features.names import FEATURES
from medlens.features.patterns import measure_gabor, measure_lbp, measure_wavelets
from medlens.features.region import check_spacing, read_region
from medlens.features.shape import find_foreground, measure_shape
from medlens.features.texture import measure_texture

IVH_BINS = 1000
"""Levels of the volume histogram; IBSI's advice for intensities without unit."""


def measure(
    array: Array,
    *,
    mask: Array | None = None,
    spacing: tuple[float, float] = (1.0, 1.0),
    bins: int = 32,
    case: str = "image",
) -> dict[str, float]:
    """Edges, texture, intensity, colour and shape of one image.

    With a mask every family describes the masked region (filters see what lies
    around it). Without one, shape describes the foreground by Otsu's threshold
    and all other families the whole image. Colour images are measured as grey
    (Rec. 601) but for their colour moments.

    Args:
        array: (H, W), (1, H, W) or (3, H, W) in order R, G, B; any real type,
            finite inside the mask.
        mask: (H, W); nonzero pixels count.
        spacing: mm between rows and between columns; (1, 1) gives pixels.
        bins: grey levels of histogram and texture (IBSI fixed bin number).
        case: local key of the image, for messages.

    Returns:
        One finite value for every name in `FEATURES`, in that order.

    Raises:
        PrepError: shape, mask or values do not allow a measurement.
        ResourceError: more than 4096 × 4096 pixels.
        UsageError: spacing or bins is out of range.
    """
    rows, columns = check_spacing(spacing, 2)
    region = read_region(array, mask, case=case)
    levels = discretise(region.grey, region.mask, bins=bins)
    fine = discretise(region.inside, np.ones(region.inside.shape, bool), bins=IVH_BINS)
    shape = region.mask if mask is not None else find_foreground(region.grey)
    values = measure_statistics(region.inside)
    values |= measure_histogram(region.pick(levels))
    values |= measure_volume_histogram(fine)
    values |= measure_texture(crop_to_region(levels))
    values |= measure_colour(region) | measure_edges(region) | measure_hog(region)
    values |= measure_lbp(region) | measure_gabor(region) | measure_wavelets(region)
    values |= measure_shape(shape, spacing=(rows, columns))
    return {name: values[name] for name in FEATURES}


def measure_image(
    image: Image, *, mask: Array | None = None, bins: int = 32
) -> dict[str, float]:
    """`measure` for an `Image`: its spacing if calibrated, else pixels.

    Args:
        image: one slice (D = 1), grey or RGB.
        mask: (H, W); nonzero pixels count.
        bins: grey levels of histogram and texture.

    Raises:
        PrepError: as for `measure`, or the image is a volume.
    """
    depth = image.array.shape[1]
    if depth != 1:
        raise PrepError(
            f"{image.case}: image has {depth} slices; measure takes 1; pick a slice, "
            "or use measure_volume"
        )
    _, row, column = image.geometry.spacing
    spacing = (row, column) if image.geometry.is_calibrated else (1.0, 1.0)
    plane = image.array[:, 0]
    return measure(plane, mask=mask, spacing=spacing, bins=bins, case=image.case)


def measure_many(
    images: Iterable[tuple[str, Array | Image]],
    *,
    bins: int = 32,
    max_side: int = 512,
    on_failure: Callable[[str, MedlensError], None] | None = None,
) -> Iterator[tuple[str, dict[str, float]]]:
    """Rows of features, one image in memory at a time.

    Args:
        images: (case key, array or Image); see `measure` for shapes.
        bins: grey levels of histogram and texture.
        max_side: longer images are made smaller first, by averaging areas.
            Lengths stay in mm where an Image is calibrated.
        on_failure: called with the key and the error of a case that cannot be
            measured, which is then left out; without it the error is raised.

    Yields:
        (case key, features) in the order of `images`.

    Raises:
        UsageError: max_side is under 16.
    """
    if max_side < 16:
        raise UsageError(f"measure_many: max_side is {max_side}; wanted 16 or more")
    for case, image in images:
        try:
            yield case, _measure_reduced(image, bins=bins, max_side=max_side, case=case)
        except MedlensError as error:
            if on_failure is None:
                raise
            on_failure(case, error)


def _measure_reduced(
    image: Array | Image, *, bins: int, max_side: int, case: str
) -> dict[str, float]:
    """Measure at most max_side pixels a side, with the spacing that results."""
    spacing = (1.0, 1.0)
    if isinstance(image, Image):
        if image.array.shape[1] != 1:
            return measure_image(image)  # raises, with what to do
        if image.geometry.is_calibrated:
            spacing = image.geometry.spacing[1:]
        image = image.array[:, 0]
    array = np.asarray(image)
    is_image = array.ndim == 2 or (array.ndim == 3 and array.shape[0] in (1, 3))
    if not is_image or array.dtype.kind not in "buif" or max(array.shape) <= max_side:
        return measure(array, spacing=spacing, bins=bins, case=case)
    small = _reduce(array, max_side)
    changed = (
        spacing[0] * array.shape[-2] / small.shape[-2],
        spacing[1] * array.shape[-1] / small.shape[-1],
    )
    return measure(small, spacing=changed, bins=bins, case=case)


def _reduce(array: Array, max_side: int) -> Array:
    """The image with its longest side cut to max_side, by area averaging."""
    planes = array if array.ndim == 3 else array[None]
    height, width = planes.shape[1:]
    scale = max_side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = [
        cv2.resize(plane.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        for plane in planes
    ]
    return np.stack(small) if array.ndim == 3 else small[0]
