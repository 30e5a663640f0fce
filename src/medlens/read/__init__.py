"""Bytes → Image: DICOM, NIfTI, PNG, JPEG, TIFF, BMP, WebP and MedMNIST .npz."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from medlens.read.npz import NpzArray, list_arrays, open_array
from medlens.read.open import list_members, open_image, open_preview

if TYPE_CHECKING:
    from medlens.read.series import (
        Found,
        LeftOut,
        Series,
        Slice,
        find_series,
        join_slices,
        open_series,
        picture_series,
    )

# Series need pydicom, which reading a picture must not load.
_SERIES = (
    "Found", "LeftOut", "Series", "Slice", "find_series", "join_slices", "open_series",
    "picture_series",
)  # fmt: skip

__all__ = [
    "Found",
    "LeftOut",
    "NpzArray",
    "Series",
    "Slice",
    "find_series",
    "join_slices",
    "list_arrays",
    "list_members",
    "open_array",
    "open_image",
    "open_preview",
    "open_series",
    "picture_series",
]


def __getattr__(name: str) -> Any:
    """Import a name of the series when it is first asked for."""
    if name not in _SERIES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module("medlens.read.series"), name)
    globals()[name] = value
    return value
