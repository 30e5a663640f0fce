"""Counts of the data section against a hand-worked folder."""

from __future__ import annotations

from typing import Any

from medlens.report.load import RunFolder
from medlens.report.material import describe_material
from medlens.report.subject import find_subject

TASK = {"kind": "binary", "labels": ["no", "yes"], "positive": "yes"}


def run_of(classes: dict[str, int], **audit: Any) -> RunFolder:
    def entry(no: int, yes: int) -> dict[str, Any]:
        return {"per_label": {"no": {"n_cases": no}, "yes": {"n_cases": yes}}}

    splits = {
        "case": ["a", "b", "c", "d", "e", "f"],
        "patient": ["p", "p", "q", "r", "s", "s"],
        "group": ["1", "1", "1", "2", "3", "3"],
        "split": ["train", "train", "train", "validation", "test", "test"],
    }
    metrics = {"task": TASK, "splits": {"test": entry(1, 1), "validation": entry(1, 0)}}
    return RunFolder(
        "r", metrics=metrics, splits=splits, audit={"classes": classes, **audit}
    )


def first_table(run: RunFolder) -> list[tuple[str, ...]]:
    return list(describe_material(run, find_subject(run)).tables[0].rows)


def test_training_labels_come_by_subtraction_where_exact() -> None:
    assert first_table(run_of({"no": 4, "yes": 2})) == [
        ("train", "3", "2", "1", "2 (67%)", "1 (33%)"),
        ("validation", "1", "1", "1", "1 (100%)", "0 (0%)"),
        ("test", "2", "1", "1", "1 (50%)", "1 (50%)"),
    ]


def test_no_guess_where_the_sums_do_not_meet() -> None:
    assert first_table(run_of({"no": 5, "yes": 2}))[0][-2:] == ("–", "–")


def test_duplicates_name_cases_and_their_split() -> None:
    run = run_of({"no": 4, "yes": 2}, near_duplicates=[["a", "b", "c"], ["e", "f"]])
    found = describe_material(run, find_subject(run))
    assert (
        "5 images are copies or near-copies of another, in 2 groups; each group stays "
        "in one split." in found.sentences
    )
    (table,) = [t for t in found.tables if "near-duplicates" in t.title]
    assert table.rows == (("a, b, c", "3", "train"), ("e, f", "2", "test"))


def test_clean_audit_says_so() -> None:
    run = run_of({}, near_duplicates=[], label_conflicts=[], unreadable=[])
    assert (
        "The audit found no near-duplicates, no contradicting labels and no "
        "unreadable files." in describe_material(run, find_subject(run)).sentences
    )


def test_unnamed_patients_take_no_column_of_dashes() -> None:
    run = run_of({"no": 4, "yes": 2})
    run.splits["patient"][:] = [""] * 6
    table = describe_material(run, find_subject(run)).tables[0]
    assert table.title == "Cases, groups and labels per split"
    assert table.columns == ("Split", "Cases", "Groups", "no", "yes")
    assert table.rows[0] == ("train", "3", "1", "2 (67%)", "1 (33%)")
    assert table.note == "A group holds an image and all near-duplicates of it."


def test_a_shortcut_is_told_once_and_no_warning_is_cut_short() -> None:
    shortcut = {"what": "size", "auroc": 0.8, "low": 0.7, "high": 0.9}
    long = "Something odd. " * 20 + "Do this."
    warnings = ["Shortcut: the size tells.", long]
    run = run_of({}, shortcuts=[shortcut], warnings=warnings)
    assert describe_material(run, find_subject(run)).warnings == (long,)
