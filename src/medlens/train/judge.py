"""How good a network is right now, on validation cases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from medlens.metrics import auroc
from medlens.nets import Classifier
from medlens.recipe.settings import Kind
from medlens.train.average import renew_norms
from medlens.train.batches import clean_batches
from medlens.train.lesson import IntArray, Lesson
from medlens.train.losses import Loss

CLEAN_BATCH = 64
NORM_CASES_WITHIN = 512  # enough to judge an epoch
NORM_CASES_FINAL = 4096  # for the weights that are shipped
VALIDATION_CASES = 2000  # looked at after each epoch


@dataclass(frozen=True)
class EpochResult:
    """One line of history.csv; the score is a course's "auroc" (macro) or "dice"."""

    epoch: int
    step: int
    learning_rate: float
    train_loss: float
    validation_loss: float
    validation_score: float
    seconds: float


def renew(
    net: Classifier, lesson: Lesson, device: torch.device, seed: int, cases: int
) -> None:
    """Batch-norm statistics from a fixed choice of clean training images."""
    order = np.random.default_rng([seed, 7]).permutation(len(lesson.train_rows))
    rows = lesson.train_rows[np.sort(order[:cases])]
    if len(rows) > CLEAN_BATCH and len(rows) % CLEAN_BATCH == 1:
        rows = rows[:-1]  # one case alone has no variance where maps are 1 × 1
    renew_norms(net, clean_batches(lesson, rows, size=CLEAN_BATCH, device=device))


def judge(
    net: Classifier, lesson: Lesson, device: torch.device, loss_of: Loss
) -> tuple[float, float]:
    """Loss in nats and macro AUROC on (at most VALIDATION_CASES) validation cases."""
    chosen = spread(len(lesson.validation_rows), VALIDATION_CASES)
    targets = lesson.validation_targets[chosen]
    logits = clean_logits(net, lesson, lesson.validation_rows[chosen], device)
    loss = float(loss_of(torch.from_numpy(logits), torch.from_numpy(targets)))
    return loss, macro_auroc(targets, logits, kind=lesson.kind)


def spread(cases: int, most: int) -> IntArray:
    """At most `most` indices, evenly over all: folders come class by class."""
    if cases <= most:
        return np.arange(cases)
    return np.linspace(0, cases - 1, most).astype(np.int64)


def macro_auroc(
    targets: NDArray[np.int8], logits: NDArray[np.float32], *, kind: Kind
) -> float:
    """Mean AUROC of the labels that have cases on both sides; 0.5 if none has.

    Softmax logits are held against the best of the other labels, so that a
    shift common to all labels of a case does not count.
    """
    scores = []
    for k in range(targets.shape[1]):
        known = targets[:, k] >= 0
        present = targets[known, k] == 1
        if present.all() or not present.any():
            continue
        margin = logits[known, k]
        if kind != "multilabel":
            margin = margin - np.delete(logits[known], k, axis=1).max(axis=1)
        scores.append(auroc(present.astype(np.int8), margin))
    return float(np.mean(scores)) if scores else 0.5


def clean_logits(
    net: Classifier, lesson: Lesson, rows: IntArray, device: torch.device
) -> NDArray[np.float32]:
    """(n, K) logits of unchanged images."""
    net.eval()
    parts: list[Tensor] = []
    with torch.inference_mode():
        for images in clean_batches(lesson, rows, size=CLEAN_BATCH, device=device):
            parts.append(net(images).float().cpu())
    logits: NDArray[np.float32] = torch.cat(parts).numpy()
    return logits
