"""How much memory learning takes, and what fits into what there is.

Measured as peak resident memory of EfficientNet-Lite0 on a CPU, 64 to 224 px and
batches of 8 to 32; the straight line below lies on or above every measurement.
"""

from __future__ import annotations

from medlens.core import ResourceError
from medlens.plan.facts import Choice, Facts

BASE_MB = 800.0  # Python, torch, tables of the audit, copies of the weights, export
TRAINED_PIXEL_MB = 1.75e-3  # activations and gradients of a pixel in a batch
JUDGED_PIXEL_MB = 2.5e-4  # without gradients
JUDGED_BATCH = 64  # as `train.judge` has it
SMALLEST_BATCH = 8


def needed_mb(batch: int, side: int) -> float:
    """Peak memory in MB of learning with `batch` images of `side` px a step."""
    trained = batch * side**2 * TRAINED_PIXEL_MB
    judged = JUDGED_BATCH * side**2 * JUDGED_PIXEL_MB
    return BASE_MB + max(trained, judged)


def choose_batch(facts: Facts, side: int) -> int:
    """Small data needs more steps, not larger ones; little memory small steps."""
    batch = 8 if facts.train < 200 else 16 if facts.train < 1500 else 32
    while batch > SMALLEST_BATCH and needed_mb(batch, side) > facts.memory_mb:
        batch //= 2
    return batch


def limit_size(
    facts: Facts, sides: list[int], choice: Choice
) -> tuple[list[int], Choice]:
    """Inputs that memory allows.

    Args:
        facts: with the memory that may be used.
        sides: largest first; the first one suits the images.
        choice: of that one.

    Returns:
        What is left of `sides`, and the choice of its first.

    Raises:
        ResourceError: not even the smallest is; with the figure that it needs.
    """
    fitting = [s for s in sides if needed_mb(SMALLEST_BATCH, s) <= facts.memory_mb]
    if not fitting:
        least = needed_mb(SMALLEST_BATCH, sides[-1])
        raise ResourceError(
            f"memory: {facts.memory_mb} MB may be used; training needs about "
            f"{least:.0f} MB even at {sides[-1]} px: "
            "free some memory or raise the limit"
        )
    if fitting[0] == sides[0]:
        return fitting, choice
    return fitting, Choice(
        "net.height",
        f"{fitting[0]} px",
        f"{sides[0]} px would suit the images but needs "
        f"{needed_mb(SMALLEST_BATCH, sides[0]):.0f} MB; "
        f"{facts.memory_mb} MB may be used",
    )
