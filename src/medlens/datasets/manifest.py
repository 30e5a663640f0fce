"""What a data set is, whatever form it came in: a list of cases."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medlens.recipe.settings import Kind

UNKNOWN = -1
"""Target of a label that nobody has read for this case."""


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
    """

    key: str
    path: Path
    target: tuple[int, ...] = ()
    member: str = ""
    patient: str = ""
    site: str = ""
    split: str = ""
    columns: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """A data set: its cases and what is to be told apart.

    Attributes:
        root: folder that case keys are relative to.
        cases: in the order of DATA.
        kind: binary, multiclass or multilabel.
        labels: K names; for binary tasks the positive label is the second.
        positive: the label that sensitivity is about; "" unless binary.
        notes: what was decided while reading, in plain words ("labels from
            column 'finding'; 12 files without a label left out").
    """

    root: Path
    cases: tuple[Case, ...]
    kind: Kind
    labels: tuple[str, ...]
    positive: str = ""
    notes: tuple[str, ...] = ()

    def targets(self) -> NDArray[np.int8]:
        """(n, K) int8 of 1 present, 0 absent, UNKNOWN."""
        return np.array([case.target for case in self.cases], dtype=np.int8).reshape(
            len(self.cases), len(self.labels)
        )
