"""Series of DICOM files written in code, with every voxel's place known."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from .phantoms import dicom, save, sequence

CT, ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1"

# Unit vectors along a row and down a column, LPS, as the standard draws them.
_OBLIQUE = np.linalg.qr(np.array([[0.8, 0.1, 0.3], [-0.2, 0.9, 0.1], [0.3, 0.2, 0.7]]))[
    0
]
PLANES = {
    "axial": ([1, 0, 0], [0, 1, 0]),
    "sagittal": ([0, 1, 0], [0, 0, -1]),
    "coronal": ([1, 0, 0], [0, 0, -1]),
    "oblique": (_OBLIQUE[:, 0].tolist(), _OBLIQUE[:, 1].tolist()),
}
FLIPS = list(product((1, -1), repeat=3))


def make_affine(
    plane: str,
    flips: tuple[int, int, int] = (1, 1, 1),
    *,
    spacing: tuple[float, float, float] = (2.5, 0.75, 0.5),
    origin: tuple[float, float, float] = (-91.25, 33.5, 402.75),
    shear: tuple[float, float] = (0.0, 0.0),
) -> np.ndarray:
    """(4, 4) index (d, h, w) → LPS mm, its axes flipped or sheared.

    Args:
        plane: a key of `PLANES`.
        flips: signs of the D, H and W axes.
        spacing, origin: mm; D, H, W.
        shear: mm down and along per mm of normal, as by a tilted gantry.
    """
    along, down = (np.array(axis, dtype=float) for axis in PLANES[plane])
    normal = np.cross(along, down)
    axes = [normal + shear[0] * down + shear[1] * along, down, along]
    affine = np.eye(4)
    for column, (axis, sign, gap) in enumerate(zip(axes, flips, spacing, strict=True)):
        affine[:3, column] = axis * sign * gap
    affine[:3, 3] = origin
    return affine


def places_of(affine: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """(D, H, W, 3) LPS mm of every voxel."""
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    return np.asarray(index @ affine[:3, :3].T + affine[:3, 3])


def voxels(shape: tuple[int, int, int] = (5, 4, 6)) -> np.ndarray:
    """uint16, no two voxels equal, in no order that a reader could guess."""
    count = int(np.prod(shape))
    return np.random.default_rng(7).permutation(count).astype(np.uint16).reshape(shape)


def _text(values: Any) -> list[str]:
    """Decimal strings as scanners write them: at most 16 characters."""
    return [f"{float(value):.10f}"[:16] for value in values]


def write_series(
    folder: Path, stack: np.ndarray, affine: np.ndarray, *, name: str = "s",
    uid: str = "1.2.826.1", **elements: Any,
) -> list[Path]:  # fmt: skip
    """One file a plane of `stack` (D, H, W); names and numbers say nothing.

    Returns:
        Paths in the order of D.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(stack))
    shown = rng.permutation(len(stack))
    paths = []
    for d, plane in enumerate(stack):
        position = affine[:3, :3] @ [d, 0, 0] + affine[:3, 3]
        data = slice_of(plane, affine, position, uid=uid, **elements)
        data.InstanceNumber = int(rng.permutation(len(stack))[0])
        paths.append(save(data, folder / f"{name}{shown[d]:03d}.dcm"))
    return paths


def slice_of(
    plane: np.ndarray, affine: np.ndarray, position: Any, *, uid: str, **elements: Any
) -> Dataset:
    """A CT slice of (H, W) pixels at a position."""
    rows, columns = np.linalg.norm(affine[:3, 1:3], axis=0)
    axes = (*(affine[:3, 2] / columns), *(affine[:3, 1] / rows))
    settings: dict[str, Any] = {
        "SOPClassUID": CT, "Modality": "CT", "SeriesInstanceUID": uid,
        "StudyInstanceUID": "1.2.826.0", "SOPInstanceUID": generate_uid(),
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "PixelSpacing": _text((rows, columns)), "SliceThickness": "9",
        "ImageOrientationPatient": _text(axes),
        "ImagePositionPatient": _text(position),
    }  # fmt: skip
    return dicom(plane, **{**settings, **elements})


def write_enhanced(
    path: Path, stack: np.ndarray, affine: np.ndarray, *, seed: int = 3,
    per_frame: Any = None, uid: str = "1.2.826.2",
) -> Path:  # fmt: skip
    """An enhanced multi-frame file whose frames stand in random order.

    Args:
        path: to write to; its folder is made.
        stack: (D, H, W).
        affine: of the stack.
        seed: of the order.
        per_frame: given the plane's index, further functional groups.
        uid: Series Instance UID.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    order = np.random.default_rng(seed).permutation(len(stack))
    rows, columns = np.linalg.norm(affine[:3, 1:3], axis=0)
    axes = (*(affine[:3, 2] / columns), *(affine[:3, 1] / rows))
    pixels = stack[order]
    data = dicom(
        pixels.reshape(-1, stack.shape[2]), Rows=stack.shape[1],
        NumberOfFrames=len(stack), SOPClassUID=ENHANCED_CT, Modality="CT",
        SeriesInstanceUID=uid, SOPInstanceUID=generate_uid(),
    )  # fmt: skip
    shared = Dataset()
    shared.PixelMeasuresSequence = sequence(PixelSpacing=_text((rows, columns)))
    shared.PlaneOrientationSequence = sequence(ImageOrientationPatient=_text(axes))
    data.SharedFunctionalGroupsSequence = pydicom.Sequence([shared])
    groups = []
    for d in order:
        group = Dataset()
        position = affine[:3, :3] @ [int(d), 0, 0] + affine[:3, 3]
        group.PlanePositionSequence = sequence(ImagePositionPatient=_text(position))
        for keyword, items in (per_frame(int(d)) if per_frame else {}).items():
            setattr(group, keyword, items)
        groups.append(group)
    data.PerFrameFunctionalGroupsSequence = pydicom.Sequence(groups)
    return save(data, path)


def linear_stack(
    affine: np.ndarray, shape: tuple[int, int, int], keep: Sequence[int] | None = None
) -> np.ndarray:
    """uint16 of 20,000 + 30x - 20y + 10z at each voxel, LPS mm; planes in `keep`.

    Linear resampling keeps a linear field exactly, wherever the new voxels lie.
    """
    field = field_at(places_of(affine, shape))
    stack = np.rint(field).astype(np.uint16)
    return stack if keep is None else stack[list(keep)]


def field_at(places: np.ndarray) -> np.ndarray:
    """The field of `linear_stack` at (..., 3) LPS mm."""
    return np.asarray(20_000 + places @ np.array([30.0, -20.0, 10.0]))
