"""What a bundle says about itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from medlens.metrics import Calibration, ConformalSets, OperatingPoint, OutlierGate
from medlens.recipe.settings import Form, Kind, SlidingSettings, Step

SCHEMA = "medlens/bundle/1"
MODEL_NAME = "model.onnx"
NOTE_NAME = "bundle.json"
CARD_NAME = "card.md"
INT8_NAME = "model.int8.onnx"
LARGEST_CHANGE = 0.002  # of validation AUROC or Dice that a faster engine may cause
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Proof:
    """What a faster engine did on validation cases.

    Attributes:
        auroc_change: its AUROC minus that of ONNX Runtime in fp32; where voxels
            are labelled, the same of the mean Dice.
        precision: in which it calculated: "fp32", "bf16" or "int8".
    """

    auroc_change: float
    precision: str

    @property
    def is_offered(self) -> bool:
        """True when the change is small enough to use the engine."""
        return abs(self.auroc_change) < LARGEST_CHANGE


@dataclass(frozen=True)
class Bundle:
    """A model package as loaded: everything that prediction needs.

    Attributes:
        name: given when it was made; letters, digits, '.', '_' and '-'.
        form: what the network looks at; see `recipe.TaskSettings`.
        kind, labels, positive: the task.
        channels, depth, height, width: of the network input; for "segment" the
            patch.
        context: neighbouring slices on either side that are channels too.
        reader: what reads the slices in order; "" but for sequences.
        slice_labels: whether a sequence's answer per slice was learned from
            labels of slices, and may be shown.
        neighbours: how much the slices beside it count in the answer of a slice,
            0..1/3 each; see `metrics.hear_neighbours` (sequence only).
        sliding: how patches are joined (segment only).
        net_mb: what the network holds while it answers one patch, measured.
        keep_largest: labels of which only the largest connected part is kept,
            since validation found that to help (segment only).
        series_calibration, series_points: as `calibration` and `operating_points`,
            for the answer of a whole series where slices are judged too (sequence
            only); None and () take those of the cases.
        steps: preparation, source image → network input.
        calibration: logits → probabilities.
        operating_points: named thresholds, the chosen one first.
        conformal: prediction sets, or None.
        outlier: out-of-distribution gate, or None.
        intended_use: in plain words.
        metrics: summary of the evaluation it was shipped with.
        curves: of that evaluation, schema medlens/curves/1; {} where none were kept.
        training: recipe, digests and counts of the run that made it.
        engines: faster engines that were tried, with their proof.
        digest: SHA-256 that names this very bundle.
        model: the bytes of the ONNX graph, as they were checked.
        int8: the bytes of its 8-bit copy, or none.
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
    form: Form = "image"
    depth: int = 1
    context: int = 0
    reader: str = ""
    slice_labels: bool = False
    neighbours: float = 0.0
    sliding: SlidingSettings | None = None
    net_mb: float | None = None
    keep_largest: tuple[str, ...] = ()
    series_calibration: Calibration | None = None
    series_points: tuple[OperatingPoint, ...] = ()
    intended_use: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    curves: dict[str, Any] = field(default_factory=dict, repr=False)
    training: dict[str, Any] = field(default_factory=dict)
    engines: dict[str, Proof] = field(default_factory=dict)
    digest: str = ""
    model: bytes = field(default=b"", repr=False)
    int8: bytes = field(default=b"", repr=False)
