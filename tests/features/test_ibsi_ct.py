"""Agreement with the consensus values on the IBSI CT phantom, as it is scanned."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from medlens.features import VOLUME_FEATURES, VolumeSettings, measure_region
from medlens.read import open_image

CODES = {feature.code: name for name, feature in VOLUME_FEATURES.items()}
HU = (-1000.0, 400.0)
CONFIGURATIONS = {
    "C": VolumeSettings(
        voxel_mm=2.0,
        is_rounded=True,
        intensity_range=HU,
        bin_width=25.0,
        ivh_width=2.5,
    ),
    "D": VolumeSettings(
        voxel_mm=2.0, is_rounded=True, outlier_sigma=3.0, ivh_width=1.0
    ),
    "E": VolumeSettings(
        voxel_mm=2.0,
        kernel="cubic",
        is_rounded=True,
        intensity_range=HU,
        outlier_sigma=3.0,
    ),
}


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    found = shared_data / "ibsi_phantoms"
    if not found.is_dir():
        pytest.skip("IBSI phantoms not found under the folder of real images")
    return found


@pytest.fixture(scope="module")
def phantom(folder: Path):
    image = open_image(folder / "ct_phantom.nii.gz")
    mask = open_image(folder / "ct_mask.nii.gz")
    assert np.allclose(image.geometry.affine, mask.geometry.affine)
    return image, mask.array[0] != 0


@pytest.mark.parametrize("configuration", list(CONFIGURATIONS))
def test_every_value_agrees(configuration, phantom, folder):
    image, mask = phantom
    row = measure_region(
        image.array[0],
        mask=mask,
        spacing=image.geometry.spacing,
        settings=CONFIGURATIONS[configuration],
    )
    with (folder / "reference_values.csv").open(encoding="utf-8", newline="") as file:
        reference = [
            line
            for line in csv.DictReader(file)
            if line["phantom"] == "ct" and line["configuration"] == configuration
        ]
    # Compactness 1 has no consensus value in configuration C.
    assert len(reference) >= len(VOLUME_FEATURES) - 1
    wrong = []
    for line in reference:
        found = row[CODES[line["code"]]]
        wanted, tolerance = float(line["value"]), float(line["tolerance"] or 0)
        # Consensus values have three digits.
        if abs(found - wanted) > tolerance and float(f"{found:.3g}") != wanted:
            wrong.append((CODES[line["code"]], found, wanted, tolerance))
    assert wrong == []
