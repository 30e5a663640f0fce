"""docs/dicomweb.md names every attribute, field, limit and address."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from medlens.serve.receive.wrap import Details
from medlens.serve.receive.wrap_volume import AIR_HU
from medlens.serve.settings import Limits
from medlens.serve.store.search import ATTRIBUTES
from medlens.serve.web.dicomweb import (
    bulkdata,
    frames,
    metadata,
    query,
    rendered,
    retrieve,
    search,
    store,
    view,
)
from medlens.serve.web.dicomweb.dataset import MAX_WHOLE
from medlens.serve.web.dicomweb.model import INLINE_BYTES

PAGE = (Path(__file__).parents[4] / "docs" / "dicomweb.md").read_text()


def test_every_attribute_that_can_be_searched_by_is_named() -> None:
    named = {
        keyword
        for held in ATTRIBUTES.values()
        for keyword, attribute in held.items()
        if attribute.kind
    }
    assert [keyword for keyword in named if keyword not in PAGE] == []


def test_every_field_of_an_upload_is_named() -> None:
    names = [field.name for field in dataclasses.fields(Details)]
    assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_limits_are_those_of_the_code() -> None:
    limits = Limits()
    for text in (
        f"`limit` is at most {query.MAX_RESULTS};",
        f"up to {frames.MAX_FRAMES} in one request",
        f"a frame in memory | {frames.MAX_FRAME_BYTES >> 20} MiB",
        f"converted | {MAX_WHOLE >> 20} MiB",
        f"viewport up to {view.MAX_SIDE} a side",
        f"values above {INLINE_BYTES} bytes",
        f"`zip_entries`, {limits.zip_entries:,}",
        f"`zip_ratio`, {limits.zip_ratio} times",
        f"reach −{-AIR_HU:.0f}",
    ):
        assert text in PAGE, text


def test_every_kind_of_resource_is_named() -> None:
    modules = (bulkdata, frames, metadata, rendered, retrieve, search, store)
    paths = [route.path for each in modules for route in each.router.routes]  # type: ignore[attr-defined]
    words = {word for path in paths for word in path.split("/") if word.isalpha()}
    assert words >= {"metadata", "rendered", "thumbnail", "frames", "bulkdata"}
    assert [word for word in words if f"/{word}" not in PAGE] == []
