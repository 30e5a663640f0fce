"""Figures in parts of the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from medlens.evaluate.subgroups import measure_subgroups

from .phantoms import table_of


def groups(column: tuple[str, ...], **options: Any) -> list[dict[str, Any]]:
    return measure_subgroups(table_of(n=len(column), columns={"c": column}, **options))


def test_each_value_gets_its_own_figures() -> None:
    table = table_of(n=100, columns={"sex": ("F",) * 40 + ("M",) * 60})
    entries = measure_subgroups(table)
    assert [(entry["value"], entry["n_cases"]) for entry in entries] == [
        ("F", 40),
        ("M", 60),
    ]
    right = (table.decisions[:40] & (table.targets[:40] == 1)).any(axis=1).mean()
    assert entries[0]["metrics"]["accuracy"]["value"] == pytest.approx(right)
    assert entries[0]["n_patients"] == 40


def test_small_groups_are_left_out_and_missing_is_named() -> None:
    entries = groups(("a",) * 30 + ("",) * 20 + ("b",) * 9)
    assert [entry["value"] for entry in entries] == ["(missing)", "a"]


@pytest.mark.parametrize(
    "column",
    [
        ("same",) * 60,
        tuple(f"id{index}" for index in range(60)),
        ("a",) * 55 + ("b",) * 5,
    ],
)
def test_columns_of_no_use_are_passed_over(column: tuple[str, ...]) -> None:
    assert groups(column) == []


def test_numbers_are_cut_at_their_quartiles() -> None:
    ages = tuple(str(age) for age in np.arange(20, 100))
    entries = groups(ages)
    assert [entry["n_cases"] for entry in entries] == [20, 20, 20, 20]
    assert entries[0]["value"] == "20 to 39.75"
    assert entries[-1]["value"] == "79.25 to 99"


def test_dicom_ages_are_years() -> None:
    ages = tuple(f"{age:03d}Y" for age in range(41)) + ("006M",) * 10
    entries = groups(ages)
    assert entries[0]["value"].startswith("0 to ")
    assert sum(entry["n_cases"] for entry in entries) == 51


@pytest.mark.parametrize("kind", ["multiclass", "multilabel"])
def test_other_tasks_have_subgroups_too(kind: Any) -> None:
    entries = groups(("a",) * 30 + ("b",) * 30, kind=kind)
    assert len(entries) == 2
    for entry in entries:
        assert entry["metrics"]["auroc"]["value"] > 0.5
        assert entry["metrics"]["accuracy"]["low"] < 1
