"""Uploads end in the store as instances, or with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from medlens.serve.receive.intake import Intake
from medlens.serve.receive.upload import UploadReceipt, take_upload
from medlens.serve.receive.wrap import Details
from medlens.serve.settings import Limits
from medlens.serve.store.store import Store, open_store
from medlens.serve.store.tables import instances, refusals, studies
from tests.serve.receive.files import archive, dicom, nifti, picture, put

LIMITS = Limits(free_mb=1, upload_mb=32, zip_entries=50)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "service")
    yield opened
    opened.close()


def taken(
    store: Store, data: bytes, folder: Path, details: Details | None = None
) -> list[UploadReceipt]:
    return take_upload(
        Intake(store, LIMITS),
        put(folder, data, "upload"),
        blobs=store.blobs,
        name="scan",
        peer="ann",
        details=details,
        limits=LIMITS,
    )


def count(store: Store, table: sa.Table) -> int:
    with store.read() as connection:
        query = sa.select(sa.func.count()).select_from(table)
        return int(connection.execute(query).scalar_one())


def test_a_dicom_file_is_kept_unchanged(here: Store, tmp_path: Path) -> None:
    data = dicom()
    (receipt,) = taken(here, data, tmp_path)
    assert (receipt.outcome, receipt.name) == ("stored", "scan")
    with here.read() as connection:
        row = connection.execute(sa.select(instances)).one()
    assert here.blobs.read(row.digest) == data
    assert (row.origin, row.peer) == ("upload", "ann")


def test_a_nifti_volume_is_a_series_and_again_the_same(
    here: Store, tmp_path: Path
) -> None:
    data = nifti(np.arange(60, dtype=np.int16).reshape(5, 4, 3), np.eye(4))
    details = Details(patient_id="P7", modality="MR")
    first = taken(here, data, tmp_path, details)
    assert [receipt.outcome for receipt in first] == ["stored"] * 3
    again = taken(here, data, tmp_path, details)
    assert [receipt.outcome for receipt in again] == ["duplicate"] * 3
    assert (count(here, instances), count(here, studies)) == (3, 1)


def test_every_entry_of_an_archive_has_its_receipt(here: Store, tmp_path: Path) -> None:
    entries = {
        "../../etc/passwd": dicom(1),
        "C:\\x\\..\\a.dcm": dicom(2),
        "/abs/picture.png": picture(np.zeros((4, 4), np.uint8)),
        "volume.nii.gz": nifti(np.zeros((2, 2, 2), np.int16), np.eye(4), packed=True),
        "notes.txt": b"hello",
        "page.html": b"<!doctype html><script>alert(1)</script>",
        "inner.zip": archive({"a.dcm": dicom(3)}),
        "__MACOSX/._a": b"x",
        "cut.dcm": dicom(4)[:150],
    }
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    receipts = taken(here, archive(entries), tmp_path)
    by_name: dict[str, list[UploadReceipt]] = {}
    for receipt in receipts:
        by_name.setdefault(receipt.name, []).append(receipt)
    assert by_name.keys() == entries.keys()
    outcomes = {name: {r.outcome for r in found} for name, found in by_name.items()}
    stored = list(entries)[:4]
    assert all(outcomes[name] == {"stored"} for name in stored)
    assert all(outcomes[name] == {"refused"} for name in list(entries)[4:])
    assert "archive inside" in by_name["inner.zip"][0].reason
    assert "is text" in by_name["notes.txt"][0].reason
    assert "HTML page" in by_name["page.html"][0].reason
    assert all(r.reason and "passwd" not in r.reason for r in receipts if r.reason)
    assert count(here, refusals) == 5
    # Nothing was written but the store's own files, by digest.
    new = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    names = {p.name for p in new if "index.sqlite" not in p.name} - {"upload"}
    assert all(len(name) == 64 for name in names)
    assert list((tmp_path / "service" / "incoming").iterdir()) == []


def test_a_bomb_leaves_what_came_before_it(here: Store, tmp_path: Path) -> None:
    entries = {"a.dcm": dicom(1), "bomb": bytes(80 << 20), "b.dcm": dicom(2)}
    receipts = taken(here, archive(entries), tmp_path)
    assert [receipt.outcome for receipt in receipts] == ["stored", "refused"]
    assert "bomb" in receipts[1].reason


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty file"),
        (b"%PDF-1.7", "a PDF document"),
        (b"PK\x03\x04" + bytes(100), "damaged"),
        (dicom()[:140], ""),
        (nifti(np.zeros((2, 2, 2), np.int16), np.eye(4))[:360], "truncated"),
        (nifti(np.zeros((2, 2, 60), np.int16), np.eye(4)), "50 slices"),
    ],
)
def test_what_is_not_taken_has_a_reason(
    here: Store, tmp_path: Path, data: bytes, words: str
) -> None:
    (receipt,) = taken(here, data, tmp_path)
    assert receipt.outcome == "refused"
    assert receipt.reason
    assert words in receipt.reason
    assert (count(here, instances), count(here, refusals)) == (0, 1)


def test_a_full_store_says_so(here: Store, tmp_path: Path) -> None:
    limits = Limits(free_mb=1 << 40)
    for data in (dicom(), picture(np.zeros((4, 4), np.uint8))):
        (receipt,) = take_upload(
            Intake(here, limits),
            put(tmp_path, data, "upload"),
            blobs=here.blobs,
            name="x",
            peer="ann",
        )
        assert (receipt.outcome, receipt.is_full) == ("refused", True)
