"""Masks that readers draw, as segmentations of the study."""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from typing import Annotated, Any

import numpy as np
import sqlalchemy as sa
from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from numpy.typing import NDArray
from pydantic import BaseModel

from medlens.core import UsageError
from medlens.core.diagnosis import Assessment
from medlens.serve.access.caller import Caller
from medlens.serve.access.trail import record
from medlens.serve.monitor.feedback import ADDED, finding_of, read_words
from medlens.serve.receive.png import read_plane
from medlens.serve.store.tables import reading_objects, results
from medlens.serve.web.api.fields import ResultNumber
from medlens.serve.web.api.mask_models import (
    MOST_MASKS,
    MOST_PIXELS,
    DrawnMask,
    ReaderObjectView,
)
from medlens.serve.web.dicomweb.work import heavy
from medlens.serve.web.errors import Problem
from medlens.serve.web.guard import may
from medlens.serve.web.idempotency import OnceOnly
from medlens.serve.web.state import Service, service_of
from medlens.serve.work.inputs import Study, load_study
from medlens.serve.work.reader_objects import (
    ReaderObject,
    keep_object,
    read_headers,
)
from medlens.write.document import from_document
from medlens.write.drawn import Drawing, to_drawn_segmentation
from medlens.write.stamp import to_bytes

router = APIRouter(prefix="/api/v1/results", tags=["monitor"])
Planes = dict[int, NDArray[np.bool_]]


@router.post("/{result}/masks", status_code=201, response_model=ReaderObjectView)
def draw_mask(
    result: ResultNumber,
    drawn: DrawnMask,
    once: OnceOnly,
    service: Annotated[Service, Depends(service_of)],
    caller: Annotated[Caller, Depends(may("read"))],
) -> JSONResponse:
    """Keep a mask as a DICOM segmentation of the study.

    Its `sop_uid` is then the `mask` of a word of feedback (correct, add). Slices that
    are not sent are outside.
    """
    row = result_row(service, result)
    with heavy():
        made = _make(service, caller, row, drawn)
    study = study_of(service, row.study_id)

    def deed(connection: sa.Connection) -> tuple[int, BaseModel]:
        _check_count(connection, result, made.key)
        kept = keep_object(connection, study, made, now=time.time())
        if kept is None:
            raise gone(result)
        detail = {
            "result": result,
            "assessment": drawn.assessment,
            "finding": drawn.finding,
            "slices": len(drawn.slices),
        }
        record(connection, caller, "draw mask", study_id=study.id, detail=detail)
        return 201, ReaderObjectView(object_id=kept.object_id, sop_uid=kept.sop_uid)

    return once.run(caller, deed)


def _make(service: Service, caller: Caller, row: Any, drawn: DrawnMask) -> ReaderObject:
    """The segmentation, durable already: building it takes no lock."""
    assessment = _assessment(row, drawn)
    content = hashlib.sha256(drawn.model_dump_json().encode()).hexdigest()
    label, finding, was_drawn = _meaning(service, row, assessment, drawn)
    study = study_of(service, row.study_id)
    slices = [each.slice for each in drawn.slices]
    headers = read_headers(
        study, (assessment.images[d].sop_instance_uid for d in slices)
    )
    planes = _planes(drawn, assessment, headers)
    key = f"mask:{row.id}:{caller.user_id or 0}:{content}"
    dataset = to_drawn_segmentation(
        assessment,
        Drawing(
            planes,
            label,
            finding or f"{ADDED}{content[:12]}",
            caller.name,
            is_changed=was_drawn,
        ),
        headers,
        key=key,
        series_key=f"masks:{row.key}",
        number=_count(service, row.id) + 1,
        lang="zh" if service.settings.language == "zh" else "en",
    )
    data = to_bytes(dataset)
    digest = service.store.blobs.put(data)
    return ReaderObject("SEG", key, row.id, data, digest, caller.user_id)


def _assessment(row: Any, drawn: DrawnMask) -> Assessment:
    assessments = from_document(row.diagnosis).assessments
    if drawn.assessment >= len(assessments):
        raise UsageError(
            f"assessment: is {drawn.assessment}; the result has {len(assessments)}, "
            "counted from 0"
        )
    assessment = assessments[drawn.assessment]
    slices = [each.slice for each in drawn.slices]
    if len(set(slices)) < len(slices):
        raise UsageError("slices: a slice is there twice; send each once")
    if max(slices) >= len(assessment.images):
        raise UsageError(
            f"slices: {max(slices)} is none of them; the assessment looked at "
            f"{len(assessment.images)} images, counted from 0"
        )
    return assessment


def _meaning(
    service: Service, row: Any, assessment: Assessment, drawn: DrawnMask
) -> tuple[str, str, bool]:
    """Label, finding, and whether a bundle's mask was there before."""
    if drawn.finding.startswith(ADDED):
        with service.store.read() as connection:
            words = read_words(connection, [row.id])
        said = [
            word
            for word in words
            if (word.assessment, word.finding) == (drawn.assessment, drawn.finding)
        ]
        if not said:
            raise UsageError("finding: no reader added one of this name")
        return drawn.label or said[-1].correction.label, drawn.finding, False
    if not drawn.finding:
        if not drawn.label:
            raise UsageError("label: is missing; a mask that is added says what it is")
        return drawn.label, "", False
    finding = finding_of(from_document(row.diagnosis), drawn.assessment, drawn.finding)
    was_drawn = assessment.algorithm.form == "segment" and finding.is_present
    return drawn.label or finding.label, finding.id, was_drawn


def _planes(drawn: DrawnMask, assessment: Assessment, headers: list[Any]) -> Planes:
    sizes = {
        str(header.SOPInstanceUID): (int(header.Rows), int(header.Columns))
        for header in headers
    }
    found: Planes = {}
    pixels = 0
    for at, each in enumerate(drawn.slices):
        rows, columns = sizes[assessment.images[each.slice].sop_instance_uid]
        pixels += rows * columns
        if pixels > MOST_PIXELS:
            raise Problem(
                413,
                f"slices: they have more than {MOST_PIXELS >> 20} million pixels "
                "together; send only those that were drawn on",
            )
        where = f"slices[{at}].png"
        try:
            data = base64.b64decode(each.png, validate=True)
        except binascii.Error:
            raise UsageError(f"{where}: is no base64") from None
        found[each.slice] = read_plane(data, rows=rows, columns=columns, where=where)
    return found


def _count(service: Service, result: int) -> int:
    query = sa.select(sa.func.count()).where(
        reading_objects.c.result_id == result, reading_objects.c.kind == "SEG"
    )
    with service.store.read() as connection:
        return int(connection.execute(query).scalar_one())


def _check_count(connection: sa.Connection, result: int, key: str) -> None:
    """Refuse to fill the study and the disk; the same mask again is no other one.

    Raises:
        UsageError: there are `MOST_MASKS` others.
    """
    others = sa.select(sa.func.count()).where(
        reading_objects.c.result_id == result,
        reading_objects.c.kind == "SEG",
        reading_objects.c.key != key,
    )
    if connection.execute(others).scalar_one() >= MOST_MASKS:
        raise UsageError(
            f"masks: readers have drawn {MOST_MASKS:,} on this result; no more are "
            "kept: have the study answered anew"
        )


def result_row(service: Service, result: int) -> Any:
    """The row of a result that counts.

    Raises:
        Problem: 404.
    """
    query = sa.select(results).where(results.c.id == result, results.c.role == "active")
    with service.store.read() as connection:
        row = connection.execute(query).first()
    if row is None:
        raise gone(result)
    return row


def study_of(service: Service, number: int) -> Study:
    """A study with its images.

    Raises:
        Problem: 404.
    """
    study = load_study(service.store, number)
    if study is None:
        raise Problem(404, f"there is no study {number}; it may have been removed")
    return study


def gone(result: int) -> Problem:
    """There is no such result."""
    return Problem(404, f"there is no result {result}; it may have been removed")
