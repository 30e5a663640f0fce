"""A diagnosis → the DICOM and FHIR objects that carry it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from medlens.core import reason_of
from medlens.core.diagnosis import Diagnosis
from medlens.core.terms import Lang
from medlens.predict.key_picture import Picture
from medlens.read.dicom.header import read_header
from medlens.read.source import open_source
from medlens.serve.work.inputs import Input
from medlens.serve.work.look import Looked
from medlens.serve.work.maps import ZIP, pack_maps

log = logging.getLogger("medlens.work")

DICOM, FHIR = "application/dicom", "application/fhir+json"


@dataclass(frozen=True)
class Made:
    """One object of a result.

    Attributes:
        kind: "SR", "SEG", "GSPS", "SC", "FHIR", or "MAPS" for the pages of this service
            alone (`maps.py`).
        assessment: index among the diagnosis' assessments; 0 where it is of all.
        media_type: of the data.
        data: the whole file.
        part: counts the objects of one kind of an assessment, from 0.
    """

    kind: str
    assessment: int
    media_type: str
    data: bytes = field(repr=False)
    part: int = 0


@dataclass(frozen=True)
class Written:
    """What could be written of a diagnosis.

    Attributes:
        objects: in the order SEG, GSPS, SC, SR, FHIR, MAPS.
        missing: why one could not be, in words.
    """

    objects: tuple[Made, ...] = ()
    missing: tuple[str, ...] = ()


def write_objects(
    diagnosis: Diagnosis,
    looked: Sequence[Looked],
    *,
    key: str,
    lang: str,
    when: float,
) -> Written:
    """All objects of a diagnosis; one that fails does not stop the others.

    Nothing is written where no bundle looked at anything: there is nothing to say
    but the reasons, which the study keeps.

    Args:
        diagnosis: of one study.
        looked: in the order of its assessments.
        key: UIDs are derived from it, so that the same answer has the same ones.
        lang: of the texts.
        when: it was asked for; a repeated attempt gives the same bytes.
    """
    if not diagnosis.assessments:
        return Written()
    language: Lang = "zh" if lang == "zh" else "en"
    moment = datetime.fromtimestamp(when, UTC)
    writer = _Writer(diagnosis, looked, key, language, moment, _Headers())
    writer.write_all()
    return Written(tuple(writer.objects), tuple(writer.missing))


class _Headers:
    """Headers of source images, each read once."""

    def __init__(self) -> None:
        self._read: dict[str, Any] = {}

    def of(self, inputs: Sequence[Input]) -> list[Any]:
        for item in inputs:
            if item.digest not in self._read:
                source = open_source(item.path, item.case)
                self._read[item.digest] = read_header(source).data
        return [self._read[item.digest] for item in inputs]


@dataclass
class _Writer:
    diagnosis: Diagnosis
    looked: Sequence[Looked]
    key: str
    lang: Lang
    when: datetime
    headers: _Headers
    objects: list[Made] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def write_all(self) -> None:
        segmentations: list[Any] = []
        for at, item in enumerate(self.looked):
            if item.assessment.status != "assessed":
                continue
            if item.evidence.mask is not None:
                segmentations += self._try("SEG", at, partial(self._segment, at))
            self._try("GSPS", at, partial(self._mark, at))
            if item.picture is not None:
                self._try("SC", at, partial(self._capture, at, item.picture))
        self._try("SR", 0, partial(self._report, segmentations))
        self._try("FHIR", 0, self._fhir)
        self._try("MAPS", 0, partial(pack_maps, self.looked))

    def _try(self, kind: str, at: int, write: Callable[[], Any]) -> list[Any]:
        """What was written in a list, [] where there is nothing."""
        media_type, to_bytes = FORMS.get(kind, (DICOM, _dicom_bytes))
        try:
            made = write()
            parts = made if isinstance(made, list) else [made]
            parts = [part for part in parts if part is not None]
            data = [to_bytes(part) for part in parts]
        except Exception as error:  # a hostile header must not cost the other objects
            log.warning(
                "object not written",
                extra={"kind": kind, "error": type(error).__name__},
            )
            self.missing.append(f"no {kind} was written: {reason_of(error)}")
            return []
        self.objects += [
            Made(kind, at, media_type, each, part) for part, each in enumerate(data)
        ]
        return parts

    def _sources(self, at: int) -> list[Any]:
        return self.headers.of(self.looked[at].task.candidate.inputs)

    def _all_sources(self) -> list[Any]:
        return self.headers.of(list(_inputs(self.looked)))

    def _segment(self, at: int) -> Any:
        from medlens.write.segmentation import to_segmentation

        return to_segmentation(
            self.diagnosis.assessments[at],
            self.looked[at].evidence,
            self._sources(at),
            lang=self.lang,
            key=f"{self.key}:{at}",
            when=self.when,
        )

    def _mark(self, at: int) -> Any:
        from medlens.write.presentation import to_presentation_states

        return to_presentation_states(
            self.diagnosis.assessments[at],
            self._sources(at),
            lang=self.lang,
            key=f"{self.key}:{at}",
            when=self.when,
        )

    def _capture(self, at: int, picture: Picture) -> Any:
        from medlens.write.capture import to_secondary_capture

        return to_secondary_capture(
            self.diagnosis.assessments[at],
            picture.pixels,
            self._sources(at),
            image=picture.ref,
            evidence_of=picture.evidence_of,
            lang=self.lang,
            key=f"{self.key}:{at}",
            when=self.when,
        )

    def _report(self, segmentations: Sequence[Any]) -> Any:
        from medlens.write.structured_report import to_structured_report

        return to_structured_report(
            self.diagnosis,
            self._all_sources(),
            segmentations=segmentations,
            lang=self.lang,
            key=self.key,
            when=self.when,
        )

    def _fhir(self) -> Any:
        from medlens.write.fhir import to_fhir

        return to_fhir(
            self.diagnosis,
            self._all_sources(),
            lang=self.lang,
            key=self.key,
            when=self.when,
        )


def _inputs(looked: Sequence[Looked]) -> Iterator[Input]:
    seen = dict.fromkeys(each for item in looked for each in item.task.candidate.inputs)
    return iter(seen)


def _dicom_bytes(dataset: Any) -> bytes:
    from medlens.write.stamp import to_bytes

    return to_bytes(dataset)


def _json_bytes(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode()


# Of the kinds that are no DICOM.
FORMS: dict[str, tuple[str, Callable[[Any], bytes]]] = {
    "FHIR": (FHIR, _json_bytes),
    "MAPS": (ZIP, bytes),
}
