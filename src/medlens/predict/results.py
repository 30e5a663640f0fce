"""The diagnosis of a case on disk, in every format that was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from medlens.core import Image, ResourceError
from medlens.predict.case import CaseAnswer, Request
from medlens.predict.diagnose_sources import read_headers
from medlens.predict.files import stem_of, write_result
from medlens.predict.predictor import Failed
from medlens.predict.timing import stage

Made = tuple[str, bytes]
"""End of a file's name, and its bytes."""


def write_results(
    done: CaseAnswer, number: int, request: Request, reopen: Callable[[], Image]
) -> Iterator[Failed]:
    """Write the formats of `Request.results`; what fails is told and the rest go on.

    Args:
        done: the case.
        number: counted from 1; keeps the names apart and in order.
        request: folder, formats and language.
        reopen: gives the source's pixels again.

    Raises:
        ResourceError: the disk is full or cannot be written.
    """
    if request.out is None:
        return
    writer = _Writer(done, request, reopen)
    stem = stem_of(done.item.key, number)
    for kind, what, make in writer.parts():
        try:
            with stage("write"):
                for ending, data in make():
                    write_result(request.out, kind, f"{stem}{ending}", data)
        except ResourceError:
            raise  # a full disk is no matter of this case
        except Exception as error:
            reason = Failed.of(done.item.key, error).reason
            yield Failed(done.item.key, f"no {what}: {reason}")


@dataclass
class _Writer:
    """Makes the files of one case; headers are read once.

    Attributes:
        done, request, reopen: as given.
        segmentations: that the report points at, once they are made.
    """

    done: CaseAnswer
    request: Request
    reopen: Callable[[], Image]
    segmentations: list[Any] = field(default_factory=list)

    def parts(self) -> Iterator[tuple[str, str, Callable[[], Iterator[Made]]]]:
        """Format, how a message calls it, and what makes its files."""
        if "text" in self.request.results:
            yield "text", "report", self._text
        if "dicom" in self.request.results:
            if self.done.image.provenance.format != "dicom":
                yield "dicom", "DICOM results", self._refuse
            else:
                yield from self._dicom_parts()
        if "fhir" in self.request.results:
            yield "fhir", "FHIR bundle", self._fhir

    def _dicom_parts(
        self,
    ) -> Iterator[tuple[str, str, Callable[[], Iterator[Made]]]]:
        if self.done.evidence.mask is not None:
            yield "dicom", "segmentation", self._segmentation
        yield "dicom", "presentation state", self._presentations
        yield "dicom", "secondary capture", self._capture
        yield "dicom", "structured report", self._report

    @cached_property
    def headers(self) -> list[Any]:
        """Of the source's files."""
        return read_headers(self.done.item, self.done.image)

    @property
    def assessment(self) -> Any:
        """The only one of a case."""
        return self.done.diagnosis.assessments[0]

    def _refuse(self) -> Iterator[Made]:
        """Raises, with the reason."""
        read_headers(self.done.item, self.done.image)
        yield from ()

    def _text(self) -> Iterator[Made]:
        from medlens.write.text import to_text

        text = to_text(self.done.diagnosis, lang=self.request.lang)
        yield ".txt", text.encode("utf-8")

    def _segmentation(self) -> Iterator[Made]:
        from medlens.write import to_bytes, to_segmentation

        made = to_segmentation(
            self.assessment,
            self.done.evidence,
            self.headers,
            lang=self.request.lang,
        )
        if made is not None:
            self.segmentations.append(made)
            yield "_seg.dcm", to_bytes(made)

    def _presentations(self) -> Iterator[Made]:
        from medlens.write import to_bytes, to_presentation_states

        states = to_presentation_states(
            self.assessment, self.headers, lang=self.request.lang
        )
        for index, made in enumerate(states, start=1):
            yield f"_pr{index if len(states) > 1 else ''}.dcm", to_bytes(made)

    def _capture(self) -> Iterator[Made]:
        from medlens.predict.key_picture import paint_key
        from medlens.write import to_bytes, to_secondary_capture

        shown = paint_key(self.reopen(), self.assessment, self.done.evidence)
        made = to_secondary_capture(
            self.assessment,
            shown.pixels,
            self.headers,
            image=shown.ref,
            evidence_of=shown.evidence_of,
            lang=self.request.lang,
        )
        yield "_sc.dcm", to_bytes(made)

    def _report(self) -> Iterator[Made]:
        from medlens.write import to_bytes, to_structured_report

        made = to_structured_report(
            self.done.diagnosis,
            self.headers,
            segmentations=self.segmentations,
            lang=self.request.lang,
        )
        yield "_sr.dcm", to_bytes(made)

    def _fhir(self) -> Iterator[Made]:
        from medlens.write import to_fhir

        is_dicom = self.done.image.provenance.format == "dicom"
        made = to_fhir(
            self.done.diagnosis,
            self.headers if is_dicom else (),
            lang=self.request.lang,
        )
        text = json.dumps(made, ensure_ascii=False, indent=1, allow_nan=False)
        yield ".json", (text + "\n").encode("utf-8")
