"""The made CT measures what it says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from medlens.datasets.phantom_ct import (
    NODULE,
    NODULE_AT,
    SHAPE,
    SPACING,
    chest_geometry,
    make_chest,
)

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def chest() -> np.ndarray:
    """With a nodule of 20 mm."""
    return make_chest(nodule_mm=20)


def index_of(z: float, y: float, x: float) -> tuple[int, int, int]:
    """Voxel at a place in mm from the middle (z to the head, y back, x left)."""
    affine = np.linalg.inv(chest_geometry().affine)
    d, h, w, _ = np.rint(affine @ np.array([x, y, z, 1.0])).astype(int)
    return int(d), int(h), int(w)


def test_tissues_have_their_hounsfield_units(chest: np.ndarray) -> None:
    assert chest.shape == SHAPE
    assert chest.dtype == np.int16
    wanted = {
        (0, -170, 0): -1000,  # in front of the body
        NODULE_AT: NODULE,
        (10, 0, 74): -860,  # left lung
        (-28, -34, 24): 55,  # heart
        (-110, 0, -50): 65,  # liver: on the right
        (60, 0, 0): -1000,  # trachea, in the middle
        (8, 66, 0): 180,  # marrow: behind
    }
    for place, value in wanted.items():
        d, h, w = index_of(*place)
        around = chest[d - 1 : d + 2, h - 1 : h + 2, w - 1 : w + 2]
        assert abs(float(around.mean()) - value) < 12, place


def test_the_nodule_has_its_size(chest: np.ndarray) -> None:
    without = make_chest(nodule_mm=0)
    changed = np.abs(chest.astype(int) - without) > 400
    volume = changed.sum() * math.prod(SPACING)
    assert volume == pytest.approx(4 / 3 * math.pi * 10**3, rel=0.08)
    centre = np.argwhere(changed).mean(axis=0)
    assert np.abs(centre - index_of(*NODULE_AT)).max() < 1


def test_the_same_arguments_give_the_same_voxels(chest: np.ndarray) -> None:
    assert np.array_equal(chest, make_chest(nodule_mm=20))
    assert not np.array_equal(chest, make_chest(nodule_mm=20, seed=1))


def test_it_lies_in_the_patient_as_the_standard_says() -> None:
    """LPS: slices towards the head, rows to the back, columns to the left."""
    geometry = chest_geometry()
    assert geometry.spacing == pytest.approx(SPACING)
    assert np.allclose(geometry.direction, [[0, 0, 1], [0, 1, 0], [1, 0, 0]])
    middle = geometry.affine @ np.array([(n - 1) / 2 for n in SHAPE] + [1])
    assert np.allclose(middle[:3], 0)
