"""A diagnosis as a DICOM structured report: TID 1500, Measurement Report.

Comprehensive 3D SR where a finding has a place in the patient, else Comprehensive SR.
It says of itself that it is PRELIMINARY and UNVERIFIED: no reader has seen it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from highdicom import sr
from pydicom.dataset import Dataset

from medlens.core import UsageError
from medlens.core.diagnosis import Assessment, Code, Diagnosis
from medlens.core.terms import Lang
from medlens.write import codes
from medlens.write.codes import concept
from medlens.write.report_frame import (
    device_observer,
    measurement_report,
    unverified,
)
from medlens.write.report_groups import (
    Context,
    assessment_group,
    finding_group,
    image_item,
)
from medlens.write.report_items import (
    CONTAINS,
    HAS_PROPERTIES,
    choice,
    coded,
    text,
)
from medlens.write.source import clean_sources
from medlens.write.stamp import make_stamp, seal, stand_in, writing

LIBRARY = Code("111028", "DCM", "Image Library")
LIBRARY_GROUP = Code("126200", "DCM", "Image Library Group")
LIBRARY_IMAGE = Code("260753009", "SCT", "Source")
EVALUATIONS = Code("C0034375", "UMLS", "Qualitative Evaluations")


def to_structured_report(
    diagnosis: Diagnosis,
    sources: Sequence[Dataset],
    *,
    segmentations: Sequence[Dataset] = (),
    lang: Lang = "en",
    key: str = "",
    when: datetime | None = None,
) -> Dataset:
    """A whole data set with file meta; `to_bytes` makes the file.

    Args:
        diagnosis: of one study, with at least one assessment.
        sources: headers of all images that it speaks of; pixels are not needed.
        segmentations: of `to_segmentation`; findings of masks then point at their
            segments (TID 1411).
        lang: of private concepts; labels stay the bundle's own.
        key: UIDs are derived from it; by default from diagnosis, sources and
            language, so that the same answer has the same UIDs.
        when: it was made; now by default.

    Raises:
        ReadError: a source without usable UIDs, or an image that is no source.
        UsageError: nothing was assessed.
    """
    if not diagnosis.assessments:
        raise UsageError(
            f"{diagnosis.case}: no bundle looked at this study; there is nothing to "
            "report: write it only where there is an assessment"
        )
    cleaned = clean_sources(sources)
    with writing("report"):
        stamp = make_stamp("report", diagnosis, cleaned, key=key, lang=lang, when=when)
        lent = stand_in(cleaned)
        context = Context(
            sources={str(source.SOPInstanceUID): source for source in lent},
            segments=_segments(segmentations),
            lang=lang,
        )
        report = _document(_is_3d(diagnosis, context))(
            evidence=[*lent, *segmentations],
            content=_content(diagnosis, context),
            **unverified(),
            **stamp.arguments(),
        )
        return seal(report, stamp, cleaned)


def _is_3d(diagnosis: Diagnosis, context: Context) -> bool:
    return any("FrameOfReferenceUID" in s for s in context.sources.values()) and any(
        finding.place.centre_mm is not None
        for assessment in diagnosis.assessments
        for finding in assessment.findings
    )


def _document(is_3d: bool) -> Any:
    return sr.Comprehensive3DSR if is_3d else sr.ComprehensiveSR


def _segments(segmentations: Sequence[Dataset]) -> dict[str, tuple[Dataset, int]]:
    return {
        str(segment.TrackingUID): (segmentation, int(segment.SegmentNumber))
        for segmentation in segmentations
        for segment in segmentation.SegmentSequence
        if "TrackingUID" in segment
    }


def _content(diagnosis: Diagnosis, context: Context) -> Any:
    report = measurement_report(
        list(_groups(diagnosis, context)),
        diagnosis.assessments,
        observers=device_observer(),
        lang=context.lang,
    )
    rows = report[0].ContentSequence
    measurements = rows.pop()  # TID 1500 wants the library before it
    rows.append(_library(diagnosis.assessments, context))
    rows.append(measurements)
    rows.append(_evaluations(diagnosis, context))
    return report


def _groups(diagnosis: Diagnosis, context: Context) -> Iterator[Any]:
    for number, assessment in enumerate(diagnosis.assessments, start=1):
        yield assessment_group(number, assessment, context)
        for finding in assessment.findings:
            yield finding_group(number, assessment, finding, context)


def _library(assessments: Sequence[Assessment], context: Context) -> Any:
    """TID 1600: one group for each assessment, images in the order of the slices."""
    library = _container(LIBRARY)
    for assessment in assessments:
        group = _container(LIBRARY_GROUP)
        for image in assessment.images:
            source = context.source_of(image)
            group.ContentSequence.append(image_item(LIBRARY_IMAGE, image, source))
        library.ContentSequence.append(group)
    return library


def _container(name: Code) -> Any:
    item = sr.ContainerContentItem(name=coded(name), relationship_type=CONTAINS)
    item.ContentSequence = sr.ContentSequence()
    return item


def _evaluations(diagnosis: Diagnosis, context: Context) -> Any:
    """What concerns the study as a whole."""
    group = _container(EVALUATIONS)
    group.ContentSequence.append(
        text(concept("notice", context.lang), codes.NOTICES[context.lang])
    )
    answer = codes.YES if diagnosis.has_prior else codes.NO
    group.ContentSequence.append(choice(concept("has_prior", context.lang), answer))
    for what, reason in diagnosis.left_out:
        item = text(concept("left_out", context.lang), what)
        item.ContentSequence = sr.ContentSequence(
            [text(concept("left_out_reason", context.lang), reason, HAS_PROPERTIES)]
        )
        group.ContentSequence.append(item)
    return group
