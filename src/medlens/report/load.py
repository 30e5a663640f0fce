"""Read a run folder, leaving out what is missing with a sentence."""

from __future__ import annotations

import csv
import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medlens.core import DataError, MedlensError
from medlens.evaluate import (
    CaseTable,
    MaskTable,
    read_mask_predictions,
    read_predictions,
)
from medlens.report.values import Json, as_mapping, clean_number, clean_text

MEGABYTE = 1 << 20
ROW_LIMIT = 2_000_000
Columns = dict[str, list[str]]
"""A CSV file by column; all columns have the same length."""

_CONTENT = {
    "audit.json": "what the audit found in the data",
    "recipe.toml": "the settings of the run",
    "splits.csv": "how the cases were dealt to splits",
    "history.csv": "the learning curves",
    "bundle/bundle.json": "calibration and operating points of the bundle",
    "metrics.json": "every measured figure",
    "run.json": "plan, timing and environment",
}
_PREDICTIONS = "predictions.csv"
_BANDS = "bands around the curves and calibration before scaling"
_DOTS = "every figure of single cases"
_LIMIT_MB = {"splits.csv": 512, "metrics.json": 128}
_SCHEMAS = {
    "audit.json": "medlens/audit/1",
    "metrics.json": "medlens/metrics/1",
    "run.json": "medlens/run/1",
}


@dataclass(frozen=True)
class RunFolder:
    """What a run folder says; an absent file is an empty mapping.

    Attributes:
        name: last part of the folder's path.
        predictions: the table of predictions.csv, or None.
        masks: that table where voxels are labelled, or None.
        missing: one sentence for each file that is not shown, and why.
    """

    name: str
    audit: Json = field(default_factory=dict)
    recipe: Json = field(default_factory=dict)
    splits: Columns = field(default_factory=dict)
    history: Columns = field(default_factory=dict)
    bundle: Json = field(default_factory=dict)
    predictions: CaseTable | None = None
    masks: MaskTable | None = None
    metrics: Json = field(default_factory=dict)
    run: Json = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def load_run(folder: Path) -> RunFolder:
    """Everything that can be read of a run folder.

    Raises:
        DataError: there is no such folder, or it holds none of the files.
    """
    if not folder.is_dir():
        raise DataError(
            f"{folder.name}: no such folder; a report needs a run folder with at "
            "least metrics.json or audit.json in it"
        )
    parts: dict[str, Any] = {}
    missing: list[str] = []
    for name, content in _CONTENT.items():
        found, why = _read(folder / name, name)
        if why:
            missing.append(f"{name} {why}, so this page leaves out {content}.")
        parts[Path(name).stem] = found
    form = form_of(*(parts[name] for name in ("metrics", "bundle", "recipe")))
    if form == "segment":
        parts["masks"], why = _read_masks(folder / _PREDICTIONS, parts["metrics"])
    else:
        parts["predictions"], why = _read_predictions(folder / _PREDICTIONS, parts)
    if why:
        content = _DOTS if form == "segment" else _BANDS
        missing.append(f"{_PREDICTIONS} {why}, so this page leaves out {content}.")
    if not any(part for part in parts.values() if part is not None):
        raise DataError(
            f"{folder.name}: holds nothing to report; wanted at least one of "
            f"{', '.join(_CONTENT)}; run medlens run or medlens evaluate first"
        )
    label = clean_text(folder.resolve().name, limit=80)
    return RunFolder(name=label, missing=tuple(missing), **parts)


def _read(path: Path, name: str) -> tuple[Any, str]:
    """The file's content and "", or an empty mapping and what is wrong."""
    if not path.is_file():
        return {}, "is not in the folder"
    limit = _LIMIT_MB.get(name, 32)
    if path.stat().st_size > limit * MEGABYTE:
        return {}, f"is larger than {limit} MB"
    try:
        if path.suffix == ".csv":
            return _read_csv(path), ""
        found = read_mapping(path)
    except (ValueError, RecursionError, csv.Error) as error:
        return {}, f"cannot be read ({clean_text(error, limit=90)})"
    except OSError as error:
        return {}, f"cannot be read ({clean_text(error.strerror, limit=90)})"
    wanted = _SCHEMAS.get(name, "")
    schema = found.get("schema", wanted)
    if wanted and schema != wanted:
        shown = clean_text(schema, limit=40) or "no schema"
        return {}, f"says {shown} where {wanted} was wanted"
    return found, ""


def _read_predictions(
    path: Path, parts: dict[str, Any]
) -> tuple[CaseTable | None, str]:
    """The table and "", or None and what is wrong."""
    if not path.is_file():
        return None, "is not in the folder"
    tasks = (as_mapping(parts[name].get("task")) for name in ("metrics", "bundle"))
    task = next((found for found in tasks if found), {})
    kind = task.get("kind")
    positive = task.get("positive") if kind == "binary" else ""
    known = kind if kind in ("binary", "multiclass", "multilabel") else None
    try:
        return read_predictions(path, kind=known, positive=str(positive or "")), ""
    except MedlensError as error:
        return None, f"cannot be used ({clean_text(error, limit=160)})"


def form_of(*holders: Json) -> str:
    """The task's form that the first holder names: "segment", …; "image" if none."""
    tasks = (as_mapping(holder.get("task")) for holder in holders)
    named = (clean_text(task.get("form"), limit=20) for task in tasks if task)
    return next((name for name in named if name), "image")


def _read_masks(path: Path, metrics: Json) -> tuple[MaskTable | None, str]:
    """The table of masks and "", or None and what is wrong."""
    if not path.is_file():
        return None, "is not in the folder"
    splits = as_mapping(metrics.get("splits")).values()
    stated = (clean_number(as_mapping(split).get("tolerance")) for split in splits)
    tolerance = next((value for value in stated if value is not None), 0.0)
    try:
        return read_mask_predictions(path, tolerance=tolerance), ""
    except MedlensError as error:
        return None, f"cannot be used ({clean_text(error, limit=160)})"


def read_mapping(path: Path) -> Json:
    """A JSON or TOML file as a mapping; ValueError for anything else."""
    text = path.read_text(encoding="utf-8")
    found = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    if not as_mapping(found):
        raise ValueError("holds no mapping of names to values")
    return as_mapping(found)


def _read_csv(path: Path) -> Columns:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = csv.reader(stream)
        header = next(rows, [])
        if not header:
            raise ValueError("holds no header line")
        columns: list[list[str]] = [[] for _ in header]
        for count, row in enumerate(rows):
            if count >= ROW_LIMIT:
                raise ValueError(f"holds more than {ROW_LIMIT:,} rows")
            # A short row (a run killed while writing) counts as empty cells.
            row += [""] * (len(header) - len(row))
            for column, cell in zip(columns, row, strict=False):
                column.append(cell)
    return dict(zip(header, columns, strict=True))
