"""What the API says of living with a bundle."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from medlens.metrics.estimate import Estimate, rounded
from medlens.serve.monitor.agreement import Agreement
from medlens.serve.monitor.alarms import Look
from medlens.serve.monitor.feedback import LARGEST_BOX, Word
from medlens.serve.monitor.promotion import Promotion
from medlens.serve.monitor.shadow import Comparison
from medlens.serve.web.api.fields import (
    LARGEST,
    TEXT,
    Digest,
    Strict,
    Text,
    Uid,
    moment,
    moment_or_none,
)

Month = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
Note = Annotated[str, StringConstraints(max_length=500, pattern=TEXT)]
Comment = Annotated[
    str, StringConstraints(max_length=2000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")
]
Pixel = Annotated[float, Field(ge=0, le=LARGEST_BOX, allow_inf_nan=False)]
Verdict = Literal["accept", "reject", "correct", "add"]


class BoxView(Strict):
    """A box in pixels of the finding's image; edges of pixels are counted from 0."""

    left: Pixel
    top: Pixel
    right: Pixel
    bottom: Pixel


class ImageView(Strict):
    """An image of the assessment, or a frame of one."""

    sop_uid: Uid
    frame: int | None = Field(None, ge=1, le=LARGEST, description="counted from 1")


class Judgement(Strict):
    """What a reader says of one finding, or a finding that the bundle missed."""

    assessment: int = Field(0, ge=0, le=100_000, description="counted from 0")
    finding: str = Field(
        max_length=16,
        pattern=TEXT,
        description="`id` of the finding, or the name of one that a reader added; "
        "empty to add one",
    )
    verdict: Verdict = Field(
        description="accept: right as it stands; reject: there where none was found, "
        "or not there where one was; correct: see label, box and mask; add: the bundle "
        "missed it, with label and box or mask"
    )
    label: Text = Field("", description="what it is (instead)")
    box: BoxView | None = Field(None, description="where it is")
    image: ImageView | None = Field(
        None, description="that the box lies in; null for the finding's own"
    )
    mask: Uid | Literal[""] = Field(
        "", description="SOP Instance UID of a segmentation in the same study"
    )
    comment: Comment = Field("", description="for colleagues; never exported")


class WordView(BaseModel):
    """One word of one reader."""

    id: int
    assessment: int
    finding: str = Field(description="of one that was added its name, as +17")
    verdict: Verdict
    label: str
    box: BoxView | None
    image: ImageView | None
    mask: str
    comment: str
    reader_id: int | None
    reader: str = Field(description="their name; `guest` of a demo, empty if unknown")
    at: datetime
    counts: bool = Field(description="it is the reader's last word on this finding")


class EstimateView(BaseModel):
    """A share with its 95 % interval, or the reason why there is none."""

    value: float | None
    low: float | None
    high: float | None
    reason: str


class AgreementView(BaseModel):
    """Readers against one bundle, at one site, in one month."""

    bundle: str
    site: str
    month: str
    findings: int
    reviewed: int
    disputed: int = Field(description="readers disagree; in no share below")
    accepted: int
    rejected: int
    corrected: int
    agreement: EstimateView = Field(description="accepted, of those reviewed")
    ppv: EstimateView = Field(description="there, of those said to be present")
    false_alarms: EstimateView = Field(description="1 - ppv")
    missed: EstimateView = Field(description="there, of those said to be absent")
    added: int = Field(description="findings that readers added")
    unreviewed_present: int
    unreviewed_absent: int


class LookView(BaseModel):
    """One look at the answers of a month."""

    id: int
    bundle: str
    site: str
    month: str
    number: int = Field(description="1 to 3: days 8, 15, 22; 4: the month is over")
    state: Literal["learning", "few", "steady", "drift"] = Field(
        description="learning: the reference is not whole; few: too few patients"
    )
    is_alarm: bool
    report: dict[str, Any] = Field(description="p values and most changed features")
    at: datetime
    seen_at: datetime | None
    note: str


class MonitorView(BaseModel):
    """How the bundles do."""

    false_alarms: float = Field(
        description="chance of an alarm in a month without any change, for each "
        "bundle and site, at most"
    )
    open_alarms: list[LookView] = Field(description="that nobody has seen")
    looks: list[LookView] = Field(description="the newest first, at most 200")
    agreement: list[AgreementView]
    months: list[str] = Field(description="of which agreement is told")


class Seen(Strict):
    """That a person has seen an alarm."""

    note: Note = Field("", description="what was found; no patient's data")


class Anew(Strict):
    """A new reference for drift."""

    bundle: Digest
    site: Text = ""
    reason: Note = Field(min_length=1, description="what was changed on purpose")


class BaselineView(BaseModel):
    """A reference that starts now."""

    id: int
    bundle: str
    site: str
    starts_at: datetime
    reason: str


class Promote(Strict):
    """How a bundle is put to work."""

    replaces: Digest | Literal[""] | None = Field(
        None,
        description="digest of the active bundle whose place it takes; empty for "
        "none; left out: the one whose shadow it is",
    )
    replaced_becomes: Literal["retired", "shadow"] = "retired"
    force: bool = Field(
        False, description="also where rules name the old bundle and not this one"
    )


class ShadowOf(Strict):
    """Which bundle a shadow runs beside."""

    shadow_of: Digest


class PromotionView(BaseModel):
    """One promotion."""

    id: int
    digest: str
    replaced: str
    at: datetime
    rolled_back_at: datetime | None


class LabelView(BaseModel):
    """One label in both answers."""

    label: str
    pairs: int
    both: int
    only_active: int
    only_shadow: int
    neither: int
    differ: EstimateView
    p_value: float | None = Field(description="McNemar, exact")
    mean_change: float | None = Field(description="of the probability")
    reviewed: int
    active_right: int
    shadow_right: int
    p_right: float | None = Field(description="McNemar, exact")


class ComparisonView(BaseModel):
    """A bundle in the shadow against the one that it runs beside."""

    active: str
    shadow: str
    pairs: int = Field(description="images or series that both answered")
    active_outside: EstimateView
    shadow_outside: EstimateView
    labels: list[LabelView]
    only_in_active: list[str]
    only_in_shadow: list[str]


def view_of_estimate(found: Estimate) -> EstimateView:
    """An estimate with six significant digits."""
    return EstimateView(
        value=rounded(found.value),
        low=rounded(found.low),
        high=rounded(found.high),
        reason=found.reason,
    )


def view_of_agreement(found: Agreement) -> AgreementView:
    """Agreement as the API shows it."""
    return AgreementView(**_with_estimates(found))


def view_of_comparison(found: Comparison) -> ComparisonView:
    """A comparison as the API shows it."""
    told = _with_estimates(found)
    told["labels"] = [LabelView(**_with_estimates(each)) for each in found.labels]
    return ComparisonView(**told)


def view_of_look(look: Look) -> LookView:
    """A look as the API shows it."""
    told = asdict(look)
    return LookView(
        **told | {"at": moment(look.at), "seen_at": moment_or_none(look.seen_at)}
    )


def view_of_word(word: Word, *, counts: bool, reader: str) -> WordView:
    """A word as the API shows it."""
    box, image = word.correction.box, word.correction.image
    return WordView(
        id=word.id,
        assessment=word.assessment,
        finding=word.finding,
        verdict=word.verdict,
        label=word.correction.label,
        box=BoxView(left=box[0], top=box[1], right=box[2], bottom=box[3])
        if box
        else None,
        image=ImageView(sop_uid=image.sop_uid, frame=image.frame) if image else None,
        mask=word.correction.mask,
        comment=word.comment,
        reader_id=word.reader,
        reader=reader,
        at=moment(word.at),
        counts=counts,
    )


def view_of_promotion(found: Promotion) -> PromotionView:
    """A promotion as the API shows it."""
    return PromotionView(
        id=found.id,
        digest=found.digest,
        replaced=found.replaced,
        at=moment(found.at),
        rolled_back_at=moment_or_none(found.rolled_back_at),
    )


def _with_estimates(found: Any) -> dict[str, Any]:
    return {
        name: view_of_estimate(value) if isinstance(value, Estimate) else value
        for name, value in vars(found).items()
    }
