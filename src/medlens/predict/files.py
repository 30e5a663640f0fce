"""Answers on disk: a JSON document, a table, and evidence painted over images."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2

from medlens.core import Array, ExistsError, Prediction, ResourceError, UsageError
from medlens.predict.find import Input
from medlens.predict.overlay import paint_evidence
from medlens.read import open_image

FORMATS = ("json", "csv", "png")
PICTURES = "evidence"
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


def open_folder(out: Path, formats: Sequence[str], *, force: bool) -> None:
    """Make the folder, unless answers are in it already.

    Raises:
        ExistsError: files of these formats are there and `force` is not given.
        ResourceError: the folder cannot be made.
    """
    names = [f"predictions.{name}" for name in formats if name != "png"]
    names += [PICTURES] if "png" in formats else []
    there = [name for name in names if (out / name).exists()]
    if there and not force:
        raise ExistsError(
            f"{out.name}: holds {', '.join(there)} already; "
            "choose another --out, or pass --force to replace them"
        )
    with _explained(out):
        out.mkdir(parents=True, exist_ok=True)
        if "png" in formats:
            (out / PICTURES).mkdir(exist_ok=True)


def write_documents(
    out: Path, formats: Sequence[str], document: dict[str, Any]
) -> list[str]:
    """predictions.json and predictions.csv, as asked for.

    Returns:
        What stands in the folder now, pictures included.

    Raises:
        ResourceError: the disk is full or cannot be written.
    """
    written = []
    if "json" in formats:
        text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
        _write(out, "predictions.json", (text + "\n").encode("utf-8"))
        written.append("predictions.json")
    if "csv" in formats:
        _write(out, "predictions.csv", _table(document).encode("utf-8"))
        written.append("predictions.csv")
    if "png" in formats:
        written.append(f"{PICTURES}/*.png")
    return written


def write_picture(out: Path, number: int, item: Input, answer: Prediction) -> None:
    """The image with the evidence for its decision laid over it.

    Args:
        out: folder of the answers.
        number: counted from 1; keeps the names apart and in order.
        item: the image, read once more.
        answer: with its evidence map.

    Raises:
        ReadError, PrepError: the image is no longer what it was.
        ResourceError: the disk is full or cannot be written.
    """
    label = answer.decision[0] if answer.decision else answer.predicted
    label = label or answer.labels[-1]
    source = open_image(item.path, member=item.member, case=item.key)
    picture = paint_evidence(source, _evidence(answer, label))
    is_done, data = cv2.imencode(".png", picture)
    if not is_done:
        raise ResourceError(f"{item.key}: the evidence picture cannot be encoded")
    stem = f"{number:05d}_{_safe(Path(item.key).name)}_{_safe(label)[:24]}"
    _write(out / PICTURES, f"{stem}.png", data.tobytes())


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


def _table(document: dict[str, Any]) -> str:
    labels = document["bundle"]["labels"]
    header = ["case", "predicted", "decision", *(f"p_{name}" for name in labels)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*header, "prediction_set", "ood_score", "ood_flag"])
    for case in document["cases"]:
        gate = case["out_of_distribution"]
        row = [case["case"], case["predicted"], case["decision"]]
        row += [case["probabilities"][name] for name in labels]
        row += ["|".join(case["prediction_set"]), gate["score"], int(gate["flag"])]
        writer.writerow([_disarm(value) for value in row])
    return text.getvalue()


def _disarm(value: object) -> object:
    """Text that a spreadsheet would run as a formula stays text."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value


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
