"""DATA in any of its forms → one `Manifest`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Literal

from medlens.core import DataError
from medlens.datasets.drafts import Draft, count_of, list_some
from medlens.datasets.from_folders import WORKING_FORMS, has_classes, read_folders
from medlens.datasets.headers import Header, apply_headers
from medlens.datasets.labels import drop_unlabelled, resolve_labels
from medlens.datasets.manifest import Case, Manifest
from medlens.datasets.walk import NIFTI, Tree, suffix_of

Unit = Literal["image", "series"]
_TABLES = (".csv", ".tsv")


def read_manifest(
    data: Path,
    *,
    labels: Path | None = None,
    label_column: str | None = None,
    patient_column: str | None = None,
    task: str = "auto",
    unit: Unit = "image",
) -> Manifest:
    """Read a data set for classification; pixels are not touched.

    Args:
        data: a folder with one sub-folder per class (also below train/val/test
            or one wrapping folder); a folder with a `labels.csv`; a folder of
            any shape, DICOM trees included, described by `labels`; a CSV file;
            a MedMNIST `.npz`.
        labels: CSV that names images and labels; None to look for one.
        label_column: its label column, or several 0/1 columns parted by
            commas; None to find it by rule.
        patient_column: its patient column; None to find it by rule.
        task: "auto" or "classify".
        unit: what a case is. "image": one picture, slice or frame. "series": one
            volume: a NIfTI volume, DICOM slices or frames grouped by their
            headers, or pictures that a CSV numbers in columns `series` and
            `slice`; `Case.slices` then has the slices with their own targets.

    Returns:
        The usable cases; everything else stands in `Manifest.problems`.

    Raises:
        DataError: nothing usable was found; the message says what was found,
            what was wanted and what to do.
    """
    _check_task(task)
    data = Path(data)
    if not data.exists():
        raise DataError(f"DATA: '{data.name}' is not there; check the path")
    whole = unit == "series"
    draft, tree, headers = _read_form(
        data, labels, label_column, patient_column, takes_series=whole
    )
    if tree is not None and draft.wants_headers:
        apply_headers(draft, tree, headers, takes_volumes=whole)
    if not draft.entries:
        raise DataError(_nothing_left(draft))
    _settle_patients(draft)
    manifest = _to_manifest(draft)
    if not whole:
        return manifest
    from medlens.datasets.volumes import gather_series

    return gather_series(
        manifest, series_column=draft.series_column, slice_column=draft.slice_column
    )


def _check_task(task: str) -> None:
    if task in ("auto", "classify"):
        return
    if task in ("detect", "segment"):
        raise DataError(
            f"task '{task}': this version trains classifiers of single images; pass "
            "--task classify and a label per image"
        )
    raise DataError(f"task '{task}' is unknown; wanted auto or classify")


def _read_form(
    data: Path,
    labels: Path | None,
    label_column: str | None,
    patient_column: str | None,
    *,
    takes_series: bool = False,
) -> tuple[Draft, Tree | None, dict[str, Header] | None]:
    """Find out which form DATA has and read it."""
    from medlens.datasets.from_table import read_rows
    from medlens.datasets.table import read_table

    if data.is_file() and suffix_of(data.name) == ".npz":
        _refuse_columns(data.name, labels, label_column, patient_column)
        return _read_npz(data), None, None
    is_table = data.is_file()
    if is_table and suffix_of(data.name) not in _TABLES:
        raise DataError(
            f"DATA: '{data.name}' is a single file; wanted a folder or a CSV, as "
            f"{WORKING_FORMS}"
        )
    if is_table and labels is not None:
        raise DataError(
            f"DATA is the table '{data.name}' itself; leave out --labels, or pass the "
            "folder of images as DATA"
        )
    tree = Tree(data.parent if is_table else data)
    path = data if is_table else labels or _find_table(tree)
    if path is None:
        archive = _only_npz(tree)
        _refuse_columns("DATA", None, label_column, patient_column)
        if archive is not None:
            return _read_npz(archive), None, None
        draft = read_folders(tree)
        draft.problems = [*tree.problems, *draft.problems]
        return draft, tree, None
    draft, headers = read_rows(
        read_table(path),
        tree,
        label_column=label_column,
        patient_column=patient_column,
        is_whole=not is_table,
        takes_series=takes_series,
    )
    return draft, tree, headers


def _read_npz(path: Path) -> Draft:
    from medlens.datasets.from_npz import read_npz

    return read_npz(path)


def _refuse_columns(
    name: str,
    labels: Path | None,
    label_column: str | None,
    patient_column: str | None,
) -> None:
    """Flags about a CSV must not be ignored where there is none."""
    flags = {
        "--labels": labels,
        "--label-column": label_column,
        "--patient-column": patient_column,
    }
    given = [flag for flag, value in flags.items() if value]
    if given:
        raise DataError(
            f"{name}: {', '.join(given)} given, but there is no CSV to use it on; "
            "leave it out, or pass --labels CSV with a folder"
        )


def _find_table(tree: Tree) -> Path | None:
    """labels.csv of a folder, or its only CSV where folders are no classes."""
    tables = [f for f in tree.files if "/" not in f and suffix_of(f) in _TABLES]
    named = [f for f in tables if f.lower() in ("labels.csv", "labels.tsv")]
    if named:
        return tree.root / named[0]
    if not tables or has_classes(tree):
        return None
    if len(tables) > 1:
        raise DataError(
            f"DATA holds {len(tables)} tables: {list_some(tables)}; say which one "
            "names the labels: --labels CSV"
        )
    return tree.root / tables[0]


def _only_npz(tree: Tree) -> Path | None:
    archives = [f for f in tree.files if suffix_of(f) == ".npz"]
    if tree.images or not archives:
        return None
    if len(archives) > 1:
        raise DataError(
            f"DATA holds {len(archives)} .npz files: {list_some(archives)}; pass one "
            "of them as DATA"
        )
    return tree.root / archives[0]


def _settle_patients(draft: Draft) -> None:
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


def _nothing_left(draft: Draft) -> str:
    """Why a data set in which every file failed cannot be used."""
    counts = Counter(problem.kind for problem in draft.problems)
    if counts["volume"]:
        return (
            f"DATA: {count_of(counts['volume'], 'file')} are 3D volumes; this version "
            f"trains classifiers of single images. What works: {WORKING_FORMS}"
        )
    first = draft.problems[0] if draft.problems else None
    why = f"; first: {first.case}: {first.reason}" if first else ""
    return f"DATA holds no usable image{why}. What works: {WORKING_FORMS}"


def _to_manifest(draft: Draft) -> Manifest:
    _refuse_patient_folders(draft)
    labelling = resolve_labels(draft)
    entries, targets, unlabelled = drop_unlabelled(draft.entries, labelling)
    cases = tuple(
        Case(
            entry.key,
            draft.root / entry.file,
            target,
            entry.member,
            entry.patient,
            entry.site,
            entry.split,
            entry.columns,
        )
        for entry, target in zip(entries, targets, strict=True)
    )
    problems = (*draft.problems, *unlabelled)
    return Manifest(
        draft.root,
        cases,
        labelling.kind,
        labelling.labels,
        labelling.positive,
        (*draft.notes, *labelling.notes, *count_problems(problems)),
        problems,
    )


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
        "unreadable": "could not be read",
    }
    counts = Counter(getattr(problem, "kind", "") for problem in problems)
    return [f"left out: {counts[k]:,} {text}" for k, text in words.items() if counts[k]]


def _refuse_patient_folders(draft: Draft) -> None:
    """Stop when "class" folders hold one patient each: they are no classes."""
    if draft.label_source != "folder names":
        return
    pairs = {
        (e.values[0], e.patient)
        for e in draft.entries
        if e.patient and suffix_of(e.file) not in NIFTI
    }
    folders, patients = {f for f, _ in pairs}, {p for _, p in pairs}
    if len(folders) > 2 and len(pairs) == len(folders) == len(patients):
        raise DataError(
            f"DATA: {len(folders)} folders hold one patient each, so they are patients "
            "and not classes; pass --labels CSV with a label per image, series, study "
            "or patient"
        )
