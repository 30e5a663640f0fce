"""Which source frame each slice of an assessment is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydicom.dataset import Dataset

from medlens.core import ReadError, UsageError
from medlens.core.diagnosis import ImageRef
from medlens.write.source import is_in_patient

_ONE_FRAME = "1.2.840.10008.5.1.4.1.1.7"  # Secondary Capture, until `seal`
PARALLEL = 1e-3
"""Largest difference between direction cosines of slices that count as parallel;
scanners round them differently from slice to slice."""


@dataclass(frozen=True)
class Frames:
    """Source images and the slices that lie on their frames.

    Attributes:
        sources: single images, one for each slice in the order of the slices, or
            one multi-frame image.
        order: for each frame of the sources, the slice that lies on it, or None.
        frame: number of the only frame that is spoken of, where the source is a
            clip whose frames have no place in the patient.
    """

    sources: list[Dataset]
    order: list[int | None]
    frame: int | None = None


def order_frames(images: Sequence[ImageRef], sources: Sequence[Dataset]) -> Frames:
    """Sources sorted as the images are, in the form that highdicom takes.

    Args:
        images: of an assessment, in the order of its slices.
        sources: clean copies; there may be others beside the images'.

    Raises:
        ReadError: an image is not among the sources.
        UsageError: there is no image, one comes twice, slices are not parallel, or
            several frames have no place in the patient that tells them apart.
    """
    if not images:
        raise UsageError("the assessment names no image; results need their sources")
    known = {str(source.SOPInstanceUID): source for source in sources}
    for image in images:
        if image.sop_instance_uid not in known:
            raise ReadError(
                f"{image.case}: the assessment speaks of this image, which is not "
                "among the sources; pass the headers of all its images"
            )
    first = known[images[0].sop_instance_uid]
    has_groups = "PerFrameFunctionalGroupsSequence" in first
    if has_groups or int(first.get("NumberOfFrames") or 1) > 1:
        return _of_multiple(images, first)
    return _of_single(images, known)


def _of_single(images: Sequence[ImageRef], known: dict[str, Dataset]) -> Frames:
    uids = [image.sop_instance_uid for image in images]
    if len(set(uids)) != len(uids):
        raise UsageError(
            f"{images[0].case}: an image stands twice in the assessment; wanted one "
            "image for each slice"
        )
    sources = [known[uid] for uid in uids]
    if all(is_in_patient(source) for source in sources):
        _make_parallel(images, sources)
    elif len(sources) > 1:
        raise _without_place(images)
    _fill_thickness(sources)
    return Frames(sources, list(range(len(sources))))


def _fill_thickness(sources: list[Dataset]) -> None:
    """The gap between slices, or of one slice its larger pixel spacing, where a header
    tells no thickness; a segmentation with a place must have one."""
    if all("SliceThickness" in source for source in sources):
        return
    thickness = None
    if is_in_patient(sources[0]):
        thickness = max(float(value) for value in sources[0].PixelSpacing)
    if len(sources) > 1:
        positions = np.array([s.ImagePositionPatient for s in sources], dtype=float)
        axes = np.array(sources[0].ImageOrientationPatient, dtype=float).reshape(2, 3)
        heights = np.sort(positions @ np.cross(*axes))
        thickness = float(np.median(np.diff(heights))) or thickness
    for source in sources:
        if "SliceThickness" not in source:
            source.SliceThickness = None if thickness is None else f"{thickness:.10g}"


def _make_parallel(images: Sequence[ImageRef], sources: list[Dataset]) -> None:
    first = [float(value) for value in sources[0].ImageOrientationPatient]
    for image, source in zip(images, sources, strict=True):
        found = [float(value) for value in source.ImageOrientationPatient]
        if np.abs(np.subtract(found, first)).max() > PARALLEL:
            raise UsageError(
                f"{image.case}: this slice is not parallel to the first; one "
                "segmentation has one orientation: split the series"
            )
        source.ImageOrientationPatient = sources[0].ImageOrientationPatient


def _of_multiple(images: Sequence[ImageRef], source: Dataset) -> Frames:
    frames = int(source.get("NumberOfFrames") or 1)
    if frames == 1 and len(images) == 1:
        images = [replace(images[0], frame=1)]
    places = {image.frame: index for index, image in enumerate(images)}
    is_one = all(i.sop_instance_uid == source.SOPInstanceUID for i in images)
    is_legal = all(n is not None and 1 <= n <= frames for n in places)
    if not is_one or not is_legal or len(places) != len(images):
        raise UsageError(
            f"{images[0].case}: {len(images)} slices lie on an image of {frames} "
            "frames; wanted each slice on a frame of its own, numbered from 1"
        )
    if is_in_patient(source):
        return Frames([source], [places.get(n) for n in range(1, frames + 1)])
    if len(images) > 1:
        raise _without_place(images)
    for keyword in (
        "NumberOfFrames",
        "PerFrameFunctionalGroupsSequence",
        "SharedFunctionalGroupsSequence",
    ):
        if keyword in source:
            delattr(source, keyword)
    source.SOPClassUID = _ONE_FRAME
    source.SliceThickness = None
    return Frames([source], [0], images[0].frame)


def _without_place(images: Sequence[ImageRef]) -> UsageError:
    return UsageError(
        f"{images[0].case}: {len(images)} slices without a place in the patient; a "
        "segmentation could not tell them apart: write one for each image or frame"
    )
