"""One slice of a volume, for pictures."""

from __future__ import annotations

import numpy as np

from medlens.core import Image


def one_slice(image: Image, d: int) -> Image:
    """The volume's slice d as an image of its own, in its place in the patient."""
    shift = np.eye(4)
    shift[0, 3] = d
    return image.with_array(
        np.ascontiguousarray(image.array[:, d : d + 1]),
        geometry=image.geometry.then(shift),
    )
