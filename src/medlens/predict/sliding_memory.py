"""How much memory a sliding window takes, known before it starts."""

from __future__ import annotations

import math
from dataclasses import replace

from medlens.core import Array, ResourceError, is_mapped
from medlens.predict.sliding_settings import Sliding
from medlens.predict.tiles import build_tiling

MB = 1e6
BASE_MB = 150.0
"""Python, numpy, OpenCV and ONNX Runtime after loading (measured: 110 to 140 MB)."""

NET_FLOATS = 160
"""Numbers that a network holds for each voxel of a patch where nobody measured it:
five layers of 32 channels at full resolution, the width at which nnU-Net starts."""


def needed_mb(
    volume: Array,
    settings: Sliding,
    *,
    labels: int,
    answers: tuple[Array | None, ...] = (),
) -> dict[str, float]:
    """MB by what holds them; their sum is the largest resident memory expected.

    Args:
        volume: (C, D, H, W); counts unless it lies in a file.
        settings: patch, batch, precision and the network's own need.
        labels: K, layers of the network's answer.
        answers: arrays that are filled; count unless they lie in files.
    """
    tiling = build_tiling(volume.shape[1:], settings.patch, overlap=settings.overlap)
    _, rows, columns = tiling.padded
    item = 2 if settings.precision == "float16" else 4
    tile = math.prod(settings.patch) * settings.batch
    inputs = volume.shape[0] * (2 * settings.context + 1)
    net_mb = settings.net_mb
    if net_mb is None:
        net_mb = tile * NET_FLOATS * 4 / MB
    held = [volume, *(a for a in answers if a is not None)]
    # A slice on both grids, a neighbour, and what interpolation puts beside them.
    plane = max([rows * columns, *(a[0].size for a in held[1:] if a.ndim == 3)])
    return {
        "the program": BASE_MB,
        "the network": net_mb,
        "slabs being blended": labels * settings.patch[0] * rows * columns * item / MB,
        # the patch and its mirrored copy; the answer, its copy, its weighted copy
        "patches": tile * (2 * inputs + 3 * labels + 1) * 4 / MB,
        "finished slices": 8 * labels * plane * 4 / MB,
        "arrays in memory": sum(a.nbytes for a in held if not is_mapped(a)) / MB,
    }


def check_memory(
    volume: Array,
    settings: Sliding,
    *,
    labels: int,
    answers: tuple[Array | None, ...] = (),
    case: str = "volume",
) -> float:
    """MB that the work needs.

    Raises:
        ResourceError: more than `settings.memory_mb`; with both figures, the
            largest part and the settings that would make it fit.
    """
    parts = needed_mb(volume, settings, labels=labels, answers=answers)
    total = sum(parts.values())
    if total <= settings.memory_mb:
        return total
    largest = max(parts, key=lambda name: parts[name])
    size = "×".join(str(n) for n in volume.shape[1:])
    remedies = _remedies(volume, settings, labels=labels, answers=answers)
    raise ResourceError(
        f"{case}: a volume of {size} voxels with {labels} labels needs about "
        f"{total:.0f} MB and {settings.memory_mb:.0f} MB may be used; most goes to "
        f"{largest} ({parts[largest]:.0f} MB); {'; or '.join(remedies)}"
    )


def _remedies(
    volume: Array, settings: Sliding, *, labels: int, answers: tuple[Array | None, ...]
) -> list[str]:
    """Settings that would fit, the least harmful first; at the end the limit."""

    def total(changed: Sliding) -> float:
        parts = needed_mb(volume, changed, labels=labels, answers=answers)
        return sum(parts.values())

    depth, height, width = settings.patch
    half = (depth // 2 or 1, height // 2 or 1, width // 2 or 1)

    # A network's need grows with the voxels that it sees at once.
    def net(share: float) -> float | None:
        return None if settings.net_mb is None else settings.net_mb * share

    shrunk = math.prod(half) / math.prod(settings.patch)
    tries = {
        "set sliding.batch to 1": replace(
            settings, batch=1, net_mb=net(1 / settings.batch)
        ),
        "set sliding.precision to float16": replace(settings, precision="float16"),
        f"set sliding.patch to {half}": replace(
            settings, patch=half, net_mb=net(shrunk)
        ),
    }
    fitting = [
        f"{name} ({total(changed):.0f} MB)"
        for name, changed in tries.items()
        if changed != settings and total(changed) <= settings.memory_mb
    ]
    arrays = needed_mb(volume, settings, labels=labels, answers=answers)
    need = sum(arrays.values())
    if arrays["arrays in memory"] > 0 and not fitting:
        fitting.append(
            "keep the volume and the answers in memory-mapped files "
            f"({need - arrays['arrays in memory']:.0f} MB)"
        )
    return [*fitting, f"raise sliding.memory_mb to {math.ceil(need)}"]
