"""Results → bytes that other programs read."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medlens.write.capture import to_secondary_capture
    from medlens.write.document import diagnosis_schema, from_document, to_document
    from medlens.write.fhir import to_fhir
    from medlens.write.nifti import write_nifti
    from medlens.write.presentation import (
        to_presentation_state,
        to_presentation_states,
    )
    from medlens.write.read_report import read_structured_report
    from medlens.write.segmentation import empty_labels, to_segmentation
    from medlens.write.stamp import derive_uid, to_bytes
    from medlens.write.structured_report import to_structured_report
    from medlens.write.text import to_conclusion, to_text

__all__ = [
    "derive_uid",
    "diagnosis_schema",
    "empty_labels",
    "from_document",
    "read_structured_report",
    "to_bytes",
    "to_conclusion",
    "to_document",
    "to_fhir",
    "to_presentation_state",
    "to_presentation_states",
    "to_secondary_capture",
    "to_segmentation",
    "to_structured_report",
    "to_text",
    "write_nifti",
]

_HOMES = {
    "derive_uid": "stamp",
    "diagnosis_schema": "document",
    "empty_labels": "segmentation",
    "from_document": "document",
    "read_structured_report": "read_report",
    "to_bytes": "stamp",
    "to_conclusion": "text",
    "to_document": "document",
    "to_fhir": "fhir",
    "to_presentation_state": "presentation",
    "to_presentation_states": "presentation",
    "to_secondary_capture": "capture",
    "to_segmentation": "segmentation",
    "to_structured_report": "structured_report",
    "to_text": "text",
    "write_nifti": "nifti",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"medlens.write.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'medlens.write' has no attribute {name!r}")
