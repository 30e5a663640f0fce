"""Values of volumes brought onto one scale, by statistics taken slab by slab.

The same steps as in `intensity.py` and `normalise.py`, on streams: a first pass
takes the statistics of the whole volume, then each slice is mapped alone. Nothing
larger than a slab is ever copied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np

from medlens.core import Array, Image, PrepError
from medlens.prep import intensity, normalise
from medlens.prep.planes import map_values, to_known_depth
from medlens.prep.stream import Stream

NYUL_SHARES = (1.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 99.0)
"""Percentiles that Nyúl's scale is tied to."""

NYUL_ENDS = (0.05, 0.95)
"""Where the first and the last of them lie on the standard scale; room beyond."""


def display(stream: Stream, *, low: float = 0.5, high: float = 99.5) -> Stream:
    """As `intensity.display`."""
    head = stream.head
    has_range = head.array.dtype.kind in "iu" or head.valid_min is not None
    if head.stage == "windowed" or head.voi is not None:
        return stream.then(partial(intensity.display, low=low, high=high))
    if head.bits_stored <= 8 and has_range:
        return unit(stream)
    return percentile(stream, low=low, high=high)


def unit(stream: Stream) -> Stream:
    """As `intensity.unit`."""
    low, high = stream.head.valid_min, stream.head.valid_max
    if low is None or high is None or high <= low:
        low, high = stream.extremes()
        if stream.head.array.dtype.kind == "u":
            low, high = 0.0, max(high, float(2**stream.head.bits_stored - 1))
    return _mapped(stream, partial(intensity.linear, low=low, high=high))


def percentile(
    stream: Stream,
    *,
    low: float = 0.5,
    high: float = 99.5,
    headroom: float = 0.0,
    foreground: bool = False,
) -> Stream:
    """Two percentiles of the volume's own values, mapped onto 0..1 and clipped.

    Channels are taken together, so that colours keep their balance. Exact for
    integers; for floating point from at most a million voxels, evenly spaced.
    Where the percentiles coincide the smallest and largest value are used; a
    constant volume becomes 0.

    Args:
        stream: any stage.
        low, high: percentiles, 0..100.
        headroom: share of 0..1 left for values above `high`, which then becomes
            1 - headroom. A bright finding smaller than the voxels above `high` is
            cut flat without it.
        foreground: percentiles of what is above the smallest value (MR with a
            black background).
    """
    above = stream.extremes()[0] if foreground else None
    bottom, top = percentiles(stream, (low, high), above=above)
    if top <= bottom:
        bottom, top = stream.extremes()
    top = bottom + (top - bottom) / (1.0 - headroom)
    return _mapped(stream, partial(intensity.linear, low=bottom, high=top))


def z_score(stream: Stream, *, clip: float = 3.0, foreground: bool = False) -> Stream:
    """Distance from the volume's own mean in standard deviations, as 0..1.

    The mean becomes 0.5, `clip` standard deviations below and above it 0 and 1.
    A constant volume becomes 0.5.

    Args:
        stream: any stage.
        clip: in standard deviations, above 0.
        foreground: take mean and deviation from voxels above the smallest value
            only (MR with a black background).
    """
    above = stream.extremes()[0] if foreground else None
    mean, deviation = moments(stream, above=above)
    return stream.then(
        partial(normalise.statistics, mean=mean, deviation=deviation, clip=clip)
    )


def nyul(
    stream: Stream, *, landmarks: Sequence[float], foreground: bool = True
) -> Stream:
    """MR values on the standard scale of the training volumes, 0..1.

    The volume's own percentiles 1, 10, 20, …, 90, 99 go to the landmarks, with
    straight lines between and, as steep as the outermost, beyond them (Nyúl and
    Udupa, Magn. Reson. Med. 42, 1999, 1072–1081; Nyúl, Udupa and Zhang, IEEE
    TMI 19, 2000, 143–150).

    Args:
        stream: one channel, any stage.
        landmarks: eleven, growing, in 0..1; from `fit_nyul`.
        foreground: percentiles of what is above the volume's mean.

    Raises:
        PrepError: the landmarks do not grow.
    """
    scale = np.asarray(landmarks, dtype=np.float64)
    if len(scale) != len(NYUL_SHARES) or (np.diff(scale) <= 0).any():
        raise PrepError(
            f"{stream.head.case}: step 'nyul' has landmarks that do not grow; take "
            "the eleven that fit_nyul gives for the training volumes"
        )
    found = _nyul_percentiles(stream, foreground)
    if found is None:
        return _mapped(stream, lambda v: np.zeros(v.shape, np.float32))

    def place(values: Array) -> Array:
        inner = np.interp(values, found, scale)
        for at, neighbour, beyond in ((0, 1, np.minimum), (-1, -2, np.maximum)):
            slope = (scale[at] - scale[neighbour]) / (found[at] - found[neighbour])
            inner += beyond(values - found[at], 0) * slope
        return np.asarray(np.clip(inner, 0, 1))

    return _mapped(stream, lambda v: map_values(v, place))


def fit_nyul(images: Iterable[Image], *, foreground: bool = True) -> tuple[float, ...]:
    """Landmarks of the standard scale for step `nyul`, from training volumes.

    Args:
        images: one at a time, as they stand before the step.
        foreground: as the step will have it.

    Returns:
        Eleven growing numbers in 0..1: the mean places of the percentiles, each
        volume's percentiles 1 and 99 laid at `NYUL_ENDS`.

    Raises:
        PrepError: no volume holds more than one value.
    """
    low, high = NYUL_ENDS
    total, count = np.zeros(len(NYUL_SHARES)), 0
    for image in images:
        admitted = image.with_array(to_known_depth(image.array))
        found = _nyul_percentiles(Stream.of(admitted), foreground)
        if found is not None:
            share = (found - found[0]) / (found[-1] - found[0])
            total, count = total + low + share * (high - low), count + 1
    if not count:
        raise PrepError(
            "fit_nyul: found no volume with more than one value; pass the training "
            "volumes"
        )
    return tuple(round(float(v), 6) for v in _growing(total / count))


def percentiles(
    stream: Stream, shares: Sequence[float], *, above: float | None = None
) -> list[float]:
    """Percentiles of all values, or of those above one; see `percentile`."""
    if stream.head.array.dtype in (np.uint8, np.uint16, np.int16):
        first = np.iinfo(stream.head.array.dtype).min
        counts: Array = np.zeros(1, np.int64)
        for _, _, slab in stream.slabs():
            for channel in slab.array:
                counts = counts + intensity.counts_of(channel.reshape(-1))
        if above is not None:
            below = int(np.floor(above)) - first + 1
            if counts[below:].any():
                counts[:below] = 0
        return intensity.percentiles_of_counts(counts, shares, first=first)
    sample = _sample(stream)
    if above is not None and (sample > above).any():
        sample = sample[sample > above]
    return [float(v) for v in np.percentile(sample, list(shares))]


def moments(stream: Stream, *, above: float | None = None) -> tuple[float, float]:
    """Mean and standard deviation of all values, or of those above one.

    Sums are float64; where nothing is above, everything counts.
    """

    def values() -> Iterable[Array]:
        for _, _, slab in stream.slabs():
            array = slab.array.astype(np.float32, copy=False)
            yield array if above is None else array[array > above]

    count = sum(part.size for part in values())
    if count == 0:
        return moments(stream)
    mean = sum(float(part.sum(dtype=np.float64)) for part in values()) / count
    square = sum(
        float(np.square(part - np.float32(mean), dtype=np.float64).sum())
        for part in values()
    )
    return mean, float(np.sqrt(square / count))


def _nyul_percentiles(stream: Stream, foreground: bool) -> Array | None:
    above = moments(stream)[0] if foreground else None
    found = np.asarray(percentiles(stream, NYUL_SHARES, above=above))
    return _growing(found) if found[-1] > found[0] else None


def _growing(values: Array) -> Array:
    """Values with equal neighbours set apart by a millionth of their range."""
    least = (values[-1] - values[0]) * 1e-6
    steps = np.maximum(np.diff(values), least)
    return np.asarray(np.concatenate([values[:1], values[0] + np.cumsum(steps)]))


def _sample(stream: Stream) -> Array:
    """Every n-th value, the same that `intensity.percentiles` would take."""
    channels, depth, height, width = stream.shape
    size = channels * depth * height * width
    step = max(1, -(-size // intensity.LARGEST_SAMPLE))
    parts = []
    for first, _, slab in stream.slabs():
        for c, channel in enumerate(slab.array):
            start = (c * depth + first) * height * width
            # a copy: a view would keep the whole slab
            parts.append(channel.reshape(-1)[-start % step :: step].copy())
    return np.concatenate(parts)


def _mapped(stream: Stream, change: Callable[[Array], Array]) -> Stream:
    return stream.then(
        lambda slab: slab.with_array(
            change(slab.array),
            stage="windowed",
            voi=None,
            valid_min=0.0,
            valid_max=1.0,
        )
    )
