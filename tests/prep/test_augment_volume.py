"""Changes of volumes: repeatable, image and mask together, true to the spacing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import Array, RecipeError
from medlens.prep import (
    VOLUME_AUGMENT_PRESETS,
    VOLUME_AUGMENTS,
    build_augment,
    build_volume_augment,
)
from medlens.prep.volume_place import Frame, draw_affine
from medlens.prep.warp import Warp, enlarge, warp
from medlens.recipe.settings import Step

PLACE = [n for n, row in VOLUME_AUGMENTS.items() if row.group in ("warp", "place")]


def blob(shape: tuple[int, int, int] = (20, 28, 24)) -> tuple[Array, Array]:
    """(1, D, H, W) smooth blob off the middle, and the mask of its inside."""
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    sides = np.array(shape)
    far = (((index - 0.45 * sides) / (0.25 * sides)) ** 2).sum(axis=-1)
    values = np.exp(-far).astype(np.float32)
    return values[None], (values > 0.5).astype(np.uint8)


@pytest.mark.parametrize("name", VOLUME_AUGMENTS)
@pytest.mark.parametrize("shape", [(20, 28, 24), (1, 32, 40), (2, 2, 2)])
def test_every_change_is_repeatable_and_keeps_its_input(
    name: str, shape: tuple[int, int, int]
) -> None:
    array, mask = blob(shape)
    array = np.concatenate([array, array**2, 1 - array])
    kept = array.copy(), mask.copy()
    augment = build_volume_augment([Step(name, {"p": 1.0})], seed=4)
    first, labels = augment(array, mask, epoch=2, index=9)
    again, labels_again = augment(array, mask, epoch=2, index=9)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(labels, labels_again)
    assert first.shape == array.shape
    assert first.dtype == np.float32
    assert 0 <= first.min() <= first.max() <= 1
    assert labels is not None
    assert labels.shape == mask.shape
    assert labels.dtype == np.uint8
    assert first.flags.c_contiguous
    assert labels.flags.c_contiguous
    np.testing.assert_array_equal(array, kept[0])
    np.testing.assert_array_equal(mask, kept[1])
    assert not np.shares_memory(first, array)
    assert not np.shares_memory(labels, mask)
    if name not in PLACE:
        np.testing.assert_array_equal(labels, mask)
    alone, none = augment(array, epoch=2, index=9)
    assert none is None
    np.testing.assert_array_equal(alone, first)


def test_seed_epoch_and_index_each_change_what_happens() -> None:
    array, mask = blob()
    steps = VOLUME_AUGMENT_PRESETS["volume_mr"]
    results = [
        build_volume_augment(steps, seed=s)(array, mask, epoch=e, index=i)[0]
        for s, e, i in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    ]
    for other in results[1:]:
        assert np.abs(results[0] - other).max() > 0.01


def test_a_step_alone_is_drawn_as_its_2d_fellow() -> None:
    steps = [Step("gamma", {"p": 1.0}), Step("noise", {"p": 1.0})]
    array, _ = blob((1, 30, 30))
    flat = build_augment(steps, seed=3)(array[:, 0], epoch=1, index=2)
    volume, _ = build_volume_augment(steps, seed=3)(array, epoch=1, index=2)
    np.testing.assert_array_equal(volume[:, 0], flat)


@pytest.mark.parametrize("preset", VOLUME_AUGMENT_PRESETS)
@pytest.mark.parametrize("shape", [(24, 28, 24), (1, 48, 48)])
def test_image_and_mask_go_the_same_way(
    preset: str, shape: tuple[int, int, int]
) -> None:
    _, mask = blob(shape)
    image = mask[None].astype(np.float32)
    steps = [s for s in VOLUME_AUGMENT_PRESETS[preset] if s.name in PLACE]
    augment = build_volume_augment(steps, seed=0)
    for index in range(12):
        changed, labels = augment(image, mask, epoch=0, index=index)
        assert labels is not None
        # the image is its own mask: half a voxel is all that rounding may move
        share = ((changed[0] >= 0.5) == (labels > 0)).mean()
        assert share > 0.97
        assert labels.sum() == pytest.approx(changed.sum(), rel=0.08)


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_linear_pictures_are_sampled_exactly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(1, 14, 3))
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"))
    slopes, start = rng.uniform(-1, 1, 3), rng.uniform()
    plane = np.tensordot(slopes, index, 1) + start
    matrix = np.column_stack([rng.normal(0, 1, (3, 3)), rng.uniform(-3, 12, 3)])
    result, _ = warp(plane[None].astype(np.float32), None, Warp(matrix, None, "edge"))
    places = np.tensordot(matrix[:, :3], index, 1) + matrix[:, 3:].reshape(3, 1, 1, 1)
    last = np.array(shape).reshape(3, 1, 1, 1) - 1
    wanted = np.tensordot(slopes, np.clip(places, 0, last), 1) + start
    np.testing.assert_allclose(result[0], wanted, atol=0.05 if not exact() else 2e-3)


def exact() -> bool:
    """OpenCV before 5 samples at thirty-seconds of a pixel."""
    import cv2

    return int(cv2.__version__.split(".")[0]) >= 5


@pytest.mark.parametrize("border", ["black", "edge", "mirror"])
def test_borders_are_what_scipy_makes_of_them(border: str) -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    rng = np.random.default_rng(1)
    values = rng.random((9, 11, 10), dtype=np.float32)
    labels = rng.integers(0, 4, values.shape).astype(np.uint8)
    matrix = np.column_stack([np.eye(3) + rng.normal(0, 0.2, (3, 3)), [-2.0, 1.3, 2.2]])
    result, moved = warp(values[None], labels, Warp(matrix, None, border))
    index = np.stack(np.meshgrid(*map(np.arange, values.shape), indexing="ij"))
    places = np.tensordot(matrix[:, :3], index, 1) + matrix[:, 3:].reshape(3, 1, 1, 1)
    mode = "mirror" if border == "mirror" else "nearest"
    wanted = ndimage.map_coordinates(values, places, order=1, mode=mode)
    near = ndimage.map_coordinates(labels, places, order=0, mode=mode)
    if border == "black":
        ends = np.array(values.shape).reshape(3, 1, 1, 1) - 0.5
        outside = ((places < -0.5) | (places > ends)).any(axis=0)
        wanted[outside], near[outside] = 0, 0
    np.testing.assert_allclose(result[0], wanted, atol=1e-3 if exact() else 0.05)
    assert (moved == near).mean() > 0.995


def test_tall_volumes_are_sampled_in_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    array, mask = blob((30, 20, 18))
    augment = build_volume_augment(
        [Step("affine"), Step("elastic", {"p": 1.0})], seed=2
    )
    whole = augment(array, mask, epoch=0, index=0)
    monkeypatch.setattr("medlens.prep.warp.LONGEST_SIDE", 140)
    monkeypatch.setattr("medlens.prep.warp.SLAB", 20 * 18 * 4)
    parts = augment(array, mask, epoch=0, index=0)
    np.testing.assert_allclose(parts[0], whole[0], atol=1e-3 if exact() else 0.05)
    assert (parts[1] == whole[1]).mean() > 0.999


def test_turns_are_turns_in_the_patient() -> None:
    frame = Frame((1, 20, 40, 40), (2.0, 1.0, 0.5))
    numbers = draw_affine(np.random.default_rng(0), frame, rotate=40, scale=0.0)
    mm = np.diag(frame.spacing)
    turn = mm @ numbers["matrix"][:, :3] @ np.linalg.inv(mm)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)


def test_slices_far_apart_stay_apart() -> None:
    frame = Frame((1, 20, 40, 40), (6.0, 1.0, 1.0))
    tilts = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        linear = draw_affine(rng, frame, rotate=30, scale=0.0)["matrix"][:, :3]
        tilts.append(np.degrees(np.arccos(linear[0, 0])))
    assert max(tilts) < 2**0.5 * 30 / 6 + 1e-6
    array = np.zeros((1, 6, 24, 24), np.float32)
    array[:, 3] = 0.8
    names = ["elastic", "blur", "low_resolution", "anisotropy"]
    steps = [Step(name, {"p": 1.0}) for name in names]
    augment = build_volume_augment(steps, seed=0, spacing=(6.0, 1.0, 1.0))
    changed, _ = augment(array, epoch=0, index=0)
    np.testing.assert_allclose(changed, array, atol=1e-3)


def test_flips_and_turns_by_hand() -> None:
    array = np.arange(8, dtype=np.float32).reshape(1, 2, 2, 2) / 8
    mask = np.arange(8, dtype=np.uint8).reshape(2, 2, 2)
    wanted = {
        "horizontal_flip": mask[:, :, ::-1],
        "vertical_flip": mask[:, ::-1],
        "depth_flip": mask[::-1],
    }
    for name, flipped in wanted.items():
        augment = build_volume_augment([Step(name, {"p": 1.0})], seed=0)
        values, labels = augment(array, mask, epoch=0, index=0)
        np.testing.assert_array_equal(labels, flipped)
        np.testing.assert_array_equal(values[0] * 8, flipped)


def test_a_bias_field_is_smooth_and_multiplies() -> None:
    flat = np.full((1, 24, 24, 24), 0.3, np.float32)
    augment = build_volume_augment([Step("bias_field", {"p": 1.0})], seed=1)
    field = augment(flat, epoch=0, index=0)[0] / flat
    assert field.std() > 0.02
    for axis in (1, 2, 3):
        assert np.abs(np.diff(np.log(field), axis=axis)).max() < 0.2
    assert np.exp(-0.6) - 1e-3 <= field.min() <= field.max() <= np.exp(0.6) * 1.2
    np.testing.assert_allclose(
        enlarge(np.full((3, 3, 3), 2.0), (5, 9, 8)), 2, rtol=1e-5
    )


def test_longer_voxels_lose_detail_along_their_axis_only() -> None:
    apply = VOLUME_AUGMENTS["anisotropy"].apply
    assert apply is not None
    rng = np.random.default_rng(0)
    along_w = np.broadcast_to(rng.random(24, dtype=np.float32), (1, 24, 24, 24)).copy()
    same = apply(along_w, factors=(3.0, 1.0, 1.0))
    np.testing.assert_allclose(same, along_w, atol=1e-5)
    lost = apply(along_w, factors=(1.0, 1.0, 3.0))
    assert lost.std() < 0.8 * along_w.std()
    assert lost.mean() == pytest.approx(along_w.mean(), abs=0.01)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (
            [Step("elastik")],
            r"augment\.steps\[0\]\.name 'elastik' is unknown for volumes",
        ),
        ([Step("affine", {"shear": 3.0})], r"augment\.steps\[0\]\.shear is unknown"),
        (
            [Step("blur", {"sigma": 99.0})],
            r"sigma is 99.0; wanted a number in 0\.1\.\.20",
        ),
    ],
)
def test_wrong_recipes_fail_when_built(steps: list[Step], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        build_volume_augment(steps, seed=0)


def test_wrong_seeds_spacings_and_shapes_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"train\.seed is -1; wanted 0 or above"):
        build_volume_augment([], seed=-1)
    with pytest.raises(RecipeError, match=r"net\.spacing is .*; wanted three numbers"):
        build_volume_augment([], seed=0, spacing=(1.0, 0.0, 1.0))
    array, mask = blob()
    with pytest.raises(ValueError, match=r"wanted \(C, D, H, W\) and \(D, H, W\)"):
        build_volume_augment([], seed=0)(array, mask[:3], epoch=0, index=0)
