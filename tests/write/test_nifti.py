"""Masks as NIfTI: read∘write is the same, and nibabel says the same places."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import nibabel
import numpy as np
import pytest

import medlens.write
from medlens.core import Geometry, ResourceError, UsageError
from medlens.read import open_image
from medlens.write import write_nifti
from tests.read.series_kit import FLIPS, PLANES, make_affine, places_of


def mask(shape: tuple[int, int, int] = (5, 4, 6)) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4, shape).astype(np.uint8)


@pytest.mark.parametrize(("plane", "flips"), list(product(PLANES, FLIPS)))
def test_every_voxel_keeps_its_place(
    tmp_path: Path, plane: str, flips: tuple[int, int, int]
) -> None:
    geometry = Geometry(make_affine(plane, flips))
    path = tmp_path / "m.nii.gz"
    write_nifti(path, mask(), geometry)
    found = open_image(path)
    np.testing.assert_array_equal(found.array[0], mask())
    places = places_of(geometry.affine, mask().shape)
    assert np.abs(places_of(found.geometry.affine, mask().shape) - places).max() < 0.01
    # nibabel's own reading: RAS, axes i, j, k = w, h, d
    volume = nibabel.load(path)
    np.testing.assert_array_equal(np.asarray(volume.dataobj), mask().transpose(2, 1, 0))
    lps = nibabel.affines.apply_affine(volume.affine, [3, 2, 4]) * (-1, -1, 1)
    np.testing.assert_allclose(lps, places[4, 2, 3], atol=1e-3)
    quaternion = volume.get_qform()
    np.testing.assert_allclose(quaternion, volume.affine, atol=1e-3)


def test_a_sheared_grid_has_no_quaternion(tmp_path: Path) -> None:
    geometry = Geometry(make_affine("axial", shear=(0.2, 0.0)))
    write_nifti(tmp_path / "m.nii", mask(), geometry)
    header = nibabel.load(tmp_path / "m.nii").header
    assert (int(header["sform_code"]), int(header["qform_code"])) == (1, 0)
    found = open_image(tmp_path / "m.nii")
    np.testing.assert_allclose(found.geometry.affine, geometry.affine, atol=1e-4)


def test_without_spacing_none_is_written(tmp_path: Path) -> None:
    write_nifti(tmp_path / "m.nii.gz", mask((1, 4, 6)), Geometry.uncalibrated())
    found = open_image(tmp_path / "m.nii.gz")
    assert not found.geometry.is_calibrated
    np.testing.assert_array_equal(found.array[0], mask((1, 4, 6)))


def test_equal_masks_are_equal_files_and_small(tmp_path: Path) -> None:
    large = np.zeros((40, 256, 256), np.uint8)
    large[10:20, 50:90, 60:99] = 2
    for name in ("a.nii.gz", "b.nii.gz"):
        write_nifti(tmp_path / name, large, Geometry.uncalibrated())
    data = (tmp_path / "a.nii.gz").read_bytes()
    assert data == (tmp_path / "b.nii.gz").read_bytes()
    assert len(data) < large.size / 80
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.nii.gz", "b.nii.gz"]


def test_what_is_no_mask_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"m.nii: the mask is float64 of shape \(2, 2\)"
    ):
        write_nifti(tmp_path / "m.nii", np.zeros((2, 2)), Geometry.uncalibrated())
    long = np.broadcast_to(np.uint8(0), (1, 1, 40_000))
    with pytest.raises(UsageError, match="40000 voxels along one side; NIfTI-1 holds"):
        write_nifti(tmp_path / "m.nii", long, Geometry.uncalibrated())
    with pytest.raises(ResourceError, match=r"m.nii: cannot be written \(No such file"):
        write_nifti(tmp_path / "no" / "m.nii", mask(), Geometry.uncalibrated())


def test_the_room_hands_on_its_names() -> None:
    assert medlens.write.__all__ == sorted(medlens.write.__all__)
    for name in medlens.write.__all__:
        assert callable(getattr(medlens.write, name)), name
    with pytest.raises(AttributeError, match="has no attribute 'write_dicom'"):
        medlens.write.__getattr__("write_dicom")
