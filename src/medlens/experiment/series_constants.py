"""Calibration, thresholds, sets and gate of a bundle that reads series."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medlens.bundle import Bundle
from medlens.datasets import Manifest
from medlens.experiment.gate import fit_gate
from medlens.experiment.narrator import Narrator
from medlens.metrics import (
    Calibration,
    OperatingPoint,
    OutlierGate,
    fit_calibration,
    fit_conformal,
    fit_operating_points,
    hear_neighbours,
    patient_codes,
)
from medlens.predict import SequencePredictor, case_statistics
from medlens.predict.series_graph import join_slices
from medlens.recipe import Recipe

if TYPE_CHECKING:
    from medlens.train import OutOfFold, SequenceLesson

FloatArray = NDArray[np.float64]


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
        weight = bundle.neighbours
        logits = np.concatenate([hear_neighbours(one, weight) for one in by_slice])
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
) -> OutlierGate | None:
    """The gate over whole series."""
    predictor = SequencePredictor(bundle, threads=recipe.train.threads)
    seen = []
    for one in lesson.series:
        # (T, C, H, W) -> (C, T, H, W)
        prepared = np.moveaxis(lesson.cache.read(one.rows), 0, 1)
        raw = predictor.run(prepared, case=one.key)
        seen.append((raw.embedding, case_statistics(prepared)))
    count = len(lesson.train)
    return fit_gate(seen[:count], seen[count:], recipe, narrator)
