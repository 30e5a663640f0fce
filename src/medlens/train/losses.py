"""Losses for one label a case and for several, with class imbalance handled."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from medlens.recipe.settings import Kind

Loss = Callable[[Tensor, Tensor], Tensor]
MAX_WEIGHT = 20.0  # a class with three cases must not drown the others


def build_loss(
    targets: NDArray[np.int8], *, kind: Kind, balance: float, label_smoothing: float
) -> Loss:
    """Loss (B, K) logits × (B, K) targets → scalar.

    Args:
        targets: (n, K) of the training cases; 1, 0, or -1 for not read.
        kind: softmax cross-entropy for binary and multiclass, a masked
            sigmoid cross-entropy per label for multilabel.
        balance: power of the inverse class frequency used as weight.
        label_smoothing: share of the target spread over the other labels.
    """
    weight = torch.from_numpy(label_weights(targets, kind=kind, balance=balance))
    build = _sigmoid_loss if kind == "multilabel" else _softmax_loss
    return build(weight.float(), label_smoothing)


def label_weights(
    targets: NDArray[np.int8], *, kind: Kind, balance: float
) -> NDArray[np.float64]:
    """(K,) weight of a case with each label (multilabel: of its presence).

    The logarithm of a weight is what it adds to the logit of a network that
    has learned all there is to learn; `without_balance` takes it away again,
    so that probabilities keep the prevalence of the training data (Saerens et
    al. 2002, eq. 2.4, for the ratio of two priors).
    """
    present = (targets == 1).sum(axis=0).astype(np.float64)
    if kind == "multilabel":
        absent = (targets == 0).sum(axis=0).astype(np.float64)
        ratio = np.maximum(absent, 1) / np.maximum(present, 1)
    else:
        ratio = present.sum() / (len(present) * np.maximum(present, 1))
    weights: NDArray[np.float64] = np.clip(ratio**balance, 1 / MAX_WEIGHT, MAX_WEIGHT)
    return weights


def without_balance(
    bias: Tensor, targets: NDArray[np.int8], *, kind: Kind, balance: float
) -> Tensor:
    """Bias of the classifier with the effect of the label weights taken away."""
    weights = label_weights(targets, kind=kind, balance=balance)
    return bias - torch.from_numpy(np.log(weights)).to(bias)


def _softmax_loss(weight: Tensor, smoothing: float) -> Loss:
    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(
            logits.float(),
            targets.argmax(dim=1),
            weight=weight.to(logits.device),
            label_smoothing=smoothing,
        )

    return loss


def _sigmoid_loss(weight: Tensor, smoothing: float) -> Loss:
    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        known = targets >= 0
        wanted = targets.clamp(min=0).float() * (1 - smoothing) + 0.5 * smoothing
        each = F.binary_cross_entropy_with_logits(
            logits.float(),
            wanted,
            pos_weight=weight.to(logits.device),
            reduction="none",
        )
        total: Tensor = (each * known).sum() / known.sum().clamp(min=1)
        return total

    return loss
