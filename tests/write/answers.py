"""Diagnoses whose every field is set, for the writers' tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydicom.dataset import Dataset

from medlens.core.diagnosis import (
    Algorithm,
    Assessment,
    Change,
    Code,
    Diagnosis,
    Finding,
    ImageRef,
    Place,
    Quantity,
)
from medlens.core.prediction import OutOfDistribution

ALGORITHM = Algorithm(
    name="head-3",
    digest="ab" * 32,
    version="0.9.1",
    form="image",
    kind="multilabel",
    intended_use="Triage of head scans; not for children.",
)
BLEEDING = Code("50960005", "SCT", "Hemorrhage")


def images_of(sources: Sequence[Dataset]) -> tuple[ImageRef, ...]:
    """References to each image, or to each frame of the only one."""
    first = sources[0]
    frames = int(first.get("NumberOfFrames", 1))
    if frames > 1:
        return tuple(_reference(first, frame + 1) for frame in range(frames))
    return tuple(_reference(source, None) for source in sources)


def _reference(source: Dataset, frame: int | None) -> ImageRef:
    return ImageRef(
        case=f"case {source.InstanceNumber}",
        sop_class_uid=str(source.SOPClassUID),
        sop_instance_uid=str(source.SOPInstanceUID),
        series_uid=str(source.SeriesInstanceUID),
        frame=frame,
        digest="cd" * 32,
    )


def rich_diagnosis(sources: Sequence[Dataset]) -> Diagnosis:
    """Two assessments: one with findings of every kind, one without an answer."""
    images = images_of(sources)
    key = len(images) // 2
    is_in_patient = "FrameOfReferenceUID" in sources[0]
    present = Finding(
        id="1",
        label="haemorrhage",
        code=BLEEDING,
        is_present=True,
        probability=0.91234567890123,
        threshold=0.4,
        operating_point="sensitivity 95 %",
        place=Place(
            laterality="left",
            centre_mm=(1.25, -2.5, 33.75) if is_in_patient else None,
            image=images[key],
            slice_index=key,
            box=(4.0, 5.5, 12.25, 15.0),
        ),
        quantities=(
            Quantity("longest_diameter", 12.34567, "mm"),
            Quantity("volume", 1.5, "ml"),
            Quantity("area", 80.0, "mm2"),
        ),
        slices=(0,) if len(images) == 1 else (0, 1, *range(3, len(images))),
        parts=2,
        change=Change("larger", Quantity("volume", 0.75, "ml"), 0.6, 91),
    )
    absent = Finding(
        id="2",
        label="midline shift 偏移",
        code=None,
        is_present=False,
        probability=0.0625,
        change=Change("uncertain"),
    )
    answered = Assessment(
        algorithm=ALGORITHM,
        status="assessed",
        advice="refer",
        images=images,
        modality=str(sources[0].Modality),
        body_part=str(sources[0].get("BodyPartExamined", "")),
        findings=(present, absent),
        prediction_set=("haemorrhage", "normal"),
        coverage=0.9,
        out_of_distribution=OutOfDistribution(1.5, 2.25, False),
        notes=("two slices are missing", "gantry tilt of 12 degrees"),
    )
    refused = Assessment(
        algorithm=replace(ALGORITHM, name="head-4", digest="ef" * 32, intended_use=""),
        status="not_assessable",
        advice="not_assessable",
        images=images[:1],
        reason="the slices lie unevenly",
    )
    return Diagnosis(
        case="study 7",
        assessments=(answered, refused),
        left_out=(("scout", "one image is no volume"), ("report", "has no pixels")),
        study_uid=str(sources[0].StudyInstanceUID),
        has_prior=True,
    )


def mask_assessment(sources: Sequence[Dataset], labels: Sequence[str]) -> Assessment:
    """What a bundle of masks says: one finding for each label."""
    images = images_of(sources)
    findings = tuple(
        Finding(
            id=str(number),
            label=label,
            code=BLEEDING if label == "haemorrhage" else None,
            is_present=True,
            parts=1,
        )
        for number, label in enumerate(labels, start=1)
    )
    return Assessment(
        algorithm=replace(ALGORITHM, form="volume", kind="masks"),
        status="assessed",
        advice="refer",
        images=images,
        modality=str(sources[0].Modality),
        findings=findings,
    )
