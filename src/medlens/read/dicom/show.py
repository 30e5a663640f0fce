"""Rescaled values as a display would show them, 0…255 (PS3.3 C.11.2.1)."""

from __future__ import annotations

import numpy as np

from medlens.core import Array, Voi


def show(values: Array, voi: Voi | None, span: tuple[float, float] | None) -> Array:
    """uint8 of the same shape: the VOI applied, or the whole span without one."""
    if voi is None:
        low, high = span or (float(values.min()), float(values.max()))
        unit = (values - np.float64(low)) / max(high - low, 1e-12)
    elif voi.lut is not None:
        index = np.clip(values - np.float64(voi.lut_first), 0, len(voi.lut) - 1)
        unit = voi.lut[index.astype(np.int64)]
    elif voi.function == "SIGMOID":
        slope = (values - np.float64(voi.center)) / voi.width
        unit = 1 / (1 + np.exp(-4 * np.clip(slope, -100, 100)))
    elif voi.function == "LINEAR":
        width = max(voi.width - 1, 1e-12)
        unit = (values - (np.float64(voi.center) - 0.5)) / width + 0.5
    else:
        unit = (values - np.float64(voi.center)) / voi.width + 0.5
    shown: Array = np.rint(np.clip(unit, 0, 1) * 255).astype(np.uint8)
    return shown
