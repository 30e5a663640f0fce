"""Checked reading of constants from a bundle that may have been tampered with."""

from __future__ import annotations

import base64
import binascii
import math
from typing import Any

import numpy as np

from medlens.core import Array, BundleError

MAX_LABELS = 1000
MAX_TEXT = 200


def read_object(data: object, *, where: str, keys: tuple[str, ...]) -> dict[str, Any]:
    """The JSON object, after a look that it has exactly these keys."""
    if not isinstance(data, dict):
        raise BundleError(
            f"{where}: found {type(data).__name__}, wanted a JSON object; "
            "the bundle is damaged, export it again"
        )
    if missing := [key for key in keys if key not in data]:
        raise BundleError(
            f"{where}: {', '.join(missing)} missing; the bundle is damaged, "
            "export it again"
        )
    if unknown := sorted(str(key)[:40] for key in data if key not in keys)[:5]:
        raise BundleError(
            f"{where}: unknown {', '.join(unknown)}; wanted only {', '.join(keys)}; "
            "the bundle is newer than this medlens or damaged"
        )
    return data


def read_number(value: object, *, where: str, low: float, high: float) -> float:
    """A finite number in low..high."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BundleError(f"{where}: found {type(value).__name__}, wanted a number")
    # Compared before float(): a JSON integer may have too many digits for it.
    if not low <= value <= high or not math.isfinite(value):
        raise BundleError(f"{where}: out of range, wanted {low:g}..{high:g}")
    return float(value)


def read_text(value: object, *, where: str, one_of: tuple[str, ...] = ()) -> str:
    """A short string, one of a list where there is one."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise BundleError(f"{where}: wanted text of at most {MAX_TEXT} characters")
    if one_of and value not in one_of:
        raise BundleError(f"{where}: found {value!r}, wanted {' or '.join(one_of)}")
    return value


def read_flag(value: object, *, where: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise BundleError(
            f"{where}: found {type(value).__name__}, wanted true or false"
        )
    return value


def read_vector(value: object, *, where: str, low: float, high: float) -> Array:
    """(K,) float64 from a list of 1..MAX_LABELS numbers in low..high."""
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_LABELS:
        raise BundleError(f"{where}: wanted a list of 1 to {MAX_LABELS} numbers")
    numbers = [read_number(item, where=where, low=low, high=high) for item in value]
    return freeze(np.array(numbers, dtype=np.float64))


def pack_array(array: Array) -> dict[str, Any]:
    """JSON object of a float32 array: its shape and little-endian bytes, base64."""
    data = np.ascontiguousarray(array, dtype="<f4")
    return {
        "shape": list(data.shape),
        "float32": base64.b64encode(data.tobytes()).decode("ascii"),
    }


def unpack_array(data: object, *, where: str, shape: tuple[int, ...]) -> Array:
    """The array of `pack_array`, of exactly this shape, all finite, read-only."""
    entry = read_object(data, where=where, keys=("shape", "float32"))
    if entry["shape"] != list(shape):
        raise BundleError(f"{where}: shape does not fit, wanted {list(shape)}")
    text, size = entry["float32"], 4 * math.prod(shape)
    if not isinstance(text, str) or len(text) != 4 * math.ceil(size / 3):
        raise BundleError(f"{where}: wanted {size} bytes as base64")
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BundleError(f"{where}: not base64; the bundle is damaged") from error
    if len(raw) != size:
        raise BundleError(f"{where}: wanted {size} bytes as base64")
    array = np.frombuffer(raw, dtype="<f4").reshape(shape)
    if not np.isfinite(array).all():
        raise BundleError(f"{where}: holds values that are not finite")
    return array


def freeze(array: Array) -> Array:
    """The array, read-only from now on."""
    array.setflags(write=False)
    return array
