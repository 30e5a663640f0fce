"""A version of a report → the files that carry it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from medlens.core import MedlensError, MissingExtraError
from medlens.core.diagnosis import ImageRef
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
from medlens.serve.work.objects import DICOM, FHIR
from medlens.serve.work.ready import foreign
from medlens.serve.work.report_picture import key_picture
from medlens.serve.work.report_suggestion import newest_answer
from medlens.write.reading.content import Report, Subject
from medlens.write.reading.text import to_report_text

log = logging.getLogger("medlens.work")
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
TEXT, PDF = "text/plain; charset=utf-8", "application/pdf"
MEDIA_TYPES = {"TEXT": TEXT, "PDF": PDF, "SR": DICOM, "DOC": DICOM, "FHIR": FHIR}
"""Kind of a file → what it is; DOC is the PDF as a DICOM object."""


@dataclass(frozen=True)
class ReportFile:
    """One file made of a report.

    Attributes:
        kind: of `MEDIA_TYPES`.
        data: the whole file.
    """

    kind: str
    data: bytes = field(repr=False)

    @property
    def media_type(self) -> str:
        """Of the data."""
        return MEDIA_TYPES[self.kind]


def make_files(store: Store, report: Report, *, reader: int | None) -> list[ReportFile]:
    """All files of a report: TEXT, PDF, SR, DOC, FHIR.

    Without an image from elsewhere there is no header to stand on, and only the first
    two are made; so it is with headers that allow no more.

    Args:
        store: files and index.
        report: whose study is in the index.
        reader: number of who wrote it, None for the guest of a demo.

    Raises:
        MissingExtraError: the packages that print reports are missing.
    """
    return _Files(store, report, reader).all()


def make_file(
    store: Store, report: Report, kind: str, *, reader: int | None
) -> ReportFile | None:
    """One of the files of a report, None where it cannot be."""
    return _Files(store, report, reader).one(kind)


class _Files:
    """Files that build on each other, each made once."""

    def __init__(self, store: Store, report: Report, reader: int | None) -> None:
        self._store, self._report, self._reader = store, report, reader
        self._made: dict[str, ReportFile | None] = {}
        self._found: Any = None

    def all(self) -> list[ReportFile]:
        return [made for kind in MEDIA_TYPES if (made := self.one(kind)) is not None]

    def one(self, kind: str) -> ReportFile | None:
        if kind not in self._made:
            write: dict[str, Callable[[], bytes | None]] = {
                "TEXT": lambda: to_report_text(self._report).encode(),
                "PDF": self._print,
                "SR": self._structure,
                "DOC": self._encapsulate,
                "FHIR": self._to_fhir,
            }
            data = self._try(kind, write[kind])
            self._made[kind] = None if data is None else ReportFile(kind, data)
        return self._made[kind]

    def _try(self, kind: str, write: Callable[[], bytes | None]) -> bytes | None:
        try:
            return write()
        except MissingExtraError:
            raise
        except MedlensError as error:  # of a header: the words can still be signed
            log.warning(
                "report file not written",
                extra={"kind": kind, "error": type(error).__name__},
            )
            return None

    def _print(self) -> bytes:
        from medlens.write.reading.pdf import to_report_pdf

        content, study = self._report.content, self._report.study
        with self._store.read() as connection:
            subject = _subject(connection, study)
            answer = None
            if content.result_id is not None:
                answer = newest_answer(
                    connection, study, reader=self._reader, result=content.result_id
                )
        picture = key_picture(self._store, study, content, answer)
        return to_report_pdf(self._report, subject, picture=picture)

    def _basis(self) -> Any:
        """What DICOM and FHIR rest on, None without an image from elsewhere."""
        if self._found is None:
            self._found = (_basis(self._store, self._report),)
        return self._found[0]

    def _structure(self) -> bytes | None:
        from medlens.write.reading.structured import to_report_sr
        from medlens.write.stamp import to_bytes

        basis = self._basis()
        return None if basis is None else to_bytes(to_report_sr(self._report, basis))

    def _encapsulate(self) -> bytes | None:
        from medlens.write.reading.encapsulated import to_encapsulated_pdf
        from medlens.write.reading.structured import BASIC_TEXT_SR, instance_uid
        from medlens.write.stamp import to_bytes

        basis, pdf = self._basis(), self.one("PDF")
        if basis is None or pdf is None:
            return None
        origin = ImageRef("", BASIC_TEXT_SR, instance_uid(self._report, basis))
        made = to_encapsulated_pdf(self._report, basis, pdf.data, origin=origin)
        return to_bytes(made)

    def _to_fhir(self) -> bytes | None:
        from medlens.write.reading.fhir import to_report_fhir

        basis, pdf = self._basis(), self.one("PDF")
        if basis is None:
            return None
        made = to_report_fhir(self._report, basis, pdf=pdf.data if pdf else b"")
        return json.dumps(made, ensure_ascii=False, allow_nan=False).encode()


def _subject(connection: sa.Connection, study_id: int) -> Subject:
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


def _basis(store: Store, report: Report) -> Any:
    from medlens.write.reading.basis import Basis

    with store.read() as connection:
        this = sa.select(studies).where(studies.c.id == report.study)
        study = connection.execute(this).one()
        rows = connection.execute(_images(report.study)).all()
        predecessor = _predecessor(connection, report)
    pixels = [row for row in rows if row.rows is not None]
    if not pixels:
        return None
    case = f"study {report.study}"
    header = read_header(open_source(store.blobs.path_of(pixels[0].digest), case)).data
    _name_patient(header, study)
    return Basis(
        header=header,
        images=tuple(
            ImageRef("", row.sop_class, row.sop_uid, row.series_uid) for row in rows
        ),
        series={row.series_uid: row.modality for row in rows},
        predecessor=predecessor,
    )


def _name_patient(header: Any, study: Any) -> None:
    """Patient and study as the index knows them, which the PDF tells, too.

    Images of one study may spell a name in two ways, and some lack a number that
    others have.
    """
    from medlens.write.values import quiet

    with quiet():
        for column, keyword in IDENTITY.items():
            value = getattr(study, column)
            if value:
                setattr(header, keyword, value)


def _images(study_id: int) -> sa.Select[Any]:
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
        .where(foreign(study_id))
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
