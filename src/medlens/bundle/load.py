"""Load a bundle; every digest is checked before anything is believed."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any, cast

from medlens.bundle.form import check_form, form_fields
from medlens.bundle.model import (
    CARD_NAME,
    INT8_NAME,
    MODEL_NAME,
    NAME,
    NOTE_NAME,
    SCHEMA,
    Bundle,
    Proof,
)
from medlens.bundle.save import digest_of, note_digest, text_of
from medlens.core import BundleError, MedlensError, TamperedError
from medlens.metrics import Calibration, ConformalSets, OperatingPoint, OutlierGate
from medlens.recipe.settings import Kind, Step

MAX_NOTE_BYTES = 20_000_000
MAX_MODEL_BYTES = 2_000_000_000
MAX_CARD_BYTES = 5_000_000
MAX_LABELS, MAX_LABEL_LENGTH = 1000, 200
MAX_SIDE, MAX_STEPS = 4096, 100
SIDES = ("height", "width")
VERSION = re.compile(r"medlens/bundle/\d{1,4}")
# How protobuf writes the key "location" of a tensor whose values lie in another
# file (onnx.proto, TensorProto.external_data), also with lengths padded by zeros.
# Runtimes resolve it against the current folder even when the graph is in memory.
EXTERNAL = re.compile(rb"(?:\x0a|\x8a\x80*\x00)(?:\x08|\x88\x80*\x00)location")
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
    model = _checked(folder, MODEL_NAME, note, MAX_MODEL_BYTES)
    _checked(folder, CARD_NAME, note, MAX_CARD_BYTES)
    small = b""
    if INT8_NAME in (note.get("files") or {}):
        small = _checked(folder, INT8_NAME, note, MAX_MODEL_BYTES)
    if EXTERNAL.search(model) or EXTERNAL.search(small):
        raise BundleError(
            f"{folder.name}: the graph points at other files, which are never read; "
            "wanted a graph that holds its own weights: export it again in one file"
        )
    try:
        return _build(note, model, small)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(
            f"{folder.name}: bundle.json is incomplete ({error!s:.100}); "
            "export it again"
        ) from error
    except BundleError as error:
        raise BundleError(f"{folder.name}: {error}") from error


def _read_note(folder: Path) -> dict[str, Any]:
    """bundle.json, if it is letter for letter what its digest was made of."""
    raw = _read(folder, NOTE_NAME, MAX_NOTE_BYTES)
    try:
        note = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise TamperedError(
            f"{folder.name}: bundle.json is not valid JSON: it was changed or damaged; "
            "get the bundle again from where it came"
        ) from error
    if not isinstance(note, dict):
        raise BundleError(f"{folder.name}: bundle.json is not a table; export it again")
    schema = note.get("schema")
    # Another version may make its digest in another way, so it is asked for first.
    is_version = isinstance(schema, str) and VERSION.fullmatch(schema)
    if (schema == SCHEMA or not is_version) and not _is_untouched(note, raw):
        raise TamperedError(
            f"{folder.name}: bundle.json does not match its own digest: it was changed "
            "after it was made; get the bundle again from where it came"
        )
    if schema != SCHEMA:
        raise BundleError(
            f"{folder.name}: bundle.json has schema {schema!r:.60}; this medlens reads "
            f"{SCHEMA!r}: use the medlens that wrote it, or export again"
        )
    return note


def _is_untouched(note: dict[str, Any], raw: bytes) -> bool:
    try:
        return note.get("digest") == note_digest(note) and raw == text_of(note).encode()
    except (ValueError, RecursionError):  # NaN, half a character, too deep
        return False


def _read(folder: Path, name: str, limit: int) -> bytes:
    path = folder / name
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise BundleError(f"{folder.name}: {name} is no regular file; wanted one")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise BundleError(
            f"{folder.name}: {name} cannot be read ({error.strerror}); a bundle is a "
            f"folder with {MODEL_NAME}, {NOTE_NAME} and {CARD_NAME}"
        ) from error
    if len(data) > limit:
        raise BundleError(
            f"{folder.name}: {name} has {status.st_size} bytes; "
            f"at most {limit} are read"
        )
    return data


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


def _build(note: dict[str, Any], model: bytes, small: bytes) -> Bundle:
    kind, labels, positive = _task(note["task"])
    size: dict[str, Any] = {
        key: _side(note["input"][key], key) for key in ("channels", *SIDES)
    }
    name = note["name"]
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise BundleError("bundle.json: name has characters that are not allowed")
    try:
        calibration = Calibration.from_json(note["calibration"])
        points = tuple(OperatingPoint.from_json(p) for p in note["operating_points"])
        conformal = note["conformal"] and ConformalSets.from_json(note["conformal"])
        outlier = note["outlier"] and OutlierGate.from_json(note["outlier"])
        form = form_fields(note.get("form"))
    except MedlensError as error:
        said = str(error).removeprefix("bundle.json: ")
        raise BundleError(f"bundle.json: {said}") from error
    bundle = Bundle(
        name=name,
        kind=kind,
        labels=labels,
        positive=positive,
        **size,
        steps=_steps(note["prep"]),
        calibration=calibration,
        operating_points=points,
        conformal=conformal or None,
        outlier=outlier or None,
        **form,
        intended_use=str(note.get("intended_use", "")),
        metrics=dict(note.get("metrics") or {}),
        curves=_curves(note.get("curves")),
        training=dict(note.get("training") or {}),
        digest=note["digest"],
        model=model,
        int8=small,
        engines={
            str(name): Proof(float(entry["auroc_change"]), str(entry["precision"]))
            for name, entry in (note.get("engines") or {}).items()
        },
    )
    _check_agreement(bundle)
    return bundle


def _curves(table: Any) -> dict[str, Any]:
    """Whoever draws them checks them; a bundle is none the worse without."""
    if table is None:
        return {}
    if not isinstance(table, dict) or not isinstance(table.get("schema"), str):
        raise BundleError("bundle.json: curves: wanted a table that names its schema")
    return table


def _task(task: dict[str, Any]) -> tuple[Kind, tuple[str, ...], str]:
    kind, labels, positive = task["kind"], task["labels"], task["positive"]
    if kind not in KINDS:
        raise BundleError(
            f"bundle.json: task.kind is {kind!r:.60}; wanted {', '.join(KINDS)}"
        )
    is_list = isinstance(labels, list) and all(isinstance(x, str) for x in labels)
    if not is_list or not 1 <= len(labels) <= MAX_LABELS:
        raise BundleError(f"bundle.json: task.labels: wanted 1 to {MAX_LABELS} names")
    if any(not label or len(label) > MAX_LABEL_LENGTH for label in labels):
        raise BundleError(
            f"bundle.json: task.labels: wanted names of 1 to {MAX_LABEL_LENGTH} letters"
        )
    if len(set(labels)) != len(labels) or (kind == "binary" and len(labels) != 2):
        raise BundleError(
            f"bundle.json: task.kind {kind!r} with {len(labels)} labels, "
            f"{len(set(labels))} of them different; wanted each once, 2 where binary"
        )
    if positive not in ("", *labels):
        raise BundleError("bundle.json: task.positive is none of task.labels")
    return cast(Kind, kind), tuple(labels), positive


def _side(value: Any, key: str) -> int:
    if type(value) is not int or not 1 <= value <= MAX_SIDE:
        raise BundleError(
            f"bundle.json: input.{key} is {value!r:.60}; wanted 1 to {MAX_SIDE}"
        )
    return value


def _check_agreement(bundle: Bundle) -> None:
    """Constants are for these labels and this task."""
    wanted = len(bundle.labels)
    sizes = {"calibration": len(bundle.calibration.scale)}
    if bundle.conformal:
        sizes["conformal"] = len(bundle.conformal.thresholds)
    for key, found in sizes.items():
        if found != wanted:
            raise BundleError(
                f"bundle.json: {key} is for {found} labels, task.labels has {wanted}"
            )
    if bundle.calibration.kind != bundle.kind:
        raise BundleError("bundle.json: calibration.kind is not task.kind")
    if any(point.label not in bundle.labels for point in bundle.operating_points):
        raise BundleError("bundle.json: an operating point is for an unknown label")
    check_form(bundle)


def _steps(trees: Any) -> tuple[Step, ...]:
    if not isinstance(trees, list) or len(trees) > MAX_STEPS:
        raise BundleError(f"bundle.json: prep: wanted a list of at most {MAX_STEPS}")
    return tuple(_step(tree) for tree in trees)


def _step(tree: dict[str, Any]) -> Step:
    params = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in tree.items()
        if key != "name"
    }
    return Step(str(tree["name"]), params)
