"""A reader's report as DICOM SR: TID 2000, Basic Diagnostic Imaging Report.

Basic Text SR, since it is words under headings and every PACS shows that class. What is
signed is COMPLETE and VERIFIED, names who verified it, and the report whose place it
takes; what is not is PARTIAL, UNVERIFIED and PRELIMINARY.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from highdicom import sr
from pydicom.dataset import Dataset

from medlens.core.diagnosis import Code
from medlens.write import codes
from medlens.write.codes import concept
from medlens.write.reading.basis import (
    Basis,
    begin,
    evidence,
    finish,
    organization,
    person_name,
    stamp_of,
)
from medlens.write.reading.content import Report
from medlens.write.reading.text import drafted_of
from medlens.write.reading.words import has_ai, say_ai
from medlens.write.report_items import CONTAINS, coded
from medlens.write.report_items import text as short_text
from medlens.write.source import clean_source
from medlens.write.stamp import writing

BASIC_TEXT_SR = "1.2.840.10008.5.1.4.1.1.88.11"
TEMPLATE = "2000"
TITLE = Code("18748-4", "LN", "Diagnostic Imaging Report")
# CID 7001 and CID 7002 of PS3.16.
HEADINGS = {
    "indication": Code("18785-6", "LN", "Indications for Procedure"),
    "examined": Code("55111-9", "LN", "Current Procedure Descriptions"),
    "findings": Code("59776-5", "LN", "Findings"),
    "comparison": Code("18834-2", "LN", "Previous Findings"),
    "impression": Code("19005-8", "LN", "Impressions"),
}
ELEMENTS = {
    "indication": Code("11329-0", "LN", "History"),
    "examined": Code("121065", "DCM", "Procedure Description"),
    "findings": Code("121071", "DCM", "Finding"),
    "comparison": Code("121069", "DCM", "Previous Finding"),
    "impression": Code("121073", "DCM", "Impression"),
}
PERSON = Code("121006", "DCM", "Person")
OBSERVER_TYPE = Code("121005", "DCM", "Observer Type")
OBSERVER_NAME = Code("121008", "DCM", "Person Observer Name")
LANGUAGE = Code("121049", "DCM", "Language of Content Item and Descendants")
_MODIFIES = sr.RelationshipTypeValues.HAS_CONCEPT_MOD
_OBSERVES = sr.RelationshipTypeValues.HAS_OBS_CONTEXT
# UT holds line ends and tabs, and no other control character (PS3.5 6.1.3).
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]+")
_GAP = re.compile(r"\n[ \t]*\n\s*")


def to_report_sr(report: Report, basis: Basis) -> Dataset:
    """A whole data set with file meta; `to_bytes` makes the file.

    Each paragraph of a section is an item of its own.

    Args:
        report: with something in at least one section.
        basis: what it is about.

    Raises:
        ReadError: the header has no usable UIDs.
    """
    with writing("report"):
        made, stamp, source = begin("reading", BASIC_TEXT_SR, report, basis)
        made.Modality = "SR"
        made.ReferencedPerformedProcedureStepSequence = []
        made.PerformedProcedureCodeSequence = []
        made.CompletionFlag = "COMPLETE" if report.is_signed else "PARTIAL"
        made.PreliminaryFlag = "FINAL" if report.is_signed else "PRELIMINARY"
        made.VerificationFlag = "VERIFIED" if report.is_signed else "UNVERIFIED"
        if report.is_signed:
            made.VerifyingObserverSequence = [_verifier(report, basis, stamp.when)]
        if basis.images:
            made.CurrentRequestedProcedureEvidenceSequence = evidence(
                made.StudyInstanceUID, basis.images
            )
        if basis.predecessor is not None:
            made.PredecessorDocumentsSequence = evidence(
                made.StudyInstanceUID, [basis.predecessor]
            )
        _add_tree(made, report)
        return finish(made, stamp, source)


def instance_uid(report: Report, basis: Basis) -> str:
    """SOP Instance UID that the SR of a report has.

    Raises:
        ReadError: the header has no usable UIDs.
    """
    return stamp_of("reading", report, clean_source(basis.header)).instance_uid


def _verifier(report: Report, basis: Basis, when: Any) -> Dataset:
    item = Dataset()
    item.VerifyingObserverName = person_name(report.author)
    item.VerifyingObserverIdentificationCodeSequence = []
    item.VerifyingOrganization = organization(basis.header)
    item.VerificationDateTime = when.strftime("%Y%m%d%H%M%S")
    return item


def _add_tree(made: Dataset, report: Report) -> None:
    lang = report.content.lang
    root = sr.ContainerContentItem(name=coded(TITLE), template_id=TEMPLATE)
    root.ContentSequence = sr.ContentSequence(
        [
            _code(LANGUAGE, codes.LANGUAGES[lang], _MODIFIES),
            _code(OBSERVER_TYPE, PERSON, _OBSERVES),
            sr.PnameContentItem(
                name=coded(OBSERVER_NAME),
                value=person_name(report.author),
                relationship_type=_OBSERVES,
            ),
            *_sections(report),
            *_remarks(report),
        ]
    )
    for element in root:
        made.add(element)


def _sections(report: Report) -> Iterator[Any]:
    for name, words in report.content.sections.items():
        paragraphs = [part for part in _GAP.split(words.strip()) if part.strip()]
        if not paragraphs:
            continue
        heading = sr.ContainerContentItem(
            name=coded(HEADINGS[name]), relationship_type=CONTAINS
        )
        heading.ContentSequence = sr.ContentSequence(
            [_text(ELEMENTS[name], part) for part in paragraphs]
        )
        yield heading


def _remarks(report: Report) -> Iterator[Any]:
    """What marks mean, why it was changed, what it was drafted from, and the notice.

    TID 2000 is extensible.
    """
    lang = report.content.lang
    if any(has_ai(words) for words in report.content.sections.values()):
        said = say_ai(lang, is_signed=report.is_signed)
        yield short_text(concept("ai_mark", lang), said)
    if report.reason:
        yield short_text(concept("reason_of_change", lang), report.reason)
    origin = drafted_of(report)
    if origin:
        gap = " " if lang == "en" else ""
        yield short_text(concept("drafted_from", lang), gap.join(origin))
    yield short_text(concept("notice", lang), codes.SOFTWARE_NOTICE[lang])


def _text(name: Code, words: str) -> Any:
    """TEXT with its own line ends, CR LF as UT wants them."""
    plain = _UNSEEN.sub(" ", words.replace("\r\n", "\n").strip())
    return sr.TextContentItem(
        name=coded(name),
        value=plain.replace("\n", "\r\n"),
        relationship_type=CONTAINS,
    )


def _code(name: Code, value: Code, relationship: Any) -> Any:
    return sr.CodeContentItem(
        name=coded(name), value=coded(value), relationship_type=relationship
    )
