"""Answers, results and readers, put into the index as the service would."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from medlens.core.diagnosis import (
    Algorithm,
    Assessment,
    Diagnosis,
    Finding,
    ImageRef,
    Place,
)
from medlens.core.prediction import OutOfDistribution
from medlens.serve.store.store import Store
from medlens.serve.store.tables import bundles, results, scores, studies
from medlens.write.document import to_document

BUNDLE, OTHER = "ab" * 32, "cd" * 32
JUNE = 1_780_272_000.0  # 2026-06-01 00:00 UTC
DAY = 86_400.0
_numbers = itertools.count(1)


def finding_of(label: str = "blob", *, is_present: bool, number: int = 1) -> Finding:
    """A finding with a probability that fits."""
    image = ImageRef(case="image 1")
    return Finding(
        id=str(number),
        label=label,
        code=None,
        is_present=is_present,
        probability=0.9 if is_present else 0.1,
        threshold=0.5,
        place=Place(image=image),
    )


def diagnosis_of(
    *findings: Finding, bundle: str = BUNDLE, images: Sequence[ImageRef] = ()
) -> Diagnosis:
    """One assessment with some findings."""
    return Diagnosis(
        case="study 1",
        assessments=(
            Assessment(
                algorithm=Algorithm("tiny", bundle, "0", "image", "binary"),
                status="assessed",
                advice="refer",
                images=tuple(images) or (ImageRef(case="image 1"),),
                findings=findings,
                out_of_distribution=OutOfDistribution(0.5, 2.0, False),
            ),
        ),
    )


def add_study(connection: sa.Connection, *, patient: str = "", at: float = JUNE) -> int:
    """A study of a patient."""
    number = next(_numbers)
    row = {
        "study_uid": f"1.2.3.{number}", "patient_id": patient or f"P{number}",
        "received_at": at, "last_at": at,
    }  # fmt: skip
    made = sa.insert(studies).values(**row).returning(studies.c.id)
    return int(connection.execute(made).scalar_one())


def add_answer(
    connection: sa.Connection,
    *findings: Finding,
    study: int | None = None,
    patient: str = "",
    at: float = JUNE,
    site: str = "A",
    bundle: str = BUNDLE,
    role: str = "active",
    probabilities: dict[str, float] | None = None,
    ood_score: float = 0.0,
    statistics: Sequence[float] = (),
    is_outside: bool = False,
    inputs: str = "0" * 64,
) -> int:
    """A result with its row of scores; the number of the result."""
    found = findings or (finding_of(is_present=True),)
    study = study or add_study(connection, patient=patient, at=at)
    result = connection.execute(
        sa.insert(results)
        .values(
            key=f"result {next(_numbers)}",
            study_id=study,
            role=role,
            inputs_digest=inputs,
            diagnosis=to_document(diagnosis_of(*found, bundle=bundle)),
            created_at=at,
        )
        .returning(results.c.id)
    ).scalar_one()
    row: dict[str, Any] = {
        "result_id": result, "assessment": 0, "bundle_digest": bundle, "role": role,
        "site": site, "month": time.strftime("%Y-%m", time.gmtime(at)),
        "probabilities": probabilities
        or {f.label: f.probability for f in found if f.probability is not None},
        "is_positive": any(f.is_present for f in found), "ood_score": ood_score,
        "is_outside": is_outside, "statistics": list(statistics), "at": at,
    }  # fmt: skip
    connection.execute(sa.insert(scores).values(**row))
    return int(result)


def add_bundle(
    store: Store, digest: str, role: str, *, shadow_of: str = "", folder: str = "x"
) -> None:
    """A row of the table of bundles."""
    row = {
        "digest": digest, "name": f"bundle-{digest[:4]}", "role": role,
        "shadow_of": shadow_of, "folder": folder, "added_at": 1.0, "changed_at": 1.0,
    }  # fmt: skip
    with store.begin() as connection:
        connection.execute(sa.insert(bundles).values(**row))
