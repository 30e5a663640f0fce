"""What a path is, in a few plain words; nothing that names a patient."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medlens.bundle import load_bundle
from medlens.core import UsageError
from medlens.experiment.folder import STATE, read_json
from medlens.experiment.words import interval
from medlens.read import list_members, open_image


def describe_path(path: Path) -> dict[str, Any]:
    """Facts of a bundle, a finished run or an image.

    Raises:
        UsageError: none of these, or a run that has not finished.
        BundleError, ReadError: it is one, and broken.
    """
    if not path.exists():
        raise UsageError(f"{path}: there is no such file or folder")
    if (path / "bundle.json").is_file():
        return _bundle(path)
    if (path / STATE).is_file():
        return _run(path)
    if path.is_dir():
        raise UsageError(
            f"{path.name}: a folder that is no bundle and no run; wanted a bundle, a "
            "run folder or an image (a data set: medlens audit)"
        )
    return _image(path)


def _bundle(path: Path) -> dict[str, Any]:
    bundle = load_bundle(path)
    points = [point for point in bundle.operating_points if point.chosen]
    facts: dict[str, Any] = {
        "bundle": bundle.name,
        "task": bundle.kind,
        "labels": ", ".join(bundle.labels),
        "input": f"{bundle.channels} x {bundle.height} x {bundle.width}",
        "preparation": " > ".join(step.name for step in bundle.steps),
        "operating point": "; ".join(
            f"{p.label} at {p.threshold:.3f} ({p.rule})" for p in points
        )
        or "most probable label",
        "digest": bundle.digest,
        "intended use": bundle.intended_use,
    }
    for split, entry in bundle.metrics.items():
        auroc = entry.get("metrics", {}).get("auroc")
        if auroc:
            facts[f"AUROC ({split})"] = f"{interval(auroc)}, {entry['n_cases']} cases"
    return facts


def _run(path: Path) -> dict[str, Any]:
    state = read_json(path / STATE) or {}
    if state.get("status") != "done":
        raise UsageError(
            f"{path.name}: an unfinished run; repeat its command to go on with it"
        )
    facts: dict[str, Any] = {
        "run": state.get("command", ""),
        "data": state.get("data", {}).get("name", ""),
        "bundle": state.get("bundle_digest", ""),
        "seconds": state.get("seconds", {}).get("whole", ""),
    }
    metrics = read_json(path / "metrics.json") or {"splits": {}}
    for split, entry in metrics["splits"].items():
        facts[f"AUROC ({split})"] = interval(entry["metrics"]["auroc"])
    return facts


def _image(path: Path) -> dict[str, Any]:
    members = list_members(path)
    image = open_image(path, member=members[0], case=path.name)
    channels, slices, rows, columns = image.array.shape
    spacing = " x ".join(f"{mm:.4g}" for mm in image.geometry.spacing)
    return {
        "format": image.provenance.format,
        "images in the file": len(members),
        "modality": image.modality or "unknown",
        "size": f"{columns} x {rows} px, {slices} slice(s), {channels} channel(s)",
        "spacing": f"{spacing} mm (D, H, W)"
        if image.geometry.is_calibrated
        else "unknown",
        "bits stored": image.bits_stored,
        "values": f"{image.array.min():g} to {image.array.max():g} ({image.stage})",
    }
