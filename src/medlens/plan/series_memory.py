"""How much memory learning from series takes, and what of a step fits.

Measured as peak resident memory of a process that learns, judging included
(`python -m benchmarks.series_memory`); the straight lines lie on or above every
measurement. See docs/plan.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from medlens.core import ResourceError
from medlens.plan.facts import Choice, Facts
from medlens.plan.memory import JUDGED_BATCH, JUDGED_PIXEL_MB
from medlens.plan.rules import SIZES
from medlens.recipe.settings import NetSettings, Recipe

BASE_MB = 900.0  # Python, torch, tables of the audit, copies of the weights, export
PIXEL_MB = 2.3e-3  # activations and gradients of a pixel of a step, Lite0
LOCAL_PIXEL_MB = 1.05e-3  # the same of the CNN of local findings
FEWEST_SERIES = 2
FEWEST_SLICES = 8  # of a step; fewer tell the reader little


def step_mb(net: NetSettings, batch: int) -> float:
    """Peak memory in MB of learning from `batch` series of `net.depth` slices."""
    pixels = net.height * net.width
    each = LOCAL_PIXEL_MB if net.name == "local2d" else PIXEL_MB
    judged = JUDGED_BATCH * pixels * JUDGED_PIXEL_MB
    return BASE_MB + max(batch * net.depth * pixels * each, judged)


def fit_step(
    facts: Facts, net: NetSettings, batch: int
) -> tuple[NetSettings, int, Choice | None]:
    """Series, slices and pixels of a step that memory allows.

    First fewer series, then fewer slices of each, then smaller ones.

    Args:
        facts: with the memory that may be used.
        net: that suits the series, square.
        batch: series a step that suit them.

    Returns:
        What is left of both, and why if it is less.

    Raises:
        ResourceError: not even the smallest step fits; with the figure it needs.
    """
    least = net, batch
    for smaller, series in _ever_smaller(net, batch):
        least = smaller, series
        if step_mb(smaller, series) <= facts.memory_mb:
            break
    else:
        raise ResourceError(
            f"memory: {facts.memory_mb} MB may be used; training needs about "
            f"{step_mb(*least):.0f} MB even with {_words(*least)} a step: free some "
            "memory or raise the limit"
        )
    if least == (net, batch):
        return net, batch, None
    return *least, Choice(
        "train.batch_size",
        f"{_words(*least)} a step",
        f"{_words(net, batch)} would need {step_mb(net, batch):.0f} MB; "
        f"{facts.memory_mb} MB may be used",
    )


def check_step(recipe: Recipe, memory_mb: int) -> None:
    """Refuse a recipe of a person whose steps do not fit into memory.

    Raises:
        ResourceError: with the figure, and the keys to lower.
    """
    net, batch = recipe.net, recipe.train.batch_size
    if recipe.task.form != "sequence" or recipe.train.path == "frozen":
        return
    needed = step_mb(net, batch)
    if needed > memory_mb:
        raise ResourceError(
            f"recipe: {_words(net, batch)} a step need about {needed:.0f} MB; "
            f"{memory_mb} MB may be used: lower train.batch_size, net.depth, or "
            "net.height and net.width with the resize of prep.steps"
        )


def _ever_smaller(net: NetSettings, batch: int) -> Iterator[tuple[NetSettings, int]]:
    yield net, batch
    while batch > FEWEST_SERIES:
        batch //= 2
        yield net, batch
    while net.depth > FEWEST_SLICES:
        net = replace(net, depth=max(FEWEST_SLICES, net.depth // 2))
        yield net, batch
    for side in sorted((s for s in SIZES if s < net.height), reverse=True):
        net = replace(net, height=side, width=side)
        yield net, batch


def _words(net: NetSettings, batch: int) -> str:
    return f"{batch} series of {net.depth} slices of {net.height}×{net.width} px"
