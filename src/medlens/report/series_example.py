"""One series worth looking at, slice by slice, as the caller hands it over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medlens.core import UsageError


@dataclass(frozen=True, eq=False)
class SeriesExample:
    """A series with the curve of a label over its slices.

    Attributes:
        case: local key of the series; its only name on the page.
        label: which the curve is about.
        probabilities: (T,) of the label, 0..1, in the order of the slices; () where
            the bundle gives no answer per slice.
        reference: (T,) 1 present, 0 absent, -1 not read; () without labels of slices.
        attention: (T,) weights of 0 or more; () without.
        plain: (T,) what the CNN alone says of each slice; ().
        threshold: of the operating point of slices, or None.
        probability: of the label for the series.
        series_reference: the series' label (or labels, joined).
        is_right: True when the series' decision equals its reference.
        note: a short remark.

    Raises:
        UsageError: lengths differ, nothing can be drawn, a number is out of range.
    """

    case: str
    label: str
    probability: float
    series_reference: str
    is_right: bool
    probabilities: NDArray[np.floating] | Sequence[float] = ()
    reference: NDArray[np.integer] | Sequence[int] = ()
    attention: NDArray[np.floating] | Sequence[float] = ()
    plain: NDArray[np.floating] | Sequence[float] = ()
    threshold: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        given = {
            name: np.asarray(getattr(self, name), dtype=np.float64)
            for name in ("probabilities", "reference", "attention", "plain")
        }
        lengths = {len(values) for values in given.values() if values.size}
        if any(values.ndim != 1 for values in given.values()) or len(lengths) != 1:
            shapes = ", ".join(f"{name} {v.shape}" for name, v in given.items())
            raise UsageError(
                f"case {self.case}: example of a series has {shapes}; wanted one "
                "number a slice in each that is given, and at least one given"
            )
        if given["probabilities"].size == 0 and given["attention"].size == 0:
            raise UsageError(
                f"case {self.case}: example of a series has neither probabilities nor "
                "attention; wanted one of them to draw"
            )
        for name in ("probabilities", "plain"):
            if not ((given[name] >= 0) & (given[name] <= 1)).all():
                raise UsageError(f"case {self.case}: {name} leave 0..1")
        if not (np.isfinite(given["attention"]) & (given["attention"] >= 0)).all():
            raise UsageError(f"case {self.case}: attention is below 0 or not finite")
