"""The key image of a report: what its first finding is seen best on."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from medlens.core import Image, MedlensError
from medlens.core.diagnosis import Finding
from medlens.prep import build_pipeline
from medlens.read import open_image
from medlens.read.dicom.header import read_header
from medlens.read.source import open_source
from medlens.recipe.settings import Step
from medlens.serve.store.store import Store
from medlens.serve.store.tables import instances
from medlens.serve.work.report_suggestion import Answer
from medlens.write.reading.content import Content
from medlens.write.reading.pdf import KeyPicture
from medlens.write.reading.suggestion import MARK
from medlens.write.reading.words import say
from medlens.write.source import clean_source
from medlens.write.text_finding import label_name
from medlens.write.words import say as say_place

log = logging.getLogger("medlens.work")
LARGEST_SIDE, SMALLEST_SIDE = 900, 400  # pixels of the picture's longer side
MAX_PIXELS = 32_000_000  # of the image
MOST_STRETCHED = 20.0  # a pixel's height over its width
QUALITY = 88
BOX = (0, 159, 230)  # Okabe and Ito's orange; B, G, R
Sides = tuple[str, str]
_MARK = re.compile(r"\[[^\]\n]*\]")  # who says it, at the end of a sentence
_END = re.compile(r"[.;\n。；]")  # of a sentence
_DENIES = re.compile(
    r"\b(?:no|not|nor|neither|without|absent|absence|negative|excluded|resolved)\b"
    r"|n['’]t\b|无|未|没|不|否|排除|阴性"
)
"""Rather too much: a report can do without a picture, and not with a wrong one."""
OPPOSITE = str.maketrans("LRAPHF", "RLPAFH")


def key_picture(
    store: Store, study_id: int, content: Content, answer: Answer | None
) -> KeyPicture | None:
    """The image of the first finding that the report speaks of, with its box.

    A finding that the words of the report do not name, or only in sentences that deny
    something, is not shown, whatever a model said of it. None where there is no such
    finding, or its image cannot be shown.

    Args:
        store: files and index.
        study_id: our own number of the study.
        content: the words of the report.
        answer: the result that it was drafted from, as readers left it.
    """
    found = _first(content, answer)
    if found is None:
        return None
    finding, mark, images = found
    row = _row(store, study_id, finding)
    if row is None or (row.rows or 0) * (row.columns or 0) > MAX_PIXELS:
        return None
    frame = finding.place.image.frame if finding.place.image else None
    member = f"frame:{frame - 1}" if frame is not None and row.frames else ""
    try:
        path = store.blobs.path_of(row.digest)
        case = f"study {study_id}"
        image = open_image(path, member=member, case=case)
        picture = paint(image, finding.place.box, _sides(path, case, finding))
    except (MedlensError, OSError, ValueError, MemoryError, cv2.error) as error:
        # A report can be signed without it.
        log.warning("key image not shown", extra={"error": type(error).__name__})
        return None
    data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    height, width = picture.shape[:2]
    caption = _caption(finding, mark, content, images)
    return KeyPicture(data.tobytes(), width, height, caption)


def _first(content: Content, answer: Answer | None) -> tuple[Finding, MARK, int] | None:
    """A finding that is told and has an image, its mark, and how many images there
    are."""
    if answer is None:
        return None
    said = f"{content.findings}\n{content.impression}"
    for at, item in enumerate(answer.reviewed.diagnosis.assessments):
        for finding in item.findings:
            name = label_name(finding.label, content.lang)
            if finding.is_present and finding.place.image and is_told(name, said):
                mark = answer.reviewed.mark_of(at, finding)
                return finding, mark, len(item.images)
    return None


def is_told(name: str, said: str) -> bool:
    """Whether a text names a finding in a sentence that denies nothing.

    >>> is_told("effusion", "Small effusion."), is_told("effusion", "No effusion.")
    (True, False)
    """
    name = name.casefold()
    sentences = _END.split(_MARK.sub(" ", said).casefold())
    return any(
        name in each and not _DENIES.search(each.replace(name, " "))
        for each in sentences
    )


def _row(store: Store, study_id: int, finding: Finding) -> Any:
    image = finding.place.image
    with store.read() as connection:
        return connection.execute(
            sa.select(
                instances.c.digest,
                instances.c.rows,
                instances.c.columns,
                instances.c.frames,
            ).where(
                instances.c.study_id == study_id,
                instances.c.sop_uid == (image.sop_instance_uid if image else ""),
                instances.c.rows.is_not(None),
            )
        ).first()


def _sides(path: Path, case: str, finding: Finding) -> Sides:
    """What lies at the left and at the top of an image, "" where it is not known."""
    if finding.place.image is None:
        return "", ""
    from medlens.write.capture import patient_orientation

    header = clean_source(read_header(open_source(path, case)).data)
    rows, columns = [*patient_orientation(header, finding.place.image), "", ""][:2]
    return rows.translate(OPPOSITE), columns.translate(OPPOSITE)


def paint(
    image: Image,
    box: tuple[float, float, float, float] | None,
    sides: Sides = ("", ""),
) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 in OpenCV's order B, G, R: as the file asks to be shown.

    Pixels that are no squares are made so, and the picture is brought to a size that
    prints well, before the box is drawn.

    Args:
        image: (C, 1, H, W) as read.
        box: (left, top, right, bottom) in pixels of the image, or None.
        sides: of the patient at its left and at its top, "" for none.
    """
    shown = build_pipeline((Step("display"), Step("to_rgb")))(image).array[:, 0]
    plain = np.rint(shown[::-1].transpose(1, 2, 0) * 255.0).astype(np.uint8)
    across, down = _scale(image, plain.shape[1], plain.shape[0])
    size = (
        max(1, round(plain.shape[1] * across)),
        max(1, round(plain.shape[0] * down)),
    )
    is_smaller = size[0] < plain.shape[1]
    how = cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR
    picture: NDArray[np.uint8] = np.asarray(
        cv2.resize(plain, size, interpolation=how), dtype=np.uint8
    )
    if box is not None:
        left, top, right, bottom = box
        first = round(left * across), round(top * down)
        last = round(right * across) - 1, round(bottom * down) - 1
        cv2.rectangle(picture, first, last, BOX, 2)
    height, width = picture.shape[:2]
    _letter(picture, sides[0], (8, height // 2 + 10))
    _letter(picture, sides[1], (width // 2 - 9, 30))
    return picture


def _letter(picture: NDArray[np.uint8], letters: str, place: tuple[int, int]) -> None:
    """Light letters with a dark edge, which are seen on any ground."""
    for colour, width in (((0, 0, 0), 5), ((255, 255, 255), 2)):
        cv2.putText(
            picture, letters, place, cv2.FONT_HERSHEY_SIMPLEX, 0.8, colour, width,
            cv2.LINE_AA,
        )  # fmt: skip


def _scale(image: Image, columns: int, rows: int) -> tuple[float, float]:
    """By how much width and height grow."""
    _, down, across = image.geometry.spacing
    ratio = down / across if across > 0 and down > 0 else 1.0
    if not 1 / MOST_STRETCHED <= ratio <= MOST_STRETCHED:
        ratio = 1.0
    longest = max(columns, rows * ratio)
    goal = min(max(longest, SMALLEST_SIDE), LARGEST_SIDE)
    return goal / longest, goal / longest * ratio


def _caption(finding: Finding, mark: MARK, content: Content, images: int) -> str:
    lang = content.lang
    name = label_name(finding.label, lang)
    parts = [name[:1].upper() + name[1:]]
    at = finding.place.slice_index
    if at is not None and images > 1:
        parts.append(say_place("shown", lang, number=at + 1, count=images))
    if finding.place.box is not None:
        parts.append(say("box_of", lang, name=name))
    return f"{say_place('semicolon', lang).join(parts)} {say(mark, lang)}"
