"""QIDO-RS: searches for studies, series and instances (PS3.18 10.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request, Response

from medlens.serve.access.caller import Caller
from medlens.serve.store.matching import QueryError
from medlens.serve.store.search import (
    ATTRIBUTES,
    Level,
    modalities_of,
    search_instances,
    search_series,
    search_studies,
)
from medlens.serve.store.store import Store
from medlens.serve.web.dicomweb.addresses import Addresses, addresses_of
from medlens.serve.web.dicomweb.found import StoredInstance, check_uid
from medlens.serve.web.dicomweb.metadata import choose_form, models_response
from medlens.serve.web.dicomweb.model import Model, model_of
from medlens.serve.web.dicomweb.query import Search, parse_search
from medlens.serve.web.errors import Problem
from medlens.serve.web.guard import may
from medlens.serve.web.notes import note_list
from medlens.serve.web.state import service_of

router = APIRouter(include_in_schema=False)
MORE = "There are additional results that can be requested"
LITERAL = (
    "The fuzzymatching parameter is not supported. Only literal matching has been "
    "performed."
)
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_SEARCHES = {
    "study": search_studies, "series": search_series, "instance": search_instances,
}  # fmt: skip
_EXTRA: dict[str, frozenset[str]] = {
    "study": frozenset({"IssuerOfPatientID", "StudyDescription"}),
    "series": frozenset({
        "BodyPartExamined", "Laterality", "ProtocolName", "Manufacturer",
        "StationName", "SeriesDate", "SeriesTime",
    }),
    "instance": frozenset({"AvailableTransferSyntaxUID"}),
}  # fmt: skip
"""Beyond what Tables 10.6.3-3 to -5 want of every answer: given when asked for."""

Viewer = Annotated[Caller, Depends(may("view"))]


@router.get("/studies")
def find_studies(request: Request, caller: Viewer) -> Response:
    """Studies."""
    return _answer(request, caller, "study", {})


@router.get("/series")
def find_all_series(request: Request, caller: Viewer) -> Response:
    """Series of all studies."""
    return _answer(request, caller, "series", {})


@router.get("/instances")
def find_all_instances(request: Request, caller: Viewer) -> Response:
    """Instances of all studies."""
    return _answer(request, caller, "instance", {})


@router.get("/studies/{study}/series")
def find_series(request: Request, caller: Viewer, study: str) -> Response:
    """Series of a study."""
    return _answer(request, caller, "series", {"StudyInstanceUID": study})


@router.get("/studies/{study}/instances")
def find_study_instances(request: Request, caller: Viewer, study: str) -> Response:
    """Instances of a study."""
    return _answer(request, caller, "instance", {"StudyInstanceUID": study})


@router.get("/studies/{study}/series/{series}/instances")
def find_series_instances(
    request: Request, caller: Viewer, study: str, series: str
) -> Response:
    """Instances of a series."""
    above = {"StudyInstanceUID": study, "SeriesInstanceUID": series}
    return _answer(request, caller, "instance", above)


def _answer(
    request: Request, caller: Caller, level: Level, above: dict[str, str]
) -> Response:
    service = service_of(request)
    store = service.store
    search = parse_search(level, request.query_params.multi_items())
    form = choose_form(request)
    for keyword, uid in above.items():
        if search.matches.get(keyword, uid) != uid:
            raise Problem(400, f"{keyword}: is not that of the address")
        search.matches[keyword] = check_uid(uid)
    rows = _rows(store, level, search)
    headers = {**_HEADERS, **_warnings(search, len(rows))}
    rows = rows[: search.limit]
    note_list(service, caller, "search", (row["study"] for row in rows), level=level)
    if not rows:
        return Response(status_code=204, headers=headers)
    addresses = addresses_of(request)
    models = (_model(store, level, row, search, above, addresses) for row in rows)
    return models_response(models, form, headers=headers)


def _rows(store: Store, level: Level, search: Search) -> Sequence[sa.RowMapping]:
    """One row more than the limit, where there is one."""
    try:
        with store.read() as connection:
            return _SEARCHES[level](
                connection,
                search.matches,
                limit=search.limit + 1,
                offset=search.offset,
            )
    except QueryError as error:
        raise Problem(400, str(error)) from None


def _warnings(search: Search, found: int) -> dict[str, str]:
    said = []
    if found > search.limit:
        said.append(f'299 medlens "{MORE}"')
    if search.is_fuzzy:
        said.append(f'299 medlens "{LITERAL}"')
    return {"Warning": ", ".join(said)} if said else {}


def _model(
    store: Store,
    level: Level,
    row: sa.RowMapping,
    search: Search,
    above: Mapping[str, str],
    addresses: Addresses,
) -> Model:
    # Tables 10.6.3-4 and -5: a level that the address does not name is told too.
    told: list[Level] = [level]
    if level != "study" and "StudyInstanceUID" not in above:
        told.append("study")
    if level == "instance" and "SeriesInstanceUID" not in above:
        told.append("series")
    uids = {"StudyInstanceUID"} | ({"SeriesInstanceUID"} if level != "study" else set())
    model: Model = {}
    for each, attributes in ATTRIBUTES.items():
        for keyword in attributes:
            if keyword not in row:
                continue
            usual = each in told and keyword not in _EXTRA[each]
            asked = search.wants_all or keyword in search.fields
            if usual or asked or keyword in uids or keyword in search.matches:
                tag, entry = to_entry(keyword, row[keyword])
                model[tag] = entry
    model["00080056"] = {"vr": "CS", "Value": ["ONLINE"]}
    model["00081190"] = {"vr": "UR", "Value": [_address(level, row, addresses)]}
    if level == "instance":
        _add_from_file(model, store, row, search, addresses)
    return dict(sorted(model.items()))


def _address(level: Level, row: sa.RowMapping, addresses: Addresses) -> str:
    study = str(row["StudyInstanceUID"])
    if level == "study":
        return addresses.study(study)
    series = str(row["SeriesInstanceUID"])
    if level == "series":
        return addresses.series(study, series)
    return addresses.instance(study, series, str(row["SOPInstanceUID"]))


def _add_from_file(
    model: Model, store: Store, row: sa.RowMapping, search: Search, addresses: Addresses
) -> None:
    """Attributes that only the file has, where they are asked for."""
    known = {keyword for held in ATTRIBUTES.values() for keyword in held}
    if not search.wants_all and search.fields <= known:
        return
    path = store.blobs.path_of(row["digest"])
    instance = StoredInstance(
        row["study"], row["series"], row["instance"], row["StudyInstanceUID"],
        row["SeriesInstanceUID"], row["SOPInstanceUID"], row["SOPClassUID"],
        row["AvailableTransferSyntaxUID"], row["digest"], row["bytes"], path,
    )  # fmt: skip
    whole = model_of(instance, _address("instance", row, addresses))
    for tag, entry in whole.items():
        if search.wants_all or tag in _tags(search.fields):
            model.setdefault(tag, entry)


def _tags(fields: frozenset[str]) -> set[str]:
    return {_tag_of(field) for field in fields}


def _tag_of(field: str) -> str:
    from pydicom.datadict import tag_for_keyword

    tag = tag_for_keyword(field)
    return field if tag is None else f"{tag:08X}"


def to_entry(keyword: str, value: Any) -> tuple[str, dict[str, Any]]:
    """(tag, element of the JSON model) of a column's value; "" has no value."""
    from pydicom.datadict import dictionary_VR, tag_for_keyword

    tag = tag_for_keyword(keyword)
    vr = dictionary_VR(keyword)
    entry: dict[str, Any] = {"vr": vr}
    if keyword == "ModalitiesInStudy":
        values: list[Any] = list(modalities_of(value))
    elif value is None or value == "":
        values = []
    elif vr == "PN":
        groups = zip(("Alphabetic", "Ideographic", "Phonetic"), value.split("="),
                     strict=False)  # fmt: skip
        values = [{name: text for name, text in groups if text}]
    else:
        values = [value]
    if values:
        entry["Value"] = values
    return f"{tag:08X}", entry
