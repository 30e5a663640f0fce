"""What results copy from their source images, made safe first.

A header that came from outside may hold anything: values of another type, too long,
with control characters, none at all. A result must stay valid and must stay with its
patient and study. So each value is copied by one rule of its VR (`values.py`), and the
UIDs of study, series and image must be UIDs, or the source is refused: nothing can be
pointed at without them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pydicom.dataset import Dataset

from medlens.core import ReadError
from medlens.core.quiet import quiet
from medlens.write.luts import copy_table
from medlens.write.values import clean_value

IDENTITY = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
# Type 2 of the Patient and General Study modules: present in every result.
ALWAYS = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
)
PATIENT_AND_STUDY = (
    *ALWAYS,
    "IssuerOfPatientID",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "StudyDescription",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "TimezoneOffsetFromUTC",
)
SERIES = (
    "Modality",
    "SeriesNumber",
    "SeriesDescription",
    "BodyPartExamined",
    "Laterality",
    "PatientPosition",
    "FrameOfReferenceUID",
    "PositionReferenceIndicator",
)
IMAGE = (
    "InstanceNumber",
    "ImageLaterality",
    "PatientOrientation",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "ImagerPixelSpacing",
)
# fmt: off
UNPAIRED = frozenset((
    "ABDOMEN", "ABDOMENPELVIS", "AORTA", "BACK", "BLADDER", "BRAIN", "CEREBELLUM",
    "CERVIX", "CHEST", "CHESTABDOMEN", "CHESTABDPELVIS", "CIRCLEOFWILLIS", "COCCYX",
    "COLON", "CORONARYARTERY", "CSPINE", "CTSPINE", "DUODENUM", "ESOPHAGUS", "FACE",
    "GALLBLADDER", "HEAD", "HEADNECK", "HEART", "ILEUM", "ILIUM", "JAW", "JEJUNUM",
    "LARYNX", "LIVER", "LSPINE", "LSSPINE", "MAXILLA", "MEDIASTINUM", "MOUTH", "NECK",
    "NECKCHEST", "NECKCHESTABDOMEN", "NECKCHESTABDPELV", "NOSE", "PANCREAS", "PELVIS",
    "PENIS", "PHARYNX", "PROSTATE", "RECTUM", "SCALP", "SKULL", "SPINE", "SPLEEN",
    "SSPINE", "STERNUM", "STOMACH", "THYMUS", "THYROID", "TLSPINE", "TONGUE",
    "TRACHEA", "TSPINE", "URETER", "URETHRA", "UTERUS", "VAGINA", "VULVA",
    "WHOLEBODY",
))
# fmt: on
"""Body Part Examined that has no side (PS3.16 Annex L, as dciodvfy reads it)."""
PLANE = {
    "PlanePositionSequence": ("ImagePositionPatient",),
    "PlaneOrientationSequence": ("ImageOrientationPatient",),
    "PixelMeasuresSequence": (
        "PixelSpacing",
        "SliceThickness",
        "SpacingBetweenSlices",
    ),
    "FrameVOILUTSequence": ("WindowCenter", "WindowWidth", "VOILUTFunction"),
    "PixelValueTransformationSequence": ("RescaleIntercept", "RescaleSlope"),
}
"""What a single-frame header holds at its root and a multi-frame one per frame."""


def clean_sources(datasets: Sequence[Dataset]) -> list[Dataset]:
    """Safe copies of the headers of one study's images, in their order.

    Args:
        datasets: one for each image, with or without pixels.

    Raises:
        ReadError: there is none, one has no usable UID, or they belong to several
            studies.
    """
    if not datasets:
        raise ReadError(
            "results: no source image was given; DICOM results need the headers of "
            "the images that they speak of"
        )
    total = len(datasets)
    cleaned = [
        clean_source(dataset, where=f"source {number} of {total}")
        for number, dataset in enumerate(datasets, start=1)
    ]
    if len({dataset.StudyInstanceUID for dataset in cleaned}) > 1:
        raise ReadError(
            f"results: the {total} sources belong to several studies; wanted one: "
            "write each study on its own"
        )
    return cleaned


def clean_source(dataset: Dataset, *, where: str = "source") -> Dataset:
    """A small header with legal values of what results copy.

    Geometry is kept whole or not at all: where a position, orientation, spacing or
    the frame of reference is missing or impossible, none of them remains, and results
    lie on the pixels of the image alone.

    Raises:
        ReadError: study, series or image have no usable UID.
    """
    with quiet():
        result = Dataset()
        for keyword in IDENTITY:
            value = clean_value(dataset, keyword)
            if not value:
                raise ReadError(
                    f"{where}: {keyword} is missing or is no UID; nothing can refer "
                    "to this image: have it sent again by its device"
                )
            setattr(result, keyword, value)
        for keyword in (*PATIENT_AND_STUDY, *SERIES, *IMAGE):
            value = clean_value(dataset, keyword)
            if value is not None or keyword in ALWAYS:
                setattr(result, keyword, "" if value is None else value)
        if result.get("PatientIdentityRemoved") == "YES":
            # Type 1C beside it (C.7.1.1); coded methods are not copied.
            result.setdefault("DeidentificationMethod", "See the source image")
        _copy_planes(dataset, result)
        if not _has_plane(result):
            _drop_geometry(result)
        return result


def is_in_patient(source: Dataset) -> bool:
    """Whether a clean source tells where its pixels lie in the patient."""
    return "FrameOfReferenceUID" in source


def copy_body_part(source: Dataset, result: Dataset) -> None:
    """Body part and side of a clean source, as General Series wants them (C.7.3.1).

    A part that there is but one of has no side; that of another is empty where the
    source does not tell it.
    """
    part = str(source.get("BodyPartExamined", ""))
    if part:
        result.BodyPartExamined = part
    side = str(source.get("Laterality") or source.get("ImageLaterality") or "")
    if part not in UNPAIRED:
        result.Laterality = side if side in ("L", "R") else ""


def _copy_planes(dataset: Dataset, result: Dataset) -> None:
    frames = int(result.get("NumberOfFrames") or 1)
    groups = _items(dataset, "PerFrameFunctionalGroupsSequence")
    if not groups:
        for keywords in PLANE.values():
            _copy(dataset, result, keywords)
        copy_table(dataset, "ModalityLUTSequence", result)
        copy_table(dataset, "VOILUTSequence", result)
        return
    if len(groups) != frames:
        return  # which frame lies where is not known
    shared = _items(dataset, "SharedFunctionalGroupsSequence")
    common = shared[0] if shared else Dataset()
    per_frame = [_copy_groups(group, common) for group in groups]
    result.SharedFunctionalGroupsSequence = [_take_shared(per_frame)]
    result.PerFrameFunctionalGroupsSequence = per_frame


def _copy_groups(group: Dataset, common: Dataset) -> Dataset:
    frame = Dataset()
    for name, keywords in PLANE.items():
        items = _items(group, name) or _items(common, name)
        part = Dataset()
        if items:
            _copy(items[0], part, keywords)
        if part:
            setattr(frame, name, [part])
    return frame


def _take_shared(per_frame: list[Dataset]) -> Dataset:
    """Move what all frames have alike to one data set, as highdicom wants it."""
    shared = Dataset()
    for name in PLANE:
        if name == "PlanePositionSequence":
            continue  # of each frame, even of an only one
        parts = [frame.get(name) for frame in per_frame]
        if parts[0] is None or any(part != parts[0] for part in parts):
            continue
        for frame in per_frame:
            delattr(frame, name)
        setattr(shared, name, parts[0])
    return shared


def _copy(dataset: Dataset, result: Dataset, keywords: Sequence[str]) -> None:
    for keyword in keywords:
        value = clean_value(dataset, keyword)
        if value is not None:
            setattr(result, keyword, value)


def _items(dataset: Dataset, keyword: str) -> list[Dataset]:
    try:
        value = dataset.get(keyword)
        return list(value) if value else []
    except Exception:  # pydicom raises whatever its converters raise
        return []


def _has_plane(source: Dataset) -> bool:
    if "FrameOfReferenceUID" not in source:
        return False
    groups = source.get("PerFrameFunctionalGroupsSequence")
    if groups is None:
        return int(source.get("NumberOfFrames") or 1) == 1 and _is_plane(source)
    shared = source.SharedFunctionalGroupsSequence[0]
    return all(_is_plane(_flattened(group, shared)) for group in groups)


def _flattened(*groups: Dataset) -> Dataset:
    flat = Dataset()
    for group in groups:
        for name in PLANE:
            for part in group.get(name, []):
                flat.update(part)
    return flat


def _is_plane(plane: Dataset) -> bool:
    """Position, spacing, and two unit vectors at right angles (C.7.6.2.1.1)."""
    orientation = plane.get("ImageOrientationPatient")
    is_whole = "PixelSpacing" in plane and "ImagePositionPatient" in plane
    if orientation is None or not is_whole:
        return False
    row = [float(number) for number in orientation[:3]]
    column = [float(number) for number in orientation[3:]]
    dot = sum(a * b for a, b in zip(row, column, strict=True))
    lengths = (math.hypot(*row), math.hypot(*column))
    return abs(dot) < 1e-2 and all(abs(length - 1) < 1e-2 for length in lengths)


def _drop_geometry(source: Dataset) -> None:
    for keyword in (
        "FrameOfReferenceUID",
        "PositionReferenceIndicator",
        "ImagePositionPatient",
        "ImageOrientationPatient",
    ):
        if keyword in source:
            delattr(source, keyword)
    shared = source.get("SharedFunctionalGroupsSequence", [])
    for group in [*shared, *source.get("PerFrameFunctionalGroupsSequence", [])]:
        for name in ("PlanePositionSequence", "PlaneOrientationSequence"):
            if name in group:
                delattr(group, name)
