"""Samples: held-out test images alone, invented names, the same each time."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import medlens.experiment.sample_studies as room
from medlens.core import DataError, ExistsError, UsageError
from medlens.datasets import read_manifest, write_splits
from medlens.experiment.sample_studies import write_samples
from medlens.read import open_image
from tests.serve.work.sets import picture


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 pictures of each label."""
    folder = tmp_path_factory.mktemp("samples") / "data"
    for label, level in (("no", 30), ("yes", 180)):
        for at in range(60):
            path = folder / label / f"{label}{at:02d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture(level, at + 1000 * (label == "yes")))
    return folder


@pytest.fixture
def run(tmp_path: Path, data: Path) -> Path:
    """A finished run: every third picture is a test case; two share a group."""
    folder = tmp_path / "run"
    folder.mkdir()
    manifest = read_manifest(data)
    splits = ["test" if at % 3 == 0 else "train" for at in range(120)]
    groups = [at // 6 * 6 if at % 3 == 0 and at < 12 else at for at in range(120)]
    write_splits(folder / "splits.csv", manifest, groups, splits)
    state = {"status": "done", "bundle_digest": "a" * 64}
    (folder / "run.json").write_text(json.dumps(state))
    return folder


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small volume in place of the large one."""

    def tiny(*, nodule_mm: float, seed: int) -> Any:
        return np.full((4, 6, 8), int(nodule_mm) + seed, np.int16)

    monkeypatch.setattr(room, "make_chest", tiny)


def note_of(folder: Path) -> list[dict[str, Any]]:
    note = json.loads((folder / "samples.json").read_text())
    assert note["schema"] == "medlens/samples/1"
    files: list[dict[str, Any]] = note["files"]
    return files


def test_no_image_was_learned_from(run: Path, data: Path, tmp_path: Path) -> None:
    out = write_samples(run, data, tmp_path / "out", modality="MR", body_part="HEAD")
    rows = (run / "splits.csv").read_text().splitlines()[1:]
    split_of = {row.split(",")[0]: row.split(",")[3] for row in rows}
    group_of = {row.split(",")[0]: row.split(",")[2] for row in rows}
    key_of = {path.read_bytes(): f"{path.parent.name}/{path.name}"
              for path in data.rglob("*.png")}  # fmt: skip
    pictures = [each for each in note_of(out) if each["file"].startswith("sample")]
    keys = [key_of[(out / each["file"]).read_bytes()] for each in pictures]
    assert len(keys) == 12
    assert {split_of[key] for key in keys} == {"test"}
    assert len({group_of[key] for key in keys}) == 12  # no near-copy of another
    with zipfile.ZipFile(out / "testset.zip") as archive:
        names = archive.namelist()
        inside = [key_of[archive.read(name)] for name in names]
    assert {split_of[key] for key in inside} == {"test"}
    assert [name.split("/")[0] for name in names] == [k.split("/")[0] for k in inside]


def test_patients_have_invented_names_and_some_a_prior(
    run: Path, data: Path, tmp_path: Path
) -> None:
    out = write_samples(run, data, tmp_path / "out", modality="MR", body_part="HEAD")
    by_patient: dict[str, list[dict[str, str]]] = {}
    for each in note_of(out):
        by_patient.setdefault(each["details"]["patient_id"], []).append(each["details"])
    assert len(by_patient) == 9
    dates = {who: [each["study_date"] for each in said]
             for who, said in by_patient.items()}  # fmt: skip
    assert sum(len(found) == 2 for found in dates.values()) == 5
    for found in dates.values():
        assert found == sorted(set(found))
    names = {each["patient_name"] for said in by_patient.values() for each in said}
    assert names == {f"Sample^{at:02d}" for at in range(1, 9)} | {"Phantom^Chest"}
    (first, _) = by_patient["SAMPLE-01"]
    assert (first["modality"], first["body_part"]) == ("MR", "HEAD")
    assert "Phantom" in by_patient["PHANTOM-01"][0]["study_description"]


def test_the_volume_is_where_it_was_made(run: Path, data: Path, tmp_path: Path) -> None:
    out = write_samples(run, data, tmp_path / "out")
    (first, second) = [out / e["file"] for e in note_of(out) if "phantom" in e["file"]]
    image = open_image(first)
    geometry = room.chest_geometry()
    assert image.array.shape == (1, 4, 6, 8)
    assert (image.array == 8).all()
    assert np.allclose(image.geometry.affine, geometry.affine, atol=1e-4)
    assert (open_image(second).array == 13).all()


def test_the_same_run_gives_the_same_bytes(
    run: Path, data: Path, tmp_path: Path
) -> None:
    one = write_samples(run, data, tmp_path / "one")
    two = write_samples(run, data, tmp_path / "two")
    bytes_of = [
        {path.name: path.read_bytes() for path in folder.iterdir()}
        for folder in (one, two)
    ]
    assert bytes_of[0] == bytes_of[1]
    mark = one / "mark"
    mark.touch()
    write_samples(run, data, one)
    assert mark.exists()  # left as it was
    state = {"status": "done", "bundle_digest": "b" * 64}
    (run / "run.json").write_text(json.dumps(state))
    write_samples(run, data, one)
    assert not mark.exists()  # of another run: made anew


def test_what_cannot_give_samples_is_told(
    run: Path, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"none: is no finished run; wanted"):
        write_samples(tmp_path / "none", data, tmp_path / "out")
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").touch()
    with pytest.raises(ExistsError, match=r"full: is there already and holds no"):
        write_samples(run, data, full)
    (run / "metrics.json").write_text(json.dumps({"task": {"form": "segment"}}))
    with pytest.raises(UsageError, match="looks at segment data; samples are made of"):
        write_samples(run, data, tmp_path / "out")
    (run / "metrics.json").unlink()
    manifest = read_manifest(data)
    write_splits(run / "splits.csv", manifest, range(120), ["train"] * 120)
    with pytest.raises(DataError, match=r"has 0 distinct test images of some label"):
        write_samples(run, data, tmp_path / "out")
    assert not list(tmp_path.glob("*.part"))
