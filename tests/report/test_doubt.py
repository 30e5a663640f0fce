"""Bands of curves against hand-worked cases and their own laws."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from medlens.report.doubt import GRID, Scores, bootstrap_bands, find_scores
from medlens.report.load import load_run

from .phantom_run import write_phantom


def scores(truth: list[int], chances: list[float], patients: list[int]) -> Scores:
    return Scores(np.array(truth) == 1, np.array(chances), np.array(patients))


def test_perfect_separation_leaves_no_doubt() -> None:
    perfect = scores([1] * 20 + [0] * 20, [0.9] * 20 + [0.1] * 20, list(range(40)))
    roc, precision = bootstrap_bands(perfect)
    assert (roc.low == 1).all()
    assert (precision.low == 1).all()


def test_equal_scores_cannot_be_parted() -> None:
    # One threshold only: nothing below FPR 1 is reached but the corner.
    tied = scores([1, 0] * 20, [0.5] * 40, list(range(40)))
    roc, precision = bootstrap_bands(tied)
    assert (roc.high[:-1] == 0).all()
    assert roc.low[-1] == 1
    # Precision is the drawn prevalence, whose interval for 40 cases is known.
    assert 0.3 <= precision.low[50] <= 0.4
    assert 0.6 <= precision.high[50] <= 0.7


def test_patients_with_many_images_widen_the_band() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, 60)
    chances = 0.3 * truth + 0.7 * rng.random(60)
    many = np.repeat(np.arange(60), 10)
    truth, chances = truth[many], chances[many]
    alone, _ = bootstrap_bands(Scores(truth == 1, chances, np.arange(600)))
    together, _ = bootstrap_bands(Scores(truth == 1, chances, many))
    inner = slice(10, 60)
    widths = [(band.high - band.low)[inner].mean() for band in (alone, together)]
    # Ten copies of a case carry no more than the case: √10 ≈ 3.2 times wider.
    assert 2.4 < widths[1] / widths[0] < 4.2


def test_band_holds_the_curve_and_is_the_same_each_time(tmp_path: Path) -> None:
    run = load_run(write_phantom(tmp_path))
    found = find_scores(run, "tumour", split="test")
    assert found is not None
    assert len(found.truth) == 612
    assert len(np.unique(found.patients)) == 204
    roc, _ = bootstrap_bands(found)
    again, _ = bootstrap_bands(found)
    assert (roc.low == again.low).all()
    curve = run.metrics["splits"]["test"]["curves"]["tumour"]["roc"]
    place = np.searchsorted(curve["fpr"], GRID, side="right") - 1
    line = np.array(curve["tpr"])[place]
    assert ((roc.low - 1e-9 <= line) & (line <= roc.high + 1e-9)).mean() > 0.98


def test_no_scores_without_the_label_or_both_answers(tmp_path: Path) -> None:
    run = load_run(write_phantom(tmp_path))
    assert find_scores(run, "other", split="test") is None
    assert find_scores(run, "tumour", split="train") is None
