"""From a ready study to its result, written once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest
import sqlalchemy as sa

from medlens.serve.settings import ServeSettings
from medlens.serve.store.store import Store
from medlens.serve.store.tables import (
    bundles,
    instances,
    jobs,
    result_objects,
    results,
    scores,
    series,
    studies,
)
from medlens.serve.work.answer import Workplace
from medlens.serve.work.heartbeat import Heartbeat
from medlens.serve.work.queue import Job, LostLeaseError, lease
from medlens.serve.work.ready import make_ready
from medlens.serve.work.rules import Rules, rules_from_table
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
from tests.write.dicom_sources import radiograph
from tests.write.dicom_sources import series as make_series

BRIGHT, DARK = 0.9, 0.05


def place_of(store: Store, *folders: Path, rules: Rules | None = None) -> Workplace:
    return Workplace(store, ServeSettings(), rules, models_of(store, *folders))


@pytest.fixture
def place(store: Store, tmp_path: Path) -> Workplace:
    return place_of(store, put_bundle(tmp_path / "bundle"))


def next_job(place: Workplace, kind: str = "answer") -> Job:
    make_ready(
        place.store, quiet_s=0, rules_digest="r" * 64, attempts=3, now=time.time() + 1
    )
    job = lease(place.store, worker="w", kinds=(kind,), lease_s=60, now=time.time() + 1)
    assert job is not None
    return job


def receive(store: Store, number: int, level: float, **more: Any) -> int:
    image = of_study(with_level(radiograph(), level), number)
    for key, value in more.items():
        setattr(image, key, value)
    study = take(store, image).study_id
    assert study is not None
    return study


def rows(store: Store, table: sa.Table) -> list[Any]:
    with store.read() as connection:
        return list(connection.execute(sa.select(table)).all())


def test_a_radiograph_is_answered(place: Workplace) -> None:
    store = place.store
    study = receive(store, 1, BRIGHT)
    do(place, next_job(place))
    assert state_of(store, study) == ("answered", "")
    (result,) = rows(store, results)
    found = from_document(result.diagnosis)
    (assessment,) = found.assessments
    (finding,) = assessment.findings
    # Mean brightness 0.9: logits -10 × 0.9 - 2 and 10 × 0.9 - 2; their difference 18.
    assert finding.probability == pytest.approx(1 / (1 + 2.718281828**-18.0), abs=1e-3)
    assert (finding.label, finding.is_present) == ("blob", True)
    assert (result.role, result.job_id) == ("active", 1)
    (job,) = rows(store, jobs)
    assert (job.state, job.progress) == ("done", 1.0)


def test_objects_are_instances_of_the_study(place: Workplace) -> None:
    store = place.store
    study = receive(store, 1, BRIGHT)
    do(place, next_job(place))
    made = {row.kind: row for row in rows(store, result_objects)}
    assert {"SR", "SC", "GSPS", "FHIR"} <= set(made)
    for kind, row in made.items():
        data = store.blobs.read(row.digest)
        assert len(data) == row.bytes
        if kind in ("FHIR", "MAPS"):
            continue
        header = pydicom.dcmread(BytesIO(data))
        assert header.SOPInstanceUID == row.sop_uid
        assert header.StudyInstanceUID == "1.2.840.99.1"
        assert header.PatientID == "P-1"
    own = [row for row in rows(store, instances) if row.origin == "own"]
    assert {row.sop_uid for row in own} == {r.sop_uid for r in made.values()} - {""}
    assert all(row.study_id == study for row in own)
    assert all(
        row.is_own
        for row in rows(store, series)
        if row.id in {o.series_id for o in own}
    )
    (row,) = rows(store, studies)
    assert row.instance_count == 1 + len(own)
    assert "\\SR\\" in row.modalities
    # Nothing of it makes the study ready again.
    assert (
        make_ready(
            store, quiet_s=0, rules_digest="r" * 64, attempts=3, now=time.time() + 99
        )
        == 0
    )


def test_scores_for_watching(place: Workplace) -> None:
    store = place.store
    receive(store, 1, BRIGHT, InstitutionName="North Wing")
    do(place, next_job(place))
    (row,) = rows(store, scores)
    assert row.site == rows(store, studies)[0].site == "North Wing"
    assert row.month == time.strftime("%Y-%m", time.gmtime())
    assert row.is_positive
    assert row.probabilities["blob"] > 0.99
    assert len(row.statistics) == 14
    assert row.statistics[0] == pytest.approx(BRIGHT, abs=0.01)


def test_urgency_orders_the_worklist(store: Store, tmp_path: Path) -> None:
    place = place_of(store, put_bundle(tmp_path / "bundle"))
    place = replace(place, settings=ServeSettings(weights={"blob": 4.0}))
    bright, dark = receive(store, 1, BRIGHT), receive(store, 2, DARK)
    before = time.time()
    do(place, next_job(place))
    do(place, next_job(place))
    found = {row.id: row for row in rows(store, studies)}
    assert found[bright].urgency == pytest.approx(34.0, abs=0.01)
    assert found[dark].urgency == 0
    assert found[bright].changed_at > before
    (why,) = found[bright].headline["why"]
    assert (why["label"], why["weight"]) == ("blob", 4.0)
    assert why["urgency"] == pytest.approx(4 * why["probability"])
    assert found[bright].headline["advice"] == found[bright].advice == "refer"
    assert found[dark].advice == "nothing_found"
    assert found[dark].headline == {
        "advice": "nothing_found",
        "why": [],
        "assessments": 1,
    }


def test_what_is_newer_than_its_report_is_read_again(place: Workplace) -> None:
    store = place.store
    study = receive(store, 1, BRIGHT)

    def sign() -> None:
        with store.begin() as connection:
            connection.execute(sa.update(studies).values(reading="signed", read_at=1.0))

    def reading() -> str:
        (row,) = rows(store, studies)
        return str(row.reading)

    sign()
    do(place, next_job(place))
    assert reading() == "unread"  # a result that the report does not know
    sign()
    more = of_study(with_level(radiograph(), DARK), 1, instance=2)
    assert take(store, more).study_id == study
    assert reading() == "unread"  # an image, already before its answer
    with store.begin() as connection:
        connection.execute(sa.update(studies).values(reading="begun"))
    do(place, next_job(place))
    assert reading() == "begun"


def test_a_study_that_no_bundle_takes_is_refused_with_reasons(
    store: Store, tmp_path: Path
) -> None:
    rules = rules_from_table(
        {"rule": [{"name": "chest", "bundle": "tiny", "body_part": "CHEST"}]}
    )
    place = place_of(store, put_bundle(tmp_path / "b"), rules=rules)
    study = receive(store, 1, BRIGHT, BodyPartExamined="KNEE")
    do(place, next_job(place))
    state, reason = state_of(store, study)
    assert state == "refused"
    assert reason == (
        "series 1/image 1: no bundle takes DX KNEE: rule 'chest' wants body part CHEST"
    )
    (result,) = rows(store, results)
    assert len(from_document(result.diagnosis).left_out) == 1
    assert rows(store, result_objects) == []


def test_one_bad_image_does_not_stop_the_others(place: Workplace) -> None:
    store = place.store
    good = of_study(with_level(radiograph(), BRIGHT), 1)
    bad = of_study(with_level(radiograph(), BRIGHT), 1, instance=2)
    bad.PixelData = bad.PixelData[:100]
    study = take(store, good).study_id
    assert take(store, bad).study_id == study
    do(place, next_job(place))
    assert study is not None
    state, reason = state_of(store, study)
    assert state == "answered"
    assert reason.startswith("series 1/image 2: ")
    found = from_document(rows(store, results)[0].diagnosis)
    assert [a.status for a in found.assessments] == ["assessed", "not_assessable"]


def test_an_answer_is_written_once_whatever_happens(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that was too slow meets the one that took over."""
    from medlens.serve.work import answer

    store = place.store
    receive(store, 1, BRIGHT)
    slow = next_job(place)
    real: Callable[..., Any] = answer.write_objects

    def overtaken(*args: Any, **more: Any) -> Any:
        monkeypatch.setattr(answer, "write_objects", real)
        quick = lease(
            store, worker="q", kinds=("answer",), lease_s=60, now=time.time() + 1e6
        )
        assert quick is not None
        do(place, quick)
        return real(*args, **more)

    monkeypatch.setattr(answer, "write_objects", overtaken)
    with (
        Heartbeat(store, slow, lease_s=60) as beat,
        pytest.raises(LostLeaseError, match="dropped"),
    ):
        answer.answer_study(place, slow, beat)
    assert len(rows(store, results)) == 1
    assert rows(store, jobs)[0].state == "done"
    kinds = [row.kind for row in rows(store, result_objects)]
    assert len(kinds) == len(set(kinds))


def test_the_same_answer_twice_has_the_same_bytes(place: Workplace) -> None:
    from medlens.serve.work.inputs import load_study
    from medlens.serve.work.objects import write_objects

    store = place.store
    study_id = receive(store, 1, BRIGHT)
    study = load_study(store, study_id)
    assert study is not None
    from medlens.predict.diagnose import gather
    from medlens.serve.work.candidates import find_candidates
    from medlens.serve.work.choose import choose
    from medlens.serve.work.look import look

    plan = choose(find_candidates(study).found, None, place.models)
    looked = [look(task) for task in plan.tasks]
    diagnosis = gather("study 1", [item.assessment for item in looked])
    first, second = (
        write_objects(diagnosis, looked, key="k", lang="en", when=1e9) for _ in "ab"
    )
    assert [m.data for m in first.objects] == [m.data for m in second.objects]
    assert first.missing == ()


def test_images_that_came_meanwhile_make_the_job_void(place: Workplace) -> None:
    store = place.store
    study = receive(store, 1, BRIGHT)
    job = next_job(place)
    more = of_study(with_level(radiograph(), DARK), 1, instance=2)
    assert take(store, more).study_id == study
    do(place, job)
    assert rows(store, results) == []
    assert state_of(store, study)[0] == "receiving"
    do(place, next_job(place))
    (result,) = rows(store, results)
    assert len(from_document(result.diagnosis).assessments) == 2
    assert state_of(store, study)[0] == "answered"


def test_the_prior_is_of_the_same_patient(place: Workplace) -> None:
    store = place.store
    receive(store, 1, DARK, StudyDate="20250101", PatientID="P")
    receive(store, 2, BRIGHT, StudyDate="20250301", PatientID="other")
    receive(store, 3, BRIGHT, StudyDate="20250401", PatientID="P")
    for _ in range(3):
        do(place, next_job(place))
    found = {row.study_id: from_document(row.diagnosis) for row in rows(store, results)}
    assert [found[n].has_prior for n in (1, 2, 3)] == [False, False, True]
    change = found[3].assessments[0].findings[0].change
    assert change is not None
    assert (change.trend, change.days) == ("new", 90)


def test_results_are_sent_where_the_rule_says(store: Store, tmp_path: Path) -> None:
    rules = rules_from_table(
        {"rule": [{"name": "r", "bundle": "tiny", "destinations": ["a", "b"]}]}
    )
    place = place_of(store, put_bundle(tmp_path / "b"), rules=rules)
    receive(store, 1, BRIGHT)
    do(place, next_job(place))
    sends = [row for row in rows(store, jobs) if row.kind == "send"]
    assert [row.payload for row in sends] == [
        {"result": 1, "peer": "a"},
        {"result": 1, "peer": "b"},
    ]


def test_a_shadow_is_neither_shown_nor_sent(store: Store, tmp_path: Path) -> None:
    first = put_bundle(tmp_path / "one", name="one")
    second = put_bundle(tmp_path / "two", name="two", bias=-3.0)
    place = place_of(store, first, second)
    old = place.models.named("one")
    new = place.models.named("two")
    assert old is not None
    assert new is not None
    with store.begin() as connection:
        connection.execute(
            sa.update(bundles)
            .where(bundles.c.digest == new.digest)
            .values(role="shadow", shadow_of=old.digest)
        )
    place.models.refresh(is_due=True)
    study = receive(store, 1, BRIGHT)
    do(place, next_job(place))
    objects = len(rows(store, result_objects))
    assert state_of(store, study)[0] == "answered"
    do(place, next_job(place, "shadow"))
    active, shadow = rows(store, results)
    assert (active.role, shadow.role) == ("active", "shadow")
    named = from_document(shadow.diagnosis).assessments[0].algorithm.name
    assert named == "two"
    assert len(rows(store, result_objects)) == objects
    assert [row.role for row in rows(store, scores)] == ["active", "shadow"]
    assert [row.kind for row in rows(store, jobs)] == ["answer", "shadow"]


def test_a_volume_with_a_mask(store: Store, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    from tests.serve.work.masks import put_mask_bundle

    place = place_of(store, put_mask_bundle(tmp_path / "masks"))
    for at, image in enumerate(make_series("CT", slices=4)):
        take(store, of_study(image, 1, instance=at + 1))
    do(place, next_job(place))
    made = {row.kind: row for row in rows(store, result_objects)}
    assert {"SR", "SEG", "SC", "FHIR"} <= set(made)
    segmentation = pydicom.dcmread(BytesIO(store.blobs.read(made["SEG"].digest)))
    assert segmentation.Modality == "SEG"


def test_a_failure_is_told_in_our_own_words(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from medlens.serve.work import answer

    store = place.store
    study = receive(store, 1, BRIGHT)

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("Doe^Jane in /secret/place")

    monkeypatch.setattr(answer, "find_candidates", broken)
    job = replace(next_job(place), max_attempts=1)
    do(place, job)
    state, reason = state_of(store, study)
    assert state == "failed"
    assert "Doe" not in reason
    assert "secret" not in reason
    assert "RuntimeError" in reason


def test_a_worker_that_should_end_hands_its_job_back(place: Workplace) -> None:
    import threading

    store = place.store
    receive(store, 1, BRIGHT)
    stop = threading.Event()
    stop.set()
    do(place, next_job(place), stop)
    (job,) = rows(store, jobs)
    assert (job.state, job.attempts, job.error) == ("waiting", 0, "")
    do(place, next_job(place))
    assert len(rows(store, results)) == 1
