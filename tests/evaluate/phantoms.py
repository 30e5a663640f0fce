"""Tables of cases drawn at random, of every kind of task."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from medlens.evaluate import CaseTable
from medlens.metrics import Calibration, OperatingPoint, decide, fit_operating_points
from medlens.recipe import Kind


def table_of(
    kind: Kind = "binary",
    *,
    n: int = 120,
    seed: int = 0,
    classes: int = 0,
    **changes: Any,
) -> CaseTable:
    """A table of a model that is right more often than not."""
    rng = np.random.default_rng(seed)
    count = classes or (2 if kind == "binary" else 3)
    if kind == "multilabel":
        targets = (rng.random((n, count)) < 0.3).astype(np.int8)
    else:
        targets = np.eye(count, dtype=np.int8)[np.arange(n) % count]
    logits = rng.normal(0, 1, (n, count)) + 2.0 * targets - 1.0
    names = ("no", "yes") if kind == "binary" else tuple("abcdefghij"[:count])
    probabilities = Calibration.identity(count, kind=kind).probabilities(logits)
    table = CaseTable(
        cases=tuple(f"case{index:04d}.png" for index in range(n)),
        labels=names,
        kind=kind,
        targets=targets,
        probabilities=probabilities,
        decisions=decide(probabilities, (), labels=names, kind=kind),
        patients=tuple(f"p{index:04d}" for index in range(n)),
        logits=logits,
    )
    return replace(table, **changes)


def points_of(table: CaseTable) -> tuple[OperatingPoint, ...]:
    """Operating points fitted on the table itself."""
    return fit_operating_points(
        table.probabilities, table.targets, labels=table.labels, kind=table.kind
    )
