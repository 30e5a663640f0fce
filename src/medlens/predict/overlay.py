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


# Okabe and Ito (2008), told apart with the common colour-vision deficiencies; B, G, R.
OUTLINE_COLOURS = (
    (0, 159, 230),
    (233, 180, 86),
    (66, 228, 240),
    (115, 158, 0),
    (167, 121, 204),
    (0, 94, 213),
)
SMALLEST_SHOWN = 512  # pixels of the shorter side; smaller images are enlarged


def paint_outlines(source: Image, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H', W', 3) uint8 in OpenCV's order B, G, R, with each label's outline.

    Small images are enlarged by a whole factor, so that an outline of one pixel
    hides nothing. More than six labels take the colours in turn.

    Args:
        source: the image as read, one slice.
        labels: (H, W) in its grid; 0 has no outline.
    """
    shown = build_pipeline((Step("display"), Step("to_rgb")))(source).array[:, 0]
    plain = np.ascontiguousarray(shown.transpose(1, 2, 0)[:, :, ::-1]) * 255.0
    factor = max(1, -(-SMALLEST_SHOWN // max(1, min(labels.shape))))
    factor = min(factor, 16)
    size = (labels.shape[1] * factor, labels.shape[0] * factor)
    picture = cv2.resize(np.rint(plain).astype(np.uint8), size, interpolation=0)
    for k in np.unique(labels):
        if not k:
            continue
        mask = cv2.resize((labels == k).astype(np.uint8), size, interpolation=0)
        lines, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        colour = OUTLINE_COLOURS[(int(k) - 1) % len(OUTLINE_COLOURS)]
        cv2.drawContours(picture, lines, -1, colour, 1)
    painted: NDArray[np.uint8] = picture
    return painted
