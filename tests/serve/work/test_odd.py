"""Odd studies in one go: each has a result or a reason, and nothing crashes."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import sqlalchemy as sa
from pydicom.dataset import Dataset

from medlens.serve.receive.receipt import Receipt
from medlens.serve.settings import ServeSettings
from medlens.serve.store.store import Store, open_store
from medlens.serve.store.tables import results, studies
from medlens.serve.work.answer import Workplace
from medlens.serve.work.queue import lease
from medlens.serve.work.ready import make_ready
from medlens.serve.work.rules import rules_from_table
from medlens.serve.work.worker import do
from medlens.write.document import from_document
from tests.serve.work.studies import (
    models_of,
    of_study,
    put_bundle,
    state_of,
    take,
    with_level,
)
from tests.write.dicom_sources import radiograph, series, ultrasound


def answer_all(place: Workplace) -> None:
    """Until no study is left, as a worker would."""
    while make_ready(
        place.store, quiet_s=0, rules_digest="r" * 64, attempts=1, now=time.time() + 1
    ):
        pass
    while job := lease(
        place.store,
        worker="w",
        kinds=("answer",),
        lease_s=600,
        now=time.time() + 1,
    ):
        do(place, job)


def place_of(tmp_path: Path) -> Workplace:
    store = open_store(tmp_path / "service")
    rules = rules_from_table(
        {
            "rule": [
                {
                    "name": "films",
                    "bundle": "tiny",
                    "modality": ["CR", "DX"],
                    "body_part": "CHEST",
                }
            ]
        }
    )
    models = models_of(store, put_bundle(tmp_path / "bundle"))
    return Workplace(store, ServeSettings(), rules, models)


def check_all_told(store: Store) -> Counter[str]:
    """Every study has ended, and has a result that leaves none of its images out."""
    with store.read() as connection:
        rows = connection.execute(sa.select(studies)).all()
        made = {
            row.study_id: from_document(row.diagnosis)
            for row in connection.execute(sa.select(results)).all()
        }
    for row in rows:
        assert row.state in ("answered", "refused"), row.reason
        found = made[row.id]
        said = [a.status == "assessed" or bool(a.reason) for a in found.assessments]
        said += [bool(reason) for _, reason in found.left_out]
        assert said
        assert all(said)
        if row.state == "refused":
            assert row.reason
    return Counter(row.state for row in rows)


def odd(kind: int, number: int) -> list[Dataset]:
    """One study of ten kinds."""
    film = of_study(with_level(radiograph(), 0.8), number)
    scans = [
        of_study(image, number, instance=at + 1)
        for at, image in enumerate(series("CT", slices=5))
    ]
    if kind == 0:  # another part of the body
        film.BodyPartExamined = "KNEE"
        return [film]
    if kind == 1:
        scans[0].ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
        return scans[:1]
    if kind == 2:
        return scans[:2] + scans[3:]
    if kind == 3:
        return [of_study(radiograph(photometric="MONOCHROME1"), number)]
    if kind == 4:  # says JPEG, and is none
        film.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.50"
        film.PixelData = b"\xfe\xff\x00\xe0\x00\x00\x00\x00" + (
            b"\xfe\xff\x00\xe0\x08\x00\x00\x00not jpeg\xfe\xff\xdd\xe0\x00\x00\x00\x00"
        )
        film["PixelData"].is_undefined_length = True
        return [film]
    if kind == 5:
        return [film, film]
    if kind == 6:  # no image at all
        film.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.11"
        film.file_meta.MediaStorageSOPClassUID = film.SOPClassUID
        for keyword in ("Rows", "Columns", "PixelData"):
            delattr(film, keyword)
        return [film]
    if kind == 7:
        return [of_study(ultrasound(frames=3), number)]
    if kind == 8:
        film.Rows = 65535
        return [film]
    film.PixelData = film.PixelData[:10]
    return [film]


def test_a_hundred_odd_studies(tmp_path: Path) -> None:
    place = place_of(tmp_path)
    receipts: list[Receipt] = []
    for number in range(1, 101):
        receipts += [take(place.store, image) for image in odd(number % 10, number)]
    outcomes = Counter(receipt.outcome for receipt in receipts)
    assert all(receipt.reason for receipt in receipts if receipt.outcome == "refused")
    assert outcomes["duplicate"] == 10
    answer_all(place)
    told = check_all_told(place.store)
    assert sum(told.values()) == 100
    # MONOCHROME1 films and films sent twice have an answer; nothing else does.
    assert told == {"answered": 20, "refused": 80}
    wanted = {
        0: "no bundle takes DX KNEE",
        1: "is a localiser by its Image Type",
        2: "no bundle takes CT HEAD",
        6: "is no image (Basic Text SR)",
        7: "is a film of 3 frames",
    }
    with place.store.read() as connection:
        uids = {
            int(row.study_uid.rsplit(".", 1)[1]): row.id
            for row in connection.execute(sa.select(studies))
        }
    for number, study in uids.items():
        said = wanted.get(number % 10)
        if said is not None:
            assert said in state_of(place.store, study)[1]


def test_the_variety_of_real_files(tmp_path: Path, shared_data: Path) -> None:
    """16 transfer syntaxes, MONOCHROME1, palettes, films, objects, damaged files."""
    place = place_of(tmp_path)
    files = sorted((shared_data / "dicom_variety").rglob("*"))
    outcomes: Counter[str] = Counter()
    for path in files:
        if path.is_file() and path.stat().st_size < 20_000_000:
            receipt = take(place.store, path.read_bytes(), origin="upload")
            outcomes[receipt.outcome] += 1
            assert receipt.outcome != "refused" or receipt.reason
    assert outcomes["stored"] > 30
    answer_all(place)
    check_all_told(place.store)
