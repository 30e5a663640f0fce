"""A run folder → one self-contained HTML page, and a bundle → its model card.

from medlens.report import write_report
write_report(Path("runs/chest"))        # runs/chest/report.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medlens.report.card import write_card
    from medlens.report.example import Example
    from medlens.report.mask_example import MaskExample, find_telling_plane
    from medlens.report.outlines import draw_outlines
    from medlens.report.page import write_report
    from medlens.report.series_example import SeriesExample

__all__ = [
    "Example",
    "MaskExample",
    "SeriesExample",
    "draw_outlines",
    "find_telling_plane",
    "write_card",
    "write_report",
]

_HOMES = {
    "Example": "medlens.report.example",
    "MaskExample": "medlens.report.mask_example",
    "SeriesExample": "medlens.report.series_example",
    "draw_outlines": "medlens.report.outlines",
    "find_telling_plane": "medlens.report.mask_example",
    "write_card": "medlens.report.card",
    "write_report": "medlens.report.page",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (jinja2 and cv2 are not free)."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
