"""What the API says of studies and series."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any, Literal

from pydantic import BaseModel, Field

from medlens.core.diagnosis import Advice
from medlens.serve.store.moments import date_of, time_of
from medlens.serve.web.api.fields import (
    Day,
    Number,
    Text,
    Uid,
    moment,
    moment_or_none,
)
from medlens.serve.web.api.job_models import JobView
from medlens.serve.web.api.paging import Page, Paged

StudyState = Literal["receiving", "ready", "running", "answered", "refused", "failed"]
Reading = Literal["unread", "begun", "signed"]
MOST_NAMED = 100  # studies that one search names
MOST_URGENT = 40  # three tiers of ten, and a probability of 1 with a weight of 10


class StudyQuery(Paged):
    """Filters of the worklist; all that are given must hold."""

    order: Literal["newest", "urgent"] = Field(
        "newest",
        description="by Study Date and Time, the newest first, those without a date by "
        "when they came; or most urgent first",
    )
    after: Number | None = Field(
        None,
        description="only what stands behind this study in the order; it need not "
        "match the filters itself",
        examples=[17],
    )
    id: list[Number] = Field(
        [], max_length=MOST_NAMED, description="one of these, by our own number"
    )
    state: list[StudyState] = Field([], max_length=6, description="one of these")
    reading: list[Reading] = Field([], max_length=3, description="one of these")
    advice: list[Advice] = Field(
        [], max_length=6, description="what the newest result advises is one of these"
    )
    modality: Text = Field("", description="a series of it is there", examples=["CT"])
    date_from: Day | None = Field(None, description="of the study, this day counts")
    date_to: Day | None = Field(None, description="of the study, this day counts")
    urgency_from: float | None = Field(
        None,
        ge=0,
        le=MOST_URGENT,
        allow_inf_nan=False,
        description="at least so urgent: 30 for what a reader should look at",
    )
    text: Text = Field(
        "",
        description="part of the patient's name or of the description, or the "
        "beginning of the patient's or accession number",
    )
    study_uid: Uid | None = Field(None, description="Study Instance UID")
    patient_id: Text = Field("", description="the whole Patient ID")
    accession_number: Text = Field("", description="the whole number")


class Patient(BaseModel):
    """Whose study it is, as its first image says."""

    id: str = Field(examples=["4711"])
    name: str = Field(examples=["Doe^Jane"])
    birth_date: date | None
    sex: str = Field(examples=["F"])


class WhyView(BaseModel):
    """A finding that makes a study urgent."""

    label: str = Field(description="the bundle's own word", examples=["pneumothorax"])
    name_en: str
    name_zh: str
    probability: float | None = Field(
        description="calibrated; null for masks, which count as 1"
    )
    weight: float = Field(description="clinical weight, 0..10, of the settings")
    urgency: float = Field(description="probability × weight")


class HeadlineView(BaseModel):
    """What the newest result says, in one line."""

    advice: Advice = Field(description="the most urgent of all assessments")
    why: list[WhyView] = Field(
        description="findings that are present, the most urgent first, at most three; "
        "none of an assessment whose images are unlike the training images"
    )
    assessments: int


class StudyView(BaseModel):
    """One line of the worklist."""

    id: int = Field(description="our own number, used in addresses", examples=[17])
    study_uid: str = Field(examples=["1.2.840.113619.2.1"])
    patient: Patient
    accession_number: str
    study_date: date | None
    study_time: time | None = Field(description="as the device's clock showed it")
    began_at: datetime = Field(
        description="date and time in the zone of the service, by which `newest` "
        "sorts; without a date when its first image came"
    )
    description: str
    modalities: list[str] = Field(examples=[["CT"]])
    series_count: int
    instance_count: int
    bytes: int
    received_at: datetime
    last_at: datetime = Field(description="when its newest image came")
    state: StudyState = Field(
        description="receiving: images may still come; ready: waits for its answer; "
        "running; answered; refused: nothing could be answered, see `reason`; failed"
    )
    reason: str = Field(description="why it was refused or has failed, else empty")
    urgency: float = Field(
        description="0..40: 30 and more where a reader should look, 20 where the "
        "answer is open or the images are strange, 10 where there is none; plus the "
        "highest probability × weight of a finding that is present"
    )
    headline: HeadlineView | None = Field(description="null before there is a result")
    reading: Reading = Field(
        description="begun: somebody drafts a report; unread again when a newer "
        "result or image comes after it was signed"
    )
    read_at: datetime | None = Field(description="when its report was last signed")
    changed_at: datetime = Field(description="when anything in this line changed")
    site: str
    result_id: int | None = Field(description="its newest result")


class SeriesView(BaseModel):
    """One series of a study."""

    id: int
    series_uid: str
    modality: str
    number: int | None
    description: str
    body_part: str
    laterality: str
    protocol_name: str
    manufacturer: str
    instance_count: int
    is_own: bool = Field(description="made by this service")


class ResultLine(BaseModel):
    """One result of a study."""

    id: int
    created_at: datetime
    job_id: int | None


class WholeStudy(StudyView):
    """A study with all that belongs to it."""

    series: list[SeriesView]
    results: list[ResultLine] = Field(description="the newest first")
    jobs: list[JobView] = Field(description="the newest first")


class StudyCounts(BaseModel):
    """How many studies there are."""

    total: int
    states: dict[StudyState, int] = Field(description="state → studies in it")
    readings: dict[Reading, int] = Field(description="how far read → studies")
    advices: dict[Advice, int] = Field(
        description="what the newest result advises → studies; those without a result "
        "are in none"
    )


class StudyPage(Page[StudyView]):
    """One page of the worklist."""


def view_of_study(row: Any, result_id: int | None) -> StudyView:
    """A row of the index as the API shows it."""
    return StudyView(
        id=row.id,
        study_uid=row.study_uid,
        patient=Patient(
            id=row.patient_id,
            name=row.patient_name,
            birth_date=date_of(row.birth_date),
            sex=row.sex,
        ),
        accession_number=row.accession_number,
        study_date=date_of(row.study_date),
        study_time=time_of(row.study_time),
        began_at=moment(row.began_at),
        description=row.description,
        modalities=[each for each in row.modalities.split("\\") if each],
        series_count=row.series_count,
        instance_count=row.instance_count,
        bytes=row.bytes,
        received_at=moment(row.received_at),
        last_at=moment(row.last_at),
        state=row.state,
        reason=row.reason,
        urgency=row.urgency,
        headline=row.headline,
        reading=row.reading,
        read_at=moment_or_none(row.read_at),
        changed_at=moment(row.changed_at),
        site=row.site,
        result_id=result_id,
    )
