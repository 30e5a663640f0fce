"""Slices and series: what stands where, and whether the reader helped."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from medlens.core import DataError
from medlens.evaluate import (
    CaseTable,
    compare_readers,
    compare_tables,
    measure_sequence_split,
)

from .phantoms import table_of


def worse(table: CaseTable, *, noise: float = 2.0, seed: int = 1) -> CaseTable:
    """The same cases judged by a model that sees less."""
    rng = np.random.default_rng(seed)
    column = np.log(table.probabilities[:, 1] / table.probabilities[:, 0])
    p = 1 / (1 + np.exp(-(column + noise * rng.normal(size=len(table)))))
    probabilities = np.stack([1 - p, p], axis=1)
    return replace(
        table, probabilities=probabilities, decisions=probabilities > 0.5, logits=None
    )


def slices_of(patients: int = 30, each: int = 8) -> CaseTable:
    names = tuple(f"p{k // each}" for k in range(patients * each))
    return table_of(n=patients * each, patients=names)


def test_figures_of_slices_lead_and_those_of_series_stand_below() -> None:
    slices, series = slices_of(), table_of(n=30)
    entry = measure_sequence_split(slices, series, plain=worse(slices), resamples=50)
    assert (entry["n_cases"], entry["n_patients"]) == (240, 30)
    assert entry["case_unit"] == "slices"
    assert (entry["series"]["n_cases"], entry["series"]["case_unit"]) == (30, "series")
    assert entry["readers"]["n_cases"] == 240
    json.dumps(entry, allow_nan=False)


def test_series_alone_lead_themselves() -> None:
    series = table_of(n=60)
    entry = measure_sequence_split(None, series, plain=worse(series), resamples=50)
    assert entry["case_unit"] == "series"
    assert "series" not in entry
    assert entry["readers"]["n_cases"] == 60


def test_help_and_harm_are_told_apart() -> None:
    read = slices_of()
    plain = worse(read, noise=3.0)
    helped = compare_readers(plain, read)
    assert helped["helped"] is True
    assert helped["verdict"].startswith("Reading the slices in order helped (AUROC +")
    harmed = compare_readers(read, plain)
    assert harmed["helped"] is False
    assert "made it worse (AUROC −" in harmed["verdict"]
    assert harmed["auroc_difference"]["value"] == pytest.approx(
        -helped["auroc_difference"]["value"]
    )
    same = compare_readers(read, read)
    assert same["helped"] is None
    assert "not shown" in same["verdict"]


def test_the_difference_is_that_of_compare_tables() -> None:
    read = slices_of()
    plain = worse(read)
    found = compare_readers(plain, read)["auroc_difference"]
    theirs = compare_tables(read, plain, resamples=20)["metrics"]["auroc"]["difference"]
    assert found == theirs
    assert "clustered" in found["method"]


def test_more_slices_of_the_same_patients_prove_nothing_more() -> None:
    """Each slice five times over: the same interval, for patients are the units."""
    read = slices_of(each=4)
    plain = worse(read)
    copies = np.repeat(np.arange(len(read)), 5)

    def repeat(table: CaseTable) -> CaseTable:
        return CaseTable(
            cases=tuple(f"x{k}" for k in range(len(copies))),
            labels=table.labels,
            kind=table.kind,
            targets=np.asarray(table.targets)[copies],
            probabilities=np.asarray(table.probabilities)[copies],
            decisions=np.asarray(table.decisions)[copies],
            patients=tuple(table.patients[k] for k in copies),
        )

    once = compare_readers(plain, read)["auroc_difference"]
    often = compare_readers(repeat(plain), repeat(read))["auroc_difference"]
    for name in ("value", "low", "high", "p_value"):
        assert often[name] == pytest.approx(once[name], rel=1e-4), name


def test_few_patients_are_said() -> None:
    read = slices_of(patients=6)
    assert "With 6 patients" in compare_readers(worse(read), read)["verdict"]


def test_one_patient_decides_nothing() -> None:
    read = slices_of(patients=1)
    found = compare_readers(worse(read), read)
    assert found["helped"] is None
    assert "cannot be said" in found["verdict"]


def test_other_cases_are_refused() -> None:
    read = table_of()
    other = replace(read, cases=tuple(f"y{k}" for k in range(len(read))))
    with pytest.raises(DataError, match="none of the 120 cases"):
        compare_readers(other, read)
