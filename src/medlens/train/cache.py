"""Prepared images on disk, so that memory does not grow with their number.

One flat file of equal rows, read with pread: unlike a memory map, the pages
do not count as memory of the process. `image_cache.py` and `sequence_cache.py`
fill it.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import medlens
from medlens.core import Array, RecipeError, ResourceError, TrainError
from medlens.recipe.settings import PrepSettings

FloatArray = NDArray[np.float32]
Progress = Callable[[int, int], None]
AHEAD = 64  # images that the reading threads may be ahead of the writer


@dataclass(frozen=True)
class PreparedCache:
    """Rows of prepared images on disk.

    Attributes:
        path: flat file of C·H·W values a row.
        shape: (C, H, W), or (C, D, H, W) where cases are volumes.
        bits: 8 or 16; a value v stands for v / (2^bits - 1).
        rows: row of each case key that could be prepared.
        failed: (case key, reason) of the others.
    """

    path: Path
    shape: tuple[int, ...]
    bits: int
    rows: dict[str, int]
    failed: tuple[tuple[str, str], ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the stored values."""
        return np.dtype(np.uint8 if self.bits == 8 else np.uint16)

    def read(self, rows: Sequence[int] | NDArray[np.integer]) -> FloatArray:
        """(B, *shape) float32 in 0..1 of the named rows.

        Raises:
            TrainError: the file ends before a row.
        """
        size = int(np.prod(self.shape)) * self.dtype.itemsize
        batch = np.empty((len(rows), *self.shape), dtype=np.float32)
        with self.path.open("rb", buffering=0) as file:
            for slot, row in enumerate(rows):
                data = os.pread(file.fileno(), size, int(row) * size)
                if len(data) != size:
                    raise TrainError(
                        f"cache of prepared images: row {int(row)} is not in the file; "
                        "run the same command again and it is made anew"
                    )
                values = np.frombuffer(data, dtype=self.dtype).reshape(self.shape)
                np.divide(values, float(2**self.bits - 1), out=batch[slot])
        return batch


class CacheWriter:
    """Rows to a file that gets its name when it is whole.

    Every method that writes raises ResourceError where the disk is full.

    Args:
        folder: where `cache.bin` and `cache.json` go; made where it is missing.
        total: cases to come, for messages.

    Attributes:
        shape: of a row; None before the first.
    """

    def __init__(self, folder: Path, total: int) -> None:
        self._folder, self._total = folder, total
        self._unfinished = folder / "cache.part"
        self._hash = hashlib.sha256()
        self._count = 0
        self.shape: tuple[int, ...] | None = None
        with self._explained():
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self._unfinished.open("wb")

    def add(self, values: Array) -> int:
        """Write one prepared image, as `whole_numbers` makes it; its row.

        Raises:
            RecipeError: it has another shape than the others.
        """
        self.shape = _same_shape(self.shape, values)
        data = np.ascontiguousarray(values).data
        with self._explained():
            self._file.write(data)
        self._hash.update(data)
        self._count += 1
        return self._count - 1

    def finish(self, cache: PreparedCache, digest: str) -> None:
        """Give the file its name and say beside it what it holds."""
        note = {
            "digest": digest,
            "content": self._hash.hexdigest(),
            "shape": list(cache.shape),
            "bits": cache.bits,
            "keys": list(cache.rows),
            "failed": [list(pair) for pair in cache.failed],
        }
        unfinished = self._folder / "cache.json.part"
        with self._explained():
            self._file.close()
            self._unfinished.replace(cache.path)
            unfinished.write_text(json.dumps(note), encoding="utf-8")
            unfinished.replace(self._folder / "cache.json")

    def close(self) -> None:
        """Leave nothing unfinished behind."""
        with suppress(OSError):  # what was left to write does not matter any more
            self._file.close()
        self._unfinished.unlink(missing_ok=True)
        (self._folder / "cache.json.part").unlink(missing_ok=True)

    def _explained(self) -> AbstractContextManager[None]:
        return explained(
            "images",
            self._count,
            self._total,
            "use a smaller net.height and net.width in the recipe",
        )


@contextmanager
def explained(what: str, done: int, total: int, smaller: str) -> Iterator[None]:
    """Say of a disk that cannot be written what to do.

    Raises:
        ResourceError: with how far the cache of prepared `what` came.
    """
    try:
        yield
    except OSError as error:
        raise ResourceError(
            f"cache of prepared {what}: cannot write after {done} of {total} cases "
            f"({error.strerror}); free some disk space, or {smaller}, and run the same "
            "command again"
        ) from error


def whole_numbers(values: Array, bits: int) -> Array | str:
    """Prepared values as the cache keeps them, or what is wrong with them.

    Args:
        values: of any shape; below 0 counts as 0, above 1 as 1.
        bits: 8 or 16; a value v becomes v · (2^bits - 1), rounded.
    """
    bad = values.size - int(np.count_nonzero(np.isfinite(values)))
    if bad:
        return (
            f"{bad:,} of {values.size:,} values are NaN or infinite after "
            "preparation; wanted finite ones: look at prep.steps and at the file"
        )
    # Without the clip 1.001 would wrap round to black.
    scaled = np.clip(values, 0, 1, dtype=np.float32)
    scaled *= 2**bits - 1
    np.rint(scaled, out=scaled)
    kept: Array = scaled.astype(np.uint8 if bits == 8 else np.uint16)
    return kept


def in_order(
    work: Callable[[int], Any],
    items: Iterable[int],
    threads: int,
    *,
    ahead: int = AHEAD,
) -> Iterator[Any]:
    """Results in the order of `items`, at most `ahead` of them in memory."""
    with ThreadPoolExecutor(threads) as pool:
        todo = iter(items)
        waiting = deque(pool.submit(work, item) for item in islice(todo, ahead))
        while waiting:
            yield waiting.popleft().result()
            following = next(todo, None)
            if following is not None:
                waiting.append(pool.submit(work, following))


def _same_shape(shape: tuple[int, ...] | None, values: Array) -> tuple[int, ...]:
    found = values.shape
    if shape is not None and found != shape:
        raise RecipeError(
            f"cache of prepared images: one case became {found}, the others {shape}; "
            "end prep.steps with a 'resize' to one size (volumes: 'fit_volume') and a "
            "fixed number of channels"
        )
    return found


def plain_steps(settings: PrepSettings) -> list[dict[str, Any]]:
    """The steps as JSON holds them."""
    return [{"name": step.name, **step.params} for step in settings.steps]


def cache_digest(keys: Sequence[str], settings: PrepSettings, data_digest: str) -> str:
    """SHA-256 of all that a cache's content follows from.

    Args:
        keys: case keys in order; what else sets a kind of cache apart goes first.
        settings: the steps and the depth of the stored values.
        data_digest: digest of the data set.
    """
    text = json.dumps(
        [
            list(keys),
            plain_steps(settings),
            settings.cache_bits,
            data_digest,
            medlens.__version__,  # a step may have changed with it
        ]
    )
    return hashlib.sha256(text.encode()).hexdigest()


def load_cache(folder: Path, digest: str) -> PreparedCache | None:
    """The finished cache of a folder; None where it is another's or not whole.

    Args:
        folder: with `cache.bin` and `cache.json`, or without.
        digest: as from `cache_digest`; the cache must have been made for it.
    """
    note = folder / "cache.json"
    if not note.is_file():
        return None
    try:
        said = json.loads(note.read_text(encoding="utf-8"))
        shape = tuple(int(side) for side in said["shape"])
        rows = {str(key): i for i, key in enumerate(said["keys"])}
        failed = tuple((str(k), str(r)) for k, r in said["failed"])
        cache = PreparedCache(
            folder / "cache.bin",
            shape,
            said["bits"],
            rows,
            failed,
        )
        size = len(rows) * math.prod(shape) * cache.dtype.itemsize
        is_whole = (
            said["digest"] == digest
            and cache.path.stat().st_size == size
            and content_digest(cache.path) == said["content"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return cache if is_whole else None


def content_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
