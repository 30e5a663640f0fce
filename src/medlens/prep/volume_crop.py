"""Crop images and volumes to the body, seen from the front and from the side."""

from __future__ import annotations

import numpy as np

from medlens.core import Array
from medlens.prep.colour import rgb_to_grey
from medlens.prep.crop import believable, body_box, working_copy
from medlens.prep.stream import Stream
from medlens.prep.volume import place_stream

LEAST_DEPTH = 8
"""Slices from which those without body may go."""


def crop_body(stream: Stream, *, margin: float = 0.02, slices: bool = False) -> Stream:
    """The image cropped to the body: the large bright regions on the background.

    The background is what the corners show. Labels and letters beside the body
    are too small to count. A radiograph that the body fills stays whole. Of a
    volume the brightest of all slices is looked at, so that all are cropped alike.

    Args:
        stream: any stage.
        margin: kept around the body, as a share of the image's side.
        slices: leave out slices before and behind the body as well. Not where
            slices have labels of their own.
    """
    front, side = _projections(stream)
    _, depth, rows, columns = stream.shape
    box = believable(body_box(working_copy(front)), (rows, columns), margin)
    top, left, bottom, right = box
    first, last = 0, depth
    if slices and depth >= LEAST_DEPTH:
        lengthwise = body_box(working_copy(side))
        first, _, last, _ = believable(lengthwise, (depth, columns), margin)
    counts = (last - first, bottom - top, right - left)
    return place_stream(stream, (first, top, left), counts)


def _projections(stream: Stream) -> tuple[Array, Array]:
    """(H, W) and (D, W): the brightest of each ray from the front, from above."""
    fronts, sides = [], []
    for _, _, slab in stream.slabs():
        channels = slab.array[:3] if slab.is_colour else slab.array[:1]
        grey = rgb_to_grey(channels)[0]
        fronts.append(grey.max(axis=0))
        sides.append(grey.max(axis=1))
    return np.maximum.reduce(fronts), np.concatenate(sides)
