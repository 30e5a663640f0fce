"""Results on real images: whatever they are, each is valid or refused in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from medlens.core import MedlensError
from medlens.core.diagnosis import Evidence
from medlens.write import (
    to_bytes,
    to_fhir,
    to_presentation_state,
    to_secondary_capture,
    to_segmentation,
    to_structured_report,
)
from tests.write.answers import images_of, mask_assessment, rich_diagnosis
from tests.write.dicom_sources import errors_of, reread, validator

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # of the files


def read(path: Path) -> Dataset | None:
    """A header, or None where pydicom finds none."""
    try:
        return dcmread(path, stop_before_pixels=True, force=True)
    except Exception:  # malformed on purpose
        return None


def results(sources: list[Dataset]) -> Iterator[tuple[str, bytes]]:
    """Every result of the sources; a mask on the first image alone."""
    diagnosis = rich_diagnosis(sources)
    assessment = diagnosis.assessments[0]
    yield "report", to_bytes(to_structured_report(diagnosis, sources))
    state = to_presentation_state(assessment, sources)
    if state is not None:
        yield "marks", to_bytes(state)
    picture = np.zeros((64, 600), dtype=np.uint8)
    yield "capture", to_bytes(to_secondary_capture(assessment, picture, sources))
    assert to_fhir(diagnosis, sources)["type"] == "collection"
    one = replace(mask_assessment(sources, ["tumour"]), images=images_of(sources)[:1])
    first = sources[0]
    if first.get("Rows") and first.get("Columns"):
        mask = np.ones((1, first.Rows, first.Columns), dtype=np.uint8)
        evidence = Evidence(mask=mask, labels=("background", "tumour"))
        made = to_segmentation(one, evidence, sources)
        assert made is not None
        yield "segmentation", to_bytes(made)


def blames(error: str) -> bool:
    """Whether an error is of the source's own name or class, which a result repeats.

    Two files have UIDs under a root that nobody has; six hold two frames under the
    class of single images.
    """
    return "Illegal root for UID" in error or "that is not multi-frame" in error


def test_a_variety_of_files_gives_valid_results_or_words(
    shared_data: Path, tmp_path: Path
) -> None:
    validator()
    written, refused, wrong, seen = 0, [], [], set()
    for path in sorted((shared_data / "dicom_variety").glob("*.dcm")):
        source = read(path)
        if source is None or not source.get("SeriesInstanceUID"):
            continue
        if source.SOPInstanceUID in seen:
            continue  # the same image in another transfer syntax
        seen.add(source.SOPInstanceUID)
        source.setdefault("InstanceNumber", 1)
        source.setdefault("Modality", "OT")
        try:
            for kind, data in results([source]):
                errors = [e for e in errors_of(data, tmp_path) if not blames(e)]
                written += 1
                if errors:
                    wrong.append((path.name, kind, errors[:2]))
        except MedlensError as error:
            refused.append(f"{path.name}: {error}")
    assert wrong == []
    assert not any("1.2." in reason for reason in refused)
    assert written > 60
    assert len(refused) <= 3


def test_an_uneven_series_keeps_the_place_of_each_slice(
    shared_data: Path, tmp_path: Path
) -> None:
    folder = shared_data / "ct_head_series_dicom"
    sources = [dcmread(path, stop_before_pixels=True) for path in folder.glob("*.dcm")]
    sources.sort(key=lambda source: float(source.ImagePositionPatient[2]))
    mask = np.zeros((len(sources), sources[0].Rows, sources[0].Columns), dtype=np.uint8)
    for index in range(len(sources)):
        mask[index, 100 + index, 200] = 1
    evidence = Evidence(mask=mask, labels=("background", "tumour"))
    made = to_segmentation(mask_assessment(sources, ["tumour"]), evidence, sources)
    assert made is not None
    data = to_bytes(made)
    assert errors_of(data, tmp_path) == []
    result = reread(data)
    found = {}
    groups = result.PerFrameFunctionalGroupsSequence
    for frame, group in zip(result.pixel_array, groups, strict=True):
        position = group.PlanePositionSequence[0].ImagePositionPatient
        ((row, column),) = np.argwhere(frame)
        assert column == 200
        found[row - 100] = [float(value) for value in position]
    wanted = {
        index: [float(value) for value in source.ImagePositionPatient]
        for index, source in enumerate(sources)
    }
    assert found == wanted
