"""How the file asks for its values to be shown (PS3.3 C.11.2), and its mirror."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from medlens.core import Voi
from medlens.read.dicom.groups import place_of
from medlens.read.dicom.layout import Layout
from medlens.read.dicom.lut import read_lut
from medlens.read.dicom.numbers import items, number, text

_Function = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]


def read_voi(
    data: Any, frame: int, layout: Layout, span: tuple[float, float] | None, case: str
) -> Voi | None:
    """VOI LUT if the file has one, else its first window, else None.

    A window that means nothing (width 0, no number) counts as none: the pixels
    are still good.

    Args:
        data: the whole data set.
        frame: index from 0.
        layout: of the pixels.
        span: smallest and largest rescaled value; None for floats.
        case: local key, for messages.

    Raises:
        ReadError: a VOI LUT is shorter than its descriptor says.
    """
    place = place_of(data, frame, "FrameVOILUTSequence", "WindowCenter")
    tables = items(data, "VOILUTSequence")
    if tables:
        floor = span[0] if span else None
        lut = read_lut(tables[0], case, little_endian=layout.little_endian, floor=floor)
        # The descriptor's depth gives the output range, unless the data exceed it.
        top = max(2**lut.bits - 1, int(lut.entries.max()))
        return Voi(lut=lut.entries.astype(np.float32) / top, lut_first=float(lut.first))
    center, width = number(place, "WindowCenter"), number(place, "WindowWidth")
    name = text(place, "VOILUTFunction") or "LINEAR"
    function: _Function = name if name in get_args(_Function) else "LINEAR"  # type: ignore[assignment]
    least = 1.0 if function == "LINEAR" else np.finfo(np.float32).tiny
    if center is None or width is None or width < least:
        return None
    return Voi(center, width, function)


def mirror_voi(voi: Voi | None, total: float) -> Voi | None:
    """The VOI for values turned round by x → total - x.

    Shown brightness turns round too, so that a mirrored MONOCHROME1 image looks
    as the original did. LINEAR puts its middle at center - 0.5 (C.11.2.1.2.1),
    so its mirror has center total - center + 1; the exact functions have
    total - center.
    """
    if voi is None:
        return None
    if voi.lut is not None:
        last = voi.lut_first + len(voi.lut) - 1
        return Voi(lut=1.0 - voi.lut[::-1], lut_first=total - last)
    shift = 1.0 if voi.function == "LINEAR" else 0.0
    return Voi(total - voi.center + shift, voi.width, voi.function)
