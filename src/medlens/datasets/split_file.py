"""splits.csv: which case is in which split, to be read by people and programs."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

from medlens.core import DataError
from medlens.datasets.drafts import list_some
from medlens.datasets.manifest import Manifest

COLUMNS = ("case", "patient", "group", "split")
_NAMES = frozenset({"train", "validation", "test", ""})


def write_splits(
    path: Path, manifest: Manifest, groups: Sequence[int], splits: Sequence[str]
) -> None:
    """Write splits.csv; the file is complete or absent, never half."""
    path = Path(path)
    with NamedTemporaryFile(
        "w",
        encoding="utf-8",
        newline="",
        dir=path.parent,
        prefix=f".{path.name}.",
        delete=False,
    ) as file:
        try:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            rows = zip(manifest.cases, groups, splits, strict=True)
            writer.writerows((c.key, c.patient, int(g), name) for c, g, name in rows)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def read_splits(path: Path, manifest: Manifest) -> tuple[str, ...]:
    """Split of each case of a manifest, from a splits.csv.

    Raises:
        DataError: the file is not a splits.csv, or its cases are not those of
            the manifest.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{path.name}: cannot be read ({type(error).__name__}); run the split again"
        ) from None
    if not rows or tuple(rows[0]) != COLUMNS or any(len(row) != 4 for row in rows):
        raise DataError(
            f"{path.name}: wanted the columns {', '.join(COLUMNS)}; run the split again"
        )
    found = {row[0]: row[3] for row in rows[1:]}
    odd = sorted(set(found.values()) - _NAMES)
    if odd:
        raise DataError(
            f"{path.name}: split {list_some(odd)}; wanted train, validation, test or "
            "nothing (left out)"
        )
    keys = [case.key for case in manifest.cases]
    changed = sorted(set(keys) ^ set(found))
    if changed:
        raise DataError(
            f"{path.name}: {len(changed):,} cases differ from DATA, e.g. "
            f"{list_some(changed, most=3)}; DATA has changed, run the split again"
        )
    return tuple(found[key] for key in keys)
