"""The planted task is what it says: half of the volumes, small, local, repeatable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.planted import plant_lesion, plant_lesions, read_hippocampus


def tissue(seed: int) -> np.ndarray:
    """(30, 40, 36) tissue of 0.6 with noise of 0.1 in a black frame."""
    volume = np.zeros((30, 40, 36), np.float32)
    rng = np.random.default_rng(seed)
    volume[4:-4, 4:-4, 4:-4] = 0.6 + rng.normal(0, 0.1, (22, 32, 28))
    return volume


@pytest.mark.parametrize("seed", range(8))
def test_a_lesion_is_small_soft_and_inside(seed: int) -> None:
    volume = tissue(seed)
    planted, where = plant_lesion(volume, np.random.default_rng(seed))
    # an ellipsoid with radii of 2 to 3 voxels has 34 to 113 of them
    assert 25 <= where.sum() <= 125
    change = planted - volume
    assert (volume[where] > 0).mean() > 0.8
    inner = change[where]
    assert abs(np.sign(inner).sum()) == len(inner)  # brighter or darker as a whole
    centre = np.argwhere(where).mean(axis=0)
    far = np.linalg.norm(np.indices(volume.shape).T.swapaxes(0, 2) - centre, axis=-1)
    assert np.abs(change[far > 7]).max() < 1e-3 * np.abs(inner).max()
    # 1 to 1.5 deviations of the surroundings, less what the blur takes at the centre
    assert 0.05 < np.abs(inner).max() < 0.5


def test_half_of_the_volumes_and_the_same_ones_again() -> None:
    volumes = [tissue(i) for i in range(9)]
    first, has = plant_lesions(volumes, seed=3)
    again, _ = plant_lesions(volumes, seed=3)
    assert has.sum() == 4
    for before, after, same, planted in zip(volumes, first, again, has, strict=True):
        assert (after == same).all()
        assert (after != before).any() == bool(planted)


def test_real_volumes_are_scaled_to_one(shared_data: Path) -> None:
    names, volumes = read_hippocampus(shared_data)
    assert len(names) == len(set(names)) == 130
    assert all(volume.min() == 0 and volume.max() == 1 for volume in volumes)
    assert volumes[0].shape == (35, 51, 35)
