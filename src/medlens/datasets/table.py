"""A CSV file as columns and rows, whatever program wrote it."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from medlens.core import DataError
from medlens.datasets.drafts import list_some
from medlens.datasets.manifest import Problem

MAX_BYTES = 512 * 2**20
MAX_COLUMNS = 4096
_FIELD_LIMIT = 4 * 2**20
_EXCEL_HINT = re.compile(r"^sep=(.)\r?\n")


@dataclass(frozen=True)
class Table:
    """Rows of text under named columns.

    Attributes:
        name: file name, for messages.
        folder: folder of the file, resolved.
        columns: names, stripped, all different.
        rows: one text per column, stripped; empty lines left out.
        lines: line number of each row in the file, the header being 1.
        problems: rows with more fields than the header.
    """

    name: str
    folder: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    problems: tuple[Problem, ...] = ()

    def column(self, name: str) -> list[str]:
        """Texts of one column, from the first row to the last."""
        at = self.columns.index(name)
        return [row[at] for row in self.rows]

    def row_name(self, index: int) -> str:
        """How messages name a row: "labels.csv line 7"."""
        return f"{self.name} line {self.lines[index]}"


def read_table(path: Path) -> Table:
    """Read a CSV file: comma, semicolon or tab; UTF-8, UTF-16, GB 2312 or Latin-1.

    Args:
        path: text file whose first line names the columns.

    Raises:
        DataError: missing, empty, too large, not text, no header, a column
            name that stands twice, or a quote that is never closed.
    """
    text = _decode(path)
    delimiter, text = _find_delimiter(text)
    try:
        header, rows, lines, problems = _parse(text, delimiter, name=path.name)
    except csv.Error as error:
        raise DataError(
            f"{path.name}: not a readable CSV file ({error}); save it as CSV, UTF-8"
        ) from None
    return Table(path.name, path.resolve().parent, header, rows, lines, problems)


def _decode(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise DataError(
                f"{path.name}: {size / 2**20:,.0f} MB; at most "
                f"{MAX_BYTES // 2**20} MB are read"
            )
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path.name}: cannot be read ({error.strerror}); check --labels"
        ) from None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    if b"\x00" in content[:4096]:
        raise DataError(
            f"{path.name}: is not a text file; wanted CSV (a spreadsheet can be "
            "saved as 'CSV UTF-8')"
        )
    # Chinese spreadsheets save GB 2312: pairs of bytes above 0xA0. Latin-1 hardly
    # ever has its accents in pairs, so that its text fails here and falls through.
    for encoding in ("utf-8-sig", "gb2312"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def _find_delimiter(text: str) -> tuple[str, str]:
    """Delimiter by the header line, and the text without Excel's hint."""
    hint = _EXCEL_HINT.match(text)
    if hint:
        return hint[1], text[hint.end() :]
    header = next((line for line in text.splitlines() if line.strip()), "")
    plain = re.sub(r'"[^"]*"', "", header)
    counts = {mark: plain.count(mark) for mark in (",", ";", "\t")}
    return max(counts, key=lambda mark: counts[mark]), text


def _parse(
    text: str, delimiter: str, *, name: str
) -> tuple[
    tuple[str, ...],
    tuple[tuple[str, ...], ...],
    tuple[int, ...],
    tuple[Problem, ...],
]:
    before = csv.field_size_limit(_FIELD_LIMIT)
    try:
        eaten: list[str] = []
        reader = csv.reader(_fed(text, eaten), delimiter=delimiter)
        header: tuple[str, ...] = ()
        rows: list[tuple[str, ...]] = []
        lines: list[int] = []
        problems: list[Problem] = []
        for record in reader:
            _check_quotes(eaten, delimiter, name=name, last=reader.line_num)
            fields = tuple(field.strip() for field in record)
            if not any(fields):
                continue
            if not header:
                header = _check_header(fields, name=name)
            elif len(fields) > len(header) and any(fields[len(header) :]):
                problems.append(_too_long(fields, header, name, reader.line_num))
            else:
                missing = len(header) - len(fields)
                rows.append((fields + ("",) * missing)[: len(header)])
                lines.append(reader.line_num)
    finally:
        csv.field_size_limit(before)
    if not rows and not problems:
        raise DataError(
            f"{name}: no rows; wanted a header line such as 'image,label' and one "
            "line per image"
        )
    return header, tuple(rows), tuple(lines), tuple(problems)


def _fed(text: str, eaten: list[str]) -> Iterator[str]:
    """Lines of a text, each noted in `eaten` as it is read."""
    for line in io.StringIO(text, newline=""):
        eaten.append(line)
        yield line


def _check_quotes(eaten: list[str], delimiter: str, *, name: str, last: int) -> None:
    """Refuse a row that ate the rows after it, and forget its lines.

    A quote that is never closed makes one field of all lines up to the next
    quote, wherever that stands: whole patients would be missing without a word.

    Raises:
        DataError: the row has several lines and its quotes do not match.
    """
    lines, first = eaten.copy(), last - len(eaten) + 1
    eaten.clear()
    if len(lines) < 2:
        return
    try:
        list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        raise DataError(
            f"{name} line {first}: a double quote is opened and not closed, so that "
            f"{len(lines):,} lines read as one row; close it, or remove it"
        ) from None


def _check_header(fields: tuple[str, ...], *, name: str) -> tuple[str, ...]:
    if len(fields) > MAX_COLUMNS:
        raise DataError(
            f"{name}: {len(fields):,} columns; at most {MAX_COLUMNS:,} are read"
        )
    header = tuple(field or f"column {at}" for at, field in enumerate(fields, start=1))
    twice = sorted(column for column, n in Counter(header).items() if n > 1)
    if twice:
        raise DataError(
            f"{name}: column {list_some(twice)} stands more than once in the header; "
            "rename or remove one"
        )
    return header


def _too_long(
    fields: tuple[str, ...], header: tuple[str, ...], name: str, line: int
) -> Problem:
    reason = (
        f"row has {len(fields)} fields, the header {len(header)}; put text that "
        "holds the delimiter in double quotes"
    )
    return Problem(f"{name} line {line}", reason, "unreadable")
