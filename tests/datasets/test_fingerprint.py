"""The fingerprint: a data set in numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from audit_kit import texture

from medlens.core import Geometry, Image
from medlens.datasets.fingerprint import fingerprint
from medlens.datasets.manifest import Case, Manifest
from medlens.datasets.signals import Signal, measure_signal

MANIFEST = Manifest(
    Path(),
    tuple(Case(str(at), Path(str(at)), (at % 2, 1 - at % 2)) for at in range(10)),
    "binary",
    ("a", "b"),
)


def signals() -> list[Signal]:
    images = [texture(at, 100 + 10 * at)[:, :80] for at in range(10)]
    geometry = Geometry.from_parts(spacing=(1.0, 0.5, 0.25))
    made = [Image(image[None, None], geometry, modality="CT") for image in images]
    return [measure_signal(image, Path("nothing")) for image in made]


def test_sizes_aspect_and_counts_are_medians_and_sums() -> None:
    found = fingerprint(MANIFEST, signals(), patients=4, groups=6)
    assert (found.cases, found.patients, found.groups) == (10, 4, 6)
    assert found.label_counts == (5, 5)
    assert (found.height, found.width) == (145, 80)  # rows are 100, 110 … 190
    assert found.smallest == 80
    assert found.aspect == round(float(np.median(80 / np.arange(100, 200, 10))), 4)
    assert found.spacing == 0.5
    assert found.modality == "CT"
    assert found.channels == {"grey": 10}
    assert list(found.intensity_quantiles) == sorted(found.intensity_quantiles)


def test_a_few_odd_images_do_not_change_the_answer() -> None:
    made = signals()
    made[0] = replace(made[0], modality="MR", is_colour=True, bits=16, stage="rescaled")
    many = made + signals() * 5
    found = fingerprint(MANIFEST, many, patients=0, groups=60)
    assert found.modality == "CT"
    assert found.bits == 8
    assert not found.is_colour
    assert not found.is_rescaled
    assert found.bit_depths == {"8": 59, "16": 1}


def test_unnamed_modalities_stay_unnamed() -> None:
    made = [replace(signal, modality="") for signal in signals()]
    found = fingerprint(MANIFEST, made, patients=0, groups=10)
    assert found.modality == ""
    assert found.modalities == {"unknown": 10}


def test_a_mixture_without_a_majority_has_no_modality() -> None:
    names = ["CT"] * 4 + ["MR"] * 3 + ["DX"] * 3
    made = [replace(s, modality=n) for s, n in zip(signals(), names, strict=True)]
    found = fingerprint(MANIFEST, made, patients=0, groups=10)
    assert found.modality == ""
    assert found.modalities == {"CT": 4, "MR": 3, "DX": 3}


def test_json_holds_plain_values() -> None:
    found = fingerprint(MANIFEST, signals(), patients=0, groups=10)
    again = json.loads(json.dumps(found.to_json()))
    assert again["labels"] == ["a", "b"]
    assert again["height"] == 145
