"""Batches ready for the network, prepared while it works on the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from medlens.prep import build_augment, build_volume_augment
from medlens.recipe.settings import NetSettings, Recipe
from medlens.train.lesson import IntArray, Lesson
from medlens.train.order import case_weights, picks_of_step

FloatArray = NDArray[np.float32]
AHEAD = 3


@dataclass(frozen=True)
class Batch:
    """One step's input: images (B, C, H, W) or volumes in 0..1, and (B, K) targets."""

    step: int
    epoch: int
    images: Tensor
    targets: Tensor


def training_batches(
    lesson: Lesson, recipe: Recipe, *, start: int, stop: int
) -> Iterator[Batch]:
    """Augmented batches of steps `start` to `stop` - 1, in order."""
    augment = _augment(recipe)
    weights = case_weights(
        lesson.groups[: len(lesson.train_rows)],
        lesson.train_targets,
        power=recipe.train.group_power,
    )

    def make(step: int) -> Batch:
        picks = picks_of_step(
            step,
            cases=len(lesson.train_rows),
            batch_size=recipe.train.batch_size,
            seed=recipe.train.seed,
            weights=weights,
        )
        images = lesson.cache.read(lesson.train_rows[picks.cases])
        for slot, draw in enumerate(picks.draws):
            images[slot] = augment(images[slot], epoch=picks.epoch, index=int(draw))
        targets = torch.from_numpy(lesson.train_targets[picks.cases])
        return Batch(step, picks.epoch, to_tensor(images), targets)

    with ThreadPoolExecutor(1) as pool:
        waiting: list[Future[Batch]] = []
        for step in range(start, min(start + AHEAD, stop)):
            waiting.append(pool.submit(make, step))
        while waiting:
            batch = waiting.pop(0).result()
            following = batch.step + AHEAD
            if following < stop:
                waiting.append(pool.submit(make, following))
            yield batch


def _augment(recipe: Recipe) -> Callable[..., FloatArray]:
    """(image or volume, epoch, index) → a changed copy."""
    steps, seed = recipe.augment.steps, recipe.train.seed
    if recipe.task.form != "volume":
        return build_augment(steps, seed=seed)
    change = build_volume_augment(steps, seed=seed, spacing=spacing_of_net(recipe.net))
    return lambda volume, *, epoch, index: change(volume, epoch=epoch, index=index)[0]


def clean_batches(
    lesson: Lesson, rows: IntArray, *, size: int, device: torch.device
) -> Iterator[Tensor]:
    """Batches of unchanged images, in the order of `rows`."""
    for start in range(0, len(rows), size):
        yield to_tensor(lesson.cache.read(rows[start : start + size])).to(device)


def to_tensor(images: FloatArray) -> Tensor:
    """Images channels-last, the layout in which CPU convolutions are fastest."""
    if images.ndim != 4:
        return torch.from_numpy(images)
    return torch.from_numpy(images).contiguous(memory_format=torch.channels_last)


def spacing_of_net(net: NetSettings) -> tuple[float, float, float]:
    """mm between voxels of the input; 1 each where images carry none."""
    if not net.spacing:
        return 1.0, 1.0, 1.0
    d, h, w = net.spacing
    return d, h, w
