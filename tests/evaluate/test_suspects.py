"""Labels to read again, on tables worked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from medlens.evaluate import CaseTable
from medlens.evaluate.suspects import suspect_entry


def table_of(targets: list[list[int]], p: list[list[float]], **more: Any) -> CaseTable:
    chances = np.array(p, dtype=np.float64)
    return CaseTable(
        cases=tuple(f"case {i}" for i in range(len(targets))),
        targets=np.array(targets, np.int8),
        probabilities=chances,
        decisions=chances >= 0.5,
        **more,
    )


def binary(rows: list[tuple[str, int, float]]) -> CaseTable:
    """Rows of (group, reference, probability of 'yes')."""
    return table_of(
        [[1 - r, r] for _, r, _ in rows],
        [[1 - p, p] for _, _, p in rows],
        labels=("no", "yes"),
        kind="binary",
        positive="yes",
        groups=tuple(group for group, _, _ in rows),
    )


def test_a_label_the_model_is_typically_sure_against_is_named() -> None:
    """Yes cases have 0.9 and 0.8 on average, so 0.86 is suspect and 0.84 is not."""
    found = suspect_entry(
        binary([("a", 1, 0.9), ("b", 1, 0.8), ("c", 0, 0.86), ("d", 0, 0.84)])
    )
    assert found["n_entries"] == found["n_cases"] == 1
    assert found["listed"] == [
        {
            "case": "case 2",
            "n_cases": 1,
            "reference": "no",
            "looks_like": "yes",
            "probability": 0.86,
        }
    ]


def test_copies_are_one_entry_and_set_no_threshold() -> None:
    """Forty copies at 0.6 and one case at 0.9: the mean of the groups is 0.75."""
    rows = [("copies", 1, 0.6)] * 40 + [("b", 1, 0.9)]
    rows += [("c", 0, 0.74), ("d", 0, 0.8), ("d", 0, 0.78)]
    found = suspect_entry(binary(rows))
    assert (found["n_entries"], found["n_cases"]) == (1, 2)
    entry = found["listed"][0]
    assert (entry["case"], entry["n_cases"]) == ("case 42", 2)
    assert entry["probability"] == pytest.approx(0.79)


def test_a_model_that_is_never_sure_accuses_nobody() -> None:
    """Yes cases have 0.3 on average; 0.4 is above that and still no 'yes'."""
    found = suspect_entry(binary([("a", 1, 0.3), ("b", 0, 0.4), ("c", 0, 0.1)]))
    assert found == {"n_entries": 0, "n_cases": 0, "listed": []}


def test_several_labels_are_judged_one_by_one_and_unread_ones_never() -> None:
    found = suspect_entry(
        table_of(
            [[1, 0], [0, 1], [-1, 1], [0, 0], [1, 1]],
            [[0.9, 0.1], [0.95, 0.9], [0.99, 0.8], [0.1, 0.2], [0.02, 0.9]],
            labels=("effusion", "mass"),
            kind="multilabel",
        )
    )
    said = [(e["case"], e["reference"], e["looks_like"]) for e in found["listed"]]
    assert said == [
        ("case 4", "effusion present", "effusion absent"),
        ("case 1", "effusion absent", "effusion present"),
    ]


def test_the_heaviest_come_first_then_the_surest_and_the_list_is_bounded() -> None:
    rows = [("yes", 1, 0.6), *((f"g{i}", 0, 0.7 + i / 200) for i in range(30))]
    rows.append(("g3", 0, 0.7))
    found = suspect_entry(binary(rows))
    assert found["n_entries"] == 30
    assert len(found["listed"]) == 20
    assert found["n_cases"] == 31
    assert [e["case"] for e in found["listed"][:2]] == ["case 4", "case 30"]
