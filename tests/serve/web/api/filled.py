"""Studies, results and jobs for the API's tests, as the service would write them."""

from __future__ import annotations

import itertools
import time
from typing import Any

import sqlalchemy as sa

from medlens.core.diagnosis import (
    Algorithm,
    Assessment,
    Code,
    Diagnosis,
    Finding,
    ImageRef,
)
from medlens.core.prediction import OutOfDistribution
from medlens.serve.store.moments import moment_of_study
from medlens.serve.store.names import name_key
from medlens.serve.store.store import Store
from medlens.serve.store.tables import (
    instances,
    jobs,
    result_objects,
    results,
    series,
    studies,
)
from medlens.write.document import to_document

_numbers = itertools.count(1)


def add_study(store: Store, **fields: Any) -> int:
    """A study with one series and one image; our number of it."""
    number = next(_numbers)
    name = fields.pop("patient_name", "Doe^Jane")
    values: dict[str, Any] = {
        "study_uid": f"1.2.3.{number}",
        "patient_id": f"P{number}",
        "patient_name": name,
        "name_key": name_key(name),
        "birth_date": "19700102",
        "sex": "F",
        "study_date": "20261101",
        "description": "Chest",
        "modalities": "\\DX\\",
        "series_count": 1,
        "instance_count": 1,
        "bytes": 1000,
        "received_at": 1000.0 + number,
        "last_at": 1000.0 + number,
        "state": "answered",
        "accession_number": f"A{number}",
    }
    values |= fields
    values.setdefault(
        "began_at",
        moment_of_study(
            values["study_date"],
            values.get("study_time", ""),
            otherwise=values["received_at"],
        ),
    )
    with store.begin() as connection:
        study = connection.execute(
            sa.insert(studies).values(**values).returning(studies.c.id)
        ).scalar_one()
        in_series = connection.execute(
            sa.insert(series)
            .values(
                study_id=study, series_uid=f"1.2.3.{number}.1", modality="DX", number=1
            )
            .returning(series.c.id)
        ).scalar_one()
        connection.execute(
            sa.insert(instances).values(
                series_id=in_series,
                study_id=study,
                sop_uid=f"1.2.3.{number}.1.1",
                sop_class="1.2.840.10008.5.1.4.1.1.1.1",
                transfer_syntax="1.2.840.10008.1.2.1",
                digest=store.blobs.put(f"image {number}".encode()),
                bytes=1000,
                received_at=1000.0,
                origin="dicom",
            )
        )
    return int(study)


def diagnosis_of_one() -> Diagnosis:
    """One finding that is present with probability 0.92."""
    return Diagnosis(
        case="study 1",
        assessments=(
            Assessment(
                algorithm=Algorithm(
                    "chest-1", "ab" * 32, "0.1.0", "image", "binary", "Triage."
                ),
                status="assessed",
                advice="refer",
                images=(ImageRef(case="image 1"),),
                modality="DX",
                body_part="CHEST",
                findings=(
                    Finding(
                        id="1",
                        label="pneumonia",
                        code=Code("233604007", "SCT", "Pneumonia"),
                        is_present=True,
                        probability=0.92,
                        threshold=0.4,
                        operating_point="youden",
                    ),
                ),
                prediction_set=("pneumonia",),
                coverage=0.9,
                out_of_distribution=OutOfDistribution(0.5, 2.0, False),
            ),
        ),
    )


def add_result(store: Store, study: int, *, role: str = "active") -> int:
    """A result with an SR (bytes that only look like one) and a FHIR file."""
    number = next(_numbers)
    files = (("SR", "application/dicom", b"DICM" * 100), ("FHIR", _FHIR, b"{}"))
    with store.begin() as connection:
        result = connection.execute(
            sa.insert(results)
            .values(
                key=f"result {number}",
                study_id=study,
                role=role,
                inputs_digest="0" * 64,
                diagnosis=to_document(diagnosis_of_one()),
                created_at=2000.0 + number,
            )
            .returning(results.c.id)
        ).scalar_one()
        for kind, media_type, data in files:
            connection.execute(
                sa.insert(result_objects).values(
                    result_id=result,
                    kind=kind,
                    media_type=media_type,
                    digest=store.blobs.put(data),
                    bytes=len(data),
                    sop_uid="1.2.3.4" if kind == "SR" else "",
                )
            )
    return int(result)


_FHIR = "application/fhir+json"


def add_job(store: Store, **fields: Any) -> int:
    """A job that waits, or as the fields say."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "kind": "answer",
        "key": f"job {number}",
        "payload": {},
        "run_after": 0.0,
        "created_at": time.time(),
    }
    with store.begin() as connection:
        made = connection.execute(
            sa.insert(jobs).values(**values | fields).returning(jobs.c.id)
        )
        return int(made.scalar_one())


def set_job(store: Store, job: int, **fields: Any) -> None:
    """Change a job as a worker would."""
    with store.begin() as connection:
        connection.execute(sa.update(jobs).where(jobs.c.id == job).values(**fields))
