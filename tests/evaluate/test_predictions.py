"""predictions.csv: what is written is what is read."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import DataError, ResourceError
from medlens.evaluate import (
    CaseTable,
    compare_tables,
    read_predictions,
    with_groups,
    write_predictions,
)

from .phantoms import table_of

words = st.text(
    st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=8
).filter(lambda word: word.strip() == word and not word.startswith("?"))


def saved(path: Path, table: CaseTable, **options: Any) -> CaseTable:
    write_predictions(path / "predictions.csv", table)
    return read_predictions(path / "predictions.csv", **options)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_round_trip(tmp_path: Path, kind: Any) -> None:
    table = table_of(kind, splits=("test",) * 120, ood_scores=np.linspace(-1, 9, 120))
    again = saved(tmp_path, table)
    assert again.kind == kind
    assert (again.cases, again.labels, again.patients, again.splits) == (
        table.cases,
        table.labels,
        table.patients,
        table.splits,
    )
    assert np.array_equal(again.targets, table.targets)
    assert np.array_equal(again.decisions, table.decisions)
    assert again.probabilities == pytest.approx(table.probabilities, rel=1e-8)
    assert again.ood_scores == pytest.approx(table.ood_scores, rel=1e-5)


@given(st.lists(words, min_size=3, max_size=3, unique=True), st.data())
@settings(max_examples=60, deadline=None)
def test_any_name_survives(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], data: st.DataObject
) -> None:
    targets = np.array(
        data.draw(
            st.lists(st.tuples(*[st.integers(-1, 1)] * 3), min_size=2, max_size=2)
        )
    )
    table = table_of(
        "multilabel",
        n=2,
        classes=3,
        targets=targets,
        cases=(names[0], f"x{names[1]}"),
        patients=(names[2], ""),
    )
    table = CaseTable(**{**vars(table), "labels": tuple(names)})
    again = saved(tmp_path_factory.mktemp("csv"), table, kind="multilabel")
    assert again.labels == tuple(names)
    assert again.cases == table.cases
    assert again.patients == table.patients
    assert np.array_equal(again.targets, targets)
    assert np.array_equal(again.decisions, table.decisions)


def test_columns_are_those_of_the_contract(tmp_path: Path) -> None:
    targets = np.array([[1, 1, 0], [0, -1, 0]])
    table = table_of("multilabel", n=2, targets=targets, patients=("p1", ""))
    write_predictions(tmp_path / "predictions.csv", table)
    with (tmp_path / "predictions.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))
    columns = "case patient split reference predicted decision p_a p_b p_c ood_score"
    assert " ".join(rows[0]) == columns
    assert rows[1][3] == "a|b"
    assert rows[2][3] == "?b"


def test_formulas_are_disarmed(tmp_path: Path) -> None:
    evil = ("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "'quoted", "\tx")
    table = table_of(n=6, cases=evil, patients=evil)
    write_predictions(tmp_path / "predictions.csv", table)
    with (tmp_path / "predictions.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))[1:]
    assert all(cell[0] == "'" for row in rows for cell in row[:2])
    assert read_predictions(tmp_path / "predictions.csv").cases == evil


def test_a_full_disk_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "predictions.csv"
    write_predictions(path, table_of(n=4))
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(
        ResourceError, match=r"predictions\.csv: cannot be written \(No"
    ):
        write_predictions(path, table_of(n=6))
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["predictions.csv"]


GOOD = "case,patient,split,reference,predicted,decision,p_no,p_yes,ood_score\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no header"),
        ("a,b\n1,2\n", "header is not that"),
        (GOOD.replace("p_no", "no"), "header is not that"),
        (GOOD, "wanted cases with probabilities"),
        (GOOD + "c,,,no,no,no,0.5\n", "row 2 has 7 cells, wanted 9"),
        (GOOD + "c,,,no,no,no,half,0.5,\n", "is not a number"),
        (GOOD + "c,,,no,no,no,nan,0.5,\n", "number is not finite"),
        (GOOD + "c,,,no,no,no,1.5,0.5,\n", r"probabilities in 0\.\.1"),
        (GOOD + "c,,,cat,no,no,0.5,0.5,\n", "case c: label 'cat' has no column"),
        (GOOD + "c,,,no,no,no,0.5,0.5,\n" * 2, "comes twice"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_predictions(tmp_path / "p.csv")


def test_missing_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"p\.csv: cannot be read"):
        read_predictions(tmp_path / "p.csv")
    (tmp_path / "p.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(DataError, match="not a CSV file in UTF-8"):
        read_predictions(tmp_path / "p.csv")


def test_groups_of_the_run_keep_copies_from_counting_twice(tmp_path: Path) -> None:
    """Every case six times: a comparison must not grow surer by that."""
    table = table_of(n=240, patients=("",) * 240)
    for name in ("targets", "probabilities", "decisions"):
        array = np.repeat(np.asarray(getattr(table, name))[:40], 6, axis=0)
        object.__setattr__(table, name, array)
    path = tmp_path / "splits.csv"
    rows = [f"{case},,{i // 6},test" for i, case in enumerate(table.cases)]
    path.write_text("\n".join(["case,patient,group,split", *rows]), encoding="utf-8")
    plain = saved(tmp_path, table)
    assert with_groups(plain, tmp_path / "none.csv") is plain
    grouped = with_groups(plain, path)
    assert len(set(grouped.groups)) == 40

    def width(first: CaseTable) -> float:
        other = replace(first, probabilities=first.probabilities**2)
        mixed = np.random.default_rng(0).permutation(40).repeat(6) / 40
        shares = np.stack([1 - mixed, mixed], axis=1)
        other = replace(other, probabilities=(other.probabilities + shares) / 2)
        gap = compare_tables(first, other, resamples=50)["metrics"]["auroc"]
        return float(gap["difference"]["high"] - gap["difference"]["low"])

    assert width(grouped) / width(plain) == pytest.approx(6**0.5, rel=0.1)


@pytest.mark.parametrize("text", ["case,split\na,test\n", "case,group\nother,1\n"])
def test_splits_of_another_run_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "splits.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"splits.csv: .* were both written by one run"):
        with_groups(saved(tmp_path, table_of()), path)
