"""One case worth looking at, as the caller hands it to the report."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medlens.core import UsageError


@dataclass(frozen=True, eq=False)
class Example:
    """A case with its image, what the model said and where it looked.

    Attributes:
        case: local case key; the only name of the case on the page.
        image: uint8, (H, W) grey or (H, W, 3) RGB.
        evidence: (H, W), 0..1, for the predicted label; its grid may be
            coarser than the image's. None when the bundle gives no map.
        reference: label (or labels, joined) of the reference standard.
        predicted: label (or labels, joined) that the model gives.
        probability: of the predicted label, calibrated, 0..1.
        is_right: True when the prediction equals the reference standard.
        note: a short remark, such as "unlike the training images".

    Raises:
        UsageError: an array has another shape, type or size than said here.
    """

    case: str
    image: NDArray[np.uint8]
    evidence: NDArray[np.floating] | None
    reference: str
    predicted: str
    probability: float
    is_right: bool
    note: str = ""

    def __post_init__(self) -> None:
        image, evidence = self.image, self.evidence
        is_picture = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
        if image.dtype != np.uint8 or not is_picture or image.size == 0:
            raise UsageError(
                f"case {self.case}: example image is {image.dtype} of shape "
                f"{image.shape}, the report takes uint8 of (H, W) or (H, W, 3)"
            )
        if evidence is not None and (evidence.ndim != 2 or evidence.size == 0):
            raise UsageError(
                f"case {self.case}: evidence has shape {evidence.shape}, the report "
                "takes (H, W) of 0..1; pick the map of one label"
            )
