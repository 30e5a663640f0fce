"""The curves that travel with a bundle, or stay beside an evaluation's figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from medlens.bundle import Bundle
from medlens.evaluate import (
    CaseTable,
    MaskTable,
    case_shape,
    curves_document,
    mask_shape,
)


def shape_cases(
    bundle: Bundle,
    entry: Mapping[str, Any],
    table: CaseTable,
    series: CaseTable | None,
    split: str,
) -> dict[str, Any]:
    """Curves of a split, schema medlens/curves/1.

    Args:
        bundle: that answered.
        entry: the split in metrics.json.
        table: leading answers of all splits.
        series: answers for whole series, where `table` has their slices.
        split: name of it.
    """
    leading = "slices" if series is not None else "series"
    of = leading if bundle.form == "sequence" else "cases"
    points = bundle.operating_points
    parts = [case_shape(_part(table, split), entry, of=of, points=points)]
    if series is not None and "series" in entry:
        points = bundle.series_points
        part = _part(series, split)
        parts.append(case_shape(part, entry["series"], of="series", points=points))
    return curves_document(split, bundle.form, parts)


def shape_masks(
    bundle: Bundle, entry: Mapping[str, Any], table: MaskTable, split: str
) -> dict[str, Any]:
    """As `shape_cases`, where voxels are labelled."""
    part = table.select(np.array(table.splits) == split)
    return curves_document(split, bundle.form, [mask_shape(part, entry)])


def _part(table: CaseTable, split: str) -> CaseTable:
    return table.select(np.array(table.splits) == split)
