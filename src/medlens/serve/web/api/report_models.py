"""What the API takes and says of readers' reports."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import Path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from medlens.serve.web.api.fields import (
    LARGEST,
    MOST_REVISIONS,
    Strict,
    Whole,
    as_whole,
    moment,
)
from medlens.serve.work.report_drafted import Given, newest_at
from medlens.serve.work.report_drafts import Draft
from medlens.serve.work.report_kept import FilesState
from medlens.serve.work.report_suggestion import LONGEST_SECTION
from medlens.write.reading.content import SECTIONS, Content, from_document

MOST_CHARACTERS = 3000
"""Different ones in a report; a Chinese one has some hundreds."""
MOST_IN_JSON = 2**53 - 1  # above it a number of JSON is not exact (RFC 8259, section 6)

# Line ends and tabs may stand in a text; other control characters, and marks that turn
# a line around so that it reads as something else, may not.
FORBIDDEN = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
_FORBIDDEN = re.compile(f"[{FORBIDDEN}]")

VersionNumber = Annotated[
    int, Path(ge=1, le=LARGEST, description="counts from 1", examples=[1])
]


def _plain(text: str) -> str:
    if _FORBIDDEN.search(text):
        raise PydanticCustomError(
            "control_character",
            "holds a control character; only line ends (\\n) and tabs may stand in it",
        )
    return text


def _plain_line(text: str) -> str:
    if "\n" in text or "\t" in text:
        raise PydanticCustomError("line_end", "wanted one line")
    return _plain(text)


Prose = Annotated[
    str,
    StringConstraints(max_length=LONGEST_SECTION),
    AfterValidator(_plain),
    Field(json_schema_extra={"pattern": f"^[^{FORBIDDEN}]*$"}),
]
Line = Annotated[
    str,
    StringConstraints(max_length=500),
    AfterValidator(_plain_line),
    Field(json_schema_extra={"pattern": f"^[^\\t\\n{FORBIDDEN}]*$"}),
]


class ReportSections(Strict):
    """The words of a report; a section that is empty is left out of its files."""

    indication: Prose = Field("", description="why the study was made")
    examined: Prose = Field("", description="what was done and looked at")
    findings: Prose = Field("", description="what is seen")
    comparison: Prose = Field("", description="with earlier studies")
    impression: Prose = Field("", description="what it means")

    @model_validator(mode="after")
    def _is_writing(self) -> Self:
        """Each different character is drawn once for the PDF, which takes its time."""
        count = len(set().union(*(getattr(self, name) for name in SECTIONS)))
        if count > MOST_CHARACTERS:
            raise PydanticCustomError(
                "characters",
                "hold {count} different characters; no more than {most} are printed",
                {"count": count, "most": MOST_CHARACTERS},
            )
        return self


class ReportContent(Strict):
    """A report's words and what they were drafted from."""

    lang: Literal["en", "zh"]
    result_id: (
        Annotated[
            int,
            Field(strict=True, ge=1, le=MOST_IN_JSON),
            BeforeValidator(as_whole),
        ]
        | None
    ) = Field(None, description="result it was drafted from")
    sections: ReportSections


class DraftView(BaseModel):
    """The caller's draft."""

    revision: int = Field(description="grows with every save; send it with the next")
    saved_at: datetime
    content: ReportContent


class DraftSave(Strict):
    """A draft to be saved over the one that the caller saw."""

    revision: Whole = Field(
        ge=0,
        le=MOST_REVISIONS,
        description="that the caller saw; 0 where they saw none",
    )
    content: ReportContent


class VersionLine(BaseModel):
    """One version of a report."""

    version: int = Field(description="counts from 1 within the study")
    is_signed: bool
    author: str = Field(description="name of the account that wrote or signed it")
    made_at: datetime
    lang: Literal["en", "zh"]
    reason: str = Field(description="why a signed version was changed")
    result_id: int | None = Field(description="result that it was drafted from")
    newest_result_id: int | None = Field(
        description="newest result when the version was made; the draft does not "
        "contain it where it is another than `result_id`"
    )


class ReportObject(BaseModel):
    """A file of a signed version, made once and kept."""

    kind: str = Field(
        description="TEXT, PDF, SR, FHIR, or DOC: the PDF as a DICOM object",
        examples=["PDF"],
    )
    media_type: str = Field(examples=["application/pdf"])
    bytes: int
    digest: str = Field(description="SHA-256 of the file")
    sop_uid: str = Field(description="SOP Instance UID, empty for what is no DICOM")


class VersionView(VersionLine):
    """One version with its words and files."""

    content: ReportContent
    content_digest: str = Field(
        description="SHA-256 of the content in canonical form (RFC 8785)"
    )
    objects: list[ReportObject] = Field(description="none without a signature")
    files: FilesState = Field(
        description="none: without a signature; whole: all are kept; owed: those that "
        "could not be made with the signature are being made; lacking: they are not, "
        "as where the headers allow no DICOM object"
    )


class ReportView(BaseModel):
    """The report of a study."""

    draft: DraftView | None = Field(description="the caller's own")
    versions: list[VersionLine] = Field(description="the newest first")


class VersionWish(Strict):
    """A version to be kept for good."""

    content: ReportContent
    sign: bool = Field(
        strict=True, description="false keeps it without a signature, as a draft"
    )
    reason: Line = Field(
        "", description="why it is changed; wanted where a signed version exists"
    )
    expected_version: Whole = Field(
        ge=0,
        le=2**31 - 2,
        description="newest version that the writer saw, 0 for none",
    )
    draft_revision: Whole = Field(
        0,
        ge=0,
        le=MOST_REVISIONS,
        description="of the caller's own draft, as they saw it, 0 for none; a newer "
        "one is never dropped unseen",
    )


def content_of(said: ReportContent) -> Content:
    """The content that a request sent."""
    return Content(
        lang=said.lang, result_id=said.result_id, **said.sections.model_dump()
    )


def view_of_content(content: Content) -> ReportContent:
    """A content as the API says it."""
    return ReportContent(
        lang=content.lang,
        result_id=content.result_id,
        sections=ReportSections(**content.sections),
    )


def view_of_draft(draft: Draft) -> DraftView:
    """A draft as the API says it."""
    return DraftView(
        revision=draft.revision,
        saved_at=moment(draft.saved_at),
        content=view_of_content(draft.content),
    )


def line_of_version(row: Any, given: Sequence[Given]) -> VersionLine:
    """A row of the table as the API says it.

    Args:
        row: of `reports`.
        given: results of the study that count, the newest first.
    """
    return VersionLine(
        version=row.version,
        is_signed=row.is_signed,
        author=row.author,
        made_at=moment(row.made_at),
        lang=row.content["lang"],
        reason=row.reason,
        result_id=row.result_id,
        newest_result_id=newest_at(given, row.made_at),
    )


def view_of_version(
    row: Any, objects: Sequence[Any], given: Sequence[Given], files: FilesState
) -> VersionView:
    """A row of the table with those of its files; see `line_of_version`."""
    return VersionView(
        **line_of_version(row, given).model_dump(),
        content=view_of_content(from_document(row.content)),
        content_digest=row.content_digest,
        files=files,
        objects=[
            ReportObject(
                **{name: getattr(each, name) for name in ReportObject.model_fields}
            )
            for each in objects
        ],
    )
