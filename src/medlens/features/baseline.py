"""What a network has to beat: boosted trees on features, and the majority."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from medlens.core import UsageError
from medlens.recipe.settings import Kind

Table = NDArray[np.float64]
Targets = NDArray[np.int8]

UNKNOWN = -1
"""Target of a label that nobody has read; such cases do not teach that label."""

MAX_ITERATIONS = 120
LEARNING_RATE = 0.08
MAX_LEAF_NODES = 15
L2_REGULARISATION = 1.0
MAX_BINS = 63

PARALLEL_VALUES = 5_000_000
"""Cells of a table from which several threads pay."""


class Baseline(Protocol):
    """A fitted baseline."""

    def predict(self, table: Table) -> NDArray[np.float64]:
        """(n, K) probabilities for an (n, F) table."""
        ...


@dataclass(frozen=True)
class Majority:
    """Gives every case the shares of the training set.

    Attributes:
        shares: (K,) probability of each label.
    """

    shares: NDArray[np.float64]

    def predict(self, table: Table) -> NDArray[np.float64]:
        """(n, K) probabilities, the same for every row."""
        return np.tile(self.shares, (len(table), 1))


@dataclass(frozen=True)
class BoostedTrees:
    """Gradient-boosted trees on hand-crafted features.

    Attributes:
        kind: binary, multiclass or multilabel.
        shares: (K,) training shares; the answer where a label had no model.
        n_features: columns that `predict` expects.
        models: (labels the model tells apart, fitted classifier).
        weights: class weights of training, undone in `predict`.
    """

    kind: Kind
    shares: NDArray[np.float64]
    n_features: int
    models: tuple[tuple[tuple[int, ...], Any], ...]
    weights: tuple[NDArray[np.float64], ...]

    def predict(self, table: Table) -> NDArray[np.float64]:
        """(n, K) probabilities at the prevalence of the training set.

        Args:
            table: (n, F) features; values that are not finite count as missing.

        Raises:
            UsageError: another number of columns than in training.
        """
        table = _check_table(table)
        if table.shape[1] != self.n_features:
            raise UsageError(
                f"baseline: table has {table.shape[1]} features, the baseline was "
                f"fitted on {self.n_features}; measure both in the same way"
            )
        answer = np.tile(self.shares, (len(table), 1))
        if not len(table):
            return answer
        for (labels, model), weight in zip(self.models, self.weights, strict=True):
            with _limit_threads(table):
                balanced = np.asarray(model.predict_proba(table)) / weight
            true = balanced / balanced.sum(axis=1, keepdims=True)
            if self.kind == "multilabel":
                answer[:, labels[0]] = true[:, 1]
            else:
                answer[:, list(labels)] = true
        return answer


def fit_majority(table: Table, targets: Targets, kind: Kind) -> Majority:
    """The baseline that knows only how common each label is.

    Args:
        table: (n, F); only its length matters.
        targets: (n, K) of 1, 0 and UNKNOWN.
        kind: binary, multiclass or multilabel.

    Returns:
        Shares among the cases where a label is known; 0.5 for a multilabel
        label that is known in no case.

    Raises:
        UsageError: shapes or targets do not fit the kind.
    """
    targets = _check_targets(_check_table(table), targets, kind)
    known = (targets != UNKNOWN).sum(axis=0)
    present = (targets == 1).sum(axis=0)
    return Majority(np.where(known > 0, present / np.maximum(known, 1), 0.5))


def fit_baseline(
    table: Table, targets: Targets, kind: Kind, *, seed: int = 0
) -> BoostedTrees:
    """Fit boosted trees on a feature table; the same seed gives the same trees.

    Histogram gradient boosting with a fixed number of trees and no early stop,
    so that small data need no further split. Classes weigh the same in training
    however rare they are; `predict` undoes the weights, so that probabilities
    keep the training prevalence. A class without a case, or a label that is
    always or never there, is answered with its share.

    Args:
        table: (n, F) features, n and F at least 1; values that are not finite
            count as missing.
        targets: (n, K) of 1, 0 and, for multilabel, UNKNOWN (-1). Binary and
            multiclass rows hold exactly one 1.
        kind: binary, multiclass (one model) or multilabel (one per label).
        seed: of the random draws in training.

    Raises:
        UsageError: shapes or targets do not fit the kind.
    """
    table = _check_table(table)
    targets = _check_targets(table, targets, kind)
    models, weights = [], []
    for labels, rows, classes in _list_problems(targets, kind):
        model, weight = _fit_trees(table[rows], classes, seed)
        models.append((labels, model))
        weights.append(weight)
    shares = fit_majority(table, targets, kind).shares
    return BoostedTrees(kind, shares, table.shape[1], tuple(models), tuple(weights))


def _list_problems(
    targets: Targets, kind: Kind
) -> list[tuple[tuple[int, ...], NDArray[np.bool_], NDArray[np.int64]]]:
    """What each model learns: its labels, its cases, the class of each case."""
    if kind != "multilabel":
        classes = targets.argmax(axis=1).astype(np.int64)
        labels = tuple(int(label) for label in np.unique(classes))
        everyone = np.ones(len(targets), dtype=bool)
        return [(labels, everyone, classes)] if len(labels) > 1 else []
    problems: list[tuple[tuple[int, ...], Any, Any]] = []
    for label in range(targets.shape[1]):
        rows = targets[:, label] != UNKNOWN
        classes = targets[rows, label].astype(np.int64)
        if np.unique(classes).size > 1:
            problems.append(((label,), rows, classes))
    return problems


def _fit_trees(
    table: Table, classes: NDArray[np.int64], seed: int
) -> tuple[Any, NDArray[np.float64]]:
    """A fitted classifier and the class weights it was fitted with."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    _, codes, counts = np.unique(classes, return_inverse=True, return_counts=True)
    weight = len(classes) / (len(counts) * counts)
    model = HistGradientBoostingClassifier(
        learning_rate=LEARNING_RATE,
        max_iter=MAX_ITERATIONS,
        max_leaf_nodes=MAX_LEAF_NODES,
        # A leaf may hold half of the rarest class, or small classes never split.
        min_samples_leaf=int(np.clip(counts.min() // 2, 1, 20)),
        l2_regularization=L2_REGULARISATION,
        max_bins=MAX_BINS,
        max_features=0.3,
        early_stopping=False,
        random_state=seed,
    )
    with _limit_threads(table):
        model.fit(table, classes, sample_weight=weight[codes])
    return model, weight


def _limit_threads(table: Table) -> AbstractContextManager[Any]:
    """One OpenMP thread for a table of ordinary size.

    The threads of boosting wait for each other in a busy loop at every leaf; on
    a machine with other work that made small fits fifty times slower.
    """
    from threadpoolctl import threadpool_limits

    limit = 1 if table.size < PARALLEL_VALUES else None
    context: AbstractContextManager[Any] = threadpool_limits(limit, user_api="openmp")
    return context


def _check_table(table: Table) -> Table:
    array = np.asarray(table, dtype=np.float64)
    if array.ndim != 2:
        raise UsageError(
            f"baseline: table has {array.ndim} axes; wanted 2: (cases, features)"
        )
    return np.where(np.isfinite(array), array, np.nan)


def _check_targets(table: Table, targets: Targets, kind: Kind) -> Targets:
    targets = np.asarray(targets, dtype=np.int8)
    if targets.ndim != 2 or len(targets) != len(table) or not targets.size:
        raise UsageError(
            f"baseline: targets have shape {targets.shape}, the table has "
            f"{len(table)} rows; wanted one row of labels for each, at least one"
        )
    if not np.isin(targets, (UNKNOWN, 0, 1)).all():
        raise UsageError("baseline: targets hold other values than 1, 0 and -1")
    one_hot = (targets >= 0).all() and (targets.sum(axis=1) == 1).all()
    if kind != "multilabel" and not one_hot:
        raise UsageError(
            f"baseline: a row of targets has not exactly one 1, as kind '{kind}' "
            "needs; leave out unread cases or use kind 'multilabel'"
        )
    return targets
