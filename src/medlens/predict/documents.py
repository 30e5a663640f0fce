"""Answers → the JSON document of a prediction, its table, and plain lines."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from medlens.bundle import Bundle
from medlens.core import (
    Geometry,
    MaskPrediction,
    OutOfDistribution,
    Prediction,
    Region,
    SequencePrediction,
)

KEY_WIDTH = 48  # characters of a case key in a printed line
REGION_COLUMNS = ("voxels", "volume_ml", "parts", "longest_diameter_mm")
GATE_COLUMNS = ("ood_score", "ood_flag")


def describe_bundle(bundle: Bundle) -> dict[str, Any]:
    """Which bundle answered."""
    return {
        "name": bundle.name,
        "digest": bundle.digest,
        "form": bundle.form,
        "kind": bundle.kind,
        "labels": list(bundle.labels),
        "positive": bundle.positive,
    }


def describe_case(answer: Prediction) -> dict[str, Any]:
    """An image or a volume."""
    probabilities = _probabilities(answer)
    return {
        "case": answer.case,
        "probabilities": probabilities,
        "predicted": answer.predicted,
        "decision": "|".join(answer.decision),
        "prediction_set": list(answer.prediction_set),
        "out_of_distribution": _gate(answer.out_of_distribution),
        "findings": [
            {"label": label, "probability": probabilities[label]}
            for label in answer.decision
        ],
    }


def describe_series(
    answer: SequencePrediction, geometry: Geometry, files: Sequence[str] = ()
) -> dict[str, Any]:
    """A series with its slices.

    Args:
        answer: of the whole series and of each slice.
        geometry: of the source, which says where the slices lie.
        files: local key of each slice's file; () where a slice is no file.
    """
    places = _positions(geometry, len(answer.attention))
    slices = []
    for index, weight in enumerate(answer.attention):
        one: dict[str, Any] = {"index": index}
        if files:
            one["file"] = files[index]
        if places is not None:
            one["position_mm"] = round(places[index], 3)
        one["attention"] = round(float(weight), 6)
        if answer.slices:
            one["probabilities"] = _probabilities(answer.slices[index])
            one["decision"] = "|".join(answer.slices[index].decision)
            one["prediction_set"] = list(answer.slices[index].prediction_set)
        slices.append(one)
    return {
        **describe_case(answer.series),
        "key_slice": answer.key_slice,
        **({"key_file": files[answer.key_slice]} if files else {}),
        "slices": slices,
    }


def describe_mask(answer: MaskPrediction) -> dict[str, Any]:
    """A mask by its regions; labels that are nowhere are among them."""
    found = [region.label for region in answer.regions if region.voxels]
    return {
        "case": answer.case,
        "probabilities": {},
        "predicted": "|".join(found),
        "decision": "|".join(found),
        "prediction_set": [],
        "out_of_distribution": _gate(answer.out_of_distribution),
        "findings": [_region(region) for region in answer.regions],
    }


def table_of(document: dict[str, Any]) -> str:
    """predictions.csv: a row for each case."""
    is_mask = document["bundle"]["form"] == "segment"
    labels = document["bundle"]["labels"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    header = ["case", "predicted", "decision"]
    if is_mask:
        header = ["case"]
        header += [f"{c}_{label}" for label in labels[1:] for c in REGION_COLUMNS]
    else:
        header += [f"p_{name}" for name in labels] + ["prediction_set"]
    writer.writerow([disarm(name) for name in (*header, *GATE_COLUMNS)])
    for case in document["cases"]:
        row = _mask_row(case) if is_mask else _row(case, labels)
        gate = case["out_of_distribution"]
        row += [gate["score"], int(gate["flag"])]
        writer.writerow([disarm(value) for value in row])
    return text.getvalue()


def line_of(case: dict[str, Any], *, form: str, width: int) -> str:
    """What a person reads of a case, the doubt beside the number."""
    is_strange = case["out_of_distribution"]["flag"]
    warning = "  ! unlike the training images" if is_strange else ""
    key = f"{case['case']:<{width}}"
    if form == "segment":
        found = [_tell_region(r) for r in case["findings"] if r["voxels"]]
        return f"{key}  {'; '.join(found) or 'nothing found'}{warning}"
    probabilities = "  ".join(
        f"{label} {p:.3f}" for label, p in case["probabilities"].items()
    )
    slices = case.get("slices")
    where = f"  key slice {case['key_slice'] + 1} of {len(slices)}" if slices else ""
    if "key_file" in case:
        where += f" ({case['key_file'].rpartition('/')[2]})"
    held = f"  set {{{', '.join(case['prediction_set'])}}}"
    if slices and "prediction_set" in slices[0]:
        held = ""  # sets are of slices; an empty one would read as doubt
    return (
        f"{key}  {case['decision'] or 'none':<16}  {probabilities}"
        f"{held}{where}{warning}"
    )


def disarm(value: object) -> object:
    """Text that a spreadsheet would run as a formula stays text."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value


def _row(case: dict[str, Any], labels: list[str]) -> list[Any]:
    row = [case["case"], case["predicted"], case["decision"]]
    row += [case["probabilities"][name] for name in labels]
    return [*row, "|".join(case["prediction_set"])]


def _mask_row(case: dict[str, Any]) -> list[Any]:
    values = [
        "" if region[column] is None else region[column]
        for region in case["findings"]
        for column in REGION_COLUMNS
    ]
    return [case["case"], *values]


def _probabilities(answer: Prediction) -> dict[str, float]:
    pairs = zip(answer.labels, answer.probabilities, strict=True)
    return {label: round(float(p), 6) for label, p in pairs}


def _gate(gate: OutOfDistribution) -> dict[str, Any]:
    is_known = math.isfinite(gate.threshold)
    return {
        "score": round(gate.score, 4),
        "threshold": round(gate.threshold, 4) if is_known else None,
        "flag": gate.flag,
    }


def describe_timing(timing: dict[str, float]) -> str:
    """One line: seconds in all, of each stage, and the share outside the network."""
    total = timing["total"]
    stages = ", ".join(
        f"{name} {spent:.1f}" for name, spent in timing.items() if name != "total"
    )
    outside = max(0.0, 1 - timing["network"] / total) if total else 0.0
    return f"Seconds: {total:.1f} ({stages}); {outside:.0%} outside the network."


def _region(region: Region) -> dict[str, Any]:
    centre = region.centre_mm
    return {
        "label": region.label,
        "voxels": region.voxels,
        "volume_ml": _rounded(region.volume_ml, 4),
        "parts": region.parts,
        "longest_diameter_mm": _rounded(region.longest_diameter_mm, 2),
        "centre_mm": None if centre is None else [round(x, 2) for x in centre],
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _tell_region(region: dict[str, Any]) -> str:
    if region["volume_ml"] is None:
        said = f"{region['label']} {region['voxels']} pixels"
    else:
        said = f"{region['label']} {region['volume_ml']:.2f} ml"
    parts = region["parts"]
    said += f" · {parts} part{'' if parts == 1 else 's'}"
    if region["longest_diameter_mm"] is not None:
        said += f" · {region['longest_diameter_mm']:.0f} mm"
    return said


def _positions(geometry: Geometry, count: int) -> list[float] | None:
    """mm along the slices' normal, as DICOM's Slice Location counts."""
    if not geometry.is_calibrated:
        return None
    _, rows, columns = geometry.affine[:3, :3].T
    normal = np.cross(columns, rows)
    normal = normal / np.linalg.norm(normal)
    index = np.zeros((count, 3))
    index[:, 0] = np.arange(count)
    return [float(place) for place in geometry.to_patient(index) @ normal]
