"""Findings of a bundle that draws masks: each label's size and place."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from medlens.core import Array, Geometry, MaskPrediction, Region, release
from medlens.core.diagnosis import Finding, Place, Quantity
from medlens.core.terms import code_of, is_normal, side_of
from medlens.predict.diagnose_place import Slices, box_of_mask

FIGURES = 4
"""Significant figures of a size: no voxel is known better than to one in thousands."""


@dataclass(frozen=True)
class _Spread:
    """Where a label lies along the volume.

    Attributes:
        slices: that hold it.
        key: the one where its area is largest, the first of equals.
    """

    slices: tuple[int, ...]
    key: int


def find_regions(
    answer: MaskPrediction, geometry: Geometry, slices: Slices
) -> tuple[Finding, ...]:
    """One finding for each label but the background, the present ones first.

    Args:
        answer: the mask with its regions, measured.
        geometry: of its grid.
        slices: of its source.
    """
    spreads = _spread(answer.mask, len(answer.labels))
    found = []
    wanted = [region for region in answer.regions if not is_normal(region.label)]
    for number, region in enumerate(wanted or answer.regions, start=1):
        k = answer.labels.index(region.label)
        spread = spreads[k]
        place = Place(laterality=side_of(region.label))
        if spread is not None:
            place = _place(answer.mask, k, region, spread, slices)
        found.append(
            Finding(
                id=str(number),
                label=region.label,
                code=code_of(region.label),
                is_present=region.voxels > 0,
                place=place,
                quantities=_quantities(region, geometry, slices.count),
                slices=slices.numbered(spread.slices) if spread else (),
                parts=region.parts,
            )
        )
    return tuple(sorted(found, key=lambda item: not item.is_present))


def rounded(value: float) -> float:
    """A size to 4 significant figures, which is how every writer gives it."""
    if not value or not math.isfinite(value):
        return value
    return round(value, FIGURES - 1 - math.floor(math.log10(abs(value))))


def _quantities(region: Region, geometry: Geometry, depth: int) -> tuple[Quantity, ...]:
    """Diameter and volume; of a single image its area, which has no depth."""
    if not region.voxels:
        return ()
    if not geometry.is_calibrated:
        kind = "volume" if depth > 1 else "area"
        return (Quantity(kind, float(region.voxels), "{pixels}"),)  # type: ignore[arg-type]
    sizes = []
    if region.longest_diameter_mm is not None:
        mm = rounded(region.longest_diameter_mm)
        sizes.append(Quantity("longest_diameter", mm, "mm"))
    if depth == 1:
        down, along = geometry.affine[:3, 1], geometry.affine[:3, 2]
        pixel = float(np.linalg.norm(np.cross(down, along)))
        sizes.append(Quantity("area", rounded(region.voxels * pixel), "mm2"))
    elif region.volume_ml is not None:
        sizes.append(Quantity("volume", rounded(region.volume_ml), "ml"))
    return tuple(sizes)


def _place(
    mask: Array, k: int, region: Region, spread: _Spread, slices: Slices
) -> Place:
    centre = region.centre_mm
    return Place(
        laterality=side_of(region.label),
        centre_mm=None if centre is None else _tenths(centre),
        image=slices.image_of(spread.key),
        slice_index=slices.index_of(spread.key),
        box=slices.box(box_of_mask(np.asarray(mask[spread.key] == k))),
    )


def _tenths(point: tuple[float, float, float]) -> tuple[float, float, float]:
    # Adding 0.0 turns -0.0 into 0.0.
    x, y, z = (round(value, 1) + 0.0 for value in point)
    return x, y, z


def _spread(mask: Array, labels: int) -> list[_Spread | None]:
    """Slices of each label, in one pass; None where it is nowhere."""
    areas = np.zeros((labels, len(mask)), dtype=np.int64)
    for d, plane in enumerate(mask):
        rows = np.flatnonzero(plane.any(axis=1))
        if len(rows):
            band = plane[rows[0] : rows[-1] + 1]
            areas[:, d] = np.bincount(band.ravel(), minlength=labels)[:labels]
        if d % 32 == 31:
            release(mask)
    return [_spread_of(area) for area in areas]


def _spread_of(areas: Array) -> _Spread | None:
    held = np.flatnonzero(areas)
    if not len(held):
        return None
    return _Spread(tuple(int(d) for d in held), int(areas.argmax()))
