"""The course of a network that labels voxels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medlens.core import TrainError
from medlens.nets import build_segmenter
from medlens.recipe.settings import Recipe
from medlens.train.average import renew_norms
from medlens.train.judge import spread
from medlens.train.mask_batches import (
    Layer,
    MaskBatch,
    MaskLesson,
    Patch,
    mask_batches,
    to_tensors,
)
from medlens.train.mask_loss import mask_loss
from medlens.train.order import steps_per_epoch

JUDGED_STEPS = 50  # at least so many between two looks at the validation cases
JUDGED_CASES, TILES = 48, 8  # looked at, and patches of each
NORM_CASES = {False: 64, True: 512}  # patches, within the run and at its end


class MaskCourse:
    """See `Course`; a label for each voxel."""

    score = "dice"

    def __init__(self, recipe: Recipe, lesson: MaskLesson) -> None:
        if recipe.train.graft and recipe.net.depth > 1:
            raise TrainError(
                f"train.graft is {recipe.train.graft:g} with patches of "
                f"{recipe.net.depth} slices; labelled regions are grown into other "
                "cases in 2D only: set train.graft = 0 or net.depth = 1"
            )
        self._recipe, self._lesson = recipe, lesson
        per_pass = steps_per_epoch(len(lesson.train_rows), recipe.train.batch_size)
        self.steps_per_epoch = per_pass * max(1, -(-JUDGED_STEPS // per_pass))
        self._layer = Layer(lesson.cache, recipe.net, foreground=0.0)

    def build(self) -> nn.Module:
        """The recipe's network, its coarser stages answering too."""
        return build_segmenter(
            self._recipe.net,
            labels=len(self._lesson.labels),
            seed=self._recipe.train.seed,
            deep=True,
        )

    def batches(self, start: int, stop: int) -> Iterator[MaskBatch]:
        """Augmented patches."""
        return mask_batches(
            self._lesson,
            self._recipe,
            start=start,
            stop=stop,
            per_epoch=self.steps_per_epoch,
        )

    def loss(self, net: nn.Module, batch: MaskBatch, device: torch.device) -> Tensor:
        """Dice and cross-entropy."""
        answers = net.supervise(batch.images.to(device))
        return mask_loss(answers, batch.masks.to(device))

    def settle(self, net: nn.Module, device: torch.device, *, final: bool) -> None:
        """Batch-norm statistics of clean patches, where the network has such norms."""
        taken = spread(len(self._lesson.train_rows), NORM_CASES[final])
        rows = self._lesson.train_rows[taken]
        each = max(1, NORM_CASES[final] // len(rows))  # slices of few volumes
        rows = np.resize(rows, max(2, len(rows)))  # a norm needs more than one
        patches = (patch for row in rows for patch in self._layer.tiles(int(row), each))
        renew_norms(
            net,
            (
                to_tensors(group, self._recipe.net)[0].to(device)
                for group in _grouped(patches, self._recipe.train.batch_size)
            ),
        )

    def judge(self, net: nn.Module, device: torch.device) -> tuple[float, float]:
        """Loss, and mean Dice of cases and labels, on tiles of validation cases."""
        net.eval()
        losses: list[float] = []
        scores: list[float] = []
        rows = self._lesson.validation_rows
        with torch.inference_mode():
            for row in rows[spread(len(rows), JUDGED_CASES)]:
                counts = np.zeros((2, len(self._lesson.labels)))
                for patch in self._layer.tiles(int(row), TILES):
                    images, masks = to_tensors([patch], self._recipe.net)
                    logits = net(images.to(device)).float().cpu()
                    losses.append(float(mask_loss([logits], masks)))
                    found = logits.argmax(dim=1).numpy()
                    counts += _counts(found, masks.numpy(), counts.shape[1])
                scores += _dice(counts)
        return float(np.mean(losses)), float(np.mean(scores)) if scores else 0.0

    def finish(self, net: nn.Module) -> None:
        """Nothing is left to do."""


def _grouped(patches: Iterator[Patch], size: int) -> Iterator[list[Patch]]:
    group: list[Patch] = []
    for patch in patches:
        group.append(patch)
        if len(group) == max(2, size):
            yield group
            group = []
    if len(group) > 1:
        yield group


def _counts(
    found: NDArray[np.int64], wanted: NDArray[np.int64], labels: int
) -> NDArray[np.float64]:
    """(2, K): twice the voxels that are in both, and those of each added."""
    both = np.bincount(wanted[found == wanted], minlength=labels)
    each = np.bincount(found.ravel(), minlength=labels)
    each = each + np.bincount(wanted.ravel(), minlength=labels)
    return np.stack([2 * both, each]).astype(np.float64)


def _dice(counts: NDArray[np.float64]) -> list[float]:
    """Dice of the labels but the background that occur in either."""
    both, each = counts[:, 1:]
    return [float(b / e) for b, e in zip(both, each, strict=True) if e]
