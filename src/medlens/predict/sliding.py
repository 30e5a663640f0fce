"""A network that sees patches, run over a whole volume.

Patches are answered layer by layer along D. What is held are the slabs that the next
layer still adds to, never the whole answer: a slice is handed on as soon as no later
patch can reach it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations, islice, pairwise, product

import numpy as np

from medlens.core import Array, BundleError, UsageError, release
from medlens.predict.on_source import Planes, SourceGrid, lay_on_source
from medlens.predict.sliding_memory import check_memory
from medlens.predict.sliding_settings import Sliding
from medlens.predict.tiles import FloatArray, Tiling, Triple, build_tiling, cut_tile

Net = Callable[[FloatArray], FloatArray]
"""(B, C, d, h, w) float32 → logits (B, K, d, h, w); any engine."""

Progress = Callable[[int, int], None]
"""Called with the patches done and their total."""


def predict_volume(
    volume: Array,
    net: Net,
    *,
    labels: int,
    settings: Sliding,
    grid: SourceGrid | None = None,
    out: Array | None = None,
    probabilities: Array | None = None,
    on_progress: Progress | None = None,
    case: str = "volume",
    held: tuple[Array, ...] = (),
) -> Array:
    """Most probable label of every voxel.

    Args:
        volume: (C, D, H, W), prepared, any real dtype; may be memory-mapped.
        net: answers a batch of patches; may give float16 or float32.
        labels: K, 2 to 256; label 0 is the background.
        settings: see `Sliding`.
        grid: of the source image, where the answer shall lie on it; None for the
            volume's own. `out` and `probabilities` are of its shape.
        out: (D, H, W) uint8 to fill, memory-mapped or not; made where None.
        probabilities: (K, D, H, W) floats to fill as well, or None.
        on_progress: called after each call of the network.
        case: local key, for messages.
        held: other arrays that stay in memory meanwhile, as the source image.

    Returns:
        `out`: (D, H, W) uint8, indices of labels.

    Raises:
        ResourceError: it would not fit; before anything is computed.
        BundleError: the network answers with another shape, or not finite.
        UsageError: an array or a setting is of the wrong shape or range.
    """
    _check_volume(volume, labels, case)
    shape = volume.shape[1:] if grid is None else grid.shape
    out = np.empty(shape, np.uint8) if out is None else out
    check_answers(out, probabilities, (labels, *shape))
    answers = (out, probabilities, *held)
    check_memory(volume, settings, labels=labels, answers=answers, case=case)
    logits = sweep(
        volume, net, labels=labels, settings=settings, on_progress=on_progress,
        case=case,
    )  # fmt: skip
    if grid is not None and grid.is_same:
        grid = None
    # Softmax keeps the order of the logits: it costs nothing where nobody looks.
    planes = logits
    if grid is not None or probabilities is not None:
        planes = to_probabilities(logits)
    if grid is not None:
        planes = lay_on_source(planes, grid)
    fill_answers(planes, out, probabilities)
    return out


def sweep(
    volume: Array,
    net: Net,
    *,
    labels: int,
    settings: Sliding,
    on_progress: Progress | None = None,
    case: str = "volume",
) -> Planes:
    """Blended logits slice by slice, as soon as each is finished.

    Arguments as for `predict_volume`; memory is planned there, or by
    `check_memory`.

    Yields:
        d and (K, H, W) float32, d ascending from 0; every slice once. The array is
        the receiver's.

    Raises:
        BundleError: the network answers with another shape, or not finite.
    """
    tiling = build_tiling(volume.shape[1:], settings.patch, overlap=settings.overlap)
    depth, rows, columns = tiling.d.patch, *tiling.padded[1:]
    slab = np.zeros((labels, depth, rows, columns), dtype=settings.precision)
    starts = (*tiling.d.starts, tiling.d.padded)
    per_layer = tiling.count // len(tiling.d.starts)
    for layer, (start, following) in enumerate(pairwise(starts)):
        for done in _add_layer(slab, volume, net, tiling, layer, settings, case):
            if on_progress is not None:
                on_progress(layer * per_layer + done, tiling.count)
        yield from _finished(slab, tiling, start, following)
        _advance(slab, following - start)
        release(volume)


def to_probabilities(planes: Planes) -> Planes:
    """Softmax over K of each slice, in its own memory."""
    for d, logits in planes:
        logits -= logits.max(axis=0)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=0)
        yield d, logits


def fill_answers(planes: Planes, out: Array, probabilities: Array | None) -> None:
    """Write each slice's most probable label, and its probabilities if wanted."""
    for count, (d, plane) in enumerate(planes, start=1):
        out[d] = plane.argmax(axis=0)
        if probabilities is not None:
            probabilities[:, d] = plane
        if count % 16 == 0:
            release(out)
            if probabilities is not None:
                release(probabilities)


def check_answers(
    out: Array, probabilities: Array | None, shape: tuple[int, ...]
) -> None:
    """Whether the arrays to fill are of shape (K, D, H, W), the labels' without K.

    Raises:
        UsageError: one is not, or is of the wrong kind of number.
    """
    if out.shape != shape[1:] or out.dtype != np.uint8:
        raise UsageError(
            f"out is {out.dtype} of shape {out.shape}; wanted uint8 {shape[1:]}"
        )
    if probabilities is None:
        return
    if probabilities.shape != shape or probabilities.dtype.kind != "f":
        raise UsageError(
            f"probabilities is {probabilities.dtype} of shape {probabilities.shape}; "
            f"wanted floats {shape}"
        )


def _check_volume(volume: Array, labels: int, case: str) -> None:
    if volume.ndim != 4 or volume.dtype.kind not in "fiub":
        raise UsageError(
            f"{case}: the volume is {volume.dtype} of shape {volume.shape}; wanted "
            "real numbers (C, D, H, W)"
        )
    if not 2 <= labels <= 256:
        raise UsageError(f"{case}: {labels} labels; wanted 2 to 256")


def _add_layer(
    slab: Array,
    volume: Array,
    net: Net,
    tiling: Tiling,
    layer: int,
    settings: Sliding,
    case: str,
) -> Iterator[int]:
    """Blend all tiles of one layer into the slab; yields how many are done."""
    places = iter(product(range(len(tiling.h.starts)), range(len(tiling.w.starts))))
    done = 0
    while group := list(islice(places, settings.batch)):
        tiles = [
            cut_tile(
                volume,
                tiling,
                (layer, i, j),
                fill=settings.fill,
                context=settings.context,
            )
            for i, j in group
        ]
        logits = _answer(net, np.stack(tiles), len(slab), settings.mirror, case)
        for answer, (i, j) in zip(logits, group, strict=True):
            _blend(slab, answer, tiling, (layer, i, j))
        done += len(group)
        yield done


def _answer(
    net: Net, patches: FloatArray, labels: int, mirror: tuple[int, ...], case: str
) -> FloatArray:
    """Logits (B, K, d, h, w), averaged over all flips."""
    wanted = (len(patches), labels, *patches.shape[2:])
    total = _checked(net(patches), wanted, case)
    flips = [
        tuple(axis + 2 for axis in chosen)
        for n in range(1, len(mirror) + 1)
        for chosen in combinations(mirror, n)
    ]
    for axes in flips:
        logits = _checked(
            net(np.ascontiguousarray(np.flip(patches, axes))), wanted, case
        )
        total = total + np.flip(logits, axes)
    return total / np.float32(1 + len(flips)) if flips else total


def _checked(logits: Array, wanted: tuple[int, ...], case: str) -> FloatArray:
    """The network's answer as float32.

    Raises:
        BundleError: it is of another shape, or not finite.
    """
    if logits.shape != wanted:
        raise BundleError(
            f"{case}: the network answers with shape {logits.shape}; wanted {wanted} "
            "(batch, labels, D, H, W); pack it with the labels and the patch that it "
            "was trained with"
        )
    if not np.isfinite(logits).all():
        raise BundleError(
            f"{case}: the network answers with a logit that is not finite; check "
            "that its input is prepared as in training, or export it again"
        )
    return logits.astype(np.float32, copy=False)


def _blend(slab: Array, logits: FloatArray, tiling: Tiling, at: Triple) -> None:
    """Add one tile's logits (K, d, h, w), weighted."""
    layer, i, j = at
    top, left = tiling.h.starts[i], tiling.w.starts[j]
    rows, columns = slice(top, top + tiling.h.patch), slice(left, left + tiling.w.patch)
    across = np.multiply.outer(tiling.h.weights[i], tiling.w.weights[j])
    # One slice at a time stays in the processor's cache.
    for z, weight in enumerate(tiling.d.weights[layer]):
        slab[:, z, rows, columns] += logits[:, z] * (across * weight)


def _finished(slab: Array, tiling: Tiling, start: int, following: int) -> Planes:
    """Slices of the volume that lie before the next layer's first."""
    _, height, width = tiling.shape
    top, left = tiling.h.margin, tiling.w.margin
    for z in range(following - start):
        d = start + z - tiling.d.margin
        if 0 <= d < tiling.d.length:
            plane = slab[:, z, top : top + height, left : left + width]
            yield d, plane.astype(np.float32)


def _advance(slab: Array, step: int) -> None:
    """Move the slab on by `step` slices, in its own memory."""
    depth = slab.shape[1]
    for z in range(depth - step):
        slab[:, z] = slab[:, z + step]
    slab[:, depth - step :] = 0
