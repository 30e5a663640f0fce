"""Load a bundle; every digest is checked before anything is believed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, cast

from medlens.bundle.model import CARD_NAME, MODEL_NAME, NOTE_NAME, SCHEMA, Bundle
from medlens.bundle.save import digest_of, note_digest
from medlens.core import BundleError, MedlensError, TamperedError
from medlens.metrics import Calibration, ConformalSets, OperatingPoint, OutlierGate
from medlens.recipe.settings import Kind, Step

MAX_NOTE_BYTES = 20_000_000
MAX_MODEL_BYTES = 2_000_000_000
MAX_CARD_BYTES = 5_000_000
MAX_LABELS = 1000
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
KINDS = ("binary", "multiclass", "multilabel")


def load_bundle(folder: Path | str) -> Bundle:
    """Read a bundle folder.

    Raises:
        BundleError: a file is missing, too large, of another schema version,
            or says something that cannot be.
        TamperedError: a file does not match its digest.
    """
    folder = Path(folder)
    note = _read_note(folder)
    if note.get("schema") != SCHEMA:
        raise BundleError(
            f"{folder.name}: bundle.json has schema {note.get('schema')!r}; this "
            f"medlens reads {SCHEMA!r}: use the medlens that wrote it, or export again"
        )
    if note.get("digest") != note_digest(note):
        raise TamperedError(
            f"{folder.name}: bundle.json does not match its own digest: it was changed "
            "after it was made; get the bundle again from where it came"
        )
    model = _checked(folder, MODEL_NAME, note, MAX_MODEL_BYTES)
    _checked(folder, CARD_NAME, note, MAX_CARD_BYTES)
    try:
        return _build(note, model)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(
            f"{folder.name}: bundle.json is incomplete ({error}); export it again"
        ) from error
    except BundleError as error:
        raise BundleError(f"{folder.name}: {error}") from error


def _read_note(folder: Path) -> dict[str, Any]:
    raw = _read(folder, NOTE_NAME, MAX_NOTE_BYTES)
    try:
        note = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BundleError(
            f"{folder.name}: bundle.json is not valid JSON; export the bundle again"
        ) from error
    if not isinstance(note, dict):
        raise BundleError(f"{folder.name}: bundle.json is not a table; export it again")
    return note


def _read(folder: Path, name: str, limit: int) -> bytes:
    path = folder / name
    try:
        size = path.stat().st_size
        if size > limit:
            raise BundleError(
                f"{folder.name}: {name} has {size} bytes; at most {limit} are read"
            )
        return path.read_bytes()
    except OSError as error:
        raise BundleError(
            f"{folder.name}: {name} cannot be read ({error.strerror}); a bundle is a "
            f"folder with {MODEL_NAME}, {NOTE_NAME} and {CARD_NAME}"
        ) from error


def _checked(folder: Path, name: str, note: dict[str, Any], limit: int) -> bytes:
    data = _read(folder, name, limit)
    files = note.get("files")
    wanted = files.get(name) if isinstance(files, dict) else None
    if digest_of(data) != wanted:
        raise TamperedError(
            f"{folder.name}: {name} does not match the digest in bundle.json: it was "
            "changed or damaged; get the bundle again from where it came"
        )
    return data


def _build(note: dict[str, Any], model: bytes) -> Bundle:
    task, size = note["task"], note["input"]
    labels = tuple(str(label) for label in task["labels"])
    kind = task["kind"]
    if kind not in KINDS or not 1 <= len(labels) <= MAX_LABELS:
        raise BundleError(f"bundle.json: task.kind {kind!r} with {len(labels)} labels")
    if not NAME.fullmatch(str(note["name"])):
        raise BundleError("bundle.json: name has characters that are not allowed")
    for key in ("channels", "height", "width"):
        if not isinstance(size[key], int) or not 1 <= size[key] <= 4096:
            raise BundleError(f"bundle.json: input.{key} is {size[key]!r}")
    try:
        calibration = Calibration.from_json(note["calibration"])
        points = tuple(OperatingPoint.from_json(p) for p in note["operating_points"])
        conformal = note["conformal"] and ConformalSets.from_json(note["conformal"])
        outlier = note["outlier"] and OutlierGate.from_json(note["outlier"])
    except MedlensError as error:
        raise BundleError(f"bundle.json: {error}") from error
    return Bundle(
        name=str(note["name"]),
        kind=cast(Kind, kind),
        labels=labels,
        positive=str(task["positive"]),
        channels=size["channels"],
        height=size["height"],
        width=size["width"],
        steps=tuple(_step(step) for step in note["prep"]),
        calibration=calibration,
        operating_points=points,
        conformal=conformal or None,
        outlier=outlier or None,
        intended_use=str(note.get("intended_use", "")),
        metrics=dict(note.get("metrics") or {}),
        training=dict(note.get("training") or {}),
        digest=str(note["digest"]),
        model=model,
    )


def _step(tree: dict[str, Any]) -> Step:
    params = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in tree.items()
        if key != "name"
    }
    return Step(str(tree["name"]), params)
