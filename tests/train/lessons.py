"""Small lessons with a known rule, and a recipe that learns them in seconds."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from medlens.core import Array
from medlens.prep import build_pipeline
from medlens.recipe import (
    AugmentSettings,
    NetSettings,
    PrepSettings,
    Recipe,
    SplitSettings,
    Step,
    TrainSettings,
)
from medlens.recipe.settings import Kind
from medlens.train import Lesson, build_cache
from tests.tiny import as_image, blob_image

SIDE = 16
PREP = PrepSettings(
    (
        Step("display"),
        Step("to_grey"),
        Step("resize", {"height": SIDE, "width": SIDE, "mode": "stretch"}),
    )
)


def blob_lesson(folder: Path, *, cases: int = 32, validation: int = 12) -> Lesson:
    """Is there a bright spot? Every second case has one."""
    total = cases + validation
    cache = build_cache(
        folder / "cache",
        [f"case {i}" for i in range(total)],
        lambda i: as_image(blob_image(i, has_blob=bool(i % 2), centre=(20, 20))),
        build_pipeline(PREP.steps),
        settings=PREP,
        data_digest="blobs",
        threads=1,
    )
    targets = np.eye(2, dtype=np.int8)[np.arange(total) % 2]
    return lesson_of(cache_rows=total, train=cases, targets=targets, cache=cache)


def lesson_of(
    *,
    cache_rows: int,
    train: int,
    targets: Array,
    cache: object,
    kind: Kind = "binary",
    groups: Array | None = None,
) -> Lesson:
    """The first `train` rows teach, the others judge."""
    rows = np.arange(cache_rows)
    return Lesson(
        cache=cache,  # type: ignore[arg-type]
        kind=kind,
        labels=tuple(f"label {k}" for k in range(targets.shape[1])),
        train_rows=rows[:train],
        validation_rows=rows[train:],
        train_targets=targets[:train],
        validation_targets=targets[train:],
        groups=rows if groups is None else groups,
    )


def small_recipe(**train: object) -> Recipe:
    """Twelve steps of eight cases on the smallest network."""
    settings = TrainSettings(
        path="scratch",
        steps=12,
        epochs=3,
        batch_size=8,
        learning_rate=2e-3,
        ema=0.9,
        threads=1,
        seed=3,
    )
    return Recipe(
        split=SplitSettings(folds=3),
        prep=PREP,
        augment=AugmentSettings((Step("horizontal_flip"), Step("noise", {"p": 1.0}))),
        net=NetSettings("residual18_half", "", 1, SIDE, SIDE, 0.3),
        train=replace(settings, **train),  # type: ignore[arg-type]
    )


def digest_of(net: torch.nn.Module) -> str:
    """SHA-256 of every weight and statistic, bit for bit."""
    whole = hashlib.sha256()
    for name, value in sorted(net.state_dict().items()):
        whole.update(name.encode())
        whole.update(value.contiguous().numpy().tobytes())
    return whole.hexdigest()
