"""Recipe and splits → a bundle that reads series slice by slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from medlens.bundle import Bundle
from medlens.core import DataError
from medlens.datasets import Manifest
from medlens.experiment.choose import LEARNED, choose_cases
from medlens.experiment.constants import prevalence_of
from medlens.experiment.history import report_epochs, write_history
from medlens.experiment.learned import Learned
from medlens.experiment.narrator import Narrator
from medlens.experiment.prepare import prepare_series
from medlens.experiment.series_constants import fit_series_constants
from medlens.recipe import Recipe, recipe_digest

if TYPE_CHECKING:
    from medlens.nets import SequenceNet
    from medlens.train import OutOfFold, PreparedCache, SequenceLesson


def teach_series(
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
    """Learn from training and validation series; the reader has to earn its place.

    Networks that never saw a series answer for it; on these answers the reader is
    held against the CNN alone, and calibration is fitted. Test series are never
    opened here.

    Raises:
        DataError: a label has no training series.
        TrainError, ResourceError: see `train.follow`.
    """
    from medlens.train import build_course, cross_fit_sequence, follow

    chosen = choose_cases(manifest, splits, LEARNED)
    cache = prepare_series(
        recipe,
        [manifest.cases[i] for i in chosen],
        work=work,
        data_digest=data_digest,
        narrator=narrator,
    )
    lesson = _lesson(manifest, splits, groups, chosen, cache)
    digest = recipe_digest(recipe) + data_digest
    narrator.step("Train, each series judged by networks that never saw it")
    folds = cross_fit_sequence(
        recipe,
        lesson,
        work,
        digest=digest,
        report=report_epochs(narrator),
        begin=lambda at, count: narrator.say(f"Network {at} of {count}:"),
    )
    recipe, neighbours, reasons = _choose(recipe, lesson, folds, narrator)
    narrator.step("Train on all of them")
    net, history = follow(
        build_course(recipe, lesson),
        recipe,
        work,
        digest=f"{digest}/{recipe.net.reader}",
        report=report_epochs(narrator),
    )
    write_history(history_path, history)

    narrator.step("Export and calibrate")
    path = work / "model.onnx"
    parity = _export(cast("SequenceNet", net), recipe, lesson, path)
    narrator.say(f"ONNX graph equals the trained network to {parity:.1g}.")
    bundle = _bundle(recipe, manifest, lesson, path.read_bytes())
    bundle = replace(bundle, neighbours=neighbours)
    bundle = fit_series_constants(bundle, recipe, manifest, lesson, folds, narrator)
    training = _training(recipe, lesson, data_digest, parity, reasons)
    return Learned(replace(bundle, training=training), cache.failed, parity, history)


def _lesson(
    manifest: Manifest,
    splits: Sequence[str],
    groups: Sequence[int],
    chosen: list[int],
    cache: PreparedCache,
) -> SequenceLesson:
    from medlens.train.sequence_lesson import sequence_lesson

    lesson = sequence_lesson(
        [manifest.cases[i] for i in chosen],
        cache,
        kind=manifest.kind,
        labels=manifest.labels,
        splits=[splits[i] for i in chosen],
        groups=[groups[i] for i in chosen],
    )
    targets = np.concatenate(
        [
            np.concatenate([one.slices for one in lesson.train]),
            np.stack([one.target for one in lesson.train]),
        ]
    )
    for k, label in enumerate(manifest.labels):
        if not (targets[:, k] == 1).any():
            raise DataError(
                f"label {label!r}: no readable training series has it; wanted at least "
                "one: see the unreadable cases in audit.json"
            )
    return lesson


def _choose(
    recipe: Recipe, lesson: SequenceLesson, folds: OutOfFold, narrator: Narrator
) -> tuple[Recipe, float, dict[str, Any]]:
    """The recipe with its reader, the weight of neighbours, and what they rest on."""
    from medlens.train import choose_reader, hear_beside

    if not lesson.has_slice_labels:
        return recipe, 0.0, {}
    heard, weights = hear_beside(lesson, folds)
    reasons: dict[str, Any] = {}
    if recipe.net.reader == "none":
        weight = weights["read"]  # a network without a reader says both alike
    else:
        reader, reasons = choose_reader(recipe.net.reader, lesson, heard)
        weight = weights["plain" if reader == "none" else "read"]
        _tell_choice(reader, reasons, narrator)
        recipe = replace(recipe, net=replace(recipe.net, reader=cast(Any, reader)))
    if weight:
        narrator.say(
            f"Each slice hears the ones beside it, with a weight of {weight:.2f} each: "
            "that has the smallest log loss on slices that the networks never saw."
        )
    return recipe, weight, reasons | {"neighbours": weights}


def _tell_choice(reader: str, reasons: dict[str, Any], narrator: Narrator) -> None:
    gap = reasons["difference"]
    said = f"{gap['value']:+.4f}" if gap.get("value") is not None else "not defined"
    if gap.get("low") is not None:
        said += f" ({gap['low']:+.4f} to {gap['high']:+.4f})"
    p_value = gap.get("p_value")
    said += f", p {p_value:.3f}" if p_value is not None else ""
    level = reasons["auroc"]
    verdict = (
        "the reader stays"
        if reader != "none"
        else "not shown to be better: the plain CNN is taken"
    )
    narrator.say(
        f"Reading slices in order ({reasons['tried']}) against each slice alone, on "
        f"{reasons['cases']} {reasons['unit']}s of {reasons['groups']} groups that the "
        f"networks never saw: AUROC {level['read']:.4f} against {level['plain']:.4f}, "
        f"{said}; {verdict}."
    )


def _export(
    net: SequenceNet, recipe: Recipe, lesson: SequenceLesson, path: Path
) -> float:
    from medlens.train import export_onnx, export_sequence

    rows = lesson.train[0].rows
    slices: NDArray[np.float32] = lesson.cache.read(np.resize(rows, 4))
    if recipe.net.reader == "none" and lesson.has_slice_labels:
        return export_onnx(net.plain, path, examples=slices)
    # (4, C, H, W) -> two series of two slices
    return export_sequence(net, path, examples=slices.reshape(2, 2, *slices.shape[1:]))


def _bundle(
    recipe: Recipe, manifest: Manifest, lesson: SequenceLesson, model: bytes
) -> Bundle:
    from medlens.metrics import Calibration

    net = recipe.net
    return Bundle(
        name="medlens",
        kind=manifest.kind,
        labels=manifest.labels,
        positive=manifest.positive,
        channels=net.channels,
        height=net.height,
        width=net.width,
        steps=recipe.prep.steps,
        calibration=Calibration.identity(len(manifest.labels), kind=manifest.kind),
        operating_points=(),
        conformal=None,
        outlier=None,
        form="sequence",
        reader=net.reader,
        slice_labels=lesson.has_slice_labels,
        model=model,
    )


def _training(
    recipe: Recipe,
    lesson: SequenceLesson,
    data_digest: str,
    parity: float,
    reasons: dict[str, Any],
) -> dict[str, Any]:
    """Where the bundle comes from."""

    def shares(of: str) -> dict[str, float]:
        series = getattr(lesson, of) if of != "series" else lesson.series
        columns = (
            np.concatenate([one.slices for one in series])
            if lesson.has_slice_labels
            else np.stack([one.target for one in series])
        )
        return {
            label: prevalence_of(columns[:, k]) for k, label in enumerate(lesson.labels)
        }

    return {
        "recipe_digest": recipe_digest(recipe),
        "data_digest": data_digest,
        "net": recipe.net.name,
        "reader": recipe.net.reader,
        "readers_tried": reasons,
        "path": recipe.train.path,
        "seed": recipe.train.seed,
        "train_cases": len(lesson.train),
        "validation_cases": len(lesson.validation),
        "train_prevalence": shares("train"),
        # calibration was fitted on out-of-fold answers for both
        "validation_prevalence": shares("series"),
        "onnx_difference": float(f"{parity:.3g}"),
    }
