"""A job of kind "report": files of a signed version that could not be made with it.

They are made of the version's row, so that they say what was signed and nothing else:
its words, its moment, its signer, the images that were there, the PDF that is kept.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from medlens.core import ReadError
from medlens.serve.access.trail import record
from medlens.serve.store.store import Store
from medlens.serve.store.tables import reports, studies
from medlens.serve.work.answer import Workplace
from medlens.serve.work.heartbeat import Heartbeat
from medlens.serve.work.queue import Job, finish
from medlens.serve.work.refusal import FinalError
from medlens.serve.work.report_kept import add_files, kept_files
from medlens.serve.work.report_objects import make_missing
from medlens.serve.work.report_versions import report_of
from medlens.serve.work.tidy import SERVICE
from medlens.write.reading.content import Report


@dataclass(frozen=True)
class _Version:
    """A version that lacks files: row, words, kind → digest of the others."""

    row: Any
    report: Report
    kept: dict[str, str] = field(repr=False)


def make_again(place: Workplace, job: Job, beat: Heartbeat) -> None:
    """Make what a signed version lacks; what the headers do not allow stays away.

    Raises:
        FinalError: the version is gone.
        ReadError: an image still cannot be read; it is tried again later.
        LostLeaseError: somebody else has the job.
    """
    store = place.store
    found = _load(store, job)
    pdf = store.blobs.read(found.kept["PDF"]) if "PDF" in found.kept else b""
    made = make_missing(
        store, found.report, set(found.kept), reader=found.row.user_id, pdf=pdf
    )
    if made.owed:
        raise ReadError(
            f"study {found.report.study}: the header of an image cannot be read, on "
            f"which {', '.join(made.owed)} of report version {found.report.version} "
            "stand; look whether its file is there (medlens doctor), then try again"
        )
    beat.check()
    digests = [store.blobs.put(file.data) for file in made.files]
    now = time.time()
    with store.begin() as connection:
        finish(connection, job, now=now)  # first: it holds the job until the end
        this = sa.select(studies).where(studies.c.id == found.report.study)
        study = connection.execute(this.with_for_update()).first()
        if study is None:
            return
        add_files(connection, study, found.row, made.files, digests, now=now)
        kinds = [file.kind for file in made.files]
        detail = {"version": found.report.version, "kinds": kinds}
        record(
            connection,
            SERVICE,
            "make report files",
            study_id=study.id,
            detail=detail,
        )


def _load(store: Store, job: Job) -> _Version:
    number, newest = job.payload.get("report", 0), job.payload.get("newest")
    with store.read() as connection:
        row = connection.execute(
            sa.select(reports).where(reports.c.id == number)
        ).first()
        if row is None or not row.is_signed:
            raise FinalError("report: its version is gone; nothing is left to make")
        report = report_of(connection, row, newest_result=newest)
        return _Version(row, report, kept_files(connection, row.id))
