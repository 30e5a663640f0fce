"""Is a data set good enough to train on, and does it fit a bundle's labels?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from medlens.core import DataError
from medlens.datasets.drafts import count_of, list_some
from medlens.datasets.manifest import Case, Manifest
from medlens.recipe.settings import Kind

MIN_CASES = 10
"""Fewest cases of a class that can be split, trained on and judged at all."""


def check_trainable(manifest: Manifest) -> None:
    """Refuse a data set that no split can make sense of.

    Raises:
        DataError: one class only, one patient only, or fewer than 10 cases of
            a class; the message says the counts and what to do.
    """
    targets = manifest.targets()
    counts = dict(
        zip(manifest.labels, (targets == 1).sum(axis=0).tolist(), strict=True)
    )
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
    absent = (manifest.targets() == 0).sum(axis=0)
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
    targets = np.full((len(manifest.cases), len(labels)), fill, dtype=np.int8)
    if columns:
        targets[:, columns] = manifest.targets()
    cases: tuple[Case, ...] = tuple(
        replace(case, target=tuple(row))
        for case, row in zip(manifest.cases, targets.tolist(), strict=True)
    )
    return replace(
        manifest, cases=cases, kind=kind, labels=labels, positive=positive, notes=notes
    )


def _are_codes(names: tuple[str, ...]) -> bool:
    return bool(names) and all(name.isdecimal() and len(name) < 4 for name in names)
