"""Tables of both kinds check and pick their columns alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medlens.core import DataError
from medlens.evaluate import CaseTable, MaskTable

from .mask_phantoms import random_table
from .phantoms import table_of

TABLES = [(table_of(n=6), "table of cases"), (random_table(6), "table of masks")]


@pytest.mark.parametrize(("table", "name"), TABLES)
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ()}, "wanted labels, no two alike"),
        ({"cases": ("same",) * 6}, "a case key comes twice; wanted each once"),
        ({"patients": ("a",)}, "patients has 1 values for 6 cases"),
        ({"groups": ("a", "b")}, "groups has 2 values for 6 cases"),
        ({"columns": {"sex": ("F",)}}, "column sex has 1 values for 6 cases"),
        ({"ood_flags": np.zeros(2)}, "ood_flags has 2 values for 6 cases"),
    ],
)
def test_what_cannot_be_is_named_with_its_table(
    table: CaseTable | MaskTable, name: str, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=f"^{name}: {message}"):
        replace(table, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("table", [table for table, _ in TABLES])
def test_a_mask_and_its_indices_pick_the_same(table: CaseTable | MaskTable) -> None:
    chosen = np.array([False, True, False, True, True, False])
    one, two = table.select(chosen), table.select(np.flatnonzero(chosen))
    assert one.cases == two.cases == tuple(np.array(table.cases)[chosen])
    assert one.labels == table.labels
    assert one.groups == ()
    assert one.ood_scores is None
