"""What a page holds besides prose: figures and tables."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

Row = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table of text; the first column names its rows.

    Attributes:
        title: the caption.
        columns: column headings.
        rows: as many cells as columns in each.
        words: indices of columns that hold prose (set left, allowed to wrap);
            the first always does.
        marked: indices of rows that stand out (the chosen operating point).
        note: a sentence below.
    """

    title: str
    columns: Row
    rows: tuple[Row, ...]
    words: frozenset[int] = frozenset()
    marked: frozenset[int] = frozenset()
    note: str = ""


@dataclass(frozen=True)
class Legend:
    """One entry: a drawn sample and what it stands for."""

    sample: Markup
    text: str


@dataclass(frozen=True)
class Figure:
    """A drawing, its caption, and the same figures as a table.

    Attributes:
        name: id in the page, unique.
        title: what is shown.
        svg: the drawing.
        caption: how to read it, where the doubt comes from.
        legend: the series.
        table: the numbers behind the drawing, folded away.
    """

    name: str
    title: str
    svg: Markup
    caption: str
    legend: tuple[Legend, ...] = ()
    table: Table | None = None
