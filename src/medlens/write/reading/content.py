"""What a reader's report says, and who says it: the one object that writers take.

Text, PDF, DICOM SR and FHIR are all made from it, so that they cannot disagree.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from medlens.core.terms import Lang

SCHEMA = "medlens/report/1"
SECTIONS = ("indication", "examined", "findings", "comparison", "impression")
"""In the order in which they are read."""


@dataclass(frozen=True)
class Content:
    """The words of a report.

    Attributes:
        lang: that it is written in: "en" or "zh".
        indication: why the study was made.
        examined: what was done and looked at.
        findings: what is seen.
        comparison: with earlier studies.
        impression: what it means.
        result_id: number of the result that it was drafted from, or None.
    """

    lang: Lang
    indication: str = field(default="", repr=False)
    examined: str = field(default="", repr=False)
    findings: str = field(default="", repr=False)
    comparison: str = field(default="", repr=False)
    impression: str = field(default="", repr=False)
    result_id: int | None = None

    @property
    def sections(self) -> dict[str, str]:
        """Name of each section → its text, in order."""
        return {name: getattr(self, name) for name in SECTIONS}

    @property
    def is_empty(self) -> bool:
        """True when it says nothing of what is seen or what it means."""
        return not (self.findings.strip() or self.impression.strip())


@dataclass(frozen=True)
class Drafted:
    """The result that a report was drafted from.

    Attributes:
        result: its number.
        made_at: with a time zone.
        newest: number of the newest result when the version was made.
        newest_at: with a time zone.
    """

    result: int
    made_at: datetime
    newest: int
    newest_at: datetime

    @property
    def is_outdated(self) -> bool:
        """True when a newer result was there, which the draft knows nothing of."""
        return self.newest != self.result


@dataclass(frozen=True)
class Report:
    """One version of a report.

    Attributes:
        study: our own number of the study.
        version: from 1 within the study.
        content: its words.
        is_signed: False for what is kept without a signature: it is a draft to
            everybody who reads it.
        author: name of the account that wrote or signed it.
        made_at: with a time zone.
        reason: why an earlier signed version was changed, or "".
        amends: version of the signed report whose place it takes, or None.
        drafted: the result that its draft was made from, or None.
    """

    study: int
    version: int
    content: Content
    is_signed: bool
    author: str
    made_at: datetime
    reason: str = field(default="", repr=False)
    amends: int | None = None
    drafted: Drafted | None = None


@dataclass(frozen=True)
class Subject:
    """Patient and study as the index knows them, in the form of their headers.

    Attributes:
        patient_name: PN, groups parted by "=".
        patient_id, sex, accession_number, description, referring_physician: as in
            the header, "" where it has none.
        birth_date, study_date: DA, "" where there is none.
        modalities: of the images.
    """

    patient_name: str = field(default="", repr=False)
    patient_id: str = field(default="", repr=False)
    birth_date: str = field(default="", repr=False)
    sex: str = field(default="", repr=False)
    study_date: str = field(default="", repr=False)
    accession_number: str = field(default="", repr=False)
    description: str = field(default="", repr=False)
    referring_physician: str = field(default="", repr=False)
    modalities: tuple[str, ...] = ()


def to_document(content: Content) -> dict[str, Any]:
    """JSON-ready dict of schema `medlens/report/1`."""
    return {
        "schema": SCHEMA,
        "lang": content.lang,
        "result_id": content.result_id,
        "sections": content.sections,
    }


def from_document(document: Mapping[str, Any]) -> Content:
    """The content that `to_document` told."""
    return Content(
        lang="zh" if document["lang"] == "zh" else "en",
        result_id=document["result_id"],
        **{name: document["sections"].get(name, "") for name in SECTIONS},
    )


def digest_of(content: Content) -> str:
    """SHA-256 of the content in its canonical form (JSON as in RFC 8785).

    Keys are sorted, nothing is indented, letters stand as they are in UTF-8; all
    numbers are whole, so that they have one spelling.
    """
    document = to_document(content)
    text = json.dumps(
        document, sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    return hashlib.sha256(text.encode()).hexdigest()
