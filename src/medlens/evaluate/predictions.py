"""`predictions.csv`: one row a case, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from medlens.core import Array, DataError
from medlens.evaluate.files import write_atomically
from medlens.evaluate.table import CaseTable
from medlens.recipe import Kind

LEADING = ("case", "patient", "split", "reference", "predicted", "decision")
MAX_BYTES = 2**30
MAX_COLUMNS = 1100
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
"""Starts that a spreadsheet takes for a formula (OWASP, CSV injection), and the
quote that disarms them."""
_NOT_READ = "?"


def write_predictions(path: Path, table: CaseTable) -> None:
    """Write the table as `predictions.csv`, whole or not at all.

    Columns: case, patient, split, reference, predicted, decision, p_<label> for
    each label, ood_score. Several labels are joined by "|". In a multi-label
    reference "?edema" says that nobody has read edema for this case. Text that
    a spreadsheet would run as a formula is preceded by "'".

    Raises:
        ResourceError: the file cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*LEADING, *(f"p_{label}" for label in table.labels), "ood_score"])
    references = references_of(table)
    predicted = predicted_of(table)
    decisions = [_join(table.labels, row) for row in np.asarray(table.decisions)]
    scores = [""] * len(table)
    if table.ood_scores is not None:
        scores = [f"{value:.6g}" for value in table.ood_scores]
    for index, case in enumerate(table.cases):
        words = (
            case,
            table.patients[index],
            table.splits[index],
            references[index],
            predicted[index],
            decisions[index],
        )
        writer.writerow(
            [
                *(disarm(word) for word in words),
                *(f"{value:.9g}" for value in table.probabilities[index]),
                scores[index],
            ]
        )
    write_atomically(path, text.getvalue())


def references_of(table: CaseTable) -> list[str]:
    """Reference standard of each case in words; "" where nobody has read it."""
    words = []
    for row in np.asarray(table.targets):
        text = _join(table.labels, row == 1)
        if table.kind == "multilabel":
            unread = [
                f"{_NOT_READ}{_escape(table.labels[k])}"
                for k in np.flatnonzero(row < 0)
            ]
            text = "|".join([*([text] if text else []), *unread])
        words.append(text)
    return words


def predicted_of(table: CaseTable) -> list[str]:
    """Most probable label of each case; for multi-label those at 0.5 or above."""
    if table.kind == "multilabel":
        return [_join(table.labels, row >= 0.5) for row in table.probabilities]
    best = np.asarray(table.probabilities).argmax(axis=1)
    return [_escape(table.labels[index]) for index in best]


def read_predictions(
    path: Path, *, kind: Kind | None = None, positive: str = ""
) -> CaseTable:
    """The table of a `predictions.csv`; logits and prediction sets are not in it.

    Args:
        path: a file that `write_predictions` wrote, or one with its columns.
        kind: of the task; by default worked out: one label a case and
            probabilities that add up to 1 make it binary (two labels) or
            multi-class.
        positive: the positive label of a binary task; default the second.

    Raises:
        DataError: the file is missing, too large or not such a table.
    """
    header, rows = read_rows(path)
    labels = tuple(name[2:] for name in header if name.startswith("p_"))
    wanted = [*LEADING, *(f"p_{label}" for label in labels)]
    if not labels or header not in (wanted, [*wanted, "ood_score"]):
        raise DataError(
            f"{path.name}: header is not that of a predictions.csv; wanted "
            f"{','.join(LEADING)},p_<label>…,ood_score"
        )
    probabilities = _read_numbers(
        path, [row[6 : 6 + len(labels)] for row in rows], header[6:]
    )
    if not rows or not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise DataError(f"{path.name}: wanted cases with probabilities in 0..1")
    kind = kind or _work_out_kind(rows, probabilities)
    targets = [_read_reference(path, row, labels, kind) for row in rows]
    decisions = [_read_labels(path, row[5], labels, row[0])[0] for row in rows]
    return CaseTable(
        cases=tuple(row[0] for row in rows),
        labels=labels,
        kind=kind,
        targets=np.array(targets, dtype=np.int8),
        probabilities=probabilities,
        decisions=np.array(decisions, dtype=bool),
        positive=positive,
        patients=tuple(row[1] for row in rows),
        splits=tuple(row[2] for row in rows),
        ood_scores=_read_scores(path, rows, has_scores=header[-1] == "ood_score"),
    )


def with_groups(table: CaseTable, path: Path) -> CaseTable:
    """The table with the groups of a `splits.csv`, which predictions.csv lacks.

    Without them near-duplicates would count as independent, and every interval
    and test would claim too much.

    Args:
        table: from `read_predictions`.
        path: splits.csv of the same run; the table comes back as it is where
            there is no such file.

    Raises:
        DataError: the file is no splits.csv, or a case of the table is not in it.
    """
    if not path.is_file():
        return table
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            home = {row["case"]: row["group"] for row in csv.DictReader(stream)}
        groups = tuple(home[case] for case in table.cases)
    except OSError as error:
        raise DataError(f"{path.name}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error, KeyError) as error:
        raise DataError(
            f"{path.name}: wanted the columns case and group, with every case of "
            "predictions.csv; were both written by one run?"
        ) from error
    return replace(table, groups=groups)


def read_rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """Header and rows with the disarming quote taken off."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path.name}: larger than 1 GB; not a predictions.csv")
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = [
                [_rearm(cell) for cell in row] for row in csv.reader(stream) if row
            ]
    except OSError as error:
        raise DataError(f"{path.name}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path.name}: not a CSV file in UTF-8") from error
    if not lines or len(lines[0]) > MAX_COLUMNS:
        raise DataError(f"{path.name}: no header of a predictions.csv")
    header, rows = lines[0], lines[1:]
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise DataError(
                f"{path.name}: row {number} has {len(row)} cells, wanted {len(header)}"
            )
    return header, rows


def _read_numbers(
    path: Path, cells: Sequence[Sequence[str]], header: Sequence[str]
) -> Array:
    """(n, q) float64 of cells that must be numbers."""
    try:
        numbers = np.array([[float(cell) for cell in row] for row in cells])
    except ValueError as error:
        raise DataError(
            f"{path.name}: a cell under {', '.join(header[:3])}… is not a number"
        ) from error
    if not np.isfinite(numbers).all():
        raise DataError(f"{path.name}: a number is not finite")
    return numbers


def _read_scores(
    path: Path, rows: Sequence[Sequence[str]], *, has_scores: bool
) -> Array | None:
    """(n,) out-of-distribution scores, or None where a case has none."""
    cells = [row[-1] for row in rows] if has_scores else []
    if not cells or not all(cells):
        return None
    return _read_numbers(path, [[cell] for cell in cells], ["ood_score"])[:, 0]


def _work_out_kind(rows: Sequence[Sequence[str]], probabilities: Array) -> Kind:
    """Kind of task that a table of this content belongs to."""
    adds_up = np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-4)
    if not adds_up or any(_split(row[3])[1:] for row in rows):
        return "multilabel"
    return "binary" if probabilities.shape[1] == 2 else "multiclass"


def _read_reference(
    path: Path, row: Sequence[str], labels: tuple[str, ...], kind: Kind
) -> list[int]:
    """Targets of one row."""
    if kind != "multilabel" and row[3] == "":
        return [-1] * len(labels)
    present, unread = _read_labels(path, row[3], labels, row[0])
    return [
        -1 if hidden else int(there)
        for there, hidden in zip(present, unread, strict=True)
    ]


def _read_labels(
    path: Path, text: str, labels: tuple[str, ...], case: str
) -> tuple[list[bool], list[bool]]:
    """Which labels a cell names, and which it marks as not read."""
    words = _split(text)
    unread = {
        word[1:] for word in words if word[:1] == _NOT_READ and word not in labels
    }
    present = {word for word in words if word in labels}
    for word in words:
        if word not in labels and word[1:] not in labels:
            raise DataError(
                f"{path.name}: case {case}: label {word[:60]!r} has no column p_; "
                f"wanted some of {', '.join(labels[:20])}"
            )
    return [label in present for label in labels], [label in unread for label in labels]


def _join(labels: Iterable[str], chosen: Array) -> str:
    """Names of the chosen labels."""
    return "|".join(
        _escape(label) for label, held in zip(labels, chosen, strict=True) if held
    )


def _escape(label: str) -> str:
    """A label in which "|" joins nothing."""
    return label.replace("\\", "\\\\").replace("|", "\\|")


def _split(text: str) -> list[str]:
    """The labels that `_join` put together."""
    words, word, escaped = [], "", False
    for letter in text:
        if escaped or letter not in "\\|":
            word, escaped = word + letter, False
        elif letter == "\\":
            escaped = True
        else:
            words.append(word)
            word = ""
    return [*words, word] if text else []


def disarm(text: str) -> str:
    """Text that a spreadsheet does not run."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _rearm(text: str) -> str:
    """What `disarm` was given."""
    return text[1:] if text.startswith("'") else text
