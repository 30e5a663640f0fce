"""WADO-RS: single large values of an instance (PS3.18 10.4.1.1.5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from medlens.core import ReadError
from medlens.core.quiet import quiet
from medlens.read.dicom.frames import read_frame
from medlens.read.dicom.header import NATIVE, read_header
from medlens.read.source import open_source
from medlens.serve.access.caller import Caller
from medlens.serve.web.dicomweb.accept import accepted, not_acceptable
from medlens.serve.web.dicomweb.addresses import addresses_of
from medlens.serve.web.dicomweb.dataset import open_dataset, place_of_value
from medlens.serve.web.dicomweb.found import StoredInstance, find_instance
from medlens.serve.web.dicomweb.frames import OCTETS, media_type_of
from medlens.serve.web.dicomweb.parts import Part, file_pieces, multipart_response
from medlens.serve.web.dicomweb.retrieve import CACHE, etag_of
from medlens.serve.web.dicomweb.transcode import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    native_frame,
    open_pixels,
)
from medlens.serve.web.errors import Problem
from medlens.serve.web.etag import is_known
from medlens.serve.web.guard import may
from medlens.serve.web.notes import note_look
from medlens.serve.web.state import service_of

router = APIRouter(include_in_schema=False)
Viewer = Annotated[Caller, Depends(may("view"))]
_PATH = re.compile(r"[0-9A-Fa-f]{8}(?:/[0-9]{1,6}/[0-9A-Fa-f]{8}){0,16}")
_TEXTS = ("LT", "SQ", "ST", "UC", "UR", "UT")  # no bulk data here
_PIXELS = ("7FE00010", "7FE00008", "7FE00009")


@router.api_route(
    "/studies/{study}/series/{series}/instances/{instance}/bulkdata/{place:path}",
    methods=["GET", "HEAD"],
)
def retrieve_bulkdata(
    request: Request,
    caller: Viewer,
    study: str,
    series: str,
    instance: str,
    place: str,
) -> Response:
    """One value, by its tag; within sequences "SEQUENCE/item from 0/TAG"."""
    if not _PATH.fullmatch(place):
        raise Problem(400, "bulkdata: wanted a tag of 8 digits, or SEQUENCE/item/TAG")
    service, place = service_of(request), place.upper()
    found = find_instance(service.store, study, series, instance)
    said = {"as": "bulkdata", "instance": found.instance_id, "tag": place}
    note_look(service, caller, "view", found.study_id, **said)
    tag = etag_of((found,), place)
    headers = {**CACHE, "ETag": tag}
    if is_known(request, tag):
        return Response(status_code=304, headers=headers)
    kind, bodies = _value(found, place)
    return _answer(request, kind, bodies, headers)


def _answer(
    request: Request,
    kind: str,
    bodies: Iterator[Iterable[bytes]],
    headers: dict[str, str],
) -> Response:
    """One part for each body, or a single body where that is preferred."""
    name = kind.partition(";")[0]
    location = f"{addresses_of(request).root}{request.url.path.split('/dicom-web')[-1]}"
    for each in accepted(request):
        if each.covers_parts(name) or each.covers_parts(OCTETS):
            parts = (Part(kind, body, location) for body in bodies)
            return multipart_response(parts, name, headers=headers)
        if each.covers(name) or each.covers(OCTETS):
            pieces = (piece for body in bodies for piece in body)
            said = {**headers, "Content-Type": kind}
            return StreamingResponse(pieces, headers=said)
    raise not_acceptable((f'multipart/related; type="{name}"', name))


def _value(found: StoredInstance, place: str) -> tuple[str, Iterator[Iterable[bytes]]]:
    if place in _PIXELS:
        return _pixels(found)
    try:
        data = open_dataset(found.path)
        far = _look_far(data, place)
        if far is not None:
            # As it lies in the file, whose byte order it has.
            is_big = found.transfer_syntax == EXPLICIT_BIG
            syntax = EXPLICIT_BIG if is_big else EXPLICIT_LITTLE
            kind = f"{OCTETS}; transfer-syntax={syntax}"
            return kind, iter((file_pieces(found.path, *far),))
        with quiet():
            value = _look_up(data, place.split("/"))
    except ReadError as error:
        raise Problem(422, str(error)) from None
    if not isinstance(value, (bytes, bytearray)):
        raise Problem(404, "bulkdata: there is no large binary value of that tag")
    return f"{OCTETS}; transfer-syntax={EXPLICIT_LITTLE}", iter(((bytes(value),),))


def _look_far(data: Any, place: str) -> tuple[int, int] | None:
    """Where in the file a large value of the top level lies; None for any other."""
    try:
        tag = int(place, 16)
        if data.get_item(tag, keep_deferred=True).VR in _TEXTS:
            return None
        return place_of_value(data, tag)
    except (KeyError, ValueError, AttributeError):
        return None


def _look_up(data: Any, steps: list[str]) -> Any:
    """The value of a tag, None where there is none."""
    try:
        while len(steps) > 1:
            data = data[int(steps[0], 16)].value[int(steps[1])]
            steps = steps[2:]
        return data[int(steps[0], 16)].value
    except (KeyError, IndexError, TypeError, AttributeError):
        return None


def _pixels(found: StoredInstance) -> tuple[str, Iterator[Iterable[bytes]]]:
    """Native pixels as they lie in the file; compressed ones frame by frame."""
    try:
        header = read_header(open_source(found.path, found.case))
    except ReadError as error:
        raise Problem(404, str(error)) from None
    syntax = header.transfer_syntax
    is_plain = syntax in NATIVE and syntax != EXPLICIT_BIG
    if is_plain and header.inflated is None and header.length is not None:
        pieces = file_pieces(found.path, header.start, header.length)
        return f"{OCTETS}; transfer-syntax={EXPLICIT_LITTLE}", iter((pieces,))
    try:
        source, header, layout = open_pixels(found.path)
    except ReadError as error:
        raise Problem(422, str(error)) from None
    frames = range(layout.frames)
    if syntax in NATIVE:
        native = ((native_frame(source, header, layout, n),) for n in frames)
        one = (piece for body in native for piece in body)
        return f"{OCTETS}; transfer-syntax={EXPLICIT_LITTLE}", iter((one,))
    stored = ((read_frame(header, layout, n, source),) for n in frames)
    return f"{media_type_of(syntax)}; transfer-syntax={syntax}", iter(stored)
