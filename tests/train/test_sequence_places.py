"""Masks that teach slices where to look."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch

from medlens.nets import SequenceNet
from medlens.prep import build_augment
from medlens.recipe import PrepSettings, Step
from medlens.train import follow
from medlens.train.sequence_batches import (
    same_change,
    same_change_of_places,
    sequence_batches,
)
from medlens.train.sequence_cache import build_sequence_cache
from medlens.train.sequence_choice import build_course
from medlens.train.sequence_course import SequenceCourse, cells_marked
from medlens.train.sequence_lesson import SequenceLesson, sequence_lesson
from tests.tiny import as_image
from tests.train.lessons import SIDE
from tests.train.series import DEPTH, series_case, series_lesson, series_recipe


def marked_lesson(folder: Path, *, upside_down: bool = False) -> SequenceLesson:
    """`series_lesson` with a square around each spot marked; case 3 has no masks."""
    lesson = series_lesson(folder)
    ones = [one for one in lesson.series if one.key != "case 3"]

    def marks(index: int) -> np.ndarray:
        volume = np.zeros((1, DEPTH, SIDE, SIDE), np.float32)
        bright = ones[index].slices[:, 1] == 1
        volume[:, bright != upside_down, SIDE // 2 - 4 : SIDE // 2 + 4, 4:12] = 1
        return volume

    cases = [
        series_case(int(one.key.split()[1]), one.slices[:, 1].tolist()) for one in ones
    ]
    places = build_sequence_cache(
        folder / "places",
        cases,
        lambda i: as_image(np.zeros((SIDE, SIDE), np.uint8)).with_array(marks(i)),
        lambda image: image,
        settings=PrepSettings(cache_bits=8),
        data_digest="marks",
        threads=1,
    )
    every = [
        series_case(int(one.key.split()[1]), one.slices[:, 1].tolist())
        for one in lesson.series
    ]
    return sequence_lesson(
        every,
        lesson.cache,
        kind="binary",
        labels=lesson.labels,
        splits=["train"] * len(lesson.train) + ["validation"] * len(lesson.validation),
        groups=range(len(every)),
        places=places,
    )


def test_cells_by_hand() -> None:
    places = torch.zeros(2, 4, 4)
    places[0, :2, :2] = torch.tensor([[1.0, 0.0], [0.0, 0.0]])  # a quarter of a cell
    places[0, 2, 3] = 0.5  # an eighth
    places[1] = -1  # unknown
    wanted = [[[1.0, 0.0], [0.0, 0.5]], [[-1.0, -1.0], [-1.0, -1.0]]]
    found = cells_marked(places, torch.Size((2, 2)))
    np.testing.assert_allclose(found.numpy(), wanted)


def test_marks_move_with_their_slices_and_keep_their_tone() -> None:
    rng = np.random.default_rng(0)
    slices = np.zeros((3, 1, 24, 24), np.float32)
    for one in slices:
        r, c = rng.integers(3, 16, 2)
        one[0, r : r + 5, c : c + 5] = 1
    place = (Step("horizontal_flip"), Step("affine", {"rotate": 40.0}))
    tone = (Step("brightness", {"limit": 0.5, "p": 1.0}), Step("cutout", {"p": 1.0}))
    moved = build_augment(place, seed=1)
    both = build_augment((*place, *tone), seed=1)
    for index in range(5):
        alike = same_change(slices, moved, epoch=0, index=index)
        found = same_change_of_places(
            slices, both, shape=(1, 24, 24), epoch=0, index=index
        )
        np.testing.assert_allclose(found, alike, atol=1e-6)


def test_a_step_carries_marks_and_says_where_there_are_none(tmp_path: Path) -> None:
    lesson = marked_lesson(tmp_path)
    recipe = replace(series_recipe(places=4.0), augment=series_recipe().augment)
    batches = list(sequence_batches(lesson, recipe, start=0, stop=6))
    seen = {"marked": 0, "empty": 0, "unknown": 0}
    for batch in batches:
        assert batch.places is not None
        assert batch.places.shape == (len(batch.slices), DEPTH, SIDE, SIDE)
        for b in range(len(batch.slices)):
            for t in range(int(batch.lengths[b])):
                plane, label = batch.places[b, t], int(batch.slice_targets[b, t, 1])
                if float(plane.min()) < 0:
                    seen["unknown"] += 1
                else:
                    assert bool(plane.any()) == bool(label)
                    seen["marked" if label else "empty"] += 1
    assert min(seen.values()) > 0
    assert next(sequence_batches(series_lesson(tmp_path / "b"), recipe, start=0, stop=1)
                ).places is None  # fmt: skip


def test_masks_are_compared_with_labels(tmp_path: Path) -> None:
    assert marked_lesson(tmp_path / "a").marks_agree() == 1.0
    assert marked_lesson(tmp_path / "b", upside_down=True).marks_agree() == 0.0
    assert series_lesson(tmp_path / "c").marks_agree() == 0.0  # nothing to compare


@pytest.mark.parametrize("mixup", [0.0, 0.4])
def test_places_are_learned_and_left_behind(tmp_path: Path, mixup: float) -> None:
    lesson = marked_lesson(tmp_path)
    recipe = series_recipe(places=4.0, mixup=mixup, steps=40, learning_rate=5e-3)
    course = SequenceCourse(recipe, lesson)
    net = cast(SequenceNet, course.build())
    assert net.places is not None
    batch = next(iter(course.batches(0, 1)))
    before = _place_loss(course, net)
    own = float(course.loss(net, batch, torch.device("cpu")).detach())
    bare = SequenceCourse(
        replace(recipe, train=replace(recipe.train, places=0.0)), lesson
    )
    without = float(bare.loss(bare.build(), batch, torch.device("cpu")).detach())
    assert own > without + 0.05
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    net.train()
    for each in course.batches(0, 40):
        loss = course.loss(net, each, torch.device("cpu"))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert _place_loss(course, net) < 0.5 * before
    shipped, _ = follow(course, recipe, tmp_path / "run", digest="d")
    assert cast(SequenceNet, shipped).places is None
    assert not any("places" in name for name in shipped.state_dict())


def _place_loss(course: SequenceCourse, net: SequenceNet) -> float:
    """Cross-entropy of marked cells on a batch of training slices."""
    batch = next(iter(course.batches(100, 101)))
    assert batch.places is not None
    with torch.no_grad():
        _, marked = net.embed_and_mark(batch.slices, batch.lengths)
        found = course._loss_of_places(marked, batch.places, batch.lengths)
    return float(found)


def test_a_frozen_body_learns_nothing_from_masks(tmp_path: Path) -> None:
    lesson = marked_lesson(tmp_path)
    course = build_course(series_recipe(path="frozen", places=4.0), lesson)
    assert cast(SequenceNet, course.build()).places is None
