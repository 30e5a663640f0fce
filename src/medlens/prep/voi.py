"""VOI LUT and windows of DICOM PS3.3 C.11.2, formula by formula."""

from __future__ import annotations

import numpy as np

from medlens.core import Array, PrepError, Voi
from medlens.prep.planes import map_values


def apply_voi(array: Array, voi: Voi, *, case: str = "image") -> Array:
    """Values as the file asks for them to be shown, float32 in 0..1.

    Args:
        array: any shape, in the unit that `voi` is in.
        voi: a table, or a window with its function.
        case: local key, for messages.

    Raises:
        PrepError: the window's width, or the table, cannot be used.
    """
    if voi.lut is not None:
        return _apply_table(array, voi.lut, first=voi.lut_first, case=case)
    if not np.isfinite([voi.center, voi.width]).all():
        raise PrepError(
            f"{case}: VOI window has a centre or width that is not finite; put step "
            "'window' or 'percentile' in place of 'display'"
        )
    smallest = 1.0 if voi.function == "LINEAR" else 0.0
    if voi.width < smallest or (voi.width == 0 and smallest == 0):
        raise PrepError(
            f"{case}: VOI window has width {voi.width:g}, wanted "
            f"{'1 or more' if smallest else 'above 0'} ({voi.function}); put step "
            "'window' or 'percentile' in place of 'display'"
        )
    return window_values(
        array, center=voi.center, width=voi.width, function=voi.function
    )


def window_values(
    array: Array, *, center: float, width: float, function: str = "LINEAR"
) -> Array:
    """Window a value range onto 0..1 by one of the three DICOM functions.

    Args:
        array: any shape and unit.
        center, width: in the unit of `array`; width at least 1 for LINEAR and
            above 0 for the others.
        function: LINEAR (C.11.2.1.2.1: a width of w spans w − 1 steps, centred
            half a step below `center`), LINEAR_EXACT (C.11.2.1.3.2) or
            SIGMOID (C.11.2.1.3.1).

    Returns:
        float32, same shape, 0..1.
    """
    if function == "SIGMOID":

        def sigmoid(values: Array) -> Array:
            # clipped where float32 would overflow; the result is 0 or 1 there
            power = np.clip(-4.0 * (values - center) / width, -60, 60)
            return np.asarray(1.0 / (1.0 + np.exp(power)))

        return map_values(array, sigmoid)
    if function == "LINEAR":
        center, width = center - 0.5, width - 1.0
    if width == 0:  # LINEAR of width 1: a step just above center − 0.5
        return map_values(array, lambda values: values > center)
    return map_values(
        array, lambda values: np.clip((values - center) / width + 0.5, 0, 1)
    )


def _apply_table(array: Array, lut: Array, *, first: float, case: str) -> Array:
    """C.11.2.1.1: values below the table take its first entry, above its last."""
    table = np.asarray(lut, dtype=np.float64).reshape(-1)
    if table.size == 0 or not np.isfinite(table).all():
        raise PrepError(
            f"{case}: VOI LUT has no entries or entries that are not finite; put step "
            "'percentile' in place of 'display'"
        )
    last = table.size - 1

    def pick(values: Array) -> Array:
        index = np.clip(np.rint(values - first), 0, last).astype(np.int64)
        return np.asarray(np.clip(table[index], 0, 1))

    return map_values(array, pick)
