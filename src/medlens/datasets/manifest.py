"""What a data set is, whatever form it came in: a list of cases."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medlens.recipe.settings import Form, Kind

UNKNOWN = -1
"""Target of a label that nobody has read for this case."""


@dataclass(frozen=True, slots=True)
class CaseSlice:
    """One slice of a case that is a series, in the order of the volume.

    Attributes:
        key: path relative to DATA, "#frame:3" behind it for a frame.
        path: file that holds the pixels.
        member: which image inside the file, "" for its only one.
        target: K values as in `Case`, of this slice alone.
        number: place along the series that a table gives; None where DICOM
            headers give it.
        columns: those of its row in which it differs from other slices of the
            series.
        mask: file with the label of each of its pixels, or None.
    """

    key: str
    path: Path
    member: str = ""
    target: tuple[int, ...] = ()
    number: float | None = None
    columns: dict[str, str] = field(default_factory=dict)
    mask: Path | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One unit of prediction and where its pixels are.

    Attributes:
        key: path relative to DATA (or the row's own key); the same in every
            file and message, never absolute.
        path: file that holds the pixels.
        member: which image inside the file: an array name and index for
            `.npz` ("train_images:17"), a frame number for multi-frame DICOM
            ("frame:3"), or "" for the file's only image.
        target: K values, 1 present, 0 absent, UNKNOWN not read. Binary and
            multi-class cases have exactly one 1.
        patient: local patient key, or "" when the data names none.
        site: hospital or scanner, or "".
        split: "train", "validation", "test" when DATA gives its own, or "".
        columns: any further column of the manifest, for subgroup tables.
        slices: of a series that is made of several files or frames, sorted by
            position; () for a single image and for a volume in one file.
        mask: file with the label of each voxel on the image's own grid, or None;
            where a case has slices with masks, theirs count.
    """

    key: str
    path: Path
    target: tuple[int, ...] = ()
    member: str = ""
    patient: str = ""
    site: str = ""
    split: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    slices: tuple[CaseSlice, ...] = ()
    mask: Path | None = None


ProblemKind = Literal[
    "missing",
    "outside",
    "link",
    "no_row",
    "no_label",
    "conflict",
    "ambiguous",
    "not_an_image",
    "volume",
    "no_series",
    "no_mask",
    "no_image",
    "unreadable",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One row or file that did not become a case, and why.

    Attributes:
        case: the case key or the row's own text ("labels.csv row 7" where the
            row names nothing usable); never an absolute path.
        reason: what was found and what was wanted, without the case.
        kind: "missing" a row names a file that is not there; "outside" it
            points outside DATA; "link" a symbolic link that leaves DATA;
            "no_row" a file that no row names; "no_label" a row with an empty
            label; "conflict" one file with two labels; "ambiguous" a row that
            fits several files; "not_an_image" a DICOM object without pixels
            or another kind of file; "volume" a 3D file where single images
            are wanted; "no_series" an image that is in no volume where series
            are wanted; "no_mask" an image without a mask where masks are the
            labels; "no_image" a mask without an image; "unreadable" a header
            or mask that cannot be read.
    """

    case: str
    reason: str
    kind: ProblemKind


@dataclass(frozen=True)
class Manifest:
    """A data set: its cases and what is to be told apart.

    Attributes:
        root: folder that case keys are relative to.
        cases: in the order of DATA.
        form: what is learned from them, see `recipe.TaskSettings`: "image",
            "sequence" (series with an order), "volume" (whole volumes; the plan
            may still read them as sequences) or "segment".
        kind: binary, multiclass or multilabel.
        labels: K names; for binary tasks the positive label is the second.
        positive: the label that sensitivity is about; "" unless binary.
        notes: what was decided while reading, in plain words ("labels from
            column 'finding'; 12 files without a label left out").
        problems: rows and files that did not become cases, for the audit.
        mask_values: value of each label in the mask files, in the order of
            `labels`, the background first ("segment" only).
    """

    root: Path
    cases: tuple[Case, ...]
    kind: Kind
    labels: tuple[str, ...]
    positive: str = ""
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    form: Form = "image"
    mask_values: tuple[int, ...] = ()

    def targets(self) -> NDArray[np.int8]:
        """(n, K) int8 of 1 present, 0 absent, UNKNOWN."""
        return np.array([case.target for case in self.cases], dtype=np.int8).reshape(
            len(self.cases), len(self.labels)
        )

    def slice_targets(self) -> NDArray[np.int8]:
        """(m, K) of the slices of all cases, in order; a case without is one."""
        rows = [part.target for case in self.cases for part in (case.slices or (case,))]
        return np.array(rows, dtype=np.int8).reshape(len(rows), len(self.labels))

    def label_counts(self) -> tuple[int, ...]:
        """Cases with each label; slices where slices have labels of their own."""
        is_sliced = self.form == "sequence"
        targets = self.slice_targets() if is_sliced else self.targets()
        return tuple(int(n) for n in (targets == 1).sum(axis=0))
