"""Two models on the same cases: which is better, and is it more than luck?"""

from __future__ import annotations

from typing import Any

import numpy as np

from medlens.core import Array, DataError
from medlens.evaluate.baseline import auroc_difference
from medlens.evaluate.headline import TableFigures, measure_table
from medlens.evaluate.table import CaseTable
from medlens.metrics import Difference
from medlens.metrics.bootstrap import RESAMPLES
from medlens.metrics.intervals import LEVEL

SCHEMA = "medlens/comparison/1"


def compare_tables(
    a: CaseTable, b: CaseTable, *, seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, Any]:
    """Figures of both models on the cases they share, and a minus b with its doubt.

    AUROC is compared by the paired DeLong test, clustered by patient; every
    other figure by a bootstrap that draws the same patients for both. Patients
    (or groups) are those of `a`.

    Args:
        a, b: tables of the same task; labels may come in another order.
        seed, resamples: of the patient bootstrap.

    Returns:
        {"schema", "n_cases", "n_patients", "labels", "only_in_a", "only_in_b",
        "metrics": {name: {"a", "b", "difference"}}}; JSON values only.

    Raises:
        DataError: tasks differ, no labelled case is in both, or a case has
            another reference standard in b than in a.
    """
    first, second = pair_tables(a, b)
    figures = [
        measure_table(table, seed=seed, resamples=resamples)
        for table in (first, second)
    ]
    return {
        "schema": SCHEMA,
        "n_cases": len(first),
        "n_patients": first.n_patients,
        "labels": list(first.labels),
        "only_in_a": len(set(a.cases) - set(b.cases)),
        "only_in_b": len(set(b.cases) - set(a.cases)),
        "metrics": {
            name: {
                "a": figures[0].headline[name].to_json(),
                "b": figures[1].headline[name].to_json(),
                "difference": _difference(name, (first, second), figures).to_json(),
            }
            for name in figures[0].headline
            if name == "auroc" or name in figures[0].replicates
        },
    }


def pair_tables(a: CaseTable, b: CaseTable) -> tuple[CaseTable, CaseTable]:
    """The labelled cases of both tables, in the order of a, labels as in a.

    Both are clustered by the groups of a, or its patients.

    Raises:
        DataError: as for `compare_tables`.
    """
    if a.kind != b.kind or set(a.labels) != set(b.labels):
        raise DataError(
            f"comparison: A is {a.kind} ({', '.join(a.labels[:20])}), B is {b.kind} "
            f"({', '.join(b.labels[:20])}); wanted the same task"
        )
    if a.positive != b.positive:
        raise DataError(
            f"comparison: positive label is {a.positive!r} in A and {b.positive!r} "
            "in B; wanted the same"
        )
    where = {case: index for index, case in enumerate(b.cases)}
    shared = [index for index, case in enumerate(a.cases) if case in where]
    if not shared:
        raise DataError(
            f"comparison: none of the {len(a)} cases of A is among the {len(b)} of B; "
            "wanted predictions on the same data"
        )
    first = a.select(np.array(shared))
    second = _reorder_labels(
        b.select(np.array([where[c] for c in first.cases])), a.labels
    )
    different = (np.asarray(first.targets) != np.asarray(second.targets)).any(axis=1)
    if different.any():
        raise DataError(
            f"comparison: {int(different.sum())} cases have another reference standard "
            f"in B than in A, {first.cases[int(np.argmax(different))]} first; "
            "wanted predictions held against the same labels"
        )
    if not first.is_read.any():
        raise DataError("comparison: no shared case has a label; pass --labels CSV")
    # Both are clustered in the same way, or nothing would be paired.
    units = first.groups or first.patients
    first, second = (_regroup(table, units) for table in (first, second))
    return first.select(first.is_read), second.select(first.is_read)


def _reorder_labels(table: CaseTable, labels: tuple[str, ...]) -> CaseTable:
    """The table with its label columns in this order."""
    order = [table.labels.index(label) for label in labels]
    return CaseTable(
        cases=table.cases,
        labels=labels,
        kind=table.kind,
        positive=table.positive,
        targets=np.asarray(table.targets)[:, order],
        probabilities=np.asarray(table.probabilities)[:, order],
        decisions=np.asarray(table.decisions)[:, order],
        patients=table.patients,
    )


def _regroup(table: CaseTable, units: tuple[str, ...]) -> CaseTable:
    """The table with these independent units, and only what a comparison needs."""
    return CaseTable(
        cases=table.cases,
        labels=table.labels,
        kind=table.kind,
        positive=table.positive,
        targets=table.targets,
        probabilities=table.probabilities,
        decisions=table.decisions,
        patients=table.patients,
        groups=units,
    )


def _difference(
    name: str, tables: tuple[CaseTable, CaseTable], figures: list[TableFigures]
) -> Difference:
    """a minus b of one figure."""
    if name == "auroc":
        return auroc_difference(*tables)
    value_a, value_b = (figure.headline[name].value for figure in figures)
    if value_a is None or value_b is None:
        reasons = [figure.headline[name].reason for figure in figures]
        return Difference(None, reason=next(filter(None, reasons), "undefined"))
    replicates = figures[0].replicates[name] - figures[1].replicates[name]
    return _paired(value_a - value_b, replicates)


def _paired(value: float, replicates: Array) -> Difference:
    """Percentile interval and two-sided bootstrap test of a difference."""
    valid = replicates[np.isfinite(replicates)]
    if len(valid) < max(2, len(replicates) // 2):
        return Difference(value, reason="too few resamples in which both are defined")
    low, high = np.quantile(valid, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    # One is added to each tail (Davison & Hinkley 1997, §4.2): no p of 0.
    tails = [(np.sum(valid <= 0) + 1), (np.sum(valid >= 0) + 1)]
    p_value = min(1.0, 2 * min(tails) / (len(valid) + 1))
    method = f"paired patient bootstrap, {len(valid)} resamples"
    return Difference(
        value, min(float(low), value), max(float(high), value), float(p_value), method
    )
