"""WADO-RS: frames, native or as they are stored (PS3.18 10.4.1.1.6)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from medlens.core import ReadError
from medlens.read.dicom.codecs import is_known as is_decodable
from medlens.read.dicom.frames import read_frame
from medlens.read.dicom.header import NATIVE, DicomHeader
from medlens.read.dicom.layout import Layout
from medlens.read.source import Source
from medlens.serve.access.caller import Caller
from medlens.serve.web.dicomweb.accept import Accepted, accepted, not_acceptable
from medlens.serve.web.dicomweb.addresses import addresses_of
from medlens.serve.web.dicomweb.found import StoredInstance, find_instance
from medlens.serve.web.dicomweb.parts import Part, multipart_response
from medlens.serve.web.dicomweb.retrieve import CACHE, etag_of
from medlens.serve.web.dicomweb.transcode import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    native_frame,
    open_pixels,
)
from medlens.serve.web.dicomweb.work import heavy
from medlens.serve.web.errors import Problem
from medlens.serve.web.etag import is_known
from medlens.serve.web.guard import may
from medlens.serve.web.notes import MOST_NAMED, note_look
from medlens.serve.web.state import service_of

router = APIRouter(include_in_schema=False)
OCTETS = "application/octet-stream"
MAX_FRAMES = 4096
"""Frames of one request."""

MAX_FRAME_BYTES = 256 << 20
"""Bytes of one frame that is held in memory."""

_LIST = re.compile(r"[0-9]{1,9}(?:,[0-9]{1,9})*")
_MEDIA = {
    **dict.fromkeys(("4.50", "4.51", "4.57", "4.70"), "image/jpeg"),
    **dict.fromkeys(("4.80", "4.81"), "image/jls"),
    **dict.fromkeys(("4.90", "4.91"), "image/jp2"),
    **dict.fromkeys(("4.92", "4.93"), "image/jpx"),
    **dict.fromkeys(("4.201", "4.202", "4.203"), "image/jphc"),
    **dict.fromkeys(("4.100", "4.101"), "video/mpeg"),
    **dict.fromkeys(("4.102", "4.103", "4.104", "4.105", "4.106"), "video/mp4"),
    "5": "image/dicom-rle",
}
"""Transfer syntax below 1.2.840.10008.1.2 → media type (PS3.18 8.7.3)."""

Viewer = Annotated[Caller, Depends(may("view"))]


@dataclass(frozen=True)
class _Form:
    """How frames are given.

    Attributes:
        media_type: of each.
        transfer_syntax: that its bytes are in.
        is_decoded: native bytes; else those of the file.
        is_alone: the one frame is the whole body.
    """

    media_type: str
    transfer_syntax: str
    is_decoded: bool
    is_alone: bool

    @property
    def content_type(self) -> str:
        """With its parameter."""
        return f"{self.media_type}; transfer-syntax={self.transfer_syntax}"


@router.api_route(
    "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}",
    methods=["GET", "HEAD"],
)
def retrieve_frames(
    request: Request,
    caller: Viewer,
    study: str,
    series: str,
    instance: str,
    frames: str,
) -> Response:
    """Frames by their numbers, which count from 1: "1" or "3,4,5"."""
    numbers = parse_frames(frames)
    service = service_of(request)
    found = find_instance(service.store, study, series, instance)
    said = {"as": "frames", "instance": found.instance_id, **_shortly(numbers)}
    note_look(service, caller, "view", found.study_id, **said)
    source, header, layout = open_frames(found, numbers)
    form = _choose(request, found.transfer_syntax, len(numbers))
    tag = etag_of((found,), frames, form)
    headers = {**CACHE, "ETag": tag}
    if is_known(request, tag):
        return Response(status_code=304, headers=headers)
    # The first is made before the answer begins, so that a failure has a status.
    first = _frame(source, header, layout, numbers[0], form)
    if form.is_alone:
        return Response(first, headers={**headers, "Content-Type": form.content_type})
    address = addresses_of(request).instance(study, series, instance)
    parts = _parts(source, header, layout, numbers, form, first, address)
    return multipart_response(parts, form.media_type, headers=headers)


def parse_frames(text: str) -> list[int]:
    """Frame numbers of a URL.

    Raises:
        Problem: 400, it is no list of numbers from 1, or too long.
    """
    if not _LIST.fullmatch(text) or text.count(",") >= MAX_FRAMES:
        raise Problem(
            400, f"frames: wanted up to {MAX_FRAMES:,} numbers apart by commas"
        )
    numbers = [int(each) for each in text.split(",")]
    if min(numbers) < 1:
        raise Problem(400, "frames: count from 1")
    return numbers


def _shortly(numbers: Sequence[int]) -> dict[str, object]:
    """Which frames, for the trail; of many how many and the first."""
    if len(numbers) <= MOST_NAMED:
        return {"frames": list(numbers)}
    return {"count": len(numbers), "frames": list(numbers[:MOST_NAMED])}


def open_frames(
    found: StoredInstance, numbers: Sequence[int]
) -> tuple[Source, DicomHeader, Layout]:
    """The pixels of an instance, if it has these frames.

    Raises:
        Problem: 404 where it has no pixels or not so many frames.
    """
    try:
        source, header, layout = open_pixels(found.path)
    except ReadError as error:
        raise Problem(404, str(error)) from None
    if max(numbers) > layout.frames:
        raise Problem(
            404,
            f"frames: {max(numbers):,} is past the last, which is {layout.frames:,}",
        )
    size = layout.frame_bits // 8
    if header.length is None:
        size = max(size, found.bytes // layout.frames)
    if size > MAX_FRAME_BYTES:
        raise Problem(
            422,
            f"frames: each has {size >> 20:,} MiB; up to {MAX_FRAME_BYTES >> 20} MiB "
            "are given; retrieve the instance as it is stored",
        )
    return source, header, layout


def media_type_of(syntax: str) -> str:
    """Of a frame as it is stored in a transfer syntax."""
    return _MEDIA.get(syntax.removeprefix("1.2.840.10008.1.2."), OCTETS)


def _choose(request: Request, stored: str, count: int) -> _Form:
    decoded = (OCTETS, EXPLICIT_LITTLE, True)
    as_stored = (media_type_of(stored), stored, False)
    for each in accepted(request):
        found = _match(each, stored)
        if found is None:
            continue
        media_type, syntax, is_decoded = found
        if each.covers_parts(media_type):
            return _Form(media_type, syntax, is_decoded, is_alone=False)
        if count == 1 and each.covers(media_type):
            return _Form(media_type, syntax, is_decoded, is_alone=True)
    offers = [
        f'multipart/related; type="{kind}"; transfer-syntax={syntax}'
        for kind, syntax, _ in (decoded, as_stored)
    ]
    raise not_acceptable(dict.fromkeys(offers))


def _match(each: Accepted, stored: str) -> tuple[str, str, bool] | None:
    """(media type, transfer syntax, decoded) that a range asks for, if there is one.

    Where anything is accepted, frames come decoded: everyone can read them. A frame
    that no decoder here knows comes as it is.
    """
    wanted, is_native = each.transfer_syntax, stored in NATIVE
    takes_octets = each.covers_parts(OCTETS) or each.covers(OCTETS)
    if takes_octets:
        if wanted in (EXPLICIT_LITTLE, IMPLICIT_LITTLE) or is_native:
            is_wanted = wanted in ("", "*", stored, EXPLICIT_LITTLE, IMPLICIT_LITTLE)
            big = wanted == EXPLICIT_BIG
            if is_wanted and not big and is_decodable(stored):
                return OCTETS, EXPLICIT_LITTLE, True
        elif wanted == "" and is_decodable(stored):
            return OCTETS, EXPLICIT_LITTLE, True
        elif wanted in ("*", stored):
            return OCTETS, stored, False
    media_type = media_type_of(stored)
    takes = each.covers_parts(media_type) or each.covers(media_type)
    if not is_native and takes and wanted in ("", "*", stored):
        return media_type, stored, False
    return None


def _frame(
    source: Source, header: DicomHeader, layout: Layout, number: int, form: _Form
) -> bytes:
    """Bytes of one frame.

    Raises:
        Problem: 422, they are damaged.
    """
    try:
        if not form.is_decoded:
            return read_frame(header, layout, number - 1, source)
        with heavy():
            return native_frame(source, header, layout, number - 1)
    except ReadError as error:
        raise Problem(422, str(error)) from None


def _parts(
    source: Source, header: DicomHeader, layout: Layout, numbers: Sequence[int],
    form: _Form, first: bytes, address: str,
) -> Iterator[Part]:  # fmt: skip
    for place, number in enumerate(numbers):
        data = first
        if place:
            data = _frame(source, header, layout, number, form)
        yield Part(form.content_type, (data,), f"{address}/frames/{number}")
