"""What the service says, typed.

Only fields that are known are kept, so that a newer service can say more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeVar

from medlens.client.errors import ClientError

T = TypeVar("T")


@dataclass(frozen=True)
class Study:
    """A study as the worklist shows it.

    Attributes:
        id: its number here.
        study_uid: Study Instance UID.
        state: "receiving", "ready", "running", "answered", "refused" or "failed".
        reason: why it was refused or has failed.
        modalities: of its series.
        series_count, instance_count: how much it holds.
        study_date: "2026-11-28", or None.
        study_time: "09:30:00" by the clock at the device, or None.
        description: of the study.
        accession_number: of its order.
        urgency: 0..40, higher first.
        headline: what its newest result says in one line, or None.
        reading: "unread", "begun" or "signed".
        result_id: of its newest result, or None.
        patient: id, name, birth_date and sex.
    """

    id: int
    study_uid: str = field(repr=False)
    state: str
    reason: str = ""
    modalities: tuple[str, ...] = ()
    series_count: int = 0
    instance_count: int = 0
    study_date: str | None = field(default=None, repr=False)
    study_time: str | None = field(default=None, repr=False)
    description: str = field(default="", repr=False)
    accession_number: str = field(default="", repr=False)
    urgency: float = 0.0
    headline: Mapping[str, Any] | None = field(default=None, repr=False)
    reading: str = "unread"
    result_id: int | None = None
    patient: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Job:
    """A job.

    Attributes:
        id: its number.
        kind: "answer", "send", …
        state: "waiting", "leased", "done", "parked" or "cancelled".
        study_id: what it is about.
        progress: 0..1.
        attempts: so far.
        error: of the last attempt.
    """

    id: int
    kind: str
    state: str
    study_id: int | None = None
    progress: float = 0.0
    attempts: int = 0
    error: str = ""

    @property
    def has_ended(self) -> bool:
        """True when it changes no more unless somebody retries it."""
        return self.state in ("done", "parked", "cancelled")


@dataclass(frozen=True)
class StudyChange:
    """A line of the worklist that changed.

    Attributes:
        id: of the study.
        state, reading, urgency: what they are now.
        changed_at: ISO 8601.
    """

    id: int
    state: str
    reading: str = "unread"
    urgency: float = 0.0
    changed_at: str = ""


@dataclass(frozen=True)
class JobEvent:
    """A change that the event stream told of.

    Attributes:
        id: to go on from after a break.
        kind: "job", "study", or "reset" where events were missed: read jobs and
            studies anew.
        job: what it is now, None for the other kinds.
        study: the same of a study.
    """

    id: str
    kind: str
    job: Job | None
    study: StudyChange | None = None


@dataclass(frozen=True)
class ResultObject:
    """A file made of a result.

    Attributes:
        id: its number.
        kind: "SR", "SEG", "GSPS", "SC" or "FHIR".
        media_type, bytes, digest: of the file; SHA-256.
        sop_uid: SOP Instance UID, "" for FHIR.
    """

    id: int
    kind: str
    media_type: str
    bytes: int
    digest: str
    sop_uid: str = field(default="", repr=False)


@dataclass(frozen=True)
class Result:
    """What the models found in a study.

    Attributes:
        id, study_id: numbers.
        diagnosis: schema medlens/diagnosis/1.
        objects: files made of it.
    """

    id: int
    study_id: int
    diagnosis: Mapping[str, Any] = field(repr=False)
    objects: tuple[ResultObject, ...] = ()


@dataclass(frozen=True)
class Entry:
    """What became of one file or instance of an upload.

    Attributes:
        name: as it was sent.
        outcome: "stored", "duplicate", "conflict" or "refused".
        reason: why it was not stored.
        study: number of its study, or None.
    """

    name: str = field(repr=False)
    outcome: str
    reason: str = ""
    study: int | None = None


@dataclass(frozen=True)
class Upload:
    """What became of an upload.

    Attributes:
        studies: numbers of the studies that its instances are in.
        stored, duplicate, conflict, refused: how many.
        entries: one by one.
    """

    studies: tuple[int, ...]
    stored: int = 0
    duplicate: int = 0
    conflict: int = 0
    refused: int = 0
    entries: tuple[Entry, ...] = ()


def build(kind: type[T], said: Any) -> T:
    """A model of what the service said.

    Raises:
        ClientError: it lacks a field that every service of this API gives.
    """
    if not isinstance(said, dict):
        raise ClientError(f"{kind.__name__}: the service did not answer as expected")
    values: dict[str, Any] = {}
    for each in fields(kind):  # type: ignore[arg-type]
        if each.name in said:
            found = said[each.name]
            values[each.name] = tuple(found) if isinstance(found, list) else found
        elif each.default is MISSING and each.default_factory is MISSING:
            raise ClientError(f"{kind.__name__}: the service left {each.name} out")
    return kind(**values)


def build_result(said: Any) -> Result:
    """A result with its objects."""
    found = build(Result, said)
    objects = tuple(build(ResultObject, each) for each in found.objects)
    return Result(found.id, found.study_id, found.diagnosis, objects)


def build_upload(said: Any) -> Upload:
    """An upload with its entries."""
    found = build(Upload, said)
    return Upload(
        found.studies,
        found.stored,
        found.duplicate,
        found.conflict,
        found.refused,
        tuple(build(Entry, each) for each in found.entries),
    )
