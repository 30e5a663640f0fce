"""Hand-made features of volumes with masks: one row for each label of each case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlens.core import DataError, Image, PrepError, reason_of
from medlens.datasets.walk import Tree, stem_of
from medlens.experiment.folder import refuse_existing
from medlens.experiment.machine import usable_cores
from medlens.experiment.narrator import Narrator
from medlens.features import (
    VOLUME_FEATURES,
    VolumeSettings,
    measure_volume_image,
    write_table,
)
from medlens.read import open_image

IMAGES = ("images", "image", "imagestr")
MASKS = ("labels", "masks", "mask", "segmentations", "annotations", "labelstr")
"""Names of sibling folders, any letter case; the second row is MSD's and ours."""

MAX_LABELS = 256
"""Values of one mask; more of them are intensities, not labels."""

Rows = list[tuple[str, Mapping[str, float]]]


@dataclass(frozen=True)
class Pair:
    """An image and its mask, as paths relative to DATA."""

    image: str
    mask: str


def find_pairs(data: Path) -> tuple[list[Pair], list[tuple[str, str]]]:
    """NIfTI volumes in `images/` with masks of equal names in a sibling folder.

    Returns:
        The pairs, and (case, reason) of volumes without a mask. Both are empty
        where DATA has another form.
    """
    if not data.is_dir():
        return [], []
    tree = Tree(data)
    masks = {_place(name, MASKS): name for name in tree.files if tree.is_nifti(name)}
    masks.pop("", None)
    pairs, lonely = [], []
    for name in tree.files:
        place = _place(name, IMAGES)
        if not masks or not place or not tree.is_nifti(name):
            continue
        if place in masks:
            pairs.append(Pair(name, masks[place]))
        else:
            lonely.append((name, "no mask of this name in the folder of masks; add it"))
    return pairs, lonely if pairs else []


def tabulate_volumes(
    data: Path,
    pairs: list[Pair],
    *,
    settings: VolumeSettings | None,
    out: Path,
    force: bool,
    narrator: Narrator,
) -> tuple[int, list[tuple[str, str]]]:
    """Write a table of `VOLUME_FEATURES`; rows are named `case#label`.

    Args:
        data: the folder.
        pairs: from `find_pairs`.
        settings: how regions are prepared; default by modality.
        out: the table.
        force: replace it.
        narrator: hears of progress.

    Returns:
        Rows written, and (case, reason) of cases that gave none.

    Raises:
        ExistsError: the table is there already.
        DataError: there is no pair.
    """
    refuse_existing(out, force=force)
    if not pairs:
        raise DataError(
            "DATA has no volume with a mask; wanted NIfTI files of equal names in "
            "images/ and labels/"
        )
    failed: list[tuple[str, str]] = []
    spacings: set[tuple[float, ...]] = set()
    narrator.step("Measure regions of volumes")

    def one(pair: Pair) -> tuple[Rows, str]:
        try:
            image, mask = open_pair(data, pair)
            spacings.add(tuple(round(mm, 3) for mm in image.geometry.spacing))
            return measure_labels(image, mask, settings=settings), ""
        except Exception as error:  # one hostile file must not end the others
            return [], reason_of(error)

    def rows() -> Iterator[tuple[str, Mapping[str, float]]]:
        # Few at a time: each holds a volume.
        cores = usable_cores()
        with ThreadPoolExecutor(cores) as pool:
            for start in range(0, len(pairs), cores):
                chunk = pairs[start : start + cores]
                for pair, (found, reason) in zip(
                    chunk, pool.map(one, chunk), strict=True
                ):
                    if reason:
                        failed.append((pair.image, reason))
                    yield from found
                narrator.progress(start + len(chunk), len(pairs), unit="volumes")

    written = write_table(rows(), out, names=tuple(VOLUME_FEATURES))
    if settings is None or settings.voxel_mm is None:
        _tell_spacings(spacings, narrator)
    return written, failed


def open_pair(data: Path, pair: Pair) -> tuple[Image, NDArray[np.integer[Any]]]:
    """The volume and its mask as whole numbers (D, H, W) on one grid.

    Raises:
        ReadError: a file cannot be read.
        PrepError: the grids differ, or the mask holds no whole numbers.
    """
    image = open_image(data / pair.image, case=pair.image)
    mask = open_image(data / pair.mask, case=pair.mask)
    shapes = image.array.shape[1:], mask.array.shape[1:]
    # A thousandth of a voxel: files round their affines differently.
    reach = 1e-3 * min(image.geometry.spacing) + 1e-6 * np.abs(image.geometry.affine)
    if (
        shapes[0] != shapes[1]
        or (np.abs(image.geometry.affine - mask.geometry.affine) > reach).any()
    ):
        raise PrepError(
            f"{pair.image}: its grid ({_by(shapes[0])}) is not that of its mask "
            f"({_by(shapes[1])}, or another place); resample the mask to the image"
        )
    values = mask.array[0]
    # Masks in whole numbers stay as they are: 64 bits would be 8 times a mask's.
    labels = values if values.dtype.kind in "ui" else values.astype(np.int32)
    if mask.array.shape[0] != 1 or not np.array_equal(labels, values):
        raise PrepError(
            f"{pair.mask}: holds values that are no whole numbers; wanted 0 for "
            "background and a number for each label"
        )
    return image, labels


def measure_labels(
    image: Image, labels: NDArray[np.integer[Any]], *, settings: VolumeSettings | None
) -> Rows:
    """A row for each value above 0, named `case#value`.

    Raises:
        PrepError: no label, too many, or a region that cannot be measured.
    """
    values = [int(value) for value in np.unique(labels) if value > 0]
    if not 0 < len(values) <= MAX_LABELS:
        raise PrepError(
            f"{image.case}: its mask holds {len(values)} labels; wanted 1 to "
            f"{MAX_LABELS}"
        )
    return [
        (
            f"{image.case}#{value}",
            measure_volume_image(image, labels == value, settings=settings),
        )
        for value in values
    ]


def _place(name: str, folders: tuple[str, ...]) -> str:
    """The path without suffix, its folder of this kind left open; "" without one."""
    parts = stem_of(name).split("/")
    for index in range(len(parts) - 2, -1, -1):
        if parts[index].lower() in folders:
            return "/".join((*parts[:index], "*", *parts[index + 1 :]))
    return ""


def _tell_spacings(spacings: set[tuple[float, ...]], narrator: Narrator) -> None:
    """Say when texture is measured in voxels that differ."""
    uneven = [mm for mm in spacings if max(mm) > 1.05 * min(mm)]
    if len(spacings) > 1 or uneven:
        narrator.say(
            f"Voxels have {len(spacings)} sizes, {len(uneven)} of them with unequal "
            "sides: texture depends on that; pass --voxel-mm to resample all alike"
        )


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(str(side) for side in shape)
