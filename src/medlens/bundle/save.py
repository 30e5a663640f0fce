"""A bundle on disk: model.onnx, bundle.json and card.md, each with its digest."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import medlens
from medlens.bundle.model import CARD_NAME, MODEL_NAME, NOTE_NAME, SCHEMA, Bundle
from medlens.core import ExistsError
from medlens.recipe import Step


def digest_of(data: bytes) -> str:
    """SHA-256 as hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def note_digest(note: dict[str, Any]) -> str:
    """Digest of bundle.json without its own digest; independent of layout."""
    rest = {key: value for key, value in note.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return digest_of(text.encode())


def write_bundle(folder: Path, bundle: Bundle, *, card: str, force: bool = False) -> str:
    """Write the three files so that the folder is whole or not there.

    Args:
        folder: of the bundle; must not exist, unless `force`.
        bundle: with `model` filled; its `digest` is ignored.
        card: text of card.md.
        force: replace an existing bundle.

    Returns:
        The digest that names the bundle.

    Raises:
        ExistsError: the folder is there already.
    """
    if folder.exists() and not force:
        raise ExistsError(
            f"{folder.name}: a bundle is already there; "
            "choose another --out, or pass --force to replace it"
        )
    note = note_of(bundle, card)
    unfinished = folder.with_name(folder.name + ".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    (unfinished / MODEL_NAME).write_bytes(bundle.model)
    (unfinished / CARD_NAME).write_text(card, encoding="utf-8")
    text = json.dumps(note, indent=1, ensure_ascii=False, allow_nan=False)
    (unfinished / NOTE_NAME).write_text(text + "\n", encoding="utf-8")
    if folder.exists():
        shutil.rmtree(folder)
    unfinished.replace(folder)
    return str(note["digest"])


def note_of(bundle: Bundle, card: str) -> dict[str, Any]:
    """bundle.json as nested tables, digests included."""
    note: dict[str, Any] = {
        "schema": SCHEMA,
        "medlens": medlens.__version__,
        "name": bundle.name,
        "task": {
            "kind": bundle.kind,
            "labels": list(bundle.labels),
            "positive": bundle.positive,
        },
        "input": {
            "channels": bundle.channels,
            "height": bundle.height,
            "width": bundle.width,
        },
        "prep": [_step(step) for step in bundle.steps],
        "calibration": bundle.calibration.to_json(),
        "operating_points": [point.to_json() for point in bundle.operating_points],
        "conformal": bundle.conformal.to_json() if bundle.conformal else None,
        "outlier": bundle.outlier.to_json() if bundle.outlier else None,
        "intended_use": bundle.intended_use,
        "metrics": bundle.metrics,
        "training": bundle.training,
        "files": {
            MODEL_NAME: digest_of(bundle.model),
            CARD_NAME: digest_of(card.encode()),
        },
    }
    note["digest"] = note_digest(note)
    return note


def _step(step: Step) -> dict[str, Any]:
    params = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in step.params.items()
    }
    return {"name": step.name, **params}
