"""Pages that are laid out → the bytes of a PDF."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from typing import Any

from medlens.core import MissingExtraError
from medlens.core.terms import Lang
from medlens.write.fhir_values import LANGUAGES
from medlens.write.reading.face import FAMILY, Face
from medlens.write.reading.sheet import HEIGHT, WIDTH, Mark, Picture, Rule, Words

STROKE = 0.028  # of the size: how much thicker strong words are drawn
# The library knows typefaces by name, in one table of the process.
_one_at_a_time = threading.Lock()


def draw_pages(
    pages: Sequence[Sequence[Mark]], face: Face, *, title: str, lang: Lang
) -> bytes:
    """A whole PDF file; equal arguments give equal bytes.

    Args:
        pages: what stands on each.
        face: whose letters are embedded.
        title, lang: of the document, for readers and screen readers.

    Raises:
        MissingExtraError: the PDF library is missing.
    """
    try:
        from reportlab.pdfbase import pdfmetrics
        from reportlab.pdfbase.ttfonts import TTFont
        from reportlab.pdfgen.canvas import Canvas
    except ImportError as error:
        raise MissingExtraError("reports as PDF", "serve") from error
    letters = "".join(
        mark.text for page in pages for mark in page if isinstance(mark, Words)
    )
    font = io.BytesIO(face.embed(letters))
    file = io.BytesIO()
    with _one_at_a_time:
        known = TTFont(FAMILY, font)
        # A second document has other letters under the same names.
        pdfmetrics._fonts.pop(FAMILY, None)
        pdfmetrics._dynFaceNames.pop(known.face.name, None)
        pdfmetrics.registerFont(known)
        canvas = Canvas(
            file,
            pagesize=(WIDTH, HEIGHT),
            invariant=1,
            pageCompression=1,
            initialFontName=FAMILY,
            lang=LANGUAGES[lang],
        )
        canvas.setTitle(title)
        canvas.setCreator("medlens")
        canvas.setAuthor("")
        for page in pages:
            for mark in page:
                _draw(canvas, mark)
            canvas.showPage()
        canvas.save()
    return file.getvalue()


def _draw(canvas: Any, mark: Mark) -> None:
    if isinstance(mark, Words):
        _write(canvas, mark)
    elif isinstance(mark, Rule):
        canvas.setStrokeColorRGB(*mark.colour)
        canvas.setLineWidth(mark.width)
        canvas.line(mark.x, mark.y, mark.end, mark.y)
    else:
        _place(canvas, mark)


def _write(canvas: Any, words: Words) -> None:
    canvas.saveState()
    canvas.translate(words.x, words.y)
    if words.angle:
        canvas.rotate(words.angle)
    canvas.setFillColorRGB(*words.colour)
    text = canvas.beginText(0, 0)
    text.setFont(FAMILY, words.size)
    if words.is_strong:  # the face has one weight
        canvas.setStrokeColorRGB(*words.colour)
        canvas.setLineWidth(words.size * STROKE)
        text.setTextRenderMode(2)
    text.textOut(words.text)
    canvas.drawText(text)
    canvas.restoreState()


def _place(canvas: Any, picture: Picture) -> None:
    from reportlab.lib.utils import ImageReader

    image = ImageReader(io.BytesIO(picture.data))
    canvas.drawImage(image, picture.x, picture.y, picture.width, picture.height)
