"""What a bundle says about itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from medlens.metrics import Calibration, ConformalSets, OperatingPoint, OutlierGate
from medlens.recipe.settings import Kind, Step

SCHEMA = "medlens/bundle/1"
MODEL_NAME = "model.onnx"
NOTE_NAME = "bundle.json"
CARD_NAME = "card.md"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Bundle:
    """A model package as loaded: everything that prediction needs.

    Attributes:
        name: given when it was made; letters, digits, '.', '_' and '-'.
        kind, labels, positive: the task.
        channels, height, width: of the network input.
        steps: preparation, source image → network input.
        calibration: logits → probabilities.
        operating_points: named thresholds, the chosen one first.
        conformal: prediction sets, or None.
        outlier: out-of-distribution gate, or None.
        intended_use: in plain words.
        metrics: summary of the evaluation it was shipped with.
        training: recipe, digests and counts of the run that made it.
        digest: SHA-256 that names this very bundle.
        model: the bytes of the ONNX graph, as they were checked.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    positive: str
    channels: int
    height: int
    width: int
    steps: tuple[Step, ...]
    calibration: Calibration
    operating_points: tuple[OperatingPoint, ...]
    conformal: ConformalSets | None
    outlier: OutlierGate | None
    intended_use: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    digest: str = ""
    model: bytes = field(default=b"", repr=False)
