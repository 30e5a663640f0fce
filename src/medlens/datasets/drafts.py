"""What a form hands over before labels become numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from medlens.datasets.manifest import Problem


@dataclass(slots=True)
class Entry:
    """One image that a form found, its label still as text.

    Attributes:
        key: path relative to DATA in POSIX spelling, or a member name.
        file: path of the file relative to DATA, POSIX spelling.
        values: one text for a single label column, or one per label name.
        member: image inside the file, "" for its only one.
        patient, site, split, columns: as in `Case`.
        mask: path of its mask relative to DATA, "" for none.
    """

    key: str
    file: str
    values: tuple[str, ...]
    member: str = ""
    patient: str = ""
    site: str = ""
    split: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    mask: str = ""


@dataclass
class Draft:
    """All entries of a data set and how to read their labels.

    Attributes:
        root: folder that keys are relative to (resolved).
        entries: in the order of DATA.
        label_names: names of the 0/1 columns of a multi-label set; empty when
            `Entry.values` is one text.
        label_source: where labels came from, for notes ("column 'label'").
        known_labels: names of numeric codes 0, 1, …, where published.
        patient_column, series_column, slice_column: of the CSV, "" where there
            is none.
        is_masked: the labels are in masks; `Entry.values` are empty.
        wants_headers: False when members are plain arrays without headers.
        notes, problems: as in `Manifest`.
    """

    root: Path
    entries: list[Entry] = field(default_factory=list)
    label_names: tuple[str, ...] = ()
    label_source: str = ""
    known_labels: tuple[str, ...] = ()
    patient_column: str = ""
    series_column: str = ""
    slice_column: str = ""
    is_masked: bool = False
    wants_headers: bool = True
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def list_in(text: str) -> list[str]:
    """Words of a text, in order: a list of constants that reads as prose."""
    return text.split()


def words_in(text: str) -> frozenset[str]:
    """Words of a text as a set of constants."""
    return frozenset(text.split())


def count_of(number: int, noun: str) -> str:
    """A count with its noun: "1 file", "1,200 files", "3 classes".

    >>> count_of(1, "file"), count_of(1200, "class"), count_of(2, "study")
    ('1 file', '1,200 classes', '2 studies')
    """
    if number == 1:
        return f"1 {noun}"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{number:,} {noun[:-1]}ies"
    return f"{number:,} {noun}{'es' if noun.endswith(('s', 'x', 'ch')) else 's'}"


def list_some(names: list[str], *, most: int = 8) -> str:
    """Names in quotes, the rest counted: "'a', 'b' and 3 more"."""
    shown = ", ".join(f"'{name}'" for name in names[:most])
    rest = len(names) - most
    return f"{shown} and {rest:,} more" if rest > 0 else shown
