"""Exports: no identity, labels as readers gave them, a form that medlens reads."""

from __future__ import annotations

import csv
import io
import json
import stat
import threading
import time
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import sqlalchemy as sa
from pydicom.dataset import Dataset

from medlens.datasets import open_mask, read_manifest
from medlens.serve.access.trail import verify_trail
from medlens.serve.monitor.feedback import Correction, say
from medlens.serve.settings import Limits, ServeSettings
from medlens.serve.store.doctor import check_store
from medlens.serve.store.keep import remove_study
from medlens.serve.store.store import Store
from medlens.serve.store.tables import exports, instances, jobs, results, trail
from medlens.serve.work.answer import Workplace
from medlens.serve.work.exports import KEPT_S, KEY, Wanted, remove_old_exports
from medlens.serve.work.queue import enqueue, lease
from medlens.serve.work.ready import make_ready
from medlens.serve.work.worker import do
from medlens.write.document import from_document
from tests.serve.work.studies import models_of, of_study, put_bundle, take, with_level
from tests.write.dicom_sources import radiograph, series, ultrasound

TOKEN = "Plantedname"
BRIGHT, DARK = 0.9, 0.05


@pytest.fixture
def place(store: Store, tmp_path: Path) -> Workplace:
    return place_of(store, put_bundle(tmp_path / "bundle"))


def place_of(store: Store, folder: Path) -> Workplace:
    settings = ServeSettings(limits=Limits(free_mb=1))
    return Workplace(store, settings, None, models_of(store, folder))


def receive(store: Store, image: Dataset, number: int, **more: int) -> int:
    made = of_study(image, number, **more)
    made.PatientName = f"{TOKEN}^{number}"
    made.PatientID = f"{TOKEN}-{number}"
    made.InstitutionName = f"{TOKEN} Hospital"
    made.StudyDescription = made.ImageComments = TOKEN
    study = take(store, made).study_id
    assert study is not None
    return study


def answer_all(place: Workplace) -> None:
    make_ready(
        place.store, quiet_s=0, rules_digest="r" * 64, attempts=3, now=time.time() + 1
    )
    while True:
        job = lease(
            place.store, worker="w", kinds=("answer",), lease_s=60, now=time.time() + 1
        )
        if job is None:
            return
        do(place, job)


def judge(
    store: Store, study: int, verdict: Any, reader: int | None = None, **more: Any
) -> None:
    with store.begin() as connection:
        row = connection.execute(
            sa.select(results).where(results.c.study_id == study)
        ).one()
        diagnosis = from_document(row.diagnosis)
        for finding in diagnosis.assessments[0].findings:
            say(
                connection, result=row.id, study_id=study, diagnosis=diagnosis,
                assessment=0, finding=finding.id, verdict=verdict, reader=reader,
                now=1.0, comment=f"{TOKEN} says", **more,
            )  # fmt: skip


def make_export(place: Workplace, wanted: Wanted) -> Any:
    """The row of an export, once it is done."""
    with place.store.begin() as connection:
        number = enqueue(
            connection, kind="export", key=f"export:{time.monotonic_ns()}",
            payload=asdict(wanted), now=0.0,
        )  # fmt: skip
    job = lease(place.store, worker="w", kinds=("export",), lease_s=60, now=time.time())
    assert job is not None
    do(place, job)
    with place.store.read() as connection:
        done = connection.execute(sa.select(jobs).where(jobs.c.id == number)).one()
        assert (done.state, done.error) == ("done", "")
        return connection.execute(
            sa.select(exports).where(exports.c.job_id == number)
        ).one()


def unpack(store: Store, row: Any, folder: Path) -> Path:
    """The archive as files, after it was searched for what must not be in it."""
    data = store.blobs.read(row.digest)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        for entry in archive.infolist():
            whole = entry.filename.encode() + archive.read(entry)
            for token in (TOKEN, "1.2.840.99", "1.2.826.0.1.3680043.8.498.1"):
                assert token.encode() not in whole, (entry.filename, token)
        archive.extractall(folder)
    return folder


def table_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "labels.csv").open() as file:
        return list(csv.DictReader(file))


def test_studies_leave_without_identity(place: Workplace, tmp_path: Path) -> None:
    store = place.store
    two = [receive(store, with_level(radiograph(), BRIGHT), n) for n in (1, 2)]
    answer_all(place)  # results of ours are no images of theirs
    row = make_export(place, Wanted(studies=(*two, 99), user="someone"))
    folder = unpack(store, row, tmp_path / "out")
    files = sorted(folder.rglob("*.dcm"))
    assert len(files) == row.report["images"] == 2
    assert row.report["patients"] == 2
    assert row.report["left_out"] == [{"case": "study 99", "reason": "was removed"}]
    for path in files:
        header = pydicom.dcmread(path)
        assert header.PatientIdentityRemoved == "YES"
        assert header.PatientID == path.parent.parent.name
        assert header.SOPInstanceUID == path.stem
    told = json.loads((folder / "export.json").read_text())
    assert (told["schema"], told["images"]) == ("medlens/export/1", 2)
    assert "study" not in json.dumps(told["methods"])
    assert not (folder / "labels.csv").exists()


def test_the_key_is_made_once_for_its_owner_alone(place: Workplace) -> None:
    store = place.store
    study = receive(store, with_level(radiograph(), BRIGHT), 1)
    first = make_export(place, Wanted(studies=(study,)))
    path = store.folder / KEY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    second = make_export(place, Wanted(studies=(study,)))
    assert path.read_bytes() == before
    assert first.digest == second.digest  # the same names: they belong together


def test_every_study_has_its_line_and_the_store_agrees(place: Workplace) -> None:
    store = place.store
    study = receive(store, with_level(radiograph(), BRIGHT), 1)
    row = make_export(place, Wanted(studies=(study,), user="someone"))
    with store.read() as connection:
        lines = connection.execute(
            sa.select(trail).where(trail.c.action == "export study")
        ).all()
    (line,) = lines
    assert (line.who, line.study_id) == ("someone", study)
    assert line.detail == {"job": row.job_id, "images": 1}
    assert verify_trail(store).is_whole
    assert [f.name for f in check_store(store, deep=True) if f.count] == []


def test_what_a_person_must_see_is_held_until_they_did(place: Workplace) -> None:
    store = place.store
    study = receive(store, ultrasound(), 1)
    row = make_export(place, Wanted(studies=(study,)))
    (held,) = row.report["held"]
    assert held["case"] == f"study {study}, series 1/image 1"
    assert "modality US often holds text" in held["reason"]
    assert row.report["images"] == 0
    with store.read() as connection:
        assert held["instance"] == connection.execute(
            sa.select(instances.c.id)
        ).scalar()  # fmt: skip
    again = make_export(place, Wanted(studies=(study,), released=(held["instance"],)))
    assert (again.report["images"], again.report["held"]) == (1, [])
    other = make_export(place, Wanted(studies=(study,), released=(10**9,)))
    assert other.report["held_count"] == 1


def test_a_corrected_data_set_is_one_that_medlens_reads(
    place: Workplace, tmp_path: Path
) -> None:
    store = place.store
    (model,) = place.models.active
    studies = [
        receive(store, with_level(radiograph(), level), number)
        for number, level in enumerate((BRIGHT, BRIGHT, DARK, DARK, BRIGHT, BRIGHT), 1)
    ]
    answer_all(place)
    judge(store, studies[0], "accept")  # blob
    judge(store, studies[1], "reject")  # normal
    judge(store, studies[2], "accept")  # normal
    judge(store, studies[3], "reject")  # blob
    judge(store, studies[4], "correct", correction=Correction(label=TOKEN))
    row = make_export(place, Wanted(bundle=model.digest))
    folder = unpack(store, row, tmp_path / "out")
    rows = table_of(folder)
    assert [r["label"] for r in rows] == ["blob", "normal", "normal", "blob"]
    assert len({r["patient"] for r in rows}) == 4
    (site,) = {r["site"] for r in rows}
    assert site.startswith("S")
    (left,) = row.report["left_out"]
    assert left["case"].startswith(f"study {studies[4]},")
    assert "none of the bundle's" in left["reason"]
    assert (row.report["cases"], row.report["images"]) == (4, 4)
    manifest = read_manifest(folder)
    assert (manifest.form, manifest.kind) == ("image", "binary")
    assert set(manifest.labels) == {"normal", "blob"}
    assert len(manifest.cases) == 4
    assert not manifest.problems


def test_readers_who_disagree_give_no_label(place: Workplace) -> None:
    from tests.serve.people import make_person

    store = place.store
    (model,) = place.models.active
    study = receive(store, with_level(radiograph(), BRIGHT), 1)
    answer_all(place)
    judge(store, study, "accept", make_person(store, name="one"))
    judge(store, study, "reject", make_person(store, name="two"))
    row = make_export(place, Wanted(bundle=model.digest))
    assert row.report["left_out"][0]["reason"] == "readers disagree"
    assert row.report["images"] == 0


def test_masks_lie_on_the_images(store: Store, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    from tests.serve.work.masks import put_mask_bundle

    place = place_of(store, put_mask_bundle(tmp_path / "masks"))
    (model,) = place.models.active
    sources = series("CT", slices=4)
    for at, image in enumerate(sources):
        pixels = np.zeros((image.Rows, image.Columns), np.int16)
        pixels[4 : 8 + at, 10:20] = 1200  # another size on each slice
        image.PixelData = pixels.tobytes()
        study = receive(store, image, 1, instance=at + 1)
    answer_all(place)
    judge(store, study, "accept")
    row = make_export(place, Wanted(bundle=model.digest))
    assert row.report["left_out"] == []
    folder = unpack(store, row, tmp_path / "out")
    rows = table_of(folder)
    assert len(rows) == 4
    assert len({r["mask"] for r in rows}) == 1
    manifest = read_manifest(folder)
    assert (manifest.form, len(manifest.cases)) == ("segment", 1)
    mask = open_mask(manifest.cases[0], manifest.mask_values)
    named = [manifest.labels[index] for index in np.unique(mask)]
    (kept,) = [f for f in from_document(_document(store)).assessments[0].findings
               if f.is_present]  # fmt: skip
    assert named == ["background", kept.label]
    sizes = [int((plane > 0).sum()) for plane in mask]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def _document(store: Store) -> Any:
    with store.read() as connection:
        return connection.execute(sa.select(results.c.diagnosis)).scalar_one()


def test_a_mask_that_was_rejected_is_none(store: Store, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    from tests.serve.work.masks import put_mask_bundle

    place = place_of(store, put_mask_bundle(tmp_path / "masks"))
    (model,) = place.models.active
    for at, image in enumerate(series("CT", slices=4)):
        study = receive(store, image, 1, instance=at + 1)
    answer_all(place)
    judge(store, study, "reject")
    row = make_export(place, Wanted(bundle=model.digest))
    assert row.report["left_out"][0]["reason"].startswith("readers did not accept")


def test_old_exports_go_with_their_files(place: Workplace) -> None:
    import os

    store = place.store
    study = receive(store, with_level(radiograph(), BRIGHT), 1)
    row = make_export(place, Wanted(studies=(study,)))
    path = store.blobs.path_of(row.digest)
    os.utime(path, (1.0, 1.0))
    assert remove_old_exports(store, now=row.made_at + KEPT_S - 1) == 0
    assert path.exists()
    assert remove_old_exports(store, now=row.made_at + KEPT_S + 1) == 1
    assert not path.exists()


def test_an_export_of_one_study_goes_with_it(place: Workplace) -> None:
    store = place.store
    study = receive(store, with_level(radiograph(), BRIGHT), 1)
    row = make_export(place, Wanted(studies=(study,)))
    with store.begin() as connection:  # as the API asks for it
        connection.execute(
            sa.update(jobs).where(jobs.c.id == row.job_id).values(study_id=study)
        )
    remove_study(store, study)
    with store.read() as connection:
        assert connection.execute(sa.select(exports)).all() == []


def test_a_worker_that_should_end_hands_it_back(place: Workplace) -> None:
    store = place.store
    study = receive(store, with_level(radiograph(), BRIGHT), 1)
    with store.begin() as connection:
        enqueue(
            connection, kind="export", key="k", now=0.0,
            payload=asdict(Wanted(studies=(study,))),
        )  # fmt: skip
    job = lease(store, worker="w", kinds=("export",), lease_s=60, now=time.time())
    assert job is not None
    stop = threading.Event()
    stop.set()
    do(place, job, stop)
    with store.read() as connection:
        row = connection.execute(sa.select(jobs).where(jobs.c.kind == "export")).one()
        assert (row.state, row.attempts) == ("waiting", 0)
        assert connection.execute(sa.select(exports)).all() == []
    assert list(store.blobs.incoming.iterdir()) == []
