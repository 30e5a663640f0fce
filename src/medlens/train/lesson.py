"""What a network is to learn: prepared rows and their targets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medlens.core import TrainError
from medlens.recipe.settings import Kind
from medlens.train.cache import PreparedCache

IntArray = NDArray[np.int64]
Targets = NDArray[np.int8]


@dataclass(frozen=True)
class Lesson:
    """Training and validation cases of one run.

    Attributes:
        cache: the prepared images.
        kind: binary, multiclass or multilabel.
        labels: K names.
        train_rows, validation_rows: rows of the cache.
        train_targets, validation_targets: (n, K); 1, 0, -1 not read.
        groups: group of each training row, then of each validation row;
            cross-fitting never parts a group.
    """

    cache: PreparedCache
    kind: Kind
    labels: tuple[str, ...]
    train_rows: IntArray
    validation_rows: IntArray
    train_targets: Targets
    validation_targets: Targets
    groups: IntArray

    def __post_init__(self) -> None:
        if len(self.train_rows) == 0 or len(self.validation_rows) == 0:
            raise TrainError(
                f"{len(self.train_rows)} training and {len(self.validation_rows)} "
                "validation cases could be prepared; wanted at least one of each: "
                "see the unreadable cases in audit.json"
            )
