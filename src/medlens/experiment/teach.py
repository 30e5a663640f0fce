"""Recipe and splits → a bundle: prepare, train, export, calibrate, pack."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medlens.bundle import Bundle
from medlens.core import DataError
from medlens.datasets import Manifest
from medlens.experiment.collect import open_case
from medlens.experiment.narrator import Narrator
from medlens.metrics import (
    Calibration,
    fit_calibration,
    fit_conformal,
    fit_operating_points,
    fit_outlier_gate,
    image_statistics,
    patient_codes,
)
from medlens.predict.session import OnnxSession
from medlens.prep import build_pipeline
from medlens.recipe import Recipe, recipe_digest

if TYPE_CHECKING:
    from medlens.train import EpochResult, Lesson, PreparedCache

FloatArray = NDArray[np.float32]
OUTLIER_CASES = 3000  # enough for a covariance of 32 principal axes
PARITY_CASES = 8
FORWARD_BATCH = 32


@dataclass(frozen=True)
class Learned:
    """What training left.

    Attributes:
        bundle: complete but for the metrics summary.
        failed: (case, reason) of training and validation cases left out.
        parity: largest difference between graph and framework.
        validation: keys of the cases that calibration used.
    """

    bundle: Bundle
    failed: tuple[tuple[str, str], ...]
    parity: float
    history: list[EpochResult]


def teach(
    recipe: Recipe,
    manifest: Manifest,
    splits: Sequence[str],
    groups: Sequence[int],
    *,
    work: Path,
    history_path: Path,
    data_digest: str,
    narrator: Narrator,
) -> Learned:
    """Learn from the training split and calibrate on the validation split.

    Test cases are never opened here.

    Raises:
        DataError: a label has no readable training case.
        TrainError, ResourceError: see `train_network`.
    """
    from medlens.experiment.prove import prove_engines
    from medlens.train import export_onnx, train_frozen, train_network

    chosen = [i for i, split in enumerate(splits) if split in ("train", "validation")]
    cache = _prepare(recipe, manifest, chosen, work, data_digest, narrator)
    lesson = _lesson(manifest, splits, groups, chosen, cache)
    narrator.step("Train")
    history: list[EpochResult] = []
    logits: NDArray[np.float64] | None = None
    if recipe.train.path == "frozen":
        net, logits, strength = train_frozen(recipe, lesson, progress=narrator.progress)
        narrator.say(
            f"Frozen features of {len(logits)} cases, linear head (L2 strength "
            f"{strength:g}), cross-fitted so that no case judged itself."
        )
    else:
        net, history = train_network(
            recipe,
            lesson,
            work,
            digest=recipe_digest(recipe) + data_digest,
            report=_reporter(narrator),
        )
    _write_history(history_path, history)

    narrator.step("Export and calibrate")
    path = work / "model.onnx"
    parity = export_onnx(net, path, examples=cache.read(range(PARITY_CASES)))
    narrator.say(f"ONNX graph equals the trained network to {parity:.1g}.")
    bundle = _calibrate(recipe, manifest, lesson, path.read_bytes(), logits)
    bundle = prove_engines(bundle, recipe, lesson, narrator)
    bundle = _with_training(bundle, recipe, lesson, data_digest, parity)
    return Learned(bundle, cache.failed, parity, history)


def _prepare(
    recipe: Recipe,
    manifest: Manifest,
    chosen: list[int],
    work: Path,
    data_digest: str,
    narrator: Narrator,
) -> PreparedCache:
    from medlens.train import build_cache

    narrator.step("Prepare images")
    cases = [manifest.cases[i] for i in chosen]
    cache = build_cache(
        work,
        [case.key for case in cases],
        lambda i: open_case(cases[i]),
        build_pipeline(recipe.prep.steps),
        settings=recipe.prep,
        data_digest=data_digest,
        threads=recipe.train.threads,
        progress=narrator.progress,
    )
    narrator.say(f"{len(cache.rows)} images of {cache.shape} prepared on disk.")
    for key, reason in cache.failed[:5]:
        narrator.say(f"Left out: {key}: {reason}")
    return cache


def _lesson(
    manifest: Manifest,
    splits: Sequence[str],
    groups: Sequence[int],
    chosen: list[int],
    cache: PreparedCache,
) -> Lesson:
    from medlens.train import Lesson

    targets = manifest.targets()

    def of(split: str) -> list[int]:
        return [
            i
            for i in chosen
            if splits[i] == split and manifest.cases[i].key in cache.rows
        ]

    train, validation = of("train"), of("validation")
    lacking = [
        label
        for k, label in enumerate(manifest.labels)
        if not (targets[train, k] == 1).any()
    ]
    if lacking:
        raise DataError(
            f"label {lacking[0]!r}: no readable training case; wanted at least one: "
            "see the unreadable cases in audit.json"
        )

    def rows(indices: list[int]) -> NDArray[np.int64]:
        return np.array([cache.rows[manifest.cases[i].key] for i in indices], np.int64)

    return Lesson(
        cache=cache,
        kind=manifest.kind,
        labels=manifest.labels,
        train_rows=rows(train),
        validation_rows=rows(validation),
        train_targets=targets[train],
        validation_targets=targets[validation],
        groups=np.array([groups[i] for i in train + validation], dtype=np.int64),
    )


def _reporter(narrator: Narrator) -> Callable[[int, int, EpochResult | None], None]:
    def report(step: int, steps: int, ended: EpochResult | None) -> None:
        narrator.progress(step, steps, "steps")
        if ended is not None:
            narrator.say(
                f"Epoch {ended.epoch}: validation loss {ended.validation_loss:.4f}, "
                f"AUROC {ended.validation_auroc:.4f}"
            )

    return report


def _write_history(path: Path, history: list[EpochResult]) -> None:
    names = (
        "epoch",
        "step",
        "learning_rate",
        "train_loss",
        "validation_loss",
        "validation_auroc",
        "seconds",
    )
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows({k: f"{v:.8g}" for k, v in asdict(r).items()} for r in history)
    unfinished.replace(path)


def _calibrate(
    recipe: Recipe,
    manifest: Manifest,
    lesson: Lesson,
    model: bytes,
    logits: NDArray[np.float64] | None,
) -> Bundle:
    """Every constant of the bundle, from answers of the exported graph."""
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
        model=model,
    )
    session = OnnxSession(bare, threads=recipe.train.threads)
    inside = _answers(session, lesson, _spread(lesson.train_rows, OUTLIER_CASES))
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
        statistics.append(np.stack([image_statistics(image) for image in images]))
    return (
        np.concatenate(logits),
        np.concatenate(embeddings),
        np.concatenate(statistics),
    )


def _spread(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most `most` rows, evenly over the whole."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def _with_training(
    bundle: Bundle,
    recipe: Recipe,
    lesson: Lesson,
    data_digest: str,
    parity: float,
) -> Bundle:
    # what calibration was fitted on: see `_calibrate`
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
