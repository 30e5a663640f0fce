"""Marks: valid, on the pixel that was meant, over the image as its file shows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from medlens.core import ReadError
from medlens.core.diagnosis import Assessment, Place
from medlens.write import (
    to_bytes,
    to_presentation_state,
    to_presentation_states,
    to_structured_report,
)
from tests.write.answers import images_of, rich_diagnosis
from tests.write.dicom_sources import (
    CORNER,
    GAP,
    OBLIQUE,
    SPACING,
    enhanced_mr,
    errors_of,
    radiograph,
    reread,
    series,
    ultrasound,
)

SOURCES: dict[str, tuple[Any, str]] = {
    "ct": (lambda: series(), "Grayscale"),
    "mr": (lambda: series("MR", orientation=OBLIQUE), "Grayscale"),
    "mr frames": (lambda: [enhanced_mr()], "Grayscale"),
    "dx": (lambda: [radiograph()], "Grayscale"),
    "dx of a hand": (lambda: [radiograph(laterality="L")], "Grayscale"),
    "cr": (lambda: [radiograph("CR", laterality="R")], "Grayscale"),
    "us": (lambda: [ultrasound()], "Color"),
    "us grey": (lambda: [ultrasound(is_colour=False)], "Grayscale"),
    "us clip": (lambda: [ultrasound(frames=3)], "Color"),
}


def answer(sources: list[Dataset], **place: Any) -> Assessment:
    """One finding that is present, somewhere else where `place` says so."""
    assessment = rich_diagnosis(sources).assessments[0]
    finding = assessment.findings[0]
    moved = replace(finding, place=replace(finding.place, **place))
    return replace(assessment, findings=(moved, assessment.findings[1]))


def write(assessment: Assessment, sources: list[Dataset], **more: Any) -> Dataset:
    state = to_presentation_state(assessment, sources, **more)
    assert state is not None
    return reread(to_bytes(state))


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("kind", SOURCES)
def test_marks_are_valid_and_of_the_images_kind(
    kind: str, lang: Any, tmp_path: Path
) -> None:
    make, wanted = SOURCES[kind]
    sources = make()
    state = write(rich_diagnosis(sources).assessments[0], sources, lang=lang)
    assert state.SOPClassUID.name.startswith(wanted)
    assert errors_of(to_bytes(state), tmp_path) == []


def test_boxes_lie_on_the_pixels_that_were_meant() -> None:
    sources = series()
    state = write(answer(sources), sources)
    (annotation,) = state.GraphicAnnotationSequence
    reference = annotation.ReferencedImageSequence[0]
    assert reference.ReferencedSOPInstanceUID == sources[2].SOPInstanceUID
    (drawn,) = annotation.GraphicObjectSequence
    assert (drawn.GraphicType, drawn.GraphicAnnotationUnits) == ("POLYLINE", "PIXEL")
    corners = np.array(drawn.GraphicData).reshape(-1, 2).tolist()
    assert corners == [[4, 5.5], [12.25, 5.5], [12.25, 15], [4, 15], [4, 5.5]]
    words, notice = annotation.TextObjectSequence
    assert words.UnformattedTextValue == "intracranial haemorrhage 91.2 %" or (
        words.UnformattedTextValue.endswith("emorrhage 91.2 %")
    )
    assert notice.UnformattedTextValue == "AI result, not verified"


def test_boxes_are_cut_to_the_image() -> None:
    sources = series()
    state = write(answer(sources, box=(-5.0, -1.0, 900.0, 7.0)), sources)
    drawn = state.GraphicAnnotationSequence[0].GraphicObjectSequence[0]
    assert min(drawn.GraphicData) == 0
    assert max(drawn.GraphicData) == 32
    beside = write(answer(sources, box=(50.0, 1.0, 60.0, 7.0), centre_mm=None), sources)
    assert "GraphicObjectSequence" not in beside.GraphicAnnotationSequence[0]


@pytest.mark.parametrize("is_multiple", [False, True])
def test_a_centre_without_a_box_is_a_point(is_multiple: bool) -> None:
    """Column 7, row 11 of slice 2, worked out from the phantom's own numbers."""
    turned = {"orientation": OBLIQUE}
    sources = [enhanced_mr(**turned)] if is_multiple else series("MR", **turned)
    right, down = np.array(OBLIQUE[:3]), np.array(OBLIQUE[3:])
    centre = np.array(CORNER) + np.cross(right, down) * GAP * 2
    centre = centre + right * SPACING[1] * 7 + down * SPACING[0] * 11
    state = write(answer(sources, box=None, centre_mm=tuple(centre)), sources)
    (drawn,) = state.GraphicAnnotationSequence[0].GraphicObjectSequence
    assert drawn.GraphicType == "POINT"
    # Marks count from the corner of the first pixel, half a pixel from its centre.
    assert np.allclose(drawn.GraphicData, [7.5, 11.5], atol=1e-3)


def test_frames_of_a_clip_are_named() -> None:
    sources = [ultrasound(frames=3)]
    state = write(answer(sources), sources)
    reference = state.GraphicAnnotationSequence[0].ReferencedImageSequence[0]
    assert reference.ReferencedFrameNumber == 2
    assert reference.ReferencedSOPClassUID == sources[0].SOPClassUID


def test_the_image_is_shown_as_its_file_asks() -> None:
    sources = series()
    state = write(answer(sources), sources)
    assert (state.RescaleIntercept, state.RescaleSlope) == (-1024, 1)
    (voi,) = state.SoftcopyVOILUTSequence
    assert (voi.WindowCenter, voi.WindowWidth) == (40, 400)
    assert state.PresentationLUTShape == "IDENTITY"
    (area,) = state.DisplayedAreaSelectionSequence
    assert list(area.PresentationPixelSpacing) == list(SPACING)
    assert list(area.DisplayedAreaBottomRightHandCorner) == [32, 24]
    dark = [radiograph(photometric="MONOCHROME1")]
    assert write(answer(dark), dark).PresentationLUTShape == "INVERSE"


def lut(first: int, bits: int, entries: list[int], *, kind: str = "") -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [len(entries), first, bits]
    item.add_new("LUTData", "OW", np.array(entries, dtype="<u2").tobytes())
    if kind:
        item.ModalityLUTType = kind
    return item


def test_tables_are_taken_where_a_file_has_them(tmp_path: Path) -> None:
    source = radiograph()
    del source.WindowCenter, source.WindowWidth
    del source.RescaleSlope, source.RescaleIntercept, source.RescaleType
    source.VOILUTSequence = [lut(5, 12, [0, 7, 4095])]
    source.ModalityLUTSequence = [lut(0, 16, [65535, 2, 1, 0], kind="US")]
    state = write(answer([source]), [source])
    assert errors_of(to_bytes(state), tmp_path) == []
    table = state.SoftcopyVOILUTSequence[0].VOILUTSequence[0]
    # On 16 bits: 7 / 4095 is 112 / 65535.
    assert list(table.LUTDescriptor) == [3, 5, 16]
    assert np.frombuffer(table.LUTData, "<u2").tolist() == [0, 112, 65535]
    table = state.ModalityLUTSequence[0]
    assert np.frombuffer(table.LUTData, "<u2").tolist() == [65535, 2, 1, 0]


@pytest.mark.parametrize("function", ["SIGMOID", "LINEAR_EXACT"])
def test_the_function_of_a_window_is_taken_with_it(function: str) -> None:
    source = radiograph()
    source.VOILUTFunction = function
    state = write(answer([source]), [source])
    assert state.SoftcopyVOILUTSequence[0].VOILUTFunction == function


@pytest.mark.parametrize(
    ("descriptor", "count"), [([9, 0, 16], 3), ([3, 0, 77], 3), ([3, 0], 3)]
)
def test_tables_that_are_none_are_left_out(descriptor: list[int], count: int) -> None:
    source = radiograph()
    del source.WindowCenter, source.WindowWidth
    source.VOILUTSequence = [lut(0, 16, list(range(count)))]
    source.VOILUTSequence[0].LUTDescriptor = descriptor
    assert "SoftcopyVOILUTSequence" not in write(answer([source]), [source])


def test_images_that_are_shown_otherwise_get_a_state_of_their_own() -> None:
    sources = series("MR")
    for source, slope in zip(sources, (1.0, 1.0, 2.0, 2.0), strict=True):
        source.RescaleSlope, source.RescaleIntercept = slope, 0.0
        source.RescaleType = "US"
        source.WindowCenter = 100.0 * source.InstanceNumber
    images = images_of(sources)
    finding = rich_diagnosis(sources).assessments[0].findings[0]
    findings = tuple(
        replace(finding, id=str(i), place=Place(image=image, box=(1.0, 1.0, 5.0, 5.0)))
        for i, image in enumerate(images)
    )
    assessment = replace(rich_diagnosis(sources).assessments[0], findings=findings)
    states = to_presentation_states(assessment, sources)
    assert [float(state.RescaleSlope) for state in states] == [1, 2]
    centres = [
        [float(voi.WindowCenter) for voi in state.SoftcopyVOILUTSequence]
        for state in states
    ]
    assert centres == [[100, 200], [300, 400]]
    uids = {state.SOPInstanceUID for state in states}
    assert len(uids) == 2
    assert len({state.SeriesInstanceUID for state in states}) == 1


def test_report_and_marks_speak_of_the_same_finding() -> None:
    sources = series()
    diagnosis = rich_diagnosis(sources)
    state = write(diagnosis.assessments[0], sources)
    drawn = state.GraphicAnnotationSequence[0].GraphicObjectSequence[0]
    report = to_bytes(to_structured_report(diagnosis, sources))
    assert drawn.TrackingUID.encode() in report


def test_nothing_to_mark_is_none() -> None:
    sources = series()
    diagnosis = rich_diagnosis(sources)
    assert to_presentation_state(diagnosis.assessments[1], sources) is None
    nowhere = answer(sources, image=None)
    assert to_presentation_state(nowhere, sources) is None
    for source in sources:
        del source.Rows
    assert to_presentation_state(diagnosis.assessments[0], sources) is None
    with pytest.raises(ReadError, match="case 3: the assessment speaks of this image"):
        to_presentation_state(diagnosis.assessments[0], sources[:2])


def test_the_same_answer_is_the_same_bytes() -> None:
    from datetime import datetime

    when = datetime(2026, 3, 4, tzinfo=UTC)
    for make in (lambda: series(), lambda: [ultrasound()]):
        sources = make()
        assessment = rich_diagnosis(sources).assessments[0]
        first, second = (
            to_presentation_state(assessment, sources, when=when) for _ in range(2)
        )
        assert first is not None
        assert second is not None
        assert to_bytes(first) == to_bytes(second)
