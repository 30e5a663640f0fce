"""DATA as an .npz of image and label arrays, as MedMNIST publishes them."""

from __future__ import annotations

import math
import re
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlens.core import DataError
from medlens.datasets.drafts import Draft, Entry, count_of
from medlens.datasets.medmnist import SETS

MAX_LABEL_BYTES = 256 * 2**20
MAX_IMAGES = 3_000_000
MAX_CODE = 1_000_000
# What zipfile and NumPy raise on damaged, locked or hostile archives; RuntimeError
# has RecursionError among it.
_DAMAGE = (
    ValueError,
    KeyError,
    OSError,
    EOFError,
    RuntimeError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
    tokenize.TokenError,
)
_SPLIT_OF = {"train": "train", "val": "validation", "test": "test", "": ""}


def read_npz(path: Path) -> Draft:
    """Entries of an .npz with <split>_images and <split>_labels arrays.

    Images are not loaded: their shapes come from the array headers. A case
    key is the member: "test_images:17" is image 17 of `test_images`.

    Args:
        path: archive with train/val/test pairs, or one `images` and `labels`.
            Images (n, H, W) or (n, H, W, 3); labels (n,), (n, 1) or (n, K).

    Raises:
        DataError: not such an archive, 3D images, or lengths that disagree.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(path, archive)
    except _DAMAGE:
        raise DataError(
            f"{path.name}: not a readable .npz archive (damaged, cut off, or locked "
            "with a password); download or save it again"
        ) from None


def _read(path: Path, archive: zipfile.ZipFile) -> Draft:
    names = {name.removesuffix(".npy") for name in archive.namelist()}
    splits = [s for s in ("train", "val", "test") if f"{s}_images" in names]
    pairs = [(s, f"{s}_images", f"{s}_labels") for s in splits]
    if not pairs and {"images", "labels"} <= names:
        pairs = [("", "images", "labels")]
    lost = [labels for _, _, labels in pairs if labels not in names]
    if not pairs or lost:
        held = ", ".join(sorted(names)[:12]) or "nothing"
        raise DataError(
            f"{path.name}: holds {held}; wanted train_images, train_labels, "
            "val_images, … (MedMNIST) or images and labels"
        )
    draft = Draft(path.resolve().parent, wants_headers=False)
    draft.label_source = f"labels of {path.name}"
    width = 0
    for split, images, labels in pairs:
        table = _labels_of(path.name, archive, images, labels)
        if width and table.shape[1] != width:
            raise DataError(
                f"{path.name}: {labels} has {table.shape[1]} columns, the arrays "
                f"before it {width}"
            )
        width = table.shape[1]
        for at, row in enumerate(table.tolist()):
            key = f"{images}:{at}"
            values = tuple(map(str, row))
            draft.entries.append(
                Entry(key, path.name, values, member=key, split=_SPLIT_OF[split])
            )
    _name_labels(draft, path, width)
    if len(pairs) > 1:
        shown = ", ".join(_SPLIT_OF[s] for s, _, _ in pairs)
        draft.notes.append(f"the file's own splits are kept: {shown}")
    return draft


def _header(name: str, archive: zipfile.ZipFile, array: str) -> tuple[int, ...]:
    """Shape of an array, from its header alone."""
    try:
        with archive.open(f"{array}.npy") as file:
            version = np.lib.format.read_magic(file)
            read = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, _, dtype = read(file, max_header_size=4096)
    except _DAMAGE:
        raise DataError(
            f"{name}: array {array} has no readable header (damaged, or locked "
            "with a password); download or save the archive again"
        ) from None
    if dtype.hasobject:
        raise DataError(
            f"{name}: array {array} holds Python objects, which are never loaded; "
            "save it as numbers"
        )
    if min(shape, default=1) < 1:
        raise DataError(
            f"{name}: array {array} has shape {shape}, so it holds nothing; wanted "
            "one image and one label or more"
        )
    is_large = math.prod(shape) * dtype.itemsize > MAX_LABEL_BYTES
    if ("labels" in array and is_large) or (shape and shape[0] > MAX_IMAGES):
        raise DataError(
            f"{name}: array {array} of shape {shape} is too large; at most "
            f"{MAX_IMAGES:,} images are read"
        )
    return tuple(int(n) for n in shape)


def _labels_of(
    name: str, archive: zipfile.ZipFile, images: str, labels: str
) -> NDArray[np.int64]:
    """(n, K) whole numbers of a label array, checked against its images."""
    shape = _header(name, archive, images)
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in (1, 3)):
        what = "volumes" if len(shape) in (4, 5) else "no images"
        raise DataError(
            f"{name}: {images} has shape {shape} ({what}); this version takes single "
            "images: (n, height, width) or (n, height, width, 3)"
        )
    wanted = _header(name, archive, labels)
    if not wanted or wanted[0] != shape[0] or len(wanted) > 2:
        raise DataError(
            f"{name}: {labels} has shape {wanted} for {shape[0]:,} images; wanted "
            f"({shape[0]},) or ({shape[0]}, number of labels)"
        )
    try:
        with archive.open(f"{labels}.npy") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
    except _DAMAGE:
        raise DataError(
            f"{name}: {labels} cannot be read (damaged or cut off); download or save "
            "the archive again"
        ) from None
    table = array.reshape(len(array), -1)
    if not _are_codes(table):
        raise DataError(
            f"{name}: {labels} holds {table.dtype}; wanted whole numbers between "
            f"-{MAX_CODE:,} and {MAX_CODE:,}, one for each class"
        )
    whole: NDArray[np.int64] = table.astype(np.int64)
    return whole


def _are_codes(table: NDArray[Any]) -> bool:
    """Whether all values are whole numbers that int64 holds exactly."""
    if table.dtype.kind not in "biuf":
        return False
    # NaN and infinity compare False; "not above" would let NaN through.
    within = (table >= -MAX_CODE) & (table <= MAX_CODE)
    return bool(within.all() and (table == np.trunc(table)).all())


def _name_labels(draft: Draft, path: Path, width: int) -> None:
    """Published names for the codes of a known set, else the codes."""
    stem = re.sub(r"_(28|64|128|224)$", "", path.stem.lower())
    known = SETS[stem].labels if stem in SETS else ()
    if width > 1:
        names = known if len(known) == width else tuple(map(str, range(width)))
        draft.label_names = names
    elif known:
        largest = max((int(entry.values[0]) for entry in draft.entries), default=0)
        draft.known_labels = known if largest < len(known) else ()
    named = draft.known_labels or (width > 1 and draft.label_names == known)
    draft.notes.append(
        f"{count_of(len(draft.entries), 'image')} of {path.name}, label "
        + (f"names as published for {stem}" if named else "codes as names")
    )
