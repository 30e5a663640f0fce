"""Patients, labels and given splits."""

from __future__ import annotations

from pathlib import Path

import pytest
from forms_kit import made_manifest
from hypothesis import given
from hypothesis import strategies as st

from medlens.datasets.audit_people import (
    count_patients_per_class,
    count_spellings,
    find_conflicts,
    find_leaks,
    list_patients,
    normalise_patient,
)
from medlens.datasets.manifest import UNKNOWN, Manifest, Problem

NO, YES = (1, 0), (0, 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("IM-0117", "im_117"),
        ("IM-0117", " IM0117 "),
        ("007", "7"),
        ("Patient 12", "patient12"),
        ("P.01/2", "p-1-02"),
        ("０１２", "12"),
        ("000", "0"),
    ],
)
def test_spellings_of_one_patient_are_one(one: str, other: str) -> None:
    assert normalise_patient(one) == normalise_patient(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("1-23", "12-3"), ("P1", "Q1"), ("10", "1"), ("A1B", "A1"), ("?", "!")],
)
def test_different_patients_stay_apart(one: str, other: str) -> None:
    assert normalise_patient(one) != normalise_patient(other)


@given(st.text(min_size=1, max_size=12))
def test_a_normalised_patient_is_its_own_normal_form(name: str) -> None:
    once = normalise_patient(name)
    assert normalise_patient(once) == once or not any(c.isalnum() for c in once)


def test_patients_in_two_given_splits_are_leaks() -> None:
    manifest = made_manifest(
        [
            ("a.png", NO, "IM-01", "train"),
            ("b.png", NO, "im1", "test"),
            ("c.png", YES, "2", "train"),
            ("d.png", YES, "2", "train"),
            ("e.png", YES, "", "test"),
        ]
    )
    patients = list_patients(manifest)
    assert count_spellings(manifest, patients) == 1
    leaks = find_leaks(manifest, list(patients.values()), "same patient")
    assert [(leak.cases, leak.splits) for leak in leaks] == [
        (["a.png", "b.png"], ["train", "test"])
    ]
    assert count_patients_per_class(manifest, patients) == {"no": 1, "yes": 1}


def test_cases_without_a_split_leak_nothing() -> None:
    manifest = made_manifest([("a", NO, "1", ""), ("b", NO, "1", "test")])
    assert not find_leaks(manifest, [[0, 1]], "same patient")


def test_conflicts_are_told_once_and_unknown_labels_contradict_nothing() -> None:
    manifest = made_manifest(
        [
            ("a", NO, "", ""),
            ("b", YES, "", ""),
            ("c", NO, "", ""),
            ("d", NO, "", ""),
            ("e", (UNKNOWN, UNKNOWN), "", ""),
        ]
    )
    conflicts = find_conflicts(manifest, [[0, 1]], [[0, 1], [1, 2], [3, 4], [2, 3]])
    assert [(c.reason, c.cases, c.labels) for c in conflicts] == [
        ("identical image", ["a", "b"], ["no", "yes"]),
        ("near-duplicate", ["b", "c"], ["yes", "no"]),
    ]


def test_contradictions_of_the_table_are_reported() -> None:
    problem = Problem("x.png", "has the labels no and yes", "conflict")
    manifest = Manifest(Path(), (), "binary", ("no", "yes"), problems=(problem,))
    (conflict,) = find_conflicts(manifest, [], [])
    assert conflict.to_json() == {
        "reason": "has the labels no and yes",
        "labels": [],
        "cases": ["x.png"],
    }
