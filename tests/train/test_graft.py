"""What is labelled in one slice, grown into another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medlens.core import TrainError
from medlens.recipe import AugmentSettings, NetSettings, Step
from medlens.train.graft import Patch, is_body
from medlens.train.graft import graft as graft_in
from medlens.train.mask_batches import MaskLesson, mask_batches
from medlens.train.mask_course import MaskCourse
from tests.train.masks import LABELS, Prepared, ball_lesson, cache_of, mask_recipe

SIDE = 40


def patch(level: float, *, box: tuple[slice, slice] | None = None) -> Patch:
    """Two channels of one level; a labelled box is brighter by 0.3."""
    values = np.full((2, 1, SIDE, SIDE), level, np.float32)
    mask = np.zeros((1, SIDE, SIDE), np.uint8)
    if box is not None:
        values[:, 0, *box] += 0.3
        mask[0, *box] = 1
    return values, mask


BOX = (slice(10, 20), slice(12, 24))


def graft(host: Patch, donor: Patch, rng: np.random.Generator) -> Patch:
    """Into a host whose place and tone were left alone."""
    return graft_in(host, donor, rng, body=is_body(host[0]))


@pytest.mark.parametrize("seed", range(8))
def test_region_and_mask_move_together(seed: int) -> None:
    host, donor = patch(0.2), patch(0.5, box=BOX)
    kept = [array.copy() for array in (*host, *donor)]
    values, mask = graft(host, donor, np.random.default_rng(seed))
    np.testing.assert_array_equal(mask, donor[1])
    np.testing.assert_allclose(values[:, 0, 13:17, 15:21], 0.8, atol=0.02)
    assert values[:, 0, 35:, :].max() == pytest.approx(0.2)  # far away nothing changed
    assert ((values >= 0.2 - 1e-6) & (values <= 0.8 + 1e-6)).all()
    for array, before in zip((*host, *donor), kept, strict=True):
        np.testing.assert_array_equal(array, before)


def test_the_hosts_own_label_stays_outside_the_graft() -> None:
    far = (slice(30, 36), slice(30, 36))
    host, donor = patch(0.2, box=far), patch(0.5, box=BOX)
    _, mask = graft(host, donor, np.random.default_rng(0))
    np.testing.assert_array_equal(mask, np.maximum(host[1], donor[1]))


def test_nothing_grows_in_air() -> None:
    host, donor = patch(0.2), patch(0.5, box=BOX)
    host[0][:, :, :, :20] = 0.0  # two thirds of the region are outside the head
    assert graft(host, donor, np.random.default_rng(0)) is host
    host[0][:, :, :, 14:] = 0.2  # now a sixth
    values, mask = graft(host, donor, np.random.default_rng(0))
    assert (mask[0, 10:20, 12:14] == 0).all()
    assert (mask[0, 10:20, 14:24] == 1).all()
    np.testing.assert_allclose(values[:, 0, 14, 0:8], 0, atol=1e-3)


def test_air_stays_air_when_the_tone_has_made_it_bright(tmp_path: Path) -> None:
    left, right = (slice(None), slice(0, 16)), (slice(None), slice(16, 32))

    def prepare(index: int) -> Prepared:
        values = np.full((1, 1, 32, 32), 0.5, np.float32)
        mask = np.zeros((1, 32, 32), np.uint8)
        if index == 0:
            values[0, 0][right] = 0.0  # air, where all the others are labelled
        else:
            mask[0][right] = 1
        return values, mask, None

    lesson = MaskLesson(
        cache=cache_of(tmp_path, prepare, cases=3),
        labels=LABELS,
        train_rows=np.array([0, 1]),
        validation_rows=np.array([2]),
        groups=np.arange(3),
    )
    flat = NetSettings("unet_lite0", "", height=32, width=32, depth=1, dropout=0.0)
    recipe = mask_recipe(flat, graft=1.0, foreground=0.0, batch_size=2)
    brighter = Step("brightness", {"limit": 0.3, "p": 1.0})
    recipe = replace(recipe, augment=AugmentSettings((brighter,)))
    for batch in mask_batches(lesson, recipe, start=0, stop=12, per_epoch=4):
        labelled = batch.masks.flatten(1).any(dim=1)
        assert int(labelled.sum()) == 1  # the host that is body all over
        assert not batch.masks[:, left[0], left[1]].any()


def test_a_speck_is_not_worth_it() -> None:
    host = patch(0.2)
    speck = patch(0.5, box=(slice(5, 7), slice(5, 7)))
    assert any(
        graft(host, speck, np.random.default_rng(seed)) is host for seed in range(20)
    )
    assert graft(host, patch(0.5), np.random.default_rng(0)) is host  # no label at all


def test_batches_are_the_same_each_time_and_show_more_of_the_label(
    tmp_path: Path,
) -> None:
    flat = NetSettings("unet_lite0", "", height=32, width=32, depth=1, dropout=0.0)
    lesson = ball_lesson(tmp_path)

    def shown(share: float, start: int) -> list[np.ndarray]:
        recipe = mask_recipe(flat, graft=share, foreground=0.0, batch_size=4)
        batches = mask_batches(lesson, recipe, start=start, stop=12, per_epoch=4)
        return [batch.masks.numpy() for batch in batches]

    whole, resumed = shown(1.0, 0), shown(1.0, 7)
    for one, other in zip(whole[7:], resumed, strict=True):
        np.testing.assert_array_equal(one, other)
    plain = np.concatenate(shown(0.0, 0))
    assert (np.concatenate(whole) > 0).sum() > 1.5 * (plain > 0).sum()


def test_volumes_are_refused(tmp_path: Path) -> None:
    recipe = mask_recipe()
    recipe = replace(recipe, train=replace(recipe.train, graft=0.5))
    with pytest.raises(TrainError, match=r"in 2D only: set train.graft = 0 or"):
        MaskCourse(recipe, ball_lesson(tmp_path))
