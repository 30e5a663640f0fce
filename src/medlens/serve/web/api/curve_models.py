"""What the API says of an evaluation: figures, curves, and what a threshold does.

The shapes are those of medlens/curves/1 (docs/bundle.md). A bundle comes from outside:
what does not hold together is shown as nothing, never as half a curve.
"""

from __future__ import annotations

import logging
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

log = logging.getLogger("medlens.web")
Model = TypeVar("Model", bound=BaseModel)

MOST_POINTS = 500
MOST_PARTS, MOST_LABELS, MOST_GROUPS, MOST_BINS = 2, 60, 200, 100
SCHEMA = "medlens/curves/1"

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Shares = Annotated[list[Share], Field(max_length=MOST_POINTS)]
Counts = Annotated[list[Count], Field(max_length=MOST_POINTS)]
Word = Annotated[str, Field(max_length=200)]


class _Finite(BaseModel):
    """JSON has neither NaN nor infinity."""

    model_config = ConfigDict(allow_inf_nan=False)


class EstimateView(_Finite):
    """One figure with its 95 % interval, or the reason why there is none."""

    value: float | None = Field(description="null where it is undefined")
    low: float | None = Field(None, description="end of the 95 % interval")
    high: float | None = Field(None, description="end of the 95 % interval")
    method: str = Field("", max_length=500, description="how both were computed")
    reason: str = Field("", max_length=500, description="why there is no value")


Figures = Annotated[dict[Word, EstimateView], Field(max_length=60)]


class SplitSummary(_Finite):
    """The figures that stand first, of one split."""

    n_cases: Count
    n_patients: Count
    unit: Word = Field(description="what n_patients counts", examples=["patient"])
    metrics: Figures = Field(description="by name, as docs/metrics.md lists them")


class RocView(_Finite):
    """Corners of the ROC curve, the strictest threshold first."""

    fpr: Shares = Field(description="1 − specificity")
    tpr: Shares = Field(description="sensitivity")
    threshold: list[float | None] = Field(
        max_length=MOST_POINTS, description="null where nothing is called"
    )

    @model_validator(mode="after")
    def _is_even(self) -> RocView:
        if not len(self.fpr) == len(self.tpr) == len(self.threshold):
            raise ValueError("columns of different length")
        return self


class ThresholdsView(_Finite):
    """What calling the label at or above each threshold does on these cases."""

    threshold: Shares = Field(description="rising, from 0 to 1")
    tp: Counts = Field(description="has the label, called")
    fp: Counts = Field(description="lacks it, called")
    tn: Counts = Field(description="lacks it, not called")
    fn: Counts = Field(description="has it, not called")
    sensitivity_low: Shares
    sensitivity_high: Shares
    specificity_low: Shares
    specificity_high: Shares

    @model_validator(mode="after")
    def _is_even(self) -> ThresholdsView:
        columns = [getattr(self, name) for name in type(self).model_fields]
        if len({len(column) for column in columns}) != 1:
            raise ValueError("columns of different length")
        return self


class BinView(_Finite):
    """Cases whose probability lies in low..high: promised against observed."""

    low: Share
    high: Share
    mean_probability: Share = Field(description="what was promised")
    observed: Share = Field(description="share that has the label")
    observed_low: Share | None = Field(description="end of the 95 % interval")
    observed_high: Share | None = Field(description="end of the 95 % interval")
    n: Count


class LabelCurves(_Finite):
    """Everything of one label against the rest."""

    label: Word
    n_present: Count
    n_absent: Count
    metrics: Figures
    roc: RocView
    thresholds: ThresholdsView
    calibration: list[BinView] = Field(max_length=MOST_BINS)


class ConfusionView(_Finite):
    """Rows reference, columns decision."""

    labels: list[Word] = Field(max_length=MOST_LABELS)
    counts: list[Annotated[list[Count], Field(max_length=MOST_LABELS)]] = Field(
        max_length=MOST_LABELS
    )

    @model_validator(mode="after")
    def _is_square(self) -> ConfusionView:
        if {len(self.labels)} != {len(self.counts), *map(len, self.counts)}:
            raise ValueError("not square")
        return self


class PointFigures(_Finite):
    """An operating point and what it does on these cases."""

    label: Word
    threshold: Share
    rule: Word
    chosen: bool
    metrics: Figures


class SubgroupView(_Finite):
    """Figures of the cases with one value of one column."""

    column: Word = Field(examples=["sex"])
    value: Word = Field(examples=["F"])
    n_cases: Count
    n_patients: Count
    metrics: Figures


class SpreadView(_Finite):
    """Cases by Dice, in bins of equal width from 0 to 1."""

    counts: Counts
    undefined: Count = Field(description="label neither in answer nor reference")
    quartiles: list[Share] = Field(max_length=3, description="empty without cases")


class MaskCurves(_Finite):
    """Everything of the masks of one label."""

    label: Word
    n_present: Count = Field(description="cases that have it in the reference")
    n_answered: Count = Field(description="cases that have it in the answer")
    metrics: Figures
    dice: SpreadView


class PartView(_Finite):
    """What was measured on one kind of thing."""

    of: Word = Field(description="what is counted", examples=["cases"])
    n_cases: Count
    n_patients: Count
    unit: Word = Field(description="what n_patients counts", examples=["patient"])
    metrics: Figures = Field(description="the figures that stand first")
    confusion: ConfusionView | None = None
    labels: list[LabelCurves] = Field(
        [], max_length=MOST_LABELS, description="the positive label, or each one"
    )
    operating_points: list[PointFigures] = Field([], max_length=1000)
    subgroups: list[SubgroupView] = Field([], max_length=MOST_GROUPS)
    left_out: list[Word] = Field(
        [], max_length=1000, description="labels without curves"
    )
    masks: list[MaskCurves] = Field(
        [], max_length=MOST_LABELS, description="where voxels are labelled"
    )
    dice: SpreadView | None = Field(None, description="mean over labels, by case")
    length_unit: Word = Field("", description="of distances: mm or px")
    size_unit: Word = Field("", description="of sizes: ml, mm² or px")
    tolerance: float | None = Field(None, description="of the surface Dice")


class CurvesView(_Finite):
    """An evaluation as a page draws it."""

    split: Word = Field(description="test, or all of an uploaded set")
    form: Word = Field(description="of the bundle", examples=["image"])
    parts: list[PartView] = Field(
        min_length=1,
        max_length=MOST_PARTS,
        description="one; slices and series where both are judged",
    )


def curves_of(document: Any) -> CurvesView | None:
    """The curves of a bundle or an evaluation; None where none can be shown."""
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        return None
    return _checked(CurvesView, document)


def summaries_of(splits: Any) -> dict[str, SplitSummary]:
    """Split → figures, of those that hold together."""
    if not isinstance(splits, dict):
        return {}
    found = {
        str(name)[:64]: _checked(SplitSummary, entry)
        for name, entry in list(splits.items())[:8]
    }
    return {name: each for name, each in found.items() if each is not None}


def _checked(kind: type[Model], value: Any) -> Model | None:
    try:
        return kind.model_validate(value)
    except (ValidationError, RecursionError):
        log.warning("an evaluation cannot be shown", extra={"part": kind.__name__})
        return None
