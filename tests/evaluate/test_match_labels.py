"""Labels of another data set, matched by name."""

from __future__ import annotations

import numpy as np
import pytest

from medlens.core import DataError
from medlens.evaluate import match_labels, match_targets

OURS = ("No Finding", "lung_opacity", "Effusion")


def test_case_and_spaces_make_no_difference() -> None:
    found = match_labels(
        ("EFFUSION", "no-finding", "Lung Opacity"), OURS, kind="multiclass"
    )
    assert found == (1, 2, 0)


def test_a_subset_is_enough() -> None:
    assert match_labels(("effusion",), OURS, kind="multiclass") == (-1, -1, 0)
    assert match_labels(("hernia", "effusion"), OURS, kind="multilabel") == (-1, -1, 1)


@pytest.mark.parametrize(
    ("found", "kind", "message"),
    [
        (("0", "1"), "multilabel", r"data set \(0, 1\) do not fit .*No Finding, lung"),
        (("effusion", "hernia"), "multiclass", "unknown: hernia"),
        (("Effusion", "effusion "), "multilabel", "differ in case or spaces only"),
        ((), "multiclass", "no label matches"),
    ],
)
def test_what_does_not_fit_lists_both_sides(
    found: tuple[str, ...], kind: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        match_labels(found, OURS, kind=kind)  # type: ignore[arg-type]


def test_targets_take_the_order_of_the_bundle() -> None:
    targets = np.array([[1, 0], [0, 1], [-1, -1]])
    found = match_targets(targets, ("effusion", "no finding"), OURS, kind="multiclass")
    assert found.tolist() == [[0, 0, 1], [1, 0, 0], [-1, -1, -1]]
    assert found.dtype == np.int8


def test_a_missing_label_is_unread_in_multilabel_tasks() -> None:
    found = match_targets(
        np.array([[1, 0]]), ("effusion", "hernia"), OURS, kind="multilabel"
    )
    assert found.tolist() == [[-1, -1, 1]]


def test_several_labels_do_not_fit_one() -> None:
    with pytest.raises(DataError, match="1 cases have several labels"):
        match_targets(
            np.array([[1, 1]]), ("effusion", "no finding"), OURS, kind="multiclass"
        )
    with pytest.raises(DataError, match=r"wanted \(cases, labels\)"):
        match_targets(np.array([[1]]), ("effusion", "no finding"), OURS, kind="binary")
