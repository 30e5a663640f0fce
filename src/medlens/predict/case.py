"""What is asked for with a prediction, and the diagnosis of one case of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medlens.bundle import Bundle
from medlens.core import Image
from medlens.core.diagnosis import Diagnosis, Evidence
from medlens.core.terms import Lang
from medlens.predict.diagnose import AnyAnswer, describe, gather
from medlens.predict.diagnose_sources import refs_of
from medlens.predict.find import Input
from medlens.write.document import to_document

if TYPE_CHECKING:
    from medlens.predict.prior import Priors

RESULTS = ("text", "dicom", "fhir")
"""Formats that are written of a diagnosis."""


@dataclass(frozen=True)
class Request:
    """What the user wants beside the answers.

    Attributes:
        out: folder for files; None writes none.
        formats: of them.
        lang: of texts and results.
        is_told: the text of every case is printed.
        priors: earlier diagnoses, or None.
        is_single: there is one case, whose text is printed.
    """

    out: Path | None
    formats: tuple[str, ...]
    lang: Lang = "en"
    is_told: bool = False
    priors: Priors | None = None
    is_single: bool = False

    def for_cases(self, count: int) -> Request:
        """The same, once the number of cases is known.

        Raises:
            UsageError: one prior is given for several cases.
        """
        if self.priors is not None:
            self.priors.check(count)
        return replace(self, is_single=count == 1)

    @property
    def results(self) -> tuple[str, ...]:
        """Formats of the diagnosis that are written."""
        if self.out is None:
            return ()
        return tuple(name for name in RESULTS if name in self.formats)

    @property
    def with_maps(self) -> bool:
        """Whether evidence maps are worth their time, of which they take much."""
        is_written = self.out is not None and "png" in self.formats
        return is_written or bool(self.results) or self.is_told or self.is_single


@dataclass(frozen=True)
class CaseAnswer:
    """One case, diagnosed.

    Attributes:
        item: where it was found.
        image: of which only the grid and the facts may be there.
        diagnosis: of this case alone.
        evidence: its maps or mask.
    """

    item: Input
    image: Image
    diagnosis: Diagnosis
    evidence: Evidence

    @cached_property
    def document(self) -> dict[str, Any]:
        """`medlens/diagnosis/1`."""
        return to_document(self.diagnosis)


def diagnose_case(
    bundle: Bundle, answer: AnyAnswer, image: Image, item: Input, request: Request
) -> CaseAnswer:
    """An answer as the diagnosis of its case.

    Args:
        bundle: that answered.
        answer: of the case.
        image: of which only the grid, the modality and the facts are looked at.
        item: where it was found.
        request: with priors.
    """
    series = getattr(item, "series", None)
    notes = () if series is None else series.findings
    assessment, evidence = describe(
        bundle, answer, image, refs_of(item, image), notes=notes
    )
    prior = None if request.priors is None else request.priors.of(item.key)
    diagnosis = gather(
        item.key,
        [assessment],
        study_uid=image.provenance.uids.get("StudyInstanceUID", ""),
        prior=prior,
    )
    return CaseAnswer(item, image, diagnosis, evidence)
