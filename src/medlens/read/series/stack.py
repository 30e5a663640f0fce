"""Where the slices of a series lie along their normal, and what is wrong there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medlens.core import Geometry
from medlens.read.series.slices import Slice

FloatArray = NDArray[np.float64]

EVEN_SHARE = 0.05
"""Share of the gap by which a slice may miss its place on an even grid.

Scanners write positions with two or three decimals: 1.25 mm comes as 1.2 and
1.3. A twentieth of a voxel is a tenth of what the geometry promises.
"""

SIDEWAYS_SHARE = 0.1
"""Share of a pixel by which a slice may lie beside the line of the others."""

_SAME_PLACE = 0.02  # of the usual gap: such slices share a position
_SAME_GAP = 2 * EVEN_SHARE  # both ends of a gap may be off
_SNAP_MM = 0.005  # sideways drift over a whole stack that is rounding, not tilt
_MOST_MISSING = 50  # slices in one hole; a longer one is no lack but another scan


@dataclass(frozen=True)
class Stack:
    """Places of n sorted slices.

    Attributes:
        along, down, normal: (3,) unit vectors of W, H and D; normal is the
            cross product of the first two (PS3.3 C.7.6.2.1.1).
        positions: (n, 3) LPS mm, in order along the normal.
        offsets: (n,) mm along the normal, rising.
        gap: usual distance along the normal in mm; 0 for a single place.
        shear: (3,) in-plane mm by which slices move per mm of normal; zero
            where they lie straight above each other.
        doubles: indices i whose slice shares the place of slice i - 1.
        missing: (i, k): k slices are missing between slices i and i + 1.
        uneven: indices i where the gap to slice i + 1 is neither `gap` nor a
            multiple of it.
        sideways: largest in-plane distance in mm from the (sheared) line.
        drift: largest distance in mm from the even grid along the normal.
        is_even: slices lie on an even grid, sheared or not, none twice.
    """

    along: FloatArray
    down: FloatArray
    normal: FloatArray
    positions: FloatArray
    offsets: FloatArray
    gap: float
    shear: FloatArray
    doubles: tuple[int, ...]
    missing: tuple[tuple[int, int], ...]
    uneven: tuple[int, ...]
    sideways: float
    drift: float
    is_even: bool

    @property
    def tilt_degrees(self) -> float:
        """Angle between the normal and the line through the slices (gantry tilt)."""
        return float(np.degrees(np.arctan(np.linalg.norm(self.shear))))

    @property
    def steps(self) -> FloatArray:
        """(n - 1,) mm between neighbouring positions, as the table moved."""
        steps: FloatArray = np.linalg.norm(np.diff(self.positions, axis=0), axis=1)
        return steps


def sort_slices(slices: Sequence[Slice]) -> list[Slice]:
    """Slices in rising order along their normal, whatever their names say.

    The normal is that of the first slice; all must have its orientation within
    rounding. Ties keep Instance Number, then name, so that the order is the
    same on every machine.
    """
    first = slices[0]
    normal = np.cross(first.along, first.down)

    def place(item: Slice) -> tuple[float, int, str, int, str]:
        offset = float(np.dot(normal, item.position))
        return offset, item.number, item.case, len(item.member), item.member

    return sorted(slices, key=place)


def measure_stack(slices: Sequence[Slice]) -> Stack:
    """The stack of sorted slices; headers only.

    Args:
        slices: from `sort_slices`, one or more.
    """
    along = _unit(np.mean([s.along for s in slices], axis=0))
    down = _unit(np.mean([s.down for s in slices], axis=0))
    normal = _unit(np.cross(along, down))
    positions = np.array([s.position for s in slices], dtype=np.float64)
    offsets = positions @ normal
    gap, doubles = _usual_gap(np.diff(offsets))
    single = np.setdiff1d(np.arange(len(slices)), doubles)
    shear, sideways = _fit_shear(positions[single], offsets[single], normal)
    pixel = min(slices[0].spacing)
    if sideways <= SIDEWAYS_SHARE * pixel and _is_rounding(shear, offsets):
        shear = np.zeros(3)
    drift = _drift(offsets[single])
    even = len(single) == len(slices) > 1 and drift <= EVEN_SHARE * gap
    even = even and sideways <= SIDEWAYS_SHARE * pixel
    missing, uneven = ((), ()) if even else _holes(offsets, single, gap)
    return Stack(
        along, down, normal, positions, offsets, gap, shear, tuple(doubles.tolist()),
        missing, uneven, sideways, drift, even,
    )  # fmt: skip


def stack_geometry(stack: Stack, slices: Sequence[Slice]) -> Geometry:
    """Affine of the slices as they are, the best even grid through them.

    A tilted stack has a sheared affine: no voxel is moved from its place.
    """
    count = len(stack.offsets)
    index = np.arange(count) - (count - 1) / 2
    middle = stack.positions.mean(axis=0)
    gap = float(index @ stack.offsets / (index @ index)) if count > 1 else 1.0
    step = (stack.normal + stack.shear) * (gap if gap > 0 else 1.0)
    rows, columns = slices[0].spacing
    affine = np.eye(4)
    affine[:3, :3] = np.column_stack([step, stack.down * rows, stack.along * columns])
    affine[:3, 3] = middle - step * (count - 1) / 2
    return Geometry(affine, all(s.is_calibrated for s in slices))


def _unit(vector: FloatArray) -> FloatArray:
    return vector / np.linalg.norm(vector)


def _usual_gap(gaps: FloatArray) -> tuple[float, NDArray[np.intp]]:
    """The most common gap (the smaller of two as common), and who shares a place.

    Gaps within `_SAME_GAP` of each other count as one.
    """
    real = np.sort(gaps[gaps > 1e-6])
    if not len(real):
        return 0.0, np.arange(1, len(gaps) + 1)
    # Rounded copies of one place must not pass for the most common gap.
    real = real[real > _SAME_PLACE * np.median(real)]
    first = np.searchsorted(real, real * (1 - _SAME_GAP), side="left")
    last = np.searchsorted(real, real * (1 + _SAME_GAP), side="right")
    best = int(np.argmax(last - first))
    gap = float(real[first[best] : last[best]].mean())
    return gap, np.flatnonzero(gaps <= _SAME_PLACE * gap) + 1


def _fit_shear(
    positions: FloatArray, offsets: FloatArray, normal: FloatArray
) -> tuple[FloatArray, float]:
    """In-plane mm per mm of normal by least squares, and the largest residue."""
    beside = positions - np.outer(offsets, normal)
    beside = beside - beside.mean(axis=0)
    height = offsets - offsets.mean()
    total = float(height @ height)
    shear = height @ beside / total if total > 0 else np.zeros(3)
    residue = beside - np.outer(height, shear)
    return shear, float(np.linalg.norm(residue, axis=1).max())


def _is_rounding(shear: FloatArray, offsets: FloatArray) -> bool:
    return bool(np.linalg.norm(shear) * np.ptp(offsets) <= _SNAP_MM)


def _drift(offsets: FloatArray) -> float:
    """Largest distance from the even grid that fits the offsets best."""
    if len(offsets) < 3:
        return 0.0
    index = np.arange(len(offsets)) - (len(offsets) - 1) / 2
    gap = index @ offsets / (index @ index)
    return float(np.abs(offsets - offsets.mean() - gap * index).max())


def _holes(
    offsets: FloatArray, single: NDArray[np.intp], gap: float
) -> tuple[tuple[tuple[int, int], ...], tuple[int, ...]]:
    """Gaps that are multiples of the usual one, and gaps that are nothing of it.

    Multiples count as missing slices only where the usual gap is the rule (at
    least half of all gaps), else the spacing has no rule to speak of.
    """
    gaps = np.diff(offsets[single])
    times = np.rint(gaps / gap) if gap > 0 else np.ones_like(gaps)
    fits = (np.abs(gaps - times * gap) <= _SAME_GAP * gap) & (times >= 1)
    fits &= times <= _MOST_MISSING + 1
    is_rule = 2 * np.count_nonzero(fits & (times == 1)) >= len(gaps)
    # The slice before a gap is the last of those that share its place.
    before = np.append(single[1:], len(offsets)) - 1
    odd = ~fits if is_rule else ~fits | (times != 1)
    lack = fits & (times > 1) & is_rule
    missing = tuple((int(before[i]), int(times[i]) - 1) for i in np.flatnonzero(lack))
    return missing, tuple(int(before[i]) for i in np.flatnonzero(odd))
