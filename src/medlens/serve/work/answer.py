"""A ready study → its result: the whole work of one job."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from medlens.core.diagnosis import Diagnosis
from medlens.predict.diagnose import gather
from medlens.serve.settings import ServeSettings
from medlens.serve.store.store import Store
from medlens.serve.store.tables import studies
from medlens.serve.work.asked import asked_digest, plan_asked
from medlens.serve.work.candidates import Candidates, find_candidates
from medlens.serve.work.choose import Plan, Task, choose
from medlens.serve.work.heartbeat import Heartbeat
from medlens.serve.work.inputs import Study, load_study
from medlens.serve.work.look import Looked, look
from medlens.serve.work.models import Models, work_digest
from medlens.serve.work.objects import write_objects
from medlens.serve.work.prior import find_prior
from medlens.serve.work.queue import Job, finish, hold
from medlens.serve.work.ready import look_again
from medlens.serve.work.results import Result, keep_result
from medlens.serve.work.rules import Rules

log = logging.getLogger("medlens.work")


@dataclass(frozen=True)
class Workplace:
    """What a worker has at hand for every job.

    Attributes:
        store: files and index.
        settings: of the service.
        rules: None for what the bundles say of themselves.
        models: bundles at work.
    """

    store: Store
    settings: ServeSettings
    rules: Rules | None
    models: Models


def answer_study(place: Workplace, job: Job, beat: Heartbeat) -> None:
    """Do a job of kind "answer".

    Raises:
        LostLeaseError: somebody else has the job.
        MedlensError: the result cannot be kept now.
    """
    study = _inputs_of(place.store, job)
    if study is None:
        return
    _set_running(place.store, job)
    candidates = find_candidates(study)
    study = replace(study, site=study.site or _site_of(candidates))
    asked = str(job.payload.get("bundle", ""))
    if asked:
        plan = plan_asked(candidates.found, place.rules, place.models, asked)
    else:
        plan = choose(candidates.found, place.rules, place.models)
    plan = replace(plan, left_out=tuple(sorted(plan.left_out + candidates.left_out)))
    looked = _look_at_all(plan.tasks, beat)
    diagnosis = _diagnose(place.store, study, plan, looked)
    work = asked_digest(asked) if asked else work_digest(place.rules, place.models)
    key = f"{study.id}:{study.digest}:{work}"
    beat.check(0.9)
    written = write_objects(
        diagnosis,
        looked,
        key=key,
        lang=place.settings.language,
        when=job.created_at,
    )
    beat.check(0.95)
    keep_result(
        place.store,
        job,
        study,
        Result(
            key=f"active:{key}",
            role="active",
            diagnosis=diagnosis,
            looked=looked,
            written=written,
            destinations=plan.destinations,
            shadows=() if asked else _shadows_of(plan, place.models),
        ),
        weights=place.settings.weights,
    )
    _tell(job, plan, diagnosis)


def answer_in_shadow(place: Workplace, job: Job, beat: Heartbeat) -> None:
    """Do a job of kind "shadow": a new bundle looks at what the active one answered.

    Its result is kept for comparison; nothing of it is shown or sent.
    """
    study = _inputs_of(place.store, job)
    if study is None:
        return
    model = place.models.at_work(str(job.payload.get("bundle", "")))
    tasks: tuple[Task, ...] = ()
    if model is not None and model.role == "shadow":
        plan = choose(find_candidates(study).found, place.rules, place.models)
        tasks = tuple(
            replace(task, model=model)
            for task in plan.tasks
            if task.model.digest == model.shadow_of
        )
    if not tasks:  # promoted or retired meanwhile
        with place.store.begin() as connection:
            finish(connection, job, now=time.time())
        return
    looked = _look_at_all(tasks, beat)
    diagnosis = gather(
        f"study {study.id}",
        [item.assessment for item in looked],
        study_uid=study.study_uid,
    )
    key = f"shadow:{study.id}:{study.digest}:{model.digest if model else ''}"
    keep_result(place.store, job, study, Result(key, "shadow", diagnosis, looked))


def _inputs_of(store: Store, job: Job) -> Study | None:
    """The study with the images that the job is about; None where it has others now.

    Images that came since have set it back to receiving, and it will have a job for
    all of them; this one has nothing to say any more.
    """
    study = load_study(store, job.study_id) if job.study_id is not None else None
    if study is not None and study.digest == job.payload.get("inputs"):
        return study
    with store.begin() as connection:
        finish(connection, job, now=time.time())
        if study is not None:
            look_again(connection, study.id)
    log.info("images changed", extra={"job": job.id})
    return None


def _set_running(store: Store, job: Job) -> None:
    with store.begin() as connection:
        hold(connection, job)
        connection.execute(
            sa.update(studies)
            .where(
                studies.c.id == job.study_id,
                studies.c.state.in_(("ready", "failed")),
            )
            .values(state="running", reason="")
        )


def _site_of(candidates: Candidates) -> str:
    """The institution that most of the images name; drift is watched by site."""
    named = [each.facts.institution for each in candidates.found]
    counted = Counter(name for name in named if name)
    return counted.most_common(1)[0][0] if counted else ""


def _look_at_all(tasks: Sequence[Task], beat: Heartbeat) -> tuple[Looked, ...]:
    looked = []
    for at, task in enumerate(tasks):
        beat.check(0.85 * at / len(tasks))
        looked.append(look(task))
    return tuple(looked)


def _diagnose(
    store: Store, study: Study, plan: Plan, looked: Sequence[Looked]
) -> Diagnosis:
    assessments = [item.assessment for item in looked]
    prior = find_prior(store, study, assessments)
    return gather(
        f"study {study.id}",
        assessments,
        left_out=plan.left_out,
        study_uid=study.study_uid,
        prior=prior.diagnosis if prior else None,
        days=prior.days if prior else None,
    )


def _shadows_of(plan: Plan, models: Models) -> tuple[str, ...]:
    found = (
        shadow.digest
        for task in plan.tasks
        for shadow in models.shadows_of(task.model.digest)
    )
    return tuple(dict.fromkeys(found))


def _tell(job: Job, plan: Plan, diagnosis: Diagnosis) -> None:
    log.info(
        "study answered",
        extra={
            "job": job.id,
            "assessed": sum(a.status == "assessed" for a in diagnosis.assessments),
            "not_assessable": sum(
                a.status != "assessed" for a in diagnosis.assessments
            ),
            "left_out": len(plan.left_out),
        },
    )
