"""Plain pictures that a table numbers → a series without physical size."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

from medlens.core import ReadError
from medlens.read.series.series import Series, make_series
from medlens.read.series.slices import Slice


def picture_series(
    paths: Sequence[str | os.PathLike[str]],
    numbers: Sequence[float],
    *,
    case: str,
    cases: Sequence[str] | None = None,
    members: Sequence[str] | None = None,
) -> Series:
    """A series of PNG, JPEG, TIFF or other pictures, sorted by slice number.

    The number stands for the place along the normal, so that missing, doubled
    and uneven numbers are found as in DICOM. Geometry is uncalibrated: one
    pixel and one number count as 1, and no length may be told.

    Args:
        paths: the pictures, in any order.
        numbers: slice number of each; finite.
        case: local key of the series.
        cases: local keys of the pictures; default: bare names.
        members: image inside each file; default: its only one.

    Raises:
        ReadError: no picture, or a number that is none.
    """
    count = len(paths)
    names = [Path(path).name for path in paths] if cases is None else list(cases)
    inside = [""] * count if members is None else list(members)
    if not (len(numbers) == len(names) == len(inside) == count):
        raise ValueError("paths, numbers, cases and members differ in length")
    if not count:
        raise ReadError(f"{case}: the series has no slice; wanted one or more")
    bad = [name for name, z in zip(names, numbers, strict=True) if not _is_place(z)]
    if bad:
        raise ReadError(
            f"{case}: the slice number of '{bad[0]}' is no finite number below 1e9; "
            "wanted the place of the slice, such as 1, 2, 3"
        )
    slices = [
        Slice(
            Path(path), name, member, (0.0, 0.0, float(z)), (1.0, 0.0, 0.0),
            (0.0, 1.0, 0.0), (1.0, 1.0), is_calibrated=False,
        )
        for path, name, member, z in zip(paths, names, inside, numbers, strict=True)
    ]  # fmt: skip
    return make_series(case, slices)


def _is_place(number: float) -> bool:
    return math.isfinite(number) and abs(number) < 1e9
