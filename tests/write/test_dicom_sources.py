"""The phantoms are valid, or what is said of results would mean nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from tests.write.dicom_sources import (
    OBLIQUE,
    errors_of,
    file_bytes,
    radiograph,
    series,
    ultrasound,
)

WHOLE = {
    "ct": lambda: series()[0],
    "mr": lambda: series("MR", orientation=OBLIQUE)[0],
    "dx": lambda: radiograph(),
    "dx of a hand": lambda: radiograph(laterality="L", photometric="MONOCHROME2"),
    "cr": lambda: radiograph("CR"),
    "cr of a hand": lambda: radiograph("CR", laterality="R"),
    "us": lambda: ultrasound(),
    "us grey": lambda: ultrasound(is_colour=False),
    "us clip": lambda: ultrasound(frames=3),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_phantoms_are_valid_dicom(kind: str, tmp_path: Path) -> None:
    assert errors_of(file_bytes(WHOLE[kind]()), tmp_path) == []


def test_the_validator_finds_what_is_wrong(tmp_path: Path) -> None:
    image: Dataset = series()[0]
    del image.PixelSpacing
    errors = errors_of(file_bytes(image), tmp_path)
    assert any("PixelSpacing" in error for error in errors)
