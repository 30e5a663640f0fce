"""Small made data sets of volumes, and the recipes that learn them in seconds."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
from PIL import Image

from medlens.core import Array

SHAPE = (16, 20, 18)  # D, H, W

SEGMENT_3D = """
[task]
form = "segment"
[split]
validation = 0.2
test = 0.25
[prep]
steps = [
  {name = "percentile", low = 0.5, high = 99.5},
  {name = "to_grey"},
  {name = "resample_volume", spacing = [2.0, 1.0, 1.0]},
]
[augment]
steps = [{name = "affine", rotate = 5.0}]
[net]
name = "unet_quarter"
pretrained = ""
channels = 1
depth = 16
height = 24
width = 24
dropout = 0.0
spacing = [2.0, 1.0, 1.0]
[train]
path = "scratch"
steps = 60
batch_size = 2
learning_rate = 0.01
ema = 0.9
balance = 0.0
[calibrate]
method = "none"
[export]
engines = []
"""

SEGMENT_2D = """
[task]
form = "segment"
[prep]
steps = [{name = "percentile", low = 0.5, high = 99.5}, {name = "to_grey"}]
[augment]
steps = [{name = "affine", rotate = 5.0}]
[net]
name = "unet_quarter"
pretrained = ""
channels = 1
height = 64
width = 64
dropout = 0.0
[train]
path = "scratch"
steps = 40
batch_size = 4
learning_rate = 0.01
ema = 0.8
balance = 0.0
[calibrate]
method = "none"
[export]
engines = []
"""

VOLUME = """
[task]
form = "volume"
[prep]
steps = [
  {name = "percentile", low = 0.5, high = 99.5},
  {name = "to_grey"},
  {name = "fit_volume", depth = 16, height = 24, width = 24, mode = "crop_pad"},
]
[augment]
steps = [{name = "affine", rotate = 5.0}]
[net]
name = "residual3d"
pretrained = ""
channels = 1
depth = 16
height = 24
width = 24
spacing = [2.0, 1.0, 1.0]
[train]
path = "scratch"
steps = 40
batch_size = 4
learning_rate = 0.003
ema = 0.8
[export]
engines = []
"""

SEQUENCE = """
[task]
form = "sequence"
[split]
folds = 2
[prep]
steps = [
  {name = "percentile", low = 0.5, high = 99.5},
  {name = "to_grey"},
  {name = "resize", height = 32, width = 32, mode = "stretch"},
]
[augment]
steps = [{name = "horizontal_flip"}]
[net]
name = "residual18_half"
pretrained = ""
channels = 1
depth = 6
height = 32
width = 32
reader = "gru"
hidden = 8
[train]
path = "scratch"
steps = 8
batch_size = 4
learning_rate = 0.003
ema = 0.8
[export]
engines = []
"""


def ball(seed: int, *, radius: float = 4.5) -> tuple[Array, Array]:
    """(D, H, W) int16 noise around 100 with a ball of 400 in it, and its mask."""
    rng = np.random.default_rng(seed)
    centre = [rng.uniform(5, side - 6) for side in SHAPE]
    apart = sum((g - c) ** 2 for g, c in zip(np.indices(SHAPE), centre, strict=True))
    mask = (apart <= radius**2).astype(np.uint8)
    values = (100 + 300.0 * mask + rng.normal(0, 30, SHAPE)).astype(np.int16)
    return values, mask


def write_nifti(path: Path, values: Array) -> None:
    """Voxels of 2×1×1 mm; the file has the order W, H, D."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = nibabel.Nifti1Image(values.transpose(2, 1, 0), np.diag([1.0, 1, 2, 1]))
    nibabel.save(file, path)


def make_balls(folder: Path, *, cases: int = 24, seed: int = 0) -> Path:
    """`images/` and `masks/` of NIfTI volumes; each ball is worth 3 in its mask."""
    for i in range(cases):
        values, mask = ball(seed + i)
        write_nifti(folder / "images" / f"p{i:02d}.nii.gz", values)
        write_nifti(folder / "masks" / f"p{i:02d}.nii.gz", 3 * mask)
    return folder


def make_discs(folder: Path, *, cases: int = 24) -> Path:
    """`images/` and `masks/` of 60×56 PNG; every fourth has no disc."""
    for i in range(cases):
        rng = np.random.default_rng(i)
        h, w = rng.uniform(16, 40, 2)
        grid = np.indices((60, 56))
        mask = (grid[0] - h) ** 2 + (grid[1] - w) ** 2 <= rng.uniform(9, 13) ** 2
        mask = mask & (i % 4 != 3)
        values = rng.normal(70, 15, mask.shape) + 110 * mask
        for part, pixels in (("images", values), ("masks", 255 * mask)):
            path = folder / part / f"i{i:02d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)
    return folder


def make_studies(folder: Path, *, cases: int = 40, seed: int = 100) -> Path:
    """NIfTI volumes in the class folders `ball` and `none`."""
    for i in range(cases):
        values, _ = ball(seed + i, radius=4.5 if i % 2 else 0.0)
        write_nifti(folder / ("ball" if i % 2 else "none") / f"p{i:02d}.nii.gz", values)
    return folder
