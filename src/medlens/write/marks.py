"""Which marks an assessment leaves on which images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from medlens.core import Array, ReadError
from medlens.core.diagnosis import Assessment, Finding, ImageRef
from medlens.core.terms import Lang
from medlens.write.source import PLANE, is_in_patient
from medlens.write.text_finding import label_name, percent


@dataclass(frozen=True)
class Mark:
    """A finding that is present, on the image that shows it best.

    Attributes:
        finding: what.
        image: where, with its frame.
        source: that image's clean header.
        box: (left, top, right, bottom) inside the image, or None.
        point: (column, row) of its centre where there is no box, or None.
    """

    finding: Finding
    image: ImageRef
    source: Dataset
    box: tuple[float, float, float, float] | None
    point: tuple[float, float] | None


def find_marks(assessment: Assessment, sources: Sequence[Dataset]) -> list[Mark]:
    """Marks of the findings that are present and have an image, in their order.

    Args:
        assessment: of any status.
        sources: clean, with all images that it speaks of.

    Raises:
        ReadError: an image is not among the sources.
    """
    known = {str(source.SOPInstanceUID): source for source in sources}
    return [
        _mark(finding, finding.place.image, known)
        for finding in assessment.findings
        if finding.is_present and finding.place.image is not None
    ]


def tell_mark(finding: Finding, lang: Lang) -> str:
    """What stands beside a mark: the label and its probability."""
    said = label_name(finding.label, lang)
    if finding.probability is None:
        return said
    return f"{said} {percent(finding.probability, finding.threshold)} %"


def plane_of(source: Dataset, frame: int | None) -> Dataset:
    """Position, orientation, spacing, window and rescale of one frame, flat."""
    if "PerFrameFunctionalGroupsSequence" not in source:
        return source
    groups = source.PerFrameFunctionalGroupsSequence
    own = groups[min(frame or 1, len(groups)) - 1]
    flat = Dataset()
    for group in (source.SharedFunctionalGroupsSequence[0], own):
        for name in PLANE:
            for part in group.get(name, []):
                flat.update(part)
    return flat


def _mark(finding: Finding, image: ImageRef, known: Mapping[str, Dataset]) -> Mark:
    source = known.get(image.sop_instance_uid)
    if source is None:
        raise ReadError(
            f"{image.case}: the assessment speaks of this image, which is not among "
            "the sources; pass the headers of all its images"
        )
    box = None
    if finding.place.box is not None:
        box = _inside(finding.place.box, source)
    point = None if box else _project(finding, image, source)
    return Mark(finding, image, source, box, point)


def _inside(
    box: tuple[float, float, float, float], source: Dataset
) -> tuple[float, float, float, float] | None:
    """The part of a box that lies on the image, or None."""
    columns, rows = float(source.get("Columns", 0)), float(source.get("Rows", 0))
    left, top = max(box[0], 0.0), max(box[1], 0.0)
    right, bottom = min(box[2], columns), min(box[3], rows)
    return (left, top, right, bottom) if left < right and top < bottom else None


def _project(
    finding: Finding, image: ImageRef, source: Dataset
) -> tuple[float, float] | None:
    """Where the centre lies on the image (PS3.3 C.7.6.2.1.1, solved for the pixel).

    Pixel centres have whole indices there; marks count from the corner of the first.
    """
    centre = finding.place.centre_mm
    if centre is None or not is_in_patient(source):
        return None
    plane = plane_of(source, image.frame)
    axes: Array = np.array(plane.ImageOrientationPatient, dtype=float).reshape(2, 3)
    spacing = np.array(plane.PixelSpacing, dtype=float)
    apart = np.subtract(centre, np.array(plane.ImagePositionPatient, dtype=float))
    column = float(axes[0] @ apart / spacing[1]) + 0.5
    row = float(axes[1] @ apart / spacing[0]) + 0.5
    is_on_it = 0 <= column <= source.Columns and 0 <= row <= source.Rows
    return (column, row) if is_on_it else None
