"""Values as their rank among the foreground, channel by channel.

A grey value of an MR sequence has no unit, and scalp and fat, which are the brightest,
press the brain into a few dark levels that differ from scanner to scanner. Ranks do
not know of either: histogram equalisation over the foreground of a whole volume.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from medlens.core import Array, Image
from medlens.prep.planes import map_values
from medlens.prep.stream import Stream
from medlens.prep.volume_values import percentiles

SHARES = tuple(float(share) for share in np.linspace(0, 100, 65))
DARKEST = 0.05  # of the foreground; below it the background


def rank(stream: Stream, *, background: float = 0.03) -> Stream:
    """Each channel's foreground spread evenly over 0.05..1; the background is 0.

    Args:
        stream: any stage.
        background: what lies up to this share of the way from the smallest value
            to percentile 99.5 counts as background.
    """
    channels = [_scale(_channel(stream, k), background) for k in range(stream.shape[0])]

    def change(slab: Image) -> Image:
        ranked = np.stack(
            [
                map_values(values, _placed(*scale))
                for values, scale in zip(slab.array, channels, strict=True)
            ]
        )
        return slab.with_array(
            ranked, stage="windowed", voi=None, valid_min=0.0, valid_max=1.0
        )

    return stream.then(change)


def _channel(stream: Stream, k: int) -> Stream:
    return stream.then(lambda slab: slab.with_array(slab.array[k : k + 1]))


def _scale(channel: Stream, background: float) -> tuple[float, Array, Array]:
    """Top of the background, and values with their places on 0..1."""
    low, high = channel.extremes()
    (bright,) = percentiles(channel, (99.5,))
    floor = low + background * ((bright if bright > low else high) - low)
    found = np.array(percentiles(channel, SHARES, above=floor))
    places = np.linspace(DARKEST, 1, len(found))
    # of equal values the highest place counts, as in a cumulative histogram
    keep = np.append(np.diff(found) > 0, True)
    return floor, found[keep], places[keep]


def _placed(floor: float, values: Array, places: Array) -> Callable[[Array], Array]:
    def place(array: Array) -> Array:
        ranked: Array = np.where(array > floor, np.interp(array, values, places), 0.0)
        return ranked

    return place
