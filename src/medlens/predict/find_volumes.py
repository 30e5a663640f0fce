"""What the user pointed at → series and volumes, each under a key of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from medlens.core import DataError, Image, ReadError, UsageError
from medlens.predict.find import (
    MAX_INPUTS,
    Input,
    folder_name,
    legible,
    members_of,
    paths_of,
    unique,
)
from medlens.predict.mapped import allocate
from medlens.read import open_image
from medlens.recipe.settings import Form

if TYPE_CHECKING:
    from medlens.read.series import LeftOut, Series

Uneven = Literal["refuse", "resample", "keep"]
AS_IMAGES = ("single", "unplaced", "capture")
"""Files left out of series that are images of their own all the same."""


@dataclass(frozen=True)
class VolumeInput(Input):
    """One series, volume or image to answer for.

    Attributes:
        path, member, key: as in `Input`; of a series its first slice.
        series: its slices, or None where a file holds the whole.
    """

    series: Series | None = None


@dataclass(frozen=True)
class Found:
    """Cases to answer, and files that are none with their reasons."""

    cases: tuple[VolumeInput, ...]
    left_out: tuple[tuple[str, str], ...]


def find_volumes(given: Sequence[Path], form: Form) -> Found:
    """Every series and volume named or lying in a named folder.

    DICOM files are grouped by their headers, all named files together and the files
    of each folder together. Each volume of a NIfTI file and each other image is a
    case of its own.

    Args:
        given: files and folders.
        form: of the bundle; for "segment" images count, too.

    Raises:
        UsageError: something is not there, or there are too many.
        DataError: nothing was found.
    """
    cases: list[VolumeInput] = []
    outer: list[str] = []
    left_out: list[tuple[str, str]] = []
    for name, files in _groups(given):
        found, rest = _sort_out(files, name, form)
        cases += found
        outer += [name] * len(found)
        left_out += rest
        if len(cases) > MAX_INPUTS:
            raise UsageError(
                f"more than {MAX_INPUTS} cases; give fewer folders at a time"
            )
    if not cases and not left_out:
        raise DataError("INPUT: no file found; give series, volumes or folders")
    return Found(tuple(unique(cases, outer)), tuple(left_out))


def open_volume(item: VolumeInput, form: Form, *, uneven: Uneven = "refuse") -> Image:
    """The image of a case; large series are laid into a temporary file.

    Args:
        item: see `find_volumes`.
        form: of the bundle.
        uneven: what to do where slices are missing or unevenly spaced; see
            `medlens.read.open_series`.

    Raises:
        ReadError: it cannot be read, or is a single image where series are wanted.
    """
    if item.series is not None:
        from medlens.read.series import open_series

        return open_series(item.series, uneven=uneven, allocate=allocate)
    image = open_image(item.path, member=item.member, case=item.key, allocate=allocate)
    if form in ("sequence", "volume") and image.array.shape[1] == 1:
        raise ReadError(
            f"{item.key}: is a single image; this bundle answers whole series: give "
            "all DICOM files of the series, or a NIfTI volume"
        )
    return image


def _groups(given: Sequence[Path]) -> Iterator[tuple[str, list[tuple[Path, str]]]]:
    """Files with their keys: those named themselves first, then folder by folder."""
    alone = [pair for start in given if not start.is_dir() for pair in paths_of(start)]
    if alone:
        yield folder_name(given[0]), [(path, legible(key)) for path, key in alone]
    for start in given:
        if start.is_dir():
            files = [(path, legible(key)) for path, key in paths_of(start)]
            yield legible(folder_name(start)), files


def _sort_out(
    files: list[tuple[Path, str]], name: str, form: Form
) -> tuple[list[VolumeInput], list[tuple[str, str]]]:
    from medlens.read.source import open_source

    dicom: list[tuple[Path, str]] = []
    cases: list[VolumeInput] = []
    left_out: list[tuple[str, str]] = []
    for path, key in files:
        try:
            kind = open_source(path, key).kind
        except ReadError as error:
            left_out.append((key, str(error)))
            continue
        if kind == "dicom":
            dicom.append((path, key))
            continue
        for member in members_of(path):
            whole = f"{key}#{member}" if member else key
            cases.append(VolumeInput(path, member, whole))
    if dicom:
        found, rest = _sort_dicom(dicom, name, form)
        cases, left_out = [*found, *cases], [*left_out, *rest]
    return cases, left_out


def _sort_dicom(
    files: list[tuple[Path, str]], name: str, form: Form
) -> tuple[list[VolumeInput], list[tuple[str, str]]]:
    from dataclasses import replace

    from medlens.read.series import find_series

    found = find_series([path for path, _ in files], cases=[key for _, key in files])
    cases = []
    for series in found.series:
        key = series.case
        # Files that lie in the folder itself have no other name for it.
        key = name + key[1:] if key == "." or key.startswith(".#") else key
        first = series.slices[0]
        named = replace(series, case=key)
        cases.append(VolumeInput(first.path, first.member, key, named))
    homes = {key: path for path, key in files}
    left_out = []
    for item in found.left_out:
        single = _as_image(item, homes, form)
        if single is None:
            left_out.append((item.case, f"{item.case}: {item.reason}"))
        else:
            cases.append(single)
    return cases, left_out


def _as_image(item: LeftOut, homes: dict[str, Path], form: Form) -> VolumeInput | None:
    """The file or frame as an image of its own, where masks of images are wanted."""
    if form != "segment" or item.kind not in AS_IMAGES:
        return None
    file, _, number = item.case.rpartition("#frame:")
    if item.case in homes:
        return VolumeInput(homes[item.case], "", item.case)
    if file in homes:
        return VolumeInput(homes[file], f"frame:{number}", item.case)
    return None
