"""A mask that a reader drew, as a DICOM segmentation of one segment.

It says who drew it: MANUAL where nothing was there before, SEMIAUTOMATIC where a
bundle's mask was changed (PS3.3 C.8.20.4, Segment Algorithm Type).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
from highdicom import AlgorithmIdentificationSequence, seg
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from medlens.core import UsageError
from medlens.core.diagnosis import Assessment
from medlens.core.terms import Lang, code_of
from medlens.write import codes
from medlens.write.order import Frames, order_frames
from medlens.write.reading.basis import person_name
from medlens.write.segmentation import (
    FAMILY,
    category_of,
    check_shape,
    coded_concept,
    name_frame,
    settle_uids,
)
from medlens.write.source import clean_sources
from medlens.write.stamp import (
    derive_uid,
    key_within,
    make_stamp,
    seal,
    stand_in,
    tracking_of,
    writing,
)
from medlens.write.values import clean_text

SERIES_NUMBER = 9007
SERIES_DESCRIPTION = "Masks drawn by readers"


@dataclass(frozen=True)
class Drawing:
    """What a reader drew.

    Attributes:
        planes: slice index among the assessment's images → (H, W) of True inside.
        label: what it is.
        finding: `id` of the finding, or of one that was added; tells its tracking UID.
        reader: who drew it.
        is_changed: a bundle's mask was there before.
    """

    planes: dict[int, NDArray[np.bool_]] = field(repr=False)
    label: str
    finding: str
    reader: str = field(repr=False)
    is_changed: bool = False


def to_drawn_segmentation(
    assessment: Assessment,
    drawing: Drawing,
    sources: Sequence[Dataset],
    *,
    key: str,
    series_key: str,
    number: int = 1,
    lang: Lang = "en",
    when: datetime | None = None,
) -> Dataset:
    """A whole data set with file meta; `to_bytes` makes the file.

    It lies on the slices that were drawn on, and no others.

    Args:
        assessment: whose images the slices are.
        drawing: with at least one pixel inside.
        sources: headers of those images, in any order, or of the multi-frame image.
        key: UIDs are derived from it, within the study and for the bundle.
        series_key: the same for all drawings of one series.
        number: Instance Number.
        lang: of the description.
        when: it was drawn; now by default.

    Raises:
        UsageError: nothing is drawn, or it does not fit the images.
        ReadError: a source without usable UIDs, or an image that is no source.
    """
    slices = sorted(d for d, plane in drawing.planes.items() if plane.any())
    if not slices:
        raise UsageError("mask: no pixel is inside; draw something, or reject instead")
    drawn_on = replace(assessment, images=tuple(assessment.images[d] for d in slices))
    mask = np.stack([drawing.planes[d] for d in slices]).astype(np.uint8)
    cleaned = clean_sources(sources)
    with writing("mask"):
        stamp = make_stamp(
            "segmentation",
            assessment,
            cleaned,
            key=key_within(cleaned, key, assessment.algorithm.digest),
            lang=lang,
            when=when,
        )
        frames = order_frames(drawn_on.images, stand_in(cleaned))
        check_shape(mask, frames, drawn_on)
        result = seg.Segmentation(
            source_images=frames.sources,
            pixel_array=_on_frames(mask, frames),
            segmentation_type=seg.SegmentationTypeValues.BINARY,
            segment_descriptions=[_segment(assessment, drawing)],
            content_label="READER_MASK",
            content_description=clean_text(SERIES_DESCRIPTION, 64),
            content_creator_name=name_of_reader(drawing.reader),
            **stamp.arguments()
            | {
                "series_instance_uid": derive_uid(series_key, "drawn", "series"),
                "series_number": SERIES_NUMBER,
                "series_description": SERIES_DESCRIPTION,
                "instance_number": number,
            },
        )
        settle_uids(result, stamp.uid("dimensions"))
        name_frame(result, frames.frame)
        if "FrameOfReferenceUID" not in result:
            result.PatientOrientation = cleaned[0].get("PatientOrientation", "")
        return seal(result, stamp, cleaned)


def name_of_reader(account: str) -> str:
    """The name of an account as a PN that highdicom takes: a family name alone.

    >>> name_of_reader("dr.wang")
    'dr.wang^'
    """
    return f"{person_name(account)[:63].strip()}^"


def _on_frames(mask: NDArray[np.uint8], frames: Frames) -> NDArray[np.uint8]:
    placed = np.zeros((len(frames.order), *mask.shape[1:]), dtype=np.uint8)
    for frame, index in enumerate(frames.order):
        if index is not None:
            placed[frame] = mask[index]
    return placed


def _segment(assessment: Assessment, drawing: Drawing) -> Any:
    uid, identifier = tracking_of(assessment, drawing.finding)
    kinds = seg.SegmentAlgorithmTypeValues
    algorithm = assessment.algorithm
    by = None
    if drawing.is_changed:
        by = AlgorithmIdentificationSequence(
            name=clean_text(algorithm.name, 64) or "-",
            family=coded_concept(FAMILY),
            version=clean_text(algorithm.version, 64) or "-",
            parameters={"bundle digest": algorithm.digest},
        )
    return seg.SegmentDescription(
        segment_number=1,
        segment_label=clean_text(drawing.label, 64) or "?",
        segmented_property_category=coded_concept(category_of(drawing.label)),
        segmented_property_type=coded_concept(
            codes.label_code(drawing.label, code_of(drawing.label))
        ),
        algorithm_type=kinds.SEMIAUTOMATIC if drawing.is_changed else kinds.MANUAL,
        algorithm_identification=by,
        tracking_uid=uid,
        tracking_id=identifier,
    )
