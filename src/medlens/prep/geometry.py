"""Crop, pad, flip and resize with the place in the patient kept true.

Each function takes and returns an Image. Its geometry is moved by the exact map
from new to old indices, so that a pixel keeps its patient coordinate through
any chain of steps.
"""

from __future__ import annotations

import numpy as np

from medlens.core import Array, Image, PrepError
from medlens.prep.planes import each_plane, value_span
from medlens.prep.resample import resize_plane

LARGEST_SIDE = 16384
"""Longest side that a step may produce, in pixels."""


def resize(
    image: Image,
    *,
    height: int = 224,
    width: int = 224,
    mode: str = "stretch",
    filter: str = "linear",
) -> Image:
    """The image on a grid of height × width pixels.

    Args:
        image: any stage; float32 comes back, except for filter "nearest".
        height, width: in pixels.
        mode: "stretch" changes the aspect ratio where it must; "fit" keeps it
            and pads with black, evenly on both sides; "cover" keeps it and
            crops the middle.
        filter: "linear", "cubic", "area" or "nearest"; see `resample.py`.
    """
    rows, columns = image.array.shape[2:]
    if mode != "stretch":
        choose = min if mode == "fit" else max
        scale = choose(height / rows, width / columns)
        inner = max(1, round(rows * scale)), max(1, round(columns * scale))
        scaled = _scale(image, height=inner[0], width=inner[1], kernel=filter)
        return fit_to(scaled, height=height, width=width)
    return _scale(image, height=height, width=width, kernel=filter)


def resample(image: Image, *, spacing: float = 1.0, filter: str = "linear") -> Image:
    """The image with square pixels of `spacing` mm.

    The field of view stays; the number of pixels is rounded, so that the true
    spacing may differ from the one asked for by less than half a pixel in the
    whole width. It is kept in the geometry.

    Raises:
        PrepError: the file gave no physical size, or the grid would be huge.
    """
    if not image.geometry.is_calibrated:
        raise PrepError(
            f"{image.case}: step 'resample' needs pixel spacing in mm, and the file "
            "gives none; use step 'resize', or images that carry their spacing"
        )
    old = image.geometry.spacing[1:]
    counts = [
        max(1, round(n * s / spacing))
        for n, s in zip(image.array.shape[2:], old, strict=True)
    ]
    if max(counts) > LARGEST_SIDE:
        raise PrepError(
            f"{image.case}: step 'resample' to {spacing:g} mm would make "
            f"{counts[0]}×{counts[1]} pixels, more than {LARGEST_SIDE} a side; "
            "choose a larger spacing"
        )
    return _scale(image, height=counts[0], width=counts[1], kernel=filter)


def crop(
    image: Image, *, top: int = 0, bottom: int = 0, left: int = 0, right: int = 0
) -> Image:
    """The image without so many pixels at each side.

    Raises:
        PrepError: nothing would be left.
    """
    rows, columns = image.array.shape[2:]
    if top + bottom >= rows or left + right >= columns:
        raise PrepError(
            f"{image.case}: step 'crop' takes {top + bottom} of {rows} rows and "
            f"{left + right} of {columns} columns; nothing would be left, crop less"
        )
    return crop_box(image, (top, left, rows - bottom, columns - right))


def crop_box(image: Image, box: tuple[int, int, int, int]) -> Image:
    """Rows top..bottom and columns left..right (ends not included) of the image."""
    top, left, bottom, right = box
    array = image.array[:, :, top:bottom, left:right]
    return image.with_array(
        np.ascontiguousarray(array),
        geometry=image.geometry.then(_map(shift=(top, left))),
    )


def fit_to(image: Image, *, height: int, width: int, fill: float = 0.0) -> Image:
    """The image in the middle of height × width pixels: padded or cropped.

    Args:
        image: any stage.
        height, width: in pixels.
        fill: value of new pixels as a share of the span: 0 black, 1 white.
    """
    rows, columns = image.array.shape[2:]
    top, left = (height - rows) // 2, (width - columns) // 2
    if top < 0 or left < 0:
        cut_top, cut_left = max(-top, 0), max(-left, 0)
        image = crop_box(
            image,
            (
                cut_top,
                cut_left,
                cut_top + min(rows, height),
                cut_left + min(columns, width),
            ),
        )
        rows, columns = image.array.shape[2:]
        top, left = max(top, 0), max(left, 0)
    bottom, right = height - rows - top, width - columns - left
    return _pad(image, (top, bottom, left, right), fill)


def pad(image: Image, *, height: int = 0, width: int = 0, fill: float = 0.0) -> Image:
    """The image padded evenly to at least height × width, or to a square.

    Args:
        image: any stage.
        height, width: in pixels; both 0 pads the shorter side to a square.
        fill: value of new pixels as a share of the span: 0 black, 1 white.
    """
    rows, columns = image.array.shape[2:]
    if height == 0 and width == 0:
        height = width = max(rows, columns)
    return fit_to(image, height=max(height, rows), width=max(width, columns), fill=fill)


def crop_center(image: Image, *, height: int = 224, width: int = 224) -> Image:
    """The middle height × width pixels; sides that are shorter stay as they are."""
    rows, columns = image.array.shape[2:]
    return fit_to(image, height=min(height, rows), width=min(width, columns))


def flip(image: Image, *, axis: str = "width") -> Image:
    """The pixels in reverse order along "width" or "height", geometry turned too.

    Patient coordinates stay right; a viewer that ignores them shows a mirror
    image. Never part of an automatic plan.
    """
    along = {"height": 2, "width": 3}[axis]
    index_map = np.eye(4)
    index_map[along - 1, along - 1] = -1
    index_map[along - 1, 3] = image.array.shape[along] - 1
    return image.with_array(
        np.ascontiguousarray(np.flip(image.array, along)),
        geometry=image.geometry.then(index_map),
    )


def _scale(image: Image, *, height: int, width: int, kernel: str) -> Image:
    rows, columns = image.array.shape[2:]
    if (rows, columns) == (height, width):
        return image
    array = each_plane(
        image.array,
        lambda plane: resize_plane(plane, height=height, width=width, kernel=kernel),
    )
    if kernel == "cubic":  # its overshoot may leave the values there were
        low, high = value_span(image)
        array = np.clip(array, low, high)
    y, x = rows / height, columns / width
    # half-pixel centres: old = (new + 0.5) · scale − 0.5
    moved = image.geometry.then(_map(scale=(y, x), shift=(y / 2 - 0.5, x / 2 - 0.5)))
    return image.with_array(array, geometry=moved)


def _pad(image: Image, margins: tuple[int, int, int, int], fill: float) -> Image:
    top, bottom, left, right = margins
    if not any(margins):
        return image
    low, high = value_span(image)
    value = low + fill * (high - low)
    if image.array.dtype.kind in "iu":
        value = round(value)
    array: Array = np.pad(
        image.array,
        ((0, 0), (0, 0), (top, bottom), (left, right)),
        constant_values=value,
    )
    return image.with_array(
        array, geometry=image.geometry.then(_map(shift=(-top, -left)))
    )


def _map(
    *, scale: tuple[float, float] = (1.0, 1.0), shift: tuple[float, float]
) -> Array:
    """(4, 4) map new index → old index within the plane."""
    index_map = np.eye(4)
    index_map[1, 1], index_map[2, 2] = scale
    index_map[1:3, 3] = shift
    return index_map
