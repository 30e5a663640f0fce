"""Calibration, thresholds, sets and gate of a bundle that reads series."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medlens.bundle import Bundle
from medlens.core import UsageError
from medlens.datasets import Manifest
from medlens.experiment.narrator import Narrator
from medlens.metrics import (
    Calibration,
    OperatingPoint,
    fit_calibration,
    fit_conformal,
    fit_operating_points,
    fit_outlier_gate,
    patient_codes,
)
from medlens.predict import SequencePredictor, case_statistics
from medlens.predict.series_graph import join_slices
from medlens.recipe import Recipe

if TYPE_CHECKING:
    from medlens.train import OutOfFold, SequenceLesson

FloatArray = NDArray[np.float64]
FEWEST_FOR_GATE = (8, 5)  # training and validation series


def fit_series_constants(
    bundle: Bundle,
    recipe: Recipe,
    manifest: Manifest,
    lesson: SequenceLesson,
    folds: OutOfFold,
    narrator: Narrator,
) -> Bundle:
    """Every constant, from answers for series that the network had not seen.

    Args:
        bundle: with its graph; without constants.
        recipe, manifest, lesson: of the run.
        folds: out-of-fold answers of training and validation series.
        narrator: hears what could not be fitted.
    """
    is_plain = bundle.reader == "none" and bundle.slice_labels
    by_slice = folds.plain_logits if is_plain else folds.slice_logits
    whole = (
        np.stack([_joined(bundle, logits) for logits in by_slice])
        if is_plain
        else folds.series_logits
    )
    groups = np.array([one.group for one in lesson.series])
    wholes = np.stack([one.target for one in lesson.series])
    series = _fit(recipe, manifest, whole.astype(np.float64), wholes)
    if not bundle.slice_labels:
        calibration, points = series
        logits, targets, codes = whole, wholes, groups
    else:
        targets = np.concatenate([one.slices for one in lesson.series])
        logits = np.concatenate(by_slice)
        codes = np.repeat(groups, [len(one.rows) for one in lesson.series])
        calibration, points = _fit(recipe, manifest, logits.astype(np.float64), targets)
    return replace(
        bundle,
        calibration=calibration,
        operating_points=points,
        series_calibration=series[0] if bundle.slice_labels else None,
        series_points=series[1] if bundle.slice_labels else (),
        conformal=fit_conformal(
            calibration.probabilities(logits.astype(np.float64)),
            targets,
            coverage=recipe.calibrate.coverage,
            codes=patient_codes([str(code) for code in codes]),
        ),
        outlier=_fit_gate(bundle, recipe, lesson, narrator),
    )


def _joined(bundle: Bundle, logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """A series' logits from slices that were judged alone."""
    maps = np.zeros((*logits.shape, 1, 1), np.float32)
    found = join_slices(bundle, logits, maps, np.zeros((len(logits), 1), np.float32))
    return np.asarray(found.series_logits, dtype=np.float64)


def _fit(
    recipe: Recipe, manifest: Manifest, logits: FloatArray, targets: NDArray[np.int8]
) -> tuple[Calibration, tuple[OperatingPoint, ...]]:
    settings = recipe.calibrate
    known = (targets[:, 0] == 1).any() and (targets[:, 0] == 0).any()
    if manifest.kind == "binary" and not known:
        # every series has the label: there is nothing to fit a threshold on
        identity = Calibration.identity(len(manifest.labels), kind=manifest.kind)
        return identity, ()
    calibration = fit_calibration(
        logits, targets, kind=manifest.kind, method=settings.method
    )
    points = fit_operating_points(
        calibration.probabilities(logits),
        targets,
        labels=manifest.labels,
        kind=manifest.kind,
        rule=settings.operating_point,
        positive=manifest.positive,
    )
    return calibration, points


def _fit_gate(
    bundle: Bundle, recipe: Recipe, lesson: SequenceLesson, narrator: Narrator
) -> Any:
    """The out-of-distribution gate over whole series; None where they are few."""
    if (
        len(lesson.train) < FEWEST_FOR_GATE[0]
        or len(lesson.validation) < FEWEST_FOR_GATE[1]
    ):
        narrator.say(
            f"{len(lesson.train)} training and {len(lesson.validation)} validation "
            "series are too few to tell series unlike them: every answer goes without "
            "that warning."
        )
        return None
    predictor = SequencePredictor(bundle, threads=recipe.train.threads)
    embeddings, statistics = [], []
    for one in lesson.series:
        # (T, C, H, W) -> (C, T, H, W)
        prepared = np.moveaxis(lesson.cache.read(one.rows), 0, 1)
        embeddings.append(predictor.run(prepared, case=one.key).embedding)
        statistics.append(case_statistics(prepared))
    split = len(lesson.train)
    try:
        return fit_outlier_gate(
            np.stack(embeddings[:split]),
            np.stack(statistics[:split]),
            validation_embeddings=np.stack(embeddings[split:]),
            validation_statistics=np.stack(statistics[split:]),
            false_alarms=recipe.calibrate.false_alarms,
            seed=recipe.train.seed,
        )
    except UsageError as error:
        narrator.say(f"No warning for series unlike the training series: {error}")
        return None
