"""Stored or rescaled values → windowed values, 0..1.

Sources: DICOM PS3.3 C.11.2 (VOI LUT and windows) in `voi.py`; the table of
window presets holds values in common use for reading CT.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medlens.core import Array, Image, PrepError
from medlens.prep.planes import map_values
from medlens.prep.voi import apply_voi, window_values

WINDOW_PRESETS: dict[str, tuple[float, float]] = {
    "brain": (40.0, 80.0),
    "subdural": (75.0, 215.0),
    "stroke": (40.0, 40.0),
    "bone": (600.0, 2800.0),
    "lung": (-600.0, 1500.0),
    "mediastinum": (50.0, 350.0),
    "soft_tissue": (40.0, 400.0),
    "liver": (60.0, 150.0),
    "angio": (300.0, 600.0),
}
"""CT windows by name: centre and width in HU."""

_NO_HOUNSFIELD = frozenset(["MR", "US", "CR", "DX", "MG", "XA", "RF", "NM", "PT"])
"""DICOM modalities whose rescaled values are never HU."""

LARGEST_SAMPLE = 1 << 20
"""Pixels from which percentiles of floating-point images are taken."""


def display(image: Image, *, low: float = 0.5, high: float = 99.5) -> Image:
    """The image as a reader would see it, float32 in 0..1.

    The file's own VOI LUT or window where it has one; else the valid range of
    images of up to 8 bits; else the percentiles `low` and `high` of the pixels.
    An image that is windowed already is left alone.

    Args:
        image: any stage.
        low, high: percentiles, 0..100, used only for deeper images without a
            window.
    """
    if image.stage == "windowed":
        return _windowed(image, image.array.astype(np.float32, copy=False))
    if image.voi is not None:
        return _windowed(image, apply_voi(image.array, image.voi, case=image.case))
    # A step before this one may have left floats; their valid range stays.
    has_range = image.array.dtype.kind in "iu" or image.valid_min is not None
    if image.bits_stored <= 8 and has_range:
        return unit(image)
    return percentile(image, low=low, high=high)


def unit(image: Image) -> Image:
    """The whole range that stored values could take, mapped onto 0..1.

    Without a valid range: 0..2^bits_stored − 1 for unsigned integers, else the
    smallest and largest value present.
    """
    low, high = image.valid_min, image.valid_max
    if low is None or high is None or high <= low:
        low, high = float(image.array.min()), float(image.array.max())
        if image.array.dtype.kind == "u":
            low, high = 0.0, max(high, float(2**image.bits_stored - 1))
    return _windowed(image, linear(image.array, low=low, high=high))


def percentile(image: Image, *, low: float = 0.5, high: float = 99.5) -> Image:
    """Two percentiles of the image's own values, mapped onto 0..1 and clipped.

    Channels are taken together, so that colours keep their balance. Exact for
    integers; for floating point from at most a million pixels, evenly spaced.
    An image whose percentiles coincide uses its smallest and largest value, a
    constant one becomes 0.
    """
    bottom, top = percentiles(image.array, (low, high))
    if top <= bottom:
        bottom, top = float(image.array.min()), float(image.array.max())
    return _windowed(image, linear(image.array, low=bottom, high=top))


def window(
    image: Image,
    *,
    center: float = 0.0,
    width: float = 0.0,
    preset: str = "",
    function: str = "LINEAR_EXACT",
) -> Image:
    """A window of rescaled values (HU for CT), mapped onto 0..1.

    Args:
        image: stored or rescaled values.
        center, width: in the unit of the values; used when `preset` is "".
        preset: a key of `WINDOW_PRESETS`; needs values in HU.
        function: LINEAR, LINEAR_EXACT or SIGMOID, as in DICOM PS3.3 C.11.2.

    Raises:
        PrepError: no width, or a preset on an image that is not in HU.
    """
    if preset:
        _check_hounsfield(image, preset)
        center, width = WINDOW_PRESETS[preset]
    if width <= 0:
        raise PrepError(
            f"{image.case}: step 'window' has width {width:g}; give a width above 0 "
            f"or a preset: {', '.join(WINDOW_PRESETS)}"
        )
    array = window_values(image.array, center=center, width=width, function=function)
    return _windowed(image, array)


def multi_window(
    image: Image, *, presets: Sequence[str] = ("brain", "subdural", "bone")
) -> Image:
    """One channel a window: (1, D, H, W) in HU → (len(presets), D, H, W) in 0..1.

    Raises:
        PrepError: the image has colours, or is not in HU.
    """
    if image.array.shape[0] != 1:
        raise PrepError(
            f"{image.case}: step 'multi_window' needs 1 channel, found "
            f"{image.array.shape[0]}; put step 'to_grey' before it"
        )
    channels = [window(image, preset=name).array[0] for name in presets]
    return _windowed(image, np.stack(channels))


def invert(image: Image) -> Image:
    """Black and white exchanged: 1 − value of windowed values."""
    return _windowed(image, np.float32(1) - image.array.astype(np.float32))


def linear(array: Array, *, low: float, high: float) -> Array:
    """float32: `low` → 0, `high` → 1, clipped; all 0 where high ≤ low."""
    if high <= low:
        return np.zeros(array.shape, dtype=np.float32)
    scale = 1.0 / (high - low)
    return map_values(array, lambda v: np.clip((v - low) * scale, 0, 1))


def percentiles(array: Array, shares: Sequence[float]) -> list[float]:
    """Percentiles of all pixels; see `percentile` for how exact they are."""
    values = array.reshape(-1)
    if array.dtype in (np.uint8, np.uint16, np.int16):
        first = np.iinfo(array.dtype).min
        return percentiles_of_counts(counts_of(values), shares, first=first)
    step = max(1, -(-values.size // LARGEST_SAMPLE))
    return [float(v) for v in np.percentile(values[::step], list(shares))]


def percentiles_of_counts(
    counts: Array, shares: Sequence[float], *, first: int
) -> list[float]:
    """Percentiles of values of which counts[k] are first + k."""
    seen = np.cumsum(counts)
    # the smallest value with at least that share of the pixels at or below it
    ranks = np.maximum(np.asarray(shares) / 100 * seen[-1], 1)
    return [float(v) + first for v in np.searchsorted(seen, ranks)]


def counts_of(values: Array) -> Array:
    """How often each value of the dtype occurs, from the smallest on; int64."""
    if values.dtype == np.int16:  # −32768 becomes 0
        values = values.view(np.uint16) ^ np.uint16(0x8000)
    counts = np.zeros(np.iinfo(values.dtype).max + 1, dtype=np.int64)
    for start in range(0, values.size, LARGEST_SAMPLE):  # bincount takes 8 bytes each
        part = values[start : start + LARGEST_SAMPLE]
        counts += np.bincount(part, minlength=counts.size)
    return counts


def _windowed(image: Image, array: Array) -> Image:
    return image.with_array(
        array, stage="windowed", voi=None, valid_min=0.0, valid_max=1.0
    )


def _check_hounsfield(image: Image, preset: str) -> None:
    """Refuse what cannot be in HU: air is at -1000, and only CT measures it."""
    is_positive = image.valid_min is not None and image.valid_min >= 0
    found = ""
    if image.stage == "stored" and image.bits_stored <= 8:
        found = "8-bit stored values"
    elif image.stage == "stored" and is_positive:
        found = f"stored values of {image.bits_stored} bits that are never negative"
    elif image.modality in _NO_HOUNSFIELD:
        found = f"values of modality {image.modality}"
    if found:
        raise PrepError(
            f"{image.case}: window preset '{preset}' is in Hounsfield units, but the "
            f"image holds {found}; use step 'display', or read the original DICOM or "
            "NIfTI file of a CT"
        )
