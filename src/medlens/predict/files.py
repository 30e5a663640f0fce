"""Answers on disk: a JSON document, a table, pictures and masks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2

from medlens.core import (
    Array,
    ExistsError,
    Image,
    MaskPrediction,
    Prediction,
    ResourceError,
    UsageError,
)
from medlens.predict.documents import table_of
from medlens.predict.overlay import paint_evidence, paint_outlines
from medlens.recipe.settings import Form

FORMATS = ("json", "csv", "png", "nifti", "text", "dicom", "fhir")
PICTURES, MASKS = "evidence", "masks"
OUTLINES = "outlines"
RESULT_FOLDERS = {"text": "reports", "dicom": "dicom", "fhir": "fhir"}
MAX_NAME = 80  # bytes of a picture's name that come from the case


def parse_formats(text: str) -> tuple[str, ...]:
    """Formats named in a list with commas.

    Raises:
        UsageError: one of them is unknown.
    """
    wanted = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    for name in wanted:
        if name not in FORMATS:
            raise UsageError(f"--format {name}: wanted some of {', '.join(FORMATS)}")
    return wanted


def check_formats(formats: Sequence[str], form: Form) -> None:
    """Refuse what a bundle of this form has nothing for.

    Raises:
        UsageError: masks are asked for and there are none.
    """
    if "nifti" in formats and form != "segment":
        raise UsageError(
            f"--format nifti: writes masks, and this bundle (form {form!r}) gives one "
            "answer for a case; wanted json, csv or png"
        )


def open_folder(
    out: Path, formats: Sequence[str], *, force: bool, form: Form = "image"
) -> None:
    """Make the folder, unless answers are in it already.

    Raises:
        ExistsError: files of these formats are there and `force` is not given.
        ResourceError: the folder cannot be made.
    """
    names = [f"predictions.{name}" for name in formats if name in ("json", "csv")]
    folders = _folders(formats, form)
    there = [name for name in (*names, *folders) if (out / name).exists()]
    if there and not force:
        raise ExistsError(
            f"{out.name}: holds {', '.join(there)} already; "
            "choose another --out, or pass --force to replace them"
        )
    with _explained(out):
        out.mkdir(parents=True, exist_ok=True)
        for folder in folders:
            (out / folder).mkdir(exist_ok=True)


def write_documents(
    out: Path, formats: Sequence[str], document: dict[str, Any]
) -> list[str]:
    """predictions.json and predictions.csv, as asked for.

    Returns:
        What stands in the folder now, pictures and masks included.

    Raises:
        ResourceError: the disk is full or cannot be written.
    """
    written = []
    if "json" in formats:
        text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
        _write(out, "predictions.json", (text + "\n").encode("utf-8"))
        written.append("predictions.json")
    if "csv" in formats:
        _write(out, "predictions.csv", table_of(document).encode("utf-8"))
        written.append("predictions.csv")
    endings = {
        PICTURES: "png",
        OUTLINES: "png",
        MASKS: "nii.gz",
        "reports": "txt",
        "dicom": "dcm",
        "fhir": "json",
    }
    folders = _folders(formats, document["bundle"]["form"])
    return written + [f"{folder}/*.{endings[folder]}" for folder in folders]


def write_picture(out: Path, number: int, source: Image, answer: Prediction) -> None:
    """The image with the evidence for its decision laid over it.

    Args:
        out: folder of the answers.
        number: counted from 1; keeps the names apart and in order.
        source: the image, or the slice that is shown.
        answer: with its evidence map on that image.

    Raises:
        PrepError: the image cannot be shown.
        ResourceError: the disk is full or cannot be written.
    """
    label = answer.decision[0] if answer.decision else answer.predicted
    label = label or answer.labels[-1]
    picture = paint_evidence(source, _evidence(answer, label))
    stem = f"{number:05d}_{_safe(Path(answer.case).name)}_{_safe(label)[:24]}"
    _write_png(out / PICTURES, stem, picture, answer.case)


def write_outlines(
    out: Path, number: int, source: Image, plane: Array, case: str
) -> None:
    """An image with the outline of each label.

    Args:
        out, number: as for `write_picture`.
        source: the image, or the slice that is shown.
        plane: (H, W) uint8 labels of it.
        case: local key.

    Raises:
        PrepError: the image cannot be shown.
        ResourceError: the disk is full or cannot be written.
    """
    stem = f"{number:05d}_{_safe(Path(case).name)}"
    _write_png(out / OUTLINES, stem, paint_outlines(source, plane), case)


def write_mask(out: Path, number: int, source: Image, answer: MaskPrediction) -> None:
    """The mask on its source's grid.

    Args:
        out, number: as for `write_picture`.
        source: the image or volume, of which only the geometry is looked at.
        answer: the mask.

    Raises:
        ResourceError: the disk is full or cannot be written.
    """
    from medlens.write import write_nifti

    path = out / MASKS / f"{stem_of(answer.case, number)}.nii.gz"
    write_nifti(path, answer.mask, source.geometry)


def stem_of(case: str, number: int) -> str:
    """Start of the names of a case's files, its own ending aside."""
    name = Path(case).name
    for ending in (".gz", ".nii", ".dcm", ".png"):
        name = name.removesuffix(ending)
    return f"{number:05d}_{_safe(name)}"


def write_result(out: Path, kind: str, name: str, data: bytes) -> None:
    """A report or result in the folder of its format.

    Args:
        out: folder of the answers.
        kind: "text", "dicom" or "fhir".
        name: of the file; see `stem_of`.
        data: its bytes.

    Raises:
        ResourceError: the disk is full or cannot be written.
    """
    _write(out / RESULT_FOLDERS[kind], name, data)


def _folders(formats: Sequence[str], form: Form) -> list[str]:
    folders = []
    if "png" in formats:
        folders.append(OUTLINES if form == "segment" else PICTURES)
    if "nifti" in formats:
        folders.append(MASKS)
    folders += [RESULT_FOLDERS[name] for name in formats if name in RESULT_FOLDERS]
    return folders


def _evidence(answer: Prediction, label: str) -> Array:
    if answer.evidence is None:
        raise UsageError(f"{answer.case}: asked for a picture without an evidence map")
    layer: Array = answer.evidence[answer.labels.index(label)]
    return layer


def _safe(text: str) -> str:
    """Letters, digits, '.', '_' and '-', short enough for every file system."""
    plain = "".join(
        c if (c.isascii() and c.isalnum()) or c in "._-" else "_" for c in text
    )
    return plain[:MAX_NAME]


def _write_png(folder: Path, stem: str, picture: Array, case: str) -> None:
    is_done, data = cv2.imencode(".png", picture)
    if not is_done:
        raise ResourceError(f"{case}: the picture cannot be encoded")
    _write(folder, f"{stem}.png", data.tobytes())


def _write(folder: Path, name: str, data: bytes) -> None:
    """The file is whole or the old one."""
    unfinished = folder / f"{name}.part"
    with _explained(folder):
        try:
            unfinished.write_bytes(data)
            unfinished.replace(folder / name)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ResourceError(
            f"{folder.name}: cannot be written ({error.strerror}); free some disk "
            "space or choose another --out"
        ) from error
