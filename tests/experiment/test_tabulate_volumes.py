"""Volumes with masks on disk become a table, one row a label."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from medlens.core import ExistsError, UsageError
from medlens.experiment.narrator import Silent
from medlens.experiment.tabulate import tabulate_features
from medlens.experiment.tabulate_volumes import find_pairs
from medlens.features import VOLUME_FEATURES, read_table
from tests.cli.command import medlens

SHAPE, ZOOMS = (14, 16, 12), (1.0, 1.0, 2.0)


class Listener(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, sentence: str) -> None:
        self.said.append(sentence)


def write(path: Path, array: np.ndarray, zooms=ZOOMS) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(array, np.diag([*zooms, 1.0])), path)


def make(folder: Path, name: str, *, labels=(1, 2), zooms=ZOOMS) -> None:
    """A volume whose value is its label, with one box for each label."""
    mask = np.zeros(SHAPE, dtype=np.uint8)
    for place, label in enumerate(labels):
        mask[2 + 5 * place : 5 + 5 * place, 3:9, 4:8] = label
    noise = np.random.default_rng(len(name)).normal(size=SHAPE)
    write(folder / "images" / name, (100.0 * mask + noise).astype(np.float32), zooms)
    write(folder / "labels" / name, mask, zooms)


def tabulate(folder: Path, out: Path, listener: Silent | None = None, **options):
    chosen = {"labels": None, "label_column": None, "force": False} | options
    return tabulate_features(folder, out=out, narrator=listener or Silent(), **chosen)


def test_one_row_a_label(tmp_path):
    make(tmp_path / "d", "a.nii.gz")
    make(tmp_path / "d", "b.nii.gz", labels=(7,))
    written, failed = tabulate(tmp_path / "d", tmp_path / "f.csv")
    table = read_table(tmp_path / "f.csv")
    assert (written, failed) == (3, [])
    assert table.cases == (
        "images/a.nii.gz#1",
        "images/a.nii.gz#2",
        "images/b.nii.gz#7",
    )
    assert table.names == tuple(VOLUME_FEATURES)
    means = table.values[:, table.names.index("stat_mean")]
    assert means == pytest.approx([100, 200, 700], abs=1)
    volumes = table.values[:, table.names.index("morph_volume_counted")]
    assert volumes == pytest.approx([3 * 6 * 4 * 2.0] * 3)


def test_one_bad_file_fails_alone(tmp_path):
    folder = tmp_path / "d"
    make(folder, "good.nii.gz")
    make(folder, "moved.nii.gz")
    write(folder / "labels/moved.nii.gz", np.ones(SHAPE, np.uint8), (1.0, 1.0, 3.0))
    make(folder, "soft.nii.gz")
    write(folder / "labels/soft.nii.gz", np.full(SHAPE, 0.3, np.float32))
    make(folder, "empty.nii.gz")
    write(folder / "labels/empty.nii.gz", np.zeros(SHAPE, np.uint8))
    (folder / "images/cut.nii.gz").write_bytes(b"\x1f\x8bnothing")
    (folder / "labels/cut.nii.gz").write_bytes(b"\x1f\x8bnothing")
    make(folder, "lonely.nii.gz")
    (folder / "labels/lonely.nii.gz").unlink()
    written, failed = tabulate(folder, tmp_path / "f.csv")
    reasons = dict(failed)
    assert written == 2
    assert set(reasons) == {
        f"images/{name}.nii.gz" for name in ("moved", "soft", "empty", "cut", "lonely")
    }
    assert "resample the mask to the image" in reasons["images/moved.nii.gz"]
    assert "no whole numbers" in reasons["images/soft.nii.gz"]
    assert "holds 0 labels" in reasons["images/empty.nii.gz"]
    assert "no mask of this name" in reasons["images/lonely.nii.gz"]
    assert all(str(tmp_path) not in reason for reason in reasons.values())


def test_uneven_voxels_are_told_and_resampled(tmp_path):
    make(tmp_path / "d", "a.nii.gz")
    make(tmp_path / "d", "b.nii.gz", zooms=(1.0, 1.0, 1.0))
    listener = Listener()
    tabulate(tmp_path / "d", tmp_path / "f.csv", listener)
    assert listener.said == [
        "Voxels have 2 sizes, 1 of them with unequal sides: texture depends on that; "
        "pass --voxel-mm to resample all alike"
    ]
    listener = Listener()
    tabulate(tmp_path / "d", tmp_path / "g.csv", listener, voxel_mm=1.0, bin_width=5.0)
    table = read_table(tmp_path / "g.csv")
    assert listener.said == []
    assert len(table.cases) == 4


def test_pairs_are_found_in_msd_folders(tmp_path):
    for folder, kept in (("imagesTr", "images"), ("labelsTr", "labels")):
        make(tmp_path / "made", "x.nii.gz")
        target = tmp_path / "d" / folder
        target.parent.mkdir(exist_ok=True)
        (tmp_path / "made" / kept).rename(target)
    pairs, lonely = find_pairs(tmp_path / "d")
    assert [(p.image, p.mask) for p in pairs] == [
        ("imagesTr/x.nii.gz", "labelsTr/x.nii.gz")
    ]
    assert lonely == []


def test_other_data_has_no_pairs(tmp_path):
    write(tmp_path / "images/a.nii.gz", np.zeros(SHAPE, np.float32))
    assert find_pairs(tmp_path) == ([], [])
    assert find_pairs(tmp_path / "nothing.csv") == ([], [])


def test_wrong_use(tmp_path):
    make(tmp_path / "d", "a.nii.gz")
    (tmp_path / "f.csv").write_text("case\n")
    with pytest.raises(ExistsError, match=r"f\.csv: is there already"):
        tabulate(tmp_path / "d", tmp_path / "f.csv")
    with pytest.raises(UsageError, match="voxel_mm is 0"):
        tabulate(tmp_path / "d", tmp_path / "g.csv", voxel_mm=0.0)
    with pytest.raises(UsageError, match="are for volumes with masks"):
        tabulate(tmp_path / "d" / "images", tmp_path / "g.csv", voxel_mm=1.0)


def test_command(tmp_path):
    make(tmp_path / "d", "a.nii.gz")
    (tmp_path / "d/images/b.nii.gz").write_bytes(b"no")
    (tmp_path / "d/labels/b.nii.gz").write_bytes(b"no")
    done = medlens("features", tmp_path / "d", "--voxel-mm", "1", cwd=tmp_path)
    assert done.returncode == 1
    assert "2 rows in features.csv" in done.stdout
    assert "images/b.nii.gz" in done.stderr


def test_real_hippocampi(shared_data, tmp_path):
    source = shared_data / "mri_hippocampus"
    if not source.is_dir():
        pytest.skip("mri_hippocampus not found under the folder of real images")
    for image in sorted((source / "images").glob("*.nii.gz"))[:3]:
        for folder in ("images", "labels"):
            target = tmp_path / "d" / folder / image.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((source / folder / image.name).read_bytes())
    written, failed = tabulate(tmp_path / "d", tmp_path / "f.csv")
    assert (written, failed) == (6, [])
    table = read_table(tmp_path / "f.csv")
    volumes = table.values[:, table.names.index("morph_volume")] / 1000
    # Halves of a hippocampus hold about 1 to 3 ml.
    assert ((volumes > 0.5) & (volumes < 4)).all()
