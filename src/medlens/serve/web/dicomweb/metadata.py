"""WADO-RS: metadata of studies, series and instances (PS3.18 10.4.1.1.2)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from medlens.serve.access.caller import Caller
from medlens.serve.web.dicomweb.accept import accepted, not_acceptable
from medlens.serve.web.dicomweb.addresses import Addresses, addresses_of
from medlens.serve.web.dicomweb.found import StoredInstance, find_instances, place_of
from medlens.serve.web.dicomweb.model import Model, model_of
from medlens.serve.web.dicomweb.native import MEDIA_TYPE as XML
from medlens.serve.web.dicomweb.native import to_xml
from medlens.serve.web.dicomweb.parts import Part, multipart_response
from medlens.serve.web.dicomweb.retrieve import CACHE, etag_of
from medlens.serve.web.etag import is_known
from medlens.serve.web.guard import may
from medlens.serve.web.notes import note_look
from medlens.serve.web.state import service_of

router = APIRouter(include_in_schema=False)
JSON = "application/dicom+json"
PLAIN_JSON = "application/json"
Viewer = Annotated[Caller, Depends(may("view"))]


@router.api_route("/studies/{study}/metadata", methods=["GET", "HEAD"])
def study_metadata(request: Request, caller: Viewer, study: str) -> Response:
    """Attributes of every instance of a study, pixels by address."""
    return _metadata(request, caller, study)


@router.api_route("/studies/{study}/series/{series}/metadata", methods=["GET", "HEAD"])
def series_metadata(
    request: Request, caller: Viewer, study: str, series: str
) -> Response:
    """Attributes of every instance of a series, pixels by address."""
    return _metadata(request, caller, study, series)


@router.api_route(
    "/studies/{study}/series/{series}/instances/{instance}/metadata",
    methods=["GET", "HEAD"],
)
def instance_metadata(
    request: Request, caller: Viewer, study: str, series: str, instance: str
) -> Response:
    """Attributes of one instance, pixels by address."""
    return _metadata(request, caller, study, series, instance)


def _metadata(request: Request, caller: Caller, *uids: str) -> Response:
    service = service_of(request)
    found = find_instances(service.store, *uids)
    form = choose_form(request)
    said = {"as": "metadata", **place_of(found, *uids)}
    note_look(service, caller, "view", found[0].study_id, **said)
    addresses = addresses_of(request)
    tag = etag_of(found, form, addresses.root)
    headers = {**CACHE, "ETag": tag}
    if is_known(request, tag):
        return Response(status_code=304, headers=headers)
    if request.method == "HEAD":
        found = []
    return models_response(_models(found, addresses), form, headers=headers)


def _models(found: Sequence[StoredInstance], addresses: Addresses) -> Iterator[Model]:
    for each in found:
        address = addresses.instance(each.study_uid, each.series_uid, each.sop_uid)
        yield model_of(each, address)


def choose_form(request: Request, *, is_list: bool = True) -> str:
    """`JSON`, `PLAIN_JSON` or `XML`, as the request accepts them.

    Args:
        request: that is answered.
        is_list: the answer is a list of data sets, which in XML has many parts.

    Raises:
        Problem: 406.
    """
    for each in accepted(request):
        for name in (JSON, PLAIN_JSON):
            if each.covers(name):
                return name
        if not is_list and each.covers(XML):
            return XML
        if each.name.startswith("multipart/") and each.covers_parts(XML):
            return XML
        if each.covers_parts(JSON) and each.type:
            return JSON
    raise not_acceptable((JSON, f'multipart/related; type="{XML}"' if is_list else XML))


def models_response(
    models: Iterator[Model], form: str, *, headers: dict[str, str]
) -> Response:
    """Data sets as one JSON array, or as parts of XML, written as they are made."""
    if form == XML:
        parts = (Part(XML, (to_xml(model),)) for model in models)
        return multipart_response(parts, XML, headers=headers)
    return StreamingResponse(_array(models), media_type=form, headers=headers)


def _array(models: Iterator[Model]) -> Iterator[bytes]:
    lead = "["
    for model in models:
        yield (lead + to_json(model)).encode("utf-8")
        lead = ","
    yield b"[]" if lead == "[" else b"]"


def to_json(model: Any) -> str:
    """Compact JSON that is safe inside a page, should anybody put it there."""
    text = json.dumps(model, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028")
