"""Pages that fill from top to bottom: what stands where, before anything is drawn.

Everything is laid out first, so that the number of pages is known when their feet are
written. Lengths are points (1/72 inch), y grows upwards as in PDF.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from medlens.write.reading.face import Face
from medlens.write.reading.lines import break_lines

WIDTH, HEIGHT = 595.276, 841.89  # A4
LEFT, RIGHT = 56.7, WIDTH - 56.7  # 20 mm
TOP, BOTTOM = HEIGHT - 48.0, 66.0  # of what fills
Colour = tuple[float, float, float]
INK: Colour = (0.09, 0.11, 0.14)
QUIET: Colour = (0.36, 0.40, 0.46)
ACCENT: Colour = (0.09, 0.30, 0.48)
ALARM: Colour = (0.70, 0.11, 0.11)
FAINT: Colour = (0.93, 0.93, 0.94)
HAIR: Colour = (0.78, 0.81, 0.84)


@dataclass(frozen=True)
class Words:
    """A line of text.

    Attributes:
        x, y: where its base line begins.
        text: tidied.
        size: in points.
        colour: of the letters.
        is_strong: drawn thicker.
        angle: turned by, in degrees.
    """

    x: float
    y: float
    text: str
    size: float
    colour: Colour = INK
    is_strong: bool = False
    angle: float = 0.0


@dataclass(frozen=True)
class Rule:
    """A straight line from left to right."""

    x: float
    y: float
    end: float
    colour: Colour = HAIR
    width: float = 0.6


@dataclass(frozen=True)
class Picture:
    """A JPEG, its lower left corner at (x, y)."""

    x: float
    y: float
    width: float
    height: float
    data: bytes = field(repr=False)


Mark = Words | Rule | Picture


@dataclass
class Sheet:
    """Pages under way.

    Attributes:
        face: that letters are measured with.
        begin: writes the head of a page that was just begun.
        pages: what stands on each.
        y: where the next line goes, above its base line.
    """

    face: Face
    begin: Callable[[Sheet], None]
    pages: list[list[Mark]] = field(default_factory=list)
    y: float = TOP

    def __post_init__(self) -> None:
        self.turn()

    def turn(self) -> None:
        """Begin a page."""
        self.pages.append([])
        self.y = TOP
        self.begin(self)

    def need(self, height: float) -> None:
        """Begin a page unless so much is left on this one."""
        if self.y - height < BOTTOM:
            self.turn()

    def put(self, mark: Mark) -> None:
        """Something at its own place on this page."""
        self.pages[-1].append(mark)

    def rule(self, *, colour: Colour = HAIR, width: float = 0.6) -> None:
        """A line across, at the place that is reached."""
        self.put(Rule(LEFT, self.y, RIGHT, colour, width))

    def line(
        self,
        text: str,
        size: float,
        *,
        x: float = LEFT,
        colour: Colour = INK,
        is_strong: bool = False,
    ) -> None:
        """One line of words at the place that is reached, which stays."""
        shown = self.face.tidy(text)
        self.put(Words(x, self.y, shown, size, colour, is_strong))

    def right(self, text: str, size: float, *, y: float, colour: Colour = INK) -> None:
        """One line of words that ends at the right margin."""
        shown = self.face.tidy(text)
        x = RIGHT - self.face.width(shown, size)
        self.put(Words(x, y, shown, size, colour))

    def fill(
        self,
        text: str,
        size: float,
        leading: float,
        *,
        colour: Colour = INK,
        x: float = LEFT,
        end: float = RIGHT,
    ) -> None:
        """Words in as many lines and pages as they take."""
        for line in self.lines_of(text, size, end - x):
            self.need(leading)
            self.y -= leading
            if line:
                self.put(Words(x, self.y, line, size, colour))

    def lines_of(self, text: str, size: float, width: float) -> list[str]:
        """A text broken to a width, tidied."""
        plain = "\n".join(self.face.tidy(part) for part in text.split("\n"))
        return break_lines(plain, width, lambda part: self.face.width(part, size))
