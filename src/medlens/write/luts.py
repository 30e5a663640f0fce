"""Look-up tables of a foreign header, made legal (PS3.3 C.11.1, C.11.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

LONGEST = 65536


@dataclass(frozen=True)
class Table:
    """A table from stored or rescaled values to shown ones.

    Attributes:
        first: value that the first entry is for.
        bits: of an entry, 8 to 16; tells how bright the largest one is.
        entries: uint16.
    """

    first: int
    bits: int
    entries: NDArray[np.uint16]


Keyword = Literal["VOILUTSequence", "ModalityLUTSequence"]


def copy_table(dataset: Dataset, keyword: Keyword, result: Dataset) -> None:
    """Put the first item's table into a clean header, where it is a legal one."""
    try:
        item = dataset[keyword].value[0]
        count, first, bits = (int(value) for value in item.LUTDescriptor)
        entries = _entries(item.LUTData, count or LONGEST)
    except Exception:  # pydicom raises whatever its converters raise
        return
    # Tables of signed values are not written by highdicom.
    if entries is None or not (8 <= bits <= 16 and 0 <= first < LONGEST):
        return
    clean = Dataset()
    clean.LUTDescriptor = [count, first, bits]
    clean.LUTData = entries.astype("<u2").tobytes()
    setattr(result, keyword, [clean])


def table_of(source: Dataset, keyword: Keyword) -> Table | None:
    """The table that `copy_table` put into a clean header, or None."""
    if keyword not in source:
        return None
    item = source[keyword].value[0]
    _, first, bits = item.LUTDescriptor
    entries = np.frombuffer(item.LUTData, dtype="<u2").astype(np.uint16)
    return Table(int(first), int(bits), entries)


def full_range(table: Table) -> NDArray[np.uint16]:
    """Entries of a VOI table on 16 bits: a presentation state has no others of more
    than 8, and the largest value is the brightest whatever its bits are."""
    most = 2**table.bits - 1
    scaled = np.minimum(table.entries, most) * (65535 / most)
    whole: NDArray[np.uint16] = np.rint(scaled).astype(np.uint16)
    return whole


def _entries(data: Any, count: int) -> NDArray[np.uint16] | None:
    """LUT Data as OW bytes or US values; 8-bit tables may be packed in bytes."""
    if isinstance(data, bytes):
        is_packed = len(data) in (count, count + 1)
        found = np.frombuffer(data, dtype=np.uint8 if is_packed else "<u2")
    else:
        found = np.asarray(data)
    found = found[:count]
    if len(found) != count or found.min() < 0 or found.max() >= LONGEST:
        return None
    return found.astype(np.uint16)
