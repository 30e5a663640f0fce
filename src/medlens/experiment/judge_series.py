"""The bundle on the untouched test split, where slices of series are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from medlens.bundle import Bundle
from medlens.core import SequencePrediction
from medlens.datasets import Manifest
from medlens.evaluate import CaseTable, measure_sequence_split
from medlens.experiment.choose import JUDGED, choose_cases
from medlens.experiment.collect_series import CollectedSeries, collect_series
from medlens.experiment.judge import Judged
from medlens.experiment.narrator import Narrator
from medlens.predict import SequencePredictor
from medlens.recipe import Recipe
from medlens.report import SeriesExample

SHOWN = 6  # series with their curves on the page


def judge_series(
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

    The rows of the table are slices where these have labels, else series. The
    figures of validation series flatter: the final network learned from none of
    them, but thresholds did. Cases in `unreadable` are known to fail.
    """
    narrator.step("Evaluate")
    predictor = SequencePredictor(bundle, threads=recipe.train.threads)
    chosen = choose_cases(manifest, splits, JUDGED, unreadable=unreadable)
    collected = collect_series(
        predictor,
        manifest,
        chosen=chosen,
        splits=splits,
        groups=groups,
        progress=narrator.progress,
    )
    measured = {
        name: entry
        for name in ("test", "validation")
        if (entry := measure_series(collected, bundle, name, seed=recipe.train.seed))
    }
    return Judged(
        collected.leading,
        measured,
        series_examples(collected, bundle, "test"),
        collected.failed,
        collected.beside,
    )


def measure_series(
    collected: CollectedSeries, bundle: Bundle, name: str, *, seed: int
) -> dict[str, Any]:
    """Entry of a split, {} where it has no series."""
    series = _part(collected.series, name)
    slices = None if collected.slices is None else _part(collected.slices, name)
    if not len(series):
        return {}
    shares = bundle.training.get("validation_prevalence") or {}
    return measure_sequence_split(
        slices,
        series,
        points=bundle.operating_points,
        series_points=bundle.series_points if slices is not None else None,
        validation_prevalence=[shares[label] for label in bundle.labels]
        if shares
        else None,
        seed=seed,
    )


def _part(table: CaseTable, name: str) -> CaseTable:
    return table.select(np.array(table.splits) == name)


def series_examples(
    collected: CollectedSeries, bundle: Bundle, name: str
) -> list[SeriesExample]:
    """The curves of some series: wrong ones first, then the surest."""
    table = _part(collected.series, name)
    if not len(table):
        return []
    targets, decisions = np.asarray(table.targets), np.asarray(table.decisions)
    is_right = np.all(decisions == (targets == 1), axis=1)
    sure = np.abs(np.asarray(table.probabilities) - 0.5).mean(axis=1)
    order = np.lexsort((-sure, is_right))[:SHOWN]
    slices = collected.slices
    by_series = _rows_of_series(collected) if slices is not None else {}
    return [
        _example(
            table,
            int(row),
            bool(is_right[row]),
            collected.answers[table.cases[row]],
            bundle,
            by_series.get(table.cases[row], ()),
            slices,
        )
        for row in order
    ]


def _rows_of_series(collected: CollectedSeries) -> dict[str, range]:
    """Rows of the table of slices of each series: they stand one after another."""
    found, start = {}, 0
    for key, answer in collected.answers.items():
        found[key] = range(start, start + len(answer.slices))
        start += len(answer.slices)
    return found


def _example(
    table: CaseTable,
    row: int,
    is_right: bool,
    answer: SequencePrediction,
    bundle: Bundle,
    rows: Sequence[int],
    slices: CaseTable | None,
) -> SeriesExample:
    labels = np.array(bundle.labels)
    shown = bundle.positive or str(labels[int(np.argmax(table.probabilities[row]))])
    k = bundle.labels.index(shown)
    chosen = next((p for p in bundle.operating_points if p.label == shown), None)
    targets = np.asarray(table.targets)[row]
    return SeriesExample(
        case=table.cases[row],
        label=shown,
        probability=float(table.probabilities[row][k]),
        series_reference=", ".join(labels[targets == 1]) or "none",
        is_right=is_right,
        probabilities=[float(one.probabilities[k]) for one in answer.slices],
        reference=[int(np.asarray(slices.targets)[i, k]) for i in rows]
        if slices is not None
        else (),
        attention=answer.attention,
        threshold=None if chosen is None else float(chosen.threshold),
        note="unlike the training series"
        if answer.series.out_of_distribution.flag
        else "",
    )
