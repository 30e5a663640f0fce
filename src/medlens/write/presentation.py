"""Marks on images as a DICOM presentation state: boxes, points and their words.

Grayscale or Color Softcopy Presentation State, as the images are. A viewer that knows
them draws the marks over the untouched pixels, and lets the reader hide them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from highdicom import (
    VOILUT,
    ModalityLUT,
    ModalityLUTTransformation,
    PresentationLUTTransformation,
    pr,
)
from highdicom.content import ReferencedImageSequence
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from medlens.core.diagnosis import Assessment
from medlens.core.terms import Lang
from medlens.write import codes
from medlens.write.luts import full_range, table_of
from medlens.write.marks import Mark, find_marks, plane_of, tell_mark
from medlens.write.source import clean_sources, copy_body_part
from medlens.write.stamp import Stamp, make_stamp, seal, stand_in, tracking_of, writing
from medlens.write.values import clean_text

LAYER = pr.GraphicLayer(
    layer_name="AI_MARKS", order=1, description="AI result, not verified"
)
# Of the screen, as left, top, right, bottom: along its lower edge.
NOTICE_PLACE = (0.01, 0.94, 0.6, 0.99)


def to_presentation_state(
    assessment: Assessment,
    sources: Sequence[Dataset],
    *,
    lang: Lang = "en",
    key: str = "",
    when: datetime | None = None,
) -> Dataset | None:
    """The marks on the images that are shown like the first marked one.

    One presentation state holds images of one size and one rescale. Where the marked
    images differ in these, `to_presentation_states` gives the others too.

    Args:
        assessment: whose findings that are present are marked.
        sources: headers of all images that it speaks of.
        lang: of the words beside the marks.
        key: UIDs are derived from it; by default from assessment, sources and lang.
        when: it was made; now by default.

    Returns:
        The whole data set with file meta, or None where nothing is to be marked.

    Raises:
        ReadError: a source without usable UIDs, or an image that is no source.
    """
    states = to_presentation_states(assessment, sources, lang=lang, key=key, when=when)
    return states[0] if states else None


def to_presentation_states(
    assessment: Assessment,
    sources: Sequence[Dataset],
    *,
    lang: Lang = "en",
    key: str = "",
    when: datetime | None = None,
) -> list[Dataset]:
    """All marks of an assessment, one state for each size and rescale of images.

    As `to_presentation_state`. Images without a size are left alone: no mark could
    be placed on them.
    """
    cleaned = clean_sources(sources)
    with writing("marks"):
        stamp = make_stamp(
            "presentation", assessment, cleaned, key=key, lang=lang, when=when
        )
        groups: dict[Any, list[Mark]] = {}
        for mark in find_marks(assessment, stand_in(cleaned)):
            if mark.source.get("Rows") and mark.source.get("Columns"):
                groups.setdefault(_look(mark), []).append(mark)
        return [
            seal(
                _state(marks, assessment, stamp, number, lang),
                stamp,
                cleaned,
            )
            for number, marks in enumerate(groups.values(), start=1)
        ]


def is_colour(source: Dataset) -> bool:
    """Whether an image is shown in colour."""
    photometric = str(source.get("PhotometricInterpretation", "MONOCHROME2"))
    return not photometric.startswith("MONOCHROME")


def _look(mark: Mark) -> tuple[Any, ...]:
    plane = plane_of(mark.source, mark.image.frame)
    return (
        is_colour(mark.source),
        mark.source.get("PhotometricInterpretation"),
        mark.source.SeriesInstanceUID,
        mark.source.Rows,
        mark.source.Columns,
        plane.get("RescaleSlope"),
        plane.get("RescaleIntercept"),
        str(mark.source.get("ModalityLUTSequence")),
    )


def _state(
    marks: list[Mark], assessment: Assessment, stamp: Stamp, number: int, lang: Lang
) -> Dataset:
    shared = {
        **stamp.arguments(),
        "referenced_images": _plain(_images(marks)),
        "content_label": "AI_MARKS",
        "content_description": clean_text(codes.CORNER[lang], 64),
        "content_creator_name": "medlens",
        "graphic_layers": [LAYER],
        "graphic_annotations": list(_annotations(marks, assessment, lang)),
        "instance_number": number,
        "sop_instance_uid": stamp.uid(f"instance {number}"),
    }
    if is_colour(marks[0].source):
        state = pr.ColorSoftcopyPresentationState(**shared, icc_profile=_srgb())
    else:
        state = pr.GrayscaleSoftcopyPresentationState(**shared, **_grey(marks))
    _show_true_shape(state, marks[0])
    copy_body_part(marks[0].source, state)
    return state


def _images(marks: Iterable[Mark]) -> list[Dataset]:
    return list({str(m.source.SOPInstanceUID): m.source for m in marks}.values())


def _plain(images: list[Dataset]) -> list[Dataset]:
    """Without what highdicom would copy by itself; it is given by `_grey`."""
    plain = []
    for image in images:
        copy = Dataset()
        copy.update(image)
        for keyword in (
            "RescaleSlope",
            "RescaleIntercept",
            "WindowCenter",
            "WindowWidth",
            "VOILUTFunction",
            "VOILUTSequence",
            "ModalityLUTSequence",
            "PerFrameFunctionalGroupsSequence",
        ):
            if keyword in copy:
                del copy[keyword]
        if is_colour(image):
            copy["SamplesPerPixel"] = DataElement(
                "SamplesPerPixel", "US", 3
            )  # palettes
        copy.SharedFunctionalGroupsSequence = [Dataset()]
        copy.PerFrameFunctionalGroupsSequence = []
        plain.append(copy)
    return plain


def _grey(marks: list[Mark]) -> dict[str, Any]:
    """The grey chain of the source: rescale, window, and the turn of MONOCHROME1.

    A presentation state replaces the image's own chain and knows no photometric
    interpretation: INVERSE stands for MONOCHROME1 (PS3.3 C.11.6).
    """
    source = marks[0].source
    plane = plane_of(source, marks[0].image.frame)
    is_inverse = source.get("PhotometricInterpretation") == "MONOCHROME1"
    chain: dict[str, Any] = {
        "presentation_lut_transformation": PresentationLUTTransformation(
            presentation_lut_shape="INVERSE" if is_inverse else "IDENTITY"
        )
    }
    table = table_of(source, "ModalityLUTSequence")
    if table is not None:
        chain["modality_lut_transformation"] = ModalityLUTTransformation(
            modality_lut=ModalityLUT("US", table.first, table.entries)
        )
    elif "RescaleSlope" in plane and "RescaleIntercept" in plane:
        chain["modality_lut_transformation"] = ModalityLUTTransformation(
            rescale_intercept=plane.RescaleIntercept,
            rescale_slope=plane.RescaleSlope,
            rescale_type="HU" if source.get("Modality") == "CT" else "US",
        )
    windows = [window for mark in _once(marks) for window in _window(mark)]
    if windows:
        chain["voi_lut_transformations"] = windows
    return chain


def _once(marks: list[Mark]) -> list[Mark]:
    places = {(str(m.source.SOPInstanceUID), m.image.frame): m for m in marks}
    return list(places.values())


def _window(mark: Mark) -> list[Any]:
    """The window of an image, else its table, which it may have instead."""
    plane = plane_of(mark.source, mark.image.frame)
    table = table_of(mark.source, "VOILUTSequence")
    if "WindowCenter" in plane and plane.get("WindowWidth", 0) >= 1:
        shown: dict[str, Any] = {
            "window_center": float(plane.WindowCenter),
            "window_width": float(plane.WindowWidth),
            "voi_lut_function": plane.get("VOILUTFunction"),
        }
    elif table is not None:
        shown = {"voi_luts": [VOILUT(table.first, full_range(table))]}
    else:
        return []
    return [
        pr.SoftcopyVOILUTTransformation(**shown, referenced_images=_references(mark))
    ]


def _references(mark: Mark) -> Any:
    is_multiple = int(mark.source.get("NumberOfFrames") or 1) > 1
    frame = mark.image.frame if is_multiple else None
    return ReferencedImageSequence(
        referenced_images=[mark.source], referenced_frame_number=frame
    )


def _annotations(
    marks: list[Mark], assessment: Assessment, lang: Lang
) -> Iterable[Any]:
    """For each image its marks, then the notice."""
    for first in _once(marks):
        own = [
            mark
            for mark in marks
            if mark.source is first.source and mark.image.frame == first.image.frame
        ]
        is_multiple = int(first.source.get("NumberOfFrames") or 1) > 1
        yield pr.GraphicAnnotation(
            referenced_images=[first.source],
            graphic_layer=LAYER,
            referenced_frame_number=first.image.frame if is_multiple else None,
            graphic_objects=[
                drawn for mark in own for drawn in _drawn(mark, assessment)
            ],
            text_objects=[
                *(_words(mark, number, lang) for number, mark in enumerate(own)),
                pr.TextObject(
                    text_value=codes.CORNER[lang],
                    units=pr.AnnotationUnitsValues.DISPLAY,
                    bounding_box=NOTICE_PLACE,
                    text_justification=pr.TextJustificationValues.LEFT,
                ),
            ],
        )


def _drawn(mark: Mark, assessment: Assessment) -> list[Any]:
    uid, identifier = tracking_of(assessment, mark.finding.id)
    tracking = {"tracking_id": identifier, "tracking_uid": uid}
    if mark.box is not None:
        left, top, right, bottom = mark.box
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        return [
            pr.GraphicObject(
                graphic_type=pr.GraphicTypeValues.POLYLINE,
                graphic_data=np.array([*corners, corners[0]]),
                units=pr.AnnotationUnitsValues.PIXEL,
                **tracking,
            )
        ]
    if mark.point is not None:
        return [
            pr.GraphicObject(
                graphic_type=pr.GraphicTypeValues.POINT,
                graphic_data=np.array([mark.point]),
                units=pr.AnnotationUnitsValues.PIXEL,
                **tracking,
            )
        ]
    return []


def _words(mark: Mark, number: int, lang: Lang) -> Any:
    """Beside the mark; in the upper left corner where there is only an image."""
    words = clean_text(tell_mark(mark.finding, lang), 1024) or "-"
    anchor = mark.box[:2] if mark.box is not None else mark.point
    if anchor is not None:
        return pr.TextObject(
            text_value=words,
            units=pr.AnnotationUnitsValues.PIXEL,
            anchor_point=anchor,
            anchor_point_visible=False,
        )
    top = 0.02 + 0.05 * min(number, 15)
    return pr.TextObject(
        text_value=words,
        units=pr.AnnotationUnitsValues.DISPLAY,
        bounding_box=(0.02, top, 0.6, top + 0.04),
        text_justification=pr.TextJustificationValues.LEFT,
    )


def _show_true_shape(state: Dataset, mark: Mark) -> None:
    """Pixels that are not square must not be shown square."""
    plane = plane_of(mark.source, mark.image.frame)
    spacing = plane.get("PixelSpacing") or mark.source.get("ImagerPixelSpacing")
    for item in state.DisplayedAreaSelectionSequence:
        del item.PixelOriginInterpretation  # of tiled images
        if spacing:
            item.PresentationPixelSpacing = list(spacing)
            del item.PresentationPixelAspectRatio


def _srgb() -> bytes:
    """A profile of sRGB that is the same each time."""
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # Of an input device, as PS3.3 C.11.15 wants it (ICC.1 7.2.5); a date of creation
    # (7.2.8) and a checksum over it (7.2.18) that do not change.
    day = bytes((7, 234, 0, 1, 0, 1)) + bytes(6)
    head = profile[:12] + b"scnr" + profile[16:24] + day + profile[36:84]
    return bytes(head + bytes(16) + profile[100:])
