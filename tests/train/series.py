"""Small lessons of series with a known rule."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from medlens.core import Array, Image
from medlens.datasets import Case, CaseSlice
from medlens.prep import build_pipeline
from medlens.recipe import Recipe, Step
from medlens.recipe.settings import AugmentSettings, NetSettings
from medlens.train.sequence_cache import build_sequence_cache
from medlens.train.sequence_lesson import SequenceLesson, sequence_lesson
from tests.tiny import as_image, blob_image
from tests.train.lessons import PREP, SIDE, small_recipe

DEPTH = 5


def blob_volume(index: int, bright: tuple[int, ...], *, depth: int = DEPTH) -> Image:
    """A volume with a bright spot on the named slices."""
    planes = [
        blob_image(100 * index + d, has_blob=d in bright, centre=(20, 20))
        for d in range(depth)
    ]
    whole: Array = np.concatenate([as_image(plane).array for plane in planes], axis=1)
    return as_image(planes[0]).with_array(whole)


def series_case(index: int, targets: list[int]) -> Case:
    """Case with a slice for each target; positive where one of them is."""
    one_hot = [(1 - t, t) for t in targets]
    parts = tuple(
        CaseSlice(f"{index}/{d}.png", Path("none"), target=target, number=float(d))
        for d, target in enumerate(one_hot)
    )
    whole = int(any(targets))
    return Case(f"case {index}", Path("none"), (1 - whole, whole), slices=parts)


def series_lesson(
    folder: Path, *, series: int = 12, validation: int = 4, by_slice: bool = True
) -> SequenceLesson:
    """Every second series has a bright spot, on two slices that lie together."""
    cases, volumes = [], []
    for i in range(series + validation):
        first = i % (DEPTH - 1)
        bright = (first, first + 1) if i % 2 else ()
        said = [int(d in bright) if by_slice else i % 2 for d in range(DEPTH)]
        cases.append(series_case(i, said))
        volumes.append(blob_volume(i, bright))
    cache = build_sequence_cache(
        folder / "cache",
        cases,
        lambda i: volumes[i],
        build_pipeline(PREP.steps),
        settings=PREP,
        data_digest="blobs",
        threads=1,
    )
    return sequence_lesson(
        cases,
        cache,
        kind="binary",
        labels=("no", "yes"),
        splits=["train"] * series + ["validation"] * validation,
        groups=range(series + validation),
    )


def series_recipe(
    *, reader: str = "gru", depth: int = DEPTH, **train: object
) -> Recipe:
    """A few steps of four series on the smallest network."""
    recipe = small_recipe(**{"batch_size": 4, **train})
    net = NetSettings(
        name="residual18_half",
        pretrained="",
        height=SIDE,
        width=SIDE,
        depth=depth,
        dropout=0.1,
        reader=reader,  # type: ignore[arg-type]
        hidden=8,
    )
    steps = AugmentSettings((Step("horizontal_flip"), Step("noise", {"p": 1.0})))
    task = replace(recipe.task, form="sequence", labels=("no", "yes"), positive="yes")
    return replace(recipe, net=net, augment=steps, task=task)
