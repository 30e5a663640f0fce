"""Small volumes with balls in them, their masks, and a recipe that learns them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from medlens.core import Array
from medlens.recipe import (
    AugmentSettings,
    NetSettings,
    PrepSettings,
    Recipe,
    Step,
    TaskSettings,
    TrainSettings,
)
from medlens.train import MaskCache, MaskLesson, build_mask_cache

LABELS = ("background", "ball")
SPACING = (2.0, 1.0, 1.0)
PREP = PrepSettings((Step("percentile"),), 8)
Prepared = tuple[Array, Array, tuple[float, float, float] | None]


def ball(
    seed: int, *, shape: tuple[int, int, int] = (16, 16, 16), radius: float = 4.0
) -> tuple[Array, Array]:
    """Dark noise (1, D, H, W) with a bright ball somewhere inside, and its mask."""
    rng = np.random.default_rng(seed)
    margin = [min(radius, side / 2 - 1) for side in shape]
    centre = [rng.uniform(m, n - 1 - m) for m, n in zip(margin, shape, strict=True)]
    apart = sum((g - c) ** 2 for g, c in zip(np.indices(shape), centre, strict=True))
    mask = (apart <= radius**2).astype(np.uint8)
    values = 0.5 * mask + rng.random(shape) * 0.4
    return values[None].astype(np.float32), mask


def cache_of(
    folder: Path,
    prepare: Callable[[int], Prepared],
    *,
    cases: int,
    labels: int = 2,
    bits: int = 8,
    data: str = "balls",
    threads: int = 1,
) -> MaskCache:
    """The cases' cache, as a run builds it."""
    return build_mask_cache(
        folder,
        [f"case {i}" for i in range(cases)],
        prepare,
        labels=labels,
        settings=replace(PREP, cache_bits=bits),
        data_digest=data,
        threads=threads,
    )


def ball_lesson(
    folder: Path, *, train: int = 8, validation: int = 4, depth: int = 16
) -> MaskLesson:
    """Where is the ball? The last cases judge."""
    total = train + validation

    def prepare(index: int) -> Prepared:
        return *ball(index, shape=(depth, 32, 32), radius=6.0), SPACING

    rows = np.arange(total)
    return MaskLesson(
        cache=cache_of(folder, prepare, cases=total),
        labels=LABELS,
        train_rows=rows[:train],
        validation_rows=rows[train:],
        groups=rows,
    )


def mask_recipe(net: NetSettings | None = None, **train: object) -> Recipe:
    """Patches of 16×16×16 on the smallest 3D U-Net, or another network."""
    small = NetSettings("unet_quarter", "", height=16, width=16, depth=16, dropout=0.0)
    settings = TrainSettings(
        path="scratch",
        steps=8,
        batch_size=2,
        learning_rate=5e-3,
        ema=0.9,
        threads=1,
        foreground=0.7,
        seed=3,
    )
    return Recipe(
        task=TaskSettings("multiclass", LABELS, form="segment", mask_values=(0, 1)),
        prep=PREP,
        augment=AugmentSettings((Step("brightness", {"limit": 0.05, "p": 0.5}),)),
        net=net or small,
        train=replace(settings, **train),  # type: ignore[arg-type]
    )
