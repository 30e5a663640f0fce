"""A manifest of images → a manifest of series, and a case's volume."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from medlens.core import Array, DataError, Image, ReadError
from medlens.datasets.drafts import count_of, list_some
from medlens.datasets.manifest import UNKNOWN, Case, CaseSlice, Manifest, Problem
from medlens.read import (
    Series,
    find_series,
    join_slices,
    open_image,
    open_series,
    picture_series,
)
from medlens.read.nifti import read_grid
from medlens.read.source import open_source

_TOLD = 4  # series whose findings are told one by one
_UNREAD = "label is empty or -1: taken as not read and left out"


@dataclass
class _Gathering:
    """What has been put together so far."""

    cases: list[Case]
    problems: list[Problem]
    flawed: list[str]
    mixed: int = 0
    unread: int = 0

    def add(self, series: Series, parts: Sequence[tuple[Case, float | None]]) -> None:
        """One series, its image cases in the order of its slices."""
        case = _merge(series.case, parts)
        if isinstance(case, Problem):
            self.problems.append(case)
            return
        known = {part.target for part, _ in parts if _is_known(part)}
        self.mixed += len(known) > 1
        self.unread += sum(not _is_known(part) for part, _ in parts)
        if not series.is_even:
            self.flawed.append(f"'{series.case}': {series.findings[0]}")
        self.cases.append(case)


def gather_series(
    manifest: Manifest, *, series_column: str = "", slice_column: str = ""
) -> Manifest:
    """The same data set with one case a volume.

    DICOM slices and frames are grouped by their headers and sorted by position;
    pictures by the columns of a table; a NIfTI volume is a case as it is. A
    series is positive for a label where one of its slices is; slices without a
    label count where others of the series have one.

    Args:
        manifest: image by image.
        series_column, slice_column: of the table, "" where there is none.

    Raises:
        DataError: no series at all, or pictures without a slice number.
    """
    kinds: dict[str, list[Case]] = defaultdict(list)
    for case in manifest.cases:
        kinds[_kind_of(case)].append(case)
    done = _Gathering([], [], [])
    for case in kinds.pop("nifti", []):
        if _is_known(case):
            done.cases.append(case)
        else:
            done.problems.append(Problem(case.key, _UNREAD, "no_label"))
    _gather_dicom(kinds.pop("dicom", []), done)
    rest = [case for cases in kinds.values() for case in cases]
    _gather_pictures(rest, series_column, slice_column, done)
    if not done.cases:
        first = done.problems[0] if done.problems else None
        why = f"; first: {first.case}: {first.reason}" if first else ""
        raise DataError(
            f"DATA holds no series{why}; wanted DICOM series, NIfTI volumes, or a CSV "
            "with columns image, series and slice"
        )
    order = {case.key: at for at, case in enumerate(manifest.cases)}
    done.cases.sort(
        key=lambda case: order[case.slices[0].key if case.slices else case.key]
    )
    return replace(
        manifest,
        cases=tuple(done.cases),
        notes=(*manifest.notes, *_tell(done)),
        problems=(*manifest.problems, *done.problems),
    )


def open_case(
    case: Case,
    *,
    uneven: Literal["refuse", "resample", "keep"] = "refuse",
    allocate: Callable[[tuple[int, ...], Any], Array] = np.empty,
) -> Image:
    """The image of a case: one picture, a volume, or a series slice by slice.

    Args:
        case: of any manifest.
        uneven, allocate: as in `medlens.read.open_series` (`allocate` as in
            `open_image` where a file holds the whole); where slices are
            kept ("keep"), slice d of the image is `case.slices[d]`.

    Raises:
        ReadError: as in `open_image` and `open_series`.
    """
    if not case.slices:
        return open_image(
            case.path, member=case.member, case=case.key, allocate=allocate
        )
    return open_series(series_of(case), uneven=uneven, allocate=allocate)


def size_of_case(case: Case) -> tuple[int, int, int] | None:
    """(D, H, W) of a volume or series by its headers; None for other files.

    Of a series the first slice is opened; its slices count as they are.

    Raises:
        ReadError: a header cannot be read.
    """
    if case.slices:
        first = case.slices[0]
        image = open_image(first.path, member=first.member, case=first.key)
        rows, columns = image.array.shape[2:]
        return len(case.slices), rows, columns
    source = open_source(case.path, case.key)
    return read_grid(source)[1:] if source.kind == "nifti" else None


def series_of(case: Case) -> Series:
    """The series of a case with slices, from their headers.

    Raises:
        ReadError: a file is gone, changed, or no slice.
    """
    parts = case.slices
    numbers = [part.number for part in parts if part.number is not None]
    if len(numbers) == len(parts):
        return picture_series(
            [part.path for part in parts], numbers, case=case.key,
            cases=[_file_key(part.key) for part in parts],
            members=[part.member for part in parts],
        )  # fmt: skip
    found = [(part.path, _file_key(part.key), part.member) for part in parts]
    return join_slices(found, case=case.key)


def _kind_of(case: Case) -> str:
    try:
        return open_source(case.path, case.key).kind
    except ReadError:
        return ""


def _file_key(key: str) -> str:
    """A case's key without its member."""
    return key.rpartition("#frame:")[0] or key


def _gather_dicom(cases: list[Case], done: _Gathering) -> None:
    by_slice = {(case.path, case.member): case for case in cases}
    files = {case.path: _file_key(case.key) for case in cases}
    found = find_series(list(files), cases=list(files.values()))
    used = {case.key for case in done.cases}
    for series in found.series:
        held = [(by_slice.get((s.path, s.member)), None) for s in series.slices]
        parts = [(case, number) for case, number in held if case is not None]
        named = replace(series, case=_free_name(series.case, used))
        if parts:
            done.add(named, parts)
    done.problems += [
        Problem(item.case, item.reason, "no_series") for item in found.left_out
    ]


def _free_name(name: str, used: set[str]) -> str:
    """A key for a series; files that lie in DATA itself have no folder to name it."""
    name = f"series{name[1:]}" if name == "." or name.startswith(".#") else name
    while name in used:
        name += "+"
    used.add(name)
    return name


def _gather_pictures(
    cases: list[Case], series_column: str, slice_column: str, done: _Gathering
) -> None:
    if not cases:
        return
    if series_column and not slice_column:
        raise DataError(
            f"DATA: column '{series_column}' names series, but no column numbers their "
            "slices; add a column 'slice' (file names are no order to rely on)"
        )
    groups: dict[tuple[str, str], list[tuple[Case, float]]] = defaultdict(list)
    for case in cases:
        name = case.columns.get(series_column, "") if series_column else ""
        number = _number(case.columns.get(slice_column, ""))
        if not name or number is None:
            what = "slice number" if name else "series"
            reason = f"the table gives it no {what}"
            done.problems.append(Problem(case.key, reason, "no_series"))
            continue
        groups[case.patient, name].append((case, number))
    used = {case.key for case in done.cases}
    for (_, name), parts in groups.items():
        parts.sort(key=lambda part: (part[1], part[0].key))
        series = picture_series(
            [case.path for case, _ in parts], [number for _, number in parts],
            case=_free_name(name, used), cases=[case.key for case, _ in parts],
        )  # fmt: skip
        done.add(series, parts)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) < 1e9 else None


def _is_known(case: Case) -> bool:
    """Whether any of its labels was read; True where there are no labels."""
    return not case.target or any(value != UNKNOWN for value in case.target)


def _merge(key: str, parts: Sequence[tuple[Case, float | None]]) -> Case | Problem:
    """One case of the cases of its slices, or why they do not fit together."""
    cases = [case for case, _ in parts]
    for what in ("patient", "split"):
        found = {getattr(case, what) for case in cases}
        if len(found) > 1:
            return Problem(key, f"its slices have {len(found)} {what}s", "conflict")
    known = [case.target for case in cases if _is_known(case)]
    if not known:
        return Problem(key, "none of its slices has a label", "no_label")
    target = _merge_targets(known)
    if target is None:
        return Problem(key, "its slices have different classes", "conflict")
    first = cases[0]
    shared = {
        name: text
        for name, text in first.columns.items()
        if all(case.columns.get(name) == text for case in cases)
    }
    # One file for all slices is the mask of the volume.
    is_shared = len(cases) > 1 and len({case.mask for case in cases}) == 1
    mask = first.mask if is_shared else None
    slices = tuple(
        CaseSlice(
            case.key, case.path, case.member, case.target, number,
            {k: text for k, text in case.columns.items() if k not in shared},
            None if mask else case.mask,
        )
        for case, number in parts
    )  # fmt: skip
    site = first.site if all(case.site == first.site for case in cases) else ""
    return Case(
        key, first.path.parent, target, "", first.patient, site, first.split,
        shared, slices, mask,
    )  # fmt: skip


def _merge_targets(targets: Iterable[tuple[int, ...]]) -> tuple[int, ...] | None:
    """The target of a series whose slices have these; None for two classes.

    Single labels are one-hot, the negative one first: where slices differ, a
    binary series takes the second, the positive one.
    """
    table = np.array(list(targets))
    if (table == table[0]).all():
        return tuple(table[0].tolist())
    is_one_hot = bool((table.sum(axis=1) == 1).all() and (table >= 0).all())
    if is_one_hot and table.shape[1] == 2:
        return (0, 1)
    if is_one_hot and table.shape[1] > 2:
        return None
    known = np.where((table == UNKNOWN).any(axis=0), UNKNOWN, 0)
    return tuple(np.where((table == 1).any(axis=0), 1, known).tolist())


def _tell(done: _Gathering) -> list[str]:
    sliced = [case for case in done.cases if case.slices]
    files = sum(len(case.slices) for case in sliced)
    whole = count_of(len(done.cases) - len(sliced), "volume")
    notes = [f"{len(done.cases):,} series: {files:,} slices, {whole} in one file"]
    if done.mixed:
        notes.append(
            f"{done.mixed:,} series with labels that differ from slice to slice: a "
            "series has a label where one of its slices has it"
        )
    if done.unread:
        notes.append(
            f"{count_of(done.unread, 'slice')} without a label: not read, while the "
            "other slices of the series count"
        )
    if done.flawed:
        rest = len(done.flawed) - _TOLD
        more = f"; and {rest:,} more" if rest > 0 else ""
        notes.append(
            f"{len(done.flawed):,} series with uneven slices, which are read only with "
            f"consent to resampling: {'; '.join(done.flawed[:_TOLD])}{more}"
        )
    if done.problems:
        names = list_some([problem.case for problem in done.problems], most=_TOLD)
        notes.append(f"in no series, or contradictory: {names}")
    return notes
