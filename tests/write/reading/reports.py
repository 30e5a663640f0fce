"""Reports, their subjects and what they rest on, for the writers' tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pydicom.dataset import Dataset

from medlens.core.terms import Lang
from medlens.write.reading.basis import Basis
from medlens.write.reading.content import Content, Drafted, Report, Subject
from tests.write.answers import images_of

WHEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
SUBJECT = Subject(
    patient_name="Phantom^Petra=范^彼=はん^ぺ",
    patient_id="P-1",
    birth_date="19700203",
    sex="F",
    study_date="20260102",
    accession_number="A1",
    description="A study",
    referring_physician="Doctor^Refers",
    modalities=("CT",),
)
ENGLISH = Content(
    lang="en",
    indication="Cough for three days.",
    examined="CT, head, 4 images.",
    findings="Haemorrhage on the left. [AI, accepted]\nNo fracture.\n\nSinuses clear.",
    comparison="Compared with the prior study. [AI]",
    impression="Haemorrhage.",
    result_id=4,
)
CHINESE = Content(
    lang="zh",
    indication="咳嗽三天。",
    examined="CT，头部，4幅图像。",
    findings="左侧出血。[AI，已认可]\n未见骨折。\n\n鼻窦清晰。",
    comparison="与既往检查对比。[AI]",
    impression="出血。",
    result_id=4,
)

RESULT_AT = datetime(2026, 3, 3, 20, 0, 1, tzinfo=UTC)
FROM_NEWEST = Drafted(4, RESULT_AT, 4, RESULT_AT)
FROM_OLDER = Drafted(4, RESULT_AT, 9, datetime(2026, 3, 4, 1, 2, 3, tzinfo=UTC))
"""A newer result, 9, was there when the version was made."""


def report_of(lang: Lang = "en", **changes: Any) -> Report:
    """A signed first version, or what the changes make of it."""
    content = ENGLISH if lang == "en" else CHINESE
    made = Report(7, 1, content, True, "dr.wang", WHEN)
    return replace(made, **changes)


def basis_of(sources: Sequence[Dataset], **changes: Any) -> Basis:
    """All images of a series."""
    first = sources[0]
    images = tuple({i.sop_instance_uid: i for i in images_of(sources)}.values())
    series = {str(first.SeriesInstanceUID): str(first.Modality)}
    return replace(Basis(first, images, series), **changes)
