"""The typeface of printed reports: how wide letters are, and a file of those in use.

Noto Sans SC holds Latin, Greek, Cyrillic, kana and some 30,000 Chinese characters, so
that one face serves both languages. Its outlines are cubic (CFF), which the PDF library
does not embed: the few hundred that a report uses are drawn anew with quadratic curves,
to a thousandth of the letter's height, and embedded as TrueType.
"""

from __future__ import annotations

import io
import threading
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

from medlens.core import MissingExtraError
from medlens.core.terms import Lang

Shape = tuple[Any, int]
"""Outline with quadratic curves, and its advance in units."""

UNITS = 1000  # of the em square
FAMILY = "MedlensReport"
STAND_IN = "\N{WHITE SQUARE}"  # for what the face has no shape for
TOLERANCE = 0.5  # units of the em square between a curve and what it is drawn as
MOST_KEPT = 4000  # shapes that are kept for the next report
NARROWED = frozenset(map(ord, "‘’“”…"))
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of Unicode. Private use (Co) is none of them, nor what Unicode has named
since (Cn): hospitals write rare names with both, and a name must not lose a letter."""


class Face:
    """An OpenType font, read as far as it is asked for.

    One object may be used by several threads.

    Args:
        path: of the file, "" for that of the package.
        lang: of the text. Quotation marks and dots take the place of a character in
            Chinese, and their own width in English (feature "pwid").
    """

    def __init__(self, path: str = "", *, lang: Lang = "zh") -> None:
        from fontTools.ttLib import TTFont

        self._lock = threading.Lock()
        data = Path(path or _packaged()).read_bytes()
        self._font: Any = TTFont(io.BytesIO(data), lazy=True)
        self._names: dict[int, str] = dict(self._font.getBestCmap())
        if lang == "en":
            narrow = _substitutes(self._font, "pwid")
            self._names |= {
                code: narrow[name]
                for code, name in self._names.items()
                if code in NARROWED and name in narrow
            }
        self._scale = UNITS / self._font["head"].unitsPerEm
        self._widths: dict[str, float] = {}
        self._shapes: dict[str, Shape] = {}

    def tidy(self, text: str) -> str:
        """A line as it can be drawn: composed letters, one blank for any other.

        Marks that are not seen or that turn the line around go; what the face has no
        shape for becomes `STAND_IN`.
        """
        plain = unicodedata.normalize("NFC", text.replace("\t", "    "))
        return "".join(self._drawn(character) for character in plain)

    def _drawn(self, character: str) -> str:
        if ord(character) in self._names and character != "\N{ZERO WIDTH SPACE}":
            return character
        category = unicodedata.category(character)
        if category == "Zs":
            return " "
        return "" if category in _UNSEEN else STAND_IN

    def width(self, text: str, size: float) -> float:
        """Of a tidied line, in points, at a size in points."""
        return sum(self._advance(character) for character in text) * size / UNITS

    def _advance(self, character: str) -> float:
        found = self._widths.get(character)
        if found is None:
            with self._lock:
                name = self._names.get(ord(character), ".notdef")
                found = self._font["hmtx"][name][0] * self._scale
                self._widths[character] = found
        return found

    def embed(self, text: str) -> bytes:
        """A TrueType file of the characters of a text; equal texts give equal bytes."""
        characters = sorted({*text, STAND_IN, " "} & {chr(c) for c in self._names})
        with self._lock:
            if len(self._shapes) > MOST_KEPT:
                self._shapes.clear()
            glyphs = self._font.getGlyphSet()
            for character in ("", *characters):
                if character not in self._shapes:
                    self._shapes[character] = self._draw(glyphs, character)
            return _build({c: self._shapes[c] for c in ("", *characters)})

    def _draw(self, glyphs: Any, character: str) -> Shape:
        """The shape of a character, "" for that of none; it takes milliseconds."""
        from fontTools.pens.cu2quPen import Cu2QuPen
        from fontTools.pens.transformPen import TransformPen
        from fontTools.pens.ttGlyphPen import TTGlyphPen

        name = self._names[ord(character)] if character else ".notdef"
        pen = TTGlyphPen(None)
        quadratic = Cu2QuPen(pen, TOLERANCE, reverse_direction=True)
        scale = self._scale
        glyphs[name].draw(TransformPen(quadratic, (scale, 0, 0, scale, 0, 0)))
        return pen.glyph(), round(glyphs[name].width * scale)


@cache
def default_face(lang: Lang) -> Face:
    """The face of the package for a language, opened once.

    Raises:
        MissingExtraError: the packages that reports are printed with are missing.
    """
    try:
        return Face(lang=lang)
    except ImportError as error:
        raise MissingExtraError("reports as PDF", "serve") from error


def _packaged() -> str:
    from pylopdf_fonts_zh_cn import sans_path

    return str(sans_path())


def _substitutes(font: Any, feature: str) -> dict[str, str]:
    """Glyph → the one that a feature puts in its place, one for one."""
    if "GSUB" not in font:
        return {}
    table = font["GSUB"].table
    lookups = {
        index
        for record in table.FeatureList.FeatureRecord
        if record.FeatureTag == feature
        for index in record.Feature.LookupListIndex
    }
    found: dict[str, str] = {}
    for index in sorted(lookups):
        for part in table.LookupList.Lookup[index].SubTable:
            found |= getattr(getattr(part, "ExtSubTable", part), "mapping", {})
    return found


def _build(shapes: dict[str, Shape]) -> bytes:
    """A font file of shapes, in their order."""
    from fontTools.fontBuilder import FontBuilder

    glyphs = {_name(c): glyph for c, (glyph, _) in shapes.items()}
    builder = FontBuilder(UNITS, isTTF=True)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap({ord(c): _name(c) for c in shapes if c})
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(
        {
            _name(c): (advance, getattr(glyph, "xMin", 0))
            for c, (glyph, advance) in shapes.items()
        }
    )
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupNameTable(
        {"familyName": FAMILY, "styleName": "Regular", "psName": FAMILY}
    )
    builder.setupOS2(sTypoAscender=880, sTypoDescender=-120)
    builder.setupPost(keepGlyphNames=False)
    builder.font.recalcTimestamp = False
    builder.font["head"].created = builder.font["head"].modified = 0
    file = io.BytesIO()
    builder.save(file)
    return file.getvalue()


def _name(character: str) -> str:
    return f"u{ord(character):05X}" if character else ".notdef"
