"""The last steps from a draft to cases, alike for every form of DATA."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from medlens.core import DataError
from medlens.datasets.drafts import Draft, Entry, count_of
from medlens.datasets.from_folders import WORKING_FORMS
from medlens.datasets.manifest import Case


def check_task(task: str) -> None:
    """Refuse tasks that this version does not train.

    Raises:
        DataError: not "auto", "classify" or "segment".
    """
    if task in ("auto", "classify", "segment"):
        return
    if task == "detect":
        raise DataError(
            "task 'detect': this version trains classifiers and segments by masks; "
            "pass --task classify and a label per image"
        )
    raise DataError(f"task '{task}' is unknown; wanted auto, classify or segment")


def to_case(entry: Entry, root: Path, target: tuple[int, ...] = ()) -> Case:
    """The case of an entry, its files under a folder."""
    return Case(
        entry.key, root / entry.file, target, entry.member, entry.patient, entry.site,
        entry.split, entry.columns, mask=root / entry.mask if entry.mask else None,
    )  # fmt: skip


def require_entries(draft: Draft) -> None:
    """Refuse a data set of which nothing is left.

    Raises:
        DataError: it has no entry; the message says what became of the first.
    """
    if not draft.entries:
        raise DataError(nothing_left(draft))


def settle_patients(draft: Draft) -> None:
    """Let the series stand in where nothing names the patient, and say so."""
    nameless = [entry for entry in draft.entries if not entry.patient]
    series = draft.series_column
    if nameless and series and not draft.patient_column:
        for entry in nameless:
            entry.patient = entry.columns[series]
        draft.notes.append(f"no patient column; '{series}' keeps slices together")
    elif nameless and draft.patient_column:
        draft.notes.append(
            f"column '{draft.patient_column}' is empty for "
            f"{count_of(len(nameless), 'image')}: each counts as a patient of its own"
        )


def nothing_left(draft: Draft) -> str:
    """Why a data set in which every file failed cannot be used."""
    counts = Counter(problem.kind for problem in draft.problems)
    if counts["volume"]:
        return (
            f"DATA: {count_of(counts['volume'], 'file')} are 3D volumes, and single "
            f"images were asked for; take them whole with unit 'series' or 'auto'. "
            f"What works: {WORKING_FORMS}"
        )
    first = draft.problems[0] if draft.problems else None
    why = f"; first: {first.case}: {first.reason}" if first else ""
    return f"DATA holds no usable image{why}. What works: {WORKING_FORMS}"


def count_problems(problems: tuple[object, ...]) -> list[str]:
    """How many rows and files were left out, kind by kind."""
    words = {
        "missing": "named a file that is not there",
        "outside": "pointed outside DATA",
        "link": "linked to a place outside DATA",
        "no_row": "had no row or class folder",
        "no_label": "had an empty label",
        "conflict": "had different labels for one image",
        "ambiguous": "fitted several files",
        "not_an_image": "held no picture",
        "volume": "were 3D volumes",
        "no_series": "were in no series",
        "no_mask": "had no mask",
        "no_image": "were masks without an image",
        "unreadable": "could not be read",
    }
    counts = Counter(getattr(problem, "kind", "") for problem in problems)
    return [f"left out: {counts[k]:,} {text}" for k, text in words.items() if counts[k]]
