"""Measurement groups of a structured report (TID 1501, 1410, 1411).

Each assessment has one group about itself, then one for each finding. The groups of
one assessment share its number as Activity Session; a finding's Tracking Identifier is
the bundle's name and the finding's id. Both templates are extensible (PS3.16 A),
so that what they have no row for follows as private content.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from highdicom import sr
from pydicom.dataset import Dataset

from medlens.core import ReadError
from medlens.core.diagnosis import (
    Assessment,
    Change,
    Code,
    Finding,
    ImageRef,
    Place,
)
from medlens.core.terms import Lang
from medlens.write import codes
from medlens.write.codes import concept, value
from medlens.write.report_items import (
    CONTAINS,
    choice,
    coded,
    measurement,
    number,
    numbers,
    text,
    texts,
    to_ranges,
)
from medlens.write.source import is_in_patient
from medlens.write.stamp import tracking_of

CENTER = Code("111010", "DCM", "Center")  # CID 219
KEY_IMAGE = Code("121080", "DCM", "Best illustration of finding")  # CID 7003


@dataclass(frozen=True)
class Context:
    """What all groups of a report share.

    Attributes:
        sources: clean, by SOP Instance UID.
        segments: tracking UID → (SEG, segment number).
        lang: of private concepts.
    """

    sources: Mapping[str, Dataset]
    segments: Mapping[str, tuple[Dataset, int]]
    lang: Lang

    def source_of(self, image: ImageRef) -> Dataset:
        """The source that an image is, or a frame of."""
        try:
            return self.sources[image.sop_instance_uid]
        except KeyError:
            raise ReadError(
                f"{image.case}: the diagnosis speaks of this image, which is not "
                "among the sources; pass the headers of all its images"
            ) from None


def assessment_group(number_: int, assessment: Assessment, context: Context) -> Any:
    """What a bundle says of the whole: status, advice, doubt, what it looked at."""
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking_item(assessment, ""),
        session=str(number_),
        algorithm_id=_algorithm(assessment),
    )
    name = _namer(context)
    items = [
        choice(name("status"), value(assessment.status, context.lang)),
        choice(name("advice"), value(assessment.advice, context.lang)),
        *texts(name("modality"), assessment.modality),
        *texts(name("body_part"), assessment.body_part),
        *(text(name("prediction_set"), label) for label in assessment.prediction_set),
        *numbers(name("coverage"), assessment.coverage, "1"),
        *_outside(assessment, context),
        *texts(name("reason"), assessment.reason),
        *(text(name("note"), note) for note in assessment.notes),
    ]
    group[0].ContentSequence.extend(items)
    return group


def finding_group(
    number_: int, assessment: Assessment, finding: Finding, context: Context
) -> Any:
    """What was found, where, how large, how sure, and how it changed."""
    name = _namer(context)
    shared = {
        "tracking_identifier": tracking_item(assessment, finding.id),
        "session": str(number_),
        "algorithm_id": _algorithm(assessment),
        "finding_type": coded(codes.label_code(finding.label, finding.code)),
        "finding_sites": _sites(assessment, finding.place),
        "measurements": [
            measurement(codes.QUANTITIES[quantity.kind], quantity)
            for quantity in finding.quantities
        ],
    }
    group, is_region_told = _region(shared, assessment, finding, context)
    items = [
        choice(name("presence"), codes.PRESENT if finding.is_present else codes.ABSENT),
        text(name("label"), finding.label),
        *numbers(name("probability"), finding.probability, "1"),
        *numbers(name("threshold"), finding.threshold, "1"),
        *texts(name("operating_point"), finding.operating_point),
        *texts(name("slices"), to_ranges(finding.slices)),
        *numbers(name("parts"), finding.parts, "1"),
        *_placed(finding.place, context, has_site=bool(shared["finding_sites"])),
    ]
    if finding.place.box is not None and not is_region_told:
        items.append(_box(finding.place, context))
    if finding.change is not None:
        items += _changed(finding.change, context)
    group[0].ContentSequence.extend(items)
    return group


def _namer(context: Context) -> Any:
    return lambda name: concept(name, context.lang)


def tracking_item(assessment: Assessment, finding_id: str) -> Any:
    """Identifier and UID of a finding (TID 4108)."""
    uid, identifier = tracking_of(assessment, finding_id)
    return sr.TrackingIdentifier(uid=uid, identifier=identifier)


def _algorithm(assessment: Assessment) -> Any:
    """TID 4019; the digest says exactly which weights, the version what ran them."""
    algorithm = assessment.algorithm
    pairs = {
        "bundle digest": algorithm.digest,
        "form": algorithm.form,
        "kind": algorithm.kind,
        "intended use": algorithm.intended_use,
    }
    return sr.AlgorithmIdentification(
        name=algorithm.name or "-",
        version=algorithm.version or "-",
        parameters=[f"{name}: {what}" for name, what in pairs.items() if what],
    )


def _outside(assessment: Assessment, context: Context) -> list[Any]:
    outside = assessment.out_of_distribution
    if outside is None:
        return []
    name = _namer(context)
    return [
        choice(name("outside"), codes.YES if outside.flag else codes.NO),
        *numbers(name("outside_score"), outside.score, "1"),
        *numbers(name("outside_threshold"), outside.threshold, "1"),
    ]


def _sites(assessment: Assessment, place: Place) -> list[Any]:
    region = codes.BODY_PARTS.get(assessment.body_part.upper())
    if region is None:
        return []
    side = codes.SIDES.get(place.laterality)
    return [sr.FindingSite(coded(region), laterality=coded(side) if side else None)]


def _region(
    shared: dict[str, Any], assessment: Assessment, finding: Finding, context: Context
) -> tuple[Any, bool]:
    """The group by what marks the finding: a segment, a box, or nothing."""
    segment = context.segments.get(tracking_of(assessment, finding.id)[0])
    if segment is not None:
        dataset, segment_number = segment
        source = context.source_of(assessment.images[0])
        referenced = sr.ReferencedSegment(
            sop_class_uid=dataset.SOPClassUID,
            sop_instance_uid=dataset.SOPInstanceUID,
            segment_number=segment_number,
            source_series=sr.SourceSeriesForSegmentation(source.SeriesInstanceUID),
        )
        return (
            sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
                referenced_segment=referenced, **shared
            ),
            False,
        )
    if finding.place.box is not None and finding.place.image is not None:
        source = context.source_of(finding.place.image)
        region = sr.ImageRegion(
            graphic_type="POLYLINE",
            graphic_data=outline_of(finding.place.box),
            source_image=sr.SourceImageForRegion(
                *reference_of(finding.place.image, source)
            ),
        )
        return (
            sr.PlanarROIMeasurementsAndQualitativeEvaluations(
                referenced_region=region, **shared
            ),
            True,
        )
    return sr.MeasurementsAndQualitativeEvaluations(**shared), False


def outline_of(box: tuple[float, float, float, float]) -> Any:
    """(5, 2) corners as column, row; the first pixel's corner is 0, 0 in SCOORD too
    (PS3.3 C.18.6.1.2)."""
    left, top, right, bottom = box
    return np.array(
        [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]],
        dtype=np.float64,
    )


def _box(place: Place, context: Context) -> Any:
    if place.image is None or place.box is None:
        raise ReadError("a finding has a box without the image that it lies on")
    region = sr.ScoordContentItem(
        # Not Image Region: a group of TID 1411 has that or a segment, never both.
        name=coded(concept("box", context.lang)),
        graphic_type="POLYLINE",
        graphic_data=outline_of(place.box),
        relationship_type=CONTAINS,
    )
    source = context.source_of(place.image)
    region.ContentSequence = sr.ContentSequence(
        [sr.SourceImageForRegion(*reference_of(place.image, source))]
    )
    return region


def _placed(place: Place, context: Context, *, has_site: bool) -> list[Any]:
    items: list[Any] = []
    name = _namer(context)
    if place.laterality and not has_site:
        items.append(choice(codes.LATERALITY, codes.SIDES[place.laterality]))
    if place.slice_index is not None:
        items.append(number(name("slice_number"), place.slice_index + 1, "1"))
    if place.image is not None:
        source = context.source_of(place.image)
        items.append(image_item(KEY_IMAGE, place.image, source))
    if place.centre_mm is not None:
        items += _centre(place, context)
    return items


def _centre(place: Place, context: Context) -> list[Any]:
    """SCOORD3D, where the sources say which patient space it lies in."""
    source = next(iter(context.sources.values()))
    if place.image is not None:
        source = context.source_of(place.image)
    if not is_in_patient(source) or place.centre_mm is None:
        return []
    return [
        sr.Scoord3DContentItem(
            name=coded(CENTER),
            graphic_type="POINT",
            graphic_data=np.array([place.centre_mm], dtype=np.float64),
            frame_of_reference_uid=source.FrameOfReferenceUID,
            relationship_type=CONTAINS,
        )
    ]


def _changed(change: Change, context: Context) -> list[Any]:
    name = _namer(context)
    items = [choice(name("trend"), value(change.trend, context.lang))]
    if change.before is not None:
        before = change.before
        items += numbers(name(f"prior_{before.kind}"), before.value, before.unit)
    items += numbers(name("prior_probability"), change.prior_probability, "1")
    items += numbers(name("days"), change.days, "d")
    return items


def image_item(name: Code, image: ImageRef, source: Dataset) -> Any:
    """IMAGE: a reference, with its frame where the source has several."""
    class_uid, instance_uid, frames = reference_of(image, source)
    return sr.ImageContentItem(
        name=coded(name),
        referenced_sop_class_uid=class_uid,
        referenced_sop_instance_uid=instance_uid,
        referenced_frame_numbers=frames,
        relationship_type=CONTAINS,
    )


def reference_of(image: ImageRef, source: Dataset) -> tuple[str, str, list[int] | None]:
    """Class, instance, and the frame where the source has several."""
    is_multiple = "NumberOfFrames" in source and image.frame is not None
    frames = [image.frame] if is_multiple and image.frame else None
    return source.SOPClassUID, source.SOPInstanceUID, frames
