"""DATA described by a CSV: rows joined to files by path, name or DICOM header."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from medlens.core import DataError
from medlens.datasets.columns import Roles, choose_columns, split_name
from medlens.datasets.drafts import Draft, Entry, count_of, list_some
from medlens.datasets.from_pairs import Pairs
from medlens.datasets.headers import Header, read_headers
from medlens.datasets.label_text import is_blank, normalise_label
from medlens.datasets.manifest import Problem, ProblemKind
from medlens.datasets.table import Table
from medlens.datasets.walk import Tree

_DRIVE = re.compile(r"^[A-Za-z]:")
_LIKE_UID = re.compile(r"[0-9.]{16,64}")
# From the narrowest join to the widest.
_JOINS = ("sopinstanceuid", "seriesinstanceuid", "studyinstanceuid", "patientid")


@dataclass(frozen=True)
class Miss:
    """Why a reference leads to no file."""

    kind: ProblemKind
    reason: str


class Resolver:
    """Text in a row → the file of DATA that it names.

    Tried in this order: path relative to DATA, path relative to the CSV, a
    path of which DATA is the first part, the end of one file's path, the same
    without suffix. Only files found in DATA are ever returned.
    """

    def __init__(self, tree: Tree, csv_folder: str) -> None:
        self._tree = tree
        self._root = str(tree.root)
        self._csv = csv_folder

    def find(self, text: str) -> str | Miss:
        """The file, or why there is none."""
        if text in self._tree.known:
            return text
        reference = text.replace("\\", "/")
        if _DRIVE.match(reference) or reference.startswith("/"):
            inside = self._inside(posixpath.normpath(reference))
            return self._exact(inside) if inside else _OUTSIDE
        inside = self._inside(posixpath.normpath(f"{self._root}/{reference}"))
        if inside in self._tree.known:
            return inside
        beside = self._inside(posixpath.normpath(f"{self._csv}/{reference}"))
        if beside in self._tree.known:
            return beside
        if not inside:
            return self._exact(beside) if beside else _OUTSIDE
        first, _, rest = inside.partition("/")
        if rest in self._tree.known and first == self._tree.root.name:
            return rest
        found = self._tree.find(inside)
        if len(found) == 1:
            return found[0]
        if found:
            return Miss("ambiguous", f"fits {len(found)} files: {list_some(found)}")
        return _MISSING

    def _inside(self, absolute: str) -> str:
        """Path relative to DATA, "" when it lies elsewhere."""
        start = self._root.rstrip("/") + "/"
        return absolute[len(start) :] if absolute.startswith(start) else ""

    def _exact(self, reference: str) -> str | Miss:
        return reference if reference in self._tree.known else _MISSING


_OUTSIDE = Miss("outside", "points outside DATA; put the file inside it")
_MISSING = Miss("missing", "names a file that is not in DATA")


def read_rows(
    table: Table,
    tree: Tree,
    *,
    label_column: str | None = None,
    patient_column: str | None = None,
    is_whole: bool = True,
    takes_series: bool = False,
    task: str = "auto",
    pairs: Pairs | None = None,
) -> tuple[Draft, dict[str, Header] | None]:
    """Entries from the rows of a table.

    Args:
        table: the CSV.
        tree: files of DATA.
        label_column, patient_column: as in `read_manifest`.
        is_whole: True when every image of DATA should have a row; those that
            have none are then reported.
        takes_series: where no column names images, a column `series` may name
            the folder or the file of a volume.
        task: as in `read_manifest`.
        pairs: masks beside the images, for rows that name none.

    Returns:
        The draft, and DICOM headers if they had to be read for joining.

    Raises:
        DataError: columns are not plain, or no row leads to a file.
    """
    resolver = Resolver(tree, str(table.folder))
    roles = choose_columns(
        table,
        names_file=lambda text: isinstance(resolver.find(text), str),
        label_column=label_column,
        patient_column=patient_column,
        takes_series=takes_series,
        task=task,
        has_masks=pairs is not None,
    )
    draft = Draft(tree.root, problems=[*table.problems, *tree.problems])
    draft.is_masked = not roles.labels
    several = len(roles.labels) > 1
    draft.label_names = roles.labels if several else ()
    draft.label_source = (
        f"{table.name}, column{'s' if several else ''} {list_some(list(roles.labels))}"
    )
    if draft.is_masked:
        draft.label_source = f"{table.name}, masks"
    draft.notes += [f"labels from {draft.label_source}", *roles.notes]
    headers: dict[str, Header] | None = None
    if roles.image:
        find = _by_path(table, roles, resolver)
    elif not roles.uid:
        find = _by_folder(table, roles, resolver, tree)
    else:
        headers = read_headers(tree, list(tree.images), draft)
        find = _by_header(table, roles, headers, draft)
    _join(table, roles, find, draft)
    _add_masks(roles, resolver, pairs, draft)
    _require_entries(table, roles, draft)
    draft.patient_column, draft.series_column = roles.patient, roles.series
    draft.slice_column = roles.slice
    if is_whole:
        _report_rowless(table, roles, tree, resolver, draft)
    if draft.is_masked:
        _require_masks(table, roles, draft)
    return draft, headers


def _by_path(
    table: Table, roles: Roles, resolver: Resolver
) -> Callable[[int], list[str] | Miss]:
    texts = table.column(roles.image)

    def find(row: int) -> list[str] | Miss:
        if not texts[row]:
            return Miss("missing", f"column '{roles.image}' is empty")
        found = resolver.find(texts[row])
        return found if isinstance(found, Miss) else [found]

    return find


def _by_folder(
    table: Table, roles: Roles, resolver: Resolver, tree: Tree
) -> Callable[[int], list[str] | Miss]:
    """Rows → the volume file that the series column names, or a folder's files."""
    texts = table.column(roles.series)
    folders: dict[str, list[str]] = defaultdict(list)
    for name in tree.images:
        folder = posixpath.dirname(name)
        while folder:
            folders[folder].append(name)
            folder = posixpath.dirname(folder)

    def find(row: int) -> list[str] | Miss:
        folder = posixpath.normpath(texts[row].replace("\\", "/"))
        if folder in folders:
            return folders[folder]
        if not texts[row]:
            return Miss("missing", f"column '{roles.series}' is empty")
        found = resolver.find(texts[row])
        if isinstance(found, Miss) and found.kind == "missing":
            return Miss("missing", "names no folder or file of DATA")
        return found if isinstance(found, Miss) else [found]

    return find


def _by_header(
    table: Table, roles: Roles, headers: dict[str, Header], draft: Draft
) -> Callable[[int], list[str] | Miss]:
    """Rows → files by the narrowest identifier that fits any file."""
    for key in _JOINS:
        if key not in roles.uid:
            continue
        files: dict[str, list[str]] = defaultdict(list)
        for name, header in headers.items():
            if header.frames:
                files[header.ids[key]].append(name)
        texts = table.column(roles.uid[key])
        if any(text and text in files for text in texts):
            draft.notes.append(f"rows joined to DICOM files by {roles.uid[key]}")
            return lambda row: (
                files.get(texts[row])
                or Miss("missing", f"no DICOM file of DATA has this {roles.uid[key]}")
            )
    raise DataError(
        f"{table.name}: no row fits the headers of the "
        f"{count_of(len(headers), 'DICOM file')} in DATA by "
        f"{list_some(list(roles.uid.values()))}; add a column 'image' with paths "
        "relative to DATA"
    )


def _join(
    table: Table,
    roles: Roles,
    find: Callable[[int], list[str] | Miss],
    draft: Draft,
) -> None:
    """Fill the draft's entries; one file with two labels becomes a problem."""
    at = {name: number for number, name in enumerate(table.columns)}
    label_at = [at[name] for name in roles.labels]
    one_at = {
        role: at[column]
        for role in ("patient", "site", "split")
        if (column := getattr(roles, role))
    }
    kept = [roles.mask, roles.boxes, roles.series, roles.slice, *roles.extra]
    extra = [(name, at[name]) for name in kept if name]
    entries: dict[str, Entry] = {}
    conflicts: set[str] = set()
    repeated = 0
    for number, row in enumerate(table.rows):
        found = find(number)
        if isinstance(found, Miss):
            case = _case_of(table, roles, number, found)
            draft.problems.append(Problem(case, found.reason, found.kind))
            continue
        values = tuple(normalise_label(row[i]) for i in label_at)
        part = {role: row[i] for role, i in one_at.items()}
        for key in found:
            if key in entries:
                repeated += 1
                if entries[key].values != values:
                    conflicts.add(key)
                continue
            entries[key] = Entry(
                key,
                key,
                values,
                patient=_filled(part.get("patient", "")),
                site=_filled(part.get("site", "")),
                split=split_name(part.get("split", "")),
                columns={name: row[i] for name, i in extra},
            )
    for key in sorted(conflicts):
        del entries[key]
        reason = (
            "rows give it different labels; keep the right one (several labels of "
            "one image are written 'a|b')"
        )
        draft.problems.append(Problem(key, reason, "conflict"))
    draft.entries = list(entries.values())
    if repeated:
        draft.notes.append(
            f"{count_of(repeated, 'row')} named an image that an earlier row names; "
            f"{count_of(len(conflicts), 'image')} with different labels left out"
        )


def _add_masks(
    roles: Roles, resolver: Resolver, pairs: Pairs | None, draft: Draft
) -> None:
    """The mask file of each entry, from its row or by its name."""
    beside = pairs.masks if pairs else {}
    for entry in draft.entries:
        text = entry.columns.get(roles.mask, "") if roles.mask else ""
        found = resolver.find(text) if text else ""
        entry.mask = found if isinstance(found, str) else ""
        entry.mask = entry.mask or beside.get(entry.file, "")


def _require_masks(table: Table, roles: Roles, draft: Draft) -> None:
    """Entries without a mask become problems, where masks are the labels."""
    lacking = [entry for entry in draft.entries if not entry.mask]
    draft.entries = [entry for entry in draft.entries if entry.mask]
    column = f"column '{roles.mask}'" if roles.mask else "no column 'mask', and no file"
    reason = f"has no mask: {column} names none that is in DATA"
    draft.problems += [Problem(entry.key, reason, "no_mask") for entry in lacking]
    if not draft.entries:
        raise DataError(
            f"{table.name}: no image has a mask ({column} names one that is in DATA); "
            "wanted a column 'mask' with paths, or masks/ beside images/ with equal "
            "names"
        )


def _filled(text: str) -> str:
    return "" if is_blank(text) else text


def _case_of(table: Table, roles: Roles, row: int, miss: Miss) -> str:
    """What a message calls a row: its path unless that could say too much."""
    column = roles.image or ("" if roles.uid else roles.series)
    text = table.column(column)[row] if column and miss.kind else ""
    is_path = miss.kind in ("missing", "ambiguous") and not text.startswith("/")
    is_plain = text.isprintable() and not _DRIVE.match(text)
    if text and is_path and is_plain and not _LIKE_UID.search(text):
        return text[:200]
    return table.row_name(row)


def _require_entries(table: Table, roles: Roles, draft: Draft) -> None:
    if draft.entries:
        return
    column = roles.image or ", ".join(roles.uid.values()) or roles.series
    first = draft.problems[0] if draft.problems else None
    why = f"; first: {first.case}: {first.reason}" if first else ""
    raise DataError(
        f"{table.name}: none of {count_of(len(table.rows), 'row')} leads to an image "
        f"of DATA (column '{column}'){why}. Wanted paths relative to DATA or to the "
        "CSV, or plain file names; check DATA and the CSV"
    )


def _report_rowless(
    table: Table, roles: Roles, tree: Tree, resolver: Resolver, draft: Draft
) -> None:
    """Images that no row names, masks that a row names left out."""
    named = {entry.file for entry in draft.entries}
    named |= {problem.case for problem in draft.problems}
    if roles.mask:
        found = (resolver.find(text) for text in table.column(roles.mask) if text)
        named |= {name for name in found if isinstance(name, str)}
    named |= {entry.mask for entry in draft.entries}
    reason = f"no row of {table.name} names this file"
    for name in tree.images:
        if name not in named:
            draft.problems.append(Problem(name, reason, "no_row"))
