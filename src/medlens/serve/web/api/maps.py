"""Evidence maps and masks of a result, to be laid over its images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request, Response

from medlens.serve.access.caller import Caller
from medlens.serve.store.tables import result_objects, results
from medlens.serve.web.api.fields import ResultNumber
from medlens.serve.web.api.map_models import (
    PNG,
    Counted,
    EvidenceView,
    FindingId,
    MapsView,
    MaskView,
    PlaneView,
    SliceView,
)
from medlens.serve.web.errors import Problem
from medlens.serve.web.etag import is_known
from medlens.serve.web.guard import may
from medlens.serve.web.notes import note_look
from medlens.serve.web.state import Service, service_of
from medlens.serve.work.maps import read_evidence, read_maps, read_mask
from medlens.write.document import from_document

router = APIRouter(prefix="/api/v1/results", tags=["results"])
ServiceHere = Annotated[Service, Depends(service_of)]
Viewer = Annotated[Caller, Depends(may("view"))]
# Asked anew each time, so that every look leaves its line in the trail and nobody sees
# a map longer than they may.
CACHE = "private, no-cache"


@router.get("/{result}/maps", response_model=MapsView)
def list_maps(result: ResultNumber, service: ServiceHere, caller: Viewer) -> MapsView:
    """Which findings have an evidence map, which assessments a mask, on which images.

    A map is grey, 0 where nothing speaks for the finding and 255 where most does; it
    reaches from edge to edge of the image and is smaller. A mask has the image's size,
    and its values are indices of `labels`. Slices without either are left out.
    """
    found = _find(service, result, with_images=True)
    note_look(service, caller, "view result", found.study_id, result=result, **MAPS)
    if found.path is None:
        return MapsView(evidence=[], masks=[])
    maps = read_maps(found.path)
    return MapsView(
        evidence=[
            EvidenceView(
                assessment=each.assessment,
                finding=each.finding,
                slices=found.slices(each.assessment, each.slices),
                grid=None if each.grid is None else list(each.grid),
            )
            for each in maps.evidence
        ],
        masks=[
            MaskView(
                assessment=each.assessment,
                labels=list(each.labels),
                slices=found.slices(each.assessment, each.slices),
            )
            for each in maps.masks
        ],
    )


MAPS = {"as": "maps"}


@router.get(
    "/{result}/maps/evidence/{assessment}/{finding}/{slice}",
    response_class=Response,
    responses=PNG,
)
def read_evidence_map(
    request: Request,
    result: ResultNumber,
    assessment: Counted,
    finding: FindingId,
    slice: Counted,
    service: ServiceHere,
    caller: Viewer,
) -> Response:
    """One slice of a finding's evidence map."""
    found = _find(service, result)
    data = found.path and read_evidence(
        found.path, assessment=assessment, finding=finding, slice_index=slice
    )
    tag = f'"{found.digest[:32]}-{assessment}-{finding}-{slice}"'
    return _picture(request, service, caller, found, result, data, tag)


@router.get(
    "/{result}/maps/masks/{assessment}/{slice}", response_class=Response, responses=PNG
)
def read_mask_map(
    request: Request,
    result: ResultNumber,
    assessment: Counted,
    slice: Counted,
    service: ServiceHere,
    caller: Viewer,
) -> Response:
    """One slice of a mask."""
    found = _find(service, result)
    data = found.path and read_mask(
        found.path, assessment=assessment, slice_index=slice
    )
    tag = f'"{found.digest[:32]}-{assessment}-{slice}"'
    return _picture(request, service, caller, found, result, data, tag)


class _Found:
    """Where the maps of a result lie, if it has any."""

    def __init__(self, row: Any, path: Path | None, digest: str) -> None:
        self.study_id: int = row.study_id
        self.path, self.digest = path, digest
        diagnosis = getattr(row, "diagnosis", None)
        self._assessments = from_document(diagnosis).assessments if diagnosis else ()

    def slices(self, assessment: int, indices: Sequence[int]) -> list[SliceView]:
        """Slices with the images that they are."""
        images = self._assessments[assessment].images
        return [
            SliceView(
                slice=d,
                image=PlaneView(
                    sop_uid=images[d].sop_instance_uid, frame=images[d].frame
                ),
            )
            for d in indices
        ]


def _find(service: Service, result: int, *, with_images: bool = False) -> _Found:
    """The archive of a result that counts.

    Raises:
        Problem: 404 without such a result; 500 where the file is gone.
    """
    columns = [results.c.study_id] + ([results.c.diagnosis] if with_images else [])
    with service.store.read() as connection:
        row = connection.execute(
            sa.select(*columns).where(
                results.c.id == result, results.c.role == "active"
            )
        ).first()
        digest = connection.execute(
            sa.select(result_objects.c.digest).where(
                result_objects.c.result_id == result, result_objects.c.kind == "MAPS"
            )
        ).scalar()
    if row is None:
        raise Problem(404, f"there is no result {result}; it may have been removed")
    path = service.store.blobs.path_of(digest) if digest else None
    if path is not None and not path.is_file():
        raise Problem(
            500, "its file is missing; the operator should run medlens doctor"
        )
    return _Found(row, path, digest or "")


def _picture(
    request: Request,
    service: Service,
    caller: Caller,
    found: _Found,
    result: int,
    data: bytes | Path | None,
    tag: str,
) -> Response:
    if not isinstance(data, bytes):
        raise Problem(
            404,
            f"result {result} has no such picture; /api/v1/results/{result}/maps lists "
            "all of them",
        )
    note_look(service, caller, "view result", found.study_id, result=result, **MAPS)
    headers = {"ETag": tag, "Cache-Control": CACHE, "X-Content-Type-Options": "nosniff"}
    if is_known(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(data, media_type="image/png", headers=headers)
