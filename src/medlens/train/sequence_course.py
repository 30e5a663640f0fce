"""The course of a network that reads series: body, reader and heads end to end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from medlens.nets import SequenceAnswer, SequenceNet, build_sequence
from medlens.recipe.settings import Kind, Recipe
from medlens.train.average import renew_norms
from medlens.train.batches import to_tensor
from medlens.train.judge import (
    CLEAN_BATCH,
    NORM_CASES_FINAL,
    NORM_CASES_WITHIN,
    VALIDATION_CASES,
    macro_auroc,
    spread,
)
from medlens.train.losses import build_loss, without_balance
from medlens.train.mixup import Mix, draw_mix
from medlens.train.order import steps_per_epoch
from medlens.train.sequence_batches import SequenceBatch, sequence_batches
from medlens.train.sequence_lesson import SequenceLesson, SeriesRows, is_known

# Where slices have labels they teach; the answer of the series leans on theirs.
SERIES_SHARE = 0.25
STRONGEST = 8  # one in so many slices


class SequenceCourse:
    """See `Course`; an answer per slice where these have labels, and per series.

    The loss on slices counts twice: for the slice logits, and for the plain head
    alone. So the body learns what a slice shows by itself, and the answer with and
    without the reader can be compared on one network.
    """

    score = "auroc"

    def __init__(self, recipe: Recipe, lesson: SequenceLesson) -> None:
        settings = recipe.train
        self._recipe, self._lesson = recipe, lesson
        slices = np.concatenate([one.slices for one in lesson.train])
        self._slice_targets = slices[is_known(slices)]
        self._series_targets = np.stack([one.target for one in lesson.train])
        self._by_slice = len(self._slice_targets) > 0
        self._series_balance = 0.0 if self._by_slice else settings.balance
        self._loss_of_slices = build_loss(
            self._slice_targets if self._by_slice else self._series_targets,
            kind=lesson.kind,
            balance=settings.balance,
            label_smoothing=settings.label_smoothing,
        )
        self._loss_of_series = build_loss(
            self._series_targets,
            kind=lesson.kind,
            balance=self._series_balance,
            label_smoothing=settings.label_smoothing,
        )
        self.steps_per_epoch = steps_per_epoch(
            len(lesson.train), min(settings.batch_size, len(lesson.train))
        )

    def build(self) -> nn.Module:
        """The recipe's network; `net.reader` may be "none"."""
        net = build_sequence(
            self._recipe.net,
            labels=len(self._lesson.labels),
            seed=self._recipe.train.seed,
            reader=self._recipe.net.reader,
            hidden=self._recipe.net.hidden,
        )
        net.plain.to(memory_format=torch.channels_last)
        return net

    def batches(self, start: int, stop: int) -> Iterator[SequenceBatch]:
        """Augmented parts of series."""
        return sequence_batches(self._lesson, self._recipe, start=start, stop=stop)

    def loss(
        self, net: nn.Module, batch: SequenceBatch, device: torch.device
    ) -> Tensor:
        """Cross-entropy of slices and series, on blends where the recipe says so."""
        net = cast(SequenceNet, net)
        slices, lengths = batch.slices.to(device), batch.lengths.to(device)
        targets = batch.slice_targets.to(device), batch.series_targets.to(device)
        settings = self._recipe.train
        mix = draw_mix(
            batch.step, cases=len(slices), strength=settings.mixup, seed=settings.seed
        )
        if mix is None:
            return self._loss_of(*_answers(net, slices, lengths), *targets)
        order = partner_slices(lengths, mix, slices.shape[1])
        rows = mix.partner.to(device)[:, None]
        slices = slices * mix.share + slices[rows, order] * (1 - mix.share)
        answers = _answers(net, slices, lengths)
        own = self._loss_of(*answers, *targets)
        real = torch.arange(slices.shape[1], device=device) < lengths[:, None]
        theirs = torch.where(real[:, :, None], targets[0][rows, order], -1)
        other = self._loss_of(*answers, theirs, targets[1][mix.partner])
        return mix.share * own + (1 - mix.share) * other

    def _loss_of(
        self,
        answer: SequenceAnswer,
        plain: Tensor,
        lengths: Tensor,
        slice_targets: Tensor,
        series_targets: Tensor,
    ) -> Tensor:
        known = (slice_targets >= 0).any(dim=2)
        total = answer.series_logits.sum() * 0.0
        if known.any():
            wanted = slice_targets[known]
            total = total + self._loss_of_slices(answer.slice_logits[known], wanted)
            if self._recipe.net.reader != "none":
                total = total + self._loss_of_slices(plain[known], wanted)
        read = (series_targets >= 0).any(dim=1)
        if read.any():
            wanted = series_targets[read]
            loss = self._loss_of_series(answer.series_logits[read], wanted)
            total = total + loss * (SERIES_SHARE if self._by_slice else 1.0)
            if not self._by_slice and self._lesson.kind != "multiclass":
                few = strongest(plain, lengths, kind=self._lesson.kind)
                total = total + self._loss_of_series(few[read], wanted)
        return total

    def settle(self, net: nn.Module, device: torch.device, *, final: bool) -> None:
        """Batch-norm statistics of clean slices."""
        cases = NORM_CASES_FINAL if final else NORM_CASES_WITHIN
        rows = np.concatenate([one.rows for one in self._lesson.train])
        order = np.random.default_rng([self._recipe.train.seed, 7]).permutation(rows)
        chosen = order[:cases]
        if len(chosen) > CLEAN_BATCH and len(chosen) % CLEAN_BATCH == 1:
            chosen = chosen[:-1]  # one case alone has no variance where maps are 1 × 1
        read = self._lesson.cache.read
        parts = range(0, len(chosen), CLEAN_BATCH)
        renew_norms(
            cast(SequenceNet, net).plain,
            (to_tensor(read(chosen[i : i + CLEAN_BATCH])).to(device) for i in parts),
        )

    def judge(self, net: nn.Module, device: torch.device) -> tuple[float, float]:
        """Loss in nats and macro AUROC of validation slices, or series."""
        series = self._lesson.validation
        typical = max(1, int(np.median([len(one.rows) for one in series])))
        some = [series[i] for i in spread(len(series), VALIDATION_CASES // typical + 1)]
        answers = series_answers(cast(SequenceNet, net), self._lesson, some, device)
        if self._by_slice and any(is_known(one.slices).any() for one in some):
            logits = torch.cat([answer.slice_logits[0] for answer in answers]).numpy()
            targets = np.concatenate([one.slices for one in some])
            known = is_known(targets)
            logits, targets, loss_of = (
                logits[known],
                targets[known],
                self._loss_of_slices,
            )
        else:
            logits = torch.cat([answer.series_logits for answer in answers]).numpy()
            targets, loss_of = (
                np.stack([one.target for one in some]),
                self._loss_of_series,
            )
        loss = loss_of(torch.from_numpy(logits), torch.from_numpy(targets))
        return float(loss), macro_auroc(targets, logits, kind=self._lesson.kind)

    def finish(self, net: nn.Module) -> None:
        """Take the label weights out of the logits."""
        net, kind = cast(SequenceNet, net), self._lesson.kind
        with torch.no_grad():
            if self._by_slice:
                net.plain.head.bias.copy_(
                    without_balance(
                        net.plain.head.bias,
                        self._slice_targets,
                        kind=kind,
                        balance=self._recipe.train.balance,
                    )
                )
            net.series_bias.copy_(
                without_balance(
                    net.series_bias,
                    self._series_targets,
                    kind=kind,
                    balance=self._series_balance,
                )
            )


def strongest(plain: Tensor, lengths: Tensor, *, kind: Kind) -> Tensor:
    """(B, K) logits of the slices that speak most for a label, joined.

    Attention begins as the mean of all slices, in which a lesion on three of forty
    is lost: it learned nothing for ten passes. The mean over the strongest eighth of
    the slices sends them the gradient at once. Only taught with, never answered with.

    Args:
        plain: (B, T, K) logits of the plain head.
        lengths: (B,) slices of each series.
        kind: binary or multilabel.
    """
    scores = plain[:, :, 1:] - plain[:, :, :1] if kind == "binary" else plain
    steps = torch.arange(plain.shape[1], device=plain.device)[None]
    padding = (steps >= lengths[:, None])[:, :, None]
    scores = scores.masked_fill(padding, torch.finfo(scores.dtype).min)
    count = (lengths // STRONGEST).clamp(min=1)[:, None]
    ordered = scores.sort(dim=1, descending=True).values
    taken = (steps < count)[:, :, None]
    mean = ordered.masked_fill(~taken, 0.0).sum(dim=1) / count
    return torch.cat([-mean / 2, mean / 2], dim=1) if kind == "binary" else mean


def partner_slices(lengths: Tensor, mix: Mix, slices: int) -> Tensor:
    """(B, T) slice of its partner that each slice is blended with.

    The partner is stretched to the length of the series, so that the first goes
    with the first and the last with the last.
    """
    own = (lengths - 1).clamp(min=1)[:, None]
    theirs = (lengths[mix.partner.to(lengths.device)] - 1)[:, None]
    steps = torch.arange(slices, device=lengths.device)[None]
    return torch.minimum((steps * theirs + own // 2) // own, theirs)


def series_answers(
    net: SequenceNet,
    lesson: SequenceLesson,
    series: Sequence[SeriesRows],
    device: torch.device,
) -> list[SequenceAnswer]:
    """Answers for whole, unchanged series, on the CPU; one series at a time."""
    net.eval()
    found = []
    with torch.inference_mode():
        for one in series:
            embeddings = embed_rows(net, lesson, one, device)[None]
            lengths = torch.tensor([len(one.rows)], device=device)
            answer = net.read(embeddings, lengths)
            found.append(
                SequenceAnswer(**{k: v.float().cpu() for k, v in vars(answer).items()})
            )
    return found


def embed_rows(
    net: SequenceNet, lesson: SequenceLesson, one: SeriesRows, device: torch.device
) -> Tensor:
    """(T, F) embeddings of a series' unchanged slices, a few slices at a time."""
    parts = []
    for start in range(0, len(one.rows), CLEAN_BATCH):
        images = to_tensor(lesson.cache.read(one.rows[start : start + CLEAN_BATCH]))
        whole = torch.tensor([len(images)], device=device)
        parts.append(net.embed(images.to(device)[None], whole)[0])
    return torch.cat(parts)


def _answers(
    net: SequenceNet, slices: Tensor, lengths: Tensor
) -> tuple[SequenceAnswer, Tensor, Tensor]:
    """What the network says, its plain head alone, and the lengths again."""
    embeddings = net.embed(slices, lengths)
    answer = net.read(embeddings, lengths)
    return answer, net.plain.answer(net.plain.drop(embeddings)), lengths
