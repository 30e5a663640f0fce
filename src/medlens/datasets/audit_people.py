"""Findings about patients, labels and given splits."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from medlens.datasets.audit_result import LabelConflict, Leak
from medlens.datasets.manifest import UNKNOWN, Case, Manifest


def normalise_patient(name: str) -> str:
    """One spelling for a patient key written in several ways.

    Case, spaces, dashes and leading zeros do not count: "IM-0117", "im_117"
    and " IM0117 " are one patient; "1-23" and "12-3" stay two.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    words = re.findall(r"\d+|[^\W\d_]+", folded)
    plain = [word.lstrip("0") or "0" if word.isdecimal() else word for word in words]
    return "-".join(plain) or folded.strip()


def list_patients(manifest: Manifest) -> dict[str, list[int]]:
    """Normalised patient → positions of its cases; unnamed ones left out."""
    places: dict[str, list[int]] = {}
    for at, case in enumerate(manifest.cases):
        if case.patient.strip():
            places.setdefault(normalise_patient(case.patient), []).append(at)
    return places


def count_spellings(manifest: Manifest, patients: dict[str, list[int]]) -> int:
    """Patients that the data spells in more than one way."""
    return sum(
        len({manifest.cases[at].patient for at in places}) > 1
        for places in patients.values()
    )


def find_leaks(
    manifest: Manifest, groups: Sequence[Sequence[int]], reason: str
) -> list[Leak]:
    """Groups of positions that given splits part."""
    leaks = []
    for group in groups:
        placed = [at for at in group if manifest.cases[at].split]
        if len({manifest.cases[at].split for at in placed}) > 1:
            leaks.append(
                Leak(
                    reason,
                    [manifest.cases[at].key for at in placed],
                    [manifest.cases[at].split for at in placed],
                )
            )
    return leaks


def find_conflicts(
    manifest: Manifest,
    identical: Sequence[Sequence[int]],
    alike: Sequence[Sequence[int]],
) -> list[LabelConflict]:
    """Images that show the same and have different labels.

    Args:
        manifest: labels, and contradictions that the labels' table held.
        identical: groups of positions with equal pixels.
        alike: groups of near-duplicates; those already reported as identical
            are not told twice.
    """
    conflicts = [
        LabelConflict([problem.case], [], problem.reason)
        for problem in manifest.problems
        if problem.kind == "conflict"
    ]
    told: set[int] = set()
    for reason, groups in (("identical image", identical), ("near-duplicate", alike)):
        for group in groups:
            if told.issuperset(group) or not _disagree(manifest.cases, group):
                continue
            told.update(group)
            conflicts.append(
                LabelConflict(
                    [manifest.cases[at].key for at in group],
                    [_labels_of(manifest, at) for at in group],
                    reason,
                )
            )
    return conflicts


def count_patients_per_class(
    manifest: Manifest, patients: dict[str, list[int]]
) -> dict[str, int]:
    """Label → patients with at least one case of it."""
    return {
        label: sum(
            any(_has(manifest.cases[at], column) for at in places)
            for places in patients.values()
        )
        for column, label in enumerate(manifest.labels)
    }


def _has(case: Case, column: int) -> bool:
    return column < len(case.target) and case.target[column] == 1


def _disagree(cases: Sequence[Case], group: Sequence[int]) -> bool:
    """Some label is present in one case of the group and absent in another."""
    for values in zip(*(cases[at].target for at in group), strict=False):
        if len(set(values) - {UNKNOWN}) > 1:
            return True
    return False


def _labels_of(manifest: Manifest, at: int) -> str:
    target = manifest.cases[at].target
    named = [
        label
        for label, value in zip(manifest.labels, target, strict=False)
        if value == 1
    ]
    return ", ".join(named) or "none"
