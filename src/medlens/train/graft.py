"""What is labelled in one slice, grown into another.

Where few patients teach, a network learns their lesions by heart, each in its one
place in its one brain. A lesion of one case laid into the slice of another makes pairs
that nobody has seen, with a mask that is right by construction (CarveMix, Zhang et al.
2021, for brain lesions; here without its signed distances: the labelled region and a
margin of random width, with a soft edge). Slices are aligned well enough where whole
slices are seen; patches of volumes are not, so this is for networks in 2D.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Patch = tuple[FloatArray, NDArray[np.uint8]]

AIR = 0.03  # where all channels are darker nothing grows; before changes of tone
WIDEST = 8  # pixels across the disc that widens the region
FEWEST, MOST_LOST = 20, 0.3  # pixels of a graft; share of it that may fall into air
EDGE = 1.0  # standard deviation of the soft edge, pixels


def is_body(values: FloatArray) -> NDArray[np.uint8]:
    """1 where any channel shows more than air; (C, 1, h, w) -> (1, h, w).

    Asked before tones are changed: afterwards air may be as bright as anything.
    """
    body: NDArray[np.uint8] = (values.max(axis=0) > AIR).astype(np.uint8)
    return body


def graft(
    host: Patch, donor: Patch, rng: np.random.Generator, *, body: NDArray[np.uint8]
) -> Patch:
    """The host with the donor's labelled region in its place.

    Args:
        host, donor: values (C, 1, h, w) in 0..1 and mask (1, h, w), already changed
            each in its own way; left as they are.
        rng: draws the width of the margin.
        body: (1, h, w) as from `is_body`, where the host's change of place put it.

    Returns:
        A new patch; the host itself where the donor's labels would lie in its air.
    """
    values, mask = host
    labelled = donor[1][0] > 0
    width = int(rng.integers(0, WIDEST + 1))
    region = labelled
    if width:
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
        region = cv2.dilate(labelled.astype(np.uint8), disc) > 0
    region = region & (body[0] > 0)
    kept = np.count_nonzero(labelled & region)
    enough = kept >= (1 - MOST_LOST) * np.count_nonzero(labelled)
    if not enough or np.count_nonzero(region) < FEWEST:
        return host
    soft = cv2.GaussianBlur(region.astype(np.float32), (0, 0), EDGE)
    grown = values * (1 - soft) + donor[0] * soft
    shown = np.where(region, donor[1], mask)
    return grown.astype(np.float32), shown.astype(np.uint8)
