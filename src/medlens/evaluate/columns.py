"""Tables of cases as columns: what `CaseTable` and `MaskTable` check and pick alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Protocol

import numpy as np

from medlens.core import Array, DataError


class Columns(Protocol):
    """The columns that both tables have."""

    @property
    def cases(self) -> tuple[str, ...]:
        """n local keys."""

    @property
    def labels(self) -> tuple[str, ...]:
        """K names."""

    @property
    def patients(self) -> tuple[str, ...]:
        """n keys."""

    @property
    def groups(self) -> tuple[str, ...]:
        """n keys, or none at all."""

    @property
    def splits(self) -> tuple[str, ...]:
        """n names."""

    @property
    def columns(self) -> Mapping[str, tuple[str, ...]]:
        """Subgroup column → n values."""


def check_columns(
    table: Columns, *, name: str, by_case: Sequence[str], by_label: Sequence[str]
) -> None:
    """Hold every column against the number of cases and labels.

    Args:
        table: whose columns are checked.
        name: of the kind of table, for messages.
        by_case: further columns of n values; None is passed over.
        by_label: arrays (n, K); None is passed over.

    Raises:
        DataError: a label or case key comes twice, there is no label, or a column
            has another length or shape.
    """
    n = len(table.cases)
    if not table.labels or len(set(table.labels)) != len(table.labels):
        raise DataError(f"{name}: wanted labels, no two alike")
    if len(set(table.cases)) != n:
        raise DataError(f"{name}: a case key comes twice; wanted each once")
    shape = (n, len(table.labels))
    for column in by_label:
        array = getattr(table, column)
        if array is not None and np.shape(array) != shape:
            raise DataError(
                f"{name}: {column} has shape {np.shape(array)}, wanted {shape}"
            )
    for column, values in _of_cases(table, by_case).items():
        if len(values) != n:
            raise DataError(f"{name}: {column} has {len(values)} values for {n} cases")


def _of_cases(table: Columns, by_case: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"patients": table.patients, "splits": table.splits}
    found |= {"groups": table.groups} if table.groups else {}
    found |= {f"column {name}": values for name, values in table.columns.items()}
    others = {name: getattr(table, name) for name in by_case}
    return found | {k: values for k, values in others.items() if values is not None}


def pick_cases(table: Any, chosen: Array, *, whole: Sequence[str]) -> dict[str, Any]:
    """Every field of a table for some of its cases.

    Args:
        table: a frozen dataclass whose tuples and arrays go by case, but for
            `columns`, a dict of such tuples.
        chosen: (n,) bool mask, or indices.
        whole: fields that are not by case and stay as they are.

    Returns:
        Field → value, to make the smaller table of.
    """
    chosen = np.asarray(chosen)
    indices = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
    picked: dict[str, Any] = {}
    for entry in fields(table):
        value = getattr(table, entry.name)
        if entry.name in whole or value is None:
            picked[entry.name] = value
        elif entry.name == "columns":
            picked[entry.name] = {
                name: tuple(values[i] for i in indices)
                for name, values in value.items()
            }
        elif isinstance(value, tuple):
            # groups that nobody gave are an empty tuple, and stay one
            picked[entry.name] = tuple(value[i] for i in indices) if value else ()
        else:
            picked[entry.name] = np.asarray(value)[indices]
    return picked
