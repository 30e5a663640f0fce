"""What a network is to learn of series: prepared slices and the labels of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medlens.core import TrainError
from medlens.datasets import UNKNOWN, Case
from medlens.recipe.settings import Kind
from medlens.train.cache import PreparedCache
from medlens.train.lesson import IntArray, Lesson, Targets


@dataclass(frozen=True)
class SeriesRows:
    """One series in the cache.

    Attributes:
        key: case key.
        rows: (T,) rows of the cache, in the order of the volume.
        slices: (T, K) of 1, 0 and UNKNOWN for each slice.
        target: (K,) of the whole series.
        group: whose series never part.
    """

    key: str
    rows: IntArray
    slices: Targets
    target: Targets
    group: int


@dataclass(frozen=True)
class SequenceLesson:
    """Training and validation series of one run.

    Attributes:
        cache: the prepared slices.
        kind: binary, multiclass or multilabel.
        labels: K names.
        train, validation: the series.
    """

    cache: PreparedCache
    kind: Kind
    labels: tuple[str, ...]
    train: tuple[SeriesRows, ...]
    validation: tuple[SeriesRows, ...]

    def __post_init__(self) -> None:
        if not self.train or not self.validation:
            raise TrainError(
                f"{len(self.train)} training and {len(self.validation)} validation "
                "series could be prepared; wanted at least one of each: see the "
                "unreadable cases in audit.json"
            )

    @property
    def series(self) -> tuple[SeriesRows, ...]:
        """Training, then validation series."""
        return self.train + self.validation

    @property
    def has_slice_labels(self) -> bool:
        """Whether the labels of single slices are known."""
        return any((one.slices != UNKNOWN).any() for one in self.series)

    def with_split(
        self, train: Sequence[SeriesRows], validation: Sequence[SeriesRows]
    ) -> SequenceLesson:
        """The same task on other series; for cross-fitting."""
        return SequenceLesson(
            self.cache, self.kind, self.labels, tuple(train), tuple(validation)
        )

    def to_slices(self) -> Lesson:
        """The slices with a label as cases of their own, in groups of their series.

        Raises:
            TrainError: no slice has a label on one of the two sides.
        """
        parts = [_labelled(self.train), _labelled(self.validation)]
        return Lesson(
            cache=self.cache,
            kind=self.kind,
            labels=self.labels,
            train_rows=parts[0][0],
            validation_rows=parts[1][0],
            train_targets=parts[0][1],
            validation_targets=parts[1][1],
            groups=np.concatenate([part[2] for part in parts]),
        )


def is_known(targets: Targets) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """(…,) truth of a row of targets (…, K) telling anything."""
    known: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = (targets != UNKNOWN).any(
        axis=-1
    )
    return known


def have_slice_labels(cases: Sequence[Case]) -> bool:
    """Whether a slice of any series says something else than its series.

    Where all say the same, a label of the series was written to each of its
    files; that a tumour is in the volume does not put it on every slice.
    """
    return any(part.target != case.target for case in cases for part in case.slices)


def sequence_lesson(
    cases: Sequence[Case],
    cache: PreparedCache,
    *,
    kind: Kind,
    labels: tuple[str, ...],
    splits: Sequence[str],
    groups: Sequence[int],
) -> SequenceLesson:
    """The lesson of the series that could be prepared.

    Args:
        cases: training and validation series.
        cache: from `build_sequence_cache` of the same cases.
        kind, labels: the task.
        splits: "train" or "validation" of each case.
        groups: of each case.

    Raises:
        TrainError: no training or no validation series.
    """
    by_slice = have_slice_labels(cases)
    rows = rows_by_case(cache)
    dealt: dict[str, list[SeriesRows]] = {"train": [], "validation": []}
    for case, split, group in zip(cases, splits, groups, strict=True):
        if case.key not in rows:
            continue
        own = rows[case.key]
        slices = np.full((len(own), len(labels)), UNKNOWN, dtype=np.int8)
        if by_slice:
            slices[:] = [part.target for part in case.slices]
        target = np.array(case.target, dtype=np.int8)
        one = SeriesRows(case.key, np.array(own), slices, target, int(group))
        dealt[split].append(one)
    return SequenceLesson(
        cache, kind, labels, tuple(dealt["train"]), tuple(dealt["validation"])
    )


def rows_by_case(cache: PreparedCache) -> dict[str, list[int]]:
    """Rows of each series, in the order of its slices."""
    found: dict[str, list[int]] = {}
    for key, row in cache.rows.items():  # written slice by slice
        found.setdefault(key.rpartition("#")[0], []).append(row)
    return found


def _labelled(series: Sequence[SeriesRows]) -> tuple[IntArray, Targets, IntArray]:
    """Rows, targets and groups of all slices with a label."""
    known = [is_known(one.slices) for one in series]
    if not any(k.any() for k in known):
        raise TrainError(
            "training: no slice of these series has a label of its own; teach the "
            "series as a whole, or list a label for each slice in the CSV"
        )
    pairs = list(zip(series, known, strict=True))
    return (
        np.concatenate([one.rows[k] for one, k in pairs]),
        np.concatenate([one.slices[k] for one, k in pairs]),
        np.concatenate([np.full(k.sum(), one.group) for one, k in pairs]),
    )
