"""A PNG that a page drew → the pixels that are inside, within bounds."""

from __future__ import annotations

import struct

import cv2
import numpy as np
from numpy.typing import NDArray

from medlens.core import UsageError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
WANTED = "wanted a PNG of 1 or 8 bits of the image's size, above 0 inside"


def read_plane(
    data: bytes, *, rows: int, columns: int, where: str
) -> NDArray[np.bool_]:
    """(rows, columns), True where a pixel is above 0 and not transparent.

    The size is read from the header before anything is unpacked, so that a small file
    cannot fill the memory.

    Args:
        data: of the file; grey, palette or colour.
        rows, columns: that it must have.
        where: for messages.

    Raises:
        UsageError: it is none, is damaged, or has another size.
    """
    # PNG 1.2, 11.2.2: the signature, then IHDR with width, height and bit depth.
    if len(data) < 33 or data[:8] != SIGNATURE or data[12:16] != b"IHDR":
        raise UsageError(f"{where}: is no PNG; {WANTED}")
    width, height, depth = struct.unpack(">IIB", data[16:25])
    if (height, width) != (rows, columns):
        raise UsageError(
            f"{where}: the picture is {width} x {height}, the image {columns} x {rows} "
            f"(columns x rows); {WANTED}"
        )
    if depth > 8:
        raise UsageError(f"{where}: the picture has {depth} bits; {WANTED}")
    try:
        found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        found = None
    if found is None or found.shape[:2] != (rows, columns):
        raise UsageError(f"{where}: the picture is damaged; {WANTED}")
    if found.ndim == 2:
        return np.asarray(found > 0)
    inside = found[:, :, :3].any(axis=2)
    if found.shape[2] == 4:
        inside &= found[:, :, 3] > 0
    return np.asarray(inside)
