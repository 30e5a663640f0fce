"""A mask as a DICOM segmentation: BINARY, on the source's own frames.

BINARY and not LABELMAP, since most viewers know only the former.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from highdicom import AlgorithmIdentificationSequence, seg
from highdicom.sr import CodedConcept
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from medlens.core import UsageError
from medlens.core.diagnosis import Assessment, Code, Evidence, Finding
from medlens.core.terms import Lang, term_of
from medlens.write import codes
from medlens.write.order import Frames, order_frames
from medlens.write.source import clean_sources
from medlens.write.stamp import make_stamp, seal, stand_in, tracking_of, writing
from medlens.write.values import clean_text

# CID 7247; what kind of network it is, the algorithm's name says.
FAMILY = Code("123110", "DCM", "Artificial Intelligence")
# CID 7150
TISSUE = Code("85756007", "SCT", "Tissue")
ANATOMY = Code("91723000", "SCT", "Anatomical Structure")
ABNORMAL = Code("49755003", "SCT", "Morphologically Abnormal Structure")


def to_segmentation(
    assessment: Assessment,
    evidence: Evidence,
    sources: Sequence[Dataset],
    *,
    lang: Lang = "en",
    key: str = "",
    when: datetime | None = None,
) -> Dataset | None:
    """A whole data set with file meta; `to_bytes` makes the file.

    Args:
        assessment: whose images are the mask's slices, in their order.
        evidence: with a mask (D, H, W) uint8 of indices of its labels.
        sources: headers of those images, in any order, or of the one multi-frame
            image whose frames they are.
        lang: of the description.
        key: UIDs are derived from it; by default from assessment and sources.
        when: it was made; now by default.

    Returns:
        None where every label is empty: DICOM knows no segmentation without a
        segment. Labels without a voxel are left out; `empty_labels` names them.

    Raises:
        UsageError: there is no mask, or it does not fit the images.
        ReadError: a source without usable UIDs, or an image that is no source.
    """
    mask = _mask(assessment, evidence)
    cleaned = clean_sources(sources)
    with writing("segmentation"):
        stamp = make_stamp(
            "segmentation", assessment, cleaned, key=key, lang=lang, when=when
        )
        frames = order_frames(assessment.images, stand_in(cleaned))
        check_shape(mask, frames, assessment)
        numbers = _segment_numbers(mask, evidence.labels)
        if not numbers:
            return None
        findings = {finding.label: finding for finding in assessment.findings}
        segments = [
            _segment(segment, label, findings.get(label), assessment)
            for label, segment in numbers.items()
        ]
        result = seg.Segmentation(
            source_images=frames.sources,
            pixel_array=_relabel(mask, evidence.labels, numbers, frames),
            segmentation_type=seg.SegmentationTypeValues.BINARY,
            segment_descriptions=segments,
            content_label="AI_RESULT",
            content_description=clean_text(codes.CORNER[lang], 64),
            content_creator_name="medlens",
            **stamp.arguments(),
        )
        settle_uids(result, stamp.uid("dimensions"))
        name_frame(result, frames.frame)
        if "FrameOfReferenceUID" not in result:
            result.PatientOrientation = cleaned[0].get("PatientOrientation", "")
        return seal(result, stamp, cleaned)


def _mask(assessment: Assessment, evidence: Evidence) -> NDArray[np.uint8]:
    mask = evidence.mask
    if mask is None or mask.ndim != 3 or mask.dtype != np.uint8 or not mask.size:
        found = "no mask" if mask is None else f"{mask.dtype} of shape {mask.shape}"
        raise UsageError(
            f"{_case(assessment)}: {found} to write as a segmentation; wanted uint8 "
            "(D, H, W), of a bundle that answers with masks"
        )
    if len(evidence.labels) <= int(mask.max()):
        raise UsageError(
            f"{_case(assessment)}: the mask holds {int(mask.max())} where there are "
            f"{len(evidence.labels)} labels; wanted indices of the labels"
        )
    return mask


def _case(assessment: Assessment) -> str:
    return assessment.images[0].case if assessment.images else "segmentation"


def check_shape(
    mask: NDArray[np.uint8], frames: Frames, assessment: Assessment
) -> None:
    """Refuse a mask that does not lie on the pixels of its sources.

    Raises:
        UsageError: says both shapes.
    """
    first = frames.sources[0]
    slices = len(assessment.images)
    wanted = (slices, int(first.get("Rows", 0)), int(first.get("Columns", 0)))
    if mask.shape != wanted:
        raise UsageError(
            f"{_case(assessment)}: the mask is {mask.shape} and the images are "
            f"{wanted} (slices, rows, columns); wanted a mask on the source's own grid"
        )


def empty_labels(evidence: Evidence) -> tuple[str, ...]:
    """Labels that have no voxel in the mask, without the background."""
    if evidence.mask is None:
        return ()
    used = _segment_numbers(evidence.mask, evidence.labels)
    return tuple(label for label in evidence.labels[1:] if label not in used)


def _segment_numbers(mask: NDArray[np.uint8], labels: Sequence[str]) -> dict[str, int]:
    """Numbers from 1 of the labels that have a voxel, in their order."""
    seen = np.zeros(256, dtype=bool)
    for plane in mask:  # a memory-mapped volume need not lie in memory at once
        seen |= np.bincount(plane.reshape(-1), minlength=256) > 0
    used = [label for index, label in enumerate(labels) if index and seen[index]]
    return {label: number for number, label in enumerate(used, start=1)}


def _relabel(
    mask: NDArray[np.uint8],
    labels: Sequence[str],
    numbers: dict[str, int],
    frames: Frames,
) -> NDArray[np.uint8]:
    table = np.zeros(256, dtype=np.uint8)
    for index, label in enumerate(labels):
        table[index] = numbers.get(label, 0) if index else 0
    relabelled = np.zeros((len(frames.order), *mask.shape[1:]), dtype=np.uint8)
    for frame, slice_index in enumerate(frames.order):
        if slice_index is not None:
            np.take(table, mask[slice_index], out=relabelled[frame])
    return relabelled


def _segment(
    segment: int,
    label: str,
    finding: Finding | None,
    assessment: Assessment,
) -> Any:
    code = codes.label_code(label, finding.code if finding else None)
    algorithm = assessment.algorithm
    uid, identifier = tracking_of(assessment, finding.id if finding else label)
    return seg.SegmentDescription(
        segment_number=segment,
        segment_label=clean_text(label, 64) or "?",
        segmented_property_category=coded_concept(category_of(label)),
        segmented_property_type=coded_concept(code),
        algorithm_type=seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=AlgorithmIdentificationSequence(
            name=clean_text(algorithm.name, 64) or "-",
            family=coded_concept(FAMILY),
            version=clean_text(algorithm.version, 64) or "-",
            parameters={"bundle digest": algorithm.digest},
        ),
        tracking_uid=uid,
        tracking_id=identifier,
    )


def category_of(label: str) -> Code:
    """Anatomical structure, abnormality, or tissue where the word tells neither."""
    term = term_of(label)
    if term is None or term.sort == "normal":
        return TISSUE
    return ANATOMY if term.sort == "structure" else ABNORMAL


def coded_concept(code: Code) -> Any:
    """A concept of highdicom, with a meaning that fits."""
    return CodedConcept(code.value, code.scheme, clean_text(code.meaning, 64) or "?")


def settle_uids(result: Dataset, organization: str) -> None:
    """Put a derived UID where highdicom draws one by chance."""
    for name in ("DimensionOrganizationSequence", "DimensionIndexSequence"):
        for item in result.get(name, []):
            if "DimensionOrganizationUID" in item:
                item.DimensionOrganizationUID = organization


def name_frame(result: Dataset, frame: int | None) -> None:
    """Say which frame of a clip was looked at."""
    if frame is None:
        return
    for group in result.PerFrameFunctionalGroupsSequence:
        for derivation in group.get("DerivationImageSequence", []):
            for item in derivation.SourceImageSequence:
                item.ReferencedFrameNumber = frame
