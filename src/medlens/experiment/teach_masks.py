"""Recipe and splits → a bundle that labels voxels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medlens.bundle import Bundle
from medlens.core import Array, DataError, MedlensError
from medlens.datasets import Manifest, open_case, open_mask
from medlens.evaluate import choose_tolerance
from medlens.experiment.choose import LEARNED, choose_cases
from medlens.experiment.gate import Seen, fit_gate
from medlens.experiment.history import report_epochs, write_history
from medlens.experiment.kept_masks import ANSWERS, KeptMasks
from medlens.experiment.learned import Learned
from medlens.experiment.narrator import Narrator
from medlens.experiment.prepare_masks import prepare_masks
from medlens.experiment.prove_masks import overlap, prove_mask_engines
from medlens.metrics import Calibration
from medlens.predict import MaskAnswer, MaskPredictor, drop_parts, measure_net_mb
from medlens.predict.mapped import allocate
from medlens.recipe import Recipe, recipe_digest

if TYPE_CHECKING:
    from medlens.train import MaskCache, MaskLesson

OUTLIER_CASES = 200  # training cases that the gate is fitted on
WORTH = 0.002  # of mean Dice on validation that a clean-up must bring


def teach_masks(
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
    """Learn from the training split; clean-up and gate come from validation.

    Test cases are never opened here.

    Raises:
        DataError: no training or validation case has a mask that can be used, or a
            label is in none of them.
        TrainError, ResourceError: see `train.follow`.
    """
    from medlens.train import MaskCourse, export_masks, follow

    chosen = choose_cases(manifest, splits, LEARNED)
    cache = prepare_masks(
        recipe,
        manifest,
        [manifest.cases[i] for i in chosen],
        work=work,
        data_digest=data_digest,
        narrator=narrator,
    )
    lesson, rows = _lesson(manifest, splits, groups, chosen, cache)
    narrator.step("Train")
    net, history = follow(
        MaskCourse(recipe, lesson),
        recipe,
        work,
        digest=recipe_digest(recipe) + data_digest,
        report=report_epochs(narrator, score="Dice"),
    )
    write_history(history_path, history, score="dice")

    narrator.step("Export and check on validation")
    path = work / "model.onnx"
    examples = _examples(lesson, recipe)
    parity = export_masks(net, path, examples=examples)
    narrator.say(f"ONNX graph equals the trained network to {parity:.1g}.")
    model = path.read_bytes()
    net_mb = measure_net_mb(model, examples[:1].shape, threads=recipe.train.threads)
    bare = replace(_bundle(recipe, manifest, model), net_mb=net_mb)
    kept = KeptMasks(work / ANSWERS)
    bundle = _with_validation(bare, recipe, manifest, rows, kept, narrator)
    bundle = prove_mask_engines(
        bundle, recipe, manifest, rows["validation"], kept=kept, narrator=narrator
    )
    training = _training(recipe, lesson, data_digest, parity)
    return Learned(replace(bundle, training=training), cache.failed, parity, history)


def _lesson(
    manifest: Manifest,
    splits: Sequence[str],
    groups: Sequence[int],
    chosen: list[int],
    cache: MaskCache,
) -> tuple[MaskLesson, dict[str, list[int]]]:
    """The lesson, and the manifest's indices of the cases of each split.

    Raises:
        DataError: a label is in no usable training mask.
    """
    from medlens.train import MaskLesson

    places = {entry.key: row for row, entry in enumerate(cache.entries)}
    of = {
        name: [
            i for i in chosen if splits[i] == name and manifest.cases[i].key in places
        ]
        for name in ("train", "validation")
    }

    def rows(name: str) -> NDArray[np.int64]:
        return np.array([places[manifest.cases[i].key] for i in of[name]], np.int64)

    lesson = MaskLesson(
        cache=cache,
        labels=manifest.labels,
        train_rows=rows("train"),
        validation_rows=rows("validation"),
        groups=np.array(
            [groups[i] for i in of["train"] + of["validation"]], dtype=np.int64
        ),
    )
    lacking = np.flatnonzero(~lesson.presence().any(axis=0))
    if len(lacking):
        raise DataError(
            f"label {manifest.labels[lacking[0]]!r}: in no usable training mask; "
            "wanted at least one: see the unreadable cases in audit.json"
        )
    return lesson, of


def _examples(lesson: MaskLesson, recipe: Recipe) -> NDArray[np.float32]:
    """Two prepared patches, as the graph takes them."""
    from medlens.train.mask_batches import Layer, to_tensors

    layer = Layer(lesson.cache, recipe.net, foreground=0.0)
    rows = [int(row) for row in np.resize(lesson.train_rows, 2)]
    patches = [next(layer.tiles(row, 1)) for row in rows]
    examples: NDArray[np.float32] = to_tensors(patches, recipe.net)[0].numpy()
    return np.ascontiguousarray(examples)


def _bundle(
    recipe: Recipe,
    manifest: Manifest,
    model: bytes,
) -> Bundle:
    net = recipe.net
    return Bundle(
        name="medlens",
        kind=manifest.kind,
        labels=manifest.labels,
        positive="",
        channels=net.channels,
        height=net.height,
        width=net.width,
        steps=recipe.prep.steps,
        calibration=Calibration.identity(len(manifest.labels), kind=manifest.kind),
        operating_points=(),
        conformal=None,
        outlier=None,
        form="segment",
        depth=net.depth,
        context=net.context,
        sliding=recipe.sliding,
        model=model,
    )


def _tolerance(lesson: MaskLesson) -> float:
    entries = [lesson.cache.entries[row] for row in lesson.train_rows]
    return choose_tolerance([entry.spacing for entry in entries])


def _with_validation(
    bundle: Bundle,
    recipe: Recipe,
    manifest: Manifest,
    rows: dict[str, list[int]],
    kept: KeptMasks,
    narrator: Narrator,
) -> Bundle:
    """Clean-up where it helps, and the out-of-distribution gate."""
    predictor = MaskPredictor(bundle, threads=recipe.train.threads)
    step = max(1, len(rows["train"]) // OUTLIER_CASES)
    seen = rows["train"][::step][:OUTLIER_CASES]
    total = len(seen) + len(rows["validation"])
    gains: list[NDArray[np.float64]] = []
    inside: list[Seen] = []
    outside: list[Seen] = []
    for done, index in enumerate([*rows["validation"], *seen], start=1):
        case = manifest.cases[index]
        try:
            image = open_case(case)
            if done <= len(rows["validation"]):
                answer = kept.answer(predictor, image)
                reference = open_mask(case, manifest.mask_values, image=image)
                gains.append(_gain(reference, answer.prediction.mask, bundle.labels))
                outside += _seen(answer)
            else:
                inside += _seen(predictor.answer(image))
        except MedlensError as error:
            narrator.say(f"Left out: {case.key}: {error}")
        narrator.progress(done, total)
    cleaned_up = _worth_cleaning(np.array(gains), bundle.labels, narrator)
    return replace(
        bundle,
        keep_largest=cleaned_up,
        outlier=fit_gate(inside, outside, recipe, narrator),
    )


def _gain(
    reference: Array, found: Array, labels: tuple[str, ...]
) -> NDArray[np.float64]:
    """(K - 1,) what dropping all but the largest part does to the Dice of a label."""
    gains = []
    for k in range(1, len(labels)):
        cleaned = allocate(found.shape, np.uint8)
        for d, plane in enumerate(found):
            cleaned[d] = plane == k
        drop_parts(cleaned, label=1, only_largest=True)
        before = overlap(reference, found, label=k)
        after = overlap(reference, cleaned, label=k, as_label=1)
        # Where there was nothing, nothing changes.
        gains.append(0.0 if before is None or after is None else after - before)
    return np.array(gains)


def _worth_cleaning(
    gains: NDArray[np.float64], labels: tuple[str, ...], narrator: Narrator
) -> tuple[str, ...]:
    if not len(gains):
        raise DataError(
            "no validation case could be answered; see the reasons above, or train "
            "with more cases"
        )
    means = gains.mean(axis=0)
    kept = tuple(
        label for label, gain in zip(labels[1:], means, strict=True) if gain > WORTH
    )
    for label, gain in zip(labels[1:], means, strict=True):
        verdict = "kept" if label in kept else "not used"
        narrator.say(
            f"Largest part of {label!r} only: validation Dice changes by {gain:+.4f}: "
            f"{verdict}."
        )
    return kept


def _seen(answer: MaskAnswer) -> list[Seen]:
    """What the gate is fitted on; the mask is not held on to."""
    if answer.embedding is None:
        return []
    return [(answer.embedding, answer.statistics)]


def _training(
    recipe: Recipe, lesson: MaskLesson, data_digest: str, parity: float
) -> dict[str, Any]:
    """Where the bundle comes from."""
    return {
        "recipe_digest": recipe_digest(recipe),
        "data_digest": data_digest,
        "net": recipe.net.name,
        "path": recipe.train.path,
        "seed": recipe.train.seed,
        "train_cases": len(lesson.train_rows),
        "validation_cases": len(lesson.validation_rows),
        "surface_tolerance": _tolerance(lesson),
        "onnx_difference": float(f"{parity:.3g}"),
    }
