"""The door: what is taken, what is one, what is kept aside, what is refused."""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from medlens.serve.receive.intake import Intake
from medlens.serve.receive.receipt import Receipt
from medlens.serve.settings import Limits
from medlens.serve.store.store import Store, open_store
from medlens.serve.store.tables import (
    conflicts,
    instances,
    refusals,
    series,
    studies,
)
from tests.serve.dicom_files import SR, part10

SMALL = Limits(free_mb=1)


@pytest.fixture
def intake(store: Store) -> Intake:
    return Intake(store, SMALL)


def take(intake: Intake, data: bytes, **details: Any) -> Receipt:
    details.setdefault("origin", "dicom")
    with intake.store.blobs.draft() as draft:
        draft.write(data)
        return intake.take(draft, **details)


def rows(store: Store, table: sa.Table) -> list[Any]:
    with store.read() as connection:
        query = sa.select(table).order_by(table.c.id)
        return list(connection.execute(query).mappings())


def files(store: Store) -> list[Path]:
    return [each for each in store.blobs.folder.rglob("*") if each.is_file()]


def test_a_new_instance_is_kept_unchanged_and_indexed(
    store: Store, intake: Intake
) -> None:
    data = part10(7, study=3)
    receipt = take(intake, data, peer="CT1")
    assert (receipt.outcome, receipt.reason, receipt.is_full) == ("stored", "", False)
    (instance,) = rows(store, instances)
    assert store.blobs.read(instance["digest"]) == data
    assert (instance["bytes"], instance["peer"], instance["origin"]) == (
        len(data),
        "CT1",
        "dicom",
    )
    assert (instance["number"], instance["rows"], instance["frames"]) == (7, 4, None)
    (study,) = rows(store, studies)
    assert receipt.study_id == study["id"]
    assert study["patient_id"] == "P3"
    assert study["name_key"] == "doe^jane"
    assert study["modalities"] == "\\CT\\"
    assert study["bytes"] == len(data)
    assert study["state"] == "receiving"
    assert study["last_at"] == instance["received_at"]
    assert receipt.sop_uid == instance["sop_uid"] == "1.2.99.3.1.7"
    assert not list(store.blobs.incoming.iterdir())


def test_counters_follow_the_tree(store: Store, intake: Intake) -> None:
    for series_number, number in ((1, 1), (1, 2), (2, 1)):
        modality = "CT" if series_number == 1 else "SR"
        take(intake, part10(number, series=series_number, modality=modality))
    (study,) = rows(store, studies)
    assert (study["series_count"], study["instance_count"]) == (2, 3)
    assert study["modalities"] == "\\CT\\SR\\"
    assert [each["instance_count"] for each in rows(store, series)] == [2, 1]


def test_the_same_twice_is_one(store: Store, intake: Intake) -> None:
    first = take(intake, part10())
    again = take(intake, part10())
    assert (again.outcome, again.study_id) == ("duplicate", first.study_id)
    assert len(files(store)) == len(rows(store, instances)) == 1


def test_the_same_under_another_file_meta_is_one(store: Store, intake: Intake) -> None:
    take(intake, part10(maker="1.2.3"))
    again = take(intake, part10(maker="1.2.3.4.5.6"))
    assert again.outcome == "duplicate"
    assert len(files(store)) == 1
    assert rows(store, conflicts) == []


def test_another_under_a_taken_uid_is_kept_aside(store: Store, intake: Intake) -> None:
    take(intake, part10())
    other = part10(pixels=bytes(32))
    for _ in range(2):
        receipt = take(intake, other)
        assert receipt.outcome == "conflict"
        assert "another instance" in receipt.reason
    (aside,) = rows(store, conflicts)
    assert store.blobs.read(aside["digest"]) == other
    (instance,) = rows(store, instances)
    assert store.blobs.read(instance["digest"]) == part10()


def test_a_lost_file_is_healed_by_sending_it_again(
    store: Store, intake: Intake
) -> None:
    take(intake, part10())
    files(store)[0].unlink()
    assert take(intake, part10()).outcome == "duplicate"
    assert [each.read_bytes() for each in files(store)] == [part10()]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"patient_id": "OTHER"}, "another patient"),
        ({"patient_id": "", "patient_name": "Roe^Rita"}, "another patient"),
        ({"patient_id": "", "birth_date": "19800101"}, "another patient"),
    ],
)
def test_a_study_never_mixes_two_patients(
    store: Store, intake: Intake, change: Any, reason: str
) -> None:
    take(intake, part10(1))
    receipt = take(intake, part10(2, **change))
    assert (receipt.outcome, receipt.is_full) == ("refused", False)
    assert reason in receipt.reason
    assert "OTHER" not in receipt.reason
    assert "Rita" not in receipt.reason
    assert len(rows(store, instances)) == len(files(store)) == 1


def test_a_later_header_fills_what_the_first_lacked(
    store: Store, intake: Intake
) -> None:
    take(intake, part10(1, patient_id="", description=""))
    take(intake, part10(2))
    (study,) = rows(store, studies)
    assert (study["patient_id"], study["description"]) == ("P1", "Chest")


def test_a_study_is_as_old_as_its_header_says(store: Store, intake: Intake) -> None:
    """The first image names no day: until one does, the study is as new as it came."""
    take(intake, part10(1, study_date="", study_time=""))
    (study,) = rows(store, studies)
    assert study["began_at"] == study["received_at"]
    take(intake, part10(2, study_date="20260304", study_time="0930"))
    (study,) = rows(store, studies)
    assert study["began_at"] == datetime(2026, 3, 4, 9, 30).timestamp()
    take(intake, part10(3, study=2, study_date="20250101", study_time=""))
    assert rows(store, studies)[1]["began_at"] == datetime(2025, 1, 1).timestamp()


def test_own_results_do_not_open_a_study_again(store: Store, intake: Intake) -> None:
    take(intake, part10(1))
    with store.begin() as connection:
        connection.execute(sa.update(studies).values(state="answered", last_at=5.0))
    report = part10(1, series=9, sop_class=SR, modality="SR", pixels=None)
    assert take(intake, report, origin="own").outcome == "stored"
    (study,) = rows(store, studies)
    assert (study["state"], study["last_at"]) == ("answered", 5.0)
    assert [each["is_own"] for each in rows(store, series)] == [False, True]
    take(intake, part10(2))
    assert rows(store, studies)[0]["state"] == "receiving"


def test_our_results_come_back_as_duplicates(store: Store, intake: Intake) -> None:
    report = {"series": 9, "sop_class": SR, "modality": "SR", "pixels": None}
    take(intake, part10(1, **report), origin="own")
    back = take(intake, part10(1, **report, maker="1.2.4"))
    assert back.outcome == "duplicate"
    changed = take(intake, part10(1, **report, patient_name="Doe^Janet"))
    assert changed.outcome == "duplicate"  # noticed all the same:
    assert len(rows(store, conflicts)) == 1
    assert rows(store, studies)[0]["state"] == "answered"


def test_results_of_another_medlens_are_known_by_their_mark(
    store: Store, intake: Intake
) -> None:
    take(intake, part10(1, series=2, manufacturer="medlens", burned_in="YES"))
    assert rows(store, series)[0]["is_own"]
    take(intake, part10(2, series=3, manufacturer="medlens"))  # wrapped, no result
    assert not rows(store, series)[1]["is_own"]
    assert rows(store, studies)[0]["state"] == "receiving"


def test_a_foreign_image_in_a_series_of_ours_is_not_hidden(
    store: Store, intake: Intake
) -> None:
    take(intake, part10(1), origin="own")
    take(intake, part10(2))
    assert not rows(store, series)[0]["is_own"]


def test_what_was_announced_must_come(intake: Intake) -> None:
    announced = {"sop_class": SR, "sop_uid": "1.2.99.1.1.1"}
    receipt = take(intake, part10(), **announced)
    assert receipt.outcome == "refused"
    assert "not the one announced" in receipt.reason
    assert take(intake, part10(), sop_uid="1.2.99.1.1.1").outcome == "stored"


def test_a_refusal_leaves_its_reason_and_no_bytes(store: Store, intake: Intake) -> None:
    receipt = take(intake, b"GIF89a", origin="upload", peer="web", case="a.gif")
    assert receipt.outcome == "refused"
    (refusal,) = rows(store, refusals)
    assert refusal["reason"] == receipt.reason
    assert "no DICOM file" in refusal["reason"]
    assert (refusal["case"], refusal["origin"]) == ("a.gif", "upload")
    assert files(store) == list(store.blobs.incoming.iterdir()) == []


def test_too_large_a_file_is_refused(store: Store) -> None:
    intake = Intake(store, Limits(free_mb=1, instance_mb=0))
    receipt = take(intake, part10())
    assert "larger than 0 MB" in receipt.reason
    assert not receipt.is_full


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(free_mb=1 << 40), "disk space is left"),
        (Limits(free_mb=1, store_gb=1e-9), "quota of 1e-09 GB is used up"),
    ],
)
def test_without_space_it_is_refused_politely(
    store: Store, limits: Limits, reason: str
) -> None:
    take(Intake(store, SMALL), part10(1))
    receipt = take(Intake(store, limits), part10(2))
    assert (receipt.outcome, receipt.is_full) == ("refused", True)
    assert reason in receipt.reason
    assert len(rows(store, instances)) == 1


def test_many_threads_and_two_processes_make_one_tree(
    store: Store, intake: Intake
) -> None:
    other = Intake(open_store(store.folder, store.url, migrate=False), SMALL)
    outcomes: list[str] = []

    def send(door: Intake, numbers: range) -> None:
        for number in numbers:
            data = part10(number, study=number % 3, series=number % 2)
            outcomes.append(take(door, data).outcome)

    doors = [(intake, range(24)), (intake, range(12, 36)), (other, range(6, 30))]
    threads = [threading.Thread(target=send, args=each) for each in doors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    other.store.close()
    assert sorted(set(outcomes)) == ["duplicate", "stored"]
    assert outcomes.count("stored") == 36
    assert len(rows(store, instances)) == len(files(store)) == 36
    assert [each["instance_count"] for each in rows(store, studies)] == [12, 12, 12]
    assert [each["series_count"] for each in rows(store, studies)] == [2, 2, 2]
    assert sum(each["instance_count"] for each in rows(store, series)) == 36
