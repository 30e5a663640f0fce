"""The classical baseline and the majority class on the same test cases."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from numpy.typing import NDArray

from medlens.core import Array
from medlens.datasets import Manifest, open_case
from medlens.features import FEATURES, fit_baseline, fit_majority, measure
from medlens.prep import build_pipeline
from medlens.recipe import Recipe

FloatArray = NDArray[np.float64]
SIDE = 128  # features of larger images take longer and tell no more
TRAIN_CASES = 1000  # a fixed number, so that the clock never decides the result
FEATURE_SECONDS = 0.02  # a case on one core, for the plan


def baseline_probabilities(
    recipe: Recipe,
    manifest: Manifest,
    *,
    train: Sequence[int],
    test: Sequence[int],
    threads: int,
    progress: Callable[[int, int], None],
) -> dict[str, FloatArray]:
    """Probabilities (n, K) of each baseline on the test cases.

    The baselines see what the network sees: images after the recipe's
    preparation, at most 128 px a side. An image that can no longer be measured
    counts as one of which nothing is known.

    Args:
        recipe: its steps and seed.
        manifest: the data set.
        train, test: indices of readable cases.
        threads: that measure side by side.
        progress: called with (done, total).
    """
    drawn = sample(train, TRAIN_CASES, seed=recipe.train.seed)
    everyone = [*drawn, *test]
    rows = _measure_all(recipe, manifest, everyone, threads)
    table = np.empty((len(everyone), len(FEATURES)))
    for i, row in enumerate(rows):
        table[i] = row
        progress(i + 1, len(everyone))
    targets = manifest.targets()[drawn]
    learned, asked = table[: len(drawn)], table[len(drawn) :]
    boosted = fit_baseline(learned, targets, manifest.kind, seed=recipe.train.seed)
    majority = fit_majority(learned, targets, manifest.kind)
    return {
        "majority": majority.predict(asked),
        "classical": boosted.predict(asked),
    }


def sample(indices: Sequence[int], most: int, *, seed: int) -> list[int]:
    """At most `most` of the indices, in order, the same for the same seed."""
    if len(indices) <= most:
        return list(indices)
    rng = np.random.default_rng([seed, 13])
    return [indices[i] for i in np.sort(rng.choice(len(indices), most, replace=False))]


def _measure_all(
    recipe: Recipe, manifest: Manifest, chosen: Sequence[int], threads: int
) -> Iterator[list[float]]:
    pipeline = build_pipeline(recipe.prep.steps)

    def one(index: int) -> list[float]:
        case = manifest.cases[index]
        try:
            values = _small(middle_slice(pipeline(open_case(case)).array))
            found = measure(values, case=case.key)
        except Exception:  # gone or changed since it was read; the rest goes on
            return [np.nan] * len(FEATURES)
        return [found[name] for name in FEATURES]

    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(chosen), 64):  # a bounded number ahead
            yield from pool.map(one, chosen[start : start + 64])


def middle_slice(array: Array) -> Array:
    """(C, H, W) of (C, D, H, W); of an image its only one."""
    return array[:, array.shape[1] // 2]


def _small(values: Array) -> Array:
    """(C, H, W) at most SIDE px a side, (H, W) when grey."""
    height, width = values.shape[1:]
    scale = min(1.0, SIDE / max(height, width))
    if scale < 1.0:
        size = (round(width * scale), round(height * scale))
        values = np.stack(
            [cv2.resize(c, size, interpolation=cv2.INTER_AREA) for c in values]
        )
    return values if values.shape[0] == 3 else values[0]
