"""A recipe of a person against the memory that there is, before anything is read."""

from __future__ import annotations

from medlens.core import ResourceError
from medlens.plan import series_memory, volumes
from medlens.plan.segment_fit import needed_mb
from medlens.recipe.settings import NetSettings, Recipe

MASK_NETS = frozenset({"unet_half", "unet_lite0"})  # whose memory was measured
VOLUME_NETS = frozenset({"local3d"})


def check_step(recipe: Recipe, memory_mb: int) -> None:
    """Refuse a recipe of a person whose steps do not fit into memory.

    Networks that were never measured, and single images, are let through.

    Raises:
        ResourceError: with the figure, and the keys to lower.
    """
    net, batch, form = recipe.net, recipe.train.batch_size, recipe.task.form
    if form == "sequence":
        series_memory.check_step(recipe, memory_mb)
        return
    if form == "segment" and net.name in MASK_NETS:
        needed, what = needed_mb(net, batch), "patches"
        smaller = "net.depth, net.height or net.width"
    elif form == "volume" and net.name in VOLUME_NETS:
        needed, what = volumes.needed_mb(net, batch), "volumes"
        smaller = "net.depth, net.height and net.width with the steps of prep.steps"
    else:
        return
    if needed > memory_mb:
        raise ResourceError(
            f"recipe: {batch} {what} of {_sides(net)} a step need about "
            f"{needed:.0f} MB; {memory_mb} MB may be used: lower train.batch_size, "
            f"or {smaller}"
        )


def _sides(net: NetSettings) -> str:
    sides = (net.depth, net.height, net.width)
    return "×".join(str(side) for side in sides[net.depth == 1 :])
