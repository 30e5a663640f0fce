"""DATA in any of its forms → one `Manifest`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from medlens.core import DataError
from medlens.datasets.drafts import Draft, count_of, list_some
from medlens.datasets.finish import (
    check_task,
    count_problems,
    require_entries,
    settle_patients,
    to_case,
)
from medlens.datasets.from_folders import WORKING_FORMS, has_classes, read_folders
from medlens.datasets.from_pairs import Pairs, find_pairs, read_pairs
from medlens.datasets.headers import Header, apply_headers, read_headers
from medlens.datasets.labels import drop_unlabelled, resolve_labels
from medlens.datasets.manifest import Manifest
from medlens.datasets.units import (
    Census,
    count_units,
    gather,
    gather_if_series,
    has_slice_labels,
    leave_out_series,
)
from medlens.datasets.walk import NIFTI, Tree, suffix_of
from medlens.recipe.settings import Form

Unit = Literal["auto", "image", "series"]
_TABLES = (".csv", ".tsv")


@dataclass(frozen=True)
class _Asked:
    """What the caller wants to be read; see `read_manifest`."""

    labels: Path | None
    label_column: str | None
    patient_column: str | None
    task: str
    unit: Unit


def read_manifest(
    data: Path,
    *,
    labels: Path | None = None,
    label_column: str | None = None,
    patient_column: str | None = None,
    task: str = "auto",
    unit: Unit = "auto",
) -> Manifest:
    """Read a data set; pixels are not touched, except those of masks.

    Args:
        data: a folder with one sub-folder per class (also below train/val/test
            or one wrapping folder); a folder with a `labels.csv`; a folder of
            any shape, DICOM trees included, described by `labels`; a CSV file;
            `images/` beside `masks/` or `labels/` with equal names; a MedMNIST
            `.npz`.
        labels: CSV that names images and labels; None to look for one.
        label_column: its label column, or several 0/1 columns parted by
            commas; None to find it by rule.
        patient_column: its patient column; None to find it by rule.
        task: "classify", "segment" (masks are the labels), or "auto": masks
            where nothing else is a label.
        unit: what a case is. "image": one picture, slice or frame. "series": one
            volume: a NIfTI volume, DICOM slices or frames grouped by their
            headers, or pictures that a CSV numbers in columns `series` and
            `slice`; `Case.slices` then has the slices with their own targets.
            "auto": series where most of DATA are series, images else; for
            masks, whatever each mask covers.

    Returns:
        The usable cases; everything else stands in `Manifest.problems`. What
        was decided and why stands in `Manifest.notes`.

    Raises:
        DataError: nothing usable was found; the message says what was found,
            what was wanted and what to do.
    """
    check_task(task)
    data = Path(data)
    if not data.exists():
        raise DataError(f"DATA: '{data.name}' is not there; check the path")
    asked = _Asked(labels, label_column, patient_column, task, unit)
    draft, tree, headers = _read_form(data, asked)
    if draft.is_masked and tree is not None:
        from medlens.datasets.segments import read_segments

        return read_segments(draft, tree, headers, wants_series=unit == "series")
    if tree is None or not draft.wants_headers:
        return _read_arrays(draft, unit)
    if headers is None:
        files = dict.fromkeys(entry.file for entry in draft.entries)
        headers = read_headers(tree, list(files), draft)
    census = count_units(draft, tree, headers) if unit == "auto" else Census()
    whole = unit == "series" or census.are_series
    apply_headers(draft, tree, headers, takes_volumes=whole)
    manifest = _to_manifest(draft, keeps_unlabelled=whole)
    if not whole:
        return _finish_images(manifest, census)
    if unit == "series":
        return _name_form(gather(manifest, draft), "")
    found, why = gather_if_series(manifest, draft, census)
    if found is not None:
        return _name_form(found, census.tell())
    again = read_manifest(
        data, labels=labels, label_column=label_column, patient_column=patient_column,
        task=task, unit="image",
    )  # fmt: skip
    return replace(again, notes=(*again.notes, why))


def _finish_images(manifest: Manifest, census: Census) -> Manifest:
    """Single images, the volumes among them left out."""
    if not census.volumes:
        return manifest
    if census.series:
        manifest = leave_out_series(manifest)
    return replace(manifest, notes=(*manifest.notes, census.tell()))


def _name_form(manifest: Manifest, why: str) -> Manifest:
    """Whether slices have labels of their own, or volumes as wholes."""
    form: Form = "volume"
    note = "one label for the whole of each volume"
    if has_slice_labels(manifest):
        form = "sequence"
        note = "labels differ within series: each slice has its own, in order"
    notes = (*manifest.notes, *([why] if why else []), note)
    return replace(manifest, form=form, notes=notes)


def _read_arrays(draft: Draft, unit: Unit) -> Manifest:
    manifest = _to_manifest(draft)
    return _name_form(gather(manifest, draft), "") if unit == "series" else manifest


def _read_form(
    data: Path, asked: _Asked
) -> tuple[Draft, Tree | None, dict[str, Header] | None]:
    """Find out which form DATA has and read it."""
    from medlens.datasets.from_table import read_rows
    from medlens.datasets.table import read_table

    columns = (asked.label_column, asked.patient_column)
    if data.is_file() and suffix_of(data.name) == ".npz":
        _refuse_columns(data.name, asked.labels, *columns)
        return _read_npz(data, asked.task), None, None
    is_table = data.is_file()
    if is_table and suffix_of(data.name) not in _TABLES:
        raise DataError(
            f"DATA: '{data.name}' is a single file; wanted a folder or a CSV, as "
            f"{WORKING_FORMS}"
        )
    if is_table and asked.labels is not None:
        raise DataError(
            f"DATA is the table '{data.name}' itself; leave out --labels, or pass the "
            "folder of images as DATA"
        )
    tree = Tree(data.parent if is_table else data)
    path = data if is_table else asked.labels or _find_table(tree)
    pairs = find_pairs(tree)
    if path is None:
        archive = _only_npz(tree)
        _refuse_columns("DATA", None, *columns)
        if archive is not None:
            return _read_npz(archive, asked.task), None, None
        draft = _read_tree(tree, pairs, asked.task)
        draft.problems = [*tree.problems, *draft.problems]
        return draft, tree, None
    draft, headers = read_rows(
        read_table(path),
        tree,
        label_column=asked.label_column,
        patient_column=asked.patient_column,
        is_whole=not is_table,
        takes_series=asked.unit != "image",
        task=asked.task,
        pairs=pairs,
    )
    return draft, tree, headers


def _read_tree(tree: Tree, pairs: Pairs | None, task: str) -> Draft:
    """Folders as pairs of images and masks, or as classes."""
    if task == "segment" and pairs is None:
        raise DataError(
            f"task 'segment': DATA holds {count_of(len(tree.images), 'image')} and no "
            "masks; wanted images/ beside masks/ or labels/ with equal names, or a CSV "
            "with columns image and mask"
        )
    if pairs and (task == "segment" or (task == "auto" and pairs.are_all)):
        return read_pairs(tree, pairs)
    return read_folders(tree, pairs)


def _read_npz(path: Path, task: str) -> Draft:
    if task == "segment":
        raise DataError(
            f"task 'segment': '{path.name}' holds labels of images and no masks; "
            "pass --task classify"
        )
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


def _to_manifest(draft: Draft, *, keeps_unlabelled: bool = False) -> Manifest:
    require_entries(draft)
    settle_patients(draft)
    _refuse_patient_folders(draft)
    labelling = resolve_labels(draft)
    entries, targets, unlabelled = drop_unlabelled(
        draft.entries, labelling, keep=keeps_unlabelled
    )
    cases = tuple(
        to_case(entry, draft.root, target)
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
