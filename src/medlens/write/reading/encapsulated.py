"""A reader's report as a DICOM object that holds its PDF (PS3.3 A.45.1)."""

from __future__ import annotations

from pydicom.dataset import Dataset

from medlens.core.diagnosis import ImageRef
from medlens.write.reading.basis import Basis, begin, finish, reference
from medlens.write.reading.content import Report
from medlens.write.reading.structured import TITLE
from medlens.write.reading.text import title_of
from medlens.write.report_items import coded
from medlens.write.stamp import writing
from medlens.write.values import clean_text

ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"


def to_encapsulated_pdf(
    report: Report, basis: Basis, pdf: bytes, *, origin: ImageRef | None = None
) -> Dataset:
    """A whole data set with file meta; `to_bytes` makes the file.

    Args:
        report: that was printed.
        basis: what it is about.
        pdf: of `to_report_pdf`.
        origin: the SR of the same report.

    Raises:
        ReadError: the header has no usable UIDs.
    """
    with writing("report"):
        made, stamp, source = begin("print", ENCAPSULATED_PDF, report, basis)
        made.Modality = "DOC"
        made.ConversionType = "WSD"
        made.AcquisitionDateTime = None
        made.BurnedInAnnotation = "YES"
        made.RecognizableVisualFeatures = "NO"
        if origin is not None:
            made.SourceInstanceSequence = [reference(origin)]
        made.DocumentTitle = clean_text(title_of(report), 1024)
        made.ConceptNameCodeSequence = [coded(TITLE)]
        if report.is_signed:
            made.VerificationFlag = "VERIFIED"
        else:
            made.VerificationFlag = "UNVERIFIED"
        made.MIMETypeOfEncapsulatedDocument = "application/pdf"
        made.EncapsulatedDocumentLength = len(pdf)
        made.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
        return finish(made, stamp, source)
