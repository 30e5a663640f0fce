"""Header values by which images at one place of a series can differ."""

from __future__ import annotations

from typing import Any

from medlens.read.dicom.groups import places
from medlens.read.dicom.numbers import text

# By what images at one place may differ: functional group, keyword. The order is
# that in which a series is parted: what was made before when it was made.
TAGS = (
    ("MRImageFrameTypeSequence", "FrameType"),
    ("CTImageFrameTypeSequence", "FrameType"),
    ("PETFrameTypeSequence", "FrameType"),
    ("", "ImageType"),
    ("MRImageFrameTypeSequence", "ComplexImageComponent"),
    ("FrameContentSequence", "StackID"),
    ("MREchoSequence", "EffectiveEchoTime"),
    ("", "EchoTime"),
    ("", "EchoNumbers"),
    ("MRModifierSequence", "InversionTimes"),
    ("", "InversionTime"),
    ("MRTimingAndRelatedParametersSequence", "FlipAngle"),
    ("MRDiffusionSequence", "DiffusionBValue"),
    ("MRDiffusionSequence", "DiffusionGradientOrientation"),
    ("FrameContentSequence", "TemporalPositionIndex"),
    ("", "TemporalPositionIdentifier"),
    ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"),
    ("", "TriggerTime"),
    ("FrameContentSequence", "FrameAcquisitionNumber"),
    ("", "AcquisitionNumber"),
    ("CTReconstructionSequence", "ConvolutionKernel"),
    ("CTXRayDetailsSequence", "KVP"),
    ("PixelMeasuresSequence", "SliceThickness"),
    ("FrameContentSequence", "FrameAcquisitionDateTime"),
    ("", "AcquisitionDateTime"),
    ("", "AcquisitionTime"),
    ("", "ContentTime"),
)
_IMAGE_TYPE = "FrameType"  # where a file has only Image Type, it stands here

TAG_ORDER = tuple(
    dict.fromkeys(_IMAGE_TYPE if key == "ImageType" else key for _, key in TAGS)
)


def read_tags(data: Any, frame: int) -> dict[str, str]:
    """Values of `TAGS`; "FrameType" is Image Type where frames have none."""
    found: dict[str, str] = {}
    for sequence, keyword in TAGS:
        for place in places(data, frame, sequence) if sequence else (data,):
            value = text(place, keyword)
            if value:
                found.setdefault(
                    _IMAGE_TYPE if keyword == "ImageType" else keyword, value
                )
                break
    found.setdefault("FrameType", "")
    return found
