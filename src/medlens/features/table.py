"""The feature table on disk: features.csv, one row for each case."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medlens.core import DataError
from medlens.features.names import FEATURES

MAX_ROWS = 5_000_000
"""Rows that are read at most; beyond it the table would not fit in memory."""


@dataclass(frozen=True)
class FeatureTable:
    """Features of many cases.

    Attributes:
        cases: (n,) local keys.
        names: (F,) names of the columns.
        values: (n, F) float64; NaN where a field is empty.
    """

    cases: tuple[str, ...]
    names: tuple[str, ...]
    values: NDArray[np.float64]


def build_table(rows: Iterable[tuple[str, Mapping[str, float]]]) -> FeatureTable:
    """A table of `measure_many`'s rows in memory, columns as in `FEATURES`."""
    cases, values = [], []
    for case, row in rows:
        cases.append(case)
        values.append([row[name] for name in FEATURES])
    array = np.array(values, dtype=np.float64).reshape(len(cases), len(FEATURES))
    return FeatureTable(tuple(cases), tuple(FEATURES), array)


def write_table(
    rows: Iterable[tuple[str, Mapping[str, float]]],
    path: Path,
    *,
    names: tuple[str, ...] = tuple(FEATURES),
) -> int:
    """Write features.csv row by row; the file appears only when it is complete.

    Columns are `case`, then the features in order. Numbers have the digits that
    give the same float64 when read again.

    Args:
        rows: (case key, features), as `measure_many` yields them.
        path: the file; replaced if it is there.
        names: of the features; `VOLUME_FEATURES` for regions of volumes.

    Returns:
        Number of rows written.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    partial = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["case", *names])
            n_rows = 0
            for case, row in rows:
                writer.writerow([case, *(repr(float(row[name])) for name in names)])
                n_rows += 1
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files that only the owner may read; a table is no secret.
        partial.chmod(0o644)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return n_rows


def read_table(path: Path) -> FeatureTable:
    """Read a table that `write_table` wrote, or any with the same form.

    Columns may be fewer, more or in another order than `FEATURES`; an empty
    field is NaN.

    Raises:
        DataError: not there, no `case` column, a repeated column or case, a
            field that is no number, a short row, or no text at all.
    """
    if not path.is_file():
        raise DataError(f"{path.name}: is no file; write it with 'medlens features'")
    cases: dict[str, None] = {}
    values: list[NDArray[np.float64]] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = _read_lines(file, path.name)
        header = next(lines, [])
        if not header or header[0] != "case" or len(set(header)) != len(header):
            raise DataError(
                f"{path.name}: first row is not 'case' and distinct feature names; "
                "write the table with 'medlens features'"
            )
        for number, row in enumerate(lines, start=2):
            if len(row) != len(header):
                raise DataError(
                    f"{path.name}: row {number} has {len(row)} fields, the first row "
                    f"{len(header)}; write the table again"
                )
            if row[0] in cases:
                raise DataError(
                    f"{path.name}: case '{row[0]}' stands in row {number} again; "
                    "wanted one row for each case"
                )
            if len(cases) >= MAX_ROWS:
                raise DataError(f"{path.name}: more than {MAX_ROWS} rows; split it")
            cases[row[0]] = None
            values.append(_read_numbers(row, header, path.name))
    table = np.array(values, dtype=np.float64).reshape(len(cases), len(header) - 1)
    return FeatureTable(tuple(cases), tuple(header[1:]), table)


def _read_lines(file: Iterable[str], name: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(file, strict=True)
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{name}: not a CSV text file in UTF-8 ({error})") from error


def _read_numbers(row: list[str], header: list[str], name: str) -> NDArray[np.float64]:
    try:
        return np.array([float(field or "nan") for field in row[1:]])
    except ValueError as error:
        wrong = next(
            column
            for column, field in zip(header[1:], row[1:], strict=True)
            if not _is_number(field)
        )
        raise DataError(
            f"{name}: case '{row[0]}' has no number in column '{wrong}'; correct the "
            "field or leave it empty"
        ) from error


def _is_number(field: str) -> bool:
    try:
        float(field or "nan")
    except ValueError:
        return False
    return True
