"""Small volumes with masks on disk that the tests of masks share."""

from __future__ import annotations

from pathlib import Path

import cv2
import nibabel as nib
import numpy as np

from medlens.core import Array

RAS = np.diag([-0.8, -0.9, 2.0, 1.0])


def write_volume(path: Path, stack: Array, affine: Array = RAS) -> Path:
    """A NIfTI file of a (D, H, W) array; the affine is that of (i, j, k)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(np.ascontiguousarray(stack.T), affine), path)
    return path


def write_picture(path: Path, plane: Array) -> Path:
    """A picture file; OpenCV chooses the format by suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), plane)
    return path


def scan(seed: int, shape: tuple[int, int, int] = (6, 20, 24)) -> Array:
    """Smooth noise as a volume, int16."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((shape[0], 7, 8), dtype=np.float32)
    planes = [
        cv2.resize(p, shape[:0:-1], interpolation=cv2.INTER_CUBIC) for p in coarse
    ]
    return (1000 * np.stack(planes)).astype(np.int16)


def boxes(
    *labels: int, shape: tuple[int, int, int] = (6, 20, 24), kind: type = np.uint8
) -> Array:
    """A mask with a box of 2 × 3 × 4 voxels for each label."""
    mask = np.zeros(shape, kind)
    for at, label in enumerate(labels):
        mask[1 + at : 3 + at, 5:8, 5 * at : 5 * at + 4] = label
    return mask


def make_pairs(root: Path, count: int = 4, *, labels: tuple[int, ...] = (1, 2)) -> Path:
    """images/ and labels/ of NIfTI volumes."""
    for at in range(count):
        write_volume(root / "images" / f"p{at}.nii.gz", scan(at))
        write_volume(root / "labels" / f"p{at}.nii.gz", boxes(*labels))
    return root
