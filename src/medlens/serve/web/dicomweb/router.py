"""DICOMweb, put together (PS3.18)."""

from __future__ import annotations

from fastapi import APIRouter

from medlens.serve.web.dicomweb import (
    bulkdata,
    frames,
    metadata,
    rendered,
    retrieve,
    search,
    store,
)
from medlens.serve.web.dicomweb.addresses import ROOT

router = APIRouter(prefix=ROOT, include_in_schema=False)
for each in (search, store, metadata, rendered, frames, bulkdata, retrieve):
    router.include_router(each.router)
