"""Whether a manifest can be trained on, and labels matched to a bundle's."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from forms_kit import made_manifest

from medlens import datasets
from medlens.core import DataError
from medlens.datasets.checks import check_trainable, match_labels
from medlens.datasets.manifest import Manifest, Problem


def binary(no: int, yes: int, *, patients: int = 100, split: str = "") -> Manifest:
    cases = [
        (f"{at}.png", (0, 1) if at < yes else (1, 0), f"p{at % patients}", split)
        for at in range(no + yes)
    ]
    return made_manifest(cases)


def test_enough_of_everything_passes() -> None:
    check_trainable(binary(10, 10))


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (
            made_manifest([("a", (1,), "", "")], ("sick",), "multiclass"),
            "DATA: one class only .sick 1.; wanted two or more",
        ),
        (
            binary(9, 30),
            "fewer than 10 cases of 'no' .no 9, yes 30.; wanted 10 or more of each",
        ),
        (
            binary(20, 20, patients=1),
            "all 40 cases are of one patient; training and test cases must come from",
        ),
        (
            binary(20, 20, patients=1, split="train"),
            "all 40 cases are of one patient",
        ),
    ],
)
def test_what_cannot_be_trained_on(manifest: Manifest, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_trainable(manifest)


def test_cases_without_a_patient_are_no_single_patient() -> None:
    check_trainable(
        made_manifest([(f"{at}", (at % 2, 1 - at % 2), "", "") for at in range(20)])
    )


def test_multilabel_needs_cases_with_and_without() -> None:
    rows = [(f"{at}", (1, int(at < 12)), "", "") for at in range(40)]
    manifest = made_manifest(rows, ("edema", "mass"), "multilabel")
    with pytest.raises(DataError, match=r"edema .0 cases without.: wanted 10 or more"):
        check_trainable(manifest)


def test_labels_of_another_order_and_case() -> None:
    manifest = made_manifest([("a", (1, 0), "", ""), ("b", (0, 1), "", "")])
    turned = match_labels(manifest, ("YES", "No"), "binary", positive="YES")
    assert turned.targets().tolist() == [[0, 1], [1, 0]]
    assert (turned.labels, turned.positive) == (("YES", "No"), "YES")


def test_a_set_of_one_class_fits_a_bundle_of_two() -> None:
    manifest = made_manifest([("a", (1,), "", "")], ("yes",), "multiclass")
    matched = match_labels(manifest, ("no", "yes"), "binary", positive="yes")
    assert matched.targets().tolist() == [[0, 1]]


def test_codes_stand_for_positions() -> None:
    manifest = made_manifest([("a", (1, 0), "", ""), ("b", (0, 1), "", "")], ("0", "1"))
    matched = match_labels(manifest, ("normal", "pneumonia"), "binary")
    assert matched.targets().tolist() == manifest.targets().tolist()
    assert "0 is normal, 1 is pneumonia" in matched.notes[-1]


def test_labels_that_a_multilabel_set_lacks_are_unread() -> None:
    manifest = made_manifest([("a", (1,), "", "")], ("mass",), "multilabel")
    matched = match_labels(manifest, ("edema", "mass"), "multilabel")
    assert matched.targets().tolist() == [[-1, 1]]


def test_labels_that_do_not_fit() -> None:
    manifest = made_manifest([("a", (1, 0), "", "")])
    with pytest.raises(
        DataError, match=r"label 'no', 'yes' is none of the bundle's .'a"
    ):
        match_labels(manifest, ("a", "b"), "binary")
    with pytest.raises(DataError, match="DATA is binary, the bundle multilabel"):
        match_labels(manifest, ("no", "yes"), "multilabel")
    codes = made_manifest([("a", (1, 0), "", "")], ("0", "7"))
    with pytest.raises(DataError, match="label '0', '7' is none of the bundle's"):
        match_labels(codes, ("no", "yes"), "binary")


def test_a_manifest_is_frozen_and_numbers_its_targets() -> None:
    manifest = binary(2, 1)
    assert manifest.targets().dtype == np.int8
    assert manifest.targets().tolist() == [[0, 1], [1, 0], [1, 0]]
    assert made_manifest([]).targets().shape == (0, 2)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'case'"):
        Problem("a", "b", "missing").case = "c"  # type: ignore[misc]


def test_public_names_are_there_and_few() -> None:
    assert len(datasets.__all__) <= 30
    assert all(
        callable(getattr(datasets, n)) for n in datasets.__all__ if n != "UNKNOWN"
    )
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = datasets.nothing


def test_a_name_is_the_function_whichever_import_comes_first() -> None:
    code = (
        "from medlens.datasets.split import folds; from medlens.datasets import split; "
        "import medlens.datasets; assert medlens.datasets.split is split; "
        "print(callable(split), callable(folds))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "True True"


def test_reading_loads_no_heavy_library() -> None:
    heavy = ("scipy", "sklearn", "skimage", "pydicom", "nibabel", "torch", "cv2")
    code = (
        "import sys; from medlens.datasets import read_manifest, split, get_dataset; "
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
