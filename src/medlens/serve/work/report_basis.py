"""What a report's objects rest on, from the index: patient, study and its images."""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from medlens.core import MedlensError
from medlens.core.diagnosis import ImageRef
from medlens.core.quiet import quiet
from medlens.read.dicom.header import read_header
from medlens.read.source import open_source
from medlens.serve.store.store import Store
from medlens.serve.store.tables import (
    instances,
    reading_objects,
    reports,
    series,
    studies,
)
from medlens.serve.work.ready import foreign
from medlens.write.reading.content import Report, Subject

IDENTITY = {
    "patient_name": "PatientName",
    "patient_id": "PatientID",
    "issuer": "IssuerOfPatientID",
    "birth_date": "PatientBirthDate",
    "sex": "PatientSex",
    "study_date": "StudyDate",
    "accession_number": "AccessionNumber",
    "description": "StudyDescription",
    "referring_physician": "ReferringPhysicianName",
}
"""Column of a study → what it is called in a header."""


class UnreadNowError(MedlensError):
    """An image could not be read at this moment: what stands on its header is owed."""


def subject_of(connection: sa.Connection, study_id: int) -> Subject:
    """Patient and study as the index knows them."""
    row = connection.execute(sa.select(studies).where(studies.c.id == study_id)).one()
    modalities = connection.execute(
        sa.select(series.c.modality)
        .where(series.c.study_id == study_id, series.c.is_own.is_(sa.false()))
        .distinct()
        .order_by(series.c.modality)
    ).scalars()
    return Subject(
        patient_name=row.patient_name,
        patient_id=row.patient_id,
        birth_date=row.birth_date,
        sex=row.sex,
        study_date=row.study_date,
        accession_number=row.accession_number,
        description=row.description,
        referring_physician=row.referring_physician,
        modalities=tuple(modality for modality in modalities if modality),
    )


def basis_of(store: Store, report: Report, *, until: float | None = None) -> Any:
    """What DICOM and FHIR rest on, a `Basis`; None without an image from elsewhere.

    Args:
        store: files and index.
        report: whose study is in the index.
        until: seconds since 1970; images that came later are left out.

    Raises:
        UnreadNowError: the header of an image cannot be read now.
    """
    from medlens.write.reading.basis import Basis

    with store.read() as connection:
        this = sa.select(studies).where(studies.c.id == report.study)
        study = connection.execute(this).one()
        rows = connection.execute(_images(report.study, until)).all()
        predecessor = _predecessor(connection, report)
    pixels = [row for row in rows if row.rows is not None]
    if not pixels:
        return None
    header = _header(store, pixels[0].digest, f"study {report.study}")
    header = _of_patient(header, study)
    return Basis(
        header=header,
        images=tuple(
            ImageRef("", row.sop_class, row.sop_uid, row.series_uid) for row in rows
        ),
        series={row.series_uid: row.modality for row in rows},
        predecessor=predecessor,
    )


def _header(store: Store, digest: str, case: str) -> Any:
    """The header of an image.

    Where it cannot be read, its bytes tell why: as they came, it never will be; else
    the disk failed, and a restored file can be read again.

    Raises:
        ReadError: the file is no image.
        UnreadNowError: its bytes are not those that came.
    """
    path = store.blobs.path_of(digest)
    try:
        return read_header(open_source(path, case)).data
    except (MedlensError, OSError) as error:
        if not _is_whole(path, digest):
            raise UnreadNowError(f"{case}: an image cannot be read now") from error
    return read_header(open_source(path, case)).data  # the disk may have come back


def _is_whole(path: Path, digest: str) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == digest
    except OSError:
        return False


def _of_patient(header: Any, study: Any) -> Any:
    """A header with patient and study as the index, and so the PDF, tells them.

    Images of one study may spell a name in two ways, and some lack a number that
    others have. The header itself is kept for others that open the file.
    """
    with quiet():
        header = copy.deepcopy(header)
        for column, keyword in IDENTITY.items():
            value = getattr(study, column)
            if value:
                setattr(header, keyword, value)
    return header


def _images(study_id: int, until: float | None) -> sa.Select[Any]:
    came = sa.true() if until is None else instances.c.received_at <= until
    return (
        sa.select(
            instances.c.sop_class,
            instances.c.sop_uid,
            instances.c.digest,
            instances.c.rows,
            series.c.series_uid,
            series.c.modality,
        )
        .join(series, series.c.id == instances.c.series_id)
        .where(foreign(study_id), came)
        .order_by(series.c.number, series.c.id, instances.c.number, instances.c.id)
    )


def _predecessor(connection: sa.Connection, report: Report) -> ImageRef | None:
    """The SR of the signed report whose place this one takes."""
    if report.amends is None:
        return None
    row = connection.execute(
        sa.select(instances.c.sop_class, instances.c.sop_uid, series.c.series_uid)
        .join(reading_objects, reading_objects.c.sop_uid == instances.c.sop_uid)
        .join(reports, reports.c.id == reading_objects.c.report_id)
        .join(series, series.c.id == instances.c.series_id)
        .where(
            reports.c.study_id == report.study,
            reports.c.version == report.amends,
            reading_objects.c.kind == "SR",
        )
    ).first()
    if row is None:
        return None
    return ImageRef("", row.sop_class, row.sop_uid, row.series_uid)
