"""N4: the slow drift of brightness of MR volumes, estimated and divided away.

N. J. Tustison et al., N4ITK: improved N3 bias correction, IEEE TMI 29 (2010)
1310–1320, as SimpleITK has it.
"""

from __future__ import annotations

import numpy as np

from medlens.core import Array, Geometry, Image, MissingExtraError, PrepError
from medlens.prep.stream import Stream, collect
from medlens.prep.volume import scale_stream

LEAST_SIDE = 16
"""Voxels along an axis below which it is not shrunk further."""

MOST_WORK = 1 << 25
"""Voxels of the shrunken volume times iterations; some minutes."""


def bias_correct(
    stream: Stream, *, shrink: int = 4, iterations: int = 30, levels: int = 3
) -> Stream:
    """The volume divided by its bias field; brightness stays as it is on average.

    The field is estimated on a shrunken copy, from what lies above Otsu's
    threshold, on one thread, so that the same volume gives the same field.

    Args:
        stream: MR values that are not negative; channels each on their own.
        shrink: factor along each axis that is long enough for it.
        iterations: at most, at each level.
        levels: of the field's grid, each twice as fine.

    Raises:
        MissingExtraError: SimpleITK is not installed.
        PrepError: negative values, or the shrunken volume is too large.
    """
    if stream.extremes()[0] < 0:
        raise PrepError(
            f"{stream.head.case}: step 'bias_correct' found negative values; it is "
            "meant for MR before any step that centres the values, leave it out for "
            "other images"
        )
    counts = [max(min(n, LEAST_SIDE), round(n / shrink)) for n in stream.shape[1:]]
    if int(np.prod(counts)) * iterations * levels > MOST_WORK:
        raise PrepError(
            f"{stream.head.case}: step 'bias_correct' would work on "
            f"{'×'.join(map(str, counts))} voxels for {iterations} iterations at "
            f"{levels} levels; raise shrink"
        )
    # every n-th voxel and no means: mixtures at borders would blur the histogram
    small = collect(
        scale_stream(
            stream, counts, across="nearest", through="nearest", step="bias_correct"
        )
    )
    fields = [
        _log_field(channel, small.geometry, iterations=iterations, levels=levels)
        for channel in small.array.astype(np.float32)
    ]
    field = Stream.of(
        Image(np.stack(fields), small.geometry, provenance=small.provenance)
    )
    field = scale_stream(field, stream.shape[1:], step="bias_correct")

    def corrected(first: int, last: int) -> Image:
        slab = stream.read(first, last)
        values = slab.array * np.exp(-field.read(first, last).array)
        if slab.stage == "windowed":
            values = np.clip(values, 0, 1)
        return slab.with_array(values.astype(np.float32, copy=False))

    return Stream(corrected(0, 1), stream.depth, corrected)


def _log_field(
    values: Array, geometry: Geometry, *, iterations: int, levels: int
) -> Array:
    """(D, H, W) float32: logarithm of the field, 0 on average over what counts."""
    try:
        import SimpleITK as sitk
    except ImportError:
        raise MissingExtraError("step 'bias_correct'", "volumes") from None
    if values.max() <= values.min():
        return np.zeros_like(values)
    is_flat = values.shape[0] == 1
    spacing = geometry.spacing[1:] if is_flat else geometry.spacing
    # SimpleITK counts x first, and takes an array (D, H, W) as it is
    picture = sitk.GetImageFromArray(values[0] if is_flat else values)
    picture.SetSpacing(spacing[::-1])
    counted = sitk.OtsuThreshold(picture, 0, 1, 128)
    corrector = sitk.N4BiasFieldCorrectionImageFilter()
    corrector.SetNumberOfThreads(1)
    corrector.SetMaximumNumberOfIterations([iterations] * levels)
    corrector.Execute(picture, counted)
    found = sitk.GetArrayFromImage(corrector.GetLogBiasFieldAsImage(picture))
    field = np.asarray(found, dtype=np.float32).reshape(values.shape)
    inside = sitk.GetArrayFromImage(counted).reshape(values.shape) > 0
    return np.asarray(field - field[inside].mean())
