"""Prepared volumes and their masks on disk, read patch by patch.

One flat file: for each case its values (C, D, H, W), then its mask (D, H, W). Cases
differ in shape. Places of labelled voxels are kept beside it, so that patches can be
laid around what is rare without a look at the masks.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import medlens
from medlens.core import (
    Array,
    ResourceError,
    TrainError,
    UsageError,
    reason_of,
    release,
)
from medlens.recipe.settings import PrepSettings
from medlens.train.cache import content_digest, explained, in_order, plain_steps

FloatArray = NDArray[np.float32]
Triple = tuple[int, int, int]
Spacing = tuple[float, float, float]
Prepared = tuple[Array, Array, Spacing | None]
"""Values (C, D, H, W) in 0..1, or already as the cache stores them (uint8 or uint16);
mask (D, H, W) of label indices; spacing of the source in mm, where it has one. Values
and mask may be memory-mapped."""

PLACES = 500  # kept for each label of a case
NAME, NOTE, POINTS = "masks.bin", "masks.json", "masks.npy"


@dataclass(frozen=True)
class MaskEntry:
    """One case in the file.

    Attributes:
        key: of the case.
        shape: (D, H, W).
        offset: of its first byte.
        spacing: of the source, mm along D, H, W; None where it carries none.
        voxels: of each label.
    """

    key: str
    shape: Triple
    offset: int
    spacing: Spacing | None
    voxels: tuple[int, ...]


@dataclass(frozen=True)
class MaskCache:
    """Volumes with masks on disk.

    Attributes:
        path: of the flat file.
        channels: C.
        bits: 8 or 16; a value v stands for v / (2^bits - 1).
        entries: the cases, in the order of their rows.
        points: (n, 5) int32 of row, label, d, h, w: some voxels of each label.
        failed: (case key, reason) of those that could not be prepared.
    """

    path: Path
    channels: int
    bits: int
    entries: tuple[MaskEntry, ...]
    points: NDArray[np.int32]
    failed: tuple[tuple[str, str], ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the stored values."""
        return np.dtype(np.uint8 if self.bits == 8 else np.uint16)

    def read_patch(
        self, row: int, start: Triple, size: Triple
    ) -> tuple[FloatArray, NDArray[np.uint8]]:
        """(C, *size) values in 0..1 and (*size) label indices.

        Voxels outside the volume are 0 in both.

        Raises:
            TrainError: the file ends before it.
        """
        entry = self.entries[row]
        values, mask = self._open(entry)
        inside = [
            slice(min(n, max(0, s)), max(0, min(n, s + k)))
            for s, k, n in zip(start, size, entry.shape, strict=True)
        ]
        place = tuple(
            slice(i.start - s, max(i.start, i.stop) - s)
            for i, s in zip(inside, start, strict=True)
        )
        found = np.zeros((self.channels, *size), np.float32)
        labels = np.zeros(size, np.uint8)
        top = np.float32(1 / (2**self.bits - 1))
        found[(slice(None), *place)] = values[(slice(None), *inside)] * top
        labels[place] = mask[tuple(inside)]
        return found, labels

    def _open(self, entry: MaskEntry) -> tuple[Array, Array]:
        voxels = math.prod(entry.shape)
        try:
            values = np.memmap(
                self.path, self.dtype, "r", entry.offset, (self.channels, *entry.shape)
            )
            after = entry.offset + self.channels * voxels * self.dtype.itemsize
            mask = np.memmap(self.path, np.uint8, "r", after, entry.shape)
        except (OSError, ValueError) as error:
            raise TrainError(
                f"cache of prepared volumes: {entry.key} is not in the file; run the "
                "same command again and it is made anew"
            ) from error
        return values, mask


def build_mask_cache(
    folder: Path,
    keys: Sequence[str],
    prepare: Callable[[int], Prepared],
    *,
    labels: int,
    settings: PrepSettings,
    data_digest: str,
    threads: int,
    progress: Callable[[int, int], None] | None = None,
) -> MaskCache:
    """Prepare every case with its mask once and keep the result.

    A finished cache of the same data and steps is used again. A case that fails
    fails alone.

    Args:
        folder: where the three files go.
        keys: case keys.
        prepare: index into `keys` → prepared values and mask; called from
            `threads` threads.
        labels: K, background included.
        settings: steps behind `prepare`, for the digest, and the depth.
        data_digest: digest of the data set.
        threads: that decode and prepare side by side; each holds a whole volume.
        progress: called with (done, total).

    Raises:
        ResourceError: the disk is full.
    """
    digest = _digest(keys, settings, data_digest, labels)
    found = _load(folder, digest)
    if found is not None:
        return found
    bits = settings.cache_bits
    writer = _Writer(folder, len(keys), labels, bits)
    failed: list[tuple[str, str]] = []

    def work(index: int) -> Prepared | str:
        try:
            values, mask, spacing = prepare(index)
            return _stored(values, bits), _checked(values, mask, labels), spacing
        except ResourceError:
            raise
        except Exception as error:  # one hostile file must not end the others
            return reason_of(error)

    try:
        results = in_order(work, range(len(keys)), threads, ahead=threads)
        for i, result in enumerate(results):
            if isinstance(result, str):
                failed.append((keys[i], result))
            else:
                try:
                    writer.add(keys[i], *result)
                except UsageError as error:
                    failed.append((keys[i], str(error)))
            if progress is not None:
                progress(i + 1, len(keys))
        return writer.finish(tuple(failed), digest)
    finally:
        writer.close()


def _stored(values: Array, bits: int) -> Array:
    if values.dtype == (np.uint8 if bits == 8 else np.uint16):
        return values
    top = np.float32(2**bits - 1)
    values = np.asarray(values, np.float32)
    if not np.isfinite(values).all():
        raise UsageError("the prepared image holds values that are not finite")
    scaled = np.rint(np.clip(values, 0, 1) * top)  # rounding may end just outside
    stored: Array = scaled.astype(np.uint8 if bits == 8 else np.uint16)
    return stored


def _checked(values: Array, mask: Array, labels: int) -> Array:
    if mask.shape != values.shape[1:]:
        raise UsageError(
            f"mask is {mask.shape} voxels, the prepared image {values.shape[1:]}"
        )
    if int(mask.max(initial=0)) >= labels:
        raise UsageError(f"mask holds label {int(mask.max())} of {labels}")
    return np.ascontiguousarray(mask, np.uint8)


class _Writer:
    """Cases to a file that gets its name when it is whole."""

    def __init__(self, folder: Path, total: int, labels: int, bits: int) -> None:
        self._folder, self._total, self._labels = folder, total, labels
        self._bits = bits
        self._unfinished = folder / f"{NAME}.part"
        self._hash = hashlib.sha256()
        self._entries: list[MaskEntry] = []
        self._points: list[NDArray[np.int32]] = []
        self._offset, self._channels = 0, 0
        with self._explained():
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self._unfinished.open("wb")

    def add(
        self, key: str, values: Array, mask: Array, spacing: Spacing | None
    ) -> None:
        """Write one case.

        Raises:
            UsageError: it has another number of channels than the others.
        """
        channels = len(values)
        if self._channels not in (0, channels):
            raise UsageError(
                f"has {channels} channels, the others {self._channels}; leave it out "
                "or end prep.steps with a fixed number of channels"
            )
        self._channels = channels
        for part in (*values, mask):
            self._write(part)
        shape: Triple = mask.shape
        by_slice = np.array(
            [np.bincount(plane.ravel(), minlength=self._labels) for plane in mask]
        )
        counts = by_slice.sum(axis=0)
        row = len(self._entries)
        self._entries.append(
            MaskEntry(key, shape, self._offset, spacing, tuple(counts.tolist()))
        )
        self._points += [
            _places(mask, row, label, by_slice[:, label])
            for label in range(1, self._labels)
            if counts[label]
        ]
        self._offset += values.nbytes + mask.nbytes

    def _write(self, volume: Array) -> None:
        """A slice at a time, so that a mapped volume need not be resident."""
        for plane in volume:
            data = np.ascontiguousarray(plane).data
            with self._explained():
                self._file.write(data)
            self._hash.update(data)
        release(volume)

    def finish(self, failed: tuple[tuple[str, str], ...], digest: str) -> MaskCache:
        """Give the file its name and say beside it what it holds."""
        points = (
            np.concatenate(self._points) if self._points else np.zeros((0, 5), np.int32)
        )
        note = {
            "digest": digest,
            "content": self._hash.hexdigest(),
            "points": _digest_of(points),
            "channels": self._channels or 1,
            "bits": self._bits,
            "bytes": self._offset,
            "entries": [vars(entry) for entry in self._entries],
            "failed": [list(pair) for pair in failed],
        }
        with self._explained():
            self._file.close()
            np.save(self._folder / POINTS, points)
            self._unfinished.replace(self._folder / NAME)
            unfinished = self._folder / f"{NOTE}.part"
            unfinished.write_text(json.dumps(note), encoding="utf-8")
            unfinished.replace(self._folder / NOTE)
        return MaskCache(
            self._folder / NAME,
            self._channels or 1,
            self._bits,
            tuple(self._entries),
            points,
            failed,
        )

    def close(self) -> None:
        """Leave nothing unfinished behind."""
        with suppress(OSError):
            self._file.close()
        self._unfinished.unlink(missing_ok=True)

    def _explained(self) -> Any:
        return explained(
            "volumes",
            len(self._entries),
            self._total,
            "coarsen the spacing in the recipe (prep.steps and net.spacing)",
        )


def _places(
    mask: Array, row: int, label: int, by_slice: NDArray[np.int64]
) -> NDArray[np.int32]:
    """Up to PLACES voxels of a label, spread evenly over all of them.

    Indices of all voxels of a label may take eight times the mask: slice by slice.

    Args:
        mask: (D, H, W).
        row, label: what is written beside each place.
        by_slice: (D,) voxels of the label.
    """
    total = int(by_slice.sum())
    ranks = np.linspace(0, total - 1, min(PLACES, total)).astype(int)
    found = np.empty((len(ranks), 5), np.int32)
    found[:, 0], found[:, 1] = row, label
    before = np.concatenate([[0], np.cumsum(by_slice)])
    slices = np.searchsorted(before, ranks, side="right") - 1
    for d in np.unique(slices):
        here = slices == d
        flat = np.flatnonzero(mask[d].ravel() == label)[ranks[here] - before[d]]
        found[here, 2] = d
        found[here, 3:] = np.stack(np.unravel_index(flat, mask.shape[1:]), axis=1)
    return found


def _digest_of(points: Array) -> str:
    return hashlib.sha256(np.ascontiguousarray(points, np.int32).data).hexdigest()


def _digest(
    keys: Sequence[str], settings: PrepSettings, data_digest: str, labels: int
) -> str:
    steps = plain_steps(settings)
    text = json.dumps(
        [
            "masks",
            labels,
            list(keys),
            steps,
            settings.cache_bits,
            data_digest,
            medlens.__version__,
        ]
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _load(folder: Path, digest: str) -> MaskCache | None:
    try:
        said = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        with (folder / POINTS).open("rb") as file:
            points = np.lib.format.read_array(file, allow_pickle=False)
        path = folder / NAME
        cache = MaskCache(
            path,
            int(said["channels"]),
            int(said["bits"]),
            tuple(_entry(tree) for tree in said["entries"]),
            points.astype(np.int32),
            tuple((str(k), str(r)) for k, r in said["failed"]),
        )
        is_whole = (
            said["digest"] == digest
            and path.stat().st_size == said["bytes"]
            and content_digest(path) == said["content"]
            and _digest_of(points) == said["points"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return cache if is_whole else None


def _entry(tree: dict[str, Any]) -> MaskEntry:
    (depth, height, width), sides = tree["shape"], tree["spacing"]
    return MaskEntry(
        str(tree["key"]),
        (int(depth), int(height), int(width)),
        int(tree["offset"]),
        None if sides is None else (float(sides[0]), float(sides[1]), float(sides[2])),
        tuple(int(n) for n in tree["voxels"]),
    )
