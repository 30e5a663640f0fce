"""Frozen features with a linear head: for little data or little time.

The body stays as published; one logistic layer is fitted on the mean features.
Cross-fitting gives every training and validation case a logit from a head that
never saw its group, so that calibration can use all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from medlens.nets import Classifier, build_net
from medlens.recipe.settings import Kind, Recipe
from medlens.train.batches import clean_batches
from medlens.train.device import choose_device, prepare_torch
from medlens.train.folds import deal_folds
from medlens.train.judge import CLEAN_BATCH
from medlens.train.lesson import IntArray, Lesson, Targets

FloatArray = NDArray[np.float64]
Progress = Callable[[int, int], None]
# Inverse strength of the L2 penalty on standardised features, weak features
# first; a fixed grid keeps the choice reproducible.
STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
ITERATIONS = 200


def train_frozen(
    recipe: Recipe, lesson: Lesson, *, progress: Progress | None = None
) -> tuple[Classifier, FloatArray, float]:
    """Network with a fitted linear head and out-of-fold logits.

    Args:
        recipe: net, seed, folds (at least 2 are used).
        lesson: training and validation cases; both are fitted on, and both
            get out-of-fold logits.
        progress: called with (images done, images in all).

    Returns:
        The network on the CPU; (n, K) out-of-fold logits of the training and
        then the validation cases; the chosen strength.
    """
    prepare_torch(recipe)
    device = choose_device()
    net = build_net(recipe.net, labels=len(lesson.labels), seed=recipe.train.seed)
    net.to(device=device, memory_format=torch.channels_last)
    net.eval()
    rows = np.concatenate([lesson.train_rows, lesson.validation_rows])
    targets = np.concatenate([lesson.train_targets, lesson.validation_targets])
    features = _embed(net, lesson, rows, device, progress)
    folds = deal_folds(lesson.groups, max(2, recipe.split.folds), recipe.train.seed)
    # One thread: the sums are small, and their order, and so the last bit, must
    # not depend on how many cores a machine has.
    with threadpool_limits(1, user_api="blas"):
        strength, logits = _cross_fit(features, targets, lesson.kind, folds, recipe)
        weight, bias = fit_head(
            features,
            targets,
            lesson.kind,
            strength=strength,
            balance=recipe.train.balance,
        )
    with torch.no_grad():
        net.head.weight.copy_(torch.from_numpy(weight))
        net.head.bias.copy_(torch.from_numpy(bias))
    return net.cpu().eval(), logits, strength


def _embed(
    net: Classifier,
    lesson: Lesson,
    rows: IntArray,
    device: torch.device,
    progress: Progress | None,
) -> FloatArray:
    parts = []
    with torch.inference_mode():
        for images in clean_batches(lesson, rows, size=CLEAN_BATCH, device=device):
            parts.append(net.features(images).mean(dim=(2, 3)).float().cpu().numpy())
            if progress is not None:
                progress(min(len(parts) * CLEAN_BATCH, len(rows)), len(rows))
    return np.concatenate(parts).astype(np.float64)


def _cross_fit(
    features: FloatArray,
    targets: Targets,
    kind: Kind,
    folds: IntArray,
    recipe: Recipe,
) -> tuple[float, FloatArray]:
    """The strength with the lowest out-of-fold loss, and its logits."""
    tried: list[tuple[float, float, FloatArray]] = []
    for strength in STRENGTHS:
        logits = np.zeros(targets.shape)
        for fold in np.unique(folds):
            inside = folds != fold
            weight, bias = fit_head(
                features[inside],
                targets[inside],
                kind,
                strength=strength,
                balance=recipe.train.balance,
            )
            logits[~inside] = features[~inside] @ weight.T + bias
        tried.append((_log_loss(logits, targets, kind), strength, logits))
    _, strength, logits = min(tried, key=lambda trial: trial[0])
    return strength, logits


def _log_loss(logits: FloatArray, targets: Targets, kind: Kind) -> float:
    if kind == "multilabel":
        known = targets >= 0
        signed = np.where(targets == 1, -logits, logits)
        return float(np.logaddexp(0, signed)[known].mean())
    top = np.logaddexp.reduce(logits, axis=1)
    return float((top - logits[np.arange(len(logits)), targets.argmax(axis=1)]).mean())


def fit_head(
    features: FloatArray,
    targets: Targets,
    kind: Kind,
    *,
    strength: float,
    balance: float,
) -> tuple[FloatArray, FloatArray]:
    """Weights (K, F) and bias (K,) of an L2-penalised logistic layer.

    Features are standardised for the fit; the result acts on plain features.
    """
    mean, std = features.mean(axis=0), features.std(axis=0) + 1e-6
    scaled = (features - mean) / std
    if kind == "multilabel":
        parts = [
            _fit_binary(scaled[known], column[known] == 1, strength, balance)
            for column in targets.T
            for known in [column >= 0]
        ]
        weight = np.stack([w for w, _ in parts])
        bias = np.array([b for _, b in parts])
    elif targets.shape[1] == 2:
        w, b = _fit_binary(scaled, targets[:, 1] == 1, strength, balance)
        weight, bias = np.stack([-w / 2, w / 2]), np.array([-b / 2, b / 2])
    else:
        weight, bias = _fit_softmax(scaled, targets, strength, balance)
    weight = weight / std
    return weight, bias - weight @ mean


def _fit_binary(
    scaled: FloatArray, positive: NDArray[np.bool_], strength: float, balance: float
) -> tuple[FloatArray, float]:
    if positive.all() or not positive.any():
        # One class only in this fold: the prior is all that can be said.
        share = (positive.sum() + 1) / (len(positive) + 2)
        return np.zeros(scaled.shape[1]), float(np.log(share / (1 - share)))
    model = _logistic(strength).fit(
        scaled, positive, sample_weight=_weights(positive.astype(int), balance)
    )
    # The weights act on the logit as a shift by the log of their ratio; taking
    # it away keeps the prevalence of the data in the probabilities.
    count = positive.sum()
    shift = balance * np.log((len(positive) - count) / count)
    return model.coef_[0], float(model.intercept_[0] - shift)


def _fit_softmax(
    scaled: FloatArray, targets: Targets, strength: float, balance: float
) -> tuple[FloatArray, FloatArray]:
    labels = targets.argmax(axis=1)
    weight = np.zeros((targets.shape[1], scaled.shape[1]))
    bias = np.full(targets.shape[1], -10.0)  # a class no case shows is unlikely
    present = np.unique(labels)
    if len(present) == 1:
        bias[present[0]] = 0.0
        return weight, bias
    model = _logistic(strength).fit(
        scaled, labels, sample_weight=_weights(labels, balance)
    )
    if len(present) == 2:
        weight[present] = np.stack([-model.coef_[0] / 2, model.coef_[0] / 2])
        bias[present] = [-model.intercept_[0] / 2, model.intercept_[0] / 2]
    else:
        weight[present], bias[present] = model.coef_, model.intercept_
    bias[present] += balance * np.log(np.bincount(labels)[present])
    bias[present] -= bias[present].mean()
    return weight, bias


def _logistic(strength: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, max_iter=ITERATIONS, tol=1e-3)


def _weights(labels: IntArray, balance: float) -> FloatArray:
    counts = np.bincount(labels)
    each = (len(labels) / np.maximum(counts[labels], 1)) ** balance
    weights: FloatArray = each / each.mean()
    return weights
