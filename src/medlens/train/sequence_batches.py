"""Batches of series: which slices a step sees, changed alike within a series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from medlens.datasets import UNKNOWN
from medlens.prep import build_augment
from medlens.prep.augment import Augment
from medlens.recipe.settings import Kind, Recipe
from medlens.train.batches import AHEAD
from medlens.train.cache import FloatArray
from medlens.train.lesson import IntArray, Targets
from medlens.train.order import case_weights, picks_of_step
from medlens.train.sequence_lesson import SequenceLesson, SeriesRows, is_known


@dataclass(frozen=True)
class SequenceBatch:
    """One step's input; padding at the end of shorter series.

    Attributes:
        slices: (B, T, C, H, W) in 0..1.
        lengths: (B,) int64, slices of each series, 1..T.
        slice_targets: (B, T, K); UNKNOWN at padding.
        series_targets: (B, K) of what is seen of each series.
    """

    step: int
    epoch: int
    slices: Tensor
    lengths: Tensor
    slice_targets: Tensor
    series_targets: Tensor


def sequence_batches(
    lesson: SequenceLesson, recipe: Recipe, *, start: int, stop: int
) -> Iterator[SequenceBatch]:
    """Augmented batches of steps `start` to `stop` - 1, in order.

    A step sees `train.batch_size` series and at most `net.depth` slices of each.
    """
    augment = build_augment(recipe.augment.steps, seed=recipe.train.seed)
    weights = case_weights(
        np.array([one.group for one in lesson.train]),
        np.stack([one.target for one in lesson.train]),
        power=recipe.train.group_power,
    )

    def make(step: int) -> SequenceBatch:
        picks = picks_of_step(
            step,
            cases=len(lesson.train),
            batch_size=min(recipe.train.batch_size, len(lesson.train)),
            seed=recipe.train.seed,
            weights=weights,
        )
        shown = [
            _show(lesson, lesson.train[i], recipe, augment, picks.epoch, int(draw))
            for i, draw in zip(picks.cases, picks.draws, strict=True)
        ]
        return _padded(step, picks.epoch, shown)

    with ThreadPoolExecutor(1) as pool:
        waiting: list[Future[SequenceBatch]] = []
        for step in range(start, min(start + AHEAD, stop)):
            waiting.append(pool.submit(make, step))
        while waiting:
            batch = waiting.pop(0).result()
            following = batch.step + AHEAD
            if following < stop:
                waiting.append(pool.submit(make, following))
            yield batch


def choose_slices(
    count: int, most: int, rng: np.random.Generator, *, side_by_side: bool
) -> IntArray:
    """Indices of the slices a step sees, in order.

    Args:
        count: slices of the series.
        most: of them that are seen.
        rng: source of the choice.
        side_by_side: neighbours, from a random place on: right where slices have
            labels. Else one from each of `most` equal parts: a label of the
            series may rest on a few slices anywhere in it.
    """
    if count <= most:
        return np.arange(count)
    if side_by_side:
        return np.arange(most) + rng.integers(count - most + 1)
    edges = np.linspace(0, count, most + 1)
    places = edges[:-1] + rng.random(most) * np.diff(edges)
    return np.minimum(places.astype(np.int64), count - 1)


def part_target(one: SeriesRows, chosen: IntArray, kind: Kind) -> Targets:
    """(K,) target of some slices of a series, from theirs where these are known.

    The whole series keeps its own. Of a part, binary and multilabel tasks have a
    label where one of its slices has it; which of several classes a part belongs
    to cannot be told.
    """
    if len(chosen) == len(one.rows) or not is_known(one.slices).any():
        return one.target
    part = one.slices[chosen]
    if kind == "multiclass":
        return np.full_like(one.target, UNKNOWN)
    target = np.where((part == UNKNOWN).any(axis=0), UNKNOWN, 0).astype(np.int8)
    target[(part == 1).any(axis=0)] = 1
    if kind == "binary":  # the positive label is the second
        target[0] = UNKNOWN if target[1] == UNKNOWN else 1 - target[1]
    return target


def same_change(
    slices: FloatArray, augment: Augment, *, epoch: int, index: int
) -> FloatArray:
    """(T, C, H, W) slices of one series, all changed in the same way.

    Slices changed each in its own way would not be of one patient any more.
    """
    drawn = augment.draw(slices[0].shape, epoch=epoch, index=index)
    return np.stack([augment.apply(one, drawn) for one in slices])


_Shown = tuple[FloatArray, Targets, Targets]


def _show(
    lesson: SequenceLesson,
    one: SeriesRows,
    recipe: Recipe,
    augment: Augment,
    epoch: int,
    draw: int,
) -> _Shown:
    """Slices, their targets and the target of what is seen."""
    rng = np.random.default_rng([recipe.train.seed, 17, epoch, draw])
    chosen = choose_slices(
        len(one.rows),
        recipe.net.depth,
        rng,
        side_by_side=bool(is_known(one.slices).any()),
    )
    images = lesson.cache.read(one.rows[chosen])
    changed = same_change(images, augment, epoch=epoch, index=draw)
    return changed, one.slices[chosen], part_target(one, chosen, lesson.kind)


def _padded(step: int, epoch: int, shown: Sequence[_Shown]) -> SequenceBatch:
    lengths = [len(images) for images, _, _ in shown]
    most = max(lengths)
    first, labels = shown[0][0], shown[0][2]
    slices = np.zeros((len(shown), most, *first.shape[1:]), np.float32)
    targets = np.full((len(shown), most, len(labels)), UNKNOWN, np.int8)
    for b, (images, known, _) in enumerate(shown):
        slices[b, : len(images)] = images
        targets[b, : len(images)] = known
    return SequenceBatch(
        step=step,
        epoch=epoch,
        slices=torch.from_numpy(slices),
        lengths=torch.tensor(lengths),
        slice_targets=torch.from_numpy(targets),
        series_targets=torch.from_numpy(np.stack([target for *_, target in shown])),
    )
