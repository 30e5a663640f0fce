"""Frozen bodies, cross-fitting by group, and the choice of the reader."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch

from medlens.core import TrainError
from medlens.metrics import hear_neighbours
from medlens.nets import SequenceNet
from medlens.train import follow
from medlens.train import sequence_frozen as frozen
from medlens.train.sequence_choice import (
    OutOfFold,
    build_course,
    choose_reader,
    cross_fit_sequence,
    hear_beside,
)
from medlens.train.sequence_course import SequenceCourse
from medlens.train.sequence_frozen import FrozenSequenceCourse, embed_copies
from medlens.train.sequence_lesson import SequenceLesson
from tests.train.series import DEPTH, series_lesson, series_recipe


def answers(lesson: SequenceLesson, *, read: float, plain: float) -> OutOfFold:
    """Logits of the truth with noise; `read` and `plain` say how little of it."""
    rng = np.random.default_rng(0)
    slices, bare = [], []
    for one in lesson.series:
        truth = one.slices[:, 1].astype(float)
        noise = rng.normal(size=(2, len(truth)))
        for kept, clear, own in zip((slices, bare), (read, plain), noise, strict=True):
            score = clear * truth + own
            kept.append(np.stack([-score, score], axis=1).astype(np.float32))
    whole = np.stack([one.target for one in lesson.series]).astype(np.float32)
    return OutOfFold(
        tuple(one.key for one in lesson.series), tuple(slices), tuple(bare), whole
    )


def test_the_reader_is_kept_only_where_it_is_better(tmp_path: Path) -> None:
    lesson = series_lesson(tmp_path)
    name, reasons = choose_reader("lstm", lesson, answers(lesson, read=5, plain=0.5))
    assert name == "lstm"
    assert reasons["unit"] == "slice"
    assert reasons["cases"] == 16 * DEPTH
    assert reasons["groups"] == 16
    assert reasons["difference"]["p_value"] < 0.05
    for read, plain in [(0.5, 5.0), (2.0, 2.0)]:
        name, reasons = choose_reader(
            "lstm", lesson, answers(lesson, read=read, plain=plain)
        )
        assert name == "none"


def test_answers_are_heard_with_a_weight_of_their_own(tmp_path: Path) -> None:
    lesson = series_lesson(tmp_path)
    folds = answers(lesson, read=3, plain=1)
    # neighbours that tell the same: the plain answers blurred beyond use for one slice
    noise = np.random.default_rng(5)
    blurred = tuple(
        np.repeat(one[:1], len(one), axis=0)
        + noise.normal(size=one.shape).astype(np.float32)
        for one in folds.plain_logits
    )
    heard, weights = hear_beside(lesson, replace(folds, plain_logits=blurred))
    assert set(weights) == {"read", "plain"}
    for name, kept, given in (
        ("read", heard.slice_logits, folds.slice_logits),
        ("plain", heard.plain_logits, blurred),
    ):
        for one, other in zip(kept, given, strict=True):
            np.testing.assert_allclose(one, hear_neighbours(other, weights[name]))
    np.testing.assert_array_equal(heard.series_logits, folds.series_logits)
    assert heard.keys == folds.keys


def test_labels_of_series_need_both_networks(tmp_path: Path) -> None:
    lesson = series_lesson(tmp_path, by_slice=False)
    read = answers(lesson, read=1, plain=1)
    with pytest.raises(TrainError, match="has to be taught as well; pass its answers"):
        choose_reader("gru", lesson, read)
    chance = np.random.default_rng(1).normal(size=(16, 2)).astype(np.float32)
    name, reasons = choose_reader(
        "gru", lesson, read, replace(read, series_logits=chance)
    )
    assert name == "gru"
    assert reasons["unit"] == "series"


def test_a_frozen_body_is_never_touched_and_heads_learn(tmp_path: Path) -> None:
    lesson = series_lesson(tmp_path, series=16, validation=8)
    recipe = series_recipe(path="frozen", steps=60, learning_rate=1e-2)
    course = build_course(recipe, lesson)
    assert isinstance(course, FrozenSequenceCourse)
    before = cast(SequenceNet, course.build()).plain.body.state_dict()
    net, history = follow(course, recipe, tmp_path / "run", digest="d")
    after = cast(SequenceNet, net).plain.body.state_dict()
    for name, value in before.items():
        torch.testing.assert_close(after[name], value, rtol=0, atol=0)
    assert history[-1].validation_loss < history[0].validation_loss


def test_embeddings_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lesson, recipe = series_lesson(tmp_path), series_recipe(path="frozen")
    net = cast(SequenceNet, SequenceCourse(recipe, lesson).build())
    width = net.plain.head.in_features
    many = embed_copies(net, lesson, lesson.train, recipe)
    assert many[0].shape == (1 + frozen.COPIES, DEPTH, width)
    monkeypatch.setattr(frozen, "MOST_BYTES", 2.5 * 12 * DEPTH * width * 2)
    assert embed_copies(net, lesson, lesson.train, recipe)[0].shape[0] == 2


def test_no_series_is_answered_by_a_network_that_saw_its_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lesson = series_lesson(tmp_path)
    # two series of each patient
    train = tuple(replace(one, group=one.group // 2) for one in lesson.train)
    lesson = lesson.with_split(train, lesson.validation)
    taught: list[tuple[set[int], set[int]]] = []

    def noted(recipe: object, part: SequenceLesson) -> SequenceCourse:
        sides = part.train, part.validation
        learned, asked = ({one.group for one in side} for side in sides)
        taught.append((learned, asked))
        return build_course(recipe, part)  # type: ignore[arg-type]

    monkeypatch.setattr("medlens.train.sequence_choice.build_course", noted)
    recipe = series_recipe(path="frozen", steps=3, patience=1)
    found = cross_fit_sequence(recipe, lesson, tmp_path / "folds", digest="d")
    assert len(taught) == 3
    assert all(not learned & asked for learned, asked in taught)
    assert found.keys == tuple(one.key for one in lesson.series)
    assert found.series_logits.shape == (16, 2)
    assert [logits.shape for logits in found.slice_logits] == [(DEPTH, 2)] * 16
    for read, plain in zip(found.slice_logits, found.plain_logits, strict=True):
        assert np.abs(read - plain).max() > 0
