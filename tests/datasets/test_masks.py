"""Masks: values to label indices on the grid of the image, or a refusal."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from masks_kit import RAS, boxes, make_pairs, scan, write_picture, write_volume
from tests.read.series_kit import make_affine, voxels, write_series

from medlens.core import ReadError
from medlens.datasets import Case, open_case, open_mask, read_manifest


def case_of(folder: Path, mask: Path) -> Case:
    image = write_volume(folder / "image.nii", scan(0))
    return Case("image.nii", image, (1, 1), mask=mask)


def test_values_become_indices_in_the_order_of_the_labels(tmp_path: Path) -> None:
    stored = boxes(5, 300, -2, kind=np.int16)
    case = case_of(tmp_path, write_volume(tmp_path / "mask.nii.gz", stored))
    found = open_mask(case, (0, 300, 5, -2))
    assert found.dtype == np.uint8
    wanted = np.select([stored == 300, stored == 5, stored == -2], [1, 2, 3], 0)
    np.testing.assert_array_equal(found, wanted)
    again = open_mask(case, (0, 300, 5, -2), image=open_case(case))
    np.testing.assert_array_equal(again, wanted)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 0, 2), (0, 2, 1)])
@pytest.mark.parametrize("flips", [(), (0,), (1, 2), (0, 1, 2)])
def test_a_mask_stored_another_way_round_lies_on_the_same_voxels(
    tmp_path: Path, order: tuple[int, int, int], flips: tuple[int, ...]
) -> None:
    """The voxels stay where the affine says, however the file orders them."""
    stored = boxes(1, 2)
    ijk = stored.T
    turned = np.flip(ijk.transpose(order), flips)
    turn = np.zeros((4, 4))  # new index -> old index
    turn[3, 3] = 1
    for new, old in enumerate(order):
        turn[old, new] = -1 if new in flips else 1
        turn[old, 3] = turned.shape[new] - 1 if new in flips else 0
    path = write_volume(tmp_path / "mask.nii", turned.T, RAS @ turn)
    case = case_of(tmp_path, path)
    np.testing.assert_array_equal(open_mask(case, (0, 1, 2)), stored)


@pytest.mark.parametrize("shift", [0.4, 0.6])
def test_half_a_voxel_is_the_limit(tmp_path: Path, shift: float) -> None:
    moved = RAS.copy()
    moved[2, 3] = shift * 2.0
    case = case_of(tmp_path, write_volume(tmp_path / "m.nii", boxes(1), moved))
    if shift < 0.5:
        assert open_mask(case, (0, 1)).sum() == 24
        return
    with pytest.raises(ReadError, match=r"image\.nii: its mask lies elsewhere .*0\.6"):
        open_mask(case, (0, 1))


def test_a_slightly_wider_mask_drifts_apart_at_the_far_end(tmp_path: Path) -> None:
    wide = RAS @ np.diag([1.04, 1, 1, 1])  # 23 columns × 4 % = 0.9 voxels
    case = case_of(tmp_path, write_volume(tmp_path / "m.nii", boxes(1), wide))
    with pytest.raises(ReadError, match="lies elsewhere in the patient"):
        open_mask(case, (0, 1))


@pytest.mark.parametrize(
    ("stack", "message"),
    [
        (boxes(1, 7), r"its mask holds 7, which is no label; wanted 0, 1"),
        (boxes(1) * np.float32(0.3), r"holds 0\.3, which is no whole number, as int"),
        (boxes(1, shape=(5, 20, 24)), r"its mask has 5 × 20 × 24 voxels .*6 × 20 × 24"),
    ],
)
def test_masks_that_do_not_fit_name_the_case(
    tmp_path: Path, stack: np.ndarray, message: str
) -> None:
    case = case_of(tmp_path, write_volume(tmp_path / "m.nii", stack))
    with pytest.raises(ReadError, match=message) as caught:
        open_mask(case, (0, 1))
    assert str(caught.value).startswith("image.nii: ")
    assert str(tmp_path) not in str(caught.value)


def test_masks_of_pictures(tmp_path: Path) -> None:
    plane = np.zeros((40, 50), np.uint8)
    plane[10:20, 15:40] = 255
    image = write_picture(tmp_path / "a.png", np.full((40, 50), 90, np.uint8))
    for name in ("m.png", "m.bmp", "m.tif", "m.jpg"):
        stored = plane if name != "m.png" else np.dstack([plane] * 3)
        mask = write_picture(tmp_path / name, stored)
        case = Case("a.png", image, (1, 1), mask=mask)
        np.testing.assert_array_equal(open_mask(case, (0, 255))[0], plane // 255)
    colour = np.dstack([plane, plane, 0 * plane])
    case = Case("a.png", image, (1, 1), mask=write_picture(tmp_path / "c.png", colour))
    with pytest.raises(ReadError, match=r"mask 'c\.png' is in colour; wanted one"):
        open_mask(case, (0, 255))
    soft = cv2.GaussianBlur(plane, (0, 0), 8)
    case = Case("a.png", image, (1, 1), mask=write_picture(tmp_path / "s.jpg", soft))
    with pytest.raises(ReadError, match="is a JPEG of more than two values"):
        open_mask(case, (0, 255))
    with pytest.raises(ReadError, match=r"a\.png: has no mask"):
        open_mask(Case("a.png", image), (0, 1))


def test_slices_have_masks_in_the_order_of_the_volume(tmp_path: Path) -> None:
    rows = ["image,mask,series,slice"]
    for number in (3, 1, 2):
        plane = np.zeros((30, 30), np.uint8)
        plane[:number, :] = 255
        write_picture(tmp_path / f"i{number}.png", np.full((30, 30), number, np.uint8))
        write_picture(tmp_path / f"m{number}.png", plane)
        rows.append(f"i{number}.png,m{number}.png,s,{number}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    manifest = read_manifest(tmp_path, task="segment", unit="series")
    (case,) = manifest.cases
    found = open_mask(case, manifest.mask_values)
    assert found[:, :, 0].sum(axis=1).tolist() == [1, 2, 3]
    assert case.target == (1, 1)
    single = read_manifest(tmp_path, task="segment")
    assert len(single.cases) == 3
    assert open_mask(single.cases[0], single.mask_values).shape == (1, 30, 30)


def test_a_mask_of_a_dicom_series(tmp_path: Path) -> None:
    """dcm2niix flips rows; the affine brings them back."""
    affine = make_affine("axial")
    write_series(tmp_path / "images" / "p", voxels(), affine, uid="1.1")
    stored = (voxels() > np.median(voxels())).astype(np.uint8)
    # Index (d, h, w) → LPS; the file has (i, j, k) = (w, H-1-h, d) in RAS.
    turn = np.array([[0, 0, 1, 0], [0, -1, 0, 3], [1, 0, 0, 0], [0, 0, 0, 1.0]])
    ras = np.diag([-1, -1, 1, 1]) @ affine @ turn
    write_volume(tmp_path / "labels" / "p.nii.gz", stored[:, ::-1], ras)
    manifest = read_manifest(tmp_path)
    (case,) = manifest.cases
    assert len(case.slices) == 5
    assert any("5 images with masks" in note for note in manifest.notes)
    np.testing.assert_array_equal(open_mask(case, manifest.mask_values), stored)


def test_real_hippocampi(shared_data: Path) -> None:
    manifest = read_manifest(shared_data / "mri_hippocampus")
    assert (manifest.form, len(manifest.cases)) == ("segment", 130)
    assert manifest.labels == ("background", "label 1", "label 2")
    assert manifest.mask_values == (0, 1, 2)
    for case in manifest.cases[::20]:
        image = open_case(case)
        mask = open_mask(case, manifest.mask_values, image=image)
        assert mask.shape == image.array.shape[1:]
        assert set(np.unique(mask)) == {0, 1, 2}


def test_real_glioma_masks(shared_data: Path) -> None:
    manifest = read_manifest(shared_data / "mri_glioma_slices", task="segment")
    assert (manifest.form, len(manifest.cases)) == ("segment", 358)
    assert manifest.mask_values == (0, 255)
    # The table's own column says which slices have a tumour.
    for case in manifest.cases:
        assert case.target[1] == int(case.columns["tumour"])


def test_a_made_set_reads_as_it_was_made(tmp_path: Path) -> None:
    manifest = read_manifest(make_pairs(tmp_path))
    assert [case.target for case in manifest.cases] == [(1, 1, 1)] * 4
