"""Copies of one image in a data set, found in n log n time.

1. `hashes_index` names the most alike images of each image (its candidates).
2. `duplicates_verify` lays each candidate over the image and judges.
3. `duplicates_look` reads the few pairs in doubt again, at higher resolution.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from medlens.datasets.duplicates_look import LOOK_THRESHOLD, Look, look_closely
from medlens.datasets.duplicates_verify import (
    LEAST_ROUGH,
    MAP_SCALE,
    POSSIBLE,
    SURE,
    THRESHOLD,
    Placing,
    judge,
    place_roughly,
)
from medlens.datasets.hashes import (
    FIRST_LOOK,
    Describer,
    learn_describer,
    make_maps,
)
from medlens.datasets.hashes_index import (
    Index,
    build_index,
    find_neighbours,
    order_by_likeness,
)

Thumbnails = NDArray[np.uint8]
IntArray = NDArray[np.int64]

CANDIDATES = 24
"""Images held against each image: in 24, 98-100 % of the copies planted on the
development sets were met, and it bounds the work on sets where all look alike."""

_LEAST_COSINE = 0.4
_JUDGED = 6
"""Candidates of each round that are judged by their fine detail."""

_BINDING = 6
"""Candidates judged for each two groups that may be one."""

_BINDING_CHUNK = 192
_LOOKED = 2
"""Pairs in doubt of each image and round that get a second look."""

_REMEMBERED = 1024
"""Images kept from second looks: 21 MB."""

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


@dataclass(frozen=True)
class _Part:
    """What a chunk of images found, and what it has not asked.

    Attributes:
        pairs, compared: as in `Copies`.
        left: (3, p) asker, answer and query of candidates that were not judged
            because the asker had found a copy already.
    """

    pairs: tuple[tuple[int, int], ...]
    compared: int
    left: IntArray


def find_copies(
    thumbnails: Thumbnails,
    *,
    look: Look | None = None,
    scenes: IntArray | None = None,
    progress: Progress | None = None,
) -> Copies:
    """Find images that are copies of another, however flipped or cropped.

    Met are copies that were flipped, turned by 90 degrees, cropped to 75 % of
    the area and more, resized, re-encoded, made brighter or darker, blurred,
    noisy, written on, or several of these at once.

    Args:
        thumbnails: (n, SIDE, SIDE) uint8 of `hashes.make_thumbnail`.
        look: brings an image back at higher resolution, for pairs that the
            thumbnails leave in doubt; called from several threads. Without it
            second exposures and neighbouring slices pass as copies more often.
        scenes: (n, 2) series and slice of each image; two slices of one series
            are no copies, however alike. Series -1 is none.
        progress: called with (images done, images in all).

    Returns:
        Pairs whose union gives the groups. Images of too little detail (blank
        ones) take no part.
    """
    from threadpoolctl import threadpool_limits

    # Threads of the algebra library that wait in a spin cost more than they
    # bring on matrices this small; chunks of images run side by side instead.
    with threadpool_limits(1, user_api="blas"):
        return _find(thumbnails, look, scenes, progress)


def _find(
    thumbnails: Thumbnails,
    look: Look | None,
    scenes: IntArray | None,
    progress: Progress | None,
) -> Copies:
    first, pairs = _fold_identical(thumbnails)
    able = first[_has_detail(thumbnails[first])]
    if len(able) < 2:
        return Copies(tuple(pairs), 0)
    maps = _keep_maps(thumbnails, able)
    describer = learn_describer(_sample(maps))
    descriptors = _describe(describer, maps)
    order = order_by_likeness(descriptors)
    able, maps = able[order], maps[order]
    index = build_index(descriptors[order], FIRST_LOOK)
    kept = thumbnails[able]
    bring: Look | None = None
    if look is not None:
        bring = lru_cache(maxsize=_REMEMBERED)(_renumber(look, able))
    mine = None if scenes is None else scenes[able]
    search = _Search(kept, maps, describer, index, bring, mine)
    found = _run(search, progress)
    copies = _bind(search, found)
    pairs += [(int(able[i]), int(able[j])) for i, j in copies.pairs]
    return Copies(tuple(sorted({(min(p), max(p)) for p in pairs})), copies.compared)


def _renumber(look: Look, able: IntArray) -> Look:
    """`look` for positions among the images that take part."""
    return lambda at: look(int(able[at]))


def _bind(search: _Search, found: Sequence[_Part]) -> Copies:
    """All pairs, with those that bind the groups of the first search together.

    Where an image has many copies, each finds some of the others and asks no
    more, and one family falls into several groups. So candidates of two
    different groups are judged here, the best few for each two groups.
    """
    pairs = [pair for part in found for pair in part.pairs]
    group = np.arange(len(search.maps))
    for members in join_pairs(len(group), pairs):
        group[members] = members[0]
    left = np.concatenate([part.left for part in found], axis=1)
    ends = np.sort(group[left[:2]], axis=0)
    left, ends = left[:, ends[0] != ends[1]], ends[:, ends[0] != ends[1]]
    # The candidates came best first, and a stable sort keeps that order.
    order = np.lexsort((ends[1], ends[0]))
    key = ends[0, order] * len(group) + ends[1, order]
    left = left[:, order[_rank(key) < _BINDING]]
    more = 0
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        starts = range(0, left.shape[1], _BINDING_CHUNK)
        for part in pool.map(
            lambda at: search.judge(
                *left[:, at : at + _BINDING_CHUNK], keep=CANDIDATES
            ),
            starts,
        ):
            pairs += part.pairs
            more += part.compared
    return Copies(tuple(pairs), sum(part.compared for part in found) + more)


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


@dataclass(frozen=True)
class _Search:
    """What the search of every chunk of images needs; never changed."""

    thumbnails: Thumbnails
    maps: NDArray[np.int8]
    describer: Describer
    index: Index
    bring: Look | None
    scenes: IntArray | None

    def look(self, start: int) -> _Part:
        """Copies of the chunk of images from `start` on.

        The three best candidates are judged first; an image that found a copy
        among them asks no more for now: see `_bind`.
        """
        stop = min(start + self.index.chunk, len(self.maps))
        maps = self.maps[start:stop].astype(np.float32) / np.float32(MAP_SCALE)
        questions = self.describer.ask(maps)
        asker, answer = find_neighbours(
            self.index, questions, start, keep=CANDIDATES, least=_LEAST_COSINE
        )
        asker, answer = self._drop_slices(asker, answer)
        query = self._best_query(questions, start, asker, answer)
        rank = _rank(asker)
        matched = np.zeros(stop - start, bool)
        pairs: list[tuple[int, int]] = []
        compared = 0
        for low, high in ((0, 3), (3, CANDIDATES)):
            now = (rank >= low) & (rank < high) & ~matched[asker - start]
            found = self.judge(asker[now], answer[now], query[now], keep=_JUDGED)
            matched[[i - start for i, _ in found.pairs]] = True
            pairs += found.pairs
            compared += found.compared
        rest = matched[asker - start]
        left = np.stack([asker[rest], answer[rest], query[rest]])
        return _Part(tuple(pairs), compared, left)

    def _drop_slices(
        self, asker: IntArray, answer: IntArray
    ) -> tuple[IntArray, IntArray]:
        """Without pairs that are known as different slices of one series."""
        if self.scenes is None:
            return asker, answer
        one, other = self.scenes[asker], self.scenes[answer]
        same_series = (one[:, 0] == other[:, 0]) & (one[:, 0] >= 0)
        keep = ~(same_series & (one[:, 1] != other[:, 1]))
        return asker[keep], answer[keep]

    def _best_query(
        self,
        questions: NDArray[np.float32],
        start: int,
        asker: IntArray,
        answer: IntArray,
    ) -> IntArray:
        query = np.zeros(len(asker), np.int64)
        for at in np.unique(asker):
            mine = np.flatnonzero(asker == at)
            answers = self.index.descriptors[answer[mine]]
            query[mine] = (questions[at - start] @ answers.T).argmax(axis=0)
        return query

    def judge(
        self, asker: IntArray, answer: IntArray, query: IntArray, *, keep: int
    ) -> Copies:
        """Lay each pair over each other; at most `keep` an asker in detail."""
        rough = place_roughly(self.maps, asker, answer, query)
        good = _best_rows(asker, rough.score, LEAST_ROUGH, keep)
        asker, answer = asker[good], answer[good]
        rough = Placing(rough.orientation[good], rough.windows[good], rough.score[good])
        verdict = judge(self.thumbnails, asker, answer, rough)
        same = self._decide(asker, answer, verdict)
        pairs = zip(asker[same].tolist(), answer[same].tolist(), strict=True)
        return Copies(tuple(pairs), len(asker))

    def _decide(
        self, asker: IntArray, answer: IntArray, verdict: Placing
    ) -> NDArray[np.bool_]:
        """Which pairs are copies; those in doubt are looked at once more."""
        score = verdict.score
        if self.bring is None:
            return score >= THRESHOLD
        same = score >= SURE
        doubt = np.where(np.isin(asker, asker[same]), -np.inf, score)
        rows = _best_rows(asker, doubt.astype(np.float32), POSSIBLE, _LOOKED)
        closer = look_closely(
            self.bring,
            asker[rows],
            answer[rows],
            Placing(verdict.orientation[rows], verdict.windows[rows], score[rows]),
        )
        unseen = np.isnan(closer)
        same[rows] = np.where(
            unseen, score[rows] >= THRESHOLD, closer >= LOOK_THRESHOLD
        )
        return same


def _run(search: _Search, progress: Progress | None) -> list[_Part]:
    """All chunks, on all cores."""
    count = len(search.maps)
    starts = range(0, count, search.index.chunk)
    found: list[_Part] = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for part in pool.map(search.look, starts):
            found.append(part)
            if progress is not None:
                progress(min(len(found) * search.index.chunk, count), count)
    return found


def _rank(asker: IntArray) -> IntArray:
    """0, 1, … within each run of equal values."""
    starts = np.flatnonzero(np.r_[True, asker[1:] != asker[:-1]][: len(asker)])
    counts = np.diff(np.r_[starts, len(asker)])
    rank: IntArray = np.arange(len(asker)) - np.repeat(starts, counts)
    return rank


def _best_rows(
    asker: IntArray, score: NDArray[np.float32], least: float, keep: int
) -> IntArray:
    """Rows of the `keep` best scores of each asker, at `least` or above."""
    order = np.lexsort((-score, asker))
    rank = _rank(asker[order])
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


def _keep_maps(thumbnails: Thumbnails, able: IntArray) -> NDArray[np.int8]:
    """Coarse maps of the images that take part as int8: 729 bytes each."""
    kept = [
        np.clip(
            np.rint(make_maps(thumbnails[able[at : at + 512]]) * MAP_SCALE), -127, 127
        )
        for at in range(0, len(able), 512)
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
