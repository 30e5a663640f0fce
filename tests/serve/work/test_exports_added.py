"""What readers drew and added in a corrected data set, read back by medlens."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from medlens.core.diagnosis import Diagnosis
from medlens.datasets import open_mask, read_manifest
from medlens.serve.monitor.feedback import Correction, Plane, say
from medlens.serve.store.store import Store
from medlens.serve.store.tables import results
from medlens.serve.work.answer import Workplace
from medlens.serve.work.exports import Wanted
from medlens.serve.work.inputs import load_study
from medlens.serve.work.reader_objects import (
    ReaderObject,
    keep_object,
    read_headers,
)
from medlens.write.document import from_document
from medlens.write.drawn import Drawing, to_drawn_segmentation
from medlens.write.stamp import to_bytes
from tests.serve.people import make_person
from tests.serve.work.masks import put_mask_bundle
from tests.serve.work.studies import put_bundle, with_level
from tests.serve.work.test_exports import (
    answer_all,
    make_export,
    place_of,
    receive,
    table_of,
    unpack,
)
from tests.write.dicom_sources import radiograph, series

BOX = (3.0, 4.0, 9.0, 11.0)


def diagnosis_of(store: Store, study: int) -> tuple[int, Diagnosis]:
    with store.read() as connection:
        row = connection.execute(
            sa.select(results).where(results.c.study_id == study)
        ).one()
    return row.id, from_document(row.diagnosis)


def speak(
    store: Store, study: int, finding: str, verdict: Any, reader: int | None = None,
    **correction: Any,
) -> None:  # fmt: skip
    number, diagnosis = diagnosis_of(store, study)
    with store.begin() as connection:
        say(
            connection, result=number, study_id=study, diagnosis=diagnosis,
            assessment=0, finding=finding, verdict=verdict, reader=reader, now=1.0,
            correction=Correction(**correction),
        )  # fmt: skip


def draw(store: Store, study: int, label: str, planes: dict[int, Any]) -> str:
    """SOP Instance UID of a mask that a reader drew."""
    number, diagnosis = diagnosis_of(store, study)
    found = load_study(store, study)
    assert found is not None
    (assessment,) = diagnosis.assessments
    headers = read_headers(found, [i.sop_instance_uid for i in assessment.images])
    made = to_drawn_segmentation(
        assessment, Drawing(planes, label, "1", "reader"), headers,
        key=f"k{time.monotonic_ns()}", series_key="s",
    )  # fmt: skip
    data = to_bytes(made)
    with store.begin() as connection:
        kept = keep_object(
            connection, found,
            ReaderObject("SEG", str(made.SOPInstanceUID), number, data,
                         store.blobs.put(data), None),
            now=time.time(),
        )  # fmt: skip
    assert kept is not None
    return kept.sop_uid


def test_added_labels_and_boxes_are_in_the_set(store: Store, tmp_path: Path) -> None:
    place = place_of(store, put_bundle(tmp_path / "b"))
    (model,) = place.models.active
    dark, other, odd = (
        receive(store, with_level(radiograph(), 0.05), n) for n in (1, 2, 3)
    )
    answer_all(place)

    def image_of(study: int) -> Plane:
        _, diagnosis = diagnosis_of(store, study)
        return Plane(diagnosis.assessments[0].images[0].sop_instance_uid)

    speak(store, dark, "", "add", label="blob", box=BOX, image=image_of(dark))
    speak(store, other, "1", "accept")  # rightly absent
    speak(store, other, "", "add", label="rib", box=BOX, image=image_of(other))
    speak(store, odd, "", "add", label="blob", box=BOX, image=image_of(odd))
    row = make_export(place, Wanted(bundle=model.digest, studies=(dark, other)))
    assert row.report["left_out"] == []
    folder = unpack(store, row, tmp_path / "out")
    rows = table_of(folder)
    # A label and a box of it; what the bundle does not look for is not told.
    assert [(r["label"], r["boxes"]) for r in rows] == [
        ("blob", "3 4 9 11"),
        ("normal", ""),
    ]
    manifest = read_manifest(folder)
    assert not manifest.problems
    assert set(manifest.labels) == {"normal", "blob"}
    assert len(manifest.cases) == 2
    assert "rib" not in (folder / "labels.csv").read_text()
    whole = make_export(place, Wanted(bundle=model.digest))
    assert whole.report["cases"] == 3


def test_readers_who_disagree_about_what_was_added(
    store: Store, tmp_path: Path
) -> None:
    place = place_of(store, put_bundle(tmp_path / "b"))
    (model,) = place.models.active
    study = receive(store, with_level(radiograph(), 0.05), 1)
    answer_all(place)
    _, diagnosis = diagnosis_of(store, study)
    image = Plane(diagnosis.assessments[0].images[0].sop_instance_uid)
    speak(store, study, "", "add", label="blob", box=BOX, image=image)
    speak(store, study, "+1", "reject", make_person(store, name="two"))
    row = make_export(place, Wanted(bundle=model.digest))
    (left,) = row.report["left_out"]
    assert left["reason"] == "readers disagree about a finding that one of them added"


@pytest.fixture
def volume(store: Store, tmp_path: Path) -> tuple[Workplace, int]:
    """A series in which the bundle drew one label on each of four slices."""
    pytest.importorskip("onnx")
    place = place_of(store, put_mask_bundle(tmp_path / "masks"))
    study = 0
    for at, image in enumerate(series("CT", slices=4)):
        pixels = np.zeros((image.Rows, image.Columns), np.int16)
        pixels[4:8, 10:20] = 1200
        image.PixelData = pixels.tobytes()
        study = receive(store, image, 1, instance=at + 1)
    answer_all(place)
    return place, study


def exported(place: Workplace, folder: Path) -> tuple[Any, tuple[str, ...]]:
    (model,) = place.models.active
    row = make_export(place, Wanted(bundle=model.digest))
    assert row.report["left_out"] == []
    manifest = read_manifest(unpack(place.store, row, folder))
    assert manifest.form == "segment"
    return open_mask(manifest.cases[0], manifest.mask_values), manifest.labels


def test_a_drawn_mask_takes_the_place_of_its_label_alone(
    volume: tuple[Workplace, int], tmp_path: Path
) -> None:
    place, study = volume
    store = place.store
    _, diagnosis = diagnosis_of(store, study)
    (assessment,) = diagnosis.assessments
    present = next(f for f in assessment.findings if f.is_present)
    absent = next(f for f in assessment.findings if not f.is_present)
    plane = np.zeros((24, 32), bool)
    plane[1:3, 1:5] = True
    uid = draw(store, study, present.label, {1: plane, 2: plane})
    speak(store, study, present.id, "correct", mask=uid)
    other = np.zeros((24, 32), bool)
    other[20:22, 25:30] = True
    added = draw(store, study, absent.label, {3: other})
    speak(store, study, "", "add", label=absent.label, mask=added)
    mask, labels = exported(place, tmp_path / "out")
    drawn, missed = labels.index(present.label), labels.index(absent.label)
    wanted = np.zeros((4, 24, 32), np.uint8)
    wanted[1:3, 1:3, 1:5] = drawn
    wanted[3, 20:22, 25:30] = missed
    assert np.array_equal(mask, wanted)


def test_a_new_name_keeps_the_drawing(
    volume: tuple[Workplace, int], tmp_path: Path
) -> None:
    place, study = volume
    _, diagnosis = diagnosis_of(place.store, study)
    (assessment,) = diagnosis.assessments
    present = next(f for f in assessment.findings if f.is_present)
    absent = next(f for f in assessment.findings if not f.is_present)
    speak(place.store, study, present.id, "accept")
    before, _ = exported(place, tmp_path / "one")
    speak(place.store, study, present.id, "correct", label=absent.label)
    after, labels = exported(place, tmp_path / "two")
    assert np.array_equal(before > 0, after > 0)
    assert set(np.unique(after)) == {0, labels.index(absent.label)}


def test_a_finding_added_without_a_mask_leaves_the_answer_out(
    volume: tuple[Workplace, int],
) -> None:
    place, study = volume
    _, diagnosis = diagnosis_of(place.store, study)
    (assessment,) = diagnosis.assessments
    present = next(f for f in assessment.findings if f.is_present)
    absent = next(f for f in assessment.findings if not f.is_present)
    image = Plane(assessment.images[0].sop_instance_uid)
    speak(place.store, study, present.id, "accept")
    speak(place.store, study, "", "add", label=absent.label, box=BOX, image=image)
    (model,) = place.models.active
    row = make_export(place, Wanted(bundle=model.digest))
    assert row.report["left_out"][0]["reason"] == "a finding was added without a mask"
