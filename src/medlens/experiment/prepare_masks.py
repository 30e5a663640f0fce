"""Volumes and masks of a study, prepared on disk with one at a time in memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from medlens.core import MedlensError, ResourceError
from medlens.datasets import Case, Manifest, open_case, open_mask, size_of_case
from medlens.experiment.collect_masks import spacing_of
from medlens.experiment.narrator import Narrator
from medlens.experiment.prepare import tell_prepared
from medlens.predict.mapped import allocate
from medlens.prep import build_pipeline, prepare_mask
from medlens.recipe import Recipe

if TYPE_CHECKING:
    from pathlib import Path

    from medlens.train import MaskCache
    from medlens.train.mask_cache import Prepared

PREPARED_AT_ONCE = 2  # whole volumes in memory
BASE_MB = 600.0  # the program with torch loaded
VOXEL_BYTES = 6
"""The most that is held for a voxel: a NIfTI file's 16 bits as stored and rescaled to
float32. Later the mask as stored, as indices and as prepared take less. Series of
slices and prepared values lie in files."""


def prepare_masks(
    recipe: Recipe,
    manifest: Manifest,
    cases: Sequence[Case],
    *,
    work: Path,
    data_digest: str,
    narrator: Narrator,
) -> MaskCache:
    """Each case with its mask, arguments as for `prepare_images`.

    `manifest` says which values of a mask file stand for which label. A case that
    fails is left out and told.

    Raises:
        ResourceError: a volume would not fit into `budget.memory_mb`; known from the
            headers, before the first is opened. Or the disk is full.
    """
    from medlens.train import build_mask_cache

    narrator.step("Prepare volumes and masks")
    threads = threads_that_fit(
        cases, memory_mb=recipe.budget.memory_mb, threads=recipe.train.threads
    )
    pipeline = build_pipeline(recipe.prep.steps)
    labels = len(manifest.labels)
    depth = np.uint8 if recipe.prep.cache_bits == 8 else np.uint16

    def prepare(index: int) -> Prepared:
        image = open_case(cases[index], allocate=allocate)
        prepared = pipeline.run_volume(
            image, allocate=lambda shape: allocate(shape, depth)
        )
        # The mask needs the image's grid only: its pixels go before it comes.
        shape = image.array.shape
        image = image.with_array(np.broadcast_to(np.uint8(0), shape))
        mask = open_mask(cases[index], manifest.mask_values, image=image)
        fitted = prepare_mask(mask, image, prepared, labels=labels)
        # the source's: a measure in mm must not follow from what training sees
        return prepared.array, fitted, spacing_of(image)

    cache = build_mask_cache(
        work,
        [case.key for case in cases],
        prepare,
        labels=labels,
        settings=recipe.prep,
        data_digest=data_digest,
        threads=threads,
        progress=narrator.progress,
    )
    tell_prepared(f"{len(cache.entries)} cases with masks", cache.failed, narrator)
    return cache


def threads_that_fit(cases: Sequence[Case], *, memory_mb: float, threads: int) -> int:
    """How many volumes may be prepared side by side.

    Args:
        cases: of which only headers are read.
        memory_mb: what the process may hold, in units of 10^6 bytes.
        threads: that there are; at most two are used.

    Raises:
        ResourceError: the largest volume alone needs more; with both figures and the
            setting to change.
    """
    largest, key = max(((_voxels(case), case.key) for case in cases), default=(0, ""))
    each = largest * VOXEL_BYTES / 1e6
    if BASE_MB + each > memory_mb:
        raise ResourceError(
            f"{key}: preparing {largest / 1e6:.0f} million voxels for training needs "
            f"about {math.ceil(BASE_MB + each)} MB and {memory_mb:.0f} MB may be used; "
            f"raise budget.memory_mb to {math.ceil(BASE_MB + each)}, or crop the "
            "volume or leave it out"
        )
    fitting = int((memory_mb - BASE_MB) / each) if each else PREPARED_AT_ONCE
    return max(1, min(threads, PREPARED_AT_ONCE, fitting))


def _voxels(case: Case) -> int:
    """0 for pictures, and where the headers cannot be read: opening says why."""
    try:
        size = size_of_case(case)
    except MedlensError:
        return 0
    return math.prod(size) if size else 0
