"""WADO-RS: images rendered for a screen, and thumbnails (PS3.18 10.4.1.1.3, .4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from medlens.core import MedlensError
from medlens.read import open_image
from medlens.serve.access.caller import Caller
from medlens.serve.web.dicomweb.accept import choose
from medlens.serve.web.dicomweb.dataset import MAX_WHOLE
from medlens.serve.web.dicomweb.found import StoredInstance, find_instances, place_of
from medlens.serve.web.dicomweb.frames import open_frames, parse_frames
from medlens.serve.web.dicomweb.retrieve import CACHE, etag_of
from medlens.serve.web.dicomweb.view import View, encode, parse_view, render
from medlens.serve.web.dicomweb.work import heavy
from medlens.serve.web.errors import Problem
from medlens.serve.web.etag import is_known
from medlens.serve.web.guard import may
from medlens.serve.web.notes import note_look
from medlens.serve.web.state import service_of

router = APIRouter(include_in_schema=False)
OFFERS = ("image/jpeg", "image/png")
MAX_PIXELS = 32_000_000
"""Rows x columns x samples of a frame that is rendered."""

MAX_TRIED = 8
"""Instances of a study that are tried until one can be shown."""

THUMBNAIL = (128, 128)
Viewer = Annotated[Caller, Depends(may("view"))]
_METHODS = ["GET", "HEAD"]


@router.api_route("/studies/{study}/rendered", methods=_METHODS)
def study_rendered(request: Request, caller: Viewer, study: str) -> Response:
    """The image in the middle of a study."""
    return _respond(request, caller, parse_view(request.query_params), (study,))


@router.api_route("/studies/{study}/series/{series}/rendered", methods=_METHODS)
def series_rendered(
    request: Request, caller: Viewer, study: str, series: str
) -> Response:
    """The image in the middle of a series."""
    return _respond(request, caller, parse_view(request.query_params), (study, series))


@router.api_route(
    "/studies/{study}/series/{series}/instances/{instance}/rendered", methods=_METHODS
)
def instance_rendered(
    request: Request, caller: Viewer, study: str, series: str, instance: str
) -> Response:
    """An instance; of many frames the one in the middle."""
    view = parse_view(request.query_params)
    return _respond(request, caller, view, (study, series, instance))


@router.api_route(
    "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/rendered",
    methods=_METHODS,
)
def frame_rendered(
    request: Request,
    caller: Viewer,
    study: str,
    series: str,
    instance: str,
    frames: str,
) -> Response:
    """One frame."""
    view = parse_view(request.query_params)
    return _respond(request, caller, view, (study, series, instance), _one(frames))


@router.api_route("/studies/{study}/thumbnail", methods=_METHODS)
def study_thumbnail(request: Request, caller: Viewer, study: str) -> Response:
    """A small image of a study."""
    return _respond(request, caller, _small(request), (study,), name="thumbnail")


@router.api_route("/studies/{study}/series/{series}/thumbnail", methods=_METHODS)
def series_thumbnail(
    request: Request, caller: Viewer, study: str, series: str
) -> Response:
    """A small image of a series."""
    uids = (study, series)
    return _respond(request, caller, _small(request), uids, name="thumbnail")


@router.api_route(
    "/studies/{study}/series/{series}/instances/{instance}/thumbnail", methods=_METHODS
)
def instance_thumbnail(
    request: Request, caller: Viewer, study: str, series: str, instance: str
) -> Response:
    """A small image of an instance."""
    uids = (study, series, instance)
    return _respond(request, caller, _small(request), uids, name="thumbnail")


@router.api_route(
    "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/thumbnail",
    methods=_METHODS,
)
def frame_thumbnail(
    request: Request,
    caller: Viewer,
    study: str,
    series: str,
    instance: str,
    frames: str,
) -> Response:
    """A small image of a frame."""
    view, uids = _small(request), (study, series, instance)
    return _respond(request, caller, view, uids, _one(frames), name="thumbnail")


def _one(frames: str) -> int:
    numbers = parse_frames(frames)
    if len(numbers) > 1:
        raise Problem(400, "frames: one frame is rendered at a time; name one")
    return numbers[0]


def _small(request: Request) -> View:
    view = parse_view(request.query_params)
    return view if view.size else replace(view, size=THUMBNAIL)


def _respond(
    request: Request,
    caller: Caller,
    view: View,
    uids: tuple[str, ...],
    frame: int | None = None,
    *,
    name: str = "rendered",
) -> Response:
    service = service_of(request)
    found = find_instances(service.store, *uids)
    media_type = choose(request, OFFERS)
    said = {"as": name, **place_of(found, *uids), **({"frame": frame} if frame else {})}
    note_look(service, caller, "view", found[0].study_id, **said)
    tag = etag_of(found, view, frame, media_type)
    headers = {**CACHE, "ETag": tag}
    if is_known(request, tag):
        return Response(status_code=304, headers=headers)
    with heavy():
        data = _rendered(found, frame, view, media_type)
    return Response(data, media_type=media_type, headers=headers)


def _rendered(
    found: list[StoredInstance], frame: int | None, view: View, media_type: str
) -> bytes:
    """The middle one of the instances that can be shown.

    Raises:
        Problem: 404 without pixels or frame; 422 where they are damaged or too large.
    """
    middle = len(found) // 2
    order = sorted(range(len(found)), key=lambda index: abs(index - middle))
    *others, last = order[:MAX_TRIED]
    for index in others:
        try:
            return _show(found[index], frame, view, media_type)
        except Problem:
            continue  # a report or a damaged file: a neighbour may stand for it
    return _show(found[last], frame, view, media_type)


def _show(
    instance: StoredInstance, frame: int | None, view: View, media_type: str
) -> bytes:
    _, _, layout = open_frames(instance, (frame or 1,))
    pixels = layout.rows * layout.columns * layout.samples
    if pixels > MAX_PIXELS or (layout.frames == 1 and instance.bytes > MAX_WHOLE):
        raise Problem(
            422,
            f"the image has {layout.columns:,} x {layout.rows:,} pixels; up to "
            f"{MAX_PIXELS // 1_000_000} million are rendered; retrieve its frames",
        )
    number = (layout.frames + 1) // 2 if frame is None else frame
    member = f"frame:{number - 1}" if layout.frames > 1 else ""
    try:
        image = open_image(instance.path, member=member, case=instance.case)
        return encode(render(image, view), media_type, view.quality)
    except MedlensError as error:
        raise Problem(422, str(error)) from None
