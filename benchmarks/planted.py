"""Small lesions planted in real volumes: a task whose answer is known exactly.

Half of the hippocampus MRI volumes get one small ellipsoid, brighter or darker than
the tissue around it, at a random place inside the brain; the label is that of the
volume. Call every result on it synthetic.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, gaussian_filter

Volume = NDArray[np.float32]
RADIUS = (2.0, 3.0)  # voxels of 1 mm, along each axis
CONTRAST = (1.0, 1.5)  # local standard deviations
EDGE = 0.6  # standard deviation of the blur of the edge, voxels
NEIGHBOURHOOD = 8  # half a side of the box whose deviation counts, voxels
MARGIN = 3  # voxels of tissue that lie around the centre


@dataclass(frozen=True)
class Lesions:
    """Radii in voxels of 1 mm, contrast in local standard deviations, signs."""

    radius: tuple[float, float]
    contrast: tuple[float, float]
    signs: tuple[float, ...]


FAINT = Lesions(RADIUS, CONTRAST, (-1.0, 1.0))
CLEAR = Lesions((2.5, 3.5), (2.5, 3.5), (1.0,))


def plant_lesion(
    volume: Volume, rng: np.random.Generator, lesions: Lesions = FAINT
) -> tuple[Volume, NDArray[np.bool_]]:
    """The volume with one lesion, and where it is.

    Args:
        volume: (D, H, W), voxels of about 1 mm.
        rng: source of place, size, turn, sign and contrast.
        lesions: what they look like.

    Returns:
        (D, H, W) float32 and the truth of a voxel lying in the lesion.
    """
    centre = _place(volume, rng)
    shape = _ellipsoid(volume.shape, centre, rng, lesions.radius)
    box = tuple(slice(max(0, c - NEIGHBOURHOOD), c + NEIGHBOURHOOD + 1) for c in centre)
    amount = rng.uniform(*lesions.contrast) * volume[box].std()
    amount *= rng.choice(lesions.signs)
    soft = gaussian_filter(shape.astype(np.float32), EDGE)
    return (volume + np.float32(amount) * soft).astype(np.float32), shape


def plant_lesions(
    volumes: list[Volume], *, seed: int
) -> tuple[list[Volume], NDArray[np.int8]]:
    """Half of the volumes, drawn at random, with a lesion; and who has one.

    Which volumes, and each lesion, depend on the seed and the volume's place in
    the list alone.
    """
    has = np.zeros(len(volumes), dtype=np.int8)
    drawn = np.random.default_rng(seed).permutation(len(volumes))
    has[drawn[: len(volumes) // 2]] = 1
    planted = [
        plant_lesion(volume, np.random.default_rng([seed, i]))[0] if has[i] else volume
        for i, volume in enumerate(volumes)
    ]
    return planted, has


def write_study(data: Path, out: Path, *, seed: int = 0) -> Path:
    """The volumes as NIfTI in one folder a class, lesions clear to a reader.

    Bright, 2.5 to 3.5 mm in radius, 2.5 to 3.5 local standard deviations.
    """
    names, volumes = read_hippocampus(data)
    drawn = np.random.default_rng(seed).permutation(len(volumes))
    with_lesion = set(drawn[: len(volumes) // 2].tolist())
    for i, (name, volume) in enumerate(zip(names, volumes, strict=True)):
        rng = np.random.default_rng([seed, i])
        if i in with_lesion:
            volume, _ = plant_lesion(volume, rng, CLEAR)
        folder = out / ("lesion" if i in with_lesion else "none")
        folder.mkdir(parents=True, exist_ok=True)
        # (D, H, W) -> NIfTI's (x, y, z)
        values = np.ascontiguousarray((volume * 1000).transpose(2, 1, 0))
        image = nibabel.Nifti1Image(values.astype(np.float32), np.eye(4))
        nibabel.save(image, folder / f"{name}.nii.gz")
    return out


def read_hippocampus(data: Path) -> tuple[list[str], list[Volume]]:
    """Names and (D, H, W) volumes, each in its own 1st to 99th percentile as 0..1."""
    names, volumes = [], []
    for path in sorted((data / "mri_hippocampus" / "images").glob("*.nii*")):
        whole = np.asarray(nibabel.load(path).dataobj, dtype=np.float32)
        low, high = np.percentile(whole, [1, 99])
        unit = np.clip((whole - low) / max(high - low, 1e-6), 0, 1)
        names.append(path.name.partition(".")[0])
        # NIfTI's (x, y, z) -> (D, H, W)
        volumes.append(np.ascontiguousarray(unit.transpose(2, 1, 0)))
    return names, volumes


def _place(volume: Volume, rng: np.random.Generator) -> tuple[int, ...]:
    """A voxel with tissue all around it."""
    tissue = volume > np.quantile(volume, 0.25)
    inside = np.zeros_like(tissue)
    core = tuple(slice(MARGIN, n - MARGIN) for n in volume.shape)
    inside[core] = binary_erosion(tissue, iterations=1)[core]
    if not inside.any():
        inside[core] = True
    places = np.argwhere(inside)
    return tuple(int(x) for x in places[rng.integers(len(places))])


def _ellipsoid(
    shape: tuple[int, ...],
    centre: tuple[int, ...],
    rng: np.random.Generator,
    radius: tuple[float, float],
) -> NDArray[np.bool_]:
    """Voxels within an ellipsoid of random radii and turn."""
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    radii = rng.uniform(*radius, size=3)
    grid = np.stack(np.indices(shape), axis=-1) - np.array(centre)
    return np.asarray((((grid @ turn) / radii) ** 2).sum(axis=-1) <= 1)


def main() -> None:
    """3D CNN by the default command, CNN + LSTM by a recipe, on the clear lesions."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--form", choices=("volume", "sequence"), default="volume")
    given = parser.parse_args()
    study = given.out / "study"
    if not study.is_dir():
        write_study(given.data, study)
    command = [sys.executable, "-m", "medlens", "run", str(study)]
    command += ["--out", str(given.out / given.form)]
    if given.form == "sequence":
        recipe = given.out / "sequence.toml"
        recipe.write_text(SEQUENCE)
        command += ["--recipe", str(recipe)]
    subprocess.run(command, check=True)


SEQUENCE = """
[task]
form = "sequence"
[split]
folds = 2
[prep]
steps = [
  {name = "percentile", low = 1.0, high = 99.0, headroom = 0.4},
  {name = "to_grey"},
  {name = "resize", height = 64, width = 64, mode = "stretch"},
]
[augment]
steps = [
  {name = "horizontal_flip"},
  {name = "affine", rotate = 10.0, scale = 0.1, translate = 0.05},
]
[net]
name = "local2d"
pretrained = ""
channels = 1
depth = 48
height = 64
width = 64
reader = "lstm"
hidden = 64
[train]
path = "scratch"
steps = 150
epochs = 10
batch_size = 6
learning_rate = 0.003
balance = 0.0
[export]
engines = []
"""

if __name__ == "__main__":
    main()
