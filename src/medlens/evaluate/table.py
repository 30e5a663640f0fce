"""All predictions on a data set, case by case, as columns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from medlens.core import Array, DataError
from medlens.evaluate.columns import check_columns, pick_cases
from medlens.metrics import patient_codes
from medlens.recipe import Kind


@dataclass(frozen=True)
class CaseTable:
    """What a bundle said about each of n cases, and what is known of them.

    Attributes:
        cases: n local keys, no two alike.
        labels: K names.
        kind: binary, multiclass or multilabel.
        targets: (n, K) int8; 1 present, 0 absent, -1 nobody has read it.
        probabilities: (n, K) calibrated.
        decisions: (n, K) bool at the chosen operating point.
        positive: the label that sensitivity is about (binary; default the
            second label).
        patients: n local patient keys, "" where unknown.
        groups: n keys of cases that are not independent (same patient or
            near-duplicates); intervals are by group where given, else by
            patient.
        splits: n names of splits, or "".
        columns: subgroup column → n values.
        logits: (n, K) before calibration, or None.
        sets: (n, K) bool, conformal prediction sets, or None.
        ood_scores: (n,) or None.
        ood_flags: (n,) bool or None.

    Raises:
        DataError: lengths differ, or a case key comes twice.
    """

    cases: tuple[str, ...]
    labels: tuple[str, ...]
    kind: Kind
    targets: Array
    probabilities: Array
    decisions: Array
    positive: str = ""
    patients: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    logits: Array | None = None
    sets: Array | None = None
    ood_scores: Array | None = None
    ood_flags: Array | None = None

    def __post_init__(self) -> None:
        for name in ("patients", "splits"):
            object.__setattr__(self, name, getattr(self, name) or ("",) * len(self))
        if self.kind == "binary" and not self.positive and len(self.labels) == 2:
            object.__setattr__(self, "positive", self.labels[1])
        check_columns(
            self,
            name="table of cases",
            by_case=("ood_scores", "ood_flags"),
            by_label=("targets", "probabilities", "decisions", "logits", "sets"),
        )
        self._check_positive()
        if not np.isfinite(np.asarray(self.probabilities, dtype=np.float64)).all():
            raise DataError("table of cases: a probability is not finite")
        self._check_targets()

    def _check_positive(self) -> None:
        if self.kind == "binary" and (
            len(self.labels) != 2 or self.positive not in self.labels
        ):
            raise DataError(
                f"table of cases: binary task with labels {', '.join(self.labels)} and "
                f"positive label {self.positive!r}; wanted two, one of them positive"
            )

    def _check_targets(self) -> None:
        targets = np.asarray(self.targets)
        if targets.size and not np.isin(targets, (-1, 0, 1)).all():
            raise DataError("table of cases: a target is not 1, 0 or -1 (not read)")
        if self.kind == "multilabel":
            return
        known = (targets >= 0).all(axis=1)
        wrong = np.flatnonzero(known & (targets.sum(axis=1) != 1))
        if len(wrong):
            raise DataError(
                f"case {self.cases[wrong[0]]}: reference has "
                f"{int(targets[wrong[0]].sum())} labels; a {self.kind} case has one"
            )

    def __len__(self) -> int:
        return len(self.cases)

    @property
    def positive_index(self) -> int:
        """Column of the positive label of a binary task."""
        return self.labels.index(self.positive)

    @property
    def is_read(self) -> Array:
        """(n,) bool: somebody has read at least one label (all, unless multilabel)."""
        known = np.asarray(self.targets) >= 0
        if self.kind == "multilabel":
            return np.asarray(known.any(axis=1))
        return np.asarray(known.all(axis=1))

    @property
    def codes(self) -> Array:
        """(n,) which independent unit each case belongs to: group, else patient."""
        return patient_codes(self.groups or self.patients)

    @property
    def n_patients(self) -> int:
        """Number of patients; a case without a patient key counts as one.

        Where no case has a patient key, the number of groups.
        """
        keys = self.patients if any(self.patients) else self.groups or self.patients
        return len(np.unique(patient_codes(keys)))

    @property
    def unit(self) -> str:
        """What `n_patients` counts: "patient", or "group" where none is named."""
        return "patient" if any(self.patients) else "group"

    def select(self, chosen: Array) -> CaseTable:
        """The table of some cases, by (n,) bool mask or by indices."""
        whole = ("labels", "kind", "positive")
        return CaseTable(**pick_cases(self, chosen, whole=whole))
