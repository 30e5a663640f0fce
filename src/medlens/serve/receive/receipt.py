"""What became of one thing that was received."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Origin = Literal["dicom", "stow", "upload", "own"]
Outcome = Literal["stored", "duplicate", "conflict", "refused"]


@dataclass(frozen=True)
class Receipt:
    """The answer to a sender; by then the bytes and the index are durable.

    Attributes:
        outcome: "stored"; "duplicate": the same instance was here already;
            "conflict": another instance has this UID, the bytes are kept aside;
            "refused": not taken, `reason` says why.
        reason: for a person; names no patient and no UID. "" where all is well.
        is_full: refused for want of space: the sender should try again later.
        study_id: our own number of the study.
        sop_class, sop_uid, series_uid, study_uid: of the instance, "" if unknown.
    """

    outcome: Outcome
    reason: str = ""
    is_full: bool = False
    study_id: int | None = None
    sop_class: str = field(default="", repr=False)
    sop_uid: str = field(default="", repr=False)
    series_uid: str = field(default="", repr=False)
    study_uid: str = field(default="", repr=False)
