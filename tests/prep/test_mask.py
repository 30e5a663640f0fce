"""Masks on the grid of the prepared image: volumes, places, labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import Array, Geometry, PrepError
from medlens.prep import build_pipeline, prepare_mask
from medlens.recipe.settings import Step

from .test_volume import volume_of

Spacing = tuple[float, float, float]
WINDOW = Step("fixed_range", {"low": 0.0, "high": 1.0})


def ball(shape: tuple[int, int, int], centre: Array, radius: Spacing) -> Array:
    """(D, H, W) uint8, 1 inside an ellipsoid in voxels."""
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    return (((index - centre) / radius) ** 2).sum(axis=-1) <= 1


def centre_of(weights: Array) -> Array:
    index = np.stack(np.meshgrid(*map(np.arange, weights.shape), indexing="ij"))
    return (index * weights).sum(axis=(1, 2, 3)) / weights.sum()


THIN, THICK = st.floats(0.6, 1.6), st.floats(0.6, 3.0)


@given(
    st.booleans(),
    st.data(),
    st.tuples(*[st.floats(-0.5, 0.5)] * 3),
)
@settings(max_examples=20, deadline=None)
def test_a_ball_keeps_its_volume_and_its_image(
    is_thick: bool, data: st.DataObject, off: Spacing
) -> None:
    through = THICK if is_thick else THIN
    old = data.draw(st.tuples(through, THIN, THIN))
    new = data.draw(st.tuples(through, THIN, THIN))
    shape = tuple(round(64 / mm) for mm in old)
    centre = (np.array(shape) - 1) / 2 + off
    radius = tuple(22 / mm for mm in old)
    mask = ball(shape, centre, radius).astype(np.uint8)
    image = volume_of(mask.astype(np.float32), old, stage="rescaled")
    steps = [
        WINDOW,
        Step("crop", {"top": 2, "left": 1}),
        Step("resample_volume", {"spacing": list(new)}),
        Step(
            "fit_volume", {"depth": 70, "height": 90, "width": 90, "mode": "crop_pad"}
        ),
    ]
    prepared = build_pipeline(steps)(image)
    moved = prepare_mask(mask, image, prepared, labels=2)
    assert moved.shape == prepared.array.shape[1:]
    before = mask.sum() * np.prod(image.geometry.spacing)
    after = moved.sum() * np.prod(prepared.geometry.spacing)
    # a dozen slices across the ball say where it ends to a twentieth of its volume
    assert after == pytest.approx(before, rel=0.05 if is_thick else 0.02)
    # the image is the ball itself, so that both must have one centre; a mask of
    # whole voxels says where it is to about a tenth of one, at worst a seventh
    apart = centre_of(moved) - centre_of(prepared.array[0])
    assert np.abs(apart).max() < 0.15
    place = image.geometry.to_patient(centre_of(mask))
    assert np.abs(prepared.geometry.to_index(place) - centre_of(moved)).max() < 0.15


@given(st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_crops_pads_and_flips_are_exact(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.integers(0, 5, rng.integers(3, 12, 3)).astype(np.uint8)
    image = volume_of(mask / np.float32(255), (2.5, 0.8, 0.9))
    depth, height, width = (int(n) for n in rng.integers(2, 14, 3))
    steps = [
        WINDOW,
        Step("flip", {"axis": "width"}),
        Step("flip", {"axis": "height"}),
        Step(
            "fit_volume",
            {"depth": depth, "height": height, "width": width, "mode": "crop_pad"},
        ),
    ]
    prepared = build_pipeline(steps)(image)
    moved = prepare_mask(mask, image, prepared, labels=5)
    np.testing.assert_array_equal(moved, np.rint(prepared.array[0] * 255))
    assert moved.flags.c_contiguous
    given_apart = prepare_mask(
        mask, image.geometry, prepared.geometry, shape=(depth, height, width)
    )
    np.testing.assert_array_equal(given_apart, moved)


def test_touching_labels_meet_where_they_met() -> None:
    mask = np.zeros((8, 20, 20), np.uint8)
    mask[:, :, 7:13], mask[:, :, 13:] = 3, 1
    image = volume_of(mask.astype(np.float32))
    prepared = build_pipeline(
        [
            WINDOW,
            Step(
                "fit_volume", {"depth": 8, "height": 20, "width": 60, "mode": "stretch"}
            ),
        ]
    )(image)
    moved = prepare_mask(mask, image, prepared, labels=4)
    # hand-worked: three columns for each old one, no label between 1 and 3 invented
    np.testing.assert_array_equal(moved, np.repeat(mask, 3, axis=2))
    near = prepare_mask(mask, image, prepared, labels=4, method="nearest")
    np.testing.assert_array_equal(near, moved)


def test_slabs_are_as_good_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    mask = np.random.default_rng(0).integers(0, 4, (20, 16, 16)).astype(np.uint8)
    image = volume_of(mask.astype(np.float32))
    prepared = build_pipeline([WINDOW, Step("fit_volume", {"mode": "stretch"})])(image)
    whole = prepare_mask(mask, image, prepared)
    monkeypatch.setattr("medlens.prep.mask.SLAB", 128 * 128 * 3)
    np.testing.assert_array_equal(prepare_mask(mask, image, prepared), whole)


def test_wrong_masks_are_refused() -> None:
    image = volume_of(np.zeros((4, 5, 6), np.float32))
    mask = np.zeros((4, 5, 6), np.uint8)
    with pytest.raises(
        PrepError, match="case 1: mask is 4×5×5 voxels, its image 4×5×6"
    ):
        prepare_mask(mask[:, :, :5], image, image)
    with pytest.raises(PrepError, match="type int64; wanted"):
        prepare_mask(mask.astype(np.int64), image, image)
    mask[0, 0, 0] = 7
    with pytest.raises(PrepError, match=r"case 1: mask holds label 7; wanted 0\.\.2"):
        prepare_mask(mask, image, image, labels=3)
    turned = Geometry.from_parts(spacing=(1, 1, 1), direction=np.eye(3)[[1, 2, 0]])
    with pytest.raises(PrepError, match="turned against its source"):
        prepare_mask(mask, image, image.with_array(image.array, geometry=turned))


def test_hippocampi_keep_their_volume(shared_data: Path) -> None:
    nibabel = pytest.importorskip("nibabel")
    folder = shared_data / "mri_hippocampus"
    for path in sorted(folder.glob("labels/*.nii.gz"))[:5]:
        mask = np.asarray(nibabel.load(path).dataobj).astype(np.uint8)
        image = volume_of(mask.astype(np.float32))
        steps = [WINDOW, Step("resample_volume", {"spacing": [1.3, 0.7, 0.9]})]
        prepared = build_pipeline(steps)(image)
        moved = prepare_mask(mask, image, prepared, labels=3)
        cell = np.prod(prepared.geometry.spacing)
        for label in (1, 2):
            volume = (moved == label).sum() * cell
            assert volume == pytest.approx((mask == label).sum(), rel=0.05)
