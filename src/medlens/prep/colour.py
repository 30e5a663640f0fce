"""Colour spaces: grey, YBR, HSV, Lab, optical density.

Arrays are (3, D, H, W) in order R, G, B; values 0..1 unless said otherwise.
Each space comes out in 0..1 too, so that it can be a network's input.
"""

from __future__ import annotations

import cv2
import numpy as np

from medlens.core import Array
from medlens.prep.planes import each_slice

LUMA = (0.299, 0.587, 0.114)
"""Weights of R, G, B in grey (ITU-R BT.601, as in DICOM's YBR_FULL)."""

# PS3.3 C.7.6.3.1.2; CB and CR are stored around 128 of 255
RGB_TO_YBR = np.array(
    [
        [0.299, 0.587, 0.114],
        [-0.299 / 1.772, -0.587 / 1.772, 0.5],
        [0.5, -0.587 / 1.402, -0.114 / 1.402],
    ]
)
YBR_OFFSET = np.array([0.0, 128 / 255, 128 / 255])


def rgb_to_grey(array: Array) -> Array:
    """(3, D, H, W) → (1, D, H, W), luma in the unit and dtype of the input.

    One channel is handed through; integer results are rounded.
    """
    if array.shape[0] == 1:
        return array
    weights = np.array([LUMA], dtype=np.float32)
    grey = each_slice(
        array.astype(np.float32, copy=False),
        lambda rgb: cv2.transform(rgb, weights)[..., None],
    )
    return np.rint(grey).astype(array.dtype) if array.dtype.kind in "iu" else grey


def grey_to_rgb(array: Array) -> Array:
    """(1, D, H, W) → (3, D, H, W) with equal channels; RGB is handed through."""
    return array if array.shape[0] == 3 else np.repeat(array, 3, axis=0)


def rgb_to_ybr(array: Array) -> Array:
    """YBR_FULL of RGB in 0..1: Y in 0..1, CB and CR around 128/255."""
    matrix = np.column_stack([RGB_TO_YBR, YBR_OFFSET]).astype(np.float32)
    return each_slice(_floats(array), lambda rgb: cv2.transform(rgb, matrix))


def ybr_to_rgb(array: Array) -> Array:
    """RGB of YBR_FULL in 0..1; may leave 0..1 where no such colour exists."""
    inverse = np.linalg.inv(RGB_TO_YBR)
    matrix = np.column_stack([inverse, -inverse @ YBR_OFFSET]).astype(np.float32)
    return each_slice(_floats(array), lambda ybr: cv2.transform(ybr, matrix))


def rgb_to_hsv(array: Array) -> Array:
    """Hue (0..1 is once round the circle, red at 0), saturation, value."""
    hue = np.array([1 / 360, 1, 1], dtype=np.float32)
    return each_slice(
        _floats(array), lambda rgb: cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV) * hue
    )


def hsv_to_rgb(array: Array) -> Array:
    """RGB of hue, saturation and value in 0..1."""
    degrees = np.array([360, 1, 1], dtype=np.float32)
    return each_slice(
        _floats(array), lambda hsv: cv2.cvtColor(hsv * degrees, cv2.COLOR_HSV2RGB)
    )


def rgb_to_lab(array: Array) -> Array:
    """CIE L*a*b* (sRGB, D65): L*/100, (a* + 128)/255, (b* + 128)/255.

    OpenCV computes it by tables, right to half a unit of L*, a* and b*.
    """
    scale = np.array([1 / 100, 1 / 255, 1 / 255], dtype=np.float32)
    shift = np.array([0, 128 / 255, 128 / 255], dtype=np.float32)
    return each_slice(
        _floats(array), lambda rgb: cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab) * scale + shift
    )


def lab_to_rgb(array: Array) -> Array:
    """RGB of L*a*b* scaled as `rgb_to_lab` scales it."""
    scale = np.array([100, 255, 255], dtype=np.float32)
    shift = np.array([0, 128, 128], dtype=np.float32)
    return each_slice(
        _floats(array), lambda lab: cv2.cvtColor(lab * scale - shift, cv2.COLOR_Lab2RGB)
    )


def optical_density(array: Array, *, darkest: float = 1 / 255) -> Array:
    """−log10 of transmitted light (Beer–Lambert): 0 for white, larger is denser.

    Args:
        array: light in 0..1, white at 1.
        darkest: light below this counts as this, so that black is finite.
    """
    light = np.maximum(_floats(array), np.float32(darkest))
    return np.asarray(-np.log10(np.minimum(light, np.float32(1))))


def select_channel(array: Array, *, index: int) -> Array:
    """(1, D, H, W): one channel of the input."""
    return np.ascontiguousarray(array[index : index + 1])


def _floats(array: Array) -> Array:
    return array.astype(np.float32, copy=False)
