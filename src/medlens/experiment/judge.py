"""The bundle on the untouched test split: predictions, metrics, baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medlens.bundle import Bundle
from medlens.datasets import Manifest
from medlens.evaluate import CaseTable, measure_baseline, measure_split
from medlens.experiment.baseline import baseline_probabilities
from medlens.experiment.choose import JUDGED, choose_cases
from medlens.experiment.collect import collect_answers
from medlens.experiment.examples import choose_examples, make_examples
from medlens.experiment.narrator import Narrator
from medlens.predict import Failed, Predictor
from medlens.recipe import Recipe
from medlens.report import Example, SeriesExample


@dataclass(frozen=True)
class Judged:
    """Everything the report and the bundle's summary are made of.

    Attributes:
        table: answers on validation and test cases.
        splits: content of metrics.json.
        examples: test cases to look at.
        failed: cases that gave no answer.
        series: answers for whole series where `table` has their slices, else None.
    """

    table: CaseTable
    splits: dict[str, Any]
    examples: Sequence[Example | SeriesExample]
    failed: tuple[Failed, ...]
    series: CaseTable | None = None


def judge(
    bundle: Bundle,
    recipe: Recipe,
    manifest: Manifest,
    splits: Sequence[str],
    groups: Sequence[int],
    *,
    unreadable: frozenset[str] = frozenset(),
    narrator: Narrator,
) -> Judged:
    """Measure the bundle as shipped, from the files on.

    The validation split is measured too; it chose the weights and the
    thresholds, so its figures flatter and are there for comparison only.
    """
    narrator.step("Evaluate")
    threads = recipe.train.threads
    predictor = Predictor(bundle, threads=threads)
    collected = collect_answers(
        predictor,
        manifest,
        chosen=choose_cases(manifest, splits, JUDGED),
        splits=splits,
        groups=groups,
        threads=threads,
        progress=narrator.progress,
    )
    table = collected.table
    measured: dict[str, Any] = {}
    shares = bundle.training.get("validation_prevalence") or {}
    prevalence = [shares[label] for label in bundle.labels] if shares else None
    for name in ("test", "validation"):
        part = table.select(np.array(table.splits) == name)
        if len(part):
            measured[name] = measure_split(
                part,
                points=bundle.operating_points,
                validation_prevalence=prevalence,
                seed=recipe.train.seed,
            )
    test = table.select(np.array(table.splits) == "test")
    examples: list[Example] = []
    if len(test):
        narrator.step("Compare with simpler methods")
        train = choose_cases(manifest, splits, ("train",), unreadable=unreadable)
        measured["test"]["baselines"] = _measure_baselines(
            test, recipe, manifest, train, narrator
        )
        rows = choose_examples(test)
        examples = make_examples(predictor, manifest, test, rows)
    return Judged(table, measured, examples, collected.failed)


def _measure_baselines(
    test: CaseTable,
    recipe: Recipe,
    manifest: Manifest,
    train: Sequence[int],
    narrator: Narrator,
) -> dict[str, Any]:
    places = {case.key: i for i, case in enumerate(manifest.cases)}
    found = baseline_probabilities(
        recipe,
        manifest,
        train=train,
        test=[places[key] for key in test.cases],
        threads=recipe.train.threads,
        progress=narrator.progress,
    )
    return {
        name: measure_baseline(test, probabilities, seed=recipe.train.seed)
        for name, probabilities in found.items()
    }
