"""An answer is written once: objects, index, scores and what follows, or nothing.

Files come first and are durable; then one transaction holds the rest and ends the job
under its lease. A crash before it leaves files that no row names, which the next
attempt overwrites or `medlens doctor` removes; a crash after it leaves all.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from medlens.core.diagnosis import Diagnosis
from medlens.serve.receive.committer import Committer
from medlens.serve.receive.elements import Window
from medlens.serve.receive.instance import read_instance
from medlens.serve.store.index import Row, add_row
from medlens.serve.store.store import Store
from medlens.serve.store.tables import result_objects, results, scores, studies
from medlens.serve.work.headline import Headline, headline_of
from medlens.serve.work.inputs import Study
from medlens.serve.work.look import Looked
from medlens.serve.work.objects import DICOM, Made, Written
from medlens.serve.work.outcome import outcome_of
from medlens.serve.work.queue import Job, enqueue, finish
from medlens.serve.work.reading import reopen
from medlens.write.document import to_document

SEND_ATTEMPTS = 12  # with growing pauses: some nine hours


@dataclass(frozen=True)
class Result:
    """All that is kept of one answer.

    Attributes:
        key: study, role, images, rules and bundles: the same answer has the same.
        role: "active" or "shadow".
        diagnosis: of the study.
        looked: what each bundle did, in the order of the assessments.
        written: what was made of the diagnosis.
        destinations: peers that the objects are sent to.
        shadows: digests of bundles that look at the study afterwards.
    """

    key: str
    role: str
    diagnosis: Diagnosis
    looked: tuple[Looked, ...] = field(repr=False)
    written: Written = field(default=Written(), repr=False)
    destinations: tuple[str, ...] = ()
    shadows: tuple[str, ...] = ()


def keep_result(
    store: Store,
    job: Job,
    study: Study,
    result: Result,
    *,
    weights: Mapping[str, float] = MappingProxyType({}),
) -> None:
    """Write a result and end its job, in one transaction.

    Args:
        store, job, study, result: where, under which lease, of what, and what.
        weights: clinical weights of findings, for the order of the worklist.

    Raises:
        LostLeaseError: somebody else has the job; nothing of this is kept.
        ResourceError: the disk is full.
        UnavailableError: the database cannot be written now.
    """
    digests = [store.blobs.put(made.data) for made in result.written.objects]
    headline = headline_of(result.diagnosis, weights)
    now = time.time()

    def write(connection: sa.Connection) -> None:
        finish(connection, job, now=now)  # first: it holds the job until the end
        is_here = results.c.key == result.key
        if not connection.execute(sa.select(results.c.id).where(is_here)).first():
            number = _add_result(connection, job, study, result, now)
            made = result.written.objects
            _add_objects(connection, number, study, made, digests, now)
            _add_scores(connection, number, study, result, now)
            _follow_up(connection, number, study, result, now)
            if result.role == "active":
                reopen(connection, study.id)
        if result.role == "active":
            _end_study(connection, study, result, headline)

    Committer(store).write(write)


def _add_result(
    connection: sa.Connection, job: Job, study: Study, result: Result, now: float
) -> int:
    made = connection.execute(
        sa.insert(results)
        .values(
            key=result.key,
            study_id=study.id,
            job_id=job.id,
            role=result.role,
            inputs_digest=study.digest,
            diagnosis=to_document(result.diagnosis),
            created_at=now,
        )
        .returning(results.c.id)
    )
    return int(made.scalar_one())


def _add_objects(
    connection: sa.Connection,
    number: int,
    study: Study,
    objects: Sequence[Made],
    digests: Sequence[str],
    now: float,
) -> None:
    for made, digest in zip(objects, digests, strict=True):
        is_dicom = made.media_type == DICOM
        row = own_row(made.data, digest, study, now) if is_dicom else None
        connection.execute(
            sa.insert(result_objects).values(
                result_id=number,
                kind=made.kind,
                assessment=made.assessment,
                part=made.part,
                media_type=made.media_type,
                digest=digest,
                bytes=len(made.data),
                sop_uid=row.instance["sop_uid"] if row else "",
            )
        )
        if row is not None:
            add_row(connection, row)


def own_row(data: bytes, digest: str, study: Study, now: float) -> Row:
    """An object of ours as an instance, found and retrieved like any other.

    Writers may have mended the patient's data (a name that is too long); in the index
    the object belongs to the very patient of its study.

    Args:
        data, digest: the file and its name in the store.
        study: that it belongs to.
        now: seconds since 1970.
    """
    found = read_instance(Window(lambda count, at: data[at : at + count], len(data)))
    instance: dict[str, Any] = {
        "sop_uid": found.sop_uid,
        "sop_class": found.sop_class,
        "transfer_syntax": found.transfer_syntax,
        "number": found.number,
        "rows": found.rows,
        "columns": found.columns,
        "frames": found.frames,
        "digest": digest,
        "bytes": len(data),
        "received_at": now,
        "origin": "own",
        "peer": "",
    }
    same = {
        "patient_id": study.patient_id,
        "issuer": study.issuer,
        "name_key": "",
        "birth_date": "",
    }
    return Row(
        study_uid=study.study_uid,
        series_uid=found.series_uid,
        study={**found.study, **same},
        series=found.series,
        instance=instance,
        is_own=True,
    )


def _add_scores(
    connection: sa.Connection, number: int, study: Study, result: Result, now: float
) -> None:
    """One row for each answer; drift is watched by the month in which it was given."""
    for at, looked in enumerate(result.looked):
        assessment = result.diagnosis.assessments[at]
        gate = assessment.out_of_distribution
        if assessment.status != "assessed" or gate is None:
            continue
        connection.execute(
            sa.insert(scores).values(
                result_id=number,
                assessment=at,
                bundle_digest=assessment.algorithm.digest,
                role=result.role,
                site=study.site,
                month=time.strftime("%Y-%m", time.gmtime(now)),
                probabilities={
                    finding.label: finding.probability
                    for finding in assessment.findings
                    if finding.probability is not None
                },
                is_positive=any(f.is_present for f in assessment.findings),
                ood_score=gate.score,
                is_outside=gate.flag,
                statistics=list(looked.statistics),
                at=now,
            )
        )


def _follow_up(
    connection: sa.Connection, number: int, study: Study, result: Result, now: float
) -> None:
    """Jobs that come of a result: sending it, and looks by bundles in the shadow."""
    if any(made.media_type == DICOM for made in result.written.objects):
        for peer in result.destinations:
            enqueue(
                connection,
                kind="send",
                key=f"send:{number}:{peer}",
                study_id=study.id,
                payload={"result": number, "peer": peer},
                max_attempts=SEND_ATTEMPTS,
                now=now,
            )
    for digest in result.shadows:
        enqueue(
            connection,
            kind="shadow",
            key=f"shadow:{study.id}:{study.digest}:{digest}",
            study_id=study.id,
            payload={"inputs": study.digest, "bundle": digest},
            priority=-10,
            now=now,
        )


def _end_study(
    connection: sa.Connection, study: Study, result: Result, headline: Headline
) -> None:
    """Move the study on, unless more images came meanwhile."""
    state, reason = outcome_of(result.diagnosis, result.written.missing)
    connection.execute(
        sa.update(studies)
        .where(studies.c.id == study.id)
        .values(
            urgency=headline.urgency,
            headline=headline.as_column(),
            advice=headline.advice,
            site=study.site,
        )
    )
    connection.execute(
        sa.update(studies)
        .where(studies.c.id == study.id, studies.c.state != "receiving")
        .values(state=state, reason=reason)
    )
