"""DATA as a folder with one sub-folder per class."""

from __future__ import annotations

from collections import Counter, defaultdict

from medlens.core import DataError
from medlens.datasets.columns import split_name
from medlens.datasets.drafts import Draft, Entry, count_of, list_some
from medlens.datasets.from_pairs import IMAGE_FOLDERS, MASK_FOLDERS, Pairs
from medlens.datasets.manifest import Problem
from medlens.datasets.walk import Tree, suffix_of

WORKING_FORMS = (
    "one sub-folder per class; a labels.csv with columns image and label; DICOM "
    "files with such a CSV; NIfTI volumes in either; images/ with masks/ of equal "
    "names; a MedMNIST .npz"
)
# Fewer sub-folders than this in a class say nothing about patients.
_MIN_PATIENT_FOLDERS = 5


def has_classes(tree: Tree) -> bool:
    """True when the folders of a tree can be read as classes."""
    prefix, first = _class_level(tree)
    return len(first) >= 2 and not _is_pairs(tree, prefix)


def read_folders(tree: Tree, pairs: Pairs | None = None) -> Draft:
    """Entries from class folders, also below train/val/test folders.

    Args:
        tree: files of DATA.
        pairs: masks among them, which are no images of a class.

    Raises:
        DataError: no images, no class folders, or image + mask or box pairs.
    """
    if not tree.images:
        raise DataError(
            f"DATA holds no images ({count_of(len(tree.files), 'other file')}); "
            f"wanted PNG, JPEG, TIFF, DICOM or NIfTI files, as {WORKING_FORMS}"
        )
    prefix, first = _class_level(tree)
    if _is_pairs(tree, prefix):
        raise DataError(_pairs_message(tree))
    if not first:
        raise DataError(
            f"DATA holds {count_of(len(tree.images), 'image')} and no labels; pass "
            f"--labels CSV{_volume_hint(tree)}. What works: {WORKING_FORMS}"
        )
    draft = Draft(tree.root, label_source="folder names")
    draft.notes.append("labels from folder names")
    is_split = _are_splits(set(first))
    depth = len(prefix) + (1 if is_split else 0)
    masks = dict(pairs.masks) if pairs else {}
    of_images = {*masks.values(), *(pairs.lone_masks if pairs else ())}
    for file in tree.images:
        if file in of_images:
            continue
        parts = file.split("/")
        if len(parts) < depth + 2:
            reason = "lies beside the class folders, not in one"
            draft.problems.append(_stray(file, reason))
            continue
        entry = Entry(file, file, (parts[depth],), mask=masks.get(file, ""))
        if is_split:
            entry.split = split_name(parts[depth - 1])
        draft.entries.append(entry)
    if is_split:
        counts = Counter(entry.split for entry in draft.entries)
        shown = ", ".join(f"{name} {n:,}" for name, n in sorted(counts.items()))
        draft.notes.append(f"splits from folder names are kept: {shown}")
    _patients_from_folders(draft, depth)
    others = len(tree.files) - len(tree.images)
    if others:
        draft.notes.append(f"{count_of(others, 'file')} of other types left out")
    return draft


def _class_level(tree: Tree) -> tuple[tuple[str, ...], Counter[str]]:
    """Single folders that wrap everything, and image counts of those below.

    Images directly at the level are not counted.
    """
    prefix: tuple[str, ...] = ()
    while True:
        start = "/".join((*prefix, ""))
        below = [f[len(start) :] for f in tree.images if f.startswith(start)]
        first = Counter(f.split("/", 1)[0] for f in below if "/" in f)
        if len(first) != 1 or first.total() != len(below):
            return prefix, first
        prefix = (*prefix, next(iter(first)))


def _are_splits(folders: set[str]) -> bool:
    return len(folders) >= 2 and all(split_name(folder) for folder in folders)


def _is_pairs(tree: Tree, prefix: tuple[str, ...]) -> bool:
    """True for images/ beside labels/ or masks/ (segmentation or boxes)."""
    start = "/".join((*prefix, ""))
    names = {
        f[len(start) :].split("/", 1)[0].lower()
        for f in tree.files
        if f.startswith(start) and "/" in f[len(start) :]
    }
    # With only one folder of images, that folder is itself part of the prefix.
    if prefix and prefix[-1].lower() in IMAGE_FOLDERS:
        parent = "/".join((*prefix[:-1], ""))
        names |= {prefix[-1].lower()} | {
            f[len(parent) :].split("/", 1)[0].lower()
            for f in tree.files
            if f.startswith(parent) and "/" in f[len(parent) :]
        }
    return bool(names & IMAGE_FOLDERS) and bool(names & MASK_FOLDERS)


def _pairs_message(tree: Tree) -> str:
    pair = next(
        (f.split("/") for f in tree.files if MASK_FOLDERS & set(f.lower().split("/"))),
        ["labels"],
    )
    folder = next((p for p in pair if p.lower() in MASK_FOLDERS), "labels")
    marks = [f for f in tree.files if folder in f.split("/")[:-1]]
    is_boxes = all(suffix_of(f) in (".txt", ".json", ".xml") for f in marks)
    what = "box files: a detection set" if is_boxes else "no masks"
    count = len(set(tree.images) - set(marks))
    return (
        f"DATA holds {count_of(count, 'image')} with {count_of(len(marks), 'file')} "
        f"in '{folder}/' ({what}); this version trains classifiers and segments by "
        "masks. To classify these images, pass --labels CSV with columns image and "
        f"label. What works: {WORKING_FORMS}"
    )


def _volume_hint(tree: Tree) -> str:
    """How a CSV names series and volumes, where DATA may hold some."""
    if not any(tree.is_dicom(name) or tree.is_nifti(name) for name in tree.images):
        return ""
    return (
        " (of volumes and DICOM series: one row each, with columns series, the folder "
        "or file, or SeriesInstanceUID, and label)"
    )


def _stray(file: str, reason: str) -> Problem:
    return Problem(file, reason, "no_row")


def _patients_from_folders(draft: Draft, depth: int) -> None:
    """Take class/<folder>/image as one group per folder, if all are so."""
    folders: dict[str, set[str]] = defaultdict(set)
    for entry in draft.entries:
        parts = entry.file.split("/")
        if len(parts) != depth + 3:
            return
        folders[entry.values[0]].add(parts[depth + 1])
    if not folders or min(map(len, folders.values())) < _MIN_PATIENT_FOLDERS:
        return
    for entry in draft.entries:
        entry.patient = entry.file.split("/")[depth + 1]
    some = sorted(set().union(*folders.values()))
    draft.notes.append(
        f"folders inside the class folders ({list_some(some, most=2)}) are taken as "
        "patients: their images stay in one split"
    )
