"""Small grey copies of images, for audits."""

from __future__ import annotations

import cv2
import numpy as np

from medlens.core import Array, Image

# ITU-R BT.601 luminance, the Y of JPEG.
_LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def to_preview(image: Image, size: int) -> Image:
    """The image in grey, averaged down until its shorter side is near `size`.

    Returns:
        (1, D, h, w) of the same dtype; the geometry follows the new grid.
    """
    if size < 1:
        raise ValueError("size must be 1 or above")
    array = _to_grey(image.array)
    rows, columns = array.shape[2:]
    factor = min(rows, columns) // size
    if factor < 2:
        return image.with_array(array)
    # Whole-number factors: each new pixel is the mean of factor x factor old ones.
    new = (columns // factor, rows // factor)
    array = array[:, :, : new[1] * factor, : new[0] * factor]
    small = np.stack([_shrink(plane, new) for plane in array[0]])[None]
    scale = np.diag([1.0, factor, factor, 1.0])
    scale[1:3, 3] = (factor - 1) / 2
    return image.with_array(small, geometry=image.geometry.then(scale))


def _shrink(plane: Array, new: tuple[int, int]) -> Array:
    source = plane if plane.dtype in _RESIZABLE else plane.astype(np.float32)
    small: Array = cv2.resize(source, new, interpolation=cv2.INTER_AREA)
    return small


_RESIZABLE = (np.uint8, np.uint16, np.int16, np.float32, np.float64)


def _to_grey(array: Array) -> Array:
    if array.shape[0] == 1:
        return array
    grey = np.tensordot(_LUMINANCE, array.astype(np.float32), axes=1)[None]
    if np.issubdtype(array.dtype, np.integer):
        grey = np.rint(grey)
    result: Array = grey.astype(array.dtype)
    return result
