"""Connected parts, against scipy's on whole volumes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label as number

from medlens.core import Array, ResourceError, UsageError
from medlens.predict import components, drop_parts


def dropped(mask: Array, *, min_voxels: int, only_largest: bool) -> Array:
    """The same, by scipy."""
    parts, _ = number(mask == 1, structure=np.ones((3, 3, 3)))
    sizes = np.bincount(parts.ravel())
    kept = sizes >= min_voxels
    if only_largest and len(sizes) > 1:
        kept &= np.arange(len(sizes)) == 1 + sizes[1:].argmax()
    return np.where((mask == 1) & ~kept[parts], 0, mask).astype(np.uint8)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 12), st.floats(0.02, 0.5), st.booleans())
def test_the_same_parts_as_scipy(
    seed: int, min_voxels: int, share: float, only_largest: bool
) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.choice(
        np.array([0, 1, 2], np.uint8), (9, 8, 7), p=[0.9 - share, share, 0.1]
    )
    wanted = dropped(mask, min_voxels=min_voxels, only_largest=only_largest)
    found = mask.copy()
    count = drop_parts(found, label=1, min_voxels=min_voxels, only_largest=only_largest)
    np.testing.assert_array_equal(found, wanted)
    assert count == (mask != wanted).sum()


def test_of_equals_the_first_stays() -> None:
    mask = np.zeros((5, 4, 4), np.uint8)
    mask[0, 0, :3] = mask[4, 3, :3] = 3
    assert drop_parts(mask, label=3, only_largest=True) == 3
    assert mask[0].any()
    assert not mask[4].any()


def test_a_mask_in_a_file_is_changed_there(tmp_path: Path) -> None:
    path = tmp_path / "mask.npy"
    mask = np.lib.format.open_memmap(path, "w+", np.uint8, (70, 5, 5))
    mask[:, 2, 2] = 1
    mask[40, 0, 0] = 1
    assert drop_parts(mask, label=1, min_voxels=2) == 1
    assert np.load(path).sum() == 70


@pytest.mark.parametrize(
    ("mask", "label"),
    [
        (np.zeros((3, 3), np.uint8), 1),
        (np.zeros((3, 3, 3), np.int32), 1),
        (np.zeros((3, 3, 3), np.uint8), 0),
    ],
)
def test_what_is_no_label_volume(mask: Array, label: int) -> None:
    with pytest.raises(UsageError, match="wanted a label of 1 to 255"):
        drop_parts(mask, label=label)


def test_noise_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(components, "MOST_PARTS", 10)
    mask = np.zeros((4, 9, 9), np.uint8)
    mask[:, ::2, ::2] = 1
    with pytest.raises(ResourceError, match="in more than 10 pieces up to slice 0"):
        drop_parts(mask, label=1)
    assert mask.sum() == 100
