"""The audit of volumes, series and masks."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
from masks_kit import boxes, make_pairs, scan, write_picture, write_volume

from medlens.datasets import audit, read_manifest
from medlens.datasets.duplicates_volumes import find_volume_copies
from medlens.datasets.signals_volume import keep_planes, measure_mask, planes_of


def test_planes_stand_at_equal_shares_of_the_depth() -> None:
    assert planes_of(8) == list(range(8))
    assert planes_of(800) == [50, 150, 250, 350, 450, 550, 650, 750]
    assert planes_of(2) == [0, 0, 0, 0, 1, 1, 1, 1]


def test_a_mask_is_counted_and_measured() -> None:
    voxels, extents = measure_mask(boxes(1, 2), 4)
    assert voxels == (6 * 20 * 24 - 48, 24, 24, 0)
    assert extents == ((6, 20, 24), (2, 3, 4), (2, 3, 4), (0, 0, 0))


def test_whole_volumes_must_agree_to_be_copies() -> None:
    """One changed half is another volume; turned, noisy and dark ones are copies."""
    rng = np.random.default_rng(0)
    shape = (24, 40, 40)
    one, other = scan(1, shape), scan(2, shape)
    mixed = np.concatenate([one[:13], other[13:]])  # the middle slice is the same
    made = [
        one, other, mixed, (one * 0.4 + 50 + rng.normal(0, 12, shape)),
        np.rot90(other, axes=(1, 2))[:, :, ::-1], other[::-1],
    ]  # fmt: skip
    stack = np.stack(
        [keep_planes(24, lambda at, v=v: v[at].astype(np.float32)) for v in made]
    )
    assert find_volume_copies(stack) == [(0, 3), (1, 4), (1, 5), (4, 5)]


def test_findings_on_masks_and_copies(tmp_path: Path) -> None:
    root = make_pairs(tmp_path, 6)
    write_volume(root / "labels/p5.nii.gz", boxes())
    write_volume(root / "images/twin.nii.gz", scan(0).astype(np.float32) * 2)
    write_volume(root / "labels/twin.nii.gz", boxes(1, 2))
    write_volume(root / "images/moved.nii.gz", scan(8))
    write_volume(root / "labels/moved.nii.gz", boxes(1, 2), np.diag([1.0, 1, 5, 1]))
    found = audit(read_manifest(root))
    assert found.near_duplicates == [["images/p0.nii.gz", "images/twin.nii.gz"]]
    assert found.empty_masks == ["images/p5.nii.gz"]
    assert [case for case, _ in found.unreadable] == ["images/moved.nii.gz"]
    assert any("1 volume of 7 have an empty mask" in s for s in found.sentences())
    print_ = found.fingerprint
    assert (print_.form, print_.depth) == ("segment", 6)
    assert print_.spacings == (2.0, 0.9, 0.8)
    assert print_.anisotropy == 2.5
    assert print_.shape_quantiles == ((6, 20, 24),) * 3
    assert print_.foreground == round(48 / (6 * 20 * 24), 6)
    assert print_.label_extents == ((6, 20, 24), (2, 3, 4), (2, 3, 4))
    json.dumps(found.to_json())


def test_missing_slices_are_told(tmp_path: Path) -> None:
    rows = ["image,series,slice,label"]
    for series in range(3):
        for at in (0, 1, 2, 4, 5):
            name = f"{series}_{at}.png"
            write_picture(tmp_path / name, scan(10 * series + at)[0].astype(np.uint8))
            rows.append(f"{name},{series},{at},{int(at > 2)}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    found = audit(read_manifest(tmp_path))
    assert len(found.uneven) == 3
    assert found.uneven[0][1].startswith("missing slices: 1 slice is missing")
    assert found.fingerprint.uneven == 3
    assert found.fingerprint.slices_labelled
    assert found.fingerprint.depth == 5
    assert not found.near_duplicates
    assert any("3 series have missing" in text for text in found.warnings)


def test_real_hippocampi_take_seconds_and_bind_nobody(shared_data: Path) -> None:
    manifest = read_manifest(shared_data / "mri_hippocampus")
    began = time.process_time()
    found = audit(manifest)
    assert time.process_time() - began < 20
    assert not found.unreadable
    assert not found.near_duplicates
    assert found.fingerprint.spacings == (1.0, 1.0, 1.0)
    assert found.fingerprint.depth == 36
