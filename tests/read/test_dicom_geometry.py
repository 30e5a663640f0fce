"""Placement, functional groups, facts and UIDs of DICOM frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from medlens.core import Image
from medlens.read import open_image

from .phantoms import SECRET_ID, dicom, ramp, save, sequence


def read(tmp_path: Path, data: Dataset, member: str = "") -> Image:
    return open_image(save(data, tmp_path / "x.dcm"), member=member)


@settings(max_examples=40, deadline=None)
@given(
    turn=st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 0.2),
    gaps=st.tuples(st.floats(0.01, 20), st.floats(0.01, 20)),
    origin=st.tuples(*[st.floats(-900, 900)] * 3),
    index=st.tuples(st.integers(0, 23), st.integers(0, 31)),
)
def test_pixel_lies_where_the_standard_says(
    tmp_path_factory: pytest.TempPathFactory,
    turn: Any,
    gaps: Any,
    origin: Any,
    index: Any,
) -> None:
    from nibabel.quaternions import quat2mat

    axes = quat2mat(np.array(turn) / np.linalg.norm(turn))
    along, down = axes[:, 0], axes[:, 1]
    text = [f"{value:.10g}"[:16] for value in (*along, *down)]
    data = dicom(
        ramp(),
        ImageOrientationPatient=text,
        ImagePositionPatient=[f"{value:.8g}" for value in origin],
        PixelSpacing=[f"{value:.8g}" for value in gaps],
        SliceThickness="2.5",
    )
    geometry = read(tmp_path_factory.getbasetemp(), data).geometry
    row, column = index
    point = np.array(origin) + column * gaps[1] * along + row * gaps[0] * down
    found = geometry.to_patient(np.array([0, row, column]))
    np.testing.assert_allclose(found, point, atol=1e-3)
    np.testing.assert_allclose(geometry.spacing, (2.5, *gaps), rtol=1e-6)
    assert np.linalg.det(geometry.direction) < 0  # (D, H, W) = (n, down, along)
    assert geometry.is_calibrated


_PIXEL, _IMAGER = "PixelSpacing", "ImagerPixelSpacing"


@pytest.mark.parametrize(
    ("elements", "spacing", "source"),
    [
        ({"PixelSpacing": [2, 3], "ImagerPixelSpacing": [5, 6]}, (2, 3), _PIXEL),
        ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [5, 6]}, (5, 6), _IMAGER),
        ({"NominalScannedPixelSpacing": [7, 8]}, (7, 8), "NominalScannedPixelSpacing"),
        ({"PixelSpacing": ["-1", "1"]}, (1, 1), ""),
        ({"PixelSpacing": ["2"]}, (1, 1), ""),
        ({"PixelAspectRatio": ["4", "3"]}, (4 / 3, 1), ""),
        ({"PixelAspectRatio": ["0", "3"]}, (1, 1), ""),
        ({}, (1, 1), ""),
    ],
)  # fmt: skip
def test_where_spacing_comes_from(
    tmp_path: Path, elements: dict[str, Any], spacing: tuple[float, float], source: str
) -> None:
    image = read(tmp_path, dicom(ramp(), **elements))
    np.testing.assert_allclose(image.geometry.spacing[1:], spacing)
    assert image.geometry.is_calibrated == bool(source)
    assert image.provenance.facts.get("SpacingSource", "") == source


def region(delta: float, *, unit: int = 3, kind: int = 1) -> Dataset:
    item: Dataset = sequence(
        RegionSpatialFormat=kind, PhysicalUnitsXDirection=unit,
        PhysicalUnitsYDirection=unit, PhysicalDeltaX=delta, PhysicalDeltaY=-delta,
    )[0]  # fmt: skip
    return item


@pytest.mark.parametrize(
    ("regions", "gap"),
    [
        ([region(0.02)], 0.2),
        ([region(0.02), region(0.02), region(5, kind=3, unit=4)], 0.2),
        ([region(0.02), region(0.03)], None),
        ([region(0.02, unit=4)], None),
        ([region(0.0)], None),
        ([region(5, kind=3)], None),
    ],
)
def test_ultrasound_regions(
    tmp_path: Path, regions: list[Dataset], gap: float | None
) -> None:
    items = pydicom.Sequence(regions)
    geometry = read(tmp_path, dicom(ramp(), SequenceOfUltrasoundRegions=items)).geometry
    assert geometry.is_calibrated == (gap is not None)
    assert geometry.spacing[1] == pytest.approx(gap or 1)


@pytest.mark.parametrize(
    "orientation",
    [[1, 0, 0, 1, 0, 0], [0] * 6, [1, 0, 0, 0, 5, 0], [1, 0, 0]],
)
def test_unusable_orientation_is_left_out(
    tmp_path: Path, orientation: list[int]
) -> None:
    data = dicom(ramp(), ImageOrientationPatient=orientation, PixelSpacing=["2", "3"])
    geometry = read(tmp_path, data).geometry
    np.testing.assert_array_equal(
        geometry.affine[:3, :3], [[0, 0, 3], [0, 2, 0], [1, 0, 0]]
    )


def enhanced(frames: int = 3) -> Dataset:
    """Frames of value 0, 1, 2 with their own rescale, window and position."""
    stack = np.concatenate(
        [np.full((4, 5), index, np.uint16) for index in range(frames)]
    )
    data = dicom(stack, Rows=4, NumberOfFrames=frames)
    shared = Dataset()
    shared.PixelMeasuresSequence = sequence(PixelSpacing=[0.5, 0.25], SliceThickness=3)
    shared.PlaneOrientationSequence = sequence(
        ImageOrientationPatient=[0, 1, 0, 0, 0, -1]
    )
    data.SharedFunctionalGroupsSequence = pydicom.Sequence([shared])
    groups = []
    for index in range(frames):
        group = Dataset()
        group.PlanePositionSequence = sequence(ImagePositionPatient=[index * 3, 7, 9])
        group.PixelValueTransformationSequence = sequence(
            RescaleSlope=10, RescaleIntercept=index
        )
        group.FrameVOILUTSequence = sequence(WindowCenter=100 + index, WindowWidth=50)
        groups.append(group)
    data.PerFrameFunctionalGroupsSequence = pydicom.Sequence(groups)
    return data


def test_each_frame_has_its_own_groups(tmp_path: Path) -> None:
    for index in range(3):
        image = read(tmp_path, enhanced(), f"frame:{index}")
        assert set(image.array.ravel()) == {10 * index + index}
        assert image.voi is not None
        assert (image.voi.center, image.voi.width) == (100 + index, 50)
        assert image.geometry.origin == (index * 3, 7, 9)
        assert image.geometry.spacing == (3, 0.5, 0.25)
        point = image.geometry.to_patient(np.array([0, 1, 2]))
        np.testing.assert_allclose(point, [index * 3, 7.5, 8.5])


def test_uids_and_patient_key_are_kept_apart(tmp_path: Path) -> None:
    first = read(
        tmp_path, dicom(ramp(), StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.4")
    )
    uids = first.provenance.uids
    assert (uids["StudyInstanceUID"], uids["SeriesInstanceUID"]) == ("1.2.3", "1.2.4")
    assert SECRET_ID not in str(uids)
    other = read(tmp_path, dicom(ramp()[::-1]))
    assert other.provenance.uids["PatientKey"] == uids["PatientKey"]
    stranger = read(tmp_path, dicom(ramp(), PatientID="someone else"))
    assert stranger.provenance.uids["PatientKey"] != uids["PatientKey"]
    assert (
        "PatientKey" not in read(tmp_path, dicom(ramp(), PatientID="")).provenance.uids
    )
    assert "1.2.3" not in repr(first.provenance)


def test_facts_are_plain_text(tmp_path: Path) -> None:
    script = b"<script>alert('x')</script>\x1b[31m"
    path = save(dicom(ramp(), Manufacturer="a" * 64), tmp_path / "x.dcm")
    path.write_bytes(path.read_bytes().replace(b"a" * len(script), script, 1))
    facts = open_image(path).provenance.facts
    assert facts["Manufacturer"].startswith("scriptalert(x)/script[31maaa")
    assert facts["TransferSyntaxUID"] == "1.2.840.10008.1.2.1"
    assert facts["SOPClass"] == "Secondary Capture Image"
    assert all(len(value) <= 64 for value in facts.values())
