"""The newest earlier diagnosis of the same patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from medlens.core import MedlensError
from medlens.core.diagnosis import Assessment, Diagnosis
from medlens.serve.store.store import Store
from medlens.serve.store.tables import results, studies
from medlens.serve.work.inputs import Study
from medlens.write.document import from_document

LOOKED_AT = 5  # results, from the newest back


@dataclass(frozen=True)
class Prior:
    """An earlier diagnosis.

    Attributes:
        diagnosis: as it was given.
        days: between the studies, None where a date is missing.
    """

    diagnosis: Diagnosis
    days: int | None


def find_prior(
    store: Store, study: Study, assessments: Sequence[Assessment]
) -> Prior | None:
    """The newest one in which one of the same bundles answered.

    The same patient is the same Patient ID of the same issuer; a study without an ID
    has no prior, whatever the names say. Earlier is by Study Date.
    """
    names = {each.algorithm.name for each in assessments if each.status == "assessed"}
    if not (study.patient_id and study.study_date and names):
        return None
    with store.read() as connection:
        rows = connection.execute(_query(study)).all()
    for row in rows:
        try:
            found = from_document(row.diagnosis)
        except MedlensError:
            continue  # of a version that this one does not read
        theirs = {e.algorithm.name for e in found.assessments if e.status == "assessed"}
        if names & theirs:
            return Prior(found, _days(row.study_date, study.study_date))
    return None


def _query(study: Study) -> sa.Select[tuple[dict[str, object], str]]:
    return (
        sa.select(results.c.diagnosis, studies.c.study_date)
        .join(studies, studies.c.id == results.c.study_id)
        .where(
            studies.c.patient_id == study.patient_id,
            studies.c.issuer == study.issuer,
            studies.c.id != study.id,
            studies.c.study_date != "",
            studies.c.study_date < study.study_date,
            results.c.role == "active",
        )
        .order_by(studies.c.study_date.desc(), results.c.created_at.desc())
        .limit(LOOKED_AT)
    )


def _days(before: str, after: str) -> int | None:
    try:
        return (_date(after) - _date(before)).days
    except ValueError:
        return None


def _date(text: str) -> date:
    if len(text) != 8 or not text.isdecimal():
        raise ValueError("wanted YYYYMMDD")
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))
