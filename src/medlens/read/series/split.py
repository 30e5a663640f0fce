"""Slices of one series → the volumes in it: one orientation, one place once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from medlens.read.series.slices import LeftOut, Slice
from medlens.read.series.stack import measure_stack, sort_slices
from medlens.read.series.tags import TAG_ORDER

_SAME_AXIS = 1e-4
"""Largest difference of direction cosines within one orientation.

At 250 mm from the first pixel it moves a voxel by 0.025 mm.
"""

_FEW = 20  # slices an orientation of a localiser has at most
_IN_PLANE_MM = 0.1
_MOST_GRIDS = 256  # orientations in one series; more are no stacks
_LEAST = 3  # slices of a scan that evenness can be seen in

Part = tuple[list[Slice], tuple[str, ...]]
"""Sorted slices, and the keywords by which they were parted from others."""


def split_series(slices: Sequence[Slice]) -> tuple[list[Part], list[LeftOut]]:
    """Part the slices of one series into volumes.

    Size, spacing and orientation always part; echo, image type, acquisition,
    time and the like part only where images would share a place, since a scan
    in steps numbers every step as an acquisition of its own.
    """
    groups = split_by_grid(slices)
    left_out: list[LeftOut] = []
    if len(groups) > 2 and all(len(group) == 1 for group in groups):
        reason = f"mixed series: {len(slices)} slices in as many orientations or sizes"
        return [], [LeftOut(s.name, reason, "mixed") for s in slices]
    parts: list[Part] = []
    for group in groups:
        for part, keywords in _part(group, ()):
            unfit = _why_not(part)
            left_out += unfit
            if not unfit:
                parts.append((sort_slices(part), keywords))
    return parts, left_out


def _why_not(part: list[Slice]) -> list[LeftOut]:
    """The slices of a part that is no volume, [] for a good one."""
    if len(part) <= _FEW and all(s.is_named_scout for s in part):
        reason = "is a localiser by its description"
        return [LeftOut(s.name, reason, "localiser") for s in part]
    if len(part) == 1:
        reason = "is a single slice with no neighbour in its orientation"
        return [LeftOut(part[0].name, reason, "single")]
    return []


def split_by_grid(slices: Sequence[Slice]) -> list[list[Slice]]:
    """Slices by size, spacing and orientation, in the order they come in.

    Where there are hundreds of orientations every slice stands for itself.
    """
    groups: list[list[Slice]] = []
    heads: list[tuple[object, np.ndarray]] = []
    for item in slices:
        grid = _grid(item)
        axes = np.array([item.along, item.down])
        for group, (other, head) in zip(groups, heads, strict=True):
            if other == grid and np.abs(axes - head).max() <= _SAME_AXIS:
                group.append(item)
                break
        else:
            if len(groups) >= _MOST_GRIDS:
                return [[each] for each in slices]
            groups.append([item])
            heads.append((grid, axes))
    return groups


def _grid(item: Slice) -> tuple[object, ...]:
    size = (item.pixels.rows, item.pixels.columns) if item.pixels else ()
    # Five significant digits: spacings are rounded in one file more than another.
    return (*size, *(float(f"{gap:.4e}") for gap in item.spacing), item.is_calibrated)


def _part(group: list[Slice], keywords: tuple[str, ...]) -> list[Part]:
    """Part a group by the first keyword that frees shared places, again and again."""
    group = sort_slices(group)
    places = _places(group)
    most = max(Counter(places).values())
    if most == 1 and (len(group) < 2 * _LEAST or measure_stack(group).is_even):
        return [(group, keywords)]
    for keyword, values in _candidates(group):
        found: dict[str, list[Slice]] = defaultdict(list)
        for item, value in zip(group, values, strict=True):
            found[value].append(item)
        sets = list(found.values())
        # More parts than images at the fullest place: the keyword counts slices,
        # not acquisitions.
        frees = len(sets) <= most and _shared(sets) < _shared([group])
        if frees or (most == 1 and _interleave(sets)):
            parts = [_part(part, (*keywords, keyword)) for part in sets]
            return [done for part in parts for done in part]
    return _by_rank(group, places, keywords)


def _interleave(sets: list[list[Slice]]) -> bool:
    """Whether uneven slices are even ones of two or more scans over one region."""
    if min(map(len, sets)) < _LEAST:
        return False
    stacks = [measure_stack(sort_slices(part)) for part in sets]
    low = max(stack.offsets[0] for stack in stacks)
    high = min(stack.offsets[-1] for stack in stacks)
    shortest = min(np.ptp(stack.offsets) for stack in stacks)
    return all(stack.is_even for stack in stacks) and high - low > shortest / 2


def _candidates(group: list[Slice]) -> list[tuple[str, list[str]]]:
    """Keywords that differ within a group, with each slice's value."""
    normal = np.cross(group[0].along, group[0].down)
    positions = np.array([s.position for s in group])
    beside = positions - np.outer(positions @ normal, normal)
    cells = np.rint((beside - beside.min(axis=0)) / _IN_PLANE_MM).astype(np.int64)
    found = [("ImagePositionPatient", [str(cell.tolist()) for cell in cells])]
    keywords = dict.fromkeys(key for item in group for key in item.tags)
    for keyword in sorted(keywords, key=_order_of):
        found.append((keyword, [item.tags.get(keyword, "") for item in group]))
    return [(key, values) for key, values in found if len(set(values)) > 1]


def _order_of(keyword: str) -> int:
    return TAG_ORDER.index(keyword)


def _places(group: list[Slice]) -> list[int]:
    """Which place along the normal each of the sorted slices has, from 0."""
    doubles = set(measure_stack(group).doubles)
    places: list[int] = np.cumsum(
        [i not in doubles for i in range(len(group))]
    ).tolist()
    return places


def _shared(parts: list[list[Slice]]) -> int:
    """Images that share a place with another of their part."""
    return sum(len(part) - len(set(_places(sort_slices(part)))) for part in parts)


def _by_rank(
    group: list[Slice], places: list[int], keywords: tuple[str, ...]
) -> list[Part]:
    """Part by turn where every place holds the same number of images.

    Phases of a heart have times of their own at every place, which no keyword
    holds together; their turn at each place does. Where only some places are
    shared, the images there are doubles: they stay and are named.
    """
    counts = Counter(places)
    most = max(counts.values())
    if most == 1 or len(counts) < 2 or set(counts.values()) != {most}:
        return [(group, keywords)]
    times = ("NominalCardiacTriggerDelayTime", "TriggerTime", "AcquisitionTime")

    def turn(item: Slice) -> tuple[list[float], int, str, str]:
        return (
            [_as_number(item.tags.get(key, "")) for key in times],
            item.number, item.case, item.member,
        )  # fmt: skip

    at_place: dict[int, list[Slice]] = defaultdict(list)
    for item, place in zip(group, places, strict=True):
        at_place[place].append(item)
    ranked = [sorted(items, key=turn) for items in at_place.values()]
    return [([items[k] for items in ranked], (*keywords, "turn")) for k in range(most)]


def _as_number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return 0.0
