"""Something to mind before relying on the figures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Notice:
    """Something to mind.

    Attributes:
        weight: "mind" for what can make the figures wrong, "note" for the rest.
        text: what was found.
        advice: what to do about it.
    """

    weight: str
    text: str
    advice: str = ""
