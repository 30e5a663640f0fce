"""Small trees of files that the tests of data forms share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from medlens.datasets.manifest import Case, Manifest
from medlens.recipe.settings import Kind


def touch(root: Path, names: Iterable[str]) -> Path:
    """Empty files under a folder; reading a manifest never looks at pixels."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def table(path: Path, header: str, rows: Iterable[str]) -> Path:
    """A CSV of a header line and rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def labels_of(manifest: Manifest) -> dict[str, str]:
    """Case key → its label, for binary and multi-class sets."""
    return {case.key: manifest.labels[case.target.index(1)] for case in manifest.cases}


def problems_of(manifest: Manifest) -> dict[str, str]:
    """Case key → kind of problem."""
    return {problem.case: problem.kind for problem in manifest.problems}


def made_manifest(
    cases: Iterable[tuple[str, tuple[int, ...], str, str]],
    labels: tuple[str, ...] = ("no", "yes"),
    kind: Kind = "binary",
) -> Manifest:
    """A manifest of (key, target, patient, split), without files."""
    made = tuple(
        Case(key, Path(key), target, patient=patient, split=split)
        for key, target, patient, split in cases
    )
    return Manifest(Path(), made, kind, labels, labels[-1] if kind == "binary" else "")


def write_dicom(
    path: Path, *, tags: Mapping[str, object] | None = None, frames: int = 1
) -> Path:
    """A small CT-like DICOM file with the given tags."""
    import numpy as np
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    data = Dataset()
    data.SOPClassUID = CTImageStorage
    data.SOPInstanceUID = generate_uid(entropy_srcs=[str(path)])
    data.SeriesInstanceUID = generate_uid(entropy_srcs=[str(path.parent)])
    data.StudyInstanceUID = generate_uid(entropy_srcs=["study", str(path.parent)])
    data.PatientID = "MRN-1"
    data.PatientName = "Doe^Jane"
    data.Modality = "CT"
    data.Rows = data.Columns = 4
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation = 7, 0
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    if frames > 1:
        data.NumberOfFrames = frames
    for keyword, value in (tags or {}).items():
        if value is None:
            delattr(data, keyword)
        else:
            setattr(data, keyword, value)
    if "Rows" in data:
        data.PixelData = np.zeros(16 * frames, np.uint8).tobytes()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path
