"""Objects of a diagnosis, as many as its images need."""

from __future__ import annotations

import time
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pydicom
import sqlalchemy as sa

from medlens.core.diagnosis import Place
from medlens.predict.diagnose import gather
from medlens.serve.store.store import Store
from medlens.serve.store.tables import result_objects
from medlens.serve.work.candidates import find_candidates
from medlens.serve.work.choose import Task
from medlens.serve.work.inputs import Study, load_study
from medlens.serve.work.look import Looked
from medlens.serve.work.objects import write_objects
from medlens.serve.work.queue import lease
from medlens.serve.work.ready import make_ready
from medlens.serve.work.results import Result, keep_result
from medlens.serve.work.rule import Rule
from tests.serve.work.studies import models_of, of_study, put_bundle, take
from tests.write.answers import rich_diagnosis
from tests.write.dicom_sources import series

SLOPES = (1.0, 1.0, 2.0, 2.0)
BOX = (1.0, 1.0, 5.0, 5.0)


def receive_mixed(store: Store) -> Study:
    """An MR series whose slices are rescaled in two ways."""
    number = None
    for at, (image, slope) in enumerate(zip(series("MR"), SLOPES, strict=True), 1):
        image.RescaleSlope, image.RescaleIntercept = slope, 0.0
        image.RescaleType = "US"
        number = take(store, of_study(image, 1, instance=at)).study_id
    assert number is not None
    found = load_study(store, number)
    assert found is not None
    return found


def mark_all(store: Store, study: Study, bundle: Path) -> Looked:
    """An answer with a box on every slice."""
    (candidate,) = find_candidates(study).found
    model = models_of(store, bundle).active[0]
    answer = rich_diagnosis(series("MR")).assessments[0]
    findings = tuple(
        replace(answer.findings[0], id=str(at), place=Place(image=image, box=BOX))
        for at, image in enumerate(candidate.images)
    )
    return Looked(
        Task(candidate, model, Rule("r", bundle="b")),
        replace(answer, images=candidate.images, findings=findings),
    )


def test_marks_on_images_that_are_shown_otherwise_are_not_lost(
    store: Store, tmp_path: Path
) -> None:
    study = receive_mixed(store)
    looked = mark_all(store, study, put_bundle(tmp_path / "bundle"))
    diagnosis = gather("study 1", [looked.assessment])
    written = write_objects(diagnosis, [looked], key="k", lang="en", when=1e9)
    assert written.missing == ()
    states = [made for made in written.objects if made.kind == "GSPS"]
    assert [made.part for made in states] == [0, 1]
    marked = [
        image.ReferencedSOPInstanceUID
        for made in states
        for group in pydicom.dcmread(BytesIO(made.data)).ReferencedSeriesSequence
        for image in group.ReferencedImageSequence
    ]
    assert sorted(marked) == sorted(item.sop_uid for item in study.inputs)

    now = time.time() + 1
    make_ready(store, quiet_s=0, rules_digest="r", attempts=1, now=now)
    job = lease(store, worker="w", kinds=("answer",), lease_s=60, now=now)
    assert job is not None
    result = Result("active:k", "active", diagnosis, (looked,), written)
    keep_result(store, job, study, result)
    columns = result_objects.c.kind, result_objects.c.part
    with store.read() as connection:
        kept = connection.execute(sa.select(*columns).order_by(result_objects.c.id))
        assert [tuple(row) for row in kept] == [
            ("GSPS", 0), ("GSPS", 1), ("SR", 0), ("FHIR", 0),
        ]  # fmt: skip
