"""What a viewer shows first of a study: header and pixels, asked for at once.

A viewer that goes by DICOMweb alone needs the study's series, then the list of one,
then a header, then the frame, each after the other. Both replies here need the study's
number only, so that they travel while the page itself is still on its way.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from medlens.core import ReadError
from medlens.read.dicom.codecs import is_known as is_decodable
from medlens.serve.access.caller import Caller
from medlens.serve.web.api.fields import LARGEST, StudyNumber
from medlens.serve.web.dicomweb.addresses import ROOT, Addresses, addresses_of
from medlens.serve.web.dicomweb.found import StoredInstance
from medlens.serve.web.dicomweb.frames import OCTETS, open_frames
from medlens.serve.web.dicomweb.metadata import to_json
from medlens.serve.web.dicomweb.model import model_of
from medlens.serve.web.dicomweb.opening import find_opening
from medlens.serve.web.dicomweb.retrieve import CACHE, etag_of
from medlens.serve.web.dicomweb.transcode import native_frame
from medlens.serve.web.dicomweb.work import heavy
from medlens.serve.web.errors import Problem
from medlens.serve.web.etag import is_known
from medlens.serve.web.guard import may
from medlens.serve.web.notes import note_look
from medlens.serve.web.state import Service, service_of

router = APIRouter(prefix="/api/v1/studies", tags=["studies"])
ServiceHere = Annotated[Service, Depends(service_of)]
Viewer = Annotated[Caller, Depends(may("view"))]
SeriesNumber = Annotated[
    int | None,
    Query(
        ge=1,
        le=LARGEST,
        description="our own number of a series; else the first one with images",
    ),
]


class OpeningView(BaseModel):
    """The first image of a series."""

    series_id: int
    series_uid: str
    image: dict[str, Any] = Field(
        description="its header in the DICOM JSON Model (PS3.18 Annex F), as WADO-RS "
        "metadata give it"
    )


_NONE: dict[str, Any] = {"description": "there is no image to open"}
_OPENING: dict[int | str, dict[str, Any]] = {200: {"model": OpeningView}, 204: _NONE}
_FRAME: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "stored values, native little-endian (PS3.5 8.1); "
        "Content-Location is the frame's address in DICOMweb",
        "content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}},
    },
    204: {"description": "there is no image to open, or none that is decoded here"},
}


@router.get("/{study}/opening", response_class=Response, responses=_OPENING)
def read_opening(
    request: Request,
    study: StudyNumber,
    service: ServiceHere,
    caller: Viewer,
    series: SeriesNumber = None,
) -> Response:
    """The header of the image that a viewer shows first."""
    found = _find(service, caller, study, series, "metadata")
    if found is None:
        return Response(status_code=204)
    addresses = addresses_of(request)
    tag = etag_of((found,), "opening", addresses.root)
    headers = {**CACHE, "ETag": tag}
    if is_known(request, tag):
        return Response(status_code=304, headers=headers)
    view = {
        "series_id": found.series_id,
        "series_uid": found.series_uid,
        "image": model_of(found, _address(addresses, found)),
    }
    return Response(to_json(view), media_type="application/json", headers=headers)


@router.get("/{study}/opening/frame", response_class=Response, responses=_FRAME)
def read_opening_frame(
    request: Request,
    study: StudyNumber,
    service: ServiceHere,
    caller: Viewer,
    series: SeriesNumber = None,
) -> Response:
    """The first frame of the image that a viewer shows first."""
    found = _find(service, caller, study, series, "frames")
    if found is None or not is_decodable(found.transfer_syntax):
        return Response(status_code=204)
    tag = etag_of((found,), "opening frame")
    location = f"{_address(Addresses(ROOT), found)}/frames/1"
    headers = {**CACHE, "ETag": tag, "Content-Location": location}
    if is_known(request, tag):
        return Response(status_code=304, headers=headers)
    source, header, layout = open_frames(found, (1,))
    try:
        with heavy():
            data = native_frame(source, header, layout, 0)
    except ReadError as error:
        raise Problem(422, str(error)) from None
    return Response(data, media_type=OCTETS, headers=headers)


def _find(
    service: Service, caller: Caller, study: int, series: int | None, what: str
) -> StoredInstance | None:
    """The image to open, with a line in the trail."""
    found = find_opening(service.store, study, series)
    if found is not None:
        said = {"as": what, "instance": found.instance_id, "opening": True}
        note_look(service, caller, "view", study, **said)
    return found


def _address(addresses: Addresses, found: StoredInstance) -> str:
    return addresses.instance(found.study_uid, found.series_uid, found.sop_uid)
