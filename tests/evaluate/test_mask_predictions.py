"""predictions.csv of masks: read ∘ write is the same, hostile files are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medlens.core import DataError
from medlens.evaluate import read_mask_predictions, write_mask_predictions

from .mask_phantoms import random_table, table


def test_header_is_the_contract(tmp_path: Path) -> None:
    write_mask_predictions(tmp_path / "p.csv", random_table(2))
    header, first = (tmp_path / "p.csv").read_text().splitlines()[:2]
    assert header == (
        "case,patient,split,dice_head,dice_tail,surface_dice_head,surface_dice_tail,"
        "hd95_head,hd95_tail,volume_ml_head,volume_ml_tail,reference_volume_ml_head,"
        "reference_volume_ml_tail,ood_score"
    )
    assert first.startswith("c0,p0,,0.")


@pytest.mark.parametrize("spacing", [(2.0, 1.0, 1.0), None])
def test_what_is_written_is_read(tmp_path: Path, spacing: object) -> None:
    made = replace(table(spacing=spacing), ood_scores=np.array([1.0, 2.0, 3.0, 4.5]))
    write_mask_predictions(tmp_path / "p.csv", made)
    back = read_mask_predictions(tmp_path / "p.csv", tolerance=made.tolerance)
    assert (back.cases, back.labels, back.patients) == (
        made.cases,
        made.labels,
        made.patients,
    )
    assert back.unit == made.unit
    for name in ("dice", "surface_dice", "hd95", "volume", "reference_volume"):
        np.testing.assert_allclose(getattr(back, name), getattr(made, name), rtol=1e-8)
    for name in ("present", "answered", "ood_scores"):
        np.testing.assert_array_equal(getattr(back, name), getattr(made, name))
    write_mask_predictions(tmp_path / "q.csv", back)
    assert (tmp_path / "q.csv").read_bytes() == (tmp_path / "p.csv").read_bytes()


def test_formulas_are_disarmed(tmp_path: Path) -> None:
    made = random_table(2, cases=("=SUM(A1)", "b"))
    write_mask_predictions(tmp_path / "p.csv", made)
    assert "\n'=SUM(A1)," in (tmp_path / "p.csv").read_text()
    assert read_mask_predictions(tmp_path / "p.csv").cases == made.cases


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("hd95_head", "hd_head", "wanted case,patient,split,dice_"),
        ("p0,,0", "p0,,x0", "not a number"),
        ("p0,,0", "p0,,inf", "not a number|not finite"),
        ("p0,,0.", "p0,,7.", r"leaves 0\.\.1"),
        ("\nc1,", "\nc0,", "comes twice"),
        ("\nc1,", "\nc1,more,", "row 3 has 15 cells"),
    ],
)
def test_hostile_files(tmp_path: Path, before: str, after: str, message: str) -> None:
    path = tmp_path / "p.csv"
    write_mask_predictions(path, random_table(2))
    path.write_text(path.read_text().replace(before, after))
    with pytest.raises(DataError, match=message):
        read_mask_predictions(path)


def test_no_cases(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    write_mask_predictions(path, random_table(1))
    path.write_text(path.read_text().splitlines()[0] + "\n")
    with pytest.raises(DataError, match="no cases"):
        read_mask_predictions(path)
