"""The bundle on the untouched test split, where voxels are labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medlens.bundle import Bundle
from medlens.datasets import Manifest
from medlens.evaluate import MaskTable, measure_mask_split
from medlens.experiment.choose import JUDGED, choose_cases
from medlens.experiment.collect_masks import collect_masks
from medlens.experiment.kept_masks import ANSWERS, KeptMasks
from medlens.experiment.mask_examples import make_mask_examples
from medlens.experiment.narrator import Narrator
from medlens.predict import Failed, MaskPredictor
from medlens.recipe import Recipe
from medlens.report import MaskExample


@dataclass(frozen=True)
class JudgedMasks:
    """Everything the report and the bundle's summary are made of.

    Attributes:
        table: figures of validation and test cases.
        splits: content of metrics.json.
        examples: test cases to look at.
        failed: cases that gave no answer.
    """

    table: MaskTable
    splits: dict[str, Any]
    examples: list[MaskExample]
    failed: tuple[Failed, ...]


def judge_masks(
    bundle: Bundle,
    recipe: Recipe,
    manifest: Manifest,
    splits: Sequence[str],
    groups: Sequence[int],
    *,
    work: Path,
    unreadable: frozenset[str] = frozenset(),
    narrator: Narrator,
) -> JudgedMasks:
    """Measure the bundle as shipped, from the files on.

    The validation split is measured too; it chose the clean-up, so its figures
    flatter and are there for comparison only. Cases in `unreadable` are known to
    fail. Answers that teaching left below `work` are taken from there.
    """
    narrator.step("Evaluate")
    kept = KeptMasks(work / ANSWERS)
    predictor = MaskPredictor(bundle, threads=recipe.train.threads)
    chosen = choose_cases(manifest, splits, JUDGED, unreadable=unreadable)
    collected = collect_masks(
        predictor,
        manifest,
        chosen=chosen,
        splits=splits,
        groups=groups,
        kept=kept,
        progress=narrator.progress,
    )
    table = collected.table
    measured: dict[str, Any] = {}
    for name in ("test", "validation"):
        part = table.select(np.array(table.splits) == name)
        if len(part):
            measured[name] = measure_mask_split(part, seed=recipe.train.seed)
    test = table.select(np.array(table.splits) == "test")
    examples = (
        make_mask_examples(predictor, manifest, test, kept=kept) if len(test) else []
    )
    return JudgedMasks(table, measured, examples, collected.failed)
