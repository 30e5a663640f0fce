"""Why a person must look at a file before it leaves: text in its pixels, or a document.

No rule can read what is burned into an image. What is likely to hold some is held back
(PS3.15 E.3.1, Clean Pixel Data, is work for a person).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SECONDARY_CAPTURES = "1.2.840.10008.5.1.4.1.1.7"
ENCAPSULATED = "1.2.840.10008.5.1.4.1.1.104."
REPORTS = "1.2.840.10008.5.1.4.1.1.88."
STATES = "1.2.840.10008.5.1.4.1.1.11."
WAVEFORMS = "1.2.840.10008.5.1.4.1.1.9."
RISKY = frozenset(
    ["US", "IVUS", "SC", "OT", "ES", "XC", "GM", "OP", "OPT", "DOC", "ECG", "EPS", "HD"]
)
GREY = frozenset(["CT", "MR", "CR", "DX", "MG", "NM", "PT", "RF", "XA", "PX", "IO"])


def why_held(data: Dataset) -> str:
    """The reason why a person must look first, or "".

    Args:
        data: header of the source, before anything is removed.
    """
    return _document(data) or _burned_in(data)


def _document(data: Dataset) -> str:
    sop_class = str(data.get("SOPClassUID") or "")
    if sop_class.startswith(ENCAPSULATED) or "EncapsulatedDocument" in data:
        return "holds a document (PDF, CDA, model), whose text no rule can clean"
    if sop_class.startswith((REPORTS, STATES, WAVEFORMS)):
        return "is a report, a presentation state or a waveform, which is free text"
    return ""


def _burned_in(data: Dataset) -> str:
    said = str(data.get("BurnedInAnnotation") or "").strip().upper()
    sop_class = str(data.get("SOPClassUID") or "")
    modality = str(data.get("Modality") or "").strip().upper()
    kinds = {str(word).upper() for word in _values(data.get("ImageType"))}
    if said == "YES":
        return "Burned In Annotation is YES"
    if sop_class == SECONDARY_CAPTURES or sop_class.startswith(
        SECONDARY_CAPTURES + "."
    ):
        return "is a secondary capture, which often holds text in its pixels"
    if said == "NO":
        return ""
    if modality in RISKY or not modality:
        shown = modality or "none"
        return f"modality {shown} often holds text in its pixels, and Burned In " + (
            "Annotation is not said"
        )
    if str(data.get("ConversionType") or "").strip():
        return "was converted from something else (Conversion Type)"
    if "SECONDARY" in kinds or any("SCREEN" in kind for kind in kinds):
        return "Image Type says SECONDARY or SCREEN SAVE, often a picture with text"
    colour = str(data.get("PhotometricInterpretation") or "").upper()
    if modality in GREY and colour and not colour.startswith("MONOCHROME"):
        return f"a {modality} in colour is often a screen with text"
    return ""


def _values(value: object) -> list[object]:
    if value is None or isinstance(value, str):
        return [value] if value else []
    try:
        return list(value)  # type: ignore[call-overload, no-any-return]
    except TypeError:
        return [value]
