"""Learning of series: what a step sees, what is learned, what is shipped."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch

from medlens.datasets import UNKNOWN
from medlens.metrics import auroc
from medlens.nets import SequenceNet
from medlens.prep import build_augment
from medlens.recipe import Step
from medlens.train import follow
from medlens.train.mixup import Mix
from medlens.train.sequence_batches import (
    choose_slices,
    part_target,
    same_change,
    sequence_batches,
)
from medlens.train.sequence_course import (
    SequenceCourse,
    partner_slices,
    series_answers,
    strongest,
)
from medlens.train.sequence_export import export_sequence
from medlens.train.sequence_lesson import SeriesRows
from tests.train.lessons import digest_of
from tests.train.series import DEPTH, series_lesson, series_recipe

CPU = torch.device("cpu")


def test_neighbours_or_one_of_each_part_and_all_of_a_short_series() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        near = choose_slices(9, 4, rng, side_by_side=True)
        assert (np.diff(near) == 1).all()
        assert near.min() >= 0
        assert near.max() < 9
        far = choose_slices(40, 4, rng, side_by_side=False)
        assert (far // 10).tolist() == [0, 1, 2, 3]
    assert choose_slices(3, 4, rng, side_by_side=False).tolist() == [0, 1, 2]


def series(slices: list[list[int]], target: list[int]) -> SeriesRows:
    known = np.array(slices, np.int8)
    return SeriesRows("s", np.arange(len(known)), known, np.array(target, np.int8), 0)


def test_a_part_has_a_label_where_one_of_its_slices_has_it() -> None:
    binary = series([[1, 0], [1, 0], [0, 1]], [0, 1])
    assert part_target(binary, np.array([0, 1]), "binary").tolist() == [1, 0]
    assert part_target(binary, np.array([1, 2]), "binary").tolist() == [0, 1]
    several = series([[0, 1], [UNKNOWN, 0], [0, 0]], [0, 1])
    assert part_target(several, np.array([0, 1]), "multilabel").tolist() == [UNKNOWN, 1]
    assert part_target(several, np.array([0, 2]), "multilabel").tolist() == [0, 1]
    classes = series([[1, 0, 0], [0, 1, 0]], [0, 1, 0])
    assert part_target(classes, np.array([0]), "multiclass").tolist() == [UNKNOWN] * 3
    assert part_target(classes, np.array([0, 1]), "multiclass").tolist() == [0, 1, 0]


def test_all_slices_of_a_series_change_alike() -> None:
    augment = build_augment([Step("affine"), Step("brightness", {"p": 1.0})], seed=0)
    plane = np.random.default_rng(0).random((1, 16, 16), dtype=np.float32)
    changed = same_change(np.stack([plane] * 3), augment, epoch=1, index=2)
    assert (changed == changed[0]).all()
    assert not np.allclose(changed[0], plane)


def test_a_step_is_the_same_wherever_a_run_starts(tmp_path: Path) -> None:
    lesson, recipe = series_lesson(tmp_path), series_recipe(depth=3)
    whole = list(sequence_batches(lesson, recipe, start=0, stop=5))
    late = list(sequence_batches(lesson, recipe, start=3, stop=5))
    assert [batch.step for batch in late] == [3, 4]
    for a, b in zip(whole[3:], late, strict=True):
        torch.testing.assert_close(a.slices, b.slices, rtol=0, atol=0)
        assert a.slices.shape[:2] == (4, 3)
        assert a.lengths.tolist() == [3] * 4
        seen = (a.slice_targets[:, :, 1] == 1).any(dim=1)
        assert (a.series_targets[:, 1] == 1).tolist() == seen.tolist()


def test_a_partner_is_stretched_from_first_to_last() -> None:
    mix = Mix(0.7, torch.tensor([1, 0]))
    found = partner_slices(torch.tensor([5, 3]), mix, 5)
    assert found[0].tolist() == [0, 1, 1, 2, 2]
    assert found[1, :3].tolist() == [0, 2, 4]
    assert int(found.max()) <= 4
    alone = partner_slices(torch.tensor([1, 4]), Mix(0.7, torch.tensor([1, 0])), 4)
    assert alone[0, 0] == 0
    assert alone[1].tolist() == [0, 0, 0, 0]


def test_the_strongest_eighth_of_the_slices_is_joined_without_padding() -> None:
    margins = torch.full((2, 20), 50.0)
    margins[0, :17] = torch.arange(17.0)  # 17 // 8 = 2 slices: 16 and 15
    margins[1, :3] = torch.tensor([-4.0, -2.0, -9.0])  # at least one: -2
    plain = torch.stack([torch.zeros_like(margins), margins], dim=2)
    found = strongest(plain, torch.tensor([17, 3]), kind="binary")
    assert (found[:, 1] - found[:, 0]).tolist() == [15.5, -2.0]
    several = strongest(plain, torch.tensor([17, 3]), kind="multilabel")
    assert several.tolist() == [[0.0, 15.5], [0.0, -2.0]]


@pytest.mark.parametrize(("reader", "by_slice"), [("lstm", True), ("none", False)])
def test_the_rule_is_learned_end_to_end(
    tmp_path: Path, reader: str, by_slice: bool
) -> None:
    lesson = series_lesson(tmp_path, series=16, validation=8, by_slice=by_slice)
    recipe = series_recipe(reader=reader, steps=40, mixup=0.2)
    course = SequenceCourse(recipe, lesson)
    net, history = follow(course, recipe, tmp_path / "run", digest="d")
    assert history[-1].validation_score > 0.9
    answers = series_answers(cast(SequenceNet, net), lesson, lesson.validation, CPU)
    scores = [float(a.series_logits[0, 1] - a.series_logits[0, 0]) for a in answers]
    assert auroc(np.arange(8) % 2, np.array(scores)) > 0.9
    bright = [int(a.attention[0].argmax()) for a in answers]
    assert all(0 <= place < DEPTH for place in bright)


def test_same_recipe_same_weights_also_when_interrupted(tmp_path: Path) -> None:
    lesson = series_lesson(tmp_path)
    recipe = series_recipe(depth=3, steps=6)
    course = SequenceCourse(recipe, lesson)
    net, _ = follow(course, recipe, tmp_path / "whole", digest="d")

    def stop(step: int, steps: int, ended: object) -> None:
        del steps, ended
        if step == 4:
            raise KeyboardInterrupt("at step 4")

    with pytest.raises(KeyboardInterrupt, match="at step 4"):
        follow(
            course,
            recipe,
            tmp_path / "broken",
            digest="d",
            report=stop,
            checkpoint_seconds=0,
        )
    again, _ = follow(course, recipe, tmp_path / "broken", digest="d")
    assert digest_of(again) == digest_of(net)


@pytest.mark.parametrize("reader", ["lstm", "none"])
def test_the_graph_equals_the_network_for_any_number_of_slices(
    tmp_path: Path, reader: str
) -> None:
    lesson = series_lesson(tmp_path)
    net = cast(
        SequenceNet, SequenceCourse(series_recipe(reader=reader), lesson).build()
    )
    rows = np.stack([one.rows for one in lesson.train[:3]])
    examples = lesson.cache.read(rows.ravel()).reshape(3, DEPTH, *lesson.cache.shape)
    path = tmp_path / "model.onnx"
    assert export_sequence(net.eval(), path, examples=examples) < 1e-4
    assert str(tmp_path).encode() not in path.read_bytes()


@pytest.mark.parametrize("reader", ["lstm", "gru"])
def test_a_second_export_in_a_process_is_as_free_as_the_first(
    tmp_path: Path, reader: str
) -> None:
    """torch keeps the kernel of the first; the second was for 5 slices alone."""
    lesson = series_lesson(tmp_path)
    rows = np.stack([one.rows for one in lesson.train[:3]])
    examples = lesson.cache.read(rows.ravel()).reshape(3, DEPTH, *lesson.cache.shape)
    for name in ("first.onnx", "second.onnx"):
        course = SequenceCourse(series_recipe(reader=reader), lesson)
        net = cast(SequenceNet, course.build()).eval()
        # It answers for one slice too, and refuses a graph that does not.
        assert export_sequence(net, tmp_path / name, examples=examples) < 1e-4
