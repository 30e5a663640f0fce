"""What the user pointed at → series and volumes, each under a key of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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
from medlens.predict.find_pictures import (
    KINDS,
    sort_pictures,
    tell_masks,
    tell_single,
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
    """Cases to answer.

    Attributes:
        cases: in order.
        left_out: files and folders that are none, with their reasons.
        notes: what was passed over and is no failure, in words.
    """

    cases: tuple[VolumeInput, ...]
    left_out: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()


def find_volumes(given: Sequence[Path], form: Form) -> Found:
    """Every series and volume named or lying in a named folder.

    DICOM files are grouped by their headers, all named files together and the files
    of each folder together. Each volume of a NIfTI file is a case of its own. Pictures
    are series by folder and number where series are wanted (see `sort_pictures`),
    else a case each.

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
    masks: list[str] = []
    for name, files in _groups(given):
        found, rest, passed_over = _sort_out(files, name, form)
        cases += found
        outer += [_outer(item, name) for item in found]
        left_out += rest
        masks += passed_over
        if len(cases) > MAX_INPUTS:
            raise UsageError(
                f"more than {MAX_INPUTS} cases; give fewer folders at a time"
            )
    notes = (tell_masks(masks),) if masks else ()
    if not cases and not left_out:
        seen = "no file found"
        if masks:
            seen = f"nothing found but masks, by their names: {masks[0]}"
        raise DataError(f"INPUT: {seen}; give series, volumes or folders of them")
    apart = tuple(_renamed(item) for item in unique(cases, outer))
    return Found(apart, tuple(left_out), notes)


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
        raise ReadError(tell_single(item.key))
    return image


def _groups(given: Sequence[Path]) -> Iterator[tuple[str, list[tuple[Path, str]]]]:
    """Name and files with their keys, folder by folder.

    Those that were named themselves come first; they have no folder's name.
    """
    alone = [pair for start in given if not start.is_dir() for pair in paths_of(start)]
    if alone:
        yield "", [(path, legible(key)) for path, key in alone]
    for start in given:
        if start.is_dir():
            files = [(path, legible(key)) for path, key in paths_of(start)]
            yield legible(folder_name(start)), files


def _sort_out(
    files: list[tuple[Path, str]], name: str, form: Form
) -> tuple[list[VolumeInput], list[tuple[str, str]], list[str]]:
    """Cases, what is none with its reason, and keys of masks."""
    from medlens.read.source import open_source

    dicom: list[tuple[Path, str]] = []
    pictures: list[tuple[Path, str]] = []
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
        elif kind in KINDS and form in ("sequence", "volume"):
            pictures.append((path, key))
        else:
            for member in members_of(path):
                whole = f"{key}#{member}" if member else key
                cases.append(VolumeInput(path, member, whole))
    numbered = sort_pictures(pictures)
    cases += [_of_series(series) for series in numbered.series]
    left_out += numbered.left_out
    if dicom:
        found, rest = _sort_dicom(dicom, name, form)
        cases, left_out = [*found, *cases], [*left_out, *rest]
    return cases, left_out, numbered.masks


def _outer(item: VolumeInput, name: str) -> str:
    """What is put before a key that is there twice: the folder above its own."""
    if item.series is None or "/" in item.key:
        return name or legible(folder_name(item.path))
    # The key is the name of the folder that was given, or of one right below it.
    return legible(item.path.absolute().parent.parent.name) or name


def _renamed(item: VolumeInput) -> VolumeInput:
    """The series says the same name as its key, which became the only one so."""
    if item.series is None:
        return item
    return replace(item, series=replace(item.series, case=item.key))


def _of_series(series: Series) -> VolumeInput:
    first = series.slices[0]
    return VolumeInput(first.path, first.member, series.case, series)


def _sort_dicom(
    files: list[tuple[Path, str]], name: str, form: Form
) -> tuple[list[VolumeInput], list[tuple[str, str]]]:
    from medlens.read.series import find_series

    found = find_series([path for path, _ in files], cases=[key for _, key in files])
    cases = []
    for series in found.series:
        key = series.case
        # Files that lie in the folder itself have no other name for it; named ones
        # may be of several folders, each series of its own.
        if key == "." or key.startswith(".#"):
            key = (name or legible(folder_name(series.slices[0].path))) + key[1:]
        cases.append(_of_series(replace(series, case=key)))
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
