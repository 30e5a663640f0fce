"""Batches: augmented in step order, or clean in row order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from medlens.core import TrainError
from medlens.prep import build_augment
from medlens.recipe import AugmentSettings
from medlens.train.batches import clean_batches, to_tensor, training_batches
from medlens.train.order import picks_of_step
from tests.train.lessons import blob_lesson, small_recipe


def test_batches_are_the_cases_of_their_step_as_augmented(tmp_path: Path) -> None:
    lesson, recipe = blob_lesson(tmp_path), small_recipe()
    augment = build_augment(recipe.augment.steps, seed=recipe.train.seed)
    seen = 0
    for batch in training_batches(lesson, recipe, start=2, stop=9):
        picks = picks_of_step(batch.step, cases=32, batch_size=8, seed=3)
        epoch, chosen = picks.epoch, picks.cases
        assert (batch.step, batch.epoch) == (2 + seen, epoch)
        clean = lesson.cache.read(lesson.train_rows[chosen])
        for image, case, index in zip(batch.images, clean, chosen, strict=True):
            wanted = augment(case, epoch=epoch, index=int(index))
            assert np.array_equal(image.numpy(), wanted)
        assert np.array_equal(batch.targets.numpy(), lesson.train_targets[chosen])
        seen += 1
    assert seen == 7


def test_a_late_start_gives_what_the_whole_would_have(tmp_path: Path) -> None:
    lesson, recipe = blob_lesson(tmp_path), small_recipe()
    whole = [b.images for b in training_batches(lesson, recipe, start=0, stop=6)]
    late = [b.images for b in training_batches(lesson, recipe, start=4, stop=6)]
    assert all(torch.equal(a, b) for a, b in zip(whole[4:], late, strict=True))


def test_nothing_to_do_gives_no_batch(tmp_path: Path) -> None:
    lesson, recipe = blob_lesson(tmp_path), small_recipe()
    assert list(training_batches(lesson, recipe, start=12, stop=12)) == []


def test_without_augmentation_images_are_clean(tmp_path: Path) -> None:
    lesson = blob_lesson(tmp_path)
    recipe = replace(small_recipe(), augment=AugmentSettings())
    batch = next(training_batches(lesson, recipe, start=0, stop=1))
    chosen = picks_of_step(0, cases=32, batch_size=8, seed=3).cases
    clean = lesson.cache.read(lesson.train_rows[chosen])
    assert np.array_equal(batch.images.numpy(), clean)


def test_clean_batches_hold_every_row_in_order(tmp_path: Path) -> None:
    lesson = blob_lesson(tmp_path)
    rows = np.array([5, 3, 40, 0, 7])
    parts = list(clean_batches(lesson, rows, size=2, device=torch.device("cpu")))
    assert [len(part) for part in parts] == [2, 2, 1]
    assert np.array_equal(torch.cat(parts).numpy(), lesson.cache.read(rows))


def test_tensors_lie_channels_last() -> None:
    images = np.random.default_rng(0).random((2, 3, 4, 5), dtype=np.float32)
    tensor = to_tensor(images)
    assert tensor.is_contiguous(memory_format=torch.channels_last)
    assert np.array_equal(tensor.numpy(), images)


@pytest.mark.parametrize(("train", "validation"), [(0, 4), (4, 0)])
def test_a_lesson_needs_both_sides(tmp_path: Path, train: int, validation: int) -> None:
    lesson = blob_lesson(tmp_path)
    wanted = f"{train} training and {validation} validation cases could be prepared"
    with pytest.raises(TrainError, match=wanted):
        replace(
            lesson,
            train_rows=lesson.train_rows[:train],
            validation_rows=lesson.validation_rows[:validation],
        )
