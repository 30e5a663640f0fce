"""Bundles: what is at work, its card and figures; adding one."""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.convertors import Convertor, register_url_convertor

from medlens.serve.access.caller import Caller
from medlens.serve.access.trail import record
from medlens.serve.receive.archive import ArchiveError
from medlens.serve.store.blobs import Draft
from medlens.serve.store.tables import bundles
from medlens.serve.web.api.bundle_models import (
    AddQuery,
    BundleView,
    WholeBundle,
    view_of_bundle,
    whole_bundle,
)
from medlens.serve.web.api.bundle_unpack import unpack_bundle
from medlens.serve.web.errors import Problem
from medlens.serve.web.guard import may
from medlens.serve.web.state import Service, service_of

router = APIRouter(prefix="/api/v1/bundles", tags=["bundles"])
ServiceHere = Annotated[Service, Depends(service_of)]
BundleDigest = Annotated[
    str, Path(pattern=r"^[0-9a-f]{64}$", description="SHA-256 that names the bundle")
]
ZIP_BODY = {
    "requestBody": {
        "required": True,
        "description": "a ZIP archive with bundle.json, model.onnx and card.md, at its "
        "top or in one folder",
        "content": {
            "application/zip": {"schema": {"type": "string", "format": "binary"}}
        },
    }
}


@router.get("", response_model=list[BundleView])
def list_bundles(
    service: ServiceHere, caller: Annotated[Caller, Depends(may("view"))]
) -> list[BundleView]:
    """All bundles, also those that are retired, the newest first."""
    del caller
    with service.store.read() as connection:
        rows = connection.execute(
            sa.select(bundles).order_by(bundles.c.added_at.desc(), bundles.c.digest)
        ).all()
    return [view_of_bundle(row) for row in rows]


class _Digest(Convertor[str]):
    """A digest in an address: words such as "rollback" are none."""

    regex = "[0-9a-f]{64}"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("digest", _Digest())


@router.get("/{digest:digest}", response_model=WholeBundle)
def read_bundle(
    digest: BundleDigest,
    service: ServiceHere,
    caller: Annotated[Caller, Depends(may("view"))],
) -> WholeBundle:
    """One bundle with its task, figures and card."""
    del caller
    return whole_bundle(_row(service, digest))


def _row(service: Service, digest: str) -> Any:
    with service.store.read() as connection:
        row = connection.execute(
            sa.select(bundles).where(bundles.c.digest == digest)
        ).first()
    if row is None:
        raise Problem(404, "there is no such bundle; /api/v1/bundles lists all of them")
    return row


@router.post(
    "", status_code=201, response_model=WholeBundle, openapi_extra=dict(ZIP_BODY)
)
async def add_bundle(
    request: Request,
    response: Response,
    query: Annotated[AddQuery, Query()],
    service: ServiceHere,
    caller: Annotated[Caller, Depends(may("administer"))],
) -> WholeBundle:
    """Add a bundle; every digest in it is checked. The same bundle twice is one (200).

    It is not at work unless `role` says so.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/zip":
        raise Problem(415, "wanted a ZIP archive of a bundle as application/zip")
    with await run_in_threadpool(service.store.blobs.draft) as draft:
        async for piece in request.stream():
            await run_in_threadpool(draft.write, piece)
        is_new, digest = await run_in_threadpool(_add, service, caller, draft, query)
    response.status_code = 201 if is_new else 200
    response.headers["Location"] = f"/api/v1/bundles/{digest}"
    return await run_in_threadpool(lambda: whole_bundle(_row(service, digest)))


def _add(
    service: Service, caller: Caller, draft: Draft, query: AddQuery
) -> tuple[bool, str]:
    """Unpack, check, and put into the table; whether it is new, and its digest."""
    import time

    if query.role == "shadow":
        _check_shadowed(service, query.shadow_of)
    try:
        found = unpack_bundle(service.store, draft.path, limits=service.settings.limits)
    except ArchiveError as error:
        raise Problem(422, str(error)) from None
    now = time.time()
    with service.store.begin() as connection:
        is_known = connection.execute(
            sa.select(bundles.c.digest).where(bundles.c.digest == found.digest)
        ).first()
        if is_known is None:
            connection.execute(
                sa.insert(bundles).values(
                    digest=found.digest,
                    name=found.name,
                    role=query.role,
                    shadow_of=query.shadow_of if query.role == "shadow" else "",
                    folder=str(found.folder),
                    added_at=now,
                    changed_at=now,
                )
            )
        detail = {"bundle": found.digest, "role": query.role}
        record(connection, caller, "add bundle", detail=detail)
    return is_known is None, found.digest


def _check_shadowed(service: Service, digest: str) -> None:
    row = _row(service, digest) if digest else None
    if row is None or row.role != "active":
        raise Problem(
            422,
            "shadow_of: wanted the digest of the active bundle that it runs beside",
        )
