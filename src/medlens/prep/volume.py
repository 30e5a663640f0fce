"""Resample, fit and crop volumes with the place in the patient kept true.

Steps on streams (see `stream.py`). Voxels are cells that tile the field: the
field stays when the grid changes, so that the first centre moves inwards when
voxels grow. The geometry moves with the values by the same map.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medlens.core import Array, Image, PrepError
from medlens.prep.geometry import LARGEST_SIDE
from medlens.prep.resample import Weights, along_rows, axis_weights, resize_plane
from medlens.prep.stream import Stream

COARSE = 3.0
"""Slices so many times as far apart as pixels are not filtered like pixels
(nnU-Net; Isensee et al., Nature Methods 18, 2021, 203–211)."""

MOST_VOXELS = 1 << 30
"""Values that a step may produce; 4 GB as float32."""

WIDE = 1000.0
"""Range of values from which rounding to whole numbers loses nothing."""


def resample_volume(
    stream: Stream,
    *,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    filter: str = "linear",
    coarse: str = "linear",
    uncalibrated: str = "refuse",
) -> Stream:
    """The volume with voxels of `spacing` mm, antialiased where it shrinks.

    Numbers of voxels are rounded and the true spacing kept in the geometry. 16-bit
    values that span `WIDE` or more stay 16-bit; others become float32.

    Args:
        stream: any stage.
        spacing: mm along D, H, W; 0 leaves an axis as it is.
        filter: "linear" or "cubic".
        coarse: filter along D where, before or after, slices lie more than
            `COARSE` times as far apart as pixels: "linear", "nearest" or "same"
            as `filter`.
        uncalibrated: "refuse" files without a physical size, or "keep" them as
            they are.

    Raises:
        PrepError: no physical size, or the grid would be huge.
    """
    head = stream.head
    if not head.geometry.is_calibrated:
        if uncalibrated == "keep":
            return stream
        raise PrepError(
            f"{head.case}: step 'resample_volume' needs voxel spacing in mm, and the "
            "file gives none; use step 'fit_volume', set uncalibrated = \"keep\", or "
            "use images that carry their spacing"
        )
    old = head.geometry.spacing
    new = [mm or was for mm, was in zip(spacing, old, strict=True)]
    counts = [
        max(1, round(n * was / mm))
        for n, was, mm in zip(stream.shape[1:], old, new, strict=True)
    ]
    is_coarse = any(s[0] > COARSE * min(s[1:]) for s in (old, new))
    through = filter if coarse == "same" or not is_coarse else coarse
    return scale_stream(
        stream, counts, across=filter, through=through, step="resample_volume"
    )


def fit_volume(
    stream: Stream,
    *,
    depth: int = 32,
    height: int = 128,
    width: int = 128,
    mode: str = "fit",
) -> Stream:
    """The volume on a grid of depth × height × width voxels.

    Args:
        stream: any stage.
        depth, height, width: in voxels.
        mode: "stretch" scales each axis on its own; "fit" scales all by one
            factor and pads with black, evenly on both sides; "crop_pad" does not
            scale: the middle is kept, what is missing is black.
    """
    wanted = (depth, height, width)
    old = stream.shape[1:]
    if mode == "stretch":
        return scale_stream(stream, wanted, step="fit_volume")
    if mode == "fit":
        scale = min(new / n for new, n in zip(wanted, old, strict=True))
        inner = [
            min(new, max(1, round(n * scale)))
            for new, n in zip(wanted, old, strict=True)
        ]
        stream = scale_stream(stream, inner, step="fit_volume")
    starts = [(n - new) // 2 for new, n in zip(wanted, stream.shape[1:], strict=True)]
    return place_stream(stream, starts, wanted)


def scale_stream(
    stream: Stream,
    counts: Sequence[int],
    *,
    across: str = "linear",
    through: str = "linear",
    step: str,
) -> Stream:
    """The field of the volume on `counts` voxels along D, H, W.

    Args:
        stream: any stage.
        counts: 1 or above each.
        across, through: filter within slices and along D, as in `resample.py`.
        step: for messages.
    """
    channels, depth, rows, columns = stream.shape
    count, height, width = counts
    if (depth, rows, columns) == tuple(counts):
        return stream
    too_many = channels * count * height * width > MOST_VOXELS
    if max(counts) > LARGEST_SIDE or too_many:
        raise PrepError(
            f"{stream.head.case}: step '{step}' would make {count}×{height}×{width} "
            f"voxels, more than {LARGEST_SIDE} a side or {MOST_VOXELS} in all; choose "
            "a larger spacing or a smaller grid"
        )
    kind = _result_dtype(stream)

    def scaled(first: int, last: int) -> Image:
        weights = _part(depth, count, through, first, last)
        start, stop = int(weights.starts.min()), int(weights.stops.max())
        # a slab of a small result may need most of a large volume: piece by piece
        parts = [
            _scale_planes(slab.array, height, width, across)
            for _, _, slab in stream.slabs(start, stop)
        ]
        planes = np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]
        array = _combine(planes, weights, start)
        slab = stream.head
        if slab.stage == "windowed" and "cubic" in (across, through):
            array = np.clip(array, 0, 1)  # the overshoot of the filter
        return slab.with_array(_rounded(array, kind), geometry=moved)

    factors = np.array([depth, rows, columns]) / np.array(counts)
    index_map = np.diag([*factors, 1.0])
    index_map[:3, 3] = factors / 2 - 0.5  # half-pixel centres
    moved = stream.head.geometry.then(index_map)
    return Stream(scaled(0, 1), count, scaled)


def place_stream(
    stream: Stream, starts: Sequence[int], counts: Sequence[int]
) -> Stream:
    """A box of the volume; what lies outside the volume is black.

    Args:
        stream: any stage.
        starts: first index along D, H, W; below 0 pads.
        counts: voxels along D, H, W.
    """
    channels, depth, rows, columns = stream.shape
    if [*starts] == [0, 0, 0] and [*counts] == [depth, rows, columns]:
        return stream
    padded = any(
        a < 0 or a + n > size
        for a, n, size in zip(starts, counts, (depth, rows, columns), strict=True)
    )
    is_windowed = stream.head.stage == "windowed"
    black = 0.0 if is_windowed or not padded else stream.extremes()[0]
    dtype = stream.head.array.dtype
    index_map = np.eye(4)
    index_map[:3, 3] = starts
    moved = stream.head.geometry.then(index_map)
    (_, top, left), (_, height, width) = starts, counts

    y, x = max(top, 0), max(left, 0)
    bottom, right = min(top + height, rows), min(left + width, columns)

    def placed(first: int, last: int) -> Image:
        array: Array = np.full((channels, last - first, height, width), black, dtype)
        a, b = max(first + starts[0], 0), min(last + starts[0], depth)
        if a >= b or y >= bottom or x >= right:
            return stream.head.with_array(array, geometry=moved)
        slab = stream.read(a, b)
        target = array[:, a - first - starts[0] :, y - top :, x - left :]
        target[:, : b - a, : bottom - y, : right - x] = slab.array[
            :, :, y:bottom, x:right
        ]
        return slab.with_array(array, geometry=moved)

    return Stream(placed(0, 1), counts[0], placed)


def _result_dtype(stream: Stream) -> np.dtype:
    """16-bit integers stay where they can say all that the filter says."""
    dtype = stream.head.array.dtype
    if dtype in (np.int16, np.uint16):
        low, high = stream.extremes()
        if high - low >= WIDE:
            return dtype
    return np.dtype(np.float32)


def _part(length: int, count: int, kernel: str, first: int, last: int) -> Weights:
    """The weights along D of the results first..last."""
    if kernel == "nearest" or length == count:
        place = (np.arange(first, last) + 0.5) * (length / count)
        index = np.clip(np.floor(place), 0, length - 1).astype(np.intp)
        return Weights(index, index + 1, np.ones((last - first, 1), np.float32))
    every = axis_weights(length, count, kernel)
    return Weights(
        every.starts[first:last], every.stops[first:last], every.values[first:last]
    )


def _scale_planes(array: Array, height: int, width: int, kernel: str) -> Array:
    """(C, n, H, W) → (C, n, height, width) float32, or as it was."""
    if array.shape[2:] == (height, width):
        return array
    result = np.empty((*array.shape[:2], height, width), dtype=np.float32)
    for c, channel in enumerate(array):
        for d, plane in enumerate(channel):
            plane = np.ascontiguousarray(plane)
            result[c, d] = resize_plane(
                plane, height=height, width=width, kernel=kernel
            )
    return result


def _combine(planes: Array, weights: Weights, start: int) -> Array:
    """Weighted sums of slices; planes[:, 0] is slice `start` of the volume."""
    channels, _, height, width = planes.shape
    local = Weights(weights.starts - start, weights.stops - start, weights.values)
    if weights.values.shape[1] == 1:
        return planes[:, local.starts]
    summed = [
        along_rows(channel.reshape(len(channel), -1), local) for channel in planes
    ]
    return np.stack(summed).reshape(channels, -1, height, width)


def _rounded(array: Array, dtype: np.dtype) -> Array:
    if array.dtype == dtype:
        return array
    if dtype.kind == "f":
        return array.astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(array), limits.min, limits.max).astype(dtype)
