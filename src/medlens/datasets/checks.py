"""Is a data set good enough to train on, and does it fit a bundle's labels?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from medlens.core import DataError
from medlens.datasets.drafts import count_of, list_some
from medlens.datasets.manifest import UNKNOWN, Case, CaseSlice, Manifest
from medlens.recipe.settings import Kind

MIN_CASES = 10
"""Fewest cases of a class that can be split, trained on and judged at all."""


def check_trainable(manifest: Manifest) -> None:
    """Refuse a data set that no split can make sense of.

    Raises:
        DataError: one class only, one patient only, or fewer than 10 cases of
            a class; the message says the counts and what to do.
    """
    counts = dict(zip(manifest.labels, manifest.label_counts(), strict=True))
    shown = ", ".join(f"{label} {n:,}" for label, n in counts.items())
    if manifest.kind != "multilabel" and len(manifest.labels) < 2:
        raise DataError(
            f"DATA: one class only ({shown or 'none'}); wanted two or more. Add cases "
            "of another class, or pass another column with --label-column"
        )
    few = [label for label, n in counts.items() if n < MIN_CASES]
    if few:
        raise DataError(
            f"DATA: fewer than {MIN_CASES} cases of {list_some(few)} ({shown}); wanted "
            f"{MIN_CASES} or more of each class. Add cases, or join or leave out the "
            "small classes"
        )
    if manifest.kind == "multilabel":
        _check_absent(manifest)
    _check_patients(manifest)


def _check_absent(manifest: Manifest) -> None:
    is_sliced = manifest.form == "sequence"
    targets = manifest.slice_targets() if is_sliced else manifest.targets()
    absent = (targets == 0).sum(axis=0)
    always = [
        f"{label} ({n:,} cases without)"
        for label, n in zip(manifest.labels, absent.tolist(), strict=True)
        if n < MIN_CASES
    ]
    if always:
        raise DataError(
            f"DATA: {', '.join(always)}: wanted {MIN_CASES} or more cases without the "
            "label. Add such cases, or leave the label out"
        )


def _check_patients(manifest: Manifest) -> None:
    patients = {case.patient for case in manifest.cases}
    given = {case.split for case in manifest.cases}
    if "" in patients or len(patients) > 1 or {"train", "test"} <= given:
        return
    raise DataError(
        f"DATA: all {len(manifest.cases):,} cases are of one patient; training and "
        "test cases must come from different patients. Add patients; if the patient "
        "key is not one (headers anonymised to one value), pass --patient-column with "
        "the right column of a CSV"
    )


def match_labels(
    manifest: Manifest, labels: tuple[str, ...], kind: Kind, *, positive: str = ""
) -> Manifest:
    """The same cases with targets in the label order of a bundle.

    Labels are matched by name, letter case ignored. Where a set has nothing
    but the codes 0, 1, …, and the bundle has other names, code k stands for
    the bundle's label k, which is noted.

    Args:
        manifest: any labelled set; it may lack some of the labels.
        labels: names in the bundle's order.
        kind: the bundle's kind of task.
        positive: the bundle's positive label.

    Raises:
        DataError: the set has labels that the bundle does not know.
    """
    place = {label.casefold(): at for at, label in enumerate(labels)}
    names = manifest.labels
    notes = manifest.notes
    if manifest.form == "segment" and _are_unnamed(names) and len(names) <= len(labels):
        pairs = ", ".join(f"{a} is {b}" for a, b in zip(names, labels, strict=False))
        names = labels[: len(names)]
        notes = (*notes, f"masks read by the order of their values: {pairs}")
    if not any(name.casefold() in place for name in names) and _are_codes(names):
        codes = [int(name) for name in names]
        if max(codes) < len(labels):
            pairs = ", ".join(f"{code} is {labels[code]}" for code in codes)
            notes = (*notes, f"label codes read by position: {pairs}")
            names = tuple(labels[code] for code in codes)
    unknown = [name for name in names if name.casefold() not in place]
    if unknown:
        raise DataError(
            f"DATA: label {list_some(unknown)} is none of the bundle's "
            f"({list_some(list(labels), most=20)}); rename it in the CSV or folder"
        )
    if (manifest.kind == "multilabel") != (kind == "multilabel"):
        raise DataError(
            f"DATA is {manifest.kind}, the bundle {kind}: "
            f"{count_of(len(names), 'label')} cannot be compared; pass another column "
            "with --label-column"
        )
    columns = [place[name.casefold()] for name in names]
    fill = -1 if kind == "multilabel" else 0
    targets = _place(manifest.targets(), columns, len(labels), fill)
    parts = _place(manifest.slice_targets(), columns, len(labels), fill)
    of_slices = iter(parts.tolist())
    cases: tuple[Case, ...] = tuple(
        replace(case, target=tuple(row), slices=_with_targets(case, of_slices))
        for case, row in zip(manifest.cases, targets.tolist(), strict=True)
    )
    return replace(
        manifest, cases=cases, kind=kind, labels=labels, positive=positive, notes=notes,
        mask_values=_reorder(manifest.mask_values, columns, len(labels)),
    )  # fmt: skip


def _place(
    targets: NDArray[np.int8], columns: list[int], count: int, fill: int
) -> NDArray[np.int8]:
    """(n, count) targets with their columns where a bundle has them."""
    placed = np.full((len(targets), count), fill, dtype=np.int8)
    if columns:
        placed[:, columns] = targets
    # A case that nobody read stays unread, also for labels that the set lacks.
    placed[(targets == UNKNOWN).all(axis=1)] = UNKNOWN
    return placed


def _with_targets(case: Case, of_slices: Iterator[list[int]]) -> tuple[CaseSlice, ...]:
    """A case's slices with their own rows; a case without takes one as well."""
    rows = [tuple(next(of_slices)) for _ in (case.slices or (case,))]
    return tuple(
        replace(part, target=row) for part, row in zip(case.slices, rows, strict=False)
    )


def _are_unnamed(names: tuple[str, ...]) -> bool:
    """Whether labels of masks have the names that reading gives them."""
    return all(name == "foreground" or name.startswith("label ") for name in names[1:])


def _reorder(
    values: tuple[int, ...], columns: list[int], count: int
) -> tuple[int, ...]:
    """Mask values in the order of a bundle; what no mask holds for other labels."""
    if not values:
        return ()
    absent = min(0, *values)
    found = [absent - 1 - at for at in range(count)]
    for value, column in zip(values, columns, strict=True):
        found[column] = value
    return tuple(found)


def _are_codes(names: tuple[str, ...]) -> bool:
    return bool(names) and all(name.isdecimal() and len(name) < 4 for name in names)
