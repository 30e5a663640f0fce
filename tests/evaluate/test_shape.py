"""Curves that travel with a bundle: counts against a count by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as reference

from medlens.evaluate import (
    CaseTable,
    case_shape,
    curves_document,
    mask_shape,
    measure_mask_split,
    measure_split,
)
from medlens.evaluate.moving import STEPS, calibration_bins, threshold_table
from medlens.metrics import OperatingPoint, wilson

from .mask_phantoms import random_table
from .phantoms import points_of, table_of


def shape_of(table: CaseTable) -> dict[str, Any]:
    points = points_of(table)
    entry = measure_split(table, points=points, resamples=100)
    return case_shape(table, entry, points=points)


def test_counts_at_thresholds_are_those_of_a_count_by_hand() -> None:
    targets = np.array([1, 1, 1, 0, 0, 0, 0, -1])
    scores = np.array([0.9, 0.8, 0.3, 0.7, 0.3, 0.2, 0.1, 0.95])
    found = threshold_table(targets, scores, np.arange(8), always=(0.5,))
    at = found["threshold"].index(0.5)
    assert [found[name][at] for name in ("tp", "fp", "tn", "fn")] == [2, 1, 3, 1]
    at = found["threshold"].index(0.3)  # at or above it
    assert [found[name][at] for name in ("tp", "fp", "tn", "fn")] == [3, 2, 2, 0]
    assert found["threshold"] == sorted(found["threshold"])
    first = [found[name][0] for name in ("threshold", "tp", "fp", "tn", "fn")]
    assert first == [0.0, 3, 4, 0, 0]
    last = [found[name][-1] for name in ("threshold", "tp", "fp", "tn", "fn")]
    assert last == [1.0, 0, 0, 4, 3]
    low, high = wilson(2, 3)
    at = found["threshold"].index(0.5)
    assert found["sensitivity_low"][at] == pytest.approx(low, abs=1e-5)
    assert found["sensitivity_high"][at] == pytest.approx(high, abs=1e-5)


def test_a_large_set_has_a_bounded_table() -> None:
    rng = np.random.default_rng(0)
    targets = (rng.random(4000) < 0.2).astype(np.int8)
    scores = np.clip(rng.normal(0.3 + 0.4 * targets, 0.15), 0, 1)
    found = threshold_table(targets, scores, np.arange(4000), always=(0.123456789,))
    assert 100 < len(found["threshold"]) <= STEPS
    assert 0.123456789 in found["threshold"]
    for threshold, hits, alarms in zip(
        found["threshold"], found["tp"], found["fp"], strict=True
    ):
        called = scores >= threshold
        assert hits == (called & (targets == 1)).sum()
        assert alarms == (called & (targets == 0)).sum()
    steps = np.abs(np.diff(np.array(found["tp"]) / (targets == 1).sum()))
    assert steps.max() < 0.05  # no gap in which a reader could not move


def test_cases_of_one_patient_make_wider_intervals() -> None:
    rng = np.random.default_rng(1)
    patients = np.repeat(np.arange(30), 10)
    targets = (patients % 2).astype(np.int8)
    scores = np.clip(0.3 * rng.random(30)[patients] + 0.35 * targets + 0.2, 0, 1)
    alone = threshold_table(targets, scores, np.arange(300), always=(0.5,))
    together = threshold_table(targets, scores, patients, always=(0.5,))
    at = alone["threshold"].index(0.5)
    assert alone["tp"] == together["tp"]

    def width(found: dict[str, list[float]]) -> float:
        return found["sensitivity_high"][at] - found["sensitivity_low"][at]

    assert width(together) > 1.5 * width(alone)
    (wide,) = [b for b in calibration_bins(targets, scores, patients) if b["n"] > 40][
        :1
    ]
    (narrow,) = [
        b
        for b in calibration_bins(targets, scores, np.arange(300))
        if b["low"] == wide["low"]
    ]
    assert (wide["n"], wide["observed"]) == (narrow["n"], narrow["observed"])
    assert (
        wide["observed_high"] - wide["observed_low"]
        > narrow["observed_high"] - narrow["observed_low"]
    )


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_the_curves_agree_with_the_figures(kind: Any) -> None:
    table = table_of(kind, n=240)
    shape = shape_of(table)
    entry = measure_split(table, points=points_of(table), resamples=100)
    wanted = ["yes"] if kind == "binary" else list(table.labels)
    assert [each["label"] for each in shape["labels"]] == wanted
    assert shape["left_out"] == []
    for each in shape["labels"]:
        k = table.labels.index(each["label"])
        column, scores = np.asarray(table.targets)[:, k], table.probabilities[:, k]
        area = reference.auc(each["roc"]["fpr"], each["roc"]["tpr"])
        assert area == pytest.approx(reference.roc_auc_score(column, scores), abs=0.005)
        assert each["metrics"]["auroc"]["value"] == pytest.approx(area, abs=0.005)
        assert each["n_present"] + each["n_absent"] == len(table)
        assert sum(b["n"] for b in each["calibration"]) == len(table)
        counts = each["thresholds"]
        assert {
            tp + fp + tn + fn
            for tp, fp, tn, fn in zip(
                counts["tp"], counts["fp"], counts["tn"], counts["fn"], strict=True
            )
        } == {len(table)}
    if kind == "multilabel":
        assert shape["confusion"] is None
    else:
        matrix = reference.confusion_matrix(
            np.asarray(table.targets).argmax(1), np.asarray(table.decisions).argmax(1)
        )
        assert shape["confusion"] == {
            "labels": list(table.labels), "counts": matrix.tolist()
        }  # fmt: skip
    assert shape["metrics"] == entry["metrics"]
    json.dumps(curves_document("test", "image", [shape]), allow_nan=False)


def test_an_operating_point_stands_in_the_table_with_its_figures() -> None:
    table = table_of("binary", n=200)
    shape = shape_of(table)
    counts = shape["labels"][0]["thresholds"]
    chosen = [point for point in shape["operating_points"] if point["label"] == "yes"]
    assert chosen
    for point in chosen:
        at = counts["threshold"].index(point["threshold"])
        found = counts["tp"][at] / (counts["tp"][at] + counts["fn"][at])
        stated = point["metrics"]["sensitivity"]
        assert stated["value"] == pytest.approx(found, abs=1e-6)
        assert stated["low"] == pytest.approx(counts["sensitivity_low"][at], abs=1e-5)


def test_a_label_that_all_or_none_have_is_left_out_and_named() -> None:
    table = table_of("multilabel", n=60)
    targets = np.array(table.targets)
    targets[:, 1] = 1
    table = replace(table, targets=targets)
    shape = case_shape(table, measure_split(table, resamples=100))
    assert [each["label"] for each in shape["labels"]] == ["a", "c"]
    assert shape["left_out"] == ["b"]


def test_cases_that_nobody_read_do_not_count() -> None:
    table = table_of("binary", n=40)
    targets = np.array(table.targets)
    targets[:10] = -1
    table = replace(table, targets=targets)
    point = OperatingPoint("yes", 0.5, "youden", chosen=True)
    entry = measure_split(table, points=(point,), resamples=100)
    shape = case_shape(table, entry, points=(point,))
    assert shape["n_cases"] == 30
    (each,) = shape["labels"]
    assert each["n_present"] + each["n_absent"] == 30


def test_masks_are_spread_by_their_overlap() -> None:
    table = random_table(40)
    entry = measure_mask_split(table, resamples=100)
    shape = mask_shape(table, entry)
    assert [each["label"] for each in shape["masks"]] == list(table.labels)
    for index, each in enumerate(shape["masks"]):
        column = table.dice[:, index]
        known = column[np.isfinite(column)]
        assert sum(each["dice"]["counts"]) == len(known)
        assert each["dice"]["undefined"] == 40 - len(known)
        assert each["dice"]["quartiles"][1] == pytest.approx(np.median(known), rel=1e-5)
    assert shape["metrics"] == entry["metrics"]
    json.dumps(shape, allow_nan=False)
