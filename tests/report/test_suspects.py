"""The table of labels to read again."""

from __future__ import annotations

from typing import Any

from medlens.report.caution import find_notices
from medlens.report.load import RunFolder
from medlens.report.subject import Subject
from medlens.report.suspects import suspect_table


def subject_of(listed: list[dict[str, Any]], *, entries: int) -> Subject:
    found = {"n_entries": entries, "n_cases": 20, "listed": listed}
    return Subject(kind="binary", leading={"label_suspects": found})


def test_each_suspect_is_a_row_that_names_both_labels() -> None:
    entry = {
        "case": "no/1102.jpg",
        "n_cases": 17,
        "reference": "no",
        "looks_like": "yes",
        "probability": 0.974,
    }
    table = suspect_table(subject_of([entry], entries=3))
    assert table is not None
    assert table.rows == (("no/1102.jpg", "17", "no", "yes", "97.4%"),)
    assert table.note.endswith("2 more are not listed.")


def test_suspects_are_among_what_to_mind() -> None:
    entry = {"case": "no/7.png", "n_cases": 17, "reference": "no", "looks_like": "yes"}
    notices = find_notices(RunFolder("r"), subject_of([entry], entries=2))
    (notice,) = [n for n in notices if "wrong label" in n.text]
    assert notice.weight == "mind"
    assert notice.text.startswith("20 cases may carry a wrong label")
    assert "Read first no/7.png, labelled “no”." in notice.text


def test_without_suspects_there_is_no_table() -> None:
    assert suspect_table(subject_of([], entries=0)) is None
    assert suspect_table(Subject(kind="binary", leading={})) is None


def test_hostile_values_are_bounded() -> None:
    table = suspect_table(subject_of([{"case": "x" * 500, "n_cases": "y"}], entries=1))
    assert table is not None
    assert len(table.rows[0][0]) <= 80
    assert table.rows[0][1] == "1"
