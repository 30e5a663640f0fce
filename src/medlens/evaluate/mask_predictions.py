"""`predictions.csv` where voxels are labelled: one row a case."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import numpy as np

from medlens.core import Array, DataError
from medlens.evaluate.files import write_atomically
from medlens.evaluate.mask_table import (
    DEFAULT_TOLERANCE,
    MaskTable,
    SizeUnit,
)
from medlens.evaluate.predictions import disarm, read_rows

LEADING = ("case", "patient", "split")
_SIZES: dict[str, SizeUnit] = {"volume_ml": "ml", "area_mm2": "mm²", "size_px": "px"}
_DISTANCES: dict[SizeUnit, str] = {"ml": "hd95", "mm²": "hd95", "px": "hd95_px"}


def write_mask_predictions(path: Path, table: MaskTable) -> None:
    """Write the table as `predictions.csv`, whole or not at all.

    Columns: case, patient, split, then for each label but the background
    `dice_`, `surface_dice_`, `hd95_`, `volume_ml_` and `reference_volume_ml_`
    with its name, then ood_score. Single planes have `area_mm2_`, images without
    spacing `size_px_` and `hd95_px_` instead. An undefined figure is an empty
    cell. Text that a spreadsheet would run as a formula is preceded by "'".

    Raises:
        ResourceError: the file cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    names = _names(table.unit)
    writer.writerow(
        [
            *LEADING,
            *(f"{name}_{label}" for name in names for label in table.labels),
            "ood_score",
        ]
    )
    columns = (
        table.dice,
        table.surface_dice,
        table.hd95,
        table.volume,
        table.reference_volume,
    )
    for index, case in enumerate(table.cases):
        words = (case, table.patients[index], table.splits[index])
        score = None if table.ood_scores is None else table.ood_scores[index]
        writer.writerow(
            [
                *(disarm(word) for word in words),
                *(_cell(value) for array in columns for value in array[index]),
                _cell(score, digits=6),
            ]
        )
    write_atomically(path, text.getvalue())


def read_mask_predictions(
    path: Path, *, tolerance: float = DEFAULT_TOLERANCE
) -> MaskTable:
    """The table of a `predictions.csv` with masks; lesions and grids are not in it.

    Args:
        path: a file that `write_mask_predictions` wrote.
        tolerance: of the surface Dice; `metrics.json` states it.

    Raises:
        DataError: the file is missing, too large or not such a table.
    """
    header, rows = read_rows(path)
    labels, unit = _read_header(path, header)
    if not rows:
        raise DataError(f"{path.name}: no cases; wanted at least one")
    count = len(labels)
    cells = _read_cells(path, [row[3 : 3 + 5 * count] for row in rows])
    dice, surface, distance, volume, reference = (
        cells[:, k * count : (k + 1) * count] for k in range(5)
    )
    scores = _read_cells(path, [[row[-1]] for row in rows])[:, 0]
    # A case without spacing has no sizes; where it has a Dice, a label is there.
    unsized = ~np.isfinite(reference) & np.isfinite(dice)
    return MaskTable(
        cases=tuple(row[0] for row in rows),
        labels=labels,
        dice=dice,
        surface_dice=surface,
        hd95=distance,
        volume=volume,
        reference_volume=reference,
        present=np.asarray((reference > 0) | unsized),
        answered=np.asarray((volume > 0) | unsized),
        unit=unit,
        tolerance=tolerance,
        patients=tuple(row[1] for row in rows),
        splits=tuple(row[2] for row in rows),
        ood_scores=scores if np.isfinite(scores).all() else None,
    )


def is_mask_header(header: list[str]) -> bool:
    """Whether a predictions.csv with these columns is one of masks."""
    return any(name.startswith("dice_") for name in header)


def _names(unit: SizeUnit) -> tuple[str, ...]:
    size = next(name for name, held in _SIZES.items() if held == unit)
    return ("dice", "surface_dice", _DISTANCES[unit], size, f"reference_{size}")


def _read_header(path: Path, header: list[str]) -> tuple[tuple[str, ...], SizeUnit]:
    """Labels and unit of sizes that the columns name."""
    labels = tuple(name[5:] for name in header if name.startswith("dice_"))
    for unit in _SIZES.values():
        wanted = [
            *LEADING,
            *(f"{name}_{label}" for name in _names(unit) for label in labels),
            "ood_score",
        ]
        if labels and header == wanted:
            return labels, unit
    raise DataError(
        f"{path.name}: header is not that of a predictions.csv with masks; wanted "
        "case,patient,split,dice_<label>…,surface_dice_<label>…,hd95_<label>…,"
        "volume_ml_<label>…,reference_volume_ml_<label>…,ood_score"
    )


def _read_cells(path: Path, cells: list[list[str]]) -> Array:
    """(n, q) float64; NaN for an empty cell.

    Raises:
        DataError: a cell holds neither nothing nor a finite number.
    """
    try:
        numbers = np.array(
            [[float(cell) if cell else math.nan for cell in row] for row in cells]
        )
    except ValueError as error:
        raise DataError(f"{path.name}: a figure is not a number") from error
    blank = np.array([[not cell for cell in row] for row in cells])
    if not (np.isfinite(numbers) | blank).all():
        raise DataError(f"{path.name}: a figure is not finite")
    return numbers


def _cell(value: float | None, *, digits: int = 9) -> str:
    if value is None or not math.isfinite(value):
        return ""
    return f"{value:.{digits}g}"
