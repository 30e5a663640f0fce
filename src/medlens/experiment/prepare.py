"""Training and validation cases prepared on disk, for each form of task.

The forms differ in what is opened and in what a row of the cache is; what is said
of the result is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from medlens.core import Array
from medlens.datasets import Case, Manifest, open_case, open_mask
from medlens.experiment.narrator import Narrator
from medlens.prep import build_pipeline, prepare_mask
from medlens.recipe import Recipe

if TYPE_CHECKING:
    from medlens.train import MaskCache, PreparedCache

PREPARED_AT_ONCE = 2  # whole volumes with masks in memory
TOLD = 5  # cases left out that the narrator names


def prepare_images(
    recipe: Recipe,
    cases: Sequence[Case],
    *,
    work: Path,
    data_digest: str,
    narrator: Narrator,
) -> PreparedCache:
    """A row for each case: an image, or a volume where the task is about volumes.

    Args:
        recipe: steps, form of the task, threads.
        cases: of the training and validation split.
        work: folder that the cache goes to.
        data_digest: digest of the data set.
        narrator: told how far it is and which cases are left out.

    Raises:
        ResourceError, RecipeError: as in `train.build_cache`.
    """
    from medlens.train import build_cache

    narrator.step("Prepare images")
    cache = build_cache(
        work,
        [case.key for case in cases],
        lambda i: open_case(cases[i]),
        build_pipeline(recipe.prep.steps),
        settings=recipe.prep,
        data_digest=data_digest,
        threads=recipe.train.threads,
        volumes=recipe.task.form == "volume",
        progress=narrator.progress,
    )
    _tell(f"{len(cache.rows)} images of {cache.shape}", cache.failed, narrator)
    return cache


def prepare_series(
    recipe: Recipe,
    cases: Sequence[Case],
    *,
    work: Path,
    data_digest: str,
    narrator: Narrator,
) -> PreparedCache:
    """A row for each slice of each case, arguments as for `prepare_images`.

    Raises:
        ResourceError, RecipeError: as in `train.build_sequence_cache`.
    """
    from medlens.train import build_sequence_cache

    narrator.step("Prepare series")
    cache = build_sequence_cache(
        work,
        cases,
        lambda i: open_case(cases[i], uneven="keep"),
        build_pipeline(recipe.prep.steps),
        settings=recipe.prep,
        data_digest=data_digest,
        threads=recipe.train.threads,
        progress=narrator.progress,
    )
    _tell(f"{len(cache.rows)} slices of {cache.shape}", cache.failed, narrator)
    return cache


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

    `manifest` says which values of a mask file stand for which label.

    Raises:
        ResourceError: as in `train.build_mask_cache`.
    """
    from medlens.train import build_mask_cache

    narrator.step("Prepare volumes and masks")
    pipeline = build_pipeline(recipe.prep.steps)
    labels = len(manifest.labels)

    def prepare(index: int) -> tuple[Array, Array, tuple[float, float, float]]:
        image = open_case(cases[index])
        mask = open_mask(cases[index], manifest.mask_values, image=image)
        prepared = pipeline(image)
        fitted = prepare_mask(mask, image, prepared, labels=labels)
        return prepared.array, fitted, prepared.geometry.spacing

    cache = build_mask_cache(
        work,
        [case.key for case in cases],
        prepare,
        labels=labels,
        settings=recipe.prep,
        data_digest=data_digest,
        threads=min(recipe.train.threads, PREPARED_AT_ONCE),
        progress=narrator.progress,
    )
    _tell(f"{len(cache.entries)} cases with masks", cache.failed, narrator)
    return cache


def _tell(kept: str, failed: Sequence[tuple[str, str]], narrator: Narrator) -> None:
    narrator.say(f"{kept} prepared on disk.")
    for key, reason in failed[:TOLD]:
        narrator.say(f"Left out: {key}: {reason}")
