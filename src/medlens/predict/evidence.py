"""The evidence map of a network put back on the image it came from."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from medlens.core import Image
from medlens.prep import place_on_source

FloatArray = NDArray[np.float32]


def map_to_source(evidence: FloatArray, prepared: Image, source: Image) -> FloatArray:
    """(K, h, w) of the network's last grid → (K, H, W) of the source image.

    Cells are spread bilinearly over the prepared image (half-pixel centres),
    then carried by the two geometries. Where the source was cropped away the
    map is 0: nothing there was seen.
    """
    height, width = prepared.array.shape[2:]
    spread = np.stack(
        [
            cv2.resize(cell, (width, height), interpolation=cv2.INTER_LINEAR)
            for cell in evidence.astype(np.float32)
        ]
    )
    return place_on_source(spread, prepared, source)
