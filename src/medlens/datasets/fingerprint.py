"""A data set in numbers: what the rules of the plan look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from medlens.datasets.manifest import Manifest
from medlens.datasets.signals import QUANTILES, Signal
from medlens.datasets.units import has_slice_labels

_LEVELS = (5, 25, 50, 75, 95)


@dataclass(frozen=True)
class Fingerprint:
    """Facts about the readable images of a data set.

    Attributes:
        cases: readable images.
        patients: named patients, 0 when the data names none.
        groups: sets of cases that must stay together.
        kind, labels: the task.
        label_counts: cases with each label; slices in a "sequence".
        modality: the one that more than half of the images name; "" where
            there is none ("OT" names nothing).
        modalities, formats, channels, bit_depths: cases of each value.
        is_colour: at least 5 % of the images really have colour.
        bits: significant bits of most images.
        is_rescaled: most values are in a physical unit (Hounsfield units).
        height, width: median size in pixels.
        smallest: 5th percentile of the shorter side.
        aspect: median of width / height.
        border: median share of the area that is empty border.
        size_quantiles, aspect_quantiles: 5, 25, 50, 75, 95 % of the shorter
            side and of width / height.
        spacing: median mm between rows, 0 where not calibrated.
        intensity_quantiles: medians over images of the 1, 5, 25, 50, 75, 95
            and 99 % values, in stored units.
        form: as in `Manifest`.
        depth: median number of slices, 1 for single images.
        spacings: median mm along D, H, W of calibrated volumes; () if most have
            none.
        shape_quantiles: smallest, median and largest (D, H, W), axis by axis.
        anisotropy: largest / smallest of `spacings`; 0 where there are none.
        slices_labelled: labels differ from slice to slice within series.
        uneven: series with missing, doubled or unevenly spaced slices.
        foreground: median share of voxels with any label but the background,
            over the cases that have one.
        label_shares: the same, label by label.
        label_extents: median slices, rows and columns that each label spans,
            over the cases that have it; the background is the whole image.
    """

    cases: int
    patients: int
    groups: int
    kind: str
    labels: tuple[str, ...]
    label_counts: tuple[int, ...]
    modality: str
    is_colour: bool
    bits: int
    is_rescaled: bool
    height: int
    width: int
    smallest: int
    aspect: float
    border: float
    spacing: float
    size_quantiles: tuple[float, ...]
    aspect_quantiles: tuple[float, ...]
    intensity_quantiles: tuple[float, ...]
    modalities: dict[str, int] = field(default_factory=dict)
    formats: dict[str, int] = field(default_factory=dict)
    channels: dict[str, int] = field(default_factory=dict)
    bit_depths: dict[str, int] = field(default_factory=dict)
    form: str = "image"
    depth: int = 1
    spacings: tuple[float, ...] = ()
    shape_quantiles: tuple[tuple[int, ...], ...] = ()
    anisotropy: float = 0.0
    slices_labelled: bool = False
    uneven: int = 0
    foreground: float = 0.0
    label_shares: tuple[float, ...] = ()
    label_extents: tuple[tuple[int, ...], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """JSON object of `audit.json`."""
        return asdict(self)


def fingerprint(
    manifest: Manifest,
    signals: Sequence[Signal],
    *,
    patients: int,
    groups: int,
) -> Fingerprint:
    """Sum up the readable images of a data set.

    Args:
        manifest: for task and labels.
        signals: of the readable images, at least one.
        patients, groups: as the audit counted them.
    """
    rows = np.array([s.rows for s in signals], float)
    columns = np.array([s.columns for s in signals], float)
    shorter = np.minimum(rows, columns)
    quantiles = np.median(np.stack([s.quantiles for s in signals]), axis=0)
    calibrated = [s.spacing[0] for s in signals if s.spacing[0] > 0]
    return Fingerprint(
        cases=len(signals),
        patients=patients,
        groups=groups,
        kind=manifest.kind,
        labels=manifest.labels,
        label_counts=manifest.label_counts(),
        modality=_common_modality(signals),
        is_colour=float(np.mean([s.is_colour for s in signals])) >= 0.05,
        bits=_most(s.bits for s in signals),
        is_rescaled=float(np.mean([s.stage == "rescaled" for s in signals])) > 0.5,
        height=round(float(np.median(rows))),
        width=round(float(np.median(columns))),
        smallest=round(float(np.percentile(shorter, 5))),
        aspect=round(float(np.median(columns / rows)), 4),
        border=round(float(np.median([s.border for s in signals])), 4),
        spacing=round(float(np.median(calibrated)), 4) if calibrated else 0.0,
        size_quantiles=_spread(shorter),
        aspect_quantiles=_spread(columns / rows),
        intensity_quantiles=tuple(round(float(q), 4) for q in quantiles),
        modalities=_count(s.modality or "unknown" for s in signals),
        formats=_count(s.format or "unknown" for s in signals),
        channels=_count("colour" if s.is_colour else "grey" for s in signals),
        bit_depths=_count(str(s.bits) for s in signals),
        form=manifest.form,
        slices_labelled=has_slice_labels(manifest),
        uneven=sum(bool(s.findings) for s in signals),
        **_measure_volumes(signals),
        **_measure_masks(signals, len(manifest.labels)),
    )


def _measure_volumes(signals: Sequence[Signal]) -> dict[str, Any]:
    """Sizes along three axes, in voxels and mm."""
    shapes = np.array([(s.depth, s.rows, s.columns) for s in signals])
    placed = [(s.gap, *s.spacing) for s in signals if s.gap > 0 and s.spacing[0] > 0]
    found: dict[str, Any] = {
        "depth": round(float(np.median(shapes[:, 0]))),
        "shape_quantiles": tuple(
            tuple(round(float(side)) for side in level)
            for level in np.percentile(shapes, [0, 50, 100], axis=0)
        ),
    }
    if 2 * len(placed) > len(signals):
        spacings = np.median(np.array(placed), axis=0)
        found["spacings"] = tuple(round(float(mm), 4) for mm in spacings)
        found["anisotropy"] = round(float(spacings.max() / spacings.min()), 4)
    return found


def _measure_masks(signals: Sequence[Signal], labels: int) -> dict[str, Any]:
    """How much of the images each label fills and spans."""
    held = [s for s in signals if len(s.voxels) == labels > 0]
    if not held:
        return {}
    voxels = np.array([s.voxels for s in held], float)
    extents = np.array([s.extents for s in held], float)  # (n, K, 3)
    shares = voxels / voxels.sum(axis=1, keepdims=True)
    filled = 1 - shares[voxels[:, 1:].any(axis=1), 0]
    has = voxels > 0
    return {
        "foreground": round(float(np.median(filled)), 6) if len(filled) else 0.0,
        "label_shares": tuple(
            round(float(np.median(shares[has[:, k], k])), 6) if has[:, k].any() else 0.0
            for k in range(labels)
        ),
        "label_extents": tuple(
            tuple(round(float(v)) for v in np.median(extents[has[:, k], k], axis=0))
            if has[:, k].any()
            else (0, 0, 0)
            for k in range(labels)
        ),
    }


def _spread(values: Any) -> tuple[float, ...]:
    return tuple(round(float(v), 4) for v in np.percentile(values, _LEVELS))


def _most(values: Any) -> Any:
    return Counter(values).most_common(1)[0][0]


def _count(values: Any) -> dict[str, int]:
    counts: Counter[Hashable] = Counter(values)
    return {str(value): count for value, count in counts.most_common(20)}


def _common_modality(signals: Sequence[Signal]) -> str:
    """The modality that more than half of the images name, "" if none.

    Pictures without a header are not guessed from their looks: a radiograph
    and an MRI slice as PNG need the same plan, and a wrong name misleads.
    """
    named = [s.modality for s in signals if s.modality and s.modality != "OT"]
    for name, count in Counter(named).most_common(1):
        if count * 2 > len(signals):
            return name
    return ""


assert len(QUANTILES) == 7
