"""Any numbers as 16-bit stored values with a rescale that gives them back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from medlens.core import Array
from medlens.serve.receive.wrap import as_decimal

_LEVELS = 65_535


@dataclass(frozen=True)
class Stored16:
    """How values become 16-bit stored values.

    Attributes:
        dtype: "<i2" or "<u2".
        slope, intercept: rescaled value = stored x slope + intercept, exactly as a DS
            in the header says them.
        step: largest distance between a value and what comes back, in its unit; 0
            where every value comes back.
    """

    dtype: str
    slope: str = "1"
    intercept: str = "0"
    step: float = 0.0

    @property
    def is_signed(self) -> bool:
        """Pixel Representation 1."""
        return self.dtype == "<i2"

    def pack(self, values: Array) -> bytes:
        """Stored values of one plane."""
        stored = values
        if self.slope != "1" or self.intercept != "0":
            exact = values.astype(np.float64) - float(self.intercept)
            stored = np.rint(exact / float(self.slope))
        limits = np.iinfo(self.dtype)
        return np.clip(stored, limits.min, limits.max).astype(self.dtype).tobytes()


def choose_stored(
    planes: Callable[[], Iterable[Array]], *, slope: float | None = None,
    intercept: float = 0.0,
) -> Stored16:  # fmt: skip
    """The finest 16-bit coding of all planes.

    Whole numbers in range are kept as they are; values that came from a 16-bit file
    with a scale keep that scale; all others are laid on 65,536 even levels.

    Args:
        planes: gives them all, as often as it is asked.
        slope, intercept: of the file they came from, or None.
    """
    low, high, whole = _look(planes())
    if whole:
        for dtype in ("<i2", "<u2"):
            if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
                return Stored16(dtype)
    if slope is not None and slope != 0:
        kept = _kept_scale(planes, low, high, slope, intercept)
        if kept is not None:
            return kept
    return _even_levels(low, high)


def _look(planes: Iterable[Array]) -> tuple[float, float, bool]:
    low, high, whole = np.inf, -np.inf, True
    for plane in planes:
        low, high = min(low, float(plane.min())), max(high, float(plane.max()))
        if whole and plane.dtype.kind == "f":
            whole = bool((plane == np.rint(plane)).all())
    return low, high, whole


def _kept_scale(
    planes: Callable[[], Iterable[Array]], low: float, high: float, slope: float,
    intercept: float,
) -> Stored16 | None:  # fmt: skip
    """The file's own scale, where 16 bits of it hold every value."""
    written = as_decimal(slope), as_decimal(intercept)
    ends = sorted((end - float(written[1])) / float(written[0]) for end in (low, high))
    for dtype in ("<i2", "<u2"):
        info: Any = np.iinfo(dtype)
        if ends[0] < info.min - 0.5 or ends[1] > info.max + 0.5:
            continue
        kept = Stored16(dtype, *written)
        worst = max(_miss(plane, kept) for plane in planes())
        # A float32 holds a scaled value to 24 bits; the scale adds as much.
        if worst <= max(abs(low), abs(high), abs(slope)) * 2.0**-22:
            return Stored16(dtype, *written, worst)
    return None


def _miss(plane: Array, coding: Stored16) -> float:
    stored = np.frombuffer(coding.pack(plane), coding.dtype).reshape(plane.shape)
    back = stored * float(coding.slope) + float(coding.intercept)
    return float(np.abs(back - plane).max())


def _even_levels(low: float, high: float) -> Stored16:
    # A little wider than needed: the 16 characters of a DS may round down.
    slope = as_decimal(max((high - low) / _LEVELS * (1 + 1e-7), 1e-30))
    middle = low / 2 + high / 2
    intercept = as_decimal(middle + float(slope) / 2)
    rounding = abs(float(intercept) - middle - float(slope) / 2)
    return Stored16("<i2", slope, intercept, float(slope) / 2 + rounding)
