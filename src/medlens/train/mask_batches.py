"""Patches of volumes with their masks: where they are laid, how they are changed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from medlens.core import TrainError
from medlens.prep import build_volume_augment
from medlens.recipe.settings import NetSettings, Recipe
from medlens.train.batches import spacing_of_net
from medlens.train.graft import graft, is_body
from medlens.train.lesson import IntArray
from medlens.train.mask_cache import MaskCache, Triple
from medlens.train.order import case_weights, picks_of_step

FloatArray = NDArray[np.float32]
Patch = tuple[FloatArray, NDArray[np.uint8]]
AHEAD = 3


@dataclass(frozen=True)
class MaskLesson:
    """Training and validation cases of one run.

    Attributes:
        cache: prepared volumes with masks.
        labels: K names, the background first.
        train_rows, validation_rows: rows of the cache.
        groups: group of each training row, then of each validation row.
    """

    cache: MaskCache
    labels: tuple[str, ...]
    train_rows: IntArray
    validation_rows: IntArray
    groups: IntArray

    def __post_init__(self) -> None:
        if len(self.train_rows) == 0 or len(self.validation_rows) == 0:
            raise TrainError(
                f"{len(self.train_rows)} training and {len(self.validation_rows)} "
                "validation cases with masks could be prepared; wanted at least one "
                "of each: see the unreadable cases in audit.json"
            )

    def presence(self) -> NDArray[np.int8]:
        """(n, K) labels that occur in each training case."""
        entries = [self.cache.entries[row] for row in self.train_rows]
        return (
            np.array([entry.voxels for entry in entries]).astype(bool).astype(np.int8)
        )


@dataclass(frozen=True)
class MaskBatch:
    """One step's input: (B, C, …) in 0..1 and (B, …) int64 label indices."""

    step: int
    epoch: int
    images: Tensor
    masks: Tensor


def mask_batches(
    lesson: MaskLesson, recipe: Recipe, *, start: int, stop: int, per_epoch: int
) -> Iterator[MaskBatch]:
    """Augmented patches of steps `start` to `stop` - 1, in order."""
    seed, size = recipe.train.seed, recipe.train.batch_size
    augment = build_volume_augment(
        recipe.augment.steps, seed=seed, spacing=spacing_of_net(recipe.net)
    )
    weights = case_weights(
        lesson.groups[: len(lesson.train_rows)],
        lesson.presence(),
        power=recipe.train.group_power,
    )
    lay = Layer(lesson.cache, recipe.net, foreground=recipe.train.foreground)
    around = Layer(lesson.cache, recipe.net, foreground=1.0)
    labelled = lesson.presence()[:, 1:].any(axis=1)
    donors = lesson.train_rows[labelled & (recipe.train.graft > 0)]

    def changed(patch: Patch, step: int, index: int) -> Patch:
        values, mask = augment(*patch, epoch=step, index=index)
        assert mask is not None  # a mask went in
        return values, mask

    def make(step: int) -> MaskBatch:
        picks = picks_of_step(
            step,
            cases=len(lesson.train_rows),
            batch_size=size,
            seed=seed,
            weights=weights,
        )
        patches = []
        # Two patches of an only case: a batch norm needs more than one value where
        # a map is 1 × 1.
        cases = np.resize(picks.cases, max(2, len(picks.cases)))
        for slot, case in enumerate(cases):
            rng = np.random.default_rng([seed, 17, step, slot])
            row = int(lesson.train_rows[case])
            drawn = lay.draw(row, rng)
            patch = changed(drawn, step, slot)
            if len(donors) and rng.random() < recipe.train.graft:
                donor = around.draw(int(rng.choice(donors)), rng)
                grown = changed(donor, step, size + slot)
                _, body = changed((drawn[0], is_body(drawn[0])), step, slot)
                patch = graft(patch, grown, rng, body=body)
            patches.append(patch)
        return MaskBatch(step, step // per_epoch, *to_tensors(patches, recipe.net))

    with ThreadPoolExecutor(1) as pool:
        waiting: list[Future[MaskBatch]] = []
        for step in range(start, min(start + AHEAD, stop)):
            waiting.append(pool.submit(make, step))
        while waiting:
            batch = waiting.pop(0).result()
            following = batch.step + AHEAD
            if following < stop:
                waiting.append(pool.submit(make, following))
            yield batch


class Layer:
    """Lays patches in the volumes of a cache.

    Args:
        cache: of the volumes.
        net: patch, and neighbours that are channels.
        foreground: share of the patches laid around a labelled voxel.
    """

    def __init__(
        self, cache: MaskCache, net: NetSettings, *, foreground: float
    ) -> None:
        self._cache, self._net = cache, net
        self._foreground = foreground
        self.size: Triple = (net.depth, net.height, net.width)
        rows = cache.points[:, 0]  # ascending, as written
        self._first = np.searchsorted(rows, np.arange(len(cache.entries) + 1))

    def draw(self, row: int, rng: np.random.Generator) -> Patch:
        """A patch at random: around a voxel of a random label, or anywhere."""
        points = self._cache.points[self._first[row] : self._first[row + 1]]
        shape = self._cache.entries[row].shape
        start = [_anywhere(n, k, rng) for n, k in zip(shape, self.size, strict=True)]
        if len(points) and rng.random() < self._foreground:
            labels = np.unique(points[:, 1])
            of_label = points[points[:, 1] == rng.choice(labels)]
            centre = of_label[rng.integers(len(of_label)), 2:]
            start = [
                _around(int(c), n, k)
                for c, n, k in zip(centre, shape, self.size, strict=True)
            ]
        return self.cut(row, (start[0], start[1], start[2]))

    def cut(self, row: int, start: Triple) -> Patch:
        """The patch that starts there; (C·(2·context + 1), d, h, w) and its mask."""
        context = self._net.context
        if not context:
            return self._cache.read_patch(row, start, self.size)
        _, mask = self._cache.read_patch(row, start, self.size)
        slices = self._cache.entries[row].shape[0]
        neighbours = [
            self._cache.read_patch(
                row, (min(max(start[0] + k, 0), slices - 1), *start[1:]), self.size
            )[0]
            for k in range(-context, context + 1)
        ]
        return np.stack(neighbours, axis=1).reshape(-1, *self.size), mask

    def tiles(self, row: int, most: int) -> Iterator[Patch]:
        """At most `most` patches side by side, from the middles of equal parts."""
        shape = self._cache.entries[row].shape
        starts = [_side_by_side(n, k) for n, k in zip(shape, self.size, strict=True)]
        places = [(d, h, w) for d in starts[0] for h in starts[1] for w in starts[2]]
        count = min(most, len(places))
        for part in range(count):  # ends of a volume are mostly air
            yield self.cut(row, places[(2 * part + 1) * len(places) // (2 * count)])


def to_tensors(patches: list[Patch], net: NetSettings) -> tuple[Tensor, Tensor]:
    """(B, C, …) and (B, …) int64; without the slice axis for 2D networks."""
    images = torch.from_numpy(np.stack([values for values, _ in patches]))
    masks = torch.from_numpy(np.stack([mask for _, mask in patches])).long()
    if net.depth > 1:
        return images, masks
    flat = images[:, :, 0].contiguous(memory_format=torch.channels_last)
    return flat, masks[:, 0]


def _anywhere(length: int, patch: int, rng: np.random.Generator) -> int:
    """Start of a patch inside the volume, or of one that holds all of it."""
    low, high = sorted((0, length - patch))
    return int(rng.integers(low, high + 1))


def _around(centre: int, length: int, patch: int) -> int:
    low, high = sorted((0, length - patch))
    return min(max(centre - patch // 2, low), high)


def _side_by_side(length: int, patch: int) -> list[int]:
    if length <= patch:
        return [(length - patch) // 2]
    count = -(-length // patch)
    return [round(float(at)) for at in np.linspace(0, length - patch, count)]
