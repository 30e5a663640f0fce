"""A small made data set: discs and rings on noise, the same on every machine."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from numpy.typing import NDArray

from medlens.core import ExistsError, UsageError
from medlens.datasets.fetch import Progress

_COLUMNS = ("image", "patient", "site", "label")
# Shares that leave rings the rarer class, hence the positive one.
_RING_SHARE = 0.4


def make_shapes(
    folder: Path,
    n: int = 240,
    seed: int = 0,
    *,
    size: int = 64,
    progress: Progress | None = None,
) -> Path:
    """Write PNG images of discs and rings with patients and a labels.csv.

    Every patient has two images of one label, in one of two sites. Places,
    sizes, brightness and noise differ from image to image. The same n, seed
    and size give the same files; a folder that holds them is left as it is.

    Args:
        folder: where images/ and labels.csv go.
        n: images, 4 or more.
        seed: of everything drawn.
        size: side in pixels, 24 or more.
        progress: told images written and images in all.

    Returns:
        The folder.

    Raises:
        UsageError: n or size is too small.
        ExistsError: the folder holds something else.
    """
    if n < 4 or size < 24:
        raise UsageError(f"make_shapes: n={n}, size={size}; wanted 4 and 24 or more")
    folder = Path(folder)
    table = _table(n, seed)
    if folder.exists():
        if _holds(folder, table):
            return folder
        raise ExistsError(
            f"'{folder.name}' is there already and holds something else; pass another "
            "folder"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(mkdtemp(dir=folder.parent, prefix=".shapes-"))
    try:
        _write(scratch, table, seed=seed, size=size, progress=progress)
        scratch.chmod(0o755)
        scratch.rename(folder)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return folder


def draw_shape(label: str, *, seed: tuple[int, int], size: int) -> NDArray[np.uint8]:
    """(size, size) uint8 picture of a "disc" or "ring" on smooth noise."""
    rng = np.random.default_rng(seed)
    row, column = rng.uniform(0.35, 0.65, 2) * size
    radius = rng.uniform(0.15, 0.28) * size
    h, w = np.mgrid[:size, :size]
    distance = np.hypot(h - row, w - column)
    edge = rng.uniform(0.6, 1.5)
    # A logistic edge of about one pixel looks like a real, sampled border.
    shape = 1.0 / (1.0 + np.exp((distance - radius) / edge))
    if label == "ring":
        inner = radius * rng.uniform(0.45, 0.65)
        shape -= 1.0 / (1.0 + np.exp((distance - inner) / edge))
    noise = rng.normal(0.0, rng.uniform(8, 16), (size, size))
    picture = rng.uniform(40, 80) + rng.uniform(50, 100) * shape + noise
    grey: NDArray[np.uint8] = np.clip(np.round(picture), 0, 255).astype(np.uint8)
    return grey


def _table(n: int, seed: int) -> list[tuple[str, str, str, str]]:
    rng = np.random.default_rng((seed, n))
    patients = (n + 1) // 2
    rings = max(1, round(_RING_SHARE * patients))
    is_ring = rng.permutation(np.arange(patients) < rings)
    sites = rng.choice(["north", "south"], patients)
    return [
        (
            f"images/{at:05d}.png",
            f"P{at // 2:05d}",
            str(sites[at // 2]),
            "ring" if is_ring[at // 2] else "disc",
        )
        for at in range(n)
    ]


def _write(
    folder: Path,
    table: list[tuple[str, str, str, str]],
    *,
    seed: int,
    size: int,
    progress: Progress | None,
) -> None:
    import cv2

    (folder / "images").mkdir()
    for at, (image, _, _, label) in enumerate(table):
        picture = draw_shape(label, seed=(seed, at), size=size)
        coded = cv2.imencode(".png", picture)[1]
        (folder / image).write_bytes(coded.tobytes())
        if progress is not None:
            progress(at + 1, len(table))
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows(table)


def _holds(folder: Path, table: list[tuple[str, str, str, str]]) -> bool:
    try:
        with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
            rows = [tuple(row) for row in csv.reader(file)]
    except OSError:
        return False
    return rows == [_COLUMNS, *table] and all((folder / r[0]).is_file() for r in table)
