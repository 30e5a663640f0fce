"""One split of metrics.json."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as reference

from medlens.core import DataError
from medlens.evaluate import CaseTable, measure_baseline, measure_split
from medlens.metrics import auroc_interval, ece

from .phantoms import points_of, table_of

KINDS = ("binary", "multiclass", "multilabel")


def whole(table: CaseTable, **options: Any) -> dict[str, Any]:
    return measure_split(
        table,
        points=points_of(table),
        validation_prevalence=[1 / len(table.labels)] * len(table.labels),
        resamples=200,
        **options,
    )


def estimates(entry: object) -> Iterator[dict[str, Any]]:
    """Every object with a value and an interval in a JSON document."""
    if isinstance(entry, dict):
        if {"value", "low", "high"} <= set(entry):
            yield entry
        for inner in entry.values():
            yield from estimates(inner)
    if isinstance(entry, list):
        for inner in entry:
            yield from estimates(inner)


def full_table(kind: Any, **changes: Any) -> CaseTable:
    table = table_of(kind, **changes)
    n = len(table)
    return replace(
        table,
        columns={
            "sex": ("F", "F", "M", "M") * (n // 4),
            "age": tuple(map(str, range(n))),
        },
        sets=table.probabilities > 0.2,
        ood_scores=np.linspace(0, 4, n),
        ood_flags=np.linspace(0, 4, n) > 3.9,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_is_there_and_strict_json(kind: Any) -> None:
    table = full_table(kind)
    entry = whole(table, baselines={"flat": np.full(table.probabilities.shape, 0.5)})
    assert json.loads(json.dumps(entry, allow_nan=False)) == entry
    assert set(entry) - {"macro"} == {
        "n_cases",
        "n_unlabelled",
        "n_patients",
        "n_groups",
        "unit",
        "labels",
        "metrics",
        "confusion_matrix",
        "per_label",
        "operating_points",
        "prior_shift",
        "subgroups",
        "reliability",
        "curves",
        "conformal",
        "out_of_distribution",
        "label_suspects",
        "baselines",
    }
    assert ("macro" in entry) == (kind != "binary")
    wanted = {"auroc", "accuracy", "balanced_accuracy", "sensitivity", "specificity"}
    wanted |= {"ppv", "npv", "f1", "average_precision", "brier", "log_loss", "ece"}
    assert wanted <= set(entry["metrics"])
    for label in table.labels:
        assert wanted <= set(entry["per_label"][label]["metrics"])


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_lies_in_its_interval_and_says_how(kind: Any) -> None:
    entry = whole(full_table(kind))
    found = list(estimates(entry))
    assert len(found) > 60
    for estimate in found:
        assert estimate["method"]
        assert estimate["low"] <= estimate["value"] <= estimate["high"]


def test_binary_figures_agree_with_sklearn() -> None:
    table = table_of(n=300)
    entry = measure_split(table, resamples=100)
    truth, p = table.targets[:, 1], table.probabilities[:, 1]
    called = table.decisions[:, 1]
    expected = {
        "auroc": reference.roc_auc_score(truth, p),
        "average_precision": reference.average_precision_score(truth, p),
        "accuracy": reference.accuracy_score(truth, called),
        "balanced_accuracy": reference.balanced_accuracy_score(truth, called),
        "sensitivity": reference.recall_score(truth, called),
        "specificity": reference.recall_score(1 - truth, ~called),
        "ppv": reference.precision_score(truth, called),
        "npv": reference.precision_score(1 - truth, ~called),
        "f1": reference.f1_score(truth, called),
        "mcc": reference.matthews_corrcoef(truth, called),
        "brier": reference.brier_score_loss(truth, p),
        "log_loss": reference.log_loss(truth, p),
        "ece": ece(truth, p),
    }
    found = {name: metric["value"] for name, metric in entry["metrics"].items()}
    assert found == pytest.approx(expected, rel=1e-5)
    assert (
        entry["confusion_matrix"] == reference.confusion_matrix(truth, called).tolist()
    )


def test_multiclass_figures_agree_with_sklearn() -> None:
    table = table_of("multiclass", n=300)
    entry = measure_split(table, resamples=100)
    truth, p = table.targets.argmax(axis=1), table.probabilities
    called = table.decisions.argmax(axis=1)
    expected = {
        "auroc": reference.roc_auc_score(truth, p, multi_class="ovr"),
        "average_precision": reference.average_precision_score(table.targets, p),
        "accuracy": reference.accuracy_score(truth, called),
        "balanced_accuracy": reference.balanced_accuracy_score(truth, called),
        "ppv": reference.precision_score(truth, called, average="macro"),
        "f1": reference.f1_score(truth, called, average="macro"),
        "mcc": reference.matthews_corrcoef(truth, called),
        "log_loss": reference.log_loss(truth, p),
    }
    found = {name: entry["metrics"][name]["value"] for name in expected}
    assert found == pytest.approx(expected, rel=1e-5)
    confidence, right = p.max(axis=1), (truth == p.argmax(axis=1)).astype(int)
    assert entry["metrics"]["ece"]["value"] == pytest.approx(
        ece(right, confidence), rel=1e-5
    )


def test_multilabel_figures_are_means_over_what_was_read() -> None:
    table = table_of("multilabel", n=200)
    targets = table.targets.copy()
    targets[::3, 1] = -1
    table = replace(table, targets=targets)
    entry = measure_split(table, resamples=100)
    areas, shares = [], []
    for index in range(3):
        read = targets[:, index] >= 0
        truth, p = targets[read, index], table.probabilities[read, index]
        areas.append(reference.roc_auc_score(truth, p))
        shares.append(np.mean((p >= 0.5) == truth))
    assert entry["metrics"]["auroc"]["value"] == pytest.approx(np.mean(areas), rel=1e-5)
    assert entry["metrics"]["accuracy"]["value"] == pytest.approx(
        np.mean(shares), rel=1e-5
    )
    assert entry["per_label"]["b"]["n_read"] == int((targets[:, 1] >= 0).sum())
    assert entry["confusion_matrix"] is None
    assert "cases with every label read" in entry["metrics"]["exact_match"]["method"]


@pytest.mark.parametrize("kind", KINDS)
def test_order_of_cases_changes_nothing(kind: Any) -> None:
    table = table_of(kind)
    turned = table.select(np.arange(len(table))[::-1])
    first, second = (
        measure_split(t, resamples=100)["metrics"] for t in (table, turned)
    )
    for name in first:
        assert first[name]["value"] == pytest.approx(second[name]["value"], rel=1e-5)


def test_the_seed_decides() -> None:
    table = table_of()
    first, second, other = (
        measure_split(table, seed=seed, resamples=100)["metrics"] for seed in (1, 1, 2)
    )
    assert first == second
    assert first["brier"]["low"] != other["brier"]["low"]


def test_intervals_respect_patients() -> None:
    table = table_of(n=200)
    copies = tuple(f"copy{index}" for index in range(800))
    stacked = CaseTable(
        cases=copies,
        labels=table.labels,
        kind="binary",
        targets=np.tile(table.targets, (4, 1)),
        probabilities=np.tile(table.probabilities, (4, 1)),
        decisions=np.tile(table.decisions, (4, 1)),
        patients=table.patients * 4,
    )
    plain = measure_split(table, resamples=400)["metrics"]
    clustered = measure_split(stacked, resamples=400)["metrics"]
    naive = measure_split(replace(stacked, patients=()), resamples=400)["metrics"]
    for name in set(plain) - {"ece"}:
        wide, narrow, own = (
            found[name]["high"] - found[name]["low"]
            for found in (plain, naive, clustered)
        )
        assert own == pytest.approx(wide, rel=0.15), name
        assert narrow < 0.7 * wide, name


def test_perfect_model_still_has_doubt() -> None:
    table = table_of(n=60)
    targets = table.targets.astype(float)
    perfect = replace(table, probabilities=targets, decisions=targets == 1)
    found = measure_split(perfect, resamples=100)["metrics"]
    for name in ("auroc", "average_precision", "accuracy", "balanced_accuracy", "f1"):
        assert found[name]["value"] == 1.0
        assert 0.75 < found[name]["low"] < 1.0, name


def test_undefined_figures_have_a_reason() -> None:
    table = table_of(n=30)
    targets = np.tile(np.array([[1, 0]], dtype=np.int8), (30, 1))
    entry = measure_split(replace(table, targets=targets), resamples=50)
    for name in ("auroc", "sensitivity", "average_precision"):
        assert entry["metrics"][name]["value"] is None
        assert entry["metrics"][name]["reason"]
    assert entry["curves"] == {}
    json.dumps(entry, allow_nan=False)


def test_unlabelled_cases_are_counted_and_left_out() -> None:
    table = table_of(n=50)
    targets = table.targets.copy()
    targets[:7] = -1
    entry = measure_split(replace(table, targets=targets), resamples=50)
    assert (entry["n_cases"], entry["n_unlabelled"]) == (43, 7)
    with pytest.raises(DataError, match="no case has a label"):
        measure_split(replace(table, targets=np.full_like(targets, -1)))


def test_operating_points_are_measured_at_their_threshold() -> None:
    table = table_of(n=200)
    entry = whole(table)
    for point in entry["operating_points"]:
        called = table.probabilities[:, 1] >= point["threshold"]
        truth = table.targets[:, 1]
        assert point["metrics"]["sensitivity"]["value"] == pytest.approx(
            reference.recall_score(truth, called), rel=1e-5
        )
        assert point["prevalence"] == 0.5
        stated = [row["prevalence"] for row in point["predictive_values"]]
        assert stated == [0.01, 0.05, 0.1, 0.2, 0.5]
        # At the prevalence of the sample, Bayes' rule gives the counted PPV.
        assert point["predictive_values"][-1]["ppv"]["value"] == pytest.approx(
            point["metrics"]["ppv"]["value"], rel=1e-5
        )
    assert [point["chosen"] for point in entry["operating_points"]] == [1, 0, 0, 0]


def test_prior_shift_is_reported_and_not_applied() -> None:
    table = table_of(n=400)
    entry = whole(table)
    plain = measure_split(table, resamples=200)
    assert plain["prior_shift"] is None
    assert entry["metrics"] == plain["metrics"]
    shift = entry["prior_shift"]
    assert shift["applied"] is False
    assert shift["validation_prevalence"] == {"no": 0.5, "yes": 0.5}
    assert sum(shift["estimated_prevalence"].values()) == pytest.approx(1.0, abs=1e-5)
    assert set(shift["metrics_if_applied"]) >= {"accuracy", "brier", "ece"}


def test_sets_and_gate_are_counted() -> None:
    table = full_table("binary", n=100)
    entry = measure_split(table, resamples=50)
    held = (np.asarray(table.sets) & (table.targets == 1)).any(axis=1)
    assert entry["conformal"]["coverage"]["value"] == pytest.approx(held.mean())
    assert entry["conformal"]["mean_size"] == pytest.approx(
        np.asarray(table.sets).sum(axis=1).mean()
    )
    assert entry["out_of_distribution"]["flagged"] == 3
    assert entry["out_of_distribution"]["share"] == 0.03


def test_baseline_on_the_same_cases() -> None:
    table = table_of(n=300)
    worse = table.probabilities * 0.5 + 0.5 * np.random.default_rng(1).dirichlet(
        [1, 1], 300
    )
    entry = measure_baseline(table, worse, resamples=100)
    gap = entry["auroc_difference"]
    assert gap["value"] > 0
    assert gap["p_value"] < 0.05
    alone = auroc_interval(table.targets[:, 1], worse[:, 1], np.arange(300)).to_json()
    assert entry["metrics"]["auroc"] == alone


def test_curves_are_thin_and_start_without_a_threshold() -> None:
    entry = measure_split(table_of(n=2000), resamples=20)
    curve = entry["curves"]["yes"]["roc"]
    assert len(curve["fpr"]) == len(curve["tpr"]) == len(curve["threshold"]) <= 200
    assert (curve["fpr"][0], curve["tpr"][0], curve["threshold"][0]) == (0, 0, None)
    assert sum(row["n"] for row in entry["reliability"]) == 2000
