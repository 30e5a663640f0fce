"""The PDF as a DICOM object: valid, and the very bytes within."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from medlens.core.diagnosis import ImageRef
from medlens.write import to_bytes
from medlens.write.reading.encapsulated import ENCAPSULATED_PDF, to_encapsulated_pdf
from medlens.write.reading.structured import BASIC_TEXT_SR
from tests.write.dicom_sources import errors_of, radiograph, reread, series
from tests.write.reading.reports import basis_of, report_of

PDF = b"%PDF-1.4 odd"
ORIGIN = ImageRef("", BASIC_TEXT_SR, "1.2.826.0.1.3680043.8.498.77", "1.2.3.4")


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("is_signed", [True, False])
def test_it_is_valid(lang: Any, is_signed: bool, tmp_path: Path) -> None:
    for sources in (series(), [radiograph()]):
        report = report_of(lang, is_signed=is_signed)
        made = to_encapsulated_pdf(report, basis_of(sources), PDF, origin=ORIGIN)
        assert errors_of(to_bytes(made), tmp_path) == []


@pytest.mark.parametrize("pdf", [PDF, PDF + b"!"])
def test_the_very_bytes_are_in_it(pdf: bytes) -> None:
    basis = basis_of(series())
    data = to_bytes(to_encapsulated_pdf(report_of(), basis, pdf, origin=ORIGIN))
    made = reread(data)
    assert made.SOPClassUID == ENCAPSULATED_PDF
    assert made.EncapsulatedDocument[: made.EncapsulatedDocumentLength] == pdf
    assert len(made.EncapsulatedDocument) % 2 == 0
    assert made.MIMETypeOfEncapsulatedDocument == "application/pdf"
    assert (made.Modality, made.SeriesNumber) == ("DOC", 9006)
    assert (made.PatientID, made.DocumentTitle) == ("P-1", "Signed report")
    (source,) = made.SourceInstanceSequence
    assert source.ReferencedSOPInstanceUID == ORIGIN.sop_instance_uid
    again = to_encapsulated_pdf(report_of(), basis, pdf, origin=ORIGIN)
    assert to_bytes(again) == data
