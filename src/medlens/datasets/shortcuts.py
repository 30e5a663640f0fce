"""Can the label be told without looking at the finding?

For each family of facts about a file (its size in pixels, its border, its
corners, …) a small forest of trees predicts the label of images that it has
not seen, patients and copies kept together. A family is reported when it does
so materially and beyond doubt: AUROC of at least `LEAST_AUROC` and a 95 %
interval that stays above `LEAST_LOW`. A network will find the same hint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlens.datasets.manifest import UNKNOWN
from medlens.datasets.shortcuts_families import Family
from medlens.metrics.auroc import auroc_interval

LEAST_AUROC = 0.65
LEAST_LOW = 0.6
_LEAST_GROUPS = 10
_FOLDS = 5
_CASES = 6000
"""Cases looked at; a shortcut worth the name shows in so many."""

_LABELS = 20
_TREES = 48

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Shortcut:
    """A fact about the files that predicts a label.

    Attributes:
        what: the family of facts ("image size").
        label: the label it predicts; one against the rest.
        auroc, low, high: of predictions for unseen groups, with 95 % interval.
        meaning: what that says, in a sentence.
        advice: what to do about it.
    """

    what: str
    label: str
    auroc: float
    low: float
    high: float
    meaning: str
    advice: str

    def to_json(self) -> dict[str, Any]:
        """JSON object of `audit.json`."""
        numbers = {k: round(v, 4) for k, v in asdict(self).items() if k in _NUMBERS}
        return asdict(self) | numbers


_NUMBERS = ("auroc", "low", "high")


def find_shortcuts(
    families: Sequence[Family],
    targets: NDArray[np.int8],
    labels: Sequence[str],
    groups: Sequence[int],
    *,
    seed: int = 0,
) -> tuple[Shortcut, ...]:
    """Families of facts that give a label away, the strongest label of each.

    Args:
        families: facts of the n readable cases.
        targets: (n, K) of 1, 0 and UNKNOWN.
        labels: K names.
        groups: (n,) cases with one number stay in one fold.
        seed: seed of folds and trees.

    Returns:
        Strongest first; empty where nothing is found, or where a label has
        fewer than 10 groups on either side.
    """
    codes = np.asarray(groups, np.int64)
    chosen = _choose(len(codes), np.random.default_rng(seed))
    codes, targets = codes[chosen], targets[chosen]
    folds = _deal(codes, np.random.default_rng(seed))
    found = []
    for family in families:
        table = family.table[chosen]
        if not _varies(table):
            continue
        best: Shortcut | None = None
        for column, label in _columns(targets, labels):
            shortcut = _try(family, table, targets[:, column], label, codes, folds)
            if shortcut and (best is None or shortcut.auroc > best.auroc):
                best = shortcut
        found += [best] if best else []
    return tuple(sorted(found, key=lambda shortcut: -shortcut.auroc))


def _columns(targets: NDArray[np.int8], labels: Sequence[str]) -> list[tuple[int, str]]:
    """Labels to try: the second of two exclusive ones, else the most frequent."""
    exclusive = len(labels) == 2 and bool(np.all((targets == 1).sum(axis=1) == 1))
    if exclusive:
        return [(1, labels[1])]
    counts = (targets == 1).sum(axis=0)
    order = np.argsort(-counts, kind="stable")[:_LABELS]
    return [(int(at), labels[int(at)]) for at in order]


def _choose(count: int, rng: np.random.Generator) -> IntArray:
    if count <= _CASES:
        return np.arange(count)
    return np.sort(rng.permutation(count)[:_CASES])


def _deal(codes: IntArray, rng: np.random.Generator) -> IntArray:
    """Fold of each case; a group has one fold."""
    _, code = np.unique(codes, return_inverse=True)
    folds = rng.permutation(np.arange(code.max(initial=-1) + 1) % _FOLDS)
    result: IntArray = folds[code]
    return result


def _varies(table: NDArray[np.float32]) -> bool:
    """False where nearly all rows are equal: nothing to predict with."""
    if not table.size:
        return False
    _, counts = np.unique(table, axis=0, return_counts=True)
    return bool(counts.max() < 0.99 * len(table))


def _try(
    family: Family,
    table: NDArray[np.float32],
    target: NDArray[np.int8],
    label: str,
    codes: IntArray,
    folds: IntArray,
) -> Shortcut | None:
    known = target != UNKNOWN
    table, target, codes, folds = (
        table[known],
        target[known],
        codes[known],
        folds[known],
    )
    sides = [len(np.unique(codes[target == value])) for value in (0, 1)]
    if min(sides) < _LEAST_GROUPS:
        return None
    scores = _predict_unseen(table, target, folds)
    estimate = auroc_interval(target, scores, codes)
    value, low, high = estimate.value, estimate.low, estimate.high
    if value is None or low is None or high is None:
        return None
    if value < LEAST_AUROC or low < LEAST_LOW:
        return None
    return Shortcut(
        family.what, label, value, low, high, _say(family, label, value), family.advice
    )


def _predict_unseen(
    table: NDArray[np.float32], target: NDArray[np.int8], folds: IntArray
) -> NDArray[np.float64]:
    """Share of trees for the label, by trees that saw the other folds."""
    from sklearn.ensemble import ExtraTreesClassifier

    scores = np.full(len(target), float(target.mean()))
    for fold in np.unique(folds):
        test = folds == fold
        if len(np.unique(target[~test])) < 2:
            continue
        forest = ExtraTreesClassifier(
            n_estimators=_TREES,
            min_samples_leaf=max(3, len(target) // 200),
            class_weight="balanced",
            random_state=0,
        ).fit(table[~test], target[~test])
        scores[test] = forest.predict_proba(table[test])[:, 1]
    return scores


def _say(family: Family, label: str, value: float) -> str:
    strength = "all but settles" if value >= 0.95 else "can predict"
    return f"{family.subject}, nothing else, {strength} '{label}' (AUROC {value:.2f})."


def describe_shortcut(shortcut: Mapping[str, Any]) -> str:
    """One line for people, of a shortcut's JSON object."""
    return (
        f"Shortcut: {shortcut['meaning']} 95 % interval {shortcut['low']:.2f} to "
        f"{shortcut['high']:.2f}. {shortcut['advice']}"
    )
