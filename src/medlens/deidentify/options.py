"""What may stay beside what the basic profile leaves (PS3.15 E.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from medlens.core import UsageError

Dates = Literal["remove", "shift", "keep"]
WORDS = ("dates", "shifted-dates", "patient", "device", "uids")

PROFILE = ("113100", "Basic Application Confidentiality Profile")
CLEAN_GRAPHICS = ("113103", "Clean Graphics Option")
FULL_DATES = (
    "113106",
    "Retain Longitudinal Temporal Information Full Dates Option",
)
SHIFTED_DATES = (
    "113107",
    "Retain Longitudinal Temporal Information Modified Dates Option",
)
PATIENT = ("113108", "Retain Patient Characteristics Option")
DEVICE = ("113109", "Retain Device Identity Option")
UIDS = ("113110", "Retain UIDs Option")


@dataclass(frozen=True)
class Keep:
    """Options of the profile.

    Attributes:
        dates: "remove" them; "shift" all of a patient by the same number of days, so
            that what lies between them stays true; or "keep" them.
        patient: sex, age, size, weight and the like.
        device: model, technique in free text, serial numbers.
        uids: all UIDs as they are.
    """

    dates: Dates = "remove"
    patient: bool = False
    device: bool = False
    uids: bool = False

    @property
    def codes(self) -> tuple[tuple[str, str], ...]:
        """Value and meaning of each method (CID 7050), the profile first."""
        chosen = [PROFILE, CLEAN_GRAPHICS]
        chosen += {"shift": [SHIFTED_DATES], "keep": [FULL_DATES]}.get(self.dates, [])
        chosen += [PATIENT] if self.patient else []
        chosen += [DEVICE] if self.device else []
        chosen += [UIDS] if self.uids else []
        return tuple(chosen)


def parse_keep(text: str) -> Keep:
    """Options named in a list with commas.

    Raises:
        UsageError: one is unknown, or both ways of keeping dates are asked for.
    """
    words = {part.strip().lower() for part in text.split(",") if part.strip()}
    for word in sorted(words):
        if word not in WORDS:
            raise UsageError(f"--keep {word}: wanted some of {', '.join(WORDS)}")
    if {"dates", "shifted-dates"} <= words:
        raise UsageError("--keep dates,shifted-dates: wanted one of the two")
    dates: Dates = "remove"
    if words & {"dates", "shifted-dates"}:
        dates = "keep" if "dates" in words else "shift"
    return Keep(dates, "patient" in words, "device" in words, "uids" in words)
