"""Hand-made features of a whole data set, streamed into a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from medlens.core import ExistsError, reason_of
from medlens.datasets import read_manifest
from medlens.experiment.collect import open_case
from medlens.experiment.machine import usable_cores
from medlens.experiment.narrator import Narrator
from medlens.features import measure_image, write_table

CHUNK = 32


def tabulate_features(
    data: Path,
    *,
    labels: Path | None,
    label_column: str | None,
    out: Path,
    force: bool,
    narrator: Narrator,
) -> tuple[int, list[tuple[str, str]]]:
    """Write features.csv.

    Returns:
        Rows written, and (case, reason) of cases that gave none.

    Raises:
        ExistsError: the table is there already.
        DataError: DATA cannot be used.
    """
    if out.exists() and not force:
        raise ExistsError(
            f"{out.name}: is there already; choose another --out, or pass --force"
        )
    manifest = read_manifest(data, labels=labels, label_column=label_column)
    failed: list[tuple[str, str]] = []
    narrator.step("Measure features")

    def one(index: int) -> tuple[str, Mapping[str, float]] | tuple[str, str]:
        case = manifest.cases[index]
        try:
            return case.key, measure_image(open_case(case))
        except Exception as error:  # one hostile file must not end the others
            return case.key, reason_of(error)

    def rows() -> Iterator[tuple[str, Mapping[str, float]]]:
        total = len(manifest.cases)
        with ThreadPoolExecutor(usable_cores()) as pool:
            for start in range(0, total, CHUNK):
                chunk = range(start, min(start + CHUNK, total))
                for key, found in pool.map(one, chunk):
                    if isinstance(found, str):
                        failed.append((key, found))
                    else:
                        yield key, found
                narrator.progress(chunk.stop, total)

    return write_table(rows(), out), failed
