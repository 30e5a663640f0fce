"""Copies of one image in a data set, found in n log n time.

1. `hashes_index` names the most alike images of each image (its candidates).
2. `duplicates_verify` lays each candidate over the image and judges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medlens.datasets.duplicates_verify import (
    LEAST_ROUGH,
    MAP_SCALE,
    THRESHOLD,
    Placing,
    judge,
    place_roughly,
)
from medlens.datasets.hashes import Describer, learn_describer, make_maps
from medlens.datasets.hashes_index import find_neighbours

Thumbnails = NDArray[np.uint8]
IntArray = NDArray[np.int64]

CANDIDATES = 24
"""Images held against each image: in 24, 98-100 % of the copies planted on the
development sets were met, and it bounds the work on sets where all look alike."""

_LEAST_COSINE = 0.4
_SAMPLE = 2000
_LEAST_DETAIL = 2.0
"""Grey levels of detail below which a thumbnail is too empty to compare."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Copies:
    """Pairs of images that show the same.

    Attributes:
        pairs: (i, j) positions, i < j; enough to connect each group.
        compared: how many pairs were laid over each other.
    """

    pairs: tuple[tuple[int, int], ...]
    compared: int


def find_copies(thumbnails: Thumbnails, *, progress: Progress | None = None) -> Copies:
    """Find images that are copies of another, however flipped or cropped.

    Met are copies that were flipped, turned by 90 degrees, cropped to 75 % of
    the area and more, resized, re-encoded, made brighter or darker, blurred,
    noisy, written on, or several of these at once.

    Args:
        thumbnails: (n, SIDE, SIDE) uint8 of `hashes.make_thumbnail`.
        progress: called with (images done, images in all).

    Returns:
        Pairs whose union gives the groups. Images of too little detail (blank
        ones) take no part.
    """
    first, pairs = _fold_identical(thumbnails)
    able = first[_has_detail(thumbnails[first])]
    if len(able) < 2:
        return Copies(tuple(pairs), 0)
    kept = thumbnails[able]
    maps = _keep_maps(kept)
    describer = learn_describer(_sample(maps))
    descriptors = _describe(describer, maps)
    search = _Search(kept, maps, describer, descriptors)

    def ask(start: int, stop: int) -> NDArray[np.float32]:
        return describer.ask(maps[start:stop].astype(np.float32) / MAP_SCALE)

    for asker, answer in find_neighbours(
        descriptors, ask, keep=CANDIDATES, least=_LEAST_COSINE
    ):
        search.verify(asker, answer)
        if progress is not None and len(asker):
            progress(int(asker[-1]) + 1, len(able))
    pairs += [(int(able[i]), int(able[j])) for i, j in search.found]
    return Copies(tuple(sorted({(min(p), max(p)) for p in pairs})), search.compared)


def join_pairs(count: int, pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Groups of two and more positions that pairs connect, in order."""
    parent = list(range(count))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    for one, other in pairs:
        a, b = root(one), root(other)
        parent[max(a, b)] = min(a, b)
    groups: dict[int, list[int]] = {}
    for at in sorted({at for pair in pairs for at in pair}):
        groups.setdefault(root(at), []).append(at)
    return [groups[at] for at in sorted(groups)]


class _Search:
    """Verifies candidates; an image that found its copy stops asking."""

    def __init__(
        self,
        thumbnails: Thumbnails,
        maps: NDArray[np.int8],
        describer: Describer,
        descriptors: NDArray[np.float32],
    ) -> None:
        self._thumbnails, self._maps = thumbnails, maps
        self._describer, self._descriptors = describer, descriptors
        self._matched = np.zeros(len(thumbnails), bool)
        self.found: list[tuple[int, int]] = []
        self.compared = 0

    def verify(self, asker: IntArray, answer: IntArray) -> None:
        """Judge one chunk: the three best candidates first, then the rest."""
        starts = np.flatnonzero(np.r_[True, asker[1:] != asker[:-1]][: len(asker)])
        counts = np.diff(np.r_[starts, len(asker)])
        rank = np.arange(len(asker)) - np.repeat(starts, counts)
        for low, high in ((0, 3), (3, CANDIDATES)):
            now = (rank >= low) & (rank < high) & ~self._matched[asker]
            self._judge(asker[now], answer[now])

    def _judge(self, asker: IntArray, answer: IntArray) -> None:
        rough = place_roughly(
            self._maps, self._describer, self._descriptors, asker, answer
        )
        good = _best_rows(asker, rough.score, LEAST_ROUGH, 6)
        asker, answer = asker[good], answer[good]
        rough = Placing(rough.orientation[good], rough.windows[good], rough.score[good])
        verdict = judge(self._thumbnails, asker, answer, rough)
        self.compared += len(asker)
        same = verdict.score >= THRESHOLD
        self._matched[asker[same]] = True
        self.found += zip(asker[same].tolist(), answer[same].tolist(), strict=True)


def _best_rows(
    asker: IntArray, score: NDArray[np.float32], least: float, keep: int
) -> IntArray:
    """Rows of the `keep` best scores of each asker, at `least` or above."""
    order = np.lexsort((-score, asker))
    ranked = asker[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]][: len(ranked)])
    rank = np.arange(len(ranked)) - np.repeat(
        starts, np.diff(np.r_[starts, len(ranked)])
    )
    return np.sort(order[(rank < keep) & (score[order] >= least)])


def _fold_identical(thumbnails: Thumbnails) -> tuple[IntArray, list[tuple[int, int]]]:
    """First of each set of equal thumbnails, and pairs that bind the others."""
    seen: dict[bytes, int] = {}
    first, pairs = [], []
    for at, thumbnail in enumerate(thumbnails):
        held = seen.setdefault(thumbnail.tobytes(), at)
        if held == at:
            first.append(at)
        elif thumbnail.min() < thumbnail.max():
            pairs.append((held, at))
    return np.array(first, np.int64), pairs


def _has_detail(thumbnails: Thumbnails) -> NDArray[np.bool_]:
    """True where neighbouring pixels differ enough for a comparison."""
    able = np.empty(len(thumbnails), bool)
    for at, thumbnail in enumerate(thumbnails):
        values = thumbnail.astype(np.int16)
        steps = np.abs(np.diff(values, axis=0)).mean() + np.abs(np.diff(values)).mean()
        able[at] = steps / 2 >= _LEAST_DETAIL
    return able


def _keep_maps(thumbnails: Thumbnails) -> NDArray[np.int8]:
    """Coarse maps of all images as int8: 729 bytes each."""
    kept = [
        np.clip(np.rint(make_maps(thumbnails[at : at + 512]) * MAP_SCALE), -127, 127)
        for at in range(0, len(thumbnails), 512)
    ]
    return np.concatenate([part.astype(np.int8) for part in kept])


def _sample(maps: NDArray[np.int8]) -> NDArray[np.float32]:
    chosen = np.random.default_rng(0).permutation(len(maps))[:_SAMPLE]
    return maps[np.sort(chosen)].astype(np.float32) / np.float32(MAP_SCALE)


def _describe(describer: Describer, maps: NDArray[np.int8]) -> NDArray[np.float32]:
    parts = [
        describer.describe(maps[at : at + 4096].astype(np.float32) / MAP_SCALE)
        for at in range(0, len(maps), 4096)
    ]
    return np.concatenate(parts).astype(np.float32)
