"""Where patches are laid, what their channels are, and that steps repeat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import TrainError
from medlens.recipe import NetSettings
from medlens.train import MaskCache, MaskLesson
from medlens.train.mask_batches import Layer, mask_batches, to_tensors
from tests.train.masks import LABELS, SPACING, Prepared, ball_lesson, cache_of
from tests.train.masks import mask_recipe as recipe_of

SHAPE = (6, 20, 30)


def numbered(index: int) -> Prepared:
    """Voxel d, h, w of channel c is worth 10·d + c grey values; one labelled voxel
    of 3600, and in every second case none."""
    depth = np.arange(SHAPE[0], dtype=np.float32)[:, None, None]
    values = np.stack([np.broadcast_to(10 * depth + c, SHAPE) for c in range(2)])
    mask = np.zeros(SHAPE, np.uint8)
    if index % 2 == 0:
        mask[4, 17, 3] = 1
    return values / 255, mask, SPACING


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> MaskCache:
    return cache_of(tmp_path_factory.mktemp("numbered"), numbered, cases=2)


def net(depth: int, height: int, width: int, *, context: int = 0) -> NetSettings:
    return NetSettings(
        "unet_quarter", "", height=height, width=width, depth=depth, context=context
    )


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_asked_share_of_patches_holds_a_label(
    cache: MaskCache, share: float
) -> None:
    """A patch of 2×4×4 laid anywhere holds the voxel with a chance of about
    2/5 · (few of 17·27): one in a hundred at most."""
    layer = Layer(cache, net(2, 4, 4), foreground=share)
    rng = np.random.default_rng(0)
    held = np.mean([layer.draw(0, rng)[1].any() for _ in range(400)])
    assert share - 0.07 <= held <= share + 0.08  # 3 standard deviations of 400 draws


def test_labels_have_equal_shares_however_rare(tmp_path: Path) -> None:
    def prepare(_: int) -> Prepared:
        mask = np.zeros((1, 40, 40), np.uint8)
        mask[:, :20] = 1
        mask[:, 35, 35] = 2
        return np.zeros((1, 1, 40, 40), np.float32), mask, SPACING

    cache = cache_of(tmp_path, prepare, cases=1, labels=3)
    layer = Layer(cache, net(1, 8, 8), foreground=1.0)
    rng = np.random.default_rng(0)
    held = np.mean([(layer.draw(0, rng)[1] == 2).any() for _ in range(400)])
    assert 0.42 <= held <= 0.58


def test_a_case_without_labels_still_gives_patches(cache: MaskCache) -> None:
    layer = Layer(cache, net(2, 4, 4), foreground=1.0)
    values, mask = layer.draw(1, np.random.default_rng(0))
    assert values.shape == (2, 2, 4, 4)
    assert not mask.any()


@given(
    st.integers(0, 1),
    st.tuples(st.integers(1, 9), st.integers(1, 30), st.integers(1, 40)),
    st.integers(0, 99),
)
@settings(max_examples=100, deadline=None)
def test_patches_lie_inside_or_hold_the_whole_volume(
    cache: MaskCache, row: int, size: tuple[int, int, int], seed: int
) -> None:
    """Values are 0 outside and, but for slice 0, above 0 inside: so many voxels of
    the patch are inside as fit."""
    layer = Layer(cache, net(*size), foreground=0.5)
    values, _ = layer.draw(row, np.random.default_rng(seed))
    inside = (np.round(values[1] * 255) > 0).sum()  # channel 1 is 1 in slice 0
    assert inside == np.prod([min(k, n) for k, n in zip(size, SHAPE, strict=True)])


def test_a_small_volume_is_padded_and_its_label_kept(cache: MaskCache) -> None:
    layer = Layer(cache, net(8, 24, 32), foreground=1.0)
    values, mask = layer.draw(0, np.random.default_rng(0))
    assert values.shape == (2, 8, 24, 32)
    assert mask.sum() == 1
    d, h, w = np.argwhere(mask)[0]
    assert round(float(values[0, d, h, w]) * 255) == 40


@pytest.mark.parametrize(
    ("start", "slices"),
    [(0, (0, 0, 1)), (1, (0, 1, 2)), (4, (3, 4, 5)), (5, (4, 5, 5))],
)
def test_neighbours_at_the_ends_repeat_the_end_slice(
    cache: MaskCache, start: int, slices: tuple[int, ...]
) -> None:
    values, mask = Layer(cache, net(1, 4, 4, context=1), foreground=0).cut(
        0, (start, 15, 0)
    )
    assert values.shape == (6, 1, 4, 4)
    assert mask.shape == (1, 4, 4)
    assert mask.sum() == (start == 4)
    # channel by channel: all neighbours of the first, then those of the second
    expected = [10 * d + c for c in range(2) for d in slices]
    found = np.round(values[:, 0, 0, 0] * 255).astype(int).tolist()
    assert found == expected


def test_context_further_than_the_volume_is_long(cache: MaskCache) -> None:
    values, _ = Layer(cache, net(1, 4, 4, context=5), foreground=0).cut(0, (2, 0, 0))
    found = (np.round(values[:11, 0, 0, 0] * 255) / 10).astype(int).tolist()
    assert found == [0, 0, 0, 0, 1, 2, 3, 4, 5, 5, 5]


def test_tiles_cover_every_voxel(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(1, 256, (1, 7, 19, 33)).astype(np.float32) / 255

    def prepare(_: int) -> Prepared:
        return values, np.ones((7, 19, 33), np.uint8), SPACING

    cache = cache_of(tmp_path, prepare, cases=1)
    layer = Layer(cache, net(4, 8, 16), foreground=0)
    tiles = list(layer.tiles(0, 1000))
    assert len(tiles) == 2 * 3 * 3
    seen = {v for patch, _ in tiles for v in np.round(patch.ravel() * 255).tolist()}
    assert seen == set(np.round(values.ravel() * 255).tolist())
    # Each is inside: labels are 1 everywhere, and would be 0 outside.
    assert all(mask.all() for _, mask in tiles)


def test_few_tiles_are_spread_and_one_is_the_middle(cache: MaskCache) -> None:
    layer = Layer(cache, net(1, 20, 30), foreground=0)

    def slices(most: int) -> list[int]:
        return [
            round(float(values[0, 0, 0, 0]) * 25.5)
            for values, _ in layer.tiles(0, most)
        ]

    assert slices(1) == [3]
    assert slices(2) == [1, 4]
    assert slices(3) == [1, 3, 5]
    assert slices(6) == slices(60) == [0, 1, 2, 3, 4, 5]


def test_a_2d_network_sees_no_slice_axis(cache: MaskCache) -> None:
    flat, deep = net(1, 8, 8), net(2, 8, 8)
    rng = np.random.default_rng(0)
    patches = [Layer(cache, flat, foreground=0).draw(0, rng) for _ in range(3)]
    images, masks = to_tensors(patches, flat)
    assert (images.shape, masks.shape) == ((3, 2, 8, 8), (3, 8, 8))
    assert masks.dtype == torch.int64
    patches = [Layer(cache, deep, foreground=0).draw(0, rng) for _ in range(3)]
    images, masks = to_tensors(patches, deep)
    assert (images.shape, masks.shape) == ((3, 2, 2, 8, 8), (3, 2, 8, 8))


def test_a_step_is_the_same_wherever_the_run_began(tmp_path: Path) -> None:
    lesson, recipe = ball_lesson(tmp_path, train=5, validation=1), recipe_of()

    def steps(start: int) -> list[Any]:
        return list(mask_batches(lesson, recipe, start=start, stop=9, per_epoch=4))

    whole, late = steps(0), steps(6)
    assert [batch.step for batch in whole] == list(range(9))
    assert [batch.epoch for batch in whole] == [0] * 4 + [1] * 4 + [2]
    assert [batch.step for batch in late] == [6, 7, 8]
    for one, other in zip(whole[6:], late, strict=True):
        assert torch.equal(one.images, other.images)
        assert torch.equal(one.masks, other.masks)
    assert not torch.equal(whole[0].images, whole[1].images)


def test_a_lesson_needs_cases_of_both_kinds(cache: MaskCache) -> None:
    none, some = np.array([], np.int64), np.array([0])
    wanted = r"1 training and 0 validation cases with masks could be prepared"
    with pytest.raises(TrainError, match=wanted):
        MaskLesson(cache, LABELS, some, none, some)
    lesson = MaskLesson(cache, LABELS, np.array([1, 0]), some, np.arange(3))
    assert lesson.presence().tolist() == [[1, 0], [1, 1]]
