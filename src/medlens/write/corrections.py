"""What readers said of findings as a DICOM structured report (TID 1500).

One measurement group for each reader's last word on a finding, under the finding's own
tracking UID, so that it can be laid beside the report of the models. Comments are left
out: they are for colleagues.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from highdicom import sr
from pydicom.dataset import Dataset

from medlens.core import UsageError
from medlens.core.diagnosis import Assessment, Code, Diagnosis, Finding, ImageRef
from medlens.core.terms import Lang, code_of
from medlens.write import codes
from medlens.write.codes import concept
from medlens.write.drawn import name_of_reader
from medlens.write.report_frame import (
    device_observer,
    measurement_report,
    unverified,
)
from medlens.write.report_groups import outline_of, reference_of, tracking_item
from medlens.write.report_items import CONTAINS, choice, coded, text, texts
from medlens.write.source import clean_sources
from medlens.write.stamp import (
    key_within,
    make_stamp,
    seal,
    stand_in,
    writing,
)

SERIES_NUMBER = 9008
SERIES_DESCRIPTION = "Corrections by readers"
PERSON = Code("121006", "DCM", "Person")
OBSERVER_TYPE = Code("121005", "DCM", "Observer Type")
OBSERVER_NAME = Code("121008", "DCM", "Person Observer Name")
_OBSERVES = sr.RelationshipTypeValues.HAS_OBS_CONTEXT
VERDICT = ("VERDICT", "Verdict of a reader", "医师意见")
OLD_LABEL = ("OLD_LABEL", "Label that the algorithm gave", "算法原标签")
VERDICTS: dict[str, tuple[str, str, str]] = {
    "accept": ("ACCEPTED", "Accepted as it stands", "接受"),
    "reject": ("REJECTED", "Rejected: the other way round", "否定"),
    "correct": ("CORRECTED", "Corrected", "更正"),
    "add": ("ADDED", "Added: the algorithm missed it", "补充"),
}
NOTICES = {
    "en": "What readers said of AI findings. Research software, not a medical device.",
    "zh": "医师对 AI 所见的意见。研究软件，不是医疗器械。",
}


@dataclass(frozen=True)
class Said:
    """One reader's last word on one finding.

    Attributes:
        assessment: index among the diagnosis' assessments.
        finding: `id` of it, or the name of one that was added.
        verdict: "accept", "reject", "correct" or "add".
        label: what it is by the reader.
        is_present: whether that is there by the reader.
        reader: their name.
        at: when, with a time zone.
        image, box: where, or None; the box in pixels of the image.
        mask: a segmentation of the study, without its pixels, or None.
    """

    assessment: int
    finding: str
    verdict: str
    label: str
    is_present: bool
    reader: str = field(repr=False)
    at: datetime
    image: ImageRef | None = None
    box: tuple[float, float, float, float] | None = None
    mask: Dataset | None = field(default=None, repr=False)


def to_corrections_report(
    diagnosis: Diagnosis,
    said: Sequence[Said],
    sources: Sequence[Dataset],
    *,
    key: str,
    lang: Lang = "en",
    when: datetime | None = None,
) -> Dataset:
    """A whole data set with file meta; `to_bytes` makes the file.

    Args:
        diagnosis: that was spoken of.
        said: at least one word.
        sources: headers of the images that the words speak of, and of the first image
            of each assessment spoken of.
        key: UIDs are derived from it, within the study and the moment.
        lang: of private concepts.
        when: of the document; now by default.

    Raises:
        UsageError: nobody said anything.
        ReadError: a source without usable UIDs.
    """
    if not said:
        raise UsageError("corrections: no reader has said anything yet")
    cleaned = clean_sources(sources)
    with writing("report"):
        stamp = make_stamp(
            "report",
            diagnosis,
            cleaned,
            key=key_within(cleaned, key, when.isoformat() if when else ""),
            lang=lang,
            when=when,
        )
        lent = stand_in(cleaned)
        by_uid = {str(source.SOPInstanceUID): source for source in lent}
        masks = {str(s.mask.SOPInstanceUID): s.mask for s in said if s.mask is not None}
        report = sr.ComprehensiveSR(
            evidence=[*lent, *masks.values()],
            content=_content(diagnosis, said, by_uid, lang),
            **unverified(),
            **stamp.arguments()
            | {
                "series_number": SERIES_NUMBER,
                "series_description": SERIES_DESCRIPTION,
            },
        )
        return seal(report, stamp, cleaned)


def _content(
    diagnosis: Diagnosis,
    said: Sequence[Said],
    sources: dict[str, Dataset],
    lang: Lang,
) -> Any:
    spoken = sorted({word.assessment for word in said})
    report = measurement_report(
        [
            _group(diagnosis.assessments[word.assessment], word, sources, lang)
            for word in said
        ],
        [diagnosis.assessments[at] for at in spoken],
        observers=_observers(said),
        lang=lang,
    )
    report[0].ContentSequence.append(text(concept("notice", lang), NOTICES[lang]))
    return report


def _observers(said: Sequence[Said]) -> Any:
    """TID 1001: the reader, or where there are several what put them together; each
    group names its own."""
    readers = {word.reader for word in said}
    if len(readers) == 1:
        person = sr.PersonObserverIdentifyingAttributes(name_of_reader(readers.pop()))
        return sr.ObservationContext(
            observer_person_context=sr.ObserverContext(coded(PERSON), person)
        )
    return device_observer()


def _group(
    assessment: Assessment, word: Said, sources: dict[str, Dataset], lang: Lang
) -> Any:
    before = next((f for f in assessment.findings if f.id == word.finding), None)
    shared = {
        "tracking_identifier": tracking_item(assessment, word.finding),
        "session": str(word.assessment + 1),
        "finding_type": coded(codes.label_code(word.label, _code_of(word, before))),
    }
    group = _marked(shared, assessment, word, sources)
    items = group[0].ContentSequence
    items.extend(
        [
            sr.CodeContentItem(
                name=coded(OBSERVER_TYPE),
                value=coded(PERSON),
                relationship_type=_OBSERVES,
            ),
            sr.PnameContentItem(
                name=coded(OBSERVER_NAME),
                value=name_of_reader(word.reader),
                relationship_type=_OBSERVES,
            ),
            choice(_own(VERDICT, lang), _own(VERDICTS[word.verdict], lang)),
            choice(
                concept("presence", lang),
                codes.PRESENT if word.is_present else codes.ABSENT,
            ),
            text(concept("label", lang), word.label),
        ]
    )
    if before is not None and before.label != word.label:
        items.extend(texts(_own(OLD_LABEL, lang), before.label))
    if word.box is not None and word.image is not None and word.mask is not None:
        items.append(_box(word.image, word.box, sources, lang))
    # When it was said: of this item and what is below it (PS3.3 C.17.3).
    group[0].ObservationDateTime = word.at.strftime("%Y%m%d%H%M%S%z")
    return group


def _code_of(word: Said, before: Finding | None) -> Code | None:
    if before is not None and before.label == word.label:
        return before.code
    return code_of(word.label)


def _marked(
    shared: dict[str, Any],
    assessment: Assessment,
    word: Said,
    sources: dict[str, Dataset],
) -> Any:
    """The group by what marks the finding: a segment, a box, or nothing."""
    if word.mask is not None:
        series = sources[assessment.images[0].sop_instance_uid].SeriesInstanceUID
        segment = sr.ReferencedSegment(
            sop_class_uid=word.mask.SOPClassUID,
            sop_instance_uid=word.mask.SOPInstanceUID,
            segment_number=_segment_of(word),
            source_series=sr.SourceSeriesForSegmentation(series),
        )
        return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
            referenced_segment=segment, **shared
        )
    if word.box is not None and word.image is not None:
        source = sources[word.image.sop_instance_uid]
        region = sr.ImageRegion(
            graphic_type="POLYLINE",
            graphic_data=outline_of(word.box),
            source_image=sr.SourceImageForRegion(*reference_of(word.image, source)),
        )
        return sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            referenced_region=region, **shared
        )
    return sr.MeasurementsAndQualitativeEvaluations(**shared)


def _segment_of(word: Said) -> int:
    """The segment of the word's label, the first where none is called so."""
    assert word.mask is not None
    for segment in word.mask.SegmentSequence:
        if str(segment.SegmentLabel) == word.label:
            return int(segment.SegmentNumber)
    return int(word.mask.SegmentSequence[0].SegmentNumber)


def _box(
    image: ImageRef,
    box: tuple[float, float, float, float],
    sources: dict[str, Dataset],
    lang: Lang,
) -> Any:
    region = sr.ScoordContentItem(
        name=coded(concept("box", lang)),
        graphic_type="POLYLINE",
        graphic_data=outline_of(box),
        relationship_type=CONTAINS,
    )
    source = sources[image.sop_instance_uid]
    region.ContentSequence = sr.ContentSequence(
        [sr.SourceImageForRegion(*reference_of(image, source))]
    )
    return region


def _own(row: tuple[str, str, str], lang: Lang) -> Code:
    return Code(row[0], codes.SCHEME, row[2 if lang == "zh" else 1])
