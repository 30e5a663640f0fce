"""A series: sorted slices, their stack, and what is wrong with it in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medlens.core import Geometry
from medlens.read.series.slices import Slice
from medlens.read.series.stack import (
    EVEN_SHARE,
    SIDEWAYS_SHARE,
    Stack,
    measure_stack,
    sort_slices,
    stack_geometry,
)

_SHOWN = 4
TILT_DEGREES = 0.05
"""Smallest tilt that is named; a quarter of a pixel over 400 slices of 1 mm."""


@dataclass(frozen=True)
class Series:
    """The slices of one volume, in order along their normal.

    Attributes:
        case: local key: the folder or file that holds it, "#2" behind it where
            that holds several.
        slices: one or more.
        stack: where they lie.
        parted_by: DICOM keywords by which it was told apart from other volumes
            of the same DICOM series.
    """

    case: str
    slices: tuple[Slice, ...]
    stack: Stack
    parted_by: tuple[str, ...] = ()

    @property
    def is_even(self) -> bool:
        """Slices lie on an even grid, sheared or not, and no place is taken twice."""
        return self.stack.is_even

    @property
    def geometry(self) -> Geometry:
        """Affine of the slices; only the best fit where they are not even."""
        return stack_geometry(self.stack, self.slices)

    @property
    def findings(self) -> tuple[str, ...]:
        """What a reader should know: doubles, holes, uneven gaps, tilt, parting."""
        stack = self.stack
        found = [_tell_doubles(self), _tell_missing(self), _tell_uneven(self)]
        if stack.tilt_degrees > TILT_DEGREES:
            found.append(
                f"the slices are sheared by {stack.tilt_degrees:.1f}° against their "
                "normal (gantry tilt)"
            )
        if stack.sideways > SIDEWAYS_SHARE * min(self.slices[0].spacing):
            found.append(
                f"slices lie up to {stack.sideways:.1f} mm beside the line of the "
                "others"
            )
        if self.parted_by:
            names = ", ".join(dict.fromkeys(self.parted_by))
            found.append(f"one of several volumes of a DICOM series, parted by {names}")
        return tuple(text for text in found if text)


def make_series(
    case: str, slices: Sequence[Slice], parted_by: tuple[str, ...] = ()
) -> Series:
    """A series of slices of one orientation, sorted by position."""
    ordered = tuple(sort_slices(slices))
    return Series(case, ordered, measure_stack(ordered), parted_by)


def _unit(series: Series) -> str:
    return "mm" if series.slices[0].is_calibrated else "slice numbers"


def _tell_gap(series: Series) -> str:
    gap, unit = f"{series.stack.gap:.4g}", _unit(series)
    return f"{gap} {unit.removesuffix('s') if gap == '1' else unit}"


def _between(series: Series, at: int) -> str:
    return f"between '{series.slices[at].name}' and '{series.slices[at + 1].name}'"


def _list(texts: list[str]) -> str:
    rest = len(texts) - _SHOWN
    return "; ".join(texts[:_SHOWN]) + (f"; and {rest:,} more" if rest > 0 else "")


def _tell_doubles(series: Series) -> str:
    doubles = series.stack.doubles
    if not doubles:
        return ""
    names = [
        f"'{series.slices[at - 1].name}' and '{series.slices[at].name}'"
        for at in doubles
    ]
    count = "1 place is" if len(doubles) == 1 else f"{len(doubles):,} places are"
    return f"duplicate slices: {count} taken twice: {_list(names)}"


def _tell_missing(series: Series) -> str:
    missing = series.stack.missing
    if not missing:
        return ""
    total = sum(count for _, count in missing)
    holes = [f"{count:,} {_between(series, at)}" for at, count in missing]
    count = "1 slice is" if total == 1 else f"{total:,} slices are"
    gap = f"usual gap {_tell_gap(series)}"
    return f"missing slices: {count} missing ({gap}): {_list(holes)}"


def _tell_uneven(series: Series) -> str:
    """Gaps as the table moved, the most common first, the rare ones with names."""
    stack = series.stack
    if stack.is_even or (stack.missing and not stack.uneven):
        return ""
    if not stack.uneven:
        if stack.drift <= EVEN_SHARE * stack.gap:
            return ""
        return (
            f"unevenly spaced slices: up to {stack.drift:.2g} {_unit(series)} off an "
            f"even grid of {_tell_gap(series)}"
        )
    groups = _group_steps(stack)
    parts = []
    for step, places in groups[:_SHOWN]:
        where = f", {_between(series, places[0])}" if len(places) == 1 else ""
        times = "once" if len(places) == 1 else f"{len(places):,} times"
        parts.append(f"{step:.1f} {_unit(series)} ({times}{where})")
    rest = f" and {len(groups) - _SHOWN:,} other gaps" if len(groups) > _SHOWN else ""
    tilted = stack.tilt_degrees > TILT_DEGREES
    how = ", measured along the tilted stack" if tilted else ""
    return f"unevenly spaced slices: gaps of {', '.join(parts)}{rest}{how}"


def _group_steps(stack: Stack) -> list[tuple[float, list[int]]]:
    """Gaps rounded to 0.1 mm with the slices before them, the most common first."""
    found: dict[float, list[int]] = {}
    doubles = set(stack.doubles)
    for at, step in enumerate(np.round(stack.steps, 1).tolist()):
        if at + 1 not in doubles:
            found.setdefault(step, []).append(at)
    return sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
