"""A reader's report as PDF: A4, its letters embedded, the same bytes each time."""

from __future__ import annotations

from dataclasses import dataclass, field

from medlens.core.terms import Lang, modality_name
from medlens.write.reading.content import Report, Subject, digest_of
from medlens.write.reading.draw import draw_pages
from medlens.write.reading.face import STAND_IN, Face, default_face
from medlens.write.reading.sheet import (
    ACCENT,
    ALARM,
    BOTTOM,
    FAINT,
    HEIGHT,
    INK,
    LEFT,
    QUIET,
    RIGHT,
    WIDTH,
    Mark,
    Picture,
    Rule,
    Sheet,
    Words,
)
from medlens.write.reading.text import (
    about_of,
    closing_of,
    day_of,
    shown_name,
    title_of,
)
from medlens.write.reading.words import SEXES, say

BODY, LEADING = 10.0, 15.0
SMALL, SMALL_LEADING = 8.0, 11.5
COLUMN = (RIGHT - LEFT) / 2
MOST_LINES = 3  # of one value there
LABEL = 82.0  # width of the names in the table above
PICTURE = (260.0, 220.0)  # the most that a key image takes, points


@dataclass(frozen=True)
class KeyPicture:
    """The image that shows best what the report says.

    Attributes:
        jpeg: a whole file.
        width, height: in pixels, square ones.
        caption: in the language of the report.
    """

    jpeg: bytes = field(repr=False)
    width: int
    height: int
    caption: str = field(default="", repr=False)


def to_report_pdf(
    report: Report, subject: Subject, *, picture: KeyPicture | None = None
) -> bytes:
    """A whole PDF file; equal arguments give equal bytes.

    A report that is not signed says so at the head of each page and across it.

    Args:
        report: in the language of its content.
        subject: whose identity stands on each page.
        picture: that stands below the words, or None.

    Raises:
        MissingExtraError: the packages that it is made with are missing.
    """
    face = default_face(report.content.lang)
    pages = lay_out(report, subject, face, picture=picture)
    title = f"{title_of(report)}, {about_of(report)}"
    return draw_pages(pages, face, title=title, lang=report.content.lang)


def lay_out(
    report: Report,
    subject: Subject,
    face: Face,
    *,
    picture: KeyPicture | None = None,
) -> list[list[Mark]]:
    """What stands where on each page; see `to_report_pdf`."""
    writer = _Writer(report, subject, face)
    sheet = Sheet(face, writer.head)
    writer.sections(sheet)
    writer.close(sheet)
    if picture is not None:
        writer.picture(sheet, picture)
    _tell_missing(sheet, report.content.lang)
    for number, page in enumerate(sheet.pages, start=1):
        page += writer.foot(number, len(sheet.pages))
    return sheet.pages


@dataclass(frozen=True)
class _Writer:
    report: Report
    subject: Subject
    face: Face

    @property
    def lang(self) -> Lang:
        return self.report.content.lang

    def head(self, sheet: Sheet) -> None:
        """What stands above each page: all of it on the first, a line on the others."""
        if not self.report.is_signed:
            self._mark_draft(sheet)
        if len(sheet.pages) == 1:
            self._title(sheet)
            self._identity(sheet)
        else:
            sheet.y -= 4
            self._status(sheet, SMALL)
            sheet.line(self._short_identity(), SMALL, colour=QUIET)
        sheet.y -= 9
        sheet.rule(colour=ACCENT, width=0.9)
        sheet.y -= 6

    def _short_identity(self) -> str:
        """In one line, whose name is cut where it is too long for it."""
        facts = self._facts()
        others = f"{facts['patient_id'][:24] or '–'} · {facts['birth_date'] or '–'}"
        name = self.face.tidy(facts["patient"] or "–")
        room = RIGHT - LEFT - 190 - self.face.width(self.face.tidy(others), SMALL)
        if self.face.width(name, SMALL) > room:
            while name and self.face.width(f"{name}…", SMALL) > room:
                name = name[:-1]
            name += "…"
        return f"{name} · {others}"

    def _mark_draft(self, sheet: Sheet) -> None:
        text = self.face.tidy(say("watermark", self.lang))
        size, turn = 120.0, 0.7071
        half = self.face.width(text, size) * turn / 2
        x, y = WIDTH / 2 - half, HEIGHT / 2 - half
        sheet.put(Words(x, y, text, size, FAINT, is_strong=True, angle=45.0))

    def _title(self, sheet: Sheet) -> None:
        sheet.y -= 16
        sheet.line(say("title", self.lang), 18, colour=ACCENT, is_strong=True)
        self._status(sheet, 10)
        sheet.y -= 12

    def _status(self, sheet: Sheet, size: float) -> None:
        colour = ACCENT if self.report.is_signed else ALARM
        version = say("version", self.lang, version=self.report.version)
        text = f"{title_of(self.report)} · {version}"
        sheet.right(text, size, y=sheet.y, colour=colour)

    def _facts(self) -> dict[str, str]:
        """What is known of patient and study, in words."""
        subject, lang = self.subject, self.lang
        sex = SEXES.get(subject.sex, "")
        joint = ", " if lang == "en" else "、"
        return {
            "patient": shown_name(subject.patient_name, lang),
            "study_date": day_of(subject.study_date),
            "patient_id": subject.patient_id,
            "modalities": joint.join(modality_name(m, lang) for m in subject.modalities)
            or "",
            "birth_date": day_of(subject.birth_date),
            "description": subject.description,
            "sex": say(sex, lang) if sex else "",
            "accession_number": subject.accession_number,
            "referring_physician": shown_name(subject.referring_physician, lang),
        }

    def _identity(self, sheet: Sheet) -> None:
        """A table of two columns, filled line by line."""
        facts = list(self._facts().items())
        for left, right in zip(facts[::2], [*facts[1::2], None], strict=True):
            rows = [
                self._fact(sheet, at, *fact)
                for at, fact in ((LEFT, left), (LEFT + COLUMN, right))
                if fact is not None
            ]
            sheet.y -= 13.5 * max(rows)

    def _fact(self, sheet: Sheet, x: float, name: str, value: str) -> int:
        """Name and value from the place that is reached; how many lines it took."""
        y = sheet.y - 13.5
        label = self.face.tidy(say(name, self.lang))
        sheet.put(Words(x, y, label, SMALL, QUIET))
        lines = sheet.lines_of(value or "–", 9.5, COLUMN - LABEL - 18)
        if len(lines) > MOST_LINES:
            lines = [*lines[: MOST_LINES - 1], f"{lines[MOST_LINES - 1]}…"]
        is_name = name == "patient"
        for at, line in enumerate(lines):
            place = y - 13.5 * at
            sheet.put(Words(x + LABEL, place, line, 9.5, INK, is_strong=is_name))
        return len(lines)

    def sections(self, sheet: Sheet) -> None:
        """Heading and text of each section that says something."""
        for name, text in self.report.content.sections.items():
            if not text.strip():
                continue
            self._heading(sheet, say(name, self.lang))
            sheet.fill(text.strip("\n").rstrip(), BODY, LEADING)

    def _heading(self, sheet: Sheet, words: str) -> None:
        sheet.need(26 + 2 * LEADING)  # never the last thing on a page
        sheet.y -= 24
        sheet.line(words, 11, colour=ACCENT, is_strong=True)
        sheet.y -= 3

    def picture(self, sheet: Sheet, picture: KeyPicture) -> None:
        """The key image with its caption, on one page."""
        share = min(PICTURE[0] / picture.width, PICTURE[1] / picture.height)
        width, height = picture.width * share, picture.height * share
        caption = sheet.lines_of(picture.caption, SMALL, RIGHT - LEFT)
        sheet.need(30 + height + SMALL_LEADING * (len(caption) + 1))
        self._heading(sheet, say("key_image", self.lang))
        sheet.y -= height + 4
        sheet.put(Picture(LEFT, sheet.y, width, height, picture.jpeg))
        sheet.fill(picture.caption, SMALL, SMALL_LEADING, colour=QUIET)

    def close(self, sheet: Sheet) -> None:
        """Who signed when, together on one page."""
        signed, *more = closing_of(self.report)[:-2]  # the last two are at the foot
        lines = sheet.lines_of("\n".join(more), SMALL, RIGHT - LEFT) if more else []
        sheet.need(34 + LEADING + SMALL_LEADING * len(lines))
        sheet.y -= 20
        sheet.rule()
        sheet.y -= 17
        colour = INK if self.report.is_signed else ALARM
        sheet.line(signed, BODY, colour=colour, is_strong=True)
        for line in lines:
            sheet.y -= SMALL_LEADING
            sheet.line(line, SMALL, colour=QUIET)

    def foot(self, number: int, pages: int) -> list[Mark]:
        """What stands below each page: which one, of which content, and the notice."""
        lang, size = self.lang, 6.5
        digest = say("digest", lang, digest=digest_of(self.report.content))
        page = say("page", lang, page=number, pages=pages)
        y = BOTTOM - 22
        at_right = [self._at_right(page, y - 10, 8.0)]
        return [
            Rule(LEFT, y, RIGHT),
            Words(LEFT, y - 10, self.face.tidy(about_of(self.report)), 8.0, QUIET),
            *at_right,
            Words(LEFT, y - 20, self.face.tidy(digest), size, QUIET),
            self._at_right(say("notice", lang), y - 20, size),
        ]

    def _at_right(self, text: str, y: float, size: float) -> Words:
        shown = self.face.tidy(text)
        return Words(RIGHT - self.face.width(shown, size), y, shown, size, QUIET)


def _tell_missing(sheet: Sheet, lang: Lang) -> None:
    """That some characters have no shape here, where there are such."""
    drawn = (mark for page in sheet.pages for mark in page if isinstance(mark, Words))
    if any(STAND_IN in mark.text for mark in drawn):
        sheet.fill(say("no_glyph", lang), SMALL, SMALL_LEADING, colour=QUIET)
