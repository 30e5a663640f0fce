"""The out-of-distribution gate of whole volumes and series."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medlens.core import Array, UsageError
from medlens.experiment.narrator import Narrator
from medlens.metrics import OutlierGate, fit_outlier_gate
from medlens.recipe import Recipe

FEWEST = (8, 5)  # training and validation cases
Seen = tuple[Array, Array]
"""(E,) embedding and (14,) plain statistics of a case."""


def fit_gate(
    inside: Sequence[Seen], outside: Sequence[Seen], recipe: Recipe, narrator: Narrator
) -> OutlierGate | None:
    """The gate, None (and said so) where cases are too few to fit one.

    Args:
        inside, outside: training and validation cases.
        recipe: for the share of false alarms and the seed.
        narrator: hears why there is none.
    """
    if len(inside) < FEWEST[0] or len(outside) < FEWEST[1]:
        narrator.say(
            f"{len(inside)} training and {len(outside)} validation cases are too few "
            "to tell cases unlike them: every answer goes without that warning."
        )
        return None
    embeddings, statistics = (np.stack(part) for part in zip(*inside, strict=True))
    others = [np.stack(part) for part in zip(*outside, strict=True)]
    try:
        return fit_outlier_gate(
            embeddings,
            statistics,
            validation_embeddings=others[0],
            validation_statistics=others[1],
            false_alarms=recipe.calibrate.false_alarms,
            seed=recipe.train.seed,
        )
    except UsageError as error:
        narrator.say(f"No warning for cases unlike the training cases: {error}")
        return None
