"""Uneven, missing, doubled and tilted slices: named, refused, resampled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medlens.core import Image, ReadError
from medlens.read import find_series, limits, open_series

from .phantoms import sequence
from .series_kit import (
    field_at,
    linear_stack,
    make_affine,
    places_of,
    slice_of,
    voxels,
    write_enhanced,
    write_series,
)
from .test_series_round_trip import check_against_itk, check_places

AXIAL = make_affine("axial")


def write_planes(
    folder: Path, heights: list[float], affine: np.ndarray = AXIAL
) -> Path:
    """Slices of the linear field at given heights, in units of the D gap."""
    for at, height in enumerate(heights):
        moved = affine.copy()
        moved[:3, 3] += affine[:3, 0] * height
        write_series(folder, linear_stack(moved, (1, 4, 6)), moved, name=f"p{at}")
    return folder


def check_field(image: Image, *, within: float = 1.0) -> None:
    """A linear field must come out of linear resampling as it went in."""
    wanted = field_at(places_of(image.geometry.affine, image.array.shape[1:]))
    assert np.abs(image.array[0] - wanted).max() <= within


def test_a_missing_slice_is_named_refused_and_bridged(tmp_path: Path) -> None:
    folder = write_planes(tmp_path / "s", [0, 1, 2, 4, 5])
    series = find_series(folder).series[0]
    assert series.stack.missing == ((2, 1),)
    names = [item.name for item in series.slices]
    with pytest.raises(
        ReadError,
        match=rf"1 slice is missing .*2\.5 mm.*'{names[2]}' and '{names[3]}'",
    ):
        open_series(series)
    image = open_series(series, uneven="resample")
    assert image.array.shape == (1, 6, 4, 6)
    assert image.array.dtype == np.uint16
    check_field(image)
    assert image.geometry.spacing[0] == pytest.approx(2.5)
    assert image.provenance.facts["Resampled"] == "linear, 6 slices"


def test_a_doubled_slice_is_named_and_taken_once(tmp_path: Path) -> None:
    folder = write_planes(tmp_path / "s", [0, 1, 1, 2, 3])
    series = find_series(folder).series[0]
    assert series.stack.doubles == (2,)
    pair = f"'{series.slices[1].name}' and '{series.slices[2].name}'"
    with pytest.raises(ReadError, match=f"duplicate slices: .*{pair}"):
        open_series(series)
    image = open_series(series, uneven="resample")
    assert image.array.shape[1] == 4
    check_field(image)
    assert open_series(series, uneven="keep").array.shape[1] == 5


@pytest.mark.parametrize("plane", ["axial", "oblique"])
def test_uneven_slices_are_refused_and_resampled(tmp_path: Path, plane: str) -> None:
    affine = make_affine(plane)
    folder = write_planes(tmp_path / "s", [0, 1, 2, 3, 3.4, 5.2, 7, 8.8], affine)
    with pytest.raises(ReadError, match=r"unevenly spaced .*2\.5 mm \(3 times\), 4\.5"):
        open_series(folder)
    image = open_series(folder, uneven="resample")
    check_field(image)
    # The ends stay where they are, the gap is as near the usual one as can be.
    assert image.geometry.spacing[0] == pytest.approx(8.8 * 2.5 / 9)
    np.testing.assert_allclose(image.geometry.origin, affine[:3, 3], atol=1e-6)


def test_kept_slices_have_no_length(tmp_path: Path) -> None:
    folder = write_planes(tmp_path / "s", [0, 1, 2, 4, 5])
    image = open_series(folder, uneven="keep")
    assert image.array.shape[1] == 5
    assert not image.geometry.is_calibrated
    assert "Resampled" not in image.provenance.facts


def test_slight_rounding_is_even(tmp_path: Path) -> None:
    """1.25 mm written with one decimal: 1.2 and 1.3 in turn."""
    heights = [round(1.25 * d, 1) / 2.5 for d in range(8)]
    image = open_series(write_planes(tmp_path / "s", heights))
    assert image.geometry.spacing[0] == pytest.approx(1.25, abs=0.01)


@pytest.mark.parametrize("shear", [(0.3, 0.0), (-0.3345, 0.0), (0.1, -0.2)])
def test_tilt_is_seen_kept_and_set_upright(
    tmp_path: Path, shear: tuple[float, float]
) -> None:
    affine = make_affine("axial", shear=shear)
    stack = linear_stack(affine, (7, 9, 8))
    write_series(tmp_path / "s", stack, affine)
    series = find_series(tmp_path / "s").series[0]
    tilt = np.degrees(np.arctan(np.hypot(*shear)))
    assert series.stack.tilt_degrees == pytest.approx(tilt, abs=1e-3)
    assert "gantry tilt" in series.findings[0]
    check_places(open_series(series), stack, affine)
    upright = open_series(series, uneven="resample")
    axes = upright.geometry.direction
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-9)
    check_inside(upright, affine, stack.shape)


def check_inside(image: Image, affine: np.ndarray, shape: Any) -> None:
    """The field holds within the scanned region, and outside stands the minimum."""
    places = places_of(image.geometry.affine, image.array.shape[1:])
    index = np.einsum("ij,...j->...i", np.linalg.inv(affine[:3, :3]),
                      places - affine[:3, 3])  # fmt: skip
    margin = np.array(shape) - 1
    # At the rim one neighbour reaches further than the other, by a slice's shift.
    inside = ((index >= -1e-6) & (index <= margin + 1e-6)).all(axis=-1)
    far = ((index < -2.2) | (index > margin + 2.2)).any(axis=-1)
    wanted = field_at(places)
    core = inside & ((index[..., 1] >= 1) & (index[..., 1] <= margin[1] - 1))
    core &= (index[..., 2] >= 1) & (index[..., 2] <= margin[2] - 1)
    assert core.sum() > 50
    assert np.abs(image.array[0] - wanted)[core].max() <= 1.0
    if far.any():
        assert set(image.array[0][far]) == {image.array.min()}


def test_slices_beside_each_other_are_set_straight(tmp_path: Path) -> None:
    for d, beside in enumerate([0.0, 1.5, -0.75, 0.0, 3.0]):
        moved = AXIAL.copy()
        moved[:3, 3] += AXIAL[:3, 0] * d + [0, beside, 0]
        write_series(tmp_path, linear_stack(moved, (1, 8, 6)), moved, name=f"p{d}")
    series = find_series(tmp_path).series[0]
    with pytest.raises(ReadError, match="beside the line of the others"):
        open_series(series)
    image = open_series(series, uneven="resample")
    # 3.75 mm of shift are 5 rows of 0.75 mm; the middle rows lie in every slice.
    assert image.array.shape == (1, 5, 13, 6)
    wanted = field_at(places_of(image.geometry.affine, image.array.shape[1:]))
    assert np.abs(image.array[0] - wanted)[:, 5:8].max() <= 1


def test_wide_holes_are_not_bridged(tmp_path: Path) -> None:
    folder = write_planes(tmp_path / "s", [0, 1, 2, 7, 8])
    with pytest.raises(ReadError, match=r"hole of 12\.5 .* too wide .*at most 10\.0"):
        open_series(folder, uneven="resample")


def test_limits_come_before_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_series(tmp_path, voxels(), AXIAL)
    monkeypatch.setattr(limits, "MAX_BYTES", 100)

    def never(*_: Any) -> Any:
        raise AssertionError("allocated")

    with pytest.raises(ReadError, match="GiB of voxels"):
        open_series(tmp_path, allocate=never)


def test_too_little_memory_is_a_clear_error(tmp_path: Path) -> None:
    write_series(tmp_path, voxels(), AXIAL)

    def none_left(*_: Any) -> Any:
        raise MemoryError

    with pytest.raises(ReadError, match="not enough memory for 0 MB of voxels"):
        open_series(tmp_path, allocate=none_left)


def test_the_array_is_made_by_the_caller(tmp_path: Path) -> None:
    write_series(tmp_path / "s", voxels(), AXIAL)

    def mapped(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        return np.memmap(tmp_path / "v", dtype=dtype, mode="w+", shape=shape)

    image = open_series(tmp_path / "s", allocate=mapped)
    assert isinstance(image.array, np.memmap)
    np.testing.assert_array_equal(image.array[0], voxels())


def test_values_of_all_slices_fit(tmp_path: Path) -> None:
    """PET: every slice has a slope of its own, so values become fractions."""
    for d in range(3):
        affine = AXIAL.copy()
        affine[:3, 3] += AXIAL[:3, 0] * d
        write_series(
            tmp_path, np.full((1, 4, 6), 100, np.uint16), affine, name=f"p{d}",
            RescaleSlope=str(0.5 * (d + 1)), RescaleIntercept="0",
        )  # fmt: skip
    image = open_series(tmp_path)
    assert image.array.dtype == np.float32
    np.testing.assert_allclose(image.array[0, :, 0, 0], [50, 100, 150])
    assert image.valid_max == pytest.approx(65535 * 1.5)


def test_values_beyond_the_headers_range_are_refused(tmp_path: Path) -> None:
    """A modality table whose entries are larger than its descriptor allows."""
    lut = sequence(LUTDescriptor=[120, 0, 8], ModalityLUTType="US")
    lut[0].LUTData = [300] * 120
    lut[0]["LUTData"].VR = "US"
    write_series(tmp_path, voxels(), AXIAL, ModalityLUTSequence=lut)
    with pytest.raises(ReadError, match=r"values of type uint16, others uint8"):
        open_series(tmp_path)


def test_hounsfield_units_stay_whole(tmp_path: Path) -> None:
    stack = voxels()
    write_series(
        tmp_path, stack, AXIAL, BitsStored=12, HighBit=11, RescaleIntercept="-1024",
        RescaleSlope="1", WindowCenter="40", WindowWidth="400",
    )  # fmt: skip
    image = open_series(tmp_path)
    assert image.array.dtype == np.int16
    np.testing.assert_array_equal(image.array[0], stack.astype(int) - 1024)
    assert (image.valid_min, image.valid_max) == (-1024, 3071)
    assert image.voi is not None
    assert image.voi.center == 40
    uids = image.provenance.uids["SOPInstanceUIDs"].split("\\")
    assert len(set(uids)) == 5
    assert "SOPInstanceUID" not in image.provenance.uids


def test_enhanced_files_are_measured_alike(tmp_path: Path) -> None:
    affine = make_affine("coronal", shear=(0.2, 0))
    stack = linear_stack(affine, (6, 5, 7))
    write_enhanced(tmp_path / "e.dcm", stack, affine)
    series = find_series(tmp_path / "e.dcm").series[0]
    assert series.stack.tilt_degrees == pytest.approx(np.degrees(np.arctan(0.2)))
    check_places(open_series(series), stack, affine)


def test_a_cut_off_slice_is_named(tmp_path: Path) -> None:
    paths = write_series(tmp_path, voxels(), AXIAL)
    paths[2].write_bytes(paths[2].read_bytes()[:-20])
    with pytest.raises(ReadError, match=rf"{paths[2].name}: .*truncated"):
        open_series(tmp_path)


def test_several_series_must_be_chosen_from(tmp_path: Path) -> None:
    write_series(tmp_path / "a", voxels(), AXIAL, uid="1.1")
    write_series(tmp_path / "b", voxels(), AXIAL, uid="1.2")
    with pytest.raises(ReadError, match="holds 2 series: 'a', 'b'; pick one"):
        open_series(tmp_path)


def test_no_series(tmp_path: Path) -> None:
    from .phantoms import save

    save(slice_of(voxels()[0], AXIAL, [0, 0, 0], uid="1"), tmp_path / "x.dcm")
    with pytest.raises(ReadError, match=r"no DICOM series .*'x\.dcm' is a single"):
        open_series(tmp_path)
    with pytest.raises(ValueError, match="refuse"):
        open_series(tmp_path, uneven="yes")  # type: ignore[arg-type]


def test_the_uneven_head(shared_data: Path) -> None:
    """GE head CT: 14 slices of 4 mm, then 14 of 7 mm, tilted by 18.5 degrees."""
    series = find_series(shared_data / "ct_head_series_dicom").series[0]
    assert len(series.slices) == 28
    assert series.stack.tilt_degrees == pytest.approx(18.5, abs=0.01)
    text = "; ".join(series.findings)
    assert "4.2 mm (13 times), 7.4 mm (13 times), 1.1 mm (once" in text
    assert "between '14.dcm' and '15.dcm'" in text
    with pytest.raises(ReadError, match="unevenly spaced"):
        open_series(series)
    image = open_series(series, uneven="resample")
    # 13 x 4.0 + 1.08 + 13 x 7.0 mm along the normal, in steps of 4.0.
    assert image.array.shape == (1, 37, 611, 512)
    assert image.geometry.spacing[0] == pytest.approx(4.0023, abs=1e-3)
    middle = series.slices[14]
    point = image.geometry.to_index(np.array(middle.position))
    assert point[2] == pytest.approx(0, abs=1e-6)


def test_a_part_of_the_head_agrees_with_simpleitk(
    shared_data: Path, tmp_path: Path
) -> None:
    """The first 14 slices, without their tilt, which SimpleITK cannot tell."""
    itk = pytest.importorskip("SimpleITK")
    pydicom = pytest.importorskip("pydicom")
    for path in sorted((shared_data / "ct_head_series_dicom").iterdir())[:14]:
        data = pydicom.dcmread(path)
        data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        del data.PixelPaddingValue  # ours fills the padding, theirs leaves it
        data.save_as(tmp_path / path.name)
    check_against_itk(itk, open_series(tmp_path), tmp_path)
