"""Two models on the same cases."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from medlens.core import DataError
from medlens.evaluate import CaseTable, compare_tables
from medlens.metrics import compare_auroc

from .phantoms import table_of


def weaker(table: CaseTable, *, share: float = 0.3) -> CaseTable:
    """The same cases, some of them guessed."""
    rng = np.random.default_rng(7)
    guessed = rng.random(len(table)) < share
    probabilities = np.where(
        guessed[:, None], rng.permutation(table.probabilities), table.probabilities
    )
    best = probabilities.max(axis=1, keepdims=True)
    decisions = probabilities >= (0.5 if table.kind == "multilabel" else best)
    return replace(table, probabilities=probabilities, decisions=decisions)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_the_better_model_is_found(kind: Any) -> None:
    table = table_of(kind, n=300)
    found = compare_tables(table, weaker(table), resamples=200)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["n_cases"] == 300
    for name in ("auroc", "accuracy", "average_precision"):
        difference = found["metrics"][name]["difference"]
        assert difference["low"] > 0
        assert difference["p_value"] < 0.05
    assert found["metrics"]["brier"]["difference"]["high"] < 0


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_a_model_equals_itself(kind: Any) -> None:
    table = table_of(kind)
    found = compare_tables(table, table, resamples=100)
    for entry in found["metrics"].values():
        assert entry["difference"]["value"] == 0
        assert entry["difference"]["p_value"] == 1
        assert entry["a"] == entry["b"]


def test_turning_round_changes_the_sign() -> None:
    table = table_of(n=200)
    there = compare_tables(table, weaker(table), resamples=200)["metrics"]
    back = compare_tables(weaker(table), table, resamples=200)["metrics"]
    for name in there:
        assert there[name]["difference"]["value"] == pytest.approx(
            -back[name]["difference"]["value"]
        )
        assert there[name]["difference"]["low"] == pytest.approx(
            -back[name]["difference"]["high"], abs=1e-6
        )


def test_common_cases_in_any_order_with_labels_in_any_order() -> None:
    table = table_of("multiclass", n=200)
    other = weaker(table).select(np.arange(50, 200)[::-1])
    turned = CaseTable(
        **{
            **vars(other),
            "labels": other.labels[::-1],
            **{
                name: getattr(other, name)[:, ::-1]
                for name in ("targets", "probabilities", "decisions", "logits")
            },
        }
    )
    found = compare_tables(table.select(np.arange(180)), turned, resamples=50)
    assert (found["n_cases"], found["only_in_a"], found["only_in_b"]) == (130, 50, 20)
    expected = compare_auroc(
        table.targets[50:180],
        table.probabilities[50:180],
        weaker(table).probabilities[50:180],
        np.arange(130),
    )
    assert found["metrics"]["auroc"]["difference"]["value"] == pytest.approx(
        expected.value, rel=1e-5
    )


def test_patients_widen_the_interval() -> None:
    table = table_of(n=240)
    grouped = replace(table, patients=tuple(f"p{index // 12}" for index in range(240)))
    plain, clustered = (
        compare_tables(t, weaker(t), resamples=100)["metrics"]["auroc"]["difference"]
        for t in (table, grouped)
    )
    assert plain["method"] == "paired DeLong"
    assert clustered["method"] == "clustered paired DeLong"


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (table_of("multiclass"), "wanted the same task"),
        (table_of(positive="no"), "positive label is 'yes' in A and 'no' in B"),
        (table_of(cases=tuple(f"x{i}" for i in range(120))), "none of the 120 cases"),
        (
            table_of(targets=1 - table_of().targets),
            r"120 cases have another reference standard in B than in A, case0000\.png",
        ),
    ],
)
def test_what_cannot_be_compared(other: CaseTable, message: str) -> None:
    with pytest.raises(DataError, match=message):
        compare_tables(table_of(), other)


def test_unlabelled_tables_cannot_be_compared() -> None:
    table = table_of(targets=np.full((120, 2), -1))
    with pytest.raises(DataError, match="no shared case has a label"):
        compare_tables(table, table)
