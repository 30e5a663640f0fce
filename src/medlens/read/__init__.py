"""Bytes → Image: DICOM, NIfTI, PNG, JPEG, TIFF, BMP, WebP and MedMNIST .npz."""

from medlens.read.npz import NpzArray, list_arrays, open_array
from medlens.read.open import list_members, open_image, open_preview

__all__ = [
    "NpzArray",
    "list_arrays",
    "list_members",
    "open_array",
    "open_image",
    "open_preview",
]
