"""Which images a case was read from, as a diagnosis and its DICOM results name them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from medlens.core import Image, MedlensError
from medlens.core.diagnosis import ImageRef
from medlens.predict.find import Input

if TYPE_CHECKING:
    from medlens.predict.find_volumes import VolumeInput

NO_DICOM = (
    "the source is no DICOM, which results copy their patient and study from; give "
    "DICOM files, or leave dicom out of --format"
)


def refs_of(item: Input, image: Image) -> tuple[ImageRef, ...]:
    """The images of a case: one for each slice of a series, else one.

    Args:
        item: where it was found; a `VolumeInput` may have a series.
        image: as read from it.
    """
    series = getattr(item, "series", None)
    if series is not None:
        return _refs_of_series(item, image)  # type: ignore[arg-type]
    uids = image.provenance.uids
    depth = image.array.shape[1]
    instance = uids.get("SOPInstanceUID", "")
    if instance and depth > 1 and not item.member:  # one file, a frame each slice
        return tuple(_ref(item.key, uids, instance, d + 1) for d in range(depth))
    return (_ref(item.key, uids, instance, _frame(item.member)),)


def source_files(item: Input) -> list[Path]:
    """The files of a case, each once, in the order of its images."""
    series = getattr(item, "series", None)
    if series is None:
        return [item.path]
    return list(dict.fromkeys(part.path for part in series.slices))


def read_headers(item: Input, image: Image) -> list[Any]:
    """Headers of a case's files, without their pixels.

    Returns:
        pydicom Datasets, one for each file.

    Raises:
        MedlensError: the source is no DICOM.
        ReadError: a file cannot be parsed within the limits.
    """
    if image.provenance.format != "dicom":
        raise MedlensError(f"{item.key}: {NO_DICOM}")
    from medlens.read.dicom.header import read_header
    from medlens.read.source import open_source

    files = source_files(item)
    return [read_header(open_source(path, item.key)).data for path in files]


def _refs_of_series(item: VolumeInput, image: Image) -> tuple[ImageRef, ...]:
    uids = image.provenance.uids
    found = uids.get("SOPInstanceUIDs", "").split("\\")
    slices = item.series.slices if item.series is not None else ()
    paths = list(dict.fromkeys(part.path for part in slices))
    # One UID for each file, in the order in which the slices were read.
    known = dict(zip(paths, found, strict=True)) if len(found) == len(paths) else {}
    return tuple(
        _ref(part.case, uids, known.get(part.path, ""), _frame(part.member))
        for part in slices
    )


def _ref(case: str, uids: dict[str, str], instance: str, frame: int | None) -> ImageRef:
    if not instance:
        return ImageRef(case, frame=frame)
    return ImageRef(
        case=case,
        sop_class_uid=uids.get("SOPClassUID", ""),
        sop_instance_uid=instance,
        series_uid=uids.get("SeriesInstanceUID", ""),
        frame=frame,
    )


def _frame(member: str) -> int | None:
    """4 of "frame:3", since members count from 0 and DICOM from 1; else None."""
    kind, _, number = member.partition(":")
    return int(number) + 1 if kind == "frame" and number.isdecimal() else None
