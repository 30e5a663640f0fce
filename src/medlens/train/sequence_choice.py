"""Does reading the slices in order help? Asked of series that were not learned from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray

from medlens.core import TrainError
from medlens.metrics import (
    auroc,
    compare_auroc,
    fit_neighbours,
    hear_neighbours,
    patient_codes,
)
from medlens.nets import SequenceNet
from medlens.recipe.settings import Kind, Recipe
from medlens.train.device import choose_device
from medlens.train.folds import deal_folds
from medlens.train.lesson import Targets
from medlens.train.loop import Report, follow
from medlens.train.sequence_course import SequenceCourse, series_answers
from medlens.train.sequence_frozen import FrozenSequenceCourse
from medlens.train.sequence_lesson import SequenceLesson, is_known

FloatArray = NDArray[np.float32]
SURE = 0.05  # p value below which a difference counts


@dataclass(frozen=True)
class OutOfFold:
    """Answers for series by networks that never saw their group.

    Attributes:
        keys: of the series, training then validation.
        slice_logits: (T, K) of each series, with the reader.
        plain_logits: (T, K) of each series, by the plain head of the same network.
        series_logits: (n, K).
    """

    keys: tuple[str, ...]
    slice_logits: tuple[FloatArray, ...]
    plain_logits: tuple[FloatArray, ...]
    series_logits: FloatArray


def build_course(recipe: Recipe, lesson: SequenceLesson) -> SequenceCourse:
    """The course of a recipe: end to end, or on frozen embeddings."""
    if recipe.train.path == "frozen":
        return FrozenSequenceCourse(recipe, lesson)
    return SequenceCourse(recipe, lesson)


def cross_fit_sequence(
    recipe: Recipe,
    lesson: SequenceLesson,
    folder: Path,
    *,
    digest: str,
    report: Report | None = None,
    begin: Callable[[int, int], None] | None = None,
) -> OutOfFold:
    """Out-of-fold answers for all training and validation series.

    As many networks are taught as `split.folds` says (at least 2), each for the
    whole schedule and without early stopping, so that the series it answers for
    have had no say in it. An interrupted run goes on in its fold.

    Args:
        recipe: of the run; the same schedule for each network.
        lesson: both sides are dealt to folds by group; test is not in it.
        folder: each fold's checkpoint is kept below it.
        digest: of recipe and data.
        report: progress of one fold after the other.
        begin: called as (fold, counted from 1; folds in all) before each.

    Raises:
        TrainError: all series are of one group; or as in `follow`.
    """
    series = lesson.series
    groups = np.array([one.group for one in series])
    settings = replace(recipe.train, patience=0)
    recipe = replace(recipe, train=settings)
    folds = deal_folds(groups, max(2, recipe.split.folds), settings.seed)
    found: dict[str, tuple[FloatArray, FloatArray, FloatArray]] = {}
    names = np.unique(folds)
    for at, fold in enumerate(names, start=1):
        if begin is not None:
            begin(at, len(names))
        own = [one for one, f in zip(series, folds, strict=True) if f == fold]
        others = [one for one, f in zip(series, folds, strict=True) if f != fold]
        part = lesson.with_split(others, own)
        net, _ = follow(
            build_course(recipe, part),
            recipe,
            folder / f"fold-{fold}",
            digest=f"{digest}/fold-{fold}",
            report=report,
        )
        found |= _answers_of(cast(SequenceNet, net), part)
    keys = tuple(one.key for one in series)
    slices, plain, whole = zip(*(found[key] for key in keys), strict=True)
    return OutOfFold(keys, slices, plain, np.concatenate(whole))


def hear_beside(
    lesson: SequenceLesson, folds: OutOfFold
) -> tuple[OutOfFold, dict[str, float]]:
    """The answers for slices with those of the slices beside them heard.

    Args:
        lesson: whose series were answered for; with labels of slices.
        folds: their answers, as the networks give them.

    Returns:
        The answers after `hear_neighbours`, those of series as they were; and the
        fitted weights: "read" for answers with the reader, "plain" without.
    """
    targets = [one.slices for one in lesson.series]

    def heard(logits: tuple[FloatArray, ...]) -> tuple[tuple[FloatArray, ...], float]:
        weight = fit_neighbours(logits, targets, kind=lesson.kind)
        return tuple(hear_neighbours(one, weight) for one in logits), weight

    slices, read = heard(folds.slice_logits)
    bare, plain = heard(folds.plain_logits)
    found = replace(folds, slice_logits=slices, plain_logits=bare)
    return found, {"read": read, "plain": plain}


def choose_reader(
    reader: Literal["lstm", "gru"],
    lesson: SequenceLesson,
    read: OutOfFold,
    plain: OutOfFold | None = None,
) -> tuple[str, dict[str, Any]]:
    """Whether to keep the reader: only where it was shown to be better.

    Where slices have labels, slices are compared, and without `plain` the plain
    head of the same networks stands for the CNN alone. Where only series have
    labels, their answers are compared, and `plain` is needed: a network whose
    answer was never taught slice by slice has no plain head to ask.

    Args:
        reader: that was tried.
        lesson: whose training and validation series were answered for.
        read: answers of networks with the reader.
        plain: of networks taught without one (`net.reader` "none").

    Returns:
        `reader` or "none"; and what it rests on, for the plan: the AUROC's
        difference (reader minus plain) with interval, p value and method, the AUROC
        of both, cases, groups and the unit.

    Raises:
        TrainError: only series are labelled and `plain` is missing.
    """
    by_slice = lesson.has_slice_labels
    if plain is None and not by_slice:
        raise TrainError(
            "choice of the reader: only series have labels here, so the network "
            "without a reader has to be taught as well; pass its answers"
        )
    if by_slice:
        other = read.plain_logits if plain is None else plain.slice_logits
        known = np.concatenate([is_known(one.slices) for one in lesson.series])
        targets = np.concatenate([one.slices for one in lesson.series])[known]
        first, second = (
            np.concatenate(read.slice_logits)[known],
            np.concatenate(other)[known],
        )
        sizes = [len(one.rows) for one in lesson.series]
    else:
        assert plain is not None  # checked above; for the type checker
        targets = np.stack([one.target for one in lesson.series])
        known = np.ones(len(targets), dtype=bool)
        first, second = read.series_logits, plain.series_logits
        sizes = [1] * len(targets)
    groups = np.repeat([one.group for one in lesson.series], sizes)[known]
    codes = patient_codes([str(group) for group in groups])
    scores = _scores(lesson.kind, targets, first, second)
    difference = compare_auroc(*scores, codes=codes)
    value, p_value = difference.value, difference.p_value
    better = value is not None and value > 0 and p_value is not None and p_value < SURE
    reasons = {
        "tried": reader,
        "unit": "slice" if by_slice else "series",
        "cases": len(targets),
        "groups": len(np.unique(groups)),
        "auroc": {"read": _level(*scores[:2]), "plain": _level(scores[0], scores[2])},
        "difference": difference.to_json(),
    }
    return (reader if better else "none"), reasons


def _level(targets: Targets, scores: FloatArray) -> float:
    """AUROC of one of the two; the mean over labels where there are several."""
    columns = targets.reshape(len(targets), -1), scores.reshape(len(scores), -1)
    found = [
        auroc(wanted[wanted >= 0], found[wanted >= 0])
        for wanted, found in zip(columns[0].T, columns[1].T, strict=True)
        if {0, 1} <= set(wanted.tolist())
    ]
    return round(float(np.mean(found)), 6) if found else 0.5


def _scores(
    kind: Kind, targets: Targets, first: FloatArray, second: FloatArray
) -> tuple[Targets, FloatArray, FloatArray]:
    """What AUROCs are taken of: margins for softmax logits, else the logits."""
    if kind == "multilabel":
        return targets, first, second
    if targets.shape[1] == 2:
        return targets[:, 1], first[:, 1] - first[:, 0], second[:, 1] - second[:, 0]
    return targets, _margins(first), _margins(second)


def _margins(logits: FloatArray) -> FloatArray:
    """(n, K) each logit above the best of the others."""
    columns = range(logits.shape[1])
    best = [np.delete(logits, k, axis=1).max(axis=1) for k in columns]
    margins: FloatArray = logits - np.stack(best, axis=1)
    return margins


def _answers_of(
    net: SequenceNet, lesson: SequenceLesson
) -> dict[str, tuple[FloatArray, FloatArray, FloatArray]]:
    device = choose_device()
    series: Sequence[Any] = lesson.validation
    answers = series_answers(net.to(device), lesson, series, device)
    found = {}
    for one, answer in zip(series, answers, strict=True):
        slices = answer.slice_logits[0]
        plain: torch.Tensor = slices - answer.context[0]
        found[one.key] = (slices.numpy(), plain.numpy(), answer.series_logits.numpy())
    return found
