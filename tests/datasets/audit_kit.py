"""Synthetic images and small data sets that the tests of the audit share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from medlens.core import Array
from medlens.datasets.manifest import Case, Manifest
from medlens.recipe.settings import Kind


def texture(seed: int, side: int = 160) -> Array:
    """Smooth and fine detail under a shape that all textures share, uint8."""
    rng = np.random.default_rng(seed)
    layers = [
        cv2.resize(rng.random((n, n), dtype=np.float32), (side, side), interpolation=2)
        for n in (6, 14, 40)
    ]
    rows, columns = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    body = np.exp(-1.5 * (rows**2 + columns**2))
    mixed = (0.3 + 0.7 * body) * sum(layers) / 3
    return (255 * np.clip(mixed, 0, 1)).astype(np.uint8)


def write(folder: Path, images: Mapping[str, Array]) -> None:
    """Image files by name; OpenCV chooses the format by suffix."""
    for name, image in images.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(folder / name), image)


def manifest_of(
    folder: Path,
    rows: Sequence[tuple[str, tuple[int, ...]]],
    *,
    labels: tuple[str, ...] = ("no", "yes"),
    kind: Kind = "binary",
    patients: Mapping[str, str] | None = None,
    splits: Mapping[str, str] | None = None,
) -> Manifest:
    """A manifest of files in a folder: (name, target) rows."""
    cases = tuple(
        Case(
            name,
            folder / name,
            target,
            patient=(patients or {}).get(name, ""),
            split=(splits or {}).get(name, ""),
        )
        for name, target in rows
    )
    return Manifest(folder, cases, kind, labels)
