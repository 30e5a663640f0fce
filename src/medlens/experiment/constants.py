"""What a bundle knows beyond its graph: calibration, thresholds, sets, gate, origin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medlens.bundle import Bundle
from medlens.datasets import Manifest
from medlens.metrics import (
    Calibration,
    fit_calibration,
    fit_conformal,
    fit_operating_points,
    fit_outlier_gate,
    patient_codes,
)
from medlens.predict import case_statistics
from medlens.predict.session import OnnxSession
from medlens.recipe import Recipe, recipe_digest

if TYPE_CHECKING:
    from medlens.train import Lesson

FloatArray = NDArray[np.float32]
OUTLIER_CASES = 3000  # enough for a covariance of 32 principal axes
FORWARD_BATCH = 32


def fit_constants(
    recipe: Recipe,
    manifest: Manifest,
    lesson: Lesson,
    model: bytes,
    logits: NDArray[np.float64] | None,
) -> Bundle:
    """Every constant of the bundle, from answers of the exported graph.

    Args:
        recipe, manifest, lesson: of the run.
        model: the ONNX graph.
        logits: (n, K) cross-fitted logits of training and validation cases, where
            features stayed frozen; else the graph answers the validation cases.
    """
    from medlens.train.judge import spread

    settings = recipe.calibrate
    kind, labels = manifest.kind, manifest.labels
    bare = Bundle(
        name="medlens",
        kind=kind,
        labels=labels,
        positive=manifest.positive,
        channels=recipe.net.channels,
        height=recipe.net.height,
        width=recipe.net.width,
        steps=recipe.prep.steps,
        calibration=Calibration.identity(len(labels), kind=kind),
        operating_points=(),
        conformal=None,
        outlier=None,
        form=recipe.task.form,
        depth=recipe.net.depth,
        model=model,
    )
    session = OnnxSession(bare, threads=recipe.train.threads)
    seen = lesson.train_rows[spread(len(lesson.train_rows), OUTLIER_CASES)]
    inside = _answers(session, lesson, seen)
    outside = _answers(session, lesson, lesson.validation_rows)
    fit_logits: NDArray[Any] = outside[0]
    fit_targets = lesson.validation_targets
    groups = lesson.groups[len(lesson.train_rows) :]
    if logits is not None:  # cross-fitted: every case counts
        fit_logits, groups = logits, lesson.groups
        fit_targets = np.concatenate([lesson.train_targets, lesson.validation_targets])
    calibration = fit_calibration(
        fit_logits, fit_targets, kind=kind, method=settings.method
    )
    probabilities = calibration.probabilities(fit_logits)
    return Bundle(
        **{
            **vars(bare),
            "calibration": calibration,
            "operating_points": fit_operating_points(
                probabilities,
                fit_targets,
                labels=labels,
                kind=kind,
                rule=settings.operating_point,
                positive=manifest.positive,
            ),
            "conformal": fit_conformal(
                probabilities,
                fit_targets,
                coverage=settings.coverage,
                codes=patient_codes([str(group) for group in groups]),
            ),
            "outlier": fit_outlier_gate(
                inside[1],
                inside[2],
                validation_embeddings=outside[1],
                validation_statistics=outside[2],
                false_alarms=settings.false_alarms,
                seed=recipe.train.seed,
            ),
        }
    )


def _answers(
    session: OnnxSession, lesson: Lesson, rows: NDArray[np.int64]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Logits, embeddings and plain statistics of prepared rows."""
    logits, embeddings, statistics = [], [], []
    for start in range(0, len(rows), FORWARD_BATCH):
        images = lesson.cache.read(rows[start : start + FORWARD_BATCH])
        out = session.run(images)
        logits.append(out[0])
        embeddings.append(out[2])
        statistics.append(np.stack([case_statistics(image) for image in images]))
    return (
        np.concatenate(logits),
        np.concatenate(embeddings),
        np.concatenate(statistics),
    )


def with_training(
    bundle: Bundle,
    recipe: Recipe,
    lesson: Lesson,
    data_digest: str,
    parity: float,
) -> Bundle:
    """The bundle with where it comes from; `parity` as `export_onnx` found it."""
    # what calibration was fitted on: see `fit_constants`
    calibrated = lesson.validation_targets
    if recipe.train.path == "frozen":
        calibrated = np.concatenate([lesson.train_targets, calibrated])
    training = {
        "recipe_digest": recipe_digest(recipe),
        "data_digest": data_digest,
        "net": recipe.net.name,
        "path": recipe.train.path,
        "seed": recipe.train.seed,
        "train_cases": len(lesson.train_rows),
        "validation_cases": len(lesson.validation_rows),
        "train_prevalence": {
            label: prevalence_of(lesson.train_targets[:, k])
            for k, label in enumerate(lesson.labels)
        },
        "validation_prevalence": {
            label: prevalence_of(calibrated[:, k])
            for k, label in enumerate(lesson.labels)
        },
        "onnx_difference": float(f"{parity:.3g}"),
    }
    return Bundle(**{**vars(bundle), "training": training})


def prevalence_of(column: NDArray[np.int8]) -> float:
    """Share of the cases with the label among those that were read for it."""
    known = column[column >= 0]
    return round(float((known == 1).mean()), 6) if len(known) else 0.0
