"""What readers said of a result as a DICOM structured report."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from medlens.core.terms import Lang
from medlens.serve.access.caller import Caller
from medlens.serve.access.trail import record
from medlens.serve.web.api.fields import ResultNumber
from medlens.serve.web.api.mask_models import ReaderObjectView
from medlens.serve.web.api.masks import gone, result_row, study_of
from medlens.serve.web.errors import Problem
from medlens.serve.web.guard import may
from medlens.serve.web.idempotency import OnceOnly
from medlens.serve.web.notes import note_look
from medlens.serve.web.state import Service, service_of
from medlens.serve.work.corrections import (
    Corrections,
    read_corrections,
    write_corrections,
)
from medlens.serve.work.objects import DICOM
from medlens.serve.work.reader_objects import (
    ReaderObject,
    find_object,
    keep_object,
)
from medlens.write.document import from_document

router = APIRouter(prefix="/api/v1/results", tags=["monitor"])
ServiceHere = Annotated[Service, Depends(service_of)]
FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "a DICOM structured report",
        "content": {DICOM: {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/{result}/corrections/sr", response_class=Response, responses=FILE)
def read_corrections_report(
    result: ResultNumber,
    service: ServiceHere,
    caller: Annotated[Caller, Depends(may("view"))],
) -> Response:
    """The last words of all readers on a result, as a DICOM SR (TID 1500).

    The same words give the same bytes, stored or not.
    """
    row, found, kept = _look(service, result)
    note_look(
        service, caller, "view feedback", row.study_id, result=result, **{"as": "SR"}
    )
    data = _kept_file(service, kept) or _write(service, row, found)
    name = f"corrections-{result}.dcm"
    return Response(
        data,
        media_type=DICOM,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


@router.post("/{result}/corrections", status_code=201, response_model=ReaderObjectView)
def keep_corrections_report(
    result: ResultNumber,
    once: OnceOnly,
    service: ServiceHere,
    caller: Annotated[Caller, Depends(may("read"))],
) -> JSONResponse:
    """Keep that report as an instance of the study, once for the same words."""
    row, found, kept = _look(service, result)
    data = _kept_file(service, kept) or _write(service, row, found)
    made = ReaderObject(
        kind="SR",
        key=found.key,
        result=result,
        data=data,
        digest=service.store.blobs.put(data),
        user_id=caller.user_id,
    )
    study = study_of(service, row.study_id)

    def deed(connection: sa.Connection) -> tuple[int, BaseModel]:
        kept = keep_object(connection, study, made, now=time.time())
        if kept is None:
            raise gone(result)
        detail = {"result": result, "words": len(found.words)}
        record(connection, caller, "keep corrections", study_id=study.id, detail=detail)
        return 201, ReaderObjectView(object_id=kept.object_id, sop_uid=kept.sop_uid)

    return once.run(caller, deed)


def _look(service: Service, result: int) -> tuple[Any, Corrections, Any]:
    """The result, what was said of it, and the row of its report.

    Raises:
        Problem: 404.
    """
    row = result_row(service, result)
    with service.store.read() as connection:
        found = read_corrections(connection, result)
        kept = find_object(connection, found.key)
    if not found.words:
        raise Problem(
            404,
            f"no reader has said anything of result {result} yet; POST to "
            f"/api/v1/results/{result}/feedback first",
        )
    return row, found, kept


def _kept_file(service: Service, kept: Any) -> bytes | None:
    path: Path | None = service.store.blobs.path_of(kept.digest) if kept else None
    return path.read_bytes() if path is not None and path.is_file() else None


def _write(service: Service, row: Any, found: Corrections) -> bytes:
    lang: Lang = "zh" if service.settings.language == "zh" else "en"
    study = study_of(service, row.study_id)
    diagnosis = from_document(row.diagnosis)
    return write_corrections(service.store, study, diagnosis, found, lang=lang)
