"""Hand-made features of a whole data set, streamed into a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from medlens.core import UsageError, reason_of
from medlens.datasets import Manifest, open_case, read_manifest
from medlens.experiment.folder import refuse_existing
from medlens.experiment.machine import usable_cores
from medlens.experiment.narrator import Narrator
from medlens.experiment.tabulate_volumes import find_pairs, tabulate_volumes
from medlens.features import VolumeSettings, measure_image, write_table

CHUNK = 32


def tabulate_features(
    data: Path,
    *,
    labels: Path | None,
    label_column: str | None,
    voxel_mm: float | None = None,
    bin_width: float | None = None,
    out: Path,
    force: bool,
    narrator: Narrator,
) -> tuple[int, list[tuple[str, str]]]:
    """Write features.csv: images one row each, volumes one row for each label.

    Args:
        data: any form of DATA, or volumes with masks (see `find_pairs`).
        labels, label_column: as for training.
        voxel_mm: volumes: cubes to resample to; default the grid as it is.
        bin_width: volumes: width of a grey level; default 32 levels.
        out: the table.
        force: replace it.
        narrator: hears of progress.

    Returns:
        Rows written, and (case, reason) of cases that gave none.

    Raises:
        ExistsError: the table is there already.
        DataError: DATA cannot be used.
        UsageError: voxel_mm or bin_width is out of range, or given for images.
    """
    pairs, lonely = find_pairs(data) if labels is None else ([], [])
    if pairs:
        written, failed = tabulate_volumes(
            data,
            pairs,
            settings=_read_settings(voxel_mm, bin_width),
            out=out,
            force=force,
            narrator=narrator,
        )
        return written, failed + lonely
    if voxel_mm is not None or bin_width is not None:
        raise UsageError(
            "--voxel-mm and --bin-width are for volumes with masks; DATA has none: "
            "wanted NIfTI files of equal names in images/ and labels/"
        )
    refuse_existing(out, force=force)
    manifest = read_manifest(
        data, labels=labels, label_column=label_column, unit="image"
    )
    return _tabulate_images(manifest, out, narrator)


def _read_settings(
    voxel_mm: float | None, bin_width: float | None
) -> VolumeSettings | None:
    """None where nothing was chosen, so that the modality decides."""
    if voxel_mm is None and bin_width is None:
        return None
    # Levels of a fixed width are for calibrated units: whole numbers there (HU).
    return VolumeSettings(
        voxel_mm=voxel_mm, bin_width=bin_width, is_rounded=bin_width is not None
    )


def _tabulate_images(
    manifest: Manifest, out: Path, narrator: Narrator
) -> tuple[int, list[tuple[str, str]]]:
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
