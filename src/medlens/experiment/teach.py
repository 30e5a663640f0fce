"""Recipe and splits → a bundle: prepare, train, export, calibrate, pack."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medlens.core import DataError
from medlens.datasets import Manifest
from medlens.experiment.choose import LEARNED, choose_cases
from medlens.experiment.constants import fit_constants, with_training
from medlens.experiment.history import report_epochs, write_history
from medlens.experiment.learned import Learned
from medlens.experiment.narrator import Narrator
from medlens.experiment.prepare import prepare_images
from medlens.recipe import Recipe, recipe_digest

if TYPE_CHECKING:
    from medlens.train import EpochResult, Lesson, PreparedCache

PARITY_CASES = 8


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

    chosen = choose_cases(manifest, splits, LEARNED)
    cache = prepare_images(
        recipe,
        [manifest.cases[i] for i in chosen],
        work=work,
        data_digest=data_digest,
        narrator=narrator,
    )
    lesson = lesson_of(manifest, splits, groups, chosen, cache)
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
            report=report_epochs(narrator),
        )
    write_history(history_path, history)

    narrator.step("Export and calibrate")
    path = work / "model.onnx"
    parity = export_onnx(net, path, examples=cache.read(range(PARITY_CASES)))
    narrator.say(f"ONNX graph equals the trained network to {parity:.1g}.")
    bundle = fit_constants(recipe, manifest, lesson, path.read_bytes(), logits)
    bundle = prove_engines(bundle, recipe, lesson, narrator)
    bundle = with_training(bundle, recipe, lesson, data_digest, parity)
    return Learned(bundle, cache.failed, parity, history)


def lesson_of(
    manifest: Manifest,
    splits: Sequence[str],
    groups: Sequence[int],
    chosen: list[int],
    cache: PreparedCache,
) -> Lesson:
    """The prepared cases of the training and validation split.

    Raises:
        DataError: a label has no readable training case.
    """
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
