"""Values that may stand per frame, shared by all frames, or at the top.

Enhanced multi-frame objects keep them in functional groups (PS3.3 C.7.6.16).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from medlens.read.dicom.numbers import items


def places(data: Any, frame: int, sequence: str) -> Iterator[Any]:
    """Data sets to look in, nearest first: this frame's group, shared, top.

    Args:
        data: the whole data set.
        frame: index from 0.
        sequence: keyword of the functional group, "PixelMeasuresSequence".
    """
    per_frame = items(data, "PerFrameFunctionalGroupsSequence")
    if frame < len(per_frame):
        yield from items(per_frame[frame], sequence)
    for shared in items(data, "SharedFunctionalGroupsSequence"):
        yield from items(shared, sequence)
    yield data


def place_of(data: Any, frame: int, sequence: str, keyword: str) -> Any:
    """The nearest data set that holds `keyword`, else the whole data set."""
    for place in places(data, frame, sequence):
        if keyword in place:
            return place
    return data
