"""A bundle on disk: model.onnx, bundle.json and card.md, each with its digest."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import medlens
from medlens.bundle.form import form_note
from medlens.bundle.model import (
    CARD_NAME,
    INT8_NAME,
    MODEL_NAME,
    NAME,
    NOTE_NAME,
    SCHEMA,
    Bundle,
)
from medlens.core import BundleError, ExistsError, ResourceError
from medlens.recipe import Step


def digest_of(data: bytes) -> str:
    """SHA-256 as hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def note_digest(note: dict[str, Any]) -> str:
    """Digest of bundle.json without its own digest; independent of layout."""
    rest = {key: value for key, value in note.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return digest_of(text.encode())


def text_of(note: dict[str, Any]) -> str:
    """bundle.json as it stands on disk, letter for letter."""
    return json.dumps(note, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_bundle(
    folder: Path, bundle: Bundle, *, card: str, force: bool = False
) -> str:
    """Write the three files so that the folder is whole or not there.

    Args:
        folder: of the bundle; must not exist, unless `force`.
        bundle: with `model` filled; its `digest` is ignored.
        card: text of card.md.
        force: replace an existing bundle.

    Returns:
        The digest that names the bundle.

    Raises:
        ExistsError: the folder is there already, or something that is no bundle.
        BundleError: the name or a value is one that could not be loaded again.
        ResourceError: the disk is full or cannot be written.
    """
    _refuse(folder, bundle, force=force)
    try:
        note = note_of(bundle, card)
        text = text_of(note).encode("utf-8")
    except (ValueError, TypeError) as error:
        raise BundleError(
            f"bundle {bundle.name!r}: holds a value that JSON cannot hold ({error}); "
            "wanted finite numbers, text, lists and tables"
        ) from error
    unfinished = folder.with_name(folder.name + ".part")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        (unfinished / MODEL_NAME).write_bytes(bundle.model)
        (unfinished / CARD_NAME).write_bytes(card.encode("utf-8"))
        if bundle.int8:
            (unfinished / INT8_NAME).write_bytes(bundle.int8)
        (unfinished / NOTE_NAME).write_bytes(text)
        _swap(unfinished, folder)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise ResourceError(
            f"{folder.name}: the bundle cannot be written ({error.strerror}); free "
            f"{len(bundle.model) / 1e6:.0f} MB of disk space or choose another --out"
        ) from error
    return str(note["digest"])


def _refuse(folder: Path, bundle: Bundle, *, force: bool) -> None:
    if not NAME.fullmatch(bundle.name):
        raise BundleError(
            f"bundle {bundle.name!r:.80}: wanted a name of 1 to 64 letters, digits, "
            "'.', '_' and '-' that starts with a letter or digit"
        )
    if folder.exists() and not force:
        raise ExistsError(
            f"{folder.name}: a bundle is already there; "
            "choose another --out, or pass --force to replace it"
        )
    is_empty = folder.is_dir() and not any(folder.iterdir())
    if folder.exists() and not is_empty and not (folder / NOTE_NAME).is_file():
        raise ExistsError(
            f"{folder.name}: is no bundle, and --force replaces bundles only; "
            "choose another --out"
        )


def _swap(unfinished: Path, folder: Path) -> None:
    """Put the new folder in the place of the old, which is dropped last."""
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.replace(old)
    unfinished.replace(folder)
    shutil.rmtree(old, ignore_errors=True)


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
        "form": form_note(bundle),
        "prep": [_step(step) for step in bundle.steps],
        "calibration": bundle.calibration.to_json(),
        "operating_points": [point.to_json() for point in bundle.operating_points],
        "conformal": bundle.conformal.to_json() if bundle.conformal else None,
        "outlier": bundle.outlier.to_json() if bundle.outlier else None,
        "intended_use": bundle.intended_use,
        "metrics": bundle.metrics,
        **({"curves": bundle.curves} if bundle.curves else {}),
        "training": bundle.training,
        "engines": {name: vars(proof) for name, proof in bundle.engines.items()},
        "files": {
            MODEL_NAME: digest_of(bundle.model),
            **({INT8_NAME: digest_of(bundle.int8)} if bundle.int8 else {}),
            CARD_NAME: digest_of(card.encode()),
        },
    }
    # As it will be read again: keys are text, tuples are lists.
    note = json.loads(json.dumps(note, allow_nan=False))
    note["digest"] = note_digest(note)
    return note


def _step(step: Step) -> dict[str, Any]:
    params = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in step.params.items()
    }
    return {"name": step.name, **params}
