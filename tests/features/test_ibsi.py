"""Agreement with the consensus values on the IBSI digital phantom."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from medlens.features import VOLUME_FEATURES, measure_volume

CODES = {feature.code: name for name, feature in VOLUME_FEATURES.items()}


@pytest.fixture(scope="module")
def reference(shared_data: Path) -> dict[str, tuple[str, str]]:
    """Code → (value, tolerance) as tabulated for the digital phantom."""
    path = shared_data / "ibsi_phantoms" / "reference_values.csv"
    if not path.is_file():
        pytest.skip("IBSI phantoms not found under the folder of real images")
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row["code"]: (row["value"], row["tolerance"])
            for row in csv.DictReader(file)
            if row["phantom"] == "digital"
        }


@pytest.fixture(scope="module")
def phantom(shared_data: Path):
    """Array and mask in order D, H, W, and the spacing."""
    import nibabel

    folder = shared_data / "ibsi_phantoms"
    if not folder.is_dir():
        pytest.skip("IBSI phantoms not found under the folder of real images")
    image = nibabel.load(folder / "digital_phantom.nii.gz")
    mask = nibabel.load(folder / "digital_mask.nii.gz")
    spacing = tuple(float(step) for step in image.header.get_zooms()[::-1])
    return np.asarray(image.dataobj).T, np.asarray(mask.dataobj).T, spacing


@pytest.fixture(scope="module")
def measured(phantom):
    array, mask, spacing = phantom
    return measure_volume(array, mask=mask, spacing=spacing, bin_width=1.0)


@pytest.mark.parametrize(("code", "name"), CODES.items(), ids=list(CODES))
def test_value_agrees(code, name, reference, measured):
    value, tolerance = reference[code]
    found = measured[name]
    # Consensus values have three digits; without a tolerance they are exact.
    rounded = float(f"{found:.3g}")
    within = abs(found - float(value)) <= float(tolerance or 0)
    assert within or rounded == pytest.approx(float(value), rel=1e-9, abs=1e-12)


def test_every_reference_is_measured(reference):
    assert set(reference) == set(CODES)


def test_codes_are_unique():
    assert len(CODES) == len(VOLUME_FEATURES)


def test_axis_order_does_not_matter(phantom, measured):
    array, mask, spacing = phantom
    turned = measure_volume(array.T, mask=mask.T, spacing=spacing[::-1], bin_width=1.0)
    for name in VOLUME_FEATURES:
        # The mesh depends a little on the order of the axes.
        assert turned[name] == pytest.approx(measured[name], rel=2e-3, abs=1e-9), name
