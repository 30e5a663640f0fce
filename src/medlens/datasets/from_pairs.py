"""DATA as images beside masks: `images/` with `labels/` or `masks/`."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass

from medlens.core import DataError
from medlens.datasets.columns import split_name
from medlens.datasets.drafts import Draft, Entry, count_of, list_some
from medlens.datasets.manifest import Problem
from medlens.datasets.walk import Tree, stem_of

MASK_FOLDERS = frozenset({"labels", "masks", "mask", "annotations", "segmentations"})
IMAGE_FOLDERS = frozenset({"images", "image", "imgs", "img"})
# Medical Segmentation Decathlon and nnU-Net: imagesTr with labelsTr, …Ts for test.
_SETS = {"tr": "train", "ts": "test", "": ""}
# nnU-Net numbers the channels of an image; masks often carry a word.
_CHANNEL = re.compile(r"_(\d{4})$")
_MASK_WORD = re.compile(
    r"[ _.-](mask|seg|segmentation|label|labels|gt|ground[ _-]?truth)$", re.IGNORECASE
)
# Fewer sub-folders than this say nothing about patients.
_MIN_PATIENT_FOLDERS = 5


@dataclass(frozen=True)
class Pairs:
    """Images and the masks that belong to them, as paths relative to DATA.

    Attributes:
        masks: image → mask.
        splits: image → split that its folders name, "" for none.
        places: folders that hold an images folder and a masks folder.
        lone_images, lone_masks: without a partner.
        channels: further channels of an image that has a mask.
    """

    masks: dict[str, str]
    splits: dict[str, str]
    places: frozenset[str]
    lone_images: tuple[str, ...]
    lone_masks: tuple[str, ...]
    channels: tuple[str, ...] = ()

    @property
    def are_all(self) -> bool:
        """Whether DATA is nothing but pairs: no folders that could be classes."""
        bare = {
            place.rpartition("/")[0] if _is_split(place) else place
            for place in self.places
        }
        return len(bare) <= 1


def is_mask_name(key: str) -> bool:
    """Whether a picture is a mask by its name (`…_mask.png`) or its folder (`masks/`).

    Args:
        key: path below the folder that holds everything, in POSIX spelling.

    >>> is_mask_name("scan/07_mask.png"), is_mask_name("scan/masked_07.png")
    (True, False)
    """
    folders = key.split("/")[:-1]
    is_among_masks = any(folder.lower() in MASK_FOLDERS for folder in folders)
    return is_among_masks or _MASK_WORD.search(stem_of(key)) is not None


def find_pairs(tree: Tree) -> Pairs | None:
    """Images and masks by their names; None where there are no such folders.

    Folders `images` and `labels` (or `masks`, …) stand beside each other,
    anywhere in DATA. Names are equal below them, suffixes aside; an image may
    carry a channel number (`_0000`), a mask a word (`_mask`, `_seg`, …), and a
    sub-folder of DICOM files goes with a mask of its name.
    """
    images: dict[tuple[str, str], list[str]] = defaultdict(list)
    masks: dict[tuple[str, str], str] = {}
    for file in tree.images:
        role, place, rest = _place(file)
        if role == "image":
            images[place, rest].append(file)
        elif role == "mask":
            masks.setdefault((place, rest), file)
    if not images or not masks:
        return None
    plain = {(key[0], _MASK_WORD.sub("", key[1])): key for key in masks}
    found: dict[str, str] = {}
    splits: dict[str, str] = {}
    lone, channels, used, places = [], [], set(), set()
    for (place, rest), files in images.items():
        key, is_further = _partner(place, rest, masks, plain)
        if key is None:
            lone += files
        elif is_further:
            channels += files
            used.add(key)
        else:
            used.add(key)
            places.add(place)
            for file in files:
                found[file] = masks[key]
                splits[file] = _split_of(place, rest)
    left = tuple(file for key, file in masks.items() if key not in used)
    return Pairs(
        found, splits, frozenset(places), tuple(sorted(lone)), left, tuple(channels)
    )


def _place(file: str) -> tuple[str, str, str]:
    """Role of a file, the folder that holds the pair of folders, its name in them."""
    parts = file.split("/")
    for at, part in enumerate(parts[:-1]):
        name = part.lower()
        base, tail = (name[:-2], name[-2:]) if name[-2:] in ("tr", "ts") else (name, "")
        for role, folders in (("image", IMAGE_FOLDERS), ("mask", MASK_FOLDERS)):
            if base in folders:
                place = "/".join((*parts[:at], tail) if tail else parts[:at])
                return role, place, stem_of("/".join(parts[at + 1 :]))
    return "", "", ""


def _partner(
    place: str,
    rest: str,
    masks: dict[tuple[str, str], str],
    plain: dict[tuple[str, str], tuple[str, str]],
) -> tuple[tuple[str, str] | None, bool]:
    """Key of an image's mask, and whether the image is a further channel."""
    channel = _CHANNEL.search(rest)
    bare = _CHANNEL.sub("", rest)
    folder = rest.rpartition("/")[0]
    for name in dict.fromkeys((rest, bare, folder)):
        if not name:
            continue
        key = (place, name) if (place, name) in masks else plain.get((place, name))
        if key is not None:
            is_further = name == bare != rest and channel is not None
            return key, is_further and channel is not None and channel[1] != "0000"
    return None, False


def _split_of(place: str, rest: str) -> str:
    last = place.rpartition("/")[2]
    first = rest.partition("/")[0] if "/" in rest else ""
    return _SETS.get(last) or split_name(last) or split_name(first)


def _is_split(place: str) -> bool:
    last = place.rpartition("/")[2]
    return last in ("tr", "ts") or bool(split_name(last))


def read_pairs(tree: Tree, pairs: Pairs) -> Draft:
    """Entries of the images that have a mask; the others are problems.

    Raises:
        DataError: no image has a mask.
    """
    if not pairs.masks:
        raise DataError(
            f"DATA holds {count_of(len(pairs.lone_images), 'image')} and "
            f"{count_of(len(pairs.lone_masks), 'mask')}, and no mask has the name of "
            f"an image ({list_some(list(pairs.lone_images), most=1)}, "
            f"{list_some(list(pairs.lone_masks), most=1)}); wanted equal names, such "
            "as images/a.nii.gz and labels/a.nii.gz"
        )
    draft = Draft(tree.root, label_source="masks", is_masked=True)
    draft.notes.append(
        f"{count_of(len(pairs.masks), 'image')} with masks of the same name: "
        "voxels are what is labelled"
    )
    given = set(pairs.splits.values())
    # A training set alone is no split: all of DATA is then free to be dealt.
    keeps = len(given) > 1 and "" not in given
    for file, mask in pairs.masks.items():
        split = pairs.splits[file] if keeps else ""
        draft.entries.append(Entry(file, file, (), split=split, mask=mask))
    draft.entries.sort(key=lambda entry: entry.key)
    if keeps:
        counts = Counter(entry.split for entry in draft.entries)
        shown = ", ".join(f"{name} {n:,}" for name, n in sorted(counts.items()))
        draft.notes.append(f"splits from folder names are kept: {shown}")
    report_lone(draft, pairs)
    _patients_from_folders(draft)
    return draft


def report_lone(draft: Draft, pairs: Pairs) -> None:
    """Problems for what has no partner."""
    draft.problems += [
        Problem(file, "no mask has its name", "no_mask") for file in pairs.lone_images
    ]
    draft.problems += [
        Problem(file, "is a mask; no image has its name", "no_image")
        for file in pairs.lone_masks
    ]
    draft.problems += [
        Problem(file, "is a further channel of an image; the first is used", "no_mask")
        for file in pairs.channels
    ]


def _patients_from_folders(draft: Draft) -> None:
    """Take images/<folder>/image as one patient per folder, if all are so."""
    folders = []
    for entry in draft.entries:
        parts = entry.file.split("/")
        at = next(i for i, part in enumerate(parts) if _is_image_folder(part))
        if len(parts) != at + 3 or split_name(parts[at + 1]):
            return
        folders.append(parts[at + 1])
    different = sorted(set(folders))
    if not _MIN_PATIENT_FOLDERS <= len(different) < len(folders):
        return
    for entry, folder in zip(draft.entries, folders, strict=True):
        entry.patient = folder
    draft.notes.append(
        f"folders among the images ({list_some(different, most=2)}) are taken as "
        "patients: their images stay in one split"
    )


def _is_image_folder(name: str) -> bool:
    name = name.lower()
    return name in IMAGE_FOLDERS or (name[:-2] in IMAGE_FOLDERS and name[-2:] in _SETS)
