"""Volumes on other grids: centres, ramps, frequencies and places are right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import Array, Geometry, Image, PrepError, Provenance, RecipeError
from medlens.prep import build_pipeline
from medlens.prep.stream import Stream, collect, on_stream
from medlens.prep.volume import fit_volume, place_stream, resample_volume
from medlens.prep.volume_crop import crop_body
from medlens.recipe.settings import Step

resample = on_stream(resample_volume)
fit = on_stream(fit_volume)
Spacing = tuple[float, float, float]


def volume_of(
    array: Array, spacing: Spacing = (1.0, 1.0, 1.0), **fields: object
) -> Image:
    """An image (1, D, H, W) that is turned in space, so that no axis is plain."""
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    geometry = Geometry.from_parts(spacing=spacing, origin=(5, -7, 11), direction=turn)
    fields.setdefault("stage", "rescaled")
    return Image(array[None], geometry, provenance=Provenance(case="case 1"), **fields)


def millimetres(image: Image, axis: int) -> Array:
    """(D, H, W) distance in mm along a source axis's direction, voxel by voxel."""
    index = np.stack(np.meshgrid(*map(np.arange, image.array.shape[1:]), indexing="ij"))
    points = image.geometry.to_patient(np.moveaxis(index, 0, -1))
    return points @ image.geometry.direction[:, axis]


@given(
    st.tuples(*[st.integers(2, 24)] * 3),
    st.tuples(*[st.floats(0.4, 5.0)] * 3),
    st.tuples(*[st.floats(0.4, 5.0)] * 3),
    st.sampled_from(["linear", "cubic"]),
)
@settings(max_examples=60, deadline=None)
def test_a_ramp_in_the_patient_stays_the_same_ramp(
    shape: tuple[int, int, int], old: Spacing, new: Spacing, kernel: str
) -> None:
    source = volume_of(np.zeros(shape, np.float32), old)
    for axis in range(3):
        ramp = source.with_array(millimetres(source, axis)[None].astype(np.float32))
        result = resample(ramp, spacing=new, filter=kernel, coarse="same")
        wanted = millimetres(result, axis)
        # where voxels shrink, what lies beyond the outermost centres repeats them
        low, high = ramp.array.min(), ramp.array.max()
        inner = (wanted > low + 2 * old[axis]) & (wanted < high - 2 * old[axis])
        inside = np.clip(wanted, low, high)
        np.testing.assert_allclose(result.array[0][inner], inside[inner], atol=2e-3)
        counts = np.array(result.array.shape[1:])
        field = counts * result.geometry.spacing
        np.testing.assert_allclose(field, np.array(shape) * old, rtol=1e-9)


def test_the_field_stays_and_centres_move_by_half_the_difference() -> None:
    image = volume_of(np.arange(64, dtype=np.float32).reshape(4, 4, 4), (2, 1, 1))
    result = resample(image, spacing=(2.0, 2.0, 2.0))
    assert result.array.shape == (1, 4, 2, 2)
    assert result.geometry.spacing == pytest.approx((2, 2, 2))
    # hand-worked: the first centre lies between the first two voxels along H and W
    middle = image.geometry.to_patient(np.array([0, 0.5, 0.5]))
    np.testing.assert_allclose(result.geometry.origin, middle)


def test_frequencies_that_the_new_grid_cannot_carry_vanish() -> None:
    wave = np.cos(np.pi * np.arange(64))  # one voxel bright, one dark
    for axis in range(3):
        lines = [np.ones(8), np.ones(8), np.ones(8)]
        lines[axis] = wave
        values = np.einsum("i,j,k->ijk", *lines).astype(np.float32)
        result = resample(volume_of(values), spacing=(4.0, 4.0, 4.0))
        inner = np.take(
            result.array[0], range(2, result.array.shape[axis + 1] - 2), axis
        )
        assert np.abs(inner).max() < 0.02


def test_slices_far_apart_are_not_smeared_where_so_asked() -> None:
    values = np.random.default_rng(0).random((5, 16, 16), dtype=np.float32)
    image = volume_of(values, (5.0, 1.0, 1.0))
    near = resample(image, spacing=(2.5, 1.0, 1.0), coarse="nearest")
    np.testing.assert_array_equal(near.array[0], np.repeat(values, 2, axis=0))
    linear = resample(image, spacing=(2.5, 1.0, 1.0))
    np.testing.assert_allclose(
        linear.array[0, 1], 0.75 * values[0] + 0.25 * values[1], rtol=1e-5
    )


def test_zero_leaves_an_axis_and_wide_integers_stay_integers() -> None:
    values = np.random.default_rng(0).integers(-1000, 2000, (6, 20, 20), dtype=np.int16)
    image = volume_of(values, (3.0, 0.5, 0.5))
    result = resample(image, spacing=(0.0, 1.0, 1.0))
    assert result.array.shape == (1, 6, 10, 10)
    assert result.array.dtype == np.int16
    exact = resample(
        image.with_array(image.array.astype(np.float32)), spacing=(0, 1, 1)
    )
    assert exact.array.dtype == np.float32
    assert np.abs(exact.array - result.array).max() <= 0.5 + 1e-3
    narrow = resample(image.with_array(np.abs(image.array) // 20), spacing=(0, 1, 1))
    assert narrow.array.dtype == np.float32


def test_files_without_a_size_are_refused_or_kept() -> None:
    image = Image(
        np.zeros((1, 4, 4, 4), np.float32),
        Geometry.uncalibrated(),
        provenance=Provenance(case="case 1"),
    )
    with pytest.raises(
        PrepError, match="case 1: step 'resample_volume' needs voxel sp"
    ):
        resample(image)
    assert resample(image, uncalibrated="keep") is image


@pytest.mark.parametrize("spacing", [(1e-2, 1e-2, 1e-2), (1e-3, 0.0, 0.0)])
def test_huge_grids_are_refused(spacing: Spacing) -> None:
    image = volume_of(np.zeros((20, 30, 30), np.float32))
    with pytest.raises(PrepError, match="case 1: step 'resample_volume' would make"):
        resample(image, spacing=spacing)


def test_spacing_must_be_three_numbers() -> None:
    step = Step("resample_volume", {"spacing": [1.0, 1.0]})
    with pytest.raises(RecipeError, match=r"wanted a list of 3 numbers in 0\.\.100"):
        build_pipeline([step])


@pytest.mark.parametrize("mode", ["fit", "stretch", "crop_pad"])
@given(
    st.tuples(*[st.integers(2, 20)] * 3),
    st.tuples(*[st.integers(2, 20)] * 3),
)
@settings(max_examples=30, deadline=None)
def test_fitted_volumes_keep_their_place(
    mode: str, shape: tuple[int, int, int], wanted: tuple[int, int, int]
) -> None:
    image = volume_of(np.ones(shape, np.float32), (2.0, 0.7, 0.9), stage="windowed")
    d, h, w = wanted
    result = fit(image, depth=d, height=h, width=w, mode=mode)
    assert result.array.shape == (1, *wanted)
    centre = image.geometry.to_patient((np.array(shape) - 1) / 2)
    moved = result.geometry.to_patient((np.array(wanted) - 1) / 2)
    off = np.abs(result.geometry.direction.T @ (centre - moved))
    assert (off <= 0.5 * np.array(result.geometry.spacing) + 1e-9).all()
    if mode == "stretch":
        np.testing.assert_allclose(result.array, 1, rtol=1e-5)
    if mode == "crop_pad":
        kept = np.minimum(shape, wanted).prod()
        assert result.array.sum() == pytest.approx(kept)


def test_padding_is_black_also_before_a_window() -> None:
    values = np.full((3, 4, 4), 40, np.int16)
    values[0, 0, 0] = -1000
    result = fit(volume_of(values), depth=5, height=6, width=6, mode="crop_pad")
    assert result.array.dtype == np.int16
    assert result.array[0, 0].max() == -1000
    assert result.array[0, 2, 2, 2] == 40


@given(st.tuples(*[st.integers(-6, 6)] * 3), st.tuples(*[st.integers(1, 9)] * 3))
@settings(max_examples=60, deadline=None)
def test_boxes_hold_what_lies_there(
    starts: tuple[int, int, int], counts: tuple[int, int, int]
) -> None:
    values = np.random.default_rng(0).random((5, 6, 7), dtype=np.float32)
    image = volume_of(values, stage="windowed")
    result = collect(place_stream(Stream.of(image), starts, counts))
    wide = np.pad(values, 20)
    wanted = wide[
        tuple(slice(20 + a, 20 + a + n) for a, n in zip(starts, counts, strict=True))
    ]
    np.testing.assert_array_equal(result.array[0], wanted)
    place = image.geometry.to_patient(np.array(starts))
    np.testing.assert_allclose(result.geometry.origin, place)


def test_slabs_are_as_good_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).random((40, 30, 30), dtype=np.float32)
    image = volume_of(values)
    whole = resample(image, spacing=(1.7, 1.3, 0.6))
    monkeypatch.setattr("medlens.prep.stream.SLAB_BYTES", 4 * 30 * 30 * 3)
    slabs = resample(image, spacing=(1.7, 1.3, 0.6))
    np.testing.assert_allclose(slabs.array, whole.array, rtol=1e-5, atol=1e-6)


def test_the_body_is_found_in_a_volume() -> None:
    index = np.stack(np.meshgrid(*map(np.arange, (30, 80, 90)), indexing="ij"), axis=-1)
    inside = (((index - (12, 35, 50)) / (7, 20, 25)) ** 2).sum(axis=-1) <= 1
    image = volume_of(np.where(inside, 40, -1000).astype(np.int16), (2, 1, 1))
    planar = on_stream(crop_body)(image, margin=0.0)
    assert planar.array.shape[1] == 30
    both = on_stream(crop_body)(image, margin=0.0, slices=True)
    for found, first in ((planar, 0), (both, 5)):
        # hand-worked: the ellipsoid's ends, one voxel either way
        corner = image.geometry.to_index(np.array(found.geometry.origin))
        assert np.abs(corner - (first, 15, 25)).max() <= 1.5
        assert (found.array > 0).sum() >= 0.99 * inside.sum()
    assert np.abs(np.array(both.array.shape[1:]) - (15, 41, 51)).max() <= 3
    np.testing.assert_array_equal(
        on_stream(crop_body)(volume_of(np.ones((9, 20, 20), np.float32))).array.shape,
        (1, 9, 20, 20),
    )
