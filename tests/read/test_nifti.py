"""NIfTI against nibabel: pixels, placement, members, and damaged files."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nibabel.quaternions import angle_axis2quat, quat2mat

from medlens.core import Image, ReadError
from medlens.read import limits, list_members, open_image

AFFINE = np.array(
    [[-2.0, 0.1, 0, 90], [0, 1.5, -0.4, -126], [0.2, 0, 3, -72], [0] * 3 + [1]]
)


def save(path: Path, data: np.ndarray, affine: Any = AFFINE, **header: Any) -> Path:
    """A NIfTI file with further header fields set."""
    volume = nibabel.Nifti1Image(data, affine)
    for key, value in header.items():
        volume.header[key] = value
    nibabel.save(volume, path)
    return path


def cube(dtype: Any = np.int16) -> np.ndarray:
    """(5, 6, 7) voxels, all different."""
    return np.arange(210).reshape(5, 6, 7).astype(dtype)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    angle=st.floats(0, 3.1),
    axis=st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1),
    sizes=st.tuples(*[st.floats(0.1, 9)] * 3),
    origin=st.tuples(*[st.floats(-500, 500)] * 3),
    voxel=st.tuples(st.integers(0, 4), st.integers(0, 5), st.integers(0, 6)),
)
def test_voxel_lies_where_nibabel_says(
    tmp_path: Path, angle: float, axis: Any, sizes: Any, origin: Any, voxel: Any
) -> None:
    affine = np.eye(4)
    affine[:3, :3] = quat2mat(angle_axis2quat(angle, axis)) * sizes
    affine[:3, 3] = origin
    path = save(tmp_path / "x.nii", cube(), affine)
    image, plain = open_image(path), nibabel.load(path)
    i, j, k = voxel
    assert image.array[0, k, j, i] == plain.dataobj[i, j, k]
    ras = plain.affine @ [i, j, k, 1]
    lps = image.geometry.to_patient(np.array([k, j, i]))
    np.testing.assert_allclose(lps, ras[:3] * [-1, -1, 1], atol=1e-4)
    np.testing.assert_allclose(image.geometry.to_index(lps), [k, j, i], atol=1e-6)
    np.testing.assert_allclose(image.geometry.spacing, sizes[::-1], rtol=1e-4)


@pytest.mark.parametrize("name", ["x.nii", "x.nii.gz"])
@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint16, np.float32, np.int32])
def test_values_keep_their_type(tmp_path: Path, name: str, kind: Any) -> None:
    image = open_image(save(tmp_path / name, cube(kind)))
    assert image.array.dtype == kind
    assert image.stage == "rescaled"
    np.testing.assert_array_equal(image.array[0], cube(kind).transpose(2, 1, 0))
    assert (image.valid_max is None) == (kind is np.float32)


def test_big_endian_becomes_native(tmp_path: Path) -> None:
    header = nibabel.Nifti1Header(endianness=">")
    volume = nibabel.Nifti1Image(cube(">i2"), AFFINE, header)
    nibabel.save(volume, tmp_path / "x.nii")
    image = open_image(tmp_path / "x.nii")
    assert image.array.dtype.isnative
    np.testing.assert_array_equal(image.array[0], cube().transpose(2, 1, 0))


def test_nifti_2(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti2Image(cube(), AFFINE), tmp_path / "x.nii")
    image = open_image(tmp_path / "x.nii")
    np.testing.assert_array_equal(image.array[0], cube().transpose(2, 1, 0))


def test_slope_and_intercept(tmp_path: Path) -> None:
    volume = nibabel.Nifti1Image(cube(), AFFINE)
    volume.header.set_slope_inter(0.5, -10)
    path = tmp_path / "x.nii"
    path.write_bytes(volume.to_bytes())
    image = open_image(path)
    stored = nibabel.load(path).dataobj.get_unscaled()
    slope, inter = nibabel.load(path).dataobj.slope, nibabel.load(path).dataobj.inter
    expected = (stored * slope + inter).transpose(2, 1, 0)
    np.testing.assert_allclose(image.array[0], expected, rtol=1e-6)
    assert image.array.dtype == np.float32


def test_slope_zero_means_no_scaling(tmp_path: Path) -> None:
    image = open_image(save(tmp_path / "x.nii", cube(), scl_slope=0, scl_inter=7))
    assert image.array.max() == 209


def test_slice_axis_of_the_header_becomes_d(tmp_path: Path) -> None:
    volume = nibabel.Nifti1Image(cube(), AFFINE)
    volume.header.set_dim_info(freq=1, phase=2, slice=0)
    nibabel.save(volume, tmp_path / "x.nii")
    image = open_image(tmp_path / "x.nii")
    assert image.array.shape == (1, 5, 7, 6)
    assert image.array[0, 3, 6, 2] == cube()[3, 2, 6]
    ras = AFFINE @ [3, 2, 6, 1]
    point = image.geometry.to_patient(np.array([3, 6, 2]))
    np.testing.assert_allclose(point, ras[:3] * [-1, -1, 1], atol=1e-4)


def test_single_slice(tmp_path: Path) -> None:
    image = open_image(save(tmp_path / "x.nii", cube()[:, :, 0]))
    assert image.array.shape == (1, 1, 6, 5)
    assert list_members(tmp_path / "x.nii") == [""]


def test_time_series_are_volumes(tmp_path: Path) -> None:
    series = np.stack([cube(), cube() + 1000, cube() + 2000], axis=-1)
    for name in ("x.nii", "x.nii.gz"):
        path = save(tmp_path / name, series)
        assert list_members(path) == ["volume:0", "volume:1", "volume:2"]
        image = open_image(path, member="volume:2")
        np.testing.assert_array_equal(
            image.array[0], (cube() + 2000).transpose(2, 1, 0)
        )
    with pytest.raises(ReadError, match="holds 3 images; name one, member='volume:0'"):
        open_image(path)


def test_rgb_voxels_are_channels(tmp_path: Path) -> None:
    kind = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    data = np.zeros((5, 6, 7), kind)
    for step, name in enumerate("RGB"):
        data[name] = cube() + step
    image = open_image(save(tmp_path / "x.nii", data))
    assert image.array.shape == (3, 7, 6, 5)
    np.testing.assert_array_equal(image.array[2], (cube() + 2).transpose(2, 1, 0))


@pytest.mark.parametrize(
    ("unit", "factor"), [("mm", 1), ("meter", 1000), ("micron", 1e-3)]
)
def test_spatial_units(tmp_path: Path, unit: str, factor: float) -> None:
    volume = nibabel.Nifti1Image(cube(), np.diag([1.0, 2.0, 3.0, 1.0]))
    volume.header.set_xyzt_units(unit)
    nibabel.save(volume, tmp_path / "x.nii")
    geometry = open_image(tmp_path / "x.nii").geometry
    np.testing.assert_allclose(geometry.spacing, np.array([3, 2, 1]) * factor)


def test_without_sform_and_qform_the_voxel_size_counts(tmp_path: Path) -> None:
    volume = nibabel.Nifti1Image(cube(), None)
    volume.header.set_zooms((1.5, 2.5, 3.5))
    nibabel.save(volume, tmp_path / "x.nii")
    image = open_image(tmp_path / "x.nii")
    assert image.geometry.spacing == (3.5, 2.5, 1.5)
    assert image.geometry.is_calibrated


def test_non_finite_voxels_are_counted(tmp_path: Path) -> None:
    data = cube(np.float32)
    data[0, 0, :3] = np.nan, np.inf, -np.inf
    path = save(tmp_path / "x.nii", data)
    with pytest.raises(ReadError, match="k: 3 of 210 pixels are NaN or infinite"):
        open_image(path, case="k")


def damaged(tmp_path: Path, **header: Any) -> Image:
    """Open a volume after its header was overwritten field by field."""
    volume = nibabel.Nifti1Image(cube(), AFFINE)
    data = bytearray(volume.to_bytes())
    block = volume.header.copy()
    block["vox_offset"] = 352
    for key, value in header.items():
        block[key] = value
    data[:348] = block.binaryblock
    (tmp_path / "x.nii").write_bytes(data)
    return open_image(tmp_path / "x.nii")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"dim": [3, 30000, 30000, 900, 1, 1, 1, 1]}, "larger than the limit"),
        ({"dim": [3, 5, 6, 32767, 1, 1, 1, 1]}, "truncated or damaged"),
        ({"dim": [3, 5, 0, 7, 1, 1, 1, 1]}, "wanted 1 to 7 axes of 1 voxel or more"),
        ({"dim": [7, 5, 6, 7, 32767, 32767, 32767, 1]}, "volumes; that is too many"),
        ({"datatype": 9999}, "header is damaged"),
        ({"vox_offset": 1e9}, "truncated or damaged"),
        ({"vox_offset": 0}, r"voxels at byte 0 \(vox_offset\); wanted 352 or more"),
        ({"vox_offset": -500}, "voxels at byte -500"),
        ({"vox_offset": np.nan}, "voxels at byte nan"),
        ({"srow_x": [0, 0, 0, 0]}, "affine is singular or not finite"),
        ({"srow_y": [np.nan, 1, 0, 0]}, "affine is singular or not finite"),
        ({"magic": b"ni1"}, "the header of a NIfTI pair"),
    ],
)
def test_damaged_headers(tmp_path: Path, header: dict[str, Any], message: str) -> None:
    with pytest.raises(ReadError, match=message):
        damaged(tmp_path, **header)


def test_broken_quaternion(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="affine is singular or not finite"):
        damaged(tmp_path, sform_code=0, qform_code=1, quatern_b=9, quatern_c=9)


def test_truncated(tmp_path: Path) -> None:
    path = save(
        tmp_path / "x.nii.gz", np.random.default_rng(0).normal(size=(20, 20, 20))
    )
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(ReadError, match="truncated or damaged: wanted"):
        open_image(path)


def test_gzip_bomb_stays_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = nibabel.Nifti1Image(cube(), AFFINE).to_bytes() + bytes(50_000_000)
    path = tmp_path / "x.nii.gz"
    path.write_bytes(gzip.compress(data))
    assert open_image(path).array.shape == (1, 7, 6, 5)  # the tail is never read
    monkeypatch.setattr(limits, "MAX_BYTES", 300)
    with pytest.raises(ReadError, match=r"asks for 0\.0 GiB of voxels; the limit is"):
        open_image(path)


def test_damage_inside_gzip_is_found_by_its_checksum(tmp_path: Path) -> None:
    plain = nibabel.Nifti1Image(np.zeros((60, 50, 4), np.int16), AFFINE).to_bytes()
    packed = bytearray(gzip.compress(plain, compresslevel=0))  # bytes stay bytes
    path = tmp_path / "x.nii.gz"
    path.write_bytes(packed)
    assert not open_image(path).array.any()
    packed[5000] ^= 0x40
    path.write_bytes(packed)
    with pytest.raises(ReadError, match=r"gzip data .* damaged or cut off \(checksum"):
        open_image(path)
    path.write_bytes(gzip.compress(plain)[:-8])
    with pytest.raises(ReadError, match=r"gzip data .* damaged or cut off \(checksum"):
        open_image(path)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("named", [None, 0, 2])
def test_one_slice_in_any_plane_is_a_picture(
    tmp_path: Path, axis: int, named: int | None
) -> None:
    plane = cube()[tuple(slice(1) if a == axis else slice(None) for a in range(3))]
    volume = nibabel.Nifti1Image(plane, AFFINE)
    if named is not None:
        volume.header.set_dim_info(slice=named)
    nibabel.save(volume, tmp_path / "x.nii")
    image = open_image(tmp_path / "x.nii")
    first, second = (n for a, n in enumerate(cube().shape) if a != axis)
    assert image.array.shape == (1, 1, second, first)
    index = [2, 3, 1]
    index[axis] = 0
    down, across = (index[a] for a in (2, 1, 0) if a != axis)
    assert image.array[0, 0, down, across] == plane[tuple(index)]
    lps = image.geometry.to_patient(np.array([0, down, across]))
    ras = AFFINE @ [*index, 1]
    np.testing.assert_allclose(lps, ras[:3] * [-1, -1, 1], atol=1e-4)


def test_voxels_of_a_microscope(tmp_path: Path) -> None:
    affine = np.diag([1e-5, 1e-5, 3e-5, 1])  # 10 nm
    image = open_image(save(tmp_path / "x.nii", cube(), affine))
    np.testing.assert_allclose(image.geometry.spacing, (3e-5, 1e-5, 1e-5))


def test_real_volumes(shared_data: Path) -> None:
    for path in sorted((shared_data / "mri_hippocampus").rglob("*.nii*"))[:10]:
        image, plain = open_image(path), nibabel.load(path)
        expected = np.asanyarray(plain.dataobj).transpose(2, 1, 0)
        np.testing.assert_array_equal(image.array[0], expected)
        corner = np.array(plain.shape) - 1
        ras = plain.affine @ [*corner, 1]
        point = image.geometry.to_patient(corner[::-1])
        np.testing.assert_allclose(point, ras[:3] * [-1, -1, 1], atol=1e-3)
