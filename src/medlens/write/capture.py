"""A picture of the result as a DICOM Secondary Capture, for viewers that know no more.

"AI result, not verified" stands on it for good, above what was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
from highdicom.sc import SCImage
from highdicom.sr import CodedConcept
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from medlens.core import ReadError, UsageError
from medlens.core.diagnosis import Assessment, Diagnosis, Finding, ImageRef
from medlens.core.terms import Lang
from medlens.write import codes
from medlens.write.banner import add_banner
from medlens.write.marks import plane_of
from medlens.write.source import clean_sources, copy_body_part, is_in_patient
from medlens.write.stamp import make_stamp, seal, stand_in, writing
from medlens.write.text import to_conclusion
from medlens.write.text_finding import label_name, tell_finding
from medlens.write.values import clean_text
from medlens.write.words import say

LONGEST_SIDE = 16384  # of the picture; nobody looks at more


def to_secondary_capture(
    assessment: Assessment,
    picture: NDArray[np.uint8],
    sources: Sequence[Dataset],
    *,
    image: ImageRef | None = None,
    evidence_of: str = "",
    lang: Lang = "en",
    key: str = "",
    when: datetime | None = None,
) -> Dataset:
    """A whole data set with file meta; `to_bytes` makes the file.

    Args:
        assessment: what is written below the picture.
        picture: (H, W) or (H, W, 3) uint8, R, G, B: the image as its file asks to be
            shown, with its evidence if there is any; of any size.
        sources: headers of all images that the assessment speaks of.
        image: that the picture shows; by default `key_image` of the assessment.
        evidence_of: label whose evidence colours the picture, "" where none does.
        lang: of the words.
        key: UIDs are derived from it; by default from assessment, sources and lang.
        when: it was made; now by default.

    Raises:
        ReadError: a source without usable UIDs, or an image that is no source.
        UsageError: not such a picture, or larger than 16,384 along a side.
    """
    _check_picture(picture, assessment)
    cleaned = clean_sources(sources)
    shown = image or key_image(assessment)
    with writing("capture"):
        stamp = make_stamp(
            "capture", assessment, cleaned, key=key, lang=lang, when=when
        )
        source = _find(shown, cleaned)
        lent = stand_in([source])[0]
        pixels = add_banner(
            picture,
            title=codes.CORNER[lang],
            lines=[
                *tell_picture(assessment, shown, evidence_of, lang),
                *tell_lines(assessment, lang),
            ],
        )
        arguments = stamp.arguments()
        model = arguments.pop("manufacturer_model_name")
        serial = arguments.pop("device_serial_number")
        capture = SCImage.from_ref_dataset(
            lent,
            pixel_array=pixels,
            photometric_interpretation="RGB",
            bits_allocated=8,
            coordinate_system="PATIENT",
            patient_orientation=("L", "P"),  # `_orient` says what is true
            transfer_syntax_uid=ExplicitVRLittleEndian,
            manufacturer_model_name=model,
            device_serial_number=serial,
            **arguments,
        )
        capture.copy_patient_and_study_information(lent)
        _orient(capture, source, shown)
        _describe(capture, source, shown, lang)
        capture.DateOfSecondaryCapture = stamp.when.strftime("%Y%m%d")
        capture.TimeOfSecondaryCapture = stamp.when.strftime("%H%M%S.%f")
        capture.SecondaryCaptureDeviceManufacturer = arguments["manufacturer"]
        capture.SecondaryCaptureDeviceManufacturerModelName = model
        capture.SecondaryCaptureDeviceSoftwareVersions = arguments["software_versions"]
        return seal(capture, stamp, cleaned)


def key_image(assessment: Assessment) -> ImageRef:
    """The image that shows the first finding best, else the middle one.

    Raises:
        UsageError: the assessment names no image.
    """
    for finding in assessment.findings:
        if finding.is_present and finding.place.image is not None:
            return finding.place.image
    if not assessment.images:
        raise UsageError("the assessment names no image; there is nothing to show")
    return assessment.images[len(assessment.images) // 2]


def tell_picture(
    assessment: Assessment, shown: ImageRef, evidence_of: str, lang: Lang
) -> list[str]:
    """Which slice is shown, and what its colours mean; [] where there is neither.

    Args:
        assessment: that names the images.
        shown: one of them.
        evidence_of: label, or "".
        lang: of the words.
    """
    images, parts = assessment.images, []
    places = [each.place.image for each in assessment.findings if each.is_present]
    # Of an interpolated volume the picture is next to an image, and is none of them.
    if len(images) > 1 and shown in images and (shown in places or not places):
        at = images.index(shown) + 1
        parts.append(say("shown", lang, number=at, count=len(images)))
    if evidence_of:
        parts.append(say("colours", lang, name=label_name(evidence_of, lang)))
    said = say("semicolon", lang).join(parts)
    return [clean_text(said[:1].upper() + said[1:] + say("end", lang), 500)] * bool(
        said
    )


def tell_lines(assessment: Assessment, lang: Lang) -> list[str]:
    """What stands below the picture: findings, what to do, and who says so.

    Coordinates and keys of files are left out: a reader of a picture has no use for
    them, and what is burned in cannot be taken back.
    """
    images = len(assessment.images)
    algorithm = assessment.algorithm
    found = [
        tell_finding(_without_numbers(finding), lang, images=images)
        for finding in assessment.findings
        if finding.is_present
    ]
    said = to_conclusion(Diagnosis("", (assessment,)), lang=lang).splitlines()
    who = f"{algorithm.name}, medlens {algorithm.version}"
    return [clean_text(line, 500) for line in (*found, *said, who) if line.strip()]


def _without_numbers(finding: Finding) -> Finding:
    place = replace(finding.place, image=None, box=None, centre_mm=None)
    return replace(finding, place=place)


def _check_picture(picture: NDArray[np.uint8], assessment: Assessment) -> None:
    is_shaped = picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 3)
    is_small = picture.size and max(picture.shape[:2]) <= LONGEST_SIDE
    if picture.dtype == np.uint8 and is_shaped and is_small:
        return
    name = assessment.images[0].case if assessment.images else "capture"
    raise UsageError(
        f"{name}: the picture is {picture.dtype} of shape {picture.shape}; wanted "
        f"uint8 (H, W) or (H, W, 3), at most {LONGEST_SIDE:,} along a side"
    )


def _find(image: ImageRef, sources: Sequence[Dataset]) -> Dataset:
    for source in sources:
        if str(source.SOPInstanceUID) == image.sop_instance_uid:
            return source
    raise ReadError(
        f"{image.case}: the picture shows this image, which is not among the sources; "
        "pass its header"
    )


def _orient(capture: Dataset, source: Dataset, image: ImageRef) -> None:
    capture.PatientOrientation = patient_orientation(source, image) or ""
    if "Laterality" in capture:
        del capture.Laterality
    copy_body_part(source, capture)


def patient_orientation(source: Dataset, image: ImageRef) -> list[str]:
    """Where rows and columns run to, as ["L", "P"] (PS3.3 C.7.6.1.1.1).

    Args:
        source: clean.
        image: which of its frames.

    Returns:
        [] where it is not known.
    """
    told = [str(part) for part in source.get("PatientOrientation") or ()]
    if not told and is_in_patient(source):
        plane = plane_of(source, image.frame)
        direction = [float(value) for value in plane.ImageOrientationPatient]
        told = [_letters(direction[:3]), _letters(direction[3:])]
    return told


def _letters(direction: Sequence[float]) -> str:
    """Where a direction points: the largest part first, parts below 0.1 left out."""
    pairs = zip(direction, ("LR", "PA", "HF"), strict=True)
    parts = sorted(((abs(v), names[v < 0]) for v, names in pairs), reverse=True)
    return "".join(name for size, name in parts if size >= 0.1)


def _describe(capture: Dataset, source: Dataset, image: ImageRef, lang: Lang) -> None:
    """Where it comes from, and that there are words in its pixels."""
    capture.ConversionType = "WSD"
    capture.BurnedInAnnotation = "YES"
    capture.RecognizableVisualFeatures = "NO"
    capture.DerivationDescription = (
        f"{codes.NOTICES['en']} The source as its file asks to be shown, with words "
        "above and below it."
    )
    capture.ImageComments = codes.NOTICES[lang]
    reference = Dataset()
    reference.ReferencedSOPClassUID = source.SOPClassUID
    reference.ReferencedSOPInstanceUID = source.SOPInstanceUID
    if int(source.get("NumberOfFrames") or 1) > 1 and image.frame:
        reference.ReferencedFrameNumber = image.frame
    reference.PurposeOfReferenceCodeSequence = [
        CodedConcept("121322", "DCM", "Source image for image processing operation")
    ]
    capture.SourceImageSequence = [reference]
    capture.LossyImageCompression = "00"
