"""Series with a frozen body: embeddings once, then reader and heads in seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medlens.datasets import UNKNOWN
from medlens.nets import SequenceNet
from medlens.prep import build_augment
from medlens.recipe.settings import Recipe
from medlens.train.batches import to_tensor
from medlens.train.device import choose_device
from medlens.train.judge import CLEAN_BATCH
from medlens.train.order import case_weights, picks_of_step
from medlens.train.sequence_batches import choose_slices, part_target, same_change
from medlens.train.sequence_course import SequenceCourse
from medlens.train.sequence_lesson import SequenceLesson, SeriesRows, is_known

COPIES = 6  # changed copies of each training series, beside the unchanged one
MOST_BYTES = 256e6  # that the embeddings may take
Embeddings = NDArray[np.float16]


@dataclass(frozen=True)
class EmbeddedBatch:
    """As `SequenceBatch`, with (B, T, F) embeddings in the place of slices."""

    step: int
    epoch: int
    embeddings: Tensor
    lengths: Tensor
    slice_targets: Tensor
    series_targets: Tensor


class FrozenSequenceCourse(SequenceCourse):
    """See `Course`; the body stays as published, only reader and heads learn."""

    def __init__(self, recipe: Recipe, lesson: SequenceLesson) -> None:
        super().__init__(recipe, lesson)
        self._kept: list[Embeddings] | None = None

    def build(self) -> nn.Module:
        """The recipe's network with a body that takes no gradient."""
        net = cast(SequenceNet, super().build())
        net.plain.body.requires_grad_(requires_grad=False)
        return net

    def batches(  # type: ignore[override]
        self, start: int, stop: int
    ) -> Iterator[EmbeddedBatch]:
        """Embeddings of parts of series; computed when first asked for."""
        recipe, lesson = self._recipe, self._lesson
        if self._kept is None:
            self._kept = embed_copies(
                cast(SequenceNet, self.build()), lesson, lesson.train, recipe
            )
        weights = case_weights(
            np.array([one.group for one in lesson.train]),
            self._series_targets,
            power=recipe.train.group_power,
        )
        for step in range(start, stop):
            picks = picks_of_step(
                step,
                cases=len(lesson.train),
                batch_size=min(recipe.train.batch_size, len(lesson.train)),
                seed=recipe.train.seed,
                weights=weights,
            )
            yield self._batch(step, picks.epoch, [int(i) for i in picks.cases])

    def _batch(self, step: int, epoch: int, picked: Sequence[int]) -> EmbeddedBatch:
        assert self._kept is not None  # made by `batches`
        rng = np.random.default_rng([self._recipe.train.seed, 19, step])
        parts, targets, wholes = [], [], []
        for i in picked:
            one, copies = self._lesson.train[i], self._kept[i]
            near = bool(is_known(one.slices).any())
            most = self._recipe.net.depth
            chosen = choose_slices(len(one.rows), most, rng, side_by_side=near)
            copy = copies[rng.integers(len(copies))][chosen]
            parts.append(torch.from_numpy(copy.astype(np.float32)))
            targets.append(torch.from_numpy(one.slices[chosen]))
            wholes.append(part_target(one, chosen, self._lesson.kind))
        pad = torch.nn.utils.rnn.pad_sequence
        return EmbeddedBatch(
            step=step,
            epoch=epoch,
            embeddings=pad(parts, batch_first=True),
            lengths=torch.tensor([len(part) for part in parts]),
            slice_targets=pad(targets, batch_first=True, padding_value=UNKNOWN),
            series_targets=torch.from_numpy(np.stack(wholes)),
        )

    def loss(  # type: ignore[override]
        self, net: nn.Module, batch: EmbeddedBatch, device: torch.device
    ) -> Tensor:
        """Cross-entropy of slices and series."""
        net = cast(SequenceNet, net)
        embeddings = batch.embeddings.to(device)
        lengths = batch.lengths.to(device)
        answer = net.read(embeddings, lengths)
        plain = net.plain.answer(net.plain.drop(embeddings))
        targets = batch.slice_targets.to(device), batch.series_targets.to(device)
        return self._loss_of(answer, plain, lengths, *targets)

    def settle(self, net: nn.Module, device: torch.device, *, final: bool) -> None:
        """Nothing: the statistics are those the body was published with."""


def embed_copies(
    net: SequenceNet,
    lesson: SequenceLesson,
    series: Sequence[SeriesRows],
    recipe: Recipe,
) -> list[Embeddings]:
    """(1 + copies, T, F) embeddings of each series, the unchanged one first.

    The same change for all slices of a series. Where memory would not hold
    `COPIES` of them there are fewer.
    """
    slices = sum(len(one.rows) for one in series)
    width = net.plain.embedded
    room = int(MOST_BYTES / max(1, slices * width * 2)) - 1
    copies = max(0, min(COPIES if recipe.augment.steps else 0, room))
    augment = build_augment(recipe.augment.steps, seed=recipe.train.seed)
    device = choose_device()
    net = net.to(device).eval()
    found = []
    for i, one in enumerate(series):
        images = lesson.cache.read(one.rows)
        versions = [_embed(net, images, device)]
        for copy in range(copies):
            changed = same_change(images, augment, epoch=copy, index=i)
            versions.append(_embed(net, changed, device))
        found.append(np.stack(versions))
    return found


def _embed(
    net: SequenceNet, images: NDArray[np.float32], device: torch.device
) -> Embeddings:
    parts = []
    with torch.inference_mode():
        for start in range(0, len(images), CLEAN_BATCH):
            some = to_tensor(images[start : start + CLEAN_BATCH]).to(device)
            whole = torch.tensor([len(some)], device=device)
            parts.append(net.embed(some[None], whole)[0].cpu().numpy())
    return np.concatenate(parts).astype(np.float16)
