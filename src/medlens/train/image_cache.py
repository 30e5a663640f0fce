"""Prepared training images on disk: each case is opened once and kept as a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from medlens.core import Array, Image, reason_of
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


def build_cache(
    folder: Path,
    keys: Sequence[str],
    open_one: Callable[[int], Image],
    prepare: Callable[[Image], Image],
    *,
    settings: PrepSettings,
    data_digest: str,
    threads: int,
    volumes: bool = False,
    progress: Progress | None = None,
) -> PreparedCache:
    """Prepare every case once and keep the result.

    A finished cache of the same data and steps is used again.

    Args:
        folder: where `cache.bin` and `cache.json` go.
        keys: case keys.
        open_one: index into `keys` → source image.
        prepare: source image → prepared image, (C, 1, H, W) in 0..1.
        settings: the steps behind `prepare`, for the digest, and the depth.
        data_digest: digest of the data set.
        threads: that decode and prepare side by side.
        volumes: keep (C, D, H, W); else a case with several slices fails.
        progress: called with (done, total).

    Raises:
        ResourceError: the disk is full.
        RecipeError: the steps give images of different shapes.
    """
    digest = cache_digest(keys, settings, data_digest)
    found = load_cache(folder, digest)
    if found is not None:
        return found
    results = in_order(
        lambda i: _prepare_one(i, open_one, prepare, settings.cache_bits, volumes),
        range(len(keys)),
        threads,
    )
    writer = CacheWriter(folder, len(keys))
    failed: list[tuple[str, str]] = []
    rows: dict[str, int] = {}
    try:
        for i, result in enumerate(results):
            if isinstance(result, str):
                failed.append((keys[i], result))
            else:
                rows[keys[i]] = writer.add(result)
            if progress is not None:
                progress(i + 1, len(keys))
        cache = PreparedCache(
            folder / "cache.bin",
            writer.shape or (1, 1, 1),
            settings.cache_bits,
            rows,
            tuple(failed),
        )
        writer.finish(cache, digest)
    finally:
        writer.close()
    return cache


def _prepare_one(
    index: int,
    open_one: Callable[[int], Image],
    prepare: Callable[[Image], Image],
    bits: int,
    volumes: bool,
) -> Array | str:
    try:
        prepared = prepare(open_one(index)).array
    except Exception as error:  # one hostile file must not end the others
        return reason_of(error)
    if prepared.shape[1] != 1 and not volumes:
        return (
            f"{prepared.shape[1]} slices in one case; wanted a single image: list "
            "the slices one by one"
        )
    values = prepared if volumes else prepared[:, 0]
    return whole_numbers(values, bits)
