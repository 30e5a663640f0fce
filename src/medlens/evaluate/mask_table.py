"""All masks of a data set held against their references, as columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from medlens.core import Array, DataError, UsageError
from medlens.evaluate.columns import check_columns, pick_cases
from medlens.metrics import patient_codes
from medlens.metrics.masks import MaskScores, score_labels

SizeUnit = Literal["ml", "mm²", "px"]
FIGURES = ("dice", "surface_dice", "hd95", "volume", "reference_volume")
FLAGS = ("present", "answered")
COUNTS = ("lesions", "lesions_found", "lesions_false")
DEFAULT_TOLERANCE = 2.0


@dataclass(frozen=True)
class MaskRow:
    """One case: its answer held against its reference.

    Attributes:
        case: local key.
        scores: label → figures, without the background, in the labels' order.
        unit: of its sizes. "ml" for a volume, "mm²" for a single plane, "px"
            where the image carries no spacing (then lengths are pixels too).
        tolerance: of the surface Dice; mm, or pixels where the unit is "px".
        patient, group, split: local keys, "" where unknown.
        columns: subgroup column → value.
        ood_score, ood_flag: of the out-of-distribution gate, or None.
    """

    case: str
    scores: Mapping[str, MaskScores]
    unit: SizeUnit
    tolerance: float
    patient: str = ""
    group: str = ""
    split: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    ood_score: float | None = None
    ood_flag: bool | None = None


@dataclass(frozen=True)
class MaskTable:
    """What a bundle drew on each of n cases beside what the reference has.

    Arrays are (n, K - 1) float64, a column for each label but the background.

    Attributes:
        cases: n local keys, no two alike.
        labels: the K - 1 names, without the background.
        dice: 0..1, NaN where neither mask has the label.
        surface_dice: 0..1, share of both surfaces within `tolerance`; NaN likewise.
        hd95: mm (pixels where `unit` is "px"); NaN unless both masks have the label.
        volume, reference_volume: in `unit`; NaN where a case has no spacing.
        present, answered: bool; whether reference and answer have the label.
        unit: "ml" for volumes, "mm²" for single planes, "px" without spacing.
        tolerance: of the surface Dice; mm, or pixels where `unit` is "px".
        diagonal: (n,) of each grid, the largest distance there could be; or None
            where it is not known (a table read from a file).
        lesions, lesions_found, lesions_false: components in the reference, those
            of them that the answer covers, and components that it made up; or None.
        patients, groups, splits, columns: as in `CaseTable`.
        ood_scores, ood_flags: (n,) or None.

    Raises:
        DataError: lengths differ, a case key comes twice, a figure is out of range.
    """

    cases: tuple[str, ...]
    labels: tuple[str, ...]
    dice: Array
    surface_dice: Array
    hd95: Array
    volume: Array
    reference_volume: Array
    present: Array
    answered: Array
    unit: SizeUnit = "ml"
    tolerance: float = DEFAULT_TOLERANCE
    diagonal: Array | None = None
    lesions: Array | None = None
    lesions_found: Array | None = None
    lesions_false: Array | None = None
    patients: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ood_scores: Array | None = None
    ood_flags: Array | None = None

    def __post_init__(self) -> None:
        for name in ("patients", "splits"):
            object.__setattr__(self, name, getattr(self, name) or ("",) * len(self))
        check_columns(
            self,
            name="table of masks",
            by_case=("diagonal", "ood_scores", "ood_flags"),
            by_label=FIGURES + FLAGS + COUNTS,
        )
        self._check_ranges()

    def _check_ranges(self) -> None:
        for name in ("dice", "surface_dice"):
            array = getattr(self, name)
            known = array[np.isfinite(array)]
            if ((known < 0) | (known > 1)).any():
                raise DataError(f"table of masks: {name} leaves 0..1")
        for name in ("hd95", "volume", "reference_volume"):
            array = getattr(self, name)
            if (array[np.isfinite(array)] < 0).any():
                raise DataError(f"table of masks: {name} is below 0")

    def __len__(self) -> int:
        return len(self.cases)

    @property
    def length_unit(self) -> str:
        """Of distances: "mm", or "px" where the images carry no spacing."""
        return "px" if self.unit == "px" else "mm"

    @property
    def case_unit(self) -> str:
        """What a case is: "volumes" or "images"; images of no spacing are flat."""
        return "volumes" if self.unit == "ml" else "images"

    @property
    def codes(self) -> Array:
        """(n,) which independent unit each case belongs to: group, else patient."""
        return patient_codes(self.groups or self.patients)

    @property
    def n_patients(self) -> int:
        """Number of patients, or of groups where no case names its patient."""
        keys = self.patients if any(self.patients) else self.groups or self.patients
        return len(np.unique(patient_codes(keys)))

    @property
    def counted(self) -> str:
        """What `n_patients` counts: "patient", or "group" where none is named."""
        return "patient" if any(self.patients) else "group"

    def select(self, chosen: Array) -> MaskTable:
        """The table of some cases, by (n,) bool mask or by indices."""
        whole = ("labels", "unit", "tolerance")
        return MaskTable(**pick_cases(self, chosen, whole=whole))


def score_case(
    reference: Array,
    predicted: Array,
    *,
    spacing: tuple[float, ...] | None,
    labels: Sequence[str],
    case: str,
    tolerance: float = DEFAULT_TOLERANCE,
    patient: str = "",
    group: str = "",
    split: str = "",
    columns: Mapping[str, str] | None = None,
    ood_score: float | None = None,
    ood_flag: bool | None = None,
) -> MaskRow:
    """All figures of one case, after which neither mask is needed any more.

    Args:
        reference, predicted: (D, H, W) or (H, W) label indices on one grid, D = 1
            for a single image; 0 is the background. May be memory-mapped.
        spacing: mm along each axis; None where the image is not calibrated, and
            then every length is in pixels.
        labels: K names, the background first.
        case: local key.
        tolerance: of the surface Dice, in mm (pixels without spacing).
        patient, group, split, columns, ood_score, ood_flag: as in `MaskRow`.

    Raises:
        PrepError: masks do not lie on one grid or hold no whole numbers, or an
            answer holds an index beyond the labels.
        ResourceError: the masks fill a box of over 512 Mi voxels.
        UsageError: under two labels, spacing or tolerance out of range.
    """
    if len(labels) < 2:
        raise UsageError(
            f"case {case}: {len(labels)} labels; wanted the background and at least "
            "one more"
        )
    for name, mask in (("reference", reference), ("answer", predicted)):
        _check_indices(mask, len(labels), f"{case}: {name}")
    scores = score_labels(
        reference,
        predicted,
        labels={name: index for index, name in enumerate(labels) if index},
        spacing=spacing or (1.0,) * np.ndim(reference),
        tolerance_mm=tolerance,
        case=case,
    )
    is_plane = np.ndim(reference) == 2 or len(reference) == 1
    unit: SizeUnit = "ml"
    if spacing is None:
        unit = "px"
    elif is_plane:
        unit = "mm²"
        # A single plane has no volume: voxels are counted by their area.
        area = math.prod(spacing[-2:])
        scores = {
            name: replace(score, voxel_ml=area / 1000) for name, score in scores.items()
        }
    return MaskRow(
        case=case,
        scores=scores,
        unit=unit,
        tolerance=tolerance,
        patient=patient,
        group=group,
        split=split,
        columns=dict(columns or {}),
        ood_score=ood_score,
        ood_flag=ood_flag,
    )


def table_of(rows: Sequence[MaskRow]) -> MaskTable:
    """The rows as one table.

    Where some images carry a spacing and others none, sizes, distances and surface
    Dice of the latter are left out (NaN), because a pixel is no millimetre.

    Raises:
        DataError: no rows; labels or tolerances differ; volumes stand beside
            single images; a case comes twice.
    """
    if not rows:
        raise DataError("table of masks: no cases; wanted at least one")
    labels = tuple(rows[0].scores)
    units = {row.unit for row in rows} - {"px"}
    if any(tuple(row.scores) != labels for row in rows) or len(units) > 1:
        raise DataError(
            f"table of masks: labels {', '.join(labels[:20])} and sizes in "
            f"{', '.join(sorted(units)) or 'px'}; wanted the same labels for every "
            "case, and volumes or single images, not both"
        )
    unit: SizeUnit = units.pop() if units else "px"
    tolerances = {row.tolerance for row in rows if row.unit == unit}
    if len(tolerances) > 1:
        raise DataError(
            f"table of masks: tolerances of {sorted(tolerances)[:5]}; wanted one for "
            "all, or the mean of the surface Dice means nothing"
        )
    columns = dict.fromkeys(name for row in rows for name in row.columns)
    return MaskTable(
        cases=tuple(row.case for row in rows),
        labels=labels,
        unit=unit,
        tolerance=tolerances.pop(),
        diagonal=_diagonals(rows, unit),
        patients=tuple(row.patient for row in rows),
        groups=tuple(row.group for row in rows) if any(r.group for r in rows) else (),
        splits=tuple(row.split for row in rows),
        columns={
            name: tuple(row.columns.get(name, "") for row in rows) for name in columns
        },
        ood_scores=_numbers([row.ood_score for row in rows]),
        ood_flags=_numbers([row.ood_flag for row in rows], dtype=bool),
        **_arrays(rows, unit),
    )


def choose_tolerance(spacings: Sequence[tuple[float, ...] | None]) -> float:
    """A tolerance for the surface Dice that fits the images: one pixel of theirs.

    Where no reader's disagreement is known, a border that is off by up to one
    pixel in the plane is within what a mask on that grid can say. It is the median
    over the cases of the longer side of a pixel, to two digits; 2 pixels where the
    images carry no spacing, for those of photographs are fine.

    Args:
        spacings: mm in the order of the axes for each case, or None.

    Returns:
        mm, or pixels where no case has a spacing.

    >>> choose_tolerance([(5.0, 0.7, 0.7), (5.0, 0.84, 0.84), (3.0, 0.9, 0.9)])
    0.84
    """
    sides = [max(spacing[-2:]) for spacing in spacings if spacing is not None]
    return float(f"{float(np.median(sides)):.2g}") if sides else DEFAULT_TOLERANCE


def _check_indices(mask: Array, count: int, where: str) -> None:
    largest = int(np.max(mask)) if np.size(mask) else 0
    if largest >= count:
        raise DataError(
            f"{where} holds label index {largest}; wanted 0 (background) to "
            f"{count - 1}; map the values of the mask file to indices first"
        )


def _arrays(rows: Sequence[MaskRow], unit: SizeUnit) -> dict[str, Array]:
    """The columns of figures and counts."""
    # `voxel_ml` is in thousandths of a mm³, or mm² for a plane.
    scale = {"ml": 1.0, "mm²": 1000.0, "px": 1000.0}[unit]
    table: dict[str, list[list[float | None]]] = {
        name: [] for name in FIGURES + FLAGS + COUNTS
    }
    for row in rows:
        known = row.unit == unit
        for name in table:
            table[name].append([])
        for score in row.scores.values():
            values: dict[str, float | None] = {
                "dice": score.dice,
                "surface_dice": score.surface.surface_dice if known else None,
                "hd95": score.surface.hd95_mm if known else None,
                "volume": score.answer_ml * scale if known else None,
                "reference_volume": score.reference_ml * scale if known else None,
                "present": score.is_present,
                "answered": score.is_answered,
                "lesions": score.lesions.lesions,
                "lesions_found": score.lesions.found,
                "lesions_false": score.lesions.false_positives,
            }
            for name, value in values.items():
                table[name][-1].append(value)
    return {
        name: np.array(cells, dtype=bool if name in FLAGS else np.float64)
        for name, cells in table.items()
    }


def _diagonals(rows: Sequence[MaskRow], unit: SizeUnit) -> Array:
    return np.array(
        [
            next(iter(row.scores.values())).diagonal_mm
            if row.unit == unit
            else math.nan
            for row in rows
        ]
    )


def _numbers(values: Sequence[float | None], dtype: type = float) -> Array | None:
    """(n,) array, or None where a case has none."""
    if any(value is None for value in values):
        return None
    return np.array(values, dtype=dtype)
