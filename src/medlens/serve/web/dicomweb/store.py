"""STOW-RS: instances are stored (PS3.18 10.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from medlens.core import ResourceError
from medlens.serve.access.caller import Caller
from medlens.serve.receive.multipart import (
    MediaType,
    MultipartError,
    MultipartParser,
    boundary_of,
    parse_media_type,
)
from medlens.serve.receive.receipt import Receipt
from medlens.serve.web.body import push_body
from medlens.serve.web.dicomweb.addresses import Addresses, addresses_of
from medlens.serve.web.dicomweb.found import check_uid
from medlens.serve.web.dicomweb.metadata import choose_form, to_json
from medlens.serve.web.dicomweb.model import Model
from medlens.serve.web.dicomweb.native import MEDIA_TYPE as XML
from medlens.serve.web.dicomweb.native import to_xml
from medlens.serve.web.dicomweb.stow import DICOM, DICOM_JSON, Stow
from medlens.serve.web.dicomweb.stow_metadata import StowMetadata
from medlens.serve.web.errors import Problem
from medlens.serve.web.guard import may
from medlens.serve.web.notes import note_upload
from medlens.serve.web.state import Service, service_of

router = APIRouter(include_in_schema=False)
Uploader = Annotated[Caller, Depends(may("upload"))]

# Failure Reason (0008,1197), PS3.18 Table I.2-2 and PS3.4 B.2.3
_FULL, _CANNOT, _DUPLICATE = 0xA700, 0xC000, 0x0111


@router.post("/studies")
async def store_instances(request: Request, caller: Uploader) -> Response:
    """Instances of any studies."""
    return await _store(request, caller, "")


@router.post("/studies/{study}")
async def store_study(request: Request, caller: Uploader, study: str) -> Response:
    """Instances of one study; others are refused."""
    return await _store(request, caller, check_uid(study))


async def _store(request: Request, caller: Caller, study: str) -> Response:
    service = service_of(request)
    form = choose_form(request, is_list=False)
    parser, sink = _open(request, service, caller, study)
    try:
        await push_body(request, parser.feed)
        parser.finish()
        await run_in_threadpool(sink.finish)
    except MultipartError as error:
        raise Problem(400, str(error), headers={"Connection": "close"}) from None
    except ResourceError as error:
        raise Problem(507, str(error)) from None
    except ClientDisconnect:
        raise Problem(400, "the body was not sent to its end; send it again") from None
    finally:
        await run_in_threadpool(sink.close)
        await run_in_threadpool(note_upload, service, caller, "stow", sink.receipts)
    if not sink.receipts:
        raise Problem(400, "the body has no part; wanted one or more instances")
    return _respond(sink.receipts, addresses_of(request), form)


def _open(
    request: Request, service: Service, caller: Caller, study: str
) -> tuple[MultipartParser, Stow | StowMetadata]:
    """The parser of a body, by its Content-Type.

    Raises:
        Problem: 400 for one that cannot be read, 415 for another kind of body.
    """
    limits = service.settings.limits
    try:
        kind = parse_media_type(request.headers.get("content-type", ""))
        parts = _part_type(kind)
        boundary = boundary_of(kind)
    except MultipartError as error:
        raise Problem(400, str(error), headers={"Connection": "close"}) from None
    made: type[Stow] | type[StowMetadata] = (
        StowMetadata if parts == DICOM_JSON else Stow
    )
    sink = made(
        service.intake, service.store.blobs, limits, peer=caller.name, study=study
    )
    return MultipartParser(boundary, sink, max_parts=limits.zip_entries), sink


def _part_type(kind: MediaType) -> str:
    parts = kind.parameters.get("type", DICOM).lower()
    if kind.name != "multipart/related" or parts not in (DICOM, DICOM_JSON):
        raise Problem(
            415,
            "the body is of a kind that is not stored; wanted multipart/related with "
            f'type="{DICOM}" or type="{DICOM_JSON}"',
            headers={"Connection": "close"},
        )
    return parts


def _respond(receipts: Sequence[Receipt], addresses: Addresses, form: str) -> Response:
    """The Store Instances Response (PS3.18 I.2)."""
    good = [each for each in receipts if each.outcome in ("stored", "duplicate")]
    model = to_response(receipts, addresses)
    status = 200 if len(good) == len(receipts) else 202 if good else 409
    if not good and all(each.is_full for each in receipts):
        status = 507
    if form == XML:
        return Response(to_xml(model), status, media_type=XML)
    return Response(to_json(model), status, media_type=form)


def to_response(receipts: Sequence[Receipt], addresses: Addresses) -> Model:
    """What was stored and what was not, and why, as a data set."""
    stored, failed, others = [], [], []
    for each in receipts:
        if each.outcome in ("stored", "duplicate"):
            address = addresses.instance(each.study_uid, each.series_uid, each.sop_uid)
            stored.append({**_named(each), "00081190": _value("UR", address)})
        elif each.sop_uid:
            failed.append({**_named(each), **_why(each)})
        else:
            others.append(_why(each))
    studies = {each.study_uid for each in receipts if each.study_id is not None}
    model: Model = {}
    for tag, items in (
        ("00081198", failed),
        ("00081199", stored),
        ("0008119A", others),
    ):
        if items:
            model[tag] = {"vr": "SQ", "Value": items}
    if len(studies) == 1:
        model["00081190"] = _value("UR", addresses.study(studies.pop()))
    return dict(sorted(model.items()))


def _named(receipt: Receipt) -> Model:
    return {
        "00081150": _value("UI", receipt.sop_class),
        "00081155": _value("UI", receipt.sop_uid),
    }


def _why(receipt: Receipt) -> Model:
    reason = _DUPLICATE if receipt.outcome == "conflict" else _CANNOT
    reason = _FULL if receipt.is_full else reason
    # Text Value: the standard has a number here and no words.
    return {
        "00081197": _value("US", reason),
        "0040A160": _value("UT", receipt.reason),
    }


def _value(vr: str, value: str | int) -> dict[str, object]:
    return {"vr": vr, "Value": [value]}
