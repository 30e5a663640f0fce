"""Volumes whose slices are prepared when somebody asks for them.

A CT of 512×512×800 takes 420 MB as it is stored and 840 MB as float32. Steps on
streams wrap one another and each result slice pulls the few source slices that
it needs, so that only the source, the result and a slab are ever in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from medlens.core import Array, Image, release

SLAB_BYTES = 8 << 20
"""float32 values computed at a time."""


@dataclass(frozen=True)
class Stream:
    """A volume of which a range of slices can be asked for, any number of times.

    Attributes:
        head: its first slice (C, 1, H, W); all other fields are the volume's, the
            geometry too.
        depth: number of slices.
        read: (first, last) → Image (C, last − first, H, W); its geometry is the
            whole volume's.
    """

    head: Image
    depth: int
    read: Callable[[int, int], Image]

    @classmethod
    def of(cls, image: Image) -> Stream:
        """The slices of an image that lies in memory."""

        def read(first: int, last: int) -> Image:
            release(image.array)  # what was read before, where it lies in a file
            return image.with_array(image.array[:, first:last])

        return cls(read(0, 1), image.array.shape[1], read)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(C, D, H, W)."""
        channels, _, height, width = self.head.array.shape
        return channels, self.depth, height, width

    def then(self, change: Callable[[Image], Image]) -> Stream:
        """The stream after a step that treats each slice alone."""
        return Stream(
            change(self.head), self.depth, lambda a, b: change(self.read(a, b))
        )

    def slabs(
        self, start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[int, int, Image]]:
        """(first, last, slices) from slice `start` to the one before `stop`."""
        channels, depth, height, width = self.shape
        step = max(1, SLAB_BYTES // (4 * channels * height * width))
        end = depth if stop is None else stop
        for first in range(start, end, step):
            last = min(first + step, end)
            yield first, last, self.read(first, last)

    def extremes(self) -> tuple[float, float]:
        """The smallest and the largest value."""
        found = [(slab.array.min(), slab.array.max()) for _, _, slab in self.slabs()]
        return float(min(low for low, _ in found)), float(max(h for _, h in found))


def collect(stream: Stream) -> Image:
    """The whole volume in memory, in the dtype of its slices."""
    if stream.depth == 1:
        return stream.head
    array: Array = np.empty(stream.shape, dtype=stream.head.array.dtype)
    for first, last, slab in stream.slabs():
        array[:, first:last] = slab.array
    return stream.head.with_array(array)


def on_stream(step: Callable[..., Stream]) -> Callable[..., Image]:
    """A step on images from a step on streams."""

    def run(image: Image, **params: object) -> Image:
        stream = Stream.of(image)
        changed = step(stream, **params)
        return image if changed is stream else collect(changed)

    return run
