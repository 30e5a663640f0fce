"""Prepared series on disk: each volume is opened once and kept slice by slice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from medlens.core import Array, Image, reason_of
from medlens.datasets import Case
from medlens.recipe.settings import PrepSettings
from medlens.train.cache import (
    CacheWriter,
    PreparedCache,
    Progress,
    cache_digest,
    in_order,
    load_cache,
    whole_numbers,
)

MOST_SLICES = 4096  # of one series; a hostile header may claim any number


def build_sequence_cache(
    folder: Path,
    cases: Sequence[Case],
    open_one: Callable[[int], Image],
    prepare: Callable[[Image], Image],
    *,
    settings: PrepSettings,
    data_digest: str,
    threads: int,
    progress: Progress | None = None,
) -> PreparedCache:
    """Prepare every series once and keep its slices as rows "<case>#<d>".

    Steps that look at the whole volume (its window, its statistics) see the whole
    volume. A finished cache of the same data and steps is used again. Memory holds
    one volume for each thread and one that is being written.

    Args:
        folder: where `cache.bin` and `cache.json` go.
        cases: the series.
        open_one: index into `cases` → its volume (`datasets.open_case` with
            uneven="keep", so that slice d is `case.slices[d]`).
        prepare: volume → prepared volume, (C, D, H, W) in 0..1.
        settings: the steps behind `prepare`, for the digest, and the depth of
            the stored values.
        data_digest: digest of the data set.
        threads: that decode and prepare side by side.
        progress: called with (series done, series in all).

    Returns:
        The cache; `failed` lists series, never single slices.

    Raises:
        ResourceError: the disk is full.
        RecipeError: the steps give slices of different shapes.
    """
    keys = [case.key for case in cases]
    digest = cache_digest(["series", *keys], settings, data_digest)
    found = load_cache(folder, digest)
    if found is not None:
        return found
    writer = CacheWriter(folder, len(cases))
    rows: dict[str, int] = {}
    failed: list[tuple[str, str]] = []

    def work(index: int) -> Array | str:
        try:
            volume = prepare(open_one(index)).array
        except Exception as error:  # one hostile series must not end the others
            return reason_of(error)
        return _stored(volume, cases[index], settings.cache_bits)

    try:
        results = in_order(work, range(len(cases)), threads, ahead=threads)
        for i, result in enumerate(results):
            if isinstance(result, str):
                failed.append((keys[i], result))
            else:
                for d, values in enumerate(result):
                    rows[f"{keys[i]}#{d}"] = writer.add(values)
            if progress is not None:
                progress(i + 1, len(cases))
        shape = writer.shape or (1, 1, 1)
        bits = settings.cache_bits
        cache = PreparedCache(folder / "cache.bin", shape, bits, rows, tuple(failed))
        writer.finish(cache, digest)
    finally:
        writer.close()
    return cache


def _stored(volume: Array, case: Case, bits: int) -> Array | str:
    """(D, C, H, W) whole numbers of a prepared volume, or what is wrong with it."""
    depth = volume.shape[1]
    if depth > MOST_SLICES:
        return f"{depth} slices in one series; wanted at most {MOST_SLICES}"
    if case.slices and depth != len(case.slices):
        return (
            f"{depth} slices after preparation, but {len(case.slices)} are listed; "
            "leave out steps that change the number of slices"
        )
    kept = whole_numbers(volume, bits)
    if isinstance(kept, str):
        return kept
    # (C, D, H, W) -> (D, C, H, W)
    return np.ascontiguousarray(kept.swapaxes(0, 1))
