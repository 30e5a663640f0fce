"""What a checked bundle says of itself, as plain values for the API."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medlens.core import TamperedError
from medlens.serve.web.api.curve_models import curves_of, summaries_of

if TYPE_CHECKING:
    from medlens.bundle import Bundle
    from medlens.metrics import OperatingPoint

MOST_WORD = 200
_COUNTS = ("train_cases", "validation_cases", "seed")
_WORDS = ("modality", "net", "path", "data_digest", "recipe_digest")
_SHARES = ("train_prevalence", "validation_prevalence")


@lru_cache(maxsize=32)
def describe_bundle(folder: str, digest: str) -> dict[str, Any]:
    """Fields of `WholeBundle`; a digest never changes its meaning.

    Raises:
        BundleError: it cannot be loaded, or is another bundle by now.
    """
    from medlens.bundle import load_bundle
    from medlens.bundle.model import CARD_NAME

    bundle = load_bundle(folder)
    if bundle.digest != digest:
        raise TamperedError(
            f"{bundle.name}: its folder holds another bundle than the one that was "
            "added; add it again"
        )
    card = (Path(folder) / CARD_NAME).read_text(encoding="utf-8", errors="replace")
    return {
        "form": bundle.form,
        "kind": bundle.kind,
        "labels": list(bundle.labels),
        "positive": bundle.positive,
        "intended_use": bundle.intended_use,
        "input": {
            name: getattr(bundle, name)
            for name in ("channels", "depth", "height", "width", "context")
        }
        | {"steps": [step.name for step in bundle.steps]},
        "training": _training(bundle.training),
        "operating_points": [_point(each) for each in bundle.operating_points],
        "series_points": [_point(each) for each in bundle.series_points],
        "calibration": _calibration(bundle),
        **_doubts(bundle),
        "engines": {
            name: {
                "auroc_change": proof.auroc_change,
                "precision": proof.precision,
                "is_offered": proof.is_offered,
            }
            for name, proof in bundle.engines.items()
        },
        "metrics": summaries_of(bundle.metrics),
        "evaluation": curves_of(bundle.curves),
        "card": card,
    }


def _point(point: OperatingPoint) -> dict[str, Any]:
    return {
        name: getattr(point, name)
        for name in ("label", "threshold", "rule", "chosen", "note")
    }


def _calibration(bundle: Bundle) -> list[dict[str, Any]]:
    found = [("cases", bundle.calibration)]
    if bundle.series_calibration is not None:
        found.append(("series", bundle.series_calibration))
    return [
        {"of": of, "scale": each.scale.tolist(), "bias": each.bias.tolist()}
        for of, each in found
    ]


def _doubts(bundle: Bundle) -> dict[str, Any]:
    sets, gate = bundle.conformal, bundle.outlier
    return {
        "conformal": sets
        and {"coverage": sets.coverage, "thresholds": sets.thresholds.tolist()},
        "outlier": gate
        and {"threshold": gate.threshold, "false_alarms": gate.false_alarms},
    }


def _training(note: dict[str, Any]) -> dict[str, Any]:
    """What the note holds of the right type; whoever trained may have said anything."""
    said: dict[str, Any] = {
        name: note[name] for name in _COUNTS if type(note.get(name)) is int
    }
    said |= {
        name: note[name][:MOST_WORD]
        for name in _WORDS
        if isinstance(note.get(name), str)
    }
    for name in _SHARES:
        shares = note.get(name)
        if isinstance(shares, dict):
            said[name] = {
                str(label): float(share)
                for label, share in shares.items()
                if _is_number(share) and 0 <= share <= 1
            }
    difference = note.get("onnx_difference")
    if _is_number(difference):
        said["onnx_difference"] = float(difference)  # type: ignore[arg-type]
    return said


def _is_number(value: object) -> bool:
    is_real = isinstance(value, int | float) and not isinstance(value, bool)
    return is_real and math.isfinite(value)  # type: ignore[arg-type]
