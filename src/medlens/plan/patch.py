"""Sides of the patches that a network for masks sees."""

from __future__ import annotations

import math

from medlens.nets import plan_topology
from medlens.plan.facts import Facts
from medlens.plan.grid import spacing_of
from medlens.recipe.settings import NetSettings

MOST_VOXELS = 600_000  # of a 3D patch: a step of two takes about a second
FLAT_SIDE = 256  # largest side of a 2D patch
GRAIN_3D, GRAIN_2D = 8, 32  # patch sides are multiples of it
LEAST_3D, LEAST_2D = (8, 16, 16), (1, 32, 32)
Sides = tuple[int, int, int]


def patch_words(net: NetSettings) -> str:
    """The patch for a reader."""
    if net.depth == 1:
        return f"{net.height}×{net.width} pixels"
    return f"{net.depth}×{net.height}×{net.width} voxels"


def plane_of(facts: Facts) -> tuple[int, int]:
    """Height and width of the median image."""
    return facts.height, facts.width


def rounded(side: int, grain: int, most: int) -> int:
    """A side in multiples of `grain`, at most `most`."""
    return max(grain, min(-(-side // grain) * grain, most))


def patch_of(facts: Facts) -> tuple[int, int, int]:
    """The median volume, its longest side cut until the patch is small enough."""
    depth, height, width = (
        max(least, rounded(side, GRAIN_3D, 512))
        for side, least in zip((facts.depth, *plane_of(facts)), LEAST_3D, strict=True)
    )
    sides: Sides = (depth, height, width)
    patch = halvable(sides, spacing_of(facts))
    while math.prod(patch) > MOST_VOXELS:
        sides = shorter(sides, LEAST_3D)
        patch = halvable(sides, spacing_of(facts))
    return patch


def halvable(sides: Sides, spacing: tuple[float, ...]) -> Sides:
    """Rounded up until every halving of the network comes out even."""
    while True:
        topology = plan_topology(sides, spacing or (1.0, 1.0, 1.0))
        d, h, w = topology.patch
        if (d, h, w) == sides:
            return sides
        sides = d, h, w


def shorter(sides: Sides, least: Sides) -> Sides:
    """The longest side that may still be cut, a step shorter; the same if none."""
    grain = GRAIN_2D if least == LEAST_2D else GRAIN_3D
    spare = [
        side if side - grain >= low else 0
        for side, low in zip(sides, least, strict=True)
    ]
    if not any(spare):
        return sides
    longest = spare.index(max(spare))
    cut = [side - grain * (i == longest) for i, side in enumerate(sides)]
    return cut[0], cut[1], cut[2]
