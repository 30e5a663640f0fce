"""Samples of a demo: put in once, like every upload."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import sqlalchemy as sa

from medlens.core import UsageError
from medlens.serve.access.trail import verify_trail
from medlens.serve.run.samples import fill, read_samples
from medlens.serve.run.start import run_service
from medlens.serve.settings import Limits, ServeSettings
from medlens.serve.store.store import Store
from medlens.serve.store.tables import series, studies, trail
from tests.serve.work.sets import BRIGHT, DARK, picture

LIMITS = Limits(free_mb=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures of one patient at two dates, and a CT of five slices."""
    made = tmp_path / "samples"
    made.mkdir()
    (made / "a.png").write_bytes(picture(DARK))
    (made / "b.png").write_bytes(picture(BRIGHT))
    volume = np.zeros((6, 8, 5), np.int16) - 1000
    nib.save(nib.Nifti1Image(volume, np.eye(4)), made / "c.nii.gz")
    who = {"patient_id": "SAMPLE-01", "patient_name": "Sample^01", "modality": "MR"}
    files = [
        {"file": "a.png", "details": who | {"study": "1", "study_date": "20260301"}},
        {"file": "b.png", "details": who | {"study": "2", "study_date": "20260901"}},
        {"file": "c.nii.gz", "details": {"patient_id": "P", "modality": "CT"}},
    ]
    write(made, files)
    return made


def write(folder: Path, files: Any, schema: str = "medlens/samples/1") -> None:
    note = {"schema": schema, "files": files}
    (folder / "samples.json").write_text(json.dumps(note))


def test_a_second_start_adds_nothing(store: Store, folder: Path) -> None:
    first = fill(store, folder, limits=LIMITS)
    assert (first.studies, first.added, first.refused) == (3, 7, ())
    again = fill(store, folder, limits=LIMITS)
    assert (again.studies, again.added) == (3, 0)
    with store.read() as connection:
        rows = connection.execute(sa.select(studies).order_by(studies.c.id)).all()
        lines = connection.execute(sa.select(trail)).all()
        made = connection.execute(sa.select(series.c.modality)).scalars().all()
    assert [row.patient_name for row in rows[:2]] == ["Sample^01"] * 2
    assert [row.study_date for row in rows[:2]] == ["20260301", "20260901"]
    assert [row.instance_count for row in rows] == [1, 1, 5]
    assert sorted(made) == ["CT", "MR", "MR"]
    assert [line.detail["way"] for line in lines] == ["samples"] * 3
    assert verify_trail(store).is_whole


def test_one_that_was_interrupted_is_made_whole(store: Store, folder: Path) -> None:
    whole = json.loads((folder / "samples.json").read_text())["files"]
    write(folder, whole[:1])
    assert fill(store, folder, limits=LIMITS).added == 1
    write(folder, whole)
    assert fill(store, folder, limits=LIMITS).added == 6


def test_what_is_not_taken_is_told(store: Store, folder: Path) -> None:
    (folder / "a.png").write_bytes(b"no picture")
    found = fill(store, folder, limits=LIMITS)
    assert found.studies == 2
    (reason,) = found.refused
    assert reason.startswith("sample 1: ")


BAD: list[tuple[Any, str]] = [
    ("none", "holds no samples.json"),
    ([3], "file 1: wanted a table with `file` and `details`"),
    ([{"file": "../a.png"}], "file 1: is not in the folder"),
    ([{"file": "/etc/passwd"}], "file 1: is not in the folder"),
    ([{"file": "missing.png"}], "file 1: is not in the folder"),
    ([{"file": "a.png", "details": {"patient": "x"}}], "details: wanted texts of"),
    ([{"file": "a.png", "details": {"sex": 3}}], "details: wanted texts of"),
    ([{"file": "a.png", "details": {"sex": "W"}}], "file 1: sex: 1 characters"),
]


@pytest.mark.parametrize(("files", "message"), BAD)
def test_a_note_that_is_wrong_stops_the_start(
    folder: Path, files: Any, message: str
) -> None:
    write(folder, files)
    with pytest.raises(UsageError, match=message):
        read_samples(folder)


def test_a_folder_without_samples_is_told_what_makes_them(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="make it with medlens data samples"):
        read_samples(tmp_path)


def test_invented_patients_belong_into_a_demo(tmp_path: Path) -> None:
    settings = ServeSettings(data=tmp_path / "service")
    with pytest.raises(UsageError, match="--samples: invented patients belong into a"):
        run_service(settings, lambda _: None, samples=tmp_path)
    assert not (tmp_path / "service").exists()
