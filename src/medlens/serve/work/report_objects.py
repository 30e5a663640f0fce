"""A version of a report → the files that carry it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from medlens.core import MedlensError, MissingExtraError
from medlens.core.diagnosis import ImageRef
from medlens.serve.store.store import Store
from medlens.serve.work.objects import DICOM, FHIR
from medlens.serve.work.report_basis import UnreadNowError, basis_of, subject_of
from medlens.serve.work.report_picture import key_picture
from medlens.serve.work.report_suggestion import newest_answer
from medlens.write.reading.content import Report
from medlens.write.reading.text import to_report_text

log = logging.getLogger("medlens.work")
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


@dataclass(frozen=True)
class MadeFiles:
    """Files of a report.

    Attributes:
        files: in the order of `MEDIA_TYPES`.
        owed: kinds that can be made once the images can be read again.
    """

    files: tuple[ReportFile, ...]
    owed: tuple[str, ...] = ()


def make_files(store: Store, report: Report, *, reader: int | None) -> MadeFiles:
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
    """One of the files of a report, None where it cannot be.

    Raises:
        UnreadNowError: it can be another time.
    """
    making = _Files(store, report, reader)
    made = making.one(kind)
    if kind in making.owed:
        raise UnreadNowError(
            f"study {report.study}: an image of it cannot be read now; try again, and "
            "if it stays so, the operator should run medlens doctor"
        )
    return made


def make_missing(
    store: Store,
    report: Report,
    kept: Collection[str],
    *,
    reader: int | None,
    pdf: bytes = b"",
) -> MadeFiles:
    """The files that a signed version lacks, as they would have been made with it.

    Args:
        store, report, reader: as for `make_files`.
        kept: kinds that are there.
        pdf: the one that is kept, which others hold; none is made anew beside it.
    """
    making = _Files(store, report, reader, until=report.made_at.timestamp())
    if pdf:
        making.take(ReportFile("PDF", pdf))
    return making.all(without=kept)


class _Files:
    """Files that build on each other, each made once."""

    def __init__(
        self,
        store: Store,
        report: Report,
        reader: int | None,
        *,
        until: float | None = None,
    ) -> None:
        self._store, self._report, self._reader = store, report, reader
        self._until = until  # images that came later are no matter of the report
        self.owed: list[str] = []
        self._made: dict[str, ReportFile | None] = {}
        self._found: Any = None

    def take(self, file: ReportFile) -> None:
        """A file that was made before."""
        self._made[file.kind] = file

    def all(self, *, without: Collection[str] = ()) -> MadeFiles:
        wanted = [kind for kind in MEDIA_TYPES if kind not in without]
        made = [file for kind in wanted if (file := self.one(kind)) is not None]
        return MadeFiles(tuple(made), tuple(k for k in wanted if k in self.owed))

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
        except UnreadNowError:
            log.warning("report file owed", extra={"kind": kind})
            self.owed.append(kind)
            return None
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
            subject = subject_of(connection, study)
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
            self._found = (basis_of(self._store, self._report, until=self._until),)
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
