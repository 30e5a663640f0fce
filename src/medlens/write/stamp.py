"""The identity of a result: its UIDs, numbers and times, and its bytes."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

from pydicom.dataset import Dataset
from pydicom.filewriter import dcmwrite

from medlens import __version__
from medlens.core import MedlensError, ReadError
from medlens.core.diagnosis import Assessment
from medlens.core.quiet import quiet
from medlens.write.source import is_in_patient
from medlens.write.values import clean_text

MANUFACTURER = "medlens"
UTF8 = "ISO_IR 192"
Kind = Literal[
    "report", "segmentation", "presentation", "capture", "fhir", "reading", "print"
]
SERIES = {
    "report": (9001, "AI report, not verified"),
    "segmentation": (9002, "AI segmentation, not verified"),
    "presentation": (9003, "AI marks, not verified"),
    "capture": (9004, "AI result, not verified"),
    "reading": (9005, "Report of a reader"),
    "print": (9006, "Report of a reader, printed"),
}
"""Series Number and Series Description; numbers that no scanner counts up to."""

_NAMESPACE = uuid.UUID("8f0d4b3e-0f5e-5c52-9a3a-3c6a6d65646c")
# SOP classes that others borrow, by: lies in the patient, has functional groups.
_LENT = {
    (True, False): "1.2.840.10008.5.1.4.1.1.2",  # CT
    (True, True): "1.2.840.10008.5.1.4.1.1.2.1",  # Enhanced CT
    (False, False): "1.2.840.10008.5.1.4.1.1.7",  # Secondary Capture
    (False, True): "1.2.840.10008.5.1.4.1.1.7.2",  # the same, multi-frame
}


def derive_uuid(*parts: str) -> uuid.UUID:
    """A UUID that is the same for the same parts (RFC 9562 5.5)."""
    name = "\n".join(f"{len(part)}:{part}" for part in parts)
    return uuid.uuid5(_NAMESPACE, name)


def derive_uid(*parts: str) -> str:
    """A UID that is the same for the same parts: 2.25 and a UUID (PS3.5 B.2)."""
    return f"2.25.{derive_uuid(*parts).int}"


def tracking_of(assessment: Assessment, finding_id: str) -> tuple[str, str]:
    """UID and identifier of a finding, equal in report, segmentation and marks.

    Args:
        assessment: of the finding.
        finding_id: "" for the assessment itself.
    """
    images = (f"{i.sop_instance_uid} {i.frame or ''}" for i in assessment.images)
    algorithm = assessment.algorithm
    uid = derive_uid("tracking", algorithm.digest, *images, finding_id)
    return uid, f"{clean_text(algorithm.name, 64)} {finding_id}".strip() or "-"


@dataclass(frozen=True)
class Stamp:
    """Who a result is; equal answers on equal sources have equal stamps.

    Attributes:
        kind: of the result.
        key: what its UIDs are derived from.
        when: it was made, with a time zone.
    """

    kind: Kind
    key: str
    when: datetime

    @property
    def instance_uid(self) -> str:
        return self.uid("instance")

    def uid(self, name: str) -> str:
        """One of the UIDs of this result."""
        return derive_uid(self.key, self.kind, name)

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments that every object of highdicom takes."""
        number, description = SERIES[self.kind]
        return {
            "series_instance_uid": self.uid("series"),
            "series_number": number,
            "sop_instance_uid": self.instance_uid,
            "instance_number": 1,
            "manufacturer": MANUFACTURER,
            "manufacturer_model_name": "medlens",
            "device_serial_number": "-",
            "software_versions": __version__,
            "series_description": description,
            "specific_character_set": UTF8,
        }


def make_stamp(
    kind: Kind,
    answer: Any,
    sources: Sequence[Dataset],
    *,
    key: str,
    lang: str,
    when: datetime | None,
) -> Stamp:
    """The stamp of an answer on clean sources.

    Args:
        kind: of the result.
        answer: a dataclass of `core.diagnosis`; any difference in it gives other UIDs.
        sources: clean.
        key: of the job, or "" to derive it from answer, sources and language.
        lang: of the texts.
        when: of the result; now by default. Without a zone it is local time.
    """
    if not key:
        content = json.dumps(
            [
                dataclasses.asdict(answer),
                [source.SOPInstanceUID for source in sources],
                lang,
            ],
            sort_keys=True,
            default=str,
        )
        key = hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()
    moment = (when or datetime.now().astimezone()).astimezone()
    return Stamp(kind, key, moment.astimezone(_zone(sources, moment)))


def key_within(sources: Sequence[Dataset], key: str, *more: str) -> str:
    """A key for UIDs out of one that counts from 1 in every installation.

    Numbers of our own are the same elsewhere, and may be given again when a study was
    removed; a UID is one object's, in all the world and for good.

    Args:
        sources: clean.
        key: of our own.
        more: what else tells the object from others.
    """
    return "\n".join((key, str(sources[0].StudyInstanceUID), *more))


def _zone(sources: Sequence[Dataset], moment: datetime) -> timezone:
    """All times of a data set share one offset; the source's where it has one."""
    offset = str(sources[0].get("TimezoneOffsetFromUTC", "")) if sources else ""
    if re.fullmatch(r"[+-](0\d|1[0-4])[0-5]\d", offset):
        minutes = int(offset[1:3]) * 60 + int(offset[3:])
        return timezone(timedelta(minutes=minutes if offset[0] == "+" else -minutes))
    return timezone(moment.utcoffset() or timedelta(0))


def stand_in(sources: Sequence[Dataset]) -> list[Dataset]:
    """Copies that highdicom takes; `seal` puts the true classes back.

    It does not know private and retired classes, refuses a CT or MR image without its
    place in the patient, and tells by the class alone whether geometry stands in
    functional groups. Where that does not fit, a class is borrowed.
    """
    from highdicom._standard_utils import get_sop_class_iod_map, is_multiframe_image

    known = get_sop_class_iod_map()
    lent = []
    for source in sources:
        copy = deepcopy(source)
        is_placed = is_in_patient(source)
        has_frames = "PerFrameFunctionalGroupsSequence" in source
        if not is_placed:
            has_frames = int(source.get("NumberOfFrames") or 1) > 1
        is_fitting = (
            is_placed
            and source.SOPClassUID in known
            and is_multiframe_image(source) == has_frames
        )
        if not is_fitting:
            copy.SOPClassUID = _LENT[is_placed, has_frames]
        lent.append(copy)
    return lent


@contextmanager
def writing(what: str) -> Iterator[None]:
    """Quiet while an object is built; what a library cannot build is told in words.

    Its own words may quote names and UIDs, so that they go no further.
    """
    try:
        with quiet():
            yield
    except MedlensError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise ReadError(
            f"{what}: the headers of the sources do not allow this result "
            f"({type(error).__name__} while it was built); leave it out, or have the "
            "images sent again by their device"
        ) from None


def seal(result: Dataset, stamp: Stamp, sources: Sequence[Dataset]) -> Dataset:
    """The result with its times, its character set and true references."""
    day, time = stamp.when.strftime("%Y%m%d"), stamp.when.strftime("%H%M%S.%f")
    result.SpecificCharacterSet = UTF8
    for name in ("InstanceCreation", "Series", "Content", "PresentationCreation"):
        if name in ("InstanceCreation", "Series") or f"{name}Date" in result:
            setattr(result, f"{name}Date", day)
            setattr(result, f"{name}Time", time)
    if "TimezoneOffsetFromUTC" in sources[0]:
        result.TimezoneOffsetFromUTC = stamp.when.strftime("%z")
    result.StudyDescription = sources[0].get("StudyDescription", "")
    if not result.StudyDescription:
        del result.StudyDescription
    result.file_meta.ImplementationClassUID = derive_uid("medlens", __version__)
    result.file_meta.ImplementationVersionName = f"MEDLENS_{__version__}"[:16]
    for item in result.get("ContributingEquipmentSequence", []):
        item.ContributionDateTime = f"{day}{time}"
    _restore(result, {str(s.SOPInstanceUID): str(s.SOPClassUID) for s in sources})
    return result


def _restore(dataset: Dataset, classes: dict[str, str]) -> None:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                _restore(item, classes)
    uid = str(dataset.get("ReferencedSOPInstanceUID", ""))
    if uid in classes:
        dataset.ReferencedSOPClassUID = classes[uid]


def to_bytes(result: Dataset) -> bytes:
    """The whole file: preamble, file meta, data set in explicit VR little endian."""
    buffer = io.BytesIO()
    with quiet():
        dcmwrite(buffer, result, enforce_file_format=True)
    return buffer.getvalue()
