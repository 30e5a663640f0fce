"""The elements of a DICOM data set, walked without recursion and within bounds.

Only lengths are followed; values are skipped unless they are asked for. So a header
costs well under a millisecond, and nesting costs a stack of our own, not Python's.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Container
from dataclasses import dataclass, field

MAX_DEPTH = 32
"""Sequences inside sequences; real objects need 8 or so, readers that recurse fail
at some hundred."""

MAX_ELEMENTS = 2_000_000
"""Elements before the pixels, nested ones counted too."""

MAX_VALUE = 16 * 1024
"""Bytes of one value that are handed out."""

PIXELS = {0x7FE00008, 0x7FE00009, 0x7FE00010}
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF
_LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR",
         b"UT", b"UV"}  # fmt: skip
_CHUNK = 64 * 1024


class DamagedError(Exception):
    """The data set cannot be walked; the text says why and quotes nothing of it."""


class BeyondLimitError(DamagedError):
    """It is larger or deeper than anything real."""


class Window:
    """Any bytes of a file, through one buffer.

    Args:
        read: (count, offset) → bytes, as `os.pread` without its file.
        size: of the file in bytes.
    """

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self._read, self.size = read, size
        self._base, self._buffer = 0, b""

    def at(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes; fewer at the end of the file."""
        start = offset - self._base
        if start < 0 or start + count > len(self._buffer):
            self._base, start = offset, 0
            self._buffer = self._read(max(count, _CHUNK), offset)
        return self._buffer[start : start + count]


@dataclass(frozen=True)
class Found:
    """What a walk found at the top level.

    Attributes:
        values: tag → its value, cut at `MAX_VALUE`.
        pixels: tag of the pixel element, 0 where there is none.
        depth: of the deepest sequence.
    """

    values: dict[int, bytes] = field(repr=False)
    pixels: int = 0
    depth: int = 0


@dataclass(slots=True)
class _Level:
    """What is being walked: a data set (or item), a sequence, or fragments."""

    kind: str  # "elements", "items", "fragments"
    end: int
    is_open: bool  # of undefined length: a delimiter ends it
    implicit: bool


def walk(
    window: Window, start: int, *, implicit: bool, order: str, wanted: Container[int]
) -> Found:
    """Walk a data set from its first element to its pixels, which are measured too.

    PS3.5 7.1 and 7.5 (elements, nesting), A.4 (fragments). Where explicit elements
    have no VR they are taken as implicit, as other readers do.

    Args:
        window: the file.
        start: where the data set begins.
        implicit: VRs are left out.
        order: "<" or ">".
        wanted: tags of the top level whose values are handed out.

    Raises:
        DamagedError: cut off, no DICOM structure, or beyond a limit.
    """
    return _Walk(window, implicit, order, wanted).run(start)


def _unpacker(form: str) -> Callable[[bytes], tuple[int, ...]]:
    return struct.Struct(form).unpack


class _Walk:
    def __init__(
        self, window: Window, implicit: bool, order: str, wanted: Container[int]
    ) -> None:
        self.window, self.wanted = window, wanted
        self.levels = [_Level("elements", window.size, False, implicit)]
        self.values: dict[int, bytes] = {}
        self.pixels = self.depth = self.count = 0
        self._tag = _unpacker(order + "HH")
        self._long = _unpacker(order + "I")
        self._short = _unpacker(order + "H")

    def run(self, start: int) -> Found:
        place = start
        while self.levels:
            level = self.levels[-1]
            try:
                if place >= level.end or (
                    len(self.levels) == 1 and level.end - place < 8
                ):
                    place = self._leave(level, place)
                elif level.kind == "elements":
                    place = self._element(level, place)
                else:
                    place = self._item(level, place)
            except DamagedError as error:
                place = self._skip_damaged(error)
        return Found(self.values, self.pixels, self.depth)

    def _leave(self, level: _Level, place: int) -> int:
        if level.is_open:
            raise DamagedError("is cut off inside a sequence")
        self.levels.pop()
        return max(place, level.end) if len(self.levels) else place

    def _element(self, level: _Level, place: int) -> int:
        head = self.window.at(place, 12)
        if len(head) < 8:
            raise DamagedError("is cut off")
        group, element = self._tag(head[:4])
        tag = group << 16 | element
        self.count += 1
        if self.count > MAX_ELEMENTS:
            raise BeyondLimitError(f"has more than {MAX_ELEMENTS:,} elements")
        if tag == _ITEM_END and level.is_open:
            self.levels.pop()
            return place + 8
        vr, length, value = self._vr_and_length(head, level, place)
        is_top = len(self.levels) == 1
        if tag == 0 and is_top:
            level.end = place  # padding behind the last element
            return place
        if group == 0xFFFE:
            raise DamagedError("has an item outside of a sequence")
        if is_top and tag in PIXELS:
            self.pixels = tag
            level.end = value if length == _UNDEFINED else value + length
        if length == _UNDEFINED:
            return self._enter_open(level, vr, tag, value)
        end = value + length
        if end > self.levels[-1].end or end > self.window.size:
            raise DamagedError("is cut off, or a length in it is wrong")
        if is_top and tag in self.wanted:
            self.values.setdefault(tag, self.window.at(value, min(length, MAX_VALUE)))
        if length >= 8 and (vr == b"SQ" or self._looks_nested(vr, value)):
            self._enter("items", end, False, level.implicit or vr == b"UN")
            return value
        return end

    def _vr_and_length(
        self, head: bytes, level: _Level, place: int
    ) -> tuple[bytes, int, int]:
        vr = head[4:6]
        if level.implicit or not (vr.isalpha() and vr.isupper()):
            return b"", self._long(head[4:8])[0], place + 8
        if vr not in _LONG:
            return vr, self._short(head[6:8])[0], place + 8
        if len(head) < 12:
            raise DamagedError("is cut off")
        return vr, self._long(head[8:12])[0], place + 12

    def _looks_nested(self, vr: bytes, value: int) -> bool:
        """Whether a value without a telling VR begins as a sequence does."""
        if vr not in (b"", b"UN"):
            return False
        head = self.window.at(value, 4)
        return len(head) == 4 and self._tag(head) == (0xFFFE, 0xE000)

    def _enter_open(self, level: _Level, vr: bytes, tag: int, value: int) -> int:
        """Into a value of undefined length: a sequence, or fragments of pixels."""
        is_pixels = tag in PIXELS or vr in (b"OB", b"OW")
        kind = "fragments" if is_pixels else "items"
        end = self.window.size if len(self.levels) == 1 else level.end
        self._enter(kind, end, True, level.implicit or vr == b"UN")
        return value

    def _enter(self, kind: str, end: int, is_open: bool, implicit: bool) -> None:
        self.levels.append(_Level(kind, end, is_open, implicit))
        self.depth = max(self.depth, len(self.levels) // 2)
        if len(self.levels) > 2 * MAX_DEPTH:
            raise BeyondLimitError(f"has sequences nested deeper than {MAX_DEPTH}")

    def _item(self, level: _Level, place: int) -> int:
        head = self.window.at(place, 8)
        if len(head) < 8:
            if level.kind == "fragments" and len(self.levels) == 2:
                self.levels.pop()  # no delimiter at the very end: common, harmless
                return self.window.size
            raise DamagedError("is cut off inside a sequence")
        group, element = self._tag(head[:4])
        tag, (length,) = group << 16 | element, self._long(head[4:])
        self.count += 1
        if tag == _SEQUENCE_END and level.is_open:
            self.levels.pop()
            return place + 8
        if tag != _ITEM:
            raise DamagedError("has a sequence without items")
        if length == _UNDEFINED and level.kind == "items":
            self._enter("elements", level.end, True, level.implicit)
            return place + 8
        end = place + 8 + length
        if end > level.end:
            raise DamagedError("is cut off, or the length of an item is wrong")
        if level.kind == "items":
            self._enter("elements", end, False, level.implicit)
            return place + 8
        return end

    def _skip_damaged(self, error: DamagedError) -> int:
        """Past the outermost sequence whose end is known; its bytes stay as they are.

        Raises:
            DamagedError: there is none, or a limit was reached.
        """
        known = (i for i, level in enumerate(self.levels[1:], 1) if not level.is_open)
        first = next(known, None)
        if first is None or isinstance(error, BeyondLimitError):
            raise error
        end = self.levels[first].end
        del self.levels[first:]
        return end
