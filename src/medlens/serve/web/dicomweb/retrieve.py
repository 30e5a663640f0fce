"""WADO-RS: studies, series and instances as they are stored or converted
(PS3.18 10.4.1.1)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from medlens.core import MedlensError
from medlens.serve.access.caller import Caller
from medlens.serve.web.dicomweb.accept import Accepted, accepted, not_acceptable
from medlens.serve.web.dicomweb.addresses import Addresses, addresses_of
from medlens.serve.web.dicomweb.found import StoredInstance, find_instances, place_of
from medlens.serve.web.dicomweb.parts import Part, file_pieces, multipart_response
from medlens.serve.web.dicomweb.transcode import (
    EXPLICIT_LITTLE,
    can_convert,
    is_lossy,
    to_explicit_little,
)
from medlens.serve.web.etag import is_known
from medlens.serve.web.guard import may
from medlens.serve.web.notes import note_look
from medlens.serve.web.state import service_of

router = APIRouter(include_in_schema=False)
DICOM = "application/dicom"
CACHE = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}
Viewer = Annotated[Caller, Depends(may("view"))]


@router.api_route("/studies/{study}", methods=["GET", "HEAD"])
def retrieve_study(request: Request, caller: Viewer, study: str) -> Response:
    """Every instance of a study."""
    return _retrieve(request, caller, study)


@router.api_route("/studies/{study}/series/{series}", methods=["GET", "HEAD"])
def retrieve_series(
    request: Request, caller: Viewer, study: str, series: str
) -> Response:
    """Every instance of a series."""
    return _retrieve(request, caller, study, series)


@router.api_route(
    "/studies/{study}/series/{series}/instances/{instance}", methods=["GET", "HEAD"]
)
def retrieve_instance(
    request: Request, caller: Viewer, study: str, series: str, instance: str
) -> Response:
    """One instance, as one part of a multipart answer or alone."""
    return _retrieve(request, caller, study, series, instance)


def _retrieve(request: Request, caller: Caller, *uids: str) -> Response:
    service = service_of(request)
    found = find_instances(service.store, *uids)
    chosen, given = _choose(request, found, is_single=len(uids) == 3)
    place = place_of(found, *uids)
    note_look(service, caller, "retrieve", found[0].study_id, **place)
    tag = etag_of(found, chosen.name, chosen.transfer_syntax)
    headers = {**CACHE, "ETag": tag}
    if is_known(request, tag):
        return Response(status_code=304, headers=headers)
    status = 200 if len(given) == len(found) else 206
    if chosen.covers(DICOM) and len(uids) == 3 and not chosen.covers_parts(DICOM):
        return _alone(request, given[0], chosen, headers)
    parts = _parts(given, chosen, addresses_of(request))
    if request.method == "HEAD":
        parts = iter(())
    return multipart_response(parts, DICOM, headers=headers, status=status)


def _choose(
    request: Request, found: Sequence[StoredInstance], *, is_single: bool
) -> tuple[Accepted, list[StoredInstance]]:
    """The best accepted range, and the instances that it can be answered with."""
    some: tuple[Accepted, list[StoredInstance]] | None = None
    for each in accepted(request):
        if not (each.covers_parts(DICOM) or (is_single and each.covers(DICOM))):
            continue
        given = [one for one in found if _is_given(one, each.transfer_syntax)]
        if len(given) == len(found):
            return each, given
        some = some or ((each, given) if given else None)
    if some is None:
        kinds = sorted({each.transfer_syntax for each in found})
        offers = [
            f'multipart/related; type="{DICOM}"; transfer-syntax={kind}'
            for kind in (*kinds, EXPLICIT_LITTLE)
        ]
        raise not_acceptable(dict.fromkeys(offers))
    return some


def _is_given(instance: StoredInstance, wanted: str) -> bool:
    stored = instance.transfer_syntax
    if wanted == EXPLICIT_LITTLE:
        return wanted == stored or can_convert(stored)
    return wanted in ("", "*", stored)


def _content(instance: StoredInstance, wanted: str) -> tuple[str, Iterable[bytes], int]:
    """(transfer syntax, bytes in pieces, length) of an instance.

    Without a wanted syntax it is Explicit VR Little Endian (PS3.18 8.7.3.5.2), but
    what was compressed with loss stays so. What cannot be converted is given as it is
    stored; its type says so.
    """
    stored = instance.transfer_syntax
    asks = wanted == EXPLICIT_LITTLE or (wanted == "" and not is_lossy(stored))
    if asks and stored != EXPLICIT_LITTLE and can_convert(stored):
        try:
            data = to_explicit_little(instance.path, instance.transfer_syntax)
        except MedlensError:
            pass
        else:
            return EXPLICIT_LITTLE, (data,), len(data)
    return stored, file_pieces(instance.path), instance.bytes


def _parts(
    found: Iterable[StoredInstance], chosen: Accepted, addresses: Addresses
) -> Iterator[Part]:
    for each in found:
        syntax, body, _ = _content(each, chosen.transfer_syntax)
        location = addresses.instance(each.study_uid, each.series_uid, each.sop_uid)
        yield Part(f"{DICOM}; transfer-syntax={syntax}", body, location)


def _alone(
    request: Request,
    instance: StoredInstance,
    chosen: Accepted,
    headers: dict[str, str],
) -> Response:
    syntax, body, length = _content(instance, chosen.transfer_syntax)
    said = {
        **headers,
        "Content-Type": f"{DICOM}; transfer-syntax={syntax}",
        "Content-Length": str(length),
        # A fixed name: nothing of the patient, nothing that the sender chose.
        "Content-Disposition": 'attachment; filename="instance.dcm"',
    }
    if request.method == "HEAD":
        return Response(headers=said)
    return StreamingResponse(body, headers=said)


def etag_of(found: Iterable[StoredInstance], *form: Any) -> str:
    """A strong ETag of these instances in this form."""
    text = "\0".join((*(each.digest for each in found), *map(str, form)))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
