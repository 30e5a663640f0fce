"""Files or a folder → the series in them, by headers; no pixel is read."""

from __future__ import annotations

import os
import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from medlens.core import ReadError
from medlens.read.series.scan import scan_file
from medlens.read.series.series import Series, make_series
from medlens.read.series.slices import LeftOut, Slice
from medlens.read.series.split import Part, split_by_grid, split_series

MAX_FILES = 200_000
MAX_DEPTH = 32


@dataclass(frozen=True)
class Found:
    """What some files hold.

    Attributes:
        series: the volumes, sorted by case.
        left_out: every file or frame that is in none, with its reason.
    """

    series: tuple[Series, ...]
    left_out: tuple[LeftOut, ...]


def find_series(
    where: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    cases: Sequence[str] | None = None,
) -> Found:
    """Group DICOM files into volumes by their headers.

    Files of one Series Instance UID are parted by size, spacing and orientation,
    and by echo, image type, acquisition, time and the like where images would
    share a place; each volume is sorted by position along its slice normal.
    Localisers, secondary captures, colour pictures, unplaced and unreadable
    files are left out with a reason.

    Args:
        where: a folder, searched with its sub-folders; one file; or files.
        cases: local keys of the files, in their order; default: paths relative
            to the folder, or bare names.

    Raises:
        ReadError: the folder cannot be read or holds too many files.
    """
    files = list(_name_files(where, cases))
    slices: list[Slice] = []
    left_out: list[LeftOut] = []
    seen: dict[tuple[object, ...], str] = {}
    for path, case in sorted(files, key=lambda item: item[1]):
        try:
            found, rest, uid = scan_file(path, case)
        except ReadError as error:
            reason = str(error).removeprefix(f"{case}: ")
            left_out.append(LeftOut(case, reason, "no_image"))
            continue
        # Some anonymisers give one UID to all: copies share their places too.
        mark = (uid, *((item.position, item.along, item.down) for item in found))
        if found and uid and seen.setdefault(mark, case) != case:
            reason = f"is a copy of '{seen[mark]}' (the same SOP Instance UID)"
            left_out.append(LeftOut(case, reason, "copy"))
            continue
        slices += found
        left_out += rest
    series, rest = _assemble(slices)
    left_out += rest
    return Found(series, tuple(sorted(left_out, key=lambda item: item.case)))


def join_slices(
    slices: Sequence[tuple[str | os.PathLike[str], str, str]], *, case: str
) -> Series:
    """The series of chosen slices, when it is already known that they belong together.

    Args:
        slices: (file, local key of the file, member) of each, in any order.
        case: local key of the series.

    Raises:
        ReadError: a file cannot be read, or one of them is no slice any more.
    """
    wanted: dict[tuple[Path, str], set[str]] = defaultdict(set)
    for path, key, member in slices:
        wanted[Path(path), key].add(member)
    chosen: list[Slice] = []
    for (path, key), members in wanted.items():
        found, left_out, _ = scan_file(path, key)
        held = [item for item in found if item.member in members]
        if len(held) < len(members):
            why = f" ({left_out[0].reason})" if left_out else ""
            raise ReadError(
                f"{case}: '{key}' holds no slice of it{why}; read DATA again"
            )
        chosen += held
    if not chosen:
        raise ReadError(f"{case}: the series has no slice; wanted one or more")
    parts = split_by_grid(chosen)
    if len(parts) > 1:
        raise ReadError(
            f"{case}: its slices differ in size, pixel spacing or orientation: "
            f"'{parts[0][0].name}' and '{parts[1][0].name}'; leave one kind out"
        )
    return make_series(case, chosen)


def _assemble(slices: list[Slice]) -> tuple[tuple[Series, ...], list[LeftOut]]:
    groups: dict[str, list[Slice]] = defaultdict(list)
    for item in slices:
        groups[item.series].append(item)
    parts: list[Part] = []
    left_out: list[LeftOut] = []
    for group in groups.values():
        done, rest = split_series(group)
        parts += done
        left_out += rest
    homes: dict[str, list[Part]] = defaultdict(list)
    for part in parts:
        homes[_home(part[0])].append(part)
    series = []
    for home, held in sorted(homes.items()):
        held.sort(key=lambda part: min(item.name for item in part[0]))
        for at, (members, keywords) in enumerate(held, start=1):
            case = home if len(held) == 1 else f"{home}#{at}"
            series.append(make_series(case, members, keywords))
    return tuple(series), left_out


def _home(part: list[Slice]) -> str:
    """The file of a multi-frame series, else the folder that all slices are in."""
    files = {item.case for item in part}
    if len(files) == 1:
        return files.pop()
    folders = [posixpath.dirname(name).lstrip("/") or "." for name in files]
    return posixpath.commonpath(folders) or "."


def _name_files(
    where: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    cases: Sequence[str] | None,
) -> Iterator[tuple[Path, str]]:
    if isinstance(where, str | os.PathLike):
        path = Path(where)
        if path.is_dir():
            return _walk(path)
        where = [path]
    paths = [Path(path) for path in where]
    names = [path.name for path in paths] if cases is None else list(cases)
    if len(names) != len(paths):
        raise ValueError(f"{len(paths)} files and {len(names)} cases")
    return zip(paths, names, strict=True)


def _walk(folder: Path) -> Iterator[tuple[Path, str]]:
    """Files below a folder with relative keys; hidden ones and links are skipped."""
    count = 0
    for here, folders, files in os.walk(folder, onerror=_refuse_folder):
        depth = len(Path(here).relative_to(folder).parts)
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        if depth >= MAX_DEPTH:
            folders.clear()
        for name in _plain(here, files):
            count += 1
            if count > MAX_FILES:
                raise ReadError(
                    f"{folder.name}: holds more than {MAX_FILES:,} files; pass a "
                    "smaller folder"
                )
            path = Path(here, name)
            yield path, path.relative_to(folder).as_posix()


def _plain(here: str, files: Iterable[str]) -> Iterator[str]:
    for name in sorted(files):
        skipped = name.startswith(".") or name == "DICOMDIR"
        if not skipped and not Path(here, name).is_symlink():
            yield name


def _refuse_folder(error: OSError) -> None:
    name = Path(error.filename or "").name
    raise ReadError(f"{name}: the folder cannot be read ({error.strerror})") from None
