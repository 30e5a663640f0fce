"""Training and validation cases prepared on disk: images, volumes, series.

The forms differ in what is opened and in what a row of the cache is; what is said
of the result is the same. Masks have `prepare_masks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from medlens.datasets import Case, open_case
from medlens.experiment.narrator import Narrator
from medlens.prep import build_pipeline
from medlens.recipe import Recipe

if TYPE_CHECKING:
    from medlens.train import PreparedCache

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
    tell_prepared(f"{len(cache.rows)} images of {cache.shape}", cache.failed, narrator)
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
    tell_prepared(f"{len(cache.rows)} slices of {cache.shape}", cache.failed, narrator)
    return cache


def tell_prepared(
    kept: str, failed: Sequence[tuple[str, str]], narrator: Narrator
) -> None:
    """What was prepared, and the first cases that were left out."""
    narrator.say(f"{kept} prepared on disk.")
    for key, reason in failed[:TOLD]:
        narrator.say(f"Left out: {key}: {reason}")
