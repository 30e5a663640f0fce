"""What an audit found, for people and for `audit.json`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from medlens.datasets.fingerprint import Fingerprint
from medlens.datasets.shortcuts import Shortcut

SCHEMA = "medlens/audit/1"


@dataclass(frozen=True)
class LabelConflict:
    """Images that show the same and have different labels.

    Attributes:
        cases: their keys, or the row's own text.
        labels: the labels of each case, in the same order.
        reason: "identical image", "near-duplicate" or what the table says.
    """

    cases: list[str]
    labels: list[str]
    reason: str

    def to_json(self) -> dict[str, Any]:
        """JSON object of `audit.json`."""
        return {"reason": self.reason, "labels": self.labels, "cases": self.cases}


@dataclass(frozen=True)
class Leak:
    """Cases that belong together and stand in different given splits.

    Attributes:
        reason: "same patient" or "near-duplicate".
        cases: their keys.
        splits: the split of each, in the same order.
    """

    reason: str
    cases: list[str]
    splits: list[str]

    def to_json(self) -> dict[str, Any]:
        """JSON object of `audit.json`."""
        return {"reason": self.reason, "cases": self.cases, "splits": self.splits}


@dataclass(frozen=True)
class Audit:
    """Everything an audit found.

    Attributes:
        cases: in the data set, unreadable ones included.
        unreadable: (case, reason).
        near_duplicates: groups of cases that show the same image, identical
            ones included; flipped, turned, cropped, re-encoded, … copies.
        exact_duplicates: groups with equal pixels.
        label_conflicts: same image, different labels.
        classes: label → cases with it.
        patients_per_class: label → named patients with it.
        patients: named patients; 0 when the data names none.
        leaks: patients and copies that given splits part.
        constant: cases with (nearly) one value only.
        inverted: cases whose grey values run the other way than the rest's.
        shortcuts: facts that predict the label without the finding.
        warnings: what a person should know before training, most serious
            first.
        notes: what was seen and needs no action.
        groups: one number a case; equal for cases that must stay together.
        fingerprint: the data set in numbers.
        uneven: (series, finding) of missing, doubled or unevenly spaced slices.
        empty_masks: cases in whose mask no label but the background occurs.
    """

    cases: int
    unreadable: list[tuple[str, str]]
    near_duplicates: list[list[str]]
    exact_duplicates: list[list[str]]
    label_conflicts: list[LabelConflict]
    classes: dict[str, int]
    patients_per_class: dict[str, int]
    patients: int
    leaks: list[Leak]
    constant: list[str]
    inverted: list[str]
    shortcuts: tuple[Shortcut, ...]
    warnings: list[str]
    groups: tuple[int, ...]
    fingerprint: Fingerprint
    notes: list[str] = field(default_factory=list)
    uneven: list[tuple[str, str]] = field(default_factory=list)
    empty_masks: list[str] = field(default_factory=list)

    def pairs(self) -> list[tuple[int, int]]:
        """(i, j) positions that connect every group, for `merge_groups`."""
        first: dict[int, int] = {}
        return [
            (first[group], at)
            for at, group in enumerate(self.groups)
            if first.setdefault(group, at) != at
        ]

    def sentences(self) -> list[str]:
        """The findings in plain words, the most serious first."""
        return [*self.warnings, *self.notes]

    def to_json(self) -> dict[str, Any]:
        """`audit.json`; keys are described in docs/audit.md."""
        return {
            "schema": SCHEMA,
            "cases": self.cases,
            "patients": self.patients,
            "groups": len(set(self.groups)),
            "classes": self.classes,
            "patients_per_class": self.patients_per_class,
            "near_duplicates": self.near_duplicates,
            "exact_duplicates": self.exact_duplicates,
            "label_conflicts": [item.to_json() for item in self.label_conflicts],
            "leaks": [item.to_json() for item in self.leaks],
            "unreadable": [
                {"case": case, "reason": reason} for case, reason in self.unreadable
            ],
            "constant": self.constant,
            "inverted": self.inverted,
            "uneven": [
                {"case": case, "finding": finding} for case, finding in self.uneven
            ],
            "empty_masks": self.empty_masks,
            "shortcuts": [item.to_json() for item in self.shortcuts],
            "warnings": self.warnings,
            "notes": self.notes,
            "fingerprint": self.fingerprint.to_json(),
        }
