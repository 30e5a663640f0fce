"""An image with many copies is one family, not several."""

from __future__ import annotations

import cv2
import numpy as np

from medlens.datasets.duplicates import find_copies, join_pairs
from medlens.datasets.hashes import make_thumbnail


def texture(rng: np.random.Generator, side: int = 160) -> np.ndarray:
    """Smooth and fine detail that no other texture shares."""
    layers = [
        cv2.resize(rng.random((n, n), dtype=np.float32), (side, side), interpolation=2)
        for n in (6, 14, 40)
    ]
    return (255 * np.clip(sum(layers) / 3, 0, 1)).astype(np.uint8)


def variant(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A crop of 85 % of each side, other brightness, perhaps flipped, re-encoded."""
    side = image.shape[0]
    size = int(side * rng.uniform(0.86, 1.0))
    top, left = rng.integers(0, side - size + 1, 2)
    copy = image[top : top + size, left : left + size]
    if rng.random() < 0.5:
        copy = copy[:, ::-1]
    copy = np.clip(copy * rng.uniform(0.7, 1.2) + rng.uniform(-15, 15), 0, 255)
    done, data = cv2.imencode(".jpg", copy.astype(np.uint8), [1, 60])
    assert done
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)


def test_twenty_copies_are_one_family_and_strangers_stay_alone() -> None:
    rng = np.random.default_rng(0)
    family = [variant(texture(np.random.default_rng(7)), rng) for _ in range(20)]
    strangers = [texture(rng) for _ in range(60)]
    images = [*family, *strangers]
    order = rng.permutation(len(images))
    thumbnails = np.stack([make_thumbnail(images[i]) for i in order])
    groups = join_pairs(len(images), find_copies(thumbnails).pairs)
    found = [sorted(order[list(group)].tolist()) for group in groups]
    assert found == [list(range(20))]
