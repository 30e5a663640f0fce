"""What the API says of results."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, Field

from medlens.serve.web.api.fields import LARGEST, Strict, Text
from medlens.serve.web.api.result_words import WordsView

ObjectNumber = Annotated[
    int, Path(ge=1, le=LARGEST, description="`id` among the objects", examples=[3])
]
_BINARY = {"type": "string", "format": "binary"}
OBJECT_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "the file",
        "content": {
            "application/dicom": {"schema": _BINARY},
            "application/fhir+json": {"schema": {"type": "object"}},
            "application/zip": {"schema": _BINARY},
        },
    }
}
FHIR_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "a FHIR R4 Bundle",
        "content": {"application/fhir+json": {"schema": {"type": "object"}}},
    }
}


class ObjectView(BaseModel):
    """One object made of a result."""

    id: int
    kind: str = Field(description="SR, SEG, GSPS, SC, FHIR or MAPS", examples=["SR"])
    assessment: int = Field(description="which assessment of the diagnosis it is of")
    media_type: str = Field(examples=["application/dicom"])
    bytes: int
    digest: str = Field(description="SHA-256 of the file")
    sop_uid: str = Field(description="SOP Instance UID, empty for FHIR and MAPS")


class ResultView(BaseModel):
    """What the models found in a study."""

    id: int = Field(examples=[4])
    study_id: int
    job_id: int | None
    created_at: datetime
    diagnosis: dict[str, Any] = Field(description="schema medlens/diagnosis/1")
    names: dict[str, WordsView] = Field(
        description="label in the diagnosis → its name for people"
    )
    phrases: dict[str, WordsView] = Field(
        description="reason, note, `left_out` or operating point → the same for people"
    )
    objects: list[ObjectView]


class Sending(Strict):
    """Where to send a result."""

    destination: Text = Field(min_length=1, description="its name", examples=["pacs"])
