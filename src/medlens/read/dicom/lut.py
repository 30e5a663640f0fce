"""Look-up tables of a DICOM header: modality, VOI and palette."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from medlens.core import Array, ReadError
from medlens.read.dicom.numbers import numbers, value_of

_MAX_ENTRIES = 65_536


@dataclass(frozen=True)
class Lut:
    """A table and what it maps.

    Attributes:
        entries: (n,) unsigned output values.
        first: input value of entry 0; inputs below take entry 0, inputs past
            the end take the last (PS3.3 C.11.1.1.1).
        bits: depth of the output.
    """

    entries: Array
    first: int
    bits: int

    def apply(self, values: Array) -> Array:
        """The table's output for each value; same shape."""
        index = values.astype(np.int64) - self.first
        mapped: Array = self.entries[np.clip(index, 0, len(self.entries) - 1)]
        return mapped


def read_descriptor(data: Any, keyword: str, case: str) -> tuple[int, int, int]:
    """Entries, first input value and output bits of a LUT descriptor.

    Raises:
        ReadError: it does not hold three usable numbers.
    """
    found = numbers(data, keyword)
    if len(found) == 3:
        count, first, bits = (int(value) for value in found)
        count = count % _MAX_ENTRIES or _MAX_ENTRIES  # 0 stands for 65,536
        if 1 <= bits <= 16:
            return count, first, bits
    raise ReadError(
        f"{case}: {keyword} is damaged; wanted three numbers: entries, first value "
        "and 8 to 16 bits"
    )


def read_lut(
    data: Any, case: str, *, little_endian: bool, floor: float | None = None
) -> Lut:
    """The LUT Descriptor and LUT Data of one item (modality or VOI).

    Args:
        data: the sequence item.
        case: local key, for messages.
        little_endian: byte order where the data came as bytes.
        floor: smallest input value; where it is negative the descriptor's
            first value is signed, whatever VR it was read with.

    Raises:
        ReadError: the table is shorter than its descriptor says.
    """
    count, first, bits = read_descriptor(data, "LUTDescriptor", case)
    if floor is not None and floor < 0 and first >= 32_768:
        first -= 65_536
    entries = _words(value_of(data, "LUTData"), bits, count, little_endian)
    if len(entries) < count:
        raise ReadError(
            f"{case}: LUT Data (0028,3006) has {len(entries):,} entries, its "
            f"descriptor says {count:,}; the DICOM file is damaged"
        )
    return Lut(entries[:count], first, bits)


def _words(value: Any, bits: int, count: int, little_endian: bool) -> Array:
    """Table entries, whether pydicom gave bytes (OW, OB) or numbers (US)."""
    if value is None:
        return np.zeros(0, dtype=np.uint16)
    if isinstance(value, bytes | bytearray):
        order = "<" if little_endian else ">"
        # 8-bit tables come as one byte an entry or as words; the length tells.
        narrow = bits <= 8 and len(value) < 2 * count
        kind = np.dtype("u1") if narrow else np.dtype(order + "u2")
        usable = len(value) // kind.itemsize * kind.itemsize
        return np.frombuffer(value[:usable], dtype=kind).astype(np.uint16)
    try:
        items = [value] if isinstance(value, int) else list(value)
        return np.array([int(item) & 0xFFFF for item in items], dtype=np.uint16)
    except (TypeError, ValueError):  # text where numbers belong
        return np.zeros(0, dtype=np.uint16)


def read_palette(data: Any, case: str, *, little_endian: bool) -> tuple[Lut, Lut, Lut]:
    """Red, green and blue tables, plain or segmented (PS3.3 C.7.6.3.1.5, C.7.9.2).

    Raises:
        ReadError: a table is missing, short, or cannot be expanded.
    """
    red, green, blue = (
        _read_colour_table(data, name, case, little_endian)
        for name in ("Red", "Green", "Blue")
    )
    return red, green, blue


def _read_colour_table(data: Any, name: str, case: str, little_endian: bool) -> Lut:
    stem = f"{name}PaletteColorLookupTable"
    count, first, bits = read_descriptor(data, f"{stem}Descriptor", case)
    depth = 16 if bits > 8 else 8
    plain = value_of(data, f"{stem}Data")
    if plain is not None:
        entries = _words(plain, bits, count, little_endian)
        # 8-bit entries packed as words may use the whole word (C.7.6.3.1.6).
        if depth == 8 and entries.size and entries.max() > 255:
            entries = entries >> 8
    else:
        packed = value_of(data, f"Segmented{stem}Data")
        kind = (
            np.dtype("u1")
            if depth == 8
            else np.dtype("<u2" if little_endian else ">u2")
        )
        raw = packed if isinstance(packed, bytes | bytearray) else b""
        words = np.frombuffer(raw[: len(raw) // kind.itemsize * kind.itemsize], kind)
        entries = _expand(words.astype(np.int64), kind.itemsize, count, little_endian)
    if len(entries) < count:
        raise ReadError(
            f"{case}: the {name} palette table has {len(entries):,} entries, its "
            f"descriptor says {count:,}; the DICOM file is damaged"
        )
    dtype = np.uint8 if depth == 8 else np.uint16
    return Lut(entries[:count].astype(dtype), first, depth)


def _expand(words: Array, width: int, count: int, little_endian: bool) -> Array:
    """Entries of a segmented table (C.7.9.2), never more than `count`.

    Segments: 0 discrete, 1 linear, 2 a copy of earlier segments by byte offset.
    """
    done: list[int] = []
    _expand_run(words, 0, None, done, width, count, little_endian)
    return np.array(done[:count], dtype=np.int64)


def _expand_run(
    words: Array, place: int, segments: int | None, done: list[int],
    width: int, count: int, little_endian: bool,
) -> None:  # fmt: skip
    seen, end = 0, len(words)
    while (
        place + 1 < end and len(done) < count and (segments is None or seen < segments)
    ):
        code, length = int(words[place]), int(words[place + 1])
        place, seen = place + 2, seen + 1
        if code == 0:
            done.extend(int(word) for word in words[place : place + length])
            place += length
        elif code == 1 and done and length and place < end:
            target = int(words[place])
            steps = np.linspace(done[-1], target, length + 1)[1:]
            done.extend(int(step) for step in np.rint(steps))
            place += 1
        elif code == 2 and segments is None:
            offset = _offset(words[place : place + 4 // width], width, little_endian)
            place += 4 // width
            # A copied run may not copy again, so there is no endless loop.
            _expand_run(words, offset, length, done, width, count, little_endian)
        else:
            return  # unknown segment: the table stays short and is refused


def _offset(parts: Array, width: int, little_endian: bool) -> int:
    """32-bit byte offset of an indirect segment, in table entries."""
    shift = 8 * width
    ordered = parts[::-1] if little_endian else parts
    value = 0
    for part in ordered:
        value = value << shift | int(part)
    return value // width
