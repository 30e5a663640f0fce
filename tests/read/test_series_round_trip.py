"""Every voxel keeps its patient coordinate, in all orientations and kinds of file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import Image
from medlens.read import find_series, open_image, open_series

from .series_kit import (
    FLIPS,
    PLANES,
    make_affine,
    places_of,
    voxels,
    write_enhanced,
    write_series,
)

TOLERANCE_MM = 0.01


def check_places(image: Image, stack: np.ndarray, affine: np.ndarray) -> None:
    """Each voxel of `stack` is found at its place, with its value."""
    assert image.array.shape == (1, *stack.shape)
    places = places_of(affine, stack.shape)
    index = np.rint(image.geometry.to_index(places)).astype(int)
    shift = image.geometry.to_patient(index) - places
    assert np.linalg.norm(shift, axis=-1).max() <= TOLERANCE_MM
    d, h, w = np.moveaxis(index, -1, 0)
    np.testing.assert_array_equal(image.array[0, d, h, w], stack)


@pytest.mark.parametrize("flips", FLIPS)
@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("kind", ["single", "enhanced"])
def test_dicom_keeps_places(
    tmp_path: Path, kind: str, plane: str, flips: tuple[int, int, int]
) -> None:
    stack, affine = voxels(), make_affine(plane, flips)
    if kind == "single":
        write_series(tmp_path / "in", stack, affine)
    else:
        write_enhanced(tmp_path / "in" / "e.dcm", stack, affine)
    found = find_series(tmp_path / "in")
    assert (len(found.series), found.left_out) == (1, ())
    assert found.series[0].findings == ()
    image = open_series(found.series[0])
    check_places(image, stack, affine)
    # D grows along the normal of the file's own rows and columns (C.7.6.2.1.1).
    d, h, w = image.geometry.direction.T
    assert np.cross(w, h) @ d == pytest.approx(1)
    assert image.geometry.is_calibrated


@pytest.mark.parametrize("flips", FLIPS)
@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("form", ["sform", "qform"])
def test_nifti_keeps_places(
    tmp_path: Path, form: str, plane: str, flips: tuple[int, int, int]
) -> None:
    nib = pytest.importorskip("nibabel")
    stack, affine = voxels(), make_affine(plane, flips)
    # NIfTI has (i, j, k) = (w, h, d) and RAS.
    ras = np.diag([-1, -1, 1, 1]) @ affine @ np.eye(4)[[2, 1, 0, 3]]
    picture = nib.Nifti1Image(stack.T, None)
    if form == "sform":
        picture.header.set_sform(ras, 1)
    else:
        picture.header.set_qform(ras, 1)
    picture.header.set_xyzt_units("mm")
    picture.header.set_slope_inter(1, 0)
    nib.save(picture, tmp_path / "v.nii.gz")
    check_places(open_image(tmp_path / "v.nii.gz"), stack, affine)


@settings(max_examples=25, deadline=None)
@given(
    turn=st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 0.2),
    spacing=st.tuples(*[st.floats(0.2, 6)] * 3),
    origin=st.tuples(*[st.floats(-700, 700)] * 3),
    shear=st.floats(-0.5, 0.5),
)
def test_any_turn_gap_and_tilt(
    tmp_path_factory: pytest.TempPathFactory,
    turn: Any, spacing: Any, origin: Any, shear: float,
) -> None:  # fmt: skip
    from nibabel.quaternions import quat2mat

    axes = quat2mat(np.array(turn) / np.linalg.norm(turn))  # columns: D, H, W
    stack, affine = voxels((4, 3, 5)), np.eye(4)
    affine[:3, :3] = (axes + np.outer(axes[:, 1], [shear, 0, 0])) * spacing
    affine[:3, 3] = origin
    folder = tmp_path_factory.mktemp("turn")
    write_series(folder, stack, affine)
    image = open_series(folder)
    check_places(image, stack, affine)
    if abs(shear) * spacing[0] * 3 > 0.006:  # less is taken for rounding
        tilt = float(image.provenance.facts["GantryTilt"])
        assert tilt == pytest.approx(np.degrees(np.arctan(abs(shear))), abs=0.01)


@pytest.mark.parametrize("plane", PLANES)
def test_order_and_names_say_nothing(tmp_path: Path, plane: str) -> None:
    stack, affine = voxels(), make_affine(plane)
    first = open_series(write_series(tmp_path / "a", stack, affine))
    second = open_series(write_series(tmp_path / "b", stack, affine, name="z")[::-1])
    np.testing.assert_array_equal(first.array, second.array)
    np.testing.assert_allclose(first.geometry.affine, second.geometry.affine)


@pytest.mark.parametrize("flips", FLIPS)
@pytest.mark.parametrize("plane", PLANES)
def test_agrees_with_simpleitk(
    tmp_path: Path, plane: str, flips: tuple[int, int, int]
) -> None:
    itk = pytest.importorskip("SimpleITK")
    stack = voxels()
    write_series(tmp_path, stack, make_affine(plane, flips))
    check_against_itk(itk, open_series(tmp_path), tmp_path)


def check_against_itk(itk: Any, image: Image, folder: Path) -> None:
    """Same voxels at the same places as an independent reader finds."""
    reader = itk.ImageSeriesReader()
    reader.SetFileNames(itk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    theirs = reader.Execute()
    values = itk.GetArrayFromImage(theirs)  # (D, H, W)
    index = places_of(np.eye(4), values.shape).reshape(-1, 3).astype(int)
    index = index[:: max(1, len(index) // 500)]
    points = np.array(
        [theirs.TransformIndexToPhysicalPoint(row[::-1].tolist()) for row in index]
    )
    mine = np.rint(image.geometry.to_index(points)).astype(int)
    shift = image.geometry.to_patient(mine) - points
    assert np.linalg.norm(shift, axis=-1).max() <= TOLERANCE_MM
    np.testing.assert_array_equal(image.array[0][tuple(mine.T)], values[tuple(index.T)])
