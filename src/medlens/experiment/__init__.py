"""The whole road as one readable function, and the run folder."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medlens.experiment.external import evaluate_bundle
    from medlens.experiment.folder import RunFolder
    from medlens.experiment.narrator import Narrator, Silent
    from medlens.experiment.request import Request, parse_budget
    from medlens.experiment.road import walk
    from medlens.experiment.words import headline

_ROOMS = {
    "Narrator": "narrator",
    "Request": "request",
    "RunFolder": "folder",
    "Silent": "narrator",
    "evaluate_bundle": "external",
    "headline": "words",
    "parse_budget": "request",
    "walk": "road",
}

__all__ = [
    "Narrator",
    "Request",
    "RunFolder",
    "Silent",
    "evaluate_bundle",
    "headline",
    "parse_budget",
    "walk",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return getattr(import_module(f"medlens.experiment.{_ROOMS[name]}"), name)
    raise AttributeError(f"module 'medlens.experiment' has no attribute {name!r}")
