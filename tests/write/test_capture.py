"""Captures: valid, plainly marked as unverified, and true to their source."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medlens.core import Array, ReadError, UsageError
from medlens.core.diagnosis import Place
from medlens.write import to_bytes, to_secondary_capture
from medlens.write.banner import AMBER, BAND, _break, add_banner
from medlens.write.capture import key_image, tell_lines, tell_picture
from tests.write.answers import rich_diagnosis
from tests.write.dicom_sources import (
    OBLIQUE,
    enhanced_mr,
    errors_of,
    radiograph,
    reread,
    series,
    ultrasound,
)

SOURCES = {
    "ct": (lambda: series(), ["L", "P"]),
    "mr": (lambda: series("MR", orientation=OBLIQUE), ["LH", "PFL"]),
    "mr frames": (lambda: [enhanced_mr()], ["L", "P"]),
    "dx": (lambda: [radiograph()], ["L", "F"]),
    "cr of a hand": (lambda: [radiograph("CR", laterality="R")], ["L", "F"]),
    "us": (lambda: [ultrasound()], ""),
    "us clip": (lambda: [ultrasound(frames=3)], ""),
}


def picture(height: int = 200, width: int = 600) -> Array:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (height, width), dtype=np.uint8)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("kind", SOURCES)
def test_captures_are_valid(kind: str, lang: Any, tmp_path: Path) -> None:
    make, orientation = SOURCES[kind]
    sources = make()
    assessment = rich_diagnosis(sources).assessments[0]
    data = to_bytes(to_secondary_capture(assessment, picture(), sources, lang=lang))
    assert errors_of(data, tmp_path) == []
    capture = reread(data)
    assert capture.PatientOrientation == orientation
    assert capture.BodyPartExamined == sources[0].BodyPartExamined


def test_it_says_what_it_is_and_where_it_is_from() -> None:
    sources = series()
    assessment = rich_diagnosis(sources).assessments[0]
    capture = reread(to_bytes(to_secondary_capture(assessment, picture(), sources)))
    assert capture.BurnedInAnnotation == "YES"
    assert capture.ConversionType == "WSD"
    assert capture.Modality == "OT"
    assert capture.ImageType[:2] == ["DERIVED", "SECONDARY"]
    assert "not verified" in capture.DerivationDescription
    (source,) = capture.SourceImageSequence
    assert source.ReferencedSOPInstanceUID == sources[2].SOPInstanceUID
    for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "AccessionNumber"):
        assert capture[keyword].value == sources[0][keyword].value
    assert "FrameOfReferenceUID" not in capture


def test_the_picture_is_whole_between_its_bands() -> None:
    sources = series()
    assessment = rich_diagnosis(sources).assessments[0]
    shown = picture()
    capture = reread(to_bytes(to_secondary_capture(assessment, shown, sources)))
    pixels = capture.pixel_array
    assert pixels.shape[1:] == (600, 3)
    start = next(r for r in range(len(pixels)) if (pixels[r, :, 0] == shown[0]).all())
    assert (pixels[start : start + 200] == shown[..., None]).all()
    above, below = pixels[:start], pixels[start + 200 :]
    assert (np.abs(above.astype(int) - AMBER).sum(axis=-1) < 10).any()
    for band in (above, below):
        assert (band == BAND).all(axis=-1).mean() > 0.5
        assert (band != BAND).any()


def test_small_pictures_are_enlarged_whole() -> None:
    small = picture(10, 100)
    made = add_banner(small, title="t", lines=[])
    assert made.shape[1] == 600
    assert (made[-60:, :, 0] == np.repeat(np.repeat(small, 6, 0), 6, 1)).all()


def test_long_words_are_broken_not_cut() -> None:
    """A line of 16 pixels takes 24, so that heights count lines."""
    shown = picture(20, 600)

    def height(line: str) -> int:
        return int(add_banner(shown, title="t", lines=[line]).shape[0])

    one, two = height("a"), height("a " * 60)
    assert two - one in (24, 48)
    assert height("无" * 100) > height("无" * 20)
    assert height("x" * 500) > two


def test_the_words_say_the_finding_and_no_coordinates() -> None:
    sources = series()
    lines = tell_lines(rich_diagnosis(sources).assessments[0], "en")
    said = "\n".join(lines)
    assert "91.2 %" in said
    assert "12.35 mm" in said
    assert "head-3, medlens 0.9.1" in said
    assert "case 3" not in said
    assert "33.75" not in said


def test_without_a_finding_the_middle_image_is_shown() -> None:
    sources = series(slices=5)
    assessment = rich_diagnosis(sources).assessments[0]
    assert key_image(replace(assessment, findings=())) == assessment.images[2]
    with pytest.raises(UsageError, match="names no image"):
        key_image(replace(assessment, findings=(), images=()))


def test_the_same_answer_is_the_same_bytes() -> None:
    sources, when = series(), datetime(2026, 3, 4, tzinfo=UTC)
    assessment = rich_diagnosis(sources).assessments[0]
    first, second = (
        to_bytes(to_secondary_capture(assessment, picture(), sources, when=when))
        for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 4), dtype=np.float32),
        np.zeros((4, 4, 4), dtype=np.uint8),
        np.zeros((0, 4), dtype=np.uint8),
        np.zeros((1, 20000), dtype=np.uint8),
    ],
)
def test_other_pictures_are_refused(wrong: Any) -> None:
    sources = series()
    assessment = rich_diagnosis(sources).assessments[0]
    with pytest.raises(UsageError, match=r"case 1: the picture is .* wanted uint8"):
        to_secondary_capture(assessment, wrong, sources)


def test_an_image_that_is_no_source_is_refused() -> None:
    sources = series()
    assessment = rich_diagnosis(sources).assessments[0]
    with pytest.raises(ReadError, match="case 3: the picture shows this image"):
        to_secondary_capture(assessment, picture(), sources[:2])


def test_the_words_say_which_slice_and_what_the_colours_mean() -> None:
    item = rich_diagnosis(series()).assessments[0]
    third = item.images[2]
    first = replace(item.findings[0], is_present=True, place=Place(image=third))
    item = replace(item, findings=(first,))
    assert tell_picture(item, third, "Hernia", "en") == [
        f"Shown: slice 3 of {len(item.images)}; colours: evidence for hernia."
    ]
    assert tell_picture(item, third, "", "zh") == [
        f"图示：第3层（共{len(item.images)}层）。"
    ]
    lost = replace(item, findings=(replace(first, place=Place()),))
    assert tell_picture(lost, third, "", "en") == []
    alone = replace(item, images=(third,))
    assert tell_picture(alone, third, "", "en") == []


@pytest.mark.parametrize("width", range(180, 420, 16))
def test_no_line_starts_with_a_mark_or_a_unit(width: int) -> None:
    said = "脑：最长径193.3 mm；体积1488 ml；见于第1–37层；第16层显示最佳（共28层）。"
    lines = list(_break(said, width=width, size=16))
    assert "".join(lines).replace(" ", "") == said.replace(" ", "")
    assert len(lines) > 1
    for line in lines[1:]:
        assert line[0] not in "）。，；：、%"
        assert not line.startswith(("mm", "ml"))
