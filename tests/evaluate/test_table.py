"""The table of cases refuses what cannot be true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medlens.core import DataError
from medlens.evaluate import CaseTable

from .phantoms import table_of


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"patients": ("a",)}, "patients has 1 values for 120 cases"),
        ({"columns": {"sex": ("F",)}}, "column sex has 1 values"),
        ({"ood_scores": np.zeros(3)}, "ood_scores has 3 values"),
        ({"decisions": np.zeros((120, 3), dtype=bool)}, r"wanted \(120, 2\)"),
        ({"sets": np.zeros((1, 2), dtype=bool)}, r"sets has shape \(1, 2\)"),
        ({"probabilities": np.full((120, 2), np.nan)}, "probability is not finite"),
        ({"targets": np.full((120, 2), 2)}, "not 1, 0 or -1"),
        ({"targets": np.ones((120, 2))}, r"case0000\.png: reference has 2 labels"),
        ({"cases": ("same",) * 120}, "comes twice"),
        ({"labels": ("no", "no")}, "no two alike"),
        ({"positive": "cat"}, "positive label 'cat'"),
    ],
)
def test_impossible_tables(changes: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        table_of(**changes)


def test_the_second_label_is_positive_by_default() -> None:
    assert table_of().positive == "yes"
    assert table_of(positive="no").positive_index == 0


def test_groups_decide_what_is_independent() -> None:
    table = table_of(n=4, patients=("a", "a", "b", ""))
    assert table.codes.tolist() == [0, 0, 1, 2]
    assert table.n_patients == 3
    grouped = replace(table, groups=("g", "g", "g", "h"))
    assert grouped.codes.tolist() == [0, 0, 0, 1]
    assert grouped.n_patients == 3
    assert replace(grouped, patients=("",) * 4).n_patients == 2


def test_selection_takes_every_column_along() -> None:
    table = table_of(
        n=5,
        columns={"sex": tuple("FMFMF")},
        groups=tuple("vwxyz"),
        splits=("test",) * 5,
        ood_scores=np.arange(5.0),
        ood_flags=np.arange(5) > 3,
        sets=np.ones((5, 2), dtype=bool),
    )
    part = table.select(np.array([4, 1]))
    assert part.cases == ("case0004.png", "case0001.png")
    assert part.columns == {"sex": ("F", "M")}
    assert part.groups == ("z", "w")
    assert part.ood_scores is not None
    assert part.ood_scores.tolist() == [4.0, 1.0]
    assert np.array_equal(part.targets, table.targets[[4, 1]])
    assert table.select(np.zeros(5, dtype=bool)).cases == ()


def test_cases_that_nobody_has_read() -> None:
    targets = np.array([[1, 0], [-1, -1], [0, 1]])
    assert table_of(n=3, targets=targets).is_read.tolist() == [True, False, True]
    partly = np.array([[1, -1, 0], [-1, -1, -1], [0, 0, 0]])
    table: CaseTable = table_of("multilabel", n=3, targets=partly)
    assert table.is_read.tolist() == [True, False, True]
