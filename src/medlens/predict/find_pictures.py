"""Pictures that the user pointed at → series: a folder's pictures by their numbers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from medlens.core import ReadError
from medlens.datasets.from_pairs import is_mask_name
from medlens.datasets.walk import PICTURES, suffix_of
from medlens.predict.find import folder_name, legible, members_of

if TYPE_CHECKING:
    from medlens.read.series import Series

KINDS = frozenset({"png", "jpeg", "tiff", "bmp", "webp"})
_NUMBER = re.compile("[0-9]+")  # of other scripts' digits nobody names slices
_FRACTION = re.compile(r"(^|[^0-9.])[0-9]+\.$")  # what stands before 75 in "z8.75"
_SHOWN = 3
_HOW = (
    "the last number in a picture's name is its place in the series, as in scan_07.png"
)


@dataclass
class PictureSeries:
    """What pictures are: series, and what is none.

    Attributes:
        series: one for each folder of numbered pictures.
        left_out: key and reason of folders and files that cannot be answered.
        masks: keys of files that were passed over.
    """

    series: list[Series] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    masks: list[str] = field(default_factory=list)


def sort_pictures(files: Sequence[tuple[Path, str]]) -> PictureSeries:
    """The pictures of each folder as one series, in the order of their numbers.

    The place of a slice is the last number in its file's name; gaps between numbers
    are for `open_series` to judge. Files named as masks, and folders of masks, are
    passed over by the rules of data sets.

    Args:
        files: pictures with their keys, which are relative to the folder given.

    Returns:
        Series keyed by their folders. A lone picture is left out; so are pictures
        without a number, and with a number that another of the folder has.
    """
    found = PictureSeries()
    folders: dict[Path, list[tuple[Path, str]]] = defaultdict(list)
    for path, key in files:
        folders[path.parent].append((path, key))
    for members in folders.values():
        _sort_folder(members, found)
    return found


def slice_number(name: str) -> int | None:
    """The last number in a file's name, its suffix aside; None where there is none.

    >>> slice_number("p12_slice-007.png")
    7
    """
    numbers = _NUMBER.findall(_stem_of(name))
    return int(numbers[-1]) if numbers else None


def _around_number(name: str) -> tuple[str, str]:
    """What stands before and after the last number; for a name that has one."""
    stem = _stem_of(name)
    *_, last = _NUMBER.finditer(stem)
    return stem[: last.start()], stem[last.end() :]


def _stem_of(name: str) -> str:
    # Names without a usual suffix, such as "scan.0012", end with the number.
    suffix = suffix_of(name)
    return name[: -len(suffix)] if suffix in PICTURES else name


def _sort_folder(files: list[tuple[Path, str]], found: PictureSeries) -> None:
    first, key = files[0]
    # The keys of named files, and of those in the folder given, are bare.
    case = key.rpartition("/")[0] or legible(folder_name(first))
    images = [pair for pair in files if not is_mask_name(pair[1])]
    found.masks += [key for _, key in files if is_mask_name(key)]
    if not images:
        return
    case = images[0][1] if len(images) == 1 else case
    try:
        found.series.append(_series_of(images, case))
    except ReadError as error:
        found.left_out.append((case, str(error)))


def _series_of(files: list[tuple[Path, str]], case: str) -> Series:
    """One series of a folder's pictures.

    Raises:
        ReadError: their names do not put them in order, or there is only one.
    """
    from medlens.read.series import picture_series

    for path, key in files:
        inside = len(members_of(path))
        if inside > 1:
            raise ReadError(
                f"{case}: '{_bare(key)}' holds {inside:,} images; wanted one slice a "
                "file: save each page on its own, with its number in the name"
            )
    if len(files) == 1:
        raise ReadError(tell_single(case))
    return picture_series(
        [path for path, _ in files],
        _places_of(files, case),
        case=case,
        cases=[key for _, key in files],
    )


def _places_of(files: list[tuple[Path, str]], case: str) -> list[int]:
    """The number of each picture, each once."""
    places: list[int] = []
    without: list[str] = []
    sharing: dict[int, list[str]] = defaultdict(list)
    for path, key in files:
        number = slice_number(path.name)
        if number is None:
            without.append(key)
        else:
            places.append(number)
            sharing[number].append(key)
    if without:
        raise ReadError(
            f"{case}: {len(without):,} of its {len(files):,} pictures "
            f"{'has' if len(without) == 1 else 'have'} no number in the name "
            f"({_some(without)}); {_HOW}: rename them, or move out what is no slice"
        )
    doubled = {number: keys for number, keys in sharing.items() if len(keys) > 1}
    if doubled:
        raise ReadError(_tell_doubled(case, doubled))
    _check_one_name([key for _, key in files], case)
    return places


def _check_one_name(keys: Sequence[str], case: str) -> None:
    """Refuse two series in one folder whose numbers happen to fit together.

    Names that differ from picture to picture before the number (a time, a position)
    say nothing; a name that several share, and several others do not, does.

    Raises:
        ReadError: two names are shared, or what looks like a number is a fraction.
    """
    sharing: dict[tuple[str, str], list[str]] = defaultdict(list)
    for key in keys:
        before, after = _around_number(_bare(key))
        sharing[before, after].append(key)
    shared = [keys for keys in sharing.values() if len(keys) > 1]
    if len(shared) > 1:
        first, second = (f"{len(one):,} ({_some(one)})" for one in shared[:2])
        raise ReadError(
            f"{case}: pictures have different names before or after their numbers: "
            f"{first} and {second}; a folder holds one series, so give every series a "
            "folder of its own, or one name to all its pictures"
        )
    fractions = [keys[0] for name, keys in sharing.items() if _FRACTION.search(name[0])]
    if len(fractions) > 1:
        raise ReadError(
            f"{case}: numbers with a decimal point ({_some(fractions)}) are no places; "
            f"{_HOW}: rename them 1, 2, 3 in their order"
        )


def _tell_doubled(case: str, doubled: dict[int, list[str]]) -> str:
    number, keys = min(doubled.items())
    more = f"; {len(doubled):,} numbers are there so" if len(doubled) > 1 else ""
    found = f"{len(keys):,} pictures have the number {number} ({_some(keys)}){more}"
    return (
        f"{case}: {found}; {_HOW}: a folder holds one series and each number once, so "
        "give every series a folder of its own"
    )


def tell_masks(keys: Sequence[str]) -> str:
    """What is said of masks that were passed over."""
    if len(keys) == 1:
        return f"1 mask among the pictures is passed over: {_some(keys)}"
    return f"{len(keys):,} masks among the pictures are passed over: {_some(keys)}"


def tell_single(key: str) -> str:
    """Why a picture is no case of a bundle that answers series."""
    return (
        f"{key}: is a single image; this bundle answers whole series: give all DICOM "
        "files of the series, a NIfTI volume, or the folder of its numbered pictures"
    )


def _bare(key: str) -> str:
    return key.rpartition("/")[2]


def _some(keys: Sequence[str]) -> str:
    shown = ", ".join(f"'{_bare(key)}'" for key in keys[:_SHOWN])
    rest = len(keys) - _SHOWN
    return shown + (f" and {rest:,} more" if rest > 0 else "")
