"""What the API says of bundles."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from medlens.core import MedlensError
from medlens.serve.web.api.bundle_facts import describe_bundle
from medlens.serve.web.api.curve_models import CurvesView, SplitSummary
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


class PointView(BaseModel):
    """A threshold, what chose it, and whether decisions are made there."""

    label: str
    threshold: float = Field(description="positive at or above it", ge=0, le=1)
    rule: str = Field(examples=["youden"])
    chosen: bool = Field(description="false: for reading alone")
    note: str = Field(description="why the rule could not be followed, else empty")


class InputView(BaseModel):
    """What the network is shown."""

    channels: int
    depth: int = Field(description="slices, 1 for single images")
    height: int
    width: int
    context: int = Field(description="neighbouring slices on either side, as channels")
    steps: list[str] = Field(
        description="preparation, in order", examples=[["display", "resize"]]
    )


class CalibrationView(BaseModel):
    """scale × logit + bias, for each label, before softmax or sigmoid."""

    scale: list[float]
    bias: list[float]
    of: str = Field(description="cases, or series", examples=["cases"])


class ConformalView(BaseModel):
    """Prediction sets that hold the true label in a promised share of cases."""

    coverage: float = Field(description="promised share", examples=[0.9])
    thresholds: list[float] = Field(description="by label, in their order")


class OutlierView(BaseModel):
    """The gate that says "outside what this model knows"."""

    threshold: float = Field(description="score above which an image is flagged")
    false_alarms: float = Field(description="share of ordinary images flagged")


class EngineView(BaseModel):
    """A faster engine that was tried."""

    auroc_change: float = Field(description="on validation cases; of Dice for masks")
    precision: str = Field(examples=["int8"])
    is_offered: bool


class TrainingView(BaseModel):
    """The data that it saw, and how; null where the bundle does not say."""

    train_cases: int | None = None
    validation_cases: int | None = None
    train_prevalence: dict[str, float] = Field({}, description="label → share")
    validation_prevalence: dict[str, float] = Field({}, description="label → share")
    modality: str = Field("", description="of most training images; empty: pictures")
    net: str = ""
    path: str = Field("", description="how it was trained", examples=["frozen"])
    seed: int | None = None
    data_digest: str = Field("", description="of the data set")
    recipe_digest: str = Field("", description="of all settings of the run")
    onnx_difference: float | None = Field(
        None, description="largest difference of graph and trained network"
    )


class WholeBundle(BundleView):
    """A bundle with what it says of itself."""

    form: str = Field(description="what it looks at", examples=["image"])
    kind: str = Field(examples=["binary"])
    labels: list[str]
    positive: str = Field(description="label that a binary task is about, else empty")
    intended_use: str
    input: InputView | None = None
    training: TrainingView | None = None
    operating_points: list[PointView] = Field(
        [], description="the chosen ones first; empty: the most probable label"
    )
    series_points: list[PointView] = Field(
        [], description="of whole series, where slices have their own"
    )
    calibration: list[CalibrationView] = []
    conformal: ConformalView | None = Field(None, description="null: no such promise")
    outlier: OutlierView | None = Field(None, description="null: it knows no stranger")
    engines: dict[str, EngineView] = {}
    metrics: dict[str, SplitSummary] = Field(
        description="split → figures of the evaluation it came with"
    )
    evaluation: CurvesView | None = Field(
        None,
        description="curves of that evaluation; null in bundles made before they were "
        "kept, or where no test split was measured",
    )
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
        "form": "", "kind": "", "labels": [], "positive": "", "intended_use": "",
        "metrics": {}, "card": "", "problem": "",
    }  # fmt: skip
    try:
        said |= describe_bundle(row.folder, row.digest)
    except MedlensError as error:
        said["problem"] = str(error)
    return WholeBundle(**view_of_bundle(row).model_dump(), **said)
