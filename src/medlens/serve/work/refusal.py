"""A failure that would repeat itself."""

from __future__ import annotations

from medlens.core import MedlensError


class FinalError(MedlensError):
    """A job that would fail again in the same way: it is parked at once."""
