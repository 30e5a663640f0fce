"""The DICOM JSON Model as XML: the Native DICOM Model (PS3.19 Annex A.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from xml.sax.saxutils import escape, quoteattr

MEDIA_TYPE = "application/dicom+xml"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME = {
    "FamilyName": 0, "GivenName": 1, "MiddleName": 2, "NamePrefix": 3, "NameSuffix": 4,
}  # fmt: skip


def to_xml(model: dict[str, dict[str, Any]]) -> bytes:
    """One data set as an XML document, UTF-8.

    Args:
        model: a data set of the JSON model.
    """
    parts = (_HEAD, "<NativeDicomModel>", *_attributes(model), "</NativeDicomModel>")
    return "".join(parts).encode("utf-8")


def _attributes(model: dict[str, dict[str, Any]]) -> Iterator[str]:
    from pydicom.datadict import keyword_for_tag

    for tag, entry in model.items():
        keyword, vr = keyword_for_tag(tag), entry["vr"]
        named = f" keyword={quoteattr(keyword)}" if keyword else ""
        yield f"<DicomAttribute tag={quoteattr(tag)} vr={quoteattr(vr)}{named}>"
        yield from _content(entry)
        yield "</DicomAttribute>"


def _content(entry: dict[str, Any]) -> Iterator[str]:
    if "BulkDataURI" in entry:
        yield f"<BulkData uri={quoteattr(entry['BulkDataURI'])}/>"
    elif "InlineBinary" in entry:
        yield f"<InlineBinary>{entry['InlineBinary']}</InlineBinary>"
    elif entry["vr"] == "SQ":
        yield from _items(entry.get("Value", ()))
    elif entry["vr"] == "PN":
        yield from _names(entry.get("Value", ()))
    else:
        for number, value in enumerate(entry.get("Value", ()), start=1):
            if value is not None:
                yield f'<Value number="{number}">{_text(value)}</Value>'


def _items(items: Iterable[dict[str, Any]]) -> Iterator[str]:
    for number, item in enumerate(items, start=1):
        yield f'<Item number="{number}">'
        yield from _attributes(item)
        yield "</Item>"


def _names(names: Iterable[dict[str, str] | None]) -> Iterator[str]:
    for number, groups in enumerate(names, start=1):
        yield f'<PersonName number="{number}">'
        for group, text in (groups or {}).items():
            parts = text.split("^")
            yield f"<{group}>"
            for part, index in _NAME.items():
                if index < len(parts) and parts[index]:
                    yield f"<{part}>{_text(parts[index])}</{part}>"
            yield f"</{group}>"
        yield "</PersonName>"


def _text(value: Any) -> str:
    """Characters that XML has; the others become the replacement character."""
    return escape(_UNFIT.sub("\ufffd", str(value)))
