"""An evidence map painted over its image, for a person to look at."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from medlens.core import Image
from medlens.prep import build_pipeline
from medlens.recipe.settings import Step

STRENGTH = 0.55  # opacity where the evidence is strongest


def paint_evidence(source: Image, evidence: NDArray[np.floating]) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 in OpenCV's order B, G, R.

    The image as its file asks to be shown, with evidence *for* the label laid
    over it; what speaks against it stays plain. Opacity follows the evidence,
    so that where there is none the pixels are the image's own.

    Args:
        source: the image as read.
        evidence: (H, W) in logit units, in the source's grid.
    """
    shown = build_pipeline((Step("display"), Step("to_rgb")))(source).array[:, 0]
    picture = np.ascontiguousarray(shown.transpose(1, 2, 0)[:, :, ::-1]) * 255.0
    positive = np.maximum(evidence, 0.0)
    top = float(positive.max())
    share = (positive / top if top > 0 else positive).astype(np.float32)
    colours = cv2.applyColorMap(
        np.rint(share * 255).astype(np.uint8), cv2.COLORMAP_INFERNO
    ).astype(np.float32)
    weight = (STRENGTH * share)[..., None]
    mixed = picture * (1 - weight) + colours * weight
    painted: NDArray[np.uint8] = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    return painted
