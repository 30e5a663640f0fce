"""What the API says of bundles."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field

from medlens.core import MedlensError, TamperedError
from medlens.serve.web.api.fields import Strict, moment

Role = Literal["active", "shadow", "retired"]


class AddQuery(Strict):
    """What a new bundle is to do."""

    role: Role = Field("retired", description="active: its answers count from now on")
    shadow_of: str = Field(
        "",
        pattern=r"^([0-9a-f]{64})?$",
        description="for a shadow: digest of the active bundle that it runs beside",
    )


class BundleView(BaseModel):
    """One bundle."""

    digest: str
    name: str = Field(examples=["chest"])
    role: Role
    shadow_of: str
    added_at: datetime
    changed_at: datetime


class WholeBundle(BundleView):
    """A bundle with what it says of itself."""

    form: str = Field(description="what it looks at", examples=["image"])
    kind: str = Field(examples=["binary"])
    labels: list[str]
    intended_use: str
    metrics: dict[str, Any] = Field(description="of the evaluation it came with")
    card: str = Field(description="model card, Markdown")
    problem: str = Field(description="why it cannot be loaded, else empty")


def view_of_bundle(row: Any) -> BundleView:
    """A row of the index as the API shows it."""
    return BundleView(
        digest=row.digest,
        name=row.name,
        role=row.role,
        shadow_of=row.shadow_of,
        added_at=moment(row.added_at),
        changed_at=moment(row.changed_at),
    )


def whole_bundle(row: Any) -> WholeBundle:
    """A row with what the folder holds; where it cannot be loaded, with the reason."""
    said: dict[str, Any] = {
        "form": "", "kind": "", "labels": [], "intended_use": "", "metrics": {},
        "card": "", "problem": "",
    }  # fmt: skip
    try:
        said |= _describe(row.folder, row.digest)
    except MedlensError as error:
        said["problem"] = str(error)
    return WholeBundle(**view_of_bundle(row).model_dump(), **said)


@lru_cache(maxsize=32)
def _describe(folder: str, digest: str) -> dict[str, Any]:
    """What a checked bundle says of itself; a digest never changes its meaning."""
    from medlens.bundle import load_bundle
    from medlens.bundle.model import CARD_NAME

    bundle = load_bundle(folder)
    if bundle.digest != digest:
        raise TamperedError(
            f"{bundle.name}: its folder holds another bundle than the one that was "
            "added; add it again"
        )
    card = (Path(folder) / CARD_NAME).read_text(encoding="utf-8", errors="replace")
    return {
        "form": bundle.form,
        "kind": bundle.kind,
        "labels": list(bundle.labels),
        "intended_use": bundle.intended_use,
        "metrics": bundle.metrics,
        "card": card,
    }
