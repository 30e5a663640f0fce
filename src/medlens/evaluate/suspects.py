"""Labels that deserve a second reading.

A case counts when the model gives another label at least the probability that it
gives, on average, to the cases which truly carry that label: the rule of confident
learning (Northcutt, Jiang & Chuang 2021, eq. 1). Some of these are errors of the
model, some of the reference standard; only a reader can tell. No figure leaves them
out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from medlens.core import Array
from medlens.evaluate.table import CaseTable
from medlens.metrics.estimate import rounded

LISTED = 20
"""Entries that metrics.json names; all are counted."""

_SURE = 0.5
"""A model that gives a label less than this is never sure of it."""


def suspect_entry(table: CaseTable) -> dict[str, Any]:
    """Entry `label_suspects` of a split: counts, and those that weigh most by name.

    Copies and images of one patient with the same answer are one entry: whoever
    reads one label again has read them all. Those with most cases come first, then
    the surest.
    """
    found = [
        entry
        for index in range(len(table.labels))
        for entry in _suspects_of(table, index)
    ]
    found.sort(key=lambda e: (-e["n_cases"], -e["probability"], e["case"]))
    return {
        "n_entries": len(found),
        "n_cases": sum(entry["n_cases"] for entry in found),
        "listed": found[:LISTED],
    }


def _suspects_of(table: CaseTable, index: int) -> Iterator[dict[str, Any]]:
    """Cases without a label that look as sure of it as those that carry it."""
    column = np.asarray(table.targets)[:, index]
    chance = np.asarray(table.probabilities)[:, index]
    groups = table.codes
    yield from _against(table, index, column == 1, column == 0, chance, groups)
    if table.kind == "multilabel":  # and those that carry it and look clear of it
        yield from _against(table, index, column == 0, column == 1, 1 - chance, groups)


def _against(
    table: CaseTable,
    index: int,
    is_known: Array,
    is_asked: Array,
    chance: Array,
    groups: Array,
) -> Iterator[dict[str, Any]]:
    if not is_known.any():
        return
    # Each group counts once in the mean: forty copies must not set the threshold.
    sizes = np.bincount(groups[is_known])
    sums = np.bincount(groups[is_known], chance[is_known])
    sure = max(_SURE, float((sums[sizes > 0] / sizes[sizes > 0]).mean()))
    is_suspect = is_asked & (chance >= sure)
    for group in np.unique(groups[is_suspect]):
        rows = np.flatnonzero(is_suspect & (groups == group))
        first = int(rows[np.argmax(chance[rows])])
        reference, looks_like = _words(table, index, first)
        yield {
            "case": table.cases[first],
            "n_cases": len(rows),
            "reference": reference,
            "looks_like": looks_like,
            "probability": rounded(float(chance[rows].mean())),
        }


def _words(table: CaseTable, index: int, row: int) -> tuple[str, str]:
    label = table.labels[index]
    targets = np.asarray(table.targets)[row]
    if table.kind != "multilabel":
        return table.labels[int(targets.argmax())], label
    is_there = targets[index] == 1
    words = (f"{label} absent", f"{label} present")
    return words[int(is_there)], words[int(not is_there)]
