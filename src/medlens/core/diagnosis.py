"""What the models found in a study: the one object that every writer is handed.

Text, JSON, DICOM and FHIR of a diagnosis are all made from it, so that they cannot
disagree. It holds no name, number or date of a patient: writers take these from the
source images. UIDs stand in `ImageRef`, which keeps them out of its repr.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from medlens.core.image import Array
from medlens.core.prediction import OutOfDistribution

Laterality = Literal["", "left", "right", "bilateral", "midline"]
Status = Literal["assessed", "not_assessable"]
Advice = Literal[
    "nothing_found", "measured", "refer", "unsure", "outside", "not_assessable"
]
"""What to do: nothing above its operating point; only structures of normal anatomy were
measured, nothing was looked for; something is above its point, a reader should look;
the prediction set leaves it open; unlike the training images, no number should be
trusted; the images could not be answered."""
Trend = Literal["new", "gone", "larger", "smaller", "stable", "uncertain"]


@dataclass(frozen=True)
class Code:
    """A coded concept (PS3.3 8.8).

    Attributes:
        value: code value.
        scheme: coding scheme designator: "SCT", "RADLEX", "DCM", "99MEDLENS".
        meaning: in English.
    """

    value: str
    scheme: str
    meaning: str


@dataclass(frozen=True)
class Quantity:
    """Something measured on a finding.

    Attributes:
        kind: what: "longest_diameter", "volume" or "area".
        value: in `unit`.
        unit: UCUM: "mm", "ml", "mm2", or "{pixels}" (of a volume its voxels) where
            there is no spacing.
    """

    kind: Literal["longest_diameter", "volume", "area"]
    value: float
    unit: str


@dataclass(frozen=True)
class ImageRef:
    """One source image, or one frame of it.

    Attributes:
        case: local key of its file, the only name for messages.
        sop_class_uid, sop_instance_uid, series_uid: "" where the source is no DICOM.
        frame: counted from 1 in a multi-frame image, else None.
        digest: SHA-256 of the file, or "".
    """

    case: str
    sop_class_uid: str = field(default="", repr=False)
    sop_instance_uid: str = field(default="", repr=False)
    series_uid: str = field(default="", repr=False)
    frame: int | None = None
    digest: str = field(default="", repr=False)


@dataclass(frozen=True)
class Place:
    """Where a finding lies.

    Attributes:
        laterality: side of the patient, "" where it is not known.
        centre_mm: (x, y, z) in the patient, LPS, or None.
        image: the image that shows it best, or None.
        slice_index: of the slice, counted from 0 along the volume; that of `image`
            among the assessment's images where there is one for each slice.
        box: (left, top, right, bottom) in pixels of `image`, edges of pixels counted
            from 0 at the upper left corner of the image, or None.
    """

    laterality: Laterality = ""
    centre_mm: tuple[float, float, float] | None = None
    image: ImageRef | None = None
    slice_index: int | None = None
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Change:
    """A finding against the same finding of a prior study.

    Attributes:
        trend: in words that a reader uses.
        before: of the prior study, the quantity that `trend` rests on; None where it
            rests on the decision alone.
        prior_probability: of the prior study, or None.
        days: between the studies, or None where a date is missing.
    """

    trend: Trend
    before: Quantity | None = None
    prior_probability: float | None = None
    days: int | None = None


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for: present, absent, or measured.

    Attributes:
        id: "1", "2", … within the assessment; stable for a bundle and its input.
        label: the bundle's own word.
        code: where a terminology has it, else None.
        is_present: at the operating point; for masks: any voxel.
        probability: calibrated, 0..1; None for masks.
        threshold: of the operating point, on `probability`; None for masks and for
            the most probable of several labels.
        operating_point: its name, or "".
        place: where.
        quantities: how large.
        slices: indices of the slices on which it is present, where each slice of a
            series is answered for itself or a mask was drawn; else ().
        parts: connected pieces, None where not a mask.
        change: against a prior study, or None.
    """

    id: str
    label: str
    code: Code | None
    is_present: bool
    probability: float | None = None
    threshold: float | None = None
    operating_point: str = ""
    place: Place = field(default_factory=Place)
    quantities: tuple[Quantity, ...] = ()
    slices: tuple[int, ...] = ()
    parts: int | None = None
    change: Change | None = None


@dataclass(frozen=True)
class Algorithm:
    """The bundle that answered.

    Attributes:
        name, digest: of the bundle.
        version: of medlens that ran it.
        form, kind: of its task.
        intended_use: in the bundle's words.
    """

    name: str
    digest: str
    version: str
    form: str
    kind: str
    intended_use: str = ""


@dataclass(frozen=True)
class Assessment:
    """What one bundle says of one image, series or volume.

    Attributes:
        algorithm: who says it.
        status: "not_assessable" where there is no answer; `reason` says why.
        advice: what to do with it.
        images: what was looked at, in the order of the slices.
        modality, body_part: of the source as its header says, "" if unknown.
        findings: positive ones first, then by probability.
        prediction_set: labels that cannot be ruled out; () where the bundle has no
            conformal sets or for masks.
        coverage: share of cases whose true label the set holds, or None.
        out_of_distribution: None where there is no answer.
        reason: why there is no answer, else "".
        notes: what a reader should know of the series (missing slices, tilt, …).
    """

    algorithm: Algorithm
    status: Status
    advice: Advice
    images: tuple[ImageRef, ...]
    modality: str = ""
    body_part: str = ""
    findings: tuple[Finding, ...] = ()
    prediction_set: tuple[str, ...] = ()
    coverage: float | None = None
    out_of_distribution: OutOfDistribution | None = None
    reason: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """All assessments of a study.

    Attributes:
        case: local key of the study.
        assessments: of all bundles, in the order in which they ran.
        left_out: (what, reason) of series and files that no bundle looked at.
        study_uid: "" where the source is no DICOM.
        has_prior: True when it was compared with a prior study.
    """

    case: str
    assessments: tuple[Assessment, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    study_uid: str = field(default="", repr=False)
    has_prior: bool = False


@dataclass(frozen=True)
class Evidence:
    """Pixels that belong to an assessment and are too large for its text.

    Attributes:
        maps: finding id → (D, H, W) float32 in logit units on the source's grid;
            D is 1 for an image, and for a series whose key slice alone has a map. Maps
            that would be too large have fewer rows and columns, from edge to edge.
        first_slice: index of the slice that a map's D = 0 is.
        key_slice: that shows a series best, or None.
        grid: rows and columns of maps that are coarser than the source, else None.
        mask: (D, H, W) uint8, indices of `labels`, on the source's grid, or None.
        labels: of the mask, the background first.
    """

    maps: dict[str, Array] = field(default_factory=dict)
    first_slice: int = 0
    key_slice: int | None = None
    grid: tuple[int, int] | None = None
    mask: Array | None = None
    labels: tuple[str, ...] = ()
