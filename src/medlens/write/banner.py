"""Words in a band above and below a picture, so that they hide none of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

SHORTEST_WIDTH = 512
"""Columns; narrower pictures are enlarged by a whole factor, so that words fit."""
BAND = (24, 24, 24)
WHITE, AMBER = (235, 235, 235), (255, 191, 0)
_MARGIN = 8
# What no line starts with (GB/T 15834): it stays with the word before it.
_NO_START = "）。，；：、％%)”.,;:"
WIDE = 0x2E80  # Chinese letters and marks from here on
_UNITS = ("mm²", "mm", "ml", "%")
_FACE = "uni"  # OpenCV's own font with Latin and Chinese letters


def add_banner(
    picture: NDArray[np.uint8], *, title: str, lines: Sequence[str]
) -> NDArray[np.uint8]:
    """(H', W', 3) uint8 R, G, B: a title, the picture, and lines below.

    Args:
        picture: (H, W) or (H, W, 3) uint8, R, G, B.
        title: one line, in a colour that stands out.
        lines: broken where they are wider than the picture.
    """
    colour = np.stack([picture] * 3, axis=-1) if picture.ndim == 2 else picture
    factor = -(-SHORTEST_WIDTH // colour.shape[1]) if colour.shape[1] else 1
    colour = np.repeat(np.repeat(colour, factor, axis=0), factor, axis=1)
    width = colour.shape[1]
    size = max(16, width // 40)
    above = _band([title], width=width, size=size + 4, colour=AMBER)
    broken = [part for line in lines for part in _break(line, width=width, size=size)]
    parts = [above, colour]
    if broken:
        parts.append(_band(broken, width=width, size=size, colour=WHITE))
    return np.ascontiguousarray(np.concatenate(parts, axis=0))


def _band(
    lines: Sequence[str], *, width: int, size: int, colour: tuple[int, int, int]
) -> NDArray[np.uint8]:
    step = size + size // 2
    height = step * len(lines) + 2 * _MARGIN
    band = np.full((height, width, 3), BAND, dtype=np.uint8)
    face = cv2.FontFace(_FACE)
    for number, line in enumerate(lines):
        place = (_MARGIN, _MARGIN + step * number + size)
        cv2.putText(band, line, place, colour, face, size)
    return band


def _break(line: str, *, width: int, size: int) -> Iterator[str]:
    """Parts that fit; at a space where there is one, else between letters."""
    room = width - 2 * _MARGIN
    while line and _width(line, size) > room:
        end = _longest(line, room, size)
        end = _good_end(line, end)
        yield line[:end]
        line = line[end:].lstrip()
    if line:
        yield line


def _good_end(line: str, longest: int) -> int:
    """The last place up to there where a line may end: at a space that parts no number
    from its unit, else between letters of which no mark starts the next line."""
    for end in range(longest, 0, -1):
        rest = line[end:].lstrip()
        is_space = line[end : end + 1] == " "
        is_wide = ord(line[end - 1]) >= WIDE and not rest.startswith(_UNITS)
        is_mark = rest[:1] in tuple(_NO_START)
        is_unit = line[end - 1].isdigit() and rest.startswith(_UNITS)
        if (is_space or is_wide) and not is_mark and not is_unit:
            return end
    return longest


def _longest(line: str, room: int, size: int) -> int:
    """How many letters fit, at least one."""
    low, high = 1, len(line)
    while low < high:
        middle = (low + high + 1) // 2
        if _width(line[:middle], size) <= room:
            low = middle
        else:
            high = middle - 1
    return low


def _width(line: str, size: int) -> int:
    corner = (0, size)
    box = cv2.getTextSize((1, 1), line, corner, cv2.FontFace(_FACE), size)
    return int(box[0] + box[2])
